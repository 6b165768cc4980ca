#!/usr/bin/env bash
# Receipts for more addressees than one note has room for, drawn by the nodes of a forum of twenty: `parley verify`,
# and verify_pack.py (written from docs/protocol.md alone) take them all, and none with one that is altered, missing or out of
# place; with --all the script of stock tools and the commands of VERIFY.md, too.
set -eu
cd "$(dirname "$0")/../.."
[ -x "$PARLEY_BUILD/tests/unit-test_node_many" ] || { echo "the build has no tests"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export PATH=$PARLEY_BUILD:$PATH HOME=$dir
unset PARLEY_HOME
"$PARLEY_BUILD/tests/unit-test_node_many" --write "$dir" >"$dir/list" 2>/dev/null

says() { # EXIT COMMAND...
  local want=$1 got=0
  shift
  "$@" >"$dir/out" 2>&1 || got=$?
  [ $got = "$want" ] || { cat "$dir/out"; echo "FAILED: exit $got instead of $want: $*"; exit 1; }
}
parties() { sed -n "s/^$1 \(.*=\)/\1/p" "$dir/list"; }
all() { sed -n "s/^$1+\{0,1\} \(.*=\)/\1/p" "$dir/list"; }
options() { parties "$1" | sed 's/^/--fingerprint /'; }
by_hand() {
  sed -n '/^```sh$/,/^```$/{/^```/!p}' "$1/VERIFY.md" >"$dir/commands"
  (cd "$1" && bash -eu "$dir/commands")
}

for pack in nineteen read by-one fifteen sixteen two-away two-late; do
  for verifier in "parley verify" tests/interop/verify_pack.py; do
    says 5 $verifier "$dir/$pack"
    says 5 $verifier $(options $pack | sed '$d') "$dir/$pack" # all but one
    says 0 $verifier $(options $pack) "$dir/$pack"
  done
  echo "$pack: about $(parties $pack | wc -l) parties, in $(ls "$dir/$pack" | grep -c '^proof') proofs"
done
for pack in by-one two-late; do # some hundred runs of openssl each
  [ "${PARLEY_ALL:-}" = 1 ] || break
  says 0 tools/verify-with-stock-tools "$dir/$pack" $(all $pack)
  says 0 by_hand "$dir/$pack"
  signatures=$(grep -cE '^(check|by) ' "$dir/commands")
  [ "$(grep -c 'Signature Verified Successfully' "$dir/out")" = "$signatures" ] || { cat "$dir/out"; exit 1; }
  echo "$pack: $signatures signatures by hand"
done

refused() { # WHAT: the pack in $dir/bad
  for verifier in "parley verify" tests/interop/verify_pack.py; do says 1 $verifier $(options nineteen) "$dir/bad"; done
  echo "refused: $1"
}
fresh() { rm -rf "$dir/bad"; cp -r "$dir/nineteen" "$dir/bad"; }
fresh; sed -i '$s/.$//' "$dir/bad/proof.1.tlog-proof"; refused "a signature cut short in a further proof"
fresh; rm "$dir/bad/policy.1.tlog-policy"; refused "a further proof without its policy"
fresh; cp "$dir/bad/proof.tlog-proof" "$dir/bad/proof.1.tlog-proof"
cp "$dir/bad/policy.tlog-policy" "$dir/bad/policy.1.tlog-policy"; refused "the first proof twice"
fresh; mv "$dir/bad/proof.1.tlog-proof" "$dir/bad/proof.2.tlog-proof"
mv "$dir/bad/policy.1.tlog-policy" "$dir/bad/policy.2.tlog-policy"; refused "a gap in the numbers"
fresh; mv "$dir/bad/bulk/checkpoint" "$dir/bad/bulk/checkpoint.2"; refused "a gap in the numbers of the files"
