#!/usr/bin/env bash
# Manual pages and documents say what the program does: verbs, options, exit codes, examples, references; and documents name
# tests that exist.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
parley=$PARLEY_BUILD/parley

step "Pages and documents agree with the program"
expect_exit 0 tools/manuals "$parley"

step "Each page is one that scdoc takes"
for page in man/*.scd; do scdoc <"$page" >/dev/null || fail "$page is not formatted"; done

# FILE OLD NEW FAULT: a copy of the pages in which NEW stands for OLD is told to have that fault
bites() {
  rm -rf "$TMPDIR/copy"
  mkdir "$TMPDIR/copy"
  cp -r man docs README.md "$TMPDIR/copy"
  ln -s "$PWD/tests" "$TMPDIR/copy/tests"
  python3 -c 'import sys
path, old, new = sys.argv[1:]
text = open(path, encoding="utf-8").read()
assert old in text, old
open(path, "w", encoding="utf-8").write(text.replace(old, new))' "$TMPDIR/copy/$1" "$2" "$3"
  expect_exit 1 tools/manuals "$parley" "$TMPDIR/copy"
  said "$4"
}

step "The check bites"
bites man/parley-ack.1.scd '--note "We' '--noet "We' 'ack has no option --noet'
bites man/parley.1.scd 'parley inbox' 'parley intray' 'there is no verb intray'
bites man/parley-send.1.scd '*--desk*' '*--room*' 'the page does not have --desk'
bites man/parley-verify.1.scd $'*5*\n' $'*3*\n' 'exit codes 0 1 2 3 4, --help says 0 1 2 4 5'
bites man/parley.conf.5.scd '*log_level*' '*loglevel*' 'does not have the option log_level'
bites man/parley-card.5.scd '*parley-trust*(1)' '*parley-faith*(1)' 'there is no page parley-faith\(1\)'
bites man/parley-show.1.scd '# EXAMPLES' '# SAMPLES' 'no EXAMPLES before the DESCRIPTION'
bites README.md 'parley status ' 'parley statsu ' 'there is no verb statsu'
bites README.md '(docs/operations.md)' '(docs/operatoins.md)' 'leads nowhere'
bites docs/threat-model.md 'test_two_histories' 'test_three_histories' 'has no case test_three_histories'
rm "$TMPDIR/copy/man/parley-ack.1.scd"
expect_exit 1 tools/manuals "$parley" "$TMPDIR/copy"
said 'man/parley-ack.1.scd: missing'
