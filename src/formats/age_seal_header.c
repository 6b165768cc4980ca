#include "base/encoding.h"
#include "formats/age_header.h"

#define VERSION_LINE "age-encryption.org/v1\n"
#define STANZA_SIZE (10 + 43 + 1 + 43 + 1) /* "-> X25519 ", share, body, two line breaks */
#define MAC_LINE_SIZE (4 + 43 + 1)

static parley_err out_of_memory(struct errmsg *e) {
  return err_set(e, PARLEY_ENOMEM, "out of memory while writing an age header");
}

size_t age_header_size(size_t n_recipients) {
  return sizeof VERSION_LINE - 1 + n_recipients * STANZA_SIZE + MAC_LINE_SIZE + AGE_NONCE_SIZE;
}

uint64_t age_file_size(size_t n_recipients, uint64_t plain) {
  uint64_t chunks = plain == 0 ? 1 : (plain - 1) / AGE_CHUNK + 1;
  return age_header_size(n_recipients) + plain + chunks * AEAD_TAG_SIZE;
}

/* MAC line, nonce and payload key, which every kind of header ends with. `start` is where the header began in out. */
static parley_err finish(struct buf *out, size_t start, uint8_t payload_key[static 32], const struct age_random *r,
                         struct errmsg *e) {
  uint8_t mac[32];
  buf_str(out, "---");
  if (!buf_ok(out) || !age_header_mac(mac, r->file_key, BYTES(out->p + start, out->n - start)) ||
      !age_payload_key(payload_key, r->file_key, r->nonce))
    return out_of_memory(e);
  buf_u8(out, ' ');
  base64_encode(out, BYTES(mac, sizeof mac), false);
  buf_u8(out, '\n');
  buf_add(out, r->nonce, sizeof r->nonce);
  return buf_ok(out) ? PARLEY_OK : out_of_memory(e);
}

size_t age_stanza_at(size_t i) { return sizeof VERSION_LINE - 1 + i * STANZA_SIZE; }

parley_err age_stanza(struct buf *out, const uint8_t recipient[static X25519_SIZE],
                      const uint8_t ephemeral[static X25519_SIZE], const uint8_t file_key[static 16],
                      struct errmsg *e) {
  uint8_t share[X25519_SIZE], shared[X25519_SIZE], wrap_key[32], body[AGE_BODY_SIZE];
  /* A recipient of small order would make the wrap key known to everybody. */
  if (!x25519_share(share, shared, ephemeral, recipient))
    return err_set(e, PARLEY_EINVAL,
                   "an age recipient is not a usable X25519 key (small order); ask its owner for "
                   "another");
  bool ok = age_x25519_wrap_key(wrap_key, shared, share, recipient) && age_wrap(body, wrap_key, file_key);
  wipe(shared, sizeof shared);
  wipe(wrap_key, sizeof wrap_key);
  if (!ok) return out_of_memory(e);
  struct buf text = {0};
  base64_encode(&text, BYTES(share, sizeof share), false);
  age_stanza_write(out, bytes_str("X25519"), buf_view(&text), BYTES_NONE, body);
  ok = buf_ok(&text) && buf_ok(out);
  buf_free(&text);
  return ok ? PARLEY_OK : out_of_memory(e);
}

parley_err age_header(struct buf *out, uint8_t payload_key[static 32], const uint8_t (*recipients)[X25519_SIZE],
                      size_t n, const struct age_random *r, struct errmsg *e) {
  size_t start = out->n;
  if (n == 0) return err_set(e, PARLEY_EINVAL, "an age file needs at least one recipient");
  if (n > AGE_RECIPIENTS_MAX)
    return err_set(e, PARLEY_ELIMIT, "an age file has at most %d recipients here, not %zu", AGE_RECIPIENTS_MAX, n);
  buf_str(out, VERSION_LINE);
  for (size_t i = 0; i < n; i++) {
    parley_err code = age_stanza(out, recipients[i], r->ephemeral + i * X25519_SIZE, r->file_key, e);
    if (code != PARLEY_OK) return code;
  }
  return finish(out, start, payload_key, r, e);
}

parley_err age_header_scrypt(struct buf *out, uint8_t payload_key[static 32], struct bytes pass,
                             const uint8_t salt[static 16], unsigned log_n, const struct age_random *r,
                             struct errmsg *e) {
  size_t start = out->n;
  uint8_t wrap_key[32], body[AGE_BODY_SIZE];
  parley_err code = age_scrypt_wrap_key(wrap_key, pass, salt, log_n, e);
  if (code != PARLEY_OK) return code;
  bool ok = age_wrap(body, wrap_key, r->file_key);
  wipe(wrap_key, sizeof wrap_key);
  if (!ok) return out_of_memory(e);
  struct buf text = {0}, factor = {0};
  base64_encode(&text, BYTES(salt, 16), false);
  buf_dec(&factor, log_n);
  buf_str(out, VERSION_LINE);
  age_stanza_write(out, bytes_str("scrypt"), buf_view(&text), buf_view(&factor), body);
  ok = buf_ok(&text) && buf_ok(&factor) && buf_ok(out);
  buf_free(&text);
  buf_free(&factor);
  return ok ? finish(out, start, payload_key, r, e) : out_of_memory(e);
}
