#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/time.h"

static void check(int64_t seconds, const char *text) {
  char out[TIME_TEXT_SIZE];
  int64_t back = -1;
  time_format(out, seconds);
  assert_string_equal(out, text);
  assert_true(time_parse(&back, bytes_str(text)));
  assert_true(back == seconds);
}

static void test_known(void **state) {
  (void)state;
  check(0, "1970-01-01T00:00:00Z");
  check(951782399, "2000-02-28T23:59:59Z");
  check(951782400, "2000-02-29T00:00:00Z");
  check(1620381600, "2021-05-07T10:00:00Z");
  check(4107542399, "2100-02-28T23:59:59Z");
  check(4107542400, "2100-03-01T00:00:00Z"); /* 2100 is no leap year */
  check(INT64_C(253402300799), "9999-12-31T23:59:59Z");
}

static void test_against_libc(void **state) {
  (void)state;
  for (int64_t t = 0; t <= INT64_C(253402300799); t += 86399 * 97 + 1) {
    char ours[TIME_TEXT_SIZE], theirs[64];
    struct tm tm;
    time_t seconds = (time_t)t;
    assert_non_null(gmtime_r(&seconds, &tm));
    strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%SZ", &tm);
    time_format(ours, t);
    assert_string_equal(ours, theirs);
    int64_t back;
    assert_true(time_parse(&back, bytes_str(ours)));
    assert_true(back == t);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "2021-05-07T10:00:00",
      "2021-05-07T10:00:00z",
      "2021-05-07t10:00:00Z",
      "2021-05-07 10:00:00Z",
      "2021-05-07T10:00:00.0Z",
      "2021-05-07T10:00:60Z",
      "2021-05-07T24:00:00Z",
      "2021-05-07T10:60:00Z",
      "2021-02-29T10:00:00Z",
      "2100-02-29T10:00:00Z",
      "2021-13-01T10:00:00Z",
      "2021-00-01T10:00:00Z",
      "2021-04-31T10:00:00Z",
      "2021-01-00T10:00:00Z",
      "1969-12-31T23:59:59Z",
      "2021-05-07T10:00:00+00:00",
      "2021-05-07T10:00:-1Z",
      "2021-05-07T1 :00:00Z",
      "+021-05-07T10:00:00Z",
      "2021-5-007T10:00:00Z",
      "0000-01-01T00:00:00Z",
  };
  int64_t t = 42;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(time_parse(&t, bytes_str(bad[i])));
  assert_true(t == 42);
}

static void test_out_of_range_is_clamped(void **state) {
  (void)state;
  char out[TIME_TEXT_SIZE];
  time_format(out, INT64_MIN);
  assert_string_equal(out, "1970-01-01T00:00:00Z");
  time_format(out, INT64_MAX);
  assert_string_equal(out, "9999-12-31T23:59:59Z");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known),
      cmocka_unit_test(test_against_libc),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_out_of_range_is_clamped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
