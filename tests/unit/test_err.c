#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void test_set_returns_code(void **state) {
  (void)state;
  struct errmsg e;
  assert_int_equal(err_set(&e, PARLEY_EFULL, "disk %d at %s", 3, "here"), PARLEY_EFULL);
  assert_string_equal(e.text, "disk 3 at here");
  assert_int_equal(err_set(NULL, PARLEY_EIO, "nobody reads %d", 1), PARLEY_EIO);
  assert_int_equal(err_prefix(NULL, PARLEY_EIO, "nobody"), PARLEY_EIO);
}

static void test_own_text_as_argument(void **state) {
  (void)state;
  struct errmsg e;
  err_set(&e, PARLEY_EIO, "inner");
  err_set(&e, PARLEY_EIO, "[%s|%s]", e.text, e.text);
  assert_string_equal(e.text, "[inner|inner]");
}

static void test_prefix(void **state) {
  (void)state;
  struct errmsg e;
  err_set(&e, PARLEY_EINVAL, "too long");
  assert_int_equal(err_prefix(&e, PARLEY_ELIMIT, "card %s", "x"), PARLEY_ELIMIT);
  assert_string_equal(e.text, "card x: too long");
}

static void test_long_text_is_cut(void **state) {
  (void)state;
  struct errmsg e;
  char big[2000];
  memset(big, 'a', sizeof big - 1);
  big[sizeof big - 1] = '\0';
  err_set(&e, PARLEY_EINVAL, "%s", big);
  assert_int_equal(strlen(e.text), sizeof e.text - 1);
  err_prefix(&e, PARLEY_EINVAL, "%s", big);
  assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

/* A cut inside a character must not leave half of it. */
static void test_cut_stays_utf8(void **state) {
  (void)state;
  struct errmsg e;
  char big[700] = "";
  for (int i = 0; i < 200; i++) strcat(big, "\xe2\x82\xac");
  err_set(&e, PARLEY_EINVAL, "ab%s", big); /* 2 + 3 * 169 = 509, two bytes of the next remain */
  assert_int_equal(strlen(e.text), 511);
  assert_string_equal(e.text + 506, "\xe2\x82\xac??");
}

static void test_hostile_text_is_made_printable(void **state) {
  (void)state;
  struct errmsg e;
  err_set(&e, PARLEY_EINVAL, "a%sb", "\x1b[2J\n\r\x7f");
  assert_string_equal(e.text, "a?[2J???b");
  err_set(&e, PARLEY_EINVAL, "%s",
          "\xc2\x9b"
          "31m"); /* C1 control */
  assert_string_equal(e.text, "??31m");
  err_set(&e, PARLEY_EINVAL, "%s", "\xff\xed\xa0\x80\xc3\xa4");
  assert_string_equal(e.text, "????\xc3\xa4");
  err_set(&e, PARLEY_EINVAL, "%s", "\xef\xbf\xbe\xef\xb7\x90\xf4\x8f\xbf\xbf\xef\xbf\xbd"); /* noncharacters; U+FFFD is none */
  assert_string_equal(e.text, "??????????\xef\xbf\xbd");
}

static void test_names(void **state) {
  (void)state;
  for (int i = 0; i <= PARLEY_EEVIDENCE; i++)
    for (int k = 0; k < i; k++) assert_string_not_equal(err_name((parley_err)i), err_name((parley_err)k));
  assert_string_equal(err_name(PARLEY_EVERIFY), "does not verify");
  assert_string_equal(err_name((parley_err)(PARLEY_EEVIDENCE + 1)), "unknown error");
  assert_string_equal(err_name((parley_err)-1), "unknown error");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_set_returns_code),
      cmocka_unit_test(test_own_text_as_argument),
      cmocka_unit_test(test_prefix),
      cmocka_unit_test(test_long_text_is_cut),
      cmocka_unit_test(test_cut_stays_utf8),
      cmocka_unit_test(test_hostile_text_is_made_printable),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
