#include "merkle/range.h"

#include "merkle/split.h"

static parley_err check_list(const struct leaf_range *r, size_t n, uint64_t size, struct errmsg *e) {
  bool ok = n >= 1 && n <= RANGES_MAX;
  for (size_t i = 0; ok && i < n; i++)
    ok = r[i].start < r[i].end && r[i].end <= size && (i == 0 || r[i - 1].end <= r[i].start);
  return ok ? PARLEY_OK
            : err_set(
                  e, PARLEY_EINVAL,
                  "the ranges of leaves are not 1 to %d ascending ones apart from each other within the tree of %llu",
                  RANGES_MAX, (unsigned long long)size);
}

static bool wanted(const struct leaf_range *r, size_t n, uint64_t lo, uint64_t hi) {
  for (size_t i = 0; i < n; i++)
    if (r[i].start < hi && r[i].end > lo) return true;
  return false;
}

/* ---- proving ---- */

struct prover {
  range_put put;
  void *ctx;
  struct merkle_source source;
  const struct leaf_range *ranges;
  size_t n;
  struct errmsg *e;
};

static bool covered(const struct leaf_range *r, size_t n, uint64_t lo, uint64_t hi) {
  for (size_t i = 0; i < n; i++)
    if (r[i].start <= lo && hi <= r[i].end) return true;
  return false;
}

static parley_err prove(const struct prover *p, uint64_t lo, uint64_t hi) {
  struct hash h;
  if (covered(p->ranges, p->n, lo, hi)) return PARLEY_OK; /* the checker has all of it */
  if (!wanted(p->ranges, p->n, lo, hi)) {
    const parley_err rc = merkle_range(&h, p->source, lo, hi, p->e);
    return rc == PARLEY_OK ? p->put(p->ctx, &h, p->e) : rc;
  }
  const uint64_t middle = lo + merkle_split(hi - lo);
  const parley_err rc = prove(p, lo, middle);
  return rc == PARLEY_OK ? prove(p, middle, hi) : rc;
}

parley_err merkle_range_prove(range_put put, void *ctx, struct merkle_source s, const struct leaf_range *ranges,
                              size_t n, uint64_t size, struct errmsg *e) {
  const struct prover p = {put, ctx, s, ranges, n, e};
  const parley_err rc = check_list(ranges, n, size, e);
  return rc == PARLEY_OK ? prove(&p, 0, size) : rc;
}

/* ---- checking ---- */

struct checker {
  const struct hash *proof;
  size_t next, n_proof;
  const struct leaf_range *ranges;
  size_t n;
  range_leaf leaf;
  void *ctx;
  struct errmsg *e;
};

static parley_err rebuild(struct checker *c, uint64_t lo, uint64_t hi, struct hash *out) {
  if (!wanted(c->ranges, c->n, lo, hi)) {
    if (c->next == c->n_proof)
      return err_set(c->e, PARLEY_EVERIFY, "it has %zu hashes, which are too few for these leaves", c->n_proof);
    *out = c->proof[c->next++];
    return PARLEY_OK;
  }
  if (hi - lo == 1) return c->leaf(c->ctx, lo, out, c->e);
  const uint64_t middle = lo + merkle_split(hi - lo);
  struct hash left, right;
  parley_err rc = rebuild(c, lo, middle, &left);
  if (rc == PARLEY_OK) rc = rebuild(c, middle, hi, &right);
  if (rc == PARLEY_OK) merkle_node(out, &left, &right);
  return rc;
}

parley_err merkle_range_check(const struct hash *proof, size_t n_proof, const struct leaf_range *ranges, size_t n,
                              uint64_t size, const struct hash *root, range_leaf leaf, void *ctx, struct errmsg *e) {
  struct checker c = {proof, 0, n_proof, ranges, n, leaf, ctx, e};
  struct hash computed;
  parley_err rc = check_list(ranges, n, size, e);
  if (rc == PARLEY_OK) rc = rebuild(&c, 0, size, &computed);
  if (rc != PARLEY_OK) return rc;
  if (c.next != n_proof)
    return err_set(e, PARLEY_EVERIFY, "it has %zu hashes, %zu more than these leaves need", n_proof, n_proof - c.next);
  if (!hash_eq(&computed, root))
    return err_set(e, PARLEY_EVERIFY, "these leaves and hashes do not give the root of the tree");
  return PARLEY_OK;
}
