#!/usr/bin/env bash
# Tessera's client/mirror pushes a log into our open mirror, cut off and resumed. That client is newer than the last tag of
# Tessera, and a module proxy may not have its commit: TESSERA_SOURCE names a checkout of github.com/transparency-dev/tessera
# (tried with commit 1811ae1a7c40 of August 2026) in which `go build ./client/mirror` works.
. "$(dirname "$0")/../e2e/lib.sh"
[ -n "${TESSERA_SOURCE:-}" ] || skip "TESSERA_SOURCE names no checkout of Tessera with client/mirror"
command -v go >/dev/null || skip "there is no go command"

step "The Go program is built inside the checkout's module"
mkdir "$TMPDIR/source"
cp -r "$TESSERA_SOURCE/." "$TMPDIR/source"
mkdir -p "$TMPDIR/source/cmd/parley-push"
cp tests/interop/tessera-mirror/main.go "$TMPDIR/source/cmd/parley-push/"
(cd "$TMPDIR/source" && go build -mod=mod -o "$TMPDIR/push" ./cmd/parley-push)

step "us sends ru a file of 366 bulk entries; a neutral body holds both logs of us"
make_pair
make_file 1500000 "$TMPDIR/flows.bin"
send_notice us ru --attach "$TMPDIR/flows.bin"
receipt us "$id" "$TMPDIR/receipt"
vkey=$(sed -n 's/^log //p' "$TMPDIR/receipt/policy.tlog-policy")
origin=${vkey%%+*}
make_home ch neutral.ch.example
mirror=$loopback:7480
echo "open_mirror = $mirror" >>"$TMPDIR/ch/parley.conf"
{
  echo "$vkey"
  python3 -c 'import base64, hashlib, sys
name, _, key = sys.argv[1].split("+", 2)
name += "/bulk"
print(name + "+" + hashlib.sha256(name.encode() + b"\n" + base64.b64decode(key)).hexdigest()[:8] + "+" + key)' "$vkey"
} >"$TMPDIR/ch/open-logs"
node_start ch

push() { # ORIGIN [BYTES]
  "$TMPDIR/push" "https://${address[us]}" "$TMPDIR/ru/keys/link.cert.pem" "$TMPDIR/ru/keys/link.key.pem" "$1" \
    "http://$mirror" "${@:2}"
}
held() { curl -s --max-time 10 "http://$mirror/$(printf %s "$1" | sha256sum | cut -c 1-64)/checkpoint"; }

for log in "$origin" "$origin/bulk"; do
  step "$log: pushed, and cosigned by the mirror"
  if [ "$log" != "$origin" ]; then
    expect_exit 1 push "$log" 1200000
    said 'cut off on purpose'
    held "$log" >"$TMPDIR/held"
    ! grep -q "^— ${party[ch]}/mirror " "$TMPDIR/held" || fail "an upload that was cut off is cosigned"
    on ch parley status --json >"$TMPDIR/status"
    python3 -c 'import json, sys
held = [l["held"] for l in json.load(open(sys.argv[1]))["open_logs"] if l["origin"].endswith("/bulk")]
sys.exit(held != [256])' "$TMPDIR/status" || fail "what came before the cut is not kept"
  fi
  expect_exit 0 push "$log"
  said "^— ${party[ch]}/mirror "
  held "$log" >"$TMPDIR/held"
  grep -q "^— ${party[ch]}/mirror " "$TMPDIR/held" || fail "the mirror does not show what it cosigned"
done

step "Once more, with nothing new: the cosignature is renewed"
expect_exit 0 push "$origin/bulk"
said "^— ${party[ch]}/mirror "
