/*
 * Forums in force: their logs, mirrors and members, opened from the charter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/attempts.h"
#include "node/epochs.h"
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
  log_origin(l->origin, n->own.name, f->id, epoch, bulk);
  log_path(l->path, l->origin);
  if (!l->ready)
    snprintf(l->why, sizeof l->why, "waits for a member to show what it holds of this log; nothing is signed before");
  const struct charter_member *me = charter_member(&f->charter, n->own.name);
  const struct card *named = node_card_lookup(n, n->own.name, me->fingerprint);
  if (!named)
    return err_set(e, PARLEY_ECONFLICT, "the charter “%s” names a card of ours that is not at hand", f->charter.title);
  parley_err r = copy_open(&l->copy, n->env.store, l->origin, bulk ? BULK_ENTRY_MAX : ENTRY_MAX, e);
  return r ? r : renewal_load(n, l, named->serial, e);
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
  return r;
}

static parley_err member_open(struct node *n, struct forum *f, struct member *m, const struct charter_member *c,
                              struct errmsg *e) {
  m->forum = f;
  const struct card *named = node_card_lookup(n, c->name, c->fingerprint);
  m->peer = node_peer(n, c->name);
  if (named) m->log.serial = named->serial; /* until its log says otherwise */
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

static parley_err members_open(struct node *n, struct forum *f, struct errmsg *e) {
  for (size_t i = 0; i < f->charter.n_members; i++) {
    const struct charter_member *c = &f->charter.members[i];
    if (!strcmp(c->name, n->own.name)) continue;
    parley_err r = member_open(n, f, &f->members[f->n_members], c, e);
    f->n_members++;
    if (r) return r;
  }
  return PARLEY_OK;
}

static parley_err forum_read(struct node *n, struct forum *f, struct bytes envelope, struct errmsg *e) {
  bool signed_by[FORUM_MEMBERS_MAX], complete;
  f->envelope = arena_copy(&f->arena, envelope);
  if (!f->envelope.p) return err_set(e, PARLEY_ENOMEM, "out of memory");
  parley_err r =
      charter_envelope_parse(&f->charter, signed_by, &complete, &f->arena, f->envelope, node_card_lookup, n, e);
  if (!r && !complete) r = err_set(e, PARLEY_EVERIFY, "the charter “%s” lacks signatures", f->charter.title);
  if (r) return r;
  memcpy(f->id, f->charter.digest, SHA256_SIZE); /* versions after the first: with amendments */
  f->members = arena_alloc(&f->arena, f->charter.n_members * sizeof *f->members);
  return f->members ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
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

parley_err forum_load(struct node *n, struct bytes envelope, struct errmsg *e) {
  struct forum *f = calloc(1, sizeof *f);
  if (!f) return err_set(e, PARLEY_ENOMEM, "out of memory");
  parley_err r = forum_read(n, f, envelope, e);
  for (size_t i = 0; !r && i < f->charter.n_members; i++)
    if (strcmp(f->charter.members[i].name, n->own.name) == 0) goto ours;
  if (!r) r = err_set(e, PARLEY_EREFUSED, "%s is no member of “%s”", n->own.name, f->charter.title);
ours:
  if (!r) r = own_epochs_open(n, f, e);
  if (!r) r = members_open(n, f, e);
  if (!r) r = own_epochs_notes(n, f, e);
  for (size_t i = 0; !r && i < f->n_members; i++) {
    r = relay_load(n, &f->members[i].log, e);
    if (!r) r = relay_load(n, &f->members[i].bulk, e);
  }
  if (!r && f->n_members == 0) f->log.ready = f->bulk.ready = true;
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
  for (size_t i = 0; i < f->n_members; i++) {
    relay_free(&f->members[i].log);
    relay_free(&f->members[i].bulk);
    relay_ask_free(&f->members[i].push);
    relay_ask_free(&f->members[i].bulk_push);
    their_epochs_free(&f->members[i]);
    free(f->members[i].push.concerns);
    free(f->members[i].push.held);
    attempts_free(&f->members[i].push);
    buf_free(&f->members[i].push.lane.body);
    buf_free(&f->members[i].bulk_push.lane.body);
    buf_free(&f->members[i].push.ticket);
    buf_free(&f->members[i].bulk_push.ticket);
  }
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
