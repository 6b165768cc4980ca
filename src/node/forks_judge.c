/*
 * Judging what a member shows of a log: its tree against the one held here, with the proof from whichever side holds
 * the larger one whole.
 */
#include <stdio.h>
#include <string.h>

#include "node/forks_seek.h"

/* ---- what is held here ---- */

static struct copy *copy_of(struct node *n, const char *origin) {
  struct own_log *own = own_log_by_origin(n, origin);
  if (own) return own->copy;
  struct their_log *theirs = their_log_by_origin(n, bytes_str(origin));
  return theirs ? mirror_copy(theirs->mirror) : NULL;
}

/* Of an own log that has not signed since the start: what a counterpart has cosigned. */
static bool own_cosigned(struct node *n, struct seek *s, struct own_log *l, struct fork_tree *out) {
  for (size_t i = 0; i < l->forum->n_members; i++) {
    struct member *m = &l->forum->members[i];
    const struct push *p = l->bulk ? &m->bulk_push : &m->push;
    struct cosignature c;
    struct hash root;
    struct buf note = {0};
    if (!p->cosigned || cosignature_at(n, l, m->peer->card.name, p->cosigned, &c, NULL) ||
        copy_root(l->copy, p->cosigned, &root, NULL))
      continue;
    checkpoint_text(&note, l->origin, p->cosigned, &root);
    buf_fmt(&note, "\n%s\n", c.log_line);
    const bool ok = buf_ok(&note) && seek_tree(s, out, buf_view(&note));
    buf_free(&note);
    if (ok) return true;
  }
  return false;
}

/* The tree to hold theirs against: one of at least its size where there is one. */
static bool held_tree(struct node *n, struct seek *s, struct fork_tree *out) {
  struct own_log *own = own_log_by_origin(n, s->origin);
  struct their_log *theirs = own ? NULL : their_log_by_origin(n, bytes_str(s->origin));
  struct mirror_tree t;
  if (s->other.note.p) return *out = s->other, true;
  if (own && own->note.n) return seek_tree(s, out, buf_view(&own->note));
  if (own) return own_cosigned(n, s, own, out);
  if (!theirs || !mirror_signed_tree(theirs->mirror, s->theirs.size, &t)) return false;
  *out = (struct fork_tree){t.size, t.root, t.note};
  return true;
}

bool seek_still_coming(struct node *n, const struct seek *s) {
  struct their_log *l = their_log_by_origin(n, bytes_str(s->origin));
  struct mirror_state st;
  if (!l || s->other.note.p) return false;
  mirror_state(l->mirror, &st);
  return st.pending_size > st.next && s->theirs.size <= st.pending_size;
}

/* ---- tiles of theirs ---- */

static parley_err read_tile(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  struct seek *s = ctx;
  const uint64_t size = s->theirs.size > s->other.size ? s->theirs.size : s->other.size;
  const uint64_t first = index << level % 8;
  const size_t count = (size_t)1 << level % 8, at = first % TILE_WIDTH;
  struct tile_name t = {.kind = TILE_HASHES, .level = level / 8, .n = first / TILE_WIDTH};
  struct hash leaves[TILE_WIDTH];
  t.width = tile_width(t.level, t.n, size);
  for (size_t i = 0; i < s->n_tiles; i++) {
    const struct tile_name *have = &s->tile[i].name;
    if (have->level != t.level || have->n != t.n || at + count > have->width) continue;
    memcpy(leaves, s->tile[i].data.p + at * sizeof *leaves, count * sizeof *leaves);
    merkle_root_of_leaves(out, leaves, count);
    return PARLEY_OK;
  }
  s->want = t;
  s->wants = true;
  return err_set(e, PARLEY_ENOTFOUND, "a tile is missing");
}

/* ---- judging ---- */

static bool holds(struct copy *c, const struct fork_tree *t) {
  struct hash root;
  return c && copy_size(c) >= t->size && copy_root(c, t->size, &root, NULL) == PARLEY_OK && hash_eq(&root, &t->root);
}

/* The prefix of the larger tree at the smaller size, and its proof, from here or from theirs. */
static parley_err larger_tree(struct node *n, struct seek *s, const struct fork_tree t[static 2], struct hash *prefix,
                              struct proof *proof, struct errmsg *e) {
  struct copy *copy = copy_of(n, s->origin);
  const struct merkle_source source = holds(copy, &t[1]) ? copy_source(copy) : (struct merkle_source){read_tile, s};
  s->wants = false;
  merkle_empty(prefix);
  parley_err r = t[0].size ? merkle_root(prefix, source, t[0].size, e) : PARLEY_OK;
  return r ? r : merkle_consistency(proof, source, t[0].size, t[1].size, e);
}

static enum verdict compare(struct node *n, struct seek *s, struct fork_tree t[static 2], struct errmsg *e) {
  struct hash prefix;
  struct proof proof = {0};
  unsigned convicted = 0;
  if (t[0].size == t[1].size) {
    if (hash_eq(&t[0].root, &t[1].root)) return SEEK_CLEAR;
    return forks_convict(n, t, NULL, NULL, &convicted, e) ? SEEK_TROUBLE : convicted ? SEEK_CONVICTED : SEEK_UNKNOWN;
  }
  parley_err r = larger_tree(n, s, t, &prefix, &proof, e);
  if (r == PARLEY_ENOTFOUND && s->wants) return SEEK_ASK;
  if (r) return SEEK_TROUBLE;
  if (t[0].size && !merkle_check_consistency(&proof, t[0].size, &prefix, t[1].size, &t[1].root)) return SEEK_UNKNOWN;
  if (hash_eq(&prefix, &t[0].root)) return SEEK_CLEAR;
  return forks_convict(n, t, &prefix, &proof, &convicted, e) ? SEEK_TROUBLE : convicted ? SEEK_CONVICTED : SEEK_UNKNOWN;
}

enum verdict seek_judge(struct node *n, struct seek *s, struct errmsg *e) {
  struct fork_tree t[2], held;
  if (!s->theirs.note.p) return SEEK_ASK;
  if (!held_tree(n, s, &held)) return SEEK_UNKNOWN;
  const bool first = s->theirs.size <= held.size;
  t[0] = first ? s->theirs : held;
  t[1] = first ? held : s->theirs;
  return compare(n, s, t, e);
}
