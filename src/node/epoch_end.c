#include "node/epoch_end.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/forks.h"
#include "node/relay.h"

/* What entry 0 of the log of an epoch says of the one before. False: it is not there, or is no forum.epoch. */
static bool read_end(struct copy *c, struct forum_epoch *out) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  struct bytes entry;
  const bool ok = c && copy_size(c) > 0 && !copy_entry(c, 0, &a, &entry, NULL) &&
                  !statement_parse(&s, &a, entry, &d, NULL) && !strcmp(s.kind, "forum.epoch") &&
                  !forum_epoch_parse(out, s.body, NULL);
  statement_clear(&s);
  arena_free(&a);
  return ok;
}

static struct log_end end_of(const struct forum_epoch *e, bool bulk) {
  if (bulk) return (struct log_end){e->bulk_size, e->bulk_root};
  return e->held_size ? (struct log_end){e->held_size, e->held_root} : (struct log_end){e->size, e->root};
}

/* ---- of a counterpart ---- */

parley_err their_ends_load(struct member *m, struct errmsg *e) {
  for (struct their_log *next = &m->log, *b = m->bulk.older; next->older && b; next = next->older, b = b->older) {
    struct forum_epoch end;
    if (!read_end(mirror_copy(next->mirror), &end))
      return err_set(e, PARLEY_EIO, "%s: its entry 0, which opened it, cannot be read", next->origin);
    next->older->end = end_of(&end, false);
    b->end = end_of(&end, true);
  }
  return PARLEY_OK;
}

static bool is_end(const struct their_log *l, uint64_t size, const struct hash *root) {
  return l->end.size > 0 && size == l->end.size && hash_eq(root, &l->end.root);
}

bool their_end_held(const struct their_log *l) {
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  return s.note.n > 0 && is_end(l, s.size, &s.root);
}

static parley_err over(const struct their_log *l, struct errmsg *e) {
  return err_set(e, PARLEY_EREFUSED,
                 "epoch %" PRIu64 " of this log is open; of epoch %" PRIu64
                 " only the tree that its forum.epoch names is taken (%" PRIu64 " entries)",
                 l->from->log.epoch, l->epoch, l->end.size);
}

parley_err their_end_note(const struct their_log *l, struct bytes note, struct errmsg *e) {
  struct arena a = {0};
  struct note parsed;
  struct checkpoint c = {0};
  const bool ok =
      !note_parse(&parsed, &a, note, NULL) && !checkpoint_parse(&c, parsed.text, NULL) && is_end(l, c.size, &c.root);
  arena_free(&a);
  return ok ? PARLEY_OK : over(l, e);
}

parley_err their_end_upload(const struct their_log *l, uint64_t end, struct errmsg *e) {
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  const bool there =
      s.pending_size < end || is_end(l, s.pending_size, &s.pending_root); /* before: the mirror says 409 */
  return l->end.size > 0 && end == l->end.size && there ? PARLEY_OK : over(l, e);
}

/* ---- two histories ---- */

bool epoch_waits_for_charter(const struct node *n, const struct forum *f, const char *party, uint64_t epoch,
                             uint64_t *which) {
  for (const struct kept *k = n->forks ? n->forks->kept : NULL; k; k = k->next) {
    if (!k->log || k->epoch >= epoch || strcmp(k->author, party) || memcmp(k->forum, f->id, SHA256_SIZE) ||
        charter_closed_find(&f->charter, party, k->epoch))
      continue;
    *which = k->epoch;
    return true;
  }
  return false;
}

static bool two_histories(const struct node *n, const struct their_log *l) {
  const struct their_log *both[] = {their_log_of(l->from, l->epoch, false), their_log_of(l->from, l->epoch, true)};
  for (size_t i = 0; i < 2; i++) {
    struct mirror_state s;
    if (!both[i]) continue; /* an epoch that is not open has no bulk log yet */
    mirror_state(both[i]->mirror, &s);
    if (s.forked) return true;
  }
  return forks_closed(n, l->origin);
}

parley_err epoch_refused(const struct node *n, const struct their_log *l, struct errmsg *e) {
  const char *party = l->from->peer->card.name;
  uint64_t which;
  if (two_histories(n, l))
    return err_set(e, PARLEY_EREFUSED,
                   "%s has signed two histories of this log; both are kept, and nothing more of it is taken", party);
  if (!epoch_waits_for_charter(n, l->from->forum, party, l->epoch, &which)) return PARLEY_OK;
  return err_set(e, PARLEY_EREFUSED,
                 "%s has signed two histories of its log of epoch %" PRIu64 "; of later ones nothing is taken before a "
                 "charter in force has closed that",
                 party, which);
}

/* ---- our own ---- */

bool push_is_over(const struct push *p) { return p->log->epoch < p->log->forum->log.epoch; }

bool own_end(const struct own_log *l, struct log_end *out) {
  struct forum_epoch named;
  const struct own_log *next = own_log_of(l->forum, l->epoch + 1, false);
  if (!next || !read_end(next->copy, &named)) return false;
  *out = end_of(&named, l->bulk);
  return out->size > 0;
}

/* What is shown of the older log is its end. */
static bool shows_end(struct own_log *l) {
  struct hash root;
  struct log_end end;
  return own_end(l, &end) && l->signed_size == end.size && !copy_root(l->copy, end.size, &root, NULL) &&
         hash_eq(&root, &end.root);
}

static struct push *push_of(struct member *m, const struct own_log *l) {
  struct push *p = l->bulk ? &m->bulk_push : &m->push;
  while (p && p->log != l) p = p->older;
  return p;
}

static void push_free(struct push *p) {
  relay_ask_free(p);
  lane_clear(&p->lane);
  buf_free(&p->ticket);
  free(p->concerns);
  free(p->held);
  free(p);
}

static parley_err open_one(struct node *n, struct member *m, struct own_log *l, bool shown, struct errmsg *e) {
  struct push *newest = l->bulk ? &m->bulk_push : &m->push;
  struct push *p = push_of(m, l);
  parley_err r = PARLEY_OK;
  if (!p) {
    p = calloc(1, sizeof *p);
    if (!p) return err_set(e, PARLEY_ENOMEM, "out of memory");
    p->log = l;
    p->to = m;
    r = push_load(n, p, e);
    if (r || (!p->n_held && (!shown || p->cosigned >= l->signed_size))) {
      push_free(p);
      return r;
    }
    p->older = newest->older;
    newest->older = p;
  }
  p->idle = !shown; /* only its held lines are left */
  return r;
}

parley_err own_ends_open(struct node *n, struct forum *f, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (int bulk = 0; bulk < 2; bulk++)
    for (struct own_log *l = bulk ? f->bulk.older : f->log.older; l && !r; l = l->older) {
      const bool shown = shows_end(l);
      for (size_t i = 0; i < f->n_members && !r; i++) r = open_one(n, &f->members[i], l, shown, e);
    }
  return r;
}

void own_ends_free(struct member *m) {
  struct push *newest[] = {&m->push, &m->bulk_push};
  for (size_t i = 0; i < 2; i++)
    while (newest[i]->older) {
      struct push *p = newest[i]->older;
      newest[i]->older = p->older;
      push_free(p);
    }
}

parley_err own_shown(struct node *n, struct own_log *l, uint64_t *size, struct hash *root, struct errmsg *e) {
  *size = 0;
  for (size_t i = 0; i < l->forum->n_members; i++) {
    struct cosignature c;
    const parley_err r = cosignature_newest(n, l, l->forum->members[i].peer->card.name, &c, e);
    if (r && r != PARLEY_ENOTFOUND) return r;
    if (!r && c.size > *size && c.size <= copy_size(l->copy)) *size = c.size;
  }
  return *size ? copy_root(l->copy, *size, root, e) : PARLEY_OK;
}

parley_err own_end_find(struct node *n, struct forum *f, struct forum_epoch *out, struct errmsg *e) {
  parley_err r = own_shown(n, &f->log, &out->held_size, &out->held_root, e);
  if (!r && out->held_size >= out->size) out->held_size = 0; /* it is that one */
  return r ? r : own_shown(n, &f->bulk, &out->bulk_size, &out->bulk_root, e);
}
