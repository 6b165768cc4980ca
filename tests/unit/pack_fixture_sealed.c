#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pack_fixture_parts.h"

/* ---- to whom ---- */

static const struct card *sealing_card(struct fixture *f, const char *party, bool answer) {
  for (size_t i = 0; i < FIXTURE_PARTIES; i++)
    if (strcmp(f->parties[i].name, party) == 0)
      return &f->parties[i].at[answer ? f->options.signs_ack : f->options.signs - f->options.sealed_to].card;
  fail_msg("no party %s", party);
  return NULL;
}

static size_t recipients_of(struct fixture *f, const struct statement *s,
                            uint8_t out[static FIXTURE_PARTIES][X25519_SIZE], bool answer) {
  for (size_t i = 0; i <= s->n_to; i++) {
    const uint8_t *key;
    const char *desk = i < s->n_to ? s->desk : "duty";
    struct errmsg e = {{0}};
    fixture_ok(card_recipient(&key, sealing_card(f, i < s->n_to ? s->to[i] : s->from, answer), desk, &e), &e);
    memcpy(out[i], key, X25519_SIZE);
  }
  if (f->options.fault == SEALED_TO_OTHER && !answer) memcpy(out[0], f->parties[3].card.seal[0].recipient, X25519_SIZE);
  return s->n_to + 1;
}

/* ---- bodies ---- */

/* The same header, but what follows is sealed under another nonce. */
static void spoil_payload(struct buf *sealed) { sealed->p[sealed->n - 1] ^= 1; }

static void spaced(struct buf *plain) {
  struct buf other = {0};
  buf_add(&other, plain->p, 1);
  buf_str(&other, " ");
  buf_add(&other, plain->p + 1, plain->n - 1);
  buf_free(plain);
  *plain = other;
}

void fixture_seal(struct fixture *f, struct statement *s, const char *label, const char *body, struct bytes *text) {
  uint8_t recipients[FIXTURE_PARTIES][X25519_SIZE], by[SEED_SIZE];
  struct buf plain = {0}, sealed = {0};
  struct errmsg e = {{0}};
  const bool answer = strcmp(label, "statement") != 0;
  const int fault = answer ? SEALED_WELL : (int)f->options.fault;
  struct plain p = {.n_files = s->n_attach};
  fixture_ok(json_parse(&p.body, bytes_str(body), strlen(body), &e), &e);
  memcpy(p.files, f->about, sizeof p.files);
  if (fault == SEALED_FEWER) p.n_files--;
  fixture_seed(f, p.seed, label, "seed");
  fixture_seed(f, by, fault == SEALED_BY_SEED ? "another" : label, "seed");
  const size_t n = recipients_of(f, s, recipients, answer);
  fixture_ok(plain_write(&plain, &p, &e), &e);
  if (fault == SEALED_SPACED) spaced(&plain);
  fixture_ok(body_seal(&sealed, s->body_sha256, buf_view(&plain), by, (const uint8_t(*)[X25519_SIZE])recipients, n, &e),
             &e);
  if (fault == SEALED_PAYLOAD) spoil_payload(&sealed);
  if (fault == SEALED_TEXT_OTHER) buf_str(&plain, " ");
  s->sealed = fixture_kept(f, &sealed);
  *text = fixture_kept(f, &plain);
  plain_clear(&p);
}

/* ---- files ---- */

static struct bytes file_content(struct fixture *f, size_t number) {
  const size_t n = f->options.sizes[number];
  struct buf b = {0};
  for (size_t i = 0; i < n; i++) buf_u8(&b, (uint8_t)(i * 31 + number + i / 251));
  return fixture_kept(f, &b);
}

static void file_make(struct fixture *f, struct statement *s, size_t i) {
  static const char *const names[] = {"samples.csv", "README", ".profile", "x.tar.gz", "a.age", "b.longextension"};
  uint8_t recipients[FIXTURE_PARTIES][X25519_SIZE], seed[SEED_SIZE], ephemeral[FIXTURE_PARTIES * X25519_SIZE];
  struct age_random r;
  struct buf sealed = {0};
  struct errmsg e = {{0}};
  f->files[i] = file_content(f, i);
  f->about[i] = (struct plain_file){.type = "text/csv", .size = f->files[i].n};
  snprintf(f->about[i].name, sizeof f->about[i].name, "%s", names[i % (sizeof names / sizeof *names)]);
  sha256(f->about[i].sha256, f->files[i]);
  const bool other = f->options.fault == SEALED_FILE && i == 0;
  fixture_seed(f, seed, other ? "another" : "statement", "seed");
  const size_t n = recipients_of(f, s, recipients, false);
  assert_true(seal_random(&r, ephemeral, seed, (int)i, n));
  fixture_ok(age_seal(&sealed, (const uint8_t(*)[X25519_SIZE])recipients, n, &r, f->files[i], &e), &e);
  f->sealed[i] = fixture_kept(f, &sealed);
  s->attach[i].size = f->sealed[i].n;
  s->attach[i].count = (f->sealed[i].n + BULK_ENTRY_MAX - 1) / BULK_ENTRY_MAX;
  sha256(s->attach[i].sha256, f->sealed[i]);
}

/* Where the files stand in the bulk log; returns how many entries the statement names. */
static uint64_t place(const struct fixture *f, struct statement *s) {
  const size_t n = f->options.n_files, gap = f->options.together ? 0 : 2;
  uint64_t at = f->options.together ? 0 : 1;
  for (size_t k = 0; k < n; k++) {
    struct attach *x = &s->attach[f->options.backwards ? n - 1 - k : k];
    x->first = at;
    at += x->count + gap;
  }
  return at - gap + (f->options.rest > 0 ? f->options.rest : 3);
}

static void put_leaves(struct fixture_tree *t, const struct attach *at, struct bytes sealed) {
  for (uint64_t i = 0; i < at->count; i++) {
    const size_t from = i * BULK_ENTRY_MAX, left = sealed.n - from;
    merkle_leaf(&t->leaves[at->first + i], BYTES(sealed.p + from, left < BULK_ENTRY_MAX ? left : BULK_ENTRY_MAX));
  }
}

struct fixture_tree *fixture_bulk(struct fixture *f) {
  const struct statement *s = &f->parsed;
  const uint64_t more = f->options.bulk_size;
  const uint64_t n = f->options.n_files == 0 ? (more > 0 ? more : BULK_NAMED) : s->bulk_size + more;
  struct fixture_tree *t = fixture_tree(f, "bulk", n);
  for (size_t i = 0; i < f->options.n_files; i++) put_leaves(t, &s->attach[i], f->sealed[i]);
  return t;
}

void fixture_files(struct fixture *f, struct statement *s) {
  s->has_bulk = true;
  if (f->options.n_files == 0) {
    f->about[0] = (struct plain_file){.name = "samples.csv", .type = "text/csv", .size = 20000};
    s->n_attach = 1;
    s->attach[0] = (struct attach){.size = 20480, .first = 1, .count = 5};
    fixture_seed(f, s->attach[0].sha256, "attachment", "digest");
    s->bulk_size = BULK_NAMED;
    s->bulk_root = fixture_tree_root(fixture_tree(f, "bulk", BULK_NAMED), BULK_NAMED);
    return;
  }
  s->n_attach = f->options.n_files;
  for (size_t i = 0; i < s->n_attach; i++) file_make(f, s, i);
  s->bulk_size = place(f, s);
  f->parsed = *s;
  s->bulk_root = fixture_tree_root(fixture_bulk(f), s->bulk_size);
  if (f->options.fault == SEALED_SIZE) f->about[0].size++;
  if (f->options.fault == SEALED_DIGEST) f->about[0].sha256[0] ^= 1;
}
