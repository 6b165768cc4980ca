/*
 * A member that breaks rules: whatever it writes is kept and marked with the reason, and costs nobody else anything.
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
#include "hostile_fixture.h"

#define A "cert.us.example"
#define B "ncc.ru.example"
#define C "third.ch.example"

static const char *const NAMES[] = {A, B, C};

static void running(struct rig_party *p) {
  struct node_log_view v;
  for (size_t i = 0; node_log_at(p->node, i, &v); i++) assert_false(v.stopped);
}

/* ---- acknowledgements ---- */

static void test_ack_in_another_forum(void **state) {
  struct rig r;
  struct evil v;
  char first[65], second[65], id[65], ack[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, first);
  rig_forum(&r, second);
  evil_open(&v, &r.party[1], second);
  send_delivered(&r.party[0], first, id);
  evil_ack(&v, A, id, ack);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], ack, "received", "re: it acknowledges a statement of another forum");
  assert_statement(&r.party[0], id, "delivered", "");
  assert_receipt(&r.party[0], id, false);
  evil_close(&v);
  rig_close(&r);
}

static void test_ack_of_what_is_never_acknowledged(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], notice[65], answer[65], ack[65], path[100];
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  evil_notice(&v, A, notice);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], notice, "received", "");
  snprintf(path, sizeof path, "/v1/statements/%s/ack?wait=30", notice);
  json_t *o = rig_ask(&r.party[0], "POST", path, "{\"officer\":\"duty\"}", &status);
  assert_int_equal(status, 201);
  snprintf(answer, sizeof answer, "%s", str_of(o, "id"));
  json_decref(o);
  evil_ack(&v, A, answer, ack);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], ack, "received", "never acknowledged");
  assert_statement(&r.party[0], answer, "delivered", "");
  assert_statement(&r.party[0], notice, "acknowledged", "");
  assert_receipt(&r.party[0], notice, true);
  snprintf(path, sizeof path, "/v1/statements/%s/ack", ack); /* nor do we acknowledge an acknowledgement */
  json_decref(rig_ask(&r.party[0], "POST", path, "{\"officer\":\"duty\"}", &status));
  assert_int_equal(status, 403);
  evil_close(&v);
  rig_close(&r);
}

/* A statement that breaks a rule obliges nobody, whoever acknowledges it. */
static void test_ack_of_a_statement_with_a_problem(void **state) {
  struct rig r;
  struct evil b, c;
  struct statement s;
  char forum[65], bad[65], ack[65], path[100];
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  evil_open(&b, &r.party[1], forum);
  evil_open(&c, &r.party[2], forum);
  evil_statement(&c, &s, "incident.rumour");
  evil_to(&c, &s, A);
  evil_to(&c, &s, B);
  evil_seal(&c, &s, "{}");
  evil_append(&c, &s, bad);
  evil_push(&c, &r.party[0]);
  evil_ack(&b, C, bad, ack);
  evil_push(&b, &r.party[0]);
  assert_statement(&r.party[0], bad, "received", "kind: incident.rumour is not in force");
  assert_statement(&r.party[0], ack, "received", "never acknowledged");
  snprintf(path, sizeof path, "/v1/statements/%s/ack", bad);
  json_decref(rig_ask(&r.party[0], "POST", path, "{\"officer\":\"duty\"}", &status));
  assert_int_equal(status, 403);
  evil_close(&b);
  evil_close(&c);
  rig_close(&r);
}

static void test_second_ack(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], id[65], first[65], second[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  send_delivered(&r.party[0], forum, id);
  evil_ack(&v, A, id, first);
  evil_ack(&v, A, id, second);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], first, "received", "");
  assert_statement(&r.party[0], second, "received", "re: it was acknowledged already");
  assert_statement(&r.party[0], id, "read", "");
  json_t *o = show_statement(&r.party[0], id);
  assert_string_equal(str_of(json_array_get(json_object_get(o, "delivery"), 0), "ack"), first);
  json_decref(o);
  assert_receipt(&r.party[0], id, true);
  evil_close(&v);
  rig_close(&r);
}

/* Two logs have no order: an acknowledgement between others may come before what it acknowledges. It is no breach. */
static void test_ack_before_its_statement(void **state) {
  struct rig r;
  struct evil c;
  char forum[65], id[65], ack[65];
  (void)state;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  rig_stop(&r.party[1]);
  evil_open(&c, &r.party[2], forum);
  unsigned status;
  char *body = notice_json(&r.party[0], forum);
  json_t *o = rig_ask(&r.party[0], "POST", "/v1/statements", body, &status);
  assert_int_equal(status, 201);
  snprintf(id, sizeof id, "%s", str_of(o, "id"));
  json_decref(o);
  free(body);
  rig_run(&r, 2000);
  rig_stop(&r.party[0]);
  rig_start(&r.party[1]);
  evil_ack(&c, A, id, ack);
  evil_push(&c, &r.party[1]);
  assert_statement(&r.party[1], ack, "received", "");
  rig_start(&r.party[0]);
  rig_run(&r, 60000);
  o = show_statement(&r.party[1], id);
  assert_string_equal(str_of(json_array_get(json_object_get(o, "delivery"), 1), "ack"), ack);
  json_decref(o);
  evil_close(&c);
  rig_close(&r);
}

/* ---- copies ---- */

static void ack_it(struct rig_party *p, const char *id) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/ack", id);
  json_decref(rig_ask(p, "POST", path, "{\"officer\":\"duty\"}", &status));
  assert_int_equal(status, 201);
}

static size_t in_box(struct rig_party *p, const char *id) {
  unsigned status;
  size_t k = 0;
  json_t *o = rig_ask(p, "GET", "/v1/statements?box=inbox", NULL, &status), *list = json_object_get(o, "statements");
  assert_int_equal(status, 200);
  for (size_t i = 0; i < json_array_size(list); i++) k += !strcmp(str_of(json_array_get(list, i), "id"), id);
  json_decref(o);
  return k;
}

/* The third member has A's entry first and shows it to B as its own. */
static void test_copy_that_comes_first(void **state) {
  struct rig r;
  struct evil c;
  char forum[65], id[65], origin[ORIGIN_MAX + 1];
  uint8_t forum_id[32];
  struct bytes entry;
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  evil_open(&c, &r.party[2], forum);
  rig_stop(&r.party[1]);
  char *body = notice_json(&r.party[0], forum);
  json_t *o = rig_ask(&r.party[0], "POST", "/v1/statements", body, &status);
  assert_int_equal(status, 201);
  snprintf(id, sizeof id, "%s", str_of(o, "id"));
  json_decref(o);
  free(body);
  rig_run(&r, 2000);
  hex_decode(forum_id, 32, bytes_str(forum));
  log_origin(origin, A, forum_id, 0, false);
  assert_int_equal(node_log_entry(r.party[2].node, origin, 1, &c.arena, &entry, NULL), PARLEY_OK);
  evil_append_raw(&c, entry, NULL);
  rig_stop(&r.party[0]);
  rig_start(&r.party[1]);
  evil_push(&c, &r.party[1]);
  assert_statement(&r.party[1], id, "received", "from: " A " stands in the log of " C);
  rig_start(&r.party[0]);
  rig_run(&r, 60000);
  assert_statement(&r.party[1], id, "received", "");
  assert_int_equal(in_box(&r.party[1], id), 1);
  evil_append_raw(&c, entry, NULL); /* and once more, now after the true one */
  evil_push(&c, &r.party[1]);
  assert_statement(&r.party[1], id, "received", "");
  assert_int_equal(in_box(&r.party[1], id), 1);
  ack_it(&r.party[1], id);
  rig_run(&r, 5000);
  o = show_statement(&r.party[0], id);
  assert_string_not_equal(str_of(json_array_get(json_object_get(o, "delivery"), 0), "read"), "");
  json_decref(o);
  assert_receipt(&r.party[0], id, true);
  evil_close(&c);
  rig_close(&r);
}

/* Our own statement in somebody else's log stays ours. */
static void test_copy_of_our_own(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], id[65];
  struct bytes entry;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  send_delivered(&r.party[0], forum, id);
  struct node_log_view ours;
  assert_true(node_log_at(r.party[0].node, 0, &ours) && ours.own);
  assert_int_equal(node_log_entry(r.party[0].node, ours.origin, ours.size - 1, &v.arena, &entry, NULL), PARLEY_OK);
  evil_append_raw(&v, entry, NULL);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], id, "delivered", "");
  assert_int_equal(in_box(&r.party[0], id), 0);
  assert_receipt(&r.party[0], id, false);
  evil_close(&v);
  rig_close(&r);
}

/* Written into the log of another forum first, a statement still counts where it belongs: its author can prove its delivery. */
static void test_copy_in_another_forum(void **state) {
  struct rig r;
  struct evil v, w;
  char first[65], second[65], id[65], again[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, first);
  rig_forum(&r, second);
  evil_open(&v, &r.party[1], first);
  evil_open(&w, &r.party[1], second);
  evil_notice(&v, A, id);
  evil_append_raw(&w, buf_view(&v.entry[v.n - 1]), again);
  assert_string_equal(id, again);
  evil_push(&w, &r.party[0]);
  assert_statement(&r.party[0], id, "received", "forum: it belongs to another forum than its log");
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], id, "received", "");
  ack_it(&r.party[0], id);
  evil_close(&v);
  evil_close(&w);
  rig_close(&r);
}

/* A forum that cannot be opened for a while keeps its statements, whoever copies them into another forum meanwhile. */
static void test_copy_from_a_closed_forum(void **state) {
  struct rig r;
  struct evil v;
  char both[65], three[65], id[65], path[100];
  struct bytes entry;
  struct node_log_view ours;
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 3);
  struct rig_party *a = &r.party[0];
  json_t *o = rig_ask(a, "POST", "/v1/forums", "{\"title\":\"Two\",\"members\":[\"" B "\"]}", &status);
  snprintf(both, sizeof both, "%s", str_of(o, "forum"));
  json_decref(o);
  rig_run(&r, 2000);
  snprintf(path, sizeof path, "/v1/forums/%s/accept", both);
  json_decref(rig_ask(&r.party[1], "POST", path, "{}", &status));
  assert_int_equal(status, 200);
  rig_run(&r, 5000);
  rig_forum(&r, three);
  send_delivered(a, three, id);
  evil_open(&v, &r.party[1], both);
  assert_true(node_log_at(a->node, 0, &ours) && ours.own && strstr(ours.origin, three));
  assert_int_equal(node_log_entry(a->node, ours.origin, ours.size - 1, &v.arena, &entry, NULL), PARLEY_OK);
  evil_append_raw(&v, entry, NULL);
  rig_stop(a);
  a->stranger = C;
  rig_start(a);
  rig_run(&r, 5000);
  evil_push(&v, a);
  rig_stop(a);
  a->stranger = NULL;
  rig_start(a);
  rig_run(&r, 60000);
  assert_statement(a, id, "delivered", "");
  assert_int_equal(in_box(a, id), 0);
  assert_receipt(a, id, false);
  evil_close(&v);
  rig_close(&r);
}

/* ---- heard and held ---- */

static void test_vectors_that_fit_nothing(void **state) {
  struct rig r;
  struct evil v;
  struct statement s;
  char forum[65], ids[3][65], id[65];
  struct node_log_view ours;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  assert_true(node_log_at(r.party[0].node, 0, &ours) && ours.own);
  for (unsigned i = 0; i < 3; i++) {
    struct heard h = {.party = A, .size = i ? 1 : 1000}; /* larger than our log; another root */
    struct held l = {.size = 1};
    evil_statement(&v, &s, "incident.notice");
    evil_to(&v, &s, A);
    s.heard = &h;
    s.n_heard = 1;
    snprintf(l.origin, sizeof l.origin, "%s", ours.origin);
    snprintf(
        l.line, sizeof l.line, "— %s/mirror %s", B,
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==");
    s.held = &l;
    s.n_held = i == 2; /* a line that does not verify */
    evil_seal(&v, &s, "{\"title\":\"Pumps\",\"summary\":\"They run.\",\"aware_at\":\"2021-05-07T10:00:00Z\"}");
    evil_append(&v, &s, ids[i]);
  }
  evil_push(&v, &r.party[0]);
  for (unsigned i = 0; i < 3; i++) assert_statement(&r.party[0], ids[i], "received", "");
  running(&r.party[0]);
  for (unsigned i = 0; i < 3; i++) ack_it(&r.party[0], ids[i]);
  send_delivered(&r.party[0], forum, id);
  assert_receipt(&r.party[0], ids[0], true);
  evil_close(&v);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ack_in_another_forum),
      cmocka_unit_test(test_ack_of_what_is_never_acknowledged),
      cmocka_unit_test(test_ack_of_a_statement_with_a_problem),
      cmocka_unit_test(test_second_ack),
      cmocka_unit_test(test_ack_before_its_statement),
      cmocka_unit_test(test_copy_that_comes_first),
      cmocka_unit_test(test_copy_of_our_own),
      cmocka_unit_test(test_copy_in_another_forum),
      cmocka_unit_test(test_copy_from_a_closed_forum),
      cmocka_unit_test(test_vectors_that_fit_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
