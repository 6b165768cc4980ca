#!/usr/bin/env bash
# A statement is rejected: who may, the dispute on both sides, the receipt, and the acknowledgement that ends it.
. "$(dirname "$0")/refusals.sh"

disputed() { # HOME N: so many statements are disputed
  [ "$(on "$1" parley status --json | field peers.0.forums.0.disputed | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = "$2" ]
}
has_dispute() { on "$1" parley show "$2" --json | field delivery.0.disputed | grep -qix true; }

step "Two parties, and a notice that is delivered"
make_pair
keep_notice
arrived ru "$kept"
! disputed us 1 && ! disputed ru 1 || fail "something is disputed already"

step "What cannot be rejected: what nobody knows, our own; no ground, no role, too long reasons"
refused 1 'no statement 00000000.* here' ru parley reject "$(printf '0%.0s' {1..64})" --ground form --officer duty
refused 1 'our own statement; only its addressees reject it' us parley reject "$kept" --ground form --officer duty
refused 2 'on what ground' ru parley reject "$kept" --officer duty
refused 2 'on what ground' ru parley reject "$kept" --ground taste --officer duty
refused 2 'who rejects' ru parley reject "$kept" --ground form
refused 1 '2001 bytes' ru parley reject "$kept" --ground form --officer duty --reasons "$(printf 'x%.0s' {1..2001})"
refused 1 'role' ru parley reject "$kept" --ground form --officer "$(printf 'x%.0s' {1..60})"

step "Rejected, with reasons from standard input"
printf 'The summary says nothing.\nSend it again.\n' | expect_exit 0 ru parley reject "$kept" --ground form --officer duty-ru --reasons -
said 'disputed until it is acknowledged'

step "The author sees who, on what ground, and why; and it counts"
wait_for 30 "the rejection reaches us" has_dispute us "$kept"
us parley show "$kept" >"$out"
said 'Rejected +.*by duty-ru \(ground: form\): disputed'
said 'The summary says nothing. Send it again.'
us parley inbox --sent >"$out"
said " disputed "
disputed us 1 || fail "status does not count it"
us parley status >"$out"
said 'Disputed +1: '"${kept:0:12}"
[ "$(us parley show "$kept" --json | field disputed.0)" = "${party[ru]}" ] || fail "the row does not name who rejected it"
[ "$(us parley show "$kept" --json | field delivery.0.rejection.ground)" = form ] || fail "the ground is not in the JSON"
[ "$(us parley show "$kept" --json | field state)" = delivered ] || fail "a rejection is no acknowledgement"

step "So does the rejecter"
disputed ru 1 || fail "status does not count it"
ru parley show "$kept" >"$out"
said 'by duty-ru \(ground: form\): disputed'
said 'To end the dispute: parley ack'
ru parley inbox >"$out"
said " rejected "
[ "$(ru parley show "$kept" --json | field state)" = rejected ] || fail "the state is not rejected"

step "Not twice; the rejection itself may be acknowledged"
refused 1 'rejected already' ru parley reject "$kept" --ground files --officer duty
rejection=$(us parley show "$kept" --json | field delivery.0.rejection.id)
[ "$(us parley show "$rejection" --json | field kind)" = reject ] || fail "the rejection is not in the inbox"
ack us "$rejection"
disputed us 1 || fail "the author ended the dispute alone"

step "The receipt has the rejection, for both, and verifies"
receipt us "$kept" "$TMPDIR/disputed"
expect_exit 0 verify_pack "$TMPDIR/disputed"
[ -s "$TMPDIR/disputed/reject/entry.json" ] || fail "the rejection is not in the pack"
[ ! -e "$TMPDIR/disputed/ack" ] || fail "there is an acknowledgement"
receipt ru "$kept" "$TMPDIR/disputed-ru"
expect_exit 0 verify_pack "$TMPDIR/disputed-ru"
cmp "$TMPDIR/disputed/reject/entry.json" "$TMPDIR/disputed-ru/reject/entry.json"

step "An acknowledgement ends the dispute, on both sides; what was said stays on record"
ack ru "$kept"
wait_read us "$kept"
wait_for 30 "the dispute ends for us" disputed us 0
disputed ru 0 || fail "the dispute goes on for ru"
us parley show "$kept" >"$out"
said 'ground: form\): no longer, it was acknowledged since'
us parley inbox --sent >"$out"
! grep -q ' disputed ' "$out" || fail "still disputed"
receipt us "$kept" "$TMPDIR/ended"
expect_exit 0 verify_pack "$TMPDIR/ended"
[ -s "$TMPDIR/ended/reject/entry.json" ] && [ -s "$TMPDIR/ended/ack/entry.json" ] || fail "the pack has not both"

step "Nothing is rejected once it is acknowledged, and no acknowledgement ever"
refused 1 'acknowledged already' ru parley reject "$kept" --ground form --officer duty
refused 1 'ack is never rejected' us parley reject "$(us parley show "$kept" --json | field delivery.0.ack)" --ground form --officer duty

step "After a restart all of it is still known"
send_notice us ru
arrived ru "$id"
expect_exit 0 ru parley reject "$id" --ground files --officer duty
wait_for 30 "the rejection reaches us" has_dispute us "$id"
node_stop us
node_stop ru
node_start us
node_start ru
disputed us 1 && disputed ru 1 || fail "the dispute is forgotten"
has_dispute us "$id" || fail "the rejection is forgotten"
nothing_lost
