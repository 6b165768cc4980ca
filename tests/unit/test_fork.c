/*
 * Proofs of two histories: what convicts whom, and every refusal. With --write FOLDER the good ones are written there for
 * the tests of tests/interop, and a line "NAME PARTY=FINGERPRINT" for each convicted party.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "pack_fixture_parts.h"
#include "record/fork.h"

/* Two logs that are the same up to entry `common`, in the name of party `log`. */
struct two {
  struct fixture f;
  struct fixture_tree *tree[2];
  struct pack pack;
  struct fork_result result;
};

static void two_open(struct two *t, struct fixture_options o, size_t common, size_t n0, size_t n1) {
  fixture_open(&t->f, o);
  t->tree[0] = fixture_tree(&t->f, "one history", n0);
  t->tree[1] = fixture_tree(&t->f, "another", n1);
  for (size_t i = 0; i < common && i < n0 && i < n1; i++) t->tree[1]->leaves[i] = t->tree[0]->leaves[i];
}

struct about {
  size_t log; /* whose log it is */
  bool bulk;
  const char *mirrors[2];
  size_t party; /* of whom the cards are */
};

static parley_err build(struct two *t, const struct about *about, struct errmsg *e) {
  struct fork_input in = {0};
  const struct card *cards[FIXTURE_CARDS];
  for (size_t i = 0; i < 2; i++) {
    in.tree[i].size = t->tree[i]->n;
    in.tree[i].root = fixture_tree_root(t->tree[i], t->tree[i]->n);
    in.tree[i].note =
        fixture_note(&t->f, about->log, 0, about->bulk, t->tree[i]->n, &in.tree[i].root, about->mirrors[i]);
  }
  if (t->tree[0]->n < t->tree[1]->n) {
    in.prefix = fixture_tree_root(t->tree[1], t->tree[0]->n);
    assert_int_equal(merkle_consistency(&in.proof, fixture_source(t->tree[1]), t->tree[0]->n, t->tree[1]->n, NULL),
                     PARLEY_OK);
  }
  in.cards = cards;
  for (; in.n_cards < t->f.parties[about->party].n_cards; in.n_cards++)
    cards[in.n_cards] = &t->f.parties[about->party].at[in.n_cards].card;
  return fork_build(&t->pack, &t->result, &t->f.arena, &in, e);
}

static void build_good(struct two *t, const struct about *about) {
  struct errmsg e = {{0}};
  if (build(t, about, &e) != PARLEY_OK) fail_msg("%s", e.text);
}

static void two_close(struct two *t) { fixture_close(&t->f); }

/* ---- what is convicted ---- */

static void test_log(void **state) {
  struct two t;
  (void)state;
  for (size_t m = 1; m < 12; m++) /* powers of two and others, the same size and larger ones */
    for (size_t n = m; n < 12; n++) {
      two_open(&t, (struct fixture_options){0}, m - 1, m, n);
      build_good(&t, &(struct about){.mirrors = {"", ""}});
      assert_int_equal(t.result.n_parties, 1);
      assert_true(t.result.parties[0].log && !t.result.parties[0].mirror && !t.result.identified);
      assert_string_equal(t.result.parties[0].who.name, t.result.author);
      assert_true(t.result.size[0] == m && t.result.size[1] == n);
      two_close(&t);
    }
}

static void test_mirror(void **state) {
  struct two t;
  (void)state;
  two_open(&t, (struct fixture_options){.members = 3}, 2, 5, 9);
  build_good(&t, &(struct about){.bulk = true, .mirrors = {"12", "21"}, .party = 1});
  assert_true(t.result.parties[0].mirror && !t.result.parties[0].log && t.result.bulk);
  assert_int_equal(t.result.parties[0].cosigned[0], FIXTURE_TIME + 7);
  for (size_t i = 0; i < 2; i++) { /* the log's signature and the other mirror's convict nobody here */
    const struct bytes note = pack_find(&t.pack, i ? FORK_SECOND : FORK_FIRST)->data;
    size_t lines = 0;
    for (size_t k = 0; k < note.n; k++) lines += note.p[k] == '\n';
    assert_int_equal(lines, 5);
  }
  two_close(&t);
}

/* The mirror is convicted though the log signed neither. */
static void test_without_log(void **state) {
  struct two t;
  struct fork_result r;
  struct errmsg e;
  (void)state;
  two_open(&t, (struct fixture_options){0}, 2, 5, 9);
  build_good(&t, &(struct about){.mirrors = {"1", "1"}, .party = 1});
  assert_int_equal(fork_verify(&r, &t.f.arena, &t.pack, NULL, &e), PARLEY_OK);
  two_close(&t);
}

/* Under two cards, one after the other: each history is signed by a key of its own. */
static void test_cards(void **state) {
  struct two t;
  struct errmsg e = {{0}};
  struct fork_result r;
  struct anchor anchor = {.party = ""};
  struct fork_input in = {0};
  const struct card *cards[2];
  (void)state;
  two_open(&t, (struct fixture_options){.renewals = 1}, 2, 5, 9);
  for (size_t i = 0; i < 2; i++) {
    in.tree[i] = (struct fork_tree){t.tree[i]->n, fixture_tree_root(t.tree[i], t.tree[i]->n), BYTES_NONE};
    t.f.options.signs = (uint8_t)i;
    in.tree[i].note = fixture_note(&t.f, 0, 0, false, t.tree[i]->n, &in.tree[i].root, "");
    cards[i] = &t.f.parties[0].at[i].card;
  }
  in.prefix = fixture_tree_root(t.tree[1], 5);
  assert_int_equal(merkle_consistency(&in.proof, fixture_source(t.tree[1]), 5, 9, NULL), PARLEY_OK);
  in.cards = cards;
  in.n_cards = 2;
  if (fork_build(&t.pack, &t.result, &t.f.arena, &in, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_true(t.result.parties[0].log_card[0] == 0 && t.result.parties[0].log_card[1] == 1);
  snprintf(anchor.party, sizeof anchor.party, "%s", cards[0]->name);
  memcpy(anchor.fingerprint, cards[0]->fingerprint, SHA256_SIZE);
  const struct pack_known known = {.anchors = &anchor, .n_anchors = 1};
  assert_int_equal(fork_verify(&r, &t.f.arena, &t.pack, &known, &e), PARLEY_OK);
  assert_true(r.identified);
  memcpy(anchor.fingerprint, cards[1]->fingerprint, SHA256_SIZE); /* the later one alone says nothing of the first */
  assert_int_equal(fork_verify(&r, &t.f.arena, &t.pack, &known, &e), PARLEY_OK);
  assert_false(r.identified);
  two_close(&t);
}

static void test_identity(void **state) {
  struct two t;
  struct fork_result r;
  struct errmsg e = {{0}};
  struct anchor anchor[1];
  (void)state;
  two_open(&t, (struct fixture_options){0}, 2, 5, 5);
  build_good(&t, &(struct about){.mirrors = {"", ""}});
  fixture_anchors(&t.f, anchor, 1);
  const struct pack_known known = {.anchors = anchor, .n_anchors = 1};
  assert_int_equal(fork_verify(&r, &t.f.arena, &t.pack, &known, &e), PARLEY_OK);
  assert_true(r.identified && r.parties[0].who.anchored);
  anchor->fingerprint[0] ^= 1;
  assert_int_equal(fork_verify(&r, &t.f.arena, &t.pack, &known, &e), PARLEY_EVERIFY);
  assert_non_null(strstr(e.text, "no card of"));
  two_close(&t);
}

/* In one piece and back. */
static void test_one_piece(void **state) {
  struct two t;
  struct buf text = {0};
  struct pack again;
  struct fork_result r;
  struct errmsg e = {{0}};
  (void)state;
  two_open(&t, (struct fixture_options){0}, 2, 5, 9);
  build_good(&t, &(struct about){.mirrors = {"", ""}});
  fork_write(&text, &t.pack);
  assert_int_equal(fork_read(&again, &t.f.arena, buf_view(&text), &e), PARLEY_OK);
  assert_int_equal(again.n, t.pack.n);
  assert_int_equal(fork_verify(&r, &t.f.arena, &again, NULL, &e), PARLEY_OK);
  for (size_t cut = 1; cut < text.n; cut++) { /* between two files it is a shorter list */
    const parley_err rc = fork_read(&again, &t.f.arena, BYTES(text.p, text.n - cut), &e);
    assert_true(rc == PARLEY_EINVAL || (rc == PARLEY_OK && again.n < t.pack.n));
  }
  buf_free(&text);
  two_close(&t);
}

/* ---- what convicts nobody ---- */

static void refused(struct two *t, const struct about *about, const char *part) {
  struct errmsg e = {{0}};
  const parley_err rc = build(t, about, &e);
  assert_true(rc == PARLEY_EVERIFY || rc == PARLEY_EINVAL);
  if (strstr(e.text, part) == NULL) fail_msg("\"%s\" has no \"%s\"", e.text, part);
  two_close(t);
}

static void test_no_contradiction(void **state) {
  struct two t;
  (void)state;
  two_open(&t, (struct fixture_options){0}, 5, 5, 9);
  refused(&t, &(struct about){.mirrors = {"", ""}}, "one history");
  two_open(&t, (struct fixture_options){0}, 5, 5, 5);
  refused(&t, &(struct about){.mirrors = {"", ""}}, "the same tree");
  two_open(&t, (struct fixture_options){0}, 2, 5, 9);
  refused(&t, &(struct about){.mirrors = {"1", ""}, .party = 1}, "did not sign both");
  two_open(&t, (struct fixture_options){0}, 2, 5, 9);
  refused(&t, &(struct about){.mirrors = {"1", "b"}, .party = 1}, "signature of");
  two_open(&t, (struct fixture_options){0}, 2, 9, 5);
  refused(&t, &(struct about){.mirrors = {"", ""}}, "smaller");
}

/* One change to a good proof of two sizes, each refused with these words. */
static void test_refusals(void **state) {
  static const char *const names[] = {FORK_FIRST, FORK_SECOND, FORK_CONSISTENCY};
  struct two t;
  struct fork_result r;
  struct errmsg e = {{0}};
  (void)state;
  two_open(&t, (struct fixture_options){0}, 2, 5, 9);
  build_good(&t, &(struct about){.mirrors = {"", ""}});
  t.f.pack = t.pack;
  struct pack p;
  for (size_t i = 0; i < 3; i++) { /* missing */
    p = fixture_copy(&t.f);
    fixture_remove(&p, names[i]);
    assert_int_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_EINVAL);
    assert_non_null(strstr(e.text, "missing"));
    assert_null(r.parties);
  }
  for (size_t i = 0; i < 3; i++) /* any byte of any of them */
    for (size_t k = 0; k < pack_find(&t.pack, names[i])->data.n; k++) {
      p = fixture_copy(&t.f);
      struct pack_file *f = fixture_file(&p, names[i]);
      uint8_t *data = arena_alloc(&t.f.arena, f->data.n);
      memcpy(data, f->data.p, f->data.n);
      data[k] ^= 1;
      f->data.p = data;
      assert_int_not_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_OK);
    }
  p = fixture_copy(&t.f); /* a file too many */
  fixture_add(&p, "entry.json", bytes_str("{}"));
  fixture_sort(&p);
  assert_int_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_EINVAL);
  assert_non_null(strstr(e.text, "no such file"));
  p = fixture_copy(&t.f); /* a card of somebody who signed nothing here */
  char name[PACK_NAME_SIZE];
  snprintf(name, sizeof name, "cards/%s.json", t.f.parties[1].name);
  fixture_add(&p, name, t.f.parties[1].card.envelope);
  fixture_sort(&p);
  assert_int_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_EVERIFY);
  assert_non_null(strstr(e.text, "did not sign both"));
  p = fixture_copy(&t.f); /* no card */
  snprintf(name, sizeof name, "cards/%s.json", t.f.parties[0].name);
  fixture_remove(&p, name);
  assert_int_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_EINVAL);
  assert_non_null(strstr(e.text, "nobody is convicted"));
  p = fixture_copy(&t.f); /* stored files */
  p.n_stored = 1;
  assert_int_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_EINVAL);
  p = fixture_copy(&t.f); /* two of one log, one of another epoch */
  const struct hash root = fixture_tree_root(t.tree[1], 9);
  fixture_file(&p, FORK_SECOND)->data = fixture_note(&t.f, 0, 1, false, 9, &root, "");
  assert_int_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_EVERIFY);
  assert_non_null(strstr(e.text, "another log"));
  p = fixture_copy(&t.f); /* a consistency file that only has the root */
  struct bytes *c = &fixture_file(&p, FORK_CONSISTENCY)->data;
  c->n = 45;
  assert_int_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_EVERIFY);
  c->n = 0;
  assert_int_equal(fork_verify(&r, &t.f.arena, &p, NULL, &e), PARLEY_EINVAL);
  two_close(&t);
}

/* The tree of nothing has one root; whoever signed another has signed two. */
static void test_empty(void **state) {
  struct two t;
  struct errmsg e = {{0}};
  struct fork_input in = {0};
  (void)state;
  two_open(&t, (struct fixture_options){0}, 0, 1, 4);
  const struct card *card = &t.f.parties[0].at[0].card;
  in.cards = &card;
  in.n_cards = 1;
  in.tree[1] = (struct fork_tree){4, fixture_tree_root(t.tree[1], 4), BYTES_NONE};
  in.tree[1].note = fixture_note(&t.f, 0, 0, false, 4, &in.tree[1].root, "");
  in.tree[0] = (struct fork_tree){0, t.tree[0]->leaves[0], BYTES_NONE};
  in.tree[0].note = fixture_note(&t.f, 0, 0, false, 0, &in.tree[0].root, "");
  merkle_empty(&in.prefix);
  if (fork_build(&t.pack, &t.result, &t.f.arena, &in, &e) != PARLEY_OK) fail_msg("%s", e.text);
  in.prefix.b[0] ^= 1;
  assert_int_equal(fork_build(&t.pack, &t.result, &t.f.arena, &in, &e), PARLEY_EVERIFY);
  two_close(&t);
}

/* ---- for others ---- */

static void write_file(const char *dir, const struct pack_file *f) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", dir, f->name);
  char *slash = strrchr(path, '/');
  *slash = '\0';
  mkdir(path, 0777);
  *slash = '/';
  FILE *out = fopen(path, "wb");
  if (out == NULL || fwrite(f->data.p, 1, f->data.n, out) != f->data.n || fclose(out) != 0) exit(2);
}

static void write_one(const char *top, const char *name, struct fixture_options o, const struct about *about,
                      const size_t sizes[3]) {
  struct two t;
  char dir[512], hex[65];
  two_open(&t, o, sizes[0], sizes[1], sizes[2]);
  build_good(&t, about);
  snprintf(dir, sizeof dir, "%s/%s", top, name);
  mkdir(dir, 0777);
  for (size_t i = 0; i < t.pack.n; i++) write_file(dir, &t.pack.files[i]);
  hex_encode(hex, BYTES(t.result.parties[0].who.fingerprint, SHA256_SIZE));
  printf("%s %s=%s\n", name, t.result.parties[0].who.name, hex);
  two_close(&t);
}

static int write_all(const char *top) {
  static const size_t sizes[][3] = {{2, 5, 9}, {3, 4, 7}, {4, 6, 6}, {0, 1, 8}, {2, 8, 11}};
  static const char *const names[] = {"log", "log-power", "log-same", "log-first", "log-eight"};
  for (size_t i = 0; i < 5; i++)
    write_one(top, names[i], (struct fixture_options){0}, &(struct about){.mirrors = {"", ""}}, sizes[i]);
  write_one(top, "mirror", (struct fixture_options){.members = 3}, &(struct about){.mirrors = {"12", "1"}, .party = 1},
            sizes[0]);
  write_one(top, "mirror-bulk", (struct fixture_options){.members = 3},
            &(struct about){.bulk = true, .mirrors = {"1", "12"}, .party = 1}, sizes[2]);
  write_one(top, "cards", (struct fixture_options){.renewals = 2, .signs = 1}, &(struct about){.mirrors = {"", ""}},
            sizes[0]);
  write_one(top, "cards-kept", (struct fixture_options){.renewals = 2, .keys_kept = true},
            &(struct about){.mirrors = {"", ""}}, sizes[1]);
  return 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_log),      cmocka_unit_test(test_mirror),           cmocka_unit_test(test_without_log),
      cmocka_unit_test(test_cards),    cmocka_unit_test(test_identity),         cmocka_unit_test(test_one_piece),
      cmocka_unit_test(test_refusals), cmocka_unit_test(test_no_contradiction), cmocka_unit_test(test_empty)};
  if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_all(argv[2]);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
