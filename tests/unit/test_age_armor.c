/*
 * ASCII armor: what is written, what is read, and every refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/age.h"
#include "formats/age_armor.h"

#define BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define END "-----END AGE ENCRYPTED FILE-----"
#define FULL "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void test_written_form(void **state) {
  (void)state;
  static const uint8_t zeroes[100];
  static const struct {
    size_t n;
    const char *text;
  } forms[] = {
      {0, BEGIN "\n" END "\n"},
      {1, BEGIN "\nAA==\n" END "\n"},
      {48, BEGIN "\n" FULL "\n" END "\n"},
      {49, BEGIN "\n" FULL "\nAA==\n" END "\n"},
      {96, BEGIN "\n" FULL "\n" FULL "\n" END "\n"},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    struct buf b = {0};
    buf_str(&b, "before");
    assert_int_equal(age_armor_write(&b, BYTES(zeroes, forms[i].n), NULL), PARLEY_OK);
    assert_true(bytes_is(BYTES(b.p + 6, b.n - 6), forms[i].text));
    buf_free(&b);
  }
}

static void test_round_trip(void **state) {
  (void)state;
  uint8_t data[300];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 37 + i / 256);
  for (size_t n = 0; n <= sizeof data; n++) {
    struct buf text = {0}, back = {0};
    buf_str(&back, "kept");
    assert_int_equal(age_armor_write(&text, BYTES(data, n), NULL), PARLEY_OK);
    assert_true(age_armored(buf_view(&text)));
    assert_int_equal(age_armor_read(&back, buf_view(&text), NULL), PARLEY_OK);
    assert_int_equal(back.n, 4 + n);
    assert_true(n == 0 || memcmp(back.p + 4, data, n) == 0);
    buf_free(&text);
    buf_free(&back);
  }
}

static void test_accepted_layout(void **state) {
  (void)state;
  static const char *const good[] = {
      BEGIN "\nAAEC\n" END, BEGIN "\r\nAAEC\r\n" END "\r\n", " \t\r\n\n" BEGIN "\nAAEC\n" END "\n\n \t\r\n",
      BEGIN "\nAAEC\n" END "\r\n", /* white space after the end */
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct buf b = {0};
    assert_int_equal(age_armor_read(&b, bytes_str(good[i]), NULL), PARLEY_OK);
    assert_true(bytes_eq(buf_view(&b), BYTES("\0\1\2", 3)));
    buf_free(&b);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      " \n",
      "age-encryption.org/v1\n",
      BEGIN,
      BEGIN "\n",
      BEGIN "\nAAEC\n",
      BEGIN END,
      "x" BEGIN "\nAAEC\n" END "\n",
      BEGIN "\nAAEC\n" END "x",
      BEGIN "\nAAEC\n" END "\n" BEGIN "\nAAEC\n" END "\n",
      BEGIN " \nAAEC\n" END "\n",
      BEGIN "AAEC\n" END "\n",
      BEGIN "\nAAEC" END "\n",
      BEGIN "\nAAEC\n " END "\n",
      BEGIN "\n\nAAEC\n" END "\n",
      BEGIN "\nAAEC\n\n" END "\n",
      BEGIN "\n AAEC\n" END "\n",
      BEGIN "\nAAEC \n" END "\n",
      BEGIN "\nAAE\n" END "\n",
      BEGIN "\nAA\n" END "\n",
      BEGIN "\nAB==\n" END "\n", /* not canonical */
      BEGIN "\nAA=\n=\n" END "\n",
      BEGIN "\nAA==AAEC\n" END "\n",
      BEGIN "\nAAEC\nAAEC\n" END "\n", /* two short lines */
      BEGIN "\n" FULL "AAEC\n" END "\n",
      BEGIN "\nAAECAAECAAECAAECAAECAAECAAECAAECAAECAAECAAECAAECAAECAAECAAECAA==\nAAEC\n" END
            "\n", /* 46 bytes, then more */
      BEGIN "\nAA-_\n" END "\n",
      BEGIN "\nKey: value\n\nAAEC\n" END "\n",
      BEGIN "\nAAEC\n=aaaa\n" END "\n",
      BEGIN "\nAAEC\r\n" END "\n",
      BEGIN "\r\nAAEC\n" END "\r\n",
      BEGIN "\r\n" FULL "\nAAEC\r\n" END "\r\n",
      BEGIN "\rAAEC\r" END "\r",
      BEGIN "\r\n\nAAEC\r\n" END "\r\n",
      "-----begin age encrypted file-----\nAAEC\n-----end age encrypted file-----\n",
      "-----BEGIN AGE ENCRYPTED FILE----\nAAEC\n" END "\n",
      "-----BEGIN MESSAGE-----\nAAEC\n-----END MESSAGE-----\n",
      BEGIN "\nAAEC\n-----END MESSAGE-----\n",
      "\v" BEGIN "\nAAEC\n" END "\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct buf b = {0};
    struct errmsg e = {""};
    buf_str(&b, "kept");
    if (age_armor_read(&b, bytes_str(bad[i]), &e) != PARLEY_EINVAL) fail_msg("accepted: %s", bad[i]);
    assert_true(strlen(e.text) > 0);
    assert_true(bytes_is(buf_view(&b), "kept"));
    buf_free(&b);
  }
  struct buf b = {0};
  struct errmsg e;
  assert_int_equal(age_armor_read(&b, bytes_str(BEGIN "\n" FULL "\nAAEC\nAAEC\n" END "\n"), &e), PARLEY_EINVAL);
  assert_memory_equal(e.text, "line 4 ", 7);
  buf_free(&b);
}

static void test_bound(void **state) {
  (void)state;
  for (size_t n = AGE_ARMOR_MAX; n <= AGE_ARMOR_MAX + 1; n++) {
    struct buf text = {0}, out = {0};
    buf_str(&text, BEGIN "\nAAEC\n" END);
    uint8_t *white = buf_extend(&text, n - text.n);
    assert_non_null(white);
    memset(white, ' ', (size_t)(text.p + text.n - white));
    assert_int_equal(text.n, n);
    assert_int_equal(age_armor_read(&out, buf_view(&text), NULL), n > AGE_ARMOR_MAX ? PARLEY_ELIMIT : PARLEY_OK);
    buf_free(&text);
    buf_free(&out);
  }
}

/* Whichever bit of a text is changed: it is refused, or it is another file; never the same file spelt otherwise. */
static void test_not_malleable(void **state) {
  (void)state;
  struct buf text = {0};
  const char file[] = "fifty bytes of a file, so that it needs two lines";
  assert_int_equal(age_armor_write(&text, bytes_str(file), NULL), PARLEY_OK);
  const size_t end = text.n - 1; /* the last newline is white space around it */
  for (size_t i = 0; i < end * 8; i++) {
    struct buf back = {0};
    text.p[i / 8] ^= (uint8_t)(1 << i % 8);
    if (age_armor_read(&back, BYTES(text.p, text.n), NULL) == PARLEY_OK) assert_false(bytes_is(buf_view(&back), file));
    text.p[i / 8] ^= (uint8_t)(1 << i % 8);
    buf_free(&back);
  }
  buf_free(&text);
}

static void test_armored_or_not(void **state) {
  (void)state;
  assert_true(age_armored(bytes_str(BEGIN)));
  assert_true(age_armored(bytes_str("\r\n \t" BEGIN "garbage")));
  assert_false(age_armored(BYTES_NONE));
  assert_false(age_armored(bytes_str("-----BEGIN AGE ENCRYPTED FILE----")));
  assert_false(age_armored(bytes_str("age-encryption.org/v1\n" BEGIN)));
}

/* A sealed file on paper and back, and a letter lost on the way. */
static void test_sealed_file(void **state) {
  (void)state;
  const uint8_t salt[16] = {5};
  const struct age_random r = {.file_key = {1}, .nonce = {2}, .ephemeral = NULL};
  struct buf file = {0}, text = {0}, back = {0}, plain = {0};
  assert_int_equal(age_seal_scrypt(&file, bytes_str("horse"), salt, 4, &r, bytes_str("a key"), NULL), PARLEY_OK);
  assert_int_equal(age_armor_write(&text, buf_view(&file), NULL), PARLEY_OK);
  assert_int_equal(age_armor_read(&back, buf_view(&text), NULL), PARLEY_OK);
  assert_int_equal(age_open_scrypt(&plain, buf_view(&back), bytes_str("horse"), NULL), PARLEY_OK);
  assert_true(bytes_is(buf_view(&plain), "a key"));
  buf_clear(&back);
  memmove(text.p + 50, text.p + 51, text.n - 51);
  text.n--;
  assert_int_equal(age_armor_read(&back, buf_view(&text), NULL), PARLEY_EINVAL);
  buf_free(&file);
  buf_free(&text);
  buf_free(&back);
  buf_free(&plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_written_form),   cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_accepted_layout),
      cmocka_unit_test(test_refused),        cmocka_unit_test(test_bound),       cmocka_unit_test(test_not_malleable),
      cmocka_unit_test(test_armored_or_not), cmocka_unit_test(test_sealed_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
