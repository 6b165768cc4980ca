/*
 * Telling the others of a charter's versions: each is told of every new signature until it has answered to it.
 */
#include <stdio.h>
#include <string.h>

#include "node/state.h"

/* ---- who is told ---- */

static parley_err address(struct node *n, struct proposal *p, const char *party, struct errmsg *e) {
  struct proposal_push **end = &p->pushes;
  struct peer *peer = node_peer(n, party);
  if (!peer) return PARLEY_OK;
  for (; *end; end = &(*end)->next)
    if ((*end)->peer == peer) return PARLEY_OK;
  *end = arena_alloc(&p->arena, sizeof **end);
  if (!*end) return err_set(e, PARLEY_ENOMEM, "out of memory");
  (*end)->peer = peer;
  return PARLEY_OK;
}

static parley_err address_members(struct node *n, struct proposal *p, const struct charter *c, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < c->n_members && !r; i++) r = address(n, p, c->members[i].name, e);
  return r;
}

/*
 * Its members and who proposed it. A complete one also those who stood in a version that it lists, so that they know that they are out; and
 * who joins by a version that lists it, or one of its descendants, gets what came before.
 */
static parley_err address_one(struct node *n, const struct versions *v, size_t i, struct errmsg *e) {
  struct proposal *p = v->p[i];
  parley_err r = address_members(n, p, &p->charter, e);
  if (!r) r = address(n, p, p->from, e);
  for (size_t k = 0; k < v->set.n && !r && p->complete; k++) {
    const struct charter *c = v->set.v[k].charter;
    bool after = version_lists(c, p->digest);
    for (size_t j = 0; j < v->set.n && !after; j++)
      after = v->p[j]->complete && version_lists(c, v->p[j]->digest) && versions_before(&v->set, i, j);
    if (after || (v->p[k]->complete && version_lists(&p->charter, c->digest))) r = address_members(n, p, c, e);
  }
  return r;
}

parley_err proposals_address(struct node *n, const struct versions *v, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < v->set.n && !r; i++) r = address_one(n, v, i, e);
  return r;
}

void proposals_pinned(struct node *n, struct peer *peer) {
  struct errmsg e = {{0}};
  (void)peer;
  n->intake_due = true; /* a log may have waited for that card */
  for (struct proposal *p = n->proposals; p; p = p->next)
    if (p->placed && p->charter.n_replaces == 0 && versions_refresh(n, p->forum, &e))
      node_log_line(n, 4, "“%s”: %s", p->charter.title, e.text);
}

void proposal_again(struct node *n, const uint8_t forum[static SHA256_SIZE], const struct peer *peer) {
  for (struct proposal *p = n->proposals; p; p = p->next)
    for (struct proposal_push *w = p->pushes; w && !memcmp(p->forum, forum, SHA256_SIZE); w = w->next)
      if (w->peer == peer) w->told = 0;
}

void proposal_known(struct proposal *p, const char *party) {
  for (struct proposal_push *w = p->pushes; w; w = w->next)
    if (!w->lane.request && !strcmp(w->peer->card.name, party)) w->told = p->n_signed + 1;
}

/* ---- lanes ---- */

static const struct proposal_push *push_to(const struct proposal *p, const struct peer *peer) {
  const struct proposal_push *w = p->pushes;
  while (w && w->peer != peer) w = w->next;
  return w;
}

/* The versions that it lists go first: they are not known there else. */
static bool earlier_told(const struct node *n, const struct proposal *p, const struct peer *peer) {
  for (size_t i = 0; i < p->charter.n_replaces; i++) {
    const struct proposal *q = proposal_find(n, p->charter.replaces[i]);
    const struct proposal_push *w = q && q->complete ? push_to(q, peer) : NULL;
    if (w && !w->told) return false;
  }
  return true;
}

/* Ours is signed before anybody else hears of it from us, unless it is complete without us, or we propose to leave. */
static bool may_tell(const struct node *n, const struct proposal *p) {
  const struct charter_member *me = charter_member(&p->charter, n->own.name);
  return p->complete || (me ? p->signed_by[me - p->charter.members] : !strcmp(p->from, n->own.name));
}

static bool push_due(const struct node *n, const struct proposal *p, const struct proposal_push *w) {
  return !w->lane.request && w->told < p->n_signed + 1 && may_tell(n, p) && earlier_told(n, p, w->peer);
}

bool proposal_next(struct node *n, struct outbound *out) {
  for (struct proposal *p = n->proposals; p; p = p->next)
    for (struct proposal_push *w = p->pushes; w; w = w->next) {
      if (!push_due(n, p, w) || w->lane.next_ms > node_mono(n)) continue;
      buf_bytes(&w->lane.body, proposal_text(p));
      if (!buf_ok(&w->lane.body)) {
        lane_clear(&w->lane);
        lane_fail(n, &w->lane, 0, "out of memory");
        continue;
      }
      int len = snprintf(w->lane.url, sizeof w->lane.url, "%s", w->peer->card.submission);
      snprintf(w->lane.url + len, sizeof w->lane.url - (size_t)len, "/propose");
      w->lane.path = w->lane.url + len;
      w->sent = p->n_signed + 1;
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

static void answered(struct node *n, struct proposal_push *w, const struct outbound_result *r) {
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
}

bool proposal_done(struct node *n, uint64_t id, const struct outbound_result *r) {
  for (struct proposal *p = n->proposals; p; p = p->next)
    for (struct proposal_push *w = p->pushes; w; w = w->next)
      if (w->lane.request == id) {
        lane_clear(&w->lane);
        answered(n, w, r);
        return true;
      }
  return false;
}

int64_t proposal_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct proposal *p = n->proposals; p; p = p->next)
    for (const struct proposal_push *w = p->pushes; w; w = w->next)
      if (push_due(n, p, w) && w->lane.next_ms < at) at = w->lane.next_ms;
  return at;
}
