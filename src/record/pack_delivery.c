/*
 * One delivered statement of an evidence pack: entry, proof, policy. The statement itself, its acknowledgement and its
 * rejection are checked alike.
 */
#include "record/pack_check.h"

parley_err pack_entry_read(struct check *c, struct statement *s, struct dsse *envelope, struct hash *id,
                           const char *file) {
  const struct pack_file *f;
  parley_err rc = pack_need(&f, c->p, file, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = statement_parse(s, c->a, f->data, envelope, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", file);
  statement_id(id, f->data);
  return PARLEY_OK;
}

static parley_err proof_form(struct check *c, const struct tlog_proof *proof, struct bytes note, struct bytes file) {
  const struct tlog_proof again = {.index = proof->index, .inclusion = proof->inclusion, .note = note};
  struct buf b = {0};
  tlog_proof_write(&b, &again);
  const parley_err rc = buf_ok(&b) ? pack_same(file, buf_view(&b), c->e)
                                   : err_set(c->e, PARLEY_ENOMEM, "out of memory while writing the proof again");
  buf_free(&b);
  return rc;
}

static parley_err proof_check(struct check *c, struct delivery *d, struct bytes file) {
  struct pack_note *note = &d->note;
  struct tlog_proof proof;
  parley_err rc = tlog_proof_parse(&proof, c->a, file, c->e);
  if (rc != PARLEY_OK) return rc;
  if (proof.extra.p != NULL)
    return err_set(c->e, PARLEY_EINVAL,
                   "a proof in an evidence pack has no `extra` line, for nothing would vouch for it");
  rc = pack_note_read(note, c->a, proof.note, d->who, d->statement->forum, false, c->e);
  if (rc == PARLEY_OK) rc = proof_form(c, &proof, note->text, file);
  if (rc != PARLEY_OK) return rc;
  d->index = proof.index;
  if (!merkle_check_inclusion(&proof.inclusion, proof.index, note->checkpoint.size, d->id, &note->checkpoint.root))
    return err_set(c->e, PARLEY_EVERIFY, "it does not prove that %s is entry %llu of the log", d->files->entry,
                   (unsigned long long)proof.index);
  return PARLEY_OK;
}

/* The file is compared first: what is checked after is the pack's policy and the C2SP rule at once. */
static parley_err policy_check(struct check *c, const struct pack_note *note, struct bytes file) {
  struct bytes text;
  struct tlog_policy *policy;
  struct note parsed;
  parley_err rc = pack_policy_text(&text, c->a, &note->signers, c->e);
  if (rc == PARLEY_OK) rc = pack_same(file, text, c->e);
  if (rc == PARLEY_OK) rc = tlog_policy_parse(&policy, c->a, file, c->e);
  if (rc == PARLEY_OK) rc = note_parse(&parsed, c->a, note->text, c->e);
  if (rc == PARLEY_OK) rc = tlog_policy_check(policy, &parsed, c->e);
  return rc;
}

parley_err pack_delivery_check(struct check *c, struct delivery *d) {
  const struct pack_file *proof, *policy;
  parley_err rc = pack_need(&proof, c->p, d->files->proof, c->e);
  if (rc == PARLEY_OK) rc = pack_need(&policy, c->p, d->files->policy, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = proof_check(c, d, proof->data);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", d->files->proof);
  rc = policy_check(c, &d->note, policy->data);
  return rc == PARLEY_OK ? rc : err_prefix(c->e, rc, "%s", d->files->policy);
}

/* Times are within 0 … 2^63 - 1 (tlog-cosignature: Format; docs/protocol.md, section 1), so that the difference fits. */
void pack_skew(struct pack_result *out, int64_t time, int64_t issued) {
  const int64_t skew = time > issued ? time - issued : issued - time;
  if (skew > out->skew) out->skew = skew;
}
