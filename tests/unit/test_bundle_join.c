/*
 * Consistency proofs of which one half comes from the tree that is held and the other from leaves in a bundle: the same as those of
 * the whole tree, for every place where the two can meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/bundle_join.h"

#define LEAVES 40

struct tree_of {
  struct hash leaf[LEAVES];
  uint64_t size; /* what lies beyond is not there */
};

static parley_err read_tree(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const struct tree_of *t = ctx;
  const uint64_t at = index << level, n = (uint64_t)1 << level;
  if (at + n > t->size) return err_set(e, PARLEY_ENOTFOUND, "not held");
  merkle_root_of_leaves(out, t->leaf + at, (size_t)n);
  return PARLEY_OK;
}

static void make(struct tree_of *t, uint64_t size) {
  t->size = size;
  for (uint8_t i = 0; i < LEAVES; i++) merkle_leaf(&t->leaf[i], BYTES(&i, 1));
}

static void run_of(struct leaf_run *r, const struct tree_of *t, uint64_t start, uint64_t end) {
  leaf_run_begin(r, start);
  for (uint64_t i = start; i < end; i++) leaf_run_add(r, &t->leaf[i]);
  assert_true(r->start == start && r->end == end);
}

static void same_run(const struct leaf_run *a, const struct leaf_run *b) {
  assert_int_equal(a->n, b->n);
  assert_true(a->start == b->start && a->end == b->end);
  for (size_t i = 0; i < a->n; i++) {
    assert_int_equal(a->part[i].level, b->part[i].level);
    assert_true(hash_eq(&a->part[i].h, &b->part[i].h));
  }
}

/* What goes over the local API is the hashes alone: where they lie follows from the ends. */
static void by_hashes(struct leaf_run *out, const struct leaf_run *r) {
  struct hash list[LEAF_RUN_MAX];
  const struct hash *at = list;
  size_t n = r->n;
  for (size_t i = 0; i < n; i++) list[i] = r->part[i].h;
  assert_true(leaf_run_take(out, r->start, r->end, &at, &n));
  assert_int_equal(n, 0);
  same_run(out, r);
}

static void test_every_join(void **state) {
  (void)state;
  struct tree_of held, whole;
  make(&whole, LEAVES);
  for (uint64_t size = 1; size <= LEAVES; size++)
    for (uint64_t old = 1; old <= size; old++)
      for (uint64_t next = 0; next <= old; next++) {
        struct leaf_run a, b, a2, b2;
        struct proof want, got;
        make(&held, next);
        run_of(&a, &whole, next, old);
        run_of(&b, &whole, old, size);
        by_hashes(&a2, &a);
        by_hashes(&b2, &b);
        assert_int_equal(merkle_consistency(&want, (struct merkle_source){read_tree, &whole}, old, size, NULL),
                         PARLEY_OK);
        assert_int_equal(leaf_run_consistency(&got, (struct merkle_source){read_tree, &held}, &a2, &b2, NULL),
                         PARLEY_OK);
        assert_int_equal(got.n, want.n);
        for (size_t i = 0; i < want.n; i++) assert_true(hash_eq(&got.h[i], &want.h[i]));
      }
}

static void test_gaps(void **state) {
  (void)state;
  struct tree_of held, whole;
  struct leaf_run a, b;
  struct proof proof;
  struct errmsg e = {""};
  make(&whole, LEAVES);
  make(&held, 5);
  run_of(&a, &whole, 5, 9);
  run_of(&b, &whole, 10, 20);
  assert_int_equal(leaf_run_consistency(&proof, (struct merkle_source){read_tree, &held}, &a, &b, &e), PARLEY_EVERIFY);
  assert_true(e.text[0]);
  run_of(&b, &whole, 9, 20);
  held.size = 4; /* less than it was said to be */
  assert_int_equal(leaf_run_consistency(&proof, (struct merkle_source){read_tree, &held}, &a, &b, &e),
                   PARLEY_ENOTFOUND);
}

static void test_too_few_hashes(void **state) {
  (void)state;
  struct hash list[LEAF_RUN_MAX] = {{{0}}};
  const struct hash *at = list;
  struct leaf_run r;
  size_t n = 2;
  assert_false(leaf_run_take(&r, 1, 8, &at, &n)); /* 1, 2-3, 4-7 */
  at = list;
  n = 3;
  assert_true(leaf_run_take(&r, 1, 8, &at, &n));
  at = list;
  n = LEAF_RUN_MAX;
  assert_true(leaf_run_take(&r, 1, ((uint64_t)1 << 53) - 1, &at, &n)); /* the longest that there is */
  assert_int_equal(r.n, 104);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_join),
      cmocka_unit_test(test_gaps),
      cmocka_unit_test(test_too_few_hashes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
