#!/usr/bin/env bash
# Evidence packs and logs checked by Go: signed notes and Merkle proofs by golang.org/x/mod/sumdb, DSSE by
# go-securesystemslib, TLS by its own library. The program is tests/interop/go; its versions are pinned in go.sum.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/interop/go.lib

step "The Go program is built"
go_program tests/interop/go "$TMPDIR/peer"
peer() { "$TMPDIR/peer" "$@"; }

. tests/interop/dsse.lib
their_pae() { peer dsse pae "$@"; }
their_sign() { peer dsse sign "$@"; }
their_verify() { peer dsse verify "$@"; }
all_dsse_cases

step "A notice with a file goes from us to ru, a second one follows, both are read"
make_pair
make_file 1500000 "$TMPDIR/flows.bin"
send_notice us ru --attach "$TMPDIR/flows.bin"
first=$id
ack ru "$first"
send_notice us ru --attach examples/colonial-pipeline.json
second=$id
ack ru "$second"
for id in "$first" "$second"; do
  wait_read us "$id"
  receipt us "$id" "$TMPDIR/$id"
done

parties=("cert.us.example=${fingerprint[us]}" "ncc.ru.example=${fingerprint[ru]}")
for id in "$first" "$second"; do
  step "Go verifies the evidence pack of ${id:0:12}, and refuses it with any byte altered"
  expect_exit 0 peer pack "$TMPDIR/$id" "${parties[@]}"
  expect_exit 1 peer pack "$TMPDIR/$id" "cert.us.example=${fingerprint[ru]}" "ncc.ru.example=${fingerprint[us]}"
  tests/interop/alter.py 61 "$TMPDIR/$id" "$TMPDIR/peer" pack "$TMPDIR/$id" "${parties[@]}"
done

if [ -x "$PARLEY_BUILD/tests/unit-test_pack" ]; then
  # Several parties, new cards, older charters, rejections; and bad ones.
  step "Go says of the unit tests' packs what these say"
  mkdir "$TMPDIR/made"
  "$PARLEY_BUILD/tests/unit-test_pack" --write "$TMPDIR/made" >"$TMPDIR/list" 2>/dev/null
  made() { peer pack "$TMPDIR/made/$1" $(sed -n "s/^$2 \(.*=\)/\1/p" "$TMPDIR/list"); }
  count=0
  while read -r pack unknown known file; do
    case $file in body.json | reject/body.json | bulk/range | files/*) continue ;; esac # what is disclosed: not looked into
    expect_exit "$unknown" peer pack "$TMPDIR/made/$pack"
    expect_exit "$known" made "$pack" "$pack"
    count=$((count + 1))
  done <"$TMPDIR/made/verdicts"
  [ $count -gt 20 ] || fail "only $count packs"
  expect_exit 1 made forged usual
  [ -s "$TMPDIR/made/grown/bulk/consistency" ] || fail "no pack has a consistency proof"
  for pack in all renewed read-then-rejected; do
    tests/interop/alter.py 97 "$TMPDIR/made/$pack" "$TMPDIR/peer" pack "$TMPDIR/made/$pack" \
      $(sed -n "s/^$pack \(.*=\)/\1/p" "$TMPDIR/list")
  done
fi

# READER SERVER ORIGIN OUT [-flip PATH]: READER's link key opens SERVER's read side. A log's own node shows what the
# other party has cosigned, a mirror what it has cosigned itself: in a forum of two, ru in both cases.
read_log() {
  peer log "${@:5}" "$TMPDIR/$2/card.json" "https://${address[$2]}" "$TMPDIR/$1/keys/link.cert.pem" \
    "$TMPDIR/$1/keys/link.key.pem" "$TMPDIR/us/card.json" "$TMPDIR/ru/card.json" "$3" "$4"
}
log=cert.us.example/$forum/0
for pair in "ru us" "us ru"; do
  read -r reader server <<<"$pair"
  step "Go reads us's logs, entry by entry, from $server"
  for origin in "$log" "$log/bulk"; do
    kind=${origin#"$log"}
    expect_exit 0 read_log "$reader" "$server" "$origin" "$TMPDIR/$server${kind/\//.}.entries"
    cat "$out"
    for path in checkpoint tile/0/ tile/entries/; do
      expect_exit 1 read_log "$reader" "$server" "$origin" "$TMPDIR/none" -flip $path
      echo "   altered $path: $(cat "$out")"
    done
  done
done
cmp "$TMPDIR/us.entries" "$TMPDIR/ru.entries"
cmp "$TMPDIR/us.bulk.entries" "$TMPDIR/ru.bulk.entries"

step "A stranger's key, and a log that is not shared, get nothing"
make_home xx cert.xx.example
expect_exit 1 read_log xx ru "$log" "$TMPDIR/none"
cat "$out"
expect_exit 1 read_log us ru "cert.us.example/${first}/0" "$TMPDIR/none"
said "404"

step "The gate speaks TLS 1.3 to holders of a pinned key, and to nobody in any other way"
expect_exit 0 peer gate "$TMPDIR/ru/card.json" "https://${address[ru]}" "$TMPDIR/us/keys/link."{cert,key}.pem \
  "$TMPDIR/xx/keys/link."{cert,key}.pem
cat "$out"
expect_exit 1 peer gate "$TMPDIR/us/card.json" "https://${address[ru]}" "$TMPDIR/us/keys/link."{cert,key}.pem \
  "$TMPDIR/xx/keys/link."{cert,key}.pem
said "not the one that the card pins"
