/*
 * The daemon's helping threads: each item is worked on exactly once, for every number of items, again and again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/pool.h"

static void add_one(void *item) { ++*(unsigned *)item; }

static void test_each_item_once(void **state) {
  enum { MOST = 200, ROUNDS = 50 };
  unsigned counts[MOST];
  void *items[MOST];
  struct pool *p;
  struct errmsg e;
  (void)state;
  for (size_t i = 0; i < MOST; i++) items[i] = &counts[i];
  assert_int_equal(pool_start(&p, &e), PARLEY_OK);
  for (size_t n = 1; n <= MOST; n++) {
    memset(counts, 0, sizeof counts);
    for (unsigned round = 1; round <= ROUNDS; round++) {
      pool_run(p, add_one, items, n);
      assert_int_equal(counts[0], round);
      assert_int_equal(counts[n - 1], round);
    }
    for (size_t i = 0; i < MOST; i++) assert_int_equal(counts[i], i < n ? ROUNDS : 0);
  }
  pool_stop(p);
}

static void test_stopping_without_work(void **state) {
  struct pool *p;
  struct errmsg e;
  (void)state;
  assert_int_equal(pool_start(&p, &e), PARLEY_OK);
  pool_stop(p);
  pool_stop(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_item_once), cmocka_unit_test(test_stopping_without_work)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
