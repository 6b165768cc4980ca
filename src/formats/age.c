#include "formats/age.h"

static parley_err seal_payload(struct buf *out, const uint8_t payload_key[static 32], struct bytes plain,
                               struct errmsg *e) {
  uint64_t i = 0;
  for (; plain.n > AGE_CHUNK; i++) {
    parley_err code = age_chunk_seal(out, payload_key, i, false, BYTES(plain.p, AGE_CHUNK), e);
    if (code != PARLEY_OK) return code;
    plain = BYTES(plain.p + AGE_CHUNK, plain.n - AGE_CHUNK);
  }
  return age_chunk_seal(out, payload_key, i, true, plain, e);
}

parley_err age_seal(struct buf *out, const uint8_t (*recipients)[X25519_SIZE], size_t n, const struct age_random *r,
                    struct bytes plain, struct errmsg *e) {
  uint8_t payload_key[32];
  parley_err code = age_header(out, payload_key, recipients, n, r, e);
  if (code == PARLEY_OK) code = seal_payload(out, payload_key, plain, e);
  wipe(payload_key, sizeof payload_key);
  return code;
}

parley_err age_seal_scrypt(struct buf *out, struct bytes pass, const uint8_t salt[static 16], unsigned log_n,
                           const struct age_random *r, struct bytes plain, struct errmsg *e) {
  uint8_t payload_key[32];
  parley_err code = age_header_scrypt(out, payload_key, pass, salt, log_n, r, e);
  if (code == PARLEY_OK) code = seal_payload(out, payload_key, plain, e);
  wipe(payload_key, sizeof payload_key);
  return code;
}

/* The rest of a file whose header answered `code`. Nothing stays in out unless the whole payload verifies. */
static parley_err open_payload(struct buf *out, parley_err code, struct bytes payload, uint8_t payload_key[static 32],
                               struct errmsg *e) {
  size_t before = out->n;
  if (code == PARLEY_EBUSY) return err_set(e, PARLEY_EINVAL, "the age file ends inside its header; it was cut");
  if (code != PARLEY_OK) return code;
  struct age_reader r;
  age_reader_init(&r, payload_key);
  code = age_reader_feed(&r, payload, out, e);
  if (code == PARLEY_OK) code = age_reader_finish(&r, out, e);
  if (code != PARLEY_OK && out->n > before) {
    wipe(out->p + before, out->n - before);
    out->n = before;
  }
  age_reader_free(&r);
  wipe(payload_key, 32);
  return code;
}

/* An empty file may have no address to count from. */
static struct bytes after(struct bytes file, size_t n) { return n == 0 ? file : BYTES(file.p + n, file.n - n); }

parley_err age_open(struct buf *out, struct bytes file, const struct age_identity *id, struct errmsg *e) {
  size_t used = 0;
  uint8_t payload_key[32];
  parley_err code = age_open_header(&used, payload_key, file, id, e);
  return open_payload(out, code, after(file, used), payload_key, e);
}

parley_err age_open_scrypt(struct buf *out, struct bytes file, struct bytes pass, struct errmsg *e) {
  size_t used = 0;
  uint8_t payload_key[32];
  parley_err code = age_open_header_scrypt(&used, payload_key, file, pass, e);
  return open_payload(out, code, after(file, used), payload_key, e);
}
