#!/usr/bin/env bash
# Two machines use the keys of one party and go on with its log, each in its own way and to another counterpart. The two honest
# nodes learn it from each other; each keeps a proof that others check, also after a restart. An old checkpoint that is shown
# again is nothing of that kind.
. "$(dirname "$0")/lib.sh"

proofs_of() { on "$1" parley proof list; }
has_proof() { local code=0; proofs_of "$1" >/dev/null || code=$?; [ $code = 4 ]; }
folder_of() { compgen -G "$TMPDIR/$1/proofs/ncc.ru.example-*"; }
may_sign() {
  on "$1" parley status --json | python3 -c 'import json, sys
logs = [l for l in json.load(sys.stdin)["logs"] if l["own"] and not l["origin"].endswith("/bulk")]
sys.exit(any(l["why"] for l in logs))'
}
as_ru() { # PATH [CURL OPTION...]
  curl -sS --max-time 20 -k --cert "$TMPDIR/ru/keys/link.cert.pem" --key "$TMPDIR/ru/keys/link.key.pem" "${@:2}" \
    "https://${address[us]}$1"
}

step "Three parties, one forum"
make_home us cert.us.example
make_home ru ncc.ru.example
make_home ch ncsc.ch.example
for home in us ru ch; do for other in us ru ch; do [ $home = $other ] || trust $home $other; done; done
for home in us ru ch; do node_start $home; done
make_forum us ru ch
send_notice ru us

step "An old checkpoint, shown again, convicts nobody"
log=ncc.ru.example/$forum/0
path=$(printf %s "$log" | sha256sum | cut -d ' ' -f 1)
as_ru "/$path/checkpoint.pending" >"$TMPDIR/old.note"
old=$(sed -n 2p "$TMPDIR/old.note")
send_notice ru us
wait_for 30 "the log has grown" test "$(as_ru "/$path/checkpoint.pending" | sed -n 2p)" -gt "$old"
{ printf 'old %s\n\n' "$old"; cat "$TMPDIR/old.note"; } >"$TMPDIR/replay"
[ "$(as_ru /add-checkpoint --data-binary "@$TMPDIR/replay" -o "$out" -w '%{http_code}')" = 409 ] || fail "replayed: not 409"
expect_exit 0 proofs_of us
said 'None'

step "A second machine with a copy of the home of ru, signer's memory and all"
node_stop ru
cp -a "$TMPDIR/ru" "$TMPDIR/twin"
rm -f "$TMPDIR/twin/parleyd.sock"
address[twin]=$loopback:$((first_port + 9)) party[twin]=ncc.ru.example fingerprint[twin]=${fingerprint[ru]}
sed -i "s/^listen *=.*/listen = ${address[twin]}/" "$TMPDIR/twin/parley.conf"
node_start ru
node_start twin
for home in ru twin; do wait_for 60 "the log of $home is ready" may_sign $home; done

step "The first goes on towards us, the second towards ch"
node_stop ch
send_notice ru us
first=$id
node_stop ru
node_stop us
node_start ch
send_notice twin ch
second=$id
arrived ch "$second"
node_stop twin
expect_exit 0 proofs_of ch

step "us and ch talk to each other, and both see it"
node_start us
on us parley send incident.notice --forum "$forum" --to ncsc.ch.example --to ncc.ru.example --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --wait 0 >/dev/null
for home in us ch; do
  wait_for 60 "$home has the proof" has_proof $home
  wait_for 20 "the folder of $home" folder_of $home
done

step "Either proof holds for whoever knows ru, and says so in plain words"
for home in us ch; do
  folder=$(folder_of $home)
  expect_exit 4 on $home parley verify "$folder"
  said 'PROOF OF TWO HISTORIES'
  said 'ncc.ru.example signed both, with the key of its log'
  expect_exit 4 parley verify $(anchors ru) "$folder"
  expect_exit 5 parley verify "$folder"
  expect_exit 1 parley verify --fingerprint "ncc.ru.example=${fingerprint[us]}" "$folder"
  expect_exit 4 tests/interop/verify_fork.py $(anchors ru) "$folder"
  expect_exit 4 on $home parley proof show ncc.ru.example --out "$TMPDIR/$home.shown"
  diff -r "$folder" "$TMPDIR/$home.shown"
  expect_text 'PROVED: ncc.ru.example has signed two histories' on $home parley status
  expect_text 'PROVED: ncc.ru.example' on $home parley forum show "$forum"
done

step "Nothing more of that log is taken; what was delivered under either history stays"
node_start ru
expect_exit 3 on ru parley send incident.notice --forum "$forum" --to cert.us.example --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --wait 3
arrived us "$first"
arrived ch "$second"

step "After a restart it is still there, and the folder is written anew"
node_stop us
rm -r "$TMPDIR/us/proofs"
node_start us
wait_for 20 "the folder of us" folder_of us
diff -r "$(folder_of us)" "$TMPDIR/us.shown"
expect_exit 4 proofs_of us

step "What the store has lost of it comes back from the folder; a folder that proves nothing is passed over"
node_stop us
forget() { python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
gone = db.execute("DELETE FROM logs WHERE CAST(substr(k, 1, 6) AS TEXT) = \"proof/\" OR CAST(substr(k, 1, 4) AS TEXT) = \"fork\"").rowcount
db.commit()
sys.exit(gone == 0)' "$TMPDIR/us/store.sqlite"; }
forget || fail "there was nothing to lose"
cp -r "$(folder_of us)" "$TMPDIR/us/proofs/ncc.ru.example-0000000000000000"
altered "$TMPDIR/us/proofs/ncc.ru.example-0000000000000000/first.checkpoint" 100
node_start us
expect_exit 4 proofs_of us
grep -q 'proofs/ncc.ru.example-0000000000000000 is not taken for a proof' "$TMPDIR/us.log" || fail "nothing is said of the other folder"
rm -r "$TMPDIR/us/proofs/ncc.ru.example-0000000000000000"
node_stop us
forget
mv "$TMPDIR/us/proofs" "$TMPDIR/us.proofs"
node_start us
expect_exit 0 proofs_of us
