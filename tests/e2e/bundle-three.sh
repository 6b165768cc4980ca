#!/usr/bin/env bash
# Three parties without any line. One of them is visited by the other two: it carries their records, which it cannot read, and the
# cosignatures back.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

nowhere=https://127.0.0.1:1
fr() { on fr "$@"; }
carry() { # FROM TO: one walk with the stick
  rm -f "$TMPDIR/stick"
  on "$1" parley bundle export --for "${party[$2]}" --out "$TMPDIR/stick" --json >"$TMPDIR/export.json"
  expect_exit 0 on "$2" parley bundle import "$TMPDIR/stick" --json
  echo "  $1 to $2: $(field bytes <"$TMPDIR/export.json") bytes, $(field statements <"$out") statements, $(field cosignatures <"$out") cosignatures"
}
verified() { parley verify $(anchors "${@:2}") "$1"; } # the anchors are words

step "Three parties that have compared cards"
homes=(us fr ru)
make_home us cert.us.example --url $nowhere
make_home fr dsn.fr.example --url $nowhere
make_home ru ncc.ru.example --url $nowhere
for a in "${homes[@]}"; do for b in "${homes[@]}"; do [ $a = $b ] || trust $a $b; done; done
for a in "${homes[@]}"; do node_start $a; done

step "The charter goes round and is signed by all"
forum=$(us parley forum propose --title "Three without a line" --member dsn.fr.example --member ncc.ru.example --json | field forum)
carry us fr
fr parley forum accept "$forum" --yes >/dev/null
carry fr ru
ru parley forum accept "$forum" --yes >/dev/null
in_force ru || fail "the charter is not in force for ru"
carry ru fr
in_force fr || fail "the charter is not in force for fr"
carry fr us
in_force us || fail "the charter is not in force for us"

step "us writes to ru alone; fr carries it and cannot read it"
make_file 300000 "$TMPDIR/sample.bin"
id=$(us parley send incident.notice --to ncc.ru.example --precedence PRIORITY --tlp amber --file examples/colonial-pipeline.json \
  --attach "$TMPDIR/sample.bin" --wait 0 --json | field id)
carry us fr
expect_text 'not sealed to any key of this node' fr parley show "$id"
carry fr ru
arrived ru "$id"
expect_exit 0 ru parley save "$id" --out "$TMPDIR/saved"
cmp "$TMPDIR/sample.bin" "$TMPDIR/saved/sample.bin"

step "ru acknowledges; fr brings acknowledgement and cosignatures"
ru parley ack "$id" --officer duty --wait 0 >/dev/null
carry ru fr
carry fr us
wait_read us "$id"
receipt us "$id" "$TMPDIR/receipt"
expect_exit 0 verified "$TMPDIR/receipt" us ru

step "Old sticks, in any order, do no harm"
us parley bundle export --for dsn.fr.example --since all --out "$TMPDIR/all" >/dev/null
ru parley bundle export --for dsn.fr.example --since all --out "$TMPDIR/all2" >/dev/null
for stick in all2 all all2; do
  expect_exit 0 fr parley bundle import "$TMPDIR/$stick" --json
  [ "$(field refused_count <"$out")" = 0 ] || fail "something was refused"
done

step "A fourth joins: the version that admits it goes to it, is signed there, and comes back"
make_home kz cert.kz.example --url $nowhere
for a in us fr ru; do trust kz $a; trust $a kz; done
node_start kz
us parley forum amend "$forum" --admit cert.kz.example --json >"$TMPDIR/amended"
carry us fr
version=$(field charters.1.forum <"$out")
fr parley forum accept "$version" --yes >/dev/null
carry fr ru
ru parley forum accept "$version" --yes >/dev/null
carry ru kz
[ "$(field charters.1.state <"$out")" = proposed ] || fail "the version does not wait for kz"
on kz parley forum accept "$version" --yes >/dev/null
carry kz us
members() { on "$1" parley forum show "$forum" --json | python3 -c 'import json, sys
v = json.load(sys.stdin); print(v["state"], sum(m["party"] == "cert.kz.example" for m in v["members"]))'; }
for a in us kz; do [ "$(members $a)" = "in_force 1" ] || { members $a; fail "the new version is not in force for $a"; }; done
carry us kz
us parley send incident.notice --to cert.kz.example --precedence PRIORITY --tlp green --text "Welcome" --wait 0 --json >"$TMPDIR/sent"
carry us kz
arrived kz "$(field id <"$TMPDIR/sent")"
