/*
 * The local API: boxes, single statements and their receipts.
 */
#include "base/json_load.h"
#include "node/reject.h"
#include "node/witness.h"

#include <string.h>

struct listing {
  struct node *n;
  json_t *list;
  size_t limit;
};

static parley_err list_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct listing *l = ctx;
  struct row row;
  struct hash id;
  (void)key;
  if (json_array_size(l->list) >= l->limit) return PARLEY_EBUSY;
  if (v.n != 32) return PARLEY_OK;
  memcpy(id.b, v.p, 32);
  const parley_err r = row_get(l->n, &id, &row, e);
  if (r == PARLEY_ENOMEM || r == PARLEY_EIO) return r;
  if (r) return PARLEY_OK; /* of a forum that is not loaded */
  json_t *o = row_summary(l->n, &row);
  json_put_int(o, "order", (int64_t)row.order);
  json_array_append_new(l->list, o);
  row_clear(&row);
  return PARLEY_OK;
}

void local_list(struct node_call *c, struct node_response *out) {
  bool sent = query_is(c->query, "box", "sent");
  int64_t before = query_int(c->query, "before", 0), limit = query_int(c->query, "limit", 50);
  struct listing l = {.n = c->n, .list = json_array(), .limit = (size_t)(limit < 1 ? 1 : limit > 1000 ? 1000 : limit)};
  struct buf after = {0};
  struct errmsg e;
  if (before > 0) key_box(&after, !sent, (uint64_t)before);
  parley_err r = buf_ok(&after) ? store_scan(c->n->env.store, STORE_INDEX, bytes_str(sent ? "o/" : "i/"),
                                             buf_view(&after), true, list_one, &l, &e)
                                : err_set(&e, PARLEY_ENOMEM, "out of memory");
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

bool local_find(struct node_call *c, struct local_found *f, struct node_response *out) {
  struct errmsg e = {{0}};
  *f = (struct local_found){0};
  parley_err r = row_find(c->n, c->path, &f->row, &e);
  if (!r) {
    r = row_entry(c->n, &f->row, &c->arena, &f->entry, &e);
    if (r) row_clear(&f->row);
  }
  if (r) {
    answer_err(c, out, r, &e);
    return false;
  }
  r = statement_parse(&f->s, &c->arena, f->entry, &f->d, &e);
  f->parsed = r == PARLEY_OK;
  if (r != PARLEY_ENOMEM) return true;
  row_clear(&f->row);
  answer_err(c, out, r, &e);
  return false;
}

void local_found_clear(struct local_found *f) {
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
static void put_body(struct node *n, json_t *o, const struct local_found *f) {
  struct plain p = {0};
  struct errmsg e = {{0}};
  if (!f->s.sealed.p) {
    json_object_set(o, "body", f->s.body);
    return;
  }
  const parley_err r = row_open(n, &f->s, &p, &e);
  if (r) {
    if (r == PARLEY_ENOMEM) json_lose(); /* no answer, rather than a false one */
    json_put_str(o, "unreadable", e.text);
    return;
  }
  const struct form *form = node_form(n, charter_cited(n, f->row.forum, &f->s), f->s.kind);
  const parley_err fits = form ? form_check(form, p.body, &e) : PARLEY_OK;
  if (fits == PARLEY_ENOMEM) json_lose();
  if (fits) json_put_str(o, "form_problem", e.text);
  json_object_set(o, "body", p.body);
  json_object_set_new(o, "files", files_json(&f->s, &p));
  plain_clear(&p);
}

static void put_outer(json_t *o, const struct local_found *f) {
  json_t *outer = NULL;
  if (json_parse(&outer, f->d.payload, ENTRY_MAX, NULL)) { /* it has been read before: only memory can be lacking */
    json_lose();
    return;
  }
  json_object_del(outer, "sealed");
  json_object_set_new(o, "outer", outer);
}

void local_statement(struct node_call *c, struct node_response *out) {
  struct local_found f;
  struct delivery_state ds;
  int64_t wait = query_int(c->query, "wait", 0);
  if (!local_find(c, &f, out)) return;
  if (wait > 0 && f.row.ours && f.parsed && f.s.n_to > 0) {
    call_wait(c, &f.row.id, (int)wait, false);
    local_found_clear(&f);
    return;
  }
  json_t *o = row_summary(c->n, &f.row);
  if (f.parsed) {
    json_object_set_new(o, "delivery", row_delivery(c->n, &f.row, &f.s, &ds));
    put_outer(o, &f);
    put_body(c->n, o, &f);
    json_t *ground = reject_ground(c->n, &f);
    if (ground) json_object_set_new(o, "rejectable", ground);
  }
  local_found_clear(&f);
  answer_json(out, 200, o);
}

void local_entry(struct node_call *c, struct node_response *out) {
  struct local_found f;
  if (!local_find(c, &f, out)) return;
  out->status = 200;
  out->content_type = "application/json";
  buf_bytes(&out->body, f.entry);
  local_found_clear(&f);
}

void local_receipt(struct node_call *c, struct node_response *out) {
  struct local_found f;
  struct errmsg e = {{0}};
  json_t *files = NULL;
  if (!local_find(c, &f, out)) return;
  const bool silent = query_is(c->query, "silent", "1");
  parley_err r = silent ? witness_silence(c->n, &f.row, &files, &e) : receipt_build(c->n, &f.row, NULL, &files, &e);
  if (r == PARLEY_ECONFLICT && !silent) { /* delivered to nobody; what a neutral witness has dated can be shown at least */
    struct errmsg why = {{0}};
    const parley_err less = witness_silence(c->n, &f.row, &files, &why);
    if (less != PARLEY_ENOTFOUND) r = less, e = why;
  }
  local_found_clear(&f);
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  json_t *o = json_object();
  json_object_set_new(o, "files", files);
  answer_json(out, 200, o);
}
