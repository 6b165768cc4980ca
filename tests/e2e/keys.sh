#!/usr/bin/env bash
# Keys over time between two real nodes: all keys replaced in mid-forum, lost keys, a new desk, a new link key, a passphrase
# on the key files, two cards of one serial, and a renewal that is cut off in the middle.
. "$(dirname "$0")/lib.sh"

made() { # HOME: the passphrase of its rotation key into a file; the key itself goes to the safe
  field rotation_passphrase <"$TMPDIR/$1.init.json" >"$TMPDIR/$1.pass"
  mkdir -p "$TMPDIR/safe.$1"
  mv "$TMPDIR/$1/keys/rotation.age" "$TMPDIR/safe.$1/rotation.age"
}
renew() { # HOME [OPTION...]
  local home=$1
  shift
  on "$home" parley card renew --rotation "$TMPDIR/safe.$home/rotation.age" --passphrase-file "$TMPDIR/$home.pass" "$@"
}
serial_at() { on "$1" parley keys --json | field counterparts.0.cards.-1.serial; }
has_serial() { [ "$(serial_at "$1")" = "$2" ]; }
told() { [ "$(on "$1" parley keys --json | field counterparts.0.has_ours)" = True ]; }
signed_over() { [ "$(on "$1" parley keys --json | field forums.0.signed_over)" = True ]; }
again() { node_stop "$1"; node_start "$1"; }
verified() { # DIR: by both, and by one who holds the first fingerprints alone
  expect_exit 0 us parley verify "$1"
  expect_exit 0 ru parley verify "$1"
  expect_exit 0 on nobody parley verify $(anchors us ru) "$1"
}
exchange() { # NAME: a notice each way, acknowledged, its receipts in NAME.us and NAME.ru
  send_notice us ru
  ack ru "$id"
  wait_read us "$id"
  receipt us "$id" "$TMPDIR/$1.us"
  send_notice ru us
  ack us "$id"
  wait_read ru "$id"
  receipt ru "$id" "$TMPDIR/$1.ru"
  verified "$TMPDIR/$1.us"
  verified "$TMPDIR/$1.ru"
}

step "Two parties, a notice each way; the rotation keys go to a safe"
make_pair
expect_text "rotation key lies on this machine" us parley keys
made us
made ru
expect_exit 0 us parley keys
said "not here, as it should be"
exchange before
first=$id

step "What a new card needs is said"
expect_exit 2 us parley card renew
expect_exit 2 renew us --replace everything
said "not \"everything\""
expect_exit 1 us parley card renew --rotation "$TMPDIR/safe.ru/rotation.age" --passphrase-file "$TMPDIR/ru.pass"
said "not the rotation key of the card in force"
expect_exit 1 us parley card renew --rotation "$TMPDIR/safe.us/rotation.age" --passphrase-file "$TMPDIR/ru.pass"
said "passphrase of the rotation key is wrong"
expect_exit 1 renew us --drop-seal judicial
said "no seal key labelled judicial"
[ "$(us parley card show --json | field serial)" = 0 ] || fail "a refusal made a card"

step "All keys of us are replaced, the rotation key too; ru learns it by itself"
echo "a new passphrase" >"$TMPDIR/us.pass2"
expect_exit 0 renew us --replace all --new-rotation "$TMPDIR/safe.us/rotation.1.age" --new-passphrase-file "$TMPDIR/us.pass2"
cat "$out"
again us
wait_for 30 "ru has the card of serial 1" has_serial ru 1
wait_for 30 "us knows that" told us
wait_for 30 "every log is signed over" signed_over us
[ ! -e "$TMPDIR/us/keys/before/log.pem" ] || fail "the log key before is still there"
exchange after
verified "$TMPDIR/before.us"
verified "$TMPDIR/before.ru"
ls "$TMPDIR/after.us/cards" | grep -q '^cert.us.example.0.json$' || fail "the receipt lacks the older card"
expect_exit 0 us parley show "$first"
said "Colonial"
expect_text "restart|start parleyd again" cat "$TMPDIR/us.log"
again us
exchange link

step "The old statement key is lost: what is lost is replaced"
mv "$TMPDIR/safe.us/rotation.1.age" "$TMPDIR/safe.us/rotation.age"
mv "$TMPDIR/us.pass2" "$TMPDIR/us.pass"
node_stop us
rm "$TMPDIR/us/keys/statement.pem"
expect_exit 1 renew us
expect_exit 0 renew us --replace statement
node_start us
wait_for 30 "ru has the card of serial 2" has_serial ru 2
exchange statement

step "So is the log key, which cannot sign over"
node_stop us
rm "$TMPDIR/us/keys/log.pem"
expect_exit 0 renew us --replace log
node_start us
wait_for 30 "ru has the card of serial 3" has_serial ru 3
exchange log

step "A desk of its own for judges"
expect_exit 0 renew us --add-seal judicial
again us
wait_for 30 "ru has the card of serial 4" has_serial ru 4
send_notice ru us --desk judicial
arrived us "$id"
expect_exit 0 us parley show "$id"
said "Colonial"
expect_exit 0 renew us --drop-seal judicial
again us
wait_for 30 "ru has the card of serial 5" has_serial ru 5
expect_exit 0 us parley show "$id"
said "Colonial"
expect_exit 1 ru parley send incident.notice --forum "$forum" --to cert.us.example --tlp amber --precedence ROUTINE --desk judicial --file examples/colonial-pipeline.json
said "judicial"

step "The key files get a passphrase, and the next card's too"
echo "open sesame" >"$TMPDIR/keypass"
node_stop ru
expect_exit 0 ru parley keys protect --new-passphrase-file "$TMPDIR/keypass"
[ -e "$TMPDIR/ru/keys/log.pem.age" ] && [ ! -e "$TMPDIR/ru/keys/log.pem" ] || fail "log.pem is not protected"
expect_exit 1 "$PARLEY_BUILD/parleyd" --home "$TMPDIR/ru"
export PARLEY_PASSPHRASE_FILE=$TMPDIR/keypass
expect_exit 0 renew ru --replace all
[ ! -e "$TMPDIR/ru/keys/log.pem" ] || fail "a new key is not protected"
node_start ru
wait_for 30 "us has the card of serial 1" has_serial us 1
exchange protected
node_stop ru
expect_exit 0 ru parley keys unprotect
unset PARLEY_PASSPHRASE_FILE
node_start ru
exchange open

step "A renewal that was cut off is finished or undone at the next start"
node_stop ru
cp -a "$TMPDIR/ru" "$TMPDIR/ru.saved"
cp -a "$TMPDIR/ru" "$TMPDIR/half"
on half parley card renew --rotation "$TMPDIR/safe.ru/rotation.age" --passphrase-file "$TMPDIR/ru.pass" --replace all >/dev/null
mkdir -p "$TMPDIR/ru/change/keys"
for file in statement.pem log.pem; do cp "$TMPDIR/half/keys/$file" "$TMPDIR/ru/change/keys/"; done
for file in mirror.pem seal.duty.txt seal.duty.1.txt link.next.key.pem link.next.cert.pem; do cp "$TMPDIR/half/keys/$file" "$TMPDIR/ru/keys/"; done
mkdir -p "$TMPDIR/ru/keys/before"
cp "$TMPDIR/half/keys/before/log.pem" "$TMPDIR/ru/keys/before/"
cp "$TMPDIR/half/card.json" "$TMPDIR/half/card.1.json" "$TMPDIR/ru/change/"
node_start ru
[ ! -e "$TMPDIR/ru/change" ] || fail "the change is not finished"
wait_for 30 "us has the card of serial 2" has_serial us 2
exchange finished
node_stop ru
mkdir -p "$TMPDIR/ru/change.new/keys"
echo "half a key" >"$TMPDIR/ru/change.new/keys/log.pem"
node_start ru
exchange undone

step "A passphrase that is made for a new rotation key is shown, and opens it"
expect_exit 0 renew ru --new-rotation "$TMPDIR/safe.ru/rotation.2.age"
said "rotation.2.age, shown this once"
grep -Eo '([0-9]{4}-){9}[0-9]{4}' "$out" >"$TMPDIR/ru.pass" || fail "no passphrase is shown"
mv "$TMPDIR/safe.ru/rotation.2.age" "$TMPDIR/safe.ru/rotation.age"
again ru
wait_for 30 "us has the card of serial 3" has_serial us 3

step "By hand: us has not heard of ru's next card, and takes it without comparing; a second one voids both"
node_stop us
cp -a "$TMPDIR/ru" "$TMPDIR/thief"
expect_exit 0 renew ru
expect_exit 0 on thief parley card renew --rotation "$TMPDIR/safe.ru/rotation.age" --passphrase-file "$TMPDIR/ru.pass" --replace mirror
node_start us
expect_exit 0 us parley trust "$TMPDIR/ru/card.json"
said "Taken: the new card of ncc.ru.example"
expect_exit 0 us parley trust "$TMPDIR/ru/card.json"
said "held already"
expect_exit 1 us parley trust "$TMPDIR/thief/card.json"
said "neither counts"
[ "$(serial_at us)" = 3 ] || fail "a void card counts"
expect_text "in two hands" us parley keys
again us
expect_text "in two hands" us parley keys
