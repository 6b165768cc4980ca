#!/usr/bin/env bash
# ru is away while us signs a notice with a file in epoch 0; then us loses its machine and recovers, with what fr holds, into
# epoch 1. When ru is back it gets, reads and acknowledges the old notice, and the old notice's receipt holds for both.
. "$(dirname "$0")/lib.sh"

fr() { on fr "$@"; }
epoch() { on "$1" parley status --json | python3 -c 'import json, sys
print(max(int(l["origin"].split("/")[2]) for l in json.load(sys.stdin)["logs"] if l["own"]))'; }
held() { # HOME: its log and its files are held by all
  on "$1" parley status --json | python3 -c 'import json, sys
sys.exit(not all(f["ours_held"] == f["ours"] > 0 and f["bulk_held"] == f["bulk_ours"] for p in json.load(sys.stdin)["peers"] for f in p["forums"]))'
}
delivered_to() { # PARTY: the notice with its file
  us parley show "$id" --json | python3 -c 'import json, sys
sys.exit(not any(d["party"] == sys.argv[1] and d.get("delivered") and d.get("files_delivered") for d in json.load(sys.stdin)["delivery"]))' "$1"
}
has_file() { rm -rf "$TMPDIR/save.$1"; on "$1" parley save "$id" --out "$TMPDIR/save.$1" && cmp "$TMPDIR/plan.bin" "$TMPDIR/save.$1/plan.bin"; }
verified() { # DIR: by parley, and by the second verifier
  expect_exit 0 parley verify $(anchors us fr ru) "$1" # the anchors are words
  expect_exit 0 python3 tests/interop/verify_pack.py $(anchors us fr ru) "$1"
}
no_conviction() {
  local home
  for home in us fr ru; do
    on "$home" parley proof list --json >"$out"
    [ "$(field proofs <"$out")" = "[]" ] || { cat "$out"; fail "$home holds a proof of two histories"; }
  done
}

step "Three parties; a backup is made"
make_home us cert.us.example
make_home fr dsn.fr.example
make_home ru ncc.ru.example
for home in us fr ru; do
  for other in us fr ru; do [ $home = "$other" ] || trust $home "$other"; done
  node_start $home
done
make_forum us fr ru -- --ack FLASH=60
send_notice us ru
early=$id
wait_for 60 "the log of us is held by both" held us
expect_exit 0 us parley backup "$TMPDIR/saved"

step "ru is away; a notice with a file to both reaches fr alone"
node_stop ru
make_file 300000 "$TMPDIR/plan.bin"
id=$(us parley send incident.notice --forum "$forum" --to "${party[fr]}" --to "${party[ru]}" --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --attach "$TMPDIR/plan.bin" --wait 0 --json | field id)
wait_for 60 "fr holds notice and file" delivered_to "${party[fr]}"
! delivered_to "${party[ru]}" || fail "it is delivered to who is away"

step "us loses its machine, signer/ too; the backup and fr bring it into epoch 1"
node_kill us
rm -rf "$TMPDIR/us"
cp -a "$TMPDIR/saved" "$TMPDIR/us"
node_start us
expect_exit 0 us parley recover --yes
sed 's/^/  /' "$out"
said 'next epoch is open'
said "On its way +ncc.ru.example: 1 statement"
[ "$(epoch us)" = 1 ] || fail "us is in epoch $(epoch us)"
us parley show "$id" >"$out"
! delivered_to "${party[ru]}" || fail "it is delivered to who is away"
wait_for 60 "epoch 1 is held by fr" us parley send incident.notice --forum "$forum" --to "${party[fr]}" --precedence FLASH \
  --tlp amber --text "In the next epoch" --wait 20

step "ru is back: it holds and reads what was signed in epoch 0, and in epoch 1"
node_start ru
arrived ru "$id"
wait_for 60 "delivered, the file too" delivered_to "${party[ru]}"
wait_for 60 "ru has the file" has_file ru
new=$(us parley send incident.notice --forum "$forum" --to "${party[ru]}" --precedence FLASH --tlp amber --text "And now" --wait 60 --json | field id)
arrived ru "$new"
ack ru "$id"
ack fr "$id"
wait_read us "$id"
receipt us "$id" "$TMPDIR/of-us"
verified "$TMPDIR/of-us"
receipt ru "$id" "$TMPDIR/of-ru"
verified "$TMPDIR/of-ru"
for which in "$early" "$new"; do
  rm -rf "$TMPDIR/pack"
  receipt us "$which" "$TMPDIR/pack"
  verified "$TMPDIR/pack"
done
no_conviction

step "After a restart of all: nothing is missing, and an audit finds nothing"
for home in us fr ru; do node_stop $home; done
for home in us fr ru; do node_start $home; done
delivered_to "${party[ru]}" || fail "the delivery is forgotten"
for home in us fr ru; do expect_exit 0 on $home parley audit; done
