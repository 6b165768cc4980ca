/*
 * A store that fails at any one operation: nothing is half done, nothing is lost or doubled, and it goes on a second later.
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

static const char *const NAMES[] = {A, B};

#define FAULTS_MAX 40

static const parley_err HOW[] = {PARLEY_EIO, PARLEY_EFULL, PARLEY_ENOMEM,
                                 PARLEY_EBUSY}; /* the last: a busy proposal means another thing */

#define N_HOW (sizeof HOW / sizeof *HOW)

/* ---- intake ---- */

/* A notice, an acknowledgement, what repeats the notice's payload: all their rows, with one fault at k. */
static bool intake_round(struct rig *r, struct evil *v, const char *forum, unsigned what, unsigned k) {
  struct faulty f;
  struct rig_party *a = &r->party[0];
  char ours[65], notice[65], ack[65];
  send_delivered(a, forum, ours);
  evil_notice(v, A, notice);
  evil_ack(v, A, ours, ack);
  evil_show(v, a);
  faulty_arm(&f, a, what, k, HOW[k % N_HOW]);
  node_work(a->node);
  const bool fired = faulty_disarm(&f, a);
  rig_run(r, 3000);
  assert_statement(a, notice, "received", "");
  assert_statement(a, ack, "received", "");
  assert_statement(a, ours, "read", "");
  return fired;
}

static void test_intake(void **state) {
  struct rig r;
  struct evil v;
  char forum[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  for (unsigned what = FAIL_WRITES; what <= FAIL_READS; what++) {
    unsigned k = 1;
    while (k <= FAULTS_MAX && intake_round(&r, &v, forum, what, k)) k++;
    assert_in_range(k, what == FAIL_WRITES ? 8 : 5, FAULTS_MAX); /* it did fail, and all places were tried */
  }
  evil_close(&v);
  rig_close(&r);
}

/* ---- submit_commit ---- */

#define AT_ONCE 3

/* Some notices in one batch, with one fault at k: all are taken or none. Adds those taken to *sent. */
static bool submit_round(struct rig *r, const char *forum, unsigned what, unsigned k, size_t *sent) {
  struct faulty f;
  struct waiting w[AT_ONCE];
  struct rig_party *a = &r->party[0];
  char *body = notice_json(a, forum), path[100];
  unsigned status;
  size_t taken = 0;
  char before[65];
  send_delivered(a, forum, before); /* its held line waits for the batch that fails */
  ++*sent;
  for (size_t i = 0; i < AT_ONCE; i++) ask_begin(&w[i], a, "POST", "/v1/statements", body);
  faulty_arm(&f, a, what, k, HOW[k % N_HOW]);
  node_work(a->node);
  const bool fired = faulty_disarm(&f, a);
  assert_int_equal(ask_collect(a, w, AT_ONCE), AT_ONCE);
  rig_run(r, 3000);
  for (size_t i = 0; i < AT_ONCE; i++) {
    if (w[i].resp.status != 201) assert_in_range(w[i].resp.status, 500, 599);
    json_t *o = ask_end(&w[i]);
    if (w[i].resp.status == 201) {
      snprintf(path, sizeof path, "/v1/statements/%s?wait=20", str_of(o, "id"));
      json_t *row = rig_ask(a, "GET", path, NULL, &status);
      assert_int_equal(status, 200);
      assert_string_equal(str_of(row, "state"), "delivered");
      json_decref(row);
      taken++;
    }
    json_decref(o);
  }
  assert_true(taken == 0 || taken == AT_ONCE);
  if (!fired) assert_int_equal(taken, AT_ONCE);
  *sent += taken;
  free(body);
  return fired;
}

static void test_submit(void **state) {
  struct rig r;
  char forum[65];
  size_t sent = 0;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  for (unsigned what = FAIL_WRITES; what <= FAIL_READS; what++) {
    unsigned k = 1;
    while (k <= FAULTS_MAX && submit_round(&r, forum, what, k, &sent)) k++;
    assert_in_range(k, what == FAIL_WRITES ? 8 : 1, FAULTS_MAX);
    assert_int_equal(count_notices(&r.party[0], forum), sent);
  }
  rig_run(&r, 2 * 3600 * 1000);
  assert_held_once(&r.party[0], forum, &r.party[1]);
  rig_stop(&r.party[0]);
  rig_start(&r.party[0]);
  rig_run(&r, 2 * 3600 * 1000);
  assert_int_equal(count_notices(&r.party[0], forum), sent);
  assert_held_once(&r.party[0], forum, &r.party[1]);
  rig_close(&r);
}

/* ---- cosignature_add ---- */

/* The fault comes while the answers to our pushes are taken; a third of the rounds restart before the retry. */
static bool cosignature_round(struct rig *r, const char *forum, unsigned what, unsigned k) {
  struct faulty f;
  struct rig_party *a = &r->party[0];
  struct waiting w;
  char *body = notice_json(a, forum), path[100];
  unsigned status;
  ask_begin(&w, a, "POST", "/v1/statements", body);
  node_work(a->node);
  assert_int_equal(ask_collect(a, &w, 1), 1);
  json_t *o = ask_end(&w);
  snprintf(path, sizeof path, "/v1/statements/%s?wait=60", str_of(o, "id"));
  json_decref(o);
  free(body);
  faulty_arm(&f, a, what, k, HOW[k % N_HOW]);
  rig_run(r, 100);
  const bool fired = faulty_disarm(&f, a);
  if (k % 3 == 0) {
    rig_stop(a);
    rig_start(a);
  }
  o = rig_ask(a, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  assert_string_equal(str_of(o, "state"), "delivered");
  json_decref(o);
  return fired;
}

static void test_cosignature(void **state) {
  struct rig r;
  char forum[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  for (unsigned what = FAIL_WRITES; what <= FAIL_READS; what++) {
    unsigned k = 1;
    while (k <= FAULTS_MAX && cosignature_round(&r, forum, what, k)) k++;
    assert_in_range(k, what == FAIL_WRITES ? 5 : 3, FAULTS_MAX);
  }
  rig_run(&r, 2 * 3600 * 1000);
  assert_held_once(&r.party[0], forum, &r.party[1]);
  rig_close(&r);
}

/* ---- the counterpart's mirror and its bookkeeping ---- */

/* B's store fails somewhere while A sends: all arrives all the same, and what B owes goes on its own record. */
static void test_counterpart(void **state) {
  struct rig r;
  char forum[65], id[65], path[100];
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  struct rig_party *b = &r.party[1];
  for (unsigned k = 1; k <= FAULTS_MAX; k++) {
    struct faulty f;
    char *body = notice_json(&r.party[0], forum);
    faulty_arm(&f, b, FAIL_WRITES, k, HOW[k % N_HOW]);
    json_t *o = rig_ask(&r.party[0], "POST", "/v1/statements?wait=60", body, &status);
    faulty_disarm(&f, b);
    assert_int_equal(status, 201);
    assert_string_equal(str_of(o, "state"), "delivered");
    snprintf(id, sizeof id, "%s", str_of(o, "id"));
    json_decref(o);
    free(body);
    rig_run(&r, 3000);
    assert_statement(b, id, "received", "");
    snprintf(path, sizeof path, "/v1/statements/%s/ack?wait=60", id);
    o = rig_ask(b, "POST", path, "{\"officer\":\"duty\"}", &status);
    assert_int_equal(status, 201);
    json_decref(o);
  }
  rig_run(&r, 2 * 3600 * 1000);
  assert_held_once(&r.party[0], forum, b);
  assert_held_once(b, forum, &r.party[0]);
  rig_close(&r);
}

/* ---- proposal_take ---- */

/* One fault at k from the proposal to the first statements: the charter comes into force all the same, and stays so. */
static bool proposal_round(unsigned who, unsigned k) {
  struct rig r;
  struct faulty f;
  char forum[65], path[100], id[65];
  unsigned status;
  rig_open(&r, NAMES, 2);
  json_t *o = rig_ask(&r.party[0], "POST", "/v1/forums", "{\"title\":\"Line\",\"members\":[\"" B "\"]}", &status);
  assert_int_equal(status, 201);
  snprintf(forum, sizeof forum, "%s", str_of(o, "forum"));
  json_decref(o);
  faulty_arm(&f, &r.party[who], FAIL_WRITES, k, HOW[k % 3]);
  rig_run(&r, 60000);
  snprintf(path, sizeof path, "/v1/forums/%s/accept", forum);
  if (f.fired) { /* what was answered to the other side is kept */
    rig_stop(&r.party[who]);
    rig_start(&r.party[who]);
    rig_run(&r, 60000);
  }
  status = 0;
  for (int tries = 0; tries < 3 && status != 200 && status != 409;
       tries++) { /* 409: signed, and what failed came after */
    json_decref(rig_ask(&r.party[1], "POST", path, "{}", &status));
    rig_run(&r, 60000);
  }
  assert_true(status == 200 || (status == 409 && f.fired));
  const bool fired = faulty_disarm(&f, &r.party[who]);
  for (int i = 0; i < 2; i++) {
    send_delivered(&r.party[i], forum, id);
    rig_run(&r, 1000);
    assert_statement(&r.party[1 - i], id, "received", "");
  }
  for (int i = 0; i < 2; i++) {
    rig_stop(&r.party[i]);
    rig_start(&r.party[i]);
  }
  rig_run(&r, 60000);
  for (int i = 0; i < 2; i++) {
    send_delivered(&r.party[i], forum, id);
    rig_run(&r, 1000);
    assert_statement(&r.party[1 - i], id, "received", "");
  }
  rig_close(&r);
  return fired;
}

static void test_proposal(void **state) {
  (void)state;
  for (unsigned who = 0; who < 2; who++) {
    unsigned k = 1;
    while (k < 100 && proposal_round(who, k)) k++;
    assert_in_range(k, 30, 99);
  }
}

/* ---- a new version ---- */

static const char *version_of(struct rig_party *p, const char *forum, char out[static 65]) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/forums/%s", forum);
  json_t *o = rig_ask(p, "GET", path, NULL, &status);
  snprintf(out, 65, "%s", str_of(o, "version"));
  json_decref(o);
  return out;
}

/* One fault at k while a version comes into force, with or without a start after it: both come to it, and statements go on. */
static bool amend_round(unsigned who, unsigned k) {
  struct rig r;
  struct faulty f;
  char forum[65], path[100], version[65], now[65], id[65];
  unsigned status;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  snprintf(path, sizeof path, "/v1/forums/%s/amend", forum);
  json_t *o = rig_ask(&r.party[0], "POST", path, "{\"title\":\"Later\"}", &status);
  assert_int_equal(status, 201);
  snprintf(version, sizeof version, "%s", str_of(o, "version"));
  json_decref(o);
  rig_run(&r, 20000);
  faulty_arm(&f, &r.party[who], FAIL_WRITES, k, HOW[k % 3]);
  snprintf(path, sizeof path, "/v1/forums/%s/accept", version);
  status = 0;
  for (int tries = 0; tries < 3 && status != 200 && status != 409; tries++) {
    json_decref(rig_ask(&r.party[1], "POST", path, "{}", &status));
    rig_run(&r, 60000);
  }
  assert_true(status == 200 || (status == 409 && f.fired));
  const bool fired = faulty_disarm(&f, &r.party[who]);
  if (k % 2) {
    rig_stop(&r.party[who]);
    rig_start(&r.party[who]);
  }
  rig_run(&r, 120000);
  for (int i = 0; i < 2; i++) {
    assert_string_equal(version_of(&r.party[i], forum, now), version);
    send_delivered(&r.party[i], forum, id);
    rig_run(&r, 1000);
    assert_statement(&r.party[1 - i], id, "received", "");
    assert_receipt(&r.party[i], id, false);
  }
  rig_close(&r);
  return fired;
}

static void test_amendment(void **state) {
  (void)state;
  for (unsigned who = 0; who < 2; who++) {
    unsigned k = 1;
    while (k < 120 && amend_round(who, k)) k++;
    assert_in_range(k, 20, 119);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_intake),      cmocka_unit_test(test_submit),   cmocka_unit_test(test_cosignature),
      cmocka_unit_test(test_counterpart), cmocka_unit_test(test_proposal), cmocka_unit_test(test_amendment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
