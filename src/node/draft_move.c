/*
 * Sent drafts: staged entries move into the bulk log in slices, one draft at a time so that a file stands in one run; then the
 * statement is queued. What can never be sent ends as failed, with its reason.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "node/draft.h"

#define SLICE 256 /* bulk entries moved at a time: one package */

static bool waits(const struct draft *d) { return d->ready && !d->queued; }

/* The draft that has begun to move: the entries of a file stand in one run, so nothing else moves before it is through. */
static const struct draft *half_moved(const struct node *n) {
  for (const struct draft *d = n->drafts; d; d = d->next)
    if (waits(d) && d->moved > 0 && d->moved < d->total) return d;
  return NULL;
}

static bool blocked(const struct draft *d, const struct draft *half) {
  return half && d != half && d->moved < d->total;
}

static bool comes_before(const struct draft *d, const struct draft *best, const struct draft *half) {
  return !best || d == half || (best != half && d->started < best->started);
}

/* The draft whose turn it is. One that waits after a failure keeps no other waiting, unless it is half moved. */
struct draft *draft_next_ready(const struct node *n, int64_t now) {
  const struct draft *half = half_moved(n);
  struct draft *best = NULL;
  for (struct draft *d = n->drafts; d; d = d->next)
    if (waits(d) && !blocked(d, half) && d->retry_ms <= now && comes_before(d, best, half)) best = d;
  return best;
}

int64_t drafts_next_ms(const struct node *n) {
  const struct draft *half = half_moved(n);
  int64_t at = INT64_MAX;
  if (n->retry_ms) return at; /* commits fail: drafts wait for them, too */
  for (const struct draft *d = n->drafts; d; d = d->next)
    if (waits(d) && !blocked(d, half) && d->retry_ms < at) at = d->retry_ms;
  return at;
}

/* The file that entry number `moved` of the draft belongs to, and its position in it. */
static size_t file_at(const struct draft *d, uint64_t moved, uint64_t *pos) {
  size_t i = 0;
  while (i < d->n_files && moved >= d->files[i].count) moved -= d->files[i++].count;
  *pos = moved;
  return i;
}

struct moving {
  struct copy *copy;
  uint64_t n;
};

static parley_err move_one(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct moving *m = ctx;
  (void)pos;
  m->n++;
  return copy_append(m->copy, &v, 1, e);
}

parley_err draft_move_slice(struct node *n, struct draft *d, struct forum *f, struct errmsg *e) {
  uint64_t pos;
  size_t file = file_at(d, d->moved, &pos);
  struct draft_file *df = &d->files[file];
  uint64_t to = pos + SLICE < df->count ? pos + SLICE : df->count;
  struct moving m = {f->bulk.copy, 0};
  if (pos == 0) df->first = copy_size(f->bulk.copy);
  parley_err r = store_begin(n->env.store, e);
  if (r) return r;
  r = store_seq_scan(n->env.store, STORE_STAGED, d->number, draft_staged_pos(file, pos), draft_staged_pos(file, to),
                     move_one, &m, e);
  if (!r && m.n != to - pos)
    r = err_set(e, PARLEY_ENOTFOUND, "file %zu is no longer staged as it was uploaded; send it again", file);
  r = r ? r
        : store_seq_delete(n->env.store, STORE_STAGED, d->number, draft_staged_pos(file, pos),
                           draft_staged_pos(file, to), e);
  r = r ? r : copy_flush(f->bulk.copy, e);
  uint64_t moved = d->moved;
  d->moved += to - pos;
  r = r ? r : draft_put(n, d, e);
  if (!r)
    r = store_commit(n->env.store, e);
  else if (store_in_transaction(n->env.store))
    store_rollback(n->env.store);
  if (r) {
    d->moved = moved;
    copy_reset(f->bulk.copy, NULL);
  }
  return r;
}

parley_err draft_finish(struct node *n, struct draft *d, struct send_request *r, struct errmsg *e) {
  struct statement *s = &r->s;
  struct plain p = {.body = r->body, .n_files = r->n_files};
  struct submission *sub;
  memcpy(p.seed, d->seed, SEED_SIZE);
  memcpy(p.files, r->files, sizeof p.files);
  for (size_t i = 0; i < d->n_files; i++) {
    struct attach *at = &s->attach[s->n_attach++];
    memcpy(at->sha256, d->files[i].sha256, SHA256_SIZE);
    at->size = d->files[i].size;
    at->first = d->files[i].first;
    at->count = d->files[i].count;
  }
  s->has_bulk = true;
  s->bulk_size = copy_size(r->forum->bulk.copy);
  parley_err err = copy_root(r->forum->bulk.copy, s->bulk_size, &s->bulk_root, e);
  if (!err) err = send_queue(n, r->forum, s, r->kind, &p, &sub, e);
  if (!err) {
    memcpy(sub->draft, d->id, 16);
    sub->has_draft = true;
    d->queued = true;
  }
  wipe(p.seed, sizeof p.seed);
  return err;
}

void drafts_settle(struct node *n, const struct submission *s, bool committed) {
  for (struct draft **p = &n->drafts; *p; p = &(*p)->next)
    if (!memcmp((*p)->id, s->draft, 16)) {
      struct draft *d = *p;
      if (committed) {
        *p = d->next;
        draft_free(d);
      } else {
        d->queued = false;
        d->retry_ms = node_mono(n) + NODE_RETRY_MS;
      }
      return;
    }
}

/* What no repetition mends: the statement, or what it refers to. A closed forum may be open after the next start. */
static bool hopeless(const struct node *n, parley_err err) {
  if (err == PARLEY_ENOTFOUND) return n->forums_failed == 0;
  return err == PARLEY_EINVAL || err == PARLEY_ELIMIT || err == PARLEY_EREFUSED;
}

/* The draft ends: its reason stays, its staged bytes go. */
static parley_err fail(struct node *n, struct draft *d, struct errmsg *e) {
  struct buf v = {0};
  json_t *o = json_object();
  json_put_str(o, "state", "failed");
  json_put_str(o, "why", d->why);
  json_put_int(o, "at", node_wall(n));
  parley_err r =
      o && json_write(&v, o) && buf_ok(&v) ? store_begin(n->env.store, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  json_decref(o);
  if (!r) {
    r = store_seq_delete(n->env.store, STORE_STAGED, d->number, 0, STORE_POS_MAX, e);
    r = r ? r : store_put(n->env.store, STORE_DRAFTS, BYTES(d->id, 16), buf_view(&v), e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  buf_free(&v);
  return r;
}

void draft_remove(struct node *n, struct draft *d) {
  struct draft **p = &n->drafts;
  while (*p != d) p = &(*p)->next;
  *p = d->next;
  draft_free(d);
}

void draft_failed(struct node *n, struct draft *d, parley_err err, struct errmsg *e) {
  size_t len = strnlen(e->text, sizeof d->why - 1);
  while (len > 0 && !utf8_valid(BYTES(e->text, len))) len--; /* it goes out as JSON: no half character at the end */
  if (strncmp(d->why, e->text, len) || d->why[len])
    node_log_line(n, 3, "a statement with files cannot be sent%s: %s", hopeless(n, err) ? "" : " now", e->text);
  snprintf(d->why, sizeof d->why, "%.*s", (int)len, e->text);
  d->retry_ms = node_mono(n) + NODE_RETRY_MS;
  if (hopeless(n, err) && fail(n, d, e) == PARLEY_OK) draft_remove(n, d);
}
