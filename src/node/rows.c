/*
 * What is stored of each statement beside its entry, and what is derived from it for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "node/answers.h"

void key_box(struct buf *out, bool inbox, uint64_t order) {
  buf_str(out, inbox ? "i/" : "o/");
  buf_u64be(out, order);
}

void row_clear(struct row *r) {
  json_decref(r->json);
  r->json = NULL;
}

static parley_err row_parse(struct node *n, struct row *out, struct bytes v, struct errmsg *e) {
  uint8_t forum[SHA256_SIZE];
  int64_t epoch = 0, index = 0, order = 0;
  parley_err r = json_parse(&out->json, v, STORE_VALUE_MAX, e);
  if (r) return r;
  const json_t *o = out->json;
  out->ours = json_is_true(json_object_get(o, "ours"));
  r = json_get_hex(forum, sizeof forum, o, "row", "forum", e);
  r = r ? r : json_get_str(&out->from, o, "row", "from", e);
  r = r ? r : json_get_str(&out->kind, o, "row", "kind", e);
  r = r ? r : json_get_int_opt(&epoch, o, "row", "epoch", 0, INT64_MAX, e);
  r = r ? r : json_get_int(&index, o, "row", "index", 0, INT64_MAX, e);
  r = r ? r : json_get_int(&order, o, "row", "order", 0, INT64_MAX, e);
  r = r ? r : json_get_int(&out->issued, o, "row", "issued", 0, INT64_MAX, e);
  r = r ? r : json_get_int(&out->received, o, "row", "received", 0, INT64_MAX, e);
  out->problem = NULL;
  r = r ? r : json_get_str_opt(&out->problem, o, "row", "problem", e);
  out->epoch = (uint64_t)epoch;
  out->index = (uint64_t)index;
  out->order = (uint64_t)order;
  out->forum = r ? NULL : forum_find(n, forum);
  if (r) row_clear(out);
  return r;
}

parley_err row_read(struct node *n, const struct hash *id, struct row *out, struct errmsg *e) {
  struct arena a = {0};
  struct bytes v;
  *out = (struct row){.id = *id};
  parley_err r = store_get(n->env.store, STORE_STATEMENTS, BYTES(id->b, 32), &a, &v, e);
  if (r == PARLEY_ENOTFOUND) err_set(e, r, "no such statement here");
  if (!r) r = row_parse(n, out, v, e);
  arena_free(&a);
  return r;
}

parley_err row_get(struct node *n, const struct hash *id, struct row *out, struct errmsg *e) {
  parley_err r = row_read(n, id, out, e);
  if (r || out->forum) return r;
  row_clear(out);
  return err_set(e, PARLEY_ENOTFOUND, "the forum of that statement is not loaded");
}

struct prefix_search {
  const char *text;
  struct hash found;
  unsigned count;
};

static parley_err prefix_match(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  (void)v, (void)e;
  struct prefix_search *s = ctx;
  char hex[65];
  if (key.n != 32) return PARLEY_OK;
  hex_encode(hex, key);
  if (strncmp(hex, s->text, strlen(s->text))) return PARLEY_OK;
  memcpy(s->found.b, key.p, 32);
  return ++s->count > 1 ? PARLEY_EBUSY : PARLEY_OK;
}

parley_err row_find(struct node *n, const char *text, struct row *out, struct errmsg *e) {
  size_t len = strlen(text);
  uint8_t prefix[32];
  if (len < 8 || len > 64 || !hex_decode(prefix, len / 2, BYTES(text, len / 2 * 2)))
    return err_set(e, PARLEY_EINVAL, "\"%.70s\" is no statement id: 8 to 64 lower-case hex digits", text);
  struct prefix_search s = {.text = text};
  parley_err r =
      store_scan(n->env.store, STORE_STATEMENTS, BYTES(prefix, len / 2), BYTES_NONE, false, prefix_match, &s, e);
  if (r) return r;
  if (s.count == 0)
    return err_set(e, PARLEY_ENOTFOUND, "no statement %s here (parley inbox lists what there is)", text);
  if (s.count > 1) return err_set(e, PARLEY_ECONFLICT, "the id %s is ambiguous; give more digits", text);
  r = row_read(n, &s.found, out, e);
  if (r || out->forum) return r;
  row_clear(out);
  return err_set(e, PARLEY_EBUSY,
                 "the forum of that statement is not open now: parleyd's log says why, and it is tried again");
}

static parley_err row_put(struct node *n, const struct hash *id, const struct row *r, struct errmsg *e) {
  struct buf v = {0};
  const bool ok = json_write(&v, r->json) && buf_ok(&v);
  const parley_err err = ok ? store_put(n->env.store, STORE_STATEMENTS, BYTES(id->b, 32), buf_view(&v), e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&v);
  return err;
}

parley_err row_move(struct node *n, const struct hash *id, struct row *r, uint64_t epoch, uint64_t index,
                    struct errmsg *e) {
  if (!json_put_int(r->json, "epoch", (int64_t)epoch) || !json_put_int(r->json, "index", (int64_t)index))
    return err_set(e, PARLEY_ENOMEM, "out of memory");
  return row_put(n, id, r, e);
}

parley_err row_spoil(struct node *n, const struct hash *id, struct row *r, struct errmsg *e) {
  const bool own = !store_in_transaction(n->env.store);
  if (!json_put_str(r->json, "problem",
                    "it was never sent: its files stood in a log that was given up when this node was recovered. Send it "
                    "again"))
    return err_set(e, PARLEY_ENOMEM, "out of memory");
  parley_err err = own ? store_begin(n->env.store, e) : PARLEY_OK;
  if (err) return err;
  err = row_put(n, id, r, e);
  if (own && err)
    store_rollback(n->env.store);
  else if (own)
    err = store_commit(n->env.store, e);
  return err;
}

parley_err row_entry(struct node *n, const struct row *r, struct arena *a, struct bytes *entry, struct errmsg *e) {
  (void)n;
  struct copy *c = row_copy(r, false, NULL, NULL);
  return c ? copy_entry(c, r->index, a, entry, e)
           : err_set(e, PARLEY_ENOTFOUND, "the log of %s is not held here", r->from);
}

parley_err row_text(struct node *n, const struct statement *s, struct buf *out, struct errmsg *e) {
  parley_err r = PARLEY_ENOTFOUND;
  for (size_t i = 0; i < n->env.n_seal && r == PARLEY_ENOTFOUND; i++) {
    buf_clear(out);
    r = body_text(out, s, &n->env.seal[i], e);
  }
  if (r == PARLEY_ENOTFOUND) err_set(e, r, "it is not sealed to any key of this node (desk \"%s\")", s->desk);
  return r;
}

parley_err row_open(struct node *n, const struct statement *s, struct plain *out, struct errmsg *e) {
  struct buf text = {0};
  *out = (struct plain){0};
  parley_err r = row_text(n, s, &text, e);
  if (!r) r = plain_parse(out, buf_view(&text), e);
  buf_free(&text);
  return r;
}

/* ---- delivery, per addressee; delivered and read are never the same thing ---- */

/* OK. Lack of memory is a fault of the answer, which is then not given; any other error is one of what is stored. */
static bool read_ok(parley_err r) {
  if (r == PARLEY_ENOMEM) json_lose();
  return r == PARLEY_OK;
}

static void put_ack(struct node *n, json_t *o, const struct hash *id, const char *party, struct delivery_state *d) {
  struct hash ack;
  struct row row;
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse env;
  if (!read_ok(answer_find(n, ANSWER_ACK, id, party, &ack, NULL)) || !read_ok(row_get(n, &ack, &row, NULL))) {
    d->read = false;
    return;
  }
  if (read_ok(row_entry(n, &row, &a, &entry, NULL)) && read_ok(statement_parse(&s, &a, entry, &env, NULL))) {
    json_put_time(o, "read", s.issued);
    json_put_str(o, "officer", s.officer);
    json_put_hex(o, "ack", ack.b, 32);
  }
  statement_clear(&s);
  row_clear(&row);
  arena_free(&a);
}

static void put_files(struct node *n, json_t *o, const struct row *r, const struct statement *s, const char *party,
                      struct delivery_state *d) {
  struct member *m = forum_member(r->forum, party);
  struct cosignature c;
  struct own_log *bulk;
  if (!s->n_attach || !m || !row_copy(r, true, &bulk, NULL)) return;
  uint64_t first = s->attach[0].first, total = s->bulk_size - first;
  uint64_t held = bulk == &r->forum->bulk ? m->bulk_push.next : 0; /* of an older epoch only what was cosigned is known */
  if (bulk != &r->forum->bulk && read_ok(cosignature_newest(n, bulk, party, &c, NULL))) held = c.size;
  json_put_int(o, "files_total", (int64_t)total);
  json_put_int(o, "files_held", (int64_t)(held <= first ? 0 : held >= s->bulk_size ? total : held - first));
  if (read_ok(cosignature_covering(n, bulk, party, s->bulk_size - 1, &c, NULL)))
    json_put_time(o, "files_delivered", c.time);
  else
    d->files = false;
}

/* A received statement: what we hold of it, and what we answered. */
static json_t *delivery_here(struct node *n, const struct row *r, const struct statement *s, const char *party,
                             struct delivery_state *d) {
  json_t *o = json_object();
  json_put_str(o, "party", party);
  if (!strcmp(party, n->own.name)) {
    struct their_log *bulk = NULL;
    struct mirror_state st;
    json_put_time(o, "delivered", r->received);
    if (s->n_attach && row_copy(r, true, NULL, &bulk) && bulk) {
      mirror_state(bulk->mirror, &st);
      uint64_t first = s->attach[0].first, total = s->bulk_size - first;
      uint64_t held = st.next <= first ? 0 : st.next >= s->bulk_size ? total : st.next - first;
      json_put_int(o, "files_total", (int64_t)total);
      json_put_int(o, "files_held", (int64_t)held);
      if (held < total) d->files = false;
    }
  }
  put_ack(n, o, &r->id, party, d);
  answer_put_rejection(n, o, &r->id, party);
  return o;
}

json_t *row_delivery(struct node *n, const struct row *r, const struct statement *s, struct delivery_state *d) {
  json_t *list = json_array();
  *d = (struct delivery_state){s->n_to > 0, true, s->n_to > 0};
  for (size_t i = 0; i < s->n_to; i++) {
    struct cosignature c;
    struct own_log *log = r->ours ? own_log_of(r->forum, r->epoch, false) : NULL;
    if (!r->ours) {
      json_array_append_new(list, delivery_here(n, r, s, s->to[i], d));
      continue;
    }
    json_t *o = json_object();
    json_put_str(o, "party", s->to[i]);
    if (log && read_ok(cosignature_covering(n, log, s->to[i], r->index, &c, NULL))) {
      json_put_time(o, "delivered", c.time);
      if (c.via[0]) json_put_str(o, "via", c.via);
    } else {
      d->all = false;
    }
    put_files(n, o, r, s, s->to[i], d);
    put_ack(n, o, &r->id, s->to[i], d);
    answer_put_rejection(n, o, &r->id, s->to[i]);
    json_array_append_new(list, o);
  }
  return list;
}

static const char *row_state(struct node *n, const struct row *r, const struct delivery_state *d) {
  struct hash ack;
  if (!r->ours && read_ok(answer_find(n, ANSWER_ACK, &r->id, n->own.name, &ack, NULL))) return "acknowledged";
  if (!r->ours) return answer_disputed(n, &r->id, n->own.name) ? "rejected" : "received";
  if (d->read) return "read";
  if (d->all) return "delivered";
  const struct own_log *log = own_log_of(r->forum, r->epoch, false);
  return log && r->index < log->signed_size ? "signed" : "accepted";
}

static const char *body_title(const json_t *body) {
  static const char *const names[] = {"title", "summary", "note", "reasons", "ground"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *t = json_string_value(json_object_get(body, names[i]));
    if (t) return t;
  }
  return "";
}

static void put_outer(json_t *o, const struct statement *s) {
  json_t *to = json_array();
  for (size_t i = 0; i < s->n_to; i++) json_array_append_new(to, json_string(s->to[i]));
  json_object_set_new(o, "to", to);
  json_put_str(o, "status", status_name(s->status));
  json_put_str(o, "precedence", precedence_name(s->precedence));
  json_put_str(o, "tlp", tlp_name(s->tlp));
  if (s->has_thread) json_put_hex(o, "thread", s->thread, 32);
  json_put_int(o, "files", (int64_t)s->n_attach);
}

json_t *row_summary(struct node *n, const struct row *r) {
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse d;
  struct plain p = {0};
  struct delivery_state ds;
  json_t *o = json_object();
  json_put_hex(o, "id", r->id.b, 32);
  json_put_hex(o, "forum", r->forum->id, 32);
  json_put_str(o, "from", r->from);
  json_put_str(o, "kind", r->kind);
  json_put_str(o, "box", r->ours ? "sent" : "inbox");
  json_put_time(o, "issued", r->issued);
  json_put_time(o, "received", r->received);
  if (read_ok(row_entry(n, r, &a, &entry, NULL)) && read_ok(statement_parse(&s, &a, entry, &d, NULL))) {
    put_outer(o, &s);
    json_decref(row_delivery(n, r, &s, &ds));
    const char *state = row_state(n, r, &ds);
    json_put_str(o, "state", state);
    json_object_set_new(o, "acked", json_boolean(!strcmp(state, "acknowledged")));
    answer_put_summary(n, o, &r->id, &s);
    if (s.sealed.p && read_ok(row_open(n, &s, &p, NULL))) {
      json_put_str(o, "title", body_title(p.body));
      plain_clear(&p);
    }
  } else {
    json_put_str(o, "state", "received");
  }
  if (r->problem) json_put_str(o, "problem", r->problem);
  version_mark(n, r, &s, o);
  statement_clear(&s);
  arena_free(&a);
  return o;
}
