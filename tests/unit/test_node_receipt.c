/*
 * Receipts in a forum of several: as far as the addressees have cosigned, in as many proofs as that takes, and drawn by an
 * addressee about itself (docs/protocol.md, "Evidence pack").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/pack_dir.h"
#include "node_fixture.h"

enum { US, FR, RU, KZ };
static const char *const NAMES[] = {"cert.us.example", "dsn.fr.example", "ncc.ru.example", "sts.kz.example"};
#define ALL "\"dsn.fr.example\",\"ncc.ru.example\",\"sts.kz.example\""

static void send_notice(struct rig_party *p, const char *to, char id[static 65]) {
  char body[600];
  unsigned status;
  snprintf(
      body, sizeof body,
      "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"to\":[%s],\"body\":{\"title\":\"t\","
      "\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
      to);
  json_t *v = rig_ask(p, "POST", "/v1/statements", body, &status);
  assert_int_equal(status, 201);
  snprintf(id, 65, "%s", json_string_value(json_object_get(v, "id")));
  json_decref(v);
}

static void acknowledge(struct rig_party *p, const char *id) {
  char path[120];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/ack", id);
  json_decref(rig_ask(p, "POST", path, "{\"officer\":\"duty\"}", &status));
  assert_int_equal(status, 201);
}

/* The receipt that the party draws: whom it covers ("FRU" for letters of the parties: F, R, K), and in how many proofs. */
static void assert_receipt(struct rig_party *p, const char *id, const char *whom, size_t proofs, const char *ack_from) {
  char path[120], covered[5] = "";
  unsigned status;
  struct arena a = {0};
  struct pack pack;
  struct pack_result r;
  struct errmsg e;
  snprintf(path, sizeof path, "/v1/statements/%s/receipt", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  if (status != 200) fail_msg("%u %s", status, json_string_value(json_object_get(v, "message")));
  assert_int_equal(pack_from_json(&pack, &a, json_object_get(v, "files"), &e), PARLEY_OK);
  if (pack_verify(&r, &a, &pack, NULL, &e) != PARLEY_OK) fail_msg("%s", e.text);
  for (size_t i = 1; i < r.n_parties; i++)
    if (r.parties[i].covered)
      strcat(covered, r.parties[i].name[0] == 'd' ? "F" : r.parties[i].name[0] == 'n' ? "R" : "K");
  assert_string_equal(covered, whom);
  size_t n = 0;
  for (size_t i = 0; i < pack.n; i++) n += !strncmp(pack.files[i].name, "proof.", 6);
  assert_int_equal(n, proofs);
  assert_string_equal(r.has_ack ? r.ack.from : "", ack_from);
  pack_result_clear(&r);
  arena_free(&a);
  json_decref(v);
}

static void refused(struct rig_party *p, const char *id, unsigned want) {
  char path[120];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/receipt", id);
  json_decref(rig_ask(p, "GET", path, NULL, &status));
  assert_int_equal(status, want);
}

static void test_as_far_as_delivered(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65], other[65];
  rig_open(&r, NAMES, 4);
  rig_forum(&r, forum);
  for (int i = FR; i <= KZ; i++) rig_stop(&r.party[i]);
  send_notice(&r.party[US], ALL, id);
  rig_run(&r, 2000);
  refused(&r.party[US], id, 409);
  rig_start(&r.party[FR]);
  rig_start(&r.party[KZ]);
  rig_run(&r, 61000);
  assert_receipt(&r.party[US], id, "FK", 1, "");
  /* The third cosigns a larger tree alone: two proofs; once all have cosigned one tree, one is enough. */
  rig_stop(&r.party[FR]);
  rig_stop(&r.party[KZ]);
  send_notice(&r.party[US], "\"ncc.ru.example\"", other);
  rig_start(&r.party[RU]);
  rig_run(&r, 61000);
  assert_receipt(&r.party[US], id, "FRK", 2, "");
  rig_start(&r.party[FR]);
  rig_start(&r.party[KZ]);
  rig_run(&r, 61000);
  assert_receipt(&r.party[US], id, "FRK", 1, "");
  rig_close(&r);
}

static void test_drawn_by_an_addressee(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, NAMES, 4);
  rig_forum(&r, forum);
  send_notice(&r.party[US], ALL, id);
  rig_run(&r, 5000);
  assert_receipt(&r.party[US], id, "FRK", 1, "");
  assert_receipt(&r.party[RU], id, "R", 1, "");
  acknowledge(&r.party[RU], id);
  rig_run(&r, 5000);
  assert_receipt(&r.party[US], id, "FRK", 1, NAMES[RU]);
  assert_receipt(&r.party[RU], id, "R", 1, NAMES[RU]);
  assert_receipt(&r.party[FR], id, "F", 1, ""); /* the acknowledgement is by one whom it is not about */
  rig_close(&r);
}

/* Who has passed it on can prove it of those, too. */
static void test_drawn_by_who_passed_it_on(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  r.cut[US][RU] = r.cut[RU][US] = true;
  send_notice(&r.party[US], "\"dsn.fr.example\",\"ncc.ru.example\"", id);
  rig_run(&r, 180000);
  assert_receipt(&r.party[US], id, "FR", 1, "");
  assert_receipt(&r.party[FR], id, "FR", 1, "");
  rig_run(&r, 70000); /* its own cosignature is over a larger tree now, with the line about the other's on the record */
  assert_receipt(&r.party[FR], id, "FR", 2, "");
  assert_receipt(&r.party[RU], id, "R", 1, "");
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_far_as_delivered),
                                     cmocka_unit_test(test_drawn_by_an_addressee),
                                     cmocka_unit_test(test_drawn_by_who_passed_it_on)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
