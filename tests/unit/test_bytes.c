#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_compare(void **state) {
  (void)state;
  assert_true(bytes_eq(BYTES_NONE, bytes_str("")));
  assert_true(bytes_is(BYTES("a\0b", 1), "a"));
  assert_false(bytes_is(BYTES("a\0b", 3), "a"));
  assert_false(bytes_eq(bytes_str("ab"), bytes_str("ac")));
}

static void test_find(void **state) {
  (void)state;
  struct bytes b = bytes_str("a,b,c");
  assert_int_equal(bytes_find(b, 0, ','), 1);
  assert_int_equal(bytes_find(b, 1, ','), 1);
  assert_int_equal(bytes_find(b, 2, ','), 3);
  assert_true(bytes_find(b, 4, ',') == (size_t)-1);
  assert_true(bytes_find(b, 5, 'c') == (size_t)-1);
  assert_true(bytes_find(b, 99, 'a') == (size_t)-1);
  assert_true(bytes_find(BYTES_NONE, 0, 0) == (size_t)-1);
}

static void test_lines(void **state) {
  (void)state;
  struct bytes rest = bytes_str("one\n\nthree"), line;
  assert_true(bytes_line(&rest, &line));
  assert_true(bytes_is(line, "one"));
  assert_true(bytes_line(&rest, &line));
  assert_int_equal(line.n, 0);
  assert_false(bytes_line(&rest, &line));
  assert_true(bytes_is(rest, "three"));
}

static void test_append(void **state) {
  (void)state;
  struct buf b = {0};
  buf_str(&b, "n=");
  buf_dec(&b, 0);
  buf_u8(&b, ' ');
  buf_dec(&b, UINT64_MAX);
  buf_fmt(&b, " %s-%d", "x", -1);
  buf_bytes(&b, BYTES_NONE);
  assert_true(bytes_is(buf_view(&b), "n=0 18446744073709551615 x--1"));
  assert_string_equal(buf_cstr(&b), "n=0 18446744073709551615 x--1");
  assert_int_equal(b.n, strlen((char *)b.p));
  buf_free(&b);
  assert_null(b.p);
}

static void test_big_endian(void **state) {
  (void)state;
  struct buf b = {0};
  buf_u16be(&b, 0x1234);
  buf_u64be(&b, UINT64_C(0x0102030405060708));
  assert_memory_equal(b.p, "\x12\x34\1\2\3\4\5\6\7\10", 10);
  assert_int_equal(u16be(b.p), 0x1234);
  assert_true(u64be(b.p + 2) == UINT64_C(0x0102030405060708));
  buf_free(&b);
  const uint8_t ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};
  assert_int_equal(u16be(ones), 0xffff);
  assert_true(u64be(ones) == UINT64_MAX);
}

static void test_growth_keeps_content(void **state) {
  (void)state;
  struct buf b = {0};
  for (unsigned i = 0; i < 100000; i++) buf_u8(&b, (uint8_t)(i * 7));
  assert_true(buf_ok(&b));
  assert_int_equal(b.n, 100000);
  for (unsigned i = 0; i < 100000; i++) assert_int_equal(b.p[i], (uint8_t)(i * 7));
  buf_free(&b);
}

static void test_drop_and_clear(void **state) {
  (void)state;
  struct buf b = {0};
  buf_drop(&b, 3);
  buf_str(&b, "abcdef");
  buf_drop(&b, 2);
  assert_true(bytes_is(buf_view(&b), "cdef"));
  buf_drop(&b, 0);
  buf_drop(&b, 9);
  assert_int_equal(b.n, 0);
  buf_str(&b, "x");
  size_t cap = b.cap;
  buf_clear(&b);
  assert_int_equal(b.n, 0);
  assert_int_equal(b.cap, cap);
  buf_free(&b);
}

/* Failure sticks: what was appended before stays, nothing later gets in. */
static void test_failure_is_sticky(void **state) {
  (void)state;
  struct buf b = {0};
  buf_str(&b, "kept");
  buf_add(&b, "x", SIZE_MAX - 1); /* refused before anything is read */
  assert_false(buf_ok(&b));
  buf_str(&b, "lost");
  buf_fmt(&b, "%d", 1);
  assert_true(bytes_is(buf_view(&b), "kept"));
  assert_null(buf_cstr(&b));
  buf_free(&b);
  assert_true(buf_ok(&b));
}

static void test_wipe(void **state) {
  (void)state;
  char secret[8] = "secret";
  wipe(secret, sizeof secret);
  assert_memory_equal(secret, "\0\0\0\0\0\0\0\0", 8);
  wipe(NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_compare),        cmocka_unit_test(test_find),
      cmocka_unit_test(test_lines),          cmocka_unit_test(test_append),
      cmocka_unit_test(test_big_endian),     cmocka_unit_test(test_growth_keeps_content),
      cmocka_unit_test(test_drop_and_clear), cmocka_unit_test(test_failure_is_sticky),
      cmocka_unit_test(test_wipe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
