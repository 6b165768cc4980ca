#!/usr/bin/env bash
# A middlebox between us and ru that ends idle connections: politely, by a reset, or by forgetting them and resetting what comes
# next. Notices go through each time without a failure, and `parley status --probe` tells of it.
. "$(dirname "$0")/refusals.sh"

relay=$loopback:7600 told=$TMPDIR/relay.told
relay_start() { # SECONDS HOW
  : >"$told"
  tests/e2e/relay.py "$relay" "$loopback:7401" "$@" >"$told" 2>>"$TMPDIR/relay.log" &
  pid[relay]=$!
  wait_for 20 "the relay listens" python3 -c 'import socket, sys
socket.create_connection((sys.argv[1].split(":")[0], int(sys.argv[1].split(":")[1]))).close()' "$relay"
}
relay_end() { node_end relay TERM; }
count() { grep -c "^$1" "$told" || :; }
all_idle() { # none is left that is neither idle nor closed by a side (as the first, wait_for's own)
  cat "$told"
  [ "$(count idle)" -gt "$before" ] && [ "$(($(count idle) + $(count closed)))" = "$(count open)" ]
}
goes_idle() { # until every connection through the relay is idle, and forgotten or ended
  before=$1
  wait_for 60 "the lines are idle" all_idle
}
probe_says() { # EXIT CODE WORDS STEP RESULT
  expect_exit "$1" us parley status --probe "${party[ru]}" --json
  [ "$(field code <"$out")" = "$2" ] || { cat "$out"; fail "the probe's code is not $2"; }
  field text <"$out" | sed 's/^/  /'
  field text <"$out" | grep -Eq -- "$3" || fail "the sentence does not say \"$3\""
  grep -q "\"step\":\"$4\",\"result\":\"$5\"" "$out" || { cat "$out"; fail "step $4 is not \"$5\""; }
}
never_failed() { ! grep -F "cannot be reached" "$TMPDIR/us.log" || fail "us saw a failure"; }

step "Two parties, ru behind a relay"
make_home us cert.us.example
make_home ru ncc.ru.example --url "https://$relay"
trust us ru
trust ru us
relay_start 600 fin
node_start us
node_start ru
make_forum us ru
keep_notice
relay_end

for how in fin reset forget; do
  step "The relay ends idle connections: $how"
  node_stop us
  : >"$TMPDIR/us.log"
  relay_start 3.5 "$how"
  node_start us
  send_notice us ru
  for i in 1 2 3; do
    goes_idle $((i - 1))
    send_notice us ru
  done
  never_failed
  probe_says 0 idle_cut "something on the way closes connections that are idle" idle warning
  [ $how != fin ] || grep -Eq 'idle for about [0-9]+ s' "$out" || fail "it does not say after how long"
  relay_end
done
