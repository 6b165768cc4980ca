#!/usr/bin/env bash
# A neutral body holds a log of a forum that it is no member of: anybody may push it, by C2SP tlog-mirror, and read it.
# curl asks; the bodies are made here, from the specification.
. "$(dirname "$0")/refusals.sh"

body() { # FIRST END BUNDLE: add-entries of a whole bundle, in the one package that a log of less than 256 entries has
  python3 -c 'import struct, sys
origin, first, end, bundle = sys.argv[1].encode(), int(sys.argv[2]), int(sys.argv[3]), open(sys.argv[4], "rb").read()
proof = b"" if first == end else b"\0"
sys.stdout.buffer.write(struct.pack(">H", len(origin)) + origin + struct.pack(">QQH", first, end, 0) + bundle + proof)' "$origin" "$@"
}
open() { # PATH CURL-OPTION...: sets $status, the body is in $out
  status=$(curl -s -o "$out" -w '%{http_code}' --max-time 20 "http://$mirror$1" "${@:2}")
}
is() { [ "$status" = "$1" ] || { cat "$out"; fail "HTTP status $status instead of $1"; }; }

step "us and ru have a forum; us's log is to be held by a third body"
make_pair
send_notice us ru
receipt us "$id" "$TMPDIR/receipt"
vkey=$(sed -n 's/^log //p' "$TMPDIR/receipt/policy.tlog-policy")
origin=${vkey%%+*}
log=/$(printf %s "$origin" | sha256sum | cut -c 1-64)
curl_as ru us "$log/checkpoint"
cp "$out" "$TMPDIR/checkpoint"
size=$(sed -n 2p "$TMPDIR/checkpoint")
curl_as ru us "$log/tile/entries/000.p/$size"
cp "$out" "$TMPDIR/bundle"
python3 -c 'import sys
data, n, out = open(sys.argv[1], "rb").read(), int(sys.argv[2]), b""
for i in range(n):
    k = 2 + int.from_bytes(data[:2], "big")
    out, data = out + data[:k], data[k:]
sys.stdout.buffer.write(out)' "$TMPDIR/bundle" "$size" >"$TMPDIR/entries"

step "Its node takes no other listener than one on loopback, and no list that cannot be read"
make_home ch neutral.ch.example
mirror=$loopback:7480
conf() { sed -i '/^open_mirror/d' "$TMPDIR/ch/parley.conf"; echo "open_mirror = $1" >>"$TMPDIR/ch/parley.conf"; }
conf "$mirror"
expect_exit 1 timeout 20 "$PARLEY_BUILD/parleyd" --home "$TMPDIR/ch"
said 'open_mirror is on, but its list of logs cannot be read'
printf '# held for us and ru\n%s\nnonsense\n' "$vkey" >"$TMPDIR/ch/open-logs"
expect_exit 1 timeout 20 "$PARLEY_BUILD/parleyd" --home "$TMPDIR/ch"
said 'open-logs, line 3'
printf '# held for us and ru\n\n%s' "$vkey" >"$TMPDIR/ch/open-logs"
conf 0.0.0.0:7480
expect_exit 1 timeout 20 "$PARLEY_BUILD/parleyd" --home "$TMPDIR/ch"
said 'is no loopback address'
conf nonsense
expect_exit 1 timeout 20 "$PARLEY_BUILD/parleyd" --home "$TMPDIR/ch"
said 'must be none, or such as 127.0.0.1:7480'
conf "$mirror"
node_start ch

step "It holds nothing yet, and shows nothing but that"
open "$log/checkpoint"
is 404
for path in / /v1/status /v1/statements /propose "/${log:1:63}x/checkpoint" /add-checkpoint "$log/tile/0/000.p/1"; do
  open "$path"
  is 404
done
open /propose --data-binary x
is 404
open /v1/statements --data-binary '{}'
is 404

step "A checkpoint of another log, or signed by another key, is refused"
sed "1s/^.*$/other.example/" "$TMPDIR/checkpoint" >"$TMPDIR/other"
printf 'old 0\n\n' | cat - "$TMPDIR/other" >"$TMPDIR/request"
open /add-checkpoint --data-binary "@$TMPDIR/request"
is 404
sed "2s/^.*$/1/" "$TMPDIR/checkpoint" >"$TMPDIR/other"
printf 'old 0\n\n' | cat - "$TMPDIR/other" >"$TMPDIR/request"
open /add-checkpoint --data-binary "@$TMPDIR/request"
is 403
open /add-checkpoint --data-binary nonsense
is 400

step "A stranger pushes the log: the checkpoint, then the entries, cut off on the first try"
printf 'old 0\n\n' | cat - "$TMPDIR/checkpoint" >"$TMPDIR/request"
open /add-checkpoint --data-binary "@$TMPDIR/request"
is 200
[ ! -s "$out" ] || fail "a pending checkpoint is not cosigned"
open "$log/checkpoint"
is 404
open "$log/checkpoint.pending"
is 200
body 0 "$size" "$TMPDIR/entries" >"$TMPDIR/upload"
head -c $(($(stat -c %s "$TMPDIR/upload") / 2)) "$TMPDIR/upload" >"$TMPDIR/cut"
open /add-entries --data-binary "@$TMPDIR/cut"
is 400
altered "$TMPDIR/upload" $(($(stat -c %s "$TMPDIR/upload") - 9)) "$TMPDIR/bad"
open /add-entries --data-binary "@$TMPDIR/bad"
is 422
open /add-entries --data-binary "@$TMPDIR/upload"
is 200
grep -q "^— ${party[ch]}/mirror " "$out" || fail "no cosignature"

step "Anybody reads it back: checkpoint, tiles, entries"
open "$log/checkpoint"
is 200
grep -q "^— ${party[ch]}/mirror " "$out" && grep -qF "— $origin " "$out" || fail "the checkpoint lacks a signature"
open "$log/tile/entries/000.p/$size"
is 200
cmp "$TMPDIR/entries" "$out"
open "$log/tile/0/000.p/$size"
is 200

step "The same again is harmless, and what it holds outlives its node"
open /add-checkpoint --data-binary "@$TMPDIR/request"
is 409
[ "$(cat "$out")" = "$size" ] || fail "409 without the size"
node_kill ch
node_start ch
open "$log/checkpoint"
is 200
on ch parley status --json | field open_logs.0.cosigned | grep -qx "$size"
expect_text "$origin" on ch parley status

step "ch joins the forum of that log: the open mirror lets go of it, the forum has it, and what was held counts"
trust us ch
trust ru ch
trust ch us
trust ch ru
version=$(us parley forum amend "$forum" --admit "${party[ch]}" --json | field version)
knows() { on "$1" parley forum show "$version" --json; }
for home in ru ch; do
  wait_for 30 "the version reaches $home" knows $home
  on $home parley forum accept "$version" --yes >/dev/null
done
is_version() { [ "$(on "$1" parley forum show "$forum" --json | field version)" = "$version" ]; }
for home in us ru ch; do wait_for 30 "the version is in force at $home" is_version $home; done
not_shown() {
  open "$log/checkpoint"
  is 404
  open "$log/tile/entries/000.p/$size"
  is 404
  open /add-checkpoint --data-binary "@$TMPDIR/request"
  is 404
}
not_shown
grep -q "$origin is a log of a forum that we are in" "$TMPDIR/ch.log" || fail "its operator is not told"
send_notice us ch
arrived ch "$id"
receipt us "$id" "$TMPDIR/joined"
expect_exit 0 parley verify $(anchors us ch) "$TMPDIR/joined"
expect_exit 0 on ch parley audit

step "It starts again with that list, and is no open mirror of that log"
node_stop ch
node_start ch
not_shown
send_notice us ch
arrived ch "$id"
expect_exit 0 on ch parley audit
