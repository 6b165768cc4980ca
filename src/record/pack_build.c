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
  struct pack_cards cards;
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

static parley_err put_proof(struct build *b, const char *name, const struct pack_delivery *d, struct bytes note) {
  const struct tlog_proof proof = {.index = d->index, .inclusion = d->inclusion, .note = note};
  struct buf text = {0};
  tlog_proof_write(&text, &proof);
  return put_buf(b, name, &text);
}

static parley_err put_policy(struct build *b, const char *name, const struct pack_signers *signers) {
  struct bytes text;
  const parley_err rc = pack_policy_text(&text, b->a, signers, b->e);
  return rc == PARLEY_OK ? put(b, name, text) : rc;
}

static parley_err put_statement(struct build *b, const struct pack_delivery *d, const struct statement *s,
                                const struct pack_parties *who) {
  struct pack_note note;
  parley_err rc = pack_note_read(&note, b->a, d->note, who, s->forum, false, b->e);
  if (rc != PARLEY_OK) return err_prefix(b->e, rc, "%s", PACK_PROOF);
  rc = put(b, PACK_ENTRY, d->entry);
  if (rc == PARLEY_OK) rc = put_proof(b, PACK_PROOF, d, note.text);
  if (rc == PARLEY_OK) rc = put_policy(b, PACK_POLICY, &note.signers);
  return rc;
}

static parley_err put_cards(struct build *b, const struct pack_parties *who) {
  parley_err rc = put(b, pack_card_file(who->from->name).text, who->from->envelope);
  for (size_t i = 0; i < who->n_to && rc == PARLEY_OK; i++)
    rc = put(b, pack_card_file(who->to[i]->name).text, who->to[i]->envelope);
  return rc;
}

static parley_err put_charters(struct build *b, const struct pack_input *in) {
  parley_err rc = put(b, PACK_CHARTER, in->charter);
  for (size_t i = 0; i < in->n_predecessors && rc == PARLEY_OK; i++)
    rc = put(b, pack_charter_file(i).text, in->predecessors[i]);
  return rc;
}

static parley_err put_bulk(struct build *b, const struct pack_input *in, const struct statement *s,
                           const struct pack_parties *who) {
  struct pack_note note;
  parley_err rc = pack_note_read(&note, b->a, in->bulk_note, who, s->forum, true, b->e);
  if (rc != PARLEY_OK) return err_prefix(b->e, rc, "%s", PACK_BULK_CHECKPOINT);
  rc = put(b, PACK_BULK_CHECKPOINT, note.text);
  if (rc != PARLEY_OK || note.checkpoint.size <= s->bulk_size) return rc;
  struct bytes text;
  rc = pack_consistency_text(&text, b->a, &s->bulk_root, &in->bulk_consistency, b->e);
  return rc == PARLEY_OK ? put(b, PACK_BULK_CONSISTENCY, text) : rc;
}

/* The acknowledgement is delivered to the statement's author, whoever else it may be addressed to. */
static parley_err put_ack_parsed(struct build *b, const struct pack_delivery *d, const struct statement *ack,
                                 const struct card *author) {
  const struct pack_parties who = {.from = pack_card(&b->cards, ack->from), .to = {author}, .n_to = 1};
  if (who.from == NULL) return err_set(b->e, PARLEY_EINVAL, "%s: the card of %s is missing", PACK_ACK_ENTRY, ack->from);
  struct pack_note note;
  parley_err rc = pack_note_read(&note, b->a, d->note, &who, ack->forum, false, b->e);
  if (rc != PARLEY_OK) return err_prefix(b->e, rc, "%s", PACK_ACK_PROOF);
  rc = put(b, PACK_ACK_ENTRY, d->entry);
  if (rc == PARLEY_OK) rc = put_proof(b, PACK_ACK_PROOF, d, note.text);
  if (rc == PARLEY_OK) rc = put_policy(b, PACK_ACK_POLICY, &note.signers);
  return rc;
}

static parley_err put_ack(struct build *b, const struct pack_delivery *d, const struct card *author) {
  struct statement ack = {0};
  struct dsse envelope;
  parley_err rc = statement_parse(&ack, b->a, d->entry, &envelope, b->e);
  if (rc == PARLEY_OK)
    rc = put_ack_parsed(b, d, &ack, author);
  else
    err_prefix(b->e, rc, "%s", PACK_ACK_ENTRY);
  statement_clear(&ack);
  return rc;
}

static parley_err put_manual(struct build *b, const struct pack_input *in, const struct statement *s) {
  struct buf text = {0};
  pack_verify_md(&text, s, in->ack != NULL, in->has_bulk);
  return put_buf(b, PACK_MANUAL, &text);
}

static parley_err put_all(struct build *b, const struct pack_input *in, const struct statement *s) {
  struct pack_parties who;
  parley_err rc = pack_parties_find(&who, s, &b->cards, b->e);
  if (rc == PARLEY_OK) rc = put_statement(b, &in->statement, s, &who);
  if (rc == PARLEY_OK) rc = put_cards(b, &who);
  if (rc == PARLEY_OK) rc = put_charters(b, in);
  if (rc == PARLEY_OK && in->has_bulk) rc = put_bulk(b, in, s, &who);
  if (rc == PARLEY_OK && in->ack != NULL) rc = put_ack(b, in->ack, who.from);
  if (rc == PARLEY_OK) rc = put_manual(b, in, s);
  return rc;
}

static int by_name(const void *a, const void *b) {
  const struct pack_file *x = a, *y = b;
  return strcmp(x->name, y->name);
}

parley_err pack_build(struct pack *out, struct arena *a, const struct pack_input *in, struct errmsg *e) {
  *out = (struct pack){0};
  struct build b = {.out = out, .room = PACK_FILES_MAX, .a = a, .e = e, .cards = {in->cards, in->n_cards}};
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
