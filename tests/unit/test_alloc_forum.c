/*
 * Cards, charters, statements, sealed bodies, forms and evidence packs, made and read with each allocation failing in
 * turn. Lack of memory is never taken for a fault of the document.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forum/charter.h"
#include "forum/form.h"
#include "forum/statement.h"
#include "record/pack.h"
#include "unit/alloc_fail.h"
#include "unit/pack_fixture.h"
#include "unit/parties.h"

static struct party us, ru;
static struct buf entry, charter_half, charter_whole;
static struct charter charter;
static struct charter_member members[2];

static parley_err no_memory(bool ok, struct errmsg *e) {
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

static void check(alloc_run run, const char *name, void *ctx) {
  const struct alloc_case c = {.name = name, .run = run, .ctx = ctx, .runs_max = 200};
  alloc_loop(&c);
}

/* ---- cards ---- */

static parley_err make_card(void *ctx, struct buf *result, struct errmsg *e) {
  const struct card_signers signers = {.statement = us.statement, .log = us.log, .mirror = us.mirror};
  (void)ctx;
  return card_make(result, &us.card, &signers, e);
}

static parley_err read_card(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct card c;
  struct vkey k;
  bool unproved;
  (void)ctx;
  parley_err err = card_parse(&c, &a, buf_view(&us.envelope), NULL, &unproved, e);
  if (!err) err = card_check_distinct(&c, &ru.card, e);
  if (!err) err = card_log_vkey(&k, &c, "cert.us.example/x/0", e);
  if (!err) buf_add(result, c.fingerprint, SHA256_SIZE);
  arena_free(&a);
  return err ? err : no_memory(buf_ok(result), e);
}

static void test_cards(void **state) {
  (void)state;
  check(make_card, "making a card", NULL);
  check(read_card, "reading a card", NULL);
}

/* ---- charters ---- */

static const struct card *lookup(void *ctx, const char *name, const uint8_t fingerprint[static SHA256_SIZE]) {
  (void)ctx, (void)fingerprint;
  return !strcmp(name, us.card.name) ? &us.card : !strcmp(name, ru.card.name) ? &ru.card : NULL;
}

static parley_err write_charter(void *ctx, struct buf *result, struct errmsg *e) {
  (void)ctx;
  return charter_payload(result, &charter, e);
}

static parley_err sign_charter(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct buf payload = {0};
  (void)ctx;
  parley_err err = charter_payload(&payload, &charter, e);
  if (!err)
    err = charter_sign(result, buf_view(&charter_half), buf_view(&payload), us.card.name, us.statement, lookup, NULL,
                       &a, e);
  buf_free(&payload);
  arena_free(&a);
  return err;
}

static parley_err merge_charter(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  (void)ctx;
  const parley_err err = charter_merge(result, buf_view(&charter_half), buf_view(&charter_whole), lookup, NULL, &a, e);
  arena_free(&a);
  return err;
}

static parley_err read_charter(void *ctx, struct buf *result, struct errmsg *e) {
  static struct charter c;
  struct arena a = {0};
  bool signed_by[FORUM_MEMBERS_MAX], complete = false;
  (void)ctx;
  const parley_err err =
      charter_envelope_parse(&c, signed_by, &complete, &a, buf_view(&charter_whole), lookup, NULL, e);
  if (!err) buf_add(result, c.digest, SHA256_SIZE);
  arena_free(&a);
  if (!err && !complete) return err_set(e, PARLEY_EIO, "a signature was lost");
  return err ? err : no_memory(buf_ok(result), e);
}

static void make_charter(void) {
  struct buf payload = {0};
  struct arena a = {0};
  const struct party *both[] = {&ru, &us};
  charter_defaults(&charter);
  strcpy(charter.title, "A channel of two");
  strcpy(charter.languages[0], "en");
  charter.n_languages = 1;
  strcpy(charter.fields[0], "cyber");
  charter.n_fields = 1;
  charter.members = members;
  charter.n_members = charter.quorum = 2;
  for (size_t i = 0; i < 2; i++) {
    strcpy(members[i].name, both[i]->card.name);
    memcpy(members[i].fingerprint, both[i]->card.fingerprint, SHA256_SIZE);
    members[i].role = ROLE_MEMBER;
  }
  assert_int_equal(charter_payload(&payload, &charter, NULL), PARLEY_OK);
  assert_int_equal(
      charter_sign(&charter_half, BYTES_NONE, buf_view(&payload), ru.card.name, ru.statement, lookup, NULL, &a, NULL),
      PARLEY_OK);
  assert_int_equal(sign_charter(NULL, &charter_whole, NULL), PARLEY_OK);
  buf_free(&payload);
  arena_free(&a);
}

static void test_charters(void **state) {
  (void)state;
  check(write_charter, "writing a charter", NULL);
  check(sign_charter, "signing a charter", NULL);
  check(merge_charter, "merging charters", NULL);
  check(read_charter, "reading a charter", NULL);
}

/* ---- statements ---- */

static const char plaintext[] = "{\"seed\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\",\"body\":{\"title\":\"T\","
                                "\"list\":[1,2,3]},\"files\":[{"
                                "\"name\":\"a.txt\",\"type\":\"text/plain\",\"size\":3,\"sha256\":"
                                "\"0000000000000000000000000000000000000000000000000000000000000000\"}]}";

static parley_err make_statement(void *ctx, struct buf *result, struct errmsg *e) {
  static char to[1][PARTY_NAME_MAX + 1] = {"cert.ru.example"};
  static const uint8_t seed[SEED_SIZE] = {1, 2, 3};
  uint8_t recipients[2][X25519_SIZE];
  struct statement s = {.issued = 1620381600, .precedence = FLASH, .tlp = TLP_RED, .to = to, .n_to = 1};
  struct buf sealed = {0}, payload = {0};
  (void)ctx;
  strcpy(s.from, "cert.us.example");
  strcpy(s.kind, "incident.notice");
  strcpy(s.lang, "en");
  strcpy(s.desk, "duty");
  memcpy(recipients[0], ru.seal.pub, X25519_SIZE);
  memcpy(recipients[1], us.seal.pub, X25519_SIZE);
  parley_err err =
      body_seal(&sealed, s.body_sha256, bytes_str(plaintext), seed, (const uint8_t(*)[X25519_SIZE])recipients, 2, e);
  s.sealed = buf_view(&sealed);
  if (!err) err = statement_payload(&payload, &s, e);
  if (!err) err = statement_entry(result, buf_view(&payload), us.statement, e);
  buf_free(&sealed);
  buf_free(&payload);
  return err;
}

static parley_err read_statement(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  (void)ctx;
  parley_err err = statement_parse(&s, &a, buf_view(&entry), &d, e);
  if (!err) err = statement_verify(&d, &s, &us.card, e);
  if (!err) err = statement_payload(result, &s, e);
  statement_clear(&s);
  arena_free(&a);
  return err;
}

static parley_err open_body(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct statement s = {0};
  struct plain p;
  (void)ctx;
  parley_err err = statement_parse(&s, &a, buf_view(&entry), NULL, e);
  if (!err) err = body_open(&p, &s, &ru.seal, e);
  if (!err) {
    err = plain_write(result, &p, e);
    plain_clear(&p);
  }
  statement_clear(&s);
  arena_free(&a);
  return err;
}

static void test_statements(void **state) {
  (void)state;
  check(make_statement, "making a statement", NULL);
  assert_int_equal(make_statement(NULL, &entry, NULL), PARLEY_OK);
  check(read_statement, "reading a statement", NULL);
  check(open_body, "opening a body", NULL);
  buf_free(&entry);
}

/* ---- forms ---- */

static parley_err read_form(void *ctx, struct buf *result, struct errmsg *e) {
  struct form *f;
  json_t *body = NULL;
  (void)ctx, (void)result;
  parley_err err = form_parse(&f, BYTES(embedded_forms[0].data, embedded_forms[0].size), e);
  if (err) return err;
  err = json_parse(&body, bytes_str("{\"aware_at\":\"2026-11-24T10:00:00Z\",\"title\":\"No. 1\",\"summary\":\"Text\"}"),
                   4096, e);
  if (!err) err = form_check(f, body, e);
  json_decref(body);
  form_free(f);
  return err;
}

static void test_forms(void **state) {
  (void)state;
  check(read_form, "a form", NULL);
}

/* ---- evidence packs ---- */

static parley_err build_pack(void *ctx, struct buf *result, struct errmsg *e) {
  struct fixture *f = ctx;
  struct arena a = {0};
  struct pack p;
  const parley_err err = pack_build(&p, &a, &f->input, e);
  for (size_t i = 0; !err && i < p.n; i++) buf_bytes(result, p.files[i].data);
  arena_free(&a);
  return err ? err : no_memory(buf_ok(result), e);
}

static parley_err verify_pack(void *ctx, struct buf *result, struct errmsg *e) {
  struct fixture *f = ctx;
  struct arena a = {0};
  struct pack_result r;
  const struct pack_known known = {0};
  const parley_err err = pack_verify(&r, &a, &f->pack, &known, e);
  if (!err) buf_dec(result, r.n_parties);
  pack_result_clear(&r);
  arena_free(&a);
  return err ? err : no_memory(buf_ok(result), e);
}

static void test_packs(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, (struct fixture_options){.addressees = 2, .members = 3, .attach = true, .files = true, .ack = true});
  check(build_pack, "building a pack", &f);
  check(verify_pack, "verifying a pack", &f);
  fixture_close(&f);
}

static int setup(void **state) {
  (void)state;
  party_open(&us, "cert.us.example", 1);
  party_open(&ru, "cert.ru.example", 2);
  make_charter();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  party_close(&us);
  party_close(&ru);
  buf_free(&charter_half);
  buf_free(&charter_whole);
  return 0;
}

int main(void) {
  alloc_fail_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cards), cmocka_unit_test(test_charters), cmocka_unit_test(test_statements),
      cmocka_unit_test(test_forms), cmocka_unit_test(test_packs),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
