/*
 * What the line-based formats share: numbers after a word, and foreign text in messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "formats/text.h"

static void assert_shown(struct bytes in, const char *want) {
  char out[TEXT_SHOW_SIZE];
  memset(out, 'x', sizeof out);
  assert_string_equal(text_show(out, in), want);
}

/* Nothing that a peer sends can break a line of a log or a terminal. */
static void test_shown_text(void **state) {
  (void)state;
  assert_shown(BYTES_NONE, "");
  assert_shown(bytes_str("plain"), "plain");
  assert_shown(bytes_str("\u00e9\u4e2d"), "\u00e9\u4e2d");
  assert_shown(bytes_str("a\nb\x1b[31m\x7f"), "a?b?[31m?");
  assert_shown(bytes_str("\xff\xc3 \u00e9"), "?? ??"); /* not UTF-8: no byte of it is */
  assert_shown(BYTES("a\0b", 3), "a?b");
  char longest[66];
  memset(longest, 'y', sizeof longest);
  char want[68];
  memset(want, 'y', 64);
  want[64] = '\0';
  assert_shown(BYTES(longest, 64), want);
  memcpy(want + 64, "...", 4);
  assert_shown(BYTES(longest, 65), want);
  memcpy(longest + 63, "\u00e9", 2); /* a cut character is not shown in halves */
  want[63] = '?';
  assert_shown(BYTES(longest, 66), want);
}

static void test_number_after_a_word(void **state) {
  (void)state;
  uint64_t x = 0;
  assert_true(text_number(&x, bytes_str("old 70000"), "old"));
  assert_true(x == 70000);
  static const char *const bad[] = {"", "old", "old ", "old  1", "old\t1", "olds 1", "Old 1", "old 01", "old 1 "};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(text_number(&x, bytes_str(bad[i]), "old"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shown_text), cmocka_unit_test(test_number_after_a_word)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
