#!/usr/bin/env bash
# A failing seed is a bug report: played again it must be the same run, to the last byte, and its end must be clear.
set -eu
sim=$PARLEY_BUILD/sim

fail() {
  echo "sim-replay: $*" >&2
  exit 1
}

# One seed that is rough, one that sets a node back to an old backup, one with three parties.
for options in "--seed 17" "--seed 16" "--seed 5 --parties 3"; do
  # shellcheck disable=SC2086 # words on purpose
  "$sim" $options --trace >"$TMPDIR/first" || fail "sim $options broke an invariant: $(tail -n 1 "$TMPDIR/first")"
  # shellcheck disable=SC2086
  "$sim" $options --trace >"$TMPDIR/second" || fail "sim $options broke an invariant the second time only"
  cmp "$TMPDIR/first" "$TMPDIR/second" || fail "sim $options played two different runs"
  [ "$(wc -l <"$TMPDIR/first")" -gt 50 ] || fail "sim $options traced next to nothing"
done
"$sim" --seed 18 --trace >"$TMPDIR/second"
if cmp -s "$TMPDIR/first" "$TMPDIR/second"; then fail "two seeds played one run"; fi

# In a range each seed plays as it does alone, whatever went before it in the process.
"$sim" --seeds 16-17 --trace >"$TMPDIR/range"
for seed in 16 17; do "$sim" --seed $seed --trace; done >"$TMPDIR/alone"
cmp "$TMPDIR/range" "$TMPDIR/alone" || fail "a seed plays otherwise in a range than alone"

# A store that does not sync is caught, with status 1 and a line that names seed, step and invariant; twice the same.
status=0
"$sim" --seeds 1-200 --unsafe >"$TMPDIR/unsafe" || status=$?
[ $status = 1 ] || fail "200 seeds on a store that does not sync end with status $status"
line=$(tail -n 1 "$TMPDIR/unsafe")
[[ $line =~ ^seed\ ([0-9]+)\ step\ [0-9]+\ invariant\ I[12]:\  ]] || fail "what was lost is not named: $line"
again=$("$sim" --seed "${BASH_REMATCH[1]}" --unsafe) && fail "the failing seed does not fail again"
[ "$again" = "$line" ] || fail "the failing seed fails otherwise: $again"

for wrong in "" "--seeds" "--seeds 5" "--seeds 9-1" "--seed x" "--seed 1 --parties 1" "--seed 1 --what" "--seed 1 extra"; do
  status=0
  # shellcheck disable=SC2086
  "$sim" $wrong >/dev/null 2>&1 || status=$?
  [ $status = 2 ] || fail "sim $wrong ends with status $status, not 2"
done
echo "the same seeds played the same runs"
