#!/usr/bin/env bash
# A file of 64 MB, with progress; and a FLASH sent meanwhile, which does not wait behind it.
. "$(dirname "$0")/refusals.sh"

big_rows() { us parley inbox --sent --json | python3 -c 'import json, sys
for s in json.load(sys.stdin)["statements"]:
    if s["files"]: print(s["id"])'; }
file_delivered() { us parley show "$1" --json | field delivery.0.files_delivered; }
parts() { us parley status --json | python3 -c 'import json, sys
f = json.load(sys.stdin)["peers"][0]["forums"][0]
print(f["bulk_held"], f["bulk_ours"])'; }
moving() { # more than a tenth is there, and not all
  read -r held ours < <(parts)
  [ "$ours" -gt 1000 ] && [ "$held" -lt "$ours" ]
}

step "Two parties, and a file of 64 MB that nothing can compress"
make_pair
keep_notice
make_file 67108864 "$TMPDIR/big.bin"

step "An officer sends it, at a terminal, and sees how far it has come"
PARLEY_HOME=$TMPDIR/us script --quiet --return --flush --log-out "$TMPDIR/screen" --command \
  "stty cols 100; parley send incident.notice --precedence ROUTINE --tlp green --text 'With a large file' --attach $TMPDIR/big.bin --wait 120" \
  >"$TMPDIR/screen.out" 2>&1 </dev/null &
pid[officer]=$!

step "Meanwhile a FLASH"
wait_for 60 "the file is on its way" moving
flash=$(us parley send incident.notice --precedence FLASH --tlp red --text "Pipeline stopped" --wait 30 --json | field id)
read -r held ours < <(parts)
echo "  it is delivered; of the file $held of $ours parts are there"
[ "$held" -lt 16384 ] || fail "the file was there before the FLASH"
is_state us "$flash" delivered || fail "the FLASH is not delivered"
receipt us "$flash" "$TMPDIR/flash"
expect_exit 0 verify_pack "$TMPDIR/flash"

step "The file arrives, byte for byte"
wait "${pid[officer]}" || { tail -c 2000 "$TMPDIR/screen"; fail "sending ended with $?"; }
unset "pid[officer]"
big=$(big_rows)
file_delivered "$big" >/dev/null
expect_exit 0 ru parley save "$big" --out "$TMPDIR/saved"
cmp "$TMPDIR/big.bin" "$TMPDIR/saved/big.bin"
receipt us "$big" "$TMPDIR/big"
expect_exit 0 verify_pack "$TMPDIR/big"

step "What the officer saw"
tr '\r' '\n' <"$TMPDIR/screen" | grep -aEo '(big.bin|sealing|delivering|reading) +[0-9]+ % .* MB' | awk '{ n[$1]++; last[$1] = $0 } END { for (k in n) print "  " n[k] " lines such as: " last[k] }'
# On a fast line the delivery keeps pace with the sealing, and "delivering" has nothing left to show.
tr '\r' '\n' <"$TMPDIR/screen" | grep -aqE '(sealing|delivering) +[1-9][0-9]? % ' || fail "no progress was shown once the file was read"
nothing_lost
