/*
 * Cards: what is written is read again, and each refusal says what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/parties.h"

static struct party us, ru;
static struct arena arena;

static int set_up(void **state) {
  (void)state;
  party_open(&us, "cert.us.example", 1);
  party_open(&ru, "cert.ru.example", 2);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  party_close(&us);
  party_close(&ru);
  arena_free(&arena);
  return 0;
}

static const struct ed25519_key **signers(void) {
  static const struct ed25519_key *keys[4];
  keys[0] = us.statement;
  keys[1] = us.log;
  keys[2] = us.mirror;
  keys[3] = us.rotation;
  return keys;
}

static parley_err parse(const char *payload, const struct ed25519_key *const *keys, size_t n, const struct card *before,
                        bool *unproved, struct errmsg *e) {
  struct card c;
  struct buf env = envelope_by(CARD_TYPE, bytes_str(payload), keys, n);
  parley_err err = card_parse(&c, &arena, buf_view(&env), before, unproved, e);
  buf_free(&env);
  return err;
}

static void test_round_trip(void **state) {
  (void)state;
  const struct card *c = &us.card;
  assert_string_equal(c->name, "cert.us.example");
  assert_int_equal(c->serial, 0);
  assert_int_equal(c->not_before, 1600000000);
  assert_int_equal(c->not_after, 1700000000);
  assert_string_equal(c->submission, "https://cert.us.example:8443");
  assert_string_equal(c->monitoring, "https://cert.us.example:8443/read");
  assert_memory_equal(c->statement, ed25519_public(us.statement), 32);
  assert_memory_equal(c->rotation, ed25519_public(us.rotation), 32);
  assert_memory_equal(c->log, ed25519_public(us.log), 32);
  assert_memory_equal(c->mirror, ed25519_public(us.mirror), 32);
  assert_int_equal(c->n_seal, 1);
  assert_memory_equal(c->seal[0].recipient, us.seal.pub, 32);
  assert_int_equal(c->n_link, 1);
  assert_true(bytes_eq(c->envelope, buf_view(&us.envelope)));
  uint8_t digest[32];
  sha256(digest, bytes_str(payload_of(&arena, c->envelope)));
  assert_memory_equal(c->fingerprint, digest, 32);
}

/* The members in the order and spelling of docs/protocol.md, "Card". */
static void test_payload(void **state) {
  (void)state;
  const char *s = payload_of(&arena, buf_view(&us.envelope));
  const char *start =
      "{\"name\":\"cert.us.example\",\"serial\":0,\"not_before\":\"2020-09-13T12:26:40Z\","
      "\"not_after\":\"2023-11-14T22:13:20Z\",\"submission\":\"https://cert.us.example:8443\","
      "\"monitoring\":\"https://cert.us.example:8443/read\",\"keys\":{\"statement\":\"-----BEGIN PUBLIC KEY-----\\n";
  assert_int_equal(strncmp(s, start, strlen(start)), 0);
  assert_non_null(strstr(s, "-----END PUBLIC KEY-----\\n\",\"log\":\"cert.us.example+"));
  assert_non_null(strstr(s, ",\"mirror\":\"cert.us.example/mirror+"));
  assert_non_null(strstr(s, ",\"seal\":[{\"label\":\"duty\",\"recipient\":\"age1"));
  assert_string_equal(s + strlen(s) - 4, "\"]}}");
}

static void test_payload_refusals(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"\"serial\":0", "\"serial\":0,\"colour\":1", "card: colour: "},
      {"\"keys\":{", "\"keys\":{\"colour\":1,", "card: keys.colour: "},
      {"{\"label\":\"duty\"", "{\"label\":\"duty\",\"x\":1", "card: keys.seal[0].x: "},
      {"\"serial\":0,\"not_before\":\"2020-09-13T12:26:40Z\"", "\"not_before\":\"2020-09-13T12:26:40Z\",\"serial\":0",
       "card: serial: stands after \"not_before\""},
      {"\"name\":\"cert.us.example\",", "", "card: name: is missing"},
      {"\"serial\":0", "\"serial\":0,\"serial\":0", "serial"},
      {"\"serial\":0", "\"serial\":0.5", "serial"},
      {"\"serial\":0", "\"serial\":0e0", "serial"},
      {"\"serial\":0", "\"serial\":-1", "card: serial: "},
      {"\"serial\":0", "\"serial\":9007199254740992", "serial"},
      {"\"serial\":0", "\"serial\":\"0\"", "card: serial: "},
      {"\"serial\":0", "\"serial\":null", "card: serial: "},
      {"\"name\":\"cert.us.example\"", "\"name\":\"example\"", "card: name: no party's name"},
      {"\"name\":\"cert.us.example\"", "\"name\":\"Cert.us.example\"", "card: name: no party's name"},
      {"\"name\":\"cert.us.example\"", "\"name\":\"cert.uk.example\"", "card: keys.log: is named \"cert.us.example\""},
      {"12:26:40Z", "12:26:40.0Z", "card: not_before: "},
      {"\"submission\":\"https://", "\"submission\":\"http://", "card: submission: must be https://"},
      {"\"submission\":\"https://cert.us.example:8443\"", "\"submission\":\"https://\"",
       "card: submission: must be https://"},
      {":8443\"", ":8443/\"", "card: submission: ends with a slash"},
      {":8443\"", ":8443/a b\"", "card: submission: has a character"},
      {":8443\"", ":8443/a?b\"", "card: submission: has a character"},
      {":8443\"", ":8443/\\u00e9\"", "card: submission: has a character"},
      {"/read", "/read\\r\\nHost: x", "card: monitoring: has a character"},
      {"-----BEGIN PUBLIC KEY-----\\n", "-----BEGIN PUBLIC KEY-----\\n\\n", "card: keys.statement: "},
      {"\"log\":\"cert.us.example+", "\"log\":\"cert.us.example/x+", "card: keys.log: "},
      {"\"mirror\":\"cert.us.example/mirror+", "\"mirror\":\"cert.us.example+", "card: keys.mirror: "},
      {"\"label\":\"duty\"", "\"label\":\"night\"", "card: keys.seal: no key has the label \"duty\""},
      {"\"label\":\"duty\"", "\"label\":\"Duty\"", "card: keys.seal[0].label: "},
      {"\"label\":\"duty\"", "\"label\":\"a23456789-123456789-123456789-123\"",
       "card: keys.seal[0].label: has 33 bytes"},
      {"\"recipient\":\"age1", "\"recipient\":\"age1q", "card: keys.seal[0].recipient: "},
      {"\"sha256//", "\"sha1//", "card: keys.link[0]: must be sha256//"},
      {"\"seal\":[{", "\"seal\":[[],{", "card: keys.seal[0]: must be an object"},
      {"\"link\":[", "\"link\":[7,", "card: keys.link[0]: must be a string"},
  };
  const char *good = payload_of(&arena, buf_view(&us.envelope));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct errmsg e = {""};
    parley_err err = parse(replaced(&arena, good, cases[i].from, cases[i].to), signers(), 3, NULL, NULL, &e);
    assert_refused(err, PARLEY_EINVAL, e, cases[i].says);
  }
}

/* A list with an element too many, one too few, and one that stands twice. */
static void test_lists(void **state) {
  (void)state;
  struct errmsg e;
  const char *good = payload_of(&arena, buf_view(&us.envelope));
  const char *seal = strstr(good, "{\"label\""), *link = strstr(good, "\"sha256//");
  char *one = arena_fmt(&arena, "%.*s", (int)(strstr(seal, "]") - seal), seal);
  char *pin = arena_fmt(&arena, "%.*s", (int)(strstr(link, "]") - link), link);
  char *eight = replaced(&arena, repeated(&arena, arena_fmt(&arena, "%s,", one), 9), one, one);
  eight[strlen(eight) - 1] = '\0';
  assert_refused(parse(replaced(&arena, good, one, eight), signers(), 3, NULL, NULL, &e), PARLEY_EINVAL, e,
                 "keys.seal: has 9 elements");
  assert_refused(parse(replaced(&arena, good, one, ""), signers(), 3, NULL, NULL, &e), PARLEY_EINVAL, e,
                 "keys.seal: has 0 elements");
  assert_refused(parse(replaced(&arena, good, pin, ""), signers(), 3, NULL, NULL, &e), PARLEY_EINVAL, e,
                 "keys.link: has 0 elements");
  char *twice = arena_fmt(&arena, "%s,%s", one, one);
  assert_refused(parse(replaced(&arena, good, one, twice), signers(), 3, NULL, NULL, &e), PARLEY_EINVAL, e,
                 "keys.seal[1].label: \"duty\" stands twice");
  char *same_key = arena_fmt(&arena, "%s,%s", one, replaced(&arena, one, "duty", "night"));
  assert_refused(parse(replaced(&arena, good, one, same_key), signers(), 3, NULL, NULL, &e), PARLEY_ECONFLICT, e,
                 "keys.seal[1]: is the key of keys.seal[0]");
  char *pins = arena_fmt(&arena, "%s,%s", pin, pin);
  assert_refused(parse(replaced(&arena, good, pin, pins), signers(), 3, NULL, NULL, &e), PARLEY_ECONFLICT, e,
                 "keys.link[1]: is the key of keys.link[0]");
}

static void test_signatures(void **state) {
  (void)state;
  struct errmsg e;
  const char *good = payload_of(&arena, buf_view(&us.envelope));
  const struct ed25519_key *swapped[] = {us.log, us.statement, us.mirror},
                           *stranger[] = {us.statement, us.log, ru.mirror};
  assert_int_equal(parse(good, signers(), 3, NULL, NULL, &e), PARLEY_OK);
  assert_refused(parse(good, signers(), 2, NULL, NULL, &e), PARLEY_EVERIFY, e,
                 "signatures[2]: the signature by the mirror key is missing");
  assert_refused(parse(good, signers(), 1, NULL, NULL, &e), PARLEY_EVERIFY, e,
                 "signatures[1]: the signature by the log key is missing");
  assert_refused(parse(good, swapped, 3, NULL, NULL, &e), PARLEY_EVERIFY, e,
                 "signatures[0]: is not by the statement key");
  assert_refused(parse(good, stranger, 3, NULL, NULL, &e), PARLEY_EVERIFY, e,
                 "signatures[2]: is not by the mirror key");
  assert_refused(parse(good, signers(), 4, NULL, NULL, &e), PARLEY_EINVAL, e, "signatures: there are 4");
}

/* One changed bit of the payload, under the old signatures. */
static void test_changed_payload(void **state) {
  (void)state;
  struct errmsg e;
  struct card c;
  struct dsse d;
  struct buf env = {0};
  assert_int_equal(dsse_parse(&d, &arena, buf_view(&us.envelope), CARD_SIZE_MAX, NULL), PARLEY_OK);
  d.payload = bytes_str(replaced(&arena, payload_of(&arena, buf_view(&us.envelope)),
                                 "\"serial\":0,\"not_before\":\"2020", "\"serial\":0,\"not_before\":\"2021"));
  dsse_write(&env, &d);
  assert_refused(card_parse(&c, &arena, buf_view(&env), NULL, NULL, &e), PARLEY_EVERIFY, e,
                 "signatures[0]: the signature by the statement key does not verify");
  buf_free(&env);
}

static void test_envelope(void **state) {
  (void)state;
  struct errmsg e;
  struct card c;
  const char *good = payload_of(&arena, buf_view(&us.envelope));
  struct buf other = envelope_by("application/vnd.parley.charter+json", bytes_str(good), signers(), 3);
  assert_refused(card_parse(&c, &arena, buf_view(&other), NULL, NULL, &e), PARLEY_EINVAL, e,
                 "payloadType: is \"application/vnd.parley.charter+json\"");
  buf_free(&other);
  char *padded = arena_fmt(&arena, "%s%s", good, repeated(&arena, " ", CARD_SIZE_MAX));
  assert_refused(parse(padded, signers(), 3, NULL, NULL, &e), PARLEY_ELIMIT, e, "32768");
  assert_refused(card_parse(&c, &arena, BYTES_NONE, NULL, NULL, &e), PARLEY_EINVAL, e, "card: ");
}

static void test_succession(void **state) {
  (void)state;
  struct errmsg e;
  bool unproved = false;
  const char *zero = payload_of(&arena, buf_view(&us.envelope));
  const char *next = replaced(&arena, zero, "\"serial\":0", "\"serial\":1"),
             *skips = replaced(&arena, zero, "\"serial\":0", "\"serial\":2");
  const struct ed25519_key *wrong[] = {us.statement, us.log, us.mirror, ru.rotation};
  assert_int_equal(parse(next, signers(), 4, &us.card, &unproved, &e), PARLEY_OK);
  assert_false(unproved);
  assert_int_equal(parse(next, signers(), 4, NULL, &unproved, &e), PARLEY_OK);
  assert_true(unproved);
  assert_int_equal(parse(next, wrong, 4, NULL, &unproved, &e), PARLEY_OK); /* nobody can tell yet: */
  assert_true(unproved);
  assert_refused(parse(next, wrong, 4, &us.card, NULL, &e), PARLEY_EVERIFY, e,
                 "signatures[3]: is not by the predecessor's rotation key");
  assert_refused(parse(next, signers(), 3, &us.card, NULL, &e), PARLEY_EVERIFY, e, "signatures[3]: ");
  assert_refused(parse(next, signers(), 3, NULL, NULL, &e), PARLEY_EVERIFY, e, "signatures[3]: ");
  assert_refused(parse(skips, signers(), 4, &us.card, NULL, &e), PARLEY_ECONFLICT, e, "serial: is 2, must be 1");
  assert_refused(parse(zero, signers(), 3, &us.card, NULL, &e), PARLEY_ECONFLICT, e, "serial: is 0, must be 1");
  assert_refused(parse(next, signers(), 4, &ru.card, NULL, &e), PARLEY_ECONFLICT, e,
                 "name: is cert.us.example, the card before is of cert.ru.example");
}

static void test_key_used_twice(void **state) {
  (void)state;
  struct errmsg e;
  struct buf out = {0};
  buf_str(&out, "before");
  struct card c = us.card;
  const struct card_signers keys = {us.statement, us.log, us.mirror, NULL}, log_mirrors = {us.statement, us.log, us.log, NULL};
  memcpy(c.rotation, c.statement, 32);
  assert_refused(card_make(&out, &c, &keys, &e), PARLEY_ECONFLICT, e, "keys.rotation: is the key of keys.statement");
  c = us.card;
  memcpy(c.mirror, c.log, 32);
  assert_refused(card_make(&out, &c, &log_mirrors, &e), PARLEY_ECONFLICT, e, "keys.mirror: is the key of keys.log");
  assert_refused(card_make(&out, &us.card, &log_mirrors, &e), PARLEY_EINVAL, e, "keys.mirror: is not the public half");
  c = us.card;
  c.serial = 1;
  assert_refused(card_make(&out, &c, &keys, &e), PARLEY_EINVAL, e, "serial 0");
  assert_true(bytes_is(buf_view(&out), "before"));
  buf_free(&out);
}

static void test_shared_key(void **state) {
  (void)state;
  struct errmsg e;
  struct card c = ru.card;
  assert_int_equal(card_check_distinct(&us.card, &ru.card, &e), PARLEY_OK);
  memcpy(c.log, us.card.statement, 32);
  assert_refused(card_check_distinct(&us.card, &c, &e), PARLEY_ECONFLICT, e,
                 "keys.statement of cert.us.example is also keys.log of cert.ru.example");
  c = ru.card;
  memcpy(c.seal[0].recipient, us.card.seal[0].recipient, 32);
  assert_refused(card_check_distinct(&us.card, &c, &e), PARLEY_ECONFLICT, e, "keys.seal[0] of cert.ru.example");
  c = ru.card;
  strcpy(c.link[0], us.card.link[0]);
  assert_refused(card_check_distinct(&us.card, &c, &e), PARLEY_ECONFLICT, e, "keys.link[0] of cert.ru.example");
}

static void test_time(void **state) {
  (void)state;
  struct errmsg e;
  assert_int_equal(card_check_time(&us.card, 1600000000, &e), PARLEY_OK);
  assert_int_equal(card_check_time(&us.card, 1700000000, &e), PARLEY_OK);
  assert_refused(card_check_time(&us.card, 1599999999, &e), PARLEY_EREFUSED, e,
                 "valid from 2020-09-13T12:26:40Z on, and it is 2020-09-13T12:26:39Z");
  assert_refused(card_check_time(&us.card, 1700000001, &e), PARLEY_EREFUSED, e, "expired at 2023-11-14T22:13:20Z");
}

static void test_recipient(void **state) {
  (void)state;
  struct errmsg e;
  const uint8_t *r = NULL;
  struct card c = us.card;
  strcpy(c.seal[1].label, "judicial");
  memset(c.seal[1].recipient, 9, 32);
  c.n_seal = 2;
  assert_int_equal(card_recipient(&r, &c, "judicial", &e), PARLEY_OK);
  assert_ptr_equal(r, c.seal[1].recipient);
  assert_refused(card_recipient(&r, &c, "principals", &e), PARLEY_ENOTFOUND, e,
                 "no desk \"principals\"; there are: duty, judicial");
}

static void test_vkeys(void **state) {
  (void)state;
  struct vkey k;
  assert_int_equal(card_log_vkey(&k, &us.card, "cert.us.example/00/0", NULL), PARLEY_OK);
  assert_string_equal(k.name, "cert.us.example/00/0");
  assert_int_equal(k.type, NOTE_ED25519);
  assert_memory_equal(k.pub, us.card.log, 32);
  assert_int_equal(card_mirror_vkey(&k, &us.card, NULL), PARLEY_OK);
  assert_string_equal(k.name, "cert.us.example/mirror");
  assert_int_equal(k.type, NOTE_COSIGNATURE);
  assert_memory_equal(k.pub, us.card.mirror, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip), cmocka_unit_test(test_payload),    cmocka_unit_test(test_payload_refusals),
      cmocka_unit_test(test_lists),      cmocka_unit_test(test_signatures), cmocka_unit_test(test_changed_payload),
      cmocka_unit_test(test_envelope),   cmocka_unit_test(test_succession), cmocka_unit_test(test_key_used_twice),
      cmocka_unit_test(test_shared_key), cmocka_unit_test(test_time),       cmocka_unit_test(test_recipient),
      cmocka_unit_test(test_vkeys),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
