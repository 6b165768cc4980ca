/*
 * Building an evidence pack (docs/protocol.md, "Evidence pack") from what a node holds. Nothing is judged here beyond what
 * writing needs: the caller verifies the result as any stranger would.
 */
#include <stdlib.h>
#include <string.h>

#include "record/pack_parts.h"

struct build {
  struct pack *out;
  size_t room; /* files allocated */
  struct arena *a;
  struct errmsg *e;
  struct pack_cards known, cards;    /* all, and those that go into the pack */
  struct pack_cover *proofs, *bulks; /* whom each covers */
  size_t n_bulks;
};

static parley_err put(struct build *b, const char *name, struct bytes data) {
  if (b->out->n == b->room || strlen(name) >= sizeof b->out->files[0].name)
    return err_set(b->e, PARLEY_ELIMIT, "%s: too many files or too long a name for an evidence pack", name);
  struct pack_file *f = &b->out->files[b->out->n++];
  memcpy(f->name, name, strlen(name) + 1);
  f->data = data;
  return PARLEY_OK;
}

static parley_err put_buf(struct build *b, const char *name, struct buf *data) {
  if (!buf_ok(data)) {
    buf_free(data);
    return err_set(b->e, PARLEY_ENOMEM, "%s: out of memory", name);
  }
  const struct bytes kept = arena_take(b->a, data);
  return kept.p == NULL ? err_set(b->e, PARLEY_ENOMEM, "%s: out of memory", name) : put(b, name, kept);
}

static parley_err put_proof(struct build *b, const char *name, uint64_t index, const struct proof *inclusion,
                            struct bytes note) {
  const struct tlog_proof proof = {.index = index, .inclusion = *inclusion, .note = note};
  struct buf text = {0};
  tlog_proof_write(&text, &proof);
  return put_buf(b, name, &text);
}

static parley_err put_policy(struct build *b, const char *name, const struct pack_signers *signers) {
  struct bytes text;
  const parley_err rc = pack_policy_text(&text, b->a, signers, b->e);
  return rc == PARLEY_OK ? put(b, name, text) : rc;
}

static parley_err put_delivery(struct build *b, const struct pack_trio *files, const struct pack_delivery *d,
                               const struct statement *s, const struct pack_parties *who) {
  struct pack_note note;
  parley_err rc = pack_note_read(&note, b->a, d->note, who, s->forum, false, b->e);
  if (rc != PARLEY_OK) return err_prefix(b->e, rc, "%s", files->proof);
  rc = put(b, files->entry, d->entry);
  if (rc == PARLEY_OK) rc = put_proof(b, files->proof, d->index, &d->inclusion, note.text);
  if (rc == PARLEY_OK) rc = put_policy(b, files->policy, &note.signers);
  return rc;
}

/* Proof number k of the statement, for those of its addressees that no earlier one covers. */
static parley_err put_one_proof(struct build *b, const struct pack_input *in, size_t k, const struct statement *s,
                                const struct pack_parties *all, bool *taken) {
  const struct pack_file_name proof = pack_numbered(PACK_PROOF, k), policy = pack_numbered(PACK_POLICY, k);
  const struct bytes text = k == 0 ? in->statement.note : in->further[k - 1].note;
  struct pack_note note;
  parley_err rc = pack_cover_read(&b->proofs[k], b->a, text, all, taken, b->e);
  if (rc == PARLEY_OK) rc = pack_note_read(&note, b->a, text, &b->proofs[k].who, s->forum, false, b->e);
  if (rc != PARLEY_OK) return err_prefix(b->e, rc, "%s", proof.text);
  rc = put_proof(b, proof.text, in->statement.index, k == 0 ? &in->statement.inclusion : &in->further[k - 1].proof,
                 note.text);
  return rc == PARLEY_OK ? put_policy(b, policy.text, &note.signers) : rc;
}

static parley_err put_statement(struct build *b, const struct pack_input *in, const struct statement *s,
                                const struct pack_parties *all, bool *taken) {
  b->proofs = arena_alloc(b->a, (in->n_further + 1) * sizeof *b->proofs);
  if (b->proofs == NULL) return err_set(b->e, PARLEY_ENOMEM, "out of memory while building an evidence pack");
  parley_err rc = put(b, PACK_ENTRY, in->statement.entry);
  for (size_t k = 0; k <= in->n_further && rc == PARLEY_OK; k++) rc = put_one_proof(b, in, k, s, all, taken);
  return rc;
}

/* ---- cards ---- */

/*
 * All cards known of a party: who pinned the first of them, perhaps long ago, can follow to the newest (docs/protocol.md, "Identities").
 */
static void add_run(struct build *b, const struct card **list, struct pack_run run) {
  for (size_t i = 0; i < run.n; i++) list[b->cards.n++] = run.list[i];
}

/* The cards of author and addressees, out of all that are known. */
static parley_err choose_cards(struct build *b, const struct pack_input *in, const struct statement *s) {
  struct pack_parties who;
  const struct card **list = arena_alloc(b->a, (in->n_cards + 1) * sizeof *list);
  if (list == NULL) return err_set(b->e, PARLEY_ENOMEM, "out of memory while building an evidence pack");
  b->cards = (struct pack_cards){list, 0};
  parley_err rc = pack_cards_sort(&b->known, b->a, in->cards, in->n_cards, b->e);
  if (rc == PARLEY_OK) rc = pack_parties_find(&who, s, &b->known, b->e);
  if (rc != PARLEY_OK) return rc;
  add_run(b, list, who.from);
  for (size_t i = 0; i < who.n_to; i++) add_run(b, list, who.to[i]);
  return pack_cards_sort(&b->cards, b->a, list, b->cards.n, b->e);
}

static parley_err put_run(struct build *b, struct pack_run run) {
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; i < run.n && rc == PARLEY_OK; i++) rc = put(b, pack_run_file(run, i).text, run.list[i]->envelope);
  return rc;
}

static parley_err put_cards(struct build *b, const struct pack_parties *who) {
  parley_err rc = put_run(b, who->from);
  for (size_t i = 0; i < who->n_to && rc == PARLEY_OK; i++) rc = put_run(b, who->to[i]);
  return rc;
}

/* ---- the rest ---- */

static parley_err put_charters(struct build *b, const struct pack_input *in) {
  parley_err rc = put(b, PACK_CHARTER, in->charter);
  for (size_t i = 0; i < in->n_predecessors && rc == PARLEY_OK; i++)
    rc = put(b, pack_charter_file(i).text, in->predecessors[i]);
  return rc;
}

static parley_err put_one_bulk(struct build *b, const struct pack_input *in, size_t k, const struct statement *s,
                               const struct pack_parties *all, bool *taken) {
  const struct pack_file_name name = pack_numbered(PACK_BULK_CHECKPOINT, k),
                              grown = pack_numbered(PACK_BULK_CONSISTENCY, k);
  const struct bytes text = k == 0 ? in->bulk_note : in->bulk_further[k - 1].note;
  struct pack_note note;
  parley_err rc = pack_cover_read(&b->bulks[k], b->a, text, all, taken, b->e);
  if (rc == PARLEY_OK) rc = pack_note_read(&note, b->a, text, &b->bulks[k].who, s->forum, true, b->e);
  if (rc != PARLEY_OK) return err_prefix(b->e, rc, "%s", name.text);
  rc = put(b, name.text, note.text);
  if (rc != PARLEY_OK || note.checkpoint.size <= s->bulk_size) return rc;
  struct bytes hashes;
  rc = pack_consistency_text(&hashes, b->a, &s->bulk_root,
                             k == 0 ? &in->bulk_consistency : &in->bulk_further[k - 1].proof, b->e);
  return rc == PARLEY_OK ? put(b, grown.text, hashes) : rc;
}

/* delivered: those that the proofs cover. */
static parley_err put_bulk(struct build *b, const struct pack_input *in, const struct statement *s,
                           const struct pack_parties *all, const bool *delivered) {
  bool taken[STATEMENT_TO_MAX];
  for (size_t i = 0; i < STATEMENT_TO_MAX; i++) taken[i] = !delivered[i];
  b->n_bulks = in->n_bulk_further + 1;
  b->bulks = arena_alloc(b->a, b->n_bulks * sizeof *b->bulks);
  if (b->bulks == NULL) return err_set(b->e, PARLEY_ENOMEM, "out of memory while building an evidence pack");
  parley_err rc = PARLEY_OK;
  for (size_t k = 0; k < b->n_bulks && rc == PARLEY_OK; k++) rc = put_one_bulk(b, in, k, s, all, taken);
  return rc;
}

/* It is delivered to the statement's author, whoever else it may be addressed to. */
static parley_err put_answer(struct build *b, const struct pack_trio *files, const struct pack_delivery *d,
                             struct pack_run author) {
  struct statement answer = {0};
  struct dsse envelope;
  if (d == NULL) return PARLEY_OK;
  parley_err rc = statement_parse(&answer, b->a, d->entry, &envelope, b->e);
  struct pack_parties who = {.to = {author}, .n_to = 1};
  if (rc == PARLEY_OK) who.from = pack_run(&b->known, answer.from);
  if (rc == PARLEY_OK && who.from.n == 0) rc = err_set(b->e, PARLEY_EINVAL, "the card of %s is missing", answer.from);
  if (rc == PARLEY_OK)
    rc = put_delivery(b, files, d, &answer, &who);
  else
    err_prefix(b->e, rc, "%s", files->entry);
  statement_clear(&answer);
  return rc;
}

static parley_err put_disclosed(struct build *b, const struct pack_input *in) {
  parley_err rc = in->body.p != NULL ? put(b, PACK_BODY, in->body) : PARLEY_OK;
  if (rc == PARLEY_OK && in->has_range) rc = put(b, PACK_BULK_RANGE, in->range);
  if (rc == PARLEY_OK && in->reject_body.p != NULL) rc = put(b, PACK_REJECT_BODY, in->reject_body);
  return rc;
}

static parley_err put_manual(struct build *b, const struct pack_input *in, const struct statement *s) {
  struct buf text = {0};
  const struct pack_manual m = {.cards = &b->cards,
                                .has_ack = in->ack != NULL,
                                .has_reject = in->reject != NULL,
                                .proofs = b->proofs,
                                .n_proofs = in->n_further + 1,
                                .bulks = b->bulks,
                                .n_bulks = b->n_bulks,
                                .has_body = in->body.p != NULL,
                                .has_reject_body = in->reject_body.p != NULL,
                                .has_files = in->has_range};
  pack_verify_md(&text, s, &m);
  return put_buf(b, PACK_MANUAL, &text);
}

static parley_err put_all(struct build *b, const struct pack_input *in, const struct statement *s) {
  struct pack_parties who;
  bool delivered[STATEMENT_TO_MAX] = {false};
  parley_err rc = choose_cards(b, in, s);
  if (rc == PARLEY_OK) rc = pack_parties_find(&who, s, &b->cards, b->e);
  if (rc == PARLEY_OK) rc = put_statement(b, in, s, &who, delivered);
  if (rc == PARLEY_OK) rc = put_cards(b, &who);
  if (rc == PARLEY_OK) rc = put_charters(b, in);
  if (rc == PARLEY_OK && in->has_bulk) rc = put_bulk(b, in, s, &who, delivered);
  if (rc == PARLEY_OK) rc = put_answer(b, &pack_ack_files, in->ack, who.from);
  if (rc == PARLEY_OK) rc = put_answer(b, &pack_reject_files, in->reject, who.from);
  if (rc == PARLEY_OK) rc = put_disclosed(b, in);
  if (rc == PARLEY_OK) rc = put_manual(b, in, s);
  return rc;
}

static int by_name(const void *a, const void *b) {
  const struct pack_file *x = a, *y = b;
  return strcmp(x->name, y->name);
}

parley_err pack_build(struct pack *out, struct arena *a, const struct pack_input *in, struct errmsg *e) {
  *out = (struct pack){0};
  struct build b = {.out = out, .room = PACK_FILES_MAX, .a = a, .e = e};
  out->files = arena_alloc(a, b.room * sizeof *out->files);
  if (out->files == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while building an evidence pack");
  struct statement s = {0};
  struct dsse envelope;
  parley_err rc = statement_parse(&s, a, in->statement.entry, &envelope, e);
  if (rc == PARLEY_OK) rc = put_all(&b, in, &s);
  statement_clear(&s);
  if (rc == PARLEY_OK)
    qsort(out->files, out->n, sizeof *out->files, by_name);
  else
    *out = (struct pack){0};
  return rc;
}
