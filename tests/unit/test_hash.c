#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/encoding.h"
#include "crypto/crypto.h"

static void check(struct bytes in, const char *hex) {
  uint8_t out[SHA256_SIZE];
  char text[65];
  sha256(out, in);
  hex_encode(text, BYTES(out, sizeof out));
  assert_string_equal(text, hex);
}

/* FIPS 180-4 examples. */
static void test_known(void **state) {
  (void)state;
  check(BYTES_NONE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  check(bytes_str("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  check(bytes_str("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  char *million = malloc(1000000);
  assert_non_null(million);
  memset(million, 'a', 1000000);
  check(BYTES(million, 1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  free(million);
}

/* However a message is cut, the digest is the same, and calls do not influence one another. */
static void test_parts_and_stream_agree(void **state) {
  (void)state;
  uint8_t data[200], whole[32], parts[32], stream[32];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 31);
  struct sha256_ctx *c = sha256_new();
  assert_non_null(c);
  sha256(whole, BYTES(data, sizeof data));
  for (size_t cut = 0; cut <= sizeof data; cut++) {
    const struct bytes three[] = {BYTES(data, cut), BYTES_NONE, BYTES(data + cut, sizeof data - cut)};
    sha256v(parts, three, 3);
    assert_memory_equal(parts, whole, 32);
  }
  for (size_t i = 0; i < sizeof data; i++) {
    sha256_update(c, BYTES(data + i, 1));
    sha256(parts, BYTES(data, i)); /* another message in between */
  }
  sha256_final(c, stream);
  assert_memory_equal(stream, whole, 32);
  sha256_free(c);
  sha256_free(NULL);
}

static void test_output_may_be_the_input(void **state) {
  (void)state;
  uint8_t chain[32] = {0}, want[32], in[32] = {0};
  sha256(want, BYTES(in, 32));
  sha256(chain, BYTES(chain, 32));
  assert_memory_equal(chain, want, 32);
}

static void *hash_in_thread(void *arg) {
  uint8_t out[32] = {0};
  for (int i = 0; i < 1000; i++) sha256(out, BYTES(out, 32));
  memcpy(arg, out, 32);
  return NULL;
}

static void test_threads(void **state) {
  (void)state;
  pthread_t threads[8];
  uint8_t out[8][32], want[32];
  hash_in_thread(want);
  for (size_t i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, hash_in_thread, out[i]), 0);
  for (size_t i = 0; i < 8; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  for (size_t i = 0; i < 8; i++) assert_memory_equal(out[i], want, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known),
      cmocka_unit_test(test_parts_and_stream_agree),
      cmocka_unit_test(test_output_may_be_the_input),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
