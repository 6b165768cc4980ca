/*
 * What is disclosed in an evidence pack (docs/protocol.md, "Disclosure"): a plaintext is the one that was signed and gives
 * the sealed body byte for byte; and what that shows about a rejection.
 */
#include <assert.h>
#include <string.h>

#include "record/disclosure.h"
#include "record/pack_check.h"

/* ---- a plaintext ---- */

struct disclosed_text {
  const char *file;
  const char *entry; /* file of the statement whose text it is */
  const struct statement *statement;
  struct plain *out;
  const struct pack_reader **readers;
};

/* It is the text that was signed; whether it is what was sealed comes after. */
static parley_err text_check(struct check *c, const struct disclosed_text *t, struct bytes data) {
  const struct statement *s = t->statement;
  uint8_t digest[SHA256_SIZE];
  if (s->sealed.p == NULL)
    return err_set(c->e, PARLEY_EINVAL, "a statement of kind %s has an open body, there is nothing to disclose",
                   s->kind);
  sha256(digest, data);
  if (memcmp(digest, s->body_sha256, sizeof digest) != 0)
    return err_set(c->e, PARLEY_EVERIFY, "its digest is not the `body_sha256` of %s", t->entry);
  parley_err rc = plain_parse(t->out, data, c->e);
  if (rc != PARLEY_OK) return rc;
  if (t->out->n_files != s->n_attach)
    return err_set(c->e, PARLEY_EVERIFY, "it names %zu files, %s attaches %zu", t->out->n_files, t->entry, s->n_attach);
  return PARLEY_OK;
}

static parley_err reseal(struct check *c, const struct disclosed_text *t, struct pack_reader *readers,
                         struct bytes data) {
  const struct statement *s = t->statement;
  uint8_t recipients[STATEMENT_TO_MAX + 1][X25519_SIZE], digest[SHA256_SIZE];
  struct buf sealed = {0};
  const size_t n = s->n_to + 1;
  parley_err rc = disclosure_readers(readers, s, t->out->seed, -1, s->sealed, c->cards.list, c->cards.n, c->e);
  if (rc != PARLEY_OK) return rc;
  for (size_t i = 0; i < n; i++) memcpy(recipients[i], readers[i].seal->recipient, X25519_SIZE);
  rc = body_seal(&sealed, digest, data, t->out->seed, (const uint8_t(*)[X25519_SIZE])recipients, n, c->e);
  if (rc == PARLEY_OK && !bytes_eq(buf_view(&sealed), s->sealed))
    rc = err_set(c->e, PARLEY_EVERIFY, "sealed again with its seed it does not give `sealed`");
  buf_free(&sealed);
  return rc;
}

static parley_err check_text(struct check *c, bool *there, const struct disclosed_text *t) {
  const struct pack_file *f = pack_find(c->p, t->file);
  *there = f != NULL;
  if (f == NULL) return PARLEY_OK;
  parley_err rc = text_check(c, t, f->data);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", t->file);
  struct pack_reader *readers = arena_alloc(c->a, (t->statement->n_to + 1) * sizeof *readers);
  if (readers == NULL) return err_set(c->e, PARLEY_ENOMEM, "out of memory while reading %s", t->file);
  *t->readers = readers;
  rc = reseal(c, t, readers, f->data);
  if (rc == PARLEY_OK || rc == PARLEY_ENOMEM) return rc;
  return err_prefix(c->e, rc,
                    "%s: it is the text that was signed, but not what was sealed in %s, which bears out whoever "
                    "rejected it as unreadable or for its sealing",
                    t->file, t->entry);
}

/* ---- a rejection ---- */

static parley_err check_reject(struct check *c) {
  struct pack_disclosed *d = &c->out->disclosed;
  struct answer_body body;
  const struct disclosed_text t = {PACK_REJECT_BODY, pack_reject_files.entry, &c->out->reject, &d->reject_text,
                                   &d->reject_readers};
  if (!c->out->has_reject && pack_find(c->p, PACK_REJECT_BODY) != NULL)
    return err_set(c->e, PARLEY_EINVAL, "%s: it is there without %s", PACK_REJECT_BODY, pack_reject_files.entry);
  parley_err rc = check_text(c, &d->reject, &t);
  if (rc != PARLEY_OK || !d->reject) return rc;
  rc = answer_body_parse(&body, ANSWER_REJECT, d->reject_text.body, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", PACK_REJECT_BODY);
  d->ground = body.ground;
  d->reasons = body.reasons;
  return PARLEY_OK;
}

static enum pack_finding contradicted_if(bool x) { return x ? FINDING_CONTRADICTED : FINDING_OPEN; }

static enum pack_finding language_finding(const struct check *c) {
  for (size_t i = 0; i < c->charter->n_languages; i++)
    if (strcmp(c->charter->languages[i], c->out->statement.lang) == 0) return FINDING_CONTRADICTED;
  return FINDING_BORNE_OUT;
}

/* The form that the charter pins, where the verifier has it. */
static const struct form *form_of(const struct check *c) {
  const struct charter_pin *pin = charter_form(c->charter, c->out->statement.kind);
  for (size_t i = 0; pin != NULL && i < c->known->n_forms; i++)
    if (memcmp(form_digest(c->known->forms[i]), pin->digest, SHA256_SIZE) == 0) return c->known->forms[i];
  return NULL;
}

static enum pack_finding form_finding(struct check *c) {
  struct pack_disclosed *d = &c->out->disclosed;
  const struct form *form = form_of(c);
  struct errmsg why = {{0}};
  if (!d->body || form == NULL) return FINDING_OPEN;
  const parley_err rc = form_check(form, d->text.body, &why);
  if (rc == PARLEY_OK) return FINDING_CONTRADICTED;
  if (rc == PARLEY_ENOMEM) return FINDING_OPEN;
  static_assert(sizeof d->why == sizeof why.text, "no character is cut in two");
  memcpy(d->why, why.text, sizeof d->why);
  return FINDING_BORNE_OUT;
}

static void find_out(struct check *c) {
  struct pack_disclosed *d = &c->out->disclosed;
  if (!d->reject) return;
  switch (d->ground) {
  case GROUND_UNREADABLE:
  case GROUND_SEALING: d->finding = contradicted_if(d->body); break;
  case GROUND_FILES: d->finding = contradicted_if(d->body && d->n_files == c->out->statement.n_attach); break;
  case GROUND_LANGUAGE: d->finding = language_finding(c); break;
  case GROUND_FORM: d->finding = form_finding(c); break;
  }
}

parley_err pack_check_disclosure(struct check *c) {
  struct pack_disclosed *d = &c->out->disclosed;
  const struct disclosed_text t = {PACK_BODY, PACK_ENTRY, &c->out->statement, &d->text, &d->readers};
  parley_err rc = check_text(c, &d->body, &t);
  if (rc == PARLEY_OK) rc = pack_check_stored(c);
  if (rc == PARLEY_OK) rc = check_reject(c);
  if (rc == PARLEY_OK) find_out(c);
  return rc;
}
