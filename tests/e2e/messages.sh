#!/usr/bin/env bash
# Every text of the command line can be translated, and every catalogue is complete, up to date and fit for a terminal.
. "$(dirname "$0")/lib.sh"
command -v xgettext >/dev/null && command -v msgfmt >/dev/null || skip "gettext is not installed: catalogues are not checked"

step "Sources, parley.pot and each language say the same; nothing is missing or fuzzy"
expect_exit 0 tools/messages --check
cat "$out"
for po in locale/*.po; do
  ! grep -q '^#, .*fuzzy\|^#~' "$po" || fail "$po has fuzzy or obsolete messages"
done

step "The check bites: a missing, a fuzzy, an outdated message and a wrong format are all found"
mkdir -p "$TMPDIR/tree/tools" "$TMPDIR/tree/src/cli"
cp tools/messages "$TMPDIR/tree/tools"
spoiled() { # WHAT SED-EXPRESSION [FILE]
  rm -rf "$TMPDIR/tree/locale"
  cp -r locale "$TMPDIR/tree"
  cp src/cli/*.c "$TMPDIR/tree/src/cli"
  sed -i "$2" "$TMPDIR/tree/${3:-locale/ru.po}"
  ! cmp -s "$TMPDIR/tree/${3:-locale/ru.po}" "${3:-locale/ru.po}" || fail "nothing was spoiled: $1"
  expect_exit 1 "$TMPDIR/tree/tools/messages" --check
}
spoiled "a message without a translation" '/^msgid "never"$/{n;s/".*"/""/}'
spoiled "a fuzzy message" 's/^msgid "never"$/#, fuzzy\n&/'
spoiled "a message that the sources no longer have" 's/^msgid "never"$/msgid "never ever"/'
spoiled "a new message in the sources" 's/_("never")/_("never yet")/' src/cli/status.c
spoiled "a translation that formats something else" '/^msgid "%s (just now)"$/{n;s/%s/%d/}'

step "No text bypasses the catalogue; labels fit their column; no direction marks, which output would replace"
PYTHONUTF8=1 python3 - <<'PY'
import gettext, glob, os, re, subprocess, sys, tempfile

STRING = r'"(?:[^"\\]|\\.)*"'
PRINTS = re.compile(r"\b(?:out_print|out_note|out_heading|out_text|finding|printf|fprintf|fputs|puts|err_set|err_prefix|cli_usage|out_field)"
                    r"\s*\(((?:[^;]|;(?=[^\n]))*?)\);", re.S)
bad, labels = [], set()
for path in set(glob.glob("src/cli/*.c")) - {"src/cli/text.c"}:  # which speaks when there is no catalogue
    source = open(path).read()
    labels |= set(re.findall(r'out_field\(c, \d, (?:i == 0 \? )?_\("([^"]+)"\)', source))
    labels |= set(re.findall(r'print_list\(c, _\("([^"]+)"\)', source))
    for call in PRINTS.finditer(source):
        text = re.sub(r"\b(?:_|N_|text_n|json_text|json_object_get|has|number|args_value|out_when|ago)\s*\((?:[^()]|\([^()]*\))*\)", "", call.group(1))
        text = re.sub(r"strcmp\((?:[^()]|\([^()]*\))*\)", "", text)
        for s in re.findall(STRING, text):
            words = re.sub(r"%[-0-9.*]*(?:ll|z)?[a-zA-Z%]|\\.|\\033\[K", " ", s[1:-1])
            # Commands, options and file names are the same in every language.
            words = re.sub(r"^ *parley( [a-z]+)*|--[a-z-]+|\S*/\S*|\[K", "", words)
            if re.search(r"[A-Za-z]{2}", words):
                bad.append("%s: %s" % (path, s))
assert len(labels) > 50, labels
# The node's findings and the steps of a probe: each has its words here.
codes = lambda path, what: set(re.findall(what, open(path).read()))
for of_node, what, of_cli in [("src/daemon/probe_advice.c", r'\{\s*"([a-z_]+)",', "src/cli/probe_text.c"),
                              ("src/daemon/probe_report.c", r'add_\w+\(steps, "([a-z_0-9]+)"', "src/cli/status.c")]:
    ours, theirs = codes(of_cli, r'\{"([a-z_0-9]+)",\s*N_'), codes(of_node, what)
    assert len(theirs) > 8, theirs
    bad += ["%s knows no %s" % (of_cli, c) for c in theirs - ours]
labels |= set(re.findall(r'\{"\w+", N_\("([^"]+)"\)\}', open("src/cli/status.c").read()))
for po in glob.glob("locale/*.po"):
    mo = os.path.join(os.environ["TMPDIR"], "check.mo")
    subprocess.run(["msgfmt", "-o", mo, po], check=True)
    with open(mo, "rb") as f:
        catalogue = gettext.GNUTranslations(f)
    bad += ["%s: more than 13 characters: %s" % (po, catalogue.gettext(x)) for x in labels if len(catalogue.gettext(x)) > 13]
    if re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", open(po).read()):
        bad.append(po + ": a direction mark")
    if po == "locale/ru.po":
        for n, word in [(1, "день"), (2, "дня"), (5, "дней"), (11, "дней"), (12, "дней"), (21, "день"), (22, "дня"), (111, "дней")]:
            got = catalogue.ngettext("%lld day", "%lld days", n)
            if got.split("\u00a0")[-1] != word:
                bad.append("%s: %d %s" % (po, n, got))
print("\n".join(bad))
sys.exit(bool(bad))
PY
