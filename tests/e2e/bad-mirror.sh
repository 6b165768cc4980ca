#!/usr/bin/env bash
# A counterpart whose node answers with garbage, without end, at a byte in ten seconds, or with a gzip bomb harms nobody but
# itself: memory stays bounded, the others are served, status says what is wrong, and when it is well again all is delivered.
# And a counterpart that uploads a gzip bomb is refused.
. "$(dirname "$0")/refusals.sh"

memory() { awk '/^VmHWM/ {print $2}' "/proc/${pid[us]}/status"; } # KiB, the most so far
bad() { # HOW
  tests/e2e/bad_mirror.py "${address[ru]}" "$TMPDIR/ru/keys/link.cert.pem" "$TMPDIR/ru/keys/link.key.pem" "$1" \
    >"$TMPDIR/asked" 2>"$TMPDIR/bad.log" &
  pid[bad]=$!
}
asked() { [ -s "$TMPDIR/asked" ]; }
why() { us parley status --json | python3 -c 'import json, sys
print([f["why"] for p in json.load(sys.stdin)["peers"] if p["party"] == sys.argv[1] for f in p["forums"]][0])' "${party[ru]}"; }
says_why() { why | grep -Eq -- "$1"; }

step "Three parties, one forum"
for each in "us cert.us.example" "ru ncc.ru.example" "ch govcert.ch.example"; do make_home $each; done
for a in us ru ch; do for b in us ru ch; do [ $a = $b ] || trust $a $b; done; done
for a in us ru ch; do node_start $a; done
make_forum us ru ch
send_notice us ru
before=$(memory)
node_stop ru

while read -r how pattern; do
  step "ru's node answers: $how"
  bad "$how"
  us parley send incident.notice --forum "$forum" --to "${party[ru]}" --precedence FLASH --tlp amber \
    --file examples/colonial-pipeline.json --wait 0 --json >"$TMPDIR/sent"
  late=$(field id <"$TMPDIR/sent")
  wait_for 90 "ru's node is asked" asked
  send_notice us ch # in the meantime others are served
  [ -z "$pattern" ] || { wait_for 90 "status says what is wrong" says_why "$pattern"; why | sed 's/^/  /'; }
  is_state us "$late" signed || fail "it counts as delivered"
  node_end bad TERM
done <<'HOW'
garbage cannot be reached
nonsense .
endless .
bomb .
slow
HOW

step "Memory is bounded: an answer may have 32 MiB"
after=$(memory)
echo "most memory of us's node: $before KiB before, $after KiB after"
case $PARLEY_BUILD in *san*) ;; *) [ $((after - before)) -lt 60000 ] || fail "it grew" ;; esac

step "ru's own node comes back, and everything is delivered"
node_start ru
wait_for 90 "the last notice is delivered" is_state us "$late" delivered

step "ru uploads a gzip bomb as entries of its log: refused, and us's memory stays what it was"
origin=ncc.ru.example/$forum/0
python3 - "$origin" "$TMPDIR/bomb.gz" <<'P'
import struct, sys, zlib
origin = sys.argv[1].encode()
c = zlib.compressobj(wbits=31)
with open(sys.argv[2], "wb") as f:
    f.write(c.compress(struct.pack(">H", len(origin)) + origin + struct.pack(">QQH", 0, 1 << 30, 0)))
    for _ in range(1024):
        f.write(c.compress(bytes(1 << 20)))
    f.write(c.flush())
P
echo "$(stat -c %s "$TMPDIR/bomb.gz") bytes"
before=$(memory)
curl_as ru us /add-entries --data-binary "@$TMPDIR/bomb.gz" -H 'Content-Encoding: gzip' \
  -H 'Content-Type: application/octet-stream' -H 'Expect:'
case $status in 4?? | 000) ;; *) cat "$out"; fail "HTTP status $status" ;; esac
cat "$out" | head -c 300
case $PARLEY_BUILD in *san*) ;; *) [ $(($(memory) - before)) -lt 20000 ] || fail "it grew to $(memory) KiB" ;; esac
us parley status >/dev/null
