/*
 * Verifying an evidence pack offline (docs/protocol.md, "Evidence pack"). Each step reads one more file and trusts only
 * what the steps before have tied to a key; a failure names the file.
 */
#include <string.h>

#include "record/pack_check.h"

/* A card that belongs to neither side would be bytes that nothing in the pack vouches for. */
static parley_err no_other_cards(struct check *c) {
  const struct statement *s = &c->out->statement;
  for (size_t i = 0; i < c->cards.n; i++) {
    const char *party = c->cards.list[i]->name;
    bool known = strcmp(party, s->from) == 0;
    for (size_t k = 0; k < s->n_to && !known; k++) known = strcmp(party, s->to[k]) == 0;
    if (!known)
      return err_set(c->e, PARLEY_EINVAL, "%s: %s is neither author nor addressee of %s", pack_card_file(party).text,
                     party, PACK_ENTRY);
  }
  return PARLEY_OK;
}

static void party_set(struct pack_party *out, struct pack_run run, bool addressee) {
  memcpy(out->name, run.list[0]->name, sizeof out->name);
  memcpy(out->fingerprint, run.list[0]->fingerprint, sizeof out->fingerprint);
  out->cards = run.list;
  out->n_cards = out->established = run.n;
  out->addressee = addressee;
}

static parley_err list_parties(struct check *c) {
  struct pack_party *parties = arena_alloc(c->a, (c->who.n_to + 1) * sizeof *parties);
  if (parties == NULL) return err_set(c->e, PARLEY_ENOMEM, "out of memory while listing the parties");
  party_set(&parties[0], c->who.from, false);
  for (size_t i = 0; i < c->who.n_to; i++) party_set(&parties[i + 1], c->who.to[i], true);
  c->out->parties = parties;
  c->out->n_parties = c->who.n_to + 1;
  return PARLEY_OK;
}

static parley_err check_entry(struct check *c) {
  struct statement *s = &c->out->statement;
  struct dsse envelope;
  parley_err rc = pack_entry_read(c, s, &envelope, &c->out->id, PACK_ENTRY);
  if (rc != PARLEY_OK) return rc;
  rc = pack_parties_find(&c->who, s, &c->cards, c->e);
  if (rc == PARLEY_OK) rc = list_parties(c);
  if (rc == PARLEY_OK) rc = pack_statement_verify(&c->out->parties[0].card, &envelope, s, c->who.from, c->e);
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

/* Who the proof is for stands in its note. */
static parley_err cover_of(struct check *c, struct pack_cover *out, const char *file, bool *taken) {
  const struct pack_file *f;
  struct tlog_proof proof;
  parley_err rc = pack_need(&f, c->p, file, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = tlog_proof_parse(&proof, c->a, f->data, c->e);
  if (rc == PARLEY_OK) rc = pack_cover_read(out, c->a, proof.note, &c->who, taken, c->e);
  return rc == PARLEY_OK ? rc : err_prefix(c->e, rc, "%s", file);
}

static void set_covered(struct check *c, const struct pack_cover *cover, const struct pack_note *note) {
  for (size_t i = 0; i < cover->n; i++) {
    struct pack_party *p = &c->out->parties[cover->at[i] + 1];
    p->covered = true;
    p->card = note->cards[i];
    p->delivered = note->times[i];
    pack_skew(c->out, note->times[i], c->out->statement.issued);
  }
  c->out->n_covered += cover->n;
}

/* Proof number k; *first: the first addressee that the one before covers. */
static parley_err check_proof(struct check *c, size_t k, bool *taken, size_t *first) {
  const struct pack_file_name proof = pack_numbered(PACK_PROOF, k), policy = pack_numbered(PACK_POLICY, k);
  const struct pack_trio files = {PACK_ENTRY, proof.text, policy.text};
  struct pack_cover cover;
  parley_err rc = cover_of(c, &cover, proof.text, taken);
  struct delivery d = {.files = &files, .statement = &c->out->statement, .id = &c->out->id, .who = &cover.who};
  if (rc == PARLEY_OK) rc = pack_delivery_check(c, &d);
  if (rc != PARLEY_OK) return rc;
  if (k == 0) {
    c->note = d.note;
    c->index = d.index;
    c->out->parties[0].log_card = d.note.log_card;
  } else if (d.note.epoch != c->note.epoch || d.index != c->index) {
    return err_set(c->e, PARLEY_EVERIFY, "%s: it proves the entry at another place than %s", proof.text, PACK_PROOF);
  } else if (cover.at[0] < *first) {
    return err_set(c->e, PARLEY_EINVAL, "%s: proofs stand in the order of the first addressee that each covers",
                   proof.text);
  }
  *first = cover.at[0];
  set_covered(c, &cover, &d.note);
  return PARLEY_OK;
}

static parley_err check_delivery(struct check *c) {
  bool taken[STATEMENT_TO_MAX] = {false};
  size_t first = 0;
  const size_t proofs = pack_count_numbered(c->p, PACK_PROOF), policies = pack_count_numbered(c->p, PACK_POLICY),
               n = 1 + (proofs > policies ? proofs : policies);
  parley_err rc = PARLEY_OK;
  for (size_t k = 0; k < n && rc == PARLEY_OK; k++) rc = check_proof(c, k, taken, &first);
  return rc;
}

/* A caller needs to tell a bad pack from a machine in trouble, not the many ways in which one can be bad. */
static parley_err verdict(parley_err rc) {
  switch (rc) {
  case PARLEY_OK:
  case PARLEY_EIO:
  case PARLEY_ENOMEM:
  case PARLEY_EVERIFY: return rc;
  default: return PARLEY_EINVAL;
  }
}

parley_err pack_verify(struct pack_result *out, struct arena *a, const struct pack *p, const struct pack_known *known,
                       struct errmsg *e) {
  static const struct pack_known nothing = {0};
  static parley_err (*const steps[])(struct check *) = {check_entry,       check_charter,      check_delivery,
                                                        pack_check_files,  pack_check_answers, pack_check_disclosure,
                                                        pack_check_anchors};
  *out = (struct pack_result){0};
  struct check c = {.out = out, .a = a, .p = p, .known = known != NULL ? known : &nothing, .e = e};
  parley_err rc = pack_check_names(p, e);
  if (rc == PARLEY_OK) rc = pack_cards_read(&c.cards, a, p, e);
  for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == PARLEY_OK; i++) rc = steps[i](&c);
  if (rc != PARLEY_OK) pack_result_clear(out);
  return verdict(rc);
}

void pack_result_clear(struct pack_result *r) {
  statement_clear(&r->statement);
  statement_clear(&r->ack);
  statement_clear(&r->reject);
  plain_clear(&r->disclosed.text);
  plain_clear(&r->disclosed.reject_text);
  *r = (struct pack_result){0};
}
