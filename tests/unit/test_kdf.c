#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "unit/hexbytes.h"

static void test_hmac_rfc4231(void **state) {
  (void)state;
  struct arena a = {0};
  uint8_t long_key[131], out[32];
  memset(long_key, 0xaa, sizeof long_key);
  const struct {
    struct bytes key, msg;
    const char *mac;
  } cases[] = {
      {hexbytes(&a, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), bytes_str("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {bytes_str("Jefe"), bytes_str("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {BYTES(long_key, 20),
       hexbytes(&a,
                "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {hexbytes(&a, "0102030405060708090a0b0c0d0e0f10111213141516171819"),
       hexbytes(&a,
                "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {BYTES(long_key, 131), bytes_str("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {BYTES(long_key, 131),
       bytes_str("This is a test using a larger than block-size key and a larger than block-size data. The key needs "
                 "to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
      {BYTES_NONE, BYTES_NONE, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hmac_sha256(out, cases[i].key, cases[i].msg);
    assert_memory_equal(out, hexbytes(&a, cases[i].mac).p, 32);
  }
  arena_free(&a);
}

static void check_hkdf(struct arena *a, const char *ikm, const char *salt, const char *info, const char *okm) {
  struct bytes want = hexbytes(a, okm);
  uint8_t out[100] = {0};
  assert_true(hkdf_sha256(out, want.n, hexbytes(a, ikm), hexbytes(a, salt), hexbytes(a, info)));
  assert_memory_equal(out, want.p, want.n);
  assert_int_equal(out[want.n], 0);
}

/* RFC 5869 appendix A.1 to A.3. */
static void test_hkdf_rfc5869(void **state) {
  (void)state;
  struct arena a = {0};
  check_hkdf(&a, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
             "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  check_hkdf(
      &a,
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435"
      "363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
      "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495"
      "969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
      "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5"
      "e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f"
      "09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  check_hkdf(&a, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
             "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  arena_free(&a);
}

/* A shorter output is a prefix of a longer one, up to the largest; info may be long; one byte more is refused. */
static void test_hkdf_bounds(void **state) {
  (void)state;
  static uint8_t big[8160], small[8160], info[5000];
  assert_true(hkdf_sha256(big, sizeof big, bytes_str("k"), BYTES_NONE, BYTES(info, sizeof info)));
  for (size_t n = 0; n <= sizeof big; n += 255) {
    assert_true(hkdf_sha256(small, n, bytes_str("k"), BYTES_NONE, BYTES(info, sizeof info)));
    assert_int_equal(memcmp(small, big, n), 0);
  }
  assert_false(hkdf_sha256(big, 8161, bytes_str("k"), BYTES_NONE, BYTES_NONE));
  assert_true(hkdf_sha256(small, 32, BYTES_NONE, BYTES_NONE, BYTES_NONE));
}

/* RFC 7914 section 12, the case with r = 8 and p = 1 that fits a test. */
static void test_scrypt_rfc7914(void **state) {
  (void)state;
  struct arena a = {0};
  uint8_t out[64];
  assert_int_equal(scrypt_derive(out, 64, bytes_str("pleaseletmein"), bytes_str("SodiumChloride"), 14, NULL),
                   PARLEY_OK);
  assert_memory_equal(out,
                      hexbytes(&a, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                                   "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")
                          .p,
                      64);
  arena_free(&a);
}

static void test_scrypt_bounds(void **state) {
  (void)state;
  uint8_t one[32], other[32];
  struct errmsg e = {""};
  assert_int_equal(scrypt_derive(one, 32, bytes_str("p"), bytes_str("s"), 0, &e), PARLEY_ELIMIT);
  assert_int_equal(scrypt_derive(one, 32, bytes_str("p"), bytes_str("s"), 23, &e), PARLEY_ELIMIT);
  assert_int_equal(scrypt_derive(one, 32, bytes_str("p"), bytes_str("s"), 64, &e), PARLEY_ELIMIT);
  assert_non_null(strstr(e.text, "1 to 22"));
  assert_int_equal(scrypt_derive(one, 32, BYTES_NONE, BYTES_NONE, 1, &e), PARLEY_OK);
  assert_int_equal(scrypt_derive(other, 32, BYTES_NONE, BYTES_NONE, 2, &e), PARLEY_OK);
  assert_memory_not_equal(one, other, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hmac_rfc4231),   cmocka_unit_test(test_hkdf_rfc5869),  cmocka_unit_test(test_hkdf_bounds),
      cmocka_unit_test(test_scrypt_rfc7914), cmocka_unit_test(test_scrypt_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
