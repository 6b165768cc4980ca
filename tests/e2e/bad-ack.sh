#!/usr/bin/env bash
# What cannot be acknowledged: what nobody knows, what is our own, what was acknowledged already, an acknowledgement.
. "$(dirname "$0")/refusals.sh"

step "Two parties, and a notice that is delivered"
make_pair
keep_notice
arrived ru "$kept"

step "An unknown statement, and what is no id"
refused 1 'no statement 00000000.* here' ru parley ack "$(printf '0%.0s' {1..64})" --officer duty
refused 1 'is no id' ru parley ack 12345 --officer duty
refused 2 'officer' ru parley ack "$kept"
refused 1 'officer|role' ru parley ack "$kept" --officer "$(printf 'x%.0s' {1..60})"

step "Our own statement"
refused 1 'our own statement; only its addressees acknowledge it' us parley ack "$kept" --officer duty

step "Acknowledged once, and once more"
ack ru "$kept"
wait_read us "$kept"
refused 1 'acknowledged already' ru parley ack "$kept" --officer duty
refused 1 'acknowledged already' ru parley ack "$kept" --officer principal --note "Once more"

step "The acknowledgement itself"
second=$(us parley show "$kept" --json | field delivery.0.ack)
refused 1 'ack is never acknowledged' us parley ack "$second" --officer duty

step "The receipt has the one acknowledgement"
receipt us "$kept" "$TMPDIR/read"
expect_exit 0 verify_pack "$TMPDIR/read"
[ -s "$TMPDIR/read/ack/entry.json" ] || fail "the acknowledgement is not in the pack"
nothing_lost
