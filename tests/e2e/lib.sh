# Sourced by the scripts in tests/e2e and tests/interop:  . "$(dirname "$0")/../e2e/lib.sh"
# Goes to the top of the repository. A script reads as a story: homes are made by name (us, ru, …), `us parley …` is what
# their officer types. Whatever was started ends with the script, by its process id, and nothing else does.
#
#   step TEXT                            what comes next
#   expect_exit N COMMAND...             runs it; its output is in $out; anything but exit status N fails the script
#   expect_text PATTERN COMMAND...       runs it; output or error message must match (extended regular expression)
#   said PATTERN                         the same of what ran last under expect_exit
#   wait_for SECONDS WHAT COMMAND...     until the command succeeds
#   field PATH                           one value of the JSON on standard input: field delivery.0.party
#   fail TEXT, skip REASON
#   not_here REASON                      what a registry should have delivered: a skip, but in CI a failure, listed or not
#
#   make_home HOME PARTY [OPTION...]     parley init; sets ${address[HOME]}, ${party[HOME]}, ${fingerprint[HOME]}
#   node_start HOME, node_stop HOME, node_kill HOME
#   trust HOME OTHER                     HOME pins OTHER's card
#   make_forum HOME OTHER... [-- OPTION...]   proposed by HOME, accepted by all; sets $forum
#   make_pair [OPTION...]                all of the above for us and ru; OPTIONs are those of forum propose
#   send_notice HOME OTHER [OPTION...]   the example notice, delivered; sets $id
#   arrived HOME ID, ack HOME ID [OPTION...], wait_read HOME ID
#   receipt HOME ID DIR                  draws the evidence pack
#   anchors HOME...                      --fingerprint PARTY=F for each
#   altered FILE OFFSET [OUT]            flips one bit of that byte, in place or into OUT
#   make_file BYTES PATH                 the same bytes every time, that nothing can compress
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PARLEY_BUILD=${PARLEY_BUILD:-$PWD/build-check/gcc} PARLEY_CACHE=${PARLEY_CACHE:-$PWD/build-check/cache}
export PATH=$PARLEY_BUILD:$PATH PARLEY_SCRYPT_LOG_N=10 LC_ALL=C.UTF-8
unset PARLEY_HOME LANGUAGE
own_tmp=
case ${TMPDIR:-} in
/tmp/parley.*) ;;
*) own_tmp=yes TMPDIR=$(mktemp -d /tmp/parley.XXXXXX) ;; # run by hand, without ./check
esac
export TMPDIR
out=$TMPDIR/out
declare -A pid=() address=() party=() fingerprint=()

on() { local home=$1; shift; PARLEY_HOME=$TMPDIR/$home "$@"; }
us() { on us "$@"; }
ru() { on ru "$@"; }

# ---- saying and checking ----

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
skip() { printf '%s\n' "$*"; exit 77; }
not_here() { if [ "${CI:-}" = true ]; then fail "$*"; else skip "$*"; fi; }

expect_exit() {
  local want=$1 got=0
  shift
  "$@" >"$out" 2>&1 || got=$?
  [ "$got" = "$want" ] || { cat "$out"; fail "exit $got instead of $want: $*"; }
}
expect_text() {
  local pattern=$1
  shift
  "$@" >"$out" 2>&1 || :
  said "$pattern"
}
said() { grep -Eq -- "$1" "$out" || { cat "$out"; fail "the output has no \"$1\""; }; }
wait_for() {
  local limit=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" >"$TMPDIR/wait" 2>&1; do
    [ $SECONDS -lt $end ] || { cat "$TMPDIR/wait"; fail "$what: not within $limit s"; }
    sleep 0.05
  done
}
field() {
  python3 -c 'import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."): v = v[int(k)] if isinstance(v, list) else v[k]
print(v if isinstance(v, (str, int)) else json.dumps(v))' "$1"
}
make_file() { python3 -c 'import random, sys
r, n = random.Random(4), int(sys.argv[1])
with open(sys.argv[2], "wb") as f:
    for at in range(0, n, 1 << 26): f.write(r.randbytes(min(n - at, 1 << 26)))' "$1" "$2"; }
altered() {
  python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read()); b[int(sys.argv[2])] ^= 1
open(sys.argv[3], "wb").write(b)' "$1" "$2" "${3:-$1}"
}

finish() {
  local status=$? home
  trap - EXIT
  for home in "${!pid[@]}"; do
    kill -KILL "${pid[$home]}" || :
    wait "${pid[$home]}" || :
  done 2>/dev/null
  if [ $status != 0 ] && [ $status != 77 ]; then
    for home in "${!address[@]}"; do
      [ -s "$TMPDIR/$home.log" ] || continue
      printf -- '-- parleyd of %s:\n' "$home" && tail -n 15 "$TMPDIR/$home.log"
    done
    echo "-- stopped with status $status"
  fi >&2
  [ -z "$own_tmp" ] || rm -rf -- "$TMPDIR"
  exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

# ---- homes and nodes ----

# Every script has a loopback address of its own, made from its process id: no port can be taken by another test.
loopback=127.$((64 + ($$ >> 16) % 64)).$((($$ >> 8) % 256)).$(($$ % 256)) first_port=7400

make_home() {
  local home=$1 name=$2 port=$((first_port + ${#address[@]}))
  shift 2
  address[$home]=$loopback:$port
  party[$home]=$name
  on "$home" parley init "$name" --listen "${address[$home]}" --json "$@" >"$TMPDIR/$home.init.json"
  fingerprint[$home]=$(field fingerprint <"$TMPDIR/$home.init.json")
}

answers() { on "$1" parley status --json; }
alive() { kill -0 "${pid[$1]}" 2>/dev/null; }
ready() { ! alive "$1" || answers "$1"; }
gone() { ! alive "$1"; }
node_start() {
  "$PARLEY_BUILD/parleyd" --home "$TMPDIR/$1" >>"$TMPDIR/$1.log" 2>&1 &
  pid[$1]=$!
  wait_for 30 "parleyd of $1 answers" ready "$1"
  alive "$1" || fail "parleyd of $1 did not start"
}
node_end() { # HOME SIGNAL: sets $ended to the exit status
  ended=0
  kill "-$2" "${pid[$1]}"
  wait_for 30 "parleyd of $1 ends" gone "$1"
  wait "${pid[$1]}" 2>/dev/null || ended=$?
  unset "pid[$1]"
}
node_stop() { # a build with sanitizers tells of leaks by its status
  node_end "$1" TERM
  [ "$ended" = 0 ] || fail "parleyd of $1 ended with status $ended"
}
node_kill() { node_end "$1" KILL; }

trust() {
  on "$2" parley card export --out "$TMPDIR/$2.card.json" >/dev/null
  on "$1" parley trust "$TMPDIR/$2.card.json" --fingerprint "${fingerprint[$2]}" >/dev/null
}

# ---- forums and statements ----

has_forum() { on "$1" parley forum show "$forum" --json; }
in_force() { [ "$(on "$1" parley forum show "$forum" --json | field state)" = in_force ]; }
make_forum() {
  local proposer=$1 others=() members=() home
  shift
  while [ $# != 0 ] && [ "$1" != -- ]; do
    others+=("$1") members+=(--member "${party[$1]}")
    shift
  done
  [ $# = 0 ] || shift
  forum=$(on "$proposer" parley forum propose --title "Cyber incident line" "${members[@]}" "$@" --json | field forum)
  for home in "${others[@]}"; do
    wait_for 30 "the proposal reaches $home" has_forum "$home"
    on "$home" parley forum accept "$forum" --yes >/dev/null
  done
  for home in "$proposer" "${others[@]}"; do wait_for 30 "the forum is in force for $home" in_force "$home"; done
}

make_pair() {
  make_home us cert.us.example
  make_home ru ncc.ru.example
  trust us ru
  trust ru us
  node_start us
  node_start ru
  make_forum us ru -- "$@"
}

send_notice() {
  local from=$1 to=$2
  shift 2
  id=$(on "$from" parley send incident.notice --forum "$forum" --to "${party[$to]}" --precedence IMMEDIATE --tlp amber \
    --file examples/colonial-pipeline.json --wait 60 --json "$@" | field id)
}
shows() { on "$1" parley show "$2" --json; }
arrived() { wait_for 30 "the statement reaches $1" shows "$1" "$2"; }
ack() {
  local home=$1 which=$2
  shift 2
  arrived "$home" "$which"
  on "$home" parley ack "$which" --officer duty --wait 30 "$@" >/dev/null
}
is_state() { [ "$(on "$1" parley show "$2" --json | field state)" = "$3" ]; }
wait_read() { wait_for 30 "$1 has the acknowledgement" is_state "$1" "$2" read; }
receipt() { on "$1" parley receipt "$2" --out "$3" >/dev/null; }
anchors() {
  local home
  for home; do printf -- '--fingerprint %s=%s ' "${party[$home]}" "${fingerprint[$home]}"; done
}
