/*
 * Packs for several addressees: numbered proofs, and packs about some of them (docs/protocol.md, "Evidence pack").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pack_expect.h"

static const struct fixture_options three = {.members = 4, .addressees = 3};
static const struct fixture_options filed = {
    .members = 4, .addressees = 3, .attach = true, .files = true, .bulk_size = 11, .ack = true};

/* The fixture's pack anew, with a note for each string of parties, "" none. */
static struct pack several(struct fixture *f, const char *const *proofs, const char *const *bulks) {
  static struct pack_signed further[2][3];
  struct hash root;
  struct pack p;
  struct errmsg e;
  const struct proof inclusion = f->input.statement.inclusion, consistency = f->input.bulk_consistency;
  fixture_root(f, &root);
  f->input.further = further[0];
  f->input.bulk_further = further[1];
  f->input.statement.note = fixture_note(f, 0, 0, false, 7, &root, proofs[0]);
  for (f->input.n_further = 0; proofs[f->input.n_further + 1]; f->input.n_further++)
    further[0][f->input.n_further] =
        (struct pack_signed){fixture_note(f, 0, 0, false, 7, &root, proofs[f->input.n_further + 1]), inclusion};
  f->input.n_bulk_further = 0;
  f->input.has_bulk = bulks != NULL;
  if (bulks) {
    struct note n;
    struct checkpoint c;
    assert_int_equal(note_parse(&n, &f->arena, f->input.bulk_note, &e), PARLEY_OK);
    assert_int_equal(checkpoint_parse(&c, n.text, &e), PARLEY_OK);
    f->input.bulk_note = fixture_note(f, 0, 0, true, c.size, &c.root, bulks[0]);
    for (; bulks[f->input.n_bulk_further + 1]; f->input.n_bulk_further++)
      further[1][f->input.n_bulk_further] = (struct pack_signed){
          fixture_note(f, 0, 0, true, c.size, &c.root, bulks[f->input.n_bulk_further + 1]), consistency};
  }
  if (pack_build(&p, &f->arena, &f->input, &e) != PARLEY_OK) fail_msg("%s", e.text);
  return p;
}

#define LIST(...)                                                                                                      \
  (const char *const[]) { __VA_ARGS__, NULL }

/* Which parties the pack covers, and whose files it does: "12". */
static void covers(struct fixture *f, const struct pack *p, const char *whom, const char *files) {
  struct arena a = {0};
  struct errmsg e;
  struct pack_result r;
  struct anchor anchors[FIXTURE_PARTIES];
  fixture_anchors(f, anchors, FIXTURE_PARTIES);
  if (pack_verify(&r, &a, p, &(struct pack_known){.anchors = anchors, .n_anchors = FIXTURE_PARTIES}, &e) != PARLEY_OK)
    fail_msg("%s", e.text);
  assert_true(r.identified);
  assert_int_equal(r.n_parties, 4);
  assert_int_equal(r.n_covered, strlen(whom));
  bool pending = false;
  for (size_t i = 1; i < r.n_parties; i++) {
    const bool covered = strchr(whom, (int)('0' + i)) != NULL, filed_too = strchr(files, (int)('0' + i)) != NULL;
    assert_int_equal(r.parties[i].covered, covered);
    assert_int_equal(r.parties[i].delivered != 0, covered);
    assert_int_equal(r.parties[i].files_delivered != 0, filed_too);
    pending = pending || (covered && !filed_too);
  }
  if (r.statement.has_bulk) assert_int_equal(r.files_pending, pending);
  pack_result_clear(&r);
  arena_free(&a);
}

static void test_numbered(void **state) {
  (void)state;
  struct fixture f;
  fixture_open(&f, three);
  struct pack p = several(&f, LIST("13", "2"), NULL);
  assert_int_equal(p.n, f.pack.n + 2);
  assert_non_null(pack_find(&p, "proof.1.tlog-proof"));
  assert_non_null(pack_find(&p, "policy.1.tlog-policy"));
  covers(&f, &p, "123", "");
  p = several(&f, LIST("1", "2", "3"), NULL);
  covers(&f, &p, "123", "");
  /* Of each addressee the first signature counts, so that the second proof is for the third alone. */
  p = several(&f, LIST("12", "123"), NULL);
  covers(&f, &p, "123", "");
  /* One note with all: as it always was. */
  p = several(&f, LIST("123"), NULL);
  assert_int_equal(p.n, f.pack.n);
  for (size_t i = 0; i < p.n; i++) assert_true(bytes_eq(p.files[i].data, f.pack.files[i].data));
  fixture_close(&f);
}

static void test_some_only(void **state) {
  (void)state;
  struct fixture f;
  fixture_open(&f, three);
  struct pack p = several(&f, LIST("2"), NULL);
  covers(&f, &p, "2", "");
  p = several(&f, LIST("1", "3"), NULL);
  covers(&f, &p, "13", "");
  fixture_close(&f);
}

/* Identities are asked of the author and those whom the pack is about. */
static void test_identities(void **state) {
  (void)state;
  struct fixture f;
  struct anchor anchors[FIXTURE_PARTIES];
  struct arena a = {0};
  struct errmsg e;
  struct pack_result r;
  fixture_open(&f, three);
  fixture_anchors(&f, anchors, FIXTURE_PARTIES);
  struct pack p = several(&f, LIST("1"), NULL);
  for (size_t n = 0; n <= 2; n++) {
    assert_int_equal(pack_verify(&r, &a, &p, &(struct pack_known){.anchors = anchors, .n_anchors = n}, &e), PARLEY_OK);
    assert_int_equal(r.identified, n == 2);
    pack_result_clear(&r);
  }
  anchors[3].fingerprint[0] ^= 1; /* a card that is there is judged, whoever the pack is about */
  assert_int_equal(check(&p, &anchors[3], 1, &e), PARLEY_EVERIFY);
  arena_free(&a);
  fixture_close(&f);
}

static void test_files(void **state) {
  (void)state;
  struct fixture f;
  fixture_open(&f, filed);
  struct pack p = several(&f, LIST("12", "3"), LIST("1", "23"));
  assert_non_null(pack_find(&p, "bulk/checkpoint.1"));
  assert_non_null(pack_find(&p, "bulk/consistency.1"));
  covers(&f, &p, "123", "123");
  p = several(&f, LIST("12", "3"), LIST("13"));
  covers(&f, &p, "123", "13");
  p = several(&f, LIST("1"), LIST("123")); /* of those that no proof covers nothing is said */
  covers(&f, &p, "1", "1");
  p = several(&f, LIST("123"), LIST("12", "3"));
  struct pack q = p;
  fixture_remove(&q, "bulk/consistency.1");
  fails(&q, "bulk/consistency.1");
  fixture_close(&f);
}

static void test_wrong(void **state) {
  (void)state;
  struct fixture f;
  struct pack p;
  fixture_open(&f, filed);
  struct pack_file *a, *b;
  /* In the wrong order. */
  p = several(&f, LIST("2", "13"), LIST("123"));
  fails(&p, "proof.1.tlog-proof");
  p = several(&f, LIST("123"), LIST("2", "1"));
  fails(&p, "bulk/checkpoint.1");
  /* The same addressee twice. */
  p = several(&f, LIST("1", "23"), LIST("123"));
  struct hash root;
  fixture_root(&f, &root);
  a = fixture_file(&p, "proof.1.tlog-proof");
  a->data = fixture_proof(&f, fixture_note(&f, 0, 0, false, 7, &root, "123"));
  fails(&p, "proof.1.tlog-proof");
  a->data = fixture_proof(&f, fixture_note(&f, 0, 0, false, 7, &root, "1"));
  fails(&p, "proof.1.tlog-proof");
  /* Files that miss, or are too much. */
  static const char *const names[] = {"proof.1.tlog-proof", "policy.1.tlog-policy"};
  for (size_t i = 0; i < 2; i++) {
    p = several(&f, LIST("1", "23"), LIST("123"));
    fixture_remove(&p, names[i]);
    fails(&p, names[i]);
  }
  p = several(&f, LIST("1", "2", "3"), LIST("123"));
  fixture_remove(&p, "proof.1.tlog-proof");
  fixture_remove(&p, "policy.1.tlog-policy");
  fails(&p, "proof.1.tlog-proof");
  /* Policies that are exchanged. */
  p = several(&f, LIST("1", "23"), LIST("123"));
  a = fixture_file(&p, "policy.tlog-policy");
  b = fixture_file(&p, "policy.1.tlog-policy");
  const struct bytes x = a->data;
  a->data = b->data;
  b->data = x;
  fails(&p, "policy.tlog-policy");
  /* An acknowledgement by one whom the pack is not about. */
  p = several(&f, LIST("23"), LIST("23"));
  fails(&p, "ack/entry.json");
  /* Another place in the log: of another epoch. */
  p = several(&f, LIST("1", "23"), LIST("123"));
  fixture_file(&p, "proof.1.tlog-proof")->data = fixture_proof(&f, fixture_note(&f, 0, 1, false, 7, &root, "23"));
  fails(&p, "1.tlog");
  fixture_close(&f);
}

static void test_names(void **state) {
  (void)state;
  static const char *const strange[] = {"proof.0.tlog-proof",    "proof.01.tlog-proof", "proof.192.tlog-proof",
                                        "proof..tlog-proof",     "proof.x.tlog-proof",  "policy.-1.tlog-policy",
                                        "bulk/checkpoint.",      "bulk/checkpoint.0",   "bulk/consistency.1.json",
                                        "ack/proof.1.tlog-proof"};
  struct fixture f;
  fixture_open(&f, three);
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
    struct pack p = fixture_copy(&f);
    fixture_add(&p, strange[i], BYTES("x", 1));
    fails(&p, strange[i]);
  }
  struct pack p = fixture_copy(&f);
  fixture_add(&p, "bulk/consistency.1", BYTES("x", 1));
  fails(&p, "bulk/consistency.1");
  p = fixture_copy(&f);
  fixture_add(&p, "bulk/checkpoint.1", BYTES("x", 1));
  fails(&p, "bulk/checkpoint");
  fixture_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbered),   cmocka_unit_test(test_some_only),
                                     cmocka_unit_test(test_identities), cmocka_unit_test(test_files),
                                     cmocka_unit_test(test_wrong),      cmocka_unit_test(test_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
