/*
 * Opening our own next epoch: its two logs and its forum.epoch become durable in one transaction, with the place
 * from which on the old log holds
 * what was accepted and never signed; that is then put into the new log. Key in STORE_LOGS: "rest/" origin of
 * the old log; value: that index.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/epochs.h"
#include "node/recover.h"

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory"); }

static void key_rest(struct buf *k, const struct own_log *l) { buf_fmt(k, "rest/%s", l->origin); }

/* ---- entry 0 ---- */

static parley_err compose_epoch(struct node *n, struct forum *f, const struct forum_epoch *known,
                                struct submission **out, struct errmsg *e) {
  struct statement s = {0};
  compose_common(n, f, &s, "forum.epoch");
  s.body = forum_epoch_body(known);
  const parley_err r = s.body ? compose_alone(n, f, &s, out, e) : no_memory(e);
  statement_clear(&s);
  return r;
}

static parley_err put_row(struct node *n, const struct submission *s, uint64_t epoch, struct errmsg *e) {
  struct buf v = {0};
  buf_fmt(&v, "{\"ours\":true,\"epoch\":%" PRIu64 ",\"index\":0,\"order\":%" PRIu64 ",", epoch, n->next_order);
  buf_bytes(&v, buf_view(&s->row));
  buf_str(&v, "}");
  const parley_err r =
      buf_ok(&v) ? store_put(n->env.store, STORE_STATEMENTS, BYTES(s->id.b, 32), buf_view(&v), e) : no_memory(e);
  buf_free(&v);
  return r;
}

static parley_err put_number(struct node *n, enum store_map t, struct buf *k, uint64_t number, struct errmsg *e) {
  struct buf v = {0};
  buf_fmt(&v, "%" PRIu64, number);
  const parley_err r =
      buf_ok(k) && buf_ok(&v) ? store_put(n->env.store, t, buf_view(k), buf_view(&v), e) : no_memory(e);
  buf_free(k);
  buf_free(&v);
  return r;
}

parley_err own_epoch_put_rest(struct node *n, const struct own_log *l, uint64_t rest, struct errmsg *e) {
  struct buf k = {0};
  key_rest(&k, l);
  return put_number(n, STORE_LOGS, &k, rest, e);
}

/* All of it in the open transaction. The copies are of no use after it. */
static parley_err put_epoch(struct node *n, struct forum *f, const struct submission *s, uint64_t rest,
                            struct errmsg *e) {
  char origin[2][ORIGIN_MAX + 1];
  struct copy *log = NULL, *bulk = NULL;
  struct buf k = {0};
  const uint64_t epoch = f->log.epoch + 1;
  const struct bytes entry = buf_view(&s->entry);
  log_origin(origin[0], n->own.name, f->id, epoch, false);
  log_origin(origin[1], n->own.name, f->id, epoch, true);
  parley_err r = copy_open(&log, n->env.store, origin[0], ENTRY_MAX, e);
  if (!r) r = copy_open(&bulk, n->env.store, origin[1], BULK_ENTRY_MAX, e);
  if (!r) r = copy_append(log, &entry, 1, e);
  if (!r) r = copy_flush(log, e);
  if (!r) r = put_row(n, s, epoch, e);
  if (!r) r = own_epoch_put_rest(n, &f->log, rest, e);
  if (!r) { /* signed with our newest card's key, which is in force from there on (renewal.c) */
    buf_fmt(&k, "ca/%s", origin[0]);
    r = put_number(n, STORE_PEERS, &k, n->own.serial, e);
  }
  copy_close(log);
  copy_close(bulk);
  return r;
}

parley_err own_epoch_next(struct node *n, struct forum *f, const struct forum_epoch *known, uint64_t rest,
                          struct forum **out, struct errmsg *e) {
  struct submission *s = NULL;
  struct forum *fresh = NULL;
  parley_err r = compose_epoch(n, f, known, &s, e);
  if (!r) r = store_begin(n->env.store, e);
  if (!r) {
    r = put_epoch(n, f, s, rest, e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  if (s) submission_free(s);
  if (r) return r;
  n->next_order++;
  r = forum_reload(n, f, &fresh, e);
  if (r) return r;
  if (out) *out = fresh;
  node_log_line(n, 4, "%s: open, after %llu entries of epoch %llu", fresh->log.origin, (unsigned long long)known->size,
                (unsigned long long)known->epoch);
  r = forum_open_log(n, fresh, e);
  return r ? r : own_epoch_rest(n, fresh, e);
}

/* ---- what was accepted in the old epoch and never signed ---- */

/* Into the new log byte for byte; its row and its place in the box move with it. */
static parley_err queue_again(struct node *n, struct forum *f, const struct row *row, const struct statement *s,
                              struct bytes entry, struct errmsg *e) {
  struct submission *sub;
  const parley_err r = compose_again(f, s, entry, row->received, &sub, e);
  if (r) return r;
  sub->order = row->order;
  submit_add(n, sub);
  return PARLEY_OK;
}

static parley_err rest_one(struct node *n, struct forum *f, struct own_log *old, uint64_t index, struct errmsg *e) {
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse d;
  struct hash id;
  struct row row = {0};
  parley_err r = copy_entry(old->copy, index, &a, &entry, e);
  if (!r) {
    statement_id(&id, entry);
    r = row_read(n, &id, &row, e);
    const bool here = !r && row.ours && row.epoch == old->epoch && row.index == index && !row.problem;
    if (here && !statement_parse(&s, &a, entry, &d, NULL)) {
      if (s.n_attach)
        r = row_spoil(n, &id, &row, e);
      else if (recover_goes_on(&s))
        r = queue_again(n, f, &row, &s, entry, e);
    }
    if (r == PARLEY_ENOTFOUND) r = PARLEY_OK;
  }
  row_clear(&row);
  statement_clear(&s);
  arena_free(&a);
  return r;
}

static parley_err rest_of(struct node *n, struct forum *f, struct own_log *old, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  uint64_t from = 0;
  key_rest(&k, old);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_LOGS, buf_view(&k), &a, &v, e) : no_memory(e);
  if (!r && !dec_decode(&from, v))
    r = err_set(e, PARLEY_EIO, "what is stored about the rest of %s is damaged", old->origin);
  for (uint64_t i = from; !r && i < copy_size(old->copy); i++) r = rest_one(n, f, old, i, e);
  buf_free(&k);
  arena_free(&a);
  return r == PARLEY_ENOTFOUND ? PARLEY_OK : r;
}

parley_err own_epoch_rest(struct node *n, struct forum *f, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (struct own_log *old = f->log.older; old && !r; old = old->older) r = rest_of(n, f, old, e);
  return r;
}
