/*
 * Verifying evidence of non-delivery, offline. Each step reads one more file and trusts only what the steps before have
 * tied to a key; a failure names the file.
 */
#include <string.h>

#include "record/pack_check.h"
#include "record/silence_parts.h"

struct looking {
  struct silence_result *out;
  struct check *c;
  struct silence_note note;
};

bool silence_is(const struct pack *p) { return pack_find(p, SILENCE_FILE) != NULL; }

/* ---- names ---- */

static bool name_known(const char *name) {
  static const char *const fixed[] = {PACK_ENTRY,   PACK_PROOF,       PACK_POLICY, PACK_CHARTER,
                                      SILENCE_FILE, SILENCE_ATTEMPTS, PACK_MANUAL};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    if (strcmp(name, fixed[i]) == 0) return true;
  if (strncmp(name, SILENCE_NOTES, strlen(SILENCE_NOTES)) == 0) return party_name_valid(name + strlen(SILENCE_NOTES));
  for (size_t k = 0; strncmp(name, "charter.", 8) == 0 && k < PACK_FILES_MAX; k++)
    if (strcmp(name, pack_charter_file(k).text) == 0) return true;
  return pack_is_card_name(name);
}

/* ---- who is silent ---- */

static parley_err check_order(const struct silence_list *l, const struct statement *s, struct errmsg *e) {
  size_t at = 0;
  for (size_t i = 0; i < l->n; i++, at++) {
    while (at < s->n_to && strcmp(s->to[at], l->list[i].party) != 0) at++;
    if (at == s->n_to)
      return err_set(e, PARLEY_EINVAL, "%s: %s is no addressee of the statement, or out of its order", SILENCE_FILE,
                     l->list[i].party);
  }
  return PARLEY_OK;
}

static parley_err read_silent(struct looking *k) {
  struct check *c = k->c;
  const struct pack_file *f;
  parley_err rc = pack_need(&f, c->p, SILENCE_FILE, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = silence_list_parse(&k->out->silent, c->a, f->data, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", SILENCE_FILE);
  return check_order(&k->out->silent, &c->out->statement, c->e);
}

static parley_err party_set(struct pack_party *out, const struct pack_cards *cards, const char *name, bool addressee,
                            struct errmsg *e) {
  const struct pack_run run = pack_run(cards, name);
  if (run.n == 0)
    return err_set(e, PARLEY_EINVAL, "%s takes part in it, but %s is missing", name, pack_card_file(name).text);
  memcpy(out->name, run.list[0]->name, sizeof out->name);
  memcpy(out->fingerprint, run.list[0]->fingerprint, sizeof out->fingerprint);
  out->cards = run.list;
  out->n_cards = out->established = run.n;
  out->addressee = addressee;
  out->covered = addressee; /* what is said about it rests on who it is */
  return PARLEY_OK;
}

static parley_err list_parties(struct looking *k) {
  struct check *c = k->c;
  const struct silence_list *l = &k->out->silent;
  struct pack_party *parties = arena_alloc(c->a, (l->n + 1) * sizeof *parties);
  if (parties == NULL) return err_set(c->e, PARLEY_ENOMEM, "out of memory");
  c->out->parties = parties;
  c->out->n_parties = l->n + 1;
  parley_err rc = party_set(&parties[0], &c->cards, c->out->statement.from, false, c->e);
  size_t n_cards = parties[0].n_cards;
  for (size_t i = 0; i < l->n && rc == PARLEY_OK; i++) {
    rc = party_set(&parties[i + 1], &c->cards, l->list[i].party, true, c->e);
    n_cards += parties[i + 1].n_cards;
  }
  if (rc == PARLEY_OK && n_cards != c->cards.n)
    rc = err_set(c->e, PARLEY_EINVAL, "cards/: there is a card of somebody who is neither author nor in %s",
                 SILENCE_FILE);
  return rc;
}

static struct pack_run run_of(const struct looking *k, size_t party) {
  const struct pack_party *p = &k->c->out->parties[party];
  return (struct pack_run){p->cards, p->n_cards};
}

/* ---- the statement ---- */

static parley_err check_entry(struct looking *k) {
  struct check *c = k->c;
  struct dsse envelope;
  parley_err rc = pack_entry_read(c, &c->out->statement, &envelope, &c->out->id, PACK_ENTRY);
  if (rc == PARLEY_OK) rc = read_silent(k);
  if (rc == PARLEY_OK) rc = list_parties(k);
  if (rc != PARLEY_OK) return rc;
  rc = pack_statement_verify(&c->out->parties[0].card, &envelope, &c->out->statement, run_of(k, 0), c->e);
  return rc == PARLEY_OK ? rc : err_prefix(c->e, rc, "%s", PACK_ENTRY);
}

static parley_err check_charter(struct looking *k) {
  struct check *c = k->c;
  const parley_err rc = pack_charter_verify(&c->charter, c->a, c->p, &c->out->statement, &c->cards, c->e);
  if (rc != PARLEY_OK) return rc;
  memcpy(c->out->title, c->charter->title, sizeof c->out->title);
  c->out->tolerance = c->charter->clock_tolerance_seconds;
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

static parley_err read_proof(struct looking *k, struct bytes file) {
  struct check *c = k->c;
  struct tlog_proof proof;
  parley_err rc = tlog_proof_parse(&proof, c->a, file, c->e);
  if (rc != PARLEY_OK) return rc;
  if (proof.extra.p != NULL)
    return err_set(c->e, PARLEY_EINVAL, "it has an `extra` line, which nothing would vouch for");
  rc = silence_note_read(&k->note, c->a, proof.note, run_of(k, 0), c->out->statement.forum, c->charter, c->e);
  if (rc == PARLEY_OK) rc = proof_form(c, &proof, k->note.text, file);
  if (rc != PARLEY_OK) return rc;
  const struct checkpoint *at = &k->note.log.checkpoint;
  if (!merkle_check_inclusion(&proof.inclusion, proof.index, at->size, &c->out->id, &at->root))
    return err_set(c->e, PARLEY_EVERIFY, "it does not prove that %s is entry %llu of the log", PACK_ENTRY,
                   (unsigned long long)proof.index);
  c->out->parties[0].log_card = k->note.log.log_card;
  k->out->index = proof.index;
  k->out->size = at->size;
  for (size_t i = 0; i < k->note.n; i++) {
    k->out->witness[i] = (struct silence_witness){k->note.witness[i]->name, k->note.time[i]};
    pack_skew(c->out, k->note.time[i], c->out->statement.issued);
  }
  k->out->n_witnesses = k->note.n;
  return PARLEY_OK;
}

static parley_err check_proof(struct looking *k) {
  struct check *c = k->c;
  const struct pack_file *proof, *policy;
  parley_err rc = pack_need(&proof, c->p, PACK_PROOF, c->e);
  if (rc == PARLEY_OK) rc = pack_need(&policy, c->p, PACK_POLICY, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = read_proof(k, proof->data);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", PACK_PROOF);
  rc = pack_same(policy->data, k->note.policy, c->e);
  return rc == PARLEY_OK ? rc : err_prefix(c->e, rc, "%s", PACK_POLICY);
}

/* ---- what each silent party has cosigned last ---- */

static parley_err read_note(struct looking *k, size_t i, struct bytes file) {
  struct check *c = k->c;
  const struct silence_party *p = &k->out->silent.list[i];
  const struct pack_parties who = {.from = run_of(k, 0), .to = {run_of(k, i + 1)}, .n_to = 1};
  struct pack_note note;
  parley_err rc = pack_note_read(&note, c->a, file, &who, c->out->statement.forum, false, c->e);
  if (rc == PARLEY_OK) rc = pack_same(file, note.text, c->e);
  if (rc != PARLEY_OK) return rc;
  c->out->parties[i + 1].card = note.cards[0];
  if (note.epoch != k->note.log.epoch)
    return err_set(c->e, PARLEY_EVERIFY, "it is of another epoch of the log than %s", PACK_PROOF);
  if (note.checkpoint.size != p->size || note.times[0] != p->time)
    return err_set(c->e, PARLEY_EVERIFY, "it is not the checkpoint that %s names", SILENCE_FILE);
  if (note.checkpoint.size > k->out->index)
    return err_set(c->e, PARLEY_EVERIFY, "it covers the statement: %s has cosigned it, so that it is delivered",
                   p->party);
  return PARLEY_OK;
}

static parley_err check_notes(struct looking *k) {
  struct check *c = k->c;
  size_t notes = 0, named = 0;
  for (size_t i = 0; i < c->p->n; i++) notes += strncmp(c->p->files[i].name, SILENCE_NOTES, strlen(SILENCE_NOTES)) == 0;
  for (size_t i = 0; i < k->out->silent.n; i++) {
    const struct pack_file *f;
    const struct pack_file_name name = silence_party_file(k->out->silent.list[i].party);
    if (k->out->silent.list[i].size == 0) continue;
    parley_err rc = pack_need(&f, c->p, name.text, c->e);
    if (rc != PARLEY_OK) return rc;
    rc = read_note(k, i, f->data);
    if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", f->name);
    named++;
  }
  if (notes != named)
    return err_set(c->e, PARLEY_EINVAL, "%s: there is a checkpoint that %s does not name", SILENCE_NOTES, SILENCE_FILE);
  return PARLEY_OK;
}

/* ---- attempts ---- */

static parley_err check_attempts(struct looking *k) {
  struct check *c = k->c;
  const struct pack_file *f;
  parley_err rc = pack_need(&f, c->p, SILENCE_ATTEMPTS, c->e);
  if (rc != PARLEY_OK) return rc;
  rc = silence_attempts_parse(&k->out->attempts, c->a, f->data, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", SILENCE_ATTEMPTS);
  size_t party = 0, of_party = 0;
  for (size_t i = 0; i < k->out->attempts.n; i++) {
    const struct silence_attempt *t = &k->out->attempts.list[i];
    for (; party < k->out->silent.n && strcmp(k->out->silent.list[party].party, t->party) != 0; party++) of_party = 0;
    if (party == k->out->silent.n)
      return err_set(c->e, PARLEY_EINVAL, "%s: %s is not in %s, or out of its order", SILENCE_ATTEMPTS, t->party,
                     SILENCE_FILE);
    if (++of_party > SILENCE_ATTEMPTS_PER_PARTY)
      return err_set(c->e, PARLEY_EINVAL, "%s: more than %d of %s", SILENCE_ATTEMPTS, SILENCE_ATTEMPTS_PER_PARTY,
                     t->party);
  }
  return PARLEY_OK;
}

/* A caller needs to tell bad evidence from a machine in trouble, not the many ways in which it can be bad. */
static parley_err verdict(parley_err rc) {
  switch (rc) {
  case PARLEY_OK:
  case PARLEY_EIO:
  case PARLEY_ENOMEM:
  case PARLEY_EVERIFY: return rc;
  default: return PARLEY_EINVAL;
  }
}

parley_err silence_verify(struct silence_result *out, struct arena *a, const struct pack *p,
                          const struct pack_known *known, struct errmsg *e) {
  static const struct pack_known nothing = {0};
  static parley_err (*const steps[])(struct looking *) = {check_entry, check_charter, check_proof, check_notes,
                                                          check_attempts};
  *out = (struct silence_result){0};
  struct check c = {.out = &out->pack, .a = a, .p = p, .known = known != NULL ? known : &nothing, .e = e};
  struct looking k = {.out = out, .c = &c};
  parley_err rc = pack_check_listed(p, name_known, "evidence of non-delivery", e);
  if (rc == PARLEY_OK && p->n_stored > 0)
    rc = err_set(e, PARLEY_EINVAL, "files/: there are none in evidence of non-delivery");
  if (rc == PARLEY_OK) rc = pack_cards_read(&c.cards, a, p, e);
  for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == PARLEY_OK; i++) rc = steps[i](&k);
  if (rc == PARLEY_OK) rc = pack_check_anchors(&c);
  if (rc != PARLEY_OK) silence_result_clear(out);
  return verdict(rc);
}

void silence_result_clear(struct silence_result *r) {
  pack_result_clear(&r->pack);
  *r = (struct silence_result){0};
}
