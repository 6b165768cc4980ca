/*
 * Building evidence of non-delivery from what a node holds. Nothing is judged here beyond what writing needs: the
 * caller verifies the result as any stranger would.
 */
#include <stdlib.h>
#include <string.h>

#include "record/silence_parts.h"

struct build {
  struct pack *out;
  size_t room; /* files allocated */
  struct arena *a;
  struct errmsg *e;
};

static parley_err put(struct build *b, const char *name, struct bytes data) {
  if (b->out->n == b->room || b->out->n == PACK_FILES_MAX || strlen(name) >= sizeof b->out->files[0].name)
    return err_set(b->e, PARLEY_ELIMIT, "%s: too many files or too long a name", name);
  struct pack_file *f = &b->out->files[b->out->n++];
  memcpy(f->name, name, strlen(name) + 1);
  f->data = data;
  return PARLEY_OK;
}

static parley_err put_buf(struct build *b, const char *name, struct buf *data) {
  const bool ok = buf_ok(data);
  const struct bytes kept = ok ? arena_take(b->a, data) : BYTES_NONE;
  if (!ok) buf_free(data);
  return kept.p ? put(b, name, kept) : err_set(b->e, PARLEY_ENOMEM, "%s: out of memory", name);
}

static parley_err put_proof(struct build *b, const struct silence_input *in, const struct silence_note *note) {
  const struct tlog_proof proof = {
      .index = in->statement.index, .inclusion = in->statement.inclusion, .note = note->text};
  struct buf text = {0};
  tlog_proof_write(&text, &proof);
  return put_buf(b, PACK_PROOF, &text);
}

static parley_err put_cards(struct build *b, const struct pack_cards *cards) {
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; rc == PARLEY_OK && i < cards->n;) {
    const struct pack_run run = pack_run(cards, cards->list[i]->name);
    for (size_t k = 0; k < run.n && rc == PARLEY_OK; k++)
      rc = put(b, pack_run_file(run, k).text, run.list[k]->envelope);
    i += run.n;
  }
  return rc;
}

static parley_err put_charters(struct build *b, const struct silence_input *in) {
  parley_err rc = put(b, PACK_CHARTER, in->charter);
  for (size_t i = 0; i < in->n_predecessors && rc == PARLEY_OK; i++)
    rc = put(b, pack_charter_file(i).text, in->predecessors[i]);
  return rc;
}

static parley_err put_silent(struct build *b, const struct silence_input *in, const struct statement *s,
                             struct pack_run author, const struct pack_cards *cards) {
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; rc == PARLEY_OK && i < in->silent.n; i++) {
    const struct silence_party *p = &in->silent.list[i];
    const struct pack_parties who = {.from = author, .to = {pack_run(cards, p->party)}, .n_to = 1};
    struct pack_note note;
    if (p->size == 0) continue;
    if (who.to[0].n == 0) return err_set(b->e, PARLEY_EINVAL, "the card of %s is missing", p->party);
    rc = pack_note_read(&note, b->a, p->note, &who, s->forum, false, b->e);
    rc = rc == PARLEY_OK ? put(b, silence_party_file(p->party).text, note.text)
                         : err_prefix(b->e, rc, "%s", silence_party_file(p->party).text);
  }
  return rc;
}

static parley_err put_texts(struct build *b, const struct silence_input *in, const struct statement *s) {
  struct buf silent = {0}, attempts = {0}, manual = {0};
  silence_list_write(&silent, &in->silent);
  parley_err rc = put_buf(b, SILENCE_FILE, &silent);
  if (rc != PARLEY_OK) return rc;
  silence_attempts_write(&attempts, &in->attempts);
  rc = put_buf(b, SILENCE_ATTEMPTS, &attempts);
  if (rc != PARLEY_OK) return rc;
  silence_md(&manual, s, &in->silent);
  return put_buf(b, PACK_MANUAL, &manual);
}

static parley_err put_all(struct build *b, const struct silence_input *in, const struct statement *s,
                          const struct charter *c) {
  struct pack_cards cards;
  struct silence_note note;
  parley_err rc = pack_cards_sort(&cards, b->a, in->cards, in->n_cards, b->e);
  if (rc != PARLEY_OK) return rc;
  const struct pack_run author = pack_run(&cards, s->from);
  if (author.n == 0) return err_set(b->e, PARLEY_EINVAL, "the card of %s is missing", s->from);
  rc = silence_note_read(&note, b->a, in->statement.note, author, s->forum, c, b->e);
  if (rc == PARLEY_OK) rc = put(b, PACK_ENTRY, in->statement.entry);
  if (rc == PARLEY_OK) rc = put_proof(b, in, &note);
  if (rc == PARLEY_OK) rc = put(b, PACK_POLICY, note.policy);
  if (rc == PARLEY_OK) rc = put_cards(b, &cards);
  if (rc == PARLEY_OK) rc = put_charters(b, in);
  if (rc == PARLEY_OK) rc = put_silent(b, in, s, author, &cards);
  return rc == PARLEY_OK ? put_texts(b, in, s) : rc;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

static parley_err charter_read(struct charter *out, struct arena *a, struct bytes envelope, struct errmsg *e) {
  struct dsse d;
  const parley_err rc = dsse_parse(&d, a, envelope, CHARTER_SIZE_MAX, e);
  return rc == PARLEY_OK ? charter_parse(out, a, d.payload, e) : rc;
}

parley_err silence_build(struct pack *out, struct arena *a, const struct silence_input *in, struct errmsg *e) {
  struct build b = {.out = out, .room = in->n_cards + in->n_predecessors + in->silent.n + 7, .a = a, .e = e};
  struct charter *c = arena_alloc(a, sizeof *c);
  struct statement s = {0};
  struct dsse envelope;
  *out = (struct pack){0};
  out->files = arena_alloc(a, b.room * sizeof *out->files);
  if (!c || !out->files) return err_set(e, PARLEY_ENOMEM, "out of memory");
  parley_err rc = charter_read(c, a, in->charter, e);
  if (rc == PARLEY_OK) rc = statement_parse(&s, a, in->statement.entry, &envelope, e);
  if (rc == PARLEY_OK) rc = put_all(&b, in, &s, c);
  statement_clear(&s);
  if (rc == PARLEY_OK) qsort(out->files, out->n, sizeof *out->files, by_name);
  return rc;
}
