/*
 * The local API: who we are, who is pinned, and how each line stands.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "node/answers.h"
#include "node/call.h"
#include "node/forks.h"
#include "node/observed.h"
#include "node/line_marks.h"
#include "node/witness.h"
#include "node/open_mirror.h"

void local_card(struct node_call *c, struct node_response *out) {
  out->status = 200;
  out->content_type = "application/json";
  buf_bytes(&out->body, c->n->own.envelope);
}

void local_pins(struct node_call *c, struct node_response *out) {
  json_t *list = json_array(), *o = json_object();
  for (const struct peer *p = c->n->peers; p; p = p->next) {
    json_t *v = json_object();
    json_put_str(v, "party", p->card.name);
    json_put_hex(v, "fingerprint", p->card.fingerprint, SHA256_SIZE);
    json_put_int(v, "serial", (int64_t)p->card.serial);
    json_put_time(v, "not_after", p->card.not_after);
    json_put_str(v, "submission", p->card.submission);
    json_array_append_new(list, v);
  }
  json_object_set_new(o, "pins", list);
  answer_json(out, 200, o);
}

/* ---- GET /v1/status ---- */

static json_t *status_logs(struct node *n) {
  json_t *list = json_array();
  struct node_log_view v;
  for (size_t i = 0; node_log_at(n, i, &v); i++) {
    json_t *o = json_object();
    json_put_str(o, "origin", v.origin);
    json_object_set_new(o, "own", json_boolean(v.own));
    json_put_int(o, "size", (int64_t)v.size);
    json_put_int(o, "signed", (int64_t)v.signed_size);
    json_object_set_new(o, "stopped", json_boolean(v.stopped));
    json_put_str(o, "why", v.why);
    json_array_append_new(list, o);
  }
  return list;
}

#define WAITING_READ_MAX 4096 /* entries; who was away for long, while others were written to, must not make the node stand still */

/* Statements of ours that the party has not cosigned yet, newest last; at most 100, of the first WAITING_READ_MAX that it lacks. */
static json_t *status_waiting(struct node *n, struct forum *f, const struct member *m) {
  json_t *list = json_array();
  uint64_t size = copy_size(f->log.copy);
  if (size > m->push.cosigned + WAITING_READ_MAX) size = m->push.cosigned + WAITING_READ_MAX;
  for (uint64_t i = m->push.cosigned; i < size && json_array_size(list) < 100; i++) {
    struct arena a = {0};
    struct bytes entry;
    struct statement s = {0};
    struct dsse d;
    struct hash id;
    if (!copy_entry(f->log.copy, i, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL))
      for (size_t k = 0; k < s.n_to; k++)
        if (!strcmp(s.to[k], m->peer->card.name)) {
          char hex[65];
          statement_id(&id, entry);
          hex_encode(hex, BYTES(id.b, 32));
          json_array_append_new(list, json_string(hex));
        }
    statement_clear(&s);
    arena_free(&a);
  }
  (void)n;
  return list;
}

/* What the log waits for, and why that does not come. */
static void put_reason(const struct node *n, json_t *o, const struct member *m) {
  const struct own_log *l = m->push.log;
  const char *lane = m->push.lane.why[0] ? m->push.lane.why : m->bulk_push.lane.why;
  char both[2 * WHY_SIZE + 2];
  if (member_forked(n, m)) {
    json_put_str(o, "why",
                 "it has signed two histories of its log: nothing more of it is taken, and both are kept as evidence. "
                 "Tell your superiors and the other party by another way (parley proof list)");
    return;
  }
  if (l->stopped || (!l->ready && !lane[0])) {
    json_put_str(o, "why", l->why);
    return;
  }
  snprintf(both, sizeof both, "%s%s%s", lane, l->ready ? "" : "; ", l->ready ? "" : l->why);
  json_put_str(o, "why", both);
}

/* How the line stands, and who passes on where it is cut (docs/protocol.md, "Relay"). */
static void put_line(struct node *n, json_t *o, const struct member *m) {
  struct cosignature c;
  if (m->push.lane.failures) json_put_time(o, "down_since", m->push.lane.since);
  if (m->push.cosigned && !cosignature_at(n, m->push.log, m->peer->card.name, m->push.cosigned, &c, NULL) && c.via[0])
    json_put_str(o, "through", c.via);
  if (m->log.via[0]) json_put_str(o, "theirs_through", m->log.via);
}

static json_t *status_forum(struct node *n, struct forum *f, const struct member *m) {
  json_t *o = json_object();
  struct mirror_state st;
  mirror_state(m->log.mirror, &st);
  json_put_hex(o, "forum", f->id, SHA256_SIZE);
  json_put_str(o, "title", f->charter.title);
  json_put_int(o, "ours", (int64_t)copy_size(f->log.copy));
  json_put_int(o, "ours_signed", (int64_t)f->log.signed_size);
  json_put_int(o, "ours_held", (int64_t)m->push.cosigned);
  json_put_int(o, "theirs", (int64_t)st.size);
  json_put_int(o, "bulk_ours", (int64_t)copy_size(f->bulk.copy));
  json_put_int(o, "bulk_held", (int64_t)m->bulk_push.cosigned);
  json_object_set_new(o, "waiting", status_waiting(n, f, m));
  json_object_set_new(o, "disputed", answer_disputes(n, f, m->peer->card.name));
  put_reason(n, o, m);
  put_line(n, o, m);
  availability_put(n, o, f, m, node_wall(n) - 86400);
  if (m->push.lane.failures) {
    int64_t in = (m->push.lane.next_ms - node_mono(n)) / 1000;
    json_put_time(o, "next_attempt", node_wall(n) + (in > 0 ? in : 0));
  }
  return o;
}

static json_t *status_peer(struct node *n, const struct peer *p) {
  json_t *o = json_object(), *forums = json_array();
  int64_t heard = p->last_in > p->last_out ? p->last_in : p->last_out, tolerance = INT64_MAX;
  for (struct forum *f = n->forums; f; f = f->next) {
    const struct member *m = forum_member(f, p->card.name);
    if (!m) continue;
    json_array_append_new(forums, status_forum(n, f, m));
    tolerance = f->charter.clock_tolerance_seconds < tolerance ? f->charter.clock_tolerance_seconds : tolerance;
  }
  json_put_str(o, "party", p->card.name);
  if (heard) json_put_time(o, "last_heard", heard);
  if (p->last_in) json_put_time(o, "inbound", p->last_in);
  if (p->last_out) json_put_time(o, "outbound", p->last_out);
  if (p->clock_known) {
    json_put_int(o, "clock_offset", p->clock_offset);
    if (p->clock_offset > tolerance || p->clock_offset < -tolerance)
      json_put_str(o, "clock_warning",
                   "its clock and ours differ by more than the charter tolerates; times that it signs are not trusted "
                   "as they stand");
  }
  json_object_set_new(o, "forums", forums);
  return o;
}

void local_status(struct node_call *c, struct node_response *out) {
  struct node *n = c->n;
  json_t *o = json_object(), *peers = json_array();
  int64_t forums = 0;
  for (struct forum *f = n->forums; f; f = f->next) forums++;
  for (const struct peer *p = n->peers; p; p = p->next) json_array_append_new(peers, status_peer(n, p));
  json_put_str(o, "party", n->own.name);
  json_put_hex(o, "fingerprint", n->own.fingerprint, SHA256_SIZE);
  json_put_time(o, "now", node_wall(n));
  json_put_int(o, "forums", forums);
  json_put_int(o, "store_bytes", (int64_t)store_bytes(n->env.store));
  json_object_set_new(o, "logs", status_logs(n));
  json_object_set_new(o, "proofs", forks_list(n, NULL));
  json_object_set_new(o, "observed", observed_json(n, NULL, 100));
  json_object_set_new(o, "peers", peers);
  json_object_set_new(o, "witnesses", witness_status(n));
  open_mirror_status(n, o);
  answer_json(out, 200, o);
}
