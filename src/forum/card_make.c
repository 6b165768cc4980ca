#include <string.h>

#include "base/encoding.h"
#include "formats/age.h"
#include "forum/card_keys.h"
#include "forum/fields.h"
#include "forum/write.h"

static void put_pem(struct buf *out, const char *name, const uint8_t pub[static 32]) {
  struct buf pem = {0};
  ed25519_spki_pem(&pem, pub);
  const char *s = buf_cstr(&pem);
  if (s != NULL)
    write_str(out, name, s);
  else
    out->failed = true;
  buf_free(&pem);
}

static void put_vkey(struct buf *out, const char *name, const struct vkey *k) {
  write_name(out, name);
  buf_u8(out, '"');
  vkey_write(out, k); /* a party's name and base64: nothing to escape */
  buf_u8(out, '"');
}

static void put_seal(struct buf *out, const struct card *c) {
  write_name(out, "seal");
  buf_u8(out, '[');
  for (size_t i = 0; i < c->n_seal; i++) {
    write_comma(out);
    buf_u8(out, '{');
    write_str(out, "label", c->seal[i].label);
    write_name(out, "recipient");
    buf_u8(out, '"');
    age_recipient_write(out, c->seal[i].recipient);
    buf_str(out, "\"}");
  }
  buf_u8(out, ']');
}

static parley_err put_keys(struct buf *out, const struct card *c, struct errmsg *e) {
  struct vkey log, mirror;
  parley_err err = card_log_vkey(&log, c, c->name, e);
  if (err == PARLEY_OK) err = card_mirror_vkey(&mirror, c, e);
  if (err != PARLEY_OK) return err;
  write_name(out, "keys");
  buf_u8(out, '{');
  put_pem(out, "statement", c->statement);
  put_pem(out, "rotation", c->rotation);
  put_vkey(out, "log", &log);
  put_vkey(out, "mirror", &mirror);
  put_seal(out, c);
  write_name(out, "link");
  buf_u8(out, '[');
  for (size_t i = 0; i < c->n_link; i++) {
    write_comma(out);
    write_quote(out, c->link[i]);
  }
  buf_str(out, "]}");
  return PARLEY_OK;
}

static parley_err write_payload(struct buf *out, const struct card *c, struct errmsg *e) {
  buf_u8(out, '{');
  write_str(out, "name", c->name);
  write_int(out, "serial", c->serial);
  write_time(out, "not_before", c->not_before);
  write_time(out, "not_after", c->not_after);
  write_str(out, "submission", c->submission);
  write_str(out, "monitoring", c->monitoring);
  parley_err err = put_keys(out, c, e);
  buf_u8(out, '}');
  if (err == PARLEY_OK && !buf_ok(out)) err = err_set(e, PARLEY_ENOMEM, "out of memory while writing a card");
  return err;
}

static parley_err check_keys(const struct card *c, const struct card_signers *k, struct errmsg *e) {
  const struct ed25519_key *const held[] = {k->statement, k->log, k->mirror};
  const uint8_t *const named[] = {c->statement, c->log, c->mirror};
  const char *const names[] = {"statement", "log", "mirror"};
  for (size_t i = 0; i < 3; i++)
    if (memcmp(ed25519_public(held[i]), named[i], 32) != 0)
      return err_set(e, PARLEY_EINVAL, "keys.%s: is not the public half of the key that signs", names[i]);
  return PARLEY_OK;
}

static parley_err sign(struct buf *out, struct bytes payload, const struct card_signers *k, struct errmsg *e) {
  const struct ed25519_key *const held[] = {k->statement, k->log, k->mirror, k->rotation};
  const size_t n = k->rotation != NULL ? 4 : 3;
  struct dsse_sig sigs[4];
  struct buf pae = {0};
  dsse_pae(&pae, bytes_str(CARD_TYPE), payload);
  if (buf_ok(&pae))
    for (size_t i = 0; i < n; i++) {
      ed25519_keyid(sigs[i].keyid, ed25519_public(held[i]));
      ed25519_sign(sigs[i].sig, held[i], buf_view(&pae));
    }
  if (buf_ok(&pae))
    dsse_write(out, &(struct dsse){.type = bytes_str(CARD_TYPE), .payload = payload, .n = n, .sigs = sigs});
  bool ok = buf_ok(&pae) && buf_ok(out);
  buf_free(&pae);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while signing a card");
}

/* What was written must be what anyone will accept. */
static parley_err check_written(struct bytes envelope, struct errmsg *e) {
  struct arena a = {0};
  struct card again;
  parley_err err = card_parse(&again, &a, envelope, NULL, NULL, e);
  arena_free(&a);
  return err;
}

parley_err card_make(struct buf *out, const struct card *fields, const struct card_signers *keys, struct errmsg *e) {
  struct buf payload = {0};
  size_t before = out->n;
  parley_err err = PARLEY_OK;
  if ((fields->serial != 0) != (keys->rotation != NULL))
    err = err_set(e, PARLEY_EINVAL, "serial: a card of serial 0 has no rotation signature, every later one has");
  if (err == PARLEY_OK) err = check_keys(fields, keys, e);
  if (err == PARLEY_OK) err = card_check_own_keys(fields, e);
  if (err == PARLEY_OK) err = write_payload(&payload, fields, e);
  if (err == PARLEY_OK) err = sign(out, buf_view(&payload), keys, e);
  if (err == PARLEY_OK) err = check_written(BYTES(out->p + before, out->n - before), e);
  if (err != PARLEY_OK) out->n = before;
  buf_free(&payload);
  return err;
}
