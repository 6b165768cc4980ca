/*
 * What was seen and cannot be proved. STORE_PEERS, "observed/" and an order of 8 bytes: JSON {"party", "forum"?,
 * "what", "text", "first", "last", "count"}.
 */
#include "node/observed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"

#define PREFIX "observed/"
#define RECENT 32      /* of these the same again is counted */
#define WRITE_MS 10000 /* whoever misbehaves all day costs a write each so many */

struct seen {
  uint64_t order; /* 0: the place is free */
  char party[PARTY_NAME_MAX + 1], forum[65], what[24], text[OBSERVED_TEXT_MAX];
  int64_t first, last;
  uint64_t count;
  bool changed;
};

struct observed {
  struct seen recent[RECENT];
  uint64_t next_order;
  int64_t write_ms; /* 0: nothing is to be written */
};

static struct seen *find(struct observed *o, const char *party, const char *forum, const char *what) {
  for (size_t i = 0; i < RECENT; i++)
    if (o->recent[i].order && !strcmp(o->recent[i].party, party) && !strcmp(o->recent[i].forum, forum) &&
        !strcmp(o->recent[i].what, what))
      return &o->recent[i];
  return NULL;
}

/* A place for a new one: free, or that of the one seen longest ago that is written; NULL: all wait to be written. */
static struct seen *place(struct observed *o) {
  struct seen *oldest = NULL;
  for (size_t i = 0; i < RECENT; i++) {
    struct seen *s = &o->recent[i];
    if (!s->order) return s;
    if (!s->changed && (!oldest || s->last < oldest->last)) oldest = s;
  }
  return oldest;
}

void observed_add(struct node *n, const char *party, const uint8_t *forum, const char *what, const char *fmt, ...) {
  struct observed *o = n->observed;
  char hex[65] = "";
  struct errmsg clean;
  va_list ap;
  if (!o) return;
  if (forum) hex_encode(hex, BYTES(forum, SHA256_SIZE));
  struct seen *s = find(o, party, hex, what);
  const bool fresh = !s;
  if (fresh && !(s = place(o))) return;
  if (fresh) *s = (struct seen){.order = o->next_order++, .first = node_wall(n)};
  snprintf(s->party, sizeof s->party, "%s", party);
  snprintf(s->forum, sizeof s->forum, "%s", hex);
  snprintf(s->what, sizeof s->what, "%s", what);
  va_start(ap, fmt);
  vsnprintf(s->text, sizeof s->text, fmt, ap);
  va_end(ap);
  err_set(&clean, PARLEY_OK, "%s", s->text); /* a character that was cut would make a row that cannot be written */
  memcpy(s->text, clean.text, strlen(clean.text) + 1); /* each cut byte is one character now: no longer than it was */
  s->last = node_wall(n);
  s->count++;
  s->changed = true;
  if (fresh) node_log_line(n, 4, "observed of %s: %s", party, s->text);
  if (!o->write_ms) o->write_ms = node_mono(n) + (fresh ? 0 : WRITE_MS);
}

/* ---- the store ---- */

static void key_of(struct buf *k, uint64_t order) {
  buf_str(k, PREFIX);
  buf_u64be(k, order);
}

static json_t *seen_json(const struct seen *s) {
  json_t *v = json_object();
  json_put_str(v, "party", s->party);
  if (s->forum[0]) json_put_str(v, "forum", s->forum);
  json_put_str(v, "what", s->what);
  json_put_str(v, "text", s->text);
  json_put_time(v, "first", s->first);
  json_put_time(v, "last", s->last);
  json_put_int(v, "count", (int64_t)s->count);
  return v;
}

static parley_err put(struct node *n, const struct seen *s, struct errmsg *e) {
  struct buf k = {0}, v = {0}, old = {0};
  json_t *o = seen_json(s);
  key_of(&k, s->order);
  const bool ok = o && json_write(&v, o) && buf_ok(&k) && buf_ok(&v);
  parley_err r = ok ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e)
                    : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r && s->order > OBSERVED_MAX) {
    key_of(&old, s->order - OBSERVED_MAX);
    r = buf_ok(&old) ? store_delete(n->env.store, STORE_PEERS, buf_view(&old), e)
                     : err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  json_decref(o);
  buf_free(&k);
  buf_free(&v);
  buf_free(&old);
  return r;
}

void observed_run(struct node *n) {
  struct observed *o = n->observed;
  struct errmsg e = {{0}};
  if (!o || !o->write_ms || o->write_ms > node_mono(n)) return;
  parley_err r = store_begin(n->env.store, &e);
  for (size_t i = 0; i < RECENT && !r; i++)
    if (o->recent[i].changed) r = put(n, &o->recent[i], &e);
  if (!r)
    r = store_commit(n->env.store, &e);
  else if (store_in_transaction(n->env.store))
    store_rollback(n->env.store);
  o->write_ms = r ? node_mono(n) + WRITE_MS : 0;
  for (size_t i = 0; i < RECENT && !r; i++) o->recent[i].changed = false;
  if (r) node_log_line(n, 4, "what was observed cannot be stored now: %s", e.text);
}

int64_t observed_next_ms(const struct node *n) {
  return n->observed && n->observed->write_ms ? n->observed->write_ms : INT64_MAX;
}

/* ---- reading ---- */

static bool seen_parse(struct seen *s, struct bytes v) {
  json_t *o = NULL;
  const char *party, *forum = "", *what, *text;
  int64_t count;
  const bool ok = !json_parse(&o, v, STORE_VALUE_MAX, NULL) && !json_get_str(&party, o, "", "party", NULL) &&
                  !json_get_str_opt(&forum, o, "", "forum", NULL) && !json_get_str(&what, o, "", "what", NULL) &&
                  !json_get_str(&text, o, "", "text", NULL) && !json_get_time(&s->first, o, "", "first", NULL) &&
                  !json_get_time(&s->last, o, "", "last", NULL) &&
                  !json_get_int(&count, o, "", "count", 1, ((int64_t)1 << 53) - 1, NULL);
  if (ok) {
    snprintf(s->party, sizeof s->party, "%s", party);
    snprintf(s->forum, sizeof s->forum, "%s", forum);
    snprintf(s->what, sizeof s->what, "%s", what);
    snprintf(s->text, sizeof s->text, "%s", text);
    s->count = (uint64_t)count;
  }
  json_decref(o);
  return ok;
}

static parley_err load_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct observed *o = ctx;
  struct seen s = {0};
  (void)e;
  if (key.n != sizeof PREFIX - 1 + 8) return PARLEY_OK;
  s.order = u64be(key.p + sizeof PREFIX - 1);
  if (s.order >= o->next_order) o->next_order = s.order + 1;
  size_t i = 0;
  while (i < RECENT && o->recent[i].order) i++;
  if (i == RECENT) return PARLEY_EBUSY;
  if (seen_parse(&s, v)) o->recent[i] = s;
  return PARLEY_OK;
}

parley_err observed_load(struct node *n, struct errmsg *e) {
  n->observed = calloc(1, sizeof *n->observed);
  if (!n->observed) return err_set(e, PARLEY_ENOMEM, "out of memory");
  n->observed->next_order = 1;
  return store_scan(n->env.store, STORE_PEERS, BYTES(PREFIX, sizeof PREFIX - 1), BYTES_NONE, true, load_one,
                    n->observed, e);
}

void observed_free(struct node *n) {
  free(n->observed);
  n->observed = NULL;
}

struct listing {
  json_t *list;
  char forum[65];
  size_t max;
};

static parley_err list_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct listing *l = ctx;
  struct seen s = {0};
  (void)key, (void)e;
  if (json_array_size(l->list) == l->max) return PARLEY_EBUSY;
  if (seen_parse(&s, v) && (!l->forum[0] || !strcmp(l->forum, s.forum))) json_array_append_new(l->list, seen_json(&s));
  return PARLEY_OK;
}

json_t *observed_json(struct node *n, const uint8_t *forum, size_t max) {
  struct listing l = {.list = json_array(), .max = max};
  if (forum) hex_encode(l.forum, BYTES(forum, SHA256_SIZE));
  store_scan(n->env.store, STORE_PEERS, BYTES(PREFIX, sizeof PREFIX - 1), BYTES_NONE, true, list_one, &l, NULL);
  return l.list;
}
