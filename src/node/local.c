/*
 * The local API: routes, and what is read from it (docs/local-api.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "forum/fields.h"
#include "node/call.h"

struct route {
  const char *method, *path; /* a path that ends with '/' takes one id; what may follow the id is in tail */
  const char *tail;
  call_handler handler;
};

static const struct route routes[] = {
    {"GET", "/v1/status", NULL, local_status},
    {"GET", "/v1/card", NULL, local_card},
    {"GET", "/v1/pins", NULL, local_pins},
    {"GET", "/v1/forums", NULL, local_forums},
    {"POST", "/v1/forums", NULL, local_forum_propose},
    {"GET", "/v1/forums/", "", local_forum},
    {"POST", "/v1/forums/", "/accept", local_forum_accept},
    {"GET", "/v1/statements", NULL, local_list},
    {"POST", "/v1/statements", NULL, local_send},
    {"GET", "/v1/statements/", "", local_statement},
    {"GET", "/v1/statements/", "/entry", local_entry},
    {"GET", "/v1/statements/", "/files/", local_file},
    {"GET", "/v1/statements/", "/receipt", local_receipt},
    {"POST", "/v1/statements/", "/ack", local_ack},
    {"GET", "/v1/drafts/", "", local_draft},
    {"POST", "/v1/drafts/", "/send", local_draft_send},
};

/* Cuts "/v1/statements/<id>/ack" into the id and what follows; the tail "/files/" takes a number after it. */
static bool route_match(const struct route *r, struct node_call *c) {
  size_t n = strlen(r->path);
  if (!r->tail) return !strcmp(r->path, c->path);
  if (strncmp(r->path, c->path, n)) return false;
  const char *id = c->path + n, *slash = strchr(id, '/');
  const char *tail = slash ? slash : "";
  size_t t = strlen(r->tail);
  bool number = t && r->tail[t - 1] == '/';
  if (number ? strncmp(tail, r->tail, t) || !tail[t] : strcmp(tail, r->tail)) return false;
  c->rest = number ? tail + t : tail;
  c->path = arena_cstr(&c->arena, BYTES(id, (size_t)(slash ? slash - id : (ptrdiff_t)strlen(id))));
  return c->path != NULL;
}

void local_route(struct node_call *c, const struct node_request *r, struct node_response *out) {
  struct errmsg e;
  if (!strcmp(r->method, "PUT") && !strncmp(c->path, "/v1/drafts/", 11)) {
    draft_file_begin(c, out);
    return;
  }
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    if (!strcmp(routes[i].method, r->method) && route_match(&routes[i], c)) {
      c->handler = routes[i].handler;
      return;
    }
  err_set(&e, PARLEY_ENOTFOUND, "%s %s is not part of the local API (docs/local-api.md)", r->method, c->path);
  answer_err(c, out, PARLEY_ENOTFOUND, &e);
}

/* ---- GET /v1/card, /v1/pins ---- */

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

/* Statements of ours that the party has not cosigned yet, newest last; at most 100. */
static json_t *status_waiting(struct node *n, struct forum *f, const struct member *m) {
  json_t *list = json_array();
  uint64_t size = copy_size(f->log.copy);
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
static void put_reason(json_t *o, const struct member *m) {
  const struct own_log *l = m->push.log;
  const char *lane = m->push.lane.why[0] ? m->push.lane.why : m->bulk_push.lane.why;
  char both[2 * WHY_SIZE + 2];
  if (l->stopped || (!l->ready && !lane[0])) {
    json_put_str(o, "why", l->why);
    return;
  }
  snprintf(both, sizeof both, "%s%s%s", lane, l->ready ? "" : "; ", l->ready ? "" : l->why);
  json_put_str(o, "why", both);
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
  put_reason(o, m);
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
  json_object_set_new(o, "peers", peers);
  answer_json(out, 200, o);
}

/* ---- statements ---- */

struct listing {
  struct node *n;
  json_t *list;
  size_t limit;
};

static parley_err list_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct listing *l = ctx;
  struct row row;
  struct hash id;
  (void)key, (void)e;
  if (json_array_size(l->list) >= l->limit) return PARLEY_EBUSY;
  if (v.n != 32) return PARLEY_OK;
  memcpy(id.b, v.p, 32);
  if (row_get(l->n, &id, &row, NULL) == PARLEY_OK) {
    json_t *o = row_summary(l->n, &row);
    json_put_int(o, "order", (int64_t)row.order);
    json_array_append_new(l->list, o);
    row_clear(&row);
  }
  return PARLEY_OK;
}

void local_list(struct node_call *c, struct node_response *out) {
  bool sent = query_is(c->query, "box", "sent");
  int64_t before = query_int(c->query, "before", 0), limit = query_int(c->query, "limit", 50);
  struct listing l = {.n = c->n, .list = json_array(), .limit = (size_t)(limit < 1 ? 1 : limit > 1000 ? 1000 : limit)};
  struct buf after = {0};
  struct errmsg e;
  if (before > 0) key_box(&after, !sent, (uint64_t)before);
  parley_err r =
      store_scan(c->n->env.store, STORE_INDEX, bytes_str(sent ? "o/" : "i/"), buf_view(&after), true, list_one, &l, &e);
  buf_free(&after);
  if (r) {
    json_decref(l.list);
    answer_err(c, out, r, &e);
    return;
  }
  json_t *o = json_object();
  json_object_set_new(o, "statements", l.list);
  answer_json(out, 200, o);
}

/* Finds the row, entry and statement of the id in c->path; answers on failure. */
struct found {
  struct row row;
  struct bytes entry;
  struct statement s;
  struct dsse d;
  bool parsed;
};

static bool find(struct node_call *c, struct found *f, struct node_response *out) {
  struct errmsg e = {{0}};
  *f = (struct found){0};
  parley_err r = row_find(c->n, c->path, &f->row, &e);
  if (!r) {
    r = row_entry(c->n, &f->row, &c->arena, &f->entry, &e);
    if (r) row_clear(&f->row);
  }
  if (r) {
    answer_err(c, out, r, &e);
    return false;
  }
  f->parsed = statement_parse(&f->s, &c->arena, f->entry, &f->d, &e) == PARLEY_OK;
  return true;
}

static void found_clear(struct found *f) {
  statement_clear(&f->s);
  row_clear(&f->row);
}

static json_t *files_json(const struct statement *s, const struct plain *p) {
  json_t *list = json_array();
  for (size_t i = 0; i < s->n_attach && i < p->n_files; i++) {
    json_t *o = json_object();
    json_put_str(o, "name", p->files[i].name);
    json_put_str(o, "type", p->files[i].type);
    json_put_int(o, "size", (int64_t)p->files[i].size);
    json_put_hex(o, "sha256", p->files[i].sha256, SHA256_SIZE);
    json_put_hex(o, "sealed_sha256", s->attach[i].sha256, SHA256_SIZE);
    json_array_append_new(list, o);
  }
  return list;
}

/* The body is checked against its form when it is read, as it was when it was sent. */
static void put_body(struct node *n, json_t *o, const struct found *f) {
  struct plain p = {0};
  struct errmsg e = {{0}};
  if (!f->s.sealed.p) {
    json_object_set(o, "body", f->s.body);
    return;
  }
  if (row_open(n, &f->s, &p, &e) != PARLEY_OK) {
    json_put_str(o, "unreadable", e.text);
    return;
  }
  const struct form *form = node_form(n, &f->row.forum->charter, f->s.kind);
  if (form && form_check(form, p.body, &e) != PARLEY_OK) json_put_str(o, "form_problem", e.text);
  json_object_set(o, "body", p.body);
  json_object_set_new(o, "files", files_json(&f->s, &p));
  plain_clear(&p);
}

static void put_outer(json_t *o, const struct found *f) {
  json_t *outer = NULL;
  if (json_parse(&outer, f->d.payload, ENTRY_MAX, NULL) == PARLEY_OK) {
    json_object_del(outer, "sealed");
    json_object_set_new(o, "outer", outer);
  }
}

void local_statement(struct node_call *c, struct node_response *out) {
  struct found f;
  struct delivery_state ds;
  int64_t wait = query_int(c->query, "wait", 0);
  if (!find(c, &f, out)) return;
  if (wait > 0 && f.row.ours && f.parsed && f.s.n_to > 0) {
    call_wait(c, &f.row.id, (int)wait, false);
    found_clear(&f);
    return;
  }
  json_t *o = row_summary(c->n, &f.row);
  if (f.parsed) {
    json_object_set_new(o, "delivery", row_delivery(c->n, &f.row, &f.s, &ds));
    put_outer(o, &f);
    put_body(c->n, o, &f);
  }
  found_clear(&f);
  answer_json(out, 200, o);
}

void local_entry(struct node_call *c, struct node_response *out) {
  struct found f;
  if (!find(c, &f, out)) return;
  out->status = 200;
  out->content_type = "application/json";
  buf_bytes(&out->body, f.entry);
  found_clear(&f);
}

void local_receipt(struct node_call *c, struct node_response *out) {
  struct found f;
  struct errmsg e = {{0}};
  json_t *files = NULL;
  if (!find(c, &f, out)) return;
  parley_err r = receipt_build(c->n, &f.row, &files, &e);
  found_clear(&f);
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  json_t *o = json_object();
  json_object_set_new(o, "files", files);
  answer_json(out, 200, o);
}

/* ---- the plaintext of one file, streamed ---- */

struct file_stream {
  struct copy *copy;
  uint64_t next, end; /* bulk entries */
  struct age_reader reader;
  struct buf out; /* plaintext not yet read, from offset `at` */
  uint64_t at;
  bool finished;
};

static parley_err stream_feed(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct file_stream *s = ctx;
  (void)pos;
  s->next++;
  return age_reader_feed(&s->reader, v, &s->out, e);
}

static parley_err stream_fill(struct file_stream *s) {
  while (!s->out.n && !s->finished) {
    uint64_t to = s->next + 32 < s->end ? s->next + 32 : s->end;
    parley_err r = s->next < s->end ? copy_scan(s->copy, s->next, to, stream_feed, s, NULL) : PARLEY_OK;
    if (!r && s->next == s->end) {
      r = age_reader_finish(&s->reader, &s->out, NULL);
      s->finished = true;
    }
    if (r) return r;
  }
  return PARLEY_OK;
}

int64_t node_stream_read(void *stream, uint64_t offset, uint8_t *out, size_t cap) {
  struct file_stream *s = stream;
  if (offset != s->at || stream_fill(s) != PARLEY_OK) return -1;
  size_t n = s->out.n < cap ? s->out.n : cap;
  memcpy(out, s->out.p, n);
  buf_drop(&s->out, n);
  s->at += n;
  return (int64_t)n;
}

void node_stream_free(void *stream) {
  struct file_stream *s = stream;
  if (!s) return;
  age_reader_free(&s->reader);
  buf_free(&s->out);
  free(s);
}

/* Reads the header of the sealed file and starts the stream behind it. */
static parley_err stream_open(struct node *n, struct copy *copy, const struct attach *a, struct file_stream **out,
                              struct errmsg *e) {
  struct file_stream *s = calloc(1, sizeof *s);
  struct arena arena = {0};
  struct buf head = {0};
  uint8_t key[32] = {0};
  size_t used = 0;
  if (!s) return err_set(e, PARLEY_ENOMEM, "out of memory");
  s->copy = copy;
  s->next = a->first;
  s->end = a->first + a->count;
  parley_err r = PARLEY_EBUSY;
  while (r == PARLEY_EBUSY && s->next < s->end) {
    struct bytes v;
    r = copy_entry(copy, s->next++, &arena, &v, e);
    if (r) break;
    buf_bytes(&head, v);
    r = PARLEY_ENOTFOUND;
    for (size_t i = 0; i < n->env.n_seal && r == PARLEY_ENOTFOUND; i++)
      r = age_open_header(&used, key, buf_view(&head), &n->env.seal[i], e);
  }
  age_reader_init(&s->reader, key);
  if (!r) r = age_reader_feed(&s->reader, BYTES(head.p + used, head.n - used), &s->out, e);
  wipe(key, sizeof key);
  buf_free(&head);
  arena_free(&arena);
  if (r)
    node_stream_free(s);
  else
    *out = s;
  return r;
}

static parley_err file_open(struct node_call *c, const struct found *f, struct node_response *out, struct errmsg *e) {
  uint64_t i;
  struct plain p = {0};
  struct file_stream *s = NULL;
  if (!f->parsed || !dec_decode(&i, bytes_str(c->rest)) || i >= f->s.n_attach)
    return err_set(e, PARLEY_ENOTFOUND, "that statement has no file number %s", c->rest);
  struct member *m = f->row.ours ? NULL : forum_member(f->row.forum, f->row.from);
  struct copy *copy = f->row.ours ? f->row.forum->bulk.copy : m ? mirror_copy(m->bulk.mirror) : NULL;
  const struct attach *a = &f->s.attach[i];
  if (!copy || copy_size(copy) < a->first + a->count)
    return err_set(e, PARLEY_EBUSY, "file %s has not arrived whole yet", c->rest);
  parley_err r = row_open(c->n, &f->s, &p, e);
  if (!r && i >= p.n_files) r = err_set(e, PARLEY_EINVAL, "the sealed body does not describe file %s", c->rest);
  if (!r) r = stream_open(c->n, copy, a, &s, e);
  if (!r) {
    out->status = 200;
    out->content_type = "application/octet-stream";
    out->stream = s;
    out->stream_length = p.files[i].size;
  }
  plain_clear(&p);
  return r;
}

void local_file(struct node_call *c, struct node_response *out) {
  struct found f;
  struct errmsg e = {{0}};
  if (!find(c, &f, out)) return;
  parley_err r = file_open(c, &f, out, &e);
  found_clear(&f);
  if (r) answer_err(c, out, r, &e);
}

/* ---- acknowledging ---- */

static parley_err ack_allowed(struct node *n, const struct found *f, struct errmsg *e) {
  struct hash had;
  bool addressed = false;
  for (size_t i = 0; i < f->s.n_to; i++) addressed |= !strcmp(f->s.to[i], n->own.name);
  if (f->row.ours) return err_set(e, PARLEY_ECONFLICT, "that is our own statement; only its addressees acknowledge it");
  if (!f->parsed || f->row.problem)
    return err_set(e, PARLEY_EREFUSED, "it breaks a rule and cannot be acknowledged: %s",
                   f->row.problem ? f->row.problem : "malformed");
  if (kind_is_open(f->s.kind) || !strcmp(f->s.kind, "ack"))
    return err_set(e, PARLEY_EREFUSED, "%s is never acknowledged", f->s.kind);
  if (!addressed) return err_set(e, PARLEY_EREFUSED, "it is not addressed to %s", n->own.name);
  if (ack_find(n, &f->row.id, n->own.name, &had, NULL) == PARLEY_OK)
    return err_set(e, PARLEY_ECONFLICT, "it was acknowledged already");
  for (const struct submission *q = n->queue; q; q = q->next)
    if (q->is_ack && !memcmp(q->acked, f->row.id.b, 32))
      return err_set(e, PARLEY_ECONFLICT, "it was acknowledged already");
  return PARLEY_OK;
}

static parley_err ack_submit(struct node_call *c, const struct found *f, const char *officer, const char *note,
                             struct errmsg *e) {
  json_t *body = json_object();
  if (!body || (note && !json_put_str(body, "note", note))) {
    json_decref(body);
    return err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  struct statement s = {.status = f->s.status, .precedence = f->s.precedence, .tlp = f->s.tlp, .n_re = 1, .n_to = 1};
  s.to = arena_alloc(&c->arena, sizeof *s.to);
  if (!s.to) {
    json_decref(body);
    return err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  snprintf(s.to[0], sizeof s.to[0], "%s", f->s.from);
  snprintf(s.officer, sizeof s.officer, "%s", officer);
  memcpy(s.re[0], f->row.id.b, 32);
  s.has_thread = true;
  memcpy(s.thread, f->s.has_thread ? f->s.thread : f->row.id.b, 32);
  return send_sealed(c, f->row.forum, &s, "ack", body, e);
}

void local_ack(struct node_call *c, struct node_response *out) {
  struct found f;
  struct errmsg e = {{0}};
  const char *officer = NULL, *note = NULL;
  static const char *const members[] = {"officer", "note", NULL};
  json_t *q = NULL;
  if (!find(c, &f, out)) return;
  parley_err r = json_parse(&q, buf_view(&c->body), NODE_BODY_MAX, &e);
  r = r ? r : json_only(q, "", members, &e);
  r = r ? r : json_get_str(&officer, q, "", "officer", &e);
  r = r ? r : json_get_str_opt(&note, q, "", "note", &e);
  if (!r && (strlen(officer) == 0 || strlen(officer) > KIND_MAX || !fields_is_line(officer)))
    r = err_set(&e, PARLEY_EINVAL, "officer: a role of 1 to %d bytes on one line, for example \"duty\"", KIND_MAX);
  r = r ? r : ack_allowed(c->n, &f, &e);
  r = r ? r : ack_submit(c, &f, officer, note, &e);
  json_decref(q);
  found_clear(&f);
  if (r) answer_err(c, out, r, &e);
}
