#!/usr/bin/env bash
# A stick with a record whose charter is not accepted here: what belongs to it is refused, the officer is told to accept and to
# import again, and the same file is then taken. A version that only changes a forum in force keeps nothing waiting.
. "$(dirname "$0")/refusals.sh"

value() { field "$1" <"$out"; }
export_to() { # FROM TO FILE
  rm -f "$3"
  on "$1" parley bundle export --for "${party[$2]}" --since all --out "$3" >/dev/null
}

step "us proposes; ru has the proposal, and saves its home before it accepts"
make_home us cert.us.example
make_home ru ncc.ru.example
trust us ru
trust ru us
node_start us
node_start ru
forum=$(us parley forum propose --title "A line" --member ncc.ru.example --json | field forum)
wait_for 30 "the proposal reaches ru" ru parley forum show "$forum" --json
node_stop ru
cp -a "$TMPDIR/ru" "$TMPDIR/saved"
node_start ru
ru parley forum accept "$forum" --yes >/dev/null
wait_for 30 "the charter is in force" in_force us
make_file 100000 "$TMPDIR/sample.bin"
send_notice us ru --attach "$TMPDIR/sample.bin"
first=$id

step "ru's machine is lost; what comes back knows the proposal only, and a stick is all there is"
node_stop ru
mv "$TMPDIR/ru" "$TMPDIR/lost"
cp -a "$TMPDIR/saved" "$TMPDIR/ru"
cp -a "$TMPDIR/lost/signer/." "$TMPDIR/ru/signer/"
stick=$TMPDIR/stick
export_to us ru "$stick"
node_stop us
node_start ru

# The complete charter on a stick would do by itself: this one is as if ru's signature was not known. What ru has signed itself
# since is left out: its log does not sign before it is recovered, which is another story.
rewrite() { # FROM TO SIGNATURES
  python3 - "$@" "ncc.ru.example/$forum/0" <<'PYTHON'
import hashlib, io, json, sys, tarfile
own = [hashlib.sha256(o.encode()).hexdigest() for o in (sys.argv[4], sys.argv[4] + "/bulk")]
out = tarfile.open(sys.argv[2], "w", format=tarfile.USTAR_FORMAT)
with tarfile.open(sys.argv[1]) as stick:
    for m in stick:
        data = stick.extractfile(m).read()
        if m.name.startswith("charter/"):
            envelope = json.loads(data)
            envelope["signatures"] = envelope["signatures"][:int(sys.argv[3])]
            data = json.dumps(envelope, separators=(",", ":")).encode()
            m.size = len(data)
        if m.name.split("/")[0] not in own:
            out.addfile(m, io.BytesIO(data))
out.close()
PYTHON
}
rewrite "$stick" "$TMPDIR/unsigned" 1
wanted="accept the charter \(parley forum accept ${forum:0:12}\), then import again"
for time in once twice; do
  expect_exit 1 ru parley bundle import "$TMPDIR/unsigned"
  said "waits for your signature: parley forum accept ${forum:0:12}"
  said "$wanted"
done
expect_exit 1 ru parley bundle import "$TMPDIR/unsigned" --json
[ "$(value statements)$(value pieces)$(value cosignatures)" = 000 ] || fail "something was taken"
python3 - "$out" "$wanted" <<'PYTHON' || fail "something was refused for another reason"
import json, re, sys
refused = json.load(open(sys.argv[1]))["refused"]
sys.exit(not (refused and all(re.search(sys.argv[2], r["reason"]) for r in refused)))
PYTHON

step "ru accepts, as it is told, and imports the same stick again"
ru parley forum accept "$forum" --yes >/dev/null
in_force ru || fail "the charter is not in force"
expect_exit 0 ru parley bundle import "$TMPDIR/unsigned" --json
[ "$(value pieces)" -ge 25 ] || fail "the file has not come"
arrived ru "$first"
expect_exit 0 ru parley save "$first" --out "$TMPDIR/got"
cmp "$TMPDIR/sample.bin" "$TMPDIR/got/sample.bin"
expect_exit 0 ru parley bundle import "$TMPDIR/unsigned" --json
[ "$(value statements)$(value pieces)$(value refused_count)" = 000 ] || fail "something was new the second time"

step "us opens its next epoch, and proposes another rule; ru has not answered that, and takes the epoch nevertheless"
node_stop ru
rm -rf "$TMPDIR/us/signer"
node_start us
on us parley recover --yes >/dev/null
us parley forum amend "$forum" --quorum 1 >/dev/null
second=$(on us parley send incident.notice --precedence ROUTINE --tlp green --text "In the next epoch" --wait 0 --json | field id)
export_to us ru "$stick"
node_stop us
node_start ru
rewrite "$stick" "$TMPDIR/next" 2
expect_exit 0 ru parley bundle import "$TMPDIR/next" --json
[ "$(value charters.1.state)" = proposed ] || fail "no version waits for ru"
arrived ru "$second"
