#!/usr/bin/env bash
# A line of 2 KiB a second, and before it a box that takes whole uploads at once: for most of a minute us hears nothing, though
# nothing is wrong. The file arrives at the first attempt.
. "$(dirname "$0")/refusals.sh"

relay=$loopback:7600 told=$TMPDIR/relay.told rate=2048
relay_start() { # RATE
  : >"$told"
  tests/e2e/relay.py "$relay" "$loopback:7401" "$1" thin >"$told" 2>>"$TMPDIR/relay.log" &
  pid[relay]=$!
  wait_for 20 "the relay listens" python3 -c 'import socket, sys
socket.create_connection((sys.argv[1].split(":")[0], int(sys.argv[1].split(":")[1]))).close()' "$relay"
}

step "Two parties, ru behind a relay"
make_home us cert.us.example
make_home ru ncc.ru.example --url "https://$relay"
trust us ru
trust ru us
relay_start 1000000
node_start us
node_start ru
make_forum us ru
keep_notice
node_end relay TERM

step "The line becomes thin: a notice with a file still arrives"
node_stop us
: >"$TMPDIR/us.log"
relay_start $rate
node_start us
make_file "${FILE_SIZE:-90000}" "$TMPDIR/file.bin"
waiting=$(us parley send incident.notice --forum "$forum" --to "${party[ru]}" --precedence IMMEDIATE --tlp amber --text "See the file" \
  --attach "$TMPDIR/file.bin" --wait 0 --json | field id)
saved() { rm -rf "$TMPDIR/saved" && ru parley save "$waiting" --out "$TMPDIR/saved" && cmp "$TMPDIR/file.bin" "$TMPDIR/saved/file.bin"; }
wait_for 400 "the notice and its file arrive" saved
held=$(awk '/^held/ && $3 > most { most = $3 } END { print most + 0 }' "$told")
echo "  the relay held up to $held bytes, $((held / rate)) s of silence"
[ "$held" -gt $((40 * rate)) ] || fail "it never held what takes longer than us waits for small requests"
! grep -F "cannot be reached" "$TMPDIR/us.log" || fail "us saw a failure"
node_end relay TERM
relay_start 1000000
nothing_lost
