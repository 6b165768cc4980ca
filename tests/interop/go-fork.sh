#!/usr/bin/env bash
# Proofs of two histories, checked by Go's sumdb/note and sumdb/tlog and by torchwood alone: those of the unit test hold, and
# none does of which a bit is altered.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/interop/go.lib
[ -x "$PARLEY_BUILD/tests/unit-test_fork" ] || skip "the build has no tests"

step "The Go program is built"
go_program tests/interop/go1.24 "$TMPDIR/peer"
fork() { "$TMPDIR/peer" fork "$1" "$2"; }

step "It accepts the proofs of the unit test that are under one card"
mkdir "$TMPDIR/made"
"$PARLEY_BUILD/tests/unit-test_fork" --write "$TMPDIR/made" >"$TMPDIR/list"
count=0
while read -r name known; do
  case $name in cards*) continue ;; esac
  expect_exit 0 fork "$TMPDIR/made/$name" "cards/${known%=*}.json"
  count=$((count + 1))
done <"$TMPDIR/list"
[ $count -ge 7 ] || fail "only $count proofs"

# Not the lowest bits, which Go's notes overlook in the last digit of base64.
changed() {
  python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read()); b[int(sys.argv[2])] ^= 4
open(sys.argv[3], "wb").write(b)' "$@"
}

step "It refuses them with any part altered, or against somebody else"
for name in log mirror; do
  card=cards/$(sed -n "s/^$name \(.*\)=.*/\1/p" "$TMPDIR/list").json
  for file in first.checkpoint second.checkpoint consistency; do
    cp "$TMPDIR/made/$name/$file" "$TMPDIR/whole"
    for at in $(seq 0 7 $(($(stat -c %s "$TMPDIR/whole") - 1))); do
      changed "$TMPDIR/whole" "$at" "$TMPDIR/made/$name/$file"
      expect_exit 1 fork "$TMPDIR/made/$name" "$card"
    done
    cp "$TMPDIR/whole" "$TMPDIR/made/$name/$file"
  done
  expect_exit 0 fork "$TMPDIR/made/$name" "$card"
done
cp "$TMPDIR/made/mirror/cards/"*.json "$TMPDIR/made/log/cards/"
expect_exit 1 fork "$TMPDIR/made/log" cards/ncc.ru.example.json
cp "$TMPDIR/made/log/second.checkpoint" "$TMPDIR/made/log/first.checkpoint"
expect_exit 1 fork "$TMPDIR/made/log" cards/cert.us.example.json
said "same tree"
