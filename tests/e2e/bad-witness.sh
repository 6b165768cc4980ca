#!/usr/bin/env bash
# A charter names a dozen neutral witnesses, and each is broken in another way. Each is told of in the status by name; the
# statements go on, and so does the node.
. "$(dirname "$0")/lib.sh"

step "The witnesses: some answer badly, some over TLS that nobody has to trust, one is not there"
openssl req -x509 -newkey ed25519 -nodes -subj /CN=w -days 2 -keyout "$TMPDIR/tls.key" -out "$TMPDIR/tls.pem" 2>/dev/null
pin=sha256//$(openssl x509 -in "$TMPDIR/tls.pem" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64)
other=sha256//$(head -c 32 /dev/zero | base64)
first=7380
python3 tests/e2e/bad_witness.py "$loopback" $first "$TMPDIR/tls.pem" "$TMPDIR/tls.key" >"$TMPDIR/witnesses.log" 2>&1 &
pid[witnesses]=$!
wait_for 10 "they listen" grep -q ready "$TMPDIR/witnesses.log"
vkey() { # NAME: with a key of its own
  openssl genpkey -algorithm ed25519 -outform DER | openssl pkey -inform DER -pubout -outform DER | tail -c 32 |
    python3 -c 'import base64, hashlib, sys
name, key = sys.argv[1], b"\4" + sys.stdin.buffer.read()
digest = hashlib.sha256(name.encode() + bytes([10]) + key).hexdigest()
print("+".join([name, digest[:8], base64.b64encode(key).decode()]))' "$1"
}
options=()
make_home us cert.us.example
make_home ru ncc.ru.example
port=$first
for mode in garbage endless heads redirect hangup nonsense unknown; do
  options+=(--witness "$(vkey $mode.example)")
  echo "witness = $mode.example http://$loopback:$((port++))/w" >>"$TMPDIR/us/parley.conf"
done
for mode in untrusted pinned mistaken away; do options+=(--witness "$(vkey $mode.example)"); done
{
  echo "witness = untrusted.example https://$loopback:$port"
  echo "witness = pinned.example https://$loopback:$port $pin"
  echo "witness = mistaken.example https://$loopback:$port $other"
  echo "witness = away.example http://$loopback:7399"
} >>"$TMPDIR/us/parley.conf"

step "Statements go through as ever"
trust us ru
trust ru us
node_start us
node_start ru
make_forum us ru -- "${options[@]}"
send_notice us ru
send_notice us ru

step "Each is told of, and none has cosigned anything"
why() { us parley status --json | python3 -c 'import json, sys
print(next(w["why"] for w in json.load(sys.stdin)["witnesses"] if w["witness"] == sys.argv[1] + ".example"))' "$1"; }
tells() { why "$1" | grep -E -- "$2"; }
while read -r mode text; do
  wait_for 30 "$mode is told of" tells "$mode" "$text"
  echo "$(why "$mode")"
done <<END
garbage no line by the key
endless longer than 64 KiB
heads longer than is taken
redirect answers 307
hangup closed the connection
nonsense answers 409: 18446744073709551616
unknown answers 404 .its operator must add this log and its key.: who are you
untrusted cannot be reached: .*certificate
pinned answers 404
mistaken cannot be reached: .*(pin|key)
away cannot be reached: connection refused
END
! grep -q elsewhere "$TMPDIR/witnesses.log" || fail "a redirect was followed"
! grep -q GET "$TMPDIR/witnesses.log" || fail "something else than POST was asked"
us parley status --json | python3 -c 'import json, sys
for w in json.load(sys.stdin)["witnesses"]:
    assert w["size"] == 0 and w["failing_since"] and w["next_attempt"], w'
expect_text "Fails since" us parley status

step "The node is well: it answers, delivers and ends in order"
send_notice us ru
receipt us "$id" "$TMPDIR/receipt"
node_stop ru
waiting=$(us parley send incident.notice --forum "$forum" --to "${party[ru]}" --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --wait 0 --json | field id)
expect_exit 1 us parley receipt "$waiting"
said "not delivered yet"
node_stop us
