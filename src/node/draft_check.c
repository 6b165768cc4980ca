/*
 * The statement of a draft, made for its size alone: with everything that will stand in it, at its longest.
 */
#include "node/draft_check.h"

#include <stdio.h>
#include <string.h>

#include "forum/fields.h"

static uint64_t entries_of(uint64_t sealed) { return sealed / BULK_ENTRY_MAX + (sealed % BULK_ENTRY_MAX > 0); }

/* To the addressees and to ourselves. */
static uint64_t sealed_size(const struct send_request *r, size_t file) {
  return age_file_size(r->s.n_to + 1, r->files[file].size);
}

uint64_t draft_entries(const struct send_request *r) {
  uint64_t n = 0;
  for (size_t i = 0; i < r->n_files; i++) n += entries_of(sealed_size(r, i));
  return n;
}

static void fill_attach(struct statement *s, const struct send_request *r) {
  for (size_t i = 0; i < r->n_files; i++) {
    struct attach *at = &s->attach[s->n_attach++];
    at->size = sealed_size(r, i);
    at->count = entries_of(at->size);
    at->first = JSON_INT_MAX - at->count;
  }
  s->has_bulk = true;
  s->bulk_size = JSON_INT_MAX;
}

/* What is heard of each addressee's log comes along (vectors_take); held lines can wait for another statement. */
static parley_err fill_heard(struct statement *s, struct arena *a, struct errmsg *e) {
  s->heard = arena_alloc(a, (s->n_to + 1) * sizeof *s->heard);
  if (!s->heard) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < s->n_to; i++) {
    struct heard *h = &s->heard[s->n_heard++];
    *h = (struct heard){.size = JSON_INT_MAX};
    snprintf(h->party, sizeof h->party, "%s", s->to[i]);
  }
  return PARLEY_OK;
}

/* sealed.n bytes of nothing stand for the body. */
static parley_err check_entry(const struct statement *s, size_t plain, struct errmsg *e) {
  static const uint8_t pub[ED25519_KEY_SIZE], sig[ED25519_SIG_SIZE];
  struct buf payload = {0}, entry = {0};
  const size_t sealed = (s->sealed.n + 2) / 3 * 4;
  parley_err r = statement_payload(&payload, s, e);
  if (!r) r = statement_entry_signed(&entry, buf_view(&payload), pub, sig, e);
  if (r == PARLEY_ELIMIT)
    err_set(e, r,
            "the body and the names of the files have %zu bytes as sealed; with %zu file%s to %zu addressee%s at most "
            "%zu fit",
            plain, s->n_attach, s->n_attach == 1 ? "" : "s", s->n_to, s->n_to == 1 ? "" : "s",
            payload.n > sealed ? body_limit(s->n_to, payload.n - sealed) : 0);
  buf_free(&payload);
  buf_free(&entry);
  return r;
}

parley_err draft_check(struct node *n, const struct send_request *r, struct arena *a, struct errmsg *e) {
  struct statement s = r->s;
  struct plain p = {.body = r->body, .n_files = r->n_files};
  struct buf text = {0};
  uint8_t(*recipients)[X25519_SIZE];
  size_t count;
  memcpy(p.files, r->files, sizeof p.files);
  compose_common(n, r->forum, &s, r->kind);
  fill_attach(&s, r);
  parley_err err = fill_heard(&s, a, e);
  if (!err) err = compose_recipients(n, &s, &recipients, &count, a, e);
  if (!err) err = plain_write(&text, &p, e);
  const size_t sealed = (size_t)age_file_size(s.n_to + 1, text.n);
  uint8_t *nothing = err ? NULL : arena_alloc(a, sealed);
  if (!err && !nothing) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!err) {
    memset(nothing, 0, sealed);
    s.sealed = BYTES(nothing, sealed);
    err = check_entry(&s, text.n, e);
  }
  wipe(text.p, text.n);
  buf_free(&text);
  return err;
}
