/*
 * The cosignatures kept for the availability record, and when this node ran.
 */
#include "node/line_marks.h"

#include <string.h>

#include "base/encoding.h"

#define DAY 86400
#define SWEPT_AT_ONCE 256

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory"); }

static void key_marks(struct buf *k, const char *origin, const char *cosigner) {
  buf_fmt(k, "a/%s\n%s\n", origin, cosigner);
}

static void key_mark(struct buf *k, const char *origin, const char *cosigner, int64_t time) {
  key_marks(k, origin, cosigner);
  buf_u64be(k, (uint64_t)time);
}

static bool key_time(struct bytes key, int64_t *out) {
  if (key.n < 8 || u64be(key.p + key.n - 8) > INT64_MAX) return false;
  *out = (int64_t)u64be(key.p + key.n - 8);
  return true;
}

/* ---- keeping ---- */

struct newest {
  int64_t time[2];
  size_t n;
};

static parley_err take_newest(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct newest *w = ctx;
  (void)v;
  if (!key_time(key, &w->time[w->n])) return err_set(e, PARLEY_EIO, "a kept cosignature has a damaged key");
  return ++w->n == 2 ? PARLEY_EBUSY : PARLEY_OK;
}

parley_err line_marks_load(struct node *n, struct line_marks *m, const char *origin, const char *cosigner,
                           struct errmsg *e) {
  struct buf k = {0};
  struct newest w = {0};
  key_marks(&k, origin, cosigner);
  const parley_err r = buf_ok(&k)
                           ? store_scan(n->env.store, STORE_PEERS, buf_view(&k), BYTES_NONE, true, take_newest, &w, e)
                           : no_memory(e);
  *m = (struct line_marks){.last = w.time[0], .before = w.n > 1 ? w.time[1] : 0};
  buf_free(&k);
  return r;
}

struct sweep {
  int64_t until;
  struct buf keys[SWEPT_AT_ONCE];
  size_t n;
};

static parley_err find_old(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct sweep *s = ctx;
  int64_t t;
  (void)v;
  if (s->n == SWEPT_AT_ONCE || !key_time(key, &t) || t >= s->until) return PARLEY_EBUSY;
  buf_bytes(&s->keys[s->n], key);
  return buf_ok(&s->keys[s->n++]) ? PARLEY_OK : no_memory(e);
}

/* Once a day and log. */
static parley_err drop_old(struct node *n, const char *origin, const char *cosigner, int64_t until, struct errmsg *e) {
  struct sweep s = {.until = until};
  struct buf k = {0};
  key_marks(&k, origin, cosigner);
  parley_err r = buf_ok(&k) ? store_scan(n->env.store, STORE_PEERS, buf_view(&k), BYTES_NONE, false, find_old, &s, e)
                            : no_memory(e);
  for (size_t i = 0; i < s.n; i++) {
    if (!r) r = store_delete(n->env.store, STORE_PEERS, buf_view(&s.keys[i]), e);
    buf_free(&s.keys[i]);
  }
  buf_free(&k);
  return r;
}

static parley_err delete_mark(struct node *n, const char *origin, const char *cosigner, int64_t time,
                              struct errmsg *e) {
  struct buf k = {0};
  key_mark(&k, origin, cosigner, time);
  const parley_err r = buf_ok(&k) ? store_delete(n->env.store, STORE_PEERS, buf_view(&k), e) : no_memory(e);
  buf_free(&k);
  return r;
}

parley_err line_mark_put(struct node *n, struct line_marks *m, const char *origin, const char *cosigner, int64_t time,
                         uint64_t size, struct bytes lines, int64_t heartbeat, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  parley_err r = PARLEY_OK;
  if (time <= 0) return PARLEY_OK;
  const bool new_day = time / DAY != m->last / DAY;
  if (time < m->last) m->before = 0; /* its clock went back: from here on anew */
  if (m->before && time > m->last && time - m->before < heartbeat / 4)
    r = delete_mark(n, origin, cosigner, m->last, e);
  else
    m->before = m->last == time ? m->before : m->last;
  key_mark(&k, origin, cosigner, time);
  buf_fmt(&v, "%llu %lld %lld\n", (unsigned long long)size, (long long)m->offered, (long long)node_wall(n));
  buf_bytes(&v, lines);
  if (!r && (!buf_ok(&k) || !buf_ok(&v))) r = no_memory(e);
  if (!r) r = store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e);
  if (!r && new_day) r = drop_old(n, origin, cosigner, time - (int64_t)LINE_MARKS_DAYS * DAY, e);
  m->last = time;
  m->offered = 0;
  buf_free(&k);
  buf_free(&v);
  return r;
}

parley_err line_mark_theirs(struct node *n, struct their_log *l, struct errmsg *e) {
  const int64_t heartbeat = l->from->forum->charter.heartbeat_seconds;
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  const bool own = !store_in_transaction(n->env.store);
  if (l->bulk || !s.note.n || s.cosigned == l->marks.last) return PARLEY_OK;
  /* Without news a mark in each quarter of a heartbeat is enough: whoever renews every second does not make us write. */
  if (own && s.cosigned > l->marks.last && s.cosigned - l->marks.last < heartbeat / 4) return PARLEY_OK;
  parley_err r = own ? store_begin(n->env.store, e) : PARLEY_OK;
  if (r) return r;
  r = line_mark_put(n, &l->marks, l->origin, n->own.name, s.cosigned, s.size, note_signatures(s.note), heartbeat, e);
  if (own && !r)
    r = store_commit(n->env.store, e);
  else if (own)
    store_rollback(n->env.store);
  return r;
}

/* ---- when this node ran ---- */

void line_run_note(struct node *n) {
  struct buf k = {0}, v = {0};
  struct errmsg e = {{0}};
  if (!n->run_from || node_wall(n) < n->run_from) n->run_from = node_wall(n);
  buf_str(&k, "ar/");
  buf_u64be(&k, (uint64_t)n->run_from);
  buf_u64be(&v, (uint64_t)node_wall(n));
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_begin(n->env.store, &e) : no_memory(&e);
  if (!r) {
    r = store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), &e);
    if (!r)
      r = store_commit(n->env.store, &e);
    else
      store_rollback(n->env.store);
  }
  if (r) node_log_line(n, 4, "that this node runs cannot be noted: %s", e.text);
  buf_free(&k);
  buf_free(&v);
}

/* ---- reading ---- */

struct reading {
  struct arena *a;
  int64_t to;
  struct line_kept *list;
  size_t n, cap;
};

static bool mark_parse(struct line_kept *out, struct bytes key, struct bytes v) {
  struct bytes head;
  uint64_t number[3];
  if (!key_time(key, &out->mark.time) || !bytes_line(&v, &head)) return false;
  for (size_t i = 0; i < 3; i++) {
    const size_t sp = i < 2 ? bytes_find(head, 0, ' ') : head.n;
    if (sp == (size_t)-1 || !dec_decode(&number[i], BYTES(head.p, sp)) || number[i] > INT64_MAX) return false;
    head = sp < head.n ? BYTES(head.p + sp + 1, head.n - sp - 1) : BYTES_NONE;
  }
  out->size = number[0];
  out->mark.offered = (int64_t)number[1];
  out->lines = v;
  return true;
}

static parley_err read_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct reading *r = ctx;
  struct line_kept k;
  if (!mark_parse(&k, key, v)) return err_set(e, PARLEY_EIO, "a kept cosignature is damaged");
  if (k.mark.time >= r->to) return PARLEY_EBUSY;
  if (r->n == r->cap) {
    const size_t cap = r->cap ? 2 * r->cap : 64;
    struct line_kept *more = arena_alloc(r->a, cap * sizeof *more);
    if (!more) return no_memory(e);
    if (r->n) memcpy(more, r->list, r->n * sizeof *more);
    r->list = more;
    r->cap = cap;
  }
  k.lines = arena_copy(r->a, k.lines);
  if (!k.lines.p) return no_memory(e);
  r->list[r->n++] = k;
  return PARLEY_OK;
}

struct one {
  int64_t time;
  bool found;
};

static parley_err take_time(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct one *o = ctx;
  (void)v;
  if (!key_time(key, &o->time)) return err_set(e, PARLEY_EIO, "a kept cosignature has a damaged key");
  o->found = true;
  return PARLEY_EBUSY;
}

parley_err line_marks_read(struct node *n, const char *origin, const char *cosigner, int64_t from, int64_t to,
                           struct arena *a, struct line_kept **out, size_t *count, struct errmsg *e) {
  struct buf prefix = {0}, at = {0};
  struct one before = {0};
  struct reading r = {.a = a, .to = to};
  key_marks(&prefix, origin, cosigner);
  key_mark(&at, origin, cosigner, from);
  parley_err err = buf_ok(&prefix) && buf_ok(&at) ? PARLEY_OK : no_memory(e);
  if (!err) err = store_scan(n->env.store, STORE_PEERS, buf_view(&prefix), buf_view(&at), true, take_time, &before, e);
  buf_clear(&at);
  if (!err)
    key_mark(&at, origin, cosigner, before.found && before.time > 0 ? before.time - 1 : from > 0 ? from - 1 : 0);
  if (!err && !buf_ok(&at)) err = no_memory(e);
  if (!err) err = store_scan(n->env.store, STORE_PEERS, buf_view(&prefix), buf_view(&at), false, read_one, &r, e);
  buf_free(&prefix);
  buf_free(&at);
  *out = r.list;
  *count = r.n;
  return err;
}

struct runs {
  struct arena *a;
  int64_t from, to;
  struct line_run *list;
  size_t n, cap;
};

static parley_err read_run(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct runs *r = ctx;
  struct line_run run;
  if (!key_time(key, &run.from) || v.n != 8) return err_set(e, PARLEY_EIO, "a note of when this node ran is damaged");
  run.to = (int64_t)u64be(v.p);
  if (run.from >= r->to) return PARLEY_EBUSY;
  if (run.to <= r->from) return PARLEY_OK;
  if (r->n && run.from < r->list[r->n - 1].to) run.from = r->list[r->n - 1].to; /* the clock was set back */
  if (r->n == r->cap) {
    const size_t cap = r->cap ? 2 * r->cap : 16;
    struct line_run *more = arena_alloc(r->a, cap * sizeof *more);
    if (!more) return no_memory(e);
    if (r->n) memcpy(more, r->list, r->n * sizeof *more);
    r->list = more;
    r->cap = cap;
  }
  r->list[r->n++] = run;
  return PARLEY_OK;
}

parley_err line_runs_read(struct node *n, int64_t from, int64_t to, struct arena *a, struct line_run **out,
                          size_t *count, struct errmsg *e) {
  struct runs r = {.a = a, .from = from, .to = to};
  const parley_err err = store_scan(n->env.store, STORE_PEERS, bytes_str("ar/"), BYTES_NONE, false, read_run, &r, e);
  *out = r.list;
  *count = r.n;
  return err;
}
