#include <stdio.h>
#include <string.h>

#include "forum/statement.h"

#define INFO_MAX 64
#define RECIPIENTS_MAX (STATEMENT_TO_MAX + 1)

static bool expand(uint8_t *out, size_t n, const uint8_t seed[static SEED_SIZE], const char *prefix, const char *what) {
  char info[INFO_MAX];
  int size = snprintf(info, sizeof info, "parley/v1/%s%s", prefix, what);
  return size > 0 && size < INFO_MAX && hkdf_sha256(out, n, BYTES(seed, SEED_SIZE), BYTES_NONE, BYTES(info, size));
}

/* docs/protocol.md, "Sealing". */
bool seal_random(struct age_random *out, uint8_t *ephemeral, const uint8_t seed[static SEED_SIZE], int file, size_t n) {
  char prefix[INFO_MAX / 2] = "body/", what[INFO_MAX / 2];
  if (file >= 0) snprintf(prefix, sizeof prefix, "file/%d/", file);
  bool ok = expand(out->file_key, sizeof out->file_key, seed, prefix, "file-key") &&
            expand(out->nonce, sizeof out->nonce, seed, prefix, "nonce");
  for (size_t i = 0; ok && i < n; i++) {
    snprintf(what, sizeof what, "ephemeral/%zu", i);
    ok = expand(ephemeral + i * X25519_SIZE, X25519_SIZE, seed, prefix, what);
  }
  out->ephemeral = ephemeral;
  return ok;
}

parley_err body_seal(struct buf *out, uint8_t body_sha256[static SHA256_SIZE], struct bytes plaintext,
                     const uint8_t seed[static SEED_SIZE], const uint8_t (*recipients)[X25519_SIZE], size_t n,
                     struct errmsg *e) {
  struct age_random r;
  uint8_t ephemeral[RECIPIENTS_MAX * X25519_SIZE];
  if (n < 1 || n > RECIPIENTS_MAX)
    return err_set(e, PARLEY_ELIMIT, "a body is sealed to 1 to %d keys, not to %zu", RECIPIENTS_MAX, n);
  parley_err err = PARLEY_OK;
  if (!seal_random(&r, ephemeral, seed, -1, n)) err = err_set(e, PARLEY_ENOMEM, "out of memory while sealing a body");
  if (err == PARLEY_OK) {
    sha256(body_sha256, plaintext);
    err = age_seal(out, recipients, n, &r, plaintext, e);
  }
  wipe(&r, sizeof r);
  wipe(ephemeral, n * X25519_SIZE);
  return err;
}

parley_err body_text(struct buf *out, const struct statement *s, const struct age_identity *id, struct errmsg *e) {
  uint8_t digest[SHA256_SIZE];
  if (s->sealed.p == NULL) return err_set(e, PARLEY_EINVAL, "a statement of kind %s has no sealed body", s->kind);
  parley_err err = age_open(out, s->sealed, id, e);
  if (err != PARLEY_OK) return err_prefix(e, err, "sealed");
  sha256(digest, buf_view(out));
  if (memcmp(digest, s->body_sha256, sizeof digest) != 0)
    return err_set(e, PARLEY_EVERIFY, "body_sha256: is not the digest of the plaintext that was sealed");
  return PARLEY_OK;
}

parley_err body_open(struct plain *out, const struct statement *s, const struct age_identity *id, struct errmsg *e) {
  struct buf text = {0};
  *out = (struct plain){0};
  parley_err err = body_text(&text, s, id, e);
  if (err == PARLEY_OK) err = plain_parse(out, buf_view(&text), e);
  buf_free(&text);
  return err;
}

static size_t base64_size(size_t n) { return (n + 2) / 3 * 4; }

/* Bytes of an entry around the base64 of its payload: what dsse_write writes with one signature. */
static size_t envelope_size(void) {
  return strlen("{\"payload\":\"\",\"payloadType\":\"" STATEMENT_TYPE
                "\",\"signatures\":[{\"keyid\":\"\",\"sig\":\"\"}]}") +
         64 + base64_size(ED25519_SIG_SIZE);
}

size_t body_limit(size_t n_to, size_t other) {
  if (n_to > STATEMENT_TO_MAX || other > ENTRY_MAX) return 0;
  size_t low = 0, high = ENTRY_MAX; /* low fits or is 0, high does not fit */
  while (high - low > 1) {
    size_t mid = low + (high - low) / 2;
    size_t sealed = (size_t)age_file_size(n_to + 1, mid);
    if (envelope_size() + base64_size(other + base64_size(sealed)) <= ENTRY_MAX)
      low = mid;
    else
      high = mid;
  }
  return low;
}
