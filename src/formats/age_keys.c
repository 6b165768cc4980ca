#include <string.h>

#include "base/encoding.h"
#include "formats/age.h"

#define RECIPIENT_HRP "age"
#define IDENTITY_HRP "age-secret-key-"

static bool has_upper(struct bytes text) {
  for (size_t i = 0; i < text.n; i++)
    if (text.p[i] >= 'A' && text.p[i] <= 'Z') return true;
  return false;
}

/* BIP 173 allows either case; "age1…" is lower and "AGE-SECRET-KEY-1…" upper, so that one key has one text. */
parley_err age_recipient_parse(uint8_t pub[static X25519_SIZE], struct bytes text, struct errmsg *e) {
  if (has_upper(text) || !bech32_decode(pub, X25519_SIZE, RECIPIENT_HRP, text))
    return err_set(e, PARLEY_EINVAL,
                   "not an age X25519 recipient; it starts with \"age1\" and has 62 lower-case "
                   "characters: copy it anew");
  return PARLEY_OK;
}

void age_recipient_write(struct buf *out, const uint8_t pub[static X25519_SIZE]) {
  bech32_encode(out, RECIPIENT_HRP, BYTES(pub, X25519_SIZE), false);
}

bool age_identity_from_secret(struct age_identity *out, const uint8_t secret[static X25519_SIZE]) {
  memmove(out->secret, secret, X25519_SIZE);
  return x25519_base(out->pub, out->secret);
}

/* The message never quotes the text: it is a secret. */
parley_err age_identity_parse(struct age_identity *out, struct bytes text, struct errmsg *e) {
  uint8_t secret[X25519_SIZE];
  bool valid = text.n > 0 && text.p[0] == 'A' && bech32_decode(secret, sizeof secret, IDENTITY_HRP, text);
  bool ok = valid && age_identity_from_secret(out, secret);
  wipe(secret, sizeof secret);
  if (!valid)
    return err_set(e, PARLEY_EINVAL,
                   "not an age X25519 identity; it starts with \"AGE-SECRET-KEY-1\" and has 74 "
                   "upper-case characters: copy it anew");
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while reading an age identity");
}

void age_identity_write(struct buf *out, const struct age_identity *id) {
  bech32_encode(out, IDENTITY_HRP, BYTES(id->secret, X25519_SIZE), true);
}
