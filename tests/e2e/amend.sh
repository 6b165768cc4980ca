#!/usr/bin/env bash
# A charter as it changes: a third party joins in the middle, the forum turns to a threshold, one is suspended without its own
# signature, one withdraws; what each sees, and what a receipt under a later version proves.
. "$(dirname "$0")/lib.sh"

cn() { on cn "$@"; }
amend() { # HOME CHANGES...: sets $version
  local home=$1
  shift
  version=$(on "$home" parley forum amend "$forum" "$@" --json | field version)
}
knows() { on "$1" parley forum show "$2" --json; }
accept() { # HOME: the version proposed last
  wait_for 30 "the version reaches $1" knows "$1" "$version"
  on "$1" parley forum accept "$version" --yes >/dev/null
}
state_of() { [ "$(on "$1" parley forum show "$2" --json | field state)" = "$3" ]; }
is_version() { [ "$(on "$1" parley forum show "$forum" --json | field version)" = "$version" ]; }
in_force_at() { for home; do wait_for 30 "the version is in force at $home" is_version "$home"; done; }

step "Two parties with a forum; a third that one of them does not know yet"
make_pair
make_home cn cert.cn.example
node_start cn
trust us cn
trust cn us
trust cn ru
send_notice us ru
first=$id

step "What cannot be a new version"
expect_exit 2 us parley forum amend "$forum"
expect_exit 2 us parley forum amend "$forum" --admit cert.cn.example:boss
expect_exit 2 us parley forum amend "$forum" --adoption majority
expect_exit 2 us parley forum amend "$forum" --close ncc.ru.example:0:1
expect_exit 1 us parley forum amend "$forum" --admit ncc.ru.example
said "is a member already"
expect_exit 1 us parley forum amend "$forum" --admit cert.fr.example
said "not pinned here"
expect_exit 1 us parley forum amend "$forum" --remove cert.fr.example
said "is no member"
expect_exit 1 us parley forum amend "$forum" --quorum 3
said "quorum: must be a whole number from 1 to 2"
expect_exit 1 us parley forum amend "$forum" --adoption threshold:3
said "threshold: must be a whole number from 1 to 2"
expect_exit 1 us parley forum amend "$forum" --remove ncc.ru.example --remove cert.us.example

step "us proposes that cn joins; ru cannot sign before it has pinned its card, and sees what would change"
amend us --admit cert.cn.example
wait_for 30 "the version reaches ru" knows ru "$version"
expect_exit 1 ru parley forum accept "$version" --yes
said "the card of cert.cn.example is not pinned here"
trust ru cn
expect_text "cert.cn.example joins as member" ru parley forum show "$version"
expect_text "waits for our signature" ru parley forum show "$version"
accept ru
state_of us "$version" signed || fail "in force before cn has signed"
in_force us || fail "the forum is not in force meanwhile"

step "cn gets the versions before, signs, and is a member for all"
accept cn
in_force_at us ru cn
second=$version
send_notice us cn
arrived cn "$id"
receipt us "$id" "$TMPDIR/second"
parley verify $(anchors us cn) "$TMPDIR/second"
[ -f "$TMPDIR/second/charter.0.json" ] || fail "the receipt has not the version before"
tests/interop/verify_pack.py $(anchors us cn) "$TMPDIR/second"
wait_for 30 "cn holds what was written before it joined" shows cn "$first"
expect_text "is not sealed to any key" cn parley show "$first"
expect_text "is not sealed to any key" ru parley show "$id"

step "A statement to two of three, delivered to each; the third cannot read it"
both=$(us parley send incident.notice --forum "$forum" --to "${party[ru]}" --to "${party[cn]}" --precedence IMMEDIATE \
  --tlp amber --file examples/colonial-pipeline.json --wait 60 --json | field id)
for n in 0 1; do us parley show "$both" --json | field delivery.$n.delivered >/dev/null || fail "not delivered to all"; done

step "The forum turns to a threshold of two, by consent of all three"
amend ru --adoption threshold:2 --quorum 2
accept us
accept cn
in_force_at us ru cn

step "ru is suspended by the two others; its own signature is not asked for"
amend us --suspend ncc.ru.example
accept cn
in_force_at us ru cn
expect_text "ncc.ru.example .suspended." ru parley forum show "$forum"
expect_exit 1 ru parley send incident.notice --forum "$forum" --to cert.us.example --precedence ROUTINE --tlp amber \
  --file examples/colonial-pipeline.json
said "our role .* is suspended"
send_notice us ru
ack ru "$id" # it goes on receiving, and says so
wait_read us "$id"
receipt us "$id" "$TMPDIR/suspended"
parley verify $(anchors us ru) "$TMPDIR/suspended"
tests/interop/verify_pack.py $(anchors us ru) "$TMPDIR/suspended"
tools/verify-with-stock-tools "$TMPDIR/suspended" "${party[us]}=${fingerprint[us]}" "${party[ru]}=${fingerprint[ru]}" >"$out"
said "ncc.ru.example has not signed this version"
for verifier in "parley verify" tests/interop/verify_pack.py; do # without one more signature it is not complete
  rm -rf "$TMPDIR/less"
  cp -r "$TMPDIR/suspended" "$TMPDIR/less"
  python3 - "$TMPDIR/less/charter.json" <<'PY'
import json, sys
text = open(sys.argv[1]).read()
e = json.loads(text)
e["signatures"] = e["signatures"][:1]
open(sys.argv[1], "w").write(json.dumps(e, separators=(",", ":")))
PY
  expect_exit 1 $verifier $(anchors us ru) "$TMPDIR/less"
done

step "A restart changes nothing of it"
node_stop ru
node_start ru
is_version ru || fail "ru is back at an older version"

step "cn withdraws; it cannot sign that itself"
amend cn --withdraw
wait_for 30 "the version reaches us" knows us "$version"
expect_text "cert.cn.example leaves" us parley forum show "$version"
accept us
in_force_at us ru cn
state_of cn "$forum" left || fail "cn thinks that it is a member"
expect_exit 1 cn parley send incident.notice --forum "$forum" --to cert.us.example --precedence ROUTINE --tlp amber \
  --file examples/colonial-pipeline.json
said "no longer a member"
expect_exit 1 us parley send incident.notice --forum "$forum" --to cert.cn.example --precedence ROUTINE --tlp amber \
  --file examples/colonial-pipeline.json
said "cert.cn.example is no member"
shows us "$both" >/dev/null # what was, stays
shows cn "$both" >/dev/null
send_notice us ru
