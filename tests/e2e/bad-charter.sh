#!/usr/bin/env bash
# Charters that a counterpart sends and that must not be taken: with a changed byte, of strangers, of nonsense. They come over the
# link, as a pinned party would send them.
. "$(dirname "$0")/refusals.sh"

propose() { # HOME FILE: to ru's node, as HOME
  curl_as "$1" ru /propose --header 'Content-Type: application/json' --data-binary "@$2"
}
refuse_charter() { # STATUS PATTERN FILE
  propose us "$3"
  [ "$status" = "$1" ] || { cat "$out" "$TMPDIR/curl"; fail "HTTP status $status instead of $1"; }
  grep -Eq -- "$2" "$out" || { cat "$out"; fail "the answer does not say \"$2\""; }
  sed 's/^/  /' "$out" | head -c 300 && echo
}
forums() { ru parley forum list --json | python3 -c 'import json, sys; print([(f["forum"], f["state"]) for f in json.load(sys.stdin)["forums"]])'; }

step "Two parties with a forum in force, and a notice that is delivered"
make_pair
keep_notice
before=$(forums)

step "us signs a second charter, which ru does not get yet"
node_stop ru
second=$(us parley forum propose --title "Second line" --member ncc.ru.example --json | field forum)
us parley forum show "$second" --json | field envelope | tr -d '\n' >"$TMPDIR/charter.json"
us parley forum show "$forum" --json | field envelope | tr -d '\n' >"$TMPDIR/first.json"
node_stop us # so that only this script speaks for it
node_start ru

step "The charter with one byte changed: in its title, in a member's fingerprint, in the signature, in the envelope"
$forge payload "$TMPDIR/charter.json" "$TMPDIR/title.json" "Second line" "Sexond line"
refuse_charter 422 'signature of cert.us.example does not verify' "$TMPDIR/title.json"
$forge payload "$TMPDIR/charter.json" "$TMPDIR/member.json" "${fingerprint[ru]:0:8}" "$(tr 0-9a-f 1-9a-f0 <<<"${fingerprint[ru]:0:8}")"
refuse_charter 422 'signature of cert.us.example does not verify' "$TMPDIR/member.json"
python3 - "$TMPDIR/charter.json" "$TMPDIR/signature.json" "$TMPDIR/spelling.json" <<'PY'
import sys
text = open(sys.argv[1]).read()
at = text.index('"sig":"') + 12
other = "B" if text[at] != "B" else "C"
open(sys.argv[2], "w").write(text[:at] + other + text[at + 1:])
open(sys.argv[3], "w").write(text.replace('","payloadType"', '", "payloadType"'))
PY
refuse_charter 422 'signature of cert.us.example does not verify' "$TMPDIR/signature.json"
refuse_charter 400 'envelope' "$TMPDIR/spelling.json"

step "The charter in force, with a changed byte under the old signatures of both"
$forge payload "$TMPDIR/first.json" "$TMPDIR/forged.json" '"consent"' '"free"'
refuse_charter 422 'signature of cert.us.example does not verify' "$TMPDIR/forged.json"

step "What is no charter"
refuse_charter 400 'envelope' examples/colonial-pipeline.json
refuse_charter 403 'the card is that of ncc.ru.example, not of cert.us.example' "$TMPDIR/ru/card.json"
: >"$TMPDIR/empty"
refuse_charter 400 'envelope' "$TMPDIR/empty"
head -c 600000 /dev/zero >"$TMPDIR/large"
refuse_charter 413 'over 524288 bytes' "$TMPDIR/large"

step "ru has the same forums as before, and takes the charter as it was signed"
[ "$(forums)" = "$before" ] || fail "ru's forums are now $(forums)"
propose us "$TMPDIR/charter.json"
[ "$status" = 202 ] || { cat "$out"; fail "HTTP status $status instead of 202"; }
expect_text "$second.*proposed|\"state\": ?\"proposed\"" ru parley forum show "$second" --json
node_start us
nothing_lost
