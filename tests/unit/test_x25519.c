#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "unit/hexbytes.h"

static void check(struct arena *a, const char *scalar, const char *point, const char *want) {
  uint8_t out[32];
  assert_true(x25519(out, hexbytes(a, scalar).p, hexbytes(a, point).p));
  assert_memory_equal(out, hexbytes(a, want).p, 32);
}

/* RFC 7748 section 5.2; the second point has its unused top bit set. */
static void test_rfc7748_single(void **state) {
  (void)state;
  struct arena a = {0};
  check(&a, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  check(&a, "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
  arena_free(&a);
}

static void test_rfc7748_iterated(void **state) {
  (void)state;
  struct arena a = {0};
  uint8_t k[32] = {9}, u[32] = {9}, next[32];
  for (int i = 0; i < 1000; i++) {
    assert_true(x25519(next, k, u));
    memcpy(u, k, 32);
    memcpy(k, next, 32);
    if (i == 0)
      assert_memory_equal(k, hexbytes(&a, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079").p, 32);
  }
  assert_memory_equal(k, hexbytes(&a, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51").p, 32);
  arena_free(&a);
}

/* RFC 7748 section 6.1. */
static void test_diffie_hellman(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes alice = hexbytes(&a, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  struct bytes bob = hexbytes(&a, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  struct bytes shared = hexbytes(&a, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  uint8_t alice_pub[32], bob_pub[32], out[32];
  assert_true(x25519_base(alice_pub, alice.p));
  assert_true(x25519_base(bob_pub, bob.p));
  assert_memory_equal(alice_pub, hexbytes(&a, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a").p,
                      32);
  assert_memory_equal(bob_pub, hexbytes(&a, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f").p, 32);
  assert_true(x25519(out, alice.p, bob_pub));
  assert_memory_equal(out, shared.p, 32);
  assert_true(x25519(out, bob.p, alice_pub));
  assert_memory_equal(out, shared.p, 32);
  arena_free(&a);
}

/* The points of order 1, 2, 4 and 8, and their encodings over the prime: the result is all zero and is refused. */
static void test_small_order_refused(void **state) {
  (void)state;
  struct arena a = {0};
  static const char *const points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000080",
  };
  static const uint8_t zeroes[32];
  for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
    uint8_t out[32], scalar[32];
    memset(out, 0x55, 32);
    memset(scalar, 0x42, 32);
    assert_false(x25519(out, scalar, hexbytes(&a, points[i]).p));
    assert_memory_equal(out, zeroes, 32);
  }
  arena_free(&a);
}

static void test_random_and_compare(void **state) {
  (void)state;
  static uint8_t one[200000], other[200000];
  assert_true(random_bytes(one, sizeof one));
  assert_true(random_bytes(other, sizeof other));
  assert_memory_not_equal(one, other, 32);
  assert_memory_not_equal(one + sizeof one - 32, other + sizeof other - 32, 32); /* the last piece too */
  assert_true(random_bytes(NULL, 0));
  assert_true(secret_eq(one, one, sizeof one));
  memcpy(other, one, sizeof one);
  other[sizeof other - 1] ^= 1;
  assert_false(secret_eq(one, other, sizeof one));
  assert_true(secret_eq(one, other, sizeof one - 1));
  assert_true(secret_eq(NULL, NULL, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rfc7748_single),     cmocka_unit_test(test_rfc7748_iterated),
      cmocka_unit_test(test_diffie_hellman),     cmocka_unit_test(test_small_order_refused),
      cmocka_unit_test(test_random_and_compare),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
