/*
 * That the files attached to a statement were delivered: a checkpoint of the bulk log with the addressees' cosignatures.
 */
#include <string.h>

#include "record/pack_check.h"

static parley_err bulk_checkpoint(struct check *c, struct pack_note *note, const struct pack_parties *who,
                                  struct bytes file) {
  const struct statement *s = &c->out->statement;
  parley_err rc = pack_note_read(note, c->a, file, who, s->forum, true, c->e);
  if (rc == PARLEY_OK) rc = pack_same(file, note->text, c->e);
  if (rc != PARLEY_OK) return rc;
  if (note->epoch != c->note.epoch)
    return err_set(c->e, PARLEY_EVERIFY, "it is of another epoch than the statement's log");
  if (note->checkpoint.size < s->bulk_size)
    return err_set(c->e, PARLEY_EVERIFY, "its tree of %llu entries does not reach the %llu that %s names",
                   (unsigned long long)note->checkpoint.size, (unsigned long long)s->bulk_size, PACK_ENTRY);
  if (note->checkpoint.size == s->bulk_size && !hash_eq(&note->checkpoint.root, &s->bulk_root))
    return err_set(c->e, PARLEY_EVERIFY, "its root is not the one that %s names as `bulk`", PACK_ENTRY);
  return PARLEY_OK;
}

static parley_err bulk_consistency(struct check *c, const struct checkpoint *to, struct bytes file) {
  const struct statement *s = &c->out->statement;
  struct hash lines[PROOF_MAX + 1];
  struct proof proof;
  const parley_err rc = pack_hashes_parse(lines, &proof.n, PROOF_MAX + 1, file, c->e);
  if (rc != PARLEY_OK) return rc;
  if (proof.n == 0) return err_set(c->e, PARLEY_EINVAL, "the file is empty");
  memcpy(proof.h, lines + 1, --proof.n * sizeof *lines);
  if (!hash_eq(&lines[0], &s->bulk_root))
    return err_set(c->e, PARLEY_EVERIFY, "the old root is not the one that %s names as `bulk`", PACK_ENTRY);
  if (!merkle_check_consistency(&proof, s->bulk_size, &lines[0], to->size, &to->root))
    return err_set(c->e, PARLEY_EVERIFY, "it does not lead from the files that %s names to %s", PACK_ENTRY,
                   PACK_BULK_CHECKPOINT);
  return PARLEY_OK;
}

static parley_err check_one(struct check *c, const struct pack_file *checkpoint,
                            const struct pack_file_name *grown_file, const struct pack_cover *cover) {
  const struct pack_file *consistency = pack_find(c->p, grown_file->text);
  struct pack_note note;
  parley_err rc = bulk_checkpoint(c, &note, &cover->who, checkpoint->data);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", checkpoint->name);
  const bool grown = note.checkpoint.size > c->out->statement.bulk_size;
  if (grown != (consistency != NULL))
    return err_set(c->e, PARLEY_EINVAL, "%s: the file is %s%s%s", grown_file->text,
                   grown ? "missing, though " : "too much, for ", checkpoint->name,
                   grown ? " is larger than the tree that the statement names"
                         : " is the tree that the statement names");
  if (grown) rc = bulk_consistency(c, &note.checkpoint, consistency->data);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", grown_file->text);
  for (size_t i = 0; i < cover->n; i++) c->out->parties[cover->at[i] + 1].files_delivered = note.times[i];
  return PARLEY_OK;
}

/* Number k; *first: the first addressee that the one before covers. */
static parley_err check_number(struct check *c, size_t k, bool *taken, size_t *first) {
  const struct pack_file_name name = pack_numbered(PACK_BULK_CHECKPOINT, k),
                              grown = pack_numbered(PACK_BULK_CONSISTENCY, k);
  const struct pack_file *f;
  struct pack_cover cover;
  parley_err rc = pack_need(&f, c->p, name.text, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = pack_cover_read(&cover, c->a, f->data, &c->who, taken, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", name.text);
  if (k > 0 && cover.at[0] < *first)
    return err_set(c->e, PARLEY_EINVAL, "%s: checkpoints stand in the order of the first addressee that each covers",
                   name.text);
  *first = cover.at[0];
  return check_one(c, f, &grown, &cover);
}

parley_err pack_check_files(struct check *c) {
  bool taken[STATEMENT_TO_MAX] = {false};
  size_t first = 0, n = pack_count_numbered(c->p, PACK_BULK_CHECKPOINT);
  if (n > 0 || pack_find(c->p, PACK_BULK_CHECKPOINT)) n++;
  if (n > 0 && !c->out->statement.has_bulk)
    return err_set(c->e, PARLEY_EINVAL, "%s: %s has no files attached", PACK_BULK_CHECKPOINT, PACK_ENTRY);
  if (n == 0 && pack_find(c->p, PACK_BULK_CONSISTENCY))
    return err_set(c->e, PARLEY_EINVAL, "%s: it is there without %s", PACK_BULK_CONSISTENCY, PACK_BULK_CHECKPOINT);
  parley_err rc = pack_check_gaps(c->p, PACK_BULK_CONSISTENCY, n, c->e);
  for (size_t i = 0; i < c->who.n_to; i++) taken[i] = !c->out->parties[i + 1].covered; /* nothing is said of them */
  for (size_t k = 0; k < n && rc == PARLEY_OK; k++) rc = check_number(c, k, taken, &first);
  for (size_t i = 0; i < c->who.n_to; i++)
    if (c->out->statement.has_bulk && c->out->parties[i + 1].covered && !c->out->parties[i + 1].files_delivered)
      c->out->files_pending = true;
  return rc;
}
