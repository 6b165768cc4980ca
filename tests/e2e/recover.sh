#!/usr/bin/env bash
# A backup is made while notices go through; later the machine is lost, the backup is restored, and parley recover finds the way back: with the
# signer's memory saved from the old disk, and without. Nothing that was delivered is lost, and nobody is convicted.
. "$(dirname "$0")/refusals.sh"

stopped() { on "$1" parley status --json | python3 -c 'import json, sys
sys.exit(not any(l["own"] and l["stopped"] for l in json.load(sys.stdin)["logs"]))'; }
goes_on() { ! stopped "$1"; }
epoch() { on "$1" parley status --json | python3 -c 'import json, sys
print(max(int(l["origin"].split("/")[2]) for l in json.load(sys.stdin)["logs"] if l["own"]))'; }
accepted() { # HOME: a notice that is accepted and kept; sets $id
  id=$(on "$1" parley send incident.notice --precedence PRIORITY --tlp green --text "Accepted while signing has stopped" --wait 0 --json | field id)
}
delivered() { is_state "$1" "$2" delivered; }
no_conviction() {
  local home
  for home in us ru; do
    on "$home" parley proof list --json >"$out"
    [ "$(field proofs <"$out")" = "[]" ] || { cat "$out"; fail "$home holds a proof of two histories"; }
  done
}
checked_twice() { # DIR: by parley, and by the second verifier
  expect_exit 0 verify_pack "$1"
  expect_exit 0 python3 tests/interop/verify_pack.py $(anchors us ru) "$1"
}

step "Two parties, a notice, and a file"
make_pair
keep_notice
make_file 3000000 "$TMPDIR/plan.bin"
send_notice us ru --attach "$TMPDIR/plan.bin"
withfile=$id

step "A backup is made while notices arrive"
for i in 1 2 3 4 5 6 7 8; do us parley send incident.notice --precedence ROUTINE --tlp green --text "Notice $i" --wait 0 --json >/dev/null; done &
senders=$!
expect_exit 0 us parley backup "$TMPDIR/saved"
said 'backup is whole'
wait "$senders"
ls "$TMPDIR/saved"
[ ! -e "$TMPDIR/saved/signer" ] || fail "the backup holds the signer's memory"
[ -s "$TMPDIR/saved/README" ] && [ -s "$TMPDIR/saved/keys/statement.pem" ] && [ -s "$TMPDIR/saved/card.json" ] || fail "the backup is not whole"
[ -z "$(find "$TMPDIR/saved" -perm /077)" ] || fail "others can read the backup"
[ -z "$(find "$TMPDIR" -maxdepth 1 -name '*.partial')" ] || fail "something is left beside the backup"
python3 -c 'import sqlite3, sys
assert sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone() == ("ok",)' "$TMPDIR/saved/store.sqlite"

step "A folder that is not empty is refused, and the home itself"
refused 1 'not empty' us parley backup "$TMPDIR/saved"
refused 1 'home itself' us parley backup "$TMPDIR/us/backup"
refused 1 'cannot make' us parley backup "$TMPDIR/nowhere/backup"

step "Life goes on: more notices are delivered, one is acknowledged"
send_notice us ru
newest=$id
ack ru "$newest"
wait_read us "$newest"
receipt us "$newest" "$TMPDIR/newest"
checked_twice "$TMPDIR/newest"
send_notice ru us
theirs=$id

restore() { # the machine is lost; HOW: keeps or loses signer/
  node_kill us
  rm -rf "$TMPDIR/old"
  mv "$TMPDIR/us" "$TMPDIR/old"
  cp -a "$TMPDIR/saved" "$TMPDIR/us"
  [ "$1" != keeps ] || cp -a "$TMPDIR/old/signer" "$TMPDIR/us/signer"
  node_start us
  wait_for 30 "signing has stopped" stopped us
  expect_text 'parley recover' us parley status
  grep -E 'parley recover' "$out" | head -n 1
  accepted us
  waiting=$id
}

after_recovery() { # EPOCH
  wait_for 60 "us signs again" goes_on us
  [ "$(epoch us)" = "$1" ] || fail "us is in epoch $(epoch us), not $1"
  wait_for 60 "what was accepted meanwhile is delivered" delivered us "$waiting"
  arrived ru "$waiting"
  expect_exit 0 us parley show "$newest"
  arrived us "$theirs" # its author brings it again, when it learns that less is held
  for id in "$newest" "$waiting" "$withfile"; do
    rm -rf "$TMPDIR/pack"
    receipt us "$id" "$TMPDIR/pack"
    checked_twice "$TMPDIR/pack"
  done
  checked_twice "$TMPDIR/newest"
  nothing_lost
  no_conviction
}

step "The machine is lost, its signer/ is saved: the log goes on in the same epoch"
restore keeps
refused 2 'dry-run' us parley recover
expect_exit 0 us parley recover --dry-run
said 'Will be done.*goes on signing|goes on signing where it stopped'
sed 's/^/  /' "$out"
stopped us || fail "--dry-run changed something"
expect_exit 0 us parley recover --yes
sed 's/^/  /' "$out"
after_recovery 0

step "Now signer/ is lost as well: the next epoch is opened; a file that was given in meanwhile is named, before and after"
restore loses
unsent=$(us parley send incident.notice --precedence PRIORITY --tlp green --text "With the plan" --attach "$TMPDIR/plan.bin" \
  --wait 0 --json | field id)
expect_exit 0 us parley recover --dry-run
said "With files +${unsent:0:12} → ncc.ru.example"
said 'keep copies first'
expect_exit 0 us parley save "$unsent" --out "$TMPDIR/copy"
cmp "$TMPDIR/plan.bin" "$TMPDIR/copy/plan.bin"
expect_exit 0 us parley recover --yes
sed 's/^/  /' "$out"
said 'next epoch is open'
said "Send again +${unsent:0:12} → ncc.ru.example"
expect_text 'never sent: its files stood in a log that was given up' us parley show "$unsent"
after_recovery 1
send_notice us ru --attach "$TMPDIR/copy/plan.bin"
receipt us "$id" "$TMPDIR/resent"
checked_twice "$TMPDIR/resent"
expect_exit 0 us parley recover
said 'Nothing is done'

step "And after a restart of both"
node_stop us
node_stop ru
node_start us
node_start ru
send_notice us ru
receipt us "$id" "$TMPDIR/last"
checked_twice "$TMPDIR/last"
goes_on us || fail "signing has stopped again"
