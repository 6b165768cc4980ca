#!/usr/bin/env bash
# The counterpart is down, and up again. Then the worse: an old backup is put back, on either side. Whoever was set back
# signs nothing that could contradict what it signed before, says why, and says what to do.
. "$(dirname "$0")/refusals.sh"

quick() { # HOME: a notice that nobody waits for; sets $id
  id=$(on "$1" parley send incident.notice --precedence PRIORITY --tlp green --text "Notice of $1" --wait 0 --json | field id)
}
delivered() { is_state "$1" "$2" delivered; }
why() { on "$1" parley status; }
says() { on "$1" parley status --json >"$out" && grep -Eq -- "$2" "$out"; }
stopped() { on "$1" parley status --json | python3 -c 'import json, sys
sys.exit(not any(l["own"] and l["stopped"] for l in json.load(sys.stdin)["logs"]))'; }
signed_size() { on "$1" parley status --json | python3 -c 'import json, sys
print([l["signed"] for l in json.load(sys.stdin)["logs"] if l["own"] and not l["origin"].endswith("/bulk")][0])'; }

step "Two parties, and a notice that is delivered"
make_pair
keep_notice

step "ru is down: the notice is accepted, waits, and status says why"
node_stop ru
quick us
waiting=$id
refused 3 'not delivered yet|cannot be reached' us parley send incident.notice --precedence FLASH --tlp red --text "Anybody there?" --wait 1
wait_for 20 "us says why it waits" says us 'ncc.ru.example cannot be reached: connection refused'
expect_text "Waiting" why us
grep -E 'refused|Waiting' "$out" | head -n 4
refused 1 'not delivered|has not cosigned' us parley receipt "$waiting" --out "$TMPDIR/early"

step "us is restarted meanwhile: what it accepted still waits"
node_kill us
node_start us
is_state us "$waiting" accepted || is_state us "$waiting" signed || fail "the notice is not waiting any more"

step "ru is up again: delivered"
node_start ru
wait_for 90 "the notice is delivered" delivered us "$waiting"
receipt us "$waiting" "$TMPDIR/waited"
expect_exit 0 verify_pack "$TMPDIR/waited"

step "A backup of us is made (store only, never signer/), and life goes on"
node_stop us
mkdir "$TMPDIR/backup"
cp "$TMPDIR/us"/store.sqlite* "$TMPDIR/backup"
node_start us
send_notice us ru
newest=$id
receipt us "$newest" "$TMPDIR/newest"

step "The old backup is put back: us signs nothing, and explains"
node_stop us
mkdir "$TMPDIR/current"
mv "$TMPDIR/us"/store.sqlite* "$TMPDIR/current"
cp "$TMPDIR/backup"/* "$TMPDIR/us"
node_start us
wait_for 30 "signing has stopped" stopped us
expect_text 'backup|went back' why us
grep -iE 'backup|went back|recover' "$out" | head -n 3
size=$(signed_size us)
quick us
wait_for 10 "us says what to do" says us 'parley recover'
refused 3 'backup|went back|stopped' us parley send incident.notice --precedence FLASH --tlp red --text "And this?" --wait 2
[ "$(signed_size us)" = "$size" ] || fail "us signed another tree"
! delivered us "$id" || fail "a statement of the set back store was delivered"

step "Meanwhile ru still holds everything, and can still send to us"
expect_exit 0 ru parley show "$newest"
quick ru
arrived us "$id"
expect_exit 0 verify_pack "$TMPDIR/newest"

step "The newest store is put back, as docs/operations.md says: us goes on"
node_stop us
rm "$TMPDIR/us"/store.sqlite*
mv "$TMPDIR/current"/* "$TMPDIR/us"
node_start us
expect_exit 0 us parley show "$newest"
nothing_lost

step "A whole machine is set back, signer/ included: ru shows what it holds, and us signs nothing"
node_stop us
cp -r "$TMPDIR/us" "$TMPDIR/image"
node_start us
send_notice us ru
newest=$id
receipt us "$newest" "$TMPDIR/newest2"
node_stop us
mv "$TMPDIR/us" "$TMPDIR/us.newest"
cp -r "$TMPDIR/image" "$TMPDIR/us"
node_start us
wait_for 30 "signing has stopped" stopped us
expect_text 'ncc.ru.example holds .*under our own signature' why us
grep -E 'under our own signature' "$out" | head -n 1

step "… also when ru cannot be asked: then us signs nothing at all until it can"
node_stop us
node_stop ru
rm -rf "$TMPDIR/us"
cp -r "$TMPDIR/image" "$TMPDIR/us"
before=$(sha256sum "$TMPDIR/us/signer"/* | sed "s,$TMPDIR,,")
node_start us
quick us
wait_for 20 "us says that it waits" says us 'cannot be reached'
[ "$(sha256sum "$TMPDIR/us/signer"/* | sed "s,$TMPDIR,,")" = "$before" ] || fail "us signed without asking"
node_start ru
wait_for 90 "signing has stopped" stopped us

step "The newest machine is put back: everything goes on, and every receipt holds"
node_stop us
rm -rf "$TMPDIR/us"
mv "$TMPDIR/us.newest" "$TMPDIR/us"
node_start us
expect_exit 0 verify_pack "$TMPDIR/newest2"
expect_exit 0 us parley show "$newest"
nothing_lost

step "ru is set back: it signs nothing of its own, and gets again from us what it has lost"
node_stop ru
rm "$TMPDIR/backup"/*
cp "$TMPDIR/ru"/store.sqlite* "$TMPDIR/backup"
node_start ru
send_notice us ru
lost=$id
send_notice ru us
theirs=$id
node_stop ru
mkdir "$TMPDIR/ru.current"
mv "$TMPDIR/ru"/store.sqlite* "$TMPDIR/ru.current"
cp "$TMPDIR/backup"/* "$TMPDIR/ru"
node_start ru
wait_for 30 "signing has stopped" stopped ru
expect_text 'went back' why ru
arrived ru "$lost" # us is asked by ru what it holds, and looks what ru has lost
send_notice us ru
last=$id
arrived ru "$last"
expect_exit 0 us parley show "$theirs"
quick ru
refused 3 'went back' ru parley send incident.notice --precedence FLASH --tlp red --text "And this?" --wait 2

step "The newest store of ru is put back: it goes on as well"
node_stop ru
rm "$TMPDIR/ru"/store.sqlite*
mv "$TMPDIR/ru.current"/* "$TMPDIR/ru"
node_start ru
expect_exit 0 ru parley show "$theirs"
nothing_lost
arrived ru "$last"
