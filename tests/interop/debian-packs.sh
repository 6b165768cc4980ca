#!/usr/bin/env bash
# Evidence packs checked without parley's code: by verify_pack.py, written from docs/protocol.md alone, by the script of
# stock tools, and by the commands that VERIFY.md tells people to type.
set -eu
cd "$(dirname "$0")/../.."
[ -x "$PARLEY_BUILD/tests/unit-test_pack" ] || { echo "the build has no tests"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$PARLEY_BUILD/tests/unit-test_pack" --write "$dir" >"$dir/list" 2>/dev/null

expect() { # EXIT WHAT COMMAND...
  local want=$1 what=$2 got=0
  shift 2
  "$@" >"$dir/out" 2>&1 || got=$?
  [ $got = "$want" ] || { echo "$what: exit $got instead of $want"; cat "$dir/out"; exit 1; }
}
fingerprints() { sed -n "s/^$1 \(.*=\)/\1/p" "$dir/list"; }
options() { fingerprints "$1" | sed 's/^/--fingerprint /'; }

# The commands of VERIFY.md, one after the other; prints how many signatures it asks for, then what came out.
by_hand() {
  sed -n '/^```sh$/,/^```$/{/^```/!p}' "$1/VERIFY.md" >"$dir/commands"
  (cd "$1" && bash -eu "$dir/commands")
}

for pack in plain usual grown all pending large several some; do
  expect 5 "$pack, nobody known" tests/interop/verify_pack.py "$dir/$pack"
  expect 0 "$pack" tests/interop/verify_pack.py $(options $pack) "$dir/$pack"
  expect 1 "$pack, forged" tests/interop/verify_pack.py $(options forged) "$dir/$pack"
  expect 0 "$pack, stock tools" tools/verify-with-stock-tools "$dir/$pack" $(fingerprints $pack)
  expect 0 "$pack, by hand" by_hand "$dir/$pack"
  signatures=$(grep -cE '^(check|by) ' "$dir/commands")
  [ "$(grep -c 'Signature Verified Successfully' "$dir/out")" = "$signatures" ] || { cat "$dir/out"; exit 1; }
  ! grep -q '^NOT' "$dir/out" || { cat "$dir/out"; exit 1; }
  grep -q '^included' "$dir/out"
  echo "$pack: $signatures signatures by hand"
done
expect 1 "a pack forged whole" tests/interop/verify_pack.py $(options usual) "$dir/forged"
expect 1 "a pack forged whole, stock tools" tools/verify-with-stock-tools "$dir/forged" $(fingerprints usual)
expect 1 "nobody known, stock tools" tools/verify-with-stock-tools "$dir/usual" cert.us.example=00
for pack in bad-bulk bad-ack; do
  expect 1 "$pack" tests/interop/verify_pack.py "$dir/$pack"
  expect 1 "$pack, stock tools" tools/verify-with-stock-tools "$dir/$pack" $(fingerprints $pack)
done

# One wrong byte here and there: the verifier says no and names a file.
/usr/bin/python3 - "$dir/all" <<'PYTHON'
import sys
sys.path.insert(0, "tests/interop")
sys.dont_write_bytecode = True
import verify_pack
files = verify_pack.read(sys.argv[1])
count = 0
for name, data in files.items():
    if name == "VERIFY.md":
        continue
    changed = [data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1:] for i in range(0, len(data), 71)]
    for other in changed + [data[:-1], data + b"\n", b""]:
        count += 1
        try:
            verify_pack.verify({**files, name: other}, [])
        except ValueError:
            continue
        sys.exit(f"{name}: a change was not noticed")
print(count, "changes noticed")
PYTHON
# And in the files that the stock tools read.
for file in entry.json proof.tlog-proof charter.json cards/ncc.ru.example.json bulk/checkpoint bulk/consistency ack/entry.json ack/proof.tlog-proof; do
  cp -r "$dir/grown" "$dir/changed"
  python3 -c 'import sys; f = open(sys.argv[1], "r+b"); b = bytearray(f.read()); b[len(b) // 3] ^= 1; f.seek(0); f.write(b)' "$dir/changed/$file"
  expect 1 "changed $file, stock tools" tools/verify-with-stock-tools "$dir/changed" $(fingerprints grown)
  rm -r "$dir/changed"
done
