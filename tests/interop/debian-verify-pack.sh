#!/usr/bin/env bash
# `parley verify`, verify_pack.py (written from docs/protocol.md alone) and the script of stock tools judge the packs of two
# real nodes alike: good ones, altered ones, and one forged whole by strangers who use the same names.
. "$(dirname "$0")/../e2e/lib.sh"

everyone="verify_pack parley_verify stock"
verify_pack() { tests/interop/verify_pack.py $(as_options "${@:2}") "$1"; }
parley_verify() { env -u PARLEY_HOME HOME="$TMPDIR" parley verify $(as_options "${@:2}") "$1"; }
stock() { tools/verify-with-stock-tools "$@"; }
as_options() { local a; for a; do echo "--fingerprint $a"; done; }
all_say() { # EXIT PACK PARTY=FINGERPRINT...
  local want=$1 verifier
  shift
  for verifier in $everyone; do expect_exit "$want" $verifier "$@"; done
}

step "A notice with a file is delivered and read; a second one makes the log grow"
make_pair
make_file 300000 "$TMPDIR/flows.bin"
send_notice us ru --attach "$TMPDIR/flows.bin"
first=$id
receipt us "$first" "$TMPDIR/delivered"
ack ru "$first"
wait_read us "$first"
receipt us "$first" "$TMPDIR/read"
send_notice us ru --attach examples/colonial-pipeline.json
arrived ru "$id"
receipt us "$first" "$TMPDIR/later"
send_notice ru us
arrived us "$id"
receipt ru "$id" "$TMPDIR/theirs"
known=("cert.us.example=${fingerprint[us]}" "ncc.ru.example=${fingerprint[ru]}")

step "All three accept the packs for those whom the fingerprints name"
for pack in delivered read later theirs; do
  all_say 0 "$TMPDIR/$pack" "${known[@]}"
  expect_exit 5 verify_pack "$TMPDIR/$pack"
  expect_exit 5 parley_verify "$TMPDIR/$pack"
  expect_exit 5 parley_verify "$TMPDIR/$pack" "${known[0]}"
  expect_exit 5 verify_pack "$TMPDIR/$pack" "${known[0]}"
done
expect_exit 0 us parley verify "$TMPDIR/read"
expect_exit 0 ru parley verify "$TMPDIR/read"

step "An exercise is proved like the real thing, and said to be none"
send_notice us ru --status exercise
receipt us "$id" "$TMPDIR/exercise"
all_say 0 "$TMPDIR/exercise" "${known[@]}"
expect_text 'marked exercise: it is not the real thing' stock "$TMPDIR/exercise" "${known[@]}"
expect_text 'EXERCISE: this is not real' parley_verify "$TMPDIR/exercise" "${known[@]}"
! stock "$TMPDIR/read" "${known[@]}" | grep -q 'real thing' || fail "a real notice is said to be none"

step "None accepts them under other fingerprints"
all_say 1 "$TMPDIR/read" "cert.us.example=${fingerprint[ru]}" "ncc.ru.example=${fingerprint[us]}"
all_say 1 "$TMPDIR/read" "${known[0]}" "ncc.ru.example=$(printf '%064d' 0)"
expect_exit 1 stock "$TMPDIR/read" "${known[0]}"

step "300 altered packs, half of them signed anew by the parties"
for pack in read later theirs exercise; do
  for party in "${known[@]}"; do echo "$pack $party"; done
done >"$TMPDIR/list"
tests/interop/same_verdict.py altered "$TMPDIR" 0-300

step "Files cut, missing, put there, or taken from another pack"
for file in entry.json proof.tlog-proof policy.tlog-policy charter.json cards/ncc.ru.example.json bulk/checkpoint \
  ack/entry.json ack/proof.tlog-proof ack/policy.tlog-policy; do
  cp -r "$TMPDIR/read" "$TMPDIR/other"
  truncate -s -1 "$TMPDIR/other/$file"
  expect_exit 1 verify_pack "$TMPDIR/other" "${known[@]}"
  expect_exit 1 parley_verify "$TMPDIR/other" "${known[@]}"
  rm "$TMPDIR/other/$file"
  case $file in bulk/*) ;; *) # without it the files would be shown as pending
    expect_exit 1 verify_pack "$TMPDIR/other" "${known[@]}"
    expect_exit 1 parley_verify "$TMPDIR/other" "${known[@]}"
    ;;
  esac
  rm -r "$TMPDIR/other"
done
for file in entry.json proof.tlog-proof cards/ncc.ru.example.json policy.tlog-policy; do
  cp -r "$TMPDIR/read" "$TMPDIR/other"
  cp "$TMPDIR/theirs/${file/ncc.ru/cert.us}" "$TMPDIR/other/$file"
  expect_exit 1 verify_pack "$TMPDIR/other" "${known[@]}"
  expect_exit 1 parley_verify "$TMPDIR/other" "${known[@]}"
  # The stock tools make the policy's demands without reading it.
  [ $file = policy.tlog-policy ] || expect_exit 1 stock "$TMPDIR/other" "${known[@]}"
  rm -r "$TMPDIR/other"
done
cp -r "$TMPDIR/read" "$TMPDIR/other"
echo >"$TMPDIR/other/note.txt"
expect_exit 1 verify_pack "$TMPDIR/other" "${known[@]}"
expect_exit 1 parley_verify "$TMPDIR/other" "${known[@]}"

step "A pack forged whole: strangers with fresh keys under the same names"
node_stop us
node_stop ru
make_home us2 cert.us.example
make_home ru2 ncc.ru.example
trust us2 ru2
trust ru2 us2
node_start us2
node_start ru2
make_forum us2 ru2
send_notice us2 ru2 --attach "$TMPDIR/flows.bin"
ack ru2 "$id"
wait_read us2 "$id"
receipt us2 "$id" "$TMPDIR/forged"
all_say 0 "$TMPDIR/forged" "cert.us.example=${fingerprint[us2]}" "ncc.ru.example=${fingerprint[ru2]}"
all_say 1 "$TMPDIR/forged" "${known[@]}"
expect_exit 1 us parley verify "$TMPDIR/forged"
expect_exit 1 ru parley verify "$TMPDIR/forged"
expect_exit 5 verify_pack "$TMPDIR/forged"
expect_exit 5 parley_verify "$TMPDIR/forged"
