#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "merkle/range.h"

#define LEAVES 64

static struct hash leaves[LEAVES];

static int set_up(void **state) {
  (void)state;
  for (size_t i = 0; i < LEAVES; i++) merkle_leaf(&leaves[i], BYTES(&i, sizeof i));
  return 0;
}

static parley_err read_leaves(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const uint64_t first = index << level, n = UINT64_C(1) << level;
  if (first + n > *(uint64_t *)ctx) return err_set(e, PARLEY_ENOTFOUND, "beyond the tree");
  merkle_root_of_leaves(out, leaves + first, n);
  return PARLEY_OK;
}

struct collected {
  struct hash h[RANGE_PROOF_MAX];
  size_t n;
};

static parley_err collect(void *ctx, const struct hash *h, struct errmsg *e) {
  struct collected *c = ctx;
  (void)e;
  assert_true(c->n < RANGE_PROOF_MAX);
  c->h[c->n++] = *h;
  return PARLEY_OK;
}

/* The rule of the protocol in other words: from a list of wanted leaves, as a recursion over halves that says what it wants. */
static void naive(struct collected *out, const bool *wanted, uint64_t lo, uint64_t hi) {
  size_t in = 0;
  for (uint64_t i = lo; i < hi; i++) in += wanted[i];
  if (in == 0)
    merkle_root_of_leaves(&out->h[out->n++], leaves + lo, hi - lo);
  else if (hi - lo > 1) {
    uint64_t k = 1;
    while (2 * k < hi - lo) k *= 2;
    naive(out, wanted, lo, lo + k);
    naive(out, wanted, lo + k, hi);
  }
}

struct feeding {
  const struct leaf_range *ranges;
  size_t range;
  uint64_t next, asked;
  uint64_t wrong; /* the leaf of this index is given falsely; UINT64_MAX: none */
};

static parley_err feed(void *ctx, uint64_t index, struct hash *out, struct errmsg *e) {
  struct feeding *f = ctx;
  (void)e;
  if (f->asked > 0 && f->next == f->ranges[f->range].end) f->next = f->ranges[++f->range].start;
  assert_int_equal(index, f->next);
  *out = leaves[index];
  if (index == f->wrong) out->b[5] ^= 1;
  f->next++;
  f->asked++;
  return PARLEY_OK;
}

static parley_err checks(const struct collected *p, const struct leaf_range *r, size_t n, uint64_t size,
                         uint64_t wrong) {
  struct feeding f = {r, 0, r[0].start, 0, wrong};
  struct hash root;
  struct errmsg e;
  uint64_t total = 0;
  merkle_root_of_leaves(&root, leaves, size);
  const parley_err rc = merkle_range_check(p->h, p->n, r, n, size, &root, feed, &f, &e);
  for (size_t i = 0; i < n; i++) total += r[i].end - r[i].start;
  if (rc == PARLEY_OK) assert_int_equal(f.asked, total);
  return rc;
}

static void whole(const struct leaf_range *r, size_t n, uint64_t size) {
  struct collected p = {.n = 0}, want = {.n = 0};
  bool wanted[LEAVES] = {false};
  struct errmsg e;
  for (size_t i = 0; i < n; i++)
    for (uint64_t k = r[i].start; k < r[i].end; k++) wanted[k] = true;
  naive(&want, wanted, 0, size);
  assert_int_equal(merkle_range_prove(collect, &p, (struct merkle_source){read_leaves, &size}, r, n, size, &e),
                   PARLEY_OK);
  assert_int_equal(p.n, want.n);
  assert_memory_equal(p.h, want.h, p.n * sizeof *p.h);
  assert_int_equal(checks(&p, r, n, size, UINT64_MAX), PARLEY_OK);
  assert_int_equal(checks(&p, r, n, size, r[n - 1].end - 1), PARLEY_EVERIFY);
  p.n++;
  assert_int_equal(checks(&p, r, n, size, UINT64_MAX), PARLEY_EVERIFY); /* one too many */
  p.n--;
  if (p.n == 0) return;
  p.h[p.n - 1].b[31] ^= 0x80;
  assert_int_equal(checks(&p, r, n, size, UINT64_MAX), PARLEY_EVERIFY);
  p.n--;
  assert_int_equal(checks(&p, r, n, size, UINT64_MAX), PARLEY_EVERIFY); /* one too few */
}

static void test_every_range(void **state) {
  (void)state;
  for (uint64_t size = 1; size <= LEAVES; size++)
    for (uint64_t start = 0; start < size; start++)
      for (uint64_t end = start + 1; end <= size; end++) whole(&(struct leaf_range){start, end}, 1, size);
}

static void test_several_ranges(void **state) {
  (void)state;
  for (uint64_t size = 2; size <= 16; size++)
    for (uint64_t set = 1; set < UINT64_C(1) << size; set += size < 12 ? 1 : 37) { /* each set of leaves */
      struct leaf_range r[LEAVES];
      size_t n = 0;
      for (uint64_t i = 0; i < size; i++) {
        if (!(set >> i & 1)) continue;
        if (n > 0 && r[n - 1].end == i && i % 3 != 0) /* and neighbours also as ranges of their own */
          r[n - 1].end++;
        else
          r[n++] = (struct leaf_range){i, i + 1};
      }
      if (n <= RANGES_MAX) whole(r, n, size);
    }
}

static void refuses(const struct leaf_range *r, size_t n, uint64_t size) {
  struct collected p = {.n = 0};
  struct hash root = {{0}};
  struct errmsg e;
  assert_int_equal(merkle_range_prove(collect, &p, (struct merkle_source){read_leaves, &size}, r, n, size, &e),
                   PARLEY_EINVAL);
  assert_int_equal(merkle_range_check(p.h, 0, r, n, size, &root, feed, NULL, &e), PARLEY_EINVAL);
}

static void test_no_list_of_ranges(void **state) {
  struct leaf_range many[RANGES_MAX + 1];
  (void)state;
  for (uint64_t i = 0; i <= RANGES_MAX; i++) many[i] = (struct leaf_range){2 * i, 2 * i + 1};
  refuses(many, RANGES_MAX + 1, LEAVES);
  refuses(many, 0, LEAVES);
  refuses((struct leaf_range[]){{3, 3}}, 1, 8);
  refuses((struct leaf_range[]){{3, 2}}, 1, 8);
  refuses((struct leaf_range[]){{3, 9}}, 1, 8);
  refuses((struct leaf_range[]){{3, 5}, {4, 6}}, 2, 8);
  refuses((struct leaf_range[]){{5, 6}, {3, 4}}, 2, 8);
}

static parley_err fail_leaf(void *ctx, uint64_t index, struct hash *out, struct errmsg *e) {
  (void)ctx, (void)out;
  return index == 4 ? err_set(e, PARLEY_EIO, "leaf 4") : PARLEY_OK;
}

static parley_err fail_put(void *ctx, const struct hash *h, struct errmsg *e) {
  (void)ctx, (void)h;
  return err_set(e, PARLEY_ENOMEM, "no room");
}

static void test_errors_are_handed_on(void **state) {
  const struct leaf_range r = {3, 6};
  uint64_t size = 8;
  struct hash h[8] = {0};
  struct errmsg e;
  (void)state;
  assert_int_equal(merkle_range_check(h, 8, &r, 1, size, &h[0], fail_leaf, NULL, &e), PARLEY_EIO);
  assert_string_equal(e.text, "leaf 4");
  assert_int_equal(merkle_range_prove(fail_put, NULL, (struct merkle_source){read_leaves, &size}, &r, 1, size, &e),
                   PARLEY_ENOMEM);
  size = 4; /* the source holds less than the tree is said to have */
  assert_int_equal(merkle_range_prove(collect, &(struct collected){.n = 0}, (struct merkle_source){read_leaves, &size},
                                      &r, 1, 8, &e),
                   PARLEY_ENOTFOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_range),
      cmocka_unit_test(test_several_ranges),
      cmocka_unit_test(test_no_list_of_ranges),
      cmocka_unit_test(test_errors_are_handed_on),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
