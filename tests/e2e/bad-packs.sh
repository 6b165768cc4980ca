#!/usr/bin/env bash
# Evidence packs that prove nothing: cut short, altered, and forged whole with fresh keys. `parley verify` says no (1) and names
# the file; it says 5 when all fits together but nobody has told it whose keys these are; 0 only for the real one.
. "$(dirname "$0")/refusals.sh"
nobody() { PARLEY_HOME=$TMPDIR/nowhere parley "$@"; } # an outsider, without a node, a home or pins
as_known() { nobody verify $(anchors us ru) "$1"; }

step "A notice with a file, delivered, read, and its receipt"
make_pair
make_file 20000 "$TMPDIR/file.bin"
keep_notice --attach "$TMPDIR/file.bin"
ack ru "$kept"
wait_read us "$kept"
pack=$TMPDIR/pack
receipt us "$kept" "$pack"
(cd "$pack" && find . -type f | sort)

step "Who knows both fingerprints: 0. Who knows none, or one: 5. Who knows another: 1"
expect_exit 0 as_known "$pack"
refused 5 '^Consistent, but IDENTITIES ARE NOT ESTABLISHED' nobody verify "$pack"
grep -q "$(head -c 4 <<<"${fingerprint[us]}")" "$out" || fail "the fingerprints are not listed"
refused 5 '^Consistent, but IDENTITIES ARE NOT ESTABLISHED' nobody verify --fingerprint "${party[us]}=${fingerprint[us]}" "$pack"
refused 1 'cards/ncc.ru.example.json: no card of ncc.ru.example in the pack is one that you hold' \
  nobody verify $(anchors us) --fingerprint "${party[ru]}=${fingerprint[us]}" "$pack"
expect_exit 0 nobody verify --card "$TMPDIR/us/card.json" --card "$TMPDIR/ru/card.json" "$pack"
expect_exit 0 us parley verify "$pack" # by its own card and pins
expect_exit 0 ru parley verify "$pack"

step "Each file cut: in the middle, by its last byte, to nothing; and left out"
while read -r file; do
  size=$(stat -c %s "$pack/$file")
  for length in $((size / 2)) $((size - 1)) 0 none; do
    rm -rf "$TMPDIR/bad"
    cp -r "$pack" "$TMPDIR/bad"
    if [ $length = none ]; then
      rm "$TMPDIR/bad/$file"
      # A pack drawn before its files were delivered has no checkpoint of them; it says so.
      [ "$file" != bulk/checkpoint ] || { expect_text 'Files: that ncc.ru.example holds them is not in this pack' as_known "$TMPDIR/bad"; continue; }
    else
      truncate -s "$length" "$TMPDIR/bad/$file"
    fi
    expect_exit 1 as_known "$TMPDIR/bad"
    grep -qF "$file" "$out" || { cat "$out"; fail "$file cut to $length: the file is not named"; }
  done
done < <(cd "$pack" && find . -type f ! -name VERIFY.md | sed 's,^\./,,' | sort)

step "Each file altered, at its beginning, its middle and its end"
while read -r file; do
  size=$(stat -c %s "$pack/$file")
  for at in 0 $((size / 3)) $((size / 2)) $((size - 1)); do
    rm -rf "$TMPDIR/bad"
    cp -r "$pack" "$TMPDIR/bad"
    altered "$TMPDIR/bad/$file" "$at"
    expect_exit 1 as_known "$TMPDIR/bad"
    grep -qF "$file" "$out" || { cat "$out"; fail "$file altered at byte $at: the file is not named"; }
    expect_exit 1 nobody verify "$TMPDIR/bad"
  done
done < <(cd "$pack" && find . -type f ! -name VERIFY.md | sed 's,^\./,,' | sort)

step "A file too many, no pack at all, an empty folder"
rm -rf "$TMPDIR/bad"
cp -r "$pack" "$TMPDIR/bad"
echo "see also" >"$TMPDIR/bad/note.txt"
refused 1 'note.txt' as_known "$TMPDIR/bad"
mkdir "$TMPDIR/empty"
refused 1 'entry.json' as_known "$TMPDIR/empty"
refused 1 'nothing-there' as_known "$TMPDIR/nothing-there"
refused 2 '.' nobody verify

step "Strangers make the whole line anew, under the same names, and forge a pack of the same notice"
real_us=${fingerprint[us]} real_ru=${fingerprint[ru]} real_forum=$forum
make_home false-us cert.us.example
make_home false-ru ncc.ru.example
trust false-us false-ru
trust false-ru false-us
node_start false-us
node_start false-ru
make_forum false-us false-ru
send_notice false-us false-ru --attach "$TMPDIR/file.bin"
ack false-ru "$id"
wait_read false-us "$id"
receipt false-us "$id" "$TMPDIR/forged"

step "It is consistent, and is not theirs"
refused 5 '^Consistent, but IDENTITIES ARE NOT ESTABLISHED' nobody verify "$TMPDIR/forged"
refused 1 'cards/(cert.us|ncc.ru).example.json: no card of .* in the pack is one that you hold' \
  nobody verify --fingerprint "cert.us.example=$real_us" --fingerprint "ncc.ru.example=$real_ru" "$TMPDIR/forged"
refused 1 'cards/cert.us.example.json: no card of cert.us.example in the pack is one that you hold' \
  nobody verify --fingerprint "cert.us.example=$real_us" "$TMPDIR/forged"
refused 1 'in the pack is one that you hold or named' us parley verify "$TMPDIR/forged"
refused 1 'in the pack is one that you hold or named' ru parley verify "$TMPDIR/forged"
refused 1 'in the pack is one that you hold or named' nobody verify --card "$TMPDIR/us/card.json" --card "$TMPDIR/ru/card.json" "$TMPDIR/forged"

step "Nor is a mixture of both"
for file in entry.json proof.tlog-proof policy.tlog-policy charter.json cards/ncc.ru.example.json ack/entry.json bulk/checkpoint; do
  rm -rf "$TMPDIR/bad"
  cp -r "$pack" "$TMPDIR/bad"
  cp "$TMPDIR/forged/$file" "$TMPDIR/bad/$file"
  expect_exit 1 as_known "$TMPDIR/bad"
  expect_exit 1 nobody verify "$TMPDIR/bad"
done

step "And the real pack still holds"
forum=$real_forum
expect_exit 0 as_known "$pack"
nothing_lost
