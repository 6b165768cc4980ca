#!/usr/bin/env bash
# A checker that finds nothing proves nothing: of the bugs that are planted in the simulator's build each is found, the same seeds hold
# without it, and no other program knows of them.
set -eu
sim=$PARLEY_BUILD/sim
fail() {
  echo "sim-plants: $*" >&2
  exit 1
}

# A run that ends where something broke leaves its memory as it is; and with sanitizers the three that show soon are enough.
case $PARLEY_BUILD in
*asan*)
  export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
  PARLEY_ALL=0
  ;;
esac

"$sim" --plant list >"$TMPDIR/plants"
[ "$(wc -l <"$TMPDIR/plants")" -ge 12 ] || fail "there are fewer than 12"
status=0
"$sim" --plant nothing --seeds 1-2 >/dev/null 2>&1 || status=$?
[ $status = 2 ] || fail "a plant of no name is taken ($status)"

# Neither the programs nor the simulator's own sources name one.
for program in parley parleyd; do
  if grep -a -F -f "$TMPDIR/plants" "$PARLEY_BUILD/$program" >/dev/null; then fail "$program knows a planted bug"; fi
done
if grep -F -f "$TMPDIR/plants" "$(dirname "$0")"/../sim/*.[ch]; then fail "the simulator names a planted bug"; fi

# Without --all, three that show soon; with it all, and how many stay hidden where nothing breaks.
if [ "${PARLEY_ALL:-0}" = 1 ]; then names=$(cat "$TMPDIR/plants"); else names="commit_without_sync never_renew never_try_again"; fi
hidden=0 last=0
printf '%-30s %-8s %-10s %s\n' plant seed invariant "hidden without faults (seeds 1-40)"
for name in $names; do
  status=0
  "$sim" --plant "$name" --seeds 1-2000 >"$TMPDIR/out" || status=$?
  [ $status = 1 ] || fail "$name is not found in 2,000 seeds (status $status)"
  line=$(tail -n 1 "$TMPDIR/out")
  [[ $line =~ ^seed\ ([0-9]+)\ step\ [0-9]+\ invariant\ ([A-Za-z0-9]+): ]] || fail "$name: what broke is not named: $line"
  seed=${BASH_REMATCH[1]} invariant=${BASH_REMATCH[2]}
  [ "$seed" -le "$last" ] || last=$seed
  quiet=no
  if "$sim" --plant "$name" --no-faults --seeds 1-40 >/dev/null; then quiet=yes hidden=$((hidden + 1)); fi
  printf '%-30s %-8s %-10s %s\n' "$name" "$seed" "$invariant" "$quiet"
done
[ "${PARLEY_ALL:-0}" != 1 ] || [ "$hidden" -ge 5 ] || fail "only $hidden stay hidden without faults: the faults prove nothing"
for name in $names; do "$sim" --seeds 1-20 >/dev/null || fail "without $name the seeds do not hold"; break; done
