#!/usr/bin/env bash
# A line is cut, and the members around it pass on: the example, and the same with a file and two who pass it on at once.
. "$(dirname "$0")/lib.sh"

step "The example without a build says what is missing"
PARLEY_BUILD=$TMPDIR/nowhere expect_exit 1 examples/relay
said "run ./run first"

step "The example: delivered, acknowledged and proved through the third party"
demo_state() { find demo -printf '%p %s %T@\n' 2>/dev/null | LC_ALL=C sort || :; }
before=$(demo_state)
expect_exit 0 examples/relay
said "delivered after [0-9]+ s, through dsn.fr.example"
said "Read: acknowledged for ncc.ru.example"
said "Identities: author and addressees have the keys that you know as theirs"
[ "$(demo_state)" = "$before" ] || fail "the example touched demo/"
! compgen -G "$TMPDIR/parley-relay.*" >"$TMPDIR/wait" || fail "the example leaves files behind"

step "Four parties; the line between us and ru is cut"
for home in us fr kz ru; do make_home $home "cert.$home.example"; done
homes="us fr kz ru"
for home in $homes; do
  for other in $homes; do [ $home = "$other" ] || trust $home "$other"; done
  node_start $home
done
make_forum us fr kz ru -- --ack FLASH=60
us parley send incident.notice --forum "$forum" --to "${party[ru]}" --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --wait 30 >"$out"
held() { [ "$(on "$1" parley status --json | python3 -c 'import json, sys
print(all(f["ours_held"] == f["ours"] > 0 and f["bulk_held"] == f["bulk_ours"] for p in json.load(sys.stdin)["peers"] for f in p["forums"]))')" = True ]; }
for home in $homes; do wait_for 30 "all hold the log of $home" held $home; done
# A proxy that is not there, for everybody but the two in the middle. All four have one address and ports of their own, and
# exceptions go by address: so the two get their way by a proxy that tells ports apart.
cat >"$TMPDIR/cut.py" <<'PY'
import socket, sys, threading
at, forbidden = sys.argv[1:]
def pump(a, b):
    try:
        while data := a.recv(65536): b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError: pass
def serve(c):
    head = b""
    while b"\r\n\r\n" not in head:
        more = c.recv(4096)
        if not more: return
        head += more
    where = head.split()[1].decode()
    if where in forbidden.split(","):
        c.sendall(b"HTTP/1.1 503 No way\r\nContent-Length: 0\r\n\r\n"); c.close(); return
    host, port = where.rsplit(":", 1)
    s = socket.create_connection((host, int(port)))
    c.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    threading.Thread(target=pump, args=(s, c), daemon=True).start()
    pump(c, s)
l = socket.create_server((at.rsplit(":", 1)[0], int(at.rsplit(":", 1)[1])))
while True: threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
PY
proxy=$loopback:7500
python3 "$TMPDIR/cut.py" "$proxy" "${address[us]},${address[ru]}" 2>"$TMPDIR/cut.log" &
pid[cut]=$!
wait_for 20 "the proxy listens" python3 -c 'import socket, sys
socket.create_connection((sys.argv[1].split(":")[0], 7500)).close()' "$proxy"
for home in us ru; do
  node_stop $home
  printf 'proxy = http://%s\n' "$proxy" >>"$TMPDIR/$home/parley.conf"
  node_start $home
done
expect_exit 3 us parley status --probe "${party[ru]}"

step "A notice with a file of 3 MB, the first of this forum, which both in the middle pass on"
make_file 3000000 "$TMPDIR/flows.bin"
id=$(us parley send incident.notice --forum "$forum" --to "${party[ru]}" --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --attach "$TMPDIR/flows.bin" --wait 90 --json | field id)
expect_text "through cert.(fr|kz).example" us parley show "$id"
said "Files +20"
expect_exit 0 us parley status
said "Line +to them down since"
said "Reached +through cert.(fr|kz).example"
arrived ru "$id"
expect_exit 0 ru parley status
said "Reach us +through cert.(fr|kz).example"
expect_exit 0 ru parley save "$id" --out "$TMPDIR/saved"
cmp "$TMPDIR/flows.bin" "$(find "$TMPDIR/saved" -name 'flows.bin')"

step "The receipt proves the file too"
receipt us "$id" "$TMPDIR/receipt"
# shellcheck disable=SC2046
expect_exit 0 us parley verify "$TMPDIR/receipt" $(anchors us ru)
said "Files delivered: the machine of cert.ru.example"

step "A notice to all three: the author proves what has arrived, an addressee what arrived at itself"
id=$(us parley send incident.notice --forum "$forum" --to "${party[fr]}" "${party[kz]}" "${party[ru]}" --precedence FLASH \
  --tlp amber --file examples/colonial-pipeline.json --wait 60 --json | field id)
receipt us "$id" "$TMPDIR/to-all"
# shellcheck disable=SC2046
expect_exit 0 us parley verify "$TMPDIR/to-all" $(anchors us fr kz ru)
for home in fr kz ru; do said "Delivered: the machine of cert.$home.example"; done
! grep -q 'NOTHING HERE' "$out" || fail "somebody is missing"
arrived ru "$id"
receipt ru "$id" "$TMPDIR/to-ru"
mkdir "$TMPDIR/stranger"
# shellcheck disable=SC2046
expect_exit 0 on stranger parley verify "$TMPDIR/to-ru" $(anchors us fr kz ru)
said "Delivered: the machine of cert.ru.example"

step "One of two addressees is down: the receipt is about the other, and says so"
node_stop kz
us parley send incident.notice --forum "$forum" --to "${party[fr]}" "${party[kz]}" --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --wait 0 --json >"$TMPDIR/sent"
id=$(field id <"$TMPDIR/sent")
wait_for 30 "the receipt can be drawn" us parley receipt "$id"
receipt us "$id" "$TMPDIR/to-fr"
# shellcheck disable=SC2046
expect_exit 0 on stranger parley verify "$TMPDIR/to-fr" $(anchors us fr)
said "Delivered: the machine of cert.fr.example"
said "NOTHING HERE about the delivery to: cert.kz.example"
expect_exit 5 on stranger parley verify "$TMPDIR/to-fr" --fingerprint "${party[us]}=${fingerprint[us]}"
