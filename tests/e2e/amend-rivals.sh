#!/usr/bin/env bash
# Amendments that cross: us and ru each propose another version, out of each other's sight, and each gets both signatures by
# file. Neither holds, whoever signed both is named, talk goes on under the version before, and a third version mends it.
# Then a fourth party, and statements to some of the members only.
. "$(dirname "$0")/lib.sh"

fr() { on fr "$@"; }
kz() { on kz "$@"; }
field_of() { on "$1" parley forum show "$2" --json | field "$3"; }
is() { [ "$(field_of "$1" "$2" "$3")" = "$4" ]; }
knows() { on "$1" parley forum show "$2" --json; }
versions_at() { [ "$(on "$1" parley forum show "$forum" --json | python3 -c 'import json, sys
print(" ".join(sorted(v["state"] for v in json.load(sys.stdin)["versions"])))')" = "$2" ]; }

step "A forum of three"
make_home us cert.us.example
make_home ru ncc.ru.example
make_home fr cert.fr.example
for home in us ru fr; do for other in us ru fr; do [ $home = $other ] || trust $home $other; done; done
for home in us ru fr; do node_start $home; done
make_forum us ru fr
send_notice us ru

step "us proposes a title while the others are down, and writes it to a file; then it is down itself"
node_stop ru
node_stop fr
a=$(us parley forum amend "$forum" --title "Line of us" --out "$TMPDIR/a.json" --json | field version)
node_stop us

step "ru proposes another, with the same version before it, and signs that of us too, from the file"
node_start ru
b=$(ru parley forum amend "$forum" --title "Line of ru" --out "$TMPDIR/b.json" --json | field version)
expect_text "title: Line of us, until now Cyber incident line" ru parley forum accept "$TMPDIR/a.json" --yes \
  --out "$TMPDIR/a2.json"
expect_exit 1 ru parley forum accept "$TMPDIR/a.json" --yes # once is enough
head -c 1000 "$TMPDIR/a.json" >"$TMPDIR/cut.json"
expect_exit 1 ru parley forum accept "$TMPDIR/cut.json" --yes
altered "$TMPDIR/a.json" 200 "$TMPDIR/other.json"
expect_exit 1 ru parley forum accept "$TMPDIR/other.json" --yes
expect_exit 1 ru parley forum accept "$TMPDIR/none.json" --yes
node_stop ru

step "fr signs both, from the files; each is complete once us has signed that of ru"
node_start fr
fr parley forum accept "$TMPDIR/a2.json" --yes >/dev/null
wait_for 20 "the version of us is in force at fr" is fr "$forum" title "Line of us"
fr parley forum accept "$TMPDIR/b.json" --yes --out "$TMPDIR/b2.json" >/dev/null
node_start us
us parley forum accept "$TMPDIR/b2.json" --yes >/dev/null
node_start ru

step "Everybody sees that neither holds, and who signed both; the version before is in force again"
for home in us ru fr; do
  wait_for 60 "both are in conflict at $home" versions_at $home "conflict conflict in_force"
  is $home "$forum" title "Cyber incident line" || fail "another version is in force at $home"
  expect_text "in conflict with ${a:0:12}" on $home parley forum show "$forum"
  expect_text "signed both: cert.fr.example, cert.us.example, ncc.ru.example" on $home parley forum show "$forum"
  grep -q "neither holds. Signed by both" "$TMPDIR/$home.log" || fail "the log of $home does not tell"
done
send_notice us ru
arrived ru "$id"
[ -z "$(ru parley show "$id" --json | python3 -c 'import json, sys; v = json.load(sys.stdin)
print(v.get("problem", "") + v.get("mark", ""))')" ] || fail "a statement under the version before is marked"

step "A restart does not change that; then one more version replaces both"
node_stop fr
node_start fr
versions_at fr "conflict conflict in_force" || fail "fr sees it otherwise after a restart"
c=$(ru parley forum amend "$forum" --title "Line of both" --json | field version)
for home in us fr; do
  wait_for 30 "the version reaches $home" knows $home "$c"
  on $home parley forum accept "$c" --yes >/dev/null
done
for home in us ru fr; do
  wait_for 30 "it is in force at $home" is $home "$forum" version "$c"
  wait_for 30 "the conflict is over at $home" versions_at $home "in_force replaced replaced replaced"
done
send_notice ru us
receipt ru "$id" "$TMPDIR/receipt"
parley verify $(anchors us ru) "$TMPDIR/receipt" >/dev/null
tests/interop/verify_pack.py $(anchors us ru) "$TMPDIR/receipt"
[ -f "$TMPDIR/receipt/charter.2.json" ] || fail "the receipt has not all three versions before"

step "A fourth joins; a statement to two of the others, which the third of them cannot read"
make_home kz cert.kz.example
node_start kz
for home in us ru fr; do trust kz $home; trust $home kz; done
d=$(us parley forum amend "$forum" --admit cert.kz.example:chair --json | field version)
for home in ru fr kz; do
  wait_for 30 "the version reaches $home" knows $home "$d"
  on $home parley forum accept "$d" --yes >/dev/null
done
for home in us ru fr kz; do wait_for 30 "it is in force at $home" is $home "$forum" version "$d"; done
id=$(fr parley send incident.notice --forum "$forum" --to cert.us.example --to cert.kz.example --precedence IMMEDIATE \
  --tlp amber --file examples/colonial-pipeline.json --wait 60 --json | field id)
expect_exit 0 fr parley show "$id"
[ "$(grep -c "^    Delivered  " "$out")" = 2 ] || { cat "$out"; fail "delivery is not shown for each addressee"; }
for home in us kz; do
  arrived $home "$id"
  on $home parley show "$id" --json | field body.title >/dev/null || fail "$home cannot read it"
done
wait_for 30 "ru mirrors it" shows ru "$id"
expect_text "not sealed to any key" ru parley show "$id"
ack us "$id"
receipt fr "$id" "$TMPDIR/two"
parley verify $(anchors fr us kz) "$TMPDIR/two" >/dev/null
tests/interop/verify_pack.py $(anchors fr us kz) "$TMPDIR/two"
[ "$(kz parley status --json | python3 -c 'import json, sys
v = json.load(sys.stdin); print(sum(f["theirs"] > 3 for p in v["peers"] for f in p["forums"]))')" = 3 ] || fail "kz does not hold the logs from their first entries on"
