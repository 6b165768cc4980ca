/*
 * Acknowledgement and rejection in an evidence pack: both are statements to the author that name the one statement, and
 * are delivered to the author in the same way.
 */
#include <string.h>

#include "record/pack_check.h"

struct answer_check {
  enum answer kind;
  const struct pack_trio *files;
  struct statement *statement; /* in the result */
  struct hash *id;
  struct delivery delivery;
  bool there;
};

/* Of an addressee that the pack does not cover an answer would be out of place. */
static bool covered(const struct pack_result *r, const char *party) {
  for (size_t i = 1; i < r->n_parties; i++)
    if (strcmp(r->parties[i].name, party) == 0) return r->parties[i].covered;
  return false;
}

static bool addressed_to(const struct statement *s, const char *party) {
  for (size_t i = 0; i < s->n_to; i++)
    if (strcmp(s->to[i], party) == 0) return true;
  return false;
}

static parley_err fits(struct check *c, const struct answer_check *w, const struct dsse *envelope) {
  const struct statement *s = &c->out->statement, *answer = w->statement;
  size_t card;
  if (strcmp(answer->kind, answer_kind(w->kind)) != 0)
    return err_set(c->e, PARLEY_EINVAL, "it is of kind %s, not of kind %s", answer->kind, answer_kind(w->kind));
  if (!addressed_to(s, answer->from))
    return err_set(c->e, PARLEY_EVERIFY, "%s, who wrote it, is no addressee of the statement", answer->from);
  if (!covered(c->out, answer->from))
    return err_set(c->e, PARLEY_EVERIFY, "nothing in the pack proves the delivery to %s, who wrote it", answer->from);
  if (answer->n_to != 1 || !addressed_to(answer, s->from))
    return err_set(c->e, PARLEY_EVERIFY, "it is not addressed to %s, the statement's author, alone", s->from);
  if (memcmp(answer->forum, s->forum, SHA256_SIZE) != 0)
    return err_set(c->e, PARLEY_EVERIFY, "it belongs to another forum than %s", PACK_ENTRY);
  const parley_err rc = pack_statement_verify(&card, envelope, answer, pack_run(&c->cards, answer->from), c->e);
  if (rc != PARLEY_OK) return rc;
  if (answer->n_re != 1 || memcmp(answer->re[0], c->out->id.b, SHA256_SIZE) != 0)
    return err_set(c->e, PARLEY_EVERIFY, "it answers another statement than %s", PACK_ENTRY);
  return PARLEY_OK;
}

static parley_err check_one(struct check *c, struct answer_check *w) {
  const struct pack_trio *f = w->files;
  struct dsse envelope;
  w->there = pack_find(c->p, f->entry) || pack_find(c->p, f->proof) || pack_find(c->p, f->policy);
  if (!w->there) return PARLEY_OK;
  parley_err rc = pack_entry_read(c, w->statement, &envelope, w->id, f->entry);
  if (rc != PARLEY_OK) return rc;
  rc = fits(c, w, &envelope);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", f->entry);
  const struct pack_parties who = {.from = pack_run(&c->cards, w->statement->from), .to = {c->who.from}, .n_to = 1};
  w->delivery = (struct delivery){.files = f, .statement = w->statement, .id = w->id, .who = &who};
  rc = pack_delivery_check(c, &w->delivery);
  w->delivery.who = NULL;
  if (rc == PARLEY_OK) pack_skew(c->out, w->delivery.note.times[0], w->statement->issued);
  return rc;
}

/* Both stand in one log when the same party wrote them; its order is the one that counts. */
static enum pack_dispute dispute(const struct answer_check *ack, const struct answer_check *reject) {
  if (!reject->there) return DISPUTE_NONE;
  if (!ack->there || strcmp(ack->statement->from, reject->statement->from) != 0) return DISPUTE_OPEN;
  const uint64_t a = ack->delivery.note.epoch, r = reject->delivery.note.epoch;
  const bool ended = a != r ? a > r : ack->delivery.index > reject->delivery.index;
  return ended ? DISPUTE_ENDED : DISPUTE_VOID;
}

parley_err pack_check_answers(struct check *c) {
  struct pack_result *r = c->out;
  struct answer_check ack = {ANSWER_ACK, &pack_ack_files, &r->ack, &r->ack_id, {0}, false},
                      reject = {ANSWER_REJECT, &pack_reject_files, &r->reject, &r->reject_id, {0}, false};
  parley_err rc = check_one(c, &ack);
  if (rc == PARLEY_OK) rc = check_one(c, &reject);
  if (rc != PARLEY_OK) return rc;
  r->has_ack = ack.there;
  r->has_reject = reject.there;
  r->ack_delivered = ack.delivery.note.times[0];
  r->reject_delivered = reject.delivery.note.times[0];
  r->dispute = dispute(&ack, &reject);
  return PARLEY_OK;
}
