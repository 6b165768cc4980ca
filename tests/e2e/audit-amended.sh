#!/usr/bin/env bash
# The audit judges each version of the charter by the signatures that the ones before it demand: a relay need not sign. What a
# version says about a log that it closes is compared with the log that is held.
. "$(dirname "$0")/refusals.sh"

fr() { on fr "$@"; }
amend() { # CHANGES...: us proposes, ru signs, in force; fr, a relay by now, does not sign
  version=$(us parley forum amend "$forum" "$@" --json | field version)
  wait_for 30 "the version reaches ru" ru parley forum show "$version" --json
  ru parley forum accept "$version" --yes >/dev/null
}
in_force_at() { [ "$(on "$1" parley forum show "$forum" --json | field version)" = "$version" ]; }
closes() { # ROOT: of the first entry of ru's log
  amend --close "ncc.ru.example:0:1:$1"
  for home in us ru fr; do wait_for 30 "the version is in force at $home" in_force_at $home; done
}
is_closed() { [ "$(on "$1" parley show "$2" --json | field mark)" = closed ]; }

step "A forum of three in which one becomes a relay"
for each in "us cert.us.example" "ru ncc.ru.example" "fr dsn.fr.example"; do make_home $each; done
for a in us ru fr; do for b in us ru fr; do [ $a = $b ] || trust $a $b; done; done
for a in us ru fr; do node_start $a; done
make_forum us ru fr
amend --role dsn.fr.example:relay
wait_for 30 "the version reaches fr" fr parley forum show "$version" --json
fr parley forum accept "$version" --yes >/dev/null
wait_for 30 "the version is in force" in_force_at us
send_notice ru us
first=$id

step "A version that waits for signatures is none of the audit's business, in the store or in a bundle"
waiting=$(us parley forum amend "$forum" --quorum 1 --json | field version)
expect_exit 0 us parley audit
us parley bundle export --for ncc.ru.example --since all --out "$TMPDIR/stick" >/dev/null
expect_exit 0 ru parley audit --bundle "$TMPDIR/stick"

step "One that the relay has not signed is complete"
wait_for 30 "the version reaches ru" ru parley forum show "$waiting" --json
ru parley forum accept "$waiting" --yes >/dev/null
version=$waiting
for home in us ru fr; do
  wait_for 30 "the version is in force at $home" in_force_at $home
  expect_exit 0 "$home" parley audit
done

step "A version closes ru's log after its first entry: the notice does not count, which all show, and the audit has nothing to say"
curl_as us ru "/$(printf 'ncc.ru.example/%s/0' "$forum" | sha256sum | cut -c 1-64)/tile/0/000.p/1"
[ "$status" = 200 ] || fail "ru shows no tile: $status"
root=$(head -c 32 "$out" | base64)
closes "$root"
for home in us ru; do is_closed $home "$first" || fail "it is not marked at $home"; done
for home in us ru fr; do expect_exit 0 "$home" parley audit; done

step "The officers see it, and have nothing to answer; what was delivered stays proved"
expect_text 'charter in force closes this log' us parley show "$first"
! grep -q 'parley ack' "$out" || fail "an acknowledgement is proposed"
expect_text '\[NOT COUNTED\]' us parley inbox
expect_text '\[NOT COUNTED\]' ru parley inbox --sent
refused 1 'closes this log' us parley ack "$first" --officer duty
receipt ru "$first" "$TMPDIR/closed"
expect_exit 0 parley verify $(anchors us ru) "$TMPDIR/closed"

step "One that closes a log with a root that nobody holds is told"
other=$(printf '%032d' 7 | base64)
amend --close "cert.us.example:0:1:$other"
for home in us ru fr; do
  wait_for 30 "the version is in force at $home" in_force_at $home
  expect_exit 1 "$home" parley audit --json
  problems=$(python3 -c 'import json, sys; print([p["kind"] for p in json.load(sys.stdin)["problems"]])' <"$out")
  [ "$problems" = "['charter']" ] || { cat "$out"; fail "$home: $problems"; }
  said 'names a tree of cert.us.example/.* of size 1 that is not the one held'
done
