#include <limits.h>
#include <openssl/err.h>

#include "crypto/internal.h"

#define AEAD_MAX ((size_t)INT_MAX - AEAD_TAG_SIZE)

bool aead_seal(uint8_t *out, const uint8_t key[static 32], const uint8_t nonce[static 12], struct bytes in) {
  if (in.n > AEAD_MAX) return false;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  int n = 0, last = 0;
  bool ok = ctx != NULL && EVP_EncryptInit_ex2(ctx, crypto_algorithms()->chacha20_poly1305, key, nonce, NULL) == 1;
  ok = ok && (in.n == 0 || EVP_EncryptUpdate(ctx, out, &n, in.p, (int)in.n) == 1);
  ok = ok && EVP_EncryptFinal_ex(ctx, out + in.n, &last) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, out + in.n) == 1;
  EVP_CIPHER_CTX_free(ctx);
  return ok;
}

bool aead_open(uint8_t *out, const uint8_t key[static 32], const uint8_t nonce[static 12], struct bytes in) {
  if (in.n < AEAD_TAG_SIZE || in.n > AEAD_MAX) return false;
  size_t plain = in.n - AEAD_TAG_SIZE;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  int n = 0, last = 0;
  uint8_t end[AEAD_TAG_SIZE]; /* a stream cipher writes nothing here */
  crypto_must(ctx != NULL && EVP_DecryptInit_ex2(ctx, crypto_algorithms()->chacha20_poly1305, key, nonce, NULL) == 1);
  bool ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, (void *)(uintptr_t)(in.p + plain)) == 1;
  ok = ok && (plain == 0 || EVP_DecryptUpdate(ctx, out, &n, in.p, (int)plain) == 1);
  ok = ok && EVP_DecryptFinal_ex(ctx, end, &last) == 1;
  EVP_CIPHER_CTX_free(ctx);
  if (!ok) {
    wipe(out, plain); /* nobody may use what is not authentic */
    ERR_clear_error();
  }
  return ok;
}
