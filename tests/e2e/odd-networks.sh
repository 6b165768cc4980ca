#!/usr/bin/env bash
# Two nodes in network name spaces of their own, a router between them, and what networks do to them: an address family that
# leads nowhere, IPv6 only, routers that drop large packets without a word, a port that says nothing, a resolver that does not
# answer. The notice arrives whenever it can, and `parley status --probe` says what is wrong.
if [ "${1:-}" != inside ]; then
  for how in "unshare --mount --net" "unshare --user --map-root-user --mount --net"; do
    # Everything made inside, name spaces and files alike, ends with the script.
    if command -v ip >/dev/null && $how sh -c 'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add a' 2>/dev/null; then
      exec $how "$0" inside
    fi
  done
  echo "needs network name spaces: root, or user name spaces that may make them, and iproute2"
  exit 77
fi
mount -t tmpfs tmpfs /run
mkdir /run/netns
. "$(dirname "$0")/refusals.sh"

# ---- the network: us - mid - ru ----

in_mid() { ip netns exec mid "$@"; }
cable() { # SPACE DEVICE OTHER: a cable between SPACE, where its end is DEVICE, and mid, where it is OTHER
  ip -n "$1" link add name "$2" type veth peer name "$3" netns mid
  ip -n "$1" link set lo up
  ip -n "$1" link set "$2" up
  ip -n mid link set "$3" up
  # Packets leave as they are on the wire: no device is left to cut large ones.
  ip netns exec "$1" python3 -c 'import ctypes, fcntl, socket, struct, sys
with socket.socket() as s:
    for command in 0x1F, 0x24:  # ETHTOOL_STSO, ETHTOOL_SGSO
        value = ctypes.create_string_buffer(struct.pack("II", command, 0))
        fcntl.ioctl(s, 0x8946, struct.pack("16sP8x", sys.argv[1].encode(), ctypes.addressof(value)))' "$2"
}
address_us() {
  ip -n us addr add 10.1.0.2/24 dev eth0
  ip -n us route replace default via 10.1.0.1
  ip -n us addr replace fd01::2/64 dev eth0 nodad
  ip -n us route replace default via fd01::1
}
no_address_us() { ip -n us addr flush dev eth0 scope global; }
for space in us ru mid; do ip netns add $space; done
cable us eth0 to-us
cable ru eth0 to-ru
cable ru eth1 from-ru # a second way back, for the router that drops what comes from ru
address_us
ip -n ru addr add 10.2.0.2/24 dev eth0
ip -n ru route add default via 10.2.0.1
ip -n ru addr add fd02::2/64 dev eth0 nodad
ip -n mid addr add 10.1.0.1/24 dev to-us
ip -n mid addr add 10.2.0.1/24 dev to-ru
ip -n mid addr add fd01::1/64 dev to-us nodad
ip -n mid addr add fd02::1/64 dev to-ru nodad
ip -n ru route add default via fd02::1
ip -n ru addr add 10.3.0.2/24 dev eth1
ip -n ru addr add fd03::2/64 dev eth1 nodad
ip -n mid addr add 10.3.0.1/24 dev from-ru
ip -n mid addr add fd03::1/64 dev from-ru nodad
in_mid sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
names() { # LINE...: what /etc/hosts and the resolver say in every space
  printf '%s\n' "127.0.0.1 localhost" "10.1.0.2 parley.us.test" "fd01::2 parley.us.test" "$@" >"$TMPDIR/hosts"
}
names "10.2.0.2 parley.ru.test" "fd02::2 parley.ru.test"
echo "nameserver 10.2.0.99" >"$TMPDIR/resolv.conf"
mount --bind "$TMPDIR/hosts" /etc/hosts
mount --bind "$TMPDIR/resolv.conf" /etc/resolv.conf

# parleyd of us runs in the space us, that of ru in ru; the command line reaches both by their sockets.
mkdir "$TMPDIR/bin"
cat >"$TMPDIR/bin/parleyd" <<EOF
#!/bin/sh
exec ip netns exec "\${2##*/}" "$PARLEY_BUILD/parleyd" "\$@"
EOF
chmod +x "$TMPDIR/bin/parleyd"
ln -s "$PARLEY_BUILD/parley" "$TMPDIR/bin/parley"
PARLEY_BUILD=$TMPDIR/bin PATH=$TMPDIR/bin:$PATH

make_home_at() { # HOME PARTY LISTEN HOST
  party[$1]=$2 address[$1]=$4:7411
  on "$1" parley init "$2" --listen "$3" --url "https://$4:7411" --json >"$TMPDIR/$1.init.json"
  fingerprint[$1]=$(field fingerprint <"$TMPDIR/$1.init.json")
}
probe_says() { # EXIT CODE WORDS STEP[|STEP] RESULT
  expect_exit "$1" us parley status --probe "${party[ru]}" --json
  [ "$(field code <"$out")" = "$2" ] || { cat "$out"; fail "the probe's code is not $2"; }
  field text <"$out" >"$TMPDIR/text"
  grep -Eq -- "$3" "$TMPDIR/text" || { cat "$TMPDIR/text"; fail "the sentence does not say \"$3\""; }
  sed 's/^/  /' "$TMPDIR/text"
  grep -Eq "\"step\":\"($4)\",\"result\":\"$5\"" "$out" || { cat "$out"; fail "step $4 is not \"$5\""; }
}
delivered() { is_state us "$1" delivered; }
fresh() { # the node starts without connections from before
  node_stop us
  node_start us
}

# ---- the story ----

step "Two parties with names, IPv4 and IPv6"
make_home_at us cert.us.example '[::]:7411' parley.us.test
make_home_at ru ncc.ru.example '[::]:7411' parley.ru.test
trust us ru
trust ru us
node_start us
node_start ru
make_forum us ru
keep_notice
probe_says 0 fine "the line to ncc.ru.example works" ipv4 ok
grep -q '"step":"ipv6","result":"ok"' "$out" || fail "IPv6 was not tried"

step "IPv6 leads nowhere: the notice goes over IPv4, and the probe says what to mend"
in_mid ip -6 route add blackhole fd02::2/128
fresh
send_notice us ru
probe_says 0 one_family "over one kind of address only .*no answer from" ipv6 failed
in_mid ip -6 route del blackhole fd02::2/128

step "IPv4 leads nowhere: the other way round"
in_mid ip route add blackhole 10.2.0.2/32
fresh
send_notice us ru
probe_says 0 one_family "over one kind of address only" ipv4 failed
in_mid ip route del blackhole 10.2.0.2/32

step "us has IPv6 only: nothing is wrong with that"
ip -n us addr del 10.1.0.2/24 dev eth0
fresh
send_notice us ru
send_notice ru us
probe_says 0 fine "works" ipv6 ok
no_address_us
address_us

step "Neither leads there: nothing answers"
in_mid ip -6 route add blackhole fd02::2/128
in_mid ip route add blackhole 10.2.0.2/32
probe_says 3 no_reply "nothing answers at parley.ru.test:7411" ipv4 failed
in_mid ip -6 route del blackhole fd02::2/128
in_mid ip route del blackhole 10.2.0.2/32

step "us has no network at all"
ip -n us link set eth0 down
probe_says 3 no_route "this machine has no way there" ipv4 failed
ip -n us link set eth0 up
no_address_us
address_us
probe_says 0 fine "works" ipv4 ok

# Since OpenSSL 3.5 the handshake itself needs large packets (keys of ML-KEM): there it is the first to fail.
step "The router drops large packets from ru: small answers arrive, large ones do not"
ip -n mid link set from-ru mtu 1280
ip -n ru route replace default via 10.3.0.1 src 10.2.0.2
ip -n ru route replace default via fd03::1 src fd02::2
probe_says 3 answers_lost "larger .*vanish on the way.*mtu 1280" "large_answer|tls" failed
ip -n us link set eth0 mtu 1280
probe_says 0 fine "works" large_answer ok
ip -n us link set eth0 mtu 1500
ip -n ru route replace default via 10.2.0.1
ip -n ru route replace default via fd02::1

step "The router drops large packets from us without a word: small requests work, large ones do not"
ip -n mid link set to-us mtu 1280
fresh
make_file 300000 "$TMPDIR/file.bin"
waiting=$(us parley send incident.notice --precedence FLASH --tlp red --text "Who is there?" --attach "$TMPDIR/file.bin" --wait 0 --json | field id)
probe_says 3 packets_lost "larger (ones|packets) vanish on the way.*mtu 1280" "large_request|tls" failed
why_is() { us parley status --json >"$out" && grep -Eq -- "$1" "$out"; }
wait_for 90 "status says so too" why_is "larger packets to parley.ru.test:7411 are lost on the way"

step "… with what the probe advises the line works, and what waited arrives"
ip -n us link set eth0 mtu 1280
probe_says 0 fine "works" large_request ok
wait_for 120 "the notice is delivered" delivered "$waiting"
ip -n us link set eth0 mtu 1500
ip -n mid link set to-us mtu 1500

step "ru's node is off, and its machine refuses"
node_stop ru
probe_says 3 refused "refuses connections: ncc.ru.example's node is not running" ipv4 failed

step "At ru's address something takes connections and says nothing"
ip netns exec ru python3 -c 'import socket, time
s = socket.create_server(("::", 7411), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
kept = []
while True: kept.append(s.accept())' >"$TMPDIR/silent" &
pid[silent]=$!
wait_for 20 "it listens" grep -q up "$TMPDIR/silent"
probe_says 3 silent "takes connections and then says nothing" tls failed
node_end silent TERM

step "… something that is no TLS"
ip netns exec ru python3 -c 'import socket
s = socket.create_server(("::", 7411), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
while True:
    c, _ = s.accept()
    c.recv(65536)
    c.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    c.close()' >"$TMPDIR/plain" &
pid[plain]=$!
wait_for 20 "it listens" grep -q up "$TMPDIR/plain"
probe_says 3 not_tls "does not speak TLS" tls failed
node_end plain TERM

step "… something that closes at once"
ip netns exec ru python3 -c 'import socket
s = socket.create_server(("::", 7411), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
while True:
    c, _ = s.accept()
    c.recv(65536)
    c.close()' >"$TMPDIR/cut" &
pid[cut]=$!
wait_for 20 "it listens" grep -q up "$TMPDIR/cut"
probe_says 3 cut "takes connections and closes them at once" tls failed
node_end cut TERM
node_start ru

step "The name is gone, and the resolver does not answer: the node itself goes on"
names
in_mid ip route add blackhole 10.2.0.99/32
probe_says 3 name_unknown "is not known to this machine's resolver" name failed
expect_exit 0 us parley status
names "10.2.0.2 parley.ru.test" "fd02::2 parley.ru.test"
nothing_lost
