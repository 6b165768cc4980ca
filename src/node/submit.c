/*
 * Own statements: accepted in memory, committed to the log as one batch, then signed: store, sync, sign, publish. Statements
 * that arrive together cost one transaction and one checkpoint.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/plant.h"
#include "node/answers.h"
#include "node/call.h"
#include "node/witness.h"

void submission_free(struct submission *s) {
  if (s->call) s->call->submission = NULL;
  sealing_free(s->sealing);
  buf_free(&s->entry);
  buf_free(&s->row);
  free(s);
}

void submit_add(struct node *n, struct submission *s) {
  s->next = NULL;
  *n->queue_end = s;
  n->queue_end = &s->next;
  n->queued++;
}

/* The row as composed lacks what is known only now: the log, the index and the order in the box. */
parley_err submission_put_row(struct node *n, struct submission *s, uint64_t index, struct errmsg *e) {
  struct buf v = {0}, k = {0};
  const uint64_t order = s->order ? s->order : n->next_order;
  buf_fmt(&v, "{\"ours\":true,\"epoch\":%llu,\"index\":%llu,\"order\":%llu,", (unsigned long long)s->forum->log.epoch,
          (unsigned long long)index, (unsigned long long)order);
  buf_bytes(&v, buf_view(&s->row));
  buf_str(&v, "}");
  parley_err r = buf_ok(&v) ? store_put(n->env.store, STORE_STATEMENTS, BYTES(s->id.b, 32), buf_view(&v), e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r && !s->bookkeeping) {
    key_box(&k, false, order);
    r = buf_ok(&k) ? store_put(n->env.store, STORE_INDEX, buf_view(&k), BYTES(s->id.b, 32), e)
                   : err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  if (!r && s->answers) r = answer_put(n, s->answers, s->re, n->own.name, &s->id, e);
  if (!s->order) n->next_order++;
  buf_free(&v);
  buf_free(&k);
  return r;
}

static parley_err put_draft(struct node *n, const struct submission *s, struct errmsg *e) {
  struct buf v = {0};
  char hex[65];
  hex_encode(hex, BYTES(s->id.b, 32));
  buf_fmt(&v, "{\"state\":\"sent\",\"id\":\"%s\",\"at\":%lld}", hex, (long long)node_wall(n));
  parley_err r = buf_ok(&v) ? store_put(n->env.store, STORE_DRAFTS, BYTES(s->draft, 16), buf_view(&v), e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&v);
  return r;
}

/* The log itself, and what is now on the record: no longer the counterparts' held lines, and how much of theirs was heard. */
static parley_err put_forum(struct node *n, struct forum *f, struct errmsg *e) {
  parley_err r = copy_flush(f->log.copy, e);
  for (size_t i = 0; !r && i < f->n_members; i++) {
    struct member *m = &f->members[i];
    for (struct push *p = &m->push; p && !r; p = p->older)
      if (vectors_taken(p)) r = push_save(n, p, true, e);
    if (!r && m->log.heard_taken > m->log.heard) r = intake_save(n, &m->log, m->log.taken_in, m->log.heard_taken, e);
  }
  return r ? r : witness_held_save(n, f, e);
}

static parley_err put_all(struct node *n, struct submission *batch, struct errmsg *e) {
  for (struct submission *s = batch; s; s = s->next) {
    struct bytes entry = buf_view(&s->entry);
    uint64_t index = copy_size(s->forum->log.copy);
    parley_err r = copy_append(s->forum->log.copy, &entry, 1, e);
    s->index = index;
    s->forum->touched = true;
    if (!r) r = submission_put_row(n, s, index, e);
    if (!r && s->has_draft) r = put_draft(n, s, e);
    if (!r && s->card_serial) r = renewal_announced(n, s, e);
    if (!r && s->has_opens) r = openings_committed(n, s, e);
    if (r) return r;
  }
  for (struct forum *f = n->forums; f; f = f->next) {
    parley_err r = f->touched ? put_forum(n, f, e) : PARLEY_OK;
    if (r) return r;
  }
  return PARLEY_OK;
}

static parley_err commit_batch(struct node *n, struct submission *batch, struct errmsg *e) {
  parley_err r = store_begin(n->env.store, e);
  if (r) return r;
  uint64_t order = n->next_order;
  r = put_all(n, batch, e);
  if (!r)
    r = store_commit(n->env.store, e);
  else
    store_rollback(n->env.store);
  if (r && !PLANTED(keep_tree_of_failed_batch)) {
    n->next_order = order;
    for (struct forum *f = n->forums; f; f = f->next) copy_reset(f->log.copy, NULL);
  }
  for (struct forum *f = n->forums; f; f = f->next) f->touched = false;
  return r;
}

static void tell_accepted(struct submission *s) {
  struct node_call *c = s->call;
  if (!c) return;
  c->submission = NULL;
  s->call = NULL;
  if (s->wait_s > 0) {
    call_wait(c, &s->id, s->wait_s, true);
    return;
  }
  struct node_response r = {0};
  answer_done(c, 201, "id", s->id.b, "accepted", &r);
  call_answer(c, &r);
}

static void answer_failed(struct submission *s, parley_err err, const struct errmsg *e) {
  struct node_call *c = s->call;
  if (!c) return;
  struct node_response r = {0};
  c->submission = NULL;
  s->call = NULL;
  answer_err(c, &r, err, e);
  call_answer(c, &r);
}

/* Takes at most one batch off the queue. */
static struct submission *take_batch(struct node *n) {
  struct submission *batch = n->queue, *last = batch;
  size_t k = 1;
  for (; last->next && k < NODE_SUBMIT_BATCH_MAX; k++) last = last->next;
  n->queue = last->next;
  n->queued -= k;
  last->next = NULL;
  if (!n->queue) n->queue_end = &n->queue;
  return batch;
}

/* Puts it before what has come into the queue since. */
static void put_back(struct node *n, struct submission **at, struct submission *s) {
  s->next = *at;
  *at = s;
  if (!s->next) n->queue_end = &s->next;
  n->queued++;
}

static void settle(struct node *n, struct submission *batch, parley_err err, const struct errmsg *e) {
  struct submission **head = &n->queue;
  for (struct forum *f = n->forums; f; f = f->next) vectors_settle(f, err == PARLEY_OK);
  if (err) {
    node_log_line(n, 3, "cannot store what was to be sent: %s", e->text);
    node_retry(n);
  }
  while (batch) {
    struct submission *s = batch;
    batch = s->next;
    if (s->has_draft) drafts_settle(n, s, err == PARLEY_OK);
    if (!err) {
      concerns_add(s);
      witness_hasten(n, s);
    }
    if (err && s->opening) {
      put_back(n, head, s);
      head = &s->next;
      continue;
    }
    if (err && !PLANTED(publish_before_commit))
      answer_failed(s, err, e);
    else
      tell_accepted(s);
    submission_free(s);
  }
}

/* Takes those that could not be made (a body too long, no memory) out of the batch, and tells their callers. */
static struct submission *refuse_unmade(struct node *n, struct submission *batch) {
  for (struct submission **at = &batch; *at;) {
    struct submission *s = *at;
    if (!s->sealing) {
      at = &s->next;
      continue;
    }
    *at = s->next;
    if (s->has_draft) drafts_settle(n, s, false);
    answer_failed(s, s->sealing->err, &s->sealing->why);
    submission_free(s);
  }
  return batch;
}

void submit_commit(struct node *n) {
  parley_err r = PARLEY_OK;
  while (n->queue && !r) {
    struct submission *batch = take_batch(n);
    struct errmsg e = {{0}};
    compose_batch(n, batch);
    batch = refuse_unmade(n, batch);
    if (!batch) continue;
    r = commit_batch(n, batch, &e);
    settle(n, batch, r, &e);
    sign_logs(n);
  }
}

/* ---- signing ---- */

static parley_err sign_log(struct node *n, struct own_log *l, struct errmsg *e) {
  struct signed_tree last, tree = {.size = copy_size(l->copy)};
  struct proof proof = {0};
  struct buf note = {0}, line = {0};
  parley_err r = signer_remembered(n->env.signer, l->origin, SIGNER_LOG, &last, e);
  if (r == PARLEY_ENOTFOUND) last = (struct signed_tree){0}, r = PARLEY_OK;
  if (!r) r = copy_root(l->copy, tree.size, &tree.root, e);
  if (!r && last.size && last.size < tree.size)
    r = merkle_consistency(&proof, copy_source(l->copy), last.size, tree.size, e);
  if (!r) r = signer_checkpoint(n->env.signer, &line, l->origin, &tree, &proof, e);
  checkpoint_text(&note, l->origin, tree.size, &tree.root);
  buf_str(&note, "\n");
  buf_bytes(&note, buf_view(&line));
  if (!r) r = renewal_sign(n, l, &tree, &note, e);
  if (!r && !buf_ok(&note)) r = err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&line);
  if (r) {
    buf_free(&note);
    return r;
  }
  buf_free(&l->note);
  l->note = note;
  l->signed_size = tree.size;
  return PARLEY_OK;
}

static void try_sign(struct node *n, struct own_log *l) {
  struct errmsg e;
  if (l->retry_ms > node_mono(n)) return;
  l->retry_ms = 0;
  if (l->stopped || (!l->ready && !PLANTED(sign_while_unready)) || copy_size(l->copy) == 0 ||
      (copy_size(l->copy) == l->signed_size && l->note.n))
    return;
  parley_err r = sign_log(n, l, &e);
  if (r == PARLEY_EVERIFY) {
    l->stopped = true;
    snprintf(l->why, sizeof l->why, "the signer refuses: %.280s", e.text);
  } else if (r) {
    snprintf(l->why, sizeof l->why, "cannot sign now: %.280s", e.text);
    l->retry_ms = node_mono(n) + NODE_RETRY_MS; /* its own: one log that cannot be signed keeps no other waiting */
  } else {
    l->why[0] = '\0';
    push_wake(n, l);
  }
  if (r) node_log_line(n, 3, "%s: %s", l->origin, l->why);
}

void sign_logs(struct node *n) {
  for (struct forum *f = n->forums; f; f = f->next) {
    try_sign(n, &f->log);
    try_sign(n, &f->bulk);
  }
}

static int64_t sooner(int64_t at, const struct own_log *l) {
  return l->retry_ms && l->retry_ms < at ? l->retry_ms : at;
}

int64_t sign_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct forum *f = n->forums; f; f = f->next) at = sooner(sooner(at, &f->log), &f->bulk);
  return at;
}
