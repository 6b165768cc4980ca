/*
 * Two histories of one log, both signed by it: what proves that is kept. A request whose proof merely does not fit
 * proves nothing against the log, since anybody can send one.
 */
#include "base/encoding.h"
#include "record/mirror_state.h"

/* The two checkpoints that contradict each other, and the root of the smaller size in the tree of the larger. */
struct fork {
  bool found;
  const struct held *held;
  bool has_proof;
  struct hash root;
  struct proof proof;
};

/*
 * The root at size old that a consistency proof shows for the tree (size, root), whatever we hold at that size.
 * False when the proof does not lead to root, or when it starts from the old root itself (old a power of two).
 */
static bool root_in(struct hash *out, const struct proof *p, uint64_t old, uint64_t size, const struct hash *root) {
  if (p->n == 0 || old == 0 || (old & (old - 1)) == 0) return false;
  unsigned shift = 0;
  for (uint64_t i = old - 1; i & 1; i >>= 1) shift++;
  uint64_t last = (old - 1) >> shift, end = (size - 1) >> shift; /* the last node of each tree, going up */
  struct hash whole = p->h[0];
  *out = whole;
  for (size_t i = 1; i < p->n; i++) {
    if (end == 0) return false;
    if (last & 1 || last == end) {
      merkle_node(out, &p->h[i], out);
      merkle_node(&whole, &p->h[i], &whole);
      while (!(last & 1) && last > 0) {
        last >>= 1;
        end >>= 1;
      }
    } else {
      merkle_node(&whole, &whole, &p->h[i]);
    }
    last >>= 1;
    end >>= 1;
  }
  return end == 0 && hash_eq(&whole, root);
}

/* The smallest checkpoint above size whose entries are all held; NULL when there is none. */
static const struct held *covered(const struct mirror *m, uint64_t size) {
  const struct mirror_record *r = &m->rec;
  const uint64_t have = copy_size(m->copy);
  if (r->has_own && r->own.size > size) return &r->own;
  for (size_t i = 0; i < r->n; i++)
    if (r->pending[i].size > size && r->pending[i].size <= have) return &r->pending[i];
  return NULL;
}

bool mirror_signed_tree(const struct mirror *m, uint64_t size, struct mirror_tree *out) {
  const struct mirror_record *r = &m->rec;
  const struct held *h = covered(m, size > 0 ? size - 1 : 0);
  for (size_t i = 0; i < r->n && !h; i++)
    if (r->pending[r->n - 1 - i].size <= copy_size(m->copy)) h = &r->pending[r->n - 1 - i];
  if (!h && r->has_own) h = &r->own;
  if (h) *out = (struct mirror_tree){h->size, h->root, h->note};
  return h != NULL;
}

/* c is inside what is held: our own entries tell. */
static parley_err compare_inside(struct mirror *m, const struct held *c, struct fork *f, struct errmsg *e) {
  parley_err err = copy_root(m->copy, c->size, &f->root, e);
  if (err || hash_eq(&f->root, &c->root)) return err;
  f->held = covered(m, c->size);
  if (!f->held) return PARLEY_OK; /* its entries are still coming: the caller looks again then */
  f->found = f->has_proof = true;
  return merkle_consistency(&f->proof, copy_source(m->copy), c->size, f->held->size, e);
}

static parley_err compare(struct mirror *m, const struct held *c, const struct add_checkpoint *r, struct fork *f,
                          struct errmsg *e) {
  const struct held *newest = mirror_record_newest(&m->rec), *same = mirror_record_find(&m->rec, c->size);
  if (!newest) return PARLEY_OK;
  if (same) {
    f->held = same;
    f->found = !hash_eq(&same->root, &c->root);
    return PARLEY_OK;
  }
  if (c->size <= copy_size(m->copy)) return compare_inside(m, c, f, e);
  const struct held *old = mirror_record_find(&m->rec, r->old);
  if (!old || old->size >= c->size || !root_in(&f->root, &r->proof, old->size, c->size, &c->root)) return PARLEY_OK;
  f->found = !hash_eq(&f->root, &old->root);
  f->held = old;
  f->has_proof = true;
  f->proof = r->proof;
  return PARLEY_OK;
}

static parley_err put(struct mirror *m, const char *prefix, struct bytes v, struct errmsg *e) {
  struct buf key = {0};
  buf_fmt(&key, "%s/%s", prefix, copy_origin(m->copy));
  const parley_err err = buf_ok(&key) ? store_put(m->store, STORE_LOGS, buf_view(&key), v, e)
                                      : err_set(e, PARLEY_ENOMEM, "out of memory for the evidence of a fork");
  buf_free(&key);
  return err;
}

parley_err mirror_fork_kept(struct mirror *m, bool *out, struct errmsg *e) {
  struct buf key = {0};
  struct arena a = {0};
  struct bytes v;
  buf_fmt(&key, "fork/%s", copy_origin(m->copy));
  const parley_err err = buf_ok(&key) ? store_get(m->store, STORE_LOGS, buf_view(&key), &a, &v, e)
                                      : err_set(e, PARLEY_ENOMEM, "out of memory for a mirror");
  arena_free(&a);
  buf_free(&key);
  *out = err == PARLEY_OK;
  return err == PARLEY_ENOTFOUND ? PARLEY_OK : err;
}

static void write_proof(struct buf *out, const struct fork *f) {
  base64_encode(out, BYTES(f->root.b, sizeof f->root.b), true);
  buf_str(out, "\n");
  for (size_t i = 0; i < f->proof.n; i++) {
    base64_encode(out, BYTES(f->proof.h[i].b, sizeof f->proof.h[i].b), true);
    buf_str(out, "\n");
  }
}

static parley_err keep(struct mirror *m, struct bytes note, const struct fork *f, struct errmsg *e) {
  struct buf proof = {0};
  if (f->has_proof) write_proof(&proof, f);
  parley_err err =
      buf_ok(&proof) ? store_begin(m->store, e) : err_set(e, PARLEY_ENOMEM, "out of memory for the evidence of a fork");
  if (!err) {
    err = put(m, "fork", note, e);
    if (!err) err = put(m, "fork-held", f->held->note, e);
    if (!err && f->has_proof) err = put(m, "fork-proof", buf_view(&proof), e);
    if (!err) err = store_commit(m->store, e);
    if (err) mirror_undo(m, err);
  }
  buf_free(&proof);
  return err;
}

parley_err mirror_fork(struct mirror *m, const struct held *c, const struct add_checkpoint *r, bool *found,
                       struct errmsg *e) {
  struct fork f = {0};
  bool kept = false;
  *found = false;
  parley_err err = compare(m, c, r, &f, e);
  if (err || !f.found) return err;
  err = mirror_fork_kept(m, &kept, e);
  if (!err && !kept) err = keep(m, r->note, &f, e);
  *found = !err;
  if (!err) m->forked = true;
  return err;
}
