#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "unit/hexbytes.h"

/*
 * Key, nonce, plaintext and ciphertext of RFC 8439 section 2.8.2. The tags are those without associated data, computed
 * from the RFC's definitions by another implementation.
 */
#define KEY "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define NONCE "070000004041424344454647"
#define PLAIN                                                                                                          \
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
#define CIPHER                                                                                                         \
  "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71"               \
  "de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def0"               \
  "8e4b7a9de576d26586cec64b6116"
#define TAG "6a23a4681fd59456aea1d29f82477216"
#define EMPTY_TAG "a0784d7a4716f3feb4f64e7f4b39bf04"

static void test_rfc8439(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes key = hexbytes(&a, KEY), nonce = hexbytes(&a, NONCE), sealed = hexbytes(&a, CIPHER TAG);
  uint8_t out[200], back[200];
  assert_true(aead_seal(out, key.p, nonce.p, bytes_str(PLAIN)));
  assert_memory_equal(out, sealed.p, sealed.n);
  assert_true(aead_open(back, key.p, nonce.p, sealed));
  assert_memory_equal(back, PLAIN, strlen(PLAIN));
  assert_true(aead_seal(out, key.p, nonce.p, BYTES_NONE));
  assert_memory_equal(out, hexbytes(&a, EMPTY_TAG).p, 16);
  assert_true(aead_open(back, key.p, nonce.p, BYTES(out, 16)));
  arena_free(&a);
}

static void test_in_place(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes key = hexbytes(&a, KEY), nonce = hexbytes(&a, NONCE), sealed = hexbytes(&a, CIPHER TAG);
  uint8_t data[200] = PLAIN;
  size_t n = strlen(PLAIN);
  assert_true(aead_seal(data, key.p, nonce.p, BYTES(data, n)));
  assert_memory_equal(data, sealed.p, sealed.n);
  assert_true(aead_open(data, key.p, nonce.p, BYTES(data, n + 16)));
  assert_memory_equal(data, PLAIN, n);
  arena_free(&a);
}

/* Every flipped bit is noticed, and nothing of the false plaintext stays. */
static void test_every_bit_counts(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes sealed = hexbytes(&a, CIPHER TAG);
  uint8_t key[32], nonce[12], bad[200], out[200];
  static const uint8_t zeroes[200];
  memcpy(key, hexbytes(&a, KEY).p, 32);
  memcpy(nonce, hexbytes(&a, NONCE).p, 12);
  memcpy(bad, sealed.p, sealed.n);
  for (size_t bit = 0; bit < sealed.n * 8; bit++) {
    bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
    memset(out, 0x55, sizeof out);
    assert_false(aead_open(out, key, nonce, BYTES(bad, sealed.n)));
    assert_memory_equal(out, zeroes, sealed.n - 16);
    bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  key[31] ^= 1;
  assert_false(aead_open(out, key, nonce, sealed));
  key[31] ^= 1;
  nonce[0] ^= 1;
  assert_false(aead_open(out, key, nonce, sealed));
  nonce[0] ^= 1;
  assert_true(aead_open(out, key, nonce, sealed));
  arena_free(&a);
}

static void test_lengths(void **state) {
  (void)state;
  static const uint8_t key[32], nonce[12];
  static uint8_t data[70000], sealed[70016], back[70000];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 13);
  static const size_t sizes[] = {1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 65535, 65536, 70000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    size_t n = sizes[i];
    assert_true(aead_seal(sealed, key, nonce, BYTES(data, n)));
    assert_true(aead_open(back, key, nonce, BYTES(sealed, n + 16)));
    assert_memory_equal(back, data, n);
    assert_false(aead_open(back, key, nonce, BYTES(sealed, n + 15)));
  }
  for (size_t n = 0; n < 16; n++) assert_false(aead_open(back, key, nonce, BYTES(sealed, n)));
  assert_false(aead_seal(sealed, key, nonce, BYTES(data, SIZE_MAX))); /* refused before anything is read */
  assert_false(aead_open(back, key, nonce, BYTES(sealed, (size_t)1 << 40)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rfc8439),
      cmocka_unit_test(test_in_place),
      cmocka_unit_test(test_every_bit_counts),
      cmocka_unit_test(test_lengths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
