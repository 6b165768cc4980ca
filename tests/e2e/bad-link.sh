#!/usr/bin/env bash
# Who may connect, and to whom: only certificates pinned by the cards, both ways, TLS 1.3 only. Everything else ends in the
# handshake, before a byte of HTTP is read.
. "$(dirname "$0")/refusals.sh"

refusals() { ru parley status --json | field gate_refused; }
# No HTTP status, and ru counts one more refusal.
refused_at_the_gate() { # WHAT CURL-STATUS-PATTERN
  [ "$status" = 000 ] || { cat "$out"; fail "$1 got the HTTP answer $status"; }
  sed 's/^/  /' "$TMPDIR/curl"
  wait_for 10 "ru counts the refusal of $1" counted
  count=$(refusals)
}
counted() { [ "$(refusals)" -gt "$count" ]; }
tls() { # OPTION...: to ru, whoever it is
  status=$(curl --silent --show-error --insecure --max-time 10 --output "$out" --write-out '%{http_code}' "$@" \
    "https://${address[ru]}/propose" 2>"$TMPDIR/curl") || :
}
impostor() { # HOME [1.2]: answers at ru's address with HOME's certificate
  tests/e2e/impostor.py "${address[ru]}" "$TMPDIR/$1/keys/link.cert.pem" "$TMPDIR/$1/keys/link.key.pem" "${@:2}" \
    >"$TMPDIR/told" 2>>"$TMPDIR/impostor.log" &
  pid[impostor]=$!
}
nothing_said() {
  alive impostor || { cat "$TMPDIR/impostor.log"; fail "the impostor has ended"; }
  [ ! -s "$TMPDIR/told" ] || { cat "$TMPDIR/told"; fail "us told the impostor something"; }
  node_end impostor TERM
}
says() { us parley status --json >"$out" && grep -Eq -- "$1" "$out"; }

step "Two parties who trust each other, a notice that is delivered, and a stranger"
make_pair
keep_notice
make_home xx stranger.example
count=$(refusals)

step "The stranger connects to ru with a certificate that nobody pinned"
curl_as xx ru /propose --data '{}'
refused_at_the_gate "a stranger"
grep -q 'is not pinned' "$TMPDIR/ru.log" || wait_for 10 "ru's log says why" grep -q 'is not pinned' "$TMPDIR/ru.log"

step "Somebody connects without a certificate"
tls
refused_at_the_gate "somebody without a certificate"

step "us connects with its own certificate, but speaks TLS 1.2 only"
tls --tls-max 1.2 --cert "$TMPDIR/us/keys/link.cert.pem" --key "$TMPDIR/us/keys/link.key.pem"
refused_at_the_gate "TLS 1.2"

step "Somebody speaks HTTP without TLS"
status=$(curl --silent --show-error --max-time 10 --output "$out" --write-out '%{http_code}' "http://${address[ru]}/" 2>"$TMPDIR/curl") || :
refused_at_the_gate "plain HTTP"

step "With its own certificate and TLS 1.3 us is heard (404: there is no such log)"
curl_as us ru "/$(printf '0%.0s' {1..64})/checkpoint"
[ "$status" = 404 ] || { cat "$out" "$TMPDIR/curl"; fail "HTTP status $status instead of 404"; }
[ "$(refusals)" = "$count" ] || fail "that was counted as a refusal"

step "The other way: at ru's address somebody answers with another certificate"
node_stop ru
impostor xx
waiting=$(us parley send incident.notice --precedence FLASH --tlp red --text "Who is there?" --wait 0 --json | field id)
wait_for 20 "us says what is wrong" says 'certificate of [^ ]* is not the pinned one'
grep -Eo '"why": ?"[^"]*certificate[^"]*"' "$out" | head -n 1 | sed 's/^/  /'
expect_exit 0 us parley show "$waiting"
grep -q 'not yet' "$out" || fail "the notice does not stand as undelivered"
nothing_said

step "… and a server that speaks TLS 1.2 only, though it has the right key"
impostor ru 1.2
wait_for 30 "us says what is wrong" says 'does not speak TLS 1.3'
nothing_said

step "ru itself is back: what waited is delivered"
node_start ru
expect_delivered() { is_state us "$waiting" delivered; }
wait_for 60 "the notice is delivered" expect_delivered
nothing_lost
