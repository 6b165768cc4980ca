#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/catalogue.h"

/* ---- a writer of small catalogues ---- */

struct message {
  const char *id, *text;
  size_t n_id, n_text;
};
#define MESSAGE(id, text)                                                                                              \
  { id, text, sizeof(id) - 1, sizeof(text) - 1 }

static const struct message messages[] = {
    MESSAGE("", "Content-Type: text/plain; charset=UTF-8\n"
                "Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || "
                "n%100>14) ? 1 : 2);\n"),
    MESSAGE("%d day\0%d days", "%d день\0%d дня\0%d дней"),
    MESSAGE("%d hour\0%d hours", "%d час"), /* fewer forms than promised */
    MESSAGE("empty", ""),
    MESSAGE("never", "ни разу"),
};
#define N (sizeof messages / sizeof *messages)

static uint8_t file[2048];
static size_t file_n;
static bool big;

static void put_u32(size_t at, size_t x) {
  for (size_t i = 0; i < 4; i++) file[at + i] = (uint8_t)(x >> 8 * (big ? 3 - i : i));
}

static void put_string(size_t table, size_t i, const char *s, size_t n) {
  put_u32(table + 8 * i, n);
  put_u32(table + 8 * i + 4, file_n);
  memcpy(file + file_n, s, n);
  file[file_n + n] = '\0';
  file_n += n + 1;
}

#define ORIGINALS 28
#define TRANSLATIONS (ORIGINALS + 8 * N)

static struct bytes make(bool big_endian) {
  memset(file, 0, sizeof file);
  big = big_endian;
  file_n = TRANSLATIONS + 8 * N;
  put_u32(0, 0x950412de);
  put_u32(8, N);
  put_u32(12, ORIGINALS);
  put_u32(16, TRANSLATIONS);
  for (size_t i = 0; i < N; i++) {
    put_string(ORIGINALS, i, messages[i].id, messages[i].n_id);
    put_string(TRANSLATIONS, i, messages[i].text, messages[i].n_text);
  }
  return BYTES(file, file_n);
}

/* ---- tests ---- */

static void test_find(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct catalogue c;
    assert_true(catalogue_open(&c, make(i == 1)));
    assert_string_equal(catalogue_find(&c, "never"), "ни разу");
    assert_null(catalogue_find(&c, "nevermore"));
    assert_null(catalogue_find(&c, "a"));
    assert_null(catalogue_find(&c, "z"));
    assert_null(catalogue_find(&c, "empty")); /* not translated yet */
    assert_string_equal(catalogue_find_n(&c, "%d day", 1), "%d день");
    assert_string_equal(catalogue_find_n(&c, "%d day", 2), "%d дня");
    assert_string_equal(catalogue_find_n(&c, "%d day", 11), "%d дней");
    assert_string_equal(catalogue_find_n(&c, "%d day", 21), "%d день");
    assert_string_equal(catalogue_find_n(&c, "%d hour", 5), "%d час");
    assert_null(catalogue_find_n(&c, "%d week", 5));
  }
}

static void test_none(void **state) {
  (void)state;
  const struct catalogue c = {0};
  assert_null(catalogue_find(&c, "never"));
  assert_null(catalogue_find_n(&c, "%d day", 1));
}

/* Opens what is in `file`, in a block of exactly n bytes so that a sanitizer sees every byte read beyond. */
static bool opens(size_t n) {
  uint8_t *exact = malloc(n > 0 ? n : 1);
  struct catalogue c;
  assert_non_null(exact);
  memcpy(exact, file, n);
  const bool ok = catalogue_open(&c, BYTES(exact, n));
  if (ok) {
    catalogue_find(&c, "never");
    catalogue_find_n(&c, "%d day", 7);
  }
  free(exact);
  return ok;
}

static void test_cut(void **state) {
  (void)state;
  const size_t n = make(false).n;
  for (size_t i = 0; i < n; i++) assert_false(opens(i));
  assert_true(opens(n));
}

/* Every byte of the numbers takes every extreme: refused or harmless. */
static void test_altered(void **state) {
  (void)state;
  static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
  for (size_t i = 0; i < TRANSLATIONS + 8 * N; i++)
    for (size_t k = 0; k < sizeof values; k++) {
      const size_t n = make(false).n;
      file[i] = values[k];
      opens(n);
    }
}

static void refuse(size_t at, size_t x) {
  const size_t n = make(false).n;
  put_u32(at, x);
  assert_false(opens(n));
}

static void test_refused(void **state) {
  (void)state;
  refuse(0, 0x950412df);
  refuse(8, 0x20000000); /* 8 times that is 0 in 32 bits */
  refuse(8, 0xffffffff);
  refuse(12, 0xfffffff8);
  refuse(16, make(false).n);
  refuse(ORIGINALS, 0xffffffff);
  refuse(ORIGINALS + 4, 0xffffffff);
  refuse(TRANSLATIONS + 8, make(false).n);
  refuse(TRANSLATIONS + 8, 3); /* no NUL behind it */
  struct catalogue c;
  assert_false(catalogue_open(&c, BYTES_NONE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_find),    cmocka_unit_test(test_none),    cmocka_unit_test(test_cut),
      cmocka_unit_test(test_altered), cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
