/*
 * Reading one log from its first entry to its last, a tile at a time, with the work on two threads; then its upper
 * tiles.
 */
#include <stdlib.h>
#include <string.h>

#include "record/audit_state.h"

/* ---- reading ---- */

static parley_err fill(struct audit *a, struct audit_tile *t, uint32_t log, uint64_t n, struct errmsg *e) {
  const struct audit_log *l = &a->out->logs[log];
  audit_tile_clear(t);
  t->job.work = audit_tile_work;
  t->log = l;
  t->o = a->o;
  t->cards = &a->cards;
  t->n = n;
  t->width = tile_width(0, n, l->size);
  t->with_entries = n * TILE_WIDTH + t->width > l->since;
  parley_err err = audit_get(a, &t->tile, e, "tile/0/%llu/%u/%s", (unsigned long long)n, t->width, l->origin);
  t->has_tile = !err;
  if (err && err != PARLEY_ENOTFOUND) return err;
  if (!t->with_entries && t->has_tile) return PARLEY_OK;
  err = audit_get(a, &t->page, e, "entries/%llu/%u/%s", (unsigned long long)n, t->width, l->origin);
  t->has_page = !err;
  return err == PARLEY_ENOTFOUND ? PARLEY_OK : err;
}

/* ---- which of two is damaged, an entry or the tile above it ---- */

/* What stands higher decides: the tile of level 1, or for the tile that is not full a checkpoint that covers it. */
static bool parent_says(struct audit *a, uint32_t log, const struct audit_tile *t, struct hash *out) {
  struct buf up = {0};
  const unsigned at = t->n % TILE_WIDTH;
  const parley_err err = audit_get(a, &up, NULL, "tile/1/%llu/%u/%s", (unsigned long long)(t->n / TILE_WIDTH), at + 1,
                                   a->out->logs[log].origin);
  const bool ok = !err && up.n >= 32 * ((size_t)at + 1);
  if (ok) memcpy(out->b, up.p + 32 * (size_t)at, 32);
  buf_free(&up);
  return ok;
}

static bool root_is(struct audit *a, uint32_t log, const struct audit_claim *c, const struct hash *leaves, unsigned n) {
  struct audit_tree *tree = &a->trees[log];
  struct audit_walk w;
  struct hash root;
  memcpy(tree->last, leaves, 32 * (size_t)n);
  audit_walk_begin(&w, a, log);
  const bool ok = audit_walk_root(&w, c->size, &root, NULL) == PARLEY_OK && hash_eq(&root, &c->root);
  audit_walk_end(&w);
  return ok;
}

/* True: the stored hashes are right. */
static bool tile_is_right(struct audit *a, uint32_t log, const struct audit_tile *t) {
  struct hash up;
  unsigned first = 0;
  while (!t->differs[first]) first++;
  const bool authentic = t->authentic[first]; /* signed by its author: then it is the hash that is wrong */
  if (t->width == TILE_WIDTH && parent_says(a, log, t, &up)) {
    if (hash_eq(&up, &t->stored_root)) return true;
    if (hash_eq(&up, &t->root)) return false;
  }
  const uint64_t from = t->n * TILE_WIDTH + first;
  for (size_t i = 0; t->width < TILE_WIDTH && i < a->n_claims; i++) {
    const struct audit_claim *c = &a->claims[i];
    if (c->log != log || c->by != log || c->size <= from || c->size > a->out->logs[log].size) continue;
    if (root_is(a, log, c, t->stored, t->width)) return true;
    if (root_is(a, log, c, t->leaf, t->width)) return false;
  }
  return !authentic;
}

static void tell_difference(struct audit *a, uint32_t log, const struct audit_tile *t, bool tile_right) {
  for (unsigned i = 0; i < t->width; i++) {
    if (!t->differs[i]) continue;
    const uint64_t index = t->n * TILE_WIDTH + i;
    if (tile_right)
      audit_found(a, log, AUDIT_ENTRY, 0, index, audit_refetch,
                  "entry %llu is not the one that the tree has: its bytes were changed", (unsigned long long)index);
    else
      audit_found(a, log, AUDIT_TILE, 0, t->n, audit_rebuild,
                  "tile 0/%llu has another hash for entry %llu than the entry itself, which is the right one",
                  (unsigned long long)t->n, (unsigned long long)index);
  }
}

static void tell_missing(struct audit *a, uint32_t log, const struct audit_tile *t) {
  if (!t->has_tile)
    audit_found(a, log, AUDIT_TILE, 0, t->n, audit_rebuild, "tile 0/%llu is missing or cut short",
                (unsigned long long)t->n);
  for (unsigned i = 0; i < t->width && t->with_entries; i++) {
    const uint64_t index = t->n * TILE_WIDTH + i;
    if (!t->entry[i].p)
      audit_found(a, log, AUDIT_ENTRY, 0, index, audit_refetch, "entry %llu is missing", (unsigned long long)index);
  }
}

/* ---- taking a tile into the tree ---- */

static parley_err keep(struct audit *a, struct audit_tree *tree, const struct audit_tile *t, const struct hash *leaves,
                       struct errmsg *e) {
  struct audit_kept *k = arena_alloc(&a->arena, sizeof *k);
  if (!k) return audit_no_memory(e);
  k->n = t->n;
  memcpy(k->leaf, leaves, sizeof k->leaf);
  k->next = tree->kept;
  tree->kept = k;
  return PARLEY_OK;
}

static parley_err take(struct audit *a, uint32_t log, struct audit_order *o, struct audit_tile *t, struct errmsg *e) {
  struct audit_tree *tree = &a->trees[log];
  struct audit_counts *n = &a->out->logs[log].n;
  if (t->no_memory) return audit_no_memory(e);
  if (t->has_tile) n->tiles++;
  n->entries += t->n_checked.entries;
  n->signatures += t->n_checked.signatures;
  n->cosignatures += t->n_checked.cosignatures;
  n->bodies += t->n_checked.bodies;
  n->beyond += t->n_checked.beyond;
  tell_missing(a, log, t);
  const bool stored = t->n_differs > 0 && tile_is_right(a, log, t);
  if (t->n_differs > 0) tell_difference(a, log, t, stored);
  const struct hash *leaves = stored ? t->stored : t->leaf;
  if (t->width < TILE_WIDTH) {
    memcpy(tree->last, leaves, sizeof tree->last);
    tree->n_last = t->width;
  } else {
    tree->full[t->n] = stored ? t->stored_root : t->root;
  }
  parley_err err = PARLEY_OK;
  if (t->width == TILE_WIDTH && (!t->has_tile || (t->n_differs > 0 && !stored))) err = keep(a, tree, t, leaves, e);
  if (!err && t->with_entries) err = audit_order_tile(a, log, o, t, e);
  a->done += t->width;
  if (a->o->progress) a->o->progress(a->o->ctx, a->done, a->all);
  return err;
}

/* Jobs that nobody asks for any more, after a failure. */
static void drain(struct audit *a) {
  while (audit_pool_take(a->pool))
    ;
}

parley_err audit_log_read(struct audit *a, uint32_t log, struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  struct audit_tree *tree = &a->trees[log];
  struct audit_order o = {0};
  const uint64_t n = l->size / TILE_WIDTH + (l->size % TILE_WIDTH != 0);
  parley_err err = PARLEY_OK;
  tree->n_full = l->size / TILE_WIDTH;
  tree->full = calloc(tree->n_full + 1, sizeof *tree->full);
  if (!tree->full) return audit_no_memory(e);
  audit_order_begin(a, log, &o);
  for (uint64_t i = 0; i < n && !err; i++) {
    struct audit_tile *t = &a->tiles[i % AUDIT_POOL_MAX];
    if (audit_pool_full(a->pool)) err = take(a, log, &o, (struct audit_tile *)audit_pool_take(a->pool), e);
    if (!err) err = fill(a, t, log, i, e);
    if (!err) audit_pool_put(a->pool, &t->job);
  }
  for (struct audit_job *j; !err && (j = audit_pool_take(a->pool)) != NULL;)
    err = take(a, log, &o, (struct audit_tile *)j, e);
  drain(a);
  if (!err) audit_order_end(a, log, &o);
  buf_free(&o.charter);
  arena_free(&o.memory);
  return err;
}

/* ---- upper levels ---- */

static parley_err check_tile(struct audit *a, uint32_t log, unsigned level, uint64_t n, const struct hash *hashes,
                             unsigned width, struct buf *tile, struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  const parley_err err = audit_get(a, tile, e, "tile/%u/%llu/%u/%s", level, (unsigned long long)n, width, l->origin);
  if (err && err != PARLEY_ENOTFOUND) return err;
  l->n.tiles += !err;
  if (err || tile->n < 32 * (size_t)width)
    audit_found(a, log, AUDIT_TILE, level, n, audit_rebuild, "tile %u/%llu is missing or cut short", level,
                (unsigned long long)n);
  else if (memcmp(tile->p, hashes, 32 * (size_t)width) != 0)
    audit_found(a, log, AUDIT_TILE, level, n, audit_rebuild, "tile %u/%llu has other hashes than what stands below it",
                level, (unsigned long long)n);
  return PARLEY_OK;
}

parley_err audit_log_levels(struct audit *a, uint32_t log, struct errmsg *e) {
  const struct audit_tree *tree = &a->trees[log];
  struct buf tile = {0};
  size_t n = tree->n_full;
  struct hash *level = malloc((n + 1) * sizeof *level);
  parley_err err = level ? PARLEY_OK : audit_no_memory(e);
  if (level) memcpy(level, tree->full, n * sizeof *level);
  for (unsigned k = 1; !err && n > 0 && k < TILE_LEVELS; k++) {
    size_t up = 0;
    for (size_t i = 0; i < n && !err; i += TILE_WIDTH) {
      const unsigned width = n - i < TILE_WIDTH ? (unsigned)(n - i) : TILE_WIDTH;
      err = check_tile(a, log, k, i / TILE_WIDTH, level + i, width, &tile, e);
      if (width == TILE_WIDTH) {
        struct hash root;
        merkle_root_of_leaves(&root, level + i, TILE_WIDTH);
        level[up++] = root; /* up <= i: what is overwritten was read */
      }
    }
    n = up;
  }
  buf_free(&tile);
  free(level);
  return err;
}
