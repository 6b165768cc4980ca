/*
 * The logs of one party over its epochs (docs/protocol.md, "Epochs and recovery"). The store holds an epoch when
 * it has a log of its origin; the
 * older ones are only read. What an own log that was given up holds beyond its last signature: epoch_next.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/call.h"
#include "node/epoch_end.h"
#include "node/epochs.h"
#include "node/observed.h"
#include "node/relay.h"

/* ---- finding ---- */

struct own_log *own_log_of(struct forum *f, uint64_t epoch, bool bulk) {
  struct own_log *l = bulk ? &f->bulk : &f->log;
  while (l && l->epoch != epoch) l = l->older;
  return l;
}

struct their_log *their_log_of(struct member *m, uint64_t epoch, bool bulk) {
  struct their_log *l = bulk ? &m->bulk : &m->log;
  if (!bulk && m->ahead && m->ahead->epoch == epoch) return m->ahead;
  while (l && l->epoch != epoch) l = l->older;
  return l;
}

struct copy *row_copy(const struct row *r, bool bulk, struct own_log **own, struct their_log **theirs) {
  struct member *m = r->ours ? NULL : forum_member(r->forum, r->from);
  struct own_log *o = r->ours ? own_log_of(r->forum, r->epoch, bulk) : NULL;
  struct their_log *t = m ? their_log_of(m, r->epoch, bulk) : NULL;
  if (own) *own = o;
  if (theirs) *theirs = t;
  return o ? o->copy : t ? mirror_copy(t->mirror) : NULL;
}

bool their_log_over(const struct their_log *l) {
  const struct their_log *newest = l->bulk ? &l->from->bulk : &l->from->log;
  return l->epoch < newest->epoch;
}

/* ---- opening ---- */

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory"); }

static parley_err held(struct node *n, const char *party, const struct forum *f, uint64_t epoch, bool *out,
                       struct errmsg *e) {
  char origin[ORIGIN_MAX + 1];
  log_origin(origin, party, f->id, epoch, false);
  return copy_exists(n->env.store, origin, out, e);
}

/*
 * What is shown of an older epoch: its end; where nobody has cosigned that, the newest checkpoint that somebody has. A larger
 * one that comes to light later does not take its place: nobody takes it any more.
 */
static parley_err last_note(struct node *n, struct own_log *l, struct errmsg *e) {
  struct cosignature best = {0};
  struct log_end end;
  const bool named = own_end(l, &end);
  for (size_t i = 0; i < l->forum->n_members; i++) {
    struct cosignature c;
    const char *party = l->forum->members[i].peer->card.name;
    parley_err r = named ? cosignature_at(n, l, party, end.size, &c, e) : PARLEY_ENOTFOUND;
    const bool is_end = r == PARLEY_OK;
    if (r == PARLEY_ENOTFOUND) r = cosignature_newest(n, l, party, &c, e);
    if (r && r != PARLEY_ENOTFOUND) return r;
    if (!r && c.size >= best.size && c.size <= copy_size(l->copy)) best = c;
    if (is_end && c.size <= copy_size(l->copy)) {
      best = c;
      break;
    }
  }
  struct hash root;
  if (!best.size) return PARLEY_OK;
  const parley_err r = copy_root(l->copy, best.size, &root, e);
  if (r) return r;
  checkpoint_text(&l->note, l->origin, best.size, &root);
  buf_fmt(&l->note, "\n%s\n", best.log_line);
  l->signed_size = best.size;
  return buf_ok(&l->note) ? PARLEY_OK : no_memory(e);
}

static parley_err own_older(struct node *n, struct forum *f, bool bulk, uint64_t newest, struct errmsg *e) {
  struct own_log *top = bulk ? &f->bulk : &f->log;
  for (uint64_t epoch = 0; epoch < newest; epoch++) {
    struct own_log *l = calloc(1, sizeof *l);
    if (!l) return no_memory(e);
    l->older = top->older;
    top->older = l;
    const parley_err r = own_log_open(n, f, l, epoch, bulk, e);
    if (r) return r;
    l->ready = true;
    l->why[0] = '\0';
  }
  return PARLEY_OK;
}

parley_err own_epochs_open(struct node *n, struct forum *f, struct errmsg *e) {
  uint64_t newest = 0;
  bool more = true;
  parley_err r = PARLEY_OK;
  while (!r && more) {
    r = held(n, n->own.name, f, newest + 1, &more, e);
    if (!r && more) newest++;
  }
  if (!r) r = own_older(n, f, false, newest, e);
  if (!r) r = own_older(n, f, true, newest, e);
  if (!r) r = own_log_open(n, f, &f->log, newest, false, e);
  return r ? r : own_log_open(n, f, &f->bulk, newest, true, e);
}

parley_err own_epochs_notes(struct node *n, struct forum *f, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (struct own_log *l = f->log.older; l && !r; l = l->older) r = last_note(n, l, e);
  for (struct own_log *l = f->bulk.older; l && !r; l = l->older) r = last_note(n, l, e);
  return r;
}

/* Its log and bulk log of the epoch become the newest, the ones before them the first of the older ones. */
static parley_err their_newest(struct node *n, struct member *m, struct their_log *log, struct errmsg *e) {
  struct their_log *before[2] = {NULL, NULL};
  struct their_log bulk = {.serial = log->serial};
  if (log->epoch > 0) {
    for (size_t i = 0; i < 2; i++) before[i] = calloc(1, sizeof *before[i]);
    if (!before[0] || !before[1]) {
      free(before[0]);
      free(before[1]);
      return no_memory(e);
    }
    *before[0] = m->log;
    *before[1] = m->bulk;
    mirror_set_keys(before[0]->mirror, before[0]->vkeys, before[0]->n_vkeys);
    mirror_set_keys(before[1]->mirror, before[1]->vkeys, before[1]->n_vkeys);
  }
  m->log = *log;
  m->log.older = before[0];
  m->bulk = bulk;
  m->bulk.older = before[1];
  mirror_set_keys(m->log.mirror, m->log.vkeys, m->log.n_vkeys);
  return their_log_open(n, m, &m->bulk, log->epoch, true, e);
}

static void log_free(struct their_log *l) {
  mirror_close(l->mirror);
  free(l->versions.list);
  free(l);
}

parley_err their_epochs_open(struct node *n, struct member *m, struct errmsg *e) {
  const uint64_t serial = m->log.serial;
  bool more = true;
  parley_err r = PARLEY_OK;
  for (uint64_t epoch = 0; !r && more; epoch++) {
    struct their_log *l = calloc(1, sizeof *l);
    if (!l) return no_memory(e);
    l->serial = serial;
    r = their_log_open(n, m, l, epoch, false, e);
    if (r) {
      log_free(l);
      return r;
    }
    if (!l->opened) {
      m->ahead = l;
      break;
    }
    r = their_newest(n, m, l, e);
    if (r && m->log.epoch != epoch) mirror_close(l->mirror);
    free(l);
    if (!r) r = held(n, m->peer->card.name, m->forum, epoch + 1, &more, e);
  }
  return r ? r : their_ends_load(m, e);
}

void own_epochs_free(struct forum *f) {
  struct own_log *tops[] = {&f->log, &f->bulk};
  for (size_t i = 0; i < 2; i++)
    for (struct own_log *l = tops[i], *next; l; l = next) {
      next = l->older;
      copy_close(l->copy);
      free(l->versions.list);
      buf_free(&l->note);
      buf_free(&l->first_note);
      if (l != tops[i]) free(l);
    }
}

void their_epochs_free(struct member *m) {
  struct their_log *tops[] = {&m->log, &m->bulk};
  for (size_t i = 0; i < 2; i++)
    for (struct their_log *l = tops[i], *next; l; l = next) {
      next = l->older;
      relay_free(l);
      mirror_close(l->mirror);
      free(l->versions.list);
      if (l != tops[i]) free(l);
    }
  if (m->ahead) relay_free(m->ahead);
  if (m->ahead) log_free(m->ahead);
  m->ahead = NULL;
}

/* ---- their next epoch ---- */

/* Signed by a key of its author: what anybody could send does not make a log here. */
static bool signed_by_author(const struct node *n, const struct member *m, const char *origin, struct bytes note) {
  const struct card *cards[CARDS_HELD_MAX];
  const size_t k = node_cards(n, m->peer->card.name, cards, CARDS_HELD_MAX);
  struct arena a = {0};
  struct note parsed;
  bool yes = false;
  if (note_parse(&parsed, &a, note, NULL) == PARLEY_OK)
    for (size_t i = 0; i < k && !yes; i++) {
      struct vkey key;
      size_t which;
      yes = card_log_vkey(&key, cards[i], origin, NULL) == PARLEY_OK &&
            note_verify(&parsed, &key, NULL, &which, NULL) == PARLEY_OK;
    }
  arena_free(&a);
  return yes;
}

/* Two histories of the newest one, or of one before, are known, and no charter in force has closed it. */
static parley_err their_epoch_waits(const struct node *n, const struct member *m, struct errmsg *e) {
  const struct forum *f = m->forum;
  const char *party = m->peer->card.name;
  uint64_t which = m->log.epoch;
  const bool newest = member_forked(n, m) && !charter_closed_find(&f->charter, party, which);
  if (!newest && !epoch_waits_for_charter(n, f, party, m->log.epoch + 1, &which)) return PARLEY_OK;
  return err_set(e, PARLEY_EREFUSED,
                 "%s has signed two histories of its log of epoch %llu; its next one is taken when a charter in force "
                 "has closed that",
                 party, (unsigned long long)which);
}

parley_err their_epoch_next(struct node *n, struct bytes origin, struct bytes note, struct their_log **out,
                            struct errmsg *e) {
  char party[PARTY_NAME_MAX + 1], whole[ORIGIN_MAX + 1];
  uint8_t id[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  *out = NULL;
  if (!log_origin_parse(party, id, &epoch, &bulk, origin) || bulk) return PARLEY_OK;
  struct forum *f = forum_find(n, id);
  struct member *m = f ? forum_member(f, party) : NULL;
  if (!m || m->gone || m->ahead || epoch != m->log.epoch + 1) return PARLEY_OK;
  log_origin(whole, party, id, epoch, false);
  if (!bytes_is(origin, whole) || !signed_by_author(n, m, whole, note)) return PARLEY_OK;
  if (epoch > EPOCHS_MAX)
    return err_set(e, PARLEY_EREFUSED, "no more than %d epochs after the first are taken of %s", EPOCHS_MAX, party);
  const parley_err waits = their_epoch_waits(n, m, e);
  if (waits) return waits;
  struct their_log *l = calloc(1, sizeof *l);
  if (!l) return no_memory(e);
  l->serial = m->log.serial;
  const parley_err r = their_log_open(n, m, l, epoch, false, e);
  if (r) {
    log_free(l);
    return r;
  }
  node_log_line(n, 4, "%s shows epoch %llu of its log: it does not go on with epoch %llu", party,
                (unsigned long long)epoch, (unsigned long long)m->log.epoch);
  *out = m->ahead = l;
  return PARLEY_OK;
}

/* ---- entry 0 of a counterpart's epoch ---- */

/* Any of its cards from the one on that the charter names may have signed it. ENOTFOUND: none that is held. */
static parley_err signed_by_some_card(const struct node *n, const struct their_log *l, const struct statement *s,
                                      const struct dsse *d, uint64_t *serial, struct errmsg *e) {
  const struct card *cards[CARDS_HELD_MAX];
  const char *party = l->from->peer->card.name;
  const size_t k = node_cards(n, party, cards, CARDS_HELD_MAX);
  for (size_t i = k; i-- > 0;) {
    if (cards[i]->serial < l->from->first_serial) break;
    const parley_err r = statement_verify(d, s, cards[i], e);
    if (r == PARLEY_ENOMEM) return r;
    if (!r) {
      *serial = cards[i]->serial;
      return PARLEY_OK;
    }
  }
  return err_set(e, PARLEY_ENOTFOUND, "it is signed under no card of %s that is held", party);
}

parley_err epoch_entry_judge(const struct node *n, const struct their_log *l, uint64_t index, const struct statement *s,
                             const struct dsse *d, uint64_t *serial, struct errmsg *e) {
  struct forum_epoch b;
  if (index != 0 || l->epoch == 0)
    return err_set(e, PARLEY_EINVAL, "kind: a forum.epoch stands only at the head of a log of epoch 1 or later");
  if (s->n_heard || s->n_held || s->n_re)
    return err_set(e, PARLEY_EINVAL, "heard, held, re: are absent in a forum.epoch");
  parley_err r = forum_epoch_parse(&b, s->body, e);
  if (!r && b.epoch != l->epoch - 1)
    r = err_set(e, PARLEY_EINVAL, "body.epoch: must be %llu, the one before", (unsigned long long)(l->epoch - 1));
  return r ? r : signed_by_some_card(n, l, s, d, serial, e);
}

/* What it names of a log of the epoch before, against what is held: people are told, what is held stays. */
static void compare(struct node *n, const struct their_log *l, struct their_log *before, uint64_t size,
                    const struct hash *want) {
  struct mirror_state st;
  struct hash root;
  mirror_state(before->mirror, &st);
  if (size > st.size)
    node_log_line(n, 4, "%s: it names %llu entries of %s, %llu are held here", l->origin, (unsigned long long)size,
                  before->origin, (unsigned long long)st.size);
  else if (size && !copy_root(mirror_copy(before->mirror), size, &root, NULL) && !hash_eq(&root, want))
    observed_add(n, l->from->peer->card.name, l->from->forum->id, "other_end",
                 "the tree of its log %s that its next epoch names (%llu entries) is not the one held here",
                 before->origin, (unsigned long long)size);
}

static void compare_all(struct node *n, const struct their_log *l, const struct forum_epoch *b) {
  struct their_log *before = &l->from->log;
  struct mirror_state st;
  mirror_state(before->mirror, &st);
  compare(n, l, before, b->size, &b->root);
  if (b->held_size) compare(n, l, before, b->held_size, &b->held_root);
  if (b->bulk_size) compare(n, l, &l->from->bulk, b->bulk_size, &b->bulk_root);
  if (b->size < st.size)
    observed_add(n, l->from->peer->card.name, l->from->forum->id, "other_end",
                 "its next epoch names %llu entries of its log %s; %llu are held here under its signature, and stay",
                 (unsigned long long)b->size, before->origin, (unsigned long long)st.size);
}

void their_epoch_opened(struct node *n, struct their_log *l, const struct statement *s) {
  struct forum_epoch b;
  l->opened = true;
  if (!forum_epoch_parse(&b, s->body, NULL)) compare_all(n, l, &b);
  node_log_line(n, 4, "%s: open; of the epoch before only the end that it names is taken", l->origin);
}

/* ---- a forum loaded anew ---- */

static void drop_uploads(struct node *n, const struct forum *f) {
  for (struct node_call *c = n->calls; c; c = c->next) {
    if (!c->log || c->log->from->forum != f) continue;
    mirror_upload_free(c->upload);
    c->upload = NULL;
    c->log = NULL;
    c->dropped = true;
  }
}

parley_err forum_reload(struct node *n, struct forum *f, struct forum **out, struct errmsg *e) {
  struct versions v;
  parley_err r = versions_gather(n, f->id, &v, e);
  if (!r) r = forum_load(n, &v, e); /* at the head of the list */
  versions_free(&v);
  if (r) return r;
  struct forum *fresh = n->forums, **at = &fresh->next;
  drop_uploads(n, f);
  for (struct submission *s = n->queue; s; s = s->next)
    if (s->forum == f) s->forum = fresh;
  while (*at != f) at = &(*at)->next;
  *at = f->next;
  forum_free(f);
  n->intake_due = true;
  if (out) *out = fresh;
  return PARLEY_OK;
}
