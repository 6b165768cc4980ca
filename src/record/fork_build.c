/*
 * Building a proof of two histories against one party, and keeping it in one piece.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "record/fork_parts.h"

#define FILES_MAX (PACK_FILES_MAX - 8)
#define KEPT_MAX (512u << 10) /* of all cards together; beyond it only those that signed, and those between */

struct build {
  struct pack *out;
  struct arena *a;
  struct errmsg *e;
  struct pack_run run;
  struct fork_note note[2];
  struct fork_sig log[2], mirror[2];
  struct bytes text[2];
};

static parley_err no_memory(struct build *b) {
  return err_set(b->e, PARLEY_ENOMEM, "out of memory while building a proof of two histories");
}

static parley_err put(struct build *b, const char *name, struct bytes data) {
  struct pack_file *f = &b->out->files[b->out->n++];
  memcpy(f->name, name, strlen(name) + 1);
  f->data = data;
  return data.p != NULL ? PARLEY_OK : no_memory(b);
}

static parley_err put_buf(struct build *b, const char *name, struct buf *data) {
  const bool ok = buf_ok(data);
  const struct bytes kept = ok ? arena_take(b->a, data) : BYTES_NONE;
  if (!ok) buf_free(data);
  return put(b, name, kept);
}

/* ---- notes ---- */

static parley_err find(struct build *b, const struct fork_tree *t, size_t i, const char *origin) {
  parley_err rc = fork_sig_find(&b->log[i], &b->note[i], b->run, origin, b->e);
  if (rc == PARLEY_OK) rc = fork_sig_find(&b->mirror[i], &b->note[i], b->run, NULL, b->e);
  const struct checkpoint *c = &b->note[i].checkpoint;
  if (rc == PARLEY_OK && (c->size != t->size || !hash_eq(&c->root, &t->root)))
    rc = err_set(b->e, PARLEY_EINVAL, "a note is over another tree than it was taken for");
  return rc;
}

/* The text as it was signed, and the lines that convict, as they stood there. */
static parley_err put_note(struct build *b, size_t i, const char *name) {
  const struct note *n = &b->note[i].note;
  struct buf text = {0};
  buf_bytes(&text, n->text);
  buf_str(&text, "\n");
  if (b->log[0].there && b->log[1].there) buf_bytes(&text, n->sigs[b->log[i].line].line);
  if (b->mirror[0].there && b->mirror[1].there) buf_bytes(&text, n->sigs[b->mirror[i].line].line);
  return put_buf(b, name, &text);
}

/* A log's key counts for the party that the origin names. */
static const char *origin_of(struct build *b, const char *party) {
  char author[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  const struct bytes origin = b->note[0].checkpoint.origin;
  if (!log_origin_parse(author, forum, &epoch, &bulk, origin) || strcmp(author, party) != 0) return "-";
  return arena_cstr(b->a, origin);
}

static parley_err put_notes(struct build *b, const struct fork_input *in) {
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; i < 2 && rc == PARLEY_OK; i++) rc = fork_note_read(&b->note[i], b->a, in->tree[i].note, b->e);
  const char *origin = rc == PARLEY_OK ? origin_of(b, b->run.list[0]->name) : NULL;
  if (rc == PARLEY_OK && origin == NULL) rc = no_memory(b);
  for (size_t i = 0; i < 2 && rc == PARLEY_OK; i++) rc = find(b, &in->tree[i], i, origin);
  if (rc == PARLEY_OK && !(b->log[0].there && b->log[1].there) && !(b->mirror[0].there && b->mirror[1].there))
    rc = err_set(b->e, PARLEY_EVERIFY, "%s did not sign both checkpoints, neither as the log nor as its mirror",
                 b->run.list[0]->name);
  if (rc == PARLEY_OK) rc = put_note(b, 0, FORK_FIRST);
  return rc == PARLEY_OK ? put_note(b, 1, FORK_SECOND) : rc;
}

static parley_err put_consistency(struct build *b, const struct fork_input *in) {
  struct bytes text;
  if (in->tree[0].size == in->tree[1].size) return PARLEY_OK;
  const parley_err rc = pack_consistency_text(&text, b->a, &in->prefix, &in->proof, b->e);
  return rc == PARLEY_OK ? put(b, FORK_CONSISTENCY, text) : rc;
}

/* ---- cards ---- */

static void span(struct build *b, size_t *first, size_t *last) {
  const struct fork_sig *sigs[] = {&b->log[0], &b->log[1], &b->mirror[0], &b->mirror[1]};
  *first = b->run.n - 1, *last = 0;
  for (size_t i = 0; i < 4; i++) {
    if (!sigs[i]->there) continue;
    *first = sigs[i]->card < *first ? sigs[i]->card : *first;
    *last = sigs[i]->card > *last ? sigs[i]->card : *last;
  }
  if (*first > *last) *first = *last;
}

/* All that are known: who pinned the first of them, perhaps long ago, can follow. */
static parley_err put_cards(struct build *b) {
  size_t total = 0, first, last;
  for (size_t i = 0; i < b->run.n; i++) total += b->run.list[i]->envelope.n;
  if (total > KEPT_MAX || b->run.n > FILES_MAX) {
    span(b, &first, &last);
    b->run = (struct pack_run){b->run.list + first, last - first + 1};
  }
  parley_err rc = b->run.n <= FILES_MAX ? PARLEY_OK : err_set(b->e, PARLEY_ELIMIT, "too many cards for one proof");
  for (size_t i = 0; i < b->run.n && rc == PARLEY_OK; i++)
    rc = put(b, pack_run_file(b->run, i).text, b->run.list[i]->envelope);
  return rc;
}

/* ---- the whole ---- */

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

static parley_err verify(struct build *b, struct fork_result *result) {
  qsort(b->out->files, b->out->n, sizeof *b->out->files, by_name);
  return fork_verify(result, b->a, b->out, NULL, b->e);
}

parley_err fork_build(struct pack *out, struct fork_result *result, struct arena *a, const struct fork_input *in,
                      struct errmsg *e) {
  struct pack_cards cards;
  struct build b = {.out = out, .a = a, .e = e};
  *out = (struct pack){.files = arena_alloc(a, PACK_FILES_MAX * sizeof *out->files)};
  if (out->files == NULL) return no_memory(&b);
  parley_err rc = pack_cards_sort(&cards, a, in->cards, in->n_cards, e);
  if (rc == PARLEY_OK && cards.n == 0) rc = err_set(e, PARLEY_EINVAL, "there is no card of whom it may convict");
  b.run = (struct pack_run){cards.list, cards.n};
  if (rc == PARLEY_OK) rc = put_notes(&b, in);
  if (rc == PARLEY_OK) rc = put_consistency(&b, in);
  if (rc == PARLEY_OK) rc = put_cards(&b);
  if (rc == PARLEY_OK) rc = verify(&b, result);
  struct buf manual = {0};
  if (rc == PARLEY_OK) fork_verify_md(&manual, result);
  if (rc == PARLEY_OK) rc = put_buf(&b, PACK_MANUAL, &manual);
  if (rc == PARLEY_OK) rc = verify(&b, result);
  if (rc != PARLEY_OK) *out = (struct pack){0};
  return rc;
}

/* ---- in one piece: for each file its name, a line feed, eight bytes of length, and the data ---- */

void fork_write(struct buf *out, const struct pack *p) {
  for (size_t i = 0; i < p->n; i++) {
    buf_str(out, p->files[i].name);
    buf_str(out, "\n");
    buf_u64be(out, p->files[i].data.n);
    buf_bytes(out, p->files[i].data);
  }
}

parley_err fork_read(struct pack *out, struct arena *a, struct bytes in, struct errmsg *e) {
  struct bytes name;
  *out = (struct pack){.files = arena_alloc(a, PACK_FILES_MAX * sizeof *out->files)};
  if (out->files == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory for a proof of two histories");
  while (in.n > 0) {
    if (out->n == PACK_FILES_MAX || !bytes_line(&in, &name) || name.n == 0 || name.n >= PACK_NAME_SIZE || in.n < 8 ||
        memchr(name.p, 0, name.n) != NULL || u64be(in.p) > in.n - 8)
      return err_set(e, PARLEY_EINVAL, "what is kept is no proof of two histories");
    struct pack_file *f = &out->files[out->n++];
    memcpy(f->name, name.p, name.n);
    f->name[name.n] = '\0';
    f->data = BYTES(in.p + 8, (size_t)u64be(in.p));
    in = BYTES(in.p + 8 + f->data.n, in.n - 8 - f->data.n);
  }
  return PARLEY_OK;
}

void fork_id(char out[static FORK_ID_SIZE], const char *party, const char *origin) {
  uint8_t digest[SHA256_SIZE];
  char hex[17];
  sha256(digest, bytes_str(origin));
  hex_encode(hex, BYTES(digest, 8));
  const size_t n = strnlen(party, PARTY_NAME_MAX);
  memcpy(out, party, n);
  out[n] = '-';
  memcpy(out + n + 1, hex, sizeof hex);
}
