#!/usr/bin/env bash
# Real crashes: both nodes work under load and are killed again and again, 200 times in all, at steps that a printed seed
# chooses: before and after commits, saves of the signer's memory, messages in and out. What they had promised must hold.
# usage: tests/e2e/crash.sh [--seed S] [--kills N]
. "$(dirname "$0")/refusals.sh"
[ -x "${PARLEY_FAULTS_BUILD:-none}/parleyd" ] || skip "the build with faults is missing (PARLEY_FAULTS_BUILD)"
leave() { # the driver ends its nodes, then as every script
  local status=$?
  set +e
  [ -z "${pid[driver]:-}" ] || { kill -TERM "${pid[driver]}" && wait "${pid[driver]}"; } 2>/dev/null
  (exit $status)
  finish
}
trap leave EXIT

step "Two parties, and a notice that is delivered"
make_pair
keep_notice
node_stop us
node_stop ru

step "Both work, and are killed and started again"
tests/e2e/crash.py "$@" "$PARLEY_FAULTS_BUILD/parleyd" "$forum" "$TMPDIR" "$TMPDIR/us" "$TMPDIR/ru" &
pid[driver]=$!
wait "${pid[driver]}" || fail "what was promised was not kept"
unset "pid[driver]"

step "Every receipt that was given out before a crash holds"
count=0
for pack in "$TMPDIR"/receipts/*; do
  parley verify $(anchors us ru) "$pack" >"$out" 2>&1 || { cat "$out"; fail "$(basename "$pack") does not verify"; }
  count=$((count + 1))
done
echo "  $count receipts verified"
[ "$count" -gt 50 ] || fail "there were too few to mean anything"

node_start us
node_start ru
nothing_lost
