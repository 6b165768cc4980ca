/*
 * Drafts that have come to an end, and the turn of the drafts in node_work.
 */
#include <string.h>

#include "node/draft.h"

#define UPLOAD_IDLE_MS (60 * 60 * 1000) /* after so long without a byte an upload is given up */
#define ENDED_KEPT_S (24 * 60 * 60)     /* how long it can be asked what became of a draft */
#define SWEEP_MS (60 * 60 * 1000)
#define SWEEP_MOST 4096 /* rows at a time */

/* Uploads that nobody goes on with: they would hold their place and their staged bytes until the next start. */
static void drop_idle(struct node *n) {
  const int64_t now = node_mono(n);
  struct draft *next;
  for (struct draft *d = n->drafts; d; d = next) {
    struct errmsg e = {{0}};
    next = d->next;
    if (d->ready || now < d->touched_ms + UPLOAD_IDLE_MS || draft_being_uploaded(n, d)) continue;
    if (draft_drop(n, d->id, d->number, &e) == PARLEY_OK) {
      draft_remove(n, d);
    } else {
      d->touched_ms = now; /* an hour later, then */
      node_log_line(n, 3, "an upload that nobody goes on with cannot be dropped now: %s", e.text);
    }
  }
}

struct sweeping {
  int64_t before;
  struct buf keys;
};

static parley_err find_ended(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct sweeping *s = ctx;
  json_t *o = NULL;
  const char *state = "";
  (void)e;
  if (json_parse(&o, v, STORE_VALUE_MAX, NULL) == PARLEY_OK && !json_get_str(&state, o, "draft", "state", NULL) &&
      (!strcmp(state, "sent") || !strcmp(state, "failed")) && json_integer_value(json_object_get(o, "at")) < s->before)
    buf_bytes(&s->keys, key);
  json_decref(o);
  return s->keys.n < SWEEP_MOST * 16 ? PARLEY_OK : PARLEY_EBUSY;
}

/* Drafts that ended a day ago, once an hour. */
static void sweep(struct node *n) {
  struct sweeping s = {.before = node_wall(n) - ENDED_KEPT_S};
  struct errmsg e = {{0}};
  if (node_mono(n) < n->drafts_sweep_ms) return;
  n->drafts_sweep_ms = node_mono(n) + SWEEP_MS;
  parley_err r = store_scan(n->env.store, STORE_DRAFTS, BYTES_NONE, BYTES_NONE, false, find_ended, &s, &e);
  if (!r && s.keys.n > 0 && buf_ok(&s.keys)) {
    r = store_begin(n->env.store, &e);
    for (size_t at = 0; !r && at + 16 <= s.keys.n; at += 16)
      r = store_delete(n->env.store, STORE_DRAFTS, BYTES(s.keys.p + at, 16), &e);
    if (!r)
      r = store_commit(n->env.store, &e);
    else if (store_in_transaction(n->env.store))
      store_rollback(n->env.store);
  }
  if (r) node_log_line(n, 4, "drafts that have ended cannot be forgotten now: %s", e.text);
  buf_free(&s.keys);
}

void drafts_run(struct node *n) {
  drop_idle(n);
  sweep(n);
  struct draft *d = n->retry_ms ? NULL : draft_next_ready(n, node_mono(n));
  struct arena a = {0};
  struct send_request r;
  struct errmsg e = {{0}};
  if (!d) return;
  parley_err err = send_parse(n, d->request, &r, &a, &e);
  if (!err && d->moved < d->total)
    err = draft_move_slice(n, d, r.forum, &e);
  else if (!err)
    err = draft_finish(n, d, &r, &e);
  if (err) draft_failed(n, d, err, &e);
  arena_free(&a);
}
