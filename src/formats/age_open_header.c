#include "base/encoding.h"
#include "formats/age_header.h"

#define WORK_FACTOR_MAX 20 /* one GiB of memory */

struct scrypt_stanza {
  uint8_t salt[16];
  unsigned log_n;
};

static bool is_type(const struct age_stanza *s, const char *type) { return bytes_is(s->args[0], type); }

/* age: "The X25519 recipient type". A stanza of the type that is malformed is refused, not passed over. */
static parley_err check_x25519(uint8_t share[static X25519_SIZE], const struct age_stanza *s, struct errmsg *e) {
  if (s->argc != 2 || !base64_decode_fixed(share, X25519_SIZE, s->args[1], false))
    return err_set(e, PARLEY_EINVAL,
                   "age header: an X25519 stanza must have one share of 32 bytes in canonical base64");
  if (s->body_n != AGE_BODY_SIZE)
    return err_set(e, PARLEY_EINVAL, "age header: the body of an X25519 stanza has %zu bytes instead of 32", s->body_n);
  return PARLEY_OK;
}

static parley_err check_scrypt(struct scrypt_stanza *out, const struct age_stanza *s, struct errmsg *e) {
  uint64_t log_n = 0;
  if (s->argc != 3 || !base64_decode_fixed(out->salt, sizeof out->salt, s->args[1], false))
    return err_set(e, PARLEY_EINVAL,
                   "age header: a scrypt stanza must have a salt of 16 bytes in canonical base64 and "
                   "a work factor");
  for (size_t i = 0; i < s->args[2].n; i++)
    if (s->args[2].p[i] < '0' || s->args[2].p[i] > '9')
      return err_set(e, PARLEY_EINVAL, "age header: the scrypt work factor must be decimal");
  if (s->args[2].p[0] == '0')
    return err_set(e, PARLEY_EINVAL, "age header: the scrypt work factor must not start with a zero");
  if (s->body_n != AGE_BODY_SIZE)
    return err_set(e, PARLEY_EINVAL, "age header: the body of a scrypt stanza has %zu bytes instead of 32", s->body_n);
  if (!dec_decode(&log_n, s->args[2]) || log_n > WORK_FACTOR_MAX)
    return err_set(e, PARLEY_ELIMIT, "age header: the scrypt work factor is over %d", WORK_FACTOR_MAX);
  out->log_n = (unsigned)log_n;
  return PARLEY_OK;
}

/* Checks every X25519 stanza before any is tried, so that the answer does not hang on whose stanza comes first. */
static parley_err check_stanzas(const struct age_header *h, struct errmsg *e) {
  struct bytes rest = h->stanzas;
  while (rest.n > 0) {
    struct age_stanza s;
    uint8_t share[X25519_SIZE];
    parley_err code = age_stanza_next(&s, &rest, e);
    if (code == PARLEY_OK && is_type(&s, "X25519")) code = check_x25519(share, &s, e);
    if (code == PARLEY_OK && is_type(&s, "scrypt") && h->count > 1)
      code = err_set(e, PARLEY_EINVAL, "age header: a scrypt stanza must be the only one");
    if (code != PARLEY_OK) return code;
  }
  return PARLEY_OK;
}

static parley_err unwrap_x25519(uint8_t file_key[static AGE_FILE_KEY_SIZE], const struct age_header *h,
                                const struct age_identity *id, struct errmsg *e) {
  struct bytes rest = h->stanzas;
  bool found = false;
  while (!found && rest.n > 0) {
    struct age_stanza s;
    uint8_t share[X25519_SIZE], shared[X25519_SIZE], wrap_key[32];
    parley_err code = age_stanza_next(&s, &rest, e);
    if (code != PARLEY_OK) return code;
    if (!is_type(&s, "X25519")) continue;
    if ((code = check_x25519(share, &s, e)) != PARLEY_OK) return code;
    if (!x25519(shared, id->secret, share))
      return err_set(e, PARLEY_EINVAL, "age header: the share of an X25519 stanza is of small order");
    if (!age_x25519_wrap_key(wrap_key, shared, share, id->pub)) return err_set(e, PARLEY_ENOMEM, "out of memory");
    found = age_unwrap(file_key, wrap_key, s.body);
    wipe(shared, sizeof shared);
    wipe(wrap_key, sizeof wrap_key);
  }
  return found ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "the age file is not sealed to this key");
}

static parley_err unwrap_scrypt(uint8_t file_key[static AGE_FILE_KEY_SIZE], const struct age_header *h,
                                struct bytes pass, struct errmsg *e) {
  struct bytes rest = h->stanzas;
  struct age_stanza s;
  struct scrypt_stanza scrypt;
  uint8_t wrap_key[32];
  parley_err code = age_stanza_next(&s, &rest, e);
  if (code == PARLEY_OK && !is_type(&s, "scrypt"))
    return err_set(e, PARLEY_ENOTFOUND, "the age file is sealed to keys, not with a passphrase");
  if (code == PARLEY_OK) code = check_scrypt(&scrypt, &s, e);
  if (code == PARLEY_OK) code = age_scrypt_wrap_key(wrap_key, pass, scrypt.salt, scrypt.log_n, e);
  if (code != PARLEY_OK) return code;
  bool ok = age_unwrap(file_key, wrap_key, s.body);
  wipe(wrap_key, sizeof wrap_key);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "the passphrase does not open this age file");
}

/* Checks the MAC, then takes the nonce. Wipes file_key. */
static parley_err finish(size_t *used, uint8_t payload_key[static 32], uint8_t file_key[static AGE_FILE_KEY_SIZE],
                         const struct age_header *h, struct bytes in, struct errmsg *e) {
  uint8_t mac[32];
  parley_err code = PARLEY_OK;
  if (!age_header_mac(mac, file_key, h->mac_input))
    code = err_set(e, PARLEY_ENOMEM, "out of memory while reading an age header");
  else if (!secret_eq(mac, h->mac, sizeof mac))
    code = err_set(e, PARLEY_EVERIFY, "age header: the MAC is wrong; the file was altered");
  else if (in.n - h->size < AGE_NONCE_SIZE)
    code = err_set(e, PARLEY_EBUSY, "the nonce after the age header is not complete yet");
  else if (!age_payload_key(payload_key, file_key, in.p + h->size))
    code = err_set(e, PARLEY_ENOMEM, "out of memory while reading an age header");
  else
    *used = h->size + AGE_NONCE_SIZE;
  wipe(file_key, AGE_FILE_KEY_SIZE);
  return code;
}

parley_err age_open_header(size_t *used, uint8_t payload_key[static 32], struct bytes in, const struct age_identity *id,
                           struct errmsg *e) {
  struct age_header h;
  uint8_t file_key[AGE_FILE_KEY_SIZE];
  parley_err code = age_header_parse(&h, in, e);
  if (code == PARLEY_OK) code = check_stanzas(&h, e);
  if (code == PARLEY_OK) code = unwrap_x25519(file_key, &h, id, e);
  return code == PARLEY_OK ? finish(used, payload_key, file_key, &h, in, e) : code;
}

parley_err age_open_header_scrypt(size_t *used, uint8_t payload_key[static 32], struct bytes in, struct bytes pass,
                                  struct errmsg *e) {
  struct age_header h;
  uint8_t file_key[AGE_FILE_KEY_SIZE];
  parley_err code = age_header_parse(&h, in, e);
  if (code == PARLEY_OK) code = check_stanzas(&h, e);
  if (code == PARLEY_OK) code = unwrap_scrypt(file_key, &h, pass, e);
  return code == PARLEY_OK ? finish(used, payload_key, file_key, &h, in, e) : code;
}
