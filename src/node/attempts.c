#include "node/attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"

#define PENDING_MAX 8
#define STORE_MS 60000 /* after what is not stored yet */

struct attempts {
  uint64_t next; /* number of the next run */
  bool loaded;
  bool dirty;
  int64_t store_ms;                            /* monotonic; when dirty */
  struct silence_attempt pending[PENDING_MAX]; /* the newest runs, the last of them still growing */
  size_t n;
};

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory"); }

static void key(struct buf *k, const struct push *p, bool with_number, uint64_t number) {
  buf_fmt(k, "at/%s\n%s\n", p->log->origin, p->to->peer->card.name);
  if (with_number) buf_u64be(k, number);
}

/* ---- storing ---- */

static bool field(struct bytes *in, char end, uint64_t *out) {
  const size_t at = bytes_find(*in, 0, (uint8_t)end);
  if (at == (size_t)-1 || !dec_decode(out, BYTES(in->p, at)) || *out > INT64_MAX) return false;
  *in = BYTES(in->p + at + 1, in->n - at - 1);
  return true;
}

static bool text(char *out, size_t size, struct bytes *in) {
  struct bytes line;
  if (!bytes_line(in, &line) || line.n == 0 || line.n >= size) return false;
  for (size_t i = 0; i < line.n; i++)
    if (line.p[i] < 0x20 || line.p[i] >= 0x7f) return false;
  memcpy(out, line.p, line.n);
  out[line.n] = '\0';
  return true;
}

bool attempt_parse(struct silence_attempt *out, struct bytes v) {
  uint64_t first, last, count;
  *out = (struct silence_attempt){0};
  if (!field(&v, ' ', &first) || !field(&v, ' ', &last) || !field(&v, '\n', &count) || count == 0 ||
      !text(out->request, sizeof out->request, &v) || !text(out->outcome, sizeof out->outcome, &v) || v.n > 0)
    return false;
  out->first = (int64_t)first;
  out->last = (int64_t)last;
  out->count = (int64_t)count;
  return true;
}

static parley_err put(struct node *n, const struct push *p, uint64_t number, const struct silence_attempt *t,
                      struct errmsg *e) {
  struct buf k = {0}, v = {0}, old = {0};
  key(&k, p, true, number);
  buf_fmt(&v, "%lld %lld %lld\n%s\n%s\n", (long long)t->first, (long long)t->last, (long long)t->count, t->request,
          t->outcome);
  key(&old, p, true, number - SILENCE_ATTEMPTS_PER_PARTY);
  parley_err r = buf_ok(&k) && buf_ok(&v) && buf_ok(&old)
                     ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e)
                     : no_memory(e);
  if (!r && number >= SILENCE_ATTEMPTS_PER_PARTY) r = store_delete(n->env.store, STORE_PEERS, buf_view(&old), e);
  buf_free(&k);
  buf_free(&v);
  buf_free(&old);
  return r;
}

static parley_err take_number(void *ctx, struct bytes k, struct bytes v, struct errmsg *e) {
  (void)v, (void)e;
  if (k.n >= 8) *(uint64_t *)ctx = u64be(k.p + k.n - 8) + 1;
  return PARLEY_EBUSY; /* the newest is enough */
}

/* Where the numbers go on after a start. */
static parley_err load(struct node *n, struct push *p, struct attempts *t, struct errmsg *e) {
  struct buf prefix = {0};
  if (t->loaded) return PARLEY_OK;
  key(&prefix, p, false, 0);
  const parley_err r = buf_ok(&prefix) ? store_scan(n->env.store, STORE_PEERS, buf_view(&prefix), BYTES_NONE, true,
                                                    take_number, &t->next, e)
                                       : no_memory(e);
  buf_free(&prefix);
  t->loaded = r == PARLEY_OK;
  t->next += t->loaded ? t->n : 0;
  return r;
}

typedef parley_err (*each)(struct node *n, struct push *p, struct attempts *t, struct errmsg *e);

/* Calls f for all that is not stored yet. */
static parley_err for_dirty(struct node *n, each f, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (struct forum *o = n->forums; o && !r; o = o->next)
    for (size_t i = 0; i < o->n_members && !r; i++) {
      struct push *p = &o->members[i].push;
      if (p->attempts && p->attempts->dirty) r = f(n, p, p->attempts, e);
    }
  return r;
}

static parley_err put_pending(struct node *n, struct push *p, struct attempts *t, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (size_t i = 0; !r && i < t->n; i++) r = put(n, p, t->next - t->n + i, &t->pending[i], e);
  return r;
}

static parley_err stored(struct node *n, struct push *p, struct attempts *t, struct errmsg *e) {
  (void)n, (void)p, (void)e;
  t->pending[0] = t->pending[t->n - 1];
  t->n = 1;
  t->dirty = false;
  return PARLEY_OK;
}

static parley_err later(struct node *n, struct push *p, struct attempts *t, struct errmsg *e) {
  (void)p, (void)e;
  t->store_ms = node_mono(n) + STORE_MS;
  return PARLEY_OK;
}

/* All counterparts' in one transaction. */
static parley_err store_all(struct node *n, struct errmsg *e) {
  parley_err r = for_dirty(n, load, e);
  if (!r) r = store_begin(n->env.store, e);
  if (!r) {
    r = for_dirty(n, put_pending, e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  for_dirty(n, r ? later : stored, NULL);
  if (r) node_log_line(n, 4, "the attempts to reach counterparts cannot be stored: %s", e->text);
  return r;
}

/* ---- noting ---- */

/* Part of what a counterpart said may stand in it: plain ASCII, one line. */
static void plain(char *out, size_t size, const char *s) {
  size_t n = 0;
  for (; s[n] && n + 1 < size; n++) out[n] = (uint8_t)s[n] < 0x20 || (uint8_t)s[n] >= 0x7f ? '?' : s[n];
  out[n] = '\0';
}

static void add(struct node *n, struct attempts *t, const char *request, const char *outcome) {
  struct silence_attempt new = {.first = node_wall(n), .last = node_wall(n), .count = 1};
  struct silence_attempt *last = t->n ? &t->pending[t->n - 1] : NULL;
  struct errmsg e = {{0}};
  plain(new.request, sizeof new.request, request);
  plain(new.outcome, sizeof new.outcome, outcome);
  if (!t->dirty) t->store_ms = node_mono(n) + STORE_MS;
  t->dirty = true;
  if (last && !strcmp(last->request, new.request) && !strcmp(last->outcome, new.outcome)) {
    last->count++;
    last->last = new.last;
    return;
  }
  if (t->n == PENDING_MAX && store_all(n, &e)) return; /* this one is lost; those before it are tried again */
  t->dirty = true;
  t->pending[t->n++] = new;
  if (t->loaded) t->next++;
}

struct attempt_of attempt_before(const struct node *n, uint64_t request) {
  for (struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_members; i++) {
      struct push *p = &f->members[i].push;
      if (p->lane.request == request) return (struct attempt_of){p, p->step, p->lane.failures};
    }
  return (struct attempt_of){0};
}

void attempt_after(struct node *n, const struct attempt_of *before, const struct outbound_result *r) {
  static const char *const names[] = {
      [PUSH_ASK] = "checkpoint.pending", [PUSH_CHECKPOINT] = "add-checkpoint", [PUSH_ENTRIES] = "add-entries"};
  struct push *p = before->push;
  if (!p) return;
  const bool failed = p->lane.failures > before->failures;
  const bool cosigned = !failed && before->step == PUSH_ENTRIES && r->answered && r->status == 200;
  if (!failed && !cosigned) return;
  if (!p->attempts && !(p->attempts = calloc(1, sizeof *p->attempts))) return;
  add(n, p->attempts, names[before->step], failed ? p->lane.why : "cosigned");
}

/* ---- in time ---- */

void attempts_run(struct node *n) {
  struct errmsg e = {{0}};
  if (attempts_next_ms(n) <= node_mono(n)) store_all(n, &e);
}

int64_t attempts_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_members; i++) {
      const struct attempts *t = f->members[i].push.attempts;
      if (t && t->dirty && t->store_ms < at) at = t->store_ms;
    }
  return at;
}

void attempts_free(struct push *p) {
  free(p->attempts);
  p->attempts = NULL;
}

/* ---- reading ---- */

struct reading {
  struct silence_attempts *out;
  size_t most, taken;
  const char *party;
};

static parley_err take_one(void *ctx, struct bytes k, struct bytes v, struct errmsg *e) {
  struct reading *r = ctx;
  (void)k;
  if (r->taken == r->most) return PARLEY_EBUSY;
  struct silence_attempt *t = &r->out->list[r->out->n + r->taken];
  if (!attempt_parse(t, v))
    return err_set(e, PARLEY_EIO, "what is stored of the attempts to reach %s is damaged", r->party);
  memcpy(t->party, r->party, strlen(r->party) + 1);
  r->taken++;
  return PARLEY_OK;
}

/* They came newest first. */
static void turn(struct silence_attempt *list, size_t n) {
  for (size_t i = 0; i < n / 2; i++) {
    const struct silence_attempt t = list[i];
    list[i] = list[n - 1 - i];
    list[n - 1 - i] = t;
  }
}

parley_err attempts_read(struct node *n, struct push *p, size_t most, struct silence_attempts *out, struct errmsg *e) {
  struct buf prefix = {0};
  struct reading r = {.out = out, .most = most, .party = p->to->peer->card.name};
  parley_err err = p->attempts && p->attempts->dirty ? store_all(n, e) : PARLEY_OK;
  key(&prefix, p, false, 0);
  if (!err)
    err = buf_ok(&prefix) ? store_scan(n->env.store, STORE_PEERS, buf_view(&prefix), BYTES_NONE, true, take_one, &r, e)
                          : no_memory(e);
  buf_free(&prefix);
  if (err) return err;
  turn(out->list + out->n, r.taken);
  out->n += r.taken;
  return PARLEY_OK;
}
