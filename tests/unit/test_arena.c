#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_aligned_zeroed_apart(void **state) {
  (void)state;
  struct arena a = {0};
  uint8_t *last = NULL;
  size_t last_n = 0;
  for (size_t n = 0; n < 3000; n++) {
    uint8_t *p = arena_alloc(&a, n);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
    if (last != NULL) assert_true(p >= last + last_n || p + n <= last);
    memset(p, 0xa5, n);
    last = p;
    last_n = n;
  }
  assert_int_equal(a.used, 3000 * 2999 / 2);
  arena_free(&a);
  assert_int_equal(a.used, 0);
}

static void test_large_and_after_free(void **state) {
  (void)state;
  struct arena a = {0};
  uint8_t *p = arena_alloc(&a, 5 << 20);
  assert_non_null(p);
  p[(5 << 20) - 1] = 1;
  assert_non_null(arena_alloc(&a, 1));
  arena_free(&a);
  assert_non_null(arena_alloc(&a, 1));
  arena_free(&a);
  arena_free(&a);
}

static void test_impossible_size(void **state) {
  (void)state;
  struct arena a = {0};
  assert_null(arena_alloc(&a, SIZE_MAX));
  assert_null(arena_alloc(&a, SIZE_MAX - 8));
  assert_int_equal(a.used, 0);
  arena_free(&a);
}

static void test_copies(void **state) {
  (void)state;
  struct arena a = {0};
  char source[] = "abc";
  char *s = arena_strdup(&a, source), *c = arena_cstr(&a, BYTES(source, 2));
  struct bytes copy = arena_copy(&a, BYTES(source, 3)), empty = arena_copy(&a, BYTES_NONE);
  source[0] = 'X';
  assert_string_equal(s, "abc");
  assert_string_equal(c, "ab");
  assert_true(bytes_is(copy, "abc"));
  assert_non_null(empty.p); /* NULL would mean out of memory */
  assert_int_equal(empty.n, 0);
  assert_string_equal(arena_fmt(&a, "%s/%d", s, 7), "abc/7");
  assert_string_equal(arena_cstr(&a, BYTES_NONE), "");
  arena_free(&a);
}

static void test_take(void **state) {
  (void)state;
  struct arena a = {0};
  struct buf b = {0};
  buf_str(&b, "taken");
  assert_true(bytes_is(arena_take(&a, &b), "taken"));
  assert_null(b.p);
  b.failed = true;
  assert_null(arena_take(&a, &b).p);
  assert_true(buf_ok(&b));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_aligned_zeroed_apart),
      cmocka_unit_test(test_large_and_after_free),
      cmocka_unit_test(test_impossible_size),
      cmocka_unit_test(test_copies),
      cmocka_unit_test(test_take),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
