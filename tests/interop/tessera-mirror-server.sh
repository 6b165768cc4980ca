#!/usr/bin/env bash
# Our node pushes its logs into Tessera's mirror (cmd/mtc/mirror/posix), which stands where the counterpart's node should.
# It cosigns with ML-DSA-44 only, which we do not take: what can be checked is that it took every checkpoint and entry, and
# that it serves the tree that we signed. An upload that ends after a whole package but before its end, which the specification
# answers with 202, it answers with 500: the file is one of one package. TESSERA_MIRROR_SOURCE names a checkout, as in tessera-mirror.sh (tried with commit 6d227141 of July 2026).
. "$(dirname "$0")/../e2e/lib.sh"
[ -n "${TESSERA_MIRROR_SOURCE:-}" ] || skip "TESSERA_MIRROR_SOURCE names no checkout of Tessera with cmd/mtc/mirror/posix"
command -v go >/dev/null || skip "there is no go command"

step "The mirror and its key are made"
(cd "$TESSERA_MIRROR_SOURCE" && go build -mod=mod -o "$TMPDIR/mirror" ./cmd/mtc/mirror/posix &&
  go build -mod=mod -o "$TMPDIR/generate_keys" github.com/transparency-dev/witness/cmd/generate_keys)
"$TMPDIR/generate_keys" --mldsa --origin mirror.example.org --out_priv "$TMPDIR/mirror.sec" --out_pub "$TMPDIR/mirror.pub"

step "us and ru have a forum; then ru's node goes"
make_pair
origin=cert.us.example/$forum/0
keys=$(python3 - "$TMPDIR/us/card.json" "$origin" <<'P'
import base64, hashlib, json, sys
card = json.loads(base64.b64decode(json.load(open(sys.argv[1]))["payload"]))
key = card["keys"]["log"].split("+", 2)[2]
def named(name):
    return name + "+" + hashlib.sha256(name.encode() + b"\n" + base64.b64decode(key)).hexdigest()[:8] + "+" + key
print(json.dumps({"logs": [{"vkey": named(sys.argv[2])}, {"vkey": named(sys.argv[2] + "/bulk")}]}))
P
)
echo "$keys" >"$TMPDIR/config.json"
node_stop ru
step "us sends a notice with a file of 220 bulk entries, and Tessera's mirror comes to ru's address"
make_file 900000 "$TMPDIR/flows.bin"
us parley send incident.notice --forum "$forum" --to "${party[ru]}" --precedence IMMEDIATE --tlp amber \
  --file examples/colonial-pipeline.json --attach "$TMPDIR/flows.bin" --wait 0 --json >"$TMPDIR/sent"
id=$(field id <"$TMPDIR/sent")
wait_for 30 "the notice is signed" is_state us "$id" signed
"$TMPDIR/mirror" --storage_dir "$TMPDIR/tessera" --mirror_cosigner_path "$TMPDIR/mirror.sec" \
  --config_path "$TMPDIR/config.json" --listen_addr "$loopback:7490" >"$TMPDIR/tessera.log" 2>&1 &
pid[tessera]=$!
python3 tests/interop/tls_front.py "${address[ru]}" "$TMPDIR/ru/keys/link.cert.pem" "$TMPDIR/ru/keys/link.key.pem" \
  "$loopback:7490" >"$TMPDIR/front.log" 2>&1 &
pid[front]=$!

step "Every entry of both logs arrives in its storage"
folder() { echo "$TMPDIR/tessera/public/mirrors/$(printf %s "$1" | sha256sum | cut -c 1-64)"; }
size_of() { sed -n 2p "$(folder "$1")/checkpoint"; }
signed() { us parley status --json | python3 -c 'import json, sys
print([l["signed"] for l in json.load(sys.stdin)["logs"] if l["origin"] == sys.argv[1]][0])' "$1"; }
caught_up() { [ "$(size_of "$1")" = "$(signed "$1")" ] && [ "$(signed "$1")" -gt "$2" ]; }
wait_for 60 "Tessera's mirror holds the log" caught_up "$origin" 1
wait_for 60 "Tessera's mirror holds the bulk log" caught_up "$origin/bulk" 219

step "It signed the roots that we signed, and its entries are ours"
for log in "$origin" "$origin/bulk"; do
  grep -q "^— mirror.example.org " "$(folder "$log")/checkpoint" || fail "no cosignature of the mirror"
  root=$(sed -n 3p "$(folder "$log")/checkpoint")
  echo "$log: $(size_of "$log") entries, root $root"
done
python3 - "$(folder "$origin/bulk")" <<'P'
import base64, glob, hashlib, os, sys
folder = sys.argv[1]
size, want = open(folder + "/checkpoint").read().split("\n")[1:3]
entries = []
for n in range((int(size) + 255) // 256):
    width = min(256, int(size) - 256 * n)
    name = "%s/tile/entries/%03d%s" % (folder, n, "" if width == 256 else ".p/%d" % width)
    data = open(name, "rb").read()
    while data:
        k = int.from_bytes(data[:2], "big")
        entries.append(data[2:2 + k])
        data = data[2 + k:]
def root(e):
    if len(e) == 1:
        return hashlib.sha256(b"\0" + e[0]).digest()
    k = 1
    while 2 * k < len(e):
        k *= 2
    return hashlib.sha256(b"\1" + root(e[:k]) + root(e[k:])).digest()
assert base64.b64encode(root(entries)).decode() == want, "another root"
P

step "Its ML-DSA cosignature proves nothing to us: the notice counts as not delivered, and status says why"
is_state us "$id" signed || fail "it counts as delivered"
expect_text 'the cosignature of ncc.ru.example cannot be taken' us parley status

step "When ru's own node is back, the same entries go there, and it is delivered"
for which in front tessera; do
  kill "${pid[$which]}"
  wait "${pid[$which]}" 2>/dev/null || :
  unset "pid[$which]"
done
node_start ru
wait_for 90 "ru holds it" is_state us "$id" delivered
