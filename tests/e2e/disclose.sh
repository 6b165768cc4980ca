#!/usr/bin/env bash
# A statement is disclosed: by whom, what others can check then, what may be left out, and the notice to its author where
# consent is the rule.
. "$(dirname "$0")/refusals.sh"

disclose() { # HOME ID DIR [OPTION...]
  local home=$1 which=$2 dir=$3
  shift 3
  expect_exit 0 on "$home" parley disclose "$which" --out "$dir" "$@"
  expect_exit 0 verify_pack "$dir"
}
clean() { # nothing is left beside the folders
  ! compgen -G "$TMPDIR/*.??????" | grep -v '\.json$' || fail "something half written is left"
}
send_marked() { # TLP: a notice to ru in $forum, delivered
  id=$(us parley send incident.notice --forum "$forum" --precedence ROUTINE --tlp "$1" --file examples/colonial-pipeline.json --wait 60 --json | field id)
  arrived ru "$id"
}
told() { on "$1" parley show "$2" --json | field disclosed.0.party; }

step "Two parties; a notice with three files, one empty, marked amber; the charter asks for consent"
make_pair
keep_notice
mkdir "$TMPDIR/send"
make_file 300000 "$TMPDIR/send/flows.tsv"
: >"$TMPDIR/send/empty"
printf 'short\n' >"$TMPDIR/send/sealed.age"
send_notice us ru --attach "$TMPDIR/send/flows.tsv" --attach "$TMPDIR/send/empty" --attach "$TMPDIR/send/sealed.age"
arrived ru "$id"
notice=$id

step "The author discloses: the text and the files are in the folder, and anybody can check them"
disclose us "$notice" "$TMPDIR/shown"
cmp "$TMPDIR/send/flows.tsv" "$TMPDIR/shown/files/0.tsv"
cmp "$TMPDIR/send/empty" "$TMPDIR/shown/files/1"
cmp "$TMPDIR/send/sealed.age" "$TMPDIR/shown/files/2"
for n in 0 1 2; do
  [ "$(sha256sum <"$TMPDIR/shown/files/$n.age" | cut -d' ' -f1)" = "$(us parley show "$notice" --json | field files.$n.sealed_sha256)" ] ||
    fail "files/$n.age is not what was signed"
done
us parley show "$notice" --json | python3 -c 'import json, sys
shown = json.load(open(sys.argv[1]))
assert shown["body"] == json.load(sys.stdin)["body"], shown' "$TMPDIR/shown/body.json"
[ "$(sha256sum <"$TMPDIR/shown/body.json" | cut -d' ' -f1)" = "$(us parley show "$notice" --json | field outer.body_sha256)" ] ||
  fail "body.json is not what was signed"
expect_exit 0 us parley disclose "$notice" --out "$TMPDIR/shown-2"
said 'marked amber: for those who need to'
said "Written to .*shown-2"
odd=$TMPDIR/$(printf 'odd-\377')
expect_exit 0 us parley disclose "$notice" --out "$odd" --json
[ -s "$odd/body.json" ] && [ "$(field verified <"$out")" = True ] || fail "a folder whose name is not UTF-8 is not told of"
(umask 077 && us parley disclose "$notice" --out "$TMPDIR/mine" >/dev/null)
[ -z "$(find "$TMPDIR/mine" -perm /077)" ] || fail "others can read what the umask keeps from them"
clean

step "What is left out is left out; the rest verifies"
disclose us "$notice" "$TMPDIR/text" --without-files
[ -s "$TMPDIR/text/body.json" ] && [ ! -e "$TMPDIR/text/files" ] && [ ! -e "$TMPDIR/text/bulk/range" ] || fail "there are files"
disclose us "$notice" "$TMPDIR/two" --file 0 --file 2
[ ! -e "$TMPDIR/two/files/1" ] && [ -s "$TMPDIR/two/files/2.age" ] && [ -s "$TMPDIR/two/bulk/range" ] || fail "not the two files"
disclose us "$kept" "$TMPDIR/plain"
[ -s "$TMPDIR/plain/body.json" ] && [ ! -e "$TMPDIR/plain/files" ] || fail "a notice without files has some"

step "What was altered does not verify"
cp -r "$TMPDIR/shown" "$TMPDIR/bad"
altered "$TMPDIR/bad/files/0.tsv" 200000
expect_exit 1 verify_pack "$TMPDIR/bad"
said 'files/0.tsv'
cp "$TMPDIR/shown/files/0.tsv" "$TMPDIR/bad/files/0.tsv"
sed -i 's/"severity"/"Severity"/' "$TMPDIR/bad/body.json"
expect_exit 1 verify_pack "$TMPDIR/bad"
said 'body.json'

step "Refused: a folder that is there, what is unknown, a file that is not, and what is not delivered"
refused 1 'is there already; nothing was written' us parley disclose "$notice" --out "$TMPDIR/shown"
mkdir "$TMPDIR/there"
refused 1 'is there already' us parley disclose "$notice" --out "$TMPDIR/there"
refused 1 'no statement 00000000.* here' us parley disclose "$(printf '0%.0s' {1..64})" --out "$TMPDIR/none"
refused 1 'no file number 3; it has 3' us parley disclose "$notice" --out "$TMPDIR/none" --file 3
refused 1 'cannot write beside' us parley disclose "$notice" --out "$TMPDIR/no/such/folder"
node_stop ru
waits=$(us parley send incident.notice --precedence ROUTINE --tlp green --file examples/colonial-pipeline.json --wait 0 --json | field id)
refused 1 'not delivered yet' us parley disclose "$waits" --out "$TMPDIR/none"
node_start ru
arrived ru "$waits"
[ ! -e "$TMPDIR/none" ] || fail "something was written"
clean

step "An addressee does not disclose what is the author's to allow"
refused 1 'marked amber and the charter makes disclosure a matter of consent.*--override' ru parley disclose "$notice" --out "$TMPDIR/none"
[ ! -e "$TMPDIR/none" ] || fail "something was written"
refused 2 'who discloses' ru parley disclose "$notice" --out "$TMPDIR/none" --override "It is denied."
refused 1 '2001 bytes' ru parley disclose "$notice" --out "$TMPDIR/none" --officer duty --override "$(printf 'x%.0s' {1..2001})"
refused 1 'no file number 7' ru parley disclose "$notice" --out "$TMPDIR/none" --officer duty --override "It is denied." --file 7
ru parley inbox --sent >"$out"
! grep -q notice.disclosed "$out" || fail "a notice went out for a disclosure that was refused"

step "Unless it tells the author first, signed"
expect_exit 0 ru parley disclose "$notice" --out "$TMPDIR/theirs" --override "It is denied in public." --officer principal --json
told=$(field notice <"$out")
expect_exit 0 verify_pack "$TMPDIR/theirs"
cmp "$TMPDIR/shown/body.json" "$TMPDIR/theirs/body.json"
cmp "$TMPDIR/shown/files/0.age" "$TMPDIR/theirs/files/0.age"
arrived us "$told"
us parley show "$notice" >"$out"
said 'Disclosed to others'
said "${party[ru]}"
said 'by principal'
said 'It is denied in public'
us parley inbox --sent >"$out"
said "^${notice:0:12} .*\[DISCLOSED\]"
us parley inbox >"$out"
said "^${told:0:12} .*notice.disclosed +new +It is denied in public"
ack us "$told"

step "Told once is enough"
disclose ru "$notice" "$TMPDIR/theirs-2" --override "Once more." --officer principal
[ "$(ru parley inbox --sent --json | grep -o '"kind":"notice.disclosed"' | wc -l)" = 1 ] || fail "it was told again"

step "What is marked clear anybody discloses whom it was sent to"
send_marked clear
disclose ru "$id" "$TMPDIR/clear"
! told us "$id" 2>/dev/null || fail "the author was told of what is clear"

step "A rejection that the disclosure contradicts: it says so to everybody"
send_marked clear
expect_exit 0 ru parley reject "$id" --ground sealing --officer duty --reasons "It cannot be proved."
wait_for 30 "the rejection reaches us" us sh -c "parley show $id | grep -q disputed"
disclose us "$id" "$TMPDIR/contradicted"
[ -s "$TMPDIR/contradicted/reject/body.json" ] || fail "the rejection is marked clear, and is not in clear"
said 'contradict'
disclose ru "$id" "$TMPDIR/contradicted-ru"
cmp "$TMPDIR/contradicted/reject/body.json" "$TMPDIR/contradicted-ru/reject/body.json"

step "Another's rejection that is not ours to disclose stays sealed; our own never"
expect_exit 0 ru parley reject "$notice" --ground form --officer duty
wait_for 30 "the rejection reaches us" us sh -c "parley show $notice | grep -q disputed"
disclose us "$notice" "$TMPDIR/amber"
[ -s "$TMPDIR/amber/reject/entry.json" ] && [ ! -e "$TMPDIR/amber/reject/body.json" ] || fail "their reasons are disclosed"
disclose ru "$notice" "$TMPDIR/amber-ru"
[ -s "$TMPDIR/amber-ru/reject/body.json" ] || fail "our own reasons are not disclosed"

step "Where disclosure is free, only what is red needs a notice"
make_forum us ru -- --disclosure free
send_marked amber
disclose ru "$id" "$TMPDIR/free"
send_marked red
refused 1 'it is marked red, so that' ru parley disclose "$id" --out "$TMPDIR/red"
disclose ru "$id" "$TMPDIR/red" --override "Lives depend on it." --officer principal
clean
nothing_lost
