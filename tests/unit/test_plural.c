#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/plural.h"

/* The forms that the numbers take, as one digit each. */
static void forms(const char *expression, const unsigned long *n, const char *want) {
  for (size_t i = 0; want[i] != '\0'; i++) assert_int_equal(plural_form(expression, n[i]), want[i] - '0');
}

static void test_languages(void **state) {
  (void)state;
  static const unsigned long n[] = {0, 1, 2, 4, 5, 10, 11, 12, 14, 20, 21, 22, 100, 101, 102, 111, 112, 121};
  forms("n!=1;", n, "1011111111111111");
  forms("n>1", n, "001111111111111111");
  forms("0;\n", n, "000000000000000000");
  forms("(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);", n,
        "201122222201201220"); /* Russian */
  forms("n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;", n,
        "012333444444555444"); /* Arabic */
}

static void test_operators(void **state) {
  (void)state;
  assert_int_equal(plural_form("1+2*3", 0), 7);
  assert_int_equal(plural_form("(1+2)*3", 0), 9);
  assert_int_equal(plural_form("10-4-3", 0), 3);
  assert_int_equal(plural_form("17 / 5 % 2", 0), 1);
  assert_int_equal(plural_form("n/0", 5), 0);
  assert_int_equal(plural_form("n%0", 5), 0);
  assert_int_equal(plural_form("!n", 0), 1);
  assert_int_equal(plural_form("!!n+1", 7), 2);
  assert_int_equal(plural_form("1 || 0 && 0", 0), 1);
  assert_int_equal(plural_form("2<=n && n>=2 && n<3 && 3>n", 2), 1);
  assert_int_equal(plural_form("0 ? 5 : 1 ? 6 : 7", 0), 6);
}

/* What is no expression counts as English. */
static void bad(const char *expression) {
  assert_int_equal(plural_form(expression, 1), 0);
  assert_int_equal(plural_form(expression, 2), 1);
}

static void test_bad(void **state) {
  (void)state;
  static const char *const all[] = {"",      ";",        "EXPRESSION;", "n+",  "+n",  "(n",    "n)",
                                    "n ? 3", "n ? 3 : ", "n ? : 4",     "3 4", "n=3", "n & 1", "-n",
                                    "!",     "n 5",      "((",          "m",   "0x10"};
  char deep[400];
  bad(NULL);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) bad(all[i]);
  memset(deep, '(', sizeof deep);
  strcpy(deep + 200, "7");
  bad(deep);
  memset(deep, '!', 200);
  bad(deep);
  for (size_t i = 0; i < 100; i++) memcpy(deep + 3 * i, "1?2", 3);
  strcpy(deep + 300, ":3");
  bad(deep);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_languages),
      cmocka_unit_test(test_operators),
      cmocka_unit_test(test_bad),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
