#!/usr/bin/env bash
# A mirror and a log as any client of C2SP tlog-mirror, tlog-witness and tlog-tiles meets them over HTTP: status, content type,
# compression, caching. curl asks; the bodies are made here, from the specifications.
. "$(dirname "$0")/refusals.sh"

head=$TMPDIR/head
ask() { curl_as us ru "$@" --dump-header "$head"; } # the mirror
has() { tr -d '\r' <"$head" | grep -qix -- "$1" || { cat "$head"; fail "no header $1"; }; }
has_not() { ! grep -qi -- "^$1:" "$head" || { cat "$head"; fail "a header $1"; }; }
is() { [ "$status" = "$1" ] || { cat "$head" "$out" "$TMPDIR/curl"; fail "HTTP status $status instead of $1"; }; }
post() { # PATH FILE OPTION...
  ask "$1" --data-binary "@$2" -H 'Content-Type: application/octet-stream' "${@:3}"
  has 'accept-encoding: gzip'
}
text() { has "content-type: ${1:-text/plain; charset=utf-8}"; }
body() { # FIRST END BUNDLE: add-entries of the whole bundle, in the one package that a log of less than 256 entries has
  python3 -c 'import struct, sys
origin, first, end, bundle = sys.argv[1].encode(), int(sys.argv[2]), int(sys.argv[3]), open(sys.argv[4], "rb").read()
proof = b"" if first == end else b"\0"
sys.stdout.buffer.write(struct.pack(">H", len(origin)) + origin + struct.pack(">QQH", first, end, 0) + bundle + proof)' "$origin" "$@"
}
gunzipped() { python3 -c 'import gzip, sys; sys.stdout.buffer.write(gzip.decompress(open(sys.argv[1], "rb").read()))' "$1"; }

step "us sends ru two notices; ru is the mirror of the log of us"
make_pair
send_notice us ru
send_notice us ru
receipt us "$id" "$TMPDIR/receipt"
origin=$(sed '1,/^$/d' "$TMPDIR/receipt/proof.tlog-proof" | head -n 1)
log=/$(printf %s "$origin" | sha256sum | cut -c 1-64)

step "Its checkpoint: the log's signature and the mirror's, never cached"
ask "$log/checkpoint"
is 200
text
has 'cache-control: no-store'
cp "$out" "$TMPDIR/checkpoint"
size=$(sed -n 2p "$TMPDIR/checkpoint")
[ "$(head -n 1 "$TMPDIR/checkpoint")" = "$origin" ] && [ "$size" -ge 3 ] || fail "another checkpoint"
[ "$(grep -c '^— ' "$TMPDIR/checkpoint")" = 2 ] && grep -q "^— ${party[ru]}/mirror " "$TMPDIR/checkpoint" || fail "not cosigned"

step "Tiles: every width that was once, for ever; no other"
for width in $(seq 1 "$size"); do
  ask "$log/tile/0/000.p/$width"
  is 200
  has 'content-type: application/octet-stream'
  has 'cache-control: private, max-age=31536000, immutable'
  [ "$(stat -c %s "$out")" = $((32 * width)) ] || fail "a tile of width $width has $(stat -c %s "$out") bytes"
done
for path in 0/000 0/000.p/0 0/000.p/$((size + 1)) 0/000.p/01 0/001.p/1 1/000.p/1 0/0.p/1 0/x000/000.p/1 64/000.p/1 entries/000; do
  ask "$log/tile/$path"
  is 404
  has 'cache-control: no-store'
done

step "Entry bundles: gzip for those who accept it, the same bytes for the others"
ask "$log/tile/entries/000.p/$size"
is 200
has 'content-type: application/octet-stream'
has 'cache-control: private, max-age=31536000, immutable'
has 'vary: accept-encoding'
has_not content-encoding
cp "$out" "$TMPDIR/bundle"
ask "$log/tile/entries/000.p/$size" -H 'Accept-Encoding: gzip, identity'
is 200
has 'content-encoding: gzip'
has "content-length: $(stat -c %s "$out")"
gunzipped "$out" | cmp - "$TMPDIR/bundle" || fail "other bytes under gzip"
printf '  %s bytes, %s under gzip\n' "$(stat -c %s "$TMPDIR/bundle")" "$(stat -c %s "$out")"

step "add-entries: everything again, plain and as gzip, and an empty one: each renews the cosignature"
body 0 "$size" "$TMPDIR/bundle" >"$TMPDIR/whole"
gzip -c "$TMPDIR/whole" >"$TMPDIR/whole.gz"
body "$size" "$size" /dev/null >"$TMPDIR/empty"
cosigned() {
  is 200
  [ "$(wc -l <"$out")" = 1 ] && grep -q "^— ${party[ru]}/mirror " "$out" || { cat "$out"; fail "no cosignature line"; }
}
post /add-entries "$TMPDIR/whole"
cosigned
post /add-entries "$TMPDIR/whole.gz" -H 'Content-Encoding: gzip'
cosigned
post /add-entries "$TMPDIR/whole.gz" -H 'Content-Encoding: gzip' -H 'Transfer-Encoding: chunked'
cosigned
post /add-entries "$TMPDIR/empty"
cosigned

step "add-entries that is not right: 400, 404, 409, 415, 422"
head -c -2 "$TMPDIR/whole" >"$TMPDIR/cut"
post /add-entries "$TMPDIR/cut"
is 400
head -c -9 "$TMPDIR/whole.gz" >"$TMPDIR/cut.gz"
post /add-entries "$TMPDIR/cut.gz" -H 'Content-Encoding: gzip'
is 400
head -c 5 "$TMPDIR/whole" >"$TMPDIR/cut"
post /add-entries "$TMPDIR/cut"
is 400
post /add-entries "$TMPDIR/whole" -H 'Content-Encoding: br'
is 415
altered "$TMPDIR/whole" $(($(stat -c %s "$TMPDIR/whole") - 2)) "$TMPDIR/other"
post /add-entries "$TMPDIR/other"
is 422
body $((size + 1)) $((size + 1)) /dev/null >"$TMPDIR/beyond"
post /add-entries "$TMPDIR/beyond"
is 409
text text/x.tlog.mirror-info
printf '%s\n%s\n\n' "$size" "$size" | cmp - "$out" || fail "another mirror-info"
(origin=nobody.example/0/0 && body 0 1 /dev/null) >"$TMPDIR/unknown"
post /add-entries "$TMPDIR/unknown"
is 404

step "add-checkpoint: 200 for the same again; 400, 403, 404, 409 and 422"
note() { grep -v '/mirror ' "$TMPDIR/checkpoint"; } # as the log signed it
checkpoint() { # STATUS OLD [PROOF-LINE...]: with the note from standard input
  local want=$1
  { printf 'old %s\n' "$2" && printf '%s\n' "${@:3}" '' && cat; } >"$TMPDIR/request"
  post /add-checkpoint "$TMPDIR/request"
  is "$want"
}
hash=$(sed -n 3p "$TMPDIR/checkpoint")
note | checkpoint 200 "$size"
[ ! -s "$out" ] || fail "the mirror's key has signed what is pending"
note | checkpoint 400 "0$size"
text
note | checkpoint 400 $((size + 1))
note | checkpoint 409 0
text text/x.tlog.size
[ "$(cat "$out")" = "$size" ] || fail "another size"
note | checkpoint 422 "$size" "$hash"
note | sed '2s/.*/0/' | checkpoint 403 0
sed "s/^— ${party[ru]}/— ${party[us]}/" "$TMPDIR/checkpoint" | checkpoint 200 "$size" # a line of an unknown key
note | sed '1s/.*/nobody.example\/0\/0/' | checkpoint 404 0
note | python3 -c 'import sys
t = sys.stdin.read(); print(t[:-20] + ("B" if t[-20] == "A" else "A") + t[-19:], end="")' | checkpoint 403 "$size"
ask /add-checkpoint
is 404 # a GET

step "What us sends to a mirror: one of another make stands in for ru, judges it and gives out tickets"
node_stop ru
node_stop us
echo "compress = always" >>"$TMPDIR/us/parley.conf" # this line is short: of itself it would send plain
node_start us
tests/e2e/mirror.py "${address[ru]}" "$TMPDIR/ru/keys/link.cert.pem" "$TMPDIR/ru/keys/link.key.pem" >"$TMPDIR/told" 2>"$TMPDIR/mirror.log" &
pid[mirror]=$!
expect_exit 0 us parley send incident.notice --precedence FLASH --tlp amber --text "For the other mirror" --wait 0
told() { [ "$(grep -c '^upload 0 ' "$TMPDIR/told")" -ge 2 ] || grep -q '^wrong' "$TMPDIR/told"; }
wait_for 60 "us uploads it, and again with the ticket" told
node_end mirror TERM
cat "$TMPDIR/told"
! grep -q '^wrong' "$TMPDIR/told" || fail "another upload than tlog-mirror asks for"
[ "$(awk '$4 == "gzip" && $5 < $6' "$TMPDIR/told" | wc -l)" = "$(wc -l <"$TMPDIR/told")" ] || fail "it was not compressed"
node_start ru

step "Nothing of this has harmed the line"
send_notice us ru
send_notice ru us
! grep -q ' error ' "$TMPDIR/us.log" "$TMPDIR/ru.log" || fail "a node logged an error"
