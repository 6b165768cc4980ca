#!/usr/bin/env bash
# A large file travels in a bundle (64 MB; 1 GB with ./check --all): memory stays small on both sides, an import that breaks off
# goes on where it was, and the answer brings the cosignature.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

nowhere=https://127.0.0.1:1
bytes=64000000
[ "${PARLEY_ALL:-}" != 1 ] || bytes=1000000000
limit_kb=$((96 * 1024)) # of the command and of the node, whatever the size
case $PARLEY_BUILD in # sanitizers keep what was freed, and much besides: the memory is that of the other builds
*asan*) bytes=64000000 limit_kb=$((4 << 20)) ;;
esac

peak() { # COMMAND...: exit status and output of the command, its largest memory in $TMPDIR/peak (KiB)
  python3 -c 'import os, sys
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
open(sys.argv[1], "w").write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))' "$TMPDIR/peak" "$@"
}
command_small() { # WHAT
  local kb
  kb=$(cat "$TMPDIR/peak")
  echo "  parley $1: $((kb / 1024)) MiB at most"
  [ "$kb" -lt $limit_kb ] || fail "parley $1 took $kb KiB"
}
node_small() { # HOME WHAT
  local kb
  kb=$(awk '/^VmHWM/ { print $2 }' "/proc/${pid[$1]}/status")
  echo "  its node: $((kb / 1024)) MiB at most"
  [ "$kb" -lt $limit_kb ] || fail "the node of $1 took $kb KiB"
}
held() { ru parley status --json | python3 -c 'import json, sys
print(sum(l["size"] for l in json.load(sys.stdin)["logs"] if not l["own"]))'; }
holds() { [ "$(held)" -ge "$1" ]; }

step "Two parties without a line agree on large files"
make_home us cert.us.example --url $nowhere
make_home ru ncc.ru.example --url $nowhere
trust us ru
trust ru us
node_start us
node_start ru
forum=$(us parley forum propose --title "Large files" --member ncc.ru.example --attachment-max 2000000000 \
  --bytes-per-day 4000000000 --json | field forum)
us parley bundle export --for ncc.ru.example --out "$TMPDIR/1" >/dev/null
ru parley bundle import "$TMPDIR/1" >/dev/null
ru parley forum accept "$forum" --yes >/dev/null
ru parley bundle export --for cert.us.example --out "$TMPDIR/2" >/dev/null
us parley bundle import "$TMPDIR/2" >/dev/null

step "One sends $bytes bytes"
make_file "$bytes" "$TMPDIR/large.bin"
id=$(us parley send incident.notice --precedence ROUTINE --tlp green --text "With a large file" --attach "$TMPDIR/large.bin" \
  --wait 0 --json | field id)
digest=$(sha256sum <"$TMPDIR/large.bin")
rm "$TMPDIR/large.bin"
node_stop us
node_start us # what follows is the bundle's

step "The bundle is written in little memory, and looked at"
before=$SECONDS
us peak parley bundle export --for ncc.ru.example --out "$TMPDIR/stick" --json >"$out"
echo "  $(field bytes <"$out") bytes, $(field entries <"$out") entries in $((SECONDS - before)) s"
[ "$(field bytes <"$out")" -gt "$bytes" ] || fail "the bundle is smaller than the file"
command_small "bundle export"
node_small us
peak parley bundle show "$TMPDIR/stick" --json >"$out"
command_small "bundle show"
tar -tf "$TMPDIR/stick" >/dev/null || fail "tar does not read it"

node_stop ru
node_start ru
if [ "$bytes" -ge 1000000000 ]; then # a smaller one is over too soon
  step "The import is killed in the middle, then the node with another"
  for victim in import node; do
    want=$(($(held) + bytes / 4096 / 5))
    PARLEY_HOME=$TMPDIR/ru parley bundle import "$TMPDIR/stick" --json >"$TMPDIR/import.out" 2>&1 &
    pid[import]=$!
    wait_for 300 "the $victim has something to be killed at" holds $want
    if [ $victim = node ]; then
      node_kill ru
      got=0
      wait "${pid[import]}" || got=$?
      [ "$got" = 3 ] || fail "exit $got instead of 3 when the node is gone"
      node_start ru
    else
      kill -KILL "${pid[import]}"
      wait "${pid[import]}" 2>/dev/null || :
    fi
    unset "pid[import]"
    echo "  $(held) entries are held"
  done
else
  step "Half of the bundle arrives"
  head -c $((bytes / 2 + 77)) "$TMPDIR/stick" >"$TMPDIR/half"
  expect_exit 1 ru parley bundle import "$TMPDIR/half"
  said 'is cut: it ends after'
  held
  [ "$(held)" -gt $((bytes / 4096 / 3)) ] || fail "what is whole in it was not taken"
  rm "$TMPDIR/half"
fi

step "The import goes on where it was"
before=$SECONDS
ru peak parley bundle import "$TMPDIR/stick" --json >"$out"
echo "  the rest, $(field pieces <"$out") pieces, in $((SECONDS - before)) s"
[ "$(field refused_count <"$out")" = 0 ] || fail "something was refused"
command_small "bundle import"
node_small ru

step "The file is whole, and the receipt covers it"
rm "$TMPDIR/stick"
arrived ru "$id"
expect_exit 0 ru parley save "$id" --out "$TMPDIR/saved"
[ "$(sha256sum <"$TMPDIR/saved/large.bin")" = "$digest" ] || fail "it is another file"
rm "$TMPDIR/saved/large.bin"
ru parley bundle export --for cert.us.example --out "$TMPDIR/back" >/dev/null
us parley bundle import "$TMPDIR/back" --json >"$out"
[ "$(field cosignatures <"$out")" = 2 ] || fail "not two cosignatures came back"
receipt us "$id" "$TMPDIR/receipt"
expect_exit 0 parley verify $(anchors us ru) "$TMPDIR/receipt"
