/*
 * That the files attached to a statement were delivered: a checkpoint of the bulk log with the addressees' cosignatures.
 */
#include <string.h>

#include "record/pack_check.h"

static parley_err bulk_checkpoint(struct check *c, struct pack_note *note, struct bytes file) {
  const struct statement *s = &c->out->statement;
  parley_err rc = pack_note_read(note, c->a, file, &c->who, s->forum, true, c->e);
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

parley_err pack_check_files(struct check *c) {
  const struct pack_file *checkpoint = pack_find(c->p, PACK_BULK_CHECKPOINT),
                         *consistency = pack_find(c->p, PACK_BULK_CONSISTENCY);
  if (checkpoint == NULL) {
    c->out->files_pending = c->out->statement.has_bulk;
    if (consistency != NULL)
      return err_set(c->e, PARLEY_EINVAL, "%s: it is there without %s", PACK_BULK_CONSISTENCY, PACK_BULK_CHECKPOINT);
    return PARLEY_OK;
  }
  if (!c->out->statement.has_bulk)
    return err_set(c->e, PARLEY_EINVAL, "%s: %s has no files attached", PACK_BULK_CHECKPOINT, PACK_ENTRY);
  struct pack_note note;
  parley_err rc = bulk_checkpoint(c, &note, checkpoint->data);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", PACK_BULK_CHECKPOINT);
  const bool grown = note.checkpoint.size > c->out->statement.bulk_size;
  if (grown != (consistency != NULL))
    return err_set(c->e, PARLEY_EINVAL, "%s: the file is %s", PACK_BULK_CONSISTENCY,
                   grown ? "missing, though " PACK_BULK_CHECKPOINT " is larger than the tree that the statement names"
                         : "too much, for " PACK_BULK_CHECKPOINT " is the tree that the statement names");
  if (grown) rc = bulk_consistency(c, &note.checkpoint, consistency->data);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", PACK_BULK_CONSISTENCY);
  for (size_t i = 0; i < c->who.n_to; i++) c->out->parties[i + 1].files_delivered = note.times[i];
  return PARLEY_OK;
}
