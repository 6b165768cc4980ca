/*
 * Roots of one log at ascending sizes, from the tile roots that reading it gave. Leaves come from the source once more
 * and are held to those roots, so that what a source shows now cannot differ from what it showed before.
 */
#include <string.h>

#include "record/audit_state.h"

void audit_walk_begin(struct audit_walk *w, struct audit *a, uint32_t log) {
  *w = (struct audit_walk){.a = a, .log = log};
}

void audit_walk_end(struct audit_walk *w) { buf_free(&w->tile); }

/* Adds a complete subtree to the right: count of those before it, in units of its size. */
static void push(struct hash *stack, unsigned *n, uint64_t count, const struct hash *h) {
  struct hash x = *h;
  for (; count & 1; count >>= 1) merkle_node(&x, &stack[--*n], &x);
  stack[(*n)++] = x;
}

static parley_err load(struct audit_walk *w, uint64_t n, struct errmsg *e) {
  const struct audit_tree *t = &w->a->trees[w->log];
  const char *origin = w->a->out->logs[w->log].origin;
  struct hash root;
  w->loaded = true;
  if (n >= t->n_full) {
    memcpy(w->leaf, t->last, sizeof w->leaf);
    return PARLEY_OK;
  }
  for (const struct audit_kept *k = t->kept; k; k = k->next)
    if (k->n == n) {
      memcpy(w->leaf, k->leaf, sizeof w->leaf);
      return PARLEY_OK;
    }
  const parley_err err = audit_get(w->a, &w->tile, e, "tile/0/%llu/%d/%s", (unsigned long long)n, TILE_WIDTH, origin);
  if (err && err != PARLEY_ENOTFOUND) return err;
  if (err || w->tile.n < sizeof w->leaf) return err_set(e, PARLEY_EVERIFY, "tile %llu is gone", (unsigned long long)n);
  memcpy(w->leaf, w->tile.p, sizeof w->leaf);
  merkle_root_of_leaves(&root, w->leaf, TILE_WIDTH);
  if (hash_eq(&root, &t->full[n])) return PARLEY_OK;
  return err_set(e, PARLEY_EVERIFY, "tile %llu is another than it was a moment ago", (unsigned long long)n);
}

/* So that tile n is the one at hand. */
static parley_err reach(struct audit_walk *w, uint64_t n, bool leaves, struct errmsg *e) {
  const struct audit_tree *t = &w->a->trees[w->log];
  if (w->tiles < n) w->loaded = false, w->n_inner = 0, w->leaves = 0;
  for (; w->tiles < n; w->tiles++) push(w->base, &w->n_base, w->tiles, &t->full[w->tiles]);
  return leaves && !w->loaded ? load(w, n, e) : PARLEY_OK;
}

parley_err audit_walk_root(struct audit_walk *w, uint64_t size, struct hash *out, struct errmsg *e) {
  const uint64_t n = size / TILE_WIDTH;
  const unsigned k = size % TILE_WIDTH;
  const parley_err err = reach(w, n, k > 0, e);
  if (err) return err;
  for (; w->leaves < k; w->leaves++) push(w->inner, &w->n_inner, w->leaves, &w->leaf[w->leaves]);
  struct hash all[73];
  unsigned m = 0;
  for (unsigned i = 0; i < w->n_base; i++) all[m++] = w->base[i];
  for (unsigned i = 0; i < w->n_inner; i++) all[m++] = w->inner[i];
  if (m == 0) {
    merkle_empty(out);
    return PARLEY_OK;
  }
  *out = all[--m];
  while (m > 0) merkle_node(out, &all[--m], out);
  return PARLEY_OK;
}

parley_err audit_walk_leaf(struct audit_walk *w, uint64_t index, struct hash *out, struct errmsg *e) {
  const parley_err err = reach(w, index / TILE_WIDTH, true, e);
  if (!err) *out = w->leaf[index % TILE_WIDTH];
  return err;
}
