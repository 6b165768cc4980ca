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

/* ---- two uploads at once ---- */

/* A request as the node at hand makes it next, kept so that it can be given piece by piece. */
struct kept {
  char method[8], path[256], type[64];
  struct buf body;
};

static void keep(struct kept *k, const struct outbound *o) {
  *k = (struct kept){0};
  snprintf(k->method, sizeof k->method, "%s", o->method);
  snprintf(k->path, sizeof k->path, "%s", o->path);
  snprintf(k->type, sizeof k->type, "%s", o->content_type ? o->content_type : "");
  buf_bytes(&k->body, o->body);
}

static struct node_call *begin(struct rig_party *to, const char *from, const struct kept *k,
                               struct node_response *out) {
  const struct node_request q = {
      .peer = from, .method = k->method, .path = k->path, .query = "", .content_type = k->type};
  return node_begin(to->node, &q, out);
}

/* The author and one who passes on, with the same entries, byte by byte in turn; both are answered with a cosignature. */
static void test_two_at_once(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  struct kept upload = {0};
  struct outbound o;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  cut(&r, US, RU, true);
  send_notice(&r.party[US], "\"ncc.ru.example\"", id);
  rig_run(&r, 10000);
  cut(&r, US, RU, false);
  /* The author's own upload, as far as its add-entries, which is kept and then said to have failed. */
  for (int i = 0; i < 200 && !upload.body.n; i++) {
    r.ms += 1000;
    node_work(r.party[US].node);
    while (node_next_outbound(r.party[US].node, &o)) {
      struct node_response resp = {0};
      struct outbound_result result = {.message = "cut"};
      struct node_call *c = NULL;
      if (!strcmp(o.peer, NAMES[RU]) && !strcmp(o.path, "/add-entries")) {
        keep(&upload, &o);
      } else if (!strcmp(o.peer, NAMES[RU])) {
        struct kept k;
        keep(&k, &o);
        c = begin(&r.party[RU], NAMES[US], &k, &resp);
        node_data(c, buf_view(&k.body), &resp);
        if (!resp.status) node_end(c, &resp);
        result = (struct outbound_result){true, resp.status,          resp.content_type ? resp.content_type : "",
                                          0,    buf_view(&resp.body), NULL};
        buf_free(&k.body);
      }
      node_outbound_done(r.party[US].node, o.id, &result);
      if (c) node_finish(c);
      buf_free(&resp.body);
    }
  }
  assert_int_not_equal(upload.body.n, 0);
  struct node_response a = {0}, b = {0};
  struct node_call *x = begin(&r.party[RU], NAMES[US], &upload, &a), *y = begin(&r.party[RU], NAMES[FR], &upload, &b);
  for (size_t i = 0; i < upload.body.n; i++) {
    if (!a.status) node_data(x, BYTES(upload.body.p + i, 1), &a);
    if (!b.status) node_data(y, BYTES(upload.body.p + i, 1), &b);
  }
  if (!a.status) node_end(x, &a);
  if (!b.status) node_end(y, &b);
  assert_int_equal(a.status, 200);
  assert_int_equal(b.status, 200);
  assert_true(bytes_eq(buf_view(&a.body), buf_view(&b.body)));
  node_finish(x);
  node_finish(y);
  buf_free(&a.body);
  buf_free(&b.body);
  buf_free(&upload.body);
  rig_run(&r, 5000);
  assert_true(arrived(&r.party[RU], id));
  assert_true(is_state(&r.party[US], id, "delivered"));
  rig_close(&r);
}

/* ---- lies ---- */

/* Who passes on is answered with nonsense, and the author who asks as well: nothing is taken, and pauses grow. */
static void test_nonsense(void **state) {
  (void)state;
  static const char *const bodies[] = {"", "x", "garbage\n\n\xe2\x80\x94 ncc.ru.example/mirror AAAA\n"};
  for (size_t kind = 0; kind < 9; kind++) {
    struct rig r;
    char forum[65], id[65];
    unsigned asked = 0;
    rig_open(&r, NAMES, 3);
    rig_forum(&r, forum);
    cut(&r, US, RU, true);
    send_notice(&r.party[US], "\"ncc.ru.example\"", id);
    rig_run(&r, 10000);
    for (int i = US; i <= FR; i++)
      for (int64_t end = r.ms + 3600000; r.ms < end && asked < 5000; r.ms += 1000) {
        struct outbound o;
        node_work(r.party[i].node);
        while (asked < 5000 && node_next_outbound(r.party[i].node, &o)) {
          const unsigned statuses[] = {200, 202, 409};
          const struct outbound_result result = {true, statuses[kind / 3],          "text/plain",
                                                 0,    bytes_str(bodies[kind % 3]), NULL};
          node_outbound_done(r.party[i].node, o.id, &result);
          asked++;
        }
      }
    assert_true(asked < 3000);
    assert_false(is_state(&r.party[US], id, "delivered"));
    assert_via(&r.party[US], id, "");
    rig_close(&r);
  }
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
      cmocka_unit_test(test_two_at_once),  cmocka_unit_test(test_nonsense),
      cmocka_unit_test(test_delay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
