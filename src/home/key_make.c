/*
 * Making keys, and the text in which their files hold them.
 */
#include <string.h>

#include "home/key_files.h"

static parley_err no_randomness(struct errmsg *e) {
  return err_set(e, PARLEY_EIO, "the operating system gives no randomness");
}

parley_err key_make_signing(struct ed25519_key **out, uint8_t pub[static 32], struct errmsg *e) {
  uint8_t seed[32];
  if (!random_bytes(seed, sizeof seed)) return no_randomness(e);
  const parley_err err = ed25519_from_seed(out, seed, e);
  wipe(seed, sizeof seed);
  if (!err) memcpy(pub, ed25519_public(*out), 32);
  return err;
}

parley_err key_make_seal(struct age_identity *out, struct errmsg *e) {
  uint8_t secret[X25519_SIZE];
  if (!random_bytes(secret, sizeof secret)) return no_randomness(e);
  const bool ok = age_identity_from_secret(out, secret);
  wipe(secret, sizeof secret);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory for a seal key");
}

parley_err key_seal_text(struct buf *out, const struct age_identity *id, struct errmsg *e) {
  buf_str(out, "# public key: ");
  age_recipient_write(out, id->pub);
  buf_str(out, "\n");
  age_identity_write(out, id);
  buf_str(out, "\n");
  return buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory for a seal key");
}
