#include "unit/record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
  struct dir dir;
  struct faulty store;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  record_dir_make(&f->dir);
  faulty_init(&f->store, dir_open(&f->dir));
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  store_close(&f->store.base);
  record_dir_remove(&f->dir);
  free(f);
  return 0;
}

static struct copy *open_copy(struct fixture *f, const char *origin) {
  struct copy *c = NULL;
  struct errmsg e = {0};
  if (copy_open(&c, &f->store.base, origin, 100, &e)) fail_msg("%s", e.text);
  return c;
}

/* Appends the entries [copy_size, size) and returns how that went; rolls back on failure. */
static parley_err grow(struct fixture *f, struct copy *c, uint64_t size) {
  struct store *s = &f->store.base;
  struct errmsg e = {0};
  parley_err err = store_begin(s, &e);
  for (uint64_t i = copy_size(c); i < size && !err; i++) {
    char text[32];
    const struct bytes entry = BYTES(text, (size_t)snprintf(text, sizeof text, "entry %u", (unsigned)i));
    err = copy_append(c, &entry, 1, &e);
  }
  if (!err) err = copy_flush(c, &e);
  if (!err) err = store_commit(s, &e);
  if (err && store_in_transaction(s)) store_rollback(s);
  return err;
}

static void leaf_of(struct hash *out, uint64_t i) {
  char text[32];
  merkle_leaf(out, BYTES(text, (size_t)snprintf(text, sizeof text, "entry %u", (unsigned)i)));
}

static void check_tree(struct copy *c, uint64_t size) {
  struct hash leaves[700], want, got;
  assert_int_equal(copy_size(c), size);
  for (uint64_t i = 0; i < size; i++) leaf_of(&leaves[i], i);
  merkle_root_of_leaves(&want, leaves, (size_t)size);
  assert_int_equal(copy_root(c, size, &got, NULL), PARLEY_OK);
  assert_true(hash_eq(&want, &got));
}

static void test_numbers(void **state) {
  struct fixture *f = *state;
  struct copy *a = open_copy(f, "a/0"), *b = open_copy(f, "b/0");
  assert_int_equal(copy_number(a), 1);
  assert_int_equal(copy_number(b), 2);
  copy_close(a);
  a = open_copy(f, "a/0");
  assert_int_equal(copy_number(a), 1);
  assert_string_equal(copy_origin(a), "a/0");
  assert_int_equal(copy_entry_max(a), 100);
  assert_int_equal(store_begin(&f->store.base, NULL), PARLEY_OK); /* in the caller's transaction */
  struct copy *c = open_copy(f, "c/0");
  assert_int_equal(copy_number(c), 3);
  store_rollback(&f->store.base);
  assert_int_equal(copy_reset(c, NULL), PARLEY_ENOTFOUND); /* it was never kept */
  copy_close(c);
  c = open_copy(f, "d/0");
  assert_int_equal(copy_number(c), 3);
  char origin[600];
  memset(origin, 'x', sizeof origin);
  origin[sizeof origin - 1] = '\0';
  struct copy *none = NULL;
  assert_int_equal(copy_open(&none, &f->store.base, origin, 1, NULL), PARLEY_EINVAL);
  assert_int_equal(copy_open(&none, &f->store.base, "", 1, NULL), PARLEY_EINVAL);
  copy_close(a);
  copy_close(b);
  copy_close(c);
}

static void test_damaged_record(void **state) {
  struct fixture *f = *state;
  static const struct bytes bad[] = {
      {(const uint8_t *)"", 0},
      {(const uint8_t *)"\2\0\0\0\1\0\0\0\0\0\0\0\0", 13},   /* version */
      {(const uint8_t *)"\1\0\0\0\0\0\0\0\0\0\0\0\0", 13},   /* number 0 */
      {(const uint8_t *)"\1\0\0\0\1\0\0\0\0\0\0\0\0\0", 14}, /* length */
      {(const uint8_t *)"\1\0\0\0\1\0\0\2\0\0\0\0\0", 13},   /* size over 2^40 */
      {(const uint8_t *)"\1\0\0\0\1\0\0\0\0\0\0\0\1", 13},   /* one entry, no tile */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct copy *c = NULL;
    assert_int_equal(store_begin(&f->store.base, NULL), PARLEY_OK);
    assert_int_equal(store_put(&f->store.base, STORE_LOGS, bytes_str("log/a"), bad[i], NULL), PARLEY_OK);
    assert_int_equal(store_commit(&f->store.base, NULL), PARLEY_OK);
    assert_int_equal(copy_open(&c, &f->store.base, "a", 1, NULL), PARLEY_EIO);
    assert_null(c);
  }
}

static void test_grows_and_reopens(void **state) {
  struct fixture *f = *state;
  static const uint64_t sizes[] = {0, 1, 2, 255, 256, 257, 512, 513, 600};
  struct copy *c = open_copy(f, "a/0");
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    assert_int_equal(grow(f, c, sizes[i]), PARLEY_OK);
    check_tree(c, sizes[i]);
    copy_close(c);
    c = open_copy(f, "a/0");
    check_tree(c, sizes[i]);
  }
  struct arena a = {0};
  struct bytes entry;
  assert_int_equal(copy_entry(c, 599, &a, &entry, NULL), PARLEY_OK);
  assert_true(bytes_is(entry, "entry 599"));
  assert_int_equal(copy_entry(c, 600, &a, &entry, NULL), PARLEY_ENOTFOUND);
  arena_free(&a);
  copy_close(c);
}

static void test_append_rules(void **state) {
  struct fixture *f = *state;
  struct copy *c = open_copy(f, "a/0");
  const uint8_t big[101] = {0};
  const struct bytes two[] = {BYTES("fits", 4), BYTES(big, sizeof big)};
  assert_int_equal(copy_append(c, two, 1, NULL), PARLEY_EINVAL); /* no transaction */
  assert_int_equal(store_begin(&f->store.base, NULL), PARLEY_OK);
  assert_int_equal(copy_append(c, two, 2, NULL), PARLEY_ELIMIT);
  assert_int_equal(copy_size(c), 0); /* nothing of it */
  store_rollback(&f->store.base);
  copy_close(c);
}

/* Whatever write fails, nothing stays, and after copy_reset the copy goes on. */
static void test_every_write_fails_once(void **state) {
  struct fixture *f = *state;
  struct copy *c = open_copy(f, "a/0");
  assert_int_equal(grow(f, c, 254), PARLEY_OK);
  unsigned failures = 0;
  for (unsigned k = 1;; k++) {
    f->store.countdown = k;
    const parley_err err = grow(f, c, 258);
    f->store.countdown = 0;
    if (!err) break;
    failures++;
    assert_int_equal(err, PARLEY_EFULL);
    assert_int_equal(copy_reset(c, NULL), PARLEY_OK);
    check_tree(c, 254);
  }
  assert_int_equal(failures, 4 + 3 + 1 + 1); /* entries, tiles, record, commit */
  check_tree(c, 258);
  copy_close(c);
}

/* Between a failure and the reset nothing is served that may not be there. */
static void test_stale_refuses(void **state) {
  struct fixture *f = *state;
  struct copy *c = open_copy(f, "a/0");
  struct hash root;
  struct buf out = {0};
  f->store.countdown = 1;
  assert_int_equal(grow(f, c, 1), PARLEY_EFULL);
  assert_int_equal(copy_root(c, 0, &root, NULL), PARLEY_EIO);
  assert_int_equal(copy_tile(c, &(struct tile_name){TILE_HASHES, 0, 0, 1}, &out, NULL), PARLEY_EIO);
  assert_int_equal(grow(f, c, 2), PARLEY_EIO);
  assert_int_equal(copy_reset(c, NULL), PARLEY_OK);
  assert_int_equal(copy_root(c, 0, &root, NULL), PARLEY_OK);
  buf_free(&out);
  copy_close(c);
}

static void check_tile(struct copy *c, unsigned level, uint64_t n, unsigned width) {
  struct buf out = {0};
  const struct tile_name t = {TILE_HASHES, level, n, width};
  assert_int_equal(copy_tile(c, &t, &out, NULL), PARLEY_OK);
  assert_int_equal(out.n, width * 32);
  for (unsigned i = 0; i < width; i++) {
    struct hash want;
    const uint64_t span = UINT64_C(1) << (8 * level), first = (n * 256 + i) * span;
    struct hash leaves[256];
    for (uint64_t k = 0; k < span; k++) leaf_of(&leaves[k], first + k);
    merkle_root_of_leaves(&want, leaves, (size_t)span);
    assert_memory_equal(out.p + 32 * i, want.b, 32);
  }
  buf_free(&out);
}

static void check_bundle(struct copy *c, uint64_t n, unsigned width) {
  struct buf out = {0}, want = {0};
  const struct tile_name t = {TILE_ENTRIES, 0, n, width};
  assert_int_equal(copy_tile(c, &t, &out, NULL), PARLEY_OK);
  for (unsigned i = 0; i < width; i++) {
    char text[32];
    const int len = snprintf(text, sizeof text, "entry %u", (unsigned)(n * 256 + i));
    buf_u16be(&want, (uint16_t)len);
    buf_add(&want, text, (size_t)len);
  }
  assert_int_equal(out.n, want.n);
  assert_memory_equal(out.p, want.p, want.n);
  buf_free(&out);
  buf_free(&want);
}

static void check_no_tile(struct copy *c, enum tile_kind kind, unsigned level, uint64_t n, unsigned width) {
  struct buf out = {0};
  assert_int_equal(copy_tile(c, &(struct tile_name){kind, level, n, width}, &out, NULL), PARLEY_ENOTFOUND);
  assert_int_equal(out.n, 0);
  buf_free(&out);
}

static void test_tiles(void **state) {
  struct fixture *f = *state;
  static const uint64_t sizes[] = {1, 255, 256, 257, 600};
  struct copy *c = open_copy(f, "a/0");
  check_no_tile(c, TILE_HASHES, 0, 0, 1);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const uint64_t size = sizes[i];
    assert_int_equal(grow(f, c, size), PARLEY_OK);
    for (uint64_t n = 0; n * 256 < size; n++) {
      const unsigned width = tile_width(0, n, size);
      check_tile(c, 0, n, width);
      check_tile(c, 0, n, 1); /* an older, narrower version */
      check_bundle(c, n, width);
      if (width == 256) continue;
      check_no_tile(c, TILE_HASHES, 0, n, width + 1);
      check_no_tile(c, TILE_ENTRIES, 0, n, width + 1);
    }
    if (size >= 256) check_tile(c, 1, 0, (unsigned)(size / 256));
    check_no_tile(c, TILE_HASHES, 1, 0, (unsigned)(size / 256) + 1);
    check_no_tile(c, TILE_HASHES, 1, 1, 1);
    check_no_tile(c, TILE_HASHES, 63, 0, 1);
    check_no_tile(c, TILE_HASHES, 0, UINT64_MAX, 1);
    check_no_tile(c, TILE_ENTRIES, 0, UINT64_MAX, 1);
  }
  copy_close(c);
}

/* ---- packages ---- */

/* Reads the packages back with the format's parser, checks each, and that entry_package_write gives the same bytes. */
static void check_packages(struct copy *c, uint64_t start, uint64_t end, struct bytes body, uint64_t next) {
  struct hash root;
  assert_int_equal(copy_root(c, end, &root, NULL), PARLEY_OK);
  while (start < next) {
    const uint64_t rounded = start / 256 * 256, stop = rounded + 256 < end ? rounded + 256 : end;
    struct entry_package p;
    struct hash leaves[256], sub;
    struct buf again = {0};
    size_t used;
    assert_int_equal(entry_package_parse(&p, &used, body, (size_t)(stop - start), 100, NULL), PARLEY_OK);
    for (uint64_t i = rounded; i < start; i++) leaf_of(&leaves[i - rounded], i);
    for (size_t i = 0; i < p.n; i++) merkle_leaf(&leaves[start - rounded + i], p.entries[i]);
    merkle_root_of_leaves(&sub, leaves, (size_t)(stop - rounded));
    assert_true(merkle_check_subtree(&p.proof, rounded, stop, &sub, end, &root));
    entry_package_write(&again, &p);
    assert_int_equal(again.n, used);
    assert_memory_equal(again.p, body.p, used);
    buf_free(&again);
    body = BYTES(body.p + used, body.n - used);
    start = stop;
  }
  assert_int_equal(body.n, 0);
  assert_int_equal(start, next);
}

static void test_packages(void **state) {
  struct fixture *f = *state;
  static const uint64_t at[] = {0, 1, 2, 200, 255, 256, 257, 300, 511, 512, 513, 599, 600};
  struct copy *c = open_copy(f, "a/0");
  assert_int_equal(grow(f, c, 600), PARLEY_OK);
  for (size_t i = 0; i < sizeof at / sizeof *at; i++)
    for (size_t k = i; k < sizeof at / sizeof *at; k++) {
      struct buf out = {0};
      uint64_t next = 0;
      assert_int_equal(copy_packages(c, at[i], at[k], SIZE_MAX, &out, &next, NULL), PARLEY_OK);
      assert_int_equal(next, at[k]);
      check_packages(c, at[i], at[k], buf_view(&out), next);
      buf_free(&out);
    }
  copy_close(c);
}

static void test_package_budget(void **state) {
  struct fixture *f = *state;
  struct copy *c = open_copy(f, "a/0");
  struct buf out = {0}, one = {0}, two = {0};
  uint64_t next;
  assert_int_equal(grow(f, c, 600), PARLEY_OK);
  assert_int_equal(copy_packages(c, 10, 600, 0, &one, &next, NULL), PARLEY_OK);
  assert_int_equal(next, 256); /* at least one */
  check_packages(c, 10, 600, buf_view(&one), next);
  assert_int_equal(copy_packages(c, 10, 600, one.n + 1, &out, &next, NULL), PARLEY_OK);
  assert_int_equal(next, 256); /* the second would not fit */
  assert_int_equal(out.n, one.n);
  buf_str(&two, "head");
  assert_int_equal(copy_packages(c, 10, 600, 2 * one.n + 300, &two, &next, NULL), PARLEY_OK);
  assert_int_equal(next, 512);
  assert_memory_equal(two.p, "head", 4);
  check_packages(c, 10, 600, BYTES(two.p + 4, two.n - 4), next);
  assert_int_equal(copy_packages(c, 10, 601, 0, &out, &next, NULL), PARLEY_EINVAL);
  assert_int_equal(copy_packages(c, 11, 10, 0, &out, &next, NULL), PARLEY_EINVAL);
  buf_free(&out);
  buf_free(&one);
  buf_free(&two);
  copy_close(c);
}

/* tlog-mirror: Implementation Considerations. One request has 32 packages at most, and the rest follows. */
static void test_package_count(void **state) {
  struct fixture *f = *state;
  struct copy *c = open_copy(f, "a/0");
  struct buf out = {0};
  uint64_t next;
  assert_int_equal(grow(f, c, 8500), PARLEY_OK);
  assert_int_equal(copy_packages(c, 10, 8500, SIZE_MAX, &out, &next, NULL), PARLEY_OK);
  assert_int_equal(next, 32 * 256);
  assert_int_equal(copy_packages(c, next, 8500, SIZE_MAX, &out, &next, NULL), PARLEY_OK);
  assert_int_equal(next, 8500);
  buf_free(&out);
  copy_close(c);
}

static parley_err count(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  (void)pos, (void)v, (void)e;
  ++*(unsigned *)ctx;
  return PARLEY_OK;
}

/* A hole in the store is said, not skipped. */
static void test_missing_entry(void **state) {
  struct fixture *f = *state;
  struct copy *c = open_copy(f, "a/0");
  struct arena a = {0};
  struct bytes entry;
  struct buf out = {0};
  uint64_t next;
  unsigned n = 0;
  assert_int_equal(grow(f, c, 10), PARLEY_OK);
  assert_int_equal(copy_scan(c, 2, 7, count, &n, NULL), PARLEY_OK);
  assert_int_equal(n, 5);
  assert_int_equal(copy_scan(c, 2, 11, count, &n, NULL), PARLEY_EINVAL);
  static const uint64_t holes[] = {9, 4}; /* at the end, then inside */
  for (size_t i = 0; i < 2; i++) {
    const uint64_t hole = holes[i];
    n = 0;
    assert_int_equal(store_begin(&f->store.base, NULL), PARLEY_OK);
    assert_int_equal(store_seq_delete(&f->store.base, STORE_ENTRIES, copy_number(c), hole, hole + 1, NULL), PARLEY_OK);
    assert_int_equal(store_commit(&f->store.base, NULL), PARLEY_OK);
    assert_int_equal(copy_scan(c, 0, 10, count, &n, NULL), PARLEY_EIO);
    assert_int_equal(n, hole); /* nothing that stands after the hole */
    assert_int_equal(copy_entry(c, hole, &a, &entry, NULL), PARLEY_EIO);
    assert_int_equal(copy_packages(c, 0, 10, 0, &out, &next, NULL), PARLEY_EIO);
    assert_int_equal(out.n, 0);
    assert_int_equal(copy_tile(c, &(struct tile_name){TILE_ENTRIES, 0, 0, 10}, &out, NULL), PARLEY_EIO);
    assert_int_equal(out.n, 0);
  }
  arena_free(&a);
  buf_free(&out);
  copy_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
      cmocka_unit_test_setup_teardown(test_damaged_record, setup, teardown),
      cmocka_unit_test_setup_teardown(test_grows_and_reopens, setup, teardown),
      cmocka_unit_test_setup_teardown(test_append_rules, setup, teardown),
      cmocka_unit_test_setup_teardown(test_every_write_fails_once, setup, teardown),
      cmocka_unit_test_setup_teardown(test_stale_refuses, setup, teardown),
      cmocka_unit_test_setup_teardown(test_tiles, setup, teardown),
      cmocka_unit_test_setup_teardown(test_packages, setup, teardown),
      cmocka_unit_test_setup_teardown(test_package_budget, setup, teardown),
      cmocka_unit_test_setup_teardown(test_package_count, setup, teardown),
      cmocka_unit_test_setup_teardown(test_missing_entry, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
