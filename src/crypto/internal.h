/*
 * What the files of this folder share: the algorithms, fetched from OpenSSL once per process and constant from then
 * on, and the rule for functions that have no way to fail.
 */
#ifndef PARLEY_CRYPTO_INTERNAL_H
#define PARLEY_CRYPTO_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "crypto/crypto.h"

struct algorithms {
  EVP_MD *sha256;
  EVP_MAC *hmac;
  EVP_KDF *scrypt;
  EVP_CIPHER *chacha20_poly1305;
};

/* Never NULL; ends the process when OpenSSL lacks one of them. */
const struct algorithms *crypto_algorithms(void);

/*
 * Ends the process unless ok. For hashing, signing and verifying, where OpenSSL fails only when memory is out or the
 * library is broken: a wrong digest, or an honest signature called false, would enter the record for good. A stop is
 * safe at any point, because nothing leaves the machine before it is durable.
 */
void crypto_must(bool ok);

/* For OpenSSL's PEM readers, which would otherwise ask the terminal for the passphrase of an encrypted file. */
int crypto_no_passphrase(char *buf, int size, int writing, void *ctx);

#endif
