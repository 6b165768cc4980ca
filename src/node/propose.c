/*
 * Charters on their way into force: proposals collect one signature a member; each member is told of every new signature until
 * it has answered to it. A complete one opens the forum (docs/protocol.md, "Charter and forum").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/state.h"

#define PROPOSALS_MAX 8 /* of one counterpart that wait for an officer; our own are not counted */
#define CHARTER_PART 32768

void proposal_free(struct proposal *p) {
  for (size_t i = 0; i < p->n_pushes; i++) lane_clear(&p->pushes[i].lane);
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
  if (!charter_member(c, n->own.name)) problem(list, "%s is no member%s", n->own.name, "");
  return list;
}

/* ---- taking in ---- */

void proposals_pinned(struct node *n, struct peer *peer) {
  for (struct proposal *p = n->proposals; p; p = p->next)
    if (charter_member(&p->charter, peer->card.name) && p->n_pushes < p->charter.n_members)
      p->pushes[p->n_pushes++] = (struct proposal_push){.proposal = p, .peer = peer};
}

static parley_err fill_pushes(struct node *n, struct proposal *p, struct errmsg *e) {
  p->pushes = arena_alloc(&p->arena, p->charter.n_members * sizeof *p->pushes);
  if (!p->pushes) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < p->charter.n_members; i++) {
    struct peer *peer = node_peer(n, p->charter.members[i].name);
    if (peer) p->pushes[p->n_pushes++] = (struct proposal_push){.proposal = p, .peer = peer};
  }
  return PARLEY_OK;
}

static unsigned count_signatures(const struct proposal *p) {
  unsigned k = 0;
  for (size_t i = 0; i < p->charter.n_members; i++) k += p->signed_by[i];
  return k;
}

/* Makes a proposal of an envelope, in memory only. */
static parley_err proposal_new(struct node *n, struct bytes envelope, const char *from, struct proposal **out,
                               struct errmsg *e) {
  struct proposal *p = calloc(1, sizeof *p);
  if (!p) return err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_bytes(&p->envelope, envelope);
  snprintf(p->from, sizeof p->from, "%s", from);
  parley_err r = buf_ok(&p->envelope) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r)
    r = charter_envelope_parse(&p->charter, p->signed_by, &p->complete, &p->arena, buf_view(&p->envelope),
                               node_card_lookup, n, e);
  if (!r && (!charter_member(&p->charter, n->own.name) || !charter_member(&p->charter, from)))
    r = err_set(e, PARLEY_EREFUSED, "%s and %s are not both members of that charter", n->own.name, from);
  if (!r) r = fill_pushes(n, p, e);
  if (r) {
    proposal_free(p);
    return r;
  }
  memcpy(p->digest, p->charter.digest, SHA256_SIZE);
  p->n_signed = count_signatures(p);
  *out = p;
  return PARLEY_OK;
}

/* p's envelope with the signatures of another, as a proposal of its own: p changes only once that is stored. */
static parley_err proposal_merged(struct node *n, const struct proposal *p, struct bytes envelope,
                                  struct proposal **out, struct errmsg *e) {
  struct arena a = {0};
  struct buf merged = {0};
  parley_err r = charter_merge(&merged, buf_view(&p->envelope), envelope, node_card_lookup, n, &a, e);
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
  p->complete = more->complete;
  p->n_signed = more->n_signed;
}

/* ---- storing and opening ---- */

static parley_err proposal_store(struct node *n, const struct proposal *p, struct errmsg *e) {
  struct buf v = {0};
  buf_fmt(&v, "%s\n", p->from);
  buf_bytes(&v, buf_view(&p->envelope));
  parley_err r = buf_ok(&v) ? store_begin(n->env.store, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    r = store_put(n->env.store, STORE_PROPOSALS, BYTES(p->digest, SHA256_SIZE), buf_view(&v), e);
    if (!r && p->complete)
      r = store_put(n->env.store, STORE_FORUMS, BYTES(p->digest, SHA256_SIZE), buf_view(&p->envelope), e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  buf_free(&v);
  return r;
}

/* One part of the charter as a forum.charter statement. */
static parley_err submit_part(struct node *n, struct forum *f, size_t part, size_t parts, struct bytes data,
                              struct errmsg *e) {
  struct statement s = {0};
  struct submission *sub;
  compose_common(n, f, &s, "forum.charter");
  s.body = json_object();
  bool ok = s.body && json_put_int(s.body, "part", (int64_t)part) && json_put_int(s.body, "parts", (int64_t)parts) &&
            json_put_b64(s.body, "data", data.p, data.n);
  parley_err r = ok ? compose_submit(n, f, &s, &sub, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) sub->opening = true;
  statement_clear(&s);
  return r;
}

/* A log may begin with its forum.epoch, and with our newer card. */
static bool has_charter(const struct forum *f) {
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse d;
  const uint64_t size = copy_size(f->log.copy);
  bool yes = size > 0;
  if (size > 0 && size <= 2 && copy_entry(f->log.copy, size - 1, &a, &entry, NULL) == PARLEY_OK &&
      statement_parse(&s, &a, entry, &d, NULL) == PARLEY_OK)
    yes = strcmp(s.kind, "forum.card") != 0 && strcmp(s.kind, "forum.epoch") != 0;
  statement_clear(&s);
  arena_free(&a);
  return yes;
}

/*
 * The complete envelope stands in each member's log before anything else but our newer cards. Called again after a crash: only a log without it gets it.
 */
parley_err forum_open_log(struct node *n, struct forum *f, struct errmsg *e) {
  if (has_charter(f)) return PARLEY_OK;
  size_t parts = (f->envelope.n + CHARTER_PART - 1) / CHARTER_PART;
  for (size_t i = 0; i < parts; i++) {
    size_t at = i * CHARTER_PART, len = f->envelope.n - at < CHARTER_PART ? f->envelope.n - at : CHARTER_PART;
    parley_err r = submit_part(n, f, i, parts, BYTES(f->envelope.p + at, len), e);
    if (r) return r;
  }
  return PARLEY_OK;
}

static parley_err activate(struct node *n, struct proposal *p, struct errmsg *e) {
  if (p->active || !p->complete) return PARLEY_OK;
  parley_err r = forum_find(n, p->digest) ? PARLEY_OK : forum_load(n, buf_view(&p->envelope), e);
  struct forum *f = r ? NULL : forum_find(n, p->digest);
  if (!r) r = renewal_announce(n, f, e);
  if (!r) r = forum_open_log(n, f, e);
  if (r) return r;
  p->active = true;
  node_log_line(n, 6, "forum “%s” is in force", p->charter.title);
  return PARLEY_OK;
}

static size_t count_proposals(const struct node *n, const char *from) {
  size_t k = 0;
  for (struct proposal *p = n->proposals; p; p = p->next) k += !p->complete && !strcmp(p->from, from);
  return k;
}

/* A known proposal: what is new in the envelope. Nothing changes when it cannot be stored. */
static parley_err take_more(struct node *n, struct proposal *p, struct bytes envelope, struct errmsg *e) {
  struct proposal *more;
  parley_err r = proposal_merged(n, p, envelope, &more, e);
  if (r) return r;
  if (more->n_signed > p->n_signed) {
    r = proposal_store(n, more, e);
    if (!r) proposal_replace(p, more);
  }
  proposal_free(more);
  return r;
}

static parley_err take_new(struct node *n, struct proposal *p, struct errmsg *e) {
  if (p->charter.n_replaces > 0)
    return err_set(e, PARLEY_EREFUSED, "amendments of a charter are not supported by this version");
  if (strcmp(p->from, n->own.name) && count_proposals(n, p->from) >= PROPOSALS_MAX)
    return err_set(e, PARLEY_EBUSY, "%d proposals of %s wait here already", PROPOSALS_MAX, p->from);
  parley_err r = proposal_store(n, p, e);
  if (r) return r;
  p->next = n->proposals;
  n->proposals = p;
  return PARLEY_OK;
}

parley_err proposal_take(struct node *n, struct bytes envelope, const char *from, struct proposal **out,
                         struct errmsg *e) {
  struct proposal *fresh, *p;
  parley_err r = proposal_new(n, envelope, from ? from : n->own.name, &fresh, e);
  if (r) return r;
  p = proposal_find(n, fresh->digest);
  r = p ? take_more(n, p, envelope, e) : take_new(n, fresh, e);
  if (p || r) proposal_free(fresh);
  if (r) return r;
  *out = p ? p : fresh;
  return activate(n, *out, e);
}

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
    return PARLEY_OK;
  }
  p->next = n->proposals;
  n->proposals = p;
  p->active = forum_find(n, p->digest) != NULL;
  return PARLEY_OK;
}

parley_err proposals_load(struct node *n, struct errmsg *e) {
  struct errmsg local;
  parley_err r = store_scan(n->env.store, STORE_PROPOSALS, BYTES_NONE, BYTES_NONE, false, load_one, n, e ? e : &local);
  for (struct forum *f = n->forums; f && !r; f = f->next) {
    r = renewal_announce(n, f, e);
    if (!r) r = forum_open_log(n, f, e);
  }
  return r;
}

/* ---- telling the members ---- */

void proposal_again(struct node *n, const uint8_t forum[static SHA256_SIZE], const struct peer *peer) {
  struct proposal *p = proposal_find(n, forum);
  for (size_t i = 0; p && i < p->n_pushes; i++)
    if (p->pushes[i].peer == peer) p->pushes[i].told = 0;
}

static bool push_due(const struct node *n, const struct proposal *p, const struct proposal_push *w) {
  (void)n;
  /* Ours is signed before anybody else hears of it from us. */
  const struct charter_member *me = charter_member(&p->charter, n->own.name);
  return !w->lane.request && me && p->signed_by[me - p->charter.members] && w->told < p->n_signed;
}

bool proposal_next(struct node *n, struct outbound *out) {
  for (struct proposal *p = n->proposals; p; p = p->next)
    for (size_t i = 0; i < p->n_pushes; i++) {
      struct proposal_push *w = &p->pushes[i];
      if (!push_due(n, p, w) || w->lane.next_ms > node_mono(n)) continue;
      buf_bytes(&w->lane.body, buf_view(&p->envelope));
      if (!buf_ok(&w->lane.body)) {
        lane_clear(&w->lane);
        lane_fail(n, &w->lane, 0, "out of memory");
        continue;
      }
      int len = snprintf(w->lane.url, sizeof w->lane.url, "%s", w->peer->card.submission);
      snprintf(w->lane.url + len, sizeof w->lane.url - (size_t)len, "/propose");
      w->lane.path = w->lane.url + len;
      w->sent = p->n_signed;
      w->lane.request = n->next_request++;
      *out = (struct outbound){.id = w->lane.request,
                               .peer = w->peer->card.name,
                               .method = "POST",
                               .url = w->lane.url,
                               .path = w->lane.path,
                               .pins = w->peer->pins,
                               .content_type = "application/json",
                               .body = buf_view(&w->lane.body)};
      return true;
    }
  return false;
}

static void answered(struct node *n, struct proposal *p, struct proposal_push *w, const struct outbound_result *r) {
  struct errmsg e = {{0}};
  struct proposal *same;
  const char *name = w->peer->card.name;
  if (!r->answered) {
    lane_fail(n, &w->lane, 0, "%s cannot be reached: %s", name, r->message ? r->message : "no answer");
    return;
  }
  w->peer->last_out = node_wall(n);
  if (r->status != 200 && r->status != 202) {
    int len = r->body.n < 160 ? (int)r->body.n : 160;
    lane_fail(n, &w->lane, r->retry_after, "%s answers %u to the charter: %.*s", name, r->status, len,
              (const char *)r->body.p);
    return;
  }
  if (proposal_take(n, r->body, name, &same, &e) != PARLEY_OK) {
    lane_fail(n, &w->lane, 0, "the answer of %s to the charter cannot be taken: %s", name, e.text);
    return;
  }
  w->told = w->sent;
  lane_ok(n, &w->lane);
  (void)p;
}

bool proposal_done(struct node *n, uint64_t id, const struct outbound_result *r) {
  for (struct proposal *p = n->proposals; p; p = p->next)
    for (size_t i = 0; i < p->n_pushes; i++)
      if (p->pushes[i].lane.request == id) {
        lane_clear(&p->pushes[i].lane);
        answered(n, p, &p->pushes[i], r);
        return true;
      }
  return false;
}

int64_t proposal_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct proposal *p = n->proposals; p; p = p->next)
    for (size_t i = 0; i < p->n_pushes; i++)
      if (push_due(n, p, &p->pushes[i]) && p->pushes[i].lane.next_ms < at) at = p->pushes[i].lane.next_ms;
  return at;
}
