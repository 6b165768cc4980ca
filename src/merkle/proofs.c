/*
 * Proofs about [start, end) in the tree over [0, size). All three kinds are one recursion, SUBTREE_PROOF of
 * draft-ietf-plants-merkle-tree-certs section 4.4: a consistency proof (RFC 6962 section 2.1.2) is the case start = 0,
 * an inclusion proof (section 2.1.1) the case end = start + 1. The checker walks down the same way and rebuilds both
 * hashes on the way back up, so generator and checker cannot disagree on the order of the hashes.
 */
#include "merkle/split.h"
#include "merkle/tree.h"

/* Leaves [lo, hi) of the tree: the node at which the recursion stands. */
struct span {
  uint64_t lo, hi;
};

static uint64_t span_middle(struct span at) { return at.lo + merkle_split(at.hi - at.lo); }

/* ---- generating ---- */

static parley_err add_range(struct proof *p, struct merkle_source s, uint64_t start, uint64_t end, struct errmsg *e) {
  if (p->n == PROOF_MAX) return err_set(e, PARLEY_ELIMIT, "the proof would be longer than %d hashes", PROOF_MAX);
  const parley_err err = merkle_range(&p->h[p->n], s, start, end, e);
  if (err == PARLEY_OK) p->n++;
  return err;
}

/* known: the checker has the hash of [want.lo, want.hi) and need not be told. */
static parley_err add_subproof(struct proof *p, struct merkle_source s, struct span want, struct span at, bool known,
                               struct errmsg *e) {
  if (want.lo == at.lo && want.hi == at.hi) return known ? PARLEY_OK : add_range(p, s, at.lo, at.hi, e);
  const uint64_t middle = span_middle(at);
  const struct span left = {at.lo, middle}, right = {middle, at.hi};
  if (want.hi <= middle) {
    const parley_err err = add_subproof(p, s, want, left, known, e);
    return err ? err : add_range(p, s, right.lo, right.hi, e);
  }
  /* On both sides (then it starts where this node starts) the left half belongs to it whole. */
  const bool both = want.lo < middle;
  const struct span rest = {both ? middle : want.lo, want.hi};
  const parley_err err = add_subproof(p, s, rest, right, known && !both, e);
  return err ? err : add_range(p, s, left.lo, left.hi, e);
}

parley_err merkle_subtree(struct proof *out, struct merkle_source s, uint64_t start, uint64_t end, uint64_t size,
                          struct errmsg *e) {
  if (!merkle_valid_subtree(start, end) || end > size)
    return err_set(e, PARLEY_EINVAL, "leaves %llu to %llu are no subtree of a tree of %llu leaves",
                   (unsigned long long)start, (unsigned long long)end, (unsigned long long)size);
  out->n = 0;
  return add_subproof(out, s, (struct span){start, end}, (struct span){0, size}, true, e);
}

parley_err merkle_inclusion(struct proof *out, struct merkle_source s, uint64_t index, uint64_t size,
                            struct errmsg *e) {
  if (index >= size)
    return err_set(e, PARLEY_EINVAL, "leaf %llu is not in a tree of %llu leaves", (unsigned long long)index,
                   (unsigned long long)size);
  return merkle_subtree(out, s, index, index + 1, size, e);
}

parley_err merkle_consistency(struct proof *out, struct merkle_source s, uint64_t old, uint64_t size,
                              struct errmsg *e) {
  if (old > size)
    return err_set(e, PARLEY_EINVAL, "the old tree of %llu leaves is longer than the new one of %llu",
                   (unsigned long long)old, (unsigned long long)size);
  out->n = 0;
  if (old == 0) return PARLEY_OK;
  return merkle_subtree(out, s, 0, old, size, e);
}

/* ---- checking ---- */

struct reader {
  const struct proof *proof;
  size_t next;
  const struct hash *claimed; /* hash of the wanted subtree, used where it is a node of the tree */
};

static const struct hash *next_hash(struct reader *r) { return r->next < r->proof->n ? &r->proof->h[r->next++] : NULL; }

/* Rebuilds the hash of the wanted leaves below this node (*sub) and of the node (*root). False when hashes run out. */
static bool rebuild(struct reader *r, struct span want, struct span at, bool known, struct hash *sub,
                    struct hash *root) {
  if (want.lo == at.lo && want.hi == at.hi) {
    const struct hash *h = known ? r->claimed : next_hash(r);
    if (!h) return false;
    *sub = *root = *h;
    return true;
  }
  const uint64_t middle = span_middle(at);
  const bool in_left = want.hi <= middle, both = !in_left && want.lo < middle;
  const struct span below = in_left ? (struct span){at.lo, middle} : (struct span){middle, at.hi};
  if (both) want.lo = middle;
  struct hash inner;
  if (!rebuild(r, want, below, known && !both, sub, &inner)) return false;
  const struct hash *sibling = next_hash(r);
  if (!sibling) return false;
  if (both) merkle_node(sub, sibling, sub);
  if (in_left)
    merkle_node(root, &inner, sibling);
  else
    merkle_node(root, sibling, &inner);
  return true;
}

bool merkle_check_subtree(const struct proof *p, uint64_t start, uint64_t end, const struct hash *sub, uint64_t size,
                          const struct hash *root) {
  if (p->n > PROOF_MAX || !merkle_valid_subtree(start, end) || end > size) return false;
  struct reader r = {p, 0, sub};
  struct hash sub_rebuilt, root_rebuilt;
  if (!rebuild(&r, (struct span){start, end}, (struct span){0, size}, true, &sub_rebuilt, &root_rebuilt)) return false;
  return r.next == p->n && hash_eq(&sub_rebuilt, sub) && hash_eq(&root_rebuilt, root);
}

bool merkle_check_inclusion(const struct proof *p, uint64_t index, uint64_t size, const struct hash *leaf,
                            const struct hash *root) {
  return index < size && merkle_check_subtree(p, index, index + 1, leaf, size, root);
}

bool merkle_check_consistency(const struct proof *p, uint64_t old, const struct hash *old_root, uint64_t size,
                              const struct hash *root) {
  if (old == 0) return p->n == 0; /* anything extends the empty tree */
  return merkle_check_subtree(p, 0, old, old_root, size, root);
}
