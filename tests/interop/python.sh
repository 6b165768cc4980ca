#!/usr/bin/env bash
# Statements, cards and charters checked by Python's securesystemslib. Versions are pinned in tests/interop/python.
. "$(dirname "$0")/../e2e/lib.sh"

step "A Python environment with the pinned packages"
wanted=tests/interop/python/requirements.txt
venv=$PARLEY_CACHE/python-$(cat $wanted <(python3 -V) | sha256sum | cut -c 1-12)
if ! [ -e "$venv/whole" ]; then
  mkdir -p "$PARLEY_CACHE"
  rm -rf "$venv"
  python3 -m venv "$venv" >"$out" 2>&1 || { cat "$out"; skip "python3 cannot make a virtual environment"; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r $wanted >"$out" 2>&1 ||
    { cat "$out"; not_here "the pinned Python packages cannot be had: $(grep -v '^$' "$out" | tail -n 1)"; }
  touch "$venv/whole"
fi
dsse() { "$venv/bin/python" -B tests/interop/python/check_dsse.py "$@"; }

. tests/interop/dsse.lib
their_pae() { "$venv/bin/python" -B tests/interop/python/dsse.py pae "$@"; }
their_sign() { "$venv/bin/python" -B tests/interop/python/dsse.py sign "$@"; }
their_verify() { "$venv/bin/python" -B tests/interop/python/dsse.py verify "$@"; }
all_dsse_cases

step "A notice goes from us to ru and is read"
make_pair
send_notice us ru
ack ru "$id"
wait_read us "$id"
receipt us "$id" "$TMPDIR/pack"
parties=("cert.us.example=${fingerprint[us]}" "ncc.ru.example=${fingerprint[ru]}")

step "Every signature of its cards, charter and statements verifies"
expect_exit 0 dsse "$TMPDIR/pack" "${parties[@]}"
said "^10 signatures verify"

step "With any byte altered they are refused"
dsse --altered 11 "$TMPDIR/pack" "${parties[@]}"

step "So are strangers under the same names, and a statement that another party signed"
expect_exit 1 dsse "$TMPDIR/pack" "cert.us.example=${fingerprint[ru]}" "ncc.ru.example=${fingerprint[us]}"
python3 - "$TMPDIR/pack" <<'PYTHON'
import json, sys
one, other = (json.load(open(sys.argv[1] + name)) for name in ("/entry.json", "/ack/entry.json"))
other["signatures"] = one["signatures"]
open(sys.argv[1] + "/ack/entry.json", "w").write(json.dumps(other, separators=(",", ":")))
PYTHON
expect_exit 1 dsse "$TMPDIR/pack" "${parties[@]}"
said "VerificationError"
