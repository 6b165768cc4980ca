#!/usr/bin/env bash
# `parley verify` and verify_fork.py (written from docs/protocol.md alone) say the same of proofs of two histories, good ones
# and altered or newly signed odd ones (1,000; 10,000 with PARLEY_ALL=1); and the commands in their VERIFY.md work. The proofs are those of the
# unit test.
set -eu
cd "$(dirname "$0")/../.."
[ -x "$PARLEY_BUILD/tests/unit-test_fork" ] || { echo "the build has no tests"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export PATH=$PARLEY_BUILD:$PATH HOME=$dir
unset PARLEY_HOME
fail() { echo "FAILED: $*" >&2; exit 1; }
says() { # EXIT COMMAND...
  local want=$1 got=0
  shift
  "$@" >"$dir/out" 2>&1 || got=$?
  [ $got = "$want" ] || { cat "$dir/out"; fail "exit $got instead of $want: $*"; }
}

"$PARLEY_BUILD/tests/unit-test_fork" --write "$dir" >"$dir/list"
while read -r name known; do
  for verifier in "parley verify" tests/interop/verify_fork.py; do
    says 5 $verifier "$dir/$name"
    says 4 $verifier --fingerprint "$known" "$dir/$name"
    says 1 $verifier --fingerprint "${known%=*}=$(printf '0%.0s' {1..64})" "$dir/$name"
  done
  # The commands of VERIFY.md, as a person would type them.
  awk '/^```sh/ {on = 1; next} /^```/ {on = 0} on' "$dir/$name/VERIFY.md" >"$dir/commands"
  (cd "$dir/$name" && bash "$dir/commands") >"$dir/out" 2>&1 || { cat "$dir/out"; fail "VERIFY.md of $name"; }
  grep -qx "${known#*=}  -" "$dir/out" || fail "VERIFY.md of $name shows no fingerprint"
  grep -Eqx 'two trees of one size|the second does not continue the first' "$dir/out" || fail "VERIFY.md of $name: no contradiction"
  if grep -Eq 'Verification Failure|NOT |THE SAME|ONE HISTORY|Error' "$dir/out"; then cat "$dir/out"; fail "VERIFY.md of $name"; fi
done <"$dir/list"
echo "$(wc -l <"$dir/list") proofs, and their VERIFY.md, as they should be"

# A first history that is not the one that was signed: the commands say so.
cp "$dir/log/second.checkpoint" "$dir/log/first.checkpoint"
awk '/^```sh/ {on = 1; next} /^```/ {on = 0} on' "$dir/log/VERIFY.md" >"$dir/commands"
(cd "$dir/log" && bash "$dir/commands") >"$dir/out" 2>&1 || :
grep -qx 'THE SAME TREE' "$dir/out" || fail "VERIFY.md takes one history for two"
rm -r "$dir/log"
"$PARLEY_BUILD/tests/unit-test_fork" --write "$dir" >"$dir/list"

tests/interop/same_verdict_fork.py "$dir" "0-$((${PARLEY_ALL:-0} == 1 ? 10000 : 1000))"
