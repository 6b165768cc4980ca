/*
 * The node core: two parties from the charter to a receipt, and what happens when one is down, behind or restored.
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
#include "node_fixture.h"
#include "record/pack.h"

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};

#define SEND(extra)                                                                                                 \
  "{\"kind\":\"incident.notice\",\"precedence\":\"IMMEDIATE\",\"tlp\":\"amber\",\"body\":{\"title\":\"Pipeline\","      \
  "\"summary\":\"It stands still.\",\"aware_at\":\"2021-05-07T10:00:00Z\"" extra "}}"

static const char *str(const json_t *o, const char *name) {
  const char *s = json_string_value(json_object_get(o, name));
  return s ? s : "";
}

static void send_notice(struct rig_party *p, char id[static 65], const char *state) {
  unsigned status;
  json_t *v = rig_ask(p, "POST", "/v1/statements?wait=30", SEND(""), &status);
  assert_int_equal(status, 201);
  assert_string_equal(str(v, "state"), state);
  snprintf(id, 65, "%s", str(v, "id"));
  json_decref(v);
}

static json_t *show(struct rig_party *p, const char *id) {
  unsigned status;
  char path[100];
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  return v;
}

static void ack(struct rig_party *p, const char *id, unsigned want) {
  unsigned status;
  char path[100];
  snprintf(path, sizeof path, "/v1/statements/%s/ack", id);
  json_decref(rig_ask(p, "POST", path, "{\"officer\":\"duty\",\"note\":\"seen\"}", &status));
  assert_int_equal(status, want);
}

static void receipt(struct rig_party *p, const char *id, bool with_ack) {
  unsigned status;
  char path[100];
  snprintf(path, sizeof path, "/v1/statements/%s/receipt", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  json_t *files = json_object_get(v, "files");
  assert_non_null(json_object_get(files, "proof.tlog-proof"));
  assert_int_equal(json_object_get(files, "ack/entry.json") != NULL, with_ack);
  json_decref(v);
}

static void test_main_job(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], id, "delivered");
  json_t *v = show(&r.party[0], id);
  assert_string_equal(str(v, "state"), "delivered");
  assert_string_equal(str(v, "title"), "Pipeline");
  json_decref(v);
  receipt(&r.party[0], id, false);
  v = show(&r.party[1], id);
  assert_string_equal(str(v, "state"), "received");
  assert_string_equal(str(v, "problem"), "");
  assert_string_equal(str(json_object_get(v, "body"), "summary"), "It stands still.");
  json_decref(v);
  ack(&r.party[0], id, 409); /* one's own */
  ack(&r.party[1], id, 201);
  ack(&r.party[1], id, 409); /* twice */
  rig_run(&r, 5000);
  v = show(&r.party[0], id);
  assert_string_equal(str(v, "state"), "read");
  json_decref(v);
  receipt(&r.party[0], id, true);
  receipt(&r.party[1], id, true);
  rig_close(&r);
}

static void test_counterpart_down_and_up(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  rig_stop(&r.party[1]);
  send_notice(&r.party[0], id, "accepted");
  rig_run(&r, 600000);
  unsigned status;
  json_t *v = rig_ask(&r.party[0], "GET", "/v1/status", NULL, &status);
  json_t *f = json_array_get(json_object_get(json_array_get(json_object_get(v, "peers"), 0), "forums"), 0);
  assert_int_equal(json_array_size(json_object_get(f, "waiting")), 1);
  assert_non_null(strstr(str(f, "why"), "cannot be reached"));
  json_decref(v);
  rig_start(&r.party[1]);
  rig_run(&r, 120000);
  v = show(&r.party[0], id);
  assert_string_equal(str(v, "state"), "delivered");
  json_decref(v);
  rig_close(&r);
}

static void test_restart_asks_before_signing(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], id, "delivered");
  rig_stop(&r.party[0]);
  rig_stop(&r.party[1]);
  rig_start(&r.party[0]);
  char second[65];
  send_notice(&r.party[0], second, "accepted"); /* kept, not signed: nobody has shown what it holds */
  struct node_log_view view;
  assert_true(node_log_at(r.party[0].node, 0, &view));
  assert_int_equal(view.signed_size, 0);
  assert_non_null(strstr(view.why, "waits for a member"));
  rig_start(&r.party[1]);
  rig_run(&r, 120000);
  json_t *v = show(&r.party[0], second);
  assert_string_equal(str(v, "state"), "delivered");
  json_decref(v);
  receipt(&r.party[0], id, false);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_main_job),
      cmocka_unit_test(test_counterpart_down_and_up),
      cmocka_unit_test(test_restart_asks_before_signing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
