/*
 * Recovering: what follows from the answers. The same epoch goes on only when the signer remembers what it
 * signed last, what is held here and by others
 * makes exactly that tree, and nobody shows a longer or different one (design section 5).
 */
#include <string.h>

#include "base/encoding.h"
#include "node/forks.h"
#include "node/recover.h"

static bool has_root(struct own_log *l, uint64_t size, const struct hash *root) {
  struct hash h;
  return size <= copy_size(l->copy) && copy_root(l->copy, size, &h, NULL) == PARLEY_OK && hash_eq(&h, root);
}

static void longest(struct judged *j, uint64_t size, const struct hash *root) {
  if (size <= j->longest) return;
  j->longest = size;
  j->longest_root = *root;
}

/* What is shown of one log. */
static const struct shown *shown_of(const struct recovery *r, size_t i, bool bulk, bool held) {
  const struct question *q = &r->questions[i];
  const bool own = q->what == ASK_HELD || (!held && q->what == ASK_PENDING);
  return own && q->bulk == bulk && q->shown ? &q->it : NULL;
}

/*
 * Two that were shown, or one and the memory, of one size and not the same: of different sizes it shows after
 * the fetch.
 */
static void find_forks(const struct recovery *r, struct judged *j, bool bulk) {
  for (size_t i = 0; i < r->n_questions; i++) {
    const struct shown *a = shown_of(r, i, bulk, false);
    if (!a) continue;
    if (j->remembered && a->size == j->memory.size && !hash_eq(&a->root, &j->memory.root)) j->forked = true;
    for (size_t k = 0; k < i; k++) {
      const struct shown *b = shown_of(r, k, bulk, false);
      if (b && a->size == b->size && !hash_eq(&a->root, &b->root)) j->forked = true;
    }
  }
}

/* The longest copy that a member holds whole; beyond what the signer remembers only what it never signed could be. */
static void find_target(const struct recovery *r, struct judged *j, struct own_log *l) {
  for (size_t i = 0; i < r->n_questions; i++) {
    const struct shown *s = shown_of(r, i, l->bulk, true);
    if (!s || s->size == 0 || s->size <= j->target.size) continue;
    j->target = (struct signed_tree){s->size, s->root};
    j->holder = has_root(l, s->size, &s->root) ? NULL : r->questions[i].to;
  }
}

/*
 * From where on it is to be compared: up to the newest tree that somebody has cosigned, it is the one that was
 * signed.
 */
static parley_err find_start(struct recovery *r, struct judged *j, struct own_log *l, struct errmsg *e) {
  uint64_t known = 0;
  for (size_t i = 0; i < l->forum->n_members; i++) {
    struct cosignature c;
    const parley_err err = cosignature_newest(r->n, l, l->forum->members[i].peer->card.name, &c, e);
    if (err && err != PARLEY_ENOTFOUND) return err;
    if (!err && c.size > known && c.size <= copy_size(l->copy)) known = c.size;
  }
  struct hash root;
  if (known && copy_root(l->copy, known, &root, NULL) == PARLEY_OK) longest(j, known, &root);
  j->known = known;
  j->start = known < j->target.size ? known : j->target.size;
  j->start -= j->start % TILE_WIDTH;
  return PARLEY_OK;
}

static parley_err judge_log(struct recovery *r, struct judged *j, struct own_log *l, struct errmsg *e) {
  *j = (struct judged){0};
  merkle_empty(&j->longest_root);
  parley_err err = signer_remembered(r->n->env.signer, l->origin, SIGNER_LOG, &j->memory, e);
  if (err && err != PARLEY_ENOTFOUND) return err;
  j->remembered = err == PARLEY_OK;
  if (!j->remembered) {
    j->memory = (struct signed_tree){0};
    merkle_empty(&j->memory.root);
  }
  for (size_t i = 0; i < r->n_questions; i++) {
    const struct shown *s = shown_of(r, i, l->bulk, false);
    if (s) longest(j, s->size, &s->root);
  }
  if (j->remembered) longest(j, j->memory.size, &j->memory.root);
  find_forks(r, j, l->bulk);
  find_target(r, j, l);
  return find_start(r, j, l, e);
}

/* Before the fetch: whether it would come out so. */
static bool reaches(const struct judged *j, struct own_log *l) {
  return j->memory.size == 0 || has_root(l, j->memory.size, &j->memory.root) ||
         (j->target.size == j->memory.size && hash_eq(&j->target.root, &j->memory.root));
}

static void decide(struct recovery *r, struct forum *f, bool reached) {
  const bool lost = signer_lost(r->n->env.signer) && (!r->log.remembered || !r->bulk.remembered);
  const bool closed = charter_closed_find(&f->charter, r->n->own.name, f->log.epoch) != NULL;
  const bool longer = (r->log.longest > r->log.memory.size) || (r->bulk.longest > r->bulk.memory.size);
  r->next_known = false;
  for (size_t i = 0; i < r->n_questions; i++)
    r->next_known |= r->questions[i].what == ASK_NEXT && r->questions[i].shown;
  r->outcome = OUTCOME_NEXT;
  if (!f->log.stopped && !f->bulk.stopped && !lost && !longer && !closed && !r->next_known) {
    r->outcome = OUTCOME_NOTHING;
    r->reason = "this log signs, or waits only for a member to answer: there is nothing to recover";
  } else if (lost) {
    r->reason = "the signer's memory is lost: nobody here knows what was signed last, so this epoch is closed";
  } else if (r->log.forked || r->bulk.forked || forks_closed(r->n, f->log.origin)) {
    r->reason = "two histories of this epoch are known under our key, so it is closed";
  } else if (closed) {
    r->reason = "the charter in force says how much of this epoch counts, and that it is closed";
  } else if (longer) {
    r->reason =
        "others show a longer log than this signer remembers to have signed: the memory is not the newest, or a "
        "second node uses our keys; so this epoch is closed";
  } else if (!reached) {
    r->reason = "no copy reaches what the signer remembers to have signed, so this epoch is closed";
  } else {
    r->outcome = OUTCOME_RESUME;
    r->reason =
        "the copies that others hold reach what the signer remembers, and nobody shows more: this epoch goes on";
  }
}

parley_err recover_judge(struct recovery *r, struct forum *f, struct errmsg *e) {
  parley_err err = judge_log(r, &r->log, &f->log, e);
  if (!err) err = judge_log(r, &r->bulk, &f->bulk, e);
  if (!err) decide(r, f, reaches(&r->log, &f->log) && reaches(&r->bulk, &f->bulk));
  return err;
}

/* Everything shown that is not longer than what is held now must be a part of it. */
static void contradicted(const struct recovery *r, struct judged *j, struct own_log *l) {
  for (size_t i = 0; i < r->n_questions; i++) {
    const struct shown *s = shown_of(r, i, l->bulk, false);
    if (s && s->size <= copy_size(l->copy) && s->size <= j->target.size && !has_root(l, s->size, &s->root))
      j->forked = true;
  }
}

parley_err recover_judge_again(struct recovery *r, struct forum *f, struct errmsg *e) {
  (void)e;
  contradicted(r, &r->log, &f->log);
  contradicted(r, &r->bulk, &f->bulk);
  decide(r, f,
         (r->log.memory.size == 0 || has_root(&f->log, r->log.memory.size, &r->log.memory.root)) &&
             (r->bulk.memory.size == 0 || has_root(&f->bulk, r->bulk.memory.size, &r->bulk.memory.root)));
  return PARLEY_OK;
}

/* ---- as mirror ---- */

static parley_err floor_of(struct recovery *r, struct their_log *l, json_t *report, bool set, struct errmsg *e) {
  struct signed_tree floor = {0};
  struct mirror_state st;
  merkle_empty(&floor.root);
  mirror_state(l->mirror, &st);
  if (st.size) floor = (struct signed_tree){st.size, st.root}; /* it was cosigned, or was about to be */
  for (size_t i = 0; i < r->n_questions; i++) {
    const struct question *q = &r->questions[i];
    if (q->what == ASK_COSIGNED && q->of == l && q->shown && q->it.size > floor.size)
      floor = (struct signed_tree){q->it.size, q->it.root};
  }
  json_t *o = json_object();
  json_put_str(o, "origin", l->origin);
  json_put_int(o, "held", (int64_t)st.next);
  json_put_int(o, "cosigned", (int64_t)floor.size);
  json_array_append_new(report, o);
  return set ? signer_relearn(r->n->env.signer, l->origin, SIGNER_MIRROR, &floor, e) : PARLEY_OK;
}

parley_err recover_floors(struct recovery *r, struct forum *f, json_t *report, bool set, struct errmsg *e) {
  parley_err err = PARLEY_OK;
  for (size_t i = 0; i < f->n_members; i++) {
    struct their_log *logs[] = {&f->members[i].log, &f->members[i].bulk, f->members[i].ahead};
    for (size_t k = 0; k < 3 && !err; k++)
      if (logs[k]) err = floor_of(r, logs[k], report, set, e);
  }
  return err;
}
