#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pack_expect.h"
#include "pack_list.h"

/* ---- whole packs ---- */

static void verifies(struct fixture_options options, size_t files) {
  struct fixture f;
  struct anchor anchors[FIXTURE_PARTIES];
  struct errmsg e;
  struct arena a = {0};
  struct pack_result r;
  fixture_open(&f, options);
  fixture_anchors(&f, anchors, FIXTURE_PARTIES);
  assert_int_equal(f.pack.n, files);
  if (pack_verify(&r, &a, &f.pack, &(struct pack_known){.anchors = anchors, .n_anchors = FIXTURE_PARTIES}, &e) !=
      PARLEY_OK)
    fail_msg("%s", e.text);
  assert_true(r.identified);
  assert_int_equal(r.n_parties, f.options.addressees + 1);
  assert_string_equal(r.parties[0].name, "cert.us.example");
  assert_false(r.parties[0].addressee);
  assert_int_equal(r.parties[0].delivered, 0);
  for (size_t i = 1; i < r.n_parties; i++) {
    assert_string_equal(r.parties[i].name, f.parties[i].name);
    assert_memory_equal(r.parties[i].fingerprint, f.parties[i].card.fingerprint, SHA256_SIZE);
    assert_true(r.parties[i].addressee && r.parties[i].anchored);
    assert_int_equal(r.parties[i].delivered, FIXTURE_TIME + f.options.late);
    assert_int_equal(r.parties[i].files_delivered, options.files ? FIXTURE_TIME + f.options.late : 0);
  }
  assert_int_equal(r.has_ack, options.ack);
  assert_int_equal(r.ack_delivered, options.ack ? FIXTURE_TIME + f.options.late : 0);
  assert_int_equal(r.files_pending, options.attach && !options.files);
  assert_int_equal(r.skew, llabs(f.options.late));
  assert_int_equal(r.tolerance, 300);
  assert_string_equal(r.statement.kind, "incident.notice");
  assert_non_null(strstr(r.title, "Line of the fixture"));
  struct hash id;
  statement_id(&id, f.statement.entry);
  assert_memory_equal(id.b, r.id.b, SHA256_SIZE);
  pack_result_clear(&r);
  arena_free(&a);
  fixture_close(&f);
}

static void test_verifies(void **state) {
  (void)state;
  verifies(plain, 7);
  verifies((struct fixture_options){.attach = true}, 7);
  verifies((struct fixture_options){.attach = true, .files = true}, 8);
  verifies((struct fixture_options){.attach = true, .files = true, .bulk_size = 7}, 9);
  verifies((struct fixture_options){.attach = true, .files = true, .bulk_size = 64}, 9);
  verifies((struct fixture_options){.ack = true, .late = -3600}, 10);
  verifies((struct fixture_options){.members = 4, .addressees = 1, .officers = 3}, 7);
  verifies((struct fixture_options){.members = 4, .addressees = 3}, 9);
  verifies((struct fixture_options){.predecessors = 3}, 10);
  verifies(all, 15);
}

static void test_identities(void **state) {
  struct fixture f;
  struct anchor anchors[3];
  struct errmsg e;
  struct arena a = {0};
  struct pack_result r;
  (void)state;
  fixture_open(&f, all);
  fixture_anchors(&f, anchors, 3);
  for (size_t n = 0; n <= 3; n++) {
    assert_int_equal(pack_verify(&r, &a, &f.pack, &(struct pack_known){.anchors = anchors, .n_anchors = n}, &e),
                     PARLEY_OK);
    assert_int_equal(r.identified, n == 3);
    for (size_t i = 0; i < r.n_parties; i++) assert_int_equal(r.parties[i].anchored, i < n);
    pack_result_clear(&r);
  }
  for (size_t i = 0; i < 3; i++) {
    anchors[i].fingerprint[31] ^= 1;
    assert_int_equal(check(&f.pack, anchors, 3, &e), PARLEY_EVERIFY);
    assert_non_null(strstr(e.text, f.parties[i].name));
    assert_int_equal(check(&f.pack, &anchors[i], 1, &e), PARLEY_EVERIFY);
    anchors[i].fingerprint[31] ^= 1;
  }
  /* Of several fingerprints of one party one has to fit. */
  struct anchor twice[2] = {anchors[1], anchors[1]};
  twice[1].fingerprint[0] ^= 0x80;
  assert_int_equal(check(&f.pack, twice, 2, &e), PARLEY_OK);
  assert_int_equal(check(&f.pack, &twice[1], 1, &e), PARLEY_EVERIFY);
  arena_free(&a);
  fixture_close(&f);
}

static void test_forged_with_fresh_keys(void **state) {
  struct fixture real, forged;
  struct anchor anchors[2];
  struct errmsg e;
  struct fixture_options other = usual;
  (void)state;
  other.world = 1;
  fixture_open(&real, usual);
  fixture_open(&forged, other);
  fixture_anchors(&real, anchors, 2);
  assert_int_equal(check(&real.pack, anchors, 2, &e), PARLEY_OK);
  holds(&forged.pack);
  assert_int_equal(check(&forged.pack, anchors, 2, &e), PARLEY_EVERIFY);
  assert_non_null(strstr(e.text, "cert.us.example"));
  assert_int_equal(check(&forged.pack, &anchors[1], 1, &e), PARLEY_EVERIFY);
  assert_non_null(strstr(e.text, "ncc.ru.example"));
  /* Any file of the one in the other. */
  for (size_t i = 0; i < real.pack.n; i++) {
    if (strcmp(real.pack.files[i].name, "VERIFY.md") == 0) continue;
    struct pack p = fixture_copy(&real);
    p.files[i].data = forged.pack.files[i].data;
    assert_int_not_equal(check(&p, NULL, 0, &e), PARLEY_OK);
  }
  fixture_close(&real);
  fixture_close(&forged);
}

/* ---- proof and policy ---- */

static void test_policy_spelled_otherwise(void **state) {
  static const char *const ways[][2] = {{"log ", "log  "},
                                        {"log ", "log\t"},
                                        {"log ", " log "},
                                        {"\nwitness", "\n\nwitness"},
                                        {"\nquorum", " \nquorum"},
                                        {"log ", "# a remark\nlog "},
                                        {"\nquorum w1", "\ngroup g all w1\nquorum g"},
                                        {"quorum w1", "quorum none"},
                                        {"w1", "w9"}};
  struct fixture f;
  (void)state;
  fixture_open(&f, usual);
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    fails_with(&f, "policy.tlog-policy", pack_replaced(&f, "policy.tlog-policy", ways[i][0], ways[i][1]),
               "policy.tlog-policy");
    fails_with(&f, "ack/policy.tlog-policy", pack_replaced(&f, "ack/policy.tlog-policy", ways[i][0], ways[i][1]),
               "ack/policy.tlog-policy");
  }
  fixture_close(&f);
}

static void test_policy_text(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, all);
  const char *text = arena_cstr(&f.arena, fixture_file(&f.pack, "policy.tlog-policy")->data);
  assert_non_null(text);
  assert_ptr_equal(strstr(text, "log cert.us.example/"), text);
  assert_non_null(strstr(text, "\nwitness w1 ncc.ru.example/mirror+"));
  assert_non_null(strstr(text, "\nwitness w2 ncsc.ch.example/mirror+"));
  assert_non_null(strstr(text, "\ngroup all-addressees all w1 w2\nquorum all-addressees\n"));
  text = arena_cstr(&f.arena, fixture_file(&f.pack, "ack/policy.tlog-policy")->data);
  assert_non_null(text);
  assert_non_null(strstr(text, "\nwitness w1 cert.us.example/mirror+"));
  assert_non_null(strstr(text, "\nquorum w1\n"));
  fixture_close(&f);
}

static void test_proof_written_otherwise(void **state) {
  struct fixture f;
  struct hash root;
  (void)state;
  fixture_open(&f, all);
  fixture_root(&f, &root);
  fails_with(&f, "proof.tlog-proof", pack_replaced(&f, "proof.tlog-proof", "\nindex", "\nextra YWJj\nindex"),
             "proof.tlog-proof");
  fails_with(&f, "proof.tlog-proof", pack_replaced(&f, "proof.tlog-proof", "index 3", "index 03"), "proof.tlog-proof");
  fails_with(&f, "proof.tlog-proof", pack_replaced(&f, "proof.tlog-proof", "index 3", "index 2"), "proof.tlog-proof");
  fails_with(&f, "proof.tlog-proof", pack_replaced(&f, "proof.tlog-proof", "\n\n", "\r\n\r\n"), "proof.tlog-proof");
  /* An unknown key's signature is no forgery, but nothing vouches for its bytes; the same holds for a known one's second. */
  static const char *const mirrors[] = {"", "21", "112", "122", "120", "123", "b2", "12c", "b12", "1c"};
  for (size_t i = 0; i < sizeof mirrors / sizeof *mirrors; i++)
    fails_with(&f, "proof.tlog-proof", fixture_proof(&f, fixture_note(&f, 0, 0, false, 7, &root, mirrors[i])),
               "proof.tlog-proof");
  /* Covering one addressee only it is another proof than the policy is for. */
  for (size_t i = 0; i < 2; i++)
    fails_with(&f, "proof.tlog-proof", fixture_proof(&f, fixture_note(&f, 0, 0, false, 7, &root, i ? "1" : "2")),
               "policy.tlog-policy");
  struct pack p = fixture_copy(&f);
  fixture_file(&p, "proof.tlog-proof")->data = fixture_proof(&f, fixture_note(&f, 0, 0, false, 7, &root, "12"));
  holds(&p);
  fixture_close(&f);
}

static void test_checkpoint_of_another_log(void **state) {
  struct fixture f;
  struct hash root;
  (void)state;
  fixture_open(&f, all);
  fixture_root(&f, &root);
  const struct bytes notes[] = {
      fixture_note(&f, 1, 0, false, 7, &root, "12"), /* of another party */
      fixture_note(&f, 0, 0, true, 7, &root, "12"),  /* the bulk log */
      fixture_note(&f, 0, 0, false, 9, &root, "12"), /* of another size */
  };
  for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
    fails_with(&f, "proof.tlog-proof", fixture_proof(&f, notes[i]), "proof.tlog-proof");
  f.forum[0] ^= 1; /* of another forum */
  fails_with(&f, "proof.tlog-proof", fixture_proof(&f, fixture_note(&f, 0, 0, false, 7, &root, "12")),
             "proof.tlog-proof");
  fixture_close(&f);
}

static void test_builder_wants_the_signatures(void **state) {
  struct fixture f;
  struct hash root;
  struct pack p;
  struct errmsg e;
  (void)state;
  fixture_open(&f, all);
  fixture_root(&f, &root);
  f.input.statement.note = fixture_note(&f, 0, 0, false, 7, &root, "3");
  assert_int_equal(pack_build(&p, &f.arena, &f.input, &e), PARLEY_EVERIFY);
  assert_non_null(strstr(e.text, "proof.tlog-proof: the checkpoint carries no cosignature of an addressee"));
  assert_int_equal(p.n, 0);
  /* Others may be there, in any order; they are left out. */
  f.input.statement.note = fixture_note(&f, 0, 0, false, 7, &root, "2310");
  assert_int_equal(pack_build(&p, &f.arena, &f.input, &e), PARLEY_OK);
  assert_true(bytes_eq(fixture_file(&p, "proof.tlog-proof")->data, fixture_file(&f.pack, "proof.tlog-proof")->data));
  f.input.n_cards = 2;
  assert_int_equal(pack_build(&p, &f.arena, &f.input, &e), PARLEY_EINVAL);
  assert_non_null(strstr(e.text, "ncsc.ch.example"));
  fixture_close(&f);
}

/* ---- files ---- */

static void test_bulk(void **state) {
  struct fixture f, larger;
  struct fixture_options o = all;
  struct hash root;
  (void)state;
  memset(&root, 7, sizeof root); /* of no tree */
  o.bulk_size = 5;
  fixture_open(&f, o);
  fails(&f.pack, "bulk/checkpoint"); /* older than what the statement names */
  fixture_close(&f);
  o.bulk_size = 6;
  fixture_open(&f, o);
  holds(&f.pack);
  fails_with(&f, "bulk/checkpoint", fixture_note(&f, 0, 0, true, 6, &root, "12"), "bulk/checkpoint");
  fails_with(&f, "bulk/checkpoint", fixture_note(&f, 0, 0, false, 6, &root, "12"), "bulk/checkpoint");
  o.bulk_size = 11;
  fixture_open(&larger, o);
  fails_with(&f, "bulk/checkpoint", larger.input.bulk_note, "bulk/consistency"); /* now missing */
  struct pack p = fixture_copy(&f);
  fixture_add(&p, "bulk/consistency", fixture_file(&larger.pack, "bulk/consistency")->data);
  fails(&p, "bulk/consistency"); /* too much */
  fails_with(&larger, "bulk/checkpoint", fixture_note(&larger, 0, 0, true, 11, &root, "12"), "bulk/consistency");
  fails_with(&larger, "bulk/checkpoint", fixture_note(&larger, 0, 0, true, 11, &root, "3"), "bulk/checkpoint");
  fails_with(&larger, "bulk/checkpoint", fixture_note(&larger, 0, 1, true, 11, &root, "12"),
             "bulk/checkpoint"); /* another epoch */
  fixture_close(&f);
  fixture_close(&larger);
}

/* ---- acknowledgements ---- */

static void bad_ack(struct fixture_options o, const char *why) {
  struct fixture f;
  o.ack = true;
  o.members = 3;
  fixture_open(&f, o);
  fails(&f.pack, "ack/entry.json");
  fails(&f.pack, why);
  fixture_close(&f);
}

static void test_ack(void **state) {
  struct fixture f, other;
  struct fixture_options o = {.ack = true, .attach = true};
  (void)state;
  bad_ack((struct fixture_options){.ack_other = true}, "another statement");
  bad_ack((struct fixture_options){.ack_stranger = true}, "signature");
  bad_ack((struct fixture_options){.ack_third = true}, "no addressee");
  bad_ack((struct fixture_options){.ack_elsewhere = true}, "cert.us.example");
  bad_ack((struct fixture_options){.ack_kind = true}, "incident.update");
  /* A true acknowledgement of another statement between the same two. */
  fixture_open(&f, plain);
  fixture_open(&other, o);
  struct pack p = fixture_copy(&f);
  fixture_add(&p, "ack/entry.json", fixture_file(&other.pack, "ack/entry.json")->data);
  fixture_add(&p, "ack/proof.tlog-proof", fixture_file(&other.pack, "ack/proof.tlog-proof")->data);
  fixture_add(&p, "ack/policy.tlog-policy", fixture_file(&other.pack, "ack/policy.tlog-policy")->data);
  fails(&p, "ack/entry.json");
  fixture_close(&f);
  fixture_close(&other);
}

/* ---- cards and charters ---- */

static void test_swapped_cards(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, usual);
  struct pack p = fixture_copy(&f);
  struct pack_file *us = fixture_file(&p, "cards/cert.us.example.json"),
                   *ru = fixture_file(&p, "cards/ncc.ru.example.json");
  const struct bytes data = us->data;
  us->data = ru->data;
  fails(&p, "cards/ncc.ru.example.json"); /* twice, then */
  ru->data = data;
  fails(&p, "cards/cert.us.example.json");
  fixture_close(&f);
}

/* In a large forum the pack holds few of the cards; the signatures of the others are taken as to form only. */
static void test_large_forum(void **state) {
  struct fixture f;
  struct dsse d;
  struct buf out = {0};
  (void)state;
  fixture_open(&f, (struct fixture_options){.members = 4});
  assert_int_equal(dsse_parse(&d, &f.arena, f.input.charter, CHARTER_SIZE_MAX, NULL), PARLEY_OK);
  assert_int_equal(d.n, 4);
  struct pack p = fixture_copy(&f);
  for (size_t i = 0; i < 4; i++) {
    d.sigs[i].sig[3] ^= 4;
    dsse_write(&out, &d);
    fixture_file(&p, "charter.json")->data = buf_view(&out);
    if (i < 2)
      fails(&p, "charter.json");
    else
      holds(&p);
    buf_clear(&out);
    d.sigs[i].sig[3] ^= 4;
  }
  d.n = 3; /* one has not signed */
  dsse_write(&out, &d);
  fixture_file(&p, "charter.json")->data = buf_view(&out);
  fails(&p, "charter.json");
  buf_free(&out);
  fixture_close(&f);
}

static void test_charter_chain(void **state) {
  struct fixture f, other;
  struct fixture_options o = {.predecessors = 3, .world = 9};
  (void)state;
  fixture_open(&other, o);
  o.world = 0;
  fixture_open(&f, o);
  struct pack p = fixture_copy(&f);
  struct pack_file *v0 = fixture_file(&p, "charter.0.json"), *v1 = fixture_file(&p, "charter.1.json");
  const struct bytes first = v0->data;
  v0->data = v1->data; /* the same version twice */
  fails(&p, "charter.");
  v1->data = first; /* the wrong way round */
  fails(&p, "charter.");
  p = fixture_copy(&f);
  fixture_add(&p, "charter.3.json", f.input.charter);
  fails(&p, "charter.3.json");
  fails_with(&f, "charter.2.json", other.predecessors[2], "charter.2.json");
  /* The last version alone. */
  p = fixture_copy(&f);
  fixture_remove(&p, "charter.0.json");
  fixture_remove(&p, "charter.1.json");
  fixture_remove(&p, "charter.2.json");
  fails(&p, "charter.0.json");
  fixture_close(&f);
  fixture_close(&other);
}

/* ---- the list, for ourselves and for other verifiers ---- */

static void test_listed(void **state) {
  (void)state;
  for (size_t i = 0; i < listed_packs_count; i++) {
    const struct listed_pack *x = &listed_packs[i];
    struct fixture f;
    struct errmsg e;
    const struct pack p = listed_pack_open(&f, x);
    const parley_err rc = check(&p, NULL, 0, &e);
    if (x->bad == NULL && rc != PARLEY_OK) fail_msg("%s: %s", x->name, e.text);
    if (x->bad != NULL && (rc == PARLEY_OK || strncmp(e.text, x->bad, strlen(x->bad)) != 0))
      fail_msg("%s: \"%s\" does not begin with %s", x->name, rc == PARLEY_OK ? "it verifies" : e.text, x->bad);
    fixture_close(&f);
  }
}

static char *write_to;

static void write_file(const char *pack, const char *name, struct bytes data) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s/%s", write_to, pack, name);
  FILE *out = fopen(path, "wb");
  assert_non_null(out);
  assert_int_equal(fwrite(data.p, 1, data.n, out), data.n);
  assert_int_equal(fclose(out), 0);
}

static void write_pack(const char *name, const struct fixture *f, const struct pack *p) {
  static const char *const folders[] = {"", "cards", "bulk", "ack", "reject", "files"};
  char path[4096];
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    snprintf(path, sizeof path, "%s/%s/%s", write_to, name, folders[i]);
    mkdir(path, 0777);
  }
  for (size_t i = 0; i < p->n; i++) write_file(name, p->files[i].name, p->files[i].data);
  for (size_t i = 0; i < f->n_stored; i++) write_file(name, f->stored[i].name.text, f->stored[i].data);
  for (size_t i = 1; i < sizeof folders / sizeof *folders; i++) {
    snprintf(path, sizeof path, "%s/%s/%s", write_to, name, folders[i]);
    rmdir(path); /* those that stayed empty */
  }
  for (size_t i = 0; i <= f->options.addressees; i++) {
    const size_t first = f->options.predecessors > 0 ? 0 : f->options.named;
    char hex[65];
    for (size_t k = 0; k < SHA256_SIZE; k++)
      snprintf(hex + 2 * k, 3, "%02x", f->parties[i].at[first].card.fingerprint[k]);
    printf("%s %s=%s\n", name, f->parties[i].name, hex);
  }
}

/*
 * Packs as folders; on standard output the fingerprints of each; in the file `verdicts` a line each: name, exit status
 * with nobody known, exit status with those fingerprints, the file that must be named.
 */
static void test_write(void **state) {
  struct fixture_options forged = usual;
  struct fixture f;
  char path[4096];
  (void)state;
  snprintf(path, sizeof path, "%s/verdicts", write_to);
  FILE *verdicts = fopen(path, "w");
  assert_non_null(verdicts);
  for (size_t i = 0; i < listed_packs_count; i++) {
    const struct listed_pack *x = &listed_packs[i];
    const struct pack p = listed_pack_open(&f, x);
    write_pack(x->name, &f, &p);
    fixture_close(&f);
    fprintf(verdicts, "%s %s %s\n", x->name, x->bad != NULL ? "1 1" : "5 0", x->bad != NULL ? x->bad : "-");
  }
  assert_int_equal(fclose(verdicts), 0);
  forged.world = 1;
  fixture_open(&f, forged);
  write_pack("forged", &f, &f.pack);
  fixture_close(&f);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_verifies),
      cmocka_unit_test(test_identities),
      cmocka_unit_test(test_forged_with_fresh_keys),
      cmocka_unit_test(test_policy_spelled_otherwise),
      cmocka_unit_test(test_policy_text),
      cmocka_unit_test(test_proof_written_otherwise),
      cmocka_unit_test(test_checkpoint_of_another_log),
      cmocka_unit_test(test_builder_wants_the_signatures),
      cmocka_unit_test(test_bulk),
      cmocka_unit_test(test_ack),
      cmocka_unit_test(test_swapped_cards),
      cmocka_unit_test(test_large_forum),
      cmocka_unit_test(test_charter_chain),
      cmocka_unit_test(test_listed),
  };
  const struct CMUnitTest write[] = {cmocka_unit_test(test_write)};
  if (argc == 3 && strcmp(argv[1], "--write") == 0) { /* packs as folders, their parties and fingerprints as output */
    write_to = argv[2];
    return cmocka_run_group_tests(write, NULL, NULL);
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
