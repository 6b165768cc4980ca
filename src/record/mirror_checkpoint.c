/*
 * tlog-witness: add-checkpoint, on the mirror's pending checkpoint (tlog-mirror: add-checkpoint).
 */
#include "base/plant.h"
#include "record/mirror_state.h"

/* A request as far as it has been read. c.note is the checkpoint with the log's signature alone, in text. */
struct request {
  struct arena arena;
  struct add_checkpoint r;
  struct note note;
  struct held c;
  struct buf text;
};

static unsigned parse(struct mirror *m, struct request *q, struct bytes body, struct errmsg *e) {
  struct checkpoint c;
  parley_err err = add_checkpoint_parse(&q->r, body, e);
  if (err == PARLEY_ELIMIT && body.n > NOTE_SIZE_MAX) return 413;
  if (!err) err = note_parse(&q->note, &q->arena, q->r.note, e);
  if (!err) err = checkpoint_parse(&c, q->note.text, e);
  if (err) return err == PARLEY_ENOMEM ? 500 : 400;
  q->c = (struct held){c.size, c.root, BYTES_NONE};
  if (bytes_is(c.origin, copy_origin(m->copy))) return 0;
  err_set(e, PARLEY_ENOTFOUND, "this log is not mirrored here");
  return 404;
}

/* Every known key that stands in the note must verify; the others are ignored. The first key is the current one. */
static unsigned check_signature(const struct mirror *m, struct request *q, struct errmsg *e) {
  const struct note_sig *sig = NULL;
  for (size_t i = 0; i < m->n_keys; i++) {
    size_t which;
    const parley_err err = note_verify(&q->note, &m->keys[i], NULL, &which, e);
    if (err == PARLEY_ENOTFOUND) continue;
    if (err) return err == PARLEY_EVERIFY ? 403 : 500;
    if (!sig) sig = &q->note.sigs[which];
  }
  if (!sig) {
    err_set(e, PARLEY_EVERIFY, "the checkpoint is not signed by a key of its log that this mirror knows");
    return 403;
  }
  buf_bytes(&q->text, q->note.text);
  buf_str(&q->text, "\n");
  buf_bytes(&q->text, sig->line);
  q->c.note = buf_view(&q->text);
  return buf_ok(&q->text) ? 0 : 500;
}

static unsigned check_tree(const struct mirror *m, const struct request *q, struct errmsg *e) {
  const struct held *pending = mirror_record_newest(&m->rec);
  const uint64_t have = pending ? pending->size : 0;
  struct hash root;
  merkle_empty(&root);
  if (q->r.old > q->c.size) {
    err_set(e, PARLEY_EINVAL, "the old size is greater than the size of the checkpoint");
    return 400;
  }
  if (q->r.old != have) {
    err_set(e, PARLEY_ECONFLICT, "the pending checkpoint has %llu entries, the request says %llu",
            (unsigned long long)have, (unsigned long long)q->r.old);
    return 409;
  }
  if (q->c.size == 0 && !hash_eq(&q->c.root, &root)) {
    err_set(e, PARLEY_EVERIFY, "a checkpoint of size zero must have the root of the empty tree");
    return 422;
  }
  if (pending) root = pending->root;
  if (PLANTED(skip_consistency_check)) return 0;
  if (merkle_check_consistency(&q->r.proof, have, &root, q->c.size, &q->c.root)) return 0;
  err_set(e, PARLEY_EVERIFY, "the proof does not show that the tree of %llu entries continues the one of %llu",
          (unsigned long long)q->c.size, (unsigned long long)have);
  return 422;
}

/* Durable before the answer (tlog-witness: add-checkpoint). What is held already is not written again. */
static parley_err take(struct mirror *m, const struct held *c, struct errmsg *e) {
  const struct held *pending = mirror_record_newest(&m->rec);
  if (pending && bytes_eq(pending->note, c->note)) return PARLEY_OK;
  struct mirror_record next = m->rec, fresh;
  mirror_record_add(&next, c);
  if (m->cosigned) next.cosigned = m->cosigned; /* of the last renewal, which wrote nothing */
  parley_err err = store_begin(m->store, e);
  if (err) return err;
  err = mirror_record_put(&fresh, m->store, copy_origin(m->copy), &next, e);
  if (err) return mirror_undo(m, err);
  err = PLANTED(forget_pending_checkpoint) ? (store_rollback(m->store), PARLEY_OK) : store_commit(m->store, e);
  if (err) {
    mirror_record_free(&fresh);
    return mirror_undo(m, err);
  }
  mirror_took(m, &fresh);
  return PARLEY_OK;
}

/* A refusal of the log's own checkpoint may be proof against the log. */
static void refuse(struct mirror *m, const struct request *q, unsigned status, struct mirror_answer *out) {
  if (status == 409 || status == 422) {
    struct errmsg why = {0};
    const parley_err err = mirror_fork(m, &q->c, &q->r, &out->fork, &why);
    if (err) {
      out->why = why;
      mirror_fail(out, err);
      return;
    }
    out->odd = status == 422 && !out->fork;
  }
  if (status == 409) {
    const struct held *pending = mirror_record_newest(&m->rec);
    tlog_size_write(&out->body, pending ? pending->size : 0);
    mirror_answer_set(out, 409, CONTENT_SIZE);
  } else if (status >= 500) {
    mirror_fail(out, PARLEY_ENOMEM);
  } else {
    mirror_refuse(out, status);
  }
}

void mirror_add_checkpoint(struct mirror *m, struct bytes body, struct mirror_answer *out) {
  struct request q = {0};
  *out = (struct mirror_answer){0};
  parley_err err = mirror_ready(m, &out->why);
  unsigned status = 0;
  if (!err) {
    status = parse(m, &q, body, &out->why);
    if (!status) status = check_signature(m, &q, &out->why);
    if (!status) status = check_tree(m, &q, &out->why);
    if (!status) err = take(m, &q.c, &out->why);
  }
  if (err)
    mirror_fail(out, err);
  else if (status)
    refuse(m, &q, status, out);
  else
    out->status = 200;
  buf_free(&q.text);
  arena_free(&q.arena);
}
