#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "crypto/internal.h"

#define PEM_MAX 4096
#define SEED_SIZE 32

struct ed25519_key {
  EVP_PKEY *pkey;
  uint8_t pub[ED25519_KEY_SIZE];
};

/* RFC 8410: what stands before the 32 bytes of a key, in PKCS#8 and in SubjectPublicKeyInfo. */
static const uint8_t pkcs8_prefix[16] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                         0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t spki_prefix[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

/* Takes pkey over, also on failure. */
static parley_err key_from_pkey(struct ed25519_key **out, EVP_PKEY *pkey, struct errmsg *e) {
  struct ed25519_key *k = calloc(1, sizeof *k);
  size_t n = sizeof k->pub;
  *out = NULL;
  if (k == NULL || pkey == NULL || EVP_PKEY_get_raw_public_key(pkey, k->pub, &n) != 1 || n != sizeof k->pub) {
    free(k);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return err_set(e, PARLEY_ENOMEM, "out of memory while making an Ed25519 key");
  }
  k->pkey = pkey;
  *out = k;
  return PARLEY_OK;
}

parley_err ed25519_from_seed(struct ed25519_key **out, const uint8_t seed[static 32], struct errmsg *e) {
  return key_from_pkey(out, EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SEED_SIZE), e);
}

parley_err ed25519_from_pem(struct ed25519_key **out, struct bytes pem, struct errmsg *e) {
  *out = NULL;
  if (pem.n > PEM_MAX) return err_set(e, PARLEY_ELIMIT, "the private key has %zu bytes, more than %d", pem.n, PEM_MAX);
  BIO *bio = BIO_new_mem_buf(pem.n > 0 ? (const void *)pem.p : "", (int)pem.n);
  if (bio == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading a private key");
  EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, crypto_no_passphrase, NULL);
  BIO_free(bio);
  ERR_clear_error();
  if (pkey == NULL)
    return err_set(e, PARLEY_EINVAL, "not an unencrypted private key in PEM form (-----BEGIN PRIVATE KEY-----)");
  if (EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519) {
    EVP_PKEY_free(pkey);
    return err_set(e, PARLEY_EINVAL, "the private key is not an Ed25519 key; make one with parley");
  }
  return key_from_pkey(out, pkey, e);
}

/* One line of base64: both forms have at most 48 bytes, 64 columns. */
static void write_pem(struct buf *out, const char *label, struct bytes der) {
  buf_fmt(out, "-----BEGIN %s-----\n", label);
  base64_encode(out, der, true);
  buf_fmt(out, "\n-----END %s-----\n", label);
}

parley_err ed25519_to_pem(struct buf *out, const struct ed25519_key *k, struct errmsg *e) {
  uint8_t der[sizeof pkcs8_prefix + SEED_SIZE];
  size_t n = SEED_SIZE;
  memcpy(der, pkcs8_prefix, sizeof pkcs8_prefix);
  crypto_must(EVP_PKEY_get_raw_private_key(k->pkey, der + sizeof pkcs8_prefix, &n) == 1 && n == SEED_SIZE);
  write_pem(out, "PRIVATE KEY", BYTES(der, sizeof der));
  wipe(der, sizeof der);
  return buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while writing a private key");
}

const uint8_t *ed25519_public(const struct ed25519_key *k) { return k->pub; }

void ed25519_sign(uint8_t sig[static ED25519_SIG_SIZE], const struct ed25519_key *k, struct bytes msg) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  size_t n = ED25519_SIG_SIZE;
  crypto_must(ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1);
  crypto_must(EVP_DigestSign(ctx, sig, &n, msg.n > 0 ? msg.p : sig, msg.n) == 1 && n == ED25519_SIG_SIZE);
  EVP_MD_CTX_free(ctx);
}

static bool verify_once(const uint8_t pub[static ED25519_KEY_SIZE], const uint8_t sig[static ED25519_SIG_SIZE],
                        struct bytes msg) {
  EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, ED25519_KEY_SIZE);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  crypto_must(pkey != NULL && ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1);
  bool ok = EVP_DigestVerify(ctx, sig, ED25519_SIG_SIZE, msg.n > 0 ? msg.p : sig, msg.n) == 1;
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(pkey);
  if (!ok) ERR_clear_error();
  return ok;
}

/* RFC 8032 section 7.1, test 1. */
static bool verifying_works(void) {
  static const uint8_t pub[ED25519_KEY_SIZE] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
                                                0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
                                                0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
  static const uint8_t sig[ED25519_SIG_SIZE] = {
      0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82, 0x8a,
      0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49, 0x01, 0x55,
      0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b,
      0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b};
  return verify_once(pub, sig, BYTES_NONE);
}

/*
 * OpenSSL allocates within, and answers "false" when it cannot. So a false signature is looked at twice, with a good one
 * between: lack of memory that lasts ends the process, and a single failure does no harm.
 */
bool ed25519_verify(const uint8_t pub[static ED25519_KEY_SIZE], const uint8_t sig[static ED25519_SIG_SIZE],
                    struct bytes msg) {
  if (verify_once(pub, sig, msg)) return true;
  crypto_must(verifying_works());
  return verify_once(pub, sig, msg);
}

void ed25519_free(struct ed25519_key *k) {
  if (k == NULL) return;
  EVP_PKEY_free(k->pkey); /* wipes the private half */
  free(k);
}

static void spki_der(uint8_t der[static sizeof spki_prefix + ED25519_KEY_SIZE], const uint8_t *pub) {
  memcpy(der, spki_prefix, sizeof spki_prefix);
  memcpy(der + sizeof spki_prefix, pub, ED25519_KEY_SIZE);
}

void ed25519_spki_pem(struct buf *out, const uint8_t pub[static ED25519_KEY_SIZE]) {
  uint8_t der[sizeof spki_prefix + ED25519_KEY_SIZE];
  spki_der(der, pub);
  write_pem(out, "PUBLIC KEY", BYTES(der, sizeof der));
}

/*
 * Encodings of the eight points of small order, sign bit cleared, the non-canonical ones included. Under such a key one
 * signature verifies for many messages, so whoever holds it can disown what was signed: it is no identity.
 */
bool ed25519_public_ok(const uint8_t pub[static ED25519_KEY_SIZE]) {
  static const uint8_t order8[2][32] = {
      {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
       0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
      {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
       0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};
  uint8_t y[ED25519_KEY_SIZE];
  memcpy(y, pub, sizeof y);
  y[31] &= 0x7f;
  if (memcmp(y, order8[0], 32) == 0 || memcmp(y, order8[1], 32) == 0) return false;
  /* y is 0 or 1, or p - 1, p or p + 1 with p = 2^255 - 19. */
  bool zeros = true, ones = y[31] == 0x7f;
  for (size_t i = 1; i < 32; i++) zeros &= y[i] == 0;
  for (size_t i = 1; i < 31; i++) ones &= y[i] == 0xff;
  return !(zeros && y[0] <= 1) && !(ones && y[0] >= 0xec && y[0] <= 0xee);
}

parley_err ed25519_from_spki_pem(uint8_t pub[static ED25519_KEY_SIZE], struct bytes pem, struct errmsg *e) {
  static const char head[] = "-----BEGIN PUBLIC KEY-----\n", tail[] = "\n-----END PUBLIC KEY-----\n";
  enum { HEAD = sizeof head - 1, TAIL = sizeof tail - 1, BODY = 60 };
  uint8_t der[sizeof spki_prefix + ED25519_KEY_SIZE];
  bool ok = pem.n == HEAD + BODY + TAIL && memcmp(pem.p, head, HEAD) == 0 &&
            memcmp(pem.p + HEAD + BODY, tail, TAIL) == 0 &&
            base64_decode_fixed(der, sizeof der, BYTES(pem.p + HEAD, BODY), true) &&
            memcmp(der, spki_prefix, sizeof spki_prefix) == 0;
  if (!ok)
    return err_set(e, PARLEY_EINVAL,
                   "not an Ed25519 public key in PEM form; copy the three lines from "
                   "-----BEGIN PUBLIC KEY----- on unchanged, with the final line break");
  memcpy(pub, der + sizeof spki_prefix, ED25519_KEY_SIZE);
  if (!ed25519_public_ok(pub))
    return err_set(e, PARLEY_EINVAL, "that Ed25519 key is of small order: anybody can sign with it");
  return PARLEY_OK;
}

void ed25519_keyid(char out[static 65], const uint8_t pub[static ED25519_KEY_SIZE]) {
  uint8_t der[sizeof spki_prefix + ED25519_KEY_SIZE], digest[SHA256_SIZE];
  spki_der(der, pub);
  sha256(digest, BYTES(der, sizeof der));
  hex_encode(out, BYTES(digest, sizeof digest));
}
