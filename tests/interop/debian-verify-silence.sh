#!/usr/bin/env bash
# `parley verify` and verify_silence.py (written from docs/protocol.md alone) say the same of evidence of non-delivery, good and
# altered; and the commands in its VERIFY.md work. The evidence is that of the unit test.
set -eu
cd "$(dirname "$0")/../.."
[ -x "$PARLEY_BUILD/tests/unit-test_silence" ] || { echo "the build has no tests"; exit 77; }
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
by_hand() { # FOLDER: the commands of its VERIFY.md, as a person would type them
  awk '/^```sh/ {on = 1; next} /^```/ {on = 0} on' "$1/VERIFY.md" >"$dir/commands"
  (cd "$1" && bash "$dir/commands") >"$dir/out" 2>&1
}

"$PARLEY_BUILD/tests/unit-test_silence" --write "$dir" >"$dir/list"
while read -r name author silent; do
  for verifier in "parley verify" tests/interop/verify_silence.py; do
    says 5 $verifier "$dir/$name"
    says 5 $verifier --fingerprint "$author" "$dir/$name"
    says 0 $verifier --fingerprint "$author" --fingerprint "$silent" "$dir/$name"
    says 1 $verifier --fingerprint "$author" --fingerprint "${silent%=*}=$(printf '0%.0s' {1..64})" "$dir/$name"
  done
  by_hand "$dir/$name" || { cat "$dir/out"; fail "VERIFY.md of $name"; }
  [ "$(grep -c ' cosigned size ' "$dir/out")" = 3 ] || { cat "$dir/out"; fail "VERIFY.md of $name: two witnesses and the silent party"; }
  if grep -Eq '[A-Z]{4}' "$dir/out"; then cat "$dir/out"; fail "VERIFY.md of $name"; fi
done <"$dir/list"
echo "$(wc -l <"$dir/list") folders, and their VERIFY.md, as they should be"

# By hand, too, another entry, another time of a witness and another signature of the silent party show.
altered() { python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read()); b[int(sys.argv[2])] ^= 1; open(sys.argv[1], "wb").write(b)' "$1" "$2"; }
cp -r "$dir/two" "$dir/other"
altered "$dir/other/entry.json" 30
by_hand "$dir/other" && grep -q 'OF ANOTHER TREE' "$dir/out" || fail "VERIFY.md takes another entry"
cp "$dir/two/entry.json" "$dir/other/"
sed -i '/^— second.example /d' "$dir/other/proof.tlog-proof"
sed -i 's/^\(— witness.example[^ ]* ........\)..../\1AAAA/' "$dir/other/proof.tlog-proof"
by_hand "$dir/other" && grep -q 'DID NOT SIGN THIS' "$dir/out" || { cat "$dir/out"; fail "VERIFY.md takes another time"; }

# Both verifiers refuse what is altered: bytes spread over every file that says anything but by the author's word.
count=0
for file in entry.json proof.tlog-proof policy.tlog-policy charter.json silent.json silent/ncc.ru.example \
  cards/cert.us.example.json cards/ncc.ru.example.json; do
  cp "$dir/two/$file" "$dir/whole"
  size=$(stat -c %s "$dir/whole")
  for part in 0 1 2 3 4 5 6 7 8 9; do
    altered "$dir/two/$file" $((size * part / 10))
    for verifier in "parley verify" tests/interop/verify_silence.py; do says 1 $verifier "$dir/two"; done
    cp "$dir/whole" "$dir/two/$file"
    count=$((count + 1))
  done
  mv "$dir/two/$file" "$dir/away"
  for verifier in "parley verify" tests/interop/verify_silence.py; do says 1 $verifier "$dir/two"; done
  mv "$dir/away" "$dir/two/$file"
done
for verifier in "parley verify" tests/interop/verify_silence.py; do
  printf '{"attempts":[{"party":"ncc.ru.example"}]}' >"$dir/two/attempts.json"
  says 1 $verifier "$dir/two"
  printf '{"attempts":[]}' >"$dir/two/attempts.json"
  says 5 $verifier "$dir/two"
  echo x >"$dir/two/strange"
  says 1 $verifier "$dir/two"
  rm "$dir/two/strange"
done
echo "$count altered ones refused by both"
