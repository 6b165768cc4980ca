/*
 * Bookkeeping: the earliest cosignature over every statement stands on the record once, and then the lines fall silent.
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

#define HOUR 3600000 /* the heartbeat, milliseconds */

static const char *const NAMES[] = {"cert.us.example", "ncc.ru.example", "third.ch.example"};

static void silent(struct rig *r, const char *forum) {
  uint64_t size[4];
  rig_run(r, 2 * HOUR + 60000);
  for (size_t i = 0; i < r->n; i++) size[i] = log_size(&r->party[i], forum);
  rig_run(r, 5 * HOUR);
  for (size_t i = 0; i < r->n; i++) assert_int_equal(log_size(&r->party[i], forum), size[i]);
}

static void all_held(struct rig *r, const char *forum) {
  for (size_t i = 0; i < r->n; i++)
    for (size_t k = 0; k < r->n; k++)
      if (i != k) assert_held_once(&r->party[i], forum, &r->party[k]);
}

/* ---- a conversation, with a member down now and then and restarts between ---- */

static void talk(size_t parties) {
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, NAMES, parties);
  rig_forum(&r, forum);
  for (unsigned i = 0; i < 30; i++) {
    struct rig_party *p = &r.party[i % parties], *other = &r.party[(i + 1) % parties];
    if (i % 5 == 2) { /* the other was down, then we restart: what waited is read from the log again */
      char *body = notice_json(p, forum);
      unsigned status;
      rig_stop(other);
      json_decref(rig_ask(p, "POST", "/v1/statements", body, &status));
      assert_int_equal(status, 201);
      rig_run(&r, 90000);
      rig_start(other);
      if (i % 2) {
        rig_stop(p);
        rig_start(p);
      }
      rig_run(&r, 180000);
      free(body);
    } else {
      send_delivered(p, forum, id);
    }
    if (i % 7 == 3) rig_run(&r, HOUR / 2);
  }
  silent(&r, forum);
  all_held(&r, forum);
  rig_close(&r);
}

static void test_two(void **state) {
  (void)state;
  talk(2);
}

static void test_three(void **state) {
  (void)state;
  talk(3);
}

/* With nothing said but charters, nothing is ever held or heard. */
static void test_idle(void **state) {
  struct rig r;
  char forum[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  rig_run(&r, 10 * HOUR);
  for (int i = 0; i < 2; i++) assert_int_equal(log_size(&r.party[i], forum), 1);
  all_held(&r, forum);
  rig_close(&r);
}

/* ---- heard ---- */

static unsigned heard_of(struct rig_party *p, const char *forum, struct rig_party *of, uint64_t *last) {
  struct bytes entry;
  struct arena a = {0};
  char origin[ORIGIN_MAX + 1];
  uint8_t id[32];
  unsigned k = 0;
  hex_decode(id, 32, bytes_str(forum));
  log_origin(origin, p->name, id, 0, false);
  for (uint64_t i = 0; node_log_entry(p->node, origin, i, &a, &entry, NULL) == PARLEY_OK; i++) {
    struct statement s;
    struct dsse d;
    assert_int_equal(statement_parse(&s, &a, entry, &d, NULL), PARLEY_OK);
    for (size_t j = 0; j < s.n_heard; j++)
      if (!strcmp(s.heard[j].party, of->name)) *last = s.heard[j].size, k++;
    statement_clear(&s);
  }
  arena_free(&a);
  return k;
}

/* At the heartbeat, only what gained more than bookkeeping is heard: else two members would answer each other for ever. */
static void test_heard_at_the_heartbeat(void **state) {
  struct rig r;
  char forum[65], id[65];
  uint64_t last = 0;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  const uint64_t size = log_size(&r.party[0], forum);
  assert_int_equal(heard_of(&r.party[0], forum, &r.party[1], &last), 1); /* in the notice to B */
  silent(&r, forum);
  assert_int_equal(heard_of(&r.party[0], forum, &r.party[1], &last), 1); /* B said nothing but bookkeeping since */
  assert_int_equal(heard_of(&r.party[1], forum, &r.party[0], &last), 1);
  assert_true(last >= size);
  rig_stop(&r.party[1]);
  rig_start(&r.party[1]);
  silent(&r, forum); /* what was heard is remembered */
  assert_int_equal(heard_of(&r.party[1], forum, &r.party[0], &last), 1);
  rig_close(&r);
}

/* A notice that its form allows, but no entry can hold. */
static char *too_long(void) {
  static const char *const lists[] = {"indicators", "off_limits"};
  struct buf b = {0};
  buf_str(&b, "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\","
              "\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"");
  for (size_t i = 0; i < 2; i++) {
    buf_fmt(&b, ",\"%s\":[", lists[i]);
    for (int k = 0; k < 64; k++) buf_fmt(&b, "%s\"%0*d\"", k ? "," : "", i ? 128 : 512, k);
    buf_str(&b, "]");
  }
  buf_str(&b, "}}");
  return buf_cstr(&b);
}

/* A statement that is refused for its length has heard and held nothing, whether or not another goes at the same time. */
static void test_refused_for_its_length(void **state) {
  struct rig r;
  char forum[65], id[65], *body = too_long();
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  struct rig_party *a = &r.party[0];
  char *good = notice_json(a, forum);
  for (unsigned with = 0; with < 2; with++) {
    struct waiting w[2];
    uint64_t last = 0;
    unsigned before;
    send_delivered(a, forum, id); /* a line to hold */
    before = heard_of(a, forum, &r.party[1], &last);
    send_delivered(&r.party[1], forum, id); /* and something to hear */
    const uint64_t size = log_size(&r.party[1], forum);
    ask_begin(&w[0], a, "POST", "/v1/statements", body);
    if (with) ask_begin(&w[1], a, "POST", "/v1/statements", good);
    node_work(a->node);
    ask_collect(a, w, 1 + with);
    assert_int_equal(w[0].resp.status, 413);
    json_t *o = ask_end(&w[0]);
    assert_non_null(strstr(str_of(o, "message"), "takes at most"));
    json_decref(o);
    if (with) {
      assert_int_equal(w[1].resp.status, 201);
      json_decref(ask_end(&w[1]));
    }
    silent(&r, forum);
    all_held(&r, forum);
    assert_true(heard_of(a, forum, &r.party[1], &last) > before);
    assert_true(last >= size);
  }
  free(good);
  free(body);
  rig_close(&r);
}

/* ---- a line that is taken by a statement which then fails ---- */

/* Asks for one request of a, has b answer it, and hands the answer back unless it is kept for later. */
struct answer {
  uint64_t id;
  unsigned status;
  struct buf body;
};

static bool carry(struct rig_party *a, struct rig_party *b, struct answer *kept, const char *until) {
  struct outbound o;
  struct answer r = {0};
  if (!node_next_outbound(a->node, &o)) return false;
  r.id = o.id;
  r.status = peer_ask(a, b, o.method, o.path, o.body, &r.body);
  if (!strcmp(o.path, until)) {
    *kept = r;
    return false;
  }
  node_outbound_done(a->node, r.id, &(struct outbound_result){true, r.status, "", 0, buf_view(&r.body), NULL});
  buf_free(&r.body);
  return true;
}

static void hand_back(struct rig_party *a, struct answer *r) {
  assert_int_equal(r->status, 200);
  node_outbound_done(a->node, r->id, &(struct outbound_result){true, r->status, "", 0, buf_view(&r->body), NULL});
  buf_free(&r->body);
}

static unsigned send_now(struct rig_party *a, const char *body) {
  struct waiting w;
  ask_begin(&w, a, "POST", "/v1/statements", body);
  node_work(a->node);
  assert_int_equal(ask_collect(a, &w, 1), 1);
  json_decref(ask_end(&w));
  return w.resp.status;
}

/* A newer cosignature is stored between; then the power goes. The first line is still owed. */
static void test_taken_by_what_failed(void **state) {
  struct rig r;
  char forum[65];
  struct answer first = {0}, second = {0};
  struct faulty f;
  struct waiting w;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  char *body = notice_json(a, forum);
  assert_int_equal(send_now(a, body), 201);
  while (carry(a, b, &first, "/add-entries"))
    ;
  assert_int_equal(send_now(a, body), 201); /* before the first cosignature is here */
  hand_back(a, &first);
  while (carry(a, b, &second, "/add-entries"))
    ;
  ask_begin(&w, a, "POST", "/v1/statements", body); /* takes the first line */
  hand_back(a, &second);
  faulty_arm(&f, a, FAIL_WRITES, 1, PARLEY_EFULL);
  node_work(a->node);
  assert_true(faulty_disarm(&f, a));
  assert_int_equal(ask_collect(a, &w, 1), 1);
  assert_int_equal(w.resp.status, 507);
  json_decref(ask_end(&w));
  rig_stop(a);
  rig_start(a);
  silent(&r, forum);
  all_held(&r, forum);
  free(body);
  rig_close(&r);
}

/* ---- more than one batch at once ---- */

#define MANY 2100

static void test_more_than_a_batch(void **state) {
  struct rig r;
  char forum[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  struct rig_party *a = &r.party[0];
  struct waiting *w = calloc(MANY, sizeof *w);
  assert_non_null(w);
  char first[65];
  send_delivered(a, forum, first); /* so that a held line waits when they come */
  char *body = notice_json(a, forum);
  for (size_t i = 0; i < MANY; i++) ask_begin(&w[i], a, "POST", "/v1/statements", body);
  node_work(a->node); /* one run takes all */
  assert_int_equal(ask_collect(a, w, MANY), MANY);
  rig_run(&r, 30000);
  for (size_t i = 0; i < MANY; i++) {
    assert_int_equal(w[i].resp.status, 201);
    json_t *o = ask_end(&w[i]);
    if (i % 100 == 0 || i == MANY - 1) {
      assert_statement(a, str_of(o, "id"), "delivered", "");
      assert_statement(&r.party[1], str_of(o, "id"), "received", "");
    }
    json_decref(o);
  }
  assert_int_equal(count_notices(a, forum), MANY + 1);
  silent(&r, forum);
  all_held(&r, forum);
  free(body);
  free(w);
  rig_close(&r);
}

/* The second batch fails: a line that came meanwhile was not taken by it, or is given back. */
static void test_second_batch_fails(void **state) {
  enum { ALL = NODE_SUBMIT_BATCH_MAX + 16 };
  struct rig r;
  char forum[65];
  struct answer first = {0};
  struct faulty f;
  size_t sent = 1;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  struct rig_party *a = &r.party[0];
  struct waiting *w = calloc(ALL, sizeof *w);
  char *body = notice_json(a, forum);
  assert_non_null(w);
  assert_int_equal(send_now(a, body), 201);
  while (carry(a, &r.party[1], &first, "/add-entries"))
    ;
  for (size_t i = 0; i < ALL; i++) {
    if (i == ALL - 8) hand_back(a, &first);
    ask_begin(&w[i], a, "POST", "/v1/statements", body);
  }
  faulty_arm(&f, a, FAIL_BEGINS, 2, PARLEY_EIO);
  node_work(a->node);
  assert_true(faulty_disarm(&f, a));
  assert_int_equal(ask_collect(a, w, ALL), ALL);
  for (size_t i = 0; i < ALL; i++) {
    assert_int_equal(w[i].resp.status, i < NODE_SUBMIT_BATCH_MAX ? 201 : 500);
    sent += w[i].resp.status == 201;
    json_decref(ask_end(&w[i]));
  }
  assert_int_equal(count_notices(a, forum), sent);
  silent(&r, forum);
  all_held(&r, forum);
  free(body);
  free(w);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_two),
      cmocka_unit_test(test_three),
      cmocka_unit_test(test_idle),
      cmocka_unit_test(test_heard_at_the_heartbeat),
      cmocka_unit_test(test_refused_for_its_length),
      cmocka_unit_test(test_taken_by_what_failed),
      cmocka_unit_test(test_more_than_a_batch),
      cmocka_unit_test(test_second_batch_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
