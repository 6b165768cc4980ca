/*
 * Versions of charters on their way into force: proposals collect one signature a member. What comes of a complete one is
 * the business of versions.c (docs/protocol.md, "Charter and forum").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/state.h"

#define PROPOSALS_MAX 8 /* of one counterpart that wait for an officer; our own are not counted */
#define FOREIGN_MAX 64  /* complete versions of one counterpart in which we do not stand: a later one may admit us */

void proposal_free(struct proposal *p) {
  for (struct proposal_push *w = p->pushes; w; w = w->next) lane_clear(&w->lane);
  buf_free(&p->envelope);
  arena_free(&p->arena);
  free(p);
}

struct proposal *proposal_find(const struct node *n, const uint8_t digest[static SHA256_SIZE]) {
  for (struct proposal *p = n->proposals; p; p = p->next)
    if (!memcmp(p->digest, digest, SHA256_SIZE)) return p;
  return NULL;
}

/* ---- what stands against it ---- */

static void problem(json_t *list, const char *fmt, const char *a, const char *b) {
  char text[320];
  snprintf(text, sizeof text, fmt, a, b);
  json_array_append_new(list, json_string(text));
}

json_t *proposal_problems(const struct node *n, const struct charter *c) {
  json_t *list = json_array();
  for (size_t i = 0; i < c->n_members; i++) {
    const struct charter_member *m = &c->members[i];
    const struct card *card = node_card(n, m->name);
    if (!card)
      problem(list, "the card of %s is not pinned here (parley trust)%s", m->name, "");
    else if (!node_card_lookup((void *)(uintptr_t)n, m->name, m->fingerprint))
      problem(list, "the charter names another card of %s than the one pinned here%s", m->name, "");
    else if (card == &n->own && memcmp(card->fingerprint, m->fingerprint, SHA256_SIZE))
      problem(list, "the charter names an older card of %s, whose key no longer signs%s; it must be proposed anew",
              m->name, "");
    else if (card_check_time(card, node_wall(n), NULL))
      problem(list, "the card of %s is not valid now%s", m->name, "");
  }
  for (size_t i = 0; i < c->n_forms; i++)
    if (!node_form(n, c, c->forms[i].name))
      problem(list, "the form %s that the charter pins is not at hand%s; put the file into forms/ of the home",
              c->forms[i].name, "");
  if (!charter_member(c, n->own.name)) problem(list, "%s is no member of it%s", n->own.name, "");
  return list;
}

/* ---- taking in ---- */

struct bytes proposal_text(const struct proposal *p) {
  return p->n_signed ? buf_view(&p->envelope) : p->charter.payload;
}

static unsigned count_signatures(const struct proposal *p) {
  unsigned k = 0;
  for (size_t i = 0; i < p->charter.n_members; i++) k += p->signed_by[i];
  return k;
}

/* A version that nobody has signed yet comes as its bare payload; what is no charter at all is told as an envelope. */
static bool is_bare(struct bytes text) { return text.n > 9 && !memcmp(text.p, "{\"title\":", 9); }

/* Makes a proposal of what came, in memory only. */
static parley_err proposal_new(struct node *n, struct bytes text, const char *from, struct proposal **out,
                               struct errmsg *e) {
  bool all;
  struct proposal *p = calloc(1, sizeof *p);
  if (!p) return err_set(e, PARLEY_ENOMEM, "out of memory");
  snprintf(p->from, sizeof p->from, "%s", from);
  parley_err r;
  if (is_bare(text)) {
    r = charter_parse(&p->charter, &p->arena, text, e);
  } else {
    buf_bytes(&p->envelope, text);
    r = buf_ok(&p->envelope) ? charter_envelope_parse(&p->charter, p->signed_by, &all, &p->arena,
                                                      buf_view(&p->envelope), node_card_lookup, n, e)
                             : err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  if (r) {
    proposal_free(p);
    return r;
  }
  memcpy(p->digest, p->charter.digest, SHA256_SIZE);
  p->n_signed = count_signatures(p);
  *out = p;
  return PARLEY_OK;
}

/* p with the signatures of another, as a proposal of its own: p changes only once that is stored. */
static parley_err proposal_merged(struct node *n, const struct proposal *p, const struct proposal *more,
                                  struct proposal **out, struct errmsg *e) {
  struct arena a = {0};
  struct buf merged = {0};
  parley_err r = PARLEY_OK;
  if (p->n_signed && more->n_signed)
    r = charter_merge(&merged, buf_view(&p->envelope), buf_view(&more->envelope), node_card_lookup, n, &a, e);
  else
    buf_bytes(&merged, proposal_text(p->n_signed ? p : more));
  if (!r && !buf_ok(&merged)) r = err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) r = proposal_new(n, buf_view(&merged), p->from, out, e);
  buf_free(&merged);
  arena_free(&a);
  return r;
}

/* Moves the signatures of `more` over; its charter is the same. */
static void proposal_replace(struct proposal *p, struct proposal *more) {
  struct buf was = p->envelope;
  p->envelope = more->envelope;
  more->envelope = was;
  memcpy(p->signed_by, more->signed_by, sizeof p->signed_by);
  p->n_signed = more->n_signed;
}

static parley_err proposal_store(struct node *n, const struct proposal *p, struct errmsg *e) {
  struct buf v = {0};
  buf_fmt(&v, "%s\n", p->from);
  buf_bytes(&v, proposal_text(p));
  parley_err r = buf_ok(&v) ? store_begin(n->env.store, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    r = store_put(n->env.store, STORE_PROPOSALS, BYTES(p->digest, SHA256_SIZE), buf_view(&v), e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  buf_free(&v);
  return r;
}

/* A known proposal: what is new in the other. Nothing changes when it cannot be stored. */
static parley_err take_more(struct node *n, struct proposal *p, const struct proposal *other, struct errmsg *e) {
  struct proposal *more;
  parley_err r = proposal_merged(n, p, other, &more, e);
  if (r) return r;
  if (more->n_signed > p->n_signed) {
    r = proposal_store(n, more, e);
    if (!r) proposal_replace(p, more);
  }
  proposal_free(more);
  return r;
}

/* ---- which are taken ---- */

/* The forum that it belongs to. ECONFLICT: none of the versions that it replaces is held, or they are of two forums. */
static parley_err place(const struct node *n, struct proposal *p, struct errmsg *e) {
  if (p->charter.n_replaces == 0) memcpy(p->forum, p->digest, SHA256_SIZE);
  p->placed = p->charter.n_replaces == 0;
  for (size_t i = 0; i < p->charter.n_replaces; i++) {
    const struct proposal *q = proposal_find(n, p->charter.replaces[i]);
    if (!q || !q->placed) continue;
    if (p->placed && memcmp(p->forum, q->forum, SHA256_SIZE))
      return err_set(e, PARLEY_ECONFLICT, "replaces[%zu]: it is a version of another forum than those before it", i);
    memcpy(p->forum, q->forum, SHA256_SIZE);
    p->placed = true;
  }
  return p->placed ? PARLEY_OK
                   : err_set(e, PARLEY_ECONFLICT,
                             "replaces: none of the versions that it replaces is held here; they come first");
}

/* A member by it, or by any complete version of its forum. */
static bool belongs(const struct node *n, const struct proposal *p, const char *party) {
  if (charter_member(&p->charter, party)) return true;
  for (const struct proposal *q = n->proposals; q; q = q->next)
    if (q->placed && q->complete && !memcmp(q->forum, p->forum, SHA256_SIZE) && charter_member(&q->charter, party))
      return true;
  return false;
}

/* Among the versions held, p included, are its signatures those that are demanded? */
static parley_err would_be_complete(struct node *n, struct proposal *p, bool *yes, struct errmsg *e) {
  struct versions v;
  p->next = n->proposals;
  n->proposals = p;
  parley_err r = versions_gather(n, p->forum, &v, e);
  n->proposals = p->next;
  p->next = NULL;
  const size_t at = r ? VERSION_NONE : versions_find(&v.set, p->digest);
  *yes = at != VERSION_NONE && v.set.v[at].complete;
  versions_free(&v);
  return r;
}

static size_t count_of(const struct node *n, const char *from, bool foreign) {
  size_t k = 0;
  for (const struct proposal *p = n->proposals; p; p = p->next)
    k += !strcmp(p->from, from) && (foreign ? p->complete && !belongs(n, p, n->own.name) : !p->complete);
  return k;
}

static parley_err check_room(const struct node *n, const struct proposal *p, bool complete, struct errmsg *e) {
  size_t versions = 0;
  for (const struct proposal *q = n->proposals; q; q = q->next)
    versions += q->placed && !memcmp(q->forum, p->forum, SHA256_SIZE);
  if (versions >= VERSIONS_MAX)
    return err_set(e, PARLEY_EBUSY, "%d versions of that charter are held already", VERSIONS_MAX);
  if (!strcmp(p->from, n->own.name) || (complete && belongs(n, p, n->own.name))) return PARLEY_OK;
  if (complete && count_of(n, p->from, true) >= FOREIGN_MAX)
    return err_set(e, PARLEY_EBUSY, "%d charters in which %s does not stand are held of %s already", FOREIGN_MAX,
                   n->own.name, p->from);
  if (!complete && count_of(n, p->from, false) >= PROPOSALS_MAX)
    return err_set(e, PARLEY_EBUSY, "%d proposals of %s wait here already", PROPOSALS_MAX, p->from);
  return PARLEY_OK;
}

static parley_err check_new(struct node *n, struct proposal *p, struct errmsg *e) {
  bool complete = false;
  parley_err r = place(n, p, e);
  if (!r) r = would_be_complete(n, p, &complete, e);
  if (r) return r;
  if (!belongs(n, p, p->from))
    return err_set(e, PARLEY_EREFUSED, "%s is no member of that charter, nor of one that it replaces", p->from);
  if (!complete && !belongs(n, p, n->own.name))
    return err_set(e, PARLEY_EREFUSED, "%s is no member of that charter, nor of one that it replaces", n->own.name);
  if (!p->n_signed && charter_member(&p->charter, p->from))
    return err_set(e, PARLEY_EVERIFY, "%s is a member of that charter and has not signed it", p->from);
  return check_room(n, p, complete, e);
}

static parley_err take_new(struct node *n, struct proposal *p, struct errmsg *e) {
  parley_err r = check_new(n, p, e);
  if (!r) r = proposal_store(n, p, e);
  if (r) return r;
  p->next = n->proposals;
  n->proposals = p;
  return PARLEY_OK;
}

/* Held already, byte for byte: after a start each member tells each other, and a large charter has 193 signatures to verify. */
static struct proposal *held_already(const struct node *n, struct bytes text, const char *from) {
  for (struct proposal *p = n->proposals; p; p = p->next)
    if (p->placed && bytes_eq(proposal_text(p), text) && charter_member(&p->charter, from)) return p;
  return NULL;
}

/* It names a card of ours that is not our newest: its author may have gone back in time, and is told of the newest again. */
static void tell_card_again(const struct node *n, const struct proposal *p, const char *from) {
  const struct charter_member *me = charter_member(&p->charter, n->own.name);
  struct peer *peer = node_peer(n, from);
  if (me && peer && memcmp(me->fingerprint, n->own.fingerprint, SHA256_SIZE)) renewal_again(peer);
}

parley_err proposal_take(struct node *n, struct bytes text, const char *from, struct proposal **out, struct errmsg *e) {
  struct proposal *fresh, *p = from ? held_already(n, text, from) : NULL;
  if (p) {
    proposal_known(p, from);
    *out = p;
    return PARLEY_OK;
  }
  parley_err r = proposal_new(n, text, from ? from : n->own.name, &fresh, e);
  if (r) return r;
  if (from) tell_card_again(n, fresh, from);
  p = proposal_find(n, fresh->digest);
  r = p ? take_more(n, p, fresh, e) : take_new(n, fresh, e);
  if (p || r) proposal_free(fresh);
  if (r) return r;
  *out = p ? p : fresh;
  r = (*out)->placed ? versions_refresh(n, (*out)->forum, e) : PARLEY_OK;
  if (!node_trouble(r)) return r;
  /* It is stored, and whoever is told otherwise would propose it anew; what follows from it is tried again (versions_run). */
  node_log_line(n, 3, "what follows from the charter “%s” cannot be done now: %s", (*out)->charter.title,
                e ? e->text : "");
  return PARLEY_OK;
}

parley_err proposal_take_opened(struct node *n, struct bytes envelope, const char *author, struct errmsg *e) {
  struct proposal *p;
  return proposal_take(n, envelope, author, &p, e);
}

/* ---- ours ---- */

/* An envelope with our signature alone; taking it in merges it with what is held. */
parley_err charter_sign_own(struct node *n, struct bytes payload, struct buf *out, struct errmsg *e) {
  struct dsse_sig sig;
  struct dsse d = {.type = bytes_str(CHARTER_TYPE), .payload = payload, .n = 1, .sigs = &sig};
  ed25519_keyid(sig.keyid, n->own.statement);
  parley_err r = signer_statement(n->env.signer, sig.sig, d.type, payload, e);
  if (!r) dsse_write(out, &d);
  return r || buf_ok(out) ? r : err_set(e, PARLEY_ENOMEM, "out of memory");
}

parley_err proposal_sign(struct node *n, struct proposal *p, struct errmsg *e) {
  struct buf env = {0};
  struct proposal *same;
  parley_err r = charter_sign_own(n, p->charter.payload, &env, e);
  if (!r) r = proposal_take(n, buf_view(&env), NULL, &same, e);
  buf_free(&env);
  return r;
}

/* ---- at the start ---- */

/* Of a version that cannot be read now (a card is no longer pinned) the digests are kept: what it replaces is not in force by itself. */
static parley_err keep_unread(struct node *n, struct bytes text, struct errmsg *e) {
  struct dsse d;
  struct arena a = {0};
  struct charter *grown = arena_alloc(&n->arena, (n->n_unread + 1) * sizeof *grown);
  if (!grown) return err_set(e, PARLEY_ENOMEM, "out of memory");
  if (n->n_unread) memcpy(grown, n->unread, n->n_unread * sizeof *grown);
  parley_err r = is_bare(text) ? PARLEY_OK : dsse_parse(&d, &a, text, CHARTER_SIZE_MAX, e);
  if (!r) r = charter_parse(&grown[n->n_unread], &n->arena, is_bare(text) ? text : d.payload, e);
  if (!r) n->unread = grown, n->n_unread++;
  arena_free(&a);
  return r == PARLEY_ENOMEM ? r : PARLEY_OK;
}

static parley_err load_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct node *n = ctx;
  struct bytes from;
  char name[PARTY_NAME_MAX + 1];
  struct proposal *p;
  if (key.n != SHA256_SIZE || !bytes_line(&v, &from) || from.n >= sizeof name)
    return err_set(e, PARLEY_EIO, "a stored proposal is damaged");
  snprintf(name, sizeof name, "%.*s", (int)from.n, (const char *)from.p);
  parley_err r = proposal_new(n, v, name, &p, e);
  if (r) {
    node_log_line(n, 4, "a stored proposal is left aside: %s", e ? e->text : "");
    return keep_unread(n, v, e);
  }
  p->next = n->proposals;
  n->proposals = p;
  return PARLEY_OK;
}

/* In the store they stand by digest; the forum of each follows from those that it replaces. */
static void place_all(struct node *n) {
  for (bool more = true; more;) {
    more = false;
    for (struct proposal *p = n->proposals; p; p = p->next)
      if (!p->placed && place(n, p, NULL) == PARLEY_OK) more = true;
  }
}

parley_err proposals_load(struct node *n, struct errmsg *e) {
  struct errmsg local;
  parley_err r = store_scan(n->env.store, STORE_PROPOSALS, BYTES_NONE, BYTES_NONE, false, load_one, n, e ? e : &local);
  place_all(n);
  return r;
}
