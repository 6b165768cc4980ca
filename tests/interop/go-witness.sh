#!/usr/bin/env bash
# A neutral witness that is not ours: torchwood's litewitness cosigns the log of a forum whose charter names it. While the
# addressee is down its cosignature dates the statement; torchwood checks that too. The versions are pinned in
# tests/interop/go-witness and tests/interop/go1.24.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/interop/go.lib
for tool in ssh-agent ssh-add ssh-keygen; do command -v $tool >/dev/null || skip "there is no $tool"; done
ctl=tests/interop/witness.py

step "litewitness and the checking program are built"
go_program tests/interop/go1.24 "$TMPDIR/peer"
go_tool tests/interop/go-witness filippo.io/torchwood/cmd/litewitness "$TMPDIR/litewitness"
peer() { "$TMPDIR/peer" "$@"; }
proof() { peer proof "$1/entry.json" "$1/proof.tlog-proof" "$1/policy.tlog-policy"; }

step "A neutral body starts it, with a key that an ssh-agent holds"
name=witness.example/parley listen=$loopback:7380
ssh-keygen -q -t ed25519 -N '' -C '' -f "$TMPDIR/key"
ssh-agent -D -a "$TMPDIR/agent" >"$TMPDIR/agent.log" 2>&1 &
pid[agent]=$!
wait_for 10 "the agent listens" test -S "$TMPDIR/agent"
SSH_AUTH_SOCK=$TMPDIR/agent ssh-add -q "$TMPDIR/key"
vkey=$(python3 $ctl vkey $name "$TMPDIR/key.pub")
witness_start() {
  "$TMPDIR/litewitness" -db "$TMPDIR/witness.db" -name $name -key "$(python3 $ctl fingerprint "$TMPDIR/key.pub")" \
    -ssh-agent "$TMPDIR/agent" -listen "$listen" >>"$TMPDIR/witness.log" 2>&1 &
  pid[witness]=$!
  wait_for 10 "litewitness listens" curl -s "http://$listen/"
}
witness_stop() {
  kill "${pid[witness]}"
  wait "${pid[witness]}" 2>/dev/null || :
  unset "pid[witness]"
}
witness_start

step "us and ru agree on a charter that names it; us knows where it listens, ru does not"
make_home us cert.us.example
make_home ru ncc.ru.example
echo "witness = $name http://$listen" >>"$TMPDIR/us/parley.conf"
trust us ru
trust ru us
node_start us
node_start ru
make_forum us ru -- --witness "$vkey"
expect_text "not configured here" ru parley status

of_witness() { us parley status --json | field "witnesses.0.$1"; }
says() { of_witness "$1" | grep -qE -- "$2"; }
cosigned() { [ "$(of_witness size)" -ge "$(us parley status --json | field logs.0.size)" ] && [ "$(of_witness size)" -ge "$1" ]; }

step "It does not know the log: the status says so, and which key its operator is to add"
wait_for 30 "the refusal is told" says why "answers 40[34] .its operator must add this log"
expect_text "Log key +cert.us.example/$forum/0\+" us parley status
python3 $ctl add-log "$TMPDIR/witness.db" "$(of_witness log_vkey)"
wait_for 90 "it cosigns" cosigned 1
! says why . || fail "it fails still: $(of_witness why)"

step "ru is down; a FLASH of us is dated by the witness"
send_notice us ru
delivered=$id
node_stop ru
id=$(us parley send incident.notice --forum "$forum" --to "${party[ru]}" --precedence FLASH --tlp amber \
  --file examples/colonial-pipeline.json --wait 0 --json | field id)
wait_for 30 "the witness has it" cosigned 3
tried() { { us parley receipt "$id" || :; } | grep 'connection refused'; }
wait_for 30 "an attempt has failed" tried

step "parley receipt gives evidence of non-delivery, and says that it is no proof of delivery"
expect_exit 3 us parley receipt "$id" --out "$TMPDIR/silence"
said "NOT A PROOF OF DELIVERY"
said "Silent: ncc.ru.example has cosigned nothing of this log beyond its first"
said "cannot be reached"
cat "$out"
mapfile -t known < <(anchors us ru | tr ' ' '\n' | sed '/^$/d')
expect_exit 0 parley verify "${known[@]}" "$TMPDIR/silence"
said "NOT A PROOF OF DELIVERY"
said "witness $name"
expect_exit 5 parley verify "$TMPDIR/silence"
expect_exit 3 us parley receipt "$id" --silent
expect_exit 1 us parley disclose "$id" --out "$TMPDIR/disclosed"

step "torchwood verifies its proof by its policy, and refuses any altered bit"
expect_exit 0 proof "$TMPDIR/silence"
expect_exit 0 peer proof -altered "$TMPDIR"/silence/{entry.json,proof.tlog-proof,policy.tlog-policy}
grep -q "^witness w1 $name+" "$TMPDIR/silence/policy.tlog-policy"

step "The second verifier says the same; both refuse it altered"
expect_exit 0 python3 tests/interop/verify_silence.py "${known[@]}" "$TMPDIR/silence"
expect_exit 5 python3 tests/interop/verify_silence.py "$TMPDIR/silence"
for file in entry.json proof.tlog-proof policy.tlog-policy charter.json silent.json attempts.json silent/ncc.ru.example \
  cards/cert.us.example.json cards/ncc.ru.example.json; do
  cp "$TMPDIR/silence/$file" "$TMPDIR/whole"
  size=$(stat -c %s "$TMPDIR/whole")
  for at in 1 $((size / 3)) $((size * 2 / 3)) $((size - 2)); do
    altered "$TMPDIR/whole" "$at" "$TMPDIR/silence/$file"
    [ "$file" != attempts.json ] || printf ' ' >>"$TMPDIR/silence/$file" # our own word: nothing but its form is checked
    expect_exit 1 parley verify "${known[@]}" "$TMPDIR/silence"
    expect_exit 1 python3 tests/interop/verify_silence.py "${known[@]}" "$TMPDIR/silence"
  done
  cp "$TMPDIR/whole" "$TMPDIR/silence/$file"
done
for file in silent/ncc.ru.example attempts.json cards/ncc.ru.example.json policy.tlog-policy; do
  mv "$TMPDIR/silence/$file" "$TMPDIR/whole"
  expect_exit 1 parley verify "${known[@]}" "$TMPDIR/silence"
  expect_exit 1 python3 tests/interop/verify_silence.py "${known[@]}" "$TMPDIR/silence"
  mv "$TMPDIR/whole" "$TMPDIR/silence/$file"
done

step "The witness is away: nothing else waits for it, and the status says since when"
witness_stop
node_start ru
wait_for 60 "ru has the notice" shows ru "$id"
is_delivered() { us parley show "$id" --json | field state | grep -qE 'delivered|read'; }
wait_for 60 "us has the cosignature of ru" is_delivered
send_notice us ru
wait_for 30 "the failure is told" says why "cannot be reached"
says failing_since 20

step "It is back: what was missed is cosigned, and stands on the record of us"
witness_start
wait_for 90 "it cosigns again" cosigned 4

step "Now a receipt takes the place of the evidence, and of what ru has cosigned there is none"
expect_exit 0 us parley receipt "$id" --out "$TMPDIR/receipt"
expect_exit 0 parley verify "${known[@]}" "$TMPDIR/receipt"
expect_exit 0 proof "$TMPDIR/receipt"
! [ -e "$TMPDIR/receipt/silent.json" ] || fail "a receipt with silent.json"
expect_exit 0 us parley receipt "$delivered"
expect_exit 1 us parley receipt "$id" --silent
said "every addressee has cosigned it"
