#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>

#include "crypto/internal.h"

#define HKDF_MAX (255 * SHA256_SIZE) /* RFC 5869 section 2.3 */

/*
 * Choosing the digest of a MAC context costs more than the MAC of a short text, so each thread keeps one context for SHA-256. Between
 * two calls it holds the empty key, never a secret one.
 */
static _Thread_local EVP_MAC_CTX *thread_hmac;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* frees thread_hmac when the thread ends */

static void free_hmac(void *ctx) { EVP_MAC_CTX_free(ctx); }

static void make_key(void) { crypto_must(pthread_key_create(&key, free_hmac) == 0); }

static bool make_thread_hmac(void) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  crypto_must(pthread_once(&key_once, make_key) == 0);
  EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(crypto_algorithms()->hmac);
  if (ctx == NULL || EVP_MAC_CTX_set_params(ctx, params) != 1 || pthread_setspecific(key, ctx) != 0) {
    EVP_MAC_CTX_free(ctx);
    return false;
  }
  thread_hmac = ctx;
  return true;
}

/* HMAC over the concatenation of parts; false only when out of memory. */
static bool hmac_parts(uint8_t out[static 32], struct bytes secret, const struct bytes *parts, size_t n) {
  static const uint8_t empty; /* a NULL key would mean "keep the last one" */
  if (thread_hmac == NULL && !make_thread_hmac()) return false;
  EVP_MAC_CTX *ctx = thread_hmac;
  bool ok = EVP_MAC_init(ctx, secret.n > 0 ? secret.p : &empty, secret.n, NULL) == 1;
  for (size_t i = 0; ok && i < n; i++) ok = parts[i].n == 0 || EVP_MAC_update(ctx, parts[i].p, parts[i].n) == 1;
  size_t size = 0;
  ok = ok && EVP_MAC_final(ctx, out, &size, 32) == 1 && size == 32;
  return EVP_MAC_init(ctx, &empty, 0, NULL) == 1 && ok;
}

void hmac_sha256(uint8_t out[static 32], struct bytes secret, struct bytes msg) {
  crypto_must(hmac_parts(out, secret, &msg, 1));
}

/*
 * Over HMAC and not OpenSSL's "HKDF", whose bounds on info differ between its versions (1,024 bytes in 3.0): what one
 * node derives every node must.
 */
bool hkdf_sha256(uint8_t *out, size_t n, struct bytes ikm, struct bytes salt, struct bytes info) {
  uint8_t prk[32], block[32];
  bool ok = n <= HKDF_MAX && hmac_parts(prk, salt, &ikm, 1);
  size_t previous = 0;
  for (size_t done = 0; ok && done < n; done += previous) {
    const uint8_t counter = (uint8_t)(done / sizeof block + 1);
    const struct bytes parts[] = {BYTES(block, previous), info, BYTES(&counter, 1)};
    ok = hmac_parts(block, BYTES(prk, sizeof prk), parts, 3);
    previous = sizeof block;
    if (ok) memcpy(out + done, block, n - done < sizeof block ? n - done : sizeof block);
  }
  wipe(prk, sizeof prk);
  wipe(block, sizeof block);
  return ok;
}

/* OpenSSL's parameters are not const, but it only reads these. */
static OSSL_PARAM octets(const char *name, struct bytes b) {
  static const uint8_t empty;
  return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)(b.n > 0 ? b.p : &empty), b.n);
}

parley_err scrypt_derive(uint8_t *out, size_t n, struct bytes pass, struct bytes salt, unsigned log_n,
                         struct errmsg *e) {
  if (log_n < 1 || log_n > 22) return err_set(e, PARLEY_ELIMIT, "scrypt work factor %u: allowed are 1 to 22", log_n);
  uint64_t cost = UINT64_C(1) << log_n, memory_max = (UINT64_C(1) << (log_n + 10)) + (1 << 20);
  uint32_t r = 8, p = 1;
  EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(crypto_algorithms()->scrypt);
  const OSSL_PARAM params[] = {octets(OSSL_KDF_PARAM_PASSWORD, pass),
                               octets(OSSL_KDF_PARAM_SALT, salt),
                               OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &cost),
                               OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                               OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
                               OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_max),
                               OSSL_PARAM_construct_end()};
  bool ok = ctx != NULL && EVP_KDF_derive(ctx, out, n, params) == 1;
  EVP_KDF_CTX_free(ctx);
  if (ok) return PARLEY_OK;
  ERR_clear_error();
  return err_set(e, PARLEY_ENOMEM, "scrypt with work factor %u needs %llu MiB of memory, which are not to be had",
                 log_n, 1 + (1ull << log_n >> 10));
}
