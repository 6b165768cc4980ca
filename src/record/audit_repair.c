#include "record/audit_repair.h"

#include <string.h>

#include "merkle/tiles.h"

static uint64_t tile_at(unsigned level, uint64_t n) { return (uint64_t)level << 32 | n; } /* as copy.c has it */

static parley_err leaf_of(struct store *s, uint32_t log, uint64_t index, struct hash *out, struct errmsg *e) {
  struct arena a = {0};
  struct bytes entry;
  const parley_err err = store_seq_get(s, STORE_ENTRIES, log, index, &a, &entry, e);
  if (!err) merkle_leaf(out, entry);
  arena_free(&a);
  return err;
}

static parley_err root_of(struct store *s, uint32_t log, unsigned level, uint64_t n, struct hash *out,
                          struct errmsg *e) {
  struct arena a = {0};
  struct bytes v;
  struct hash all[TILE_WIDTH];
  parley_err err = store_seq_get(s, STORE_TILES, log, tile_at(level, n), &a, &v, e);
  if (!err && v.n != sizeof all)
    err = err_set(e, PARLEY_ENOTFOUND, "tile %u/%llu is cut short", level, (unsigned long long)n);
  if (!err) {
    memcpy(all, v.p, sizeof all);
    merkle_root_of_leaves(out, all, TILE_WIDTH);
  }
  arena_free(&a);
  return err;
}

parley_err repair_tile(struct store *s, const char *origin, unsigned level, uint64_t n, struct errmsg *e) {
  uint32_t log;
  uint64_t size;
  struct hash all[TILE_WIDTH];
  parley_err err = audit_store_find(s, origin, &log, &size, e);
  const unsigned width = err ? 0 : tile_width(level, n, size);
  if (!err && width == 0)
    err = err_set(e, PARLEY_ENOTFOUND, "%s has no tile %u/%llu", origin, level, (unsigned long long)n);
  for (unsigned i = 0; i < width && !err; i++)
    err = level == 0 ? leaf_of(s, log, n * TILE_WIDTH + i, &all[i], e)
                     : root_of(s, log, level - 1, n * TILE_WIDTH + i, &all[i], e);
  return err ? err : store_seq_put(s, STORE_TILES, log, tile_at(level, n), BYTES(all, 32 * (size_t)width), e);
}

parley_err repair_wanted(struct store *s, const char *origin, uint64_t index, struct hash *out, struct errmsg *e) {
  uint32_t log;
  uint64_t size;
  struct arena a = {0};
  struct bytes v;
  const size_t at = 32 * (size_t)(index % TILE_WIDTH);
  parley_err err = audit_store_find(s, origin, &log, &size, e);
  if (!err) err = store_seq_get(s, STORE_TILES, log, tile_at(0, index / TILE_WIDTH), &a, &v, e);
  if (!err && v.n < at + 32)
    err = err_set(e, PARLEY_ENOTFOUND, "tile 0/%llu is cut short", (unsigned long long)(index / TILE_WIDTH));
  if (!err) memcpy(out->b, v.p + at, 32);
  arena_free(&a);
  return err;
}

parley_err repair_entry(struct store *s, const char *origin, uint64_t index, struct bytes entry, struct errmsg *e) {
  uint32_t log;
  uint64_t size;
  struct hash want, got;
  parley_err err = repair_wanted(s, origin, index, &want, e);
  merkle_leaf(&got, entry);
  if (!err && !hash_eq(&want, &got))
    err = err_set(e, PARLEY_EVERIFY, "what was fetched is not entry %llu of %s", (unsigned long long)index, origin);
  if (!err) err = audit_store_find(s, origin, &log, &size, e);
  return err ? err : store_seq_put(s, STORE_ENTRIES, log, index, entry, e);
}
