/*
 * The cosignatures that counterparts gave our logs, as stored: each is kept, so that the earliest over any statement can be
 * shown for ever. Key: "c/" origin "\n" party "\n" size; value: time, the log's line, the cosignature line.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "node/state.h"

static void key_cosignature(struct buf *k, const char *origin, const char *party, bool with_size, uint64_t size) {
  buf_fmt(k, "c/%s\n%s\n", origin, party);
  if (with_size) buf_u64be(k, size);
}

static void key_push(struct buf *k, const struct push *p) {
  buf_fmt(k, "p/%s\n%s", p->log->origin, p->to->peer->card.name);
}

/* value: "<time>\n<log line>\n<line>\n" */
static parley_err value_parse(struct cosignature *out, struct bytes key, struct bytes v, struct errmsg *e) {
  struct bytes time, log_line, line;
  uint64_t t;
  if (key.n < 8 || !bytes_line(&v, &time) || !bytes_line(&v, &log_line) || !bytes_line(&v, &line) || v.n ||
      !dec_decode(&t, time) || log_line.n >= sizeof out->log_line || line.n >= sizeof out->line)
    return err_set(e, PARLEY_EIO, "a stored cosignature is damaged");
  out->size = u64be(key.p + key.n - 8);
  out->time = (int64_t)t;
  snprintf(out->log_line, sizeof out->log_line, "%.*s", (int)log_line.n, (const char *)log_line.p);
  snprintf(out->line, sizeof out->line, "%.*s", (int)line.n, (const char *)line.p);
  return PARLEY_OK;
}

struct first {
  struct cosignature *out;
  bool found;
  parley_err err;
};

static parley_err take_first(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct first *f = ctx;
  f->err = value_parse(f->out, key, v, e);
  f->found = f->err == PARLEY_OK;
  return f->err ? f->err : PARLEY_EBUSY;
}

parley_err cosignature_covering(struct node *n, const struct own_log *log, const char *party, uint64_t index,
                                struct cosignature *out, struct errmsg *e) {
  struct buf prefix = {0}, after = {0};
  key_cosignature(&prefix, log->origin, party, false, 0);
  key_cosignature(&after, log->origin, party, true, index);
  struct first f = {.out = out};
  parley_err r = buf_ok(&prefix) && buf_ok(&after) ? store_scan(n->env.store, STORE_PEERS, buf_view(&prefix),
                                                                buf_view(&after), false, take_first, &f, e)
                                                   : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&prefix);
  buf_free(&after);
  if (r) return r;
  return f.found ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "%s has not cosigned it yet", party);
}

parley_err cosignature_at(struct node *n, const struct own_log *log, const char *party, uint64_t size,
                          struct cosignature *out, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  key_cosignature(&k, log->origin, party, true, size);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) r = value_parse(out, buf_view(&k), v, e);
  buf_free(&k);
  arena_free(&a);
  return r;
}

/* ---- the row of a push ---- */

parley_err push_save(struct node *n, struct push *p, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  key_push(&k, p);
  buf_fmt(&v, "%llu %lld %llu\n", (unsigned long long)p->cosigned, (long long)p->cosigned_at,
          (unsigned long long)p->held_upto);
  for (size_t i = 0; i < p->n_held; i++) {
    const struct held_line *h = &p->held[i];
    if (h->taken) continue;
    buf_fmt(&v, "%llu %lld ", (unsigned long long)h->size, (long long)h->due);
    base64_encode(&v, BYTES(h->root.b, 32), true);
    buf_fmt(&v, " %s\n", h->line);
  }
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e)
                                          : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&k);
  buf_free(&v);
  return r;
}

static bool take_number(struct bytes *in, uint64_t *out) {
  size_t sp = bytes_find(*in, 0, ' ');
  size_t n = sp == (size_t)-1 ? in->n : sp;
  if (!dec_decode(out, BYTES(in->p, n))) return false;
  *in = sp == (size_t)-1 ? BYTES_NONE : BYTES(in->p + n + 1, in->n - n - 1);
  return true;
}

static bool held_parse(struct held_line *h, struct bytes line) {
  uint64_t due;
  if (!take_number(&line, &h->size) || !take_number(&line, &due) || line.n < 46 || line.p[44] != ' ' ||
      line.n - 45 >= sizeof h->line || !base64_decode_fixed(h->root.b, 32, BYTES(line.p, 44), true))
    return false;
  h->due = (int64_t)due;
  h->taken = false;
  snprintf(h->line, sizeof h->line, "%.*s", (int)(line.n - 45), (const char *)line.p + 45);
  return true;
}

static bool push_parse(struct push *p, struct bytes v) {
  struct bytes line;
  uint64_t at;
  if (!bytes_line(&v, &line) || !take_number(&line, &p->cosigned) || !take_number(&line, &at) ||
      !take_number(&line, &p->held_upto))
    return false;
  p->cosigned_at = (int64_t)at;
  while (bytes_line(&v, &line))
    if (p->n_held == HELD_QUEUE_MAX || !held_parse(&p->held[p->n_held++], line)) return false;
  return true;
}

parley_err push_load(struct node *n, struct push *p, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  key_push(&k, p);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (r == PARLEY_ENOTFOUND)
    r = PARLEY_OK;
  else if (!r && !push_parse(p, v))
    r = err_set(e, PARLEY_EIO, "what is stored about %s is damaged", p->to->peer->card.name);
  p->pending = p->next = p->cosigned;
  p->renewed_ms = node_mono(n);
  buf_free(&k);
  arena_free(&a);
  return r;
}

/* ---- a new cosignature ---- */

/*
 * The line is the earliest over every statement in [held_upto, size). It belongs on the record when one of those is more than
 * bookkeeping and addressed to that party; else the line falls silent. Returns the shortest acknowledgement time among them, 0 for none.
 */
static int64_t shortest_concerned(struct node *n, const struct push *p, uint64_t size) {
  int64_t best = 0;
  for (uint64_t i = p->held_upto; i < size; i++) {
    struct arena a = {0};
    struct bytes entry;
    struct statement s = {0};
    struct dsse d;
    if (!copy_entry(p->log->copy, i, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL))
      for (size_t k = 0; k < s.n_to; k++)
        if (!strcmp(s.to[k], p->to->peer->card.name)) {
          int64_t t = p->log->forum->charter.ack_seconds[s.precedence];
          best = !best || t < best ? t : best;
        }
    statement_clear(&s);
    arena_free(&a);
  }
  (void)n;
  return best;
}

static void queue_held(struct node *n, struct push *p, uint64_t size, struct bytes line) {
  if (p->log->bulk || size <= p->held_upto || p->n_held == HELD_QUEUE_MAX)
    return; /* a full queue leaves held_upto where it is: the next cosignature is taken instead */
  int64_t shortest = shortest_concerned(n, p, size);
  p->held_upto = size;
  if (!shortest) return;
  struct held_line *h = &p->held[p->n_held];
  if (line.n >= sizeof h->line || copy_root(p->log->copy, size, &h->root, NULL)) return;
  h->size = size;
  h->due = node_wall(n) + shortest / 10;
  h->taken = false;
  snprintf(h->line, sizeof h->line, "%.*s", (int)line.n, (const char *)line.p);
  p->n_held++;
}

parley_err cosignature_add(struct node *n, struct push *p, uint64_t size, const char *log_line, struct bytes line,
                           int64_t time, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  struct cosignature had;
  bool first = cosignature_at(n, p->log, p->to->peer->card.name, size, &had, NULL) !=
               PARLEY_OK; /* renewals never replace the earliest */
  uint64_t cosigned = p->cosigned, upto = p->held_upto;
  int64_t at = p->cosigned_at;
  size_t n_held = p->n_held;
  if (size >= p->cosigned) {
    p->cosigned = size;
    p->cosigned_at = time;
  }
  queue_held(n, p, size, line);
  key_cosignature(&k, p->log->origin, p->to->peer->card.name, true, size);
  buf_fmt(&v, "%lld\n%s\n", (long long)time, log_line);
  buf_bytes(&v, line);
  buf_str(&v, "\n");
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_begin(n->env.store, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    if (first) r = store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e);
    if (!r) r = push_save(n, p, e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  if (r) {
    p->cosigned = cosigned;
    p->cosigned_at = at;
    p->held_upto = upto;
    p->n_held = n_held;
  }
  buf_free(&k);
  buf_free(&v);
  return r;
}
