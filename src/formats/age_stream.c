#include <string.h>

#include "formats/age.h"

#define SEALED_CHUNK (AGE_CHUNK + AEAD_TAG_SIZE)

/* age: "Payload". Eleven bytes of counter, of which we never fill more than eight, then the mark of the final chunk. */
static void chunk_nonce(uint8_t nonce[static 12], uint64_t i, bool final) {
  memset(nonce, 0, 12);
  put_u64be(nonce + 3, i);
  nonce[11] = final ? 1 : 0;
}

static bool length_allowed(size_t n, uint64_t i, bool final) {
  if (n > AGE_CHUNK || (!final && n != AGE_CHUNK)) return false;
  return n > 0 || i == 0;
}

/* Room for n bytes at the end of out; they count only once the caller adds them to out->n. */
static uint8_t *room(struct buf *out, size_t n) {
  static const uint8_t zeroes[1024];
  size_t before = out->n;
  for (size_t done = 0; done < n; done += sizeof zeroes)
    buf_add(out, zeroes, n - done < sizeof zeroes ? n - done : sizeof zeroes);
  out->n = before;
  return buf_ok(out) && out->p != NULL ? out->p + before : NULL;
}

parley_err age_chunk_seal(struct buf *out, const uint8_t payload_key[static 32], uint64_t i, bool final,
                          struct bytes in, struct errmsg *e) {
  uint8_t nonce[12];
  if (!length_allowed(in.n, i, final))
    return err_set(e, PARLEY_EINVAL, "age payload: chunk %llu must not have %zu bytes", (unsigned long long)i, in.n);
  uint8_t *to = room(out, in.n + AEAD_TAG_SIZE);
  chunk_nonce(nonce, i, final);
  if (to == NULL || !aead_seal(to, payload_key, nonce, in))
    return err_set(e, PARLEY_ENOMEM, "out of memory while sealing");
  out->n += in.n + AEAD_TAG_SIZE;
  return PARLEY_OK;
}

parley_err age_chunk_open(struct buf *out, const uint8_t payload_key[static 32], uint64_t i, bool final,
                          struct bytes in, struct errmsg *e) {
  uint8_t nonce[12];
  if (in.n < AEAD_TAG_SIZE || !length_allowed(in.n - AEAD_TAG_SIZE, i, final))
    return err_set(e, PARLEY_EINVAL, "age payload: chunk %llu has %zu bytes; the file was cut or altered",
                   (unsigned long long)i, in.n);
  uint8_t *to = room(out, in.n);
  if (to == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while opening");
  chunk_nonce(nonce, i, final);
  if (!aead_open(to, payload_key, nonce, in))
    return err_set(e, PARLEY_EVERIFY, "age payload: chunk %llu does not verify; the file was cut or altered",
                   (unsigned long long)i);
  out->n += in.n - AEAD_TAG_SIZE;
  return PARLEY_OK;
}

void age_reader_init(struct age_reader *r, const uint8_t payload_key[static 32]) {
  *r = (struct age_reader){.chunk = 0};
  memcpy(r->key, payload_key, sizeof r->key);
}

/*
 * A full chunk may be the final one, and only its tag tells. Both are tried, so that plaintext is never held back and
 * anything after a final chunk is refused as such.
 */
static parley_err open_full(struct age_reader *r, struct bytes in, struct buf *out, struct errmsg *e) {
  parley_err code = age_chunk_open(out, r->key, r->chunk, false, in, e);
  if (code == PARLEY_EVERIFY) {
    code = age_chunk_open(out, r->key, r->chunk, true, in, e);
    r->done = code == PARLEY_OK;
  }
  r->chunk++;
  r->failed = code != PARLEY_OK;
  return code;
}

/* A caller that goes on after a failure must not get the chunks behind the gap. */
static parley_err check_usable(const struct age_reader *r, struct errmsg *e) {
  return r->failed ? err_set(e, PARLEY_EVERIFY, "age payload: refused before; start the file anew") : PARLEY_OK;
}

parley_err age_reader_feed(struct age_reader *r, struct bytes in, struct buf *out, struct errmsg *e) {
  parley_err code = check_usable(r, e);
  while (code == PARLEY_OK && in.n > 0) {
    if (r->done) {
      r->failed = true;
      return err_set(e, PARLEY_EINVAL, "age payload: data after the final chunk; the file was altered");
    }
    struct bytes chunk = BYTES(in.p, SEALED_CHUNK);
    size_t take = SEALED_CHUNK - r->pending.n;
    take = in.n < take ? in.n : take;
    if (take < SEALED_CHUNK) {
      buf_add(&r->pending, in.p, take);
      if (!buf_ok(&r->pending)) return err_set(e, PARLEY_ENOMEM, "out of memory while opening");
      chunk = buf_view(&r->pending);
    }
    in = BYTES(in.p + take, in.n - take);
    if (chunk.n < SEALED_CHUNK) return PARLEY_OK;
    code = open_full(r, chunk, out, e);
    buf_clear(&r->pending);
  }
  return code;
}

parley_err age_reader_finish(struct age_reader *r, struct buf *out, struct errmsg *e) {
  if (r->done || r->failed) return check_usable(r, e);
  if (r->pending.n == 0)
    return err_set(e, PARLEY_EINVAL, "age payload: it ends without a final chunk; the file was cut");
  parley_err code = age_chunk_open(out, r->key, r->chunk, true, buf_view(&r->pending), e);
  r->done = code == PARLEY_OK;
  r->failed = !r->done;
  return code;
}

void age_reader_free(struct age_reader *r) {
  buf_free(&r->pending);
  wipe(r, sizeof *r);
}

void age_writer_init(struct age_writer *w, const uint8_t payload_key[static 32]) {
  *w = (struct age_writer){.chunk = 0};
  memcpy(w->key, payload_key, sizeof w->key);
}

parley_err age_writer_feed(struct age_writer *w, struct bytes in, struct buf *out, struct errmsg *e) {
  while (in.n > 0) {
    if (w->pending.n == AGE_CHUNK) { /* more follows, so this one is not final */
      parley_err code = age_chunk_seal(out, w->key, w->chunk, false, buf_view(&w->pending), e);
      if (code != PARLEY_OK) return code;
      w->chunk++;
      buf_clear(&w->pending);
    }
    size_t take = AGE_CHUNK - w->pending.n;
    take = in.n < take ? in.n : take;
    buf_add(&w->pending, in.p, take);
    if (!buf_ok(&w->pending)) return err_set(e, PARLEY_ENOMEM, "out of memory while sealing");
    in = BYTES(in.p + take, in.n - take);
  }
  return PARLEY_OK;
}

parley_err age_writer_finish(struct age_writer *w, struct buf *out, struct errmsg *e) {
  return age_chunk_seal(out, w->key, w->chunk, true, buf_view(&w->pending), e);
}

void age_writer_free(struct age_writer *w) {
  buf_free(&w->pending);
  wipe(w, sizeof *w);
}
