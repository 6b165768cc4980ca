#!/usr/bin/env bash
# The smallest real run: two homes, two nodes, a forum, one notice delivered and proved, its acknowledgement, and both nodes
# stopped and started again.
. "$(dirname "$0")/lib.sh"

socket() { curl -sS --fail --max-time 20 --unix-socket "$TMPDIR/$1/parleyd.sock" "http://node$2" "${@:3}"; }
delivered() { socket "$1" "/v1/statements/$id" | field delivery.0.delivered; }

step "Two homes, made by parley init"
make_home us cert.us.example
make_home ru ncc.ru.example

step "Two nodes on loopback"
node_start us
node_start ru
[ "$(socket us /v1/status | field party)" = cert.us.example ] || fail "us is somebody else"
[ "$(stat -c %a "$TMPDIR/us/parleyd.sock")" = 600 ] || fail "others can use the local API of us"

step "A counterpart that is not trusted is refused at the gate, before HTTP"
if curl -sS --max-time 5 -k --cert "$TMPDIR/ru/keys/link.cert.pem" --key "$TMPDIR/ru/keys/link.key.pem" \
  "https://${address[us]}/x" >"$out" 2>&1; then fail "us answered a stranger"; fi
refused_once() { [ "$(socket us /v1/status | field gate_refused)" = 1 ]; }
wait_for 10 "the refusal is counted" refused_once
socket us /v1/status | field gate_last_refusal

step "Each trusts the other while its node runs"
trust us ru
trust ru us
[ "$(socket ru /v1/pins | field pins.0.fingerprint)" = "${fingerprint[us]}" ] || fail "ru has pinned another card"

step "A forum, proposed and accepted"
make_forum us ru

step "A notice, delivered while the sender waits"
python3 - examples/colonial-pipeline.json >"$TMPDIR/request" <<'PY'
import json, sys
body = json.load(open(sys.argv[1], encoding="utf-8"))
print(json.dumps({"kind": "incident.notice", "precedence": "FLASH", "tlp": "amber", "body": body}))
PY
socket us '/v1/statements?wait=20' --data-binary "@$TMPDIR/request" >"$TMPDIR/answer"
cat "$TMPDIR/answer"
id=$(field id <"$TMPDIR/answer")
[ "$(field state <"$TMPDIR/answer")" = delivered ] || fail "not delivered within 20 s"

step "The addressee reads it"
arrived ru "$id"
socket ru "/v1/statements/$id" | python3 -c 'import json, sys
sys.exit(json.load(sys.stdin)["body"] != json.load(open("examples/colonial-pipeline.json", encoding="utf-8")))' ||
  fail "the body is not the one that was sent"

step "The receipt is drawn and verifies"
receipt us "$id" "$TMPDIR/receipt"
parley verify $(anchors us ru) "$TMPDIR/receipt"

step "An officer acknowledges; the sender sees it"
ack ru "$id"
wait_read us "$id"

step "Both nodes stop cleanly and go on where they were"
node_stop us
node_stop ru
[ ! -e "$TMPDIR/us/parleyd.sock" ] || fail "the socket of us stays behind"
node_start us
node_start ru
was=$id
socket us '/v1/statements?wait=20' --data-binary "@$TMPDIR/request" >"$TMPDIR/answer"
id=$(field id <"$TMPDIR/answer")
[ "$(field state <"$TMPDIR/answer")" = delivered ] || fail "not delivered within 20 s after the restart"
is_state us "$was" read || fail "the first notice is no longer read"

step "What the logs say"
cat "$TMPDIR/us.log"
! grep -q ' error ' "$TMPDIR/us.log" "$TMPDIR/ru.log" || fail "a node logged an error"
