#!/usr/bin/env bash
# Who has signed two histories goes on in the next epoch of its log, once the others have said in a new version of the charter
# how much of the old one counts.
. "$(dirname "$0")/refusals.sh"

has_proof() { local code=0; on "$1" parley proof list >/dev/null || code=$?; [ $code = 4 ]; }
may_sign() {
  on "$1" parley status --json | python3 -c 'import json, sys
sys.exit(not all(l["why"] == "" for l in json.load(sys.stdin)["logs"] if l["own"]))'
}

step "Three parties; ru signs two histories, and us and ch have the proof"
for each in "us cert.us.example" "ru ncc.ru.example" "ch ncsc.ch.example"; do make_home $each; done
for a in us ru ch; do for b in us ru ch; do [ $a = $b ] || trust $a $b; done; done
for a in us ru ch; do node_start $a; done
make_forum us ru ch
send_notice ru us
ack us "$id"
before=$id
wait_read ru "$before"
node_stop ru
cp -a "$TMPDIR/ru" "$TMPDIR/twin"
rm -f "$TMPDIR/twin/parleyd.sock"
address[twin]=$loopback:$((first_port + 9)) party[twin]=ncc.ru.example fingerprint[twin]=${fingerprint[ru]}
sed -i "s/^listen *=.*/listen = ${address[twin]}/" "$TMPDIR/twin/parley.conf"
node_start ru
node_start twin
for home in ru twin; do wait_for 60 "the log of $home is ready" may_sign $home; done
node_stop ch
send_notice ru us
kept=$id
node_stop ru
node_stop us
node_start ch
send_notice twin ch
other=$id
node_stop twin
node_start us
on us parley send incident.notice --forum "$forum" --to ncsc.ch.example --to ncc.ru.example --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --wait 0 >/dev/null
for home in us ch; do wait_for 60 "$home has the proof" has_proof $home; done

step "Nothing more of ru is taken"
node_start ru
expect_exit 3 on ru parley send incident.notice --forum "$forum" --to cert.us.example --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --wait 3

step "us, ch and ru agree that the old log counts as us holds it, and that ru goes on"
held=$(us parley status --json | python3 -c 'import json, sys
print([l["size"] for l in json.load(sys.stdin)["logs"] if l["origin"].startswith("ncc.ru.example/") and not l["origin"].endswith("bulk")][0])')
# The root that us holds at that size stands in the note that us shows.
curl_as ch us "/$(printf 'ncc.ru.example/%s/0' "$forum" | sha256sum | cut -c 1-64)/checkpoint"
[ "$status" = 200 ] || fail "us shows no checkpoint of ru's log: $status"
size=$(sed -n 2p "$out") root=$(sed -n 3p "$out")
[ "$size" = "$held" ] || fail "another size"
us parley forum amend "$forum" --close "ncc.ru.example:0:$size:$root" --json >"$TMPDIR/amended"
version=$(field version <"$TMPDIR/amended" 2>/dev/null || field forum <"$TMPDIR/amended")
knows() { on "$1" parley forum show "$version" --json; }
for home in ch ru; do
  wait_for 60 "the version reaches $home" knows $home
  on $home parley forum accept "$version" --yes >/dev/null
done
in_force_at() { on "$1" parley forum show "$version" --json | grep -q '"state": *"in_force"'; }
for home in us ch ru; do wait_for 60 "the version is in force for $home" in_force_at $home; done

step "ru opens the next epoch of its log, and what it sends is delivered again"
expect_exit 0 on ru parley recover --log --yes
cat "$out"
send_notice ru us
receipt ru "$id" "$TMPDIR/new"
# shellcheck disable=SC2046
expect_exit 0 parley verify $(anchors us ru) "$TMPDIR/new"
grep -q "^ncc.ru.example/$forum/1$" "$TMPDIR/new/proof.tlog-proof" || fail "it is not in epoch 1"
send_notice ru ch

step "What was delivered before stays proved, and the proof against ru stays"
arrived us "$before"
arrived us "$kept"
arrived ch "$other"
for home in us ch; do has_proof $home || fail "$home has lost the proof"; done
