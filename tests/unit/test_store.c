/*
 * The store over SQLite on a real file: every function, order, bounds, transactions, and what it refuses to open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/store.h"

struct home {
  char dir[64], path[96];
  struct store *s;
  struct arena a;
  struct errmsg e;
};

static void reopen(struct home *h) {
  store_close(h->s);
  assert_int_equal(store_sqlite_open(&h->s, h->path, NULL, &h->e), PARLEY_OK);
}

static int setup(void **state) {
  struct home *h = calloc(1, sizeof *h);
  assert_non_null(h);
  strcpy(h->dir, "/tmp/parley-store-XXXXXX");
  assert_non_null(mkdtemp(h->dir));
  snprintf(h->path, sizeof h->path, "%s/store.db", h->dir);
  assert_int_equal(store_sqlite_open(&h->s, h->path, NULL, &h->e), PARLEY_OK);
  *state = h;
  return 0;
}

static int teardown(void **state) {
  static const char *const suffix[] = {"", "-wal", "-journal", "-shm"};
  struct home *h = *state;
  store_close(h->s);
  arena_free(&h->a);
  for (size_t i = 0; i < 4; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s%s", h->path, suffix[i]);
    unlink(path);
  }
  assert_int_equal(rmdir(h->dir), 0); /* nothing else was left behind */
  free(h);
  return 0;
}

static struct bytes str(const char *s) { return BYTES(s, strlen(s)); }
static void begin(struct home *h) { assert_int_equal(store_begin(h->s, &h->e), PARLEY_OK); }
static void commit(struct home *h) { assert_int_equal(store_commit(h->s, &h->e), PARLEY_OK); }

static void put(struct home *h, enum store_map t, const char *k, const char *v) {
  assert_int_equal(store_put(h->s, t, str(k), str(v), &h->e), PARLEY_OK);
}

static void seq_put(struct home *h, enum store_seq t, uint32_t log, uint64_t pos, const char *v) {
  assert_int_equal(store_seq_put(h->s, t, log, pos, str(v), &h->e), PARLEY_OK);
}

static void holds(struct home *h, enum store_map t, const char *k, const char *v) {
  struct bytes got = BYTES_NONE;
  const parley_err err = store_get(h->s, t, str(k), &h->a, &got, &h->e);
  assert_int_equal(err, v ? PARLEY_OK : PARLEY_ENOTFOUND);
  if (v) assert_true(got.p && got.n == strlen(v) && memcmp(got.p, v, got.n) == 0);
}

static void seq_holds(struct home *h, enum store_seq t, uint32_t log, uint64_t pos, const char *v) {
  struct bytes got = BYTES_NONE;
  const parley_err err = store_seq_get(h->s, t, log, pos, &h->a, &got, &h->e);
  assert_int_equal(err, v ? PARLEY_OK : PARLEY_ENOTFOUND);
  if (v) assert_true(got.p && got.n == strlen(v) && memcmp(got.p, v, got.n) == 0);
}

/* Scans write "pos=value " or "key=value " here. */
struct trail {
  char text[1024];
  int left; /* calls until `end` is returned; 0: never */
  parley_err end;
};

static parley_err on_seq(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct trail *t = ctx;
  const size_t n = strlen(t->text);
  snprintf(t->text + n, sizeof t->text - n, "%llu=%.*s ", (unsigned long long)pos, (int)v.n, (const char *)v.p);
  return t->left && --t->left == 0 ? err_set(e, t->end, "the test ends the scan") : PARLEY_OK;
}

static parley_err on_map(void *ctx, struct bytes k, struct bytes v, struct errmsg *e) {
  struct trail *t = ctx;
  const size_t n = strlen(t->text);
  snprintf(t->text + n, sizeof t->text - n, "%.*s=%.*s ", (int)k.n, (const char *)k.p, (int)v.n, (const char *)v.p);
  return t->left && --t->left == 0 ? err_set(e, t->end, "the test ends the scan") : PARLEY_OK;
}

/* ---- sequence tables ---- */

static void test_sequence(void **state) {
  struct home *h = *state;
  begin(h);
  seq_put(h, STORE_ENTRIES, 1, 0, "zero");
  seq_put(h, STORE_ENTRIES, 1, STORE_POS_MAX, "last");
  seq_put(h, STORE_ENTRIES, 2, 0, "other log");
  seq_put(h, STORE_ENTRIES, STORE_LOG_MAX, STORE_POS_MAX, "far corner");
  seq_put(h, STORE_TILES, 1, 0, "other table");
  seq_put(h, STORE_STAGED, 1, 7, "");
  seq_put(h, STORE_ENTRIES, 1, 0, "replaced");
  seq_holds(h, STORE_ENTRIES, 1, 0, "replaced"); /* its own writes are seen inside the transaction */
  commit(h);
  reopen(h);
  seq_holds(h, STORE_ENTRIES, 1, 0, "replaced");
  seq_holds(h, STORE_ENTRIES, 1, STORE_POS_MAX, "last");
  seq_holds(h, STORE_ENTRIES, 2, 0, "other log");
  seq_holds(h, STORE_ENTRIES, STORE_LOG_MAX, STORE_POS_MAX, "far corner");
  seq_holds(h, STORE_TILES, 1, 0, "other table");
  seq_holds(h, STORE_STAGED, 1, 7, "");
  seq_holds(h, STORE_STAGED, 1, 0, NULL);
  seq_holds(h, STORE_ENTRIES, 1, 1, NULL);
  seq_holds(h, STORE_ENTRIES, 3, 0, NULL);
  assert_non_null(strstr(h->e.text, "log 3")); /* the message says where */
}

static void seq_trail(struct home *h, uint32_t log, uint64_t from, uint64_t to, const char *want) {
  struct trail t = {0};
  assert_int_equal(store_seq_scan(h->s, STORE_ENTRIES, log, from, to, on_seq, &t, &h->e), PARLEY_OK);
  assert_string_equal(t.text, want);
}

static void test_sequence_scan_and_delete(void **state) {
  struct home *h = *state;
  begin(h);
  for (int i = 9; i >= 0; i--)
    seq_put(h, STORE_ENTRIES, 5, (uint64_t)i * 3,
            (const char *[]){"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}[i]);
  seq_put(h, STORE_ENTRIES, 4, STORE_POS_MAX, "before");
  seq_put(h, STORE_ENTRIES, 6, 0, "after");
  commit(h);
  seq_trail(h, 5, 0, UINT64_MAX, "0=a 3=b 6=c 9=d 12=e 15=f 18=g 21=h 24=i 27=j ");
  seq_trail(h, 5, 3, 9, "3=b 6=c ");
  seq_trail(h, 5, 4, 10, "6=c 9=d ");
  seq_trail(h, 5, 9, 9, "");
  seq_trail(h, 5, 9, 3, "");
  seq_trail(h, 5, UINT64_MAX, UINT64_MAX, "");
  begin(h);
  assert_int_equal(store_seq_delete(h->s, STORE_ENTRIES, 5, 3, 15, &h->e), PARLEY_OK);
  assert_int_equal(store_seq_delete(h->s, STORE_ENTRIES, 5, 18, 18, &h->e), PARLEY_OK);
  assert_int_equal(store_seq_delete(h->s, STORE_ENTRIES, 5, 27, UINT64_MAX, &h->e), PARLEY_OK);
  commit(h);
  seq_trail(h, 5, 0, STORE_POS_MAX + 1, "0=a 15=f 18=g 21=h 24=i ");
  seq_trail(h, 4, 0, UINT64_MAX, "1099511627775=before ");
  seq_trail(h, 6, 0, UINT64_MAX, "0=after ");
}

/* ---- map tables ---- */

static void test_map(void **state) {
  struct home *h = *state;
  begin(h);
  for (int t = 0; t < STORE_MAP_COUNT; t++)
    put(h, (enum store_map)t, "key", (const char *[]){"0", "1", "2", "3", "4", "5", "6", "7"}[t]);
  put(h, STORE_META, "empty", "");
  put(h, STORE_META, "key", "replaced");
  commit(h);
  reopen(h);
  holds(h, STORE_META, "key", "replaced");
  for (int t = 1; t < STORE_MAP_COUNT; t++)
    holds(h, (enum store_map)t, "key", (const char *[]){"0", "1", "2", "3", "4", "5", "6", "7"}[t]);
  holds(h, STORE_META, "empty", "");
  holds(h, STORE_META, "ke", NULL);
  holds(h, STORE_META, "key\1", NULL);
  begin(h);
  assert_int_equal(store_delete(h->s, STORE_META, str("key"), &h->e), PARLEY_OK);
  assert_int_equal(store_delete(h->s, STORE_META, str("absent"), &h->e), PARLEY_OK);
  commit(h);
  holds(h, STORE_META, "key", NULL);
  holds(h, STORE_LOGS, "key", "1");
}

#define KEYS 400

struct key {
  uint8_t n, p[4];
};

struct keys {
  struct key k[KEYS];
  size_t n;
};

static uint64_t next_random(uint64_t *x) {
  *x ^= *x << 13;
  *x ^= *x >> 7;
  *x ^= *x << 17;
  return *x;
}

static int key_compare(const void *a, const void *b) {
  const struct key *x = a, *y = b;
  const int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
  return c ? c : x->n - y->n;
}

static struct key key_random(uint64_t *x, unsigned least) {
  static const uint8_t alphabet[] = {0x00, 0x01, 0x7f, 0xfe, 0xff};
  struct key k = {.n = (uint8_t)(least + next_random(x) % (5 - least))};
  for (unsigned i = 0; i < k.n; i++) k.p[i] = alphabet[next_random(x) % sizeof alphabet];
  return k;
}

static parley_err on_key(void *ctx, struct bytes k, struct bytes v, struct errmsg *e) {
  struct keys *got = ctx;
  (void)e;
  assert_true(k.n >= 1 && k.n <= 4 && got->n < KEYS);
  assert_true(v.n == k.n && memcmp(v.p, k.p, v.n) == 0);
  got->k[got->n].n = (uint8_t)k.n;
  memcpy(got->k[got->n++].p, k.p, k.n);
  return PARLEY_OK;
}

/* What a scan must give, by looking at every key. */
static void expect(struct keys *want, const struct keys *all, const struct key *prefix, const struct key *after,
                   bool reverse) {
  want->n = 0;
  for (size_t i = 0; i < all->n; i++) {
    const struct key *k = &all->k[reverse ? all->n - 1 - i : i];
    if (k->n < prefix->n || memcmp(k->p, prefix->p, prefix->n) != 0) continue;
    const int c = key_compare(k, after);
    if (after->n && (reverse ? c >= 0 : c <= 0)) continue;
    want->k[want->n++] = *k;
  }
}

/* Keys full of 0x00 and 0xff, where the end of a prefix is easy to get wrong. */
static void test_map_scan_against_model(void **state) {
  struct home *h = *state;
  uint64_t x = 20210507;
  static struct keys all, want, got;
  begin(h);
  for (all.n = 0; all.n < KEYS;) {
    const struct key k = key_random(&x, 1);
    assert_int_equal(store_put(h->s, STORE_INDEX, BYTES(k.p, k.n), BYTES(k.p, k.n), &h->e), PARLEY_OK);
    bool known = false;
    for (size_t i = 0; i < all.n && !known; i++) known = key_compare(&all.k[i], &k) == 0;
    if (!known) all.k[all.n++] = k;
  }
  commit(h);
  qsort(all.k, all.n, sizeof all.k[0], key_compare);
  for (int i = 0; i < 4000; i++) {
    const struct key prefix = key_random(&x, 0), after = key_random(&x, 0);
    const bool reverse = next_random(&x) & 1;
    expect(&want, &all, &prefix, &after, reverse);
    got.n = 0;
    assert_int_equal(
        store_scan(h->s, STORE_INDEX, BYTES(prefix.p, prefix.n), BYTES(after.p, after.n), reverse, on_key, &got, &h->e),
        PARLEY_OK);
    assert_int_equal(got.n, want.n);
    for (size_t j = 0; j < got.n; j++) assert_int_equal(key_compare(&got.k[j], &want.k[j]), 0);
  }
}

static void test_map_scan_of_longest_keys(void **state) {
  struct home *h = *state;
  static uint8_t key[STORE_KEY_MAX];
  struct trail t = {0};
  memset(key, 0xff, sizeof key);
  const struct bytes k = BYTES(key, sizeof key);
  begin(h);
  assert_int_equal(store_put(h->s, STORE_INDEX, k, str("v"), &h->e), PARLEY_OK);
  commit(h);
  assert_int_equal(store_scan(h->s, STORE_INDEX, k, BYTES_NONE, false, on_map, &t, &h->e), PARLEY_OK);
  assert_non_null(strstr(t.text, "=v "));
  t.text[0] = '\0';
  assert_int_equal(store_scan(h->s, STORE_INDEX, k, BYTES_NONE, true, on_map, &t, &h->e), PARLEY_OK);
  assert_non_null(strstr(t.text, "=v "));
  t.text[0] = '\0';
  assert_int_equal(store_scan(h->s, STORE_INDEX, BYTES_NONE, k, false, on_map, &t, &h->e), PARLEY_OK);
  assert_int_equal(store_scan(h->s, STORE_INDEX, BYTES_NONE, k, true, on_map, &t, &h->e), PARLEY_OK);
  assert_string_equal(t.text, "");
}

static void test_scan_ends_early(void **state) {
  struct home *h = *state;
  begin(h);
  put(h, STORE_META, "a", "1");
  put(h, STORE_META, "b", "2");
  put(h, STORE_META, "c", "3");
  seq_put(h, STORE_ENTRIES, 1, 1, "x");
  seq_put(h, STORE_ENTRIES, 1, 2, "y");
  commit(h);
  struct trail t = {.left = 2, .end = PARLEY_EBUSY};
  assert_int_equal(store_scan(h->s, STORE_META, BYTES_NONE, BYTES_NONE, false, on_map, &t, &h->e), PARLEY_OK);
  assert_string_equal(t.text, "a=1 b=2 ");
  t = (struct trail){.left = 2, .end = PARLEY_EVERIFY};
  assert_int_equal(store_scan(h->s, STORE_META, BYTES_NONE, BYTES_NONE, true, on_map, &t, &h->e), PARLEY_EVERIFY);
  assert_string_equal(t.text, "c=3 b=2 ");
  assert_string_equal(h->e.text, "the test ends the scan");
  t = (struct trail){.left = 1, .end = PARLEY_EVERIFY};
  assert_int_equal(store_seq_scan(h->s, STORE_ENTRIES, 1, 0, 9, on_seq, &t, NULL), PARLEY_EVERIFY);
  assert_string_equal(t.text, "1=x ");
  /* A scan inside a transaction that its caller ends does no harm to the transaction. */
  begin(h);
  put(h, STORE_META, "d", "4");
  t = (struct trail){.left = 1, .end = PARLEY_EVERIFY};
  assert_int_equal(store_scan(h->s, STORE_META, BYTES_NONE, BYTES_NONE, false, on_map, &t, &h->e), PARLEY_EVERIFY);
  commit(h);
  holds(h, STORE_META, "d", "4");
}

/* Looks up, scans and writes the very table that is being scanned. */
static parley_err on_nested(void *ctx, struct bytes k, struct bytes v, struct errmsg *e) {
  struct home *h = ctx;
  struct trail t = {0};
  (void)v, (void)e;
  assert_int_equal(store_scan(h->s, STORE_DRAFTS, BYTES_NONE, BYTES_NONE, false, on_map, &t, &h->e), PARLEY_OK);
  assert_true(strncmp(t.text, "a=1 b=2 c=3 ", 12) == 0);
  holds(h, STORE_DRAFTS, "b", "2");
  assert_int_equal(store_put(h->s, STORE_META, k, v, &h->e), PARLEY_OK);
  return PARLEY_OK;
}

static void test_scan_nested(void **state) {
  struct home *h = *state;
  begin(h);
  put(h, STORE_DRAFTS, "a", "1");
  put(h, STORE_DRAFTS, "b", "2");
  put(h, STORE_DRAFTS, "c", "3");
  assert_int_equal(store_scan(h->s, STORE_DRAFTS, BYTES_NONE, BYTES_NONE, false, on_nested, h, &h->e), PARLEY_OK);
  commit(h);
  holds(h, STORE_META, "c", "3");
}

/* ---- transactions ---- */

static void test_rollback(void **state) {
  struct home *h = *state;
  begin(h);
  put(h, STORE_META, "k", "old");
  seq_put(h, STORE_ENTRIES, 1, 0, "old");
  commit(h);
  begin(h);
  assert_true(store_in_transaction(h->s));
  put(h, STORE_META, "k", "new");
  seq_put(h, STORE_ENTRIES, 1, 0, "new");
  seq_put(h, STORE_ENTRIES, 1, 1, "new");
  store_rollback(h->s);
  assert_false(store_in_transaction(h->s));
  holds(h, STORE_META, "k", "old");
  seq_holds(h, STORE_ENTRIES, 1, 0, "old");
  seq_holds(h, STORE_ENTRIES, 1, 1, NULL);
  store_rollback(h->s); /* without a transaction: nothing */
  begin(h);
  put(h, STORE_META, "k", "unfinished");
  reopen(h); /* closing rolls back */
  holds(h, STORE_META, "k", "old");
}

/* One refused write takes the whole transaction with it, and every later call says why. */
static void test_failed_write_ends_transaction(void **state) {
  struct home *h = *state;
  struct bytes v;
  begin(h);
  put(h, STORE_META, "k", "half");
  assert_int_equal(store_put(h->s, STORE_META, BYTES_NONE, str("v"), &h->e), PARLEY_ELIMIT);
  const struct errmsg why = h->e;
  assert_true(store_in_transaction(h->s));
  assert_int_equal(store_put(h->s, STORE_META, str("k2"), str("v"), &h->e), PARLEY_ELIMIT);
  assert_int_equal(store_seq_put(h->s, STORE_TILES, 1, 1, str("v"), NULL), PARLEY_ELIMIT);
  assert_int_equal(store_get(h->s, STORE_META, str("k"), &h->a, &v, NULL), PARLEY_ELIMIT);
  h->e.text[0] = '\0';
  assert_int_equal(store_commit(h->s, &h->e), PARLEY_ELIMIT);
  assert_string_equal(h->e.text, why.text);
  assert_false(store_in_transaction(h->s));
  holds(h, STORE_META, "k", NULL);
  holds(h, STORE_META, "k2", NULL);
  begin(h);
  assert_int_equal(store_delete(h->s, STORE_META, BYTES_NONE, NULL), PARLEY_ELIMIT);
  store_rollback(h->s);
  begin(h);
  put(h, STORE_META, "k", "whole");
  commit(h);
  holds(h, STORE_META, "k", "whole");
}

static void test_transaction_misuse(void **state) {
  struct home *h = *state;
  assert_int_equal(store_commit(h->s, &h->e), PARLEY_EINVAL);
  assert_int_equal(store_put(h->s, STORE_META, str("k"), str("v"), &h->e), PARLEY_EINVAL);
  assert_int_equal(store_delete(h->s, STORE_META, str("k"), &h->e), PARLEY_EINVAL);
  assert_int_equal(store_seq_put(h->s, STORE_TILES, 1, 1, str("v"), &h->e), PARLEY_EINVAL);
  assert_int_equal(store_seq_delete(h->s, STORE_TILES, 1, 1, 2, &h->e), PARLEY_EINVAL);
  begin(h);
  put(h, STORE_META, "k", "v");
  assert_int_equal(store_begin(h->s, &h->e), PARLEY_EINVAL);
  assert_int_equal(store_checkpoint(h->s, &h->e), PARLEY_EINVAL);
  commit(h); /* neither did harm */
  holds(h, STORE_META, "k", "v");
}

/* ---- bounds ---- */

static void refused_seq(struct home *h, enum store_seq t, uint32_t log, uint64_t pos, parley_err want) {
  struct bytes v;
  struct trail tr = {0};
  assert_int_equal(store_seq_get(h->s, t, log, pos, &h->a, &v, &h->e), want);
  begin(h);
  assert_int_equal(store_seq_put(h->s, t, log, pos, str("v"), &h->e), want);
  store_rollback(h->s);
  if (pos > STORE_POS_MAX) /* ranges are clamped instead */
    return;
  begin(h);
  assert_int_equal(store_seq_delete(h->s, t, log, pos, pos + 1, &h->e), want);
  store_rollback(h->s);
  assert_int_equal(store_seq_scan(h->s, t, log, pos, pos + 1, on_seq, &tr, &h->e), want);
}

static void refused_map(struct home *h, enum store_map t, struct bytes k, parley_err want) {
  struct bytes v;
  assert_int_equal(store_get(h->s, t, k, &h->a, &v, &h->e), want);
  begin(h);
  assert_int_equal(store_put(h->s, t, k, str("v"), &h->e), want);
  store_rollback(h->s);
  begin(h);
  assert_int_equal(store_delete(h->s, t, k, &h->e), want);
  store_rollback(h->s);
}

static void test_bounds(void **state) {
  struct home *h = *state;
  static uint8_t key[STORE_KEY_MAX + 1];
  struct trail t = {0};
  refused_seq(h, STORE_ENTRIES, 0, 0, PARLEY_ELIMIT);
  refused_seq(h, STORE_ENTRIES, STORE_LOG_MAX + 1, 0, PARLEY_ELIMIT);
  refused_seq(h, STORE_ENTRIES, UINT32_MAX, 0, PARLEY_ELIMIT);
  refused_seq(h, STORE_ENTRIES, 1, STORE_POS_MAX + 1, PARLEY_ELIMIT);
  refused_seq(h, STORE_ENTRIES, 1, UINT64_MAX, PARLEY_ELIMIT);
  refused_seq(h, STORE_SEQ_COUNT, 1, 0, PARLEY_EINVAL);
  refused_map(h, STORE_META, BYTES_NONE, PARLEY_ELIMIT);
  refused_map(h, STORE_META, BYTES(key, sizeof key), PARLEY_ELIMIT);
  refused_map(h, STORE_META, BYTES(key, SIZE_MAX), PARLEY_ELIMIT);
  refused_map(h, STORE_MAP_COUNT, str("k"), PARLEY_EINVAL);
  const struct bytes big = BYTES(key, sizeof key), none = BYTES_NONE;
  assert_int_equal(store_scan(h->s, STORE_META, big, none, false, on_map, &t, &h->e), PARLEY_ELIMIT);
  assert_int_equal(store_scan(h->s, STORE_META, none, big, true, on_map, &t, &h->e), PARLEY_ELIMIT);
  assert_int_equal(store_scan(h->s, STORE_MAP_COUNT, none, none, true, on_map, &t, &h->e), PARLEY_EINVAL);
}

static void test_longest_value(void **state) {
  struct home *h = *state;
  uint8_t *v = malloc(STORE_VALUE_MAX + 1);
  assert_non_null(v);
  for (size_t i = 0; i <= STORE_VALUE_MAX; i++) v[i] = (uint8_t)(i * 2654435761U >> 13);
  const struct bytes most = BYTES(v, STORE_VALUE_MAX), over = BYTES(v, STORE_VALUE_MAX + 1);
  static uint8_t key[STORE_KEY_MAX];
  struct bytes got;
  begin(h);
  assert_int_equal(store_put(h->s, STORE_META, BYTES(key, sizeof key), most, &h->e), PARLEY_OK);
  assert_int_equal(store_seq_put(h->s, STORE_TILES, 1, 1, most, &h->e), PARLEY_OK);
  commit(h);
  reopen(h);
  assert_int_equal(store_get(h->s, STORE_META, BYTES(key, sizeof key), &h->a, &got, &h->e), PARLEY_OK);
  assert_true(bytes_eq(got, most));
  assert_int_equal(store_seq_get(h->s, STORE_TILES, 1, 1, &h->a, &got, &h->e), PARLEY_OK);
  assert_true(bytes_eq(got, most));
  begin(h);
  assert_int_equal(store_put(h->s, STORE_META, str("k"), over, &h->e), PARLEY_ELIMIT);
  store_rollback(h->s);
  begin(h);
  assert_int_equal(store_seq_put(h->s, STORE_TILES, 1, 2, over, &h->e), PARLEY_ELIMIT);
  store_rollback(h->s);
  free(v);
}

/* ---- the file ---- */

static void test_checkpoint_and_figures(void **state) {
  struct home *h = *state;
  const uint64_t before = store_bytes(h->s);
  static const char text[3000] = {'x'};
  for (int i = 0; i < 200; i++) {
    begin(h);
    assert_int_equal(store_seq_put(h->s, STORE_ENTRIES, 1, (uint64_t)i, BYTES(text, sizeof text), &h->e), PARLEY_OK);
    commit(h);
  }
  assert_true(store_bytes(h->s) >= before + 200 * sizeof text);
  assert_int_equal(store_checkpoint(h->s, &h->e), PARLEY_OK);
  struct stat st;
  assert_int_equal(stat(h->path, &st), 0);
  assert_true(st.st_size >= (off_t)(200 * sizeof text)); /* now in the main file */
  assert_int_equal(st.st_mode & 0777, 0600);
  begin(h);
  put(h, STORE_META, "k", "later");
  commit(h);
  reopen(h);
  holds(h, STORE_META, "k", "later");
}

/* In this process and in another; the first one is not disturbed. */
static void test_open_twice(void **state) {
  struct home *h = *state;
  struct store *second = h->s;
  assert_int_equal(store_sqlite_open(&second, h->path, NULL, &h->e), PARLEY_EBUSY);
  assert_null(second);
  assert_non_null(strstr(h->e.text, "another parleyd has this home open"));
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(store_sqlite_open(&second, h->path, NULL, NULL));
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), PARLEY_EBUSY);
  begin(h);
  put(h, STORE_META, "k", "v");
  commit(h);
  store_close(h->s);
  h->s = NULL;
  assert_int_equal(store_sqlite_open(&h->s, h->path, NULL, &h->e), PARLEY_OK);
  holds(h, STORE_META, "k", "v");
}

static void change(struct home *h, const char *sql) {
  sqlite3 *db;
  store_close(h->s);
  h->s = NULL;
  assert_int_equal(sqlite3_open(h->path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void refused_file(struct home *h, parley_err want, const char *says) {
  assert_int_equal(store_sqlite_open(&h->s, h->path, NULL, &h->e), want);
  assert_null(h->s);
  assert_non_null(strstr(h->e.text, says));
  assert_non_null(strstr(h->e.text, h->path));
}

static void test_other_schemas(void **state) {
  struct home *h = *state;
  change(h, "PRAGMA user_version = 99");
  refused_file(h, PARLEY_ECONFLICT, "schema 99");
  assert_non_null(strstr(h->e.text, "up to 1"));
  change(h, "PRAGMA user_version = 0");
  refused_file(h, PARLEY_EIO, "schema 0");
  change(h, "PRAGMA user_version = 1; PRAGMA application_id = 7");
  refused_file(h, PARLEY_EIO, "another program");
  change(h, "PRAGMA user_version = 0; PRAGMA application_id = 0"); /* but tables stand in it */
  refused_file(h, PARLEY_EIO, "another program");
  change(h, "PRAGMA user_version = 1; PRAGMA application_id = 0x5041524c");
  assert_int_equal(store_sqlite_open(&h->s, h->path, NULL, &h->e), PARLEY_OK);
}

static void write_file(const struct home *h, const void *p, size_t n) {
  FILE *f = fopen(h->path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(p, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

static void test_not_a_database(void **state) {
  struct home *h = *state;
  static char text[8192];
  store_close(h->s);
  h->s = NULL;
  memset(text, 'x', sizeof text);
  write_file(h, text, sizeof text);
  refused_file(h, PARLEY_EIO, "not a database");
  write_file(h, "SQLite format 3", 16); /* a header cut short */
  refused_file(h, PARLEY_EIO, "not a database");
  assert_int_equal(unlink(h->path), 0);
  assert_int_equal(mkdir(h->path, 0700), 0);
  refused_file(h, PARLEY_EIO, "cannot open");
  assert_int_equal(rmdir(h->path), 0);
  assert_int_equal(store_sqlite_open(&h->s, "/nowhere/at/all/store.db", NULL, &h->e), PARLEY_EIO);
  assert_int_equal(store_sqlite_open(&h->s, "", NULL, &h->e), PARLEY_EINVAL);
  assert_int_equal(store_sqlite_open(&h->s, ":memory:", NULL, &h->e), PARLEY_EINVAL);
  assert_int_equal(store_sqlite_open(&h->s, "file:x?mode=memory", NULL, &h->e), PARLEY_EINVAL);
  assert_null(h->s);
  write_file(h, "", 0); /* an empty file is a new store */
  assert_int_equal(store_sqlite_open(&h->s, h->path, NULL, &h->e), PARLEY_OK);
}

static void test_damaged(void **state) {
  struct home *h = *state;
  static char value[20000];
  struct bytes v;
  begin(h);
  assert_int_equal(store_put(h->s, STORE_META, str("k"), BYTES(value, sizeof value), &h->e), PARLEY_OK);
  commit(h);
  store_close(h->s);
  h->s = NULL;
  FILE *f = fopen(h->path, "r+b");
  assert_non_null(f);
  memset(value, 0xa5, sizeof value);
  assert_int_equal(fseek(f, 4096, SEEK_SET), 0); /* all but the first page */
  for (int i = 0; i < 4; i++) assert_int_equal(fwrite(value, 1, sizeof value, f), sizeof value);
  assert_int_equal(fclose(f), 0);
  assert_int_equal(store_sqlite_open(&h->s, h->path, NULL, &h->e), PARLEY_OK);
  assert_int_equal(store_get(h->s, STORE_META, str("k"), &h->a, &v, &h->e), PARLEY_EIO);
  assert_non_null(strstr(h->e.text, "damaged"));
  begin(h);
  assert_int_equal(store_put(h->s, STORE_META, str("k"), str("v"), &h->e), PARLEY_EIO);
  assert_int_equal(store_commit(h->s, &h->e), PARLEY_EIO);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A copy made in steps, while it is written to: it is the store as it was at the last step, and nothing else is left. */
static void test_backup(void **state) {
  struct home *h = *state;
  struct store_backup *b;
  char path[128], other[128], key[16];
  uint64_t done = 0, all = 0;
  parley_err err;
  unsigned steps = 0;
  snprintf(path, sizeof path, "%s/copy.db", h->dir);
  begin(h);
  for (unsigned i = 0; i < 2000; i++) {
    snprintf(key, sizeof key, "%u", i);
    put(h, STORE_META, key, "some words so that it takes more than a page or two of the file");
  }
  assert_int_equal(store_backup_begin(&b, h->s, path, &h->e), PARLEY_EINVAL); /* in a transaction */
  commit(h);
  assert_int_equal(store_backup_begin(&b, h->s, path, &h->e), PARLEY_OK);
  while ((err = store_backup_step(b, 4, &h->e)) == PARLEY_EBUSY) {
    store_backup_progress(b, &done, &all);
    assert_true(done < all && all > 100000);
    begin(h);
    put(h, STORE_META, "0", "first, written over");
    snprintf(key, sizeof key, "new %u", steps++);
    put(h, STORE_META, key, "while it was copied");
    commit(h);
  }
  assert_int_equal(err, PARLEY_OK);
  store_backup_progress(b, &done, &all);
  assert_int_equal(done, all);
  store_backup_end(b);
  assert_true(steps > 5);
  assert_int_equal(store_backup_begin(&b, h->s, path, &h->e), PARLEY_ECONFLICT); /* never over another file */
  snprintf(other, sizeof other, "%s/away/copy.db", h->dir);
  assert_int_not_equal(store_backup_begin(&b, h->s, other, &h->e), PARLEY_OK);
  struct store *live = h->s;
  assert_int_equal(store_sqlite_open(&h->s, path, NULL, &h->e), PARLEY_OK);
  holds(h, STORE_META, "0", "first, written over");
  holds(h, STORE_META, "1999", "some words so that it takes more than a page or two of the file");
  holds(h, STORE_META, "new 0", "while it was copied");
  snprintf(key, sizeof key, "new %u", steps - 1);
  holds(h, STORE_META, key, "while it was copied");
  store_close(h->s);
  h->s = live;
  static const char *const suffix[] = {"", "-wal", "-journal"};
  for (size_t i = 0; i < 3; i++) {
    snprintf(other, sizeof other, "%s%s", path, suffix[i]);
    unlink(other);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_backup),
      CASE(test_sequence),
      CASE(test_sequence_scan_and_delete),
      CASE(test_map),
      CASE(test_map_scan_against_model),
      CASE(test_map_scan_of_longest_keys),
      CASE(test_scan_ends_early),
      CASE(test_scan_nested),
      CASE(test_rollback),
      CASE(test_failed_write_ends_transaction),
      CASE(test_transaction_misuse),
      CASE(test_bounds),
      CASE(test_longest_value),
      CASE(test_checkpoint_and_figures),
      CASE(test_open_twice),
      CASE(test_other_schemas),
      CASE(test_not_a_database),
      CASE(test_damaged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
