#!/usr/bin/env bash
# A damaged store is mended: tiles from the entries, entries from the counterpart, rows from the logs; what cannot be mended is
# said; without --repair nothing is changed.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

spoil() { python3 tests/e2e/audit_flip.py "$TMPDIR/$1/store.sqlite" "${4:-spoil}" "$2" "${party[$3]}" "$TMPDIR/saved.$1"; }
back() { python3 tests/e2e/audit_flip.py "$TMPDIR/$1/store.sqlite" back "$TMPDIR/saved.$1"; }
whole() { expect_exit 0 on "$1" parley audit; }
# HOME KIND OF [spoil|delete]: told, mended, told no more
mended() {
  spoil "$@"
  expect_exit 1 on "$1" parley fsck
  said 'Nothing was changed'
  expect_exit 1 on "$1" parley audit
  expect_exit 0 on "$1" parley fsck --repair
  said 'Mended: '
  whole "$1"
}

step "Two parties, notices both ways, a file"
make_pair
make_file 20000 "$TMPDIR/log.bin"
send_notice us ru --attach "$TMPDIR/log.bin"
notice=$id
arrived ru "$notice"
files() { on ru parley show "$notice" --json | python3 -c 'import json, sys
d = json.load(sys.stdin)["delivery"][0]
sys.exit(d.get("files_held") != d["files_total"])'; }
wait_for 30 "the file is held" files
ack ru "$notice"
wait_read us "$notice"
send_notice ru us
answer=$id
expect_exit 1 us parley fsck
said 'the node of this home is running; stop parleyd first'

step "us at rest: nothing to mend; tiles and rows"
node_stop us
expect_exit 0 us parley fsck
expect_exit 0 us parley fsck --repair
mended us tile us
mended us tile us delete
mended us tile ru
mended us row us
mended us row us delete

step "us: entries of its own log, of a mirrored one and of a file come back from ru, which runs"
mended us entry us
mended us entry us delete
mended us entry ru
mended us bulk us delete
node_start us
send_notice us ru
expect_exit 0 us parley show "$notice"
expect_exit 0 us parley show "$answer"
wait_read us "$notice"
receipt us "$notice" "$TMPDIR/receipt"
expect_exit 0 us parley verify "$TMPDIR/receipt"

step "ru at rest: the row of a notice that came in is made when the node starts"
node_stop ru
spoil ru row us delete
expect_exit 1 ru parley audit
said 'has no row'
expect_exit 0 ru parley fsck --repair
node_start ru
has_notice() { on ru parley inbox --json | grep -q "$notice" && on ru parley show "$notice" --json; }
wait_for 30 "the notice is in the inbox again" has_notice
expect_exit 0 ru parley audit
on ru parley inbox --json | python3 -c 'import json, sys
ids = [s["id"] for s in json.load(sys.stdin)["statements"]]
sys.exit(len(ids) != len(set(ids)))' || fail "a notice stands in the inbox twice"

step "What nobody can give is said, and the rest is mended"
node_stop us
node_stop ru
spoil us tile us
mv "$TMPDIR/saved.us" "$TMPDIR/saved.tile"
spoil us entry ru
expect_exit 1 us parley fsck --repair
said 'is not reached'
said 'Mended: 1 tiles, 0 entries'
said 'could not be mended'
us parley fsck --repair --json >"$out" 2>/dev/null && fail "a store that is not whole was called so"
[ "$(field left.0.kind <"$out")" = entry ]
back us
whole us
spoil us cosignature us
expect_exit 1 us parley fsck --repair
said 'the cosignature of ncc.ru.example'
back us
whole us
