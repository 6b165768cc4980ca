#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "base/encoding.h"
#include "crypto/crypto.h"
#include "unit/hexbytes.h"

/* RFC 8032 section 7.1, tests 1 to 3. */
static const struct {
  const char *seed, *pub, *msg, *sig;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
     "655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
     "b00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
     "c027beceea1ec40a"},
};

static struct ed25519_key *key_of(struct arena *a, size_t i) {
  struct ed25519_key *k = NULL;
  assert_int_equal(ed25519_from_seed(&k, hexbytes(a, vectors[i].seed).p, NULL), PARLEY_OK);
  return k;
}

static void test_rfc8032(void **state) {
  (void)state;
  struct arena a = {0};
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
    uint8_t sig[64];
    struct ed25519_key *k = key_of(&a, i);
    struct bytes msg = hexbytes(&a, vectors[i].msg), pub = hexbytes(&a, vectors[i].pub);
    assert_memory_equal(ed25519_public(k), pub.p, 32);
    ed25519_sign(sig, k, msg);
    assert_memory_equal(sig, hexbytes(&a, vectors[i].sig).p, 64);
    assert_true(ed25519_verify(pub.p, sig, msg));
    assert_false(ed25519_verify(pub.p, sig, bytes_str("another message")));
    ed25519_free(k);
  }
  ed25519_free(NULL);
  arena_free(&a);
}

static void test_every_bit_counts(void **state) {
  (void)state;
  struct arena a = {0};
  struct ed25519_key *k = key_of(&a, 1);
  uint8_t sig[64], pub[32], msg[20] = "a message";
  memcpy(pub, ed25519_public(k), 32);
  ed25519_sign(sig, k, BYTES(msg, sizeof msg));
  for (size_t bit = 0; bit < 8 * 64; bit++) {
    sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(ed25519_verify(pub, sig, BYTES(msg, sizeof msg)));
    sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t bit = 0; bit < 8 * 32; bit++) {
    pub[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(ed25519_verify(pub, sig, BYTES(msg, sizeof msg)));
    pub[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  assert_false(ed25519_verify(pub, sig, BYTES(msg, sizeof msg - 1)));
  assert_true(ed25519_verify(pub, sig, BYTES(msg, sizeof msg)));
  ed25519_free(k);
  arena_free(&a);
}

/* S + L satisfies the equation too; RFC 8032 section 5.1.7 refuses it, so a signature has one form. */
static void test_scalar_out_of_range(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes order = hexbytes(&a, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  struct ed25519_key *k = key_of(&a, 0);
  uint8_t sig[64];
  ed25519_sign(sig, k, BYTES_NONE);
  unsigned carry = 0;
  for (size_t i = 0; i < 32; i++) {
    carry += (unsigned)sig[32 + i] + order.p[i];
    sig[32 + i] = (uint8_t)carry;
    carry >>= 8;
  }
  assert_int_equal(carry, 0);
  assert_false(ed25519_verify(ed25519_public(k), sig, BYTES_NONE));
  ed25519_free(k);
  arena_free(&a);
}

static struct bytes openssl_pem(struct buf *out, const uint8_t *raw, bool private) {
  EVP_PKEY *pkey = private ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, 32)
                           : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, 32);
  BIO *bio = BIO_new(BIO_s_mem());
  assert_non_null(pkey);
  assert_non_null(bio);
  assert_int_equal(private ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
                           : PEM_write_bio_PUBKEY(bio, pkey),
                   1);
  char *p;
  long n = BIO_get_mem_data(bio, &p);
  buf_add(out, p, (size_t)n);
  BIO_free(bio);
  EVP_PKEY_free(pkey);
  return buf_view(out);
}

static void test_private_pem(void **state) {
  (void)state;
  struct arena a = {0};
  struct ed25519_key *k = key_of(&a, 2), *back = NULL;
  struct buf ours = {0}, theirs = {0};
  assert_int_equal(ed25519_to_pem(&ours, k, NULL), PARLEY_OK);
  assert_true(bytes_eq(buf_view(&ours), openssl_pem(&theirs, hexbytes(&a, vectors[2].seed).p, true)));
  assert_int_equal(ed25519_from_pem(&back, buf_view(&ours), NULL), PARLEY_OK);
  assert_memory_equal(ed25519_public(back), ed25519_public(k), 32);
  ed25519_free(back);
  ed25519_free(k);
  buf_free(&ours);
  buf_free(&theirs);
  arena_free(&a);
}

static void refused_pem(struct bytes pem, parley_err code) {
  struct ed25519_key *k = (struct ed25519_key *)&k;
  struct errmsg e = {""};
  assert_int_equal(ed25519_from_pem(&k, pem, &e), code);
  assert_null(k);
  assert_true(e.text[0] != '\0');
}

/* Encrypted keys are refused without asking the terminal. */
static void test_private_pem_refused(void **state) {
  (void)state;
  static uint8_t big[4097];
  refused_pem(BYTES_NONE, PARLEY_EINVAL);
  refused_pem(bytes_str("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"), PARLEY_EINVAL);
  refused_pem(BYTES(big, 4096), PARLEY_EINVAL);
  refused_pem(BYTES(big, 4097), PARLEY_ELIMIT);
  static const uint8_t raw[32] = {1};
  EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, 32), *other = EVP_EC_gen("P-256");
  BIO *bio = BIO_new(BIO_s_mem());
  char *p, secret[] = "secret";
  assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_128_cbc(), secret, 6, NULL, NULL), 1);
  long n = BIO_get_mem_data(bio, &p);
  refused_pem(BYTES(p, (size_t)n), PARLEY_EINVAL);
  BIO_free(bio);
  bio = BIO_new(BIO_s_mem());
  assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, other, NULL, NULL, 0, NULL, NULL), 1);
  n = BIO_get_mem_data(bio, &p);
  refused_pem(BYTES(p, (size_t)n), PARLEY_EINVAL); /* a key of another kind */
  BIO_free(bio);
  EVP_PKEY_free(pkey);
  EVP_PKEY_free(other);
}

/* Only the one text: no other line ending, no text around it, no other key type. */
static void test_public_pem(void **state) {
  (void)state;
  struct arena a = {0};
  struct buf ours = {0}, theirs = {0};
  struct bytes pub = hexbytes(&a, vectors[0].pub);
  uint8_t back[32];
  ed25519_spki_pem(&ours, pub.p);
  assert_true(bytes_eq(buf_view(&ours), openssl_pem(&theirs, pub.p, false)));
  assert_int_equal(ed25519_from_spki_pem(back, buf_view(&ours), NULL), PARLEY_OK);
  assert_memory_equal(back, pub.p, 32);
  for (size_t n = 0; n < ours.n; n++)
    assert_int_equal(ed25519_from_spki_pem(back, BYTES(ours.p, n), NULL), PARLEY_EINVAL);
  int accepted = 0;
  for (size_t i = 0; i < ours.n; i++) {
    ours.p[i] ^= 0x20;
    accepted += ed25519_from_spki_pem(back, buf_view(&ours), NULL) == PARLEY_OK ? 1 : 0;
    ours.p[i] ^= 0x20;
  }
  assert_true(accepted > 0 && accepted <= 44); /* letters of the other case in the key itself are another key */
  buf_u8(&ours, '\n');
  assert_int_equal(ed25519_from_spki_pem(back, buf_view(&ours), NULL), PARLEY_EINVAL);
  buf_free(&ours);
  buf_free(&theirs);
  arena_free(&a);
}

static void test_keyid(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes pub = hexbytes(&a, vectors[0].pub);
  struct bytes der = hexbytes(&a, arena_fmt(&a, "302a300506032b6570032100%s", vectors[0].pub));
  uint8_t digest[32];
  char id[65], want[65];
  sha256(digest, der);
  hex_encode(want, BYTES(digest, 32));
  ed25519_keyid(id, pub.p);
  assert_string_equal(id, want);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rfc8032),
      cmocka_unit_test(test_every_bit_counts),
      cmocka_unit_test(test_scalar_out_of_range),
      cmocka_unit_test(test_private_pem),
      cmocka_unit_test(test_private_pem_refused),
      cmocka_unit_test(test_public_pem),
      cmocka_unit_test(test_keyid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
