/*
 * Members that pass on each other's logs (docs/protocol.md, "Relay"): three or four nodes, of which two cannot reach each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/relay.h"
#include "node_fixture.h"

enum { US, FR, RU, KZ };
static const char *const NAMES[] = {"cert.us.example", "dsn.fr.example", "ncc.ru.example", "sts.kz.example"};

static void cut(struct rig *r, int a, int b, bool down) { r->cut[a][b] = r->cut[b][a] = down; }

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

static json_t *show(struct rig_party *p, const char *id) {
  char path[120];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  if (status == 200) return v;
  json_decref(v);
  return NULL;
}

static bool arrived(struct rig_party *p, const char *id) {
  json_t *v = show(p, id);
  json_decref(v);
  return v != NULL;
}

static bool is_state(struct rig_party *p, const char *id, const char *state) {
  json_t *v = show(p, id);
  const bool yes = v && !strcmp(json_string_value(json_object_get(v, "state")), state);
  json_decref(v);
  return yes;
}

/* The member that brought the cosignature of the first addressee; "" when it did itself. */
static void assert_via(struct rig_party *p, const char *id, const char *via) {
  json_t *v = show(p, id);
  const json_t *first = json_array_get(json_object_get(v, "delivery"), 0);
  const char *s = json_string_value(json_object_get(first, "via"));
  assert_string_equal(s ? s : "", via);
  json_decref(v);
}

/* Requests in so many milliseconds. */
static unsigned traffic(struct rig *r, int64_t ms) {
  const unsigned before = r->requests;
  rig_run(r, ms);
  return r->requests - before;
}

static void acknowledge(struct rig_party *p, const char *id) {
  char path[120];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/ack", id);
  json_decref(rig_ask(p, "POST", path, "{\"officer\":\"duty\"}", &status));
  assert_int_equal(status, 201);
}

static void test_around_a_cut(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  cut(&r, US, RU, true);
  send_notice(&r.party[US], "\"ncc.ru.example\"", id);
  rig_run(&r, 100000); /* a fifth of 600 s is not over yet */
  assert_false(arrived(&r.party[RU], id));
  rig_run(&r, 60000);
  assert_true(arrived(&r.party[RU], id));
  assert_true(is_state(&r.party[US], id, "delivered"));
  assert_via(&r.party[US], id, NAMES[FR]);
  acknowledge(&r.party[RU], id);
  rig_run(&r, 160000);
  assert_true(is_state(&r.party[US], id, "read"));
  rig_close(&r);
}

/* Nobody asks or passes on anything while the lines are well. */
static void test_silent_when_well(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  rig_run(&r, 10 * 3600000);
  send_notice(&r.party[US], "\"ncc.ru.example\"", id);
  rig_run(&r, 61000); /* the held lines are on the record */
  assert_int_equal(traffic(&r, 200000), 0);
  rig_close(&r);
}

/* The same with each of the three stopped and started between. */
static void test_restarts(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  cut(&r, US, RU, true);
  send_notice(&r.party[US], "\"ncc.ru.example\"", id);
  rig_run(&r, 2000);
  for (int i = 0; i < 3; i++) {
    rig_stop(&r.party[i]);
    rig_start(&r.party[i]);
  }
  rig_run(&r, 180000);
  assert_true(is_state(&r.party[US], id, "delivered"));
  rig_stop(&r.party[US]);
  rig_start(&r.party[US]);
  assert_via(&r.party[US], id, NAMES[FR]);
  rig_close(&r);
}

/* Once the line is back nothing more is passed on, and the line itself works on. */
static void test_line_comes_back(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  cut(&r, US, RU, true);
  send_notice(&r.party[US], "\"ncc.ru.example\"", id);
  rig_run(&r, 180000);
  assert_true(is_state(&r.party[US], id, "delivered"));
  cut(&r, US, RU, false);
  send_notice(&r.party[US], "\"ncc.ru.example\"", id);
  rig_run(&r, 70000);
  assert_true(is_state(&r.party[US], id, "delivered"));
  assert_via(&r.party[US], id, "");
  rig_close(&r);
}

/* Whoever cannot be reached by anybody costs no more than its own lines do. */
static void test_down_for_all(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, NAMES, 4);
  rig_forum(&r, forum);
  rig_stop(&r.party[RU]);
  send_notice(&r.party[US], "\"ncc.ru.example\"", id);
  rig_run(&r, 600000);
  assert_true(traffic(&r, 600000) < 90); /* three lines to it, two that pass on, two questions a minute */
  rig_start(&r.party[RU]);
  rig_run(&r, 61000);
  assert_true(is_state(&r.party[US], id, "delivered"));
  rig_close(&r);
}

/* ---- who passes on ---- */

static void test_responsible(void **state) {
  (void)state;
  struct charter_member m[6] = {{.name = "a.example"}, {.name = "b.example"}, {.name = "c.example"},
                                {.name = "d.example"}, {.name = "e.example"}, {.name = "f.example"}};
  struct charter c = {.members = m, .n_members = 6};
  const char *const none[] = {"a.example", "b.example"}; /* author and target */
  for (size_t i = 0; i < 2; i++) assert_false(relay_responsible(&c, none[i], "a.example", "b.example"));
  assert_true(relay_responsible(&c, "c.example", "a.example", "b.example"));
  assert_true(relay_responsible(&c, "d.example", "a.example", "b.example"));
  assert_true(relay_responsible(&c, "e.example", "a.example", "b.example"));
  assert_false(relay_responsible(&c, "f.example", "a.example", "b.example"));
  m[5].role = ROLE_RELAY;
  assert_true(relay_responsible(&c, "f.example", "a.example", "b.example"));
  m[5].role = ROLE_MEMBER;
  m[3].role = ROLE_SUSPENDED;
  assert_false(relay_responsible(&c, "d.example", "a.example", "b.example"));
  assert_true(relay_responsible(&c, "f.example", "a.example", "b.example"));
  assert_true(relay_responsible(&c, "b.example", "a.example", "f.example")); /* after the last comes the first */
  assert_true(relay_responsible(&c, "e.example", "a.example", "f.example"));
  m[3].role = ROLE_OBSERVER;
  assert_false(relay_responsible(&c, "e.example", "a.example", "f.example"));
  assert_false(relay_responsible(&c, "x.example", "a.example", "f.example"));
  assert_false(relay_responsible(&c, "b.example", "a.example", "x.example"));
}

static void test_delay(void **state) {
  (void)state;
  struct charter c = {.ack_seconds = {600, 1800, 10800, 21600}};
  assert_int_equal(relay_delay_ms(&c), 120000);
  c.ack_seconds[3] = 60;
  assert_int_equal(relay_delay_ms(&c), 12000);
  c.ack_seconds[2] = 20;
  assert_int_equal(relay_delay_ms(&c), 5000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_around_a_cut), cmocka_unit_test(test_silent_when_well),
      cmocka_unit_test(test_restarts),     cmocka_unit_test(test_line_comes_back),
      cmocka_unit_test(test_down_for_all), cmocka_unit_test(test_responsible),
      cmocka_unit_test(test_delay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
