/*
 * Cosignatures over our own logs that came about by another way: where a member has not cosigned for a while, those who
 * pass on to it are asked for what they have of it (docs/protocol.md, "Relay").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cosigned_note.h"
#include "node/relay.h"

/* The request stream of one push, made when it is needed first. */
struct relay_ask {
  struct lane lane;
  size_t turn; /* member that is asked next */
  const struct member *of;
  uint64_t had; /* what the push had when it was asked */
};

static bool lacks(const struct node *n, struct push *p) {
  if (p->to->gone || p->idle || p->log->signed_size == 0 || p->log->stopped || p->cosigned >= p->log->signed_size)
    return false;
  return p->log->forum->n_members > 1 && (p->log->bulk || concerns_lack(n, p));
}

/* The next one who may have it; NULL: nobody does. */
static const struct member *whom(const struct node *n, const struct push *p, size_t *turn) {
  const struct forum *f = p->log->forum;
  for (size_t i = 0; i < f->n_members; i++) {
    const struct member *m = &f->members[(*turn + i) % f->n_members];
    if (m == p->to || !relay_responsible(&f->charter, m->peer->card.name, n->own.name, p->to->peer->card.name))
      continue;
    *turn = (*turn + i) % f->n_members + 1;
    return m;
  }
  return NULL;
}

static bool build(struct node *n, struct push *p, struct outbound *out) {
  size_t turn = p->others ? p->others->turn : 0;
  const struct member *m = whom(n, p, &turn);
  if (!m) { /* nobody passes on to it */
    p->lacks_ms = node_mono(n) + relay_delay_ms(&p->log->forum->charter);
    return false;
  }
  if (!p->others && !(p->others = calloc(1, sizeof *p->others))) return false;
  struct relay_ask *q = p->others;
  q->turn = turn;
  q->of = m;
  q->had = p->cosigned;
  int k = snprintf(q->lane.url, sizeof q->lane.url, "%s", m->peer->card.monitoring);
  snprintf(q->lane.url + k, sizeof q->lane.url - (size_t)k, "/%s/checkpoint.%s", p->log->path, p->to->peer->card.name);
  q->lane.path = q->lane.url + k;
  *out = (struct outbound){.id = q->lane.request = n->next_request++,
                           .peer = m->peer->card.name,
                           .pins = m->peer->pins,
                           .method = "GET",
                           .url = q->lane.url,
                           .path = q->lane.path};
  return true;
}

/* When it lacks for the first time the clock begins; INT64_MAX: nothing to ask. */
static int64_t due_at(const struct node *n, struct push *p) {
  if (p->others && p->others->lane.request) return INT64_MAX;
  if (!lacks(n, p)) {
    p->lacks_ms = 0;
    return INT64_MAX;
  }
  if (!p->lacks_ms) {
    p->lacks_ms = node_mono(n) + relay_delay_ms(&p->log->forum->charter);
    if (p->others) p->others->lane.failures = 0;
  }
  const int64_t lane = p->others ? p->others->lane.next_ms : 0;
  return p->lacks_ms > lane ? p->lacks_ms : lane;
}

bool relay_ask_next(struct node *n, struct outbound *out) {
  for (int bulk = 0; bulk < 2; bulk++)
    for (struct forum *f = n->forums; f; f = f->next)
      for (size_t i = 0; i < f->n_members; i++)
        for (struct push *p = bulk ? &f->members[i].bulk_push : &f->members[i].push; p; p = p->older)
          if (due_at(n, p) <= node_mono(n) && build(n, p, out)) return true;
  return false;
}

int64_t relay_ask_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < 2 * f->n_members; i++)
      for (struct push *p = i % 2 ? &f->members[i / 2].bulk_push : &f->members[i / 2].push; p; p = p->older) {
        const int64_t x = due_at(n, p);
        at = x < at ? x : at;
      }
  return at;
}

static void answer(struct node *n, struct push *p, const struct outbound_result *r) {
  struct errmsg e = {{0}};
  struct relay_ask *q = p->others;
  const char *asked = q->of->peer->card.name, *party = p->to->peer->card.name;
  bool fresh = false;
  if (!r->answered) {
    lane_fail(n, &q->lane, 0, "%s cannot be reached: %s", asked, r->message ? r->message : "no answer");
    return;
  }
  q->of->peer->last_out = node_wall(n);
  parley_err err = PARLEY_ENOTFOUND;
  if (r->status == 200) {
    snprintf(p->via, sizeof p->via, "%s", asked);
    err = cosigned_note_take(n, p->log, party, r->body, &fresh, &e);
    p->via[0] = '\0';
  }
  if (err && err != PARLEY_ENOTFOUND) {
    lane_fail(n, &q->lane, 0, "what %s has of %s's cosignatures cannot be taken: %s", asked, party, e.text);
  } else if (p->cosigned == q->had) {
    lane_fail(n, &q->lane, r->retry_after, "%s has no newer cosignature of %s (%s)", asked, party, p->log->origin);
  } else {
    if (fresh)
      node_log_line(n, 6, "%s: held by %s up to %llu, as %s shows", p->log->origin, party,
                    (unsigned long long)p->cosigned, asked);
    p->lacks_ms = 0;
    lane_ok(n, &q->lane);
  }
}

bool relay_ask_done(struct node *n, uint64_t id, const struct outbound_result *r) {
  for (struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < 2 * f->n_members; i++)
      for (struct push *p = i % 2 ? &f->members[i / 2].bulk_push : &f->members[i / 2].push; p; p = p->older) {
        if (!p->others || p->others->lane.request != id) continue;
        lane_clear(&p->others->lane);
        answer(n, p, r);
        return true;
      }
  return false;
}

void relay_ask_free(struct push *p) {
  if (p->others) lane_clear(&p->others->lane);
  free(p->others);
  p->others = NULL;
}
