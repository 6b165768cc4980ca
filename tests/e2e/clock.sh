#!/usr/bin/env bash
# The counterpart's clock is an hour ahead. It is warned of and shown; times that this clock signed are never silently trusted.
. "$(dirname "$0")/refusals.sh"
[ -x "${PARLEY_FAULTS_BUILD:-none}/parleyd" ] || skip "the build with faults is missing (PARLEY_FAULTS_BUILD)"

status_of() { us parley status; }
offset() { us parley status --json | field peers.0.clock_offset; }
warned() { us parley status --json | field peers.0.clock_warning; }
start_ru() { # [SECONDS]: with its clock so far off
  local PARLEY_BUILD=$PARLEY_FAULTS_BUILD
  PARLEY_CLOCK_OFFSET=${1:-0} node_start ru
}

step "Two parties with clocks that agree: no warning, and none in a receipt"
make_pair
keep_notice
expect_exit 0 us parley status
! grep -iq 'clock.*warn\|differ' "$out" || { cat "$out"; fail "there is a warning although the clocks agree"; }
expect_exit 0 verify_pack "$TMPDIR/kept"
! grep -iq 'clock unverified' "$out" || { cat "$out"; fail "verify speaks of an unverified clock"; }

step "ru's clock goes an hour ahead"
node_stop ru
start_ru 3600
send_notice us ru
late=$id

step "status warns, and says by how much"
wait_for 30 "us is warned" warned
seconds=$(offset)
[ "$seconds" -gt 3500 ] && [ "$seconds" -lt 3700 ] || fail "the offset shown is $seconds s"
expect_text 'clock' status_of
grep -i clock "$out" | head -n 3

step "The receipt is good, and says that its times are not: clock unverified"
receipt us "$late" "$TMPDIR/late"
expect_exit 0 verify_pack "$TMPDIR/late"
grep -i 'clock unverified' "$out" || { cat "$out"; fail "verify does not say \"clock unverified\""; }
expect_exit 0 parley verify --json $(anchors us ru) "$TMPDIR/late"
grep -Eq '"clock' "$out" || { cat "$out"; fail "verify --json does not tell of the clock"; }

step "The other way: ru warns about us, and what ru signs is marked as well"
send_notice ru us
wait_for 30 "ru is warned" eval 'ru parley status --json | field peers.0.clock_warning'
receipt ru "$id" "$TMPDIR/back"
expect_exit 0 verify_pack "$TMPDIR/back"
grep -iq 'clock unverified' "$out" || { cat "$out"; fail "verify does not say \"clock unverified\""; }

step "The clock is right again: the warning goes with the next notice, the old receipt keeps its mark"
node_stop ru
start_ru
send_notice us ru
! warned >"$out" 2>&1 || { cat "$out"; fail "the warning has stayed"; }
receipt us "$id" "$TMPDIR/right"
expect_exit 0 verify_pack "$TMPDIR/right"
! grep -iq 'clock unverified' "$out" || { cat "$out"; fail "a right clock is called unverified"; }
expect_exit 0 verify_pack "$TMPDIR/late"
grep -iq 'clock unverified' "$out" || { cat "$out"; fail "the mark has gone from the old receipt"; }
nothing_lost
