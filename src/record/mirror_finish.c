/*
 * The end of an upload: last package and mirror checkpoint become durable in one transaction, then the signer saves its
 * memory, then it cosigns (design section 5: store, sync, sign, publish).
 */
#include "base/plant.h"
#include "record/mirror_upload.h"

/* Replaces the mirror checkpoint by the pending one at upload_end, unless it is there already. */
static parley_err put_checkpoint(struct mirror_upload *u, int64_t now, struct mirror_record *fresh, struct errmsg *e) {
  struct mirror_record next = u->m->rec;
  mirror_record_advance(&next, &u->target, now);
  return mirror_record_put(fresh, u->m->store, copy_origin(u->m->copy), &next, e);
}

static parley_err commit(struct mirror_upload *u, int64_t now, struct errmsg *e) {
  struct mirror *m = u->m;
  struct mirror_record fresh = {0};
  parley_err err = store_begin(m->store, e);
  if (err) return err;
  err = mirror_upload_append(u, e);
  if (!err) err = put_checkpoint(u, now, &fresh, e);
  if (!err) err = store_commit(m->store, e);
  if (PLANTED(cosign_before_sync) && !store_in_transaction(m->store)) err = PARLEY_OK;
  if (err) {
    mirror_record_free(&fresh);
    return mirror_undo(m, err);
  }
  mirror_took(m, &fresh);
  return PARLEY_OK;
}

static void answer_partial(struct mirror_upload *u, struct mirror_answer *answer) {
  if (u->packages > 0) {
    mirror_answer_info(answer, 202, u->m, u->target.size);
    return;
  }
  err_set(&answer->why, PARLEY_EINVAL, "the body ended before its first package was complete");
  mirror_refuse(answer, 400);
}

static void answer_cosigned(struct mirror *m, struct mirror_answer *answer) {
  const size_t at = m->rec.own.note.n; /* our line follows the log's */
  buf_add(&answer->body, m->note.p + at, m->note.n - at);
  mirror_answer_set(answer, 200, CONTENT_TEXT);
}

void mirror_upload_finish(struct mirror_upload *u, int64_t now, struct mirror_answer *answer) {
  if (u->over) return;
  u->over = true;
  *answer = (struct mirror_answer){0};
  struct mirror *m = u->m;
  parley_err err = mirror_ready(m, &answer->why);
  if (!err && now <= 0) err = err_set(&answer->why, PARLEY_EINVAL, "a cosignature needs a time after 1970");
  if (!err && !u->complete) {
    answer_partial(u, answer);
    return;
  }
  if (!err && m->rec.has_own && u->target.size < m->rec.own.size) { /* another upload went past it */
    err_set(&answer->why, PARLEY_ECONFLICT, "the mirror checkpoint is already beyond upload_end");
    mirror_answer_info(answer, 409, m, u->target.size);
    return;
  }
  if (!err && !(m->rec.has_own && u->target.size == m->rec.own.size)) err = commit(u, now, &answer->why);
  if (!err) err = mirror_cosign(m, now, &answer->why);
  if (err)
    mirror_fail(answer, err);
  else
    answer_cosigned(m, answer);
}
