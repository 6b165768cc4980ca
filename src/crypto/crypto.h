/*
 * All cryptography of parley, as bytes in and bytes out. This folder is the only one that names OpenSSL (TLS in src/net
 * aside). No function here keeps state between calls except the key objects, which are immutable and may be shared
 * between threads. A function without a way to fail ends the process when OpenSSL cannot work (out of memory): a wrong
 * digest, or an honest signature called false, would enter the record for good.
 */
#ifndef PARLEY_CRYPTO_CRYPTO_H
#define PARLEY_CRYPTO_CRYPTO_H

#include "base/bytes.h"
#include "base/err.h"

#define SHA256_SIZE 32
#define ED25519_KEY_SIZE 32
#define ED25519_SIG_SIZE 64
#define X25519_SIZE 32
#define AEAD_TAG_SIZE 16

/* ---- hashing ---- */

void sha256(uint8_t out[static SHA256_SIZE], struct bytes in);
/* SHA-256 over the concatenation of n byte strings (for Merkle leaves and nodes). */
void sha256v(uint8_t out[static SHA256_SIZE], const struct bytes *parts, size_t n);

struct sha256_ctx; /* streaming; NULL from _new means out of memory */
struct sha256_ctx *sha256_new(void);
void sha256_update(struct sha256_ctx *c, struct bytes in);
void sha256_final(struct sha256_ctx *c, uint8_t out[static SHA256_SIZE]); /* does not free */
void sha256_free(struct sha256_ctx *c);

void hmac_sha256(uint8_t out[static 32], struct bytes key, struct bytes msg);
/* HKDF-SHA-256, RFC 5869 (extract with salt, then expand). n at most 8160. False only when out of memory. */
bool hkdf_sha256(uint8_t *out, size_t n, struct bytes ikm, struct bytes salt, struct bytes info);
/* scrypt, RFC 7914, r = 8, p = 1, N = 2^log_n (1..22; memory is 2^(log_n + 10) bytes). */
parley_err scrypt_derive(uint8_t *out, size_t n, struct bytes pass, struct bytes salt, unsigned log_n,
                         struct errmsg *e);

/*
 * ChaCha20-Poly1305, RFC 8439, no associated data. out holds in.n + 16 (seal) or in.n - 16 (open) bytes and may equal
 * in.p. A failed open leaves zeroes in out.
 */
bool aead_seal(uint8_t *out, const uint8_t key[static 32], const uint8_t nonce[static 12], struct bytes in);
bool aead_open(uint8_t *out, const uint8_t key[static 32], const uint8_t nonce[static 12], struct bytes in);

/* X25519, RFC 7748. False when the result is all zero (small-order point). */
bool x25519(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE],
            const uint8_t point[static X25519_SIZE]);
bool x25519_base(uint8_t out[static X25519_SIZE], const uint8_t scalar[static X25519_SIZE]);
/* Both at once for an ephemeral secret: share = scalar * base, shared = scalar * point. One multiplication less than the two calls. */
bool x25519_share(uint8_t share[static X25519_SIZE], uint8_t shared[static X25519_SIZE],
                  const uint8_t scalar[static X25519_SIZE], const uint8_t point[static X25519_SIZE]);

/* Fills from the operating system's generator. Only daemon, cli and tests call it; the core has its env. */
bool random_bytes(uint8_t *out, size_t n);
/* Constant-time comparison. */
bool secret_eq(const uint8_t *a, const uint8_t *b, size_t n);

/* ---- Ed25519, RFC 8032 (pure); acceptance rule: OpenSSL's, the same everywhere ---- */

struct ed25519_key; /* a private key with its public half */

/* From a 32-byte seed. The caller owns *out (ed25519_free wipes). */
parley_err ed25519_from_seed(struct ed25519_key **out, const uint8_t seed[static 32], struct errmsg *e);
/* PKCS#8 PEM, at most 4096 bytes. */
parley_err ed25519_from_pem(struct ed25519_key **out, struct bytes pem, struct errmsg *e);
parley_err ed25519_to_pem(struct buf *out, const struct ed25519_key *k, struct errmsg *e);
const uint8_t *ed25519_public(const struct ed25519_key *k); /* 32 bytes */
void ed25519_sign(uint8_t sig[static ED25519_SIG_SIZE], const struct ed25519_key *k, struct bytes msg);
bool ed25519_verify(const uint8_t pub[static ED25519_KEY_SIZE], const uint8_t sig[static ED25519_SIG_SIZE],
                    struct bytes msg);
void ed25519_free(struct ed25519_key *k);

/* False for a public key of small order, which is nobody's identity. Checked wherever a key is taken in (PEM, vkeys), not per signature. */
bool ed25519_public_ok(const uint8_t pub[static ED25519_KEY_SIZE]);
/* Public key as SPKI: PEM text exactly as OpenSSL writes it (64 columns, final newline); only that text is accepted. */
void ed25519_spki_pem(struct buf *out, const uint8_t pub[static ED25519_KEY_SIZE]);
parley_err ed25519_from_spki_pem(uint8_t pub[static ED25519_KEY_SIZE], struct bytes pem, struct errmsg *e);
/* Key id used in DSSE envelopes: lower-case hex SHA-256 of the SPKI DER, 64 characters and a NUL. */
void ed25519_keyid(char out[static 65], const uint8_t pub[static ED25519_KEY_SIZE]);

/* ---- link certificates ---- */

/*
 * Makes a P-256 key and a self-signed X.509 certificate (CN = name, serial random, valid from not_before for days) for
 * mutual TLS. Both as PEM. pin: "sha256//<base64 of SHA-256 of SPKI DER>", 52 characters and a NUL (curl's pin format).
 */
#define LINK_PIN_SIZE 53
parley_err link_cert_make(struct buf *key_pem, struct buf *cert_pem, char pin[static LINK_PIN_SIZE], const char *name,
                          int64_t not_before, int days, struct errmsg *e);
/* Pin of an existing PEM certificate. */
parley_err link_cert_pin(char pin[static LINK_PIN_SIZE], struct bytes cert_pem, struct errmsg *e);

#endif
