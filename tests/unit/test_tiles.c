/*
 * Tile names, and trees that grow in tiles: roots, proofs, what is put, reopening, and stores that fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "merkle/tiles.h"

/* ---- a store in memory: levels 0 to 2, enough for 65,537 leaves ---- */

#define STORE_LEVELS 3
#define STORE_TILES 258

struct slot {
  unsigned width;
  unsigned puts; /* since counters were cleared */
  uint8_t *data;
};

struct store {
  struct slot slot[STORE_LEVELS][STORE_TILES];
  unsigned gets, puts;
  unsigned puts_left; /* fail after so many */
};

static parley_err store_get(void *ctx, unsigned level, uint64_t n, uint8_t *out, unsigned *width, struct errmsg *e) {
  struct store *s = ctx;
  s->gets++;
  if (level >= STORE_LEVELS || n >= STORE_TILES || s->slot[level][n].width == 0)
    return err_set(e, PARLEY_ENOTFOUND, "no tile");
  *width = s->slot[level][n].width;
  memcpy(out, s->slot[level][n].data, (size_t)*width * 32);
  return PARLEY_OK;
}

static parley_err store_put(void *ctx, unsigned level, uint64_t n, const uint8_t *data, unsigned width,
                            struct errmsg *e) {
  struct store *s = ctx;
  if (s->puts_left-- == 0) return err_set(e, PARLEY_EFULL, "no space left");
  assert_true(level < STORE_LEVELS && n < STORE_TILES && width >= 1 && width <= TILE_WIDTH);
  struct slot *slot = &s->slot[level][n];
  assert_true(width >= slot->width);
  if (!slot->data) slot->data = calloc(TILE_WIDTH, 32);
  assert_non_null(slot->data);
  memcpy(slot->data, data, (size_t)width * 32);
  slot->width = width;
  slot->puts++;
  s->puts++;
  return PARLEY_OK;
}

static struct store *store_new(void) {
  struct store *s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->puts_left = UINT32_MAX;
  return s;
}

static void store_clear_counts(struct store *s) {
  s->gets = s->puts = 0;
  for (size_t l = 0; l < STORE_LEVELS; l++)
    for (size_t n = 0; n < STORE_TILES; n++) s->slot[l][n].puts = 0;
}

static void store_free(struct store *s) {
  for (size_t l = 0; l < STORE_LEVELS; l++)
    for (size_t n = 0; n < STORE_TILES; n++) free(s->slot[l][n].data);
  free(s);
}

static struct tile_store as_tile_store(struct store *s) { return (struct tile_store){s, store_get, store_put}; }

/* ---- leaves ---- */

#define LEAVES_MAX 65800

static struct hash *leaves;

static int setup(void **state) {
  (void)state;
  leaves = calloc(LEAVES_MAX, sizeof *leaves);
  if (!leaves) return 1;
  for (uint32_t i = 0; i < LEAVES_MAX; i++) merkle_leaf(&leaves[i], BYTES(&i, sizeof i));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  free(leaves);
  return 0;
}

static struct hash naive(size_t start, size_t end) {
  if (end - start == 1) return leaves[start];
  struct hash out;
  if (start == end) {
    merkle_empty(&out);
    return out;
  }
  size_t k = 1;
  while (2 * k < end - start) k *= 2;
  const struct hash l = naive(start, start + k), r = naive(start + k, end);
  merkle_node(&out, &l, &r);
  return out;
}

/* ---- growing ---- */

static void grow(struct tree *t, uint64_t to, size_t batch) {
  struct errmsg e;
  while (tree_size(t) < to) {
    const uint64_t left = to - tree_size(t);
    const size_t n = left < batch ? (size_t)left : batch;
    assert_int_equal(tree_append(t, leaves + tree_size(t), n, &e), PARLEY_OK);
    assert_int_equal(tree_flush(t, &e), PARLEY_OK);
  }
}

static void assert_root(struct tree *t, uint64_t size) {
  const struct hash want = naive(0, (size_t)size);
  struct hash got;
  assert_int_equal(tree_root(t, size, &got, NULL), PARLEY_OK);
  assert_memory_equal(&got, &want, sizeof got);
}

static void assert_proofs(struct tree *t, uint64_t size) {
  const struct hash root = naive(0, (size_t)size);
  const uint64_t at[] = {0, 1, 255, 256, 257, 511, 65280, 65535, 65536, size / 2, size - 1};
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    if (at[i] >= size) continue;
    struct proof p;
    assert_int_equal(merkle_inclusion(&p, tree_source(t), at[i], size, NULL), PARLEY_OK);
    assert_true(merkle_check_inclusion(&p, at[i], size, &leaves[at[i]], &root));
    assert_int_equal(merkle_consistency(&p, tree_source(t), at[i] + 1, size, NULL), PARLEY_OK);
    const struct hash old = naive(0, (size_t)at[i] + 1);
    assert_true(merkle_check_consistency(&p, at[i] + 1, &old, size, &root));
    const uint64_t start = at[i] & ~UINT64_C(255), end = start + 256 < size ? start + 256 : size;
    assert_int_equal(merkle_subtree(&p, tree_source(t), start, end, size, NULL), PARLEY_OK);
    const struct hash sub = naive((size_t)start, (size_t)end);
    assert_true(merkle_check_subtree(&p, start, end, &sub, size, &root));
  }
}

/* The store must hold exactly the tiles that tlog-tiles says a tree of this size has, with the right hashes. */
static void assert_store(const struct store *s, uint64_t size) {
  for (unsigned level = 0; level < STORE_LEVELS; level++) {
    const size_t span = (size_t)1 << (8 * level);
    for (size_t n = 0; n < STORE_TILES; n++) {
      const struct slot *slot = &s->slot[level][n];
      assert_int_equal(slot->width, tile_width(level, n, size));
      if (slot->width == 0) continue;
      const unsigned i = slot->width - 1;
      const struct hash want = naive((n * 256 + i) * span, (n * 256 + i + 1) * span);
      assert_memory_equal(slot->data + (size_t)i * 32, want.b, 32);
    }
  }
}

static const uint64_t stops[] = {0, 1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 65799};
#define STOPS (sizeof stops / sizeof *stops)

static void test_grow_and_reopen(void **state) {
  (void)state;
  struct store *s = store_new();
  for (size_t i = 0; i < STOPS; i++) {
    struct tree *t;
    assert_int_equal(tree_open(&t, as_tile_store(s), i ? stops[i - 1] : 0, NULL), PARLEY_OK);
    grow(t, stops[i], 1 + 97 * i % 256);
    assert_int_equal(tree_size(t), stops[i]);
    assert_root(t, stops[i]);
    assert_store(s, stops[i]);
    tree_free(t);
    assert_int_equal(tree_open(&t, as_tile_store(s), stops[i], NULL), PARLEY_OK);
    assert_root(t, stops[i]);
    if (stops[i] > 0) assert_proofs(t, stops[i]);
    for (size_t k = 0; k <= i; k++) assert_root(t, stops[k]); /* old sizes too */
    struct hash h;
    assert_int_equal(tree_root(t, stops[i] + 1, &h, NULL), PARLEY_EINVAL);
    tree_free(t);
  }
  store_free(s);
}

static void test_every_small_size(void **state) {
  (void)state;
  struct store *s = store_new();
  struct tree *t;
  assert_int_equal(tree_open(&t, as_tile_store(s), 0, NULL), PARLEY_OK);
  for (uint64_t size = 0; size <= 600; size++) {
    grow(t, size, 1);
    assert_root(t, size);
  }
  tree_free(t);
  store_free(s);
}

/* Opening reads one tile a level at most, and a proof in a big tree few. */
static void test_reads_are_few(void **state) {
  (void)state;
  struct store *s = store_new();
  struct tree *t;
  assert_int_equal(tree_open(&t, as_tile_store(s), 0, NULL), PARLEY_OK);
  grow(t, 65799, 256);
  tree_free(t);
  store_clear_counts(s);
  assert_int_equal(tree_open(&t, as_tile_store(s), 65799, NULL), PARLEY_OK);
  assert_true(s->gets <= STORE_LEVELS);
  store_clear_counts(s);
  struct proof p;
  assert_int_equal(merkle_inclusion(&p, tree_source(t), 12345, 65799, NULL), PARLEY_OK);
  assert_int_equal(s->gets, 2); /* tile 48 of level 0 and tile 0 of level 1; the rest is at the edge */
  assert_int_equal(merkle_inclusion(&p, tree_source(t), 12346, 65799, NULL), PARLEY_OK);
  assert_int_equal(s->gets, 2);
  const struct hash root = naive(0, 65799);
  /* More tiles than the cache holds, twice: still right. */
  for (uint64_t round = 0; round < 2; round++) {
    for (uint64_t i = 7; i < 65536; i += 1024) {
      assert_int_equal(merkle_inclusion(&p, tree_source(t), i, 65799, NULL), PARLEY_OK);
      assert_true(merkle_check_inclusion(&p, i, 65799, &leaves[i], &root));
    }
  }
  tree_free(t);
  store_free(s);
}

static void test_flush_puts_each_tile_once(void **state) {
  (void)state;
  struct store *s = store_new();
  struct tree *t;
  assert_int_equal(tree_open(&t, as_tile_store(s), 0, NULL), PARLEY_OK);
  for (size_t i = 0; i < 3; i++) assert_int_equal(tree_append(t, leaves + i * 300, 300, NULL), PARLEY_OK);
  assert_root(t, 900); /* before the flush: full tiles are read from memory */
  assert_proofs(t, 900);
  assert_int_equal(s->puts + s->gets, 0);
  assert_int_equal(tree_flush(t, NULL), PARLEY_OK);
  assert_int_equal(s->puts, 5); /* three full and one partial of level 0, one partial of level 1 */
  for (size_t n = 0; n < 4; n++) assert_int_equal(s->slot[0][n].puts, 1);
  store_clear_counts(s);
  assert_int_equal(tree_flush(t, NULL), PARLEY_OK);
  assert_int_equal(s->puts, 0);
  assert_int_equal(tree_append(t, leaves + 900, 1, NULL), PARLEY_OK);
  assert_int_equal(tree_flush(t, NULL), PARLEY_OK);
  assert_int_equal(s->puts, 1);
  tree_free(t);
  store_free(s);
}

/* A put that fails stops the tree until it is reloaded at the size that the store kept. */
static void test_failed_flush(void **state) {
  (void)state;
  struct store *s = store_new();
  struct tree *t;
  struct errmsg e;
  struct hash h;
  assert_int_equal(tree_open(&t, as_tile_store(s), 0, NULL), PARLEY_OK);
  grow(t, 250, 100);
  s->puts_left = 1;
  assert_int_equal(tree_append(t, leaves + 250, 300, NULL), PARLEY_OK);
  assert_int_equal(tree_flush(t, &e), PARLEY_EFULL);
  assert_string_equal(e.text, "no space left");
  assert_int_equal(tree_append(t, leaves, 1, NULL), PARLEY_EIO);
  assert_int_equal(tree_flush(t, NULL), PARLEY_EIO);
  assert_int_equal(tree_root(t, 1, &h, NULL), PARLEY_EIO);
  assert_int_equal(tree_source(t).read(t, 0, 0, &h, NULL), PARLEY_EIO);
  s->puts_left = UINT32_MAX;
  assert_int_equal(tree_reload(t, 250, &e), PARLEY_OK); /* the store holds a wider tile 0 by now */
  assert_root(t, 250);
  grow(t, 600, 100);
  assert_root(t, 600);
  assert_store(s, 600);
  tree_free(t);
  store_free(s);
}

static void test_damaged_store(void **state) {
  (void)state;
  struct store *s = store_new();
  struct tree *t;
  struct proof p;
  assert_int_equal(tree_open(&t, as_tile_store(s), 0, NULL), PARLEY_OK);
  grow(t, 700, 256);
  tree_free(t);
  const unsigned full = s->slot[0][0].width, edge = s->slot[0][2].width;
  s->slot[0][0].width = 200;
  assert_int_equal(tree_open(&t, as_tile_store(s), 700, NULL), PARLEY_OK);
  assert_int_equal(merkle_inclusion(&p, tree_source(t), 3, 700, NULL), PARLEY_EIO);
  assert_int_equal(tree_reload(t, UINT64_C(1) << 48, NULL), PARLEY_ELIMIT);
  tree_free(t);
  s->slot[0][0].width = full;
  s->slot[0][2].width = edge - 1;
  assert_int_equal(tree_open(&t, as_tile_store(s), 700, NULL), PARLEY_EIO);
  s->slot[0][2].width = 0;
  assert_int_equal(tree_open(&t, as_tile_store(s), 700, NULL), PARLEY_EIO);
  store_free(s);
}

/* A store that holds every tile in full; or, with ctx, fails in the way that it says. */
static parley_err endless_get(void *ctx, unsigned level, uint64_t n, uint8_t *out, unsigned *width, struct errmsg *e) {
  (void)level, (void)n;
  if (ctx) return err_set(e, *(const parley_err *)ctx, "the disk is gone");
  memset(out, 0x11, TILE_WIDTH * 32);
  *width = TILE_WIDTH;
  return PARLEY_OK;
}

static parley_err wide_get(void *ctx, unsigned level, uint64_t n, uint8_t *out, unsigned *width, struct errmsg *e) {
  const parley_err err = endless_get(ctx, level, n, out, width, e);
  *width = TILE_WIDTH + 1;
  return err;
}

static parley_err no_put(void *ctx, unsigned level, uint64_t n, const uint8_t *data, unsigned width, struct errmsg *e) {
  (void)ctx, (void)level, (void)n, (void)data, (void)width;
  return err_set(e, PARLEY_EIO, "nothing is put here");
}

/* A log holds 2^48 - 1 entries; the next is refused, and the tree goes on working. */
static void test_largest_tree(void **state) {
  (void)state;
  const uint64_t most = (UINT64_C(1) << 48) - 1;
  struct tree *t;
  struct errmsg e;
  struct hash h;
  struct proof p;
  assert_int_equal(tree_open(&t, (struct tile_store){NULL, endless_get, no_put}, most - 1, NULL), PARLEY_OK);
  assert_int_equal(tree_append(t, leaves, 2, &e), PARLEY_ELIMIT);
  assert_non_null(strstr(e.text, "open a new epoch"));
  assert_int_equal(tree_append(t, leaves, 1, NULL), PARLEY_OK);
  assert_true(tree_size(t) == most);
  assert_int_equal(tree_append(t, leaves, 1, NULL), PARLEY_ELIMIT);
  assert_int_equal(tree_root(t, most, &h, NULL), PARLEY_OK);
  assert_int_equal(merkle_inclusion(&p, tree_source(t), most - 1, most, NULL), PARLEY_OK);
  assert_true(merkle_check_inclusion(&p, most - 1, most, &leaves[0], &h));
  tree_free(t);
}

static void test_store_that_fails(void **state) {
  (void)state;
  struct tree *t;
  struct errmsg e;
  parley_err how = PARLEY_EBUSY;
  assert_int_equal(tree_open(&t, (struct tile_store){&how, endless_get, no_put}, 5, &e), PARLEY_EBUSY);
  assert_string_equal(e.text, "the disk is gone");
  assert_int_equal(tree_open(&t, (struct tile_store){NULL, wide_get, no_put}, 5, &e), PARLEY_EIO);
}

static void test_nodes_beyond_the_tree(void **state) {
  (void)state;
  struct store *s = store_new();
  struct tree *t;
  struct hash h;
  assert_int_equal(tree_open(&t, as_tile_store(s), 0, NULL), PARLEY_OK);
  assert_int_equal(tree_source(t).read(t, 0, 0, &h, NULL), PARLEY_ENOTFOUND);
  grow(t, 300, 256);
  assert_int_equal(tree_source(t).read(t, 0, 299, &h, NULL), PARLEY_OK);
  assert_int_equal(tree_source(t).read(t, 0, 300, &h, NULL), PARLEY_ENOTFOUND);
  assert_int_equal(tree_source(t).read(t, 8, 0, &h, NULL), PARLEY_OK);
  assert_int_equal(tree_source(t).read(t, 8, 1, &h, NULL), PARLEY_ENOTFOUND);
  assert_int_equal(tree_source(t).read(t, 9, 0, &h, NULL), PARLEY_ENOTFOUND);
  assert_int_equal(tree_source(t).read(t, 63, 0, &h, NULL), PARLEY_ENOTFOUND);
  assert_int_equal(tree_source(t).read(t, 200, 0, &h, NULL), PARLEY_ENOTFOUND);
  tree_free(t);
  store_free(s);
}

/* ---- names ---- */

static void test_tile_names(void **state) {
  (void)state;
  static const struct {
    struct tile_name name;
    const char *path;
  } rows[] = {
      {{TILE_HASHES, 0, 0, 256}, "tile/0/000"},
      {{TILE_HASHES, 0, 1234067, 256}, "tile/0/x001/x234/067"},
      {{TILE_HASHES, 1, 999, 1}, "tile/1/999.p/1"},
      {{TILE_HASHES, 63, 1000, 255}, "tile/63/x001/000.p/255"},
      {{TILE_ENTRIES, 0, 273, 112}, "tile/entries/273.p/112"},
      {{TILE_ENTRIES, 0, UINT64_MAX, 256}, "tile/entries/x018/x446/x744/x073/x709/x551/615"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct buf b = {0};
    struct tile_name t;
    tile_path(&b, &rows[i].name);
    assert_true(bytes_is(buf_view(&b), rows[i].path));
    assert_true(tile_parse(&t, buf_view(&b)));
    assert_int_equal(t.kind, rows[i].name.kind);
    assert_int_equal(t.level, rows[i].name.level);
    assert_true(t.n == rows[i].name.n);
    assert_int_equal(t.width, rows[i].name.width);
    buf_free(&b);
  }
}

static void test_bad_tile_names(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "tile/",
      "tile/0",
      "tile/0/",
      "/tile/0/000",
      "tile//000",
      "tile/64/000",
      "tile/00/000",
      "tile/01/000",
      "tile/-1/000",
      "tile/0/00",
      "tile/0/0000",
      "tile/0/x000/000",
      "tile/0/x001",
      "tile/0/x001/x000",
      "tile/0/001/000",
      "tile/0/x001/0a0",
      "tile/0/000/",
      "tile/0/000.p",
      "tile/0/000.p/",
      "tile/0/000.p/0",
      "tile/0/000.p/01",
      "tile/0/000.p/256",
      "tile/0/000.p/1/",
      "tile/0/000p/1",
      "tile/entries",
      "tile/entries/x",
      "tile/Entries/000",
      "tile/data/000",
      "tile/entries/x018/x446/x744/x073/x709/x551/616", /* 2^64 */
      "tile/entries/x001/x018/x446/x744/x073/x709/x551/615",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct tile_name t;
    assert_false(tile_parse(&t, bytes_str(bad[i])));
  }
}

/* The example of tlog-tiles: Partial Tiles. */
static void test_tile_width(void **state) {
  (void)state;
  assert_int_equal(tile_width(0, 272, 70000), 256);
  assert_int_equal(tile_width(0, 273, 70000), 112);
  assert_int_equal(tile_width(0, 274, 70000), 0);
  assert_int_equal(tile_width(1, 0, 70000), 256);
  assert_int_equal(tile_width(1, 1, 70000), 17);
  assert_int_equal(tile_width(2, 0, 70000), 1);
  assert_int_equal(tile_width(3, 0, 70000), 0);
  assert_int_equal(tile_width(0, 0, 256), 256);
  assert_int_equal(tile_width(0, 1, 256), 0);
  assert_int_equal(tile_width(1, 0, 256), 1);
  assert_int_equal(tile_width(0, UINT64_MAX, UINT64_MAX), 0);
  assert_int_equal(tile_width(63, 0, UINT64_MAX), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_grow_and_reopen),       cmocka_unit_test(test_every_small_size),
      cmocka_unit_test(test_reads_are_few),         cmocka_unit_test(test_flush_puts_each_tile_once),
      cmocka_unit_test(test_failed_flush),          cmocka_unit_test(test_damaged_store),
      cmocka_unit_test(test_nodes_beyond_the_tree), cmocka_unit_test(test_tile_names),
      cmocka_unit_test(test_bad_tile_names),        cmocka_unit_test(test_tile_width),
      cmocka_unit_test(test_largest_tree),          cmocka_unit_test(test_store_that_fails),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
