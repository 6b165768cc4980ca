#!/usr/bin/env bash
# Everything that is stored is checked again from its bytes, beside the running node and at rest: each sort of stored byte
# that was changed is found, and named.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

spoil() { python3 tests/e2e/audit_flip.py "$TMPDIR/$1/store.sqlite" spoil "$2" "${party[$3]}" "$TMPDIR/saved"; }
delete() { python3 tests/e2e/audit_flip.py "$TMPDIR/$1/store.sqlite" delete "$2" "${party[$3]}" "$TMPDIR/saved"; }
back() { python3 tests/e2e/audit_flip.py "$TMPDIR/$1/store.sqlite" back "$TMPDIR/saved"; }
# HOME KIND OF SENTENCE: what is spoilt is found under that kind, once, with that sentence
found() {
  local kind=$5
  "$1" "$2" "$3" "$4"
  expect_exit 1 on "$2" parley audit --json
  python3 - "$out" "$kind" "$6" <<'PY' || { cat "$out"; fail "$3 of $4 at $2"; }
import json, re, sys
problems = json.load(open(sys.argv[1]))["problems"]
assert all(p["advice"] for p in problems)
sys.exit(not any(p["kind"] == sys.argv[2] and re.search(sys.argv[3], p["what"]) for p in problems))
PY
  back "$2"
}

step "Two parties, notices both ways, a file, an acknowledgement"
make_pair
make_file 20000 "$TMPDIR/log.bin"
send_notice us ru
ack ru "$id"
wait_read us "$id"
send_notice us ru --attach "$TMPDIR/log.bin"
with_file=$id
files() { on ru parley show "$with_file" --json | python3 -c 'import json, sys
d = json.load(sys.stdin)["delivery"][0]
sys.exit(d.get("files_held") != d["files_total"])'; }
wait_for 30 "the file is held" files
send_notice ru us

step "Beside the running nodes: everything holds"
for home in us ru; do
  expect_exit 0 on "$home" parley audit
  said 'Everything that is stored holds'
done
expect_exit 0 ru parley audit --json
[ "$(field result <"$out")" = clean ]
[ "$(field totals.files <"$out")" = 1 ] || fail "the file was not checked"
[ "$(field totals.bodies <"$out")" -ge 3 ] || fail "bodies were not checked"
expect_exit 0 ru parley audit --forum "${forum:0:8}" --no-bodies
expect_exit 1 ru parley audit --forum 0123456789
expect_exit 2 ru parley audit --since yesterday
expect_exit 0 ru parley audit --since 2 --json
[ "$(field totals.entries <"$out")" -ge 3 ]

step "Over the line: what the counterpart holds, and serves"
expect_exit 0 us parley audit --mirror ncc.ru.example --json
[ "$(field totals.entries <"$out")" -ge 8 ] || fail "the mirror's entries were not read"
[ "$(field totals.cosignatures <"$out")" -ge 2 ] || fail "the mirror's cosignatures were not checked"
expect_exit 1 us parley audit --mirror somebody.example
said 'no party whose card is at hand'
expect_exit 2 us parley audit --origin cert.us.example/0/0

step "A mirror that is open to all, as files behind a plain server, and a spoilt tile of it; no home is needed"
us parley card export --out "$TMPDIR/us.card.json" >/dev/null
ru parley card export --out "$TMPDIR/ru.card.json" >/dev/null
origin="cert.us.example/$forum/0"
PARLEY_HOME=$TMPDIR/us python3 tests/e2e/audit_files.py "$TMPDIR/us/parleyd.sock" "$origin" "$TMPDIR/open"
python3 -m http.server --bind "$loopback" --directory "$TMPDIR/open" 8080 >"$TMPDIR/open.log" 2>&1 &
pid[open]=$!
open_up() { curl -fs "http://$loopback:8080/" >/dev/null; }
wait_for 20 "the open mirror answers" open_up
open_audit() {
  PARLEY_HOME=$TMPDIR/nowhere parley audit --mirror "http://$loopback:8080" --origin "$origin" --card "$TMPDIR/us.card.json" "$TMPDIR/ru.card.json" "$@"
}
expect_exit 0 open_audit --json
[ "$(field totals.signatures <"$out")" -ge 3 ] || fail "the statements' signatures were not checked"
tile=$(find "$TMPDIR/open" -path '*/tile/0/*' -type f | head -n 1)
altered "$tile" 33
expect_exit 1 open_audit
said 'tile 0/0 has another hash for entry 1'
altered "$tile" 33
entries=$(find "$TMPDIR/open" -path '*/tile/entries/*' -type f | head -n 1)
altered "$entries" 500
expect_exit 1 open_audit
said 'entry 0 is not the one that the tree has'
kill "${pid[open]}" && wait "${pid[open]}" 2>/dev/null || :
unset 'pid[open]'
expect_exit 3 open_audit

step "A bundle, before it is taken in: whole, from somebody without a home, and spoilt"
us parley bundle export --for ncc.ru.example --since 2020-01-01 --out "$TMPDIR/us.bundle" >/dev/null
expect_exit 0 ru parley audit --bundle "$TMPDIR/us.bundle" --json
[ "$(field totals.signatures <"$out")" -ge 3 ] || fail "the statements in the bundle were not checked"
[ "$(field totals.files <"$out")" = 1 ] || fail "the file in the bundle was not checked"
expect_exit 0 env PARLEY_HOME="$TMPDIR/nowhere" parley audit --bundle "$TMPDIR/us.bundle" --card "$TMPDIR/us.card.json" "$TMPDIR/ru.card.json"
expect_exit 1 env PARLEY_HOME="$TMPDIR/nowhere" parley audit --bundle "$TMPDIR/us.bundle" # its own cards vouch for nobody
said 'signed with a key of no card of cert.us.example at hand'
python3 - "$TMPDIR/us.bundle" "$TMPDIR/bad.bundle" <<'PY'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[b.index(b"/entries/") + 2000] ^= 1
open(sys.argv[2], "wb").write(b)
PY
expect_exit 1 ru parley audit --bundle "$TMPDIR/bad.bundle"
said 'entries/'
head -c 700 "$TMPDIR/us.bundle" >"$TMPDIR/cut.bundle"
expect_exit 1 ru parley audit --bundle "$TMPDIR/cut.bundle"
expect_exit 2 ru parley audit --bundle "$TMPDIR/us.bundle" --mirror cert.us.example

step "At rest: the same"
node_stop us
node_stop ru
expect_exit 0 us parley audit
expect_exit 0 ru parley audit

step "Each sort of stored byte, changed: found and named"
found spoil us entry us entry 'entry [0-9]+ is not the one that the tree has'
found spoil ru entry us entry 'entry [0-9]+ is not the one that the tree has'
found spoil us tile us tile 'tile 0/0 has another hash for entry'
found spoil ru tile us tile 'tile 0/0 has another hash for entry'
found spoil ru bulk us entry 'entry 0 is not the one that the tree has'
found spoil ru pending us checkpoint 'pending checkpoint of size|mirror checkpoint of size'
found spoil us cosignature us cosignature 'the cosignature of ncc.ru.example at size'
found spoil us row us row 'leads to entry|has no row'
found spoil us charter us charter 'a stored charter does not verify'
found spoil us size us entry 'is missing'

step "What was taken out is missed"
found delete ru entry us entry 'is missing'
found delete us tile us tile 'is missing'
found delete us row us row 'has no row'
found delete ru bulk us entry 'entry 0 is missing'

step "Put back, everything holds again, and the nodes go on"
expect_exit 0 us parley audit
expect_exit 0 ru parley audit
node_start us
node_start ru
send_notice us ru
expect_exit 0 us parley audit

step "A new card with all keys new: what was signed under the old one holds, and so does what comes after"
node_stop us
field rotation_passphrase <"$TMPDIR/us.init.json" >"$TMPDIR/us.pass"
us parley card renew --rotation "$TMPDIR/us/keys/rotation.age" --passphrase-file "$TMPDIR/us.pass" --replace all >/dev/null
node_start us
send_notice us ru
send_notice ru us
for home in us ru; do
  expect_exit 0 on "$home" parley audit
  said 'Everything that is stored holds'
done
expect_exit 0 us parley audit --mirror ncc.ru.example

step "No home, no node"
expect_exit 1 env PARLEY_HOME="$TMPDIR/nowhere" parley audit
said 'there is no home'
