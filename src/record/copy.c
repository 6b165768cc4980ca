/*
 * A log held in the store: its number and size, its entries and its tiles. The size lives in STORE_LOGS under
 * "log/<origin>" and is written with the tiles, so that the three can never tell different stories.
 */
#include "record/copy.h"

#include <stdlib.h>
#include <string.h>

#include "record/copy_source.h"

#define RECORD_VERSION 1
#define RECORD_SIZE 13 /* version, log number, size */
#define NUMBER_SIZE 4
#define ORIGIN_MAX (STORE_KEY_MAX - 16) /* leaves room for every prefix under which state is kept */
#define LEAVES 256

static const char NEXT_LOG[] = "next-log";

struct copy {
  struct store *store;
  struct tree *tree;
  char *origin;
  struct buf key;
  uint32_t number;
  size_t entry_max;
  bool stale; /* memory may be ahead of the store: copy_reset first */
};

static parley_err out_of_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory for a log"); }

static parley_err refuse_stale(const struct copy *c, struct errmsg *e) {
  return err_set(e, PARLEY_EIO, "an earlier write to %s failed; it must be reloaded first", c->origin);
}

/* ---- tiles: position = level, then number; a level 0 tile of a store of 2^40 entries has a number below 2^32 ---- */

static bool tile_pos(unsigned level, uint64_t n, uint64_t *pos) {
  *pos = (uint64_t)level << 32 | n;
  return level < TILE_LEVELS && n <= UINT32_MAX;
}

static parley_err get_tile(void *ctx, unsigned level, uint64_t n, uint8_t *out, unsigned *width, struct errmsg *e) {
  const struct copy *c = ctx;
  uint64_t pos;
  struct arena a = {0};
  struct bytes v;
  if (!tile_pos(level, n, &pos)) return err_set(e, PARLEY_ENOTFOUND, "no such tile");
  parley_err err = store_seq_get(c->store, STORE_TILES, c->number, pos, &a, &v, e);
  if (!err && (v.n == 0 || v.n % 32 != 0 || v.n > TILE_WIDTH * 32))
    err = err_set(e, PARLEY_EIO, "a tile of %s has %zu bytes; restore the log from a copy", c->origin, v.n);
  if (!err) {
    memcpy(out, v.p, v.n);
    *width = (unsigned)(v.n / 32);
  }
  arena_free(&a);
  return err;
}

static parley_err put_tile(void *ctx, unsigned level, uint64_t n, const uint8_t *data, unsigned width,
                           struct errmsg *e) {
  const struct copy *c = ctx;
  uint64_t pos;
  if (!tile_pos(level, n, &pos))
    return err_set(e, PARLEY_ELIMIT, "%s would have more entries than the store can hold; open a new epoch", c->origin);
  return store_seq_put(c->store, STORE_TILES, c->number, pos, BYTES(data, (size_t)width * 32), e);
}

/* ---- number and size ---- */

static parley_err put_record(const struct copy *c, uint64_t size, struct errmsg *e) {
  uint8_t v[RECORD_SIZE] = {RECORD_VERSION};
  for (size_t i = 0; i < NUMBER_SIZE; i++) v[1 + i] = (uint8_t)(c->number >> (24 - 8 * i));
  put_u64be(v + 1 + NUMBER_SIZE, size);
  return store_put(c->store, STORE_LOGS, buf_view(&c->key), BYTES(v, sizeof v), e);
}

static uint32_t u32be(const uint8_t *p) { return (uint32_t)u16be(p) << 16 | u16be(p + 2); }

/* Sets the number and *size. ENOTFOUND: the log has no record. */
static parley_err get_record(struct copy *c, uint64_t *size, struct errmsg *e) {
  struct arena a = {0};
  struct bytes v;
  parley_err err = store_get(c->store, STORE_LOGS, buf_view(&c->key), &a, &v, e);
  if (!err && (v.n != RECORD_SIZE || v.p[0] != RECORD_VERSION))
    err = err_set(e, PARLEY_EIO, "the record of %s in the store is damaged; restore a backup", c->origin);
  if (!err) {
    c->number = u32be(v.p + 1);
    *size = u64be(v.p + 1 + NUMBER_SIZE);
    if (c->number == 0 || c->number > STORE_LOG_MAX || *size > STORE_POS_MAX + 1)
      err = err_set(e, PARLEY_EIO, "the record of %s in the store is out of bounds; restore a backup", c->origin);
  }
  arena_free(&a);
  return err;
}

static parley_err next_number(struct copy *c, struct errmsg *e) {
  struct arena a = {0};
  struct bytes v;
  c->number = 1;
  parley_err err = store_get(c->store, STORE_META, bytes_str(NEXT_LOG), &a, &v, e);
  if (err == PARLEY_ENOTFOUND)
    err = PARLEY_OK;
  else if (!err && v.n != NUMBER_SIZE)
    err = err_set(e, PARLEY_EIO, "the next log number in the store is damaged; restore a backup");
  else if (!err)
    c->number = u32be(v.p);
  arena_free(&a);
  if (!err && (c->number == 0 || c->number > STORE_LOG_MAX))
    err = err_set(e, PARLEY_ELIMIT, "the store already holds %d logs, no more fit", STORE_LOG_MAX);
  return err;
}

static parley_err create(struct copy *c, struct errmsg *e) {
  const bool own = !store_in_transaction(c->store);
  parley_err err = own ? store_begin(c->store, e) : PARLEY_OK;
  if (err) return err;
  err = next_number(c, e);
  if (!err) {
    uint8_t next[NUMBER_SIZE];
    for (size_t i = 0; i < NUMBER_SIZE; i++) next[i] = (uint8_t)((c->number + 1) >> (24 - 8 * i));
    err = store_put(c->store, STORE_META, bytes_str(NEXT_LOG), BYTES(next, sizeof next), e);
  }
  if (!err) err = put_record(c, 0, e);
  if (own && err)
    store_rollback(c->store);
  else if (own)
    err = store_commit(c->store, e);
  return err;
}

/* ---- life ---- */

parley_err copy_open(struct copy **out, struct store *s, const char *origin, size_t entry_max, struct errmsg *e) {
  if (origin[0] == '\0' || strlen(origin) > ORIGIN_MAX)
    return err_set(e, PARLEY_EINVAL, "the origin of a log has 1 to %d bytes", ORIGIN_MAX);
  struct copy *c = calloc(1, sizeof *c);
  if (!c) return out_of_memory(e);
  c->store = s;
  c->entry_max = entry_max;
  c->origin = strdup(origin);
  buf_fmt(&c->key, "log/%s", origin);
  uint64_t size = 0;
  parley_err err = c->origin && buf_ok(&c->key) ? get_record(c, &size, e) : out_of_memory(e);
  if (err == PARLEY_ENOTFOUND) err = create(c, e);
  if (!err) err = tree_open(&c->tree, (struct tile_store){c, get_tile, put_tile}, size, e);
  if (err) {
    copy_close(c);
    return err;
  }
  *out = c;
  return PARLEY_OK;
}

void copy_close(struct copy *c) {
  if (!c) return;
  tree_free(c->tree);
  buf_free(&c->key);
  free(c->origin);
  free(c);
}

parley_err copy_exists(struct store *s, const char *origin, bool *out, struct errmsg *e) {
  struct buf key = {0};
  struct arena a = {0};
  struct bytes v;
  buf_fmt(&key, "log/%s", origin);
  parley_err err = buf_ok(&key) ? store_get(s, STORE_LOGS, buf_view(&key), &a, &v, e) : out_of_memory(e);
  *out = err == PARLEY_OK;
  buf_free(&key);
  arena_free(&a);
  return err == PARLEY_ENOTFOUND ? PARLEY_OK : err;
}

const char *copy_origin(const struct copy *c) { return c->origin; }

uint32_t copy_number(const struct copy *c) { return c->number; }

size_t copy_entry_max(const struct copy *c) { return c->entry_max; }

uint64_t copy_size(const struct copy *c) { return tree_size(c->tree); }

/* ---- growing ---- */

static parley_err check_append(const struct copy *c, const struct bytes *entries, size_t n, struct errmsg *e) {
  if (c->stale) return refuse_stale(c, e);
  if (!store_in_transaction(c->store))
    return err_set(e, PARLEY_EINVAL, "appending to a log needs an open store transaction");
  for (size_t i = 0; i < n; i++)
    if (entries[i].n > c->entry_max)
      return err_set(e, PARLEY_ELIMIT, "entry %zu has %zu bytes; at most %zu are allowed in %s", i, entries[i].n,
                     c->entry_max, c->origin);
  return PARLEY_OK;
}

parley_err copy_append_hashed(struct copy *c, const struct bytes *entries, const struct hash *leaves, size_t n,
                              struct errmsg *e) {
  parley_err err = check_append(c, entries, n, e);
  if (err) return err;
  const uint64_t first = copy_size(c);
  err = tree_append(c->tree, leaves, n, e);
  for (size_t i = 0; i < n && !err; i++)
    err = store_seq_put(c->store, STORE_ENTRIES, c->number, first + i, entries[i], e);
  if (err) c->stale = true;
  return err;
}

parley_err copy_append(struct copy *c, const struct bytes *entries, size_t n, struct errmsg *e) {
  parley_err err = check_append(c, entries, n, e);
  for (size_t at = 0; at < n && !err; at += LEAVES) {
    struct hash leaves[LEAVES];
    const size_t some = n - at < LEAVES ? n - at : LEAVES;
    for (size_t i = 0; i < some; i++) merkle_leaf(&leaves[i], entries[at + i]);
    err = copy_append_hashed(c, entries + at, leaves, some, e);
  }
  return err;
}

parley_err copy_flush(struct copy *c, struct errmsg *e) {
  if (c->stale) return refuse_stale(c, e);
  parley_err err = tree_flush(c->tree, e);
  if (!err) err = put_record(c, copy_size(c), e);
  if (err) c->stale = true;
  return err;
}

/* Tiles may stay wider than the tree: they are read up to its size, and written over when it grows again. */
parley_err copy_cut(struct copy *c, uint64_t size, struct errmsg *e) {
  const uint64_t have = copy_size(c);
  parley_err err = check_append(c, NULL, 0, e);
  if (!err && size > have)
    err = err_set(e, PARLEY_EINVAL, "%s has %llu entries, it cannot be cut at %llu", c->origin,
                  (unsigned long long)have, (unsigned long long)size);
  if (!err) err = copy_flush(c, e);
  if (!err) err = store_seq_delete(c->store, STORE_ENTRIES, c->number, size, have, e);
  if (!err) err = tree_reload(c->tree, size, e);
  if (!err) err = put_record(c, size, e);
  if (err) c->stale = true;
  return err;
}

parley_err copy_reset(struct copy *c, struct errmsg *e) {
  uint64_t size = 0;
  c->stale = true;
  parley_err err = get_record(c, &size, e);
  if (err == PARLEY_ENOTFOUND)
    return err_set(e, err, "%s was opened in a transaction that was not kept; open it anew", c->origin);
  if (!err) err = tree_reload(c->tree, size, e);
  if (!err) c->stale = false;
  return err;
}

parley_err copy_mend(struct copy *c, struct errmsg *e) { return c->stale ? copy_reset(c, e) : PARLEY_OK; }

/* ---- reading ---- */

parley_err copy_entry(struct copy *c, uint64_t index, struct arena *a, struct bytes *out, struct errmsg *e) {
  if (index >= copy_size(c))
    return err_set(e, PARLEY_ENOTFOUND, "%s has %llu entries, none with index %llu", c->origin,
                   (unsigned long long)copy_size(c), (unsigned long long)index);
  const parley_err err = store_seq_get(c->store, STORE_ENTRIES, c->number, index, a, out, e);
  if (err != PARLEY_ENOTFOUND) return err;
  return err_set(e, PARLEY_EIO, "entry %llu of %s is missing in the store; restore the log from a copy",
                 (unsigned long long)index, c->origin);
}

struct scan {
  uint64_t next;
  store_seq_fn f;
  void *ctx;
};

/* A gap ends the scan: the caller never sees entries that do not follow each other. */
static parley_err scan_one(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct scan *s = ctx;
  if (pos != s->next) return err_set(e, PARLEY_EIO, "entry %llu is missing", (unsigned long long)s->next);
  s->next++;
  return s->f(s->ctx, pos, v, e);
}

parley_err copy_scan(struct copy *c, uint64_t from, uint64_t to, store_seq_fn f, void *ctx, struct errmsg *e) {
  if (from > to || to > copy_size(c))
    return err_set(e, PARLEY_EINVAL, "%s has %llu entries; [%llu, %llu) is no range of them", c->origin,
                   (unsigned long long)copy_size(c), (unsigned long long)from, (unsigned long long)to);
  struct scan s = {from, f, ctx};
  const parley_err err = store_seq_scan(c->store, STORE_ENTRIES, c->number, from, to, scan_one, &s, e);
  if (err || s.next == to) return err;
  return err_set(e, PARLEY_EIO, "entry %llu of %s is missing in the store; restore the log from a copy",
                 (unsigned long long)s.next, c->origin);
}

parley_err copy_root(struct copy *c, uint64_t size, struct hash *out, struct errmsg *e) {
  return c->stale ? refuse_stale(c, e) : tree_root(c->tree, size, out, e);
}

struct merkle_source copy_source(struct copy *c) {
  return tree_source(c->tree);
}

/* ---- resources ---- */

static parley_err add_bundle_entry(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct buf *out = ctx;
  if (v.n > UINT16_MAX)
    return err_set(e, PARLEY_EIO, "entry %llu is too long for an entry bundle", (unsigned long long)pos);
  buf_u16be(out, (uint16_t)v.n);
  buf_bytes(out, v);
  return buf_ok(out) ? PARLEY_OK : out_of_memory(e);
}

parley_err copy_add_entries(struct copy *c, uint64_t from, uint64_t to, struct buf *out, struct errmsg *e) {
  return copy_scan(c, from, to, add_bundle_entry, out, e);
}

/* Appends n node hashes of one height. */
static parley_err add_hashes(struct copy *c, unsigned height, uint64_t first, unsigned n, struct buf *out,
                             struct errmsg *e) {
  const struct merkle_source s = copy_source(c);
  for (unsigned i = 0; i < n; i++) {
    struct hash h;
    const parley_err err = s.read(s.ctx, height, first + i, &h, e);
    if (err) return err;
    buf_add(out, h.b, sizeof h.b);
  }
  return buf_ok(out) ? PARLEY_OK : out_of_memory(e);
}

/* tlog-tiles: Partial Tiles. Any width up to what is there is served; a log only grows, so each was true once. */
parley_err copy_tile(struct copy *c, const struct tile_name *t, struct buf *out, struct errmsg *e) {
  if (c->stale) return refuse_stale(c, e);
  if (t->width == 0 || t->level >= TILE_LEVELS || t->n > UINT32_MAX ||
      tile_width(t->level, t->n, copy_size(c)) < t->width)
    return err_set(e, PARLEY_ENOTFOUND, "%s has no such tile yet", c->origin);
  const uint64_t first = t->n * TILE_WIDTH;
  const size_t before = out->n;
  const parley_err err = t->kind == TILE_ENTRIES ? copy_add_entries(c, first, first + t->width, out, e)
                                                 : add_hashes(c, 8 * t->level, first, t->width, out, e);
  if (err) out->n = before;
  return err;
}
