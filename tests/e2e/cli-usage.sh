#!/usr/bin/env bash
# What parley says to somebody who types something wrong, asks for help, or has no node running.
. "$(dirname "$0")/lib.sh"

verbs=("init" "card show" "card export" "trust" "forum propose" "forum accept" "forum list" "forum show" "send" "inbox"
  "show" "save" "ack" "reject" "receipt" "disclose" "verify" "status" "config")

# COMMAND...: standard output is one line, a JSON object with these members
json_has() {
  local members=$1
  shift
  "$@" >"$TMPDIR/json" 2>"$TMPDIR/err" || :
  python3 - "$TMPDIR/json" $members <<'PY' || { cat "$TMPDIR/json" "$TMPDIR/err"; fail "not one JSON object with $members: $*"; }
import json, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
assert len(lines) == 1, "%d lines" % len(lines)
o = json.loads(lines[0])
assert type(o) is dict and not set(sys.argv[2:]) - set(o), o
PY
}
# ANSWERS COMMAND...: the same as at a terminal, where ANSWERS are typed one by one (\n ends a line); output in $out
typed() {
  local answers=$1 got=0
  shift
  python3 - "$answers" "$@" >"$out" 2>&1 <<'PY' || got=$?
import os, pty, select, sys, time
answers = sys.argv[1].encode().decode("unicode_escape").splitlines(True)
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
text, end = b"", time.monotonic() + 20
while time.monotonic() < end:
    if select.select([fd], [], [], 0.3)[0]:
        try:
            piece = os.read(fd, 4096)
        except OSError:
            break
        if not piece:
            break
        text += piece
    elif answers:  # it waits for somebody
        os.write(fd, answers.pop(0).encode())
sys.stdout.buffer.write(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
  return $got
}

step "Help: of parley, and of each verb, on one screen"
expect_exit 0 parley --help
expect_exit 2 parley
expect_exit 0 parley --version
for verb in "${verbs[@]}"; do
  expect_exit 0 parley $verb --help
  said "^usage: parley $verb"
  said '^examples:'
  said '^exit codes: 0 done, 1 refused'
  said '  --json '
  [ "$(grep -c "^  .*parley ${verb%% *}" "$out")" -ge 2 ] || fail "$verb --help has no two examples"
  [ "$(wc -l <"$out")" -lt 40 ] || fail "$verb --help does not fit a screen"
  grep -q "^  $verb " <(parley --help) || fail "$verb is not in the overview"
  [ -e "man/parley-${verb%% *}.1.scd" ] || fail "$verb has no man page"
  expect_exit 0 parley help $verb
done
expect_exit 0 parley card --help
said 'card export'

step "Every option in a verb's help stands in its man page"
for verb in "${verbs[@]}"; do
  for option in $(parley $verb --help | sed -n 's/^  --\([a-z-]*\) .*/\1/p'); do
    [ "$option" = help ] || grep -q -- "\*--$option\*" "man/parley-${verb%% *}.1.scd" ||
      fail "--$option is not in man/parley-${verb%% *}.1.scd"
  done
done

step "Wrong usage: exit 2, what is wrong, and where to look"
for verb in "${verbs[@]}"; do
  expect_exit 2 parley $verb --jsno
  said "parley $verb: there is no option --jsno; did you mean --json\?"
  said "Try: parley $verb --help"
  expect_exit 2 parley $verb one two three
  said 'one argument too many'
  json_has "error message" parley $verb --json --nonsense
  expect_exit 2 parley $verb --json --nonsense
done
json_has "error message" parley verify --json $'none\xff'
json_has "error message" parley verify --json --fingerprint $'a.example=\xff' none
for verb in init "forum propose" "forum accept" "forum show" send show save ack reject receipt disclose verify; do
  expect_exit 2 parley $verb
done
expect_exit 2 parley frobnicate
expect_exit 2 parley recipt
said 'did you mean "receipt"'
expect_exit 2 parley card
expect_exit 2 parley forum lits
said 'did you mean "forum list"'
expect_exit 2 parley init "not a name"
expect_exit 2 parley init nodots
expect_exit 2 parley ack 12345678
said 'officer'
expect_exit 2 parley reject 12345678 --officer duty
said 'on what ground'
expect_exit 2 parley reject 12345678 --ground taste --officer duty
expect_exit 2 parley reject 12345678 --ground form
said 'officer'
expect_exit 2 parley disclose 12345678
expect_exit 2 parley disclose 12345678 --out "$TMPDIR/none" --file one
expect_exit 2 parley disclose 12345678 --out "$TMPDIR/none" --file 0 --without-files
expect_exit 2 parley disclose 12345678 --out "$TMPDIR/none" --override "Because."
said 'officer'
expect_exit 2 parley save 12345678
expect_exit 2 parley send incident.notice --tlp red --text x
said 'precedence is missing'
expect_exit 2 parley send incident.notice --precedence FLASH --tlp red
expect_exit 2 parley send incident.notice --precedence FLASH --tlp red --text x --wait soon
expect_exit 2 parley send incident.notice --precedence FLASH --tlp red --text x --answer-by tomorrow
expect_exit 2 parley forum propose --title T --member a.example --ack FLASH
expect_exit 2 parley inbox --limit 0
expect_exit 2 parley verify --fingerprint cert.us.example=12 /tmp
expect_exit 2 parley verify --fingerprint 12 /tmp
expect_exit 2 parley trust x --fingerprint 12

step "Without a home, and without a node"
for verb in "forum list" "inbox" "status" "trust" "card show"; do
  expect_exit 1 on nowhere parley $verb
  said 'parley init'
  json_has "error message" on nowhere parley $verb --json
done
expect_exit 0 on nowhere parley config
make_home us cert.us.example
for verb in "forum list" "forum show 12345678" "inbox" "show 12345678" "receipt 12345678" "status" "ack 12345678 --officer duty" \
  "reject 12345678 --ground form --officer duty" "disclose 12345678 --out $TMPDIR/none" \
  "forum propose --title T --member a.example" "send incident.notice --precedence FLASH --tlp red --text x"; do
  expect_exit 3 us parley $verb
  said 'no node listens on .*parleyd'
  json_has "error message" us parley $verb --json
done

step "A home is made once; its passphrases are asked for, read, or made"
before=$(cat "$TMPDIR/us/card.json")
expect_exit 1 us parley init other.example
said 'already'
[ "$before" = "$(cat "$TMPDIR/us/card.json")" ] || fail "the home was changed"
json_has "party fingerprint home rotation_key rotation_passphrase" on made parley init made.example --json
printf 'from a file\nsecond line\n' >"$TMPDIR/pass"
expect_exit 0 on given parley init given.example --passphrase-file "$TMPDIR/pass"
said 'keys/rotation.age'
! grep -q 'passphrase, shown' "$out" || fail "a passphrase was shown that was given"
expect_exit 1 on none parley init none.example --passphrase-file /dev/null
expect_exit 1 on none parley init none.example --protect-keys
[ ! -e "$TMPDIR/none" ] || fail "half a home is left"
expect_exit 0 env PARLEY_PASSPHRASE_FILE="$TMPDIR/pass" PARLEY_HOME="$TMPDIR/locked" parley init locked.example --protect-keys
[ -e "$TMPDIR/locked/keys/statement.pem.age" ] && [ ! -e "$TMPDIR/locked/keys/statement.pem" ] || fail "the keys are not protected"
on asked typed 'one\nother\nsecret words\nsecret words\n' parley init asked.example || { cat "$out"; fail "init at a terminal"; }
said 'The two differ'
! grep -q 'secret words' "$out" || fail "the passphrase was shown"

step "Cards: shown, exported, compared"
make_home ru ncc.ru.example
json_has "party fingerprint serial not_before not_after submission monitoring desks" us parley card show --json
us parley card export >"$TMPDIR/us.card.json"
cmp "$TMPDIR/us.card.json" "$TMPDIR/us/card.json"
echo >>"$TMPDIR/us.card.json" # as mail and editors leave it
expect_exit 0 ru parley card show "$TMPDIR/us.card.json"
said 'cert.us.example'
json_has "party card" us parley card export --json
expect_exit 1 us parley card show /etc/hostname
expect_exit 1 us parley card show "$TMPDIR/nothing"

step "Trust without a node: nobody is asked without a terminal; a wrong fingerprint is shown beside the right one"
expect_exit 0 us parley trust
said 'Nobody'
on ru parley card export --out "$TMPDIR/ru.card.json" >/dev/null
expect_exit 1 us parley trust "$TMPDIR/ru.card.json"
said '--fingerprint'
wrong=$(printf '%064d' 7)
expect_exit 1 us parley trust "$TMPDIR/ru.card.json" --fingerprint "$wrong"
said 'does not fit.*0000 0007'
said "$(printf %s "${fingerprint[ru]}" | cut -c 1-4)"
[ -z "$(ls "$TMPDIR/us/trust")" ] || fail "something was pinned"
if us typed 'maybe\nno\n' parley trust "$TMPDIR/ru.card.json"; then fail "pinned after no"; fi
said 'yes or no'
[ -z "$(ls "$TMPDIR/us/trust")" ] || fail "something was pinned after no"
us typed 'yes\n' parley trust "$TMPDIR/ru.card.json" --basis README.md || { cat "$out"; fail "trust at a terminal"; }
expect_exit 0 us parley trust
said 'README.md'
json_has pins us parley trust --json
[ "$(us parley trust --json | field pins.0.fingerprint)" = "${fingerprint[ru]}" ] || fail "another fingerprint is pinned"
[ "$(us parley trust --json | field pins.0.basis_sha256)" = "$(sha256sum README.md | cut -c 1-64)" ] || fail "basis"

step "verify of a card: 0 who knows it, 5 who does not, 1 who knows another; damaged: 1"
expect_exit 0 us parley verify "$TMPDIR/ru.card.json"
expect_exit 5 on nowhere parley verify "$TMPDIR/ru.card.json"
said 'NOT ESTABLISHED'
json_has "party fingerprint verified identified" on nowhere parley verify --json "$TMPDIR/ru.card.json"
expect_exit 0 on nowhere parley verify --fingerprint "ncc.ru.example=$(sed 's/..../& /g' <<<"${fingerprint[ru]}")" "$TMPDIR/ru.card.json"
expect_exit 0 on nowhere parley verify "$TMPDIR/ru.card.json" --card "$TMPDIR/ru.card.json"
expect_exit 1 on nowhere parley verify --fingerprint "ncc.ru.example=$wrong" "$TMPDIR/ru.card.json"
altered "$TMPDIR/ru.card.json" 200 "$TMPDIR/bad.card.json"
expect_exit 1 us parley verify "$TMPDIR/bad.card.json"
expect_exit 1 us parley verify "$TMPDIR"
expect_exit 1 us parley verify "$TMPDIR/nothing"
json_has "error message" us parley verify --json "$TMPDIR/nothing"

step "config: every option with its default and its value"
json_has "file options" us parley config --json
[ "$(us parley config --json | field options.1.value)" = "${address[us]}" ] || fail "listen"
echo 'lissten = 1' >>"$TMPDIR/us/parley.conf"
expect_exit 1 us parley config
said 'listen'

step "Nothing is written where nothing can be"
if us parley card export >/dev/full 2>"$out"; then fail "a full disk went unnoticed"; fi
said 'could not be written'
expect_exit 1 us parley card export --out "$TMPDIR/no/such/folder"
