#!/usr/bin/env bash
# Our own vectors, judged without parley's code: check_vectors.py, written from docs/protocol.md alone, says the same of each;
# Debian's age opens what they seal; and those of the formats are still what their own reference writes.
set -eu
cd "$(dirname "$0")/../.."
command -v age >/dev/null || { echo "there is no age command"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
python3 -c 'import cryptography' || { echo "there is no python3-cryptography"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

tests/interop/check_vectors.py --age age tests/vectors/parley
tests/vectors/parley/formats/make.py --check

# It would notice: another verdict, path, input, derived value, sealed byte, or order of a chain.
noticed() { # FILE EDIT: a statement about `v`, the file as Python reads it
  rm -rf "$dir/copy"
  cp -r tests/vectors/parley "$dir/copy"
  python3 - "$dir/copy/$1" "$2" <<'PYTHON'
import json, sys
with open(sys.argv[1]) as f:
    v = json.load(f)
before = json.dumps(v)
exec(sys.argv[2])
assert json.dumps(v) != before
with open(sys.argv[1], "w") as f:
    json.dump(v, f)
PYTHON
  if tests/interop/check_vectors.py "$dir/copy" >"$dir/out" 2>&1; then
    echo "$1 after $2: not noticed"
    exit 1
  fi
}
noticed cards/cards.json 'c = v["cases"][20]; c["path"] += "x"'
noticed cards/cards.json 'c = v["cases"][0]; c["verdict"], c["code"], c["path"] = "refuse", "invalid", "name"'
noticed cards/cards.json 'v["chains"][0]["offered"].reverse()'
noticed charters/charters.json 'v["cases"][0]["complete"] = False'
noticed charters/charters.json 'v["cases"][30]["change"][0]["to"] += " "'
noticed statements/statements.json 'v["seeds"]["us.statement"] = v["seeds"]["us.log"]'
noticed bodies/plaintexts.json 'c = v["cases"][-1]; c["verdict"] = "accept"'
noticed bodies/sealed.json 'h = v["cases"][0]["hkdf"]; h["ephemeral"].reverse()'
noticed bodies/sealed.json 'c = v["cases"][-1]; c["sha256"] = v["cases"][0]["sha256"]'
echo "9 changes noticed"
