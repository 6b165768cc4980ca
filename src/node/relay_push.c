/*
 * Passing on a mirrored log to a member that may lack it: look what it holds, add-checkpoint, add-entries, and keep the
 * cosignature that comes back. As in push.c, but the log's signature is another's, and only what we mirror can be shown.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "node/cosigned_note.h"
#include "node/relay.h"

#define STATEMENT_UPLOAD_BYTES (4u << 20)
#define BULK_UPLOAD_BYTES (1u << 20)
#define TURNS_MAX 2

/* ---- which are due ---- */

/* What of the log we can show: our mirror checkpoint. */
static uint64_t shown(const struct their_log *l) {
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  return s.note.n ? s.size : 0;
}

static int64_t due_at(const struct node *n, const struct relay *r) {
  const struct relay_gate *g = &r->to->relay_gate;
  if (r->lane.request || g->busy[r->log->bulk] || (g->failures && g->busy[!r->log->bulk]) || !r->newest ||
      member_forked(n, r->log->from) || r->log->from->gone || r->to->gone || shown(r->log) < r->oldest)
    return INT64_MAX;
  int64_t at = r->oldest_due > r->lane.next_ms ? r->oldest_due : r->lane.next_ms;
  return at > g->next_ms ? at : g->next_ms;
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
  struct bytes rest = note, skipped;
  while (bytes_line(&rest, &skipped) && skipped.n)
    ;
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
  for (int bulk = 0; bulk < 2; bulk++) /* statements first */
    for (struct forum *f = n->forums; f; f = f->next)
      for (size_t i = 0; i < f->n_members; i++)
        for (struct relay *r = bulk ? f->members[i].bulk.relays : f->members[i].log.relays; r; r = r->next)
          if (due_at(n, r) <= node_mono(n) && build(n, r, out)) return true;
  return false;
}

int64_t relay_push_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < 2 * f->n_members; i++)
      for (const struct relay *r = i % 2 ? f->members[i / 2].bulk.relays : f->members[i / 2].log.relays; r;
           r = r->next) {
        const int64_t x = due_at(n, r);
        at = x < at ? x : at;
      }
  return at;
}

void relay_heard_from(struct node *n, struct member *m) {
  if (m->relay_gate.failures == 0) return;
  m->relay_gate.failures = 1;
  if (m->relay_gate.next_ms > node_mono(n) + NODE_BACKOFF_MIN_MS)
    m->relay_gate.next_ms = node_mono(n) + NODE_BACKOFF_MIN_MS;
}

/* ---- answers ---- */

static void refused(struct node *n, struct relay *r, const struct outbound_result *a) {
  int len = a->body.n < 160 ? (int)a->body.n : 160;
  while (len > 0 && a->body.p[len - 1] < ' ') len--;
  r->step = RELAY_LOOK;
  lane_fail(n, &r->lane, a->retry_after, "%s answers %u to what is passed on of %s: %.*s", r->to->peer->card.name,
            a->status, r->log->origin, len, (const char *)a->body.p);
}

/* Asks again; after some turns without a step forward with pauses. */
static void again(struct node *n, struct relay *r, enum relay_step step) {
  r->step = step;
  if (++r->turns > TURNS_MAX)
    lane_fail(n, &r->lane, 0, "%s does not take what is passed on of %s", r->to->peer->card.name, r->log->origin);
}

static void forward(struct node *n, struct relay *r, enum relay_step step) {
  r->step = step;
  if (r->turns <= TURNS_MAX) lane_ok(n, &r->lane);
}

/* A note of M's that carries its cosignature: kept, and the matter may be at its end. False: nothing to be had from it. */
static bool take_note(struct node *n, struct relay *r, struct bytes note, uint64_t *size, struct errmsg *e) {
  struct arena a = {0};
  struct note parsed;
  struct checkpoint c = {0};
  bool fresh;
  parley_err err = carried_note_take(n, r->log, r->to->peer->card.name, note, &fresh, e);
  if (!err) err = note_parse(&parsed, &a, note, e);
  if (!err) err = checkpoint_parse(&c, parsed.text, e);
  arena_free(&a);
  *size = c.size;
  return err == PARLEY_OK;
}

/* The log's own signature over a tree that is not the one mirrored here: our mirror judges, and keeps the evidence. */
static void accuse(struct node *n, struct relay *r, struct bytes note) {
  struct mirror_answer a = {0};
  struct buf body = {0};
  const struct add_checkpoint q = {.old = 0, .note = note};
  add_checkpoint_write(&body, &q);
  if (buf_ok(&body)) mirror_add_checkpoint(r->log->mirror, buf_view(&body), &a);
  if (a.fork)
    node_log_line(n, 3, "%s has signed two histories of one log; both are kept as evidence: %s", r->log->origin,
                  a.why.text);
  buf_free(&a.body);
  buf_free(&body);
}

static void done_look(struct node *n, struct relay *r, const struct outbound_result *a) {
  struct errmsg e = {{0}};
  uint64_t size = 0;
  if (a->status != 200 && a->status != 404) {
    refused(n, r, a);
    return;
  }
  if (a->status == 200 && !take_note(n, r, a->body, &size, &e)) {
    accuse(n, r, a->body);
    lane_fail(n, &r->lane, 0, "what %s shows of %s cannot be taken: %s", r->to->peer->card.name, r->log->origin,
              e.text);
    return;
  }
  r->reached = size;
  forward(n, r, RELAY_PENDING);
  relay_holds(n, r, size);
}

/* *line gets the log's signature line. */
static parley_err by_the_log(const struct relay *r, struct bytes text, struct checkpoint *c,
                             char line[static SIG_LINE_SIZE], struct errmsg *e) {
  struct arena a = {0};
  struct note note;
  size_t which = 0;
  parley_err err = note_parse(&note, &a, text, e);
  if (!err) err = checkpoint_parse(c, note.text, e);
  if (!err && !bytes_is(c->origin, r->log->origin)) err = err_set(e, PARLEY_EINVAL, "it is of another log");
  if (!err) err = PARLEY_ENOTFOUND;
  for (size_t i = 0; err == PARLEY_ENOTFOUND && i < r->log->n_vkeys; i++)
    err = note_verify(&note, &r->log->vkeys[i], NULL, &which, e);
  if (!err && note.sigs[which].line.n > SIG_LINE_SIZE) err = err_set(e, PARLEY_ELIMIT, "a signature line is too long");
  if (!err)
    snprintf(line, SIG_LINE_SIZE, "%.*s", (int)(note.sigs[which].line.n - 1), (const char *)note.sigs[which].line.p);
  arena_free(&a);
  return err;
}

static void pending_known(struct node *n, struct relay *r) {
  if (r->pending < shown(r->log))
    forward(n, r, RELAY_CHECKPOINT);
  else if (r->pending <= copy_size(mirror_copy(r->log->mirror)))
    forward(n, r, RELAY_ENTRIES);
  else
    again(n, r, RELAY_LOOK); /* the log itself has shown it more than we hold */
}

static void done_pending(struct node *n, struct relay *r, const struct outbound_result *a) {
  struct errmsg e = {{0}};
  struct checkpoint c = {0};
  struct hash root;
  if (a->status == 404) {
    r->pending = r->reached = 0;
    pending_known(n, r);
    return;
  }
  if (a->status != 200) {
    refused(n, r, a);
    return;
  }
  parley_err err = by_the_log(r, a->body, &c, r->pending_line, &e);
  if (!err && c.size <= copy_size(mirror_copy(r->log->mirror)))
    err = copy_root(mirror_copy(r->log->mirror), c.size, &root, &e);
  if (!err && c.size <= copy_size(mirror_copy(r->log->mirror)) && !hash_eq(&root, &c.root)) {
    accuse(n, r, a->body);
    err = err_set(&e, PARLEY_ECONFLICT, "it is not of the tree that is mirrored here");
  }
  if (err) {
    r->step = RELAY_LOOK;
    lane_fail(n, &r->lane, 0, "what %s shows of %s cannot be taken: %s", r->to->peer->card.name, r->log->origin,
              e.text);
    return;
  }
  r->pending = c.size;
  pending_known(n, r);
}

static void done_checkpoint(struct node *n, struct relay *r, const struct outbound_result *a) {
  if (a->status == 409) {
    again(n, r, RELAY_PENDING);
    return;
  }
  if (a->status != 200) {
    refused(n, r, a);
    return;
  }
  r->pending = r->sent_size;
  memcpy(r->pending_line, r->sent_line, sizeof r->pending_line);
  forward(n, r, RELAY_ENTRIES);
}

/* The checkpoint with the log's signature and the lines that M answered with. */
static void done_cosigned(struct node *n, struct relay *r, const struct outbound_result *a) {
  struct errmsg e = {{0}};
  struct buf note = {0};
  struct hash root;
  uint64_t size = 0;
  parley_err err = copy_root(mirror_copy(r->log->mirror), r->sent_size, &root, &e);
  if (!err) {
    checkpoint_text(&note, r->log->origin, r->sent_size, &root);
    buf_fmt(&note, "\n%s\n", r->pending_line);
    buf_bytes(&note, a->body);
    if (!buf_ok(&note)) err = err_set(&e, PARLEY_ENOMEM, "out of memory");
  }
  const bool ok = !err && take_note(n, r, buf_view(&note), &size, &e);
  buf_free(&note);
  if (!ok) {
    r->step = RELAY_LOOK;
    lane_fail(n, &r->lane, 0, "the cosignature of %s over %s cannot be taken: %s", r->to->peer->card.name,
              r->log->origin, e.text);
    return;
  }
  node_log_line(n, 6, "%s: passed on to %s up to %llu", r->log->origin, r->to->peer->card.name,
                (unsigned long long)size);
  buf_free(&r->ticket);
  r->reached = size;
  r->turns = 0;
  forward(n, r, RELAY_LOOK);
  relay_holds(n, r, size);
}

static void done_entries(struct node *n, struct relay *r, const struct outbound_result *a) {
  struct arena arena = {0};
  struct mirror_info info;
  if (a->status == 200) {
    done_cosigned(n, r, a);
  } else if ((a->status == 202 || a->status == 409) && !mirror_info_parse(&info, &arena, a->body, NULL)) {
    const bool on = a->status == 202 && info.next > r->sent_start && info.next <= r->sent_size;
    const enum relay_step step = info.pending != r->pending ? RELAY_PENDING : RELAY_ENTRIES;
    r->reached = info.next;
    buf_free(&r->ticket);
    buf_bytes(&r->ticket, info.ticket);
    if (!buf_ok(&r->ticket)) buf_free(&r->ticket); /* the mirror may know the checkpoint all the same */
    if (on) {
      r->turns = 0;
      forward(n, r, step);
    } else {
      again(n, r, step);
    }
  } else {
    refused(n, r, a);
  }
  arena_free(&arena);
}

static struct relay *by_request(const struct node *n, uint64_t id) {
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < 2 * f->n_members; i++)
      for (struct relay *r = i % 2 ? f->members[i / 2].bulk.relays : f->members[i / 2].log.relays; r; r = r->next)
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
  else if (r->step == RELAY_LOOK)
    done_look(n, r, a);
  else if (r->step == RELAY_PENDING)
    done_pending(n, r, a);
  else if (r->step == RELAY_CHECKPOINT)
    done_checkpoint(n, r, a);
  else
    done_entries(n, r, a);
  return true;
}
