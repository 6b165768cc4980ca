#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pack_expect.h"
#include "record/disclosure.h"

static const struct fixture_options disclosed = {.disclose = true, .ack = true};
/* Files at every boundary of age's chunks and of the entries of the bulk log. */
static const struct fixture_options files = {
    .members = 3,
    .addressees = 2,
    .files = true,
    .bulk_size = 5,
    .n_files = 8,
    .sizes = {0, 1, 65519, 65520, 65536, 65537, 4096, 131072},
    .disclose = true,
    .disclose_files = 0xff,
};
static const struct fixture_options two = {
    .files = true, .n_files = 2, .sizes = {5000, 9000}, .disclose = true, .disclose_files = 3};

static struct pack_result result;
static struct arena arena;

static const struct pack_result *verified(struct fixture *f, const struct pack_known *known) {
  struct errmsg e;
  if (pack_verify(&result, &arena, &f->pack, known, &e) != PARLEY_OK) fail_msg("%s", e.text);
  return &result;
}

static void done(struct fixture *f) {
  pack_result_clear(&result);
  arena_free(&arena);
  fixture_close(f);
}

static void refused(struct fixture_options o, const char *naming) {
  struct fixture f;
  fixture_open(&f, o);
  fails(&f.pack, naming);
  fixture_close(&f);
}

/* ---- bodies ---- */

static void test_body(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, disclosed);
  const struct pack_result *r = verified(&f, NULL);
  assert_true(r->disclosed.body && !r->disclosed.reject);
  assert_string_equal(json_string_value(json_object_get(r->disclosed.text.body, "text")), "statement");
  assert_string_equal(r->disclosed.readers[0].card->name, "ncc.ru.example");
  assert_string_equal(r->disclosed.readers[0].seal->label, "duty");
  assert_string_equal(r->disclosed.readers[1].card->name, "cert.us.example");
  done(&f);
}

static void test_body_of_another_desk(void **state) {
  struct fixture f;
  struct fixture_options o = disclosed;
  (void)state;
  o.desk = "judicial";
  fixture_open(&f, o);
  const struct pack_result *r = verified(&f, NULL);
  assert_string_equal(r->disclosed.readers[0].seal->label, "judicial");
  assert_string_equal(r->disclosed.readers[1].seal->label, "duty"); /* the author reads it at the duty desk */
  done(&f);
}

/* Sealed to the key of a card that was not the newest any more when the statement was signed. */
static void test_body_to_an_older_card(void **state) {
  struct fixture f;
  struct fixture_options o = disclosed;
  (void)state;
  o.renewals = 2;
  o.signs = 2;
  o.sealed_to = 1;
  fixture_open(&f, o);
  assert_int_equal(verified(&f, NULL)->disclosed.readers[0].card->serial, 1);
  done(&f);
  o.keys_kept = true; /* the newest that has the key */
  fixture_open(&f, o);
  assert_int_equal(verified(&f, NULL)->disclosed.readers[0].card->serial, 2);
  done(&f);
}

static void test_bad_bodies(void **state) {
  struct fixture_options o = two;
  (void)state;
  static const struct {
    int fault;
    const char *naming;
  } cases[] = {
      {SEALED_TO_OTHER, "body.json: it is the text that was signed, but not what was sealed"},
      {SEALED_BY_SEED, "body.json: it is the text that was signed, but not what was sealed"},
      {SEALED_PAYLOAD, "sealed again with its seed it does not give"},
      {SEALED_TEXT_OTHER, "body.json: its digest is not the `body_sha256`"},
      {SEALED_FEWER, "body.json: it names 1 files, entry.json attaches 2"},
      {SEALED_SIZE, "body.json: it says that file 0 has 5001 bytes"},
      {SEALED_DIGEST, "files/0.csv: its digest is not the one that body.json says"},
      {SEALED_FILE, "files/0.age"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    o.fault = cases[i].fault;
    refused(o, cases[i].naming);
  }
}

/* Every byte of the plaintext is signed. */
static void test_every_byte_of_a_body(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, disclosed);
  struct pack p = fixture_copy(&f);
  struct pack_file *x = fixture_file(&p, "body.json");
  uint8_t *c = malloc(x->data.n + 1);
  assert_non_null(c);
  memcpy(c, x->data.p, x->data.n);
  x->data.p = c;
  for (size_t i = 0; i < x->data.n; i++) {
    c[i] ^= (uint8_t)(1u << i % 8);
    fails(&p, "body.json");
    c[i] ^= (uint8_t)(1u << i % 8);
  }
  holds(&p);
  c[x->data.n++] = '\n';
  fails(&p, "body.json");
  x->data.n = 0;
  fails(&p, "body.json");
  free(c);
  fixture_close(&f);
}

/* A statement whose body is open has nothing to disclose: the pack of another shows the same refusal as a wrong digest. */
static void test_body_of_another_statement(void **state) {
  struct fixture f, other;
  struct fixture_options o = disclosed;
  (void)state;
  o.text = "{\"text\":\"another\"}";
  fixture_open(&f, disclosed);
  fixture_open(&other, o);
  fails_with(&f, "body.json", fixture_file(&other.pack, "body.json")->data, "body_sha256");
  fixture_close(&f);
  fixture_close(&other);
}

/* ---- files ---- */

static void test_files(void **state) {
  struct fixture f;
  (void)state;
  struct fixture_options o = files;
  for (unsigned variant = 0; variant < 8; variant++) {
    o.backwards = variant & 1;
    o.together = variant & 2;
    o.disclose_files = variant & 4 ? 0xa5 : 0xff;
    fixture_open(&f, o);
    const struct pack_result *r = verified(&f, NULL);
    assert_int_equal(r->disclosed.n_files, variant & 4 ? 4 : 8);
    for (size_t i = 0; i < 8; i++) {
      assert_int_equal(r->disclosed.file[i], o.disclose_files >> i & 1);
      if (!r->disclosed.file[i]) continue;
      assert_string_equal(r->disclosed.file_readers[i][0].card->name, "ncc.ru.example");
      assert_string_equal(r->disclosed.file_readers[i][2].card->name, "cert.us.example");
    }
    done(&f);
  }
}

/* Each file alone, the others left out; and a tree that is nothing but one file. */
static void test_files_alone(void **state) {
  struct fixture f;
  struct fixture_options o = files;
  (void)state;
  for (size_t i = 0; i < 8; i++) {
    o.disclose_files = 1u << i;
    fixture_open(&f, o);
    assert_int_equal(verified(&f, NULL)->disclosed.n_files, 1);
    done(&f);
  }
  o = two;
  o.n_files = 1;
  o.together = true;
  o.rest = 1;
  o.disclose_files = 1;
  fixture_open(&f, o);
  assert_int_equal(verified(&f, NULL)->disclosed.n_files, 1);
  done(&f);
}

static void test_names(void **state) {
  static const char *const cases[][2] = {
      {"samples.csv", ".csv"}, {"README", ""},     {".profile", ""},      {"x.tar.gz", ".gz"},
      {"a.age", ""},           {"a.AgE", ""},      {"a.agent", ".agent"}, {"a.b2345678", ".b2345678"},
      {"a.b23456789", ""},     {"dot.", ""},       {"a.t-x", ""},         {"..csv", ".csv"},
      {"a.b c", ""},           {"a.\xc3\xa4", ""}, {"a.ag", ".ag"},       {"a.0", ".0"},
      {"a.bage", ".bage"},     {"..", ""}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char want[64];
    snprintf(want, sizeof want, "files/15%s", cases[i][1]);
    assert_string_equal(disclosure_clear_name(15, cases[i][0]).text, want);
  }
  assert_string_equal(disclosure_sealed_name(0).text, "files/0.age");
}

/* The pack with other bytes in one stored file. */
static void stored_as(struct fixture *f, const char *name, struct bytes data, const char *naming) {
  struct fixture_stored changed[2 * FIXTURE_FILES];
  struct pack p = fixture_copy(f);
  memcpy(changed, f->stored, sizeof changed);
  size_t i = 0;
  while (strcmp(changed[i].name.text, name) != 0) i++;
  changed[i].data = data;
  fixture_store(&p, &f->arena, changed, f->n_stored);
  fails(&p, naming);
}

static struct bytes flipped(struct fixture *f, struct bytes data, size_t at) {
  const struct bytes out = arena_copy(&f->arena, data);
  assert_true(out.p != NULL && at < out.n);
  ((uint8_t *)out.p)[at] ^= 1;
  return out;
}

static struct bytes longer(struct fixture *f, struct bytes data) {
  uint8_t *p = arena_alloc(&f->arena, data.n + 1);
  assert_non_null(p);
  memcpy(p, data.p, data.n);
  return BYTES(p, data.n + 1);
}

static void test_changed_files(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, two);
  for (size_t i = 0; i < f.files[0].n; i += 83)
    stored_as(&f, "files/0.csv", flipped(&f, f.files[0], i), "files/0.csv: its digest");
  for (size_t i = 0; i < f.sealed[0].n; i += 83)
    stored_as(&f, "files/0.age", flipped(&f, f.sealed[0], i), "files/0.age");
  stored_as(&f, "files/0.csv", BYTES(f.files[0].p, f.files[0].n - 1), "files/0.csv: it has not the 5000 bytes");
  stored_as(&f, "files/0.csv", BYTES_NONE, "files/0.csv: it has not the 5000 bytes");
  stored_as(&f, "files/0.csv", longer(&f, f.files[0]), "files/0.csv: it has not the 5000 bytes");
  stored_as(&f, "files/0.age", BYTES(f.sealed[0].p, f.sealed[0].n - 1), "files/0.age: it is shorter");
  stored_as(&f, "files/0.age", BYTES(f.sealed[0].p, 100), "files/0.age: it is shorter");
  stored_as(&f, "files/0.age", BYTES_NONE, "files/0.age: it is shorter");
  stored_as(&f, "files/0.age", longer(&f, f.sealed[0]), "files/0.age: it is longer");
  stored_as(&f, "files/0.age", f.sealed[1], "files/0.age");
  stored_as(&f, "files/1", f.files[0], "files/1: it has not the 9000 bytes");
  fixture_close(&f);
}

static void stored_named(struct fixture *f, size_t n, const char *first, const char *naming) {
  struct fixture_stored other[2 * FIXTURE_FILES];
  struct pack p = fixture_copy(f);
  memcpy(other, f->stored, sizeof other);
  if (first != NULL) snprintf(other[0].name.text, sizeof other[0].name.text, "%s", first);
  fixture_store(&p, &f->arena, other, n);
  fails(&p, naming);
}

static void test_names_of_stored_files(void **state) {
  static const char *const wrong[] = {"files/0",     "files/0.CSV", "files/00.csv", "files/2.csv", "files/0.txt",
                                      "files/x.csv", "files/",      "entry.json",   "files/1.csv", "files/0.csv.age"};
  struct fixture f;
  (void)state;
  fixture_open(&f, two);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) stored_named(&f, 4, wrong[i], wrong[i]);
  stored_named(&f, 3, NULL, "files/1: it is there without files/1.age");
  stored_named(&f, 0, NULL, "bulk/range: it is there without a disclosed file");
  stored_named(&f, 4, "files/1", "files/1: the file stands twice");
  struct pack p = fixture_copy(&f);
  memset(p.stored[2].text, 'a', sizeof p.stored[2].text); /* no NUL */
  fails(&p, "files/");
  p.n_stored = PACK_STORED_MAX + 1;
  fails(&p, "files/");
  p = fixture_copy(&f);
  fixture_remove(&p, "body.json");
  fails(&p, "files/0.age: it is there without body.json");
  p = fixture_copy(&f);
  fixture_remove(&p, "bulk/range");
  fails(&p, "bulk/range: the file is missing");
  /* The body may be disclosed without the files. */
  fixture_store(&p, &f.arena, f.stored, 0);
  holds(&p);
  fixture_close(&f);
}

static void test_range(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, two);
  const struct bytes text = fixture_file(&f.pack, "bulk/range")->data;
  for (size_t i = 0; i < text.n; i += 5) fails_with(&f, "bulk/range", flipped(&f, text, i), "bulk/range");
  for (size_t i = 0; i < text.n; i += 15) fails_with(&f, "bulk/range", BYTES(text.p, i), "bulk/range");
  const char *twice = arena_fmt(&f.arena, "%.*s%.*s", (int)text.n, (const char *)text.p, 45, (const char *)text.p);
  assert_non_null(twice);
  fails_with(&f, "bulk/range", bytes_str(twice), "bulk/range");
  char *many = arena_alloc(&f.arena, (RANGE_PROOF_MAX + 1) * 45 + 1);
  assert_non_null(many);
  for (size_t i = 0; i <= RANGE_PROOF_MAX; i++) memcpy(many + 45 * i, text.p, 45);
  fails_with(&f, "bulk/range", bytes_str(many), "bulk/range: the file has more than 2016 lines");
  fixture_close(&f);
}

/* ---- rejections ---- */

static const struct fixture_options rejected = {.reject = true, .disclose_reject = true, .disclose = true};

static void finds(struct fixture_options o, const char *ground, enum pack_finding finding) {
  struct fixture f;
  struct form *form;
  struct errmsg e;
  o.ground = ground;
  fixture_open(&f, o);
  assert_int_equal(form_parse(&form, bytes_str(fixture_form), &e), PARLEY_OK);
  const struct form *const forms[] = {form};
  const struct pack_known known = {.forms = forms, .n_forms = 1};
  const struct pack_result *r = verified(&f, &known);
  assert_true(r->has_reject && r->disclosed.reject == o.disclose_reject);
  if (o.disclose_reject) {
    assert_string_equal(ground_name(r->disclosed.ground), ground);
    assert_string_equal(r->disclosed.reasons, "It is so.");
    assert_string_equal(r->disclosed.reject_readers[0].card->name, "cert.us.example");
  }
  assert_int_equal(r->disclosed.finding, finding);
  assert_int_equal(r->disclosed.why[0] != '\0', finding == FINDING_BORNE_OUT && strcmp(ground, "form") == 0);
  done(&f);
  form_free(form);
}

static void test_grounds(void **state) {
  struct fixture_options o = rejected;
  (void)state;
  finds(o, "unreadable", FINDING_CONTRADICTED);
  finds(o, "sealing", FINDING_CONTRADICTED);
  finds(o, "language", FINDING_CONTRADICTED);
  finds(o, "files", FINDING_CONTRADICTED); /* there is none */
  finds(o, "form", FINDING_OPEN);          /* the charter pins none */
  o.form = true;
  finds(o, "form", FINDING_CONTRADICTED);
  o.text = "{\"text\":\"of more than twenty bytes\"}";
  finds(o, "form", FINDING_BORNE_OUT);
  o.lang = "ru";
  finds(o, "language", FINDING_BORNE_OUT);
  o.disclose = false;
  finds(o, "language", FINDING_BORNE_OUT); /* stands in the statement itself */
  finds(o, "form", FINDING_OPEN);
  finds(o, "unreadable", FINDING_OPEN);
  finds(o, "sealing", FINDING_OPEN);
  finds(o, "files", FINDING_OPEN);
  o.disclose_reject = false;
  o.disclose = true;
  finds(o, "language", FINDING_OPEN); /* nobody knows what the ground was */
}

static void test_ground_files(void **state) {
  struct fixture_options o = two;
  (void)state;
  o.reject = o.disclose_reject = true;
  finds(o, "files", FINDING_CONTRADICTED);
  o.disclose_files = 1;
  finds(o, "files", FINDING_OPEN);
  o.disclose_files = 0;
  finds(o, "files", FINDING_OPEN);
}

static void disputes(struct fixture_options o, enum pack_dispute want) {
  struct fixture f;
  fixture_open(&f, o);
  const struct pack_result *r = verified(&f, NULL);
  assert_int_equal(r->dispute, want);
  assert_int_equal(r->has_ack, o.ack);
  assert_int_equal(r->has_reject, o.reject);
  assert_int_equal(r->reject_delivered, o.reject ? FIXTURE_TIME + 7 : 0);
  done(&f);
}

static void test_disputes(void **state) {
  (void)state;
  disputes((struct fixture_options){.ack = true}, DISPUTE_NONE);
  disputes((struct fixture_options){.reject = true}, DISPUTE_OPEN);
  disputes((struct fixture_options){.reject = true, .ack = true, .reject_first = true}, DISPUTE_ENDED);
  disputes((struct fixture_options){.reject = true, .ack = true}, DISPUTE_VOID);
  disputes((struct fixture_options){.reject = true, .ack = true, .ack_third = true, .members = 3, .addressees = 2},
           DISPUTE_OPEN); /* the acknowledgement of another */
}

static void test_bad_rejects(void **state) {
  struct fixture f;
  (void)state;
  refused((struct fixture_options){.reject = true, .reject_other = true}, "reject/entry.json");
  refused((struct fixture_options){.reject = true, .disclose_reject = true, .ground = "mood"},
          "reject/body.json: body.ground");
  fixture_open(&f, (struct fixture_options){.reject = true, .disclose_reject = true, .ack = true});
  static const char *const names[] = {"reject/entry.json", "reject/proof.tlog-proof", "reject/policy.tlog-policy"};
  for (size_t i = 0; i < 3; i++) {
    struct pack p = fixture_copy(&f);
    fixture_remove(&p, names[i]);
    fails(&p, names[i]);
  }
  /* An acknowledgement is no rejection, nor the other way round. */
  fails_with(&f, "reject/entry.json", fixture_file(&f.pack, "ack/entry.json")->data,
             "reject/entry.json: it is of kind ack");
  fails_with(&f, "ack/entry.json", fixture_file(&f.pack, "reject/entry.json")->data,
             "ack/entry.json: it is of kind reject");
  fails_with(&f, "reject/body.json", bytes_str("{}"), "reject/body.json");
  struct pack p = fixture_copy(&f);
  for (size_t i = 0; i < 3; i++) fixture_remove(&p, names[i]);
  fails(&p, "reject/body.json: it is there without reject/entry.json");
  fixture_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_body),
      cmocka_unit_test(test_body_of_another_desk),
      cmocka_unit_test(test_body_to_an_older_card),
      cmocka_unit_test(test_bad_bodies),
      cmocka_unit_test(test_every_byte_of_a_body),
      cmocka_unit_test(test_body_of_another_statement),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_files_alone),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_changed_files),
      cmocka_unit_test(test_names_of_stored_files),
      cmocka_unit_test(test_range),
      cmocka_unit_test(test_grounds),
      cmocka_unit_test(test_ground_files),
      cmocka_unit_test(test_disputes),
      cmocka_unit_test(test_bad_rejects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
