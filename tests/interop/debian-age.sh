#!/usr/bin/env bash
# The age command, as Debian packages it, opens what parley seals, and parley opens what it seals.
. "$(dirname "$0")/../e2e/lib.sh"
command -v age >/dev/null || skip "there is no age command"
. tests/interop/age.lib

their_seal() { seal_like_age age "$@"; }
their_open() { age -d -i "$1"; }
their_seal_pass() { on_terminal "$1" age -p; }
their_open_pass() { on_terminal "$1" age -d; }

all_age_cases

step "age opens the rotation key with the passphrase that parley init made"
passphrase=$(field rotation_passphrase <"$TMP/us.init.json")
their_open_pass "$passphrase" <"$TMP/us/keys/rotation.age" >"$TMP/rotation.pem"
openssl pkey -in "$TMP/rotation.pem" -pubout -out "$TMP/rotation.pub"
python3 - "$TMP/us/card.json" "$TMP/rotation.pub" <<'PYTHON'
import base64, json, sys
card = json.loads(base64.b64decode(json.load(open(sys.argv[1]))["payload"]))
assert card["keys"]["rotation"] == open(sys.argv[2]).read(), "not the rotation key of the card"
PYTHON
expect_exit 1 with_input "$TMP/us/keys/rotation.age" their_open_pass "$passphrase."
said "incorrect passphrase"
altered "$TMP/us/keys/rotation.age" $(($(stat -c %s "$TMP/us/keys/rotation.age") - 5)) "$TMP/spoilt"
expect_exit 1 with_input "$TMP/spoilt" their_open_pass "$passphrase"
