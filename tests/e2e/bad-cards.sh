#!/usr/bin/env bash
# Cards that must not be pinned: wrong, altered, expired, not the one that was compared, of a name that has another key, with
# a key that is somebody else's.
. "$(dirname "$0")/refusals.sh"

# Everything is tried at a running node and, where it stands, in a home whose node is down: both judge alike.
pins() { us parley trust --json | python3 -c 'import json, sys; print([(p["party"], p["fingerprint"]) for p in json.load(sys.stdin)["pins"]])'; }
refuse_card() { # PATTERN FILE FINGERPRINT
  refused 1 "$1" us parley trust "$2" --fingerprint "$3"
}

step "Two parties who trust each other, and a notice that is delivered"
make_pair
keep_notice
before=$(pins)
make_home fr cert.fr.example
fr=$TMPDIR/fr/card.json

step "What is no card at all"
refuse_card 'colonial-pipeline.json is no valid card: ' examples/colonial-pipeline.json "${fingerprint[fr]}"
head -c 700 "$fr" >"$TMPDIR/cut.json"
refuse_card 'cut.json is no valid card: ' "$TMPDIR/cut.json" "${fingerprint[fr]}"
refused 1 'nowhere.json' us parley trust "$TMPDIR/nowhere.json" --fingerprint "${fingerprint[fr]}"

step "A card in which somebody changed the address"
$forge payload "$fr" "$TMPDIR/changed.json" "${address[fr]}" 127.0.0.1:9999
refuse_card 'changed.json is no valid card: .*signature .*does not verify' "$TMPDIR/changed.json" "${fingerprint[fr]}"

step "A card that has expired, and one that is not valid yet"
f=$($forge card "$TMPDIR/fr" "$TMPDIR/expired.json" not_before=2019-01-01T00:00:00Z not_after=2020-01-01T00:00:00Z)
refuse_card 'cert.fr.example expired at 2020-01-01T00:00:00Z.*ask that party for its next card' "$TMPDIR/expired.json" "$f"
f=$($forge card "$TMPDIR/fr" "$TMPDIR/early.json" not_before=2090-01-01T00:00:00Z not_after=2091-01-01T00:00:00Z)
refuse_card 'valid from 2090-01-01T00:00:00Z on.*check the clock or wait' "$TMPDIR/early.json" "$f"

step "A fingerprint that is not the one told over the telephone"
refuse_card 'fingerprint does not fit and nothing was pinned' "$fr" "${fingerprint[us]}"
refused 2 'fingerprint' us parley trust "$fr" --fingerprint 1234
refused 1 'give --fingerprint' us parley trust "$fr"

step "Another card in the name of ncc.ru.example, whose key is pinned"
make_home false-ru ncc.ru.example
refuse_card 'ncc.ru.example.* pinned .*ask' "$TMPDIR/false-ru/card.json" "${fingerprint[false-ru]}"

step "A card in our own name"
refuse_card 'cert.us.example is our own name' "$TMPDIR/us/card.json" "${fingerprint[us]}"
make_home false-us cert.us.example
refuse_card 'cert.us.example is our own name' "$TMPDIR/false-us/card.json" "${fingerprint[false-us]}"

step "A key used twice: in one card, in ours and theirs, in theirs and another's"
f=$($forge card "$TMPDIR/fr" "$TMPDIR/twice.json" keys.rotation@.)
refuse_card 'keys.rotation: is the key of keys.statement; each use needs a key of its own' "$TMPDIR/twice.json" "$f"
for key in statement log link; do
  f=$($forge card "$TMPDIR/fr" "$TMPDIR/ours.json" "keys.$key@$TMPDIR/us")
  refuse_card "keys.$key.* of cert.fr.example is also keys.$key.* of cert.us.example" "$TMPDIR/ours.json" "$f"
done
f=$($forge card "$TMPDIR/fr" "$TMPDIR/theirs.json" "keys.seal@$TMPDIR/ru")
refuse_card 'keys.seal.* of cert.fr.example is also keys.seal.* of ncc.ru.example' "$TMPDIR/theirs.json" "$f"

step "The same with the node down"
node_stop us
refuse_card 'ncc.ru.example is pinned to another card already .*ask ncc.ru.example' "$TMPDIR/false-ru/card.json" "${fingerprint[false-ru]}"
refuse_card 'expired at 2020-01-01T00:00:00Z' "$TMPDIR/expired.json" \
  "$($forge card "$TMPDIR/fr" "$TMPDIR/expired.json" not_before=2019-01-01T00:00:00Z not_after=2020-01-01T00:00:00Z)"
refuse_card 'keys.seal.* of cert.fr.example is also keys.seal.* of ncc.ru.example' "$TMPDIR/theirs.json" "$f"
node_start us

step "Only what was pinned before is pinned; pinning it again changes nothing"
[ "$(pins)" = "$before" ] || fail "the pins are now $(pins)"
trust us ru
[ "$(pins)" = "$before" ] || fail "the pins are now $(pins)"
nothing_lost
