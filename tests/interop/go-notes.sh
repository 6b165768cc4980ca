#!/usr/bin/env bash
# Signed notes and checkpoints, 10,000 of them altered, read by parley and by the Go of those who wrote the specifications
# (golang.org/x/mod/sumdb/note, filippo.io/torchwood): one verdict on each, but for differences that are named and counted.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/interop/go.lib
ours=$PARLEY_BUILD/tests/interop-notes
[ -x "$ours" ] || skip "this build has no test programs"

step "The Go program is built"
go_program tests/interop/go1.24 "$TMPDIR/peer"

step "10,000 altered notes and checkpoints"
expect_exit 0 "$TMPDIR/peer" notes "$ours"
cat "$out"
[ "$(awk '/same verdict/ { print $1 }' "$out")" -gt 8000 ] || fail "too few of them tell anything"
[ "$(awk '/notes verified/ { print $1 }' "$out")" -gt 500 ] || fail "too few notes are good"
[ "$(awk '/checkpoints read/ { print $1 }' "$out")" -gt 100 ] || fail "too few checkpoints are good"
