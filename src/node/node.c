/*
 * Opening and closing a node, its pinned counterparts, and the one place where its parts are driven: node_work.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "node/attempts.h"
#include "node/call.h"
#include "node/recover.h"
#include "node/relay.h"
#include "node/forks.h"
#include "node/observed.h"
#include "node/witness.h"
#include "node/open_mirror.h"

int64_t node_wall(const struct node *n) { return n->env.wall_s(n->env.ctx); }
int64_t node_mono(const struct node *n) { return n->env.mono_ms(n->env.ctx); }

void node_log_line(const struct node *n, int level, const char *fmt, ...) {
  if (!n->env.log) return;
  char line[640];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(line, sizeof line, fmt, ap);
  va_end(ap);
  n->env.log(n->env.ctx, level, line);
}

static parley_err check_keys(const struct node *n, struct errmsg *e) {
  const struct card *c = &n->own;
  const struct signer *s = n->env.signer;
  if (memcmp(c->statement, signer_statement_public(s), 32) || memcmp(c->log, signer_log_public(s), 32) ||
      memcmp(c->mirror, signer_mirror_public(s), 32))
    return err_set(e, PARLEY_ECONFLICT, "the keys in keys/ are not those of card.json; restore the matching pair");
  if (n->env.n_seal == 0)
    return err_set(e, PARLEY_ECONFLICT,
                   "there is no seal key; keys/seal.duty.txt is needed to read what is addressed here");
  return PARLEY_OK;
}

static parley_err read_order(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  (void)v, (void)e;
  struct node *n = ctx;
  if (key.n >= 10) {
    uint64_t order = u64be(key.p + 2);
    if (order >= n->next_order) n->next_order = order + 1;
  }
  return PARLEY_EBUSY; /* the newest is enough */
}

/* Forums need their members' cards, which the owner pins after node_open; so loading happens at the first pin or work. */
static parley_err load_orders(struct node *n, struct errmsg *e) {
  parley_err r = store_scan(n->env.store, STORE_INDEX, BYTES("i/", 2), BYTES_NONE, true, read_order, n, e);
  return r ? r : store_scan(n->env.store, STORE_INDEX, BYTES("o/", 2), BYTES_NONE, true, read_order, n, e);
}

parley_err node_open(struct node **out, const struct node_env *env, struct bytes own_card, struct errmsg *e) {
  struct node *n = calloc(1, sizeof *n);
  if (!n) return err_set(e, PARLEY_ENOMEM, "out of memory");
  n->env = *env;
  n->queue_end = &n->queue;
  n->answers_end = &n->answers;
  n->next_request = 1;
  n->next_order = 1;
  parley_err r = card_parse(&n->own, &n->arena, own_card, NULL, NULL, e);
  if (r) err_prefix(e, r, "card.json");
  if (!r) r = check_keys(n, e);
  if (!r && !PLANTED(forget_order_at_restart)) r = load_orders(n, e);
  if (!r) r = forks_load(n, e);
  if (!r) r = observed_load(n, e);
  if (r) {
    node_close(n);
    return r;
  }
  *out = n;
  return PARLEY_OK;
}

parley_err node_start(struct node *n, struct errmsg *e) {
  parley_err r = memory_check(n, e);
  if (!r) r = proposals_load(n, e);
  if (!r) r = versions_load(n, e);
  if (!r) r = drafts_load(n, e);
  if (!r) r = open_mirror_start(n, e);
  n->intake_due = true;
  return r;
}

void node_close(struct node *n) {
  if (!n) return;
  recovery_free(n);
  while (n->calls) node_finish(n->calls);
  while (n->queue) {
    struct submission *s = n->queue;
    n->queue = s->next;
    submission_free(s);
  }
  drafts_free(n);
  open_mirror_free(n);
  forks_free(n);
  observed_free(n);
  while (n->proposals) {
    struct proposal *p = n->proposals;
    n->proposals = p->next;
    proposal_free(p);
  }
  while (n->forums) {
    struct forum *f = n->forums;
    n->forums = f->next;
    forum_free(f);
  }
  while (n->peers) {
    struct peer *p = n->peers;
    n->peers = p->next;
    lane_clear(&p->card_lane);
    arena_free(&p->arena);
    free(p);
  }
  arena_free(&n->arena);
  free(n);
}

/* ---- counterparts ---- */

struct peer *node_peer(const struct node *n, const char *name) {
  for (struct peer *p = n->peers; p; p = p->next)
    if (!strcmp(p->card.name, name)) return p;
  return NULL;
}

const struct card *node_card(const struct node *n, const char *name) {
  if (!strcmp(name, n->own.name)) return &n->own;
  const struct peer *p = node_peer(n, name);
  return p ? &p->card : NULL;
}

const struct card *node_own_card(const struct node *n) { return &n->own; }

const struct card *node_pinned(const struct node *n, size_t i) {
  const struct peer *p = n->peers;
  while (p && i--) p = p->next;
  return p ? &p->card : NULL;
}

static parley_err pin_check(struct node *n, const struct card *c, struct errmsg *e) {
  if (!strcmp(c->name, n->own.name))
    return err_set(e, PARLEY_ECONFLICT, "the card of %s is our own name; a party does not pin itself", c->name);
  return cards_distinct(n, c, e); /* an expired card still proves what it signed; sending judges its time */
}

parley_err node_pin(struct node *n, struct bytes card_envelope, struct errmsg *e) {
  struct peer *p = calloc(1, sizeof *p);
  if (!p) return err_set(e, PARLEY_ENOMEM, "out of memory");
  bool unproved = false;
  parley_err r = card_parse(&p->card, &p->arena, card_envelope, NULL, &unproved, e);
  if (!r) r = pin_check(n, &p->card, e);
  const struct peer *held = r ? NULL : node_peer(n, p->card.name);
  if (held && node_card_lookup(n, p->card.name, p->card.fingerprint)) {
    arena_free(&p->arena);
    free(p);
    return PARLEY_OK;
  }
  if (held) {
    char was[80];
    fingerprint_groups(was, held->card.fingerprint);
    r = err_set(e, PARLEY_ECONFLICT, "%s is pinned to another card (fingerprint %.9s…)", p->card.name, was);
  }
  if (r) {
    arena_free(&p->arena);
    free(p);
    return r;
  }
  for (size_t i = 0; i < p->card.n_link; i++) p->pins[i] = p->card.link[i];
  p->next = n->peers;
  n->peers = p;
  n->cards_version++;
  r = cards_load(n, p, e);
  if (!r) r = renewal_told_load(n, p, e);
  if (r) return r;
  proposals_pinned(n, p);
  return PARLEY_OK;
}

/* ---- forms ---- */

const struct form *node_form_at_hand(const struct node *n, const char *kind) {
  for (size_t i = 0; i < n->env.n_forms; i++)
    if (!strcmp(form_kind(n->env.forms[i]), kind)) return n->env.forms[i];
  return NULL;
}

const struct form *node_form(const struct node *n, const struct charter *c, const char *kind) {
  const struct charter_pin *pin = charter_form(c, kind);
  for (size_t i = 0; pin && i < n->env.n_forms; i++)
    if (!strcmp(form_kind(n->env.forms[i]), kind) && !memcmp(form_digest(n->env.forms[i]), pin->digest, SHA256_SIZE))
      return n->env.forms[i];
  return NULL;
}

/* ---- work ---- */

bool node_trouble(parley_err r) {
  return r == PARLEY_ENOMEM || r == PARLEY_EIO || r == PARLEY_EFULL || r == PARLEY_EBUSY;
}

void node_retry(struct node *n) { n->retry_ms = node_mono(n) + NODE_RETRY_MS; }

static void retry_due(struct node *n) {
  if (!n->retry_ms || node_mono(n) < n->retry_ms) return;
  n->retry_ms = 0;
  n->intake_due = true;
}

/* After a failure a log goes back to what is stored; where even that failed it is tried here until it succeeds. */
static void mend_logs(struct node *n) {
  struct errmsg e = {{0}};
  for (struct forum *f = n->forums; f; f = f->next)
    if (copy_mend(f->log.copy, &e) || copy_mend(f->bulk.copy, &e)) {
      node_log_line(n, 3, "a log cannot be read back after a failure: %s", e.text);
      node_retry(n);
    }
}

void node_work(struct node *n) {
  retry_due(n);
  mend_logs(n);
  versions_run(n);
  submit_commit(n);
  drafts_run(n);
  bookkeeping_run(n);
  submit_commit(n); /* what bookkeeping and drafts have queued */
  recovery_work(n);
  sign_logs(n);
  intake_run(n);
  attempts_run(n);
  forks_run(n);
  observed_run(n);
  calls_check_waiting(n);
}

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

int node_next_ms(struct node *n) {
  if ((n->queue && !n->retry_ms) || n->answers || intake_pending(n)) return 0;
  int64_t now = node_mono(n), at = now + 60000;
  at = min64(at, push_next_ms(n));
  at = min64(at, witness_next_ms(n));
  at = min64(at, attempts_next_ms(n));
  at = min64(at, renewal_next_ms(n));
  at = min64(at, proposal_next_ms(n));
  at = min64(at, bookkeeping_next_ms(n));
  at = min64(at, drafts_next_ms(n));
  at = min64(at, sign_next_ms(n));
  at = min64(at, recovery_next_ms(n));
  at = min64(at, relay_push_next_ms(n));
  at = min64(at, relay_ask_next_ms(n));
  at = min64(at, forks_next_ms(n));
  at = min64(at, observed_next_ms(n));
  if (n->retry_ms) at = min64(at, n->retry_ms);
  return at <= now ? 0 : (int)(at - now);
}

bool node_next_outbound(struct node *n, struct outbound *out) {
  return renewal_next(n, out) || recovery_next(n, out) || push_next(n, out) || seeks_next(n, out) ||
         witness_next(n, out) || proposal_next(n, out) || relay_push_next(n, out) || relay_ask_next(n, out);
}

void node_outbound_done(struct node *n, uint64_t id, const struct outbound_result *r) {
  const struct attempt_of tried = attempt_before(n, id);
  if (!push_done(n, id, r) && !recovery_done(n, id, r) && !seeks_done(n, id, r) && !witness_done(n, id, r) &&
      !renewal_done(n, id, r) && !relay_push_done(n, id, r) && !relay_ask_done(n, id, r))
    proposal_done(n, id, r);
  attempt_after(n, &tried, r);
  calls_check_waiting(n);
}

void node_outbound_progress(struct node *n, uint64_t id, uint64_t sent) {
  (void)n, (void)id, (void)sent; /* files_held counts whole packages; finer progress is not kept */
}

/* ---- views for the simulator ---- */

static bool own_view(const struct own_log *l, struct node_log_view *out) {
  *out = (struct node_log_view){l->origin, true, copy_size(l->copy), l->signed_size, l->stopped, l->why};
  return true;
}

static bool their_view(const struct their_log *l, struct node_log_view *out) {
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  *out = (struct node_log_view){l->origin, false, s.next, s.size, false, ""};
  return true;
}

/* Newest epoch first, the log before its bulk log. */
static bool own_epoch_at(struct forum *f, size_t *i, struct node_log_view *out) {
  for (struct own_log *l = &f->log, *b = &f->bulk; l && b; l = l->older, b = b->older, *i -= 2)
    if (*i < 2) return own_view(*i ? b : l, out);
  return false;
}

static bool their_epoch_at(struct member *m, size_t *i, struct node_log_view *out) {
  for (struct their_log *l = &m->log, *b = &m->bulk; l && b; l = l->older, b = b->older, *i -= 2)
    if (*i < 2) return their_view(*i ? b : l, out);
  if (!m->ahead) return false;
  return (*i)-- == 0 && their_view(m->ahead, out);
}

bool node_log_at(struct node *n, size_t i, struct node_log_view *out) {
  for (struct forum *f = n->forums; f; f = f->next) {
    if (own_epoch_at(f, &i, out)) return true;
    for (size_t k = 0; k < f->n_members; k++)
      if (their_epoch_at(&f->members[k], &i, out)) return true;
  }
  return false;
}

static struct copy *copy_by_origin(struct node *n, const char *origin) {
  struct own_log *own = own_log_by_origin(n, origin);
  if (own) return own->copy;
  struct their_log *theirs = their_log_by_origin(n, bytes_str(origin));
  return theirs ? mirror_copy(theirs->mirror) : NULL;
}

parley_err node_log_entry(struct node *n, const char *origin, uint64_t index, struct arena *a, struct bytes *out,
                          struct errmsg *e) {
  struct copy *c = copy_by_origin(n, origin);
  return c ? copy_entry(c, index, a, out, e) : err_set(e, PARLEY_ENOTFOUND, "no log %s here", origin);
}

parley_err node_log_root(struct node *n, const char *origin, uint64_t size, struct hash *out, struct errmsg *e) {
  struct copy *c = copy_by_origin(n, origin);
  return c ? copy_root(c, size, out, e) : err_set(e, PARLEY_ENOTFOUND, "no log %s here", origin);
}
