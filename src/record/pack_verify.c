/*
 * Verifying an evidence pack offline (docs/protocol.md, "Evidence pack"). Each step reads one more file and trusts only
 * what the steps before have tied to a key; a failure names the file.
 */
#include <string.h>

#include "record/pack_parts.h"

struct check {
  struct pack_result *out;
  struct arena *a;
  const struct pack *p;
  struct errmsg *e;
  struct pack_cards cards;
  struct pack_parties who; /* of the statement */
  const struct charter *charter;
  struct pack_note note; /* of the statement */
};

/* One delivered statement of the pack: of the statement itself or of its acknowledgement. */
struct delivery {
  const char *entry, *proof, *policy; /* file names */
  const struct statement *statement;
  const struct hash *id;
  const struct pack_parties *who;
};

/* ---- entries ---- */

static parley_err entry_read(struct check *c, struct statement *s, struct dsse *envelope, struct hash *id,
                             const char *file) {
  const struct pack_file *f;
  parley_err rc = pack_need(&f, c->p, file, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = statement_parse(s, c->a, f->data, envelope, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", file);
  statement_id(id, f->data);
  return PARLEY_OK;
}

/* A card that belongs to neither side would be bytes that nothing in the pack vouches for. */
static parley_err no_other_cards(struct check *c) {
  for (size_t i = 0; i < c->cards.n; i++) {
    const struct card *card = c->cards.list[i];
    bool known = card == c->who.from;
    for (size_t k = 0; k < c->who.n_to && !known; k++) known = card == c->who.to[k];
    if (!known)
      return err_set(c->e, PARLEY_EINVAL, "%s: %s is neither author nor addressee of %s",
                     pack_card_file(card->name).text, card->name, PACK_ENTRY);
  }
  return PARLEY_OK;
}

static parley_err check_entry(struct check *c) {
  struct statement *s = &c->out->statement;
  struct dsse envelope;
  parley_err rc = entry_read(c, s, &envelope, &c->out->id, PACK_ENTRY);
  if (rc != PARLEY_OK) return rc;
  rc = pack_parties_find(&c->who, s, &c->cards, c->e);
  if (rc == PARLEY_OK) rc = statement_verify(&envelope, s, c->who.from, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", PACK_ENTRY);
  return no_other_cards(c);
}

static parley_err check_charter(struct check *c) {
  const parley_err rc = pack_charter_verify(&c->charter, c->a, c->p, &c->out->statement, &c->cards, c->e);
  if (rc != PARLEY_OK) return rc;
  memcpy(c->out->title, c->charter->title, sizeof c->out->title);
  c->out->tolerance = c->charter->clock_tolerance_seconds;
  return PARLEY_OK;
}

/* ---- proofs ---- */

static parley_err proof_form(struct check *c, const struct tlog_proof *proof, struct bytes note, struct bytes file) {
  const struct tlog_proof again = {.index = proof->index, .inclusion = proof->inclusion, .note = note};
  struct buf b = {0};
  tlog_proof_write(&b, &again);
  const parley_err rc = buf_ok(&b) ? pack_same(file, buf_view(&b), c->e)
                                   : err_set(c->e, PARLEY_ENOMEM, "out of memory while writing the proof again");
  buf_free(&b);
  return rc;
}

static parley_err proof_check(struct check *c, struct pack_note *note, const struct delivery *d, struct bytes file) {
  struct tlog_proof proof;
  parley_err rc = tlog_proof_parse(&proof, c->a, file, c->e);
  if (rc != PARLEY_OK) return rc;
  if (proof.extra.p != NULL)
    return err_set(c->e, PARLEY_EINVAL,
                   "a proof in an evidence pack has no `extra` line, for nothing would vouch for it");
  rc = pack_note_read(note, c->a, proof.note, d->who, d->statement->forum, false, c->e);
  if (rc == PARLEY_OK) rc = proof_form(c, &proof, note->text, file);
  if (rc != PARLEY_OK) return rc;
  if (!merkle_check_inclusion(&proof.inclusion, proof.index, note->checkpoint.size, d->id, &note->checkpoint.root))
    return err_set(c->e, PARLEY_EVERIFY, "it does not prove that %s is entry %llu of the log", d->entry,
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

static parley_err delivery_check(struct check *c, struct pack_note *note, const struct delivery *d) {
  const struct pack_file *proof, *policy;
  parley_err rc = pack_need(&proof, c->p, d->proof, c->e);
  if (rc == PARLEY_OK) rc = pack_need(&policy, c->p, d->policy, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = proof_check(c, note, d, proof->data);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", d->proof);
  rc = policy_check(c, note, policy->data);
  return rc == PARLEY_OK ? rc : err_prefix(c->e, rc, "%s", d->policy);
}

/* Times are within 0 … 2^63 - 1 (tlog-cosignature: Format; docs/protocol.md, section 1), so that the difference fits. */
static void skew_note(struct pack_result *out, int64_t time, int64_t issued) {
  const int64_t skew = time > issued ? time - issued : issued - time;
  if (skew > out->skew) out->skew = skew;
}

static void party_set(struct pack_party *out, const struct card *card, bool addressee, int64_t delivered) {
  memcpy(out->name, card->name, sizeof out->name);
  memcpy(out->fingerprint, card->fingerprint, sizeof out->fingerprint);
  out->addressee = addressee;
  out->delivered = delivered;
}

static parley_err check_delivery(struct check *c) {
  const struct delivery d = {PACK_ENTRY, PACK_PROOF, PACK_POLICY, &c->out->statement, &c->out->id, &c->who};
  const parley_err rc = delivery_check(c, &c->note, &d);
  if (rc != PARLEY_OK) return rc;
  struct pack_party *parties = arena_alloc(c->a, (c->who.n_to + 1) * sizeof *parties);
  if (parties == NULL) return err_set(c->e, PARLEY_ENOMEM, "out of memory while listing the parties");
  party_set(&parties[0], c->who.from, false, 0);
  for (size_t i = 0; i < c->who.n_to; i++) {
    party_set(&parties[i + 1], c->who.to[i], true, c->note.times[i]);
    skew_note(c->out, c->note.times[i], c->out->statement.issued);
  }
  c->out->parties = parties;
  c->out->n_parties = c->who.n_to + 1;
  return PARLEY_OK;
}

/* ---- files ---- */

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
  struct hash old;
  struct proof proof;
  const parley_err rc = pack_consistency_parse(&old, &proof, file, c->e);
  if (rc != PARLEY_OK) return rc;
  if (!hash_eq(&old, &s->bulk_root))
    return err_set(c->e, PARLEY_EVERIFY, "the old root is not the one that %s names as `bulk`", PACK_ENTRY);
  if (!merkle_check_consistency(&proof, s->bulk_size, &old, to->size, &to->root))
    return err_set(c->e, PARLEY_EVERIFY, "it does not lead from the files that %s names to %s", PACK_ENTRY,
                   PACK_BULK_CHECKPOINT);
  return PARLEY_OK;
}

static parley_err check_files(struct check *c) {
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

/* ---- acknowledgement ---- */

static bool addressed_to(const struct statement *s, const char *party) {
  for (size_t i = 0; i < s->n_to; i++)
    if (strcmp(s->to[i], party) == 0) return true;
  return false;
}

static parley_err ack_fits(struct check *c, const struct statement *ack, const struct dsse *envelope) {
  const struct statement *s = &c->out->statement;
  if (strcmp(ack->kind, "ack") != 0)
    return err_set(c->e, PARLEY_EINVAL, "it is of kind %s, no acknowledgement", ack->kind);
  if (!addressed_to(s, ack->from))
    return err_set(c->e, PARLEY_EVERIFY, "%s, who wrote it, is no addressee of the statement", ack->from);
  if (!addressed_to(ack, s->from))
    return err_set(c->e, PARLEY_EVERIFY, "it is not addressed to %s, the statement's author", s->from);
  if (memcmp(ack->forum, s->forum, SHA256_SIZE) != 0)
    return err_set(c->e, PARLEY_EVERIFY, "it belongs to another forum than %s", PACK_ENTRY);
  const parley_err rc = statement_verify(envelope, ack, pack_card(&c->cards, ack->from), c->e);
  if (rc != PARLEY_OK) return rc;
  if (ack->n_re != 1 || memcmp(ack->re[0], c->out->id.b, SHA256_SIZE) != 0)
    return err_set(c->e, PARLEY_EVERIFY, "it acknowledges another statement than %s", PACK_ENTRY);
  return PARLEY_OK;
}

static parley_err check_ack(struct check *c) {
  struct statement *ack = &c->out->ack;
  struct dsse envelope;
  if (!pack_find(c->p, PACK_ACK_ENTRY) && !pack_find(c->p, PACK_ACK_PROOF) && !pack_find(c->p, PACK_ACK_POLICY))
    return PARLEY_OK;
  parley_err rc = entry_read(c, ack, &envelope, &c->out->ack_id, PACK_ACK_ENTRY);
  if (rc != PARLEY_OK) return rc;
  rc = ack_fits(c, ack, &envelope);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", PACK_ACK_ENTRY);
  const struct pack_parties who = {.from = pack_card(&c->cards, ack->from), .to = {c->who.from}, .n_to = 1};
  const struct delivery d = {PACK_ACK_ENTRY, PACK_ACK_PROOF, PACK_ACK_POLICY, ack, &c->out->ack_id, &who};
  struct pack_note note;
  rc = delivery_check(c, &note, &d);
  if (rc != PARLEY_OK) return rc;
  c->out->has_ack = true;
  c->out->ack_delivered = note.times[0];
  skew_note(c->out, note.times[0], ack->issued);
  return PARLEY_OK;
}

/* ---- identities ---- */

static parley_err anchor_fits(struct check *c, struct pack_party *party, const struct anchor *anchors, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(anchors[i].party, party->name) != 0) continue;
    if (memcmp(anchors[i].fingerprint, party->fingerprint, SHA256_SIZE) != 0)
      return err_set(c->e, PARLEY_EVERIFY,
                     "%s: this is not the card of %s that you hold or named; the pack is by someone else, or the card "
                     "was replaced",
                     pack_card_file(party->name).text, party->name);
    party->anchored = true;
  }
  return PARLEY_OK;
}

static parley_err fit_anchors(struct check *c, const struct anchor *anchors, size_t n) {
  bool all = true;
  for (size_t i = 0; i < c->out->n_parties; i++) {
    const parley_err rc = anchor_fits(c, &c->out->parties[i], anchors, n);
    if (rc != PARLEY_OK) return rc;
    all = all && c->out->parties[i].anchored;
  }
  c->out->identified = all;
  return PARLEY_OK;
}

/* A caller needs to tell a bad pack from a machine in trouble, not the many ways in which one can be bad. */
static parley_err verdict(parley_err rc) {
  switch (rc) {
  case PARLEY_OK:
  case PARLEY_ENOMEM:
  case PARLEY_EVERIFY: return rc;
  default: return PARLEY_EINVAL;
  }
}

parley_err pack_verify(struct pack_result *out, struct arena *a, const struct pack *p, const struct anchor *anchors,
                       size_t n_anchors, struct errmsg *e) {
  static parley_err (*const steps[])(struct check *) = {check_entry, check_charter, check_delivery, check_files,
                                                        check_ack};
  *out = (struct pack_result){0};
  struct check c = {.out = out, .a = a, .p = p, .e = e};
  parley_err rc = pack_check_names(p, e);
  if (rc == PARLEY_OK) rc = pack_cards_read(&c.cards, a, p, e);
  for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == PARLEY_OK; i++) rc = steps[i](&c);
  if (rc == PARLEY_OK) rc = fit_anchors(&c, anchors, n_anchors);
  if (rc != PARLEY_OK) pack_result_clear(out);
  return verdict(rc);
}

void pack_result_clear(struct pack_result *r) {
  statement_clear(&r->statement);
  statement_clear(&r->ack);
  *r = (struct pack_result){0};
}
