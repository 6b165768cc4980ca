#include "crypto/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct algorithms fetched; /* constant after `once` */

static void fetch(void) {
  fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  fetched.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  fetched.scrypt = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
  fetched.chacha20_poly1305 = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
  crypto_must(fetched.sha256 != NULL && fetched.hmac != NULL && fetched.scrypt != NULL &&
              fetched.chacha20_poly1305 != NULL);
}

const struct algorithms *crypto_algorithms(void) {
  crypto_must(pthread_once(&once, fetch) == 0);
  return &fetched;
}

void crypto_must(bool ok) {
  if (ok) return;
  fputs("parley: the cryptographic library cannot work (out of memory, or OpenSSL lacks SHA-256, HMAC, scrypt, "
        "ChaCha20-Poly1305, X25519 or Ed25519); stopping\n",
        stderr);
  abort();
}

int crypto_no_passphrase(char *buf, int size, int writing, void *ctx) {
  (void)buf;
  (void)size;
  (void)writing;
  (void)ctx;
  return -1;
}
