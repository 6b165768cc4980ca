/*
 * A mirror's life, its cosignature, and the answers that all its requests share.
 */
#include "record/mirror.h"

#include <stdlib.h>

#include "record/mirror_state.h"

static parley_err out_of_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory for a mirror"); }

/* ---- life ---- */

/* What the record says and what the copy holds must be one story. */
static parley_err check_held(struct mirror *m, struct errmsg *e) {
  const struct held *newest = mirror_record_newest(&m->rec);
  const uint64_t size = copy_size(m->copy);
  struct hash root;
  if (size > (newest ? newest->size : 0) || (m->rec.has_own && m->rec.own.size > size))
    return err_set(e, PARLEY_EIO, "the entries held of %s do not fit its checkpoints; restore a backup",
                   copy_origin(m->copy));
  if (!m->rec.has_own) return PARLEY_OK;
  const parley_err err = copy_root(m->copy, m->rec.own.size, &root, e);
  if (err || hash_eq(&root, &m->rec.own.root)) return err;
  return err_set(e, PARLEY_EIO, "the tree held of %s is not the one that was mirrored; restore the log from a copy",
                 copy_origin(m->copy));
}

static parley_err load(struct mirror *m, const char *origin, size_t entry_max, struct errmsg *e) {
  parley_err err = copy_open(&m->copy, m->store, origin, entry_max, e);
  if (err) return err;
  err = mirror_record_load(&m->rec, m->store, origin, e);
  if (err && err != PARLEY_ENOTFOUND) return err;
  err = check_held(m, e);
  if (err || !m->rec.has_own) return err;
  /* The line is the same as before the restart. A signer that refuses leaves the mirror without a cosigned note. */
  err = mirror_cosign(m, m->rec.cosigned, e);
  return err == PARLEY_ENOMEM ? err : PARLEY_OK;
}

parley_err mirror_open(struct mirror **out, struct store *s, struct signer *signer, const char *origin,
                       size_t entry_max, const struct vkey *keys, size_t n_keys, struct errmsg *e) {
  struct mirror *m = calloc(1, sizeof *m);
  if (!m) return out_of_memory(e);
  m->store = s;
  m->signer = signer;
  m->keys = keys;
  m->n_keys = n_keys;
  parley_err err = load(m, origin, entry_max, e);
  if (!err) err = mirror_fork_kept(m, &m->forked, e);
  if (err) {
    mirror_close(m);
    return err;
  }
  *out = m;
  return PARLEY_OK;
}

void mirror_set_keys(struct mirror *m, const struct vkey *keys, size_t n_keys) {
  m->keys = keys;
  m->n_keys = n_keys;
}

void mirror_close(struct mirror *m) {
  if (!m) return;
  copy_close(m->copy);
  mirror_record_free(&m->rec);
  buf_free(&m->note);
  free(m);
}

struct copy *mirror_copy(struct mirror *m) {
  return m->copy;
}

void mirror_state(const struct mirror *m, struct mirror_state *out) {
  const struct held *newest = mirror_record_newest(&m->rec);
  *out = (struct mirror_state){.next = copy_size(m->copy), .cosigned = m->cosigned, .forked = m->forked};
  if (newest) {
    out->pending_size = newest->size;
    out->pending_root = newest->root;
    out->pending_note = newest->note;
  }
  if (!m->rec.has_own) return;
  out->size = m->rec.own.size;
  out->root = m->rec.own.root;
  out->note = m->cosigned ? buf_view(&m->note) : BYTES_NONE;
}

/* ---- after failures ---- */

parley_err mirror_ready(struct mirror *m, struct errmsg *e) {
  if (!m->stale) return PARLEY_OK;
  const parley_err err = copy_reset(m->copy, e);
  m->stale = err != PARLEY_OK;
  return err;
}

parley_err mirror_undo(struct mirror *m, parley_err err) {
  if (store_in_transaction(m->store)) store_rollback(m->store);
  m->stale = true;
  mirror_ready(m, NULL); /* when that fails the next request tries again */
  return err;
}

void mirror_took(struct mirror *m, struct mirror_record *fresh) {
  mirror_record_free(&m->rec);
  m->rec = *fresh;
}

/* ---- cosignature ---- */

/* The proof from what the signer remembers; empty where the signer needs none, or will refuse. */
static parley_err prove(struct mirror *m, const struct held *own, struct proof *proof, struct errmsg *e) {
  struct signed_tree last;
  const parley_err err = signer_remembered(m->signer, copy_origin(m->copy), SIGNER_MIRROR, &last, e);
  if (err == PARLEY_ENOTFOUND) return PARLEY_OK;
  if (err || last.size >= own->size) return err;
  return merkle_consistency(proof, copy_source(m->copy), last.size, own->size, e);
}

parley_err mirror_cosign(struct mirror *m, int64_t now, struct errmsg *e) {
  const struct held *own = &m->rec.own;
  struct proof proof = {0};
  struct buf note = {0};
  buf_bytes(&note, own->note);
  parley_err err = prove(m, own, &proof, e);
  if (!err)
    err = signer_cosign(m->signer, &note, copy_origin(m->copy), &(struct signed_tree){own->size, own->root}, now,
                        &proof, e);
  if (!err && !buf_ok(&note)) err = out_of_memory(e);
  if (err) buf_free(&note);
  buf_free(&m->note);
  m->note = note;
  m->cosigned = err ? 0 : now;
  return err;
}

/* ---- answers ---- */

void mirror_answer_set(struct mirror_answer *out, unsigned status, const char *content_type) {
  out->status = status;
  out->content_type = content_type;
  if (buf_ok(&out->body)) return;
  buf_free(&out->body); /* out of memory: no half answer */
  out->body = (struct buf){0};
  out->status = 500;
  out->content_type = NULL;
}

static void set_text(struct mirror_answer *out, unsigned status, const char *text) {
  buf_str(&out->body, text);
  buf_str(&out->body, "\n");
  mirror_answer_set(out, status, CONTENT_TEXT);
}

void mirror_refuse(struct mirror_answer *out, unsigned status) { set_text(out, status, out->why.text); }

void mirror_fail(struct mirror_answer *out, parley_err err) {
  if (err == PARLEY_EFULL)
    set_text(out, 507, "the disk of this mirror is full; nothing of this step was kept, try again later");
  else if (err == PARLEY_EVERIFY)
    set_text(out, 500, "the entries are held, but the signer of this mirror refuses to cosign them; tell its operator");
  else
    set_text(out, 500, "this mirror could not do it; try again later, and tell its operator if that does not help");
}

/* tlog-mirror: Processing. The size that the client named, as long as it is one that may be uploaded to. */
void mirror_answer_info(struct mirror_answer *out, unsigned status, const struct mirror *m, uint64_t end) {
  const struct held *newest = mirror_record_newest(&m->rec);
  const bool valid = mirror_record_find(&m->rec, end) && (!m->rec.has_own || end >= m->rec.own.size);
  const struct mirror_info info = {valid || !newest ? end : newest->size, copy_size(m->copy), BYTES_NONE};
  mirror_info_write(&out->body, &info);
  mirror_answer_set(out, status, CONTENT_MIRROR_INFO);
}
