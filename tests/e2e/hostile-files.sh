#!/usr/bin/env bash
# A thousand hostile files: evidence packs, the notes and checkpoints in them, cards, charters and age files, each altered by
# chance (the same chance every time). Whatever `parley` is given, it ends with one clear sentence and the right exit code,
# within a second and 64 MiB.
. "$(dirname "$0")/refusals.sh"

step "A real pack with a file and an acknowledgement, cards, a charter, and a home with protected keys"
make_pair
make_file 20000 "$TMPDIR/file.bin"
keep_notice --attach "$TMPDIR/file.bin"
ack ru "$kept"
wait_read us "$kept"
receipt us "$kept" "$TMPDIR/pack"
node_stop us
node_stop ru
make_home xx cert.xx.example
printf 'correct horse\n' >"$TMPDIR/passphrase"
export PARLEY_PASSPHRASE_FILE=$TMPDIR/passphrase
expect_exit 0 on xx parley keys protect --new-passphrase-file "$TMPDIR/passphrase"
ls "$TMPDIR/xx/keys"

step "A thousand of them"
tests/e2e/hostile-files.py "$PARLEY_BUILD/parley" "$TMPDIR" 1000 \
  "${party[us]}=${fingerprint[us]}" "${party[ru]}=${fingerprint[ru]}"
