/*
 * Audits of stores that are whole, and of such in which one thing is not: large trees, statements, lines about other
 * logs, cards that change, kept proofs; and the repairs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "merkle/tiles.h"
#include "record/audit.h"
#include "record/audit_repair.h"
#include "unit/parties.h"
#include "unit/record_fixture.h"

#define BULK_SIZE 66000 /* tiles of levels 0, 1 and 2 */

static const uint8_t forum[SHA256_SIZE] = {0xf0};

struct found {
  unsigned n;
  enum audit_kind kind;
  unsigned level;
  uint64_t index;
  char what[512];
  uint64_t done, all;
};

static void keep(void *ctx, const struct audit_problem *p) {
  struct found *f = ctx;
  assert_true(p->what[0] != '\0' && p->advice[0] != '\0');
  if (f->n++ > 0) return;
  f->kind = p->kind;
  f->level = p->level;
  f->index = p->index;
  snprintf(f->what, sizeof f->what, "%s", p->what);
}

static void progress(void *ctx, uint64_t done, uint64_t all) {
  struct found *f = ctx;
  assert_true(done >= f->done && done <= all);
  f->done = done;
  f->all = all;
}

/* One audit of the store; *r is freed. */
static struct found look(struct store *s, const struct party *author, uint64_t since, struct audit_counts *n) {
  struct found f = {0};
  struct audit_result r;
  struct errmsg e = {""};
  const struct bytes card = author ? buf_view(&author->envelope) : BYTES_NONE;
  const struct audit_source source = audit_store_source(s);
  const struct audit_options o = {.self = "b.example",
                                  .cards = &card,
                                  .n_cards = author != NULL,
                                  .has_since_index = since > 0,
                                  .since_index = since,
                                  .threads = 1,
                                  .problem = keep,
                                  .progress = progress,
                                  .ctx = &f};
  if (audit_run(&r, &source, &o, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_int_equal(r.all.problems, f.n);
  assert_int_equal(f.done, f.all);
  if (n) *n = r.all;
  audit_result_free(&r);
  return f;
}

static void expect(struct found f, enum audit_kind kind, unsigned level, uint64_t index, const char *what) {
  if (f.n == 0 || f.kind != kind || f.level != level || f.index != index || !strstr(f.what, what))
    fail_msg("%u problems, the first %s %u/%llu: %s", f.n, audit_kind_name(f.kind), f.level,
             (unsigned long long)f.index, f.what);
}

/* ---- large trees ---- */

static void fill(struct store *s, const char *origin, size_t size) {
  struct copy *c;
  struct errmsg e;
  uint8_t bytes[256][8];
  struct bytes entries[256];
  assert_int_equal(copy_open(&c, s, origin, BULK_ENTRY_MAX, &e), PARLEY_OK);
  assert_int_equal(store_begin(s, &e), PARLEY_OK);
  while (copy_size(c) < size) {
    size_t n = 0;
    for (; n < 256 && copy_size(c) + n < size; n++) {
      put_u64be(bytes[n], copy_size(c) + n);
      entries[n] = BYTES(bytes[n], 8);
    }
    assert_int_equal(copy_append(c, entries, n, &e), PARLEY_OK);
  }
  assert_int_equal(copy_flush(c, &e), PARLEY_OK);
  assert_int_equal(store_commit(s, &e), PARLEY_OK);
  copy_close(c);
}

static void put(struct store *s, enum store_seq t, uint64_t pos, struct bytes v) {
  struct errmsg e;
  assert_int_equal(store_begin(s, &e), PARLEY_OK);
  const parley_err err = v.p ? store_seq_put(s, t, 1, pos, v, &e) : store_seq_delete(s, t, 1, pos, pos + 1, &e);
  assert_int_equal(err, PARLEY_OK);
  assert_int_equal(store_commit(s, &e), PARLEY_OK);
}

/* Flips a bit of one value; the value as it was, in the arena. */
static struct bytes flip(struct store *s, struct arena *a, enum store_seq t, uint64_t pos, size_t at) {
  struct bytes was;
  struct errmsg e;
  assert_int_equal(store_seq_get(s, t, 1, pos, a, &was, &e), PARLEY_OK);
  uint8_t *now = (uint8_t *)(uintptr_t)arena_copy(a, was).p;
  now[at] ^= 1;
  put(s, t, pos, BYTES(now, was.n));
  return was;
}

static void mend_tile(struct store *s, const char *origin, unsigned level, uint64_t n) {
  struct errmsg e = {""};
  assert_int_equal(store_begin(s, &e), PARLEY_OK);
  if (repair_tile(s, origin, level, n, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_int_equal(store_commit(s, &e), PARLEY_OK);
}

#define TILE(level, n) ((uint64_t)(level) << 32 | (n))

static void test_large(void **state) {
  struct dir dir;
  struct arena a = {0};
  struct audit_counts n;
  struct bytes was;
  char origin[ORIGIN_MAX + 1];
  (void)state;
  record_dir_make(&dir);
  struct store *s = dir_open(&dir);
  log_origin(origin, "a.example", forum, 0, true);
  fill(s, origin, BULK_SIZE);

  assert_int_equal(look(s, NULL, 0, &n).n, 0);
  assert_int_equal(n.entries, BULK_SIZE);
  assert_int_equal(n.tiles, 258 + 2 + 1);
  assert_int_equal(look(s, NULL, 65000, &n).n, 0); /* a bulk log of whose files none is asked for is not read */
  assert_int_equal(n.entries, 0);
  assert_int_equal(n.tiles, 258 + 2 + 1);

  /* Each level, a full tile and the last one. */
  static const struct {
    unsigned level;
    uint64_t n;
    const char *what;
  } tiles[] = {{0, 0, "tile 0/0 has another hash for entry 1"},
               {0, 257, "tile 0/257 has another hash for entry 65793"},
               {1, 0, "tile 1/0 has other hashes"},
               {1, 1, "tile 1/1 has other hashes"},
               {2, 0, "tile 2/0 has other hashes"}};
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
    const uint64_t pos = TILE(tiles[i].level, tiles[i].n);
    /* What is not full has no parent: the entries of the last tile are not signed, so the tile is believed. */
    const bool last = tiles[i].level == 0 && tiles[i].n == 257;
    was = flip(s, &a, STORE_TILES, pos, tiles[i].level == 0 ? 40 : 4);
    const struct found f = look(s, NULL, 0, NULL);
    if (last)
      expect(f, AUDIT_ENTRY, 0, 65793, "is not the one that the tree has");
    else
      expect(f, AUDIT_TILE, tiles[i].level, tiles[i].n, tiles[i].what);
    mend_tile(s, origin, tiles[i].level, tiles[i].n);
    assert_int_equal(look(s, NULL, 0, NULL).n, 0);
    put(s, STORE_TILES, pos, BYTES_NONE);
    expect(look(s, NULL, 0, NULL), AUDIT_TILE, tiles[i].level, tiles[i].n, "is missing or cut short");
    put(s, STORE_TILES, pos, was);
  }
  assert_int_equal(look(s, NULL, 0, NULL).n, 0);

  /* Entries: changed, missing; then one that was changed with its hash. */
  was = flip(s, &a, STORE_ENTRIES, 300, 3);
  expect(look(s, NULL, 0, NULL), AUDIT_ENTRY, 0, 300, "is not the one that the tree has");
  put(s, STORE_ENTRIES, 300, BYTES_NONE);
  expect(look(s, NULL, 0, NULL), AUDIT_ENTRY, 0, 300, "entry 300 is missing");
  struct errmsg e;
  assert_int_equal(store_begin(s, &e), PARLEY_OK);
  assert_int_equal(repair_entry(s, origin, 300, BYTES("other", 5), &e), PARLEY_EVERIFY);
  assert_int_equal(repair_entry(s, origin, 300, was, &e), PARLEY_OK);
  assert_int_equal(store_commit(s, &e), PARLEY_OK);
  assert_int_equal(look(s, NULL, 0, NULL).n, 0);
  was = flip(s, &a, STORE_ENTRIES, 300, 3);
  mend_tile(s, origin, 0, 1);
  expect(look(s, NULL, 0, NULL), AUDIT_TILE, 1, 0, "has other hashes than what stands below");
  store_close(s);
  record_dir_remove(&dir);
  arena_free(&a);
}

/* ---- statements ---- */

struct world {
  struct dir dir;
  struct store *s;
  struct party author, other;
  char origin[ORIGIN_MAX + 1];
  struct copy *log;
};

static void open_world(struct world *w) {
  struct errmsg e;
  record_dir_make(&w->dir);
  w->s = dir_open(&w->dir);
  party_open(&w->author, "a.example", 1);
  party_open(&w->other, "c.example", 2);
  log_origin(w->origin, "a.example", forum, 0, false);
  assert_int_equal(copy_open(&w->log, w->s, w->origin, ENTRY_MAX, &e), PARLEY_OK);
}

static void close_world(struct world *w) {
  copy_close(w->log);
  store_close(w->s);
  record_dir_remove(&w->dir);
  party_close(&w->author);
  party_close(&w->other);
}

/* A forum.held of the author, appended; key: who signs it really. */
static void say(struct world *w, uint8_t number, struct heard *heard, struct held *held,
                const struct ed25519_key *key) {
  struct errmsg e = {""};
  struct statement s = {.issued = 1650000000 + number, .precedence = ROUTINE, .tlp = TLP_GREEN};
  struct buf payload = {0}, entry = {0};
  memcpy(s.forum, forum, sizeof forum);
  memcpy(s.charter, forum, sizeof forum);
  strcpy(s.from, "a.example");
  strcpy(s.kind, "forum.held");
  strcpy(s.desk, "duty");
  strcpy(s.lang, "en");
  s.nonce[0] = number;
  s.nonce[1] = (uint8_t)copy_size(w->log);
  s.heard = heard;
  s.n_heard = heard != NULL;
  s.held = held;
  s.n_held = held != NULL;
  s.body = json_object();
  if (statement_payload(&payload, &s, &e) || statement_entry(&entry, buf_view(&payload), key, &e))
    fail_msg("%s", e.text);
  const struct bytes b = buf_view(&entry);
  assert_int_equal(store_begin(w->s, &e), PARLEY_OK);
  assert_int_equal(copy_append(w->log, &b, 1, &e), PARLEY_OK);
  assert_int_equal(copy_flush(w->log, &e), PARLEY_OK);
  assert_int_equal(store_commit(w->s, &e), PARLEY_OK);
  statement_clear(&s);
  buf_free(&payload);
  buf_free(&entry);
}

static void test_statements(void **state) {
  struct world w;
  struct audit_counts n;
  (void)state;
  open_world(&w);
  for (unsigned i = 0; i < 600; i++) say(&w, (uint8_t)(i / 256), NULL, NULL, w.author.statement);
  assert_int_equal(look(w.s, &w.author, 0, &n).n, 0);
  assert_int_equal(n.entries, 600);
  assert_int_equal(n.signatures, 600);
  assert_int_equal(look(w.s, &w.author, 300, &n).n, 0);
  assert_int_equal(n.entries, 600 - 256); /* from the tile that entry 300 is in */
  expect(look(w.s, NULL, 0, NULL), AUDIT_STATEMENT, 0, 0, "signed with a key of no card of a.example at hand");

  say(&w, 9, NULL, NULL, w.other.statement);
  expect(look(w.s, &w.author, 0, NULL), AUDIT_STATEMENT, 0, 600, "signed with a key of no card of a.example");
  close_world(&w);
}

static void test_lines(void **state) {
  struct world w;
  struct errmsg e;
  struct audit_counts n;
  (void)state;
  open_world(&w);
  say(&w, 0, NULL, NULL, w.author.statement);
  struct heard heard = {.party = "a.example", .size = 1};
  assert_int_equal(copy_root(w.log, 1, &heard.root, &e), PARLEY_OK);
  say(&w, 1, &heard, NULL, w.author.statement);
  assert_int_equal(look(w.s, &w.author, 0, &n).n, 0);
  assert_int_equal(n.lines, 1);
  heard.size = 1000; /* not held: not judged */
  say(&w, 2, &heard, NULL, w.author.statement);
  assert_int_equal(look(w.s, &w.author, 0, &n).n, 0);
  assert_int_equal(n.beyond, 1);

  /* A held line: its cosignature, then its root. */
  struct held held = {.size = 2};
  struct buf text = {0}, message = {0}, line = {0};
  struct vkey k;
  uint8_t sig[72];
  strcpy(held.origin, w.origin);
  assert_int_equal(copy_root(w.log, 2, &held.root, &e), PARLEY_OK);
  checkpoint_text(&text, w.origin, 2, &held.root);
  cosignature_message(&message, 1650000000, buf_view(&text));
  put_u64be(sig, 1650000000);
  ed25519_sign(sig + 8, w.author.mirror, buf_view(&message));
  assert_int_equal(card_mirror_vkey(&k, &w.author.card, &e), PARLEY_OK);
  note_sig_line(&line, &k, BYTES(sig, 72));
  line.n--;
  strcpy(held.line, buf_cstr(&line));
  say(&w, 3, NULL, &held, w.author.statement);
  assert_int_equal(look(w.s, &w.author, 0, &n).n, 0);
  assert_int_equal(n.cosignatures, 1);
  held.root.b[0] ^= 1;
  say(&w, 4, NULL, &held, w.author.statement);
  expect(look(w.s, &w.author, 0, NULL), AUDIT_HELD, 0, 4, "a held line does not verify");

  heard.size = 2;
  say(&w, 5, &heard, NULL, w.author.statement);
  const struct found f = look(w.s, &w.author, 0, NULL);
  assert_int_equal(f.n, 2);
  buf_free(&text);
  buf_free(&message);
  buf_free(&line);
  close_world(&w);
}

/* ---- what a source can get wrong ---- */

struct wrong {
  struct audit_source inner;
  const char *name; /* whose answer is replaced */
  struct bytes with;
  parley_err err;
};

static parley_err wrong_get(void *ctx, const char *name, struct buf *out, struct errmsg *e) {
  const struct wrong *w = ctx;
  if (strncmp(name, w->name, strlen(w->name)) != 0) return w->inner.get(w->inner.ctx, name, out, e);
  buf_bytes(out, w->with);
  return w->err ? err_set(e, w->err, "as told") : PARLEY_OK;
}

static void test_sources(void **state) {
  struct world w;
  static const struct {
    const char *name, *with;
    size_t n;
    parley_err err, want;
  } cases[] = {{"logs", "", 0, PARLEY_EUNREACHABLE, PARLEY_EUNREACHABLE},
               {"logs", "nothing\n", 8, PARLEY_OK, PARLEY_EINVAL},
               {"logs", "", 0, PARLEY_OK, PARLEY_OK},
               {"tile/0", "", 0, PARLEY_EIO, PARLEY_EIO},
               {"tile/0", "short", 5, PARLEY_OK, PARLEY_OK},
               {"entries", "\0\0\0\x09short", 9, PARLEY_OK, PARLEY_OK},
               {"entries", "", 0, PARLEY_ENOTFOUND, PARLEY_OK},
               {"notes", "", 0, PARLEY_EIO, PARLEY_EIO},
               {"cosignatures", "\0\0\0\x01x", 5, PARLEY_OK, PARLEY_EIO},
               {"rows", "\0\0\0\x01x", 5, PARLEY_OK, PARLEY_EIO},
               {"rows", "", 0, PARLEY_ENOTFOUND, PARLEY_OK},
               {"forks", "\0\0\0\x01x", 5, PARLEY_OK, PARLEY_EIO},
               {"cards", "", 0, PARLEY_ENOMEM, PARLEY_ENOMEM}};
  (void)state;
  open_world(&w);
  for (unsigned i = 0; i < 300; i++) say(&w, 0, NULL, NULL, w.author.statement);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct found f = {0};
    struct audit_result r;
    struct errmsg e = {""};
    const struct bytes card = buf_view(&w.author.envelope);
    struct wrong x = {audit_store_source(w.s), cases[i].name, BYTES(cases[i].with, cases[i].n), cases[i].err};
    const struct audit_source source = {.ctx = &x, .get = wrong_get};
    const struct audit_options o = {.self = "", .cards = &card, .n_cards = 1, .threads = 1, .problem = keep, .ctx = &f};
    const parley_err err = audit_run(&r, &source, &o, &e);
    if (err != cases[i].want) fail_msg("case %zu: %s: %s", i, err_name(err), e.text);
    if (!err) audit_result_free(&r);
  }
  close_world(&w);
}

/* ---- kept proofs, charters, cards ---- */

static void put_key(struct store *s, enum store_map t, const char *key, const char *value) {
  struct errmsg e;
  assert_int_equal(store_begin(s, &e), PARLEY_OK);
  assert_int_equal(store_put(s, t, bytes_str(key), bytes_str(value), &e), PARLEY_OK);
  assert_int_equal(store_commit(s, &e), PARLEY_OK);
}

static void drop_key(struct store *s, enum store_map t, const char *key) {
  struct errmsg e;
  assert_int_equal(store_begin(s, &e), PARLEY_OK);
  assert_int_equal(store_delete(s, t, bytes_str(key), &e), PARLEY_OK);
  assert_int_equal(store_commit(s, &e), PARLEY_OK);
}

static void test_stored(void **state) {
  struct world w;
  char key[ORIGIN_MAX + 32];
  (void)state;
  open_world(&w);
  say(&w, 0, NULL, NULL, w.author.statement);
  static const struct {
    enum store_map table;
    const char *key, *value;
    enum audit_kind kind;
    const char *what;
  } cases[] = {{STORE_FORUMS, "id", "{}", AUDIT_CHARTER, "a stored charter does not verify"},
               {STORE_PEERS, "c/c.example\n1", "{}", AUDIT_CARD, "a stored card does not verify"},
               {STORE_LOGS, "fork/x", "note", AUDIT_FORK, "two histories of x were seen"},
               {STORE_LOGS, "proof/c.example\nx", "1 0 -\nno files", AUDIT_FORK, "the kept proof that c.example"},
               {STORE_STATEMENTS, "0123456789abcdef0123456789abcdef", "{}", AUDIT_ROW, "cannot be read"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    put_key(w.s, cases[i].table, cases[i].key, cases[i].value);
    expect(look(w.s, &w.author, 0, NULL), cases[i].kind, 0, 0, cases[i].what);
    drop_key(w.s, cases[i].table, cases[i].key);
  }
  snprintf(key, sizeof key, "mirror/%s", w.origin);
  put_key(w.s, STORE_LOGS, key, "no record");
  expect(look(w.s, &w.author, 0, NULL), AUDIT_CHECKPOINT, 0, 0, "the mirror's record, which cannot be read");
  drop_key(w.s, STORE_LOGS, key);
  snprintf(key, sizeof key, "n/%s\nc.example", w.origin);
  put_key(w.s, STORE_PEERS, key, "no note");
  expect(look(w.s, &w.author, 0, NULL), AUDIT_CHECKPOINT, 0, 0,
         "a checkpoint that another mirror cosigned cannot be read");
  drop_key(w.s, STORE_PEERS, key);
  assert_int_equal(look(w.s, &w.author, 0, NULL).n, 0);
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_large), cmocka_unit_test(test_statements),
                                     cmocka_unit_test(test_lines), cmocka_unit_test(test_sources),
                                     cmocka_unit_test(test_stored)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
