#include <pthread.h>
#include <stdlib.h>

#include "crypto/internal.h"

/*
 * SHA-256 of short inputs is the hottest call of all (Merkle leaves and nodes). Making a context costs more than
 * hashing a block, so each thread keeps one; it holds no state from one call to the next.
 */
static _Thread_local EVP_MD_CTX *thread_ctx;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* frees thread_ctx when the thread ends */

static void free_ctx(void *ctx) { EVP_MD_CTX_free(ctx); }

static void make_key(void) { crypto_must(pthread_key_create(&key, free_ctx) == 0); }

static void make_thread_ctx(void) {
  crypto_must(pthread_once(&key_once, make_key) == 0);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  crypto_must(ctx != NULL && EVP_DigestInit_ex2(ctx, crypto_algorithms()->sha256, NULL) == 1);
  crypto_must(pthread_setspecific(key, ctx) == 0);
  thread_ctx = ctx;
}

void sha256v(uint8_t out[static SHA256_SIZE], const struct bytes *parts, size_t n) {
  if (thread_ctx == NULL) make_thread_ctx();
  bool ok = EVP_DigestInit_ex2(thread_ctx, NULL, NULL) == 1;
  for (size_t i = 0; ok && i < n; i++)
    ok = parts[i].n == 0 || EVP_DigestUpdate(thread_ctx, parts[i].p, parts[i].n) == 1;
  crypto_must(ok && EVP_DigestFinal_ex(thread_ctx, out, NULL) == 1);
}

void sha256(uint8_t out[static SHA256_SIZE], struct bytes in) { sha256v(out, &in, 1); }

struct sha256_ctx {
  EVP_MD_CTX *md;
};

struct sha256_ctx *sha256_new(void) {
  struct sha256_ctx *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  c->md = EVP_MD_CTX_new();
  if (c->md == NULL || EVP_DigestInit_ex2(c->md, crypto_algorithms()->sha256, NULL) != 1) {
    sha256_free(c);
    return NULL;
  }
  return c;
}

void sha256_update(struct sha256_ctx *c, struct bytes in) {
  crypto_must(in.n == 0 || EVP_DigestUpdate(c->md, in.p, in.n) == 1);
}

void sha256_final(struct sha256_ctx *c, uint8_t out[static SHA256_SIZE]) {
  crypto_must(EVP_DigestFinal_ex(c->md, out, NULL) == 1);
}

void sha256_free(struct sha256_ctx *c) {
  if (c == NULL) return;
  EVP_MD_CTX_free(c->md);
  free(c);
}
