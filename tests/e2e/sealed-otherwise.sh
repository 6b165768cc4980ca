#!/usr/bin/env bash
# An author seals otherwise than laid down, so that nobody could prove what it wrote. The addressee reads it, is told so,
# rejects it, and can show to others whose fault it is; the author can prove nothing.
. "$(dirname "$0")/refusals.sh"
command -v "${CC:=cc}" >/dev/null || skip "no C compiler: the hostile author cannot be made"

step "An author whose node expands the seed of a body otherwise than docs/protocol.md says"
cat >"$TMPDIR/other.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

int EVP_MAC_update(void *ctx, const unsigned char *data, size_t n) {
  static int (*real)(void *, const unsigned char *, size_t);
  static const char own[] = "parley/v1/" WHAT "/";
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "EVP_MAC_update");
  if (real(ctx, data, n) != 1) return 0;
  return n < sizeof own || memcmp(data, own, sizeof own - 1) != 0 || real(ctx, (const unsigned char *)"x", 1);
}
C
otherwise() { # WHAT: the author's node goes on, and expands the seed of that otherwise
  "$CC" -shared -fPIC -DWHAT="\"$1\"" -o "$TMPDIR/$1.so" "$TMPDIR/other.c" -ldl
  node_stop us
  export LD_PRELOAD=$TMPDIR/$1.so ASAN_OPTIONS=verify_asan_link_order=0
  node_start us
  unset LD_PRELOAD ASAN_OPTIONS
}
make_pair
keep_notice
otherwise body
id=$(us parley send incident.notice --precedence ROUTINE --tlp clear --file examples/colonial-pipeline.json --wait 60 --json | field id)
arrived ru "$id"

step "The addressee reads it, and is told what is wrong and what to do"
ru parley show "$id" >"$out"
said 'Colonial'
said 'WARNING: not in order \(ground sealing\)'
said "parley reject ${id:0:12} --ground sealing --officer ROLE"
ru parley show "$kept" >"$out"
! grep -q 'not in order' "$out" || fail "what is in order is called wrong"

step "It rejects it, and discloses what came: that does not verify, and shows just that"
expect_exit 0 ru parley reject "$id" --ground sealing --officer duty --reasons "It could not be proved."
expect_exit 4 ru parley disclose "$id" --out "$TMPDIR/shown"
said 'sealed otherwise than laid down'
expect_exit 1 verify_pack "$TMPDIR/shown"
said 'body.json'
[ -s "$TMPDIR/shown/reject/body.json" ] || fail "the rejection is not in it"
! compgen -G "$TMPDIR/shown.??????" || fail "something half written is left"

step "The receipt stands: it was delivered, and rejected"
receipt ru "$id" "$TMPDIR/receipt"
expect_exit 0 verify_pack "$TMPDIR/receipt"
[ -s "$TMPDIR/receipt/reject/entry.json" ] || fail "the rejection is not in the receipt"

step "The author cannot disclose it at all"
expect_exit 1 us parley disclose "$id" --out "$TMPDIR/none"
said 'body.json'
[ ! -e "$TMPDIR/none" ] || fail "something was written"

step "The same with a file: the text is in order and can be proved, the file not"
otherwise file
printf 'a few flows\n' >"$TMPDIR/flows.tsv"
id=$(us parley send incident.notice --precedence ROUTINE --tlp clear --file examples/colonial-pipeline.json \
  --attach "$TMPDIR/flows.tsv" --wait 60 --json | field id)
arrived ru "$id"
ru parley show "$id" >"$out"
said 'WARNING: not in order \(ground files\): file 0 \(flows.tsv\)'
expect_exit 0 ru parley save "$id" --out "$TMPDIR/saved"
cmp "$TMPDIR/flows.tsv" "$TMPDIR/saved/flows.tsv"
expect_exit 0 ru parley reject "$id" --ground files --officer duty
expect_exit 1 ru parley disclose "$id" --out "$TMPDIR/file"
said 'files/0'
[ ! -e "$TMPDIR/file" ] || fail "something was written"
expect_exit 0 ru parley disclose "$id" --out "$TMPDIR/file" --without-files
expect_exit 0 verify_pack "$TMPDIR/file"

step "Sealed as laid down, the same is in order again"
node_stop us
node_start us
send_notice us ru --attach "$TMPDIR/flows.tsv"
arrived ru "$id"
ru parley show "$id" >"$out"
said 'flows.tsv'
! grep -q 'not in order' "$out" || fail "what is in order is called wrong"
nothing_lost
