#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "unit/signing.h"

struct note_signer note_signer_new(const char *name, uint8_t type, uint8_t seed) {
  struct note_signer s;
  uint8_t bytes[32];
  memset(bytes, seed, sizeof bytes);
  assert_int_equal(ed25519_from_seed(&s.key, bytes, NULL), PARLEY_OK);
  assert_int_equal(vkey_make(&s.vkey, name, type, ed25519_public(s.key), NULL), PARLEY_OK);
  return s;
}

void note_signer_free(struct note_signer *s) { ed25519_free(s->key); }

void note_signer_sign(struct buf *out, const struct note_signer *s, struct bytes text, int64_t time) {
  uint8_t sig[8 + ED25519_SIG_SIZE];
  if (s->vkey.type == NOTE_ED25519) {
    ed25519_sign(sig, s->key, text);
    note_sig_line(out, &s->vkey, BYTES(sig, ED25519_SIG_SIZE));
    return;
  }
  struct buf message = {0};
  cosignature_message(&message, time, text);
  put_u64be(sig, (uint64_t)time);
  ed25519_sign(sig + 8, s->key, buf_view(&message));
  note_sig_line(out, &s->vkey, BYTES(sig, sizeof sig));
  buf_free(&message);
}
