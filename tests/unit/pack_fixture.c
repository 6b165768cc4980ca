#include "pack_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pack_fixture_parts.h"
#include "record/disclosure.h"

#define STATEMENT_INDEX 3
#define STATEMENT_SIZE 7
#define ANSWERS_SIZE 5

const char *const fixture_names[FIXTURE_PARTIES] = {"cert.us.example", "ncc.ru.example", "ncsc.ch.example",
                                                    "zert.de.example"};

void fixture_ok(parley_err rc, const struct errmsg *e) {
  if (rc != PARLEY_OK) fail_msg("%s: %s", err_name(rc), e->text);
}

struct bytes fixture_kept(struct fixture *f, struct buf *b) {
  assert_true(buf_ok(b));
  const struct bytes out = arena_take(&f->arena, b);
  assert_non_null(out.p);
  return out;
}

void fixture_seed(const struct fixture *f, uint8_t out[static 32], const char *party, const char *what) {
  char text[128];
  const int n = snprintf(text, sizeof text, "fixture %d %s %s", f->options.world, party, what);
  sha256(out, BYTES(text, n));
}

struct ed25519_key *fixture_key(const struct fixture *f, const char *party, const char *what) {
  uint8_t s[32];
  struct ed25519_key *k;
  struct errmsg e = {{0}};
  fixture_seed(f, s, party, what);
  fixture_ok(ed25519_from_seed(&k, s, &e), &e);
  return k;
}

/* ---- statements ---- */

static struct bytes signed_entry(struct fixture *f, const struct statement *s, struct ed25519_key *by,
                                 size_t officers) {
  struct buf out = {0};
  struct errmsg e = {{0}};
  struct ed25519_key *keys[4] = {by};
  assert_true(officers < 4);
  for (size_t i = 0; i < officers; i++) keys[i + 1] = fixture_key(f, s->from, fixture_names[i]);
  fixture_ok(statement_payload(&out, s, &e), &e);
  const struct bytes entry = fixture_envelope(f, STATEMENT_TYPE, fixture_kept(f, &out), keys, officers + 1);
  for (size_t i = 0; i < officers; i++) ed25519_free(keys[i + 1]);
  return entry;
}

static struct statement statement_of(struct fixture *f, size_t from, const char *kind, const size_t *to, size_t n_to) {
  struct statement s = {
      .issued = FIXTURE_TIME, .precedence = IMMEDIATE, .tlp = TLP_AMBER, .n_to = n_to, .lang = "en", .desk = "duty"};
  uint8_t nonce[32];
  memcpy(s.forum, f->forum, SHA256_SIZE);
  memcpy(s.charter, f->charter, SHA256_SIZE);
  snprintf(s.from, sizeof s.from, "%s", f->parties[from].name);
  snprintf(s.kind, sizeof s.kind, "%s", kind);
  fixture_seed(f, nonce, kind, "nonce");
  memcpy(s.nonce, nonce, sizeof s.nonce);
  s.to = arena_alloc(&f->arena, n_to * sizeof *s.to);
  assert_non_null(s.to);
  for (size_t i = 0; i < n_to; i++) snprintf(s.to[i], sizeof s.to[i], "%s", f->parties[to[i]].name);
  return s;
}

static const char *mirrors_of(size_t addressees) { return addressees == 1 ? "1" : addressees == 2 ? "12" : "123"; }

/* The first note of a list ("13,2"); those after it go into further. */
static struct bytes notes_make(struct fixture *f, const char *list, bool bulk, uint64_t size, const struct hash *root,
                               const struct proof *proof, struct pack_signed *further, size_t *n) {
  struct bytes first = BYTES_NONE;
  char whom[FIXTURE_PARTIES + 1];
  for (size_t k = 0; *list != '\0'; k++) {
    const size_t len = strcspn(list, ",");
    snprintf(whom, sizeof whom, "%.*s", (int)len, list);
    list += len + (list[len] == ',');
    const struct bytes note = fixture_note(f, 0, 0, bulk, size, root, whom);
    if (k == 0)
      first = note;
    else
      further[(*n)++] = (struct pack_signed){note, *proof};
  }
  return first;
}

static void statement_make(struct fixture *f) {
  static const size_t to[] = {1, 2, 3};
  const struct fixture_options *o = &f->options;
  struct statement s = statement_of(f, 0, "incident.notice", to, o->addressees);
  struct bytes text;
  if (o->lang != NULL) snprintf(s.lang, sizeof s.lang, "%s", o->lang);
  if (o->desk != NULL) snprintf(s.desk, sizeof s.desk, "%s", o->desk);
  if (o->attach || o->n_files > 0) fixture_files(f, &s);
  fixture_seal(f, &s, "statement", o->text != NULL ? o->text : "{\"text\":\"statement\"}", &text);
  f->parsed = s;
  const struct bytes entry = signed_entry(f, &s, fixture_card(f, 0, false)->statement, o->officers);
  struct fixture_tree *t = fixture_tree(f, "log", STATEMENT_SIZE);
  merkle_leaf(&t->leaves[STATEMENT_INDEX], entry);
  fixture_delivery(f, &f->statement, t, STATEMENT_INDEX, 0, mirrors_of(o->addressees), entry);
  if (o->proofs != NULL) {
    const struct hash root = fixture_tree_root(t, t->n);
    f->statement.note =
        notes_make(f, o->proofs, false, t->n, &root, &f->statement.inclusion, f->further[0], &f->input.n_further);
    f->input.further = f->further[0];
  }
  f->input.statement = f->statement;
  if (o->disclose) f->input.body = text;
}

static void files_make(struct fixture *f) {
  struct fixture_tree *t = fixture_bulk(f);
  const uint64_t named = f->parsed.bulk_size;
  const struct hash root = fixture_tree_root(t, t->n);
  f->input.has_bulk = true;
  f->input.bulk_note = fixture_note(f, 0, 0, true, t->n, &root, mirrors_of(f->options.addressees));
  if (t->n > named)
    assert_int_equal(merkle_consistency(&f->input.bulk_consistency, fixture_source(t), named, t->n, NULL), PARLEY_OK);
  if (f->options.bulks == NULL) return;
  f->input.bulk_note = notes_make(f, f->options.bulks, true, t->n, &root, &f->input.bulk_consistency, f->further[1],
                                  &f->input.n_bulk_further);
  f->input.bulk_further = f->further[1];
}

static void store(struct fixture *f, struct pack_file_name name, struct bytes data) {
  f->stored[f->n_stored++] = (struct fixture_stored){name, data};
}

static void files_disclose(struct fixture *f) {
  bool disclosed[STATEMENT_ATTACH_MAX] = {false};
  struct buf range = {0};
  struct errmsg e = {{0}};
  for (size_t i = 0; i < f->options.n_files; i++) {
    disclosed[i] = f->options.disclose_files >> i & 1;
    if (!disclosed[i]) continue;
    store(f, disclosure_clear_name(i, f->about[i].name), f->files[i]);
    store(f, disclosure_sealed_name(i), f->sealed[i]);
  }
  if (f->n_stored == 0) return;
  fixture_ok(disclosure_range(&range, &f->parsed, disclosed, fixture_source(fixture_bulk(f)), &e), &e);
  f->input.has_range = true;
  f->input.range = fixture_kept(f, &range);
}

/* ---- acknowledgement and rejection ---- */

static struct bytes ack_entry(struct fixture *f) {
  const struct fixture_options *o = &f->options;
  const size_t from = o->ack_third ? 2 : 1, to[] = {o->ack_elsewhere ? 2 : 0};
  struct statement s = statement_of(f, from, o->ack_kind ? "incident.update" : "ack", to, 1);
  struct hash id;
  struct bytes text;
  statement_id(&id, f->statement.entry);
  s.n_re = 1;
  memcpy(s.re[0], id.b, SHA256_SIZE);
  s.re[0][7] ^= o->ack_other;
  snprintf(s.officer, sizeof s.officer, "duty.officer");
  fixture_seal(f, &s, "ack", "{}", &text);
  return signed_entry(f, &s, fixture_card(f, o->ack_stranger ? 3 : from, true)->statement, 0);
}

static struct bytes reject_entry(struct fixture *f) {
  const struct fixture_options *o = &f->options;
  const size_t to[] = {0};
  struct statement s = statement_of(f, 1, "reject", to, 1);
  struct hash id;
  struct bytes text;
  const char *body =
      arena_fmt(&f->arena, "{\"ground\":\"%s\",\"reasons\":\"It is so.\"}", o->ground != NULL ? o->ground : "files");
  assert_non_null(body);
  statement_id(&id, f->statement.entry);
  s.n_re = 1;
  memcpy(s.re[0], id.b, SHA256_SIZE);
  s.re[0][7] ^= o->reject_other;
  snprintf(s.officer, sizeof s.officer, "duty.officer");
  fixture_seal(f, &s, "reject", body, &text);
  if (o->disclose_reject) f->input.reject_body = text;
  return signed_entry(f, &s, fixture_card(f, 1, true)->statement, 0);
}

/* Both stand in one log. */
static void answers_make(struct fixture *f) {
  const struct fixture_options *o = &f->options;
  struct fixture_tree *t = fixture_tree(f, "other log", ANSWERS_SIZE);
  const struct bytes ack = o->ack ? ack_entry(f) : BYTES_NONE, reject = o->reject ? reject_entry(f) : BYTES_NONE;
  const size_t at_ack = 1 + 2 * o->reject_first, at_reject = 3 - 2 * o->reject_first;
  if (o->ack) merkle_leaf(&t->leaves[at_ack], ack);
  if (o->reject) merkle_leaf(&t->leaves[at_reject], reject);
  if (o->ack) fixture_delivery(f, &f->ack, t, at_ack, o->ack_third ? 2 : 1, "0", ack);
  if (o->reject) fixture_delivery(f, &f->reject, t, at_reject, 1, "0", reject);
  if (o->ack) f->input.ack = &f->ack;
  if (o->reject) f->input.reject = &f->reject;
}

/* ---- the whole ---- */

void fixture_open(struct fixture *f, struct fixture_options options) {
  struct errmsg e = {{0}};
  *f = (struct fixture){.options = options};
  f->options.members = options.members > 0 ? options.members : 2;
  f->options.addressees = options.addressees > 0 ? options.addressees : 1;
  f->options.late = options.late != 0 ? options.late : 7;
  for (size_t i = 0; i < FIXTURE_PARTIES; i++) fixture_party(f, i);
  f->input.cards = f->cards;
  fixture_charters(f);
  statement_make(f);
  if (options.files) files_make(f);
  if (options.disclose_files != 0) files_disclose(f);
  answers_make(f);
  fixture_ok(pack_build(&f->pack, &f->arena, &f->input, &e), &e);
  fixture_store(&f->pack, &f->arena, f->stored, f->n_stored);
}

void fixture_close(struct fixture *f) {
  for (size_t i = 0; i < FIXTURE_PARTIES; i++)
    for (size_t k = 0; k < f->parties[i].n_cards; k++) {
      ed25519_free(f->parties[i].at[k].statement);
      ed25519_free(f->parties[i].at[k].rotation);
      ed25519_free(f->parties[i].at[k].log);
      ed25519_free(f->parties[i].at[k].mirror);
    }
  arena_free(&f->arena);
}

void fixture_anchors(const struct fixture *f, struct anchor *out, size_t n) {
  for (size_t i = 0; i < n; i++) {
    snprintf(out[i].party, sizeof out[i].party, "%s", f->parties[i].name);
    memcpy(out[i].fingerprint, f->parties[i].card.fingerprint, SHA256_SIZE);
  }
}

void fixture_root(struct fixture *f, struct hash *out) {
  struct fixture_tree *t = fixture_tree(f, "log", STATEMENT_SIZE);
  merkle_leaf(&t->leaves[STATEMENT_INDEX], f->statement.entry);
  *out = fixture_tree_root(t, t->n);
}

struct bytes fixture_proof(struct fixture *f, struct bytes note) {
  const struct tlog_proof proof = {.index = f->statement.index, .inclusion = f->statement.inclusion, .note = note};
  struct buf out = {0};
  tlog_proof_write(&out, &proof);
  return fixture_kept(f, &out);
}

/* ---- changed packs ---- */

struct pack fixture_copy(struct fixture *f) {
  struct pack p = {.n = f->pack.n};
  p.files = arena_alloc(&f->arena, (p.n + 4) * sizeof *p.files); /* room for a few more */
  assert_non_null(p.files);
  memcpy(p.files, f->pack.files, p.n * sizeof *p.files);
  fixture_store(&p, &f->arena, f->stored, f->n_stored);
  return p;
}

struct pack_file *fixture_file(struct pack *p, const char *name) {
  struct pack_file *file = (struct pack_file *)pack_find(p, name);
  if (file == NULL) fail_msg("the fixture has no %s", name);
  return file;
}

void fixture_remove(struct pack *p, const char *name) {
  const size_t i = (size_t)(fixture_file(p, name) - p->files);
  memmove(&p->files[i], &p->files[i + 1], (p->n - i - 1) * sizeof *p->files);
  p->n--;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

void fixture_sort(struct pack *p) { qsort(p->files, p->n, sizeof *p->files, by_name); }

void fixture_add(struct pack *p, const char *name, struct bytes data) {
  struct pack_file *file = &p->files[p->n++];
  snprintf(file->name, sizeof file->name, "%s", name);
  file->data = data;
  fixture_sort(p);
}

/* ---- stored files ---- */

struct memory_stream {
  struct bytes rest;
};

static parley_err memory_read(void *ctx, uint8_t *p, size_t n, size_t *got, struct errmsg *e) {
  struct memory_stream *m = ctx;
  const size_t piece = n < 1000 ? n : 1000; /* so that nothing fits the chunks of age or the entries of the log */
  (void)e;
  *got = m->rest.n < piece ? m->rest.n : piece;
  if (*got > 0) memcpy(p, m->rest.p, *got);
  m->rest = BYTES(m->rest.p + *got, m->rest.n - *got);
  return PARLEY_OK;
}

struct memory_files {
  const struct fixture_stored *files;
  size_t n;
};

static parley_err memory_open(void *ctx, struct pack_stream *out, const char *name, struct errmsg *e) {
  const struct memory_files *m = ctx;
  for (size_t i = 0; i < m->n; i++) {
    if (strcmp(m->files[i].name.text, name) != 0) continue;
    struct memory_stream *s = malloc(sizeof *s);
    assert_non_null(s);
    s->rest = m->files[i].data;
    *out = (struct pack_stream){s, memory_read};
    return PARLEY_OK;
  }
  return err_set(e, PARLEY_EIO, "%s: no such file", name);
}

static void memory_close(void *ctx, struct pack_stream *s) {
  (void)ctx;
  free(s->ctx);
}

static int by_stored_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file_name *)a)->text, ((const struct pack_file_name *)b)->text);
}

void fixture_store(struct pack *p, struct arena *a, struct fixture_stored *files, size_t n) {
  struct memory_files *m = arena_alloc(a, sizeof *m);
  p->stored = arena_alloc(a, (n + 1) * sizeof *p->stored);
  assert_true(m != NULL && p->stored != NULL);
  *m = (struct memory_files){files, n};
  for (size_t i = 0; i < n; i++) p->stored[i] = files[i].name;
  qsort(p->stored, n, sizeof *p->stored, by_stored_name);
  p->n_stored = n;
  p->source = (struct pack_source){m, memory_open, memory_close};
}
