/*
 * Charters as they change (docs/protocol.md, "New versions"): who joins and leaves, rivals in any order of arrival, and what a
 * statement under each version counts for.
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
#define C "sts.kz.example"

static const char *const NAMES[] = {A, B, C};

/* ---- asking ---- */

static json_t *look(struct rig_party *p, const char *id) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/forums/%s", id);
  json_t *o = rig_ask(p, "GET", path, NULL, &status);
  if (status != 200) fail_msg("%s: %s", p->name, str_of(o, "message"));
  return o;
}

static void assert_look(struct rig_party *p, const char *id, const char *member, const char *value) {
  json_t *o = look(p, id);
  assert_string_equal(str_of(o, member), value);
  json_decref(o);
}

static void forum_of_two(struct rig *r, char forum[static 65]) {
  unsigned status;
  char path[100];
  json_t *o = rig_ask(&r->party[0], "POST", "/v1/forums", "{\"title\":\"Two\",\"members\":[\"" B "\"]}", &status);
  assert_int_equal(status, 201);
  snprintf(forum, 65, "%s", str_of(o, "forum"));
  json_decref(o);
  rig_run(r, 5000);
  snprintf(path, sizeof path, "/v1/forums/%s/accept", forum);
  json_decref(rig_ask(&r->party[1], "POST", path, "{}", &status));
  assert_int_equal(status, 200);
  rig_run(r, 5000);
  for (int i = 0; i < 2; i++) assert_look(&r->party[i], forum, "state", "in_force");
}

static unsigned try_amend(struct rig_party *p, const char *forum, const char *changes, char version[static 65]) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/forums/%s/amend", forum);
  json_t *o = rig_ask(p, "POST", path, changes, &status);
  snprintf(version, 65, "%s", str_of(o, "version"));
  json_decref(o);
  return status;
}

static void amend(struct rig_party *p, const char *forum, const char *changes, char version[static 65]) {
  assert_int_equal(try_amend(p, forum, changes, version), 201);
}

static unsigned try_accept(struct rig_party *p, const char *version) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/forums/%s/accept", version);
  json_decref(rig_ask(p, "POST", path, "{}", &status));
  return status;
}

/* Lets the version arrive, signs it, and lets that arrive. */
static void accept(struct rig_party *p, const char *version) {
  rig_run(p->rig, 20000);
  assert_int_equal(try_accept(p, version), 200);
  rig_run(p->rig, 20000);
}

static void notice(struct rig_party *p, const char *forum, const char *to, char id[static 65], unsigned want) {
  char body[600];
  unsigned status;
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"forum\":\"%s\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"to\":[\"%s\"],"
           "\"body\":{\"title\":\"t\",\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
           forum, to);
  json_t *o = rig_ask(p, "POST", "/v1/statements", body, &status);
  if (status != want) fail_msg("%u instead of %u: %s", status, want, str_of(o, "message"));
  snprintf(id, 65, "%s", str_of(o, "id"));
  json_decref(o);
  rig_run(p->rig, 5000);
}

static bool is_marked(struct rig_party *p, const char *id, const char *mark) {
  json_t *o = show_statement(p, id);
  const bool yes = !strcmp(str_of(o, "mark"), mark) && !*str_of(o, "problem");
  json_decref(o);
  return yes;
}

/* How many entries of that log a node holds. */
static uint64_t held_of(struct rig_party *p, const char *who, const char *forum) {
  struct node_log_view v;
  char origin[200];
  snprintf(origin, sizeof origin, "%s/%s/0", who, forum);
  for (size_t i = 0; node_log_at(p->node, i, &v); i++)
    if (!strcmp(v.origin, origin)) return v.size;
  return 0;
}

/* ---- members come and go ---- */

static void test_admission_and_exclusion(void **state) {
  struct rig r;
  char forum[65], v2[65], v3[65], id[65], path[200], origin[200], hex[65];
  uint8_t digest[SHA256_SIZE];
  (void)state;
  rig_open(&r, NAMES, 3);
  struct rig_party *a = &r.party[0], *b = &r.party[1], *c = &r.party[2];
  forum_of_two(&r, forum);
  notice(a, forum, B, id, 201);
  amend(a, forum, "{\"admit\":[{\"party\":\"" C "\"}]}", v2);
  accept(b, v2);
  assert_look(b, v2, "state", "signed");
  assert_look(b, forum, "version", forum);
  accept(c, v2);
  for (int i = 0; i < 3; i++) assert_look(&r.party[i], forum, "version", v2);
  rig_run(&r, 60000);
  assert_true(held_of(c, A, forum) >= 3); /* from entry 0 on: two charters, one notice */
  assert_statement(c, id, "received", "");
  notice(c, forum, A, id, 201);
  assert_statement(a, id, "received", "");
  assert_receipt(c, id, false);
  for (int i = 0; i < 3; i++) { /* as good after a start */
    rig_stop(&r.party[i]);
    rig_start(&r.party[i]);
  }
  rig_run(&r, 60000);
  for (int i = 0; i < 3; i++) assert_look(&r.party[i], forum, "version", v2);
  notice(c, forum, B, id, 201);
  assert_statement(b, id, "received", "");
  amend(a, forum, "{\"remove\":[\"" C "\"]}", v3);
  accept(b, v3);
  assert_look(a, forum, "version", v3);
  assert_look(c, forum, "state", "left");
  notice(c, forum, A, id, 409);
  snprintf(origin, sizeof origin, A "/%s/0", forum);
  sha256(digest, bytes_str(origin));
  hex_encode(hex, BYTES(digest, sizeof digest));
  snprintf(path, sizeof path, "/%s/checkpoint", hex);
  assert_int_equal(peer_ask(c, a, "GET", path, BYTES_NONE, NULL), 404);
  assert_int_equal(peer_ask(b, a, "GET", path, BYTES_NONE, NULL), 200);
  notice(a, forum, B, id, 201);
  assert_statement(b, id, "received", "");
  const unsigned before = r.requests;
  rig_run(&r, 600000);
  assert_in_range(r.requests - before, 0, 400); /* nobody knocks for ever at who is gone */
  rig_close(&r);
}

static void test_suspension(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], v2[65], v3[65], id[65], own[65], late[65];
  (void)state;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  amend(&r.party[0], forum, "{\"adoption\":\"threshold\",\"threshold\":2}", v2);
  accept(&r.party[1], v2);
  accept(&r.party[2], v2);
  amend(&r.party[0], forum, "{\"roles\":[{\"party\":\"" B "\",\"role\":\"suspended\"}]}", v3);
  accept(&r.party[2], v3); /* without B */
  for (int i = 0; i < 3; i++) assert_look(&r.party[i], forum, "version", v3);
  notice(&r.party[1], forum, A, id, 403);
  notice(&r.party[0], forum, B, own, 201);
  evil_open(&v, &r.party[1], forum);
  struct statement s;
  for (int i = 0; i < 2; i++) {
    evil_statement(&v, &s, i ? "ack" : "incident.notice");
    assert_true(hex_decode(s.charter, SHA256_SIZE, bytes_str(v3)));
    evil_to(&v, &s, A);
    if (i) assert_true(hex_decode(s.re[s.n_re++], 32, bytes_str(own)));
    if (i) snprintf(s.officer, sizeof s.officer, "duty");
    evil_seal(&v, &s, i ? "{}" : "{\"title\":\"t\",\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}");
    evil_append(&v, &s, i ? id : late);
  }
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], late, "received", "is suspended in this forum and has no say");
  assert_statement(&r.party[0], id, "received", ""); /* an answer counts */
  assert_statement(&r.party[0], own, "read", "");
  evil_close(&v);
  rig_close(&r);
}

/* ---- rivals ---- */

struct made {
  char forum[65], id[3][65], envelope[3][8000];
};

static void keep_envelope(struct rig_party *p, const char *id, char out[8000]) {
  json_t *o = look(p, id);
  assert_true(strlen(str_of(o, "envelope")) < 8000);
  snprintf(out, 8000, "%s", str_of(o, "envelope"));
  json_decref(o);
}

/* Two versions that do not know each other, and one that replaces both; each signed by A and B. */
static void make_rivals(struct made *m) {
  struct rig r;
  rig_open(&r, NAMES, 2);
  forum_of_two(&r, m->forum);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  r.cut[0][1] = r.cut[1][0] = true;
  amend(a, m->forum, "{\"title\":\"Of A\"}", m->id[0]);
  amend(b, m->forum, "{\"title\":\"Of B\"}", m->id[1]);
  r.cut[0][1] = r.cut[1][0] = false;
  accept(b, m->id[0]);
  accept(a, m->id[1]);
  for (int i = 0; i < 2; i++) {
    assert_look(&r.party[i], m->id[0], "state", "conflict");
    assert_look(&r.party[i], m->id[1], "state", "conflict");
    assert_look(&r.party[i], m->forum, "version", m->forum);
  }
  char id[65];
  notice(a, m->forum, B, id, 201); /* talk goes on under the version before */
  assert_statement(b, id, "received", "");
  assert_true(is_marked(b, id, "") && is_marked(a, id, ""));
  amend(a, m->forum, "{\"title\":\"Of both\"}", m->id[2]);
  accept(b, m->id[2]);
  for (int i = 0; i < 2; i++) assert_look(&r.party[i], m->forum, "version", m->id[2]);
  notice(b, m->forum, A, id, 201);
  assert_statement(a, id, "received", "");
  assert_true(is_marked(a, id, ""));
  assert_receipt(b, id, false);
  for (int i = 0; i < 3; i++) keep_envelope(a, m->id[i], m->envelope[i]);
  rig_close(&r);
}

static void test_any_order_of_arrival(void **state) {
  static struct made m;
  static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  (void)state;
  make_rivals(&m);
  for (size_t k = 0; k < 6; k++) {
    struct rig r;
    char forum[65];
    rig_open(&r, NAMES, 2);
    forum_of_two(&r, forum);
    assert_string_equal(forum, m.forum); /* the same keys, the same chance */
    struct rig_party *a = &r.party[0], *b = &r.party[1];
    b->mute = true;
    r.cut[0][1] = r.cut[1][0] = true;
    for (int again = 0; again < 2; again++) /* what comes before all that it replaces is taken the second time */
      for (int i = 0; i < 3; i++) {
        const struct bytes env = bytes_str(m.envelope[orders[k][i]]);
        const unsigned status = peer_ask(b, a, "POST", "/propose", env, NULL);
        assert_int_equal(status, again == 0 && i == 0 && orders[k][0] == 2 ? 409 : 200);
      }
    for (int start = 0; start < 2; start++) {
      assert_look(a, forum, "version", m.id[2]);
      for (int i = 0; i < 2; i++) assert_look(a, m.id[i], "state", "replaced");
      json_t *o = look(a, forum);
      assert_int_equal(json_array_size(json_object_get(o, "versions")), 4);
      json_decref(o);
      rig_stop(a);
      rig_start(a);
    }
    rig_close(&r);
  }
}

/* ---- which version a statement cites ---- */

static void cites(struct evil *v, const char *version, const struct heard *heard, char id[static 65]) {
  struct statement s;
  evil_statement(v, &s, "incident.notice");
  assert_true(hex_decode(s.charter, SHA256_SIZE, bytes_str(version)));
  evil_to(v, &s, A);
  s.heard = (struct heard *)(uintptr_t)heard;
  s.n_heard = heard != NULL;
  evil_seal(v, &s, "{\"title\":\"t\",\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}");
  evil_append(v, &s, id);
}

static void test_older_version_in_one_log(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], v2[65], old[65], good[65], again[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  forum_of_two(&r, forum);
  amend(&r.party[0], forum, "{\"title\":\"Later\"}", v2);
  accept(&r.party[1], v2);
  evil_open(&v, &r.party[1], forum);
  cites(&v, forum, NULL, old);
  cites(&v, v2, NULL, good);
  evil_push(&v, &r.party[0]);
  rig_stop(&r.party[0]); /* what the log has opened is remembered */
  rig_start(&r.party[0]);
  cites(&v, forum, NULL, again);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], old, "received", "charter: out of order");
  assert_statement(&r.party[0], good, "received", "");
  assert_statement(&r.party[0], again, "received", "charter: out of order");
  evil_close(&v);
  rig_close(&r);
}

/* B has signed the later version, and heard that A has opened it, but goes on under the first. */
static void test_heard_of_a_later_version(void **state) {
  struct rig r;
  struct evil v;
  struct heard heard = {.party = A};
  char forum[65], v2[65], before[65], after[65], origin[200], env[8000];
  (void)state;
  rig_open(&r, NAMES, 2);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  forum_of_two(&r, forum);
  evil_open(&v, b, forum);
  cites(&v, forum, NULL, before);
  snprintf(origin, sizeof origin, A "/%s/0", forum);
  amend(a, forum, "{\"title\":\"Later\"}", v2);
  rig_run(&r, 20000);
  assert_int_equal(try_accept(b, v2), 200);
  keep_envelope(b, v2, env);
  assert_int_equal(peer_ask(b, a, "POST", "/propose", bytes_str(env), NULL), 200);
  rig_run(&r, 5000);
  assert_look(a, forum, "version", v2);
  heard.size = held_of(a, A, forum);
  assert_int_equal(node_log_root(a->node, origin, heard.size, &heard.root, NULL), PARLEY_OK);
  cites(&v, forum, &heard, after);
  evil_push(&v, a);
  assert_statement(a, before, "received", "");
  assert_statement(a, after, "received", ""); /* it is kept as it is; what others hold is no business of its log */
  assert_true(is_marked(a, before, ""));
  assert_true(is_marked(a, after, "out_of_order"));
  evil_close(&v);
  rig_close(&r);
}

/* ---- runs that open nothing ---- */

static void run_of(struct evil *v, const char *version, const char *envelope, size_t parts, char id[static 65]) {
  const size_t n = strlen(envelope);
  for (size_t i = 0; i < parts; i++) {
    struct statement s;
    const size_t from = n * i / parts, to = n * (i + 1) / parts;
    evil_statement(v, &s, "forum.charter");
    assert_true(hex_decode(s.charter, SHA256_SIZE, bytes_str(version)));
    s.body = json_object();
    assert_true(json_put_int(s.body, "part", (json_int_t)i) && json_put_int(s.body, "parts", (json_int_t)parts) &&
                json_put_b64(s.body, "data", envelope + from, to - from));
    evil_append(v, &s, id);
  }
}

static void test_runs_that_open_nothing(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], v2[65], env[8000], id[65], cited[65], many[65], other[65], gap[65], good[65], ok[65];
  char spoilt[8000], forged[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  forum_of_two(&r, forum);
  evil_open(&v, b, forum);
  amend(b, forum, "{\"title\":\"Later\"}", v2); /* signed by B alone */
  keep_envelope(b, v2, env);
  run_of(&v, v2, env, 1, id);
  cites(&v, v2, NULL, cited);
  evil_push(&v, a);
  assert_statement(a, id, "received", "the version is not complete");
  assert_statement(a, cited, "received", "cites a version that this log has not opened");
  assert_look(a, forum, "version", forum);
  assert_int_equal(peer_ask(b, a, "POST", "/propose", bytes_str(env), NULL), 202);
  assert_int_equal(try_accept(a, v2), 200);
  keep_envelope(a, v2, env);
  memcpy(spoilt, env, sizeof spoilt); /* the version is held, but not with these signatures */
  char *sig = strstr(spoilt, "\"sig\":\"");
  assert_non_null(sig);
  sig[10] = sig[10] == 'A' ? 'B' : 'A';
  run_of(&v, v2, spoilt, 1, forged);
  run_of(&v, v2, env, 65, many);
  run_of(&v, forum, env, 1, other);
  evil_append_raw(&v, buf_view(&v.entry[v.n - 3]), NULL); /* a part that has been */
  run_of(&v, v2, env, 3, good);
  cites(&v, v2, NULL, ok);
  struct statement s; /* a last part without those before it */
  evil_statement(&v, &s, "forum.charter");
  assert_true(hex_decode(s.charter, SHA256_SIZE, bytes_str(v2)));
  s.body = json_object();
  assert_true(json_put_int(s.body, "part", 1) && json_put_int(s.body, "parts", 2) &&
              json_put_b64(s.body, "data", env, 10));
  evil_append(&v, &s, gap);
  evil_push(&v, a);
  assert_statement(a, many, "received", "more than 64 parts");
  assert_statement(a, other, "received", "another version than the one that it cites");
  assert_statement(a, forged, "received", "does not verify");
  assert_statement(a, good, "received", "");
  assert_statement(a, ok, "received", "");
  assert_statement(a, gap, "received", "the parts before it do not stand before it");
  evil_close(&v);
  rig_close(&r);
}

/* A version that names somebody whom we have not pinned waits, and all that follows in that log; then it is as if nothing had been. */
static void test_card_unknown(void **state) {
  struct rig r;
  char forum[65], v2[65], v3[65], id[65];
  unsigned status;
  char path[100];
  (void)state;
  rig_open(&r, NAMES, 3);
  struct rig_party *a = &r.party[0], *b = &r.party[1], *c = &r.party[2];
  rig_stop(a);
  a->stranger = C;
  rig_start(a);
  forum_of_two(&r, forum);
  amend(a, forum, "{\"adoption\":\"threshold\",\"threshold\":1}", v2);
  accept(b, v2);
  assert_int_equal(try_amend(a, forum, "{\"admit\":[{\"party\":\"" C "\"}]}", id), 404);
  amend(b, forum, "{\"admit\":[{\"party\":\"" C "\"}]}", v3);
  rig_run(&r, 20000);
  assert_int_equal(try_accept(a, v3), 403); /* its card is not pinned */
  accept(c, v3);
  assert_look(b, forum, "version", v3);
  assert_look(a, forum, "version", v2);
  notice(b, forum, A, id, 201);
  rig_run(&r, 60000);
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_decref(rig_ask(a, "GET", path, NULL, &status));
  assert_int_equal(status, 404);
  rig_stop(a);
  a->stranger = NULL;
  rig_start(a);
  rig_run(&r, 120000);
  assert_look(a, forum, "version", v3);
  assert_statement(a, id, "received", "");
  notice(c, forum, A, id, 201);
  assert_statement(a, id, "received", "");
  rig_close(&r);
}

/* ---- proposals that are refused ---- */

static void test_bad_proposals(void **state) {
  struct rig r;
  char forum[65], v2[65];
  (void)state;
  rig_open(&r, NAMES, 3);
  struct rig_party *a = &r.party[0], *b = &r.party[1], *c = &r.party[2];
  forum_of_two(&r, forum);
  r.cut[0][1] = r.cut[1][0] = true;
  amend(b, forum, "{\"title\":\"Bare\"}", v2);
  json_t *o = look(b, v2);
  char *payload = json_dumps(json_object_get(o, "charter"), JSON_COMPACT);
  assert_int_equal(peer_ask(b, a, "POST", "/propose", bytes_str(payload), NULL), 422); /* it could have signed */
  assert_int_equal(peer_ask(c, a, "POST", "/propose", bytes_str(payload), NULL), 403); /* none of its business */
  assert_int_equal(peer_ask(c, a, "POST", "/propose", bytes_str(str_of(o, "envelope")), NULL), 403);
  assert_int_equal(peer_ask(b, a, "POST", "/propose", bytes_str("{\"title\":1}"), NULL), 400);
  free(payload);
  json_decref(o);
  assert_int_equal(try_amend(a, forum, "{\"payload\":\"{}\"}", v2), 400);
  assert_int_equal(try_amend(a, forum, "{\"admit\":[{\"party\":\"" C "\",\"role\":\"king\"}]}", v2), 400);
  assert_int_equal(try_amend(a, forum, "{\"roles\":[{\"party\":\"" C "\"}]}", v2), 404);
  assert_int_equal(try_amend(a, forum, "{\"quorum\":3}", v2), 400);
  assert_int_equal(try_amend(a, forum, "{\"adoption\":\"threshold\"}", v2), 400);
  assert_int_equal(
      try_amend(a, forum, "{\"close\":[{\"party\":\"" B "\",\"epoch\":0,\"size\":1,\"root\":\"AA==\"}]}", v2), 400);
  assert_int_equal(try_amend(a, forum, "{\"remove\":[\"" A "\",\"" B "\"]}", v2), 400);
  rig_close(&r);
}

/* ---- a log that a charter closes ---- */

static void closed(bool other_history) {
  struct rig r;
  char forum[65], first[65], second[65], version[65];
  struct buf changes = {0};
  rig_open(&r, NAMES, 2);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  forum_of_two(&r, forum);
  notice(b, forum, A, first, 201);
  const uint64_t size = held_of(a, B, forum);
  notice(b, forum, A, second, 201);
  rig_closing(a, forum, B, size, other_history, &changes);
  assert_true(is_marked(a, second, ""));
  amend(a, forum, buf_cstr(&changes), version);
  accept(b, version);
  assert_look(a, forum, "version", version);
  assert_true(is_marked(a, first, other_history ? "closed" : ""));
  assert_true(is_marked(a, second, "closed"));
  assert_true(is_marked(b, second, "closed")); /* its author shows the same */
  buf_free(&changes);
  rig_close(&r);
}

static void test_closed_log(void **state) {
  (void)state;
  closed(false);
  closed(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_closed_log),
      cmocka_unit_test(test_admission_and_exclusion),
      cmocka_unit_test(test_suspension),
      cmocka_unit_test(test_any_order_of_arrival),
      cmocka_unit_test(test_older_version_in_one_log),
      cmocka_unit_test(test_heard_of_a_later_version),
      cmocka_unit_test(test_runs_that_open_nothing),
      cmocka_unit_test(test_card_unknown),
      cmocka_unit_test(test_bad_proposals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
