#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "crypto/internal.h"

static EVP_PKEY *private_key(const uint8_t scalar[static X25519_SIZE]) {
  EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, scalar, X25519_SIZE);
  crypto_must(k != NULL);
  return k;
}

static bool derive(uint8_t out[static X25519_SIZE], EVP_PKEY *mine, const uint8_t point[static X25519_SIZE]) {
  EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, X25519_SIZE);
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
  size_t n = X25519_SIZE;
  crypto_must(other != NULL && ctx != NULL && EVP_PKEY_derive_init(ctx) == 1);
  crypto_must(EVP_PKEY_derive_set_peer_ex(ctx, other, 0) == 1);
  /* From here on OpenSSL refuses only the all-zero result (RFC 7748 section 6.1). */
  bool ok = EVP_PKEY_derive(ctx, out, &n) == 1 && n == X25519_SIZE;
  EVP_PKEY_CTX_free(ctx);
  EVP_PKEY_free(other);
  if (!ok) {
    wipe(out, X25519_SIZE);
    ERR_clear_error();
  }
  return ok;
}

static void public_of(uint8_t out[static X25519_SIZE], const EVP_PKEY *k) {
  size_t n = X25519_SIZE;
  crypto_must(EVP_PKEY_get_raw_public_key(k, out, &n) == 1 && n == X25519_SIZE);
}

bool x25519(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE],
            const uint8_t point[static X25519_SIZE]) {
  EVP_PKEY *mine = private_key(scalar);
  bool ok = derive(out, mine, point);
  EVP_PKEY_free(mine);
  return ok;
}

bool x25519_share(uint8_t share[static X25519_SIZE], uint8_t shared[static X25519_SIZE],
                  const uint8_t scalar[static X25519_SIZE], const uint8_t point[static X25519_SIZE]) {
  EVP_PKEY *mine = private_key(scalar);
  public_of(share, mine);
  bool ok = derive(shared, mine, point);
  EVP_PKEY_free(mine);
  return ok;
}

bool x25519_base(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE]) {
  EVP_PKEY *k = private_key(scalar);
  public_of(out, k);
  EVP_PKEY_free(k);
  return true;
}

bool random_bytes(uint8_t *out, size_t n) {
  /* RAND_priv_bytes takes an int; pieces keep any length right. */
  for (size_t done = 0; done < n;) {
    size_t piece = n - done < 65536 ? n - done : 65536;
    if (RAND_priv_bytes(out + done, (int)piece) != 1) {
      ERR_clear_error();
      return false;
    }
    done += piece;
  }
  return true;
}

bool secret_eq(const uint8_t *a, const uint8_t *b, size_t n) { return n == 0 || CRYPTO_memcmp(a, b, n) == 0; }
