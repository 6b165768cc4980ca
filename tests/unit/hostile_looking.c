/*
 * What the tests of hostile members look at: statements, receipts, waiting requests, the record, and a store that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "hostile_fixture.h"

const char *str_of(const json_t *o, const char *name) {
  const char *s = json_string_value(json_object_get(o, name));
  return s ? s : "";
}

json_t *show_statement(struct rig_party *p, const char *id) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_t *o = rig_ask(p, "GET", path, NULL, &status);
  if (status != 200) fail_msg("%s does not have %.8s: %u %s", p->name, id, status, str_of(o, "message"));
  return o;
}

void check_statement(struct rig_party *p, const char *id, const char *state, const char *problem, const char *file,
                     int line) {
  json_t *o = show_statement(p, id);
  const char *has = str_of(o, "problem");
  const bool good = !strcmp(str_of(o, "state"), state) && (*problem ? strstr(has, problem) != NULL : !*has);
  if (!good)
    fail_msg("%s:%d: at %s %.8s is %s (not %s), problem \"%s\" (not \"%s\")", file, line, p->name, id,
             str_of(o, "state"), state, has, problem);
  json_decref(o);
}

void check_receipt(struct rig_party *p, const char *id, bool with_ack, const char *file, int line) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/receipt", id);
  json_t *o = rig_ask(p, "GET", path, NULL, &status);
  const json_t *files = json_object_get(o, "files");
  if (status != 200 || !json_object_get(files, "proof.tlog-proof"))
    fail_msg("%s:%d: no receipt: %u %s", file, line, status, str_of(o, "message"));
  if ((json_object_get(files, "ack/entry.json") != NULL) != with_ack)
    fail_msg("%s:%d: the receipt has %s acknowledgement", file, line, with_ack ? "no" : "an");
  json_decref(o);
}

char *notice_json(struct rig_party *p, const char *forum) {
  struct buf b = {0};
  buf_fmt(&b, "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"forum\":\"%s\",\"to\":[",
          forum);
  for (size_t i = 0, k = 0; i < p->rig->n; i++)
    if (&p->rig->party[i] != p) buf_fmt(&b, "%s\"%s\"", k++ ? "," : "", p->rig->party[i].name);
  buf_str(&b, "],\"body\":{\"title\":\"Pipeline\",\"summary\":\"It stands.\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}");
  return buf_cstr(&b);
}

void send_delivered(struct rig_party *p, const char *forum, char id[static 65]) {
  unsigned status;
  char *body = notice_json(p, forum);
  json_t *o = rig_ask(p, "POST", "/v1/statements?wait=30", body, &status);
  assert_int_equal(status, 201);
  assert_string_equal(str_of(o, "state"), "delivered");
  snprintf(id, 65, "%s", str_of(o, "id"));
  json_decref(o);
  free(body);
}

/* ---- requests that wait ---- */

void ask_begin(struct waiting *w, struct rig_party *p, const char *method, const char *path, const char *body) {
  char where[200];
  *w = (struct waiting){0};
  snprintf(where, sizeof where, "%s", path);
  char *query = strchr(where, '?');
  if (query) *query++ = '\0';
  const struct node_request q = {
      .method = method, .path = where, .query = query ? query : "", .content_type = "application/json"};
  w->c = node_begin(p->node, &q, &w->resp);
  assert_non_null(w->c);
  if (!w->resp.status && body) node_data(w->c, bytes_str(body), &w->resp);
  if (!w->resp.status) node_end(w->c, &w->resp);
}

size_t ask_collect(struct rig_party *p, struct waiting *w, size_t n) {
  struct node_response resp;
  struct node_call *c;
  size_t got = 0;
  while ((c = node_next_answer(p->node, &resp))) {
    size_t i = 0;
    while (i < n && w[i].c != c) i++;
    assert_true(i < n && !w[i].resp.status);
    w[i].resp = resp;
    got++;
  }
  return got;
}

json_t *ask_end(struct waiting *w) {
  json_t *o = w->resp.body.n ? json_loadb((const char *)w->resp.body.p, w->resp.body.n, 0, NULL) : NULL;
  buf_free(&w->resp.body);
  if (w->c) node_finish(w->c);
  w->c = NULL;
  return o;
}

/* ---- the record ---- */

struct record {
  struct arena arena;
  char origin[ORIGIN_MAX + 1];
  struct statement *s;
  size_t n;
};

static void record_read(struct record *out, struct rig_party *p, const char *forum) {
  uint8_t id[SHA256_SIZE];
  struct bytes entry;
  struct dsse d;
  *out = (struct record){0};
  assert_true(hex_decode(id, sizeof id, bytes_str(forum)));
  log_origin(out->origin, p->name, id, 0, false);
  while (node_log_entry(p->node, out->origin, out->n, &out->arena, &entry, NULL) == PARLEY_OK) {
    out->s = realloc(out->s, (out->n + 1) * sizeof *out->s);
    assert_non_null(out->s);
    assert_int_equal(statement_parse(&out->s[out->n], &out->arena, entry, &d, NULL), PARLEY_OK);
    out->n++;
  }
}

static void record_clear(struct record *r) {
  for (size_t i = 0; i < r->n; i++) statement_clear(&r->s[i]);
  free(r->s);
  arena_free(&r->arena);
}

uint64_t log_size(struct rig_party *p, const char *forum) {
  struct record r;
  record_read(&r, p, forum);
  const uint64_t n = r.n;
  record_clear(&r);
  return n;
}

size_t count_notices(struct rig_party *p, const char *forum) {
  struct record r;
  size_t k = 0;
  record_read(&r, p, forum);
  for (size_t i = 0; i < r.n; i++) k += !kind_is_open(r.s[i].kind);
  record_clear(&r);
  return k;
}

/* The sizes that a party has cosigned, ascending, and its first line over each. */
struct cosigned {
  uint64_t size[4096];
  char line[4096][256];
  size_t n;
};

static parley_err take_cosigned(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct cosigned *c = ctx;
  struct bytes time, log_line, line;
  (void)e;
  assert_true(c->n < 4096);
  assert_true(bytes_line(&v, &time) && bytes_line(&v, &log_line) && bytes_line(&v, &line));
  snprintf(c->line[c->n], sizeof c->line[0], "%.*s", (int)line.n, (const char *)line.p);
  c->size[c->n++] = u64be(key.p + key.n - 8);
  return PARLEY_OK;
}

static size_t times_held(const struct record *r, uint64_t size, const char *line) {
  size_t k = 0;
  for (size_t i = 0; i < r->n; i++)
    for (size_t j = 0; j < r->s[i].n_held; j++)
      k += r->s[i].held[j].size == size && !strcmp(r->s[i].held[j].line, line) &&
           !strcmp(r->s[i].held[j].origin, r->origin);
  return k;
}

static bool concerns(const struct statement *s, const char *party) {
  for (size_t i = 0; i < s->n_to; i++)
    if (!strcmp(s->to[i], party)) return !kind_is_open(s->kind);
  return false;
}

void check_held(struct rig_party *p, const char *forum, struct rig_party *to, const char *file, int line) {
  struct record r;
  struct cosigned *c = calloc(1, sizeof *c);
  struct buf prefix = {0};
  size_t wanted = 0, all = 0;
  assert_non_null(c);
  record_read(&r, p, forum);
  buf_fmt(&prefix, "c/%s\n%s\n", r.origin, to->name);
  assert_int_equal(store_scan(p->store, STORE_PEERS, buf_view(&prefix), BYTES_NONE, false, take_cosigned, c, NULL),
                   PARLEY_OK);
  for (size_t k = 0; k < c->n; k++) { /* each tree that is the first over some statement to that party */
    bool earliest = false;
    for (uint64_t i = k ? c->size[k - 1] : 0; i < c->size[k]; i++) earliest |= concerns(&r.s[i], to->name);
    const size_t times = times_held(&r, c->size[k], c->line[k]);
    if (times != earliest)
      fail_msg("%s:%d: the cosignature of %s over %llu stands %zu times on the record", file, line, to->name,
               (unsigned long long)c->size[k], times);
    wanted += earliest;
  }
  for (size_t i = 0; i < r.n; i++)
    for (size_t j = 0; j < r.s[i].n_held; j++) all += strstr(r.s[i].held[j].line, to->name) != NULL;
  if (all != wanted) fail_msg("%s:%d: %zu lines of %s on the record, not %zu", file, line, all, to->name, wanted);
  buf_free(&prefix);
  record_clear(&r);
  free(c);
}

/* ---- a store that fails ---- */

static struct faulty *faulty_of(struct store *s) { return (struct faulty *)s->ops; }

static parley_err fault(struct store *s, unsigned what, struct errmsg *e) {
  struct faulty *f = faulty_of(s);
  if (!(f->what & what) || !f->countdown || --f->countdown) return PARLEY_OK;
  f->fired = true;
  return err_set(e, f->err, "the test's disk fails");
}

#define WRITE_OR_FAIL(call)                                                                                            \
  const parley_err r = fault(s, FAIL_WRITES, e);                                                                       \
  return r ? r : faulty_of(s)->real->call
#define READ_OR_FAIL(call)                                                                                             \
  const parley_err r = fault(s, FAIL_READS, e);                                                                        \
  return r ? r : faulty_of(s)->real->call

static parley_err f_begin(struct store *s, struct errmsg *e) {
  const parley_err r = fault(s, FAIL_WRITES | FAIL_BEGINS, e);
  return r ? r : faulty_of(s)->real->begin(s, e);
}
static parley_err f_commit(struct store *s, struct errmsg *e) {
  const parley_err r = fault(s, FAIL_WRITES, e);
  if (!r) return faulty_of(s)->real->commit(s, e);
  faulty_of(s)->real->rollback(s); /* nothing of it is kept */
  return r;
}
static parley_err f_seq_put(struct store *s, enum store_seq t, uint32_t log, uint64_t pos, struct bytes v,
                            struct errmsg *e) {
  WRITE_OR_FAIL(seq_put)(s, t, log, pos, v, e);
}
static parley_err f_put(struct store *s, enum store_map t, struct bytes key, struct bytes v, struct errmsg *e) {
  WRITE_OR_FAIL(put)(s, t, key, v, e);
}
static parley_err f_del(struct store *s, enum store_map t, struct bytes key, struct errmsg *e) {
  WRITE_OR_FAIL(del)(s, t, key, e);
}
static parley_err f_seq_get(struct store *s, enum store_seq t, uint32_t log, uint64_t pos, struct arena *a,
                            struct bytes *out, struct errmsg *e) {
  READ_OR_FAIL(seq_get)(s, t, log, pos, a, out, e);
}
static parley_err f_seq_scan(struct store *s, enum store_seq t, uint32_t log, uint64_t from, uint64_t to,
                             store_seq_fn fn, void *ctx, struct errmsg *e) {
  READ_OR_FAIL(seq_scan)(s, t, log, from, to, fn, ctx, e);
}
static parley_err f_get(struct store *s, enum store_map t, struct bytes key, struct arena *a, struct bytes *out,
                        struct errmsg *e) {
  READ_OR_FAIL(get)(s, t, key, a, out, e);
}
static parley_err f_scan(struct store *s, enum store_map t, struct bytes prefix, struct bytes after, bool reverse,
                         store_map_fn fn, void *ctx, struct errmsg *e) {
  READ_OR_FAIL(scan)(s, t, prefix, after, reverse, fn, ctx, e);
}

void faulty_arm(struct faulty *f, struct rig_party *p, unsigned what, unsigned k, parley_err err) {
  const struct store_ops *real = p->store->ops;
  *f = (struct faulty){.ops = *real, .real = real, .what = what, .countdown = k, .err = err};
  f->ops.begin = f_begin;
  f->ops.commit = f_commit;
  f->ops.seq_put = f_seq_put;
  f->ops.put = f_put;
  f->ops.del = f_del;
  f->ops.seq_get = f_seq_get;
  f->ops.seq_scan = f_seq_scan;
  f->ops.get = f_get;
  f->ops.scan = f_scan;
  p->store->ops = &f->ops;
}

bool faulty_disarm(struct faulty *f, struct rig_party *p) {
  p->store->ops = f->real;
  return f->fired;
}
