/*
 * A growing tree held as tiles. A tile in memory carries all nodes between its hashes and its root, as a binary heap:
 * node 1 is the root, node i has the children 2i and 2i + 1, the hashes of the tile are nodes 256 to 511. Each node is
 * hashed once, when its right child arrives; reading a node of a tile in memory costs nothing.
 */
#include "merkle/tiles.h"

#include <stdlib.h>
#include <string.h>

/* Full tiles kept for proofs: half a MiB a tree at most, allocated as they are used. */
#define CACHE_TILES 32

#define SIZE_LIMIT (UINT64_C(1) << (8 * TILE_LEVELS))

struct tile {
  unsigned level;
  uint64_t n;
  unsigned width;
  uint64_t used; /* tick of the last use, in the cache */
  struct hash node[2 * TILE_WIDTH];
};

struct edge {
  struct tile *tile; /* rightmost tile, never full; NULL or width 0 when the level ends at a tile boundary */
  bool changed;
};

struct tree {
  struct tile_store store;
  uint64_t size;
  bool stale; /* memory and store may differ: nothing but tree_reload works */
  struct edge edge[TILE_LEVELS];
  struct tile **full; /* tiles filled since the last flush */
  size_t full_n, full_cap;
  struct tile *cache[CACHE_TILES];
  uint64_t tick;
};

static parley_err out_of_memory(struct errmsg *e) {
  return err_set(e, PARLEY_ENOMEM, "out of memory for the tiles of a log");
}

static void tile_add(struct tile *t, const struct hash *h) {
  unsigned i = TILE_WIDTH + t->width++;
  t->node[i] = *h;
  for (; i > 1 && i % 2 == 1; i /= 2) merkle_node(&t->node[i / 2], &t->node[i - 1], &t->node[i]);
}

/* Loads the first width hashes of a tile. A tile that the size says must be there and is not is damage: EIO. */
static parley_err tile_load(struct tree *t, struct tile **out, unsigned level, uint64_t n, unsigned width,
                            struct errmsg *e) {
  uint8_t data[TILE_WIDTH * 32];
  unsigned held = 0;
  const parley_err err = t->store.get(t->store.ctx, level, n, data, &held, e);
  if (err && err != PARLEY_ENOTFOUND) return err;
  if (err == PARLEY_ENOTFOUND || held < width || held > TILE_WIDTH)
    return err_set(e, PARLEY_EIO, "tile %llu of level %u is not held with %u hashes; restore the log from a copy",
                   (unsigned long long)n, level, width);
  struct tile *tile = calloc(1, sizeof *tile);
  if (!tile) return out_of_memory(e);
  tile->level = level;
  tile->n = n;
  for (unsigned i = 0; i < width; i++) {
    struct hash h;
    memcpy(h.b, data + (size_t)i * 32, 32);
    tile_add(tile, &h);
  }
  *out = tile;
  return PARLEY_OK;
}

/* ---- cache of full tiles ---- */

static struct tile *cache_find(struct tree *t, unsigned level, uint64_t n) {
  for (size_t i = 0; i < CACHE_TILES; i++) {
    struct tile *c = t->cache[i];
    if (!c || c->level != level || c->n != n) continue;
    c->used = ++t->tick;
    return c;
  }
  return NULL;
}

/* Takes the tile over; the one unused for longest makes room. */
static void cache_add(struct tree *t, struct tile *tile) {
  size_t oldest = 0;
  for (size_t i = 0; i < CACHE_TILES && t->cache[oldest]; i++)
    if (!t->cache[i] || t->cache[i]->used < t->cache[oldest]->used) oldest = i;
  free(t->cache[oldest]);
  tile->used = ++t->tick;
  t->cache[oldest] = tile;
}

static parley_err full_tile(struct tree *t, unsigned level, uint64_t n, const struct tile **out, struct errmsg *e) {
  for (size_t i = 0; i < t->full_n; i++) {
    *out = t->full[i];
    if ((*out)->level == level && (*out)->n == n) return PARLEY_OK;
  }
  *out = cache_find(t, level, n);
  if (*out) return PARLEY_OK;
  struct tile *tile;
  const parley_err err = tile_load(t, &tile, level, n, TILE_WIDTH, e);
  if (err) return err;
  cache_add(t, tile);
  *out = tile;
  return PARLEY_OK;
}

/* ---- opening ---- */

static void forget(struct tree *t) {
  for (size_t i = 0; i < TILE_LEVELS; i++) {
    free(t->edge[i].tile);
    t->edge[i] = (struct edge){NULL, false};
  }
  for (size_t i = 0; i < t->full_n; i++) free(t->full[i]);
  t->full_n = 0;
  for (size_t i = 0; i < CACHE_TILES; i++) {
    free(t->cache[i]);
    t->cache[i] = NULL;
  }
}

parley_err tree_reload(struct tree *t, uint64_t size, struct errmsg *e) {
  forget(t);
  t->stale = true;
  if (size >= SIZE_LIMIT)
    return err_set(e, PARLEY_ELIMIT, "a log of %llu entries is longer than parley can hold", (unsigned long long)size);
  for (unsigned level = 0; level < TILE_LEVELS; level++) {
    const uint64_t n = size >> (8 * level) >> 8;
    const unsigned width = tile_width(level, n, size);
    if (width == 0) continue;
    const parley_err err = tile_load(t, &t->edge[level].tile, level, n, width, e);
    if (err) return err;
  }
  t->size = size;
  t->stale = false;
  return PARLEY_OK;
}

parley_err tree_open(struct tree **out, struct tile_store store, uint64_t size, struct errmsg *e) {
  struct tree *t = calloc(1, sizeof *t);
  if (!t) return out_of_memory(e);
  t->store = store;
  const parley_err err = tree_reload(t, size, e);
  if (err) {
    tree_free(t);
    return err;
  }
  *out = t;
  return PARLEY_OK;
}

void tree_free(struct tree *t) {
  if (!t) return;
  forget(t);
  free(t->full);
  free(t);
}

uint64_t tree_size(const struct tree *t) { return t->size; }

static parley_err refuse_stale(struct errmsg *e) {
  return err_set(e, PARLEY_EIO, "an earlier write to this log failed; it must be reloaded first");
}

/* ---- growing ---- */

/* Moves the full edge tile of a level to the list of tiles to put. */
static parley_err retire(struct tree *t, unsigned level, struct errmsg *e) {
  if (t->full_n == t->full_cap) {
    const size_t cap = t->full_cap ? 2 * t->full_cap : 4;
    struct tile **grown = realloc(t->full, cap * sizeof *grown);
    if (!grown) return out_of_memory(e);
    t->full = grown;
    t->full_cap = cap;
  }
  t->full[t->full_n++] = t->edge[level].tile;
  t->edge[level] = (struct edge){NULL, false};
  return PARLEY_OK;
}

/* Adds a hash to the rightmost tile of a level; a tile that fills gives its root to the level above. */
static parley_err push(struct tree *t, const struct hash *leaf, struct errmsg *e) {
  struct hash h = *leaf;
  for (unsigned level = 0; level < TILE_LEVELS; level++) {
    struct edge *edge = &t->edge[level];
    if (!edge->tile) {
      edge->tile = calloc(1, sizeof *edge->tile);
      if (!edge->tile) return out_of_memory(e);
      edge->tile->level = level;
      edge->tile->n = t->size >> (8 * level) >> 8;
    }
    tile_add(edge->tile, &h);
    edge->changed = true;
    if (edge->tile->width < TILE_WIDTH) break;
    h = edge->tile->node[1];
    const parley_err err = retire(t, level, e);
    if (err) return err;
  }
  t->size++;
  return PARLEY_OK;
}

parley_err tree_append(struct tree *t, const struct hash *leaves, size_t n, struct errmsg *e) {
  if (t->stale) return refuse_stale(e);
  if (n >= SIZE_LIMIT - t->size)
    return err_set(e, PARLEY_ELIMIT, "the log would have more entries than parley can hold; open a new epoch");
  for (size_t i = 0; i < n; i++) {
    const parley_err err = push(t, &leaves[i], e);
    if (err) {
      t->stale = true;
      return err;
    }
  }
  return PARLEY_OK;
}

static parley_err put(struct tree *t, const struct tile *tile, struct errmsg *e) {
  return t->store.put(t->store.ctx, tile->level, tile->n, (const uint8_t *)&tile->node[TILE_WIDTH], tile->width, e);
}

parley_err tree_flush(struct tree *t, struct errmsg *e) {
  if (t->stale) return refuse_stale(e);
  parley_err err = PARLEY_OK;
  for (size_t i = 0; i < t->full_n && !err; i++) err = put(t, t->full[i], e);
  for (size_t i = 0; i < TILE_LEVELS && !err; i++)
    if (t->edge[i].changed) err = put(t, t->edge[i].tile, e);
  if (err) {
    t->stale = true;
    return err;
  }
  for (size_t i = 0; i < TILE_LEVELS; i++) t->edge[i].changed = false;
  for (size_t i = 0; i < t->full_n; i++) cache_add(t, t->full[i]);
  t->full_n = 0;
  return PARLEY_OK;
}

/* ---- reading ---- */

static parley_err read_node(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  struct tree *t = ctx;
  if (t->stale) return refuse_stale(e);
  if (level >= 8 * TILE_LEVELS || index >= t->size >> level)
    return err_set(e, PARLEY_ENOTFOUND, "the tree of %llu leaves has no node %llu of height %u",
                   (unsigned long long)t->size, (unsigned long long)index, level);
  const unsigned tile_level = level / 8, row = level % 8;
  const uint64_t n = index >> (8 - row);
  const uint64_t node = (TILE_WIDTH >> row) + (index & ((TILE_WIDTH >> row) - 1));
  const struct tile *tile = t->edge[tile_level].tile;
  if (!tile || tile->n != n) {
    const parley_err err = full_tile(t, tile_level, n, &tile, e);
    if (err) return err;
  }
  *out = tile->node[node];
  return PARLEY_OK;
}

struct merkle_source tree_source(struct tree *t) {
  return (struct merkle_source){read_node, t};
}

parley_err tree_root(struct tree *t, uint64_t size, struct hash *out, struct errmsg *e) {
  if (t->stale) return refuse_stale(e);
  if (size > t->size)
    return err_set(e, PARLEY_EINVAL, "the log has %llu entries, a root at %llu was asked for",
                   (unsigned long long)t->size, (unsigned long long)size);
  return merkle_root(out, tree_source(t), size, e);
}
