/*
 * Requests that are wrong, too many, or given up: a sentence that names the member, nothing half done, nobody else harmed.
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

/* ---- sending ---- */

#define NOTICE(members)                                                                                                \
  "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\","              \
  "\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}" members "}"

static const struct {
  const char *body;
  unsigned status;
  const char *says;
} WRONG[] = {
    {NOTICE(",\"lang\":\"e n!\""), 400, "lang: "},
    {NOTICE(",\"lang\":\"\""), 400, "lang: "},
    {NOTICE(",\"lang\":\"englishes\""), 400, "lang: "},
    {NOTICE(",\"desk\":\"legal\""), 404, "desk"},
    {NOTICE(",\"desk\":\"e n!\""), 0, "desk"},
    {NOTICE(",\"desk\":\"a-label-that-is-far-too-long-for-any-desk\""), 400, "desk: "},
    {NOTICE(",\"to\":[\"" B "\",\"" B "\"]"), 400, "to[1]: " B " stands twice"},
    {NOTICE(",\"to\":[\"" A "\"]"), 400, "to[0]: " A " is the sender"},
    {NOTICE(",\"to\":[\"" B "\",\"stranger.example\"]"), 404, "to[1]: stranger.example is no member"},
    {NOTICE(",\"to\":[7]"), 404, "to[0]: "},
    {NOTICE(",\"to\":\"" B "\""), 400, "to"},
    {NOTICE(",\"status\":\"drill\""), 400, "status: "},
    {NOTICE(",\"answer_by\":\"tomorrow\""), 400, "answer_by"},
    {NOTICE(",\"re\":[\"0123456789abcdef\"]"), 404, "0123456789abcdef"},
    {NOTICE(",\"re\":[7]"), 400, "re[0]: "},
    {NOTICE(",\"thread\":\"xyz\""), 400, "xyz"},
    {NOTICE(",\"files\":[{\"name\":\"../x\",\"type\":\"t/t\",\"size\":1,\"sha256\":"
            "\"0000000000000000000000000000000000000000000000000000000000000000\"}]"),
     400, "files[0].name: "},
    {NOTICE(",\"files\":[{\"name\":\"\",\"type\":\"t/t\",\"size\":1,\"sha256\":"
            "\"0000000000000000000000000000000000000000000000000000000000000000\"}]"),
     400, "files[0].name: "},
    {NOTICE(",\"surprise\":1"), 400, "surprise"},
    {"{", 400, ""},
    {"", 400, ""},
};

static void test_wrong_requests(void **state) {
  struct rig r;
  char forum[65], id[65], path[100];
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  send_delivered(&r.party[1], forum, id);
  rig_run(&r, 3 * 3600000);
  const uint64_t size = log_size(&r.party[0], forum);
  for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
    json_t *o = rig_ask(&r.party[0], "POST", "/v1/statements", WRONG[i].body, &status);
    const bool as_wanted = WRONG[i].status ? status == WRONG[i].status : status >= 400 && status < 500;
    if (!as_wanted || !strstr(str_of(o, "message"), WRONG[i].says))
      fail_msg("%s: %u %s", WRONG[i].body, status, str_of(o, "message"));
    json_decref(o);
  }
  snprintf(path, sizeof path, "/v1/statements/%s/ack", id);
  static const char *const officers[] = {"{\"officer\":\"duty\\nchief\"}", "{\"officer\":\"\"}", "{\"officer\":7}",
                                         "{}"};
  for (size_t i = 0; i < sizeof officers / sizeof *officers; i++) {
    json_t *o = rig_ask(&r.party[0], "POST", path, officers[i], &status);
    if (status != 400 || !strstr(str_of(o, "message"), "officer"))
      fail_msg("%s: %u %s", officers[i], status, str_of(o, "message"));
    json_decref(o);
  }
  rig_run(&r, 10000);
  assert_int_equal(log_size(&r.party[0], forum), size); /* nothing of all that was queued */
  rig_close(&r);
}

/* ---- waiting ---- */

static void test_waits(void **state) {
  struct rig r;
  char forum[65], path[100], id[65];
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  struct rig_party *a = &r.party[0];
  char *body = notice_json(a, forum);
  rig_stop(&r.party[1]);
  const int64_t before = r.ms;
  json_t *o = rig_ask(a, "POST", "/v1/statements?wait=3", body, &status); /* nobody takes it: the time is over */
  assert_int_equal(status, 201);
  assert_in_range(r.ms - before, 3000, 3100);
  assert_string_equal(str_of(o, "state"), "accepted");
  snprintf(id, sizeof id, "%s", str_of(o, "id"));
  json_decref(o);
  snprintf(path, sizeof path, "/v1/statements/%s?wait=2", id);
  o = rig_ask(a, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  assert_in_range(r.ms - before, 5000, 5200);
  assert_string_equal(str_of(o, "id"), id);
  assert_non_null(json_object_get(o, "body"));
  json_decref(o);
  rig_start(&r.party[1]);
  snprintf(path, sizeof path, "/v1/statements/%s?wait=300", id);
  o = rig_ask(a, "GET", path, NULL, &status); /* the whole row, once delivered */
  assert_int_equal(status, 200);
  assert_string_equal(str_of(o, "state"), "delivered");
  assert_string_equal(str_of(o, "title"), "Pipeline");
  assert_string_not_equal(str_of(json_array_get(json_object_get(o, "delivery"), 0), "delivered"), "");
  json_decref(o);
  o = rig_ask(a, "POST", "/v1/statements?wait=300", body, &status);
  assert_int_equal(status, 201);
  assert_string_equal(str_of(o, "state"), "delivered");
  assert_int_equal(json_array_size(json_object_get(o, "delivery")), 1);
  json_decref(o);
  o = rig_ask(&r.party[1], "GET", path, NULL, &status); /* an addressee has nothing to wait for */
  assert_int_equal(status, 200);
  json_decref(o);
  free(body);
  rig_close(&r);
}

#define CLIENTS 12

/* Clients that die at each stage: before anything ran, while waiting, with the answer ready. The others get theirs. */
static void test_dead_clients(void **state) {
  struct rig r;
  struct waiting w[CLIENTS];
  char forum[65], id[65], path[100];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  struct rig_party *a = &r.party[0];
  char *body = notice_json(a, forum);
  send_delivered(a, forum, id);
  snprintf(path, sizeof path, "/v1/statements/%s?wait=60", id);
  for (size_t i = 0; i < CLIENTS; i++)
    ask_begin(&w[i], a, i % 3 == 2 ? "GET" : "POST",
              i % 3 == 2 ? path
              : i % 3    ? "/v1/statements"
                         : "/v1/statements?wait=60",
              i % 3 == 2 ? NULL : body);
  for (size_t i = 0; i < 3; i++) json_decref(ask_end(&w[i])); /* not even queued */
  node_work(a->node);
  for (size_t i = 3; i < 6; i++) json_decref(ask_end(&w[i])); /* some answered but not collected, some waiting */
  node_work(a->node);
  for (size_t i = CLIENTS - 1; i > CLIENTS - 4; i--) json_decref(ask_end(&w[i])); /* the end of the list of answers */
  for (unsigned i = 0; i < 6; i++) rig_turn(&r); /* 6 is delivered: its answer comes behind those of 7 and 8 */
  assert_int_equal(ask_collect(a, w, CLIENTS), 3);
  assert_int_equal(w[6].resp.status, 201);
  assert_int_equal(w[7].resp.status, 201);
  assert_int_equal(w[8].resp.status, 200);
  for (size_t i = 6; i < 9; i++) json_decref(ask_end(&w[i]));
  assert_int_equal(count_notices(a, forum), 1 + 8); /* whoever died, what was sent is sent */
  ask_begin(&w[0], a, "POST", "/v1/statements?wait=60", body);
  ask_begin(&w[1], a, "GET", path, NULL);
  rig_stop(a); /* the node ends first */
  free(body);
  buf_free(&w[0].resp.body);
  buf_free(&w[1].resp.body);
  rig_close(&r);
}

/* ---- proposals ---- */

/* A charter of A and B, signed by B. */
static void charter_by(struct rig_party *b, const struct node *a, unsigned nonce, bool replaces, struct buf *out) {
  struct charter c = {0};
  struct charter_member members[2] = {{.name = A}, {.name = B}};
  struct buf payload = {0}, pae = {0};
  struct ed25519_key *key;
  struct dsse_sig sig;
  charter_defaults(&c);
  snprintf(c.title, sizeof c.title, "Proposal %u", nonce);
  snprintf(c.fields[0], sizeof c.fields[0], "cyber");
  snprintf(c.languages[0], sizeof c.languages[0], "en");
  c.n_fields = c.n_languages = 1;
  c.nonce[0] = (uint8_t)nonce;
  memcpy(members[0].fingerprint, node_own_card(a)->fingerprint, SHA256_SIZE);
  memcpy(members[1].fingerprint, node_own_card(b->node)->fingerprint, SHA256_SIZE);
  c.members = members;
  c.n_members = 2;
  c.quorum = 2;
  c.n_replaces = replaces;
  assert_int_equal(charter_payload(&payload, &c, NULL), PARLEY_OK);
  assert_int_equal(ed25519_from_seed(&key, b->seed[0], NULL), PARLEY_OK);
  dsse_pae(&pae, bytes_str(CHARTER_TYPE), buf_view(&payload));
  ed25519_keyid(sig.keyid, ed25519_public(key));
  ed25519_sign(sig.sig, key, buf_view(&pae));
  dsse_write(out, &(struct dsse){.type = bytes_str(CHARTER_TYPE), .payload = buf_view(&payload), .n = 1, .sigs = &sig});
  ed25519_free(key);
  buf_free(&pae);
  buf_free(&payload);
}

static size_t proposals(struct rig_party *p) {
  unsigned status;
  json_t *o = rig_ask(p, "GET", "/v1/forums", NULL, &status);
  const size_t n = json_array_size(json_object_get(o, "forums"));
  json_decref(o);
  return n;
}

static void test_proposals(void **state) {
  struct rig r;
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 2);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  b->mute = true;
  for (unsigned i = 1; i <= 10; i++) {
    struct buf env = {0}, answer = {0};
    charter_by(b, a->node, i, false, &env);
    assert_int_equal(peer_ask(b, a, "POST", "/propose", buf_view(&env), &answer), i <= 8 ? 202 : 429);
    if (i > 8) assert_non_null(strstr(buf_cstr(&answer), "8 proposals of " B " wait here already"));
    if (i == 1) { /* the same again takes no room; a changed byte anywhere is refused */
      assert_int_equal(peer_ask(b, a, "POST", "/propose", buf_view(&env), NULL), 202);
      for (size_t k = 0; k < env.n; k += 7) {
        env.p[k] ^= 1;
        assert_in_range(peer_ask(b, a, "POST", "/propose", buf_view(&env), NULL), 400, 499);
        env.p[k] ^= 1;
      }
      assert_int_equal(proposals(a), 1);
    }
    buf_free(&env);
    buf_free(&answer);
  }
  struct buf amendment = {0};
  charter_by(b, a->node, 11, true, &amendment);
  assert_int_equal(peer_ask(b, a, "POST", "/propose", buf_view(&amendment), NULL), 409); /* of a version that nobody has */
  buf_free(&amendment);
  assert_int_equal(proposals(a), 8);
  rig_stop(a); /* they are kept, and still counted */
  rig_start(a);
  struct buf ninth = {0};
  charter_by(b, a->node, 12, false, &ninth);
  assert_int_equal(peer_ask(b, a, "POST", "/propose", buf_view(&ninth), NULL), 429);
  buf_free(&ninth);
  for (unsigned i = 0; i < 10; i++) { /* ours are not counted */
    json_decref(rig_ask(a, "POST", "/v1/forums", "{\"title\":\"Ours\",\"members\":[\"" B "\"]}", &status));
    assert_int_equal(status, 201);
  }
  rig_run(&r, 5000);
  assert_int_equal(proposals(a), 18);
  b->mute = false;
  rig_close(&r);
}

/* ---- a forum that cannot be opened ---- */

static void test_forum_that_stays_closed(void **state) {
  struct rig r;
  char both[65], three[65], id[65], later[65];
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 3);
  struct rig_party *a = &r.party[0];
  rig_forum(&r, three);
  send_delivered(a, three, id);
  json_t *o = rig_ask(a, "POST", "/v1/forums", "{\"title\":\"Two\",\"members\":[\"" B "\"]}", &status);
  snprintf(both, sizeof both, "%s", str_of(o, "forum"));
  json_decref(o);
  rig_run(&r, 2000);
  char path[100], body[300];
  snprintf(path, sizeof path, "/v1/forums/%s/accept", both);
  json_decref(rig_ask(&r.party[1], "POST", path, "{}", &status));
  assert_int_equal(status, 200);
  rig_run(&r, 5000);
  rig_stop(a);
  a->stranger = C;
  rig_start(a);
  rig_run(&r, 120000);
  snprintf(body, sizeof body, NOTICE(",\"forum\":\"%s\""), both);
  o = rig_ask(a, "POST", "/v1/statements?wait=60", body, &status);
  assert_int_equal(status, 201);
  assert_string_equal(str_of(o, "state"), "delivered");
  json_decref(o);
  snprintf(body, sizeof body, NOTICE(",\"to\":[\"" B "\"],\"forum\":\"%s\""), three);
  json_decref(rig_ask(a, "POST", "/v1/statements", body, &status));
  assert_int_equal(status, 404);
  json_decref(rig_ask(a, "GET", "/v1/statements?box=sent", NULL, &status));
  assert_int_equal(status, 200);
  json_decref(rig_ask(a, "GET", "/v1/status", NULL, &status));
  assert_int_equal(status, 200);
  rig_stop(a);
  a->stranger = NULL; /* pinned again: it opens, and nothing of it is lost */
  rig_start(a);
  rig_run(&r, 180000);
  assert_statement(a, id, "delivered", "");
  send_delivered(a, three, later);
  assert_receipt(a, id, false);
  rig_close(&r);
}

/* ---- a kind that is there twice ---- */

/* The home's version of a built-in kind stands first, and is the one that a new charter pins. */
static void test_newer_form_is_pinned(void **state) {
  static const char text[] =
      "{\"kind\":\"incident.notice\",\"version\":2,\"title\":{\"en\":\"t\"},\"fields\":[{\"name\":"
      "\"title\",\"type\":\"line\",\"label\":{\"en\":\"t\"},\"help\":{\"en\":\"t\"},\"source\":\"s\"}]}";
  struct rig r;
  struct errmsg e;
  struct form *newer;
  char path[100], digest[65];
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 2);
  struct rig_party *a = &r.party[0];
  rig_stop(a);
  assert_int_equal(form_parse(&newer, bytes_str(text), &e), PARLEY_OK);
  memmove(&r.forms[1], &r.forms[0], r.n_forms++ * sizeof *r.forms);
  r.forms[0] = newer;
  hex_encode(digest, BYTES(form_digest(newer), SHA256_SIZE));
  rig_start(a);
  json_t *o = rig_ask(a, "POST", "/v1/forums", "{\"title\":\"Ours\",\"members\":[\"" B "\"]}", &status);
  assert_int_equal(status, 201);
  snprintf(path, sizeof path, "/v1/forums/%s", str_of(o, "forum"));
  json_decref(o);
  o = rig_ask(a, "GET", path, NULL, &status);
  const json_t *pinned = json_object_get(json_object_get(o, "charter"), "forms");
  assert_int_equal(json_object_size(pinned), r.n_forms - 1);
  assert_string_equal(json_string_value(json_object_get(pinned, "incident.notice")), digest);
  json_decref(o);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wrong_requests),
      cmocka_unit_test(test_waits),
      cmocka_unit_test(test_dead_clients),
      cmocka_unit_test(test_proposals),
      cmocka_unit_test(test_forum_that_stays_closed),
      cmocka_unit_test(test_newer_form_is_pinned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
