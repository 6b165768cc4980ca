#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"

/* The example pair of C2SP age.md. */
#define RECIPIENT "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
#define IDENTITY "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"

static void test_age_example(void **state) {
  (void)state;
  uint8_t secret[32], pub[32];
  struct buf text = {0};
  assert_true(bech32_decode(secret, 32, "age-secret-key-", bytes_str(IDENTITY)));
  for (size_t i = 0; i < 32; i++) assert_int_equal(secret[i], 0x42);
  assert_true(bech32_encode(&text, "age-secret-key-", BYTES(secret, 32), true));
  assert_true(bytes_is(buf_view(&text), IDENTITY));
  buf_clear(&text);
  assert_true(bech32_decode(pub, 32, "age", bytes_str(RECIPIENT)));
  assert_true(bech32_encode(&text, "age", BYTES(pub, 32), false));
  assert_true(bytes_is(buf_view(&text), RECIPIENT));
  buf_free(&text);
}

/* BIP 173, test vectors with whole bytes: empty data, and all values of five bits (20 bytes). */
static void test_bip173_valid(void **state) {
  (void)state;
  uint8_t out[64];
  assert_true(bech32_decode(out, 0, "a", bytes_str("A12UEL5L")));
  assert_true(bech32_decode(out, 0, "a", bytes_str("a12uel5l")));
  assert_true(
      bech32_decode(out, 0, "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio",
                    bytes_str("an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio"
                              "1tt5tgs")));
  assert_true(bech32_decode(out, 20, "abcdef", bytes_str("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw")));
  static const uint8_t all_values[20] = {0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf,
                                         0x84, 0x65, 0x3a, 0x56, 0xd7, 0xc6, 0x75, 0xbe, 0x77, 0xdf};
  assert_memory_equal(out, all_values, 20);
  assert_true(bech32_decode(out, 0, "?", bytes_str("?1ezyfcl"))); /* a prefix without letters has both cases */
  static const char long_one[] =
      "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j";
  assert_true(bech32_decode(out, 51, "1", bytes_str(long_one)));
  assert_false(bech32_decode(out, 50, "1", bytes_str(long_one)));
}

static bool decodes(const char *text) {
  uint8_t out[32];
  return bech32_decode(out, 32, "age", bytes_str(text));
}

/* BCH detects every single wrong character; here each place and each value is tried. */
static void test_every_single_error_is_found(void **state) {
  (void)state;
  char text[] = RECIPIENT;
  for (size_t i = 0; i < sizeof text - 1; i++) {
    for (int c = 1; c < 256; c++) {
      if ((uint8_t)RECIPIENT[i] == c) continue;
      text[i] = (char)c;
      assert_false(decodes(text));
    }
    text[i] = RECIPIENT[i];
  }
  assert_true(decodes(text));
}

static void test_refused(void **state) {
  (void)state;
  uint8_t out[65];
  assert_false(decodes(""));
  assert_false(decodes("age1"));
  assert_false(decodes(RECIPIENT "q"));
  assert_false(decodes("age" RECIPIENT));
  assert_false(bech32_decode(out, 31, "age", bytes_str(RECIPIENT)));
  assert_false(bech32_decode(out, 33, "age", bytes_str(RECIPIENT)));
  assert_false(bech32_decode(out, 32, "agf", bytes_str(RECIPIENT)));
  assert_false(bech32_decode(out, 32, "AGE", bytes_str(RECIPIENT))); /* the prefix is given in lower case */
  assert_false(bech32_decode(out, 65, "age", bytes_str(RECIPIENT)));
  assert_false(bech32_decode(out, 0, "a", bytes_str("A12uel5l"))); /* mixed case */
  assert_false(bech32_decode(out, 0, "a", bytes_str("a12UEL5L")));
  assert_false(bech32_decode(out, 0, "", bytes_str("10a06t8")));
}

/* Texts with a right checksum over padding bits that are not zero. */
static void test_padding_bits(void **state) {
  (void)state;
  uint8_t out[1];
  struct buf text = {0};
  assert_true(bech32_encode(&text, "a", BYTES("\xff", 1), false));
  assert_true(bech32_decode(out, 1, "a", buf_view(&text)));
  int accepted = 0;
  /* All checksums over "a1l" and one more value: those that pass the checksum must have zero padding. */
  static const char digits[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  for (size_t v = 0; v < 32; v++) {
    struct buf other = {0};
    buf_bytes(&other, buf_view(&text));
    other.p[3] = (uint8_t)digits[v];
    accepted += bech32_decode(out, 1, "a", buf_view(&other)) ? 1 : 0;
    buf_free(&other);
  }
  assert_int_equal(accepted, 1);
  /* Computed with another implementation: value 31, then 29 (padding bit set), with its right checksum. */
  assert_false(bech32_decode(out, 1, "a", bytes_str("a1lacwuu8k")));
  buf_free(&text);
}

static void test_encode_bounds(void **state) {
  (void)state;
  uint8_t data[65] = {0}, back[64];
  struct buf text = {0};
  assert_false(bech32_encode(&text, "a", BYTES(data, 65), false));
  assert_false(bech32_encode(&text, "A", BYTES(data, 1), false));
  assert_false(bech32_encode(&text, "", BYTES(data, 1), false));
  assert_int_equal(text.n, 0);
  for (size_t n = 0; n <= 64; n++) {
    memset(data, (int)(n * 37), n);
    buf_clear(&text);
    assert_true(bech32_encode(&text, "x-1", BYTES(data, n), n % 2 == 0));
    assert_true(bech32_decode(back, n, "x-1", buf_view(&text)));
    for (size_t i = 0; i < n; i++) assert_int_equal(back[i], data[i]);
  }
  buf_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_age_example),
      cmocka_unit_test(test_bip173_valid),
      cmocka_unit_test(test_every_single_error_is_found),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_padding_bits),
      cmocka_unit_test(test_encode_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
