# What the stories about bad input share (sourced, after which it reads like lib.sh):
#
#   refused N PATTERN COMMAND...     exit status N, and the message says what the pattern says
#   keep_notice                      us sends ru a notice; its receipt is drawn and kept
#   nothing_lost                     that notice is still held by both, its receipt still holds, and the line still works
#   curl_as HOME OTHER PATH OPTION...   asks OTHER's node over TLS with HOME's link certificate; what came back is in $out, the HTTP
#                                    status in $status (000: none)
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
forge=tests/e2e/forge.py

refused() {
  local want=$1 pattern=$2
  shift 2
  expect_exit "$want" "$@"
  grep -Eq -- "$pattern" "$out" || { cat "$out"; fail "the message does not say \"$pattern\": $*"; }
  grep -Em 1 -- "$pattern" "$out" | cut -c 1-400 | sed 's/^/  /'
}

keep_notice() {
  send_notice us ru "$@"
  kept=$id
  receipt us "$kept" "$TMPDIR/kept"
  expect_exit 0 verify_pack "$TMPDIR/kept"
}
verify_pack() { parley verify $(anchors us ru) "$1"; } # the anchors are words

nothing_lost() {
  step "Nothing is lost: the earlier notice is on both sides, its receipt holds, and a new one goes through"
  expect_exit 0 verify_pack "$TMPDIR/kept"
  rm -rf "$TMPDIR/again"
  receipt us "$kept" "$TMPDIR/again"
  expect_exit 0 verify_pack "$TMPDIR/again"
  cmp "$TMPDIR/kept/entry.json" "$TMPDIR/again/entry.json"
  expect_exit 0 ru parley show "$kept"
  send_notice us ru
  send_notice ru us
}

link_pin() { # HOME: of the certificate that its card names
  openssl x509 -in "$TMPDIR/$1/keys/link.cert.pem" -noout -pubkey | openssl pkey -pubin -outform DER |
    openssl dgst -sha256 -binary | base64
}
curl_as() {
  local home=$1 other=$2 path=$3
  shift 3
  status=$(curl --silent --show-error --insecure --pinnedpubkey "sha256//$(link_pin "$other")" --max-time 10 \
    --cert "$TMPDIR/$home/keys/link.cert.pem" --key "$TMPDIR/$home/keys/link.key.pem" \
    --output "$out" --write-out '%{http_code}' "$@" "https://${address[$other]}$path" 2>"$TMPDIR/curl") || :
}
