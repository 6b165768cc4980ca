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

static parley_err check_delivery(struct check *c) {
  struct delivery d = {
      .files = &pack_statement_files, .statement = &c->out->statement, .id = &c->out->id, .who = &c->who};
  const parley_err rc = pack_delivery_check(c, &d);
  if (rc != PARLEY_OK) return rc;
  c->note = d.note;
  c->out->parties[0].log_card = d.note.log_card;
  for (size_t i = 0; i < c->who.n_to; i++) {
    c->out->parties[i + 1].card = d.note.cards[i];
    c->out->parties[i + 1].delivered = d.note.times[i];
    pack_skew(c->out, d.note.times[i], c->out->statement.issued);
  }
  return PARLEY_OK;
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
