#!/usr/bin/env bash
# Two parties that never have a line: charter, notice with a file, acknowledgement and receipts travel on a memory stick. Then three,
# of which one carries for the other two.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

# Nobody listens there: whatever arrives came in a bundle.
nowhere=https://127.0.0.1:1
carry() { # FROM TO: one walk with the stick; what the import said is in $out
  rm -f "$TMPDIR/stick"
  on "$1" parley bundle export --for "${party[$2]}" --out "$TMPDIR/stick" --json >"$TMPDIR/export.json"
  expect_exit 0 parley bundle show "$TMPDIR/stick"
  expect_exit 0 on "$2" parley bundle import "$TMPDIR/stick" --json
}
value() { field "$1" <"$out"; }
verified() { parley verify $(anchors "${@:2}") "$1"; } # the anchors are words

step "Two parties, each with the other's card, and no line between them"
make_home us cert.us.example --url $nowhere
make_home ru ncc.ru.example --url $nowhere
trust us ru
trust ru us
node_start us
node_start ru

step "A charter goes there, is signed, and comes back"
forum=$(us parley forum propose --title "Line without a line" --member ncc.ru.example --json | field forum)
expect_text 'no forum' ru parley bundle export --for cert.us.example --out "$TMPDIR/none"
carry us ru
[ "$(value charters.0.state)" = proposed ] || fail "the charter does not wait for ru"
expect_exit 1 ru parley bundle export --for cert.us.example --out "$TMPDIR/none"
ru parley forum accept "$forum" --yes >/dev/null
carry ru us
in_force us || fail "the charter is not in force for us"
[ "$(value statements)" -ge 1 ] || fail "ru's log has not come"

step "A notice with a file"
make_file 3000000 "$TMPDIR/sample.bin"
put() { # HOME OPTION...: sent, and nobody waits for a line; sets $id
  local home=$1
  shift
  id=$(on "$home" parley send incident.notice --forum "$forum" --wait 0 --json "$@" | field id)
}
put us --precedence IMMEDIATE --tlp amber --file examples/colonial-pipeline.json --attach "$TMPDIR/sample.bin"
is_state us "$id" accepted || is_state us "$id" signed || fail "the notice is not accepted"
carry us ru
[ "$(value pieces)" -gt 700 ] || fail "the file has not come"
[ "$(value cosignatures_back)" = 2 ] || fail "not two cosignatures go back"
arrived ru "$id"
expect_exit 0 ru parley save "$id" --out "$TMPDIR/saved"
cmp "$TMPDIR/sample.bin" "$TMPDIR/saved/sample.bin"

step "The same bundle again does no harm, and says so"
expect_exit 0 ru parley bundle import "$TMPDIR/stick" --json
[ "$(value statements)$(value pieces)$(value refused_count)" = 000 ] || fail "something was new the second time"

step "It is read and acknowledged there; the answer goes back with the cosignatures"
ru parley ack "$id" --officer duty --wait 0 >/dev/null
carry ru us
[ "$(value cosignatures)" = 2 ] || fail "not two cosignatures have come back"
wait_read us "$id"
receipt us "$id" "$TMPDIR/receipt"
expect_exit 0 verified "$TMPDIR/receipt" us ru
said 'acknowledged'
ack_id=$(us parley show "$id" --json | field delivery.0.ack)

step "One more walk, and the other side has its receipt, too"
carry us ru
is_state ru "$ack_id" delivered || fail "the acknowledgement is not delivered"
receipt ru "$ack_id" "$TMPDIR/ack-receipt"
expect_exit 0 verified "$TMPDIR/ack-receipt" us ru

step "After a restart of both nobody can be asked, and a bundle is signed nevertheless"
node_stop us
node_stop ru
node_start us
node_start ru
put us --precedence FLASH --tlp red --text "Once more"
late=$id
is_state us "$late" accepted || fail "it was signed before anybody asked for it"
carry us ru
arrived ru "$late"
is_state us "$late" signed || fail "it is not signed"

step "The example without a build says what is missing"
PARLEY_BUILD=$TMPDIR/nowhere expect_exit 1 examples/bundle
said 'run ./run first'

step "The example, which leaves nothing behind"
demo_state() { find demo -printf '%p %s %T@\n' 2>/dev/null | LC_ALL=C sort || :; }
before=$(demo_state)
expect_exit 0 examples/bundle
said 'Read: acknowledged for ncc.ru.example'
said 'Done in [0-9]+ s: delivered, read and proved on both sides'
[ "$(demo_state)" = "$before" ] || fail "the example touched demo/"
! compgen -G "$TMPDIR/parley-bundle.*" >"$TMPDIR/wait" || fail "the example leaves files behind"
