#!/usr/bin/env bash
# A Russian duty officer sits at a machine on which no Russian locale was ever generated. People read Russian; programs
# read the same bytes as ever.
. "$(dirname "$0")/lib.sh"
[ -e "$PARLEY_BUILD/locale/ru/LC_MESSAGES/parley.mo" ] || skip "built without gettext: there is no catalogue"

# Nothing of our own environment: what a bare system has.
bare() { env -i ${home:+PARLEY_HOME="$TMPDIR/$home"} "$@"; }
russian() { bare LANGUAGE=ru "$PARLEY_BUILD/parley" "$@"; }
english() { bare "$PARLEY_BUILD/parley" "$@"; }
cyrillic() { grep -qP '\p{Cyrillic}' "$1"; }
home=

# COMMAND...: people read it in two languages; with --json both outputs and the exit code are the same
both() {
  local code_ru=0 code_en=0
  russian "$@" >"$TMPDIR/ru.text" 2>&1 || code_ru=$?
  english "$@" >"$TMPDIR/en.text" 2>&1 || code_en=$?
  cyrillic "$TMPDIR/ru.text" || { cat "$TMPDIR/ru.text"; fail "no Russian: $*"; }
  ! cyrillic "$TMPDIR/en.text" || { cat "$TMPDIR/en.text"; fail "Russian without being asked: $*"; }
  [ $code_ru = $code_en ] || fail "exit $code_ru in Russian, $code_en in English: $*"
  same_json "$@" || { cat "$TMPDIR/ru.json"; fail "--json differs: $*"; }
  [ $code_json = $code_en ] || fail "exit $code_json with --json, $code_en without: $*"
}
same_json() {
  local code_ru=0
  code_json=0
  russian "$@" --json >"$TMPDIR/ru.json" 2>"$TMPDIR/ru.err" || code_ru=$?
  english "$@" --json >"$TMPDIR/en.json" 2>"$TMPDIR/en.err" || code_json=$?
  [ $code_ru = $code_json ] && cmp "$TMPDIR/ru.json" "$TMPDIR/en.json" && cmp "$TMPDIR/ru.err" "$TMPDIR/en.err"
}
# COMMAND...: every row of its table begins each column under the heading, counted in characters
aligned() {
  russian "$@" >"$out" || { cat "$out"; fail "$*"; }
  aligned_text "$out"
}
aligned_text() { # FILE
  PYTHONUTF8=1 python3 - "$1" <<'PY' || { cat "$1"; fail "not aligned: $1"; }
import re, sys
head, *rows = open(sys.argv[1]).read().splitlines()
starts = [m.start() for m in re.finditer(r"(?:^|(?<=  ))\S", head)]
assert len(starts) >= 4 and rows, (starts, rows)
for row in rows:
    for at in starts:
        assert row[at] != " " and (at == 0 or row[at - 2 : at] == "  "), (at, row)
PY
}
# COMMAND...: every value of a labelled line begins in column 14 after its indentation
labelled() {
  russian "$@" >"$out" || { cat "$out"; fail "$*"; }
  PYTHONUTF8=1 python3 - "$out" <<'PY' || { cat "$out"; fail "values not in one column: $*"; }
import re, sys
seen = 0
for line in open(sys.argv[1]):
    m = re.match(r"( *)([А-ЯЁ][^:]*?) {2,}\S", line)
    if m and len(m.group(2)) < 14:
        seen += 1
        assert m.end() - 1 == len(m.group(1)) + 14, line
assert seen >= 4, seen
PY
}

step "Which language: what the variables say, and never a path"
for setting in LANGUAGE=ru LANG=ru_RU.UTF-8 LC_ALL=ru_RU.UTF-8 LC_MESSAGES=ru LANG=ru_RU LANGUAGE=xx:ru_RU LANG=ru_RU.UTF-8@x; do
  bare $setting "$PARLEY_BUILD/parley" --help >"$out"
  said 'Коды завершения: 0.— выполнено'
done
bare LANG=C.UTF-8 LANGUAGE=ru "$PARLEY_BUILD/parley" --help >"$out" # says the encoding, not the language
said 'Коды завершения'
for setting in X=1 LANG=C LC_ALL=C.UTF-8 LC_ALL=POSIX LANG=de_DE.UTF-8 LANGUAGE=en:ru LANGUAGE=../locale/ru LANGUAGE=ru/ LANGUAGE=: \
  LANG=ru/x "LANGUAGE=$(printf 'r%.0s' {1..5000})" LANG=.ru LANG=@ru; do
  bare "$setting" "$PARLEY_BUILD/parley" --help >"$out"
  said '^exit codes: 0 done'
done
bare LC_ALL=C LANGUAGE=ru "$PARLEY_BUILD/parley" --help >"$out"
said '^exit codes: 0 done'

step "Installed: the catalogue is found below ../share; damaged, it costs the language and nothing else"
mkdir -p "$TMPDIR/usr/bin" "$TMPDIR/usr/share"
cp "$PARLEY_BUILD/parley" "$TMPDIR/usr/bin"
cp -r "$PARLEY_BUILD/locale" "$TMPDIR/usr/share"
bare LANGUAGE=ru "$TMPDIR/usr/bin/parley" --help >"$out"
said 'Коды завершения'
mo=$TMPDIR/usr/share/locale/ru/LC_MESSAGES/parley.mo
head -c 5000 "$mo" >"$TMPDIR/short" && mv "$TMPDIR/short" "$mo"
expect_exit 0 bare LANGUAGE=ru "$TMPDIR/usr/bin/parley" --help
said 'parley.mo is damaged'
said '^exit codes: 0 done'

step "Help of every verb in Russian: options in one column, on a screen of 80"
for verb in init "card show" "card export" trust "forum propose" "forum accept" "forum list" "forum show" send inbox show save \
  ack reject receipt disclose verify status config keys "keys protect" "keys unprotect" "card renew"; do
  russian $verb --help >"$out"
  said "^Использование: parley $verb"
  said '^Примеры:'
  # The first line and the examples are commands, as long as they are.
  ! sed '1d; /^  \(.* \)\?parley /d' "$out" | grep -E '^.{81}' || fail "$verb --help is wider than 80"
  ! grep '^  --' "$out" | grep -Ev '^.{28} [^ ]' || fail "options of $verb --help are not in one column"
done

step "Without a home, without a node, and with wrong usage"
home=nowhere
for verb in "forum list" inbox status trust "card show" "verify /nothing" "frobnicate" "recipt" "card" "inbox --limit x" \
  "send incident.notice --tlp red --text x" "send incident.notice --precedence FLAHS --tlp red --text x" "save 12345678" \
  "verify --fingerprint 12 /tmp" "show xyz"; do
  both $verb
done
make_pair --ack FLASH=60 IMMEDIATE=120 PRIORITY=300 ROUTINE=1260 --clock-tolerance 11
home=us

step "A notice goes out, is read and proved; each command in both languages"
us parley send incident.notice --forum "$forum" --precedence IMMEDIATE --tlp amber --file examples/colonial-pipeline.json \
  --attach README.md --wait 60 --json >"$TMPDIR/sent.json"
id=$(field id <"$TMPDIR/sent.json")
russian send incident.notice --precedence FLASH --tlp red --status exercise --text "Drill" --wait 60 >"$out"
said '^\*\*\* УЧЕНИЕ \*\*\*'
said '^Срочность     FLASH$'
said '^Принято узлом: [0-9a-f]{64}$'
said 'ncc.ru.example: доставлено .* UTC'
said 'Доставлено: машина адресата'
ack ru "$id"
wait_read us "$id"
wait_for 30 "the acknowledgement is delivered" is_state ru "$(on ru parley inbox --sent --json | field statements.0.id)" delivered
for verb in "card show" trust "forum list" "forum show $forum" "inbox --sent" "show $id" "receipt $id" config; do both $verb; done
home=ru both inbox
wait_for 20 "status with --json the same twice" same_json status

step "What a probe finds is told in Russian, with --json as ever"
russian status --probe ncc.ru.example >"$out"
said '^Связь с.ncc.ru.example исправна\.$'
said '^  Их ключ +исправно: тот, который закреплён$'
node_stop ru
expect_exit 3 russian status --probe ncc.ru.example
said 'узел стороны$|узел стороны ncc.ru.example'
said '^  Соединение +СБОЙ: connection refused'
same_json status --probe ncc.ru.example || fail "--json differs: status --probe"
node_start ru

step "Rejected, and disclosed by the one whom it was sent to"
first=$id
send_notice us ru
rejected=$id id=$first
arrived ru "$rejected"
home=ru
russian reject "$rejected" --ground form --officer duty --reasons "No facts." --wait 30 >"$out"
said '^Отклонил: duty, основание.— form\.'
russian disclose "$rejected" --out "$TMPDIR/shown" --override "By order of a court." --officer duty >"$out"
said '^Уведомление автору подписано'
said '^  Основание: опровергается тем, что раскрыто$'
both verify "$TMPDIR/shown"
both keys
labelled show "$rejected"
home=us

step "Columns, counted in characters"
aligned inbox --sent
said 'СРОЧНОСТЬ +Гриф TLP +КОМУ'
said 'прочитано +\S'
said '\[УЧЕНИЕ\] Drill$'
aligned forum list
russian keys | sed '/^КЛЮЧ /,/^$/!d; /^$/d' >"$TMPDIR/keys"
aligned_text "$TMPDIR/keys"
russian keys | sed '/^КОРРЕСПОНДЕНТ /,/^$/!d; /^$/d' >"$TMPDIR/keys"
aligned_text "$TMPDIR/keys"
said 'действует'
for verb in "card show" "show $id" "forum show $forum" status "receipt $id"; do labelled $verb; done

step "Plurals, months and sizes as Russian has them; times are UTC, and columns keep digits"
russian forum show "$forum" >"$out"
said 'FLASH +срок подтверждения.— 1.минута$'
said 'IMMEDIATE +срок подтверждения.— 2.минуты$'
said 'PRIORITY +срок подтверждения.— 5.минут$'
said 'ROUTINE +срок подтверждения.— 21.минута$'
said 'Часы +допустимое расхождение.— 11.секунд$'
said '[0-9],[0-9].[МГ]Б'
russian show "$id" >"$out"
said '^Составлено    [0-9]{1,2}.(января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря).[0-9]{4}.г\., [0-9:]{8} UTC$'
said '^Срочность     IMMEDIATE$'
said 'получение подтвердил: duty \(получено, но не согласовано\)'
russian inbox --sent >"$out"
said '  [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}  '

step "The evidence pack is the same, whoever draws it; what it proves is told in Russian"
russian receipt "$id" --out "$TMPDIR/pack.ru" >/dev/null
english receipt "$id" --out "$TMPDIR/pack.en" >/dev/null
diff -r "$TMPDIR/pack.ru" "$TMPDIR/pack.en" || fail "the packs differ"
both verify "$TMPDIR/pack.ru"
home=nowhere
both verify "$TMPDIR/pack.ru"
expect_exit 5 russian verify "$TMPDIR/pack.ru"
said 'ПРИНАДЛЕЖНОСТЬ КЛЮЧЕЙ НЕ УСТАНОВЛЕНА'

step "At a terminal «Да» is a yes"
make_home third third.example
home=third
PYTHONUTF8=1 python3 - "$PARLEY_BUILD/parley" "$TMPDIR" >"$out" <<'PY' || { cat "$out"; fail "pinning at a terminal"; }
import os, pty, sys
parley, tmp = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    os.execve(parley, [parley, "trust", tmp + "/ru.card.json"], {"LANGUAGE": "ru", "PARLEY_HOME": tmp + "/third"})
os.write(fd, "может быть\nДа\n".encode())
text = b""
try:
    while piece := os.read(fd, 4096):
        text += piece
except OSError:
    pass
sys.stdout.buffer.write(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
said 'Введите «да» или «нет»'
said 'Закреплено: ncc.ru.example'
