/*
 * The body of add-checkpoint, and of its 409 answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "formats/tlog.h"

#define HASH "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw="

static void test_round_trip(void **state) {
  (void)state;
  static const char *const good[] = {
      "old 0\n\nnote",
      "old 20852014\n" HASH "\n" HASH "\n\nexample.com/behind-the-sofa\n20852163\n\nmore\n",
      "old 9223372036854775807\n\n\n",
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct add_checkpoint r;
    struct buf b = {0};
    assert_int_equal(add_checkpoint_parse(&r, bytes_str(good[i]), NULL), PARLEY_OK);
    add_checkpoint_write(&b, &r);
    assert_true(bytes_is(buf_view(&b), good[i]));
    buf_free(&b);
  }
  struct add_checkpoint r;
  assert_int_equal(add_checkpoint_parse(&r, bytes_str(good[1]), NULL), PARLEY_OK);
  assert_true(r.old == 20852014);
  assert_int_equal(r.proof.n, 2);
  assert_true(bytes_is(r.note, "example.com/behind-the-sofa\n20852163\n\nmore\n"));
}

static void test_malformed(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "\n",
      "old 0",
      "old 0\n",
      "old 0\n\n",
      "old\n\nnote",
      "old \n\nnote",
      "old 00\n\nnote",
      "old 01\n\nnote",
      "old  1\n\nnote",
      "old 1 \n\nnote",
      "old -1\n\nnote",
      "old 1\r\n\nnote",
      "OLD 1\n\nnote",
      "older 1\n\nnote",
      "1\n\nnote",
      "old 9223372036854775808\n\nnote",
      "old 1\n" HASH "\nnote",
      "old 1\n" HASH "\n",
      "old 1\n" HASH HASH "\n\nnote",
      "old 1\n" HASH " \n\nnote",
      "old 1\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw\n\nnote",
      "old 1\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkax=\n\nnote",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct add_checkpoint r;
    struct errmsg e = {""};
    assert_int_equal(add_checkpoint_parse(&r, bytes_str(bad[i]), &e), PARLEY_EINVAL);
    assert_true(strlen(e.text) > 0);
  }
}

static void test_limits(void **state) {
  (void)state;
  for (size_t n = PROOF_MAX; n <= PROOF_MAX + 1; n++) {
    struct buf b = {0};
    struct add_checkpoint r;
    buf_str(&b, "old 5\n");
    for (size_t i = 0; i < n; i++) buf_str(&b, HASH "\n");
    buf_str(&b, "\nnote");
    assert_int_equal(add_checkpoint_parse(&r, buf_view(&b), NULL), n > PROOF_MAX ? PARLEY_ELIMIT : PARLEY_OK);
    buf_free(&b);
  }
  struct buf b = {0};
  struct add_checkpoint r;
  buf_str(&b, "old 5\n\n");
  while (b.n < NOTE_SIZE_MAX + 8192) buf_str(&b, "x");
  assert_int_equal(add_checkpoint_parse(&r, buf_view(&b), NULL), PARLEY_ELIMIT);
  buf_free(&b);
}

static void test_size_answer(void **state) {
  (void)state;
  uint64_t size;
  struct buf b = {0};
  assert_int_equal(tlog_size_parse(&size, bytes_str("20852163\n"), NULL), PARLEY_OK);
  assert_true(size == 20852163);
  tlog_size_write(&b, size);
  assert_true(bytes_is(buf_view(&b), "20852163\n"));
  buf_free(&b);
  static const char *const bad[] = {"", "\n", "5", "5\n\n", "5\n5\n", "05\n", " 5\n", "5 \n", "5\r\n", "-5\n", "x\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(tlog_size_parse(&size, bytes_str(bad[i]), NULL), PARLEY_EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_malformed),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_size_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
