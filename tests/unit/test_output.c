#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/media_type.h"
#include "cli/output.h"

#define BAD "\xef\xbf\xbd"

static struct cli c;

static int tear_down(void **state) {
  (void)state;
  arena_free(&c.arena);
  return 0;
}

static void line(const char *in, const char *want) { assert_string_equal(out_line(&c, in), want); }

static void test_line(void **state) {
  (void)state;
  line("plain", "plain");
  line("два слова, 漢字", "два слова, 漢字");
  line(NULL, "");
  line("one\ntwo\tthree", "one two three");
  line("red \x1b[31m\a\r", "red " BAD "[31m" BAD BAD);
  line("\x7f\xc2\x9b"
       "31m",
       BAD BAD "31m"); /* DEL, and CSI as one character */
  line("a\xe2\x80\xae"
       "b\xe2\x81\xa6"
       "c\xd8\x9c",
       "a" BAD "b" BAD "c" BAD); /* overrides and marks of direction */
  line("a\xe2\x80\xa8"
       "b",
       "a" BAD "b");         /* line separator */
  line("\xff\xc3", BAD BAD); /* not UTF-8, and cut off */
}

static void test_width(void **state) {
  (void)state;
  assert_int_equal(out_width("файл"), 4);
  assert_string_equal(out_cut(&c, "файл.tsv", 8), "файл.tsv");
  assert_string_equal(out_cut(&c, "файл.tsv", 5), "файл…");
  assert_string_equal(out_cut(&c, "файл.tsv", 1), "…");
}

static void test_numbers(void **state) {
  (void)state;
  assert_string_equal(out_size(&c, 0), "0 bytes");
  assert_string_equal(out_size(&c, 999), "999 bytes");
  assert_string_equal(out_size(&c, 1000), "1.0 kB");
  assert_string_equal(out_size(&c, 999949), "999.9 kB");
  assert_string_equal(out_size(&c, 999999), "1.0 MB");
  assert_string_equal(out_size(&c, UINT64_MAX), "18.4 EB");
  assert_string_equal(out_period(&c, 1), "1 second");
  assert_string_equal(out_period(&c, 90), "90 seconds");
  assert_string_equal(out_period(&c, 600), "10 minutes");
  assert_string_equal(out_period(&c, 3600), "1 hour");
  assert_string_equal(out_period(&c, 259200), "3 days");
  assert_string_equal(out_time(&c, 1620381600), "2021-05-07 10:00:00 UTC");
}

/* What f prints to standard output. */
static const char *printed(void (*f)(void)) {
  FILE *tmp = tmpfile();
  assert_non_null(tmp);
  fflush(stdout);
  const int before = dup(STDOUT_FILENO);
  assert_true(before >= 0 && dup2(fileno(tmp), STDOUT_FILENO) >= 0);
  f();
  fflush(stdout);
  dup2(before, STDOUT_FILENO);
  close(before);
  char text[4096];
  rewind(tmp);
  const size_t n = fread(text, 1, sizeof text - 1, tmp);
  text[n] = '\0';
  fclose(tmp);
  return arena_strdup(&c.arena, text);
}

static void print_outside(void) { out_print("from %s\n", "x\x1b[2J"); }
static void print_text(void) {
  char words[200] = "";
  for (int i = 0; i < 19; i++) strcat(words, "word two "); /* 171 bytes */
  out_text(words, 4);
  out_text("first\n\nlast", 2);
}
static void print_long(void) {
  char x[101];
  memset(x, 'x', 100);
  x[100] = '\0';
  out_text(x, 0);
}
static void print_table(void) {
  struct table t = {.columns = 2};
  const char *const cells[] = {"ID", "WHO", "файл", "b", "c", NULL};
  for (size_t i = 0; i < 6; i++) table_add(&t, cells[i]);
  table_print(&c, &t);
}

static void test_print(void **state) {
  (void)state;
  assert_string_equal(printed(print_outside), "from x" BAD "[2J\n");
  const char *text = printed(print_text);
  assert_int_equal(strncmp(text, "    word two", 12), 0);
  assert_non_null(strstr(text, "\n  first\n\n  last\n"));
  for (const char *p = text; *p != '\0'; p = strchr(p, '\n') + 1) assert_true(strcspn(p, "\n") <= 80);
  assert_int_equal(strcspn(printed(print_long), "\n"), 80); /* a word longer than the line is cut, nothing is lost */
  assert_int_equal(strlen(printed(print_long)), 102);
  assert_string_equal(printed(print_table), "ID    WHO\nфайл  b\nc     \n");
}

static void test_media_type(void **state) {
  (void)state;
  assert_string_equal(media_type("flows.tsv"), "text/tab-separated-values");
  assert_string_equal(media_type("A.PDF"), "application/pdf");
  assert_string_equal(media_type("archive.tar.gz"), "application/gzip");
  assert_string_equal(media_type("README"), "application/octet-stream");
  assert_string_equal(media_type("x."), "application/octet-stream");
  assert_string_equal(media_type(""), "application/octet-stream");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_line, tear_down),
      cmocka_unit_test_teardown(test_width, tear_down),
      cmocka_unit_test_teardown(test_numbers, tear_down),
      cmocka_unit_test_teardown(test_print, tear_down),
      cmocka_unit_test(test_media_type),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
