#!/usr/bin/env bash
# What cannot be sent: too long, too large, unreadable, not I-JSON, not as its form wants it, of an unknown kind, to nobody known,
# with a marking misspelt. The message says what is wrong and what to do, and no statement is made.
. "$(dirname "$0")/refusals.sh"

send() { us parley send incident.notice --precedence ROUTINE --tlp green "$@"; }
with_body() { send --file "$TMPDIR/body.json" "$@"; }
refuse_body() { # PATTERN WHAT: a body of forge.py
  $forge body "$TMPDIR/body.json" "$2"
  refused 1 "$1" with_body
}
refuse_form() { # PATTERN JSON
  printf '%s' "$2" >"$TMPDIR/body.json"
  refused 1 "$1" with_body
}
count() { us parley inbox --sent --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["statements"]))'; }

step "Two parties; their charter allows files of 100,000 bytes"
make_pair --attachment-max 100000
keep_notice
before=$(count)

step "A statement too long for an entry: the limit is told, and it is the limit"
refuse_body 'the body has [0-9]+ bytes as sealed; a statement to 1 addressee takes at most [0-9]+; .*--attach' long:2000
limit=$(grep -Eo 'at most [0-9]+' "$out" | tail -n 1 | tr -dc 0-9)
fits=$((2000 - $(grep -Eo 'body has [0-9]+' "$out" | tr -dc 0-9) + limit)) # bytes of summary
refuse_body "has $((limit + 1)) bytes as sealed; .*at most $limit" "long:$((fits + 1))"
head -c 1100000 /dev/zero >"$TMPDIR/body.json"
refused 1 'body.json.*1048576' with_body

step "A file larger than the charter allows, and one that cannot be read"
head -c 100001 /dev/zero >"$TMPDIR/large.bin"
refused 1 'large.bin.* has 100001 bytes; the charter allows 100000 a file' send --text "See the file" --attach "$TMPDIR/large.bin"
refused 1 'nowhere.bin cannot be read: No such file' send --text "See the file" --attach "$TMPDIR/nowhere.bin"
refused 1 'no regular file; pack a folder into one file' send --text "See the file" --attach "$TMPDIR/us"
refused 1 'nowhere.json' send --file "$TMPDIR/nowhere.json"
if [ "$(id -u)" != 0 ]; then
  head -c 10 /dev/zero >"$TMPDIR/secret.bin" && chmod 000 "$TMPDIR/secret.bin"
  refused 1 'secret.bin cannot be read: Permission denied' send --text "See the file" --attach "$TMPDIR/secret.bin"
fi

step "A body that is not I-JSON"
refuse_body 'body.json: summary: the member stands here twice; keep one' duplicate
refuse_body 'body.json: systems_affected: fractions and exponents are not allowed' float
refuse_body 'body.json: summary: the text is not valid UTF-8; save it as UTF-8|body.json: .*not valid UTF-8' utf8
refuse_body 'body.json: .*nested deeper than 32 levels; flatten it' depth
refuse_form 'body.json: .*not valid JSON at line 1' '{"title": "half'
refuse_form 'body.json: .*must be an object' '["title"]'
refused 2 'give the body once' send --text a --file "$TMPDIR/body.json"
refused 1 '--text is empty' send --text ""

step "A body that breaks its form"
refuse_form 'body.title: is missing; the form incident.notice requires it' '{"aware_at":"2021-05-07T10:00:00Z","summary":"s"}'
refuse_form 'body.colour: the form incident.notice has no such field; remove it' \
  '{"aware_at":"2021-05-07T10:00:00Z","title":"t","summary":"s","colour":"red"}'
refuse_form 'body.aware_at: must be a time in UTC such as' '{"aware_at":"7 May 2021","title":"t","summary":"s"}'
refuse_form 'body.malicious: "perhaps" is not allowed; allowed are' \
  '{"aware_at":"2021-05-07T10:00:00Z","title":"t","summary":"s","malicious":"perhaps"}'
refuse_form 'body.title: ' '{"aware_at":"2021-05-07T10:00:00Z","title":7,"summary":"s"}'

step "An unknown kind, an unknown addressee, an unknown forum"
refused 1 'kind: "incident.rumour" is not in force in “Cyber incident line”; there are: .*incident.notice' \
  us parley send incident.rumour --precedence ROUTINE --tlp green --text "x"
refused 1 'to\[0\]: cert.fr.example is no member of “Cyber incident line”' send --to cert.fr.example --text "x"
refused 1 'to\[0\]: cert.us.example is the sender' send --to cert.us.example --text "x"
refused 1 'no forum|forum .*here' send --forum 0000000000 --text "x"
refused 1 'kind: "forum.charter" is not in force|kind' us parley send forum.charter --precedence ROUTINE --tlp green --text "x"

step "Precedence and TLP misspelt: the nearest word is offered"
refused 2 'there is no "IMEDIATE"; did you mean IMMEDIATE\?' us parley send incident.notice --precedence IMEDIATE --tlp green --text "x"
refused 2 'there is no "ambre".*amber' us parley send incident.notice --precedence ROUTINE --tlp ambre --text "x"
refused 2 'there is no "urgent"; there are FLASH, IMMEDIATE, PRIORITY or ROUTINE|there is no "urgent"' \
  us parley send incident.notice --precedence urgent --tlp green --text "x"
refused 2 '--precedence is missing' us parley send incident.notice --tlp green --text "x"
refused 2 '--tlp is missing' us parley send incident.notice --precedence ROUTINE --text "x"

step "The node judges for itself, whoever asks it"
ask() { # STATUS PATTERN JSON: POST /v1/statements
  status=$(curl --silent --unix-socket "$TMPDIR/us/parleyd.sock" --output "$out" --write-out '%{http_code}' \
    --header 'Content-Type: application/json' --data-binary "$3" http://node/v1/statements)
  [ "$status" = "$1" ] || { cat "$out"; fail "HTTP status $status instead of $1: $3"; }
  grep -Eq -- "$2" "$out" || { cat "$out"; fail "the answer does not say \"$2\""; }
}
body='"body":{"aware_at":"2021-05-07T10:00:00Z","title":"t","summary":"s"}'
ask 400 'precedence: .*flash.* is none of FLASH' "{\"kind\":\"incident.notice\",\"precedence\":\"flash\",\"tlp\":\"green\",$body}"
ask 400 'tlp: .*white.* is none of clear' "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"white\",$body}"
ask 400 'twice' "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"green\",\"tlp\":\"red\",$body}"
ask 400 'fractions' "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"green\",\"body\":{\"title\":1.0}}"
ask 400 'urgent' "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"green\",\"urgent\":true,$body}"
ask 413 'the charter allows 100000 a file' "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"green\",$body,
  \"files\":[{\"name\":\"f\",\"type\":\"text/plain\",\"size\":100001,\"sha256\":\"$(printf '0%.0s' {1..64})\"}]}"

step "No statement was made by all that"
[ "$(count)" = "$before" ] || fail "there are $(count) sent statements instead of $before"
nothing_lost

step "What is exactly as long as told goes through"
$forge body "$TMPDIR/body.json" "long:$fits"
expect_exit 0 with_body --wait 30
