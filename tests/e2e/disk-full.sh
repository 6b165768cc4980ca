#!/usr/bin/env bash
# The disk is full, first on our side, then on theirs. What is new is refused or waits, with the reason; nothing that was accepted
# is lost; once there is room again everything goes on by itself.
#
# The home lies on a small file system of its own, in a mount namespace that ends with this script.
if [ -z "${PARLEY_OWN_MOUNTS:-}" ]; then
  export PARLEY_OWN_MOUNTS=yes
  for how in "--mount" "--user --map-root-user --mount"; do
    # shellcheck disable=SC2086 # the options are words
    if unshare $how sh -c 'mount -t tmpfs none /mnt' 2>/dev/null; then exec unshare $how "$0" "$@"; fi
  done
  echo "no small file system can be mounted here: neither root's mounts nor user namespaces are allowed"
  exit 77
fi
. "$(dirname "$0")/refusals.sh"
leave() { # the file systems first, then as every script
  local status=$?
  set +e
  umount --lazy "$TMPDIR"/*.disk 2>/dev/null
  (exit $status)
  finish
}
trap leave EXIT

small_home() { # HOME: moves it to a file system of 6 MB
  mkdir "$TMPDIR/$1.disk"
  mount -t tmpfs -o size=6m none "$TMPDIR/$1.disk"
  mv "$TMPDIR/$1" "$TMPDIR/$1.disk/home"
  ln -s "$1.disk/home" "$TMPDIR/$1"
}
fill() { # HOME: until not a byte fits
  for block in 64k 4k 1; do cat /dev/zero 2>/dev/null | dd bs=$block oflag=append conv=notrunc of="$TMPDIR/$1.disk/filler" 2>/dev/null || :; done
  [ "$(stat -f -c %a "$TMPDIR/$1.disk")" = 0 ] || fail "the disk of $1 is not full"
}
make_room() { rm "$TMPDIR/$1.disk/filler"; }
send() { us parley send incident.notice --precedence ROUTINE --tlp green "$@"; }
says() { us parley status --json >"$out" && grep -Eq -- "$1" "$out"; }
sent() { us parley inbox --sent --json | python3 -c 'import json, sys; print(sorted(s["id"] for s in json.load(sys.stdin)["statements"]))'; }
delivered() { is_state us "$1" delivered; }

step "Two parties, each on a small disk of its own, and a notice that is delivered"
make_home us cert.us.example
make_home ru ncc.ru.example
small_home us
small_home ru
trust us ru
trust ru us
node_start us
node_start ru
make_forum us ru
keep_notice
before=$(sent)

step "The disk of us fills up: a notice is refused, and the message says why"
fill us
# What the store had reserved may still take a few.
full() {
  for _ in $(seq 100); do send --text "$(head -c 1900 /dev/zero | tr '\0' x)" --wait 0 >"$out" 2>&1 || return 0; done
  return 1
}
full || fail "100 notices went onto a full disk"
grep -Ei 'no space|disk.*full|full.*disk' "$out" || { cat "$out"; fail "the message does not say that the disk is full"; }
refused 1 'no space|disk.*full|full.*disk' send --text "$(head -c 1900 /dev/zero | tr '\0' x)"
make_file 3000000 "$TMPDIR/file.bin"
refused 1 'no space|disk.*full|full.*disk' send --text "With a file" --attach "$TMPDIR/file.bin"
alive us || fail "parleyd of us has ended"
held=$(sent)

step "A restart on the full disk: the node comes up, and still holds what it accepted"
node_kill us
node_start us
[ "$(sent)" = "$held" ] || fail "the sent statements are not those of before"
expect_exit 0 us parley show "$kept"

step "There is room again: it goes on by itself, and everything accepted is delivered"
make_room us
send_notice us ru
python3 -c 'import ast, sys
for id in ast.literal_eval(sys.argv[1]): print(id)' "$held" | while read -r id; do
  wait_for 60 "$id is delivered" delivered "$id"
done
[ "$(sent)" != "$before" ] || fail "nothing was sent"
nothing_lost

step "The disk of ru fills up: our notice waits, and status says why"
fill ru
# Until ru has used up what its store had reserved.
waits() {
  for _ in $(seq 100); do
    waiting=$(send --text "$(head -c 1900 /dev/zero | tr '\0' x)" --wait 0 --json | field id)
    for _ in $(seq 20); do
      if delivered "$waiting"; then break; fi
      if says 'ncc.ru.example answers 507'; then return 0; fi
      sleep 0.05
    done
  done
  return 1
}
waits || fail "100 notices went onto a full disk"
grep -Eo '"why": ?"[^"]*507[^"]*"' "$out" | head -n 1
alive ru || fail "parleyd of ru has ended"
expect_exit 0 ru parley show "$kept"

step "There is room again on the side of ru: delivered"
make_room ru
wait_for 90 "what waited is delivered" delivered "$waiting"
nothing_lost
