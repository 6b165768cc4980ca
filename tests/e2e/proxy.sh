#!/usr/bin/env bash
# A node behind a proxy: an open one, one with a password, one over TLS; and proxies that refuse, cannot, say nothing, talk
# nonsense or lie. Each time `parley status --probe` says whose fault it is.
. "$(dirname "$0")/refusals.sh"

proxy=$loopback:7500 told=$TMPDIR/proxy.told
proxy_start() { # BEHAVIOUR [CERT KEY]
  : >"$told"
  tests/e2e/proxy.py "$proxy" "$@" >"$told" 2>>"$TMPDIR/proxy.log" &
  pid[proxy]=$!
  wait_for 20 "the proxy listens" python3 -c 'import socket, sys
socket.create_connection((sys.argv[1].split(":")[0], int(sys.argv[1].split(":")[1]))).close()' "$proxy"
}
proxy_end() { node_end proxy TERM; }
set_proxy() { # LINE...: what us says about proxies; starts its node anew
  [ -z "${pid[us]:-}" ] || node_stop us
  sed -i '/^\(proxy\|no_proxy\|proxy_ca\) =/d' "$TMPDIR/us/parley.conf"
  printf '%s\n' "$@" >>"$TMPDIR/us/parley.conf"
  node_start us
}
probe_says() { # EXIT CODE WORDS [STEP RESULT]
  expect_exit "$1" us parley status --probe "${party[ru]}" --json
  [ "$(field code <"$out")" = "$2" ] || { cat "$out"; fail "the probe's code is not $2"; }
  field text <"$out" >"$TMPDIR/text"
  grep -Eq -- "$3" "$TMPDIR/text" || { cat "$TMPDIR/text"; fail "the sentence does not say \"$3\""; }
  sed 's/^/  /' "$TMPDIR/text"
  [ $# = 3 ] || grep -q "\"step\":\"$4\",\"result\":\"$5\"" "$out" || { cat "$out"; fail "step $4 is not \"$5\""; }
  expect_exit "$1" us parley status --probe "${party[ru]}"
  ! grep -q "secret" "$out" || { cat "$out"; fail "the password was shown"; }
}
through_proxy() { grep -q "^${address[ru]} connected$" "$told" || { cat "$told"; fail "the proxy was not used"; }; }

step "Two parties, directly; what the environment says about proxies changes nothing"
export https_proxy=http://$loopback:1 HTTPS_PROXY=http://$loopback:1 ALL_PROXY=http://$loopback:1
make_pair
keep_notice
probe_says 0 fine "works" connect ok
export no_proxy='*' # nor do its exceptions, from here on

step "An open http proxy: the notice goes through it, and TLS is between the two nodes"
proxy_start open
set_proxy "proxy = http://$proxy"
send_notice us ru
through_proxy
probe_says 0 fine "works" proxy ok
proxy_end

step "A proxy with a password: without it, with a wrong one, and with the right one"
proxy_start auth:us:s@cret
set_proxy "proxy = http://$proxy"
probe_says 3 proxy_password "wants a user name and password, .*407.*parley.conf" proxy failed
set_proxy "proxy = http://us:wrong@$proxy"
probe_says 3 proxy_password "does not take ours" proxy failed
set_proxy "proxy = http://us:s%40cret@$proxy"
probe_says 0 fine "works" proxy ok
send_notice us ru
through_proxy
us parley config >"$out"
! grep -q 's%40cret' "$out" || fail "parley config shows the password"
! grep -q 's%40cret' "$TMPDIR/us.log" || fail "the log holds the password"
proxy_end

step "An https proxy whose certificate nobody certified, and then with proxy_ca"
openssl req -x509 -newkey ed25519 -nodes -keyout "$TMPDIR/proxy.key" -out "$TMPDIR/proxy.crt" -days 3650 -subj /CN=proxy \
  -addext "subjectAltName=IP:$loopback" 2>/dev/null
proxy_start open "$TMPDIR/proxy.crt" "$TMPDIR/proxy.key"
set_proxy "proxy = https://$proxy"
probe_says 3 proxy_tls "cannot be trusted .*proxy_ca" proxy failed
set_proxy "proxy = https://$proxy" "proxy_ca = $TMPDIR/proxy.crt"
probe_says 0 fine "works" proxy ok
send_notice us ru
through_proxy
node_stop us
sed -i '/^proxy_ca/d' "$TMPDIR/us/parley.conf"
echo "proxy_ca = $TMPDIR/nowhere.pem" >>"$TMPDIR/us/parley.conf"
expect_exit 1 "$PARLEY_BUILD/parleyd" --home "$TMPDIR/us"
said 'cannot read the file proxy_ca, .*/nowhere.pem'
proxy_end

step "… an https proxy that is really an http one"
proxy_start open
set_proxy "proxy = https://$proxy" "proxy_ca = $TMPDIR/proxy.crt"
probe_says 3 proxy_tls "cannot be trusted .*if it speaks plain HTTP" proxy failed
proxy_end

step "No proxy at that address"
set_proxy "proxy = http://$proxy"
probe_says 3 proxy_away "connection refused by the proxy $proxy.*parley.conf" proxy failed

step "A proxy that forbids the port, one that cannot reach ru, one that talks nonsense"
proxy_start forbid
probe_says 3 proxy_forbids "does not allow connections to ${address[ru]}: ask" proxy failed
proxy_end
proxy_start cannot
probe_says 3 proxy_cannot "works, but cannot reach ${address[ru]}" proxy failed
proxy_end
proxy_start garbage
probe_says 3 proxy_silent "did not answer" proxy failed
proxy_end

step "A proxy that says nothing"
proxy_start silent
probe_says 3 proxy_silent "did not answer when it was asked for ${address[ru]}" proxy failed
proxy_end

step "A proxy that lies: it answers in ru's place, and is told nothing"
proxy_start lie "$TMPDIR/proxy.crt" "$TMPDIR/proxy.key"
waiting=$(us parley send incident.notice --precedence FLASH --tlp red --text "Who is there?" --wait 0 --json | field id)
probe_says 3 wrong_certificate "a proxy that opens TLS, or an attacker" certificate failed
why_is() { us parley status --json >"$out" && grep -Eq -- "$1" "$out"; }
wait_for 60 "status says so too" why_is "is not the pinned one, seen through the proxy $proxy"
! grep -q HEARD "$told" || { cat "$told"; fail "the liar heard something"; }
proxy_end

step "ru named in no_proxy: around the proxy that is not there, what waited arrives"
set_proxy "proxy = http://$proxy" "no_proxy = elsewhere.example, $loopback"
expect_delivered() { is_state us "$waiting" delivered; }
wait_for 60 "the notice is delivered" expect_delivered
probe_says 0 fine "works" connect ok

step "A proxy that is none is refused when the node starts"
node_stop us
for wrong in env socks5://127.0.0.1:1080 proxy.example:3128 http://proxy.example; do
  sed -i "s|^proxy = .*|proxy = $wrong|" "$TMPDIR/us/parley.conf"
  expect_exit 1 "$PARLEY_BUILD/parleyd" --home "$TMPDIR/us"
  said 'parley.conf, line [0-9]+: proxy must be none, or such as http://'
done
sed -i '/^\(proxy\|no_proxy\) =/d' "$TMPDIR/us/parley.conf"
node_start us
nothing_lost
