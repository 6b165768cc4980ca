/*
 * Passing on a mirrored log to a member that may lack it: look what it holds, add-checkpoint, add-entries, and keep the
 * cosignature that comes back. As in push.c, but the log's signature is another's, and only what we mirror can be shown.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "node/epoch_end.h"
#include "node/relay.h"

/* ---- which are due ---- */

uint64_t relay_shown(const struct their_log *l) {
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  return s.note.n ? s.size : 0;
}

/* Of an epoch that is over a member takes its end only. */
static bool can_be_shown(const struct relay *r) {
  return relay_shown(r->log) >= r->oldest && (!their_log_over(r->log) || their_end_held(r->log));
}

/* Is it due before *at, which becomes its time then? What costs most to find out comes last: in a forum of many it is asked often. */
static bool due_before(const struct node *n, const struct relay *r, int64_t *at) {
  const struct relay_gate *g = &r->to->relay_gate;
  int64_t due = r->oldest_due > r->lane.next_ms ? r->oldest_due : r->lane.next_ms;
  if (due < g->next_ms) due = g->next_ms;
  if (due >= *at || r->lane.request || g->busy[r->log->bulk] || (g->failures && g->busy[!r->log->bulk]) || !r->newest ||
      r->log->from->gone || r->to->gone || !can_be_shown(r) || epoch_refused(n, r->log, NULL))
    return false;
  *at = due;
  return true;
}

/* ---- requests ---- */

static void get(struct relay *r, struct outbound *out, const char *what) {
  out->method = "GET";
  int k = snprintf(r->lane.url, sizeof r->lane.url, "%s", r->to->peer->card.monitoring);
  snprintf(r->lane.url + k, sizeof r->lane.url - (size_t)k, "/%s/%s", r->log->path, what);
  r->lane.path = r->lane.url + k;
}

static void post(struct relay *r, struct outbound *out, const char *what, const char *type) {
  out->method = "POST";
  out->content_type = type;
  int k = snprintf(r->lane.url, sizeof r->lane.url, "%s", r->to->peer->card.submission);
  snprintf(r->lane.url + k, sizeof r->lane.url - (size_t)k, "/%s", what);
  r->lane.path = r->lane.url + k;
}

/* Text and signature of the log of our own mirror checkpoint, without our cosignature, which is the last line. */
static struct bytes log_note(struct bytes note, struct bytes *line) {
  struct bytes rest = note_signatures(note);
  bytes_line(&rest, line);
  return BYTES(note.p, (size_t)(line->p + line->n + 1 - note.p));
}

static parley_err build_checkpoint(struct relay *r, struct outbound *out, struct errmsg *e) {
  struct mirror_state s;
  struct bytes line = BYTES_NONE;
  mirror_state(r->log->mirror, &s);
  struct add_checkpoint q = {.old = r->pending, .note = log_note(s.note, &line)};
  parley_err err = merkle_consistency(&q.proof, copy_source(mirror_copy(r->log->mirror)), q.old, s.size, e);
  if (err) return err;
  r->sent_size = s.size;
  snprintf(r->sent_line, sizeof r->sent_line, "%.*s", (int)line.n, (const char *)line.p);
  add_checkpoint_write(&r->lane.body, &q);
  post(r, out, "add-checkpoint", CONTENT_TEXT);
  return PARLEY_OK;
}

static parley_err build_entries(struct relay *r, struct outbound *out, struct errmsg *e) {
  struct add_entries_head h = {.origin = bytes_str(r->log->origin),
                               .start = r->reached < r->pending ? r->reached : r->pending,
                               .end = r->pending,
                               .ticket = buf_view(&r->ticket)};
  uint64_t next;
  add_entries_head_write(&r->lane.body, &h);
  r->sent_size = h.end;
  r->sent_start = h.start;
  post(r, out, "add-entries", "application/octet-stream");
  if (h.start == h.end) return PARLEY_OK;
  return copy_packages(mirror_copy(r->log->mirror), h.start, h.end,
                       r->log->bulk ? BULK_UPLOAD_BYTES : STATEMENT_UPLOAD_BYTES, &r->lane.body, &next, e);
}

static bool build(struct node *n, struct relay *r, struct outbound *out) {
  struct errmsg e = {{0}};
  parley_err err = PARLEY_OK;
  *out = (struct outbound){.peer = r->to->peer->card.name, .pins = r->to->peer->pins};
  switch (r->step) {
  case RELAY_LOOK: get(r, out, "checkpoint"); break;
  case RELAY_PENDING: get(r, out, "checkpoint.pending"); break;
  case RELAY_CHECKPOINT: err = build_checkpoint(r, out, &e); break;
  case RELAY_ENTRIES: err = build_entries(r, out, &e); break;
  }
  if (!err && !buf_ok(&r->lane.body)) err = err_set(&e, PARLEY_ENOMEM, "out of memory");
  if (err) {
    lane_clear(&r->lane);
    lane_fail(n, &r->lane, 0, "cannot read what is held of %s: %s", r->log->origin, e.text);
    return false;
  }
  out->id = r->lane.request = n->next_request++;
  out->url = r->lane.url;
  out->path = r->lane.path;
  out->body = buf_view(&r->lane.body);
  r->to->relay_gate.busy[r->log->bulk] = out->id;
  return true;
}

bool relay_push_next(struct node *n, struct outbound *out) {
  const int64_t now = node_mono(n);
  for (int bulk = 0; bulk < 2; bulk++) /* statements first */
    for (struct forum *f = n->forums; f; f = f->next)
      for (size_t i = 0; i < f->n_members; i++)
        for (struct their_log *l = bulk ? &f->members[i].bulk : &f->members[i].log; l; l = l->older)
          for (struct relay *r = l->relays; r; r = r->next) {
            int64_t at = now + 1;
            if (due_before(n, r, &at) && build(n, r, out)) return true;
          }
  return false;
}

int64_t relay_push_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < 2 * f->n_members; i++)
      for (const struct their_log *l = i % 2 ? &f->members[i / 2].bulk : &f->members[i / 2].log; l; l = l->older)
        for (const struct relay *r = l->relays; r; r = r->next) due_before(n, r, &at);
  return at;
}

void relay_heard_from(struct node *n, struct member *m) {
  if (m->relay_gate.failures == 0) return;
  m->relay_gate.failures = 1;
  if (m->relay_gate.next_ms > node_mono(n) + NODE_BACKOFF_MIN_MS)
    m->relay_gate.next_ms = node_mono(n) + NODE_BACKOFF_MIN_MS;
}

/* ---- answers ---- */

static struct relay *by_request(const struct node *n, uint64_t id) {
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < 2 * f->n_members; i++)
      for (const struct their_log *l = i % 2 ? &f->members[i / 2].bulk : &f->members[i / 2].log; l; l = l->older)
        for (struct relay *r = l->relays; r; r = r->next)
          if (r->lane.request == id) return r;
  return NULL;
}

static void not_reached(struct node *n, struct relay *r) {
  struct relay_gate *g = &r->to->relay_gate;
  int64_t wait = NODE_BACKOFF_MIN_MS;
  for (unsigned i = 0; i < g->failures && wait < NODE_BACKOFF_MAX_MS; i++) wait *= 2;
  g->next_ms = node_mono(n) + (wait < NODE_BACKOFF_MAX_MS ? wait : NODE_BACKOFF_MAX_MS);
  if (g->failures < UINT_MAX) g->failures++;
  r->step = RELAY_LOOK;
}

bool relay_push_done(struct node *n, uint64_t id, const struct outbound_result *a) {
  struct relay *r = by_request(n, id);
  if (!r) return false;
  r->to->relay_gate.busy[r->log->bulk] = 0;
  lane_clear(&r->lane);
  if (a->answered) {
    r->to->relay_gate.failures = 0;
    r->to->peer->last_out = node_wall(n);
  }
  if (!r->newest)
    relay_holds(n, r, UINT64_MAX); /* it was learned meanwhile */
  else if (!a->answered)
    not_reached(n, r);
  else
    relay_answer(n, r, a);
  return true;
}
