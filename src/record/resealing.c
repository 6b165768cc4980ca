/*
 * A clear file sealed again, chunk by chunk (docs/protocol.md, "Sealing"): header first, then the STREAM of age.
 */
#include <stdlib.h>
#include <string.h>

#include "record/disclosure.h"

struct resealing {
  struct pack_stream clear;
  struct age_writer writer;
  struct sha256_ctx *digest;
  struct buf ready; /* sealed, of which `taken` bytes are handed out */
  size_t taken;
  bool ended;
  struct resealed result;
  uint8_t chunk[AGE_CHUNK];
};

static parley_err no_memory(struct errmsg *e) {
  return err_set(e, PARLEY_ENOMEM, "out of memory while sealing a file again");
}

static parley_err header(struct resealing *r, const uint8_t seed[static SEED_SIZE], int file,
                         const uint8_t (*recipients)[X25519_SIZE], size_t n, struct errmsg *e) {
  struct age_random random;
  uint8_t ephemeral[(STATEMENT_TO_MAX + 1) * X25519_SIZE], key[32];
  if (n > STATEMENT_TO_MAX + 1)
    return err_set(e, PARLEY_ELIMIT, "a file is sealed to at most %d keys, not to %zu", STATEMENT_TO_MAX + 1, n);
  parley_err rc = seal_random(&random, ephemeral, seed, file, n) ? PARLEY_OK : no_memory(e);
  if (rc == PARLEY_OK) rc = age_header(&r->ready, key, recipients, n, &random, e);
  if (rc == PARLEY_OK) age_writer_init(&r->writer, key);
  wipe(&random, sizeof random);
  wipe(ephemeral, n * X25519_SIZE);
  wipe(key, sizeof key);
  return rc;
}

parley_err resealing_open(struct resealing **out, struct pack_stream clear, const uint8_t seed[static SEED_SIZE],
                          int file, const uint8_t (*recipients)[X25519_SIZE], size_t n, struct errmsg *e) {
  struct resealing *r = calloc(1, sizeof *r);
  *out = NULL;
  if (r == NULL) return no_memory(e);
  r->clear = clear;
  r->digest = sha256_new();
  const parley_err rc = r->digest != NULL ? header(r, seed, file, recipients, n, e) : no_memory(e);
  if (rc == PARLEY_OK)
    *out = r;
  else
    resealing_free(r);
  return rc;
}

/* Seals until there is something to hand out, or the end. */
static parley_err fill(struct resealing *r, struct errmsg *e) {
  parley_err rc = PARLEY_OK;
  if (r->taken == r->ready.n) {
    buf_clear(&r->ready);
    r->taken = 0;
  }
  while (rc == PARLEY_OK && r->ready.n == 0 && !r->ended) {
    size_t got = 0;
    rc = r->clear.read(r->clear.ctx, r->chunk, sizeof r->chunk, &got, e);
    if (rc != PARLEY_OK) return rc;
    sha256_update(r->digest, BYTES(r->chunk, got));
    r->result.size += got;
    r->ended = got == 0;
    if (r->ended) sha256_final(r->digest, r->result.sha256);
    rc = r->ended ? age_writer_finish(&r->writer, &r->ready, e)
                  : age_writer_feed(&r->writer, BYTES(r->chunk, got), &r->ready, e);
    if (rc == PARLEY_OK && !buf_ok(&r->ready)) rc = no_memory(e);
  }
  return rc;
}

parley_err resealing_read(struct resealing *r, uint8_t *p, size_t n, size_t *got, struct errmsg *e) {
  const parley_err rc = fill(r, e);
  if (rc != PARLEY_OK) return rc;
  *got = r->ready.n - r->taken < n ? r->ready.n - r->taken : n;
  if (*got > 0) memcpy(p, r->ready.p + r->taken, *got);
  r->taken += *got;
  return PARLEY_OK;
}

const struct resealed *resealing_result(const struct resealing *r) { return &r->result; }

void resealing_free(struct resealing *r) {
  if (r == NULL) return;
  age_writer_free(&r->writer);
  sha256_free(r->digest);
  buf_free(&r->ready);
  wipe(r, sizeof *r);
  free(r);
}
