#!/usr/bin/env bash
# One home, one node: a second parleyd does not start, and the first does not notice. A home that a newer parley has written is
# left as it is.
. "$(dirname "$0")/refusals.sh"

step "Two parties, and a notice that is delivered"
make_pair
keep_notice

step "A second parleyd on the home of us"
refused 1 'another|already|in use|locked' timeout 20 parleyd --home "$TMPDIR/us"
step "The first goes on"
alive us || fail "the first parleyd has ended"
nothing_lost

step "A home whose store a newer parley has written"
node_stop us
schema() { # [NUMBER]: of us's store; prints what it was
  python3 - "$TMPDIR/us/store.sqlite" "$@" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
print(db.execute("PRAGMA user_version").fetchone()[0])
if len(sys.argv) > 2:
    db.execute("PRAGMA user_version = %d" % int(sys.argv[2]))
PY
}
old=$(schema 99)
refused 1 'store.sqlite has schema 99, this parley knows schemas up to [0-9]+; install the newer parley' timeout 20 parleyd --home "$TMPDIR/us"
step "… which is as it was after that, and works with the right program"
[ "$(schema "$old")" = 99 ] || fail "the refused parleyd changed the schema"
node_start us
nothing_lost

step "A store that is none: nothing is made in its place"
node_stop us
mkdir "$TMPDIR/aside"
mv "$TMPDIR/us"/store.sqlite* "$TMPDIR/aside"
cp examples/colonial-pipeline.json "$TMPDIR/us/store.sqlite"
refused 1 'store.sqlite' timeout 20 parleyd --home "$TMPDIR/us"
cmp examples/colonial-pipeline.json "$TMPDIR/us/store.sqlite"
rm "$TMPDIR/us"/store.sqlite*
mv "$TMPDIR/aside"/* "$TMPDIR/us"
node_start us
nothing_lost

step "No home at all"
refused 1 'there is no home' timeout 20 parleyd --home "$TMPDIR/nowhere"
refused 1 'there is no home.*parley init' on nowhere parley status
