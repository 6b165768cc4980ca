#!/usr/bin/env bash
# The age command opens what parley seals, and parley opens what the age command seals.
. "$(dirname "$0")/../e2e/lib.sh"
command -v age >/dev/null || skip "there is no age command"
ours=$PARLEY_BUILD/tests/interop-age
[ -x "$ours" ] || skip "the build has no tests"
export TMP=$TMPDIR

# SEALED PLAIN COMMAND...: the command opens the file as it is, and neither altered nor cut.
only_whole() {
  local sealed=$1 plain=$2 size at
  shift 2
  size=$(stat -c %s "$sealed")
  "$@" <"$sealed" >"$TMP/opened" || fail "not opened: $*"
  cmp "$plain" "$TMP/opened"
  for at in 30 $((size / 2)) $((size - 1)); do
    altered "$sealed" "$at" "$TMP/spoilt"
    expect_exit 1 with_input "$TMP/spoilt" "$@"
  done
  head -c $((size - 1)) "$sealed" >"$TMP/spoilt"
  expect_exit 1 with_input "$TMP/spoilt" "$@"
}
with_input() { local file=$1; shift; "$@" <"$file"; }
with_passphrase() { tests/interop/with_passphrase.py "$@"; }

step "A notice with files goes from us to ru"
make_pair
make_file 1500000 "$TMP/flows.bin"
make_file 65536 "$TMP/chunk.bin" # exactly one chunk of age's
: >"$TMP/empty.bin"
send_notice us ru --attach "$TMP/chunk.bin"
send_notice us ru --attach "$TMP/flows.bin" --attach "$TMP/empty.bin" --attach "$TMP/chunk.bin"
arrived ru "$id"
us curl -fsS --unix-socket "$TMP/us/parleyd.sock" "http://node/v1/statements/$id/entry" >"$TMP/entry.json"
age-keygen >"$TMP/stranger.txt" 2>"$TMP/stranger.pub"

step "age opens the body with the seal key of the addressee and of the author"
tests/interop/sealed.py body "$TMP/entry.json" "$TMP/body.age"
age -d -i "$TMP/ru/keys/seal.duty.txt" "$TMP/body.age" >"$TMP/body.json"
python3 - "$TMP/entry.json" "$TMP/body.json" examples/colonial-pipeline.json <<'PYTHON'
import base64, hashlib, json, sys
entry, plain, example = (open(f, "rb").read() for f in sys.argv[1:])
statement = json.loads(base64.b64decode(json.loads(entry)["payload"]))
assert hashlib.sha256(plain).hexdigest() == statement["body_sha256"]
assert json.loads(plain)["body"] == json.loads(example)
assert [f["name"] for f in json.loads(plain)["files"]] == ["flows.bin", "empty.bin", "chunk.bin"]
PYTHON
only_whole "$TMP/body.age" "$TMP/body.json" age -d -i "$TMP/ru/keys/seal.duty.txt"
only_whole "$TMP/body.age" "$TMP/body.json" age -d -i "$TMP/us/keys/seal.duty.txt"
expect_exit 1 age -d -i "$TMP/stranger.txt" "$TMP/body.age"
said "no identity matched"

step "age opens the files, read from ru's mirror and from us's log"
read_file() { # SERVER READER NUMBER OUT
  local pin
  pin=$(python3 -c 'import base64, json, sys
print(json.loads(base64.b64decode(json.load(open(sys.argv[1]))["payload"]))["keys"]["link"][0])' "$TMP/$1/card.json")
  tests/interop/sealed.py file "$TMP/entry.json" "$3" "$4" --silent --show-error --fail --noproxy '*' --tlsv1.3 \
    --insecure --pinnedpubkey "$pin" --cert "$TMP/$2/keys/link.cert.pem" --key "$TMP/$2/keys/link.key.pem" \
    "https://${address[$1]}"
}
for number in 0 1 2; do
  file=$TMP/$(cut -d' ' -f$((number + 1)) <<<"flows.bin empty.bin chunk.bin")
  read_file ru us $number "$TMP/file.age"
  read_file us ru $number "$TMP/file-again.age"
  cmp "$TMP/file.age" "$TMP/file-again.age"
  only_whole "$TMP/file.age" "$file" age -d -i "$TMP/ru/keys/seal.duty.txt"
  only_whole "$TMP/file.age" "$file" age -d -i "$TMP/us/keys/seal.duty.txt"
  expect_exit 1 age -d -i "$TMP/stranger.txt" "$TMP/file.age"
done

step "We open what age seals, to one key and to several, as a whole and in pieces"
key_us=$(age-keygen -y "$TMP/us/keys/seal.duty.txt") key_ru=$(age-keygen -y "$TMP/ru/keys/seal.duty.txt")
key_stranger=$(age-keygen -y "$TMP/stranger.txt")
for size in 0 1 65535 65536 65537 131072 500000; do
  head -c $size "$TMP/flows.bin" >"$TMP/plain"
  age -r "$key_us" -o "$TMP/one.age" "$TMP/plain"
  age -r "$key_stranger" -r "$key_us" -r "$key_ru" -o "$TMP/three.age" "$TMP/plain"
  only_whole "$TMP/one.age" "$TMP/plain" "$ours" open "$TMP/us/keys/seal.duty.txt"
  only_whole "$TMP/three.age" "$TMP/plain" "$ours" open "$TMP/ru/keys/seal.duty.txt" 1000
  only_whole "$TMP/three.age" "$TMP/plain" "$ours" open "$TMP/us/keys/seal.duty.txt" 70000
  expect_exit 1 with_input "$TMP/one.age" "$ours" open "$TMP/ru/keys/seal.duty.txt"
  rm "$TMP/one.age" "$TMP/three.age"
done

step "We open what age protects with a passphrase, and age what we do"
head -c 70000 "$TMP/flows.bin" >"$TMP/plain"
with_passphrase "a passphrase of ours" age -p -o "$TMP/pass.age" "$TMP/plain" 2>/dev/null
only_whole "$TMP/pass.age" "$TMP/plain" "$ours" open-pass "a passphrase of ours"
expect_exit 1 with_input "$TMP/pass.age" "$ours" open-pass "a passphrase of theirs"
"$ours" seal-pass "a passphrase of ours" 12 <"$TMP/plain" >"$TMP/ours.age"
with_passphrase "a passphrase of ours" age -d -o "$TMP/opened" "$TMP/ours.age" 2>/dev/null
cmp "$TMP/plain" "$TMP/opened"

step "age opens the rotation key with the passphrase that parley init made"
passphrase=$(field rotation_passphrase <"$TMP/us.init.json")
with_passphrase "$passphrase" age -d -o "$TMP/rotation.pem" "$TMP/us/keys/rotation.age" 2>/dev/null
openssl pkey -in "$TMP/rotation.pem" -pubout -out "$TMP/rotation.pub"
python3 - "$TMP/us/card.json" "$TMP/rotation.pub" <<'PYTHON'
import base64, json, sys
card = json.loads(base64.b64decode(json.load(open(sys.argv[1]))["payload"]))
assert card["keys"]["rotation"] == open(sys.argv[2]).read(), "not the rotation key of the card"
PYTHON
expect_exit 1 with_passphrase "$passphrase." age -d -o "$TMP/none" "$TMP/us/keys/rotation.age"
said "incorrect passphrase"
altered "$TMP/us/keys/rotation.age" $(($(stat -c %s "$TMP/us/keys/rotation.age") - 5)) "$TMP/spoilt"
expect_exit 1 with_passphrase "$passphrase" age -d -o "$TMP/none" "$TMP/spoilt"
