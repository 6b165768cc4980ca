/*
 * Keys over time at the node core: a new card in mid-forum, lost keys, two cards of one serial.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "forum/statement.h"
#include "hostile_fixture.h"

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};
static const char *const THREE[] = {"cert.us.example", "ncc.ru.example", "nsc.fr.example"};

static json_t *cards(struct rig_party *p) {
  unsigned status;
  json_t *v = rig_ask(p, "GET", "/v1/cards", NULL, &status);
  assert_int_equal(status, 200);
  return v;
}

static json_t *party_of(const json_t *v, const char *name) {
  size_t i;
  json_t *o;
  json_array_foreach(json_object_get(v, "parties"), i, o) if (!strcmp(str_of(o, "party"), name)) return o;
  fail_msg("no party %s", name);
  return NULL;
}

/* The newest serial of `name` that p holds. */
static int64_t serial_at(struct rig_party *p, const char *name) {
  json_t *v = cards(p);
  const json_t *list =
      strcmp(p->name, name) ? json_object_get(party_of(v, name), "cards") : json_object_get(v, "cards");
  const int64_t serial = json_integer_value(json_object_get(json_array_get(list, json_array_size(list) - 1), "serial"));
  json_decref(v);
  return serial;
}

static bool needs_before(struct rig_party *p) {
  json_t *v = cards(p);
  const bool yes = json_is_true(json_object_get(v, "needs_log_key_before"));
  json_decref(v);
  return yes;
}

static void restart(struct rig_party *p) {
  rig_stop(p);
  rig_start(p);
}

static void renew(struct rig *r, struct rig_party *p, unsigned keys) {
  rig_renew(p, keys, NULL);
  restart(p);
  rig_run(r, 30000);
}

/* Both directions work, with acknowledgement and receipt. */
static void exchange(struct rig *r, const char *forum, char ids[2][65]) {
  for (size_t i = 0; i < 2; i++) {
    struct rig_party *from = &r->party[i], *to = &r->party[1 - i];
    char path[100];
    unsigned status;
    send_delivered(from, forum, ids[i]);
    rig_run(r, 1000); /* it is taken in, too */
    assert_statement(to, ids[i], "received", "");
    snprintf(path, sizeof path, "/v1/statements/%s/ack", ids[i]);
    json_decref(rig_ask(to, "POST", path, "{\"officer\":\"duty\"}", &status));
    assert_int_equal(status, 201);
    rig_run(r, 10000);
    assert_statement(from, ids[i], "read", "");
  }
}

static void receipts(struct rig *r, char ids[2][65]) {
  for (size_t i = 0; i < 2; i++)
    for (size_t k = 0; k < 2; k++) assert_receipt(&r->party[k], ids[i], true);
}

static void test_all_keys_in_mid_forum(void **state) {
  (void)state;
  struct rig r;
  char forum[65], before[2][65], after[2][65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  exchange(&r, forum, before);
  renew(&r, &r.party[0], RIG_ALL);
  assert_int_equal(serial_at(&r.party[1], TWO[0]), 1);
  assert_false(needs_before(&r.party[0]));
  exchange(&r, forum, after);
  receipts(&r, before);
  receipts(&r, after);
  /* A second time, the counterpart too, and all that after restarts. */
  renew(&r, &r.party[0], RIG_ALL);
  renew(&r, &r.party[1], RIG_ALL);
  assert_int_equal(serial_at(&r.party[1], TWO[0]), 2);
  assert_int_equal(serial_at(&r.party[0], TWO[1]), 1);
  char last[2][65];
  exchange(&r, forum, last);
  restart(&r.party[0]);
  restart(&r.party[1]);
  rig_run(&r, 30000);
  receipts(&r, before);
  receipts(&r, after);
  receipts(&r, last);
  rig_close(&r);
}

static void test_each_key_alone(void **state) {
  (void)state;
  static const unsigned keys[] = {RIG_STATEMENT, RIG_LOG, RIG_MIRROR, RIG_ROTATION};
  struct rig r;
  char forum[65], ids[2][65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  for (size_t i = 0; i < 3; i++) {
    renew(&r, &r.party[0], keys[i]);
    assert_int_equal(serial_at(&r.party[1], TWO[0]), (int64_t)i + 1);
    exchange(&r, forum, ids);
    receipts(&r, ids);
  }
  rig_close(&r);
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  for (size_t i = 0; i < 2; i++) { /* the rotation key as well: the next card is signed with the new one */
    renew(&r, &r.party[0], keys[3]);
    exchange(&r, forum, ids);
  }
  assert_int_equal(serial_at(&r.party[1], TWO[0]), 2);
  rig_close(&r);
}

/* The note that GET <hash>/checkpoint.pending shows has signature lines by this many log keys of the party. */
static size_t log_lines(struct rig_party *from, struct rig_party *to, const char *forum) {
  uint8_t id[SHA256_SIZE], hash[SHA256_SIZE];
  char origin[ORIGIN_MAX + 1], hex[65], path[120];
  struct buf answer = {0};
  assert_true(hex_decode(id, sizeof id, bytes_str(forum)));
  log_origin(origin, to->name, id, 0, false);
  sha256(hash, bytes_str(origin));
  hex_encode(hex, BYTES(hash, sizeof hash));
  snprintf(path, sizeof path, "/%s/checkpoint", hex);
  assert_int_equal(peer_ask(from, to, "GET", path, BYTES_NONE, &answer), 200);
  size_t n = 0;
  char line[200];
  snprintf(line, sizeof line, "— %s ", origin);
  const char *at = buf_cstr(&answer);
  while ((at = strstr(at, line)) != NULL) {
    n++;
    at++;
  }
  buf_free(&answer);
  return n;
}

static void test_first_checkpoint_is_signed_by_both(void **state) {
  (void)state;
  struct rig r;
  char forum[65], ids[2][65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  exchange(&r, forum, ids);
  rig_run(&r, 30000);
  assert_int_equal(log_lines(&r.party[1], &r.party[0], forum), 1);
  renew(&r, &r.party[0], RIG_LOG);
  assert_int_equal(log_lines(&r.party[1], &r.party[0], forum), 2);
  send_delivered(&r.party[0], forum, ids[0]);
  assert_int_equal(log_lines(&r.party[1], &r.party[0], forum), 1);
  rig_close(&r);
}

/* The old log key is lost: the card reaches the counterpart by propose, and nothing stands still. */
static void test_lost_log_key(void **state) {
  (void)state;
  struct rig r;
  char forum[65], before[2][65], after[2][65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  exchange(&r, forum, before);
  rig_renew(&r.party[0], RIG_ALL, NULL);
  r.party[0].has_log_before = false;
  restart(&r.party[0]);
  rig_run(&r, 60000);
  exchange(&r, forum, after);
  receipts(&r, before);
  receipts(&r, after);
  rig_close(&r);
}

/* The counterpart is away while the card changes: what it gets first is the checkpoint under both keys. */
static void test_counterpart_away(void **state) {
  (void)state;
  struct rig r;
  char forum[65], ids[2][65], id[65];
  unsigned status;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  exchange(&r, forum, ids);
  rig_run(&r, 30000);
  rig_stop(&r.party[1]);
  renew(&r, &r.party[0], RIG_ALL);
  char *body = notice_json(&r.party[0], forum);
  json_t *v = rig_ask(&r.party[0], "POST", "/v1/statements", body, &status);
  free(body);
  assert_int_equal(status, 201);
  snprintf(id, sizeof id, "%s", str_of(v, "id"));
  json_decref(v);
  rig_run(&r, 600000);
  assert_true(needs_before(&r.party[0])); /* nothing is signed before the counterpart has answered */
  rig_start(&r.party[1]);
  rig_run(&r, 120000);
  assert_false(needs_before(&r.party[0]));
  assert_statement(&r.party[0], id, "delivered", "");
  assert_statement(&r.party[1], id, "received", "");
  assert_int_equal(serial_at(&r.party[1], TWO[0]), 1);
  rig_close(&r);
}

static void test_three_members(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  renew(&r, &r.party[1], RIG_ALL);
  for (size_t i = 0; i < 3; i++) assert_int_equal(serial_at(&r.party[i], THREE[1]), 1);
  for (size_t i = 0; i < 3; i++) {
    send_delivered(&r.party[i], forum, id);
    assert_receipt(&r.party[i], id, false);
  }
  rig_close(&r);
}

/* A home is renewed twice before its node runs: the log key that signed last is the one of two cards ago. */
static void test_renewed_twice(void **state) {
  (void)state;
  struct rig r;
  char forum[65], ids[2][65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  rig_run(&r, 30000);
  rig_renew(&r.party[0], RIG_LOG, NULL);
  rig_renew(&r.party[0], RIG_STATEMENT, NULL);
  restart(&r.party[0]);
  assert_true(needs_before(&r.party[0]));
  rig_run(&r, 30000);
  assert_int_equal(log_lines(&r.party[1], &r.party[0], forum), 2);
  assert_false(needs_before(&r.party[0]));
  exchange(&r, forum, ids);
  receipts(&r, ids);
  rig_close(&r);
}

/* Requests between the nodes in ms of a pair that has nothing to say to each other. */
static unsigned idle_requests(struct rig *r, int64_t ms) {
  const unsigned before = r->requests;
  rig_run(r, ms);
  return r->requests - before;
}

static void test_silent_once_told(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  renew(&r, &r.party[0], RIG_ALL);
  renew(&r, &r.party[1], RIG_ALL);
  rig_run(&r, 600000);
  assert_in_range(idle_requests(&r, 600000), 0, 20);
  rig_close(&r);
}

/* ---- refusals ---- */

static unsigned propose(struct rig_party *from, struct rig_party *to, struct bytes card, const char *part) {
  struct buf answer = {0};
  const unsigned status = peer_ask(from, to, "POST", "/propose", card, &answer);
  if (!strstr(answer.n ? buf_cstr(&answer) : "", part)) fail_msg("%u %s", status, buf_cstr(&answer));
  buf_free(&answer);
  return status;
}

static void test_refused_cards(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  struct buf next = {0}, other = {0};
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1];
  rig_renew(us, RIG_STATEMENT, &next);
  assert_int_equal(propose(ru, ru == us ? us : us, buf_view(&next), "card"), 403); /* of another than who proposes it */
  /* One bit of the rotation signature. */
  struct buf bent = {0};
  buf_bytes(&bent, buf_view(&next));
  bent.p[bent.n - 40] = bent.p[bent.n - 40] == 'A' ? 'B' : 'A';
  assert_int_equal(propose(us, ru, buf_view(&bent), "rotation"), 422);
  /* One that skips a serial. */
  rig_renew(us, RIG_ALL, NULL);
  rig_renew(us, RIG_ALL, &other);
  assert_int_equal(propose(us, ru, buf_view(&other), "serial"), 409);
  assert_int_equal(serial_at(ru, TWO[0]), 0);
  buf_free(&bent);
  buf_free(&next);
  buf_free(&other);
  rig_close(&r);
}

/* Two successors of one card: neither counts, now or after a restart; the one before stays in force. */
static void test_two_cards_of_one_serial(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  struct buf one = {0}, two = {0};
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1];
  uint8_t seed[4][32];
  memcpy(seed, us->seed, sizeof seed);
  rig_renew(us, RIG_MIRROR, &one);
  memcpy(us->seed, seed, sizeof seed);
  rig_renew(us, RIG_MIRROR, &two);
  memcpy(us->seed, seed, sizeof seed);
  assert_int_equal(propose(us, ru, buf_view(&one), "card+json"), 200);
  assert_int_equal(propose(us, ru, buf_view(&one), "card+json"), 200); /* the same again */
  assert_int_equal(serial_at(ru, TWO[0]), 1);
  assert_int_equal(propose(us, ru, buf_view(&two), "neither counts"), 409);
  assert_int_equal(serial_at(ru, TWO[0]), 0);
  assert_int_equal(propose(us, ru, buf_view(&one), ""), 200 + 209); /* 409: nor the first any longer */
  restart(ru);
  rig_run(&r, 30000);
  assert_int_equal(serial_at(ru, TWO[0]), 0);
  json_t *v = cards(ru);
  assert_int_equal(json_integer_value(json_object_get(party_of(v, TWO[0]), "void_serial")), 1);
  json_decref(v);
  send_delivered(us, forum, id); /* under the card that stayed */
  send_delivered(ru, forum, id);
  buf_free(&one);
  buf_free(&two);
  rig_close(&r);
}

/* A counterpart to whom our card is void answers 409 for ever: the pauses grow all the same. */
static void test_void_is_no_storm(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  struct buf rival = {0};
  uint8_t seed[4][32];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1];
  rig_renew(us, RIG_MIRROR, NULL);
  memcpy(seed, us->seed, sizeof seed);
  rig_renew(us, RIG_MIRROR, &rival);
  memcpy(us->seed, seed, sizeof seed);
  rig_renew(us, RIG_MIRROR, NULL);
  restart(us);
  rig_run(&r, 30000);
  assert_int_equal(serial_at(ru, TWO[0]), 2);
  assert_int_equal(propose(us, ru, buf_view(&rival), "neither counts"), 409);
  rig_renew(us, RIG_MIRROR, NULL);
  restart(us);
  rig_run(&r, 3600000);
  assert_in_range(idle_requests(&r, 3600000), 1, 1000); /* half of them ru's, which gets no cosignature that it knows */
  buf_free(&rival);
  rig_close(&r);
}

/* People pin a party anew that lost everything: what was learned after its former pin, void or not, hinders nobody. */
static void test_pinned_anew(void **state) {
  (void)state;
  struct rig r;
  struct buf rival = {0};
  uint8_t seed[4][32];
  for (int voided = 0; voided < 2; voided++) {
    rig_open(&r, TWO, 2);
    struct rig_party *us = &r.party[0], *ru = &r.party[1];
    memcpy(seed, us->seed, sizeof seed);
    rig_renew(us, RIG_MIRROR, &rival);
    memcpy(us->seed, seed, sizeof seed);
    rig_renew(us, RIG_ALL, NULL);
    restart(us);
    rig_run(&r, 30000);
    if (voided) assert_int_equal(propose(us, ru, buf_view(&rival), "neither counts"), 409);
    assert_int_equal(serial_at(ru, TWO[0]), !voided);
    rig_stop(us);
    rig_stop(ru);
    rig_reset(us);
    rig_start(us);
    rig_start(ru);
    assert_int_equal(serial_at(ru, TWO[0]), 0);
    renew(&r, us, RIG_ALL);
    assert_int_equal(serial_at(ru, TWO[0]), 1);
    restart(ru);
    assert_int_equal(serial_at(ru, TWO[0]), 1);
    buf_clear(&rival);
    rig_close(&r);
  }
  buf_free(&rival);
}

/* Cards without end fill no disk; what is held goes on working. */
static void test_too_many_cards(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, TWO, 2);
  struct rig_party *us = &r.party[0], *ru = &r.party[1];
  unsigned status = 0;
  buf_bytes(&us->before[us->n_before++], buf_view(&us->card)); /* the one that is pinned */
  for (size_t i = 0; i < 300 && status != 429; i++) {
    struct buf next = {0}, was = us->card;
    rig_renew(us, 0, &next);
    status = propose(us, ru, buf_view(&next), "");
    if (status != 429) assert_int_equal(status, 200);
    us->card = next;
    buf_free(&was);
  }
  assert_int_equal(status, 429);
  assert_int_equal(serial_at(ru, TWO[0]), 63);
  restart(ru);
  assert_int_equal(serial_at(ru, TWO[0]), 63);
  rig_close(&r);
}

/* A counterpart that renews as often as it may still cannot keep us from the proof that it got what we sent. */
static void test_receipts_with_many_cards(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1];
  send_delivered(us, forum, id);
  const struct buf first = ru->card;
  ru->card = (struct buf){0};
  buf_bytes(&ru->card, buf_view(&first));
  for (unsigned status = 200; status == 200;) {
    struct buf next = {0};
    rig_renew(ru, 0, &next);
    status = propose(ru, us, buf_view(&next), "");
    buf_free(&ru->card);
    ru->card = next;
  }
  assert_int_equal(serial_at(us, TWO[1]), 63);
  json_t *v = cards(us);
  const json_t *list = json_object_get(party_of(v, TWO[1]), "cards");
  assert_int_equal(json_array_size(list), 64);
  assert_null(json_object_get(json_array_get(list, 62), "card")); /* 64 of 32 KiB would be much */
  assert_non_null(json_object_get(json_array_get(list, 63), "card"));
  json_decref(v);
  buf_free(&ru->card);
  ru->card = first;
  assert_receipt(us, id, false);
  rig_close(&r);
}

/* The next card of a party with this link pin. */
static void next_with_link(const struct rig_party *p, const char *pin, struct buf *out) {
  struct arena a = {0};
  struct card c;
  struct ed25519_key *k[4];
  struct errmsg e = {""};
  assert_int_equal(card_parse(&c, &a, buf_view(&p->card), NULL, NULL, &e), PARLEY_OK);
  for (size_t i = 0; i < 4; i++) assert_int_equal(ed25519_from_seed(&k[i], p->seed[i], &e), PARLEY_OK);
  c.serial++;
  snprintf(c.link[0], sizeof c.link[0], "%s", pin);
  const struct card_signers signers = {k[0], k[1], k[2], k[3]};
  assert_int_equal(card_make(out, &c, &signers, &e), PARLEY_OK);
  for (size_t i = 0; i < 4; i++) ed25519_free(k[i]);
  arena_free(&a);
}

static void pin_of(const struct buf *envelope, char out[static LINK_PIN_SIZE]) {
  struct arena a = {0};
  struct card c;
  struct errmsg e;
  assert_int_equal(card_parse(&c, &a, buf_view(envelope), NULL, NULL, &e), PARLEY_OK);
  memcpy(out, c.link[0], LINK_PIN_SIZE);
  arena_free(&a);
}

/* A card may not bring a key of anybody else, be it an old one: link keys are who somebody is at the gate. */
static void test_foreign_keys(void **state) {
  (void)state;
  struct rig r;
  struct buf stolen = {0}, next = {0}, late = {0};
  char pin[LINK_PIN_SIZE], own[LINK_PIN_SIZE];
  rig_open(&r, THREE, 3);
  struct rig_party *us = &r.party[0], *ru = &r.party[1], *fr = &r.party[2];
  pin_of(&fr->card, pin);
  pin_of(&us->card, own);
  next_with_link(us, pin, &stolen);
  assert_int_equal(propose(us, ru, buf_view(&stolen), "keys.link[0]"), 409); /* a third party's */
  assert_int_equal(propose(us, fr, buf_view(&stolen), "keys.link[0]"), 409); /* its own */
  assert_int_equal(serial_at(ru, THREE[0]), 0);
  /* France, unknown so far to Russia, may not be pinned with what an old card of the United States names. */
  const char fresh[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
  next_with_link(us, fresh, &next);
  ru->stranger = THREE[2];
  restart(ru);
  assert_int_equal(propose(us, ru, buf_view(&next), "card+json"), 200);
  next_with_link(fr, own, &late);
  struct errmsg e = {""};
  assert_int_equal(node_pin(ru->node, buf_view(&late), &e), PARLEY_ECONFLICT);
  assert_non_null(strstr(e.text, "keys.link[0]"));
  buf_free(&stolen);
  buf_free(&next);
  buf_free(&late);
  rig_close(&r);
}

/* ---- what a thief of a replaced key writes ---- */

static void test_old_statement_key_counts_no_longer(void **state) {
  (void)state;
  struct rig r;
  struct evil v;
  char forum[65], honest[65], forged[65];
  struct buf next = {0};
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1];
  evil_open(&v, us, forum);
  evil_notice(&v, TWO[1], honest);
  uint8_t seed[4][32];
  memcpy(seed, us->seed, sizeof seed);
  rig_renew(us, RIG_STATEMENT, &next);
  struct statement s;
  evil_statement(&v, &s, "forum.card");
  s.body = json_object();
  struct buf text = {0};
  base64_encode(&text, buf_view(&next), true);
  json_object_set_new(s.body, "cards", json_pack("[s]", buf_cstr(&text)));
  buf_free(&text);
  struct ed25519_key *old = v.statement;
  struct errmsg e;
  assert_int_equal(ed25519_from_seed(&v.statement, us->seed[0], &e), PARLEY_OK);
  evil_append(&v, &s, NULL);
  struct ed25519_key *fresh = v.statement;
  v.statement = old;
  evil_notice(&v, TWO[1], forged);
  char good[65];
  v.statement = fresh;
  evil_notice(&v, TWO[1], good);
  evil_push(&v, ru);
  assert_statement(ru, honest, "received", "");
  assert_statement(ru, forged, "received", "signature");
  assert_statement(ru, good, "received", "");
  assert_int_equal(serial_at(ru, TWO[0]), 1);
  ed25519_free(old);
  buf_free(&next);
  evil_close(&v);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_keys_in_mid_forum),
      cmocka_unit_test(test_each_key_alone),
      cmocka_unit_test(test_first_checkpoint_is_signed_by_both),
      cmocka_unit_test(test_lost_log_key),
      cmocka_unit_test(test_counterpart_away),
      cmocka_unit_test(test_three_members),
      cmocka_unit_test(test_renewed_twice),
      cmocka_unit_test(test_silent_once_told),
      cmocka_unit_test(test_refused_cards),
      cmocka_unit_test(test_void_is_no_storm),
      cmocka_unit_test(test_pinned_anew),
      cmocka_unit_test(test_too_many_cards),
      cmocka_unit_test(test_receipts_with_many_cards),
      cmocka_unit_test(test_foreign_keys),
      cmocka_unit_test(test_two_cards_of_one_serial),
      cmocka_unit_test(test_old_statement_key_counts_no_longer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
