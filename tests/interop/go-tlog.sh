#!/usr/bin/env bash
# Receipts checked by torchwood alone, and logs and mirrors read by torchwood and Tessera: fsck over every tile, proofs of
# every entry and of every earlier size. What packs disclose is opened by age. The program is tests/interop/go1.24; its
# versions are pinned in go.sum.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/interop/go.lib

step "The Go program is built"
go_program tests/interop/go1.24 "$TMPDIR/peer"
peer() { "$TMPDIR/peer" "$@"; }
proof() { peer proof "$1/entry.json" "$1/proof.tlog-proof" "$1/policy.tlog-policy"; }

step "A notice with files goes from us to ru and is read; a second one follows"
make_pair
make_file 1500000 "$TMPDIR/flows.bin"
send_notice us ru --attach "$TMPDIR/flows.bin"
first=$id
ack ru "$first"
send_notice us ru --attach examples/colonial-pipeline.json
wait_read us "$first"
receipt us "$first" "$TMPDIR/first"
receipt us "$id" "$TMPDIR/second"

step "torchwood verifies the proofs of notice and acknowledgement by their policies, and refuses any altered bit"
for folder in first second first/ack; do
  expect_exit 0 proof "$TMPDIR/$folder"
  expect_exit 0 peer proof -altered "$TMPDIR/$folder/entry.json" "$TMPDIR/$folder/proof.tlog-proof" \
    "$TMPDIR/$folder/policy.tlog-policy"
  echo "$folder: $(cat "$out")"
done

step "It refuses another statement, the policy of another log, and a proof that the addressee has not cosigned"
other() { # FILE FROM: the first receipt with that file from another
  rm -rf "$TMPDIR/other"
  cp -r "$TMPDIR/first" "$TMPDIR/other"
  cp "$2" "$TMPDIR/other/$1"
  expect_exit 1 proof "$TMPDIR/other"
}
other entry.json "$TMPDIR/second/entry.json"
other proof.tlog-proof "$TMPDIR/second/proof.tlog-proof"
other policy.tlog-policy "$TMPDIR/first/ack/policy.tlog-policy"
grep -v '^— ncc\.ru\.example/mirror ' "$TMPDIR/first/proof.tlog-proof" >"$TMPDIR/uncosigned"
other proof.tlog-proof "$TMPDIR/uncosigned"
said "policy components satisfied"

step "What us discloses of the second notice and its file is what was sealed, says age"
us parley disclose "$id" --out "$TMPDIR/shown" >/dev/null
expect_exit 0 proof "$TMPDIR/shown"
expect_exit 0 peer disclosed "$TMPDIR/shown"
cmp examples/colonial-pipeline.json "$TMPDIR/shown/files/0.json"
for file in body.json bulk/range files/0.json files/0.age; do
  cp "$TMPDIR/shown/$file" "$TMPDIR/whole"
  altered "$TMPDIR/whole" $(($(stat -c %s "$TMPDIR/whole") / 2)) "$TMPDIR/shown/$file"
  expect_exit 1 peer disclosed "$TMPDIR/shown"
  cp "$TMPDIR/whole" "$TMPDIR/shown/$file"
done

if [ -x "$PARLEY_BUILD/tests/unit-test_pack" ]; then
  step "So with the packs of the unit tests, some of them for several addressees or signed under newer cards"
  mkdir "$TMPDIR/made"
  "$PARLEY_BUILD/tests/unit-test_pack" --write "$TMPDIR/made" >/dev/null 2>&1
  count=0
  while read -r pack _ known file; do
    [ "$known" = 0 ] || continue
    for folder in "$TMPDIR/made/$pack"{,/ack,/reject}; do
      ! [ -d "$folder" ] || expect_exit 0 proof "$folder"
    done
    count=$((count + 1))
  done <"$TMPDIR/made/verdicts"
  [ $count -gt 10 ] || fail "only $count packs"
  grep -q '^group .* all w1 w2' "$TMPDIR/made/all/policy.tlog-policy"
  expect_exit 0 peer proof -altered "$TMPDIR"/made/all/{entry.json,proof.tlog-proof,policy.tlog-policy}
  cat "$out"

  step "What they disclose is what was sealed, byte for byte, says age; what is not is refused"
  good=0 bad=0
  while read -r pack _ known file; do
    case $known-$file in
    1-body.json | 1-reject/body.json | 1-bulk/range | 1-files/*)
      expect_exit 1 peer disclosed "$TMPDIR/made/$pack"
      echo "$pack: $(cat "$out")"
      bad=$((bad + 1))
      ;;
    0-*)
      expect_exit 0 peer disclosed "$TMPDIR/made/$pack"
      ! [ -e "$TMPDIR/made/$pack/body.json" ] || good=$((good + 1))
      ;;
    esac
  done <"$TMPDIR/made/verdicts"
  [ $good -gt 4 ] && [ $bad -gt 4 ] || fail "only $good good packs and $bad bad ones disclose anything"
  for file in body.json bulk/range files/0.age files/1.age files/1; do
    whole=$TMPDIR/made/disclosed-files/$file
    cp "$whole" "$TMPDIR/whole"
    size=$(stat -c %s "$whole")
    for at in 0 $((size / 3)) $((size / 2)) $((size - 1)); do
      altered "$TMPDIR/whole" "$at" "$whole"
      expect_exit 1 peer disclosed "$TMPDIR/made/disclosed-files"
    done
    cp "$TMPDIR/whole" "$whole"
  done
  expect_exit 0 peer disclosed "$TMPDIR/made/disclosed-files"
fi

# READER SERVER ORIGIN OUT [-flip PATH]: READER's link key opens SERVER's read side. A log's own node shows what the
# other party has cosigned, a mirror what it has cosigned itself: in a forum of two, ru in both cases.
read_log() {
  peer log "${@:5}" "$TMPDIR/$2/card.json" "$TMPDIR/us/card.json" "$TMPDIR/ru/card.json" "https://${address[$2]}" \
    "$TMPDIR/$1/keys/link.cert.pem" "$TMPDIR/$1/keys/link.key.pem" "$3" "$4"
}
log=cert.us.example/$forum/0
for pair in "ru us" "us ru"; do
  read -r reader server <<<"$pair"
  step "Tessera and torchwood read us's logs from $server, and refuse what is altered"
  for origin in "$log" "$log/bulk"; do
    kind=${origin#"$log"}
    expect_exit 0 read_log "$reader" "$server" "$origin" "$TMPDIR/$server${kind/\//.}.entries"
    cat "$out"
    for path in checkpoint tile/0/ tile/entries/; do
      expect_exit 1 read_log "$reader" "$server" "$origin" "$TMPDIR/none" -flip $path
    done
  done
  expect_exit 1 read_log "$reader" "$server" "$log/bulk" "$TMPDIR/none" -flip tile/1/
done
cmp "$TMPDIR/us.entries" "$TMPDIR/ru.entries"
cmp "$TMPDIR/us.bulk.entries" "$TMPDIR/ru.bulk.entries"
grep -q '"payloadType"' "$TMPDIR/us.entries"
[ "$(stat -c %s "$TMPDIR/us.bulk.entries")" -gt 1500000 ] || fail "the bulk log has no file"

step "A stranger's key opens nothing, and another node than the card's is not spoken to"
make_home xx cert.xx.example
expect_exit 1 read_log xx ru "$log" "$TMPDIR/none"
expect_exit 1 peer log "$TMPDIR/xx/card.json" "$TMPDIR/us/card.json" "$TMPDIR/ru/card.json" "https://${address[us]}" \
  "$TMPDIR/ru/keys/link.cert.pem" "$TMPDIR/ru/keys/link.key.pem" "$log" "$TMPDIR/none"
said "not one that the card pins"
