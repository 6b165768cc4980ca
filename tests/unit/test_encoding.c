#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"

static bool b64(const char *text, bool pad, const char *want) {
  struct buf out = {0};
  buf_str(&out, "before:");
  bool ok = base64_decode(&out, bytes_str(text), pad);
  if (ok)
    assert_true(bytes_is(BYTES(out.p + 7, out.n - 7), want));
  else
    assert_true(bytes_is(buf_view(&out), "before:")); /* a refusal leaves nothing behind */
  buf_free(&out);
  return ok;
}

/* RFC 4648 section 10. */
static void test_base64_rfc4648(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    struct buf padded = {0}, bare = {0};
    base64_encode(&padded, bytes_str(pairs[i][0]), true);
    base64_encode(&bare, bytes_str(pairs[i][0]), false);
    assert_true(bytes_is(buf_view(&padded), pairs[i][1]));
    assert_int_equal(bare.n, strcspn(pairs[i][1], "="));
    assert_true(b64(pairs[i][1], true, pairs[i][0]));
    const char *text = buf_cstr(&bare);
    assert_true(b64(text, false, pairs[i][0]));
    buf_free(&padded);
    buf_free(&bare);
  }
}

static void test_base64_refused(void **state) {
  (void)state;
  static const char *const padded[] = {
      "Zg",     "Zg=",      "Zh==", "Zm9=",  "=",          "====", "Z===",     "Zg==Zg==", "Zm9v\n", "Zm 9v", "Zm-_",
      "Zm9vZ=", "Zm9v====", "Zg=A", "ZZZZZ", "\xc3\xa4Zg", "Z=g=", "Zm9vZm9=", "Zm9v=",    "==",     "A==="};
  for (size_t i = 0; i < sizeof padded / sizeof padded[0]; i++) assert_false(b64(padded[i], true, ""));
  static const char *const bare[] = {"Zg==", "Zm8=", "Zh", "Zm9", "Z", "Zm9vZ", "Zm9v\n", "Zm9v "};
  for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++) assert_false(b64(bare[i], false, ""));
  assert_false(base64_decode_fixed((uint8_t[4]){0}, 3, BYTES("Zm\0v", 4), true));
}

static void test_base64_fixed(void **state) {
  (void)state;
  uint8_t out[4] = {0, 0, 0, 9};
  assert_true(base64_decode_fixed(out, 3, bytes_str("Zm9v"), true));
  assert_memory_equal(out, "foo\x09", 4);
  assert_false(base64_decode_fixed(out, 2, bytes_str("Zm9v"), true));
  assert_false(base64_decode_fixed(out, 4, bytes_str("Zm9v"), true));
  assert_true(base64_decode_fixed(out, 0, bytes_str(""), true));
  assert_false(base64_decode_fixed(out, 1, bytes_str(""), false));
}

/* One text per byte string: of all two-digit texts exactly 256 are accepted, and each encodes back to itself. */
static void test_base64_canonical(void **state) {
  (void)state;
  int accepted = 0;
  for (int a = 0; a < 256; a++) {
    for (int b = 0; b < 256; b++) {
      const uint8_t text[2] = {(uint8_t)a, (uint8_t)b};
      uint8_t byte;
      if (!base64_decode_fixed(&byte, 1, BYTES(text, 2), false)) continue;
      struct buf back = {0};
      base64_encode(&back, BYTES(&byte, 1), false);
      assert_true(bytes_eq(buf_view(&back), BYTES(text, 2)));
      buf_free(&back);
      accepted++;
    }
  }
  assert_int_equal(accepted, 256);
}

static void test_hex(void **state) {
  (void)state;
  char text[9];
  uint8_t out[4];
  hex_encode(text, BYTES("\x00\x9a\xff\x10", 4));
  assert_string_equal(text, "009aff10");
  assert_true(hex_decode(out, 4, bytes_str("009aff10")));
  assert_memory_equal(out, "\x00\x9a\xff\x10", 4);
  static const char *const bad[] = {"009aFf10", "009aff1", "009aff100", "009aff1g",
                                    "009aff1 ", "",        "0x9aff10",  "009aff1/"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(hex_decode(out, 4, bytes_str(bad[i])));
  assert_false(hex_decode(out, SIZE_MAX / 2 + 1, BYTES_NONE));
}

static void test_decimal(void **state) {
  (void)state;
  uint64_t x = 1;
  assert_true(dec_decode(&x, bytes_str("0")) && x == 0);
  assert_true(dec_decode(&x, bytes_str("9223372036854775807")) && x == INT64_MAX);
  static const char *const bad[] = {"",
                                    "00",
                                    "01",
                                    "+1",
                                    "-1",
                                    " 1",
                                    "1 ",
                                    "1a",
                                    "9223372036854775808",
                                    "18446744073709551616",
                                    "9999999999999999999",
                                    "99999999999999999999",
                                    "0x1",
                                    "1.0"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    x = 42;
    assert_false(dec_decode(&x, bytes_str(bad[i])));
    assert_true(x == 42);
  }
  assert_false(dec_decode(&x, BYTES("1\0", 2)));
}

static void test_utf8(void **state) {
  (void)state;
  static const char *const good[] = {"",
                                     "abc",
                                     "\x7f",
                                     "\xc2\x80",
                                     "\xdf\xbf",
                                     "\xe0\xa0\x80",
                                     "\xed\x9f\xbf",
                                     "\xee\x80\x80",
                                     "\xef\xbf\xbf",
                                     "\xf0\x90\x80\x80",
                                     "\xf4\x8f\xbf\xbf"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) assert_true(utf8_valid(bytes_str(good[i])));
  static const char *const bad[] = {"\x80",
                                    "\xbf",
                                    "\xc0\x80",
                                    "\xc1\xbf",
                                    "\xc2",
                                    ("\xc2"
                                     "a"),
                                    "\xe0\x9f\xbf",
                                    "\xed\xa0\x80",
                                    "\xed\xbf\xbf",
                                    "\xe2\x82",
                                    "\xf0\x8f\xbf\xbf",
                                    "\xf4\x90\x80\x80",
                                    "\xf5\x80\x80\x80",
                                    "\xfe",
                                    "\xff",
                                    "a\xf0\x90\x80",
                                    "\xc2\xc2\x80",
                                    "\xf8\x88\x80\x80\x80"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(utf8_valid(bytes_str(bad[i])));
  assert_true(utf8_valid(BYTES("a\0b", 3)));
  assert_false(utf8_valid(BYTES("\xe2\x82\xac", 2))); /* cut by the length, not by a NUL */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_base64_rfc4648),
      cmocka_unit_test(test_base64_refused),
      cmocka_unit_test(test_base64_fixed),
      cmocka_unit_test(test_base64_canonical),
      cmocka_unit_test(test_hex),
      cmocka_unit_test(test_decimal),
      cmocka_unit_test(test_utf8),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
