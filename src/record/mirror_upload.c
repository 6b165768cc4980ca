/*
 * tlog-mirror: add-entries, read as a stream. Each package is authenticated against the checkpoint at upload_end and
 * committed as it completes; the last one is kept for the end of the body (mirror_finish.c).
 */
#include "record/mirror_upload.h"

#include <stdlib.h>

#define EXCESS_MAX 8192      /* entries that may be sent though they are held: one request of 32 packages */
#define SLICE_MAX (64 << 10) /* taken at a time from what the caller feeds, to keep the buffer at one package */

/* ---- the head: the checks of tlog-mirror: Processing, in its order ---- */

static unsigned check_head(const struct mirror *m, const struct add_entries_head *h, struct errmsg *e) {
  const uint64_t next = copy_size(m->copy), held = h->end < next ? h->end : next;
  if (!bytes_is(h->origin, copy_origin(m->copy))) {
    err_set(e, PARLEY_ENOTFOUND, "this log is not mirrored here");
    return 404;
  }
  if (h->start > h->end) {
    err_set(e, PARLEY_EINVAL, "upload_start is greater than upload_end");
    return 400;
  }
  if (m->rec.n == 0) {
    err_set(e, PARLEY_ENOTFOUND, "this mirror has no checkpoint of the log yet; send it with add-checkpoint first");
    return 422;
  }
  if (!mirror_record_find(&m->rec, h->end) || (m->rec.has_own && h->end < m->rec.own.size)) {
    err_set(e, PARLEY_ECONFLICT, "upload_end is not the size of a checkpoint that is pending here");
    return 409;
  }
  if (h->start > next) {
    err_set(e, PARLEY_ECONFLICT, "upload_start is beyond the next entry that is wanted here");
    return 409;
  }
  if (h->start < held && held - h->start > EXCESS_MAX) {
    err_set(e, PARLEY_ECONFLICT, "too many of these entries are held already; start at the next entry");
    return 409;
  }
  return 0;
}

static void answer_head(const struct mirror *m, unsigned status, uint64_t end, struct mirror_answer *answer) {
  if (status == 409)
    mirror_answer_info(answer, status, m, end);
  else
    mirror_refuse(answer, status);
}

static parley_err make(struct mirror_upload **out, struct mirror *m, const struct add_entries_head *h,
                       struct errmsg *e) {
  struct mirror_upload *u = calloc(1, sizeof *u);
  if (u) {
    u->m = m;
    u->start = u->at = h->start;
    u->complete = h->start == h->end;
    u->target = *mirror_record_find(&m->rec, h->end);
    buf_bytes(&u->target_note, u->target.note); /* the record may forget it before the upload ends */
    u->target.note = buf_view(&u->target_note);
  }
  if (!u || !buf_ok(&u->target_note)) {
    mirror_upload_free(u);
    return err_set(e, PARLEY_ENOMEM, "out of memory for an upload");
  }
  *out = u;
  return PARLEY_OK;
}

parley_err mirror_upload_begin(struct mirror_upload **out, struct mirror *m, const struct add_entries_head *h,
                               struct mirror_answer *answer, struct errmsg *e) {
  *out = NULL;
  *answer = (struct mirror_answer){0};
  parley_err err = mirror_ready(m, &answer->why);
  if (!err) {
    const unsigned status = check_head(m, h, &answer->why);
    if (status) {
      answer_head(m, status, h->end, answer);
      return PARLEY_OK;
    }
    err = make(out, m, h, &answer->why);
  }
  if (!err) return PARLEY_OK;
  mirror_fail(answer, err);
  return err_set(e, err, "%s", answer->why.text);
}

void mirror_upload_free(struct mirror_upload *u) {
  if (!u) return;
  buf_free(&u->buf);
  buf_free(&u->target_note);
  free(u);
}

/* ---- authenticating a package ---- */

/* The tree as it will be: what is held before the package, and the package's own leaves. */
struct joint {
  struct merkle_source held;
  uint64_t start;
  const struct hash *leaves;
};

static parley_err read_joint(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const struct joint *j = ctx;
  if ((index + 1) << level <= j->start) return j->held.read(j->held.ctx, level, index, out, e);
  if (level == 0) {
    *out = j->leaves[index - j->start];
    return PARLEY_OK;
  }
  struct hash left, right;
  parley_err err = read_joint(ctx, level - 1, 2 * index, &left, e);
  if (!err) err = read_joint(ctx, level - 1, 2 * index + 1, &right, e);
  if (!err) merkle_node(out, &left, &right);
  return err;
}

static uint64_t package_end(const struct mirror_upload *u) {
  const uint64_t boundary = u->at - u->at % MIRROR_PACKAGE_ENTRIES + MIRROR_PACKAGE_ENTRIES;
  return boundary < u->target.size ? boundary : u->target.size;
}

/* EVERIFY when the entries are not those of the tree at upload_end. */
static parley_err authenticate(struct mirror_upload *u, struct errmsg *e) {
  const uint64_t rounded = u->at - u->at % MIRROR_PACKAGE_ENTRIES, end = u->at + u->package.n;
  for (size_t i = 0; i < u->package.n; i++) merkle_leaf(&u->leaves[i], u->package.entries[i]);
  struct joint j = {copy_source(u->m->copy), u->at, u->leaves};
  struct hash sub;
  const parley_err err = merkle_range(&sub, (struct merkle_source){read_joint, &j}, rounded, end, e);
  if (err || merkle_check_subtree(&u->package.proof, rounded, end, &sub, u->target.size, &u->target.root)) return err;
  return err_set(e, PARLEY_EVERIFY, "the entries [%llu, %llu) are not those of the checkpoint of size %llu",
                 (unsigned long long)u->at, (unsigned long long)end, (unsigned long long)u->target.size);
}

/* ---- committing it ---- */

/* Another upload may have brought some of the same entries (tlog-mirror: Implementation Considerations). */
parley_err mirror_upload_append(struct mirror_upload *u, struct errmsg *e) {
  const uint64_t have = copy_size(u->m->copy), end = u->at + u->package.n;
  if (have >= end) return PARLEY_OK;
  if (have < u->at) return err_set(e, PARLEY_EIO, "entries before %llu are no longer held", (unsigned long long)u->at);
  const size_t skip = (size_t)(have - u->at);
  const parley_err err =
      copy_append_hashed(u->m->copy, u->package.entries + skip, u->leaves + skip, u->package.n - skip, e);
  return err ? err : copy_flush(u->m->copy, e);
}

static parley_err commit(struct mirror_upload *u, struct errmsg *e) {
  if (copy_size(u->m->copy) >= u->at + u->package.n) return PARLEY_OK;
  parley_err err = store_begin(u->m->store, e);
  if (err) return err;
  err = mirror_upload_append(u, e);
  if (!err) err = store_commit(u->m->store, e);
  return err ? mirror_undo(u->m, err) : PARLEY_OK;
}

/* ---- the stream ---- */

static bool fail(struct mirror_upload *u, parley_err err, struct mirror_answer *answer) {
  u->over = true;
  if (err == PARLEY_EVERIFY)
    mirror_refuse(answer, 422);
  else
    mirror_fail(answer, err);
  return false;
}

/* What cannot be a package. What came before it counts; sent again it will be the first and get the plain answer. */
static bool refuse_package(struct mirror_upload *u, parley_err err, struct mirror_answer *answer) {
  u->over = true;
  if (u->packages > 0)
    mirror_answer_info(answer, 202, u->m, u->target.size);
  else
    mirror_refuse(answer, err == PARLEY_ELIMIT ? 413 : 400);
  return false;
}

/* Takes the packages that are wholly in the buffer. */
static bool take_packages(struct mirror_upload *u, struct mirror_answer *answer) {
  while (!u->complete) {
    size_t used;
    const uint64_t end = package_end(u);
    parley_err err = entry_package_parse(&u->package, &used, buf_view(&u->buf), (size_t)(end - u->at),
                                         copy_entry_max(u->m->copy), &answer->why);
    if (err == PARLEY_EBUSY) return true;
    if (err) return refuse_package(u, err, answer);
    err = authenticate(u, &answer->why);
    if (!err && end < u->target.size) err = commit(u, &answer->why);
    if (err) return fail(u, err, answer);
    u->packages++;
    if (end == u->target.size) {
      u->complete = true; /* the package stays in the buffer until finish */
      return true;
    }
    u->at = end;
    buf_drop(&u->buf, used);
  }
  return true;
}

/* Bytes after the last package are discarded (tlog-mirror: Processing). */
bool mirror_upload_data(struct mirror_upload *u, struct bytes in, struct mirror_answer *answer) {
  if (u->over) return false;
  *answer = (struct mirror_answer){0};
  const parley_err err = mirror_ready(u->m, &answer->why);
  if (err) return fail(u, err, answer);
  while (in.n > 0 && !u->complete) {
    const size_t n = in.n < SLICE_MAX ? in.n : SLICE_MAX;
    buf_add(&u->buf, in.p, n);
    in = BYTES(in.p + n, in.n - n);
    if (!buf_ok(&u->buf)) {
      err_set(&answer->why, PARLEY_ENOMEM, "out of memory for an upload");
      return fail(u, PARLEY_ENOMEM, answer);
    }
    if (!take_packages(u, answer)) return false;
  }
  answer->why.text[0] = '\0'; /* a package that is not complete yet is no fault */
  return true;
}
