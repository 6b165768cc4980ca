/*
 * The witnessed checkpoint and its policy, in the one form in which they are written.
 */
#include <stdio.h>
#include <string.h>

#include "record/silence_parts.h"

static parley_err taken(struct bytes *out, struct arena *a, struct buf *b, struct errmsg *e) {
  const bool ok = buf_ok(b);
  if (ok) *out = arena_take(a, b);
  if (ok && out->p) return PARLEY_OK;
  buf_free(b);
  return err_set(e, PARLEY_ENOMEM, "out of memory");
}

static parley_err add_witnesses(struct silence_note *out, struct buf *text, const struct note *n,
                                const struct charter *c, struct errmsg *e) {
  for (size_t i = 0; i < c->n_witnesses && out->n < SILENCE_WITNESSES_MAX; i++) {
    size_t line;
    const struct vkey *k = &c->witnesses[i];
    const parley_err rc = note_verify(n, k, &out->time[out->n], &line, e);
    if (rc == PARLEY_ENOTFOUND) continue;
    if (rc != PARLEY_OK) return err_prefix(e, rc, "signature of %s", k->name);
    note_sig_line(text, k, n->sigs[line].sig);
    out->witness[out->n++] = k;
  }
  if (out->n == 0)
    return err_set(e, PARLEY_EVERIFY, "no neutral witness that the charter names has cosigned the checkpoint");
  return PARLEY_OK;
}

static void vkey_line(struct buf *out, const char *before, const struct vkey *k) {
  buf_str(out, before);
  vkey_write(out, k);
  buf_str(out, "\n");
}

/* One witness is enough: each dates the statement by itself. */
static void write_policy(struct buf *out, const struct silence_note *n) {
  vkey_line(out, "log ", &n->log.signers.log);
  for (size_t i = 0; i < n->n; i++) {
    buf_fmt(out, "witness w%zu ", i + 1);
    vkey_line(out, "", n->witness[i]);
  }
  if (n->n > 1) buf_str(out, "group any-witness any");
  for (size_t i = 0; n->n > 1 && i < n->n; i++) buf_fmt(out, " w%zu", i + 1);
  buf_str(out, n->n > 1 ? "\nquorum any-witness\n" : "quorum w1\n");
}

parley_err silence_note_read(struct silence_note *out, struct arena *a, struct bytes note, struct pack_run author,
                             const uint8_t forum[static SHA256_SIZE], const struct charter *c, struct errmsg *e) {
  const struct pack_parties who = {.from = author};
  struct buf text = {0}, policy = {0};
  struct note n;
  *out = (struct silence_note){0};
  parley_err rc = pack_note_read(&out->log, a, note, &who, forum, false, e);
  if (rc == PARLEY_OK) rc = note_parse(&n, a, note, e);
  if (rc == PARLEY_OK) {
    buf_bytes(&text, out->log.text);
    rc = add_witnesses(out, &text, &n, c, e);
  }
  if (rc == PARLEY_OK) {
    write_policy(&policy, out);
    rc = taken(&out->policy, a, &policy, e);
  }
  if (rc == PARLEY_OK) return taken(&out->text, a, &text, e);
  buf_free(&text);
  return rc;
}

struct pack_file_name silence_party_file(const char *party) {
  struct pack_file_name name;
  snprintf(name.text, sizeof name.text, "%s%s", SILENCE_NOTES, party);
  return name;
}
