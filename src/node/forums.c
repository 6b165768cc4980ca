/*
 * Forums in force: their logs, mirrors and members, opened from the charter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/attempts.h"
#include "node/epoch_end.h"
#include "node/epochs.h"
#include "node/open_mirror.h"
#include "node/relay.h"
#include "node/forks.h"
#include "node/witness.h"

static void log_path(char out[static 2 * SHA256_SIZE + 1], const char *origin) {
  uint8_t h[SHA256_SIZE];
  sha256(h, bytes_str(origin));
  hex_encode(out, BYTES(h, sizeof h));
}

parley_err own_log_open(struct node *n, struct forum *f, struct own_log *l, uint64_t epoch, bool bulk,
                        struct errmsg *e) {
  l->forum = f;
  l->bulk = bulk;
  l->epoch = epoch;
  /* A log that looks new may be one that was set back to before it was opened: it asks, as after any start. */
  l->ready = f->charter.n_members == 1;
  l->asks_ms = node_mono(n);
  log_origin(l->origin, n->own.name, f->id, epoch, bulk);
  log_path(l->path, l->origin);
  if (!l->ready)
    snprintf(l->why, sizeof l->why, "waits for a member to show what it holds of this log; nothing is signed before");
  parley_err r = copy_open(&l->copy, n->env.store, l->origin, bulk ? BULK_ENTRY_MAX : ENTRY_MAX, e);
  if (!r && !bulk) r = openings_load(n, l->origin, l->copy, copy_size(l->copy), &l->versions, e);
  return r ? r : renewal_load(n, l, f->own_serial, e);
}

parley_err their_log_open(struct node *n, struct member *m, struct their_log *l, uint64_t epoch, bool bulk,
                          struct errmsg *e) {
  log_origin(l->origin, m->peer->card.name, m->forum->id, epoch, bulk);
  log_path(l->path, l->origin);
  l->from = m;
  l->bulk = bulk;
  l->epoch = epoch;
  l->opened = bulk || epoch == 0;
  parley_err r = bulk ? PARLEY_OK : intake_load(n, l, e);
  if (!r) r = their_log_keys(n, l, e);
  if (!r)
    r = mirror_open(&l->mirror, n->env.store, n->env.signer, l->origin, bulk ? BULK_ENTRY_MAX : ENTRY_MAX, l->vkeys,
                    l->n_vkeys, e);
  if (!r && !bulk) r = openings_load(n, l->origin, mirror_copy(l->mirror), l->taken_in, &l->versions, e);
  return r;
}

static parley_err member_open(struct node *n, struct forum *f, struct member *m, const struct charter_member *c,
                              struct errmsg *e) {
  m->forum = f;
  const struct card *named = node_card_lookup(n, c->name, c->fingerprint);
  m->peer = node_peer(n, c->name);
  if (named) m->log.serial = m->first_serial = named->serial; /* until its log says otherwise */
  if (!named)
    return err_set(e, PARLEY_ECONFLICT,
                   "the card of %s that the charter “%s” names is not pinned here; pin it with parley trust", c->name,
                   f->charter.title);
  parley_err r = their_epochs_open(n, m, e);
  m->push = (struct push){.log = &f->log, .to = m};
  m->bulk_push = (struct push){.log = &f->bulk, .to = m};
  if (!r) r = push_load(n, &m->push, e);
  return r ? r : push_load(n, &m->bulk_push, e);
}

static void member_close(struct member *m) {
  relay_ask_free(&m->push);
  relay_ask_free(&m->bulk_push);
  own_ends_free(m);
  their_epochs_free(m);
  free(m->push.concerns);
  free(m->push.held);
  attempts_free(&m->push);
  buf_free(&m->push.lane.body);
  buf_free(&m->bulk_push.lane.body);
  buf_free(&m->push.ticket);
  buf_free(&m->bulk_push.ticket);
  *m = (struct member){0};
}

/* Those that any complete version names. One that cannot be opened takes no place. */
static parley_err members_open(struct node *n, struct forum *f, const struct versions *v, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < v->n_order && !r; i++) {
    const struct charter *c = v->set.v[v->order[i]].charter;
    for (size_t k = 0; k < c->n_members && !r; k++) {
      const char *name = c->members[k].name;
      if (!strcmp(name, n->own.name) || forum_member(f, name)) continue;
      if (f->n_members == FORUM_PARTIES_MAX)
        return err_set(e, PARLEY_ELIMIT, "more than %d parties are or were members of “%s”", FORUM_PARTIES_MAX,
                       f->charter.title);
      r = member_open(n, f, &f->members[f->n_members], versions_member(v, name), e);
      if (!r)
        f->n_members++;
      else
        member_close(&f->members[f->n_members]);
    }
  }
  return r;
}

static parley_err members_judge(struct node *n, struct forum *f, const struct versions *v, struct errmsg *e) {
  const struct charter *now = v->set.v[v->set.in_force].charter;
  parley_err r = members_open(n, f, v, e);
  size_t there = 0;
  f->gone = !charter_member(now, n->own.name);
  for (size_t i = 0; i < f->n_members; i++) {
    struct member *m = &f->members[i];
    const bool was_gone = m->gone;
    m->gone = f->gone || !charter_member(now, m->peer->card.name);
    there += !m->gone;
    if (was_gone && !m->gone) m->push.ask = m->bulk_push.ask = true; /* whatever it took meanwhile */
  }
  if (!there && !f->gone && !r) f->log.ready = f->bulk.ready = true;
  return r;
}

parley_err forum_members(struct node *n, struct forum *f, const struct versions *v, struct errmsg *e) {
  const parley_err r = members_judge(n, f, v, e);
  return r ? r : own_ends_open(n, f, e);
}

/* Our logs know whether a tree that we signed before is still there: the store may be ahead of the signer's memory, never behind or beside it. */
static parley_err own_log_check(struct node *n, struct own_log *l, struct errmsg *e) {
  struct signed_tree t;
  parley_err r = signer_remembered(n->env.signer, l->origin, SIGNER_LOG, &t, NULL);
  if (r == PARLEY_ENOTFOUND && signer_lost(n->env.signer)) {
    l->stopped = true;
    snprintf(l->why, sizeof l->why,
             "the signer's memory (signer/) is lost, so that nobody here knows what was signed last. Nothing more is "
             "signed. Run parley recover");
    node_log_line(n, 3, "%s: signing has stopped: %s", l->origin, l->why);
  }
  if (r == PARLEY_ENOTFOUND) return PARLEY_OK;
  if (r) return err_set(e, r, "the signer's memory of %s cannot be read", l->origin);
  struct hash root;
  if (t.size <= copy_size(l->copy) && copy_root(l->copy, t.size, &root, e) == PARLEY_OK && hash_eq(&root, &t.root))
    return PARLEY_OK;
  l->stopped = true;
  snprintf(l->why, sizeof l->why,
           "the store holds %llu entries, but %llu were signed: it went back in time (an old backup?). Nothing more is "
           "signed for this log. "
           "Put the newest store back, or run parley recover",
           (unsigned long long)copy_size(l->copy), (unsigned long long)t.size);
  node_log_line(n, 3, "%s: signing has stopped: %s", l->origin, l->why);
  return PARLEY_OK;
}

/* The card that stands for us at the head of our log. */
static parley_err own_serial(struct node *n, struct forum *f, const struct versions *v, struct errmsg *e) {
  const struct charter_member *me = versions_member(v, n->own.name);
  const struct card *named = me ? node_card_lookup(n, n->own.name, me->fingerprint) : NULL;
  if (!named)
    return err_set(e, PARLEY_ECONFLICT, "the charter “%s” names a card of ours that is not at hand", f->charter.title);
  f->own_serial = named->serial;
  return PARLEY_OK;
}

parley_err forum_load(struct node *n, const struct versions *v, struct errmsg *e) {
  struct forum *f = calloc(1, sizeof *f);
  if (!f) return err_set(e, PARLEY_ENOMEM, "out of memory");
  memcpy(f->id, v->p[v->set.in_force]->forum, SHA256_SIZE);
  f->charter = *v->set.v[v->set.in_force].charter;
  f->members = calloc(FORUM_PARTIES_MAX, sizeof *f->members); /* pages that are never touched cost nothing */
  open_mirror_yield(n, f->id);
  parley_err r = f->members ? own_serial(n, f, v, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) r = own_epochs_open(n, f, e);
  if (!r) r = members_judge(n, f, v, e);
  if (!r) r = own_epochs_notes(n, f, e);
  if (!r) r = own_ends_open(n, f, e);
  for (size_t i = 0; !r && i < f->n_members; i++) { /* once all are there: it names others */
    for (struct their_log *l = &f->members[i].log; l && !r; l = l->older) r = relay_load(n, l, e);
    for (struct their_log *l = &f->members[i].bulk; l && !r; l = l->older) r = relay_load(n, l, e);
  }
  if (!r) r = own_log_check(n, &f->log, e);
  if (!r) r = own_log_check(n, &f->bulk, e);
  if (!r) r = witnesses_open(n, f, e);
  if (r) {
    forum_free(f);
    return r;
  }
  f->heartbeat_ms = node_mono(n) + f->charter.heartbeat_seconds * 1000;
  if (forks_closed(n, f->log.origin)) {
    own_log_forked(n, &f->log);
    own_log_forked(n, &f->bulk);
  }
  f->next = n->forums;
  n->forums = f;
  return PARLEY_OK;
}

void forum_free(struct forum *f) {
  for (size_t i = 0; i < f->n_members; i++) member_close(&f->members[i]);
  free(f->members);
  witnesses_free(f);
  own_epochs_free(f);
  arena_free(&f->arena);
  free(f);
}

struct forum *forum_find(const struct node *n, const uint8_t id[static SHA256_SIZE]) {
  for (struct forum *f = n->forums; f; f = f->next)
    if (!memcmp(f->id, id, SHA256_SIZE)) return f;
  return NULL;
}

struct member *forum_member(const struct forum *f, const char *party) {
  for (size_t i = 0; i < f->n_members; i++)
    if (!strcmp(f->members[i].peer->card.name, party)) return &f->members[i];
  return NULL;
}

parley_err forum_by_text(struct forum **out, const struct node *n, const char *text, struct errmsg *e) {
  *out = NULL;
  size_t len = strlen(text);
  if (len > 0 && len < 8)
    return err_set(e, PARLEY_EINVAL, "forum \"%s\": give at least 8 digits of its id (parley forum list)", text);
  for (struct forum *f = n->forums; f; f = f->next) {
    char hex[65];
    hex_encode(hex, BYTES(f->id, SHA256_SIZE));
    if (len > 64 || strncmp(hex, text, len)) continue;
    if (*out)
      return err_set(e, PARLEY_ECONFLICT,
                     len ? "forum \"%s\" is ambiguous; give more digits"
                         : "there are several forums%s; name one (parley forum list)",
                     text);
    *out = f;
  }
  if (*out) return PARLEY_OK;
  return err_set(e, PARLEY_ENOTFOUND,
                 len ? "no forum %s is in force here (parley forum list)"
                     : "no forum is in force here%s; propose one with parley forum propose",
                 text);
}

bool member_forked(const struct node *n, const struct member *m) {
  struct mirror_state log, bulk;
  mirror_state(m->log.mirror, &log);
  mirror_state(m->bulk.mirror, &bulk);
  return log.forked || bulk.forked || forks_closed(n, m->log.origin);
}

struct own_log *own_log_by_origin(const struct node *n, const char *origin) {
  for (struct forum *f = n->forums; f; f = f->next) {
    for (struct own_log *l = &f->log; l; l = l->older)
      if (!strcmp(l->origin, origin)) return l;
    for (struct own_log *l = &f->bulk; l; l = l->older)
      if (!strcmp(l->origin, origin)) return l;
  }
  return NULL;
}

struct their_log *their_log_by_origin(const struct node *n, struct bytes origin) {
  for (struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_members; i++) {
      struct member *m = &f->members[i];
      if (m->ahead && bytes_is(origin, m->ahead->origin)) return m->ahead;
      for (struct their_log *l = &m->log; l; l = l->older)
        if (bytes_is(origin, l->origin)) return l;
      for (struct their_log *l = &m->bulk; l; l = l->older)
        if (bytes_is(origin, l->origin)) return l;
    }
  return NULL;
}
