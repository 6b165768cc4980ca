#!/usr/bin/env bash
# Bundles that somebody has altered, or made up: what is bad in them is refused by name, with the reason; what is good is kept.
# shellcheck source=tests/e2e/refusals.sh
. "$(dirname "$0")/refusals.sh"

nowhere=https://127.0.0.1:1
bad() { python3 tests/e2e/bad_bundle.py "$TMPDIR/good" "$1" "$TMPDIR/bad"; }
takes() { ru parley bundle import "$TMPDIR/bad" --json; }
refused_are() { # N PATTERN: so many were refused, one for that reason
  [ "$(field refused_count <"$out")" = "$1" ] || { cat "$out"; fail "not $1 were refused"; }
  said "$2"
  python3 -c 'import json, re, sys
for r in json.load(open(sys.argv[1]))["refused"][:4]: print("  " + r["name"][-40:] + ": " + r["reason"][:150])' "$out"
}

step "Two parties without a line, a notice with a file on a stick"
make_home us cert.us.example --url $nowhere
make_home ru ncc.ru.example --url $nowhere
trust us ru
trust ru us
node_start us
node_start ru
forum=$(us parley forum propose --title "Bad sticks" --member ncc.ru.example --bytes-per-day 900000 --json | field forum)
us parley bundle export --for ncc.ru.example --out "$TMPDIR/charter" >/dev/null
ru parley bundle import "$TMPDIR/charter" >/dev/null
ru parley forum accept "$forum" --yes >/dev/null
ru parley bundle export --for cert.us.example --out "$TMPDIR/signed" >/dev/null
expect_exit 0 us parley bundle import "$TMPDIR/signed"
make_file 700000 "$TMPDIR/sample.bin"
id=$(us parley send incident.notice --precedence PRIORITY --tlp green --text "On a stick" --attach "$TMPDIR/sample.bin" --wait 0 \
  --json | field id)
us parley bundle export --for ncc.ru.example --out "$TMPDIR/good" >/dev/null

step "Somebody else finds the stick, who knows none of the two"
make_home late late.ru.example --url $nowhere
node_start late
expect_exit 1 on late parley bundle import "$TMPDIR/good" --json
refused_are "$(field refused_count <"$out")" 'is pinned here \(parley trust\)'

step "A file of another kind, an empty one, one that is not there"
for f in /dev/null "$TMPDIR/none" "$TMPDIR/sample.bin" "$TMPDIR" "$TMPDIR/ru.card.json"; do
  expect_exit 1 ru parley bundle import "$f"
  expect_exit 1 ru parley bundle show "$f"
done
refused 1 'is a bundle of our own' us parley bundle import "$TMPDIR/good"

step "What cannot be written"
refused 2 'for whom' us parley bundle export --out "$TMPDIR/x"
refused 2 'where to' us parley bundle export --for ncc.ru.example
refused 2 'since takes' us parley bundle export --for ncc.ru.example --since yesterday --out "$TMPDIR/x"
refused 1 'pinned here' us parley bundle export --for nobody.example --out "$TMPDIR/x"
refused 1 'no name of a party' us parley bundle export --for 'ncc.ru.example&x=y' --out "$TMPDIR/x"
refused 1 'is there already' us parley bundle export --for ncc.ru.example --out "$TMPDIR/good"
refused 1 'cannot write' us parley bundle export --for ncc.ru.example --out "$TMPDIR/none/x"
expect_exit 0 us parley bundle export --for ncc.ru.example --since 2021-05-07 --out "$TMPDIR/x"
[ ! -e "$TMPDIR/x.part" ] || fail "a part is left"

step "Nothing of a stranger's things is taken, or written anywhere"
bad strangers
rm -f /tmp/parley-outside
expect_exit 1 parley bundle show "$TMPDIR/bad" --json
refused_are 16 'no plain file'
bad empty
expect_exit 0 takes

step "A cut stick brings what is whole on it"
size=$(stat -c %s "$TMPDIR/good")
for at in 1 511 512 1024 5000 $((size / 2)) $((size - 1025)) $((size - 1024)) $((size - 1)); do
  head -c $at "$TMPDIR/good" >"$TMPDIR/bad"
  expect_exit 1 takes
  said 'is cut: it ends|is no bundle'
done
[ "$(stat -c %s "$TMPDIR/good")" = "$size" ] || fail "the stick was written to"

step "Now all of it was taken, and the same again is nothing new"
expect_exit 0 ru parley bundle import "$TMPDIR/good" --json
[ "$(field statements <"$out")$(field pieces <"$out")" = 00 ] || fail "something was missing"
arrived ru "$id"

step "Packed anew by other programs it is the same bundle"
bad repacked
expect_exit 0 takes
mkdir "$TMPDIR/unpacked"
tar -xf "$TMPDIR/good" -C "$TMPDIR/unpacked"
tar -tf "$TMPDIR/good" >"$TMPDIR/names"
tar --format=ustar -cf "$TMPDIR/bad" -C "$TMPDIR/unpacked" -T "$TMPDIR/names"
expect_exit 0 takes
expect_exit 0 parley bundle show "$TMPDIR/bad"

step "Strangers in a good bundle are refused one by one, and the rest goes on"
bad strangers
expect_exit 1 takes
refused_are 16 'nothing in a bundle has such a name'
[ ! -e /tmp/parley-outside ] || fail "a file was written where a bundle says"

step "A second notice with a file, altered on the way"
make_file 150000 "$TMPDIR/more.bin"
id2=$(us parley send incident.notice --precedence PRIORITY --tlp green --text "More" --attach "$TMPDIR/more.bin" --wait 0 --json |
  field id)
us parley bundle export --for ncc.ru.example --out "$TMPDIR/second" >/dev/null
mv "$TMPDIR/second" "$TMPDIR/good"
bad flipped
expect_exit 1 parley bundle show "$TMPDIR/bad"
said 'are not those of the checkpoint'
expect_exit 1 takes
refused_are "$(field refused_count <"$out")" 'are not those of the checkpoint'
for what in mixed checkpoint; do
  bad $what
  expect_exit 1 takes
  refused_are "$(field refused_count <"$out")" 'does not stand before it|of another log'
done
bad card
expect_exit 1 takes
refused_are 1 'another card than its name says'
arrived ru "$id2"
bad other-log
expect_exit 1 takes
refused_are 3 'no forum that is in force here has that log'

step "Cosignatures that are none do not count"
ru parley bundle export --for cert.us.example --out "$TMPDIR/back" >/dev/null
cp "$TMPDIR/back" "$TMPDIR/good"
bad cosignature
expect_exit 1 us parley bundle import "$TMPDIR/bad" --json
refused_are 2 'cosignature|signature'
is_state us "$id" signed || fail "a bad cosignature was counted"
expect_exit 0 us parley bundle import "$TMPDIR/back" --json
[ "$(field cosignatures <"$out")" = 2 ] || fail "the good ones were not taken"
is_state us "$id" delivered || fail "the notice is not delivered"

step "Over its allowance of the day a member's files wait, on sticks as on lines; statements do not"
make_file 800000 "$TMPDIR/third.bin"
id3=$(us parley send incident.notice --precedence PRIORITY --tlp green --text "Too much" --attach "$TMPDIR/third.bin" --wait 0 --json |
  field id)
us parley bundle export --for ncc.ru.example --out "$TMPDIR/much" >/dev/null
expect_exit 1 ru parley bundle import "$TMPDIR/much" --json
refused_are 1 'that the charter allows this member'
arrived ru "$id3"

step "A party that signs two histories is convicted by two sticks"
us parley bundle export --for ncc.ru.example --out "$TMPDIR/state" >/dev/null
expect_exit 1 ru parley bundle import "$TMPDIR/state"
node_stop us
cp -r "$TMPDIR/us" "$TMPDIR/twin"
node_start us
us parley send incident.notice --precedence PRIORITY --tlp green --text "One story" --wait 0 --json >/dev/null
us parley bundle export --for ncc.ru.example --out "$TMPDIR/one" >/dev/null
node_stop us
party[twin]=cert.us.example
address[twin]=${address[us]}
node_start twin
on twin parley send incident.notice --precedence PRIORITY --tlp green --text "Another story" --wait 0 --json >/dev/null
on twin parley bundle export --for ncc.ru.example --out "$TMPDIR/two" >/dev/null
ru parley bundle import "$TMPDIR/one" >/dev/null || :
expect_exit 1 ru parley bundle import "$TMPDIR/two"
said 'two histories|another tree|history'
