#include "record/bundle_join.h"

void leaf_run_begin(struct leaf_run *r, uint64_t start) {
  r->start = r->end = start;
  r->n = 0;
}

/* Index of the last subtree on its level: it ends at r->end. */
static bool is_right(const struct leaf_run *r, unsigned level) { return ((r->end >> level) - 1) & 1; }

void leaf_run_add(struct leaf_run *r, const struct hash *leaf) {
  unsigned level = 0;
  struct hash h = *leaf;
  r->end++;
  while (r->n && r->part[r->n - 1].level == level && is_right(r, level)) {
    merkle_node(&h, &r->part[--r->n].h, &h);
    level++;
  }
  r->part[r->n].level = level;
  r->part[r->n++].h = h;
}

/* The largest complete subtree that begins at `at` and does not go beyond end. */
static unsigned level_at(uint64_t at, uint64_t end) {
  unsigned level = 0;
  while (level < 62 && !(at >> level & 1) && at + ((uint64_t)2 << level) <= end) level++;
  return level;
}

bool leaf_run_take(struct leaf_run *r, uint64_t start, uint64_t end, const struct hash **list, size_t *n) {
  leaf_run_begin(r, start);
  while (r->end < end) {
    if (*n == 0 || r->n == LEAF_RUN_MAX) return false;
    r->part[r->n].level = level_at(r->end, end);
    r->part[r->n].h = *(*list)++;
    (*n)--;
    r->end += (uint64_t)1 << r->part[r->n++].level;
  }
  return true;
}

struct join {
  struct merkle_source held;
  const struct leaf_run *run[2];
};

static bool find(const struct leaf_run *r, unsigned level, uint64_t at, struct hash *out) {
  uint64_t start = r->start;
  for (size_t i = 0; i < r->n && start <= at; i++) {
    if (start == at && r->part[i].level == level) return *out = r->part[i].h, true;
    start += (uint64_t)1 << r->part[i].level;
  }
  return false;
}

static parley_err read_join(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const struct join *j = ctx;
  const uint64_t at = index << level;
  if (at + ((uint64_t)1 << level) <= j->run[0]->start) return j->held.read(j->held.ctx, level, index, out, e);
  if (find(j->run[0], level, at, out) || find(j->run[1], level, at, out)) return PARLEY_OK;
  struct hash left, right;
  if (level == 0)
    return err_set(e, PARLEY_EVERIFY, "entry %llu is neither held nor in the bundle", (unsigned long long)at);
  parley_err err = read_join(ctx, level - 1, 2 * index, &left, e);
  if (!err) err = read_join(ctx, level - 1, 2 * index + 1, &right, e);
  if (!err) merkle_node(out, &left, &right);
  return err;
}

parley_err leaf_run_consistency(struct proof *out, struct merkle_source held, const struct leaf_run *a,
                                const struct leaf_run *b, struct errmsg *e) {
  struct join j = {held, {a, b}};
  if (a->end != b->start)
    return err_set(e, PARLEY_EVERIFY, "the leaves in the bundle do not reach from what is held to its checkpoint");
  return merkle_consistency(out, (struct merkle_source){read_join, &j}, a->end, b->end, e);
}
