#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

static const struct option options[] = {
    {"out", "DIR", "", false}, {"attach", "FILE", "", true},   {"to", "PARTY", "", true},
    {"sent", NULL, "", false}, {"wait", "SECONDS", "", false}, {NULL, NULL, NULL, false},
};
static const struct verb one = {.name = "test", .usage = "KIND", .options = options, .min_args = 1, .max_args = 1};

static struct arena arena;
static struct errmsg e;

static int tear_down(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

/* Words after the verb, NULL at the end. */
static parley_err parse(struct args *a, const char *const words[]) {
  int n = 0;
  while (words[n] != NULL) n++;
  return args_parse(a, &arena, &one, n, (char **)(uintptr_t)words, &e);
}
#define PARSE(a, ...) parse(a, (const char *const[]){__VA_ARGS__, NULL})

static void refused(const char *message, const char *const words[]) {
  struct args a;
  assert_int_equal(parse(&a, words), PARLEY_EINVAL);
  if (strstr(e.text, message) == NULL) fail_msg("\"%s\" does not say \"%s\"", e.text, message);
}
#define REFUSED(message, ...) refused(message, (const char *const[]){__VA_ARGS__, NULL})

static void test_places(void **state) {
  struct args a;
  (void)state;
  assert_int_equal(PARSE(&a, "--out", "x", "kind"), PARLEY_OK);
  assert_int_equal(a.n_arg, 1);
  assert_string_equal(a.arg[0], "kind");
  assert_string_equal(args_value(&a, "out"), "x");
  assert_int_equal(PARSE(&a, "kind", "--sent", "--out=x=y", "--json"), PARLEY_OK);
  assert_string_equal(args_value(&a, "out"), "x=y");
  assert_true(args_flag(&a, "sent"));
  assert_true(a.json);
  assert_int_equal(PARSE(&a, "kind", "--out", "-"), PARLEY_OK); /* a single hyphen is a value */
  assert_string_equal(args_value(&a, "out"), "-");
  assert_int_equal(PARSE(&a, "--", "--out"), PARLEY_OK);
  assert_string_equal(a.arg[0], "--out");
  assert_null(args_value(&a, "out"));
  assert_false(args_flag(&a, "sent"));
}

static void test_lists(void **state) {
  struct args a;
  (void)state;
  assert_int_equal(PARSE(&a, "kind", "--attach", "1", "2", "--to", "a", "--attach", "3"), PARLEY_OK);
  assert_string_equal(a.arg[0], "kind");
  assert_int_equal(a.n_arg, 1);
  assert_string_equal(args_nth(&a, "attach", 0), "1");
  assert_non_null(args_nth(&a, "attach", 2));
  assert_null(args_nth(&a, "attach", 3));
  assert_string_equal(args_nth(&a, "to", 0), "a");
  /* The argument itself may come last: only what is too many belongs to the list. */
  assert_int_equal(PARSE(&a, "--attach", "1", "2", "kind"), PARLEY_OK);
  assert_string_equal(a.arg[0], "kind");
  assert_string_equal(args_nth(&a, "attach", 1), "2");
  /* A single value takes no second one, and after "--" everything is an argument. */
  REFUSED("one argument too many", "kind", "--out", "x", "y");
  REFUSED("one argument too many", "kind", "--attach", "1", "--sent", "2");
  REFUSED("one argument too many", "kind", "--attach", "1", "--", "2");
}

static void test_wrong(void **state) {
  (void)state;
  REFUSED("did you mean --attach?", "kind", "--atach", "x");
  REFUSED("did you mean --wait?", "kind", "--wai=3");
  REFUSED("did you mean --json?", "kind", "--jsno");
  REFUSED("there is no option --zzzzzz", "kind", "--zzzzzz");
  REFUSED("there is no option -o", "kind", "-o", "x");
  REFUSED("--out needs a value: --out DIR", "kind", "--out");
  REFUSED("--out needs a value", "kind", "--out", "--sent");
  REFUSED("--sent takes no value", "kind", "--sent=1");
  REFUSED("--out stands twice", "kind", "--out", "a", "--out", "b");
  REFUSED("something is missing", "--sent");
  REFUSED("\"y\" is one argument too many", "x", "y");
}

static void test_help_needs_nothing(void **state) {
  struct args a;
  (void)state;
  assert_int_equal(PARSE(&a, "--help"), PARLEY_OK);
  assert_true(a.help);
  assert_int_equal(PARSE(&a, "-h"), PARLEY_OK);
  assert_true(a.help);
}

static void test_numbers(void **state) {
  struct args a;
  int64_t x = 30;
  (void)state;
  assert_int_equal(PARSE(&a, "kind"), PARLEY_OK);
  assert_int_equal(args_number(&x, &a, "wait", 0, 100, &e), PARLEY_OK);
  assert_int_equal(x, 30);
  assert_int_equal(PARSE(&a, "kind", "--wait", "0"), PARLEY_OK);
  assert_int_equal(args_number(&x, &a, "wait", 0, 100, &e), PARLEY_OK);
  assert_int_equal(x, 0);
  const char *const wrong[] = {"101", "1s", "", "+1", "01", "99999999999999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const char *const words[] = {"kind", "--wait", wrong[i], NULL};
    assert_int_equal(parse(&a, words), PARLEY_OK);
    assert_int_equal(args_number(&x, &a, "wait", 0, 100, &e), PARLEY_EINVAL);
    assert_non_null(strstr(e.text, "--wait"));
    assert_int_equal(x, 0);
  }
}

static void test_nearest(void **state) {
  const char *const words[] = {"FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"};
  (void)state;
  assert_string_equal(nearest_word("FLSH", words, 4), "FLASH");
  assert_string_equal(nearest_word("IMM", words, 4), "IMMEDIATE"); /* the beginning of it */
  assert_string_equal(nearest_word("ROUTNIE", words, 4), "ROUTINE");
  assert_null(nearest_word("urgent", words, 4));
  assert_null(nearest_word("", words, 4));
  char longer[200];
  memset(longer, 'F', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  assert_null(nearest_word(longer, words, 4));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_places, tear_down),  cmocka_unit_test_teardown(test_lists, tear_down),
      cmocka_unit_test_teardown(test_wrong, tear_down),   cmocka_unit_test_teardown(test_help_needs_nothing, tear_down),
      cmocka_unit_test_teardown(test_numbers, tear_down), cmocka_unit_test(test_nearest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
