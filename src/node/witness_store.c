/*
 * What is stored of a neutral witness: each cosignature, so that the earliest over any statement can be shown for ever,
 * and how far it is.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "node/witness.h"

static void key_cosignature(struct buf *k, const struct witness *w, bool with_size, uint64_t size) {
  buf_fmt(k, "wc/%s\n%s\n", w->log->origin, w->id);
  if (with_size) buf_u64be(k, size);
}

static void key_state(struct buf *k, const struct witness *w) { buf_fmt(k, "ws/%s\n%s", w->log->origin, w->id); }

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory"); }

/* ---- cosignatures ---- */

static parley_err value_parse(struct cosignature *out, struct bytes key, struct bytes v, struct errmsg *e) {
  struct bytes time, log_line, line;
  uint64_t t;
  if (key.n < 8 || !bytes_line(&v, &time) || !bytes_line(&v, &log_line) || !bytes_line(&v, &line) || v.n ||
      !dec_decode(&t, time) || log_line.n >= sizeof out->log_line || line.n >= sizeof out->line)
    return err_set(e, PARLEY_EIO, "a stored cosignature of a witness is damaged");
  out->size = u64be(key.p + key.n - 8);
  out->time = (int64_t)t;
  snprintf(out->log_line, sizeof out->log_line, "%.*s", (int)log_line.n, (const char *)log_line.p);
  snprintf(out->line, sizeof out->line, "%.*s", (int)line.n, (const char *)line.p);
  return PARLEY_OK;
}

parley_err witness_at(struct node *n, const struct witness *w, uint64_t size, struct cosignature *out,
                      struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  key_cosignature(&k, w, true, size);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, e) : no_memory(e);
  if (!r) r = value_parse(out, buf_view(&k), v, e);
  buf_free(&k);
  arena_free(&a);
  return r;
}

struct first {
  struct cosignature *out;
  bool found;
};

static parley_err take_first(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct first *f = ctx;
  const parley_err r = value_parse(f->out, key, v, e);
  f->found = r == PARLEY_OK;
  return r ? r : PARLEY_EBUSY;
}

parley_err witness_covering(struct node *n, const struct witness *w, uint64_t index, struct cosignature *out,
                            struct errmsg *e) {
  struct buf prefix = {0}, after = {0};
  struct first f = {.out = out};
  key_cosignature(&prefix, w, false, 0);
  key_cosignature(&after, w, true, index);
  const parley_err r = buf_ok(&prefix) && buf_ok(&after) ? store_scan(n->env.store, STORE_PEERS, buf_view(&prefix),
                                                                      buf_view(&after), false, take_first, &f, e)
                                                         : no_memory(e);
  buf_free(&prefix);
  buf_free(&after);
  if (r) return r;
  return f.found ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "%s has not cosigned it yet", w->key.name);
}

/* ---- state: "taken cosigned time held_upto", then a line each that waits: "size due root line" ---- */

parley_err witness_save(struct node *n, const struct witness *w, bool without_taken, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  key_state(&k, w);
  buf_fmt(&v, "%llu %llu %lld %llu\n", (unsigned long long)w->taken, (unsigned long long)w->cosigned,
          (long long)w->cosigned_at, (unsigned long long)w->held_upto);
  for (size_t i = 0; i < w->n_held; i++) {
    const struct held_line *h = &w->held[i];
    if (h->taken && without_taken) continue;
    buf_fmt(&v, "%llu %lld ", (unsigned long long)h->size, (long long)h->due);
    base64_encode(&v, BYTES(h->root.b, sizeof h->root.b), true);
    buf_fmt(&v, " %s\n", h->line);
  }
  const parley_err r =
      buf_ok(&k) && buf_ok(&v) ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e) : no_memory(e);
  buf_free(&k);
  buf_free(&v);
  return r;
}

static bool number(struct bytes *in, uint64_t *out) {
  const size_t sp = bytes_find(*in, 0, ' ');
  const size_t len = sp == (size_t)-1 ? in->n : sp;
  if (!dec_decode(out, BYTES(in->p, len)) || *out > INT64_MAX) return false;
  *in = sp == (size_t)-1 ? BYTES_NONE : BYTES(in->p + len + 1, in->n - len - 1);
  return true;
}

static bool held_parse(struct held_line *h, struct bytes line) {
  uint64_t due;
  if (!number(&line, &h->size) || !number(&line, &due) || line.n < 46 || line.p[44] != ' ' ||
      line.n - 45 >= sizeof h->line || !base64_decode_fixed(h->root.b, sizeof h->root.b, BYTES(line.p, 44), true))
    return false;
  h->due = (int64_t)due;
  h->taken = false;
  snprintf(h->line, sizeof h->line, "%.*s", (int)(line.n - 45), (const char *)line.p + 45);
  return true;
}

static bool state_parse(struct witness *w, struct bytes v) {
  struct bytes line;
  uint64_t at;
  if (!bytes_line(&v, &line) || !number(&line, &w->taken) || !number(&line, &w->cosigned) || !number(&line, &at) ||
      !number(&line, &w->held_upto))
    return false;
  w->cosigned_at = (int64_t)at;
  while (bytes_line(&v, &line))
    if (w->n_held == WITNESS_HELD_MAX || !held_parse(&w->held[w->n_held++], line)) return false;
  return v.n == 0;
}

parley_err witness_load(struct node *n, struct witness *w, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  key_state(&k, w);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, e) : no_memory(e);
  if (r == PARLEY_ENOTFOUND)
    r = PARLEY_OK;
  else if (!r && !state_parse(w, v))
    r = err_set(e, PARLEY_EIO, "what is stored about the witness %s is damaged", w->key.name);
  buf_free(&k);
  arena_free(&a);
  return r;
}

/* ---- a new cosignature ---- */

static parley_err put(struct node *n, struct witness *w, uint64_t size, struct bytes line, int64_t time,
                      struct errmsg *e) {
  struct buf k = {0}, v = {0};
  struct cosignature had;
  parley_err r = witness_at(n, w, size, &had, e);
  if (r == PARLEY_ENOTFOUND) { /* renewals never replace the earliest */
    key_cosignature(&k, w, true, size);
    buf_fmt(&v, "%lld\n%s\n", (long long)time, w->sent_line);
    buf_bytes(&v, line);
    buf_str(&v, "\n");
    r = buf_ok(&k) && buf_ok(&v) ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e) : no_memory(e);
  }
  buf_free(&k);
  buf_free(&v);
  return r ? r : witness_save(n, w, false, e);
}

parley_err witness_add(struct node *n, struct witness *w, uint64_t size, struct bytes line, int64_t time,
                       struct errmsg *e) {
  if (line.n >= SIG_LINE_SIZE) return err_set(e, PARLEY_ELIMIT, "its line has more than %d bytes", SIG_LINE_SIZE - 1);
  const uint64_t taken = w->taken, cosigned = w->cosigned, upto = w->held_upto;
  const int64_t at = w->cosigned_at;
  const size_t n_held = w->n_held;
  w->taken = size;
  if (size >= w->cosigned) {
    w->cosigned = size;
    w->cosigned_at = time;
  }
  witness_held_queue(n, w, size, line);
  parley_err r = store_begin(n->env.store, e);
  if (!r) {
    r = put(n, w, size, line, time, e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  if (!r) {
    n->news++;
    return r;
  }
  w->taken = taken;
  w->cosigned = cosigned;
  w->cosigned_at = at;
  w->held_upto = upto;
  w->n_held = n_held;
  return r;
}
