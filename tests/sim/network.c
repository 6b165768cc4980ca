/*
 * The network between the nodes: requests and answers that are late, lost, doubled, cut short, or come after the sender gave
 * up. A request's body arrives in pieces, between which everything else goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/tlog.h"
#include "world.h"

/* ---- sending ---- */

static struct conn *conn_new(struct world *w) {
  void *conns = w->conns, *numbers = w->conns_free;
  const bool ok = grow(w, &conns, &w->conns_cap, w->conns_n + 1, sizeof *w->conns);
  const bool ok2 = grow(w, &numbers, &w->conns_free_cap, w->conns_n + 1, sizeof *w->conns_free);
  w->conns = conns;
  w->conns_free = numbers;
  struct conn *c = ok && ok2 ? calloc(1, sizeof *c) : NULL;
  if (!c) {
    w->failed = true;
    return NULL;
  }
  c->tag = TAG_CONN;
  c->number = w->conns_free_n ? w->conns_free[--w->conns_free_n] : w->conns_n++;
  c->cut = SIZE_MAX;
  w->conns[c->number] = c;
  return c;
}

static void conn_at(struct world *w, int64_t ms, enum event_kind kind, struct conn *c) {
  c->events++;
  at(w, ms, kind, c->number);
}

static void conn_free(struct conn *c) {
  if (!c) return;
  buf_free(&c->body);
  buf_free(&c->answer);
  free(c);
}

static int64_t latency(struct world *w) {
  if (per_mille(w, w->late)) return 5000 + (int64_t)below(w, 120000);
  return 1 + (int64_t)below(w, (uint64_t)w->latency_ms);
}

static unsigned home_by_name(const struct world *w, const char *name) {
  unsigned i = 0;
  while (i < w->n && strcmp(w->homes[i].name, name)) i++;
  return i;
}

static struct conn *conn_of(struct home *h, const struct outbound *o, bool wanted) {
  struct world *w = h->w;
  struct conn *c = conn_new(w);
  if (!c) return NULL;
  c->from = h->number;
  c->to = home_by_name(w, o->peer);
  if (w->has_liar && w->homes[c->to].liar) c->to = liar_machine(w, h->number);
  c->from_life = h->life;
  c->request = o->id;
  c->wanted = wanted;
  snprintf(c->method, sizeof c->method, "%s", o->method);
  snprintf(c->path, sizeof c->path, "%s", o->path);
  snprintf(c->content_type, sizeof c->content_type, "%s", o->content_type ? o->content_type : "");
  c->has_type = o->content_type != NULL;
  buf_bytes(&c->body, o->body);
  if (per_mille(w, w->tear)) c->cut = (size_t)below(w, c->body.n + 1);
  if (!buf_ok(&c->body)) w->failed = true;
  return c;
}

/* What our key signed leaves the machine here. */
static void claim_sent(struct home *h, const struct outbound *o) {
  struct add_checkpoint r;
  if (!strcmp(o->path, "/add-checkpoint") && add_checkpoint_parse(&r, o->body, NULL) == PARLEY_OK)
    claim_note(h->w, r.note);
}

static void send_one(struct home *h, const struct outbound *o) {
  struct world *w = h->w;
  struct conn *c = conn_of(h, o, true);
  if (!c) return;
  w->result->requests++;
  if (h->liar)
    liar_sends(h, c);
  else
    claim_sent(h, o);
  w->result->bytes += o->body.n;
  trace(w, "%s -> %s #%zu %s %.40s %zu bytes", h->name, o->peer, c->number, o->method, o->path, o->body.n);
  conn_at(w, w->now_ms + 5000 + (int64_t)below(w, 35000), EV_GIVE_UP, c);
  if (!per_mille(w, w->lose)) conn_at(w, w->now_ms + latency(w), EV_ARRIVE, c);
  if (!per_mille(w, w->repeat)) return;
  struct conn *twice = conn_of(h, o, false);
  if (twice) conn_at(w, w->now_ms + latency(w) + (int64_t)below(w, 60000), EV_ARRIVE, twice);
}

void network_forge(struct home *from, unsigned to, const char *path, struct bytes body, unsigned rival) {
  struct world *w = from->w;
  const struct outbound o = {.peer = w->homes[to].name,
                             .method = "POST",
                             .path = path,
                             .content_type = "application/octet-stream",
                             .body = body};
  struct conn *c = conn_of(from, &o, false);
  if (!c) return;
  c->rival = rival;
  trace(w, "%s lies to %s #%zu %s %zu bytes", from->name, w->homes[to].name, c->number, path, body.n);
  conn_at(w, w->now_ms + latency(w), EV_ARRIVE, c);
}

void network_send(struct home *h) {
  struct outbound o;
  while (node_next_outbound(h->node, &o)) {
    if (h->dead || fault_disk_is_cut(h->disk)) return; /* the caller finds it dead */
    send_one(h, &o);
  }
}

/* ---- the sender's end ---- */

static void sender_done(struct conn *c, struct world *w, const struct outbound_result *r) {
  struct home *h = &w->homes[c->from];
  if (c->over || !c->wanted) return;
  c->over = true;
  if (!h->up || h->life != c->from_life) return;
  node_outbound_done(h->node, c->request, r);
  if (!home_died(h)) home_settle(h, false);
}

static void give_up(struct world *w, struct conn *c, const char *why) {
  if (c->over || !c->wanted) return;
  trace(w, "#%zu %s", c->number, why);
  sender_done(c, w, &(struct outbound_result){.message = why});
}

static void deliver_answer(struct world *w, struct conn *c) {
  if (!c->answered || w->link_cut[c->to][c->from] || liar_apart(w, c->to, c->from))
    return; /* the sender gives up in its time */
  if (per_mille(w, w->tear)) {
    give_up(w, c, "the answer is cut short");
    return;
  }
  if (!c->over && c->wanted) trace(w, "#%zu answer %u, %zu bytes", c->number, c->status, c->answer.n);
  sender_done(c, w,
              &(struct outbound_result){.answered = true,
                                        .status = c->status,
                                        .content_type = c->answer_type,
                                        .retry_after = c->retry_after,
                                        .body = buf_view(&c->answer)});
}

/* ---- the receiver's end ---- */

/* Cosignatures and checkpoints leave the machine here. */
static void claim_answer(struct world *w, const struct conn *c) {
  struct add_entries_head head;
  size_t used;
  if (w->homes[c->to].liar) return;
  if (w->homes[c->from].liar) liar_believed(w, c);
  if (c->status != 200) return;
  if (strstr(c->path, "/checkpoint")) claim_note(w, buf_view(&c->answer));
  if (!strcmp(c->path, "/add-checkpoint")) claim_pending(&w->homes[c->to], buf_view(&c->body));
  if (strcmp(c->path, "/add-entries") || add_entries_head_parse(&head, &used, buf_view(&c->body), NULL)) return;
  char origin[ORIGIN_MAX + 1];
  snprintf(origin, sizeof origin, "%.*s", (int)head.origin.n, (const char *)head.origin.p);
  claim_promise(&w->homes[c->to], origin, head.end, buf_view(&c->answer));
  if (!strstr(origin, "/bulk")) w->renewed[c->from][c->to] = true;
}

static void answer(struct world *w, struct conn *c, struct node_response *r) {
  c->answered = true;
  c->status = r->status;
  c->retry_after = r->retry_after;
  c->answer_type = r->content_type;
  c->answer = r->body;
  r->body = (struct buf){0};
  if (w->homes[c->to].liar) liar_answers(&w->homes[c->to], c);
  w->result->bytes += c->answer.n;
  claim_answer(w, c);
  trace(w, "#%zu at %s: %u, %zu bytes%s%.*s", c->number, w->homes[c->to].name, c->status, c->answer.n,
        c->status >= 400 ? ": " : "", c->status >= 400 ? (int)(c->answer.n < 90 ? c->answer.n : 90) : 0,
        (const char *)c->answer.p);
  if (c->wanted && !per_mille(w, w->lose)) conn_at(w, w->now_ms + latency(w), EV_ANSWER, c);
}

/* The call is over for the node. Not where it died in it: its calls ended with it. */
static void end_call(struct conn *c) {
  if (c->call) node_finish(c->call);
  c->call = NULL;
}

static void after_call(struct world *w, struct conn *c, struct node_response *r) {
  struct home *h = &w->homes[c->to];
  if (home_died(h)) {
    buf_free(&r->body);
    return;
  }
  if (r->status) {
    if (r->stream) node_stream_free(r->stream);
    answer(w, c, r);
    end_call(c);
  }
  home_settle(h, false);
}

void network_answer(struct home *h, struct conn *c, struct node_response *r) {
  answer(h->w, c, r);
  end_call(c);
}

static void arrive(struct world *w, struct conn *c) {
  struct home *h = &w->homes[c->to];
  struct node_response r;
  if (w->homes[c->from].liar && liar_apart(w, c->from, c->to) && !strcmp(c->method, "GET")) {
    /* Its machine is to believe that there is no other history. */
    sender_done(c, w, &(struct outbound_result){.answered = true, .status = 404});
    return;
  }
  if (w->link_cut[c->from][c->to] || liar_apart(w, c->from, c->to) || !h->up) {
    if (one_in(w, 2)) give_up(w, c, "no connection");
    return;
  }
  const struct node_request q = {.peer = w->homes[c->from].name,
                                 .method = c->method,
                                 .path = c->path,
                                 .query = "",
                                 .content_type = c->has_type ? c->content_type : NULL};
  c->to_life = h->life;
  c->call = node_begin(h->node, &q, &r);
  if (!c->call) {
    w->failed = true;
    return;
  }
  node_call_set_tag(c->call, c);
  if (!r.status) conn_at(w, w->now_ms, EV_PIECE, c);
  after_call(w, c, &r);
}

static size_t piece_size(struct world *w, const struct conn *c) {
  const size_t left = (c->cut < c->body.n ? c->cut : c->body.n) - c->fed;
  if (one_in(w, 3) || left > 300000) return left < 200000 ? left : 200000;
  const size_t n = 1 + (size_t)below(w, one_in(w, 4) ? 40 : left / 2 + 1);
  return n < left ? n : left;
}

/* Feeds one piece; the last is followed by the end of the body, or by nothing where the connection dies. */
static void piece(struct world *w, struct conn *c) {
  struct home *h = &w->homes[c->to];
  struct node_response r = {0};
  if (!c->call || !h->up || h->life != c->to_life) return;
  const size_t n = piece_size(w, c);
  if (n) node_data(c->call, BYTES(c->body.p + c->fed, n), &r);
  c->fed += n;
  const bool torn = c->fed == c->cut;
  if (torn && !r.status && !h->dead && !fault_disk_is_cut(h->disk)) {
    end_call(c);
    trace(w, "#%zu dies after %zu of %zu bytes", c->number, c->fed, c->body.n);
    if (one_in(w, 2)) conn_at(w, w->now_ms + 1, EV_GIVE_UP, c);
  } else if (!r.status && c->fed == c->body.n) {
    node_end(c->call, &r);
  } else if (!r.status) {
    conn_at(w, w->now_ms + (int64_t)below(w, 40), EV_PIECE, c);
  }
  after_call(w, c, &r);
}

void network_event(struct world *w, const struct event *ev) {
  struct conn *c = w->conns[ev->which];
  c->events--;
  switch (ev->kind) {
  case EV_ARRIVE: arrive(w, c); break;
  case EV_PIECE: piece(w, c); break;
  case EV_ANSWER: deliver_answer(w, c); break;
  default: give_up(w, c, "no answer in time"); break;
  }
  if (c->over && !c->call) buf_free(&c->answer);
  if (c->answered && !c->call) buf_free(&c->body);
  if (c->events || c->call) return;
  w->conns[c->number] = NULL;
  w->conns_free[w->conns_free_n++] = c->number;
  conn_free(c);
}

/* ---- ends ---- */

void network_forget(struct home *h) {
  struct world *w = h->w;
  for (size_t i = 0; i < w->conns_n; i++) {
    struct conn *c = w->conns[i];
    if (!c) continue;
    if (c->to == h->number && c->call) { /* the connection breaks; the sender may notice at once */
      end_call(c);
      if (one_in(w, 2)) conn_at(w, w->now_ms + 1, EV_GIVE_UP, c);
    }
    if (c->from == h->number) c->over = true;
  }
}

void network_free(struct world *w) {
  for (size_t i = 0; i < w->conns_n; i++) conn_free(w->conns[i]);
  free(w->conns);
  free(w->conns_free);
}
