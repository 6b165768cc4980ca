/*
 * Heard and held vectors (design section 5): taken along by statements, or put on the record by a forum.held of their own when
 * time presses or the heartbeat comes.
 */
#include <stdio.h>
#include <string.h>

#include "base/plant.h"
#include "node/call.h"
#include "node/line_marks.h"
#include "node/witness.h"

/* ---- heard: how much of another party's log we hold ---- */

#define HEARD_IN_ENTRY 128 /* so that an entry with these and with held lines stays under its 65,535 bytes */
#define HELD_IN_ENTRY 32

/* Lines are taken only by statements of the batch that is committed next. */
static bool may_take(const struct node *n) { return n->queued < NODE_SUBMIT_BATCH_MAX - 1; }

static uint64_t heard_so_far(const struct their_log *l) {
  return l->heard_taken > l->heard ? l->heard_taken : l->heard;
}

static void add_heard(const struct node *n, struct statement *s, struct member *m) {
  struct mirror_state st;
  mirror_state(m->log.mirror, &st);
  if (!st.size || s->n_heard == HEARD_IN_ENTRY) return;
  struct heard *h = &s->heard[s->n_heard++];
  snprintf(h->party, sizeof h->party, "%s", m->peer->card.name);
  h->epoch = m->log.epoch;
  h->size = st.size;
  h->root = st.root;
  if (may_take(n)) m->log.heard_taken = st.size;
}

static parley_err take_heard(const struct node *n, struct forum *f, struct statement *s, bool all, struct arena *a,
                             struct errmsg *e) {
  s->heard = arena_alloc(a, (f->n_members + 1) * sizeof *s->heard);
  if (!s->heard) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < f->n_members; i++) {
    struct member *m = &f->members[i];
    bool wanted = all && m->log.gained > heard_so_far(&m->log);
    for (size_t k = 0; k < s->n_to && !wanted; k++) wanted = !strcmp(s->to[k], m->peer->card.name);
    if (wanted) add_heard(n, s, m);
  }
  return PARLEY_OK;
}

/* ---- held: the earliest cosignatures that are not on the record yet ---- */

static void take_lines(struct push *p, struct statement *s, size_t want) {
  for (size_t k = 0; k < p->n_held && s->n_held < want; k++) {
    struct held_line *h = &p->held[k];
    if (h->taken) continue;
    struct held *out = &s->held[s->n_held++];
    snprintf(out->origin, sizeof out->origin, "%s", p->log->origin);
    out->size = h->size;
    out->root = h->root;
    snprintf(out->line, sizeof out->line, "%s", h->line);
    h->taken = true;
  }
}

static parley_err take_held(struct forum *f, struct statement *s, struct arena *a, struct errmsg *e) {
  size_t want = 0;
  for (size_t i = 0; i < f->n_members; i++)
    for (const struct push *p = &f->members[i].push; p; p = p->older) want += p->n_held;
  want = want < HELD_IN_ENTRY ? want : HELD_IN_ENTRY;
  if (!want) return PARLEY_OK;
  s->held = arena_alloc(a, want * sizeof *s->held);
  if (!s->held) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < f->n_members; i++)
    for (struct push *p = &f->members[i].push; p; p = p->older) take_lines(p, s, want);
  return PARLEY_OK;
}

parley_err vectors_take(struct node *n, struct forum *f, struct statement *s, bool all, struct arena *a,
                        struct errmsg *e) {
  parley_err r = take_heard(n, f, s, all, a, e);
  if (r || !may_take(n)) return r;
  r = take_held(f, s, a, e);
  return r ? r : witness_held_take(f, s, HELD_IN_ENTRY, a, e);
}

void vectors_give_back(struct forum *f, struct statement *s) {
  for (size_t i = 0; i < f->n_members; i++)
    for (struct push *p = &f->members[i].push; p; p = p->older)
      for (size_t k = 0; k < p->n_held; k++)
        for (size_t j = 0; j < s->n_held; j++)
          if (!strcmp(p->held[k].line, s->held[j].line)) p->held[k].taken = false;
  witness_held_give_back(f, s);
  for (size_t i = 0; i < s->n_heard; i++) { /* where another statement waits with the same, it is heard once more */
    struct member *m = forum_member(f, s->heard[i].party);
    if (m && m->log.heard_taken == s->heard[i].size) m->log.heard_taken = 0;
  }
  s->n_held = 0;
}

bool vectors_taken(const struct push *p) {
  for (size_t i = 0; i < p->n_held; i++)
    if (p->held[i].taken) return true;
  return false;
}

static void settle_lines(struct push *p, bool committed) {
  size_t kept = 0;
  for (size_t k = 0; k < p->n_held; k++) {
    if (p->held[k].taken && (committed || PLANTED(drop_held_line))) continue;
    p->held[kept] = p->held[k];
    p->held[kept++].taken = false;
  }
  p->n_held = kept;
}

void vectors_settle(struct forum *f, bool committed) {
  witness_held_settle(f, committed);
  for (size_t i = 0; i < f->n_members; i++) {
    for (struct push *p = &f->members[i].push; p; p = p->older) settle_lines(p, committed);
    struct their_log *l = &f->members[i].log;
    if (committed) l->heard = heard_so_far(l);
    l->heard_taken = 0;
  }
}

/* ---- forum.held ---- */

/* False when there was nothing to put on the record, or it failed. */
static bool submit_held(struct node *n, struct forum *f, bool all) {
  struct arena a = {0};
  struct statement s = {0};
  struct submission *sub;
  struct errmsg e = {{0}};
  compose_common(n, f, &s, "forum.held");
  s.body = json_object();
  parley_err r = s.body ? vectors_take(n, f, &s, all, &a, &e) : err_set(&e, PARLEY_ENOMEM, "out of memory");
  const bool any = s.n_heard + s.n_held > 0;
  if (!r && any) r = compose_submit(n, f, &s, &sub, &e);
  if (r) {
    node_log_line(n, 3, "cannot put held lines on the record: %s", e.text);
    vectors_give_back(f, &s);
    node_retry(n);
  }
  statement_clear(&s);
  arena_free(&a);
  return !r && any;
}

static int64_t held_due(const struct forum *f) {
  int64_t due = witness_held_due(f);
  for (size_t i = 0; i < f->n_members; i++)
    for (const struct push *p = &f->members[i].push; p; p = p->older)
      for (size_t k = 0; k < p->n_held; k++)
        if (!p->held[k].taken && p->held[k].due < due) due = p->held[k].due;
  return due;
}

void bookkeeping_run(struct node *n) {
  bool run = n->forums && !n->run_from;
  for (struct forum *f = n->forums; f; f = f->next) {
    bool heartbeat = node_mono(n) >= f->heartbeat_ms;
    run = run || heartbeat;
    if (f->log.stopped || f->gone || n->retry_ms) continue;
    if (heartbeat) {
      f->heartbeat_ms = node_mono(n) + f->charter.heartbeat_seconds * 1000;
      while (may_take(n) && submit_held(n, f, true))
        ; /* a large forum needs several */
    } else if (held_due(f) <= node_wall(n)) {
      submit_held(n, f, false);
    }
  }
  if (run) line_run_note(n);
}

int64_t bookkeeping_next_ms(const struct node *n) {
  int64_t at = INT64_MAX, now = node_mono(n);
  for (const struct forum *f = n->forums; f; f = f->next) {
    if (f->log.stopped || f->gone || n->retry_ms) continue;
    at = f->heartbeat_ms < at ? f->heartbeat_ms : at;
    int64_t due = held_due(f);
    if (due != INT64_MAX) {
      int64_t ms = now + (due > node_wall(n) ? (due - node_wall(n)) * 1000 : 0);
      at = ms < at ? ms : at;
    }
  }
  for (const struct node_call *c = n->calls; c; c = c->next)
    if (c->waiting && c->wait_until_ms < at) at = c->wait_until_ms;
  return at;
}
