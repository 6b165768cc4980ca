/*
 * Rejections and disclosures in the node: which count, what is shown of them, and a member that seals otherwise than laid
 * down, so that nobody could prove what it wrote.
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
#include "record/pack.h"

#define A "cert.us.example"
#define B "ncc.ru.example"
#define C "third.ch.example"
#define NOTICE "{\"title\":\"Pumps\",\"summary\":\"They run.\",\"aware_at\":\"2021-05-07T10:00:00Z\"}"

static const char *const NAMES[] = {A, B, C};

/* ---- what the hostile member writes ---- */

static void answer(struct evil *v, const char *kind, const char *to, const char *re, const char *body, char *hex) {
  struct statement s;
  evil_statement(v, &s, kind);
  evil_to(v, &s, to);
  assert_true(hex_decode(s.re[s.n_re++], 32, bytes_str(re)));
  snprintf(s.officer, sizeof s.officer, "duty");
  evil_seal(v, &s, body);
  evil_append(v, &s, hex);
}

/* ---- asking ---- */

static json_t *post(struct rig_party *p, const char *id, const char *what, const char *body, unsigned want) {
  char path[160];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/%s", id, what);
  json_t *o = rig_ask(p, "POST", path, body, &status);
  if (status != want) fail_msg("%s: %u: %s", path, status, str_of(o, "message"));
  return o;
}

static void refused(struct rig_party *p, const char *id, const char *what, const char *body, unsigned status,
                    const char *why) {
  json_t *o = post(p, id, what, body, status);
  if (!strstr(str_of(o, "message"), why)) fail_msg("\"%s\" does not say \"%s\"", str_of(o, "message"), why);
  json_decref(o);
}

static json_t *disclosure(struct rig_party *p, const char *id, unsigned want) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/disclosure", id);
  json_t *o = rig_ask(p, "GET", path, NULL, &status);
  if (status != want) fail_msg("%u: %s", status, str_of(o, "message"));
  return o;
}

/* The first addressee's part of it; "" and -1 where there is none. */
static void check_dispute(struct rig_party *p, const char *id, const char *ground, int disputed) {
  json_t *o = show_statement(p, id), *d = json_array_get(json_object_get(o, "delivery"), 0);
  const json_t *is = json_object_get(d, "disputed");
  assert_string_equal(str_of(json_object_get(d, "rejection"), "ground"), ground);
  assert_int_equal(is ? json_is_true(is) : -1, disputed);
  assert_int_equal(json_array_size(json_object_get(o, "disputed")), disputed == 1);
  json_decref(o);
}

static size_t disputes(struct rig_party *p) {
  unsigned status;
  json_t *o = rig_ask(p, "GET", "/v1/status", NULL, &status), *peer = json_array_get(json_object_get(o, "peers"), 0);
  const size_t n = json_array_size(json_object_get(json_array_get(json_object_get(peer, "forums"), 0), "disputed"));
  json_decref(o);
  return n;
}

static void check_ground(struct rig_party *p, const char *id, const char *ground, const char *why) {
  json_t *o = show_statement(p, id), *r = json_object_get(o, "rejectable");
  if (strcmp(str_of(r, "ground"), ground) || !strstr(str_of(r, "why"), why))
    fail_msg("ground \"%s\" (%s) instead of \"%s\" (%s)", str_of(r, "ground"), str_of(r, "why"), ground, why);
  json_decref(o);
}

/* ---- packs ---- */

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

/* Verifies what the node gives out for a statement without files. */
static parley_err verify(const json_t *answer_of_node, struct pack_result *out, struct arena *a, struct errmsg *e) {
  struct pack p = {.files = arena_alloc(a, PACK_FILES_MAX * sizeof *p.files)};
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(answer_of_node, "files"), name, value) {
    struct buf data = {0};
    assert_true(base64_decode(&data, bytes_str(json_string_value(value)), true));
    snprintf(p.files[p.n].name, sizeof p.files[p.n].name, "%s", name);
    p.files[p.n++].data = arena_take(a, &data);
  }
  qsort(p.files, p.n, sizeof *p.files, by_name);
  return pack_verify(out, a, &p, NULL, e);
}

/* ---- rules ---- */

static void test_reject_and_acknowledge(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], id[65], first[65], second[65], ack[65], late[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  send_delivered(&r.party[0], forum, id);
  check_dispute(&r.party[0], id, "", -1);
  answer(&v, "reject", A, id, "{\"ground\":\"form\",\"reasons\":\"No summary.\"}", first);
  answer(&v, "reject", A, id, "{\"ground\":\"files\"}", second);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], first, "received", "");
  assert_statement(&r.party[0], second, "received", "re: it was rejected already");
  assert_statement(&r.party[0], id, "delivered", "");
  check_dispute(&r.party[0], id, "form", 1);
  assert_int_equal(disputes(&r.party[0]), 1);
  evil_ack(&v, A, id, ack);
  answer(&v, "reject", A, id, "{\"ground\":\"files\"}", late);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], ack, "received", "");
  assert_statement(&r.party[0], late, "received", "re: it was acknowledged already");
  assert_statement(&r.party[0], id, "read", "");
  check_dispute(&r.party[0], id, "form", 0);
  assert_int_equal(disputes(&r.party[0]), 0);
  assert_receipt(&r.party[0], id, true);
  evil_close(&v);
  rig_close(&r);
}

static void test_answers_that_do_not_count(void **state) {
  struct rig r;
  struct evil b, c;
  char forum[65], id[65], theirs[65], our_ack[65], hex[65];
  (void)state;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  evil_open(&b, &r.party[1], forum);
  evil_open(&c, &r.party[2], forum);
  send_delivered(&r.party[0], forum, id);
  evil_notice(&b, A, theirs);
  evil_push(&b, &r.party[0]);
  json_t *o = post(&r.party[0], theirs, "ack?wait=30", "{\"officer\":\"duty\"}", 201);
  snprintf(our_ack, sizeof our_ack, "%s", str_of(o, "id"));
  json_decref(o);
  const struct {
    struct evil *v;
    const char *kind, *to, *re, *body, *problem;
  } bad[] = {
      {&b, "reject", A, our_ack, "{\"ground\":\"form\"}", "re: it rejects what is never rejected"},
      {&b, "reject", C, id, "{\"ground\":\"form\"}", "to: reject goes to the author of what it is about, alone"},
      {&c, "reject", A, theirs, "{\"ground\":\"form\"}", "re: it rejects a statement that was not addressed to " C},
      {&b, "reject", A, id, "{\"ground\":\"taste\"}", "body.ground"},
      {&b, "reject", A, id, "{}", "body.ground"},
      {&b, "reject", A, "00000000000000000000000000000000000000000000000000000000000000aa", "{\"ground\":\"form\"}",
       "re: it rejects a statement that is not held here"},
      {&c, "notice.disclosed", B, theirs, "{\"reasons\":\"x\"}",
       "re: it tells of the disclosure of a statement that was not addressed to " C},
      {&b, "notice.disclosed", C, id, "{\"reasons\":\"x\"}", "to: notice.disclosed goes to the author"},
      {&b, "notice.disclosed", A, id, "{}", "body.reasons: is missing"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    answer(bad[i].v, bad[i].kind, bad[i].to, bad[i].re, bad[i].body, hex);
    evil_push(bad[i].v, &r.party[0]);
    assert_statement(&r.party[0], hex, "received", bad[i].problem);
  }
  check_dispute(&r.party[0], id, "", -1);
  answer(&b, "reject", A, id, "{\"ground\":\"form\"}", hex); /* none of those stands in its way */
  evil_push(&b, &r.party[0]);
  assert_statement(&r.party[0], hex, "received", "");
  check_dispute(&r.party[0], id, "form", 1);
  evil_close(&b);
  evil_close(&c);
  rig_close(&r);
}

/* A rejection that cannot be opened is one all the same. */
static void test_sealed_rejection(void **state) {
  struct rig r;
  struct evil v;
  struct statement s;
  char forum[65], id[65], hex[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  send_delivered(&r.party[0], forum, id);
  evil_statement(&v, &s, "reject");
  evil_to(&v, &s, A);
  assert_true(hex_decode(s.re[s.n_re++], 32, bytes_str(id)));
  snprintf(s.officer, sizeof s.officer, "duty");
  evil_seal(&v, &s, "{\"ground\":\"form\"}");
  s.body_sha256[0] ^= 1;
  evil_append(&v, &s, hex);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], hex, "received", "");
  check_dispute(&r.party[0], id, "", 1);
  evil_close(&v);
  rig_close(&r);
}

static void test_our_own(void **state) {
  struct rig r;
  char forum[65], id[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  refused(a, id, "reject", "{\"officer\":\"duty\",\"ground\":\"form\"}", 409, "our own statement");
  refused(b, id, "reject", "{\"officer\":\"duty\"}", 400, "ground");
  refused(b, id, "reject", "{\"officer\":\"duty\",\"ground\":\"taste\"}", 400, "none of unreadable");
  refused(b, id, "reject", "{\"ground\":\"form\"}", 400, "officer");
  refused(b, id, "reject", "{\"officer\":\"duty\",\"ground\":\"form\",\"reasons\":\"\"}", 400, "reasons");
  refused(b, id, "reject", "{\"officer\":\"duty\",\"ground\":\"form\",\"note\":\"\"}", 400, "note");
  json_decref(post(b, id, "reject?wait=30", "{\"reasons\":\"Why.\",\"ground\":\"form\",\"officer\":\"duty\"}", 201));
  rig_run(&r, 1000);
  refused(b, id, "reject", "{\"officer\":\"duty\",\"ground\":\"form\"}", 409, "rejected already");
  check_dispute(a, id, "form", 1);
  check_dispute(b, id, "form", 1);
  assert_statement(b, id, "rejected", "");
  assert_int_equal(disputes(b), 1);
  json_decref(post(b, id, "ack?wait=30", "{\"officer\":\"duty\"}", 201));
  rig_run(&r, 1000);
  refused(b, id, "reject", "{\"officer\":\"duty\",\"ground\":\"form\"}", 409, "acknowledged already");
  assert_statement(a, id, "read", "");
  check_dispute(a, id, "form", 0);
  rig_close(&r);
}

/* A third party sees that it is disputed, and by whom; not why. */
static void test_seen_by_a_third_party(void **state) {
  struct rig r;
  char forum[65], id[65];
  (void)state;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  json_decref(post(&r.party[1], id, "reject", "{\"officer\":\"duty\",\"ground\":\"form\"}", 201));
  rig_run(&r, 60000);
  check_dispute(&r.party[0], id, "form", 1);
  check_dispute(&r.party[2], id, "", 1);
  assert_statement(&r.party[2], id, "received", "");
  rig_close(&r);
}

/* Of several that come before the next commit the first counts. */
static void test_answers_in_one_batch(void **state) {
  static const char body[] = "{\"officer\":\"duty\",\"ground\":\"form\"}", ack[] = "{\"officer\":\"duty\"}";
  struct rig r;
  struct waiting w[4];
  char forum[65], id[65], path[2][100];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  snprintf(path[0], sizeof path[0], "/v1/statements/%s/reject", id);
  snprintf(path[1], sizeof path[1], "/v1/statements/%s/ack", id);
  struct rig_party *b = &r.party[1];
  ask_begin(&w[0], b, "POST", path[0], body);
  ask_begin(&w[1], b, "POST", path[0], body);
  ask_begin(&w[2], b, "POST", path[1], ack);
  ask_begin(&w[3], b, "POST", path[0], body);
  node_work(b->node);
  ask_collect(b, w, 4);
  assert_int_equal(w[0].resp.status, 201);
  assert_int_equal(w[1].resp.status, 409);
  assert_int_equal(w[2].resp.status, 201);
  assert_int_equal(w[3].resp.status, 409);
  for (size_t i = 0; i < 4; i++) json_decref(ask_end(&w[i]));
  assert_statement(b, id, "acknowledged", "");
  check_dispute(b, id, "form", 0);
  rig_close(&r);
}

/* ---- grounds ---- */

enum fault {
  HONEST,
  OTHER_SEED,
  OTHER_KEY,
  OTHER_DIGEST,
  LOOSE_PLAINTEXT,
  OTHER_FORM,
  OTHER_LANGUAGE,
  LOST_FILE,
  OTHER_SIZE
};

static void hostile_notice(struct evil *v, enum fault fault, char *hex) {
  struct statement s;
  struct plain p = {.body = json_loads(fault == OTHER_FORM ? "{\"title\":\"Pumps\"}" : NOTICE, 0, NULL)};
  struct buf text = {0}, sealed = {0};
  uint8_t keys[2][X25519_SIZE], seed[SEED_SIZE];
  memset(p.seed, 0x51, SEED_SIZE);
  memcpy(seed, p.seed, SEED_SIZE);
  seed[0] ^= fault == OTHER_SEED;
  memcpy(keys[0], v->p->rig->party[fault == OTHER_KEY ? 1 : 0].seal.pub, X25519_SIZE);
  memcpy(keys[1], v->p->seal.pub, X25519_SIZE);
  if (fault == LOST_FILE || fault == OTHER_SIZE)
    p.files[p.n_files++] = (struct plain_file){.name = "a", .type = "text/plain", .size = 1};
  assert_int_equal(plain_write(&text, &p, NULL), PARLEY_OK);
  if (fault == LOOSE_PLAINTEXT) buf_u8(&text, ' ');
  evil_statement(v, &s, "incident.notice");
  evil_to(v, &s, A);
  if (fault == OTHER_LANGUAGE) snprintf(s.lang, sizeof s.lang, "fr");
  if (fault == OTHER_SIZE) {
    s.attach[s.n_attach++] = (struct attach){.size = 4096, .count = 1};
    s.has_bulk = true;
    s.bulk_size = 1;
  }
  assert_int_equal(
      body_seal(&sealed, s.body_sha256, buf_view(&text), seed, (const uint8_t(*)[X25519_SIZE])keys, 2, NULL),
      PARLEY_OK);
  s.body_sha256[5] ^= fault == OTHER_DIGEST;
  s.sealed = arena_take(&v->arena, &sealed);
  evil_append(v, &s, hex);
  buf_free(&text);
  plain_clear(&p);
}

static void test_grounds(void **state) {
  static const struct {
    enum fault fault;
    const char *ground, *why;
  } cases[] = {
      {HONEST, "", ""},
      {OTHER_SEED, "sealing", A},
      {OTHER_KEY, "unreadable", "not sealed to any key of this node"},
      {OTHER_DIGEST, "unreadable", "body_sha256"},
      {LOOSE_PLAINTEXT, "", ""}, /* white space is allowed, and can be proved */
      {OTHER_FORM, "form", "aware_at: is missing"},
      {OTHER_LANGUAGE, "language", "\"fr\" is not a language of the charter"},
      {LOST_FILE, "files", "names 1 files, but 0 are attached"},
      {OTHER_SIZE, "files", "file 0 (a): it has not the size that the body names"},
  };
  struct rig r;
  struct evil v;
  char forum[65], id[65], body[100];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    hostile_notice(&v, cases[i].fault, id);
    evil_push(&v, &r.party[0]);
    assert_statement(&r.party[0], id, "received", "");
    check_ground(&r.party[0], id, cases[i].ground, cases[i].why);
    if (!*cases[i].ground) continue;
    snprintf(body, sizeof body, "{\"officer\":\"duty\",\"ground\":\"%s\"}", cases[i].ground);
    json_decref(post(&r.party[0], id, "reject", body, 201)); /* also of what was never read */
    check_ground(&r.party[0], id, "", "");                   /* said once */
    check_dispute(&r.party[0], id, cases[i].ground, 1);
  }
  evil_close(&v);
  rig_close(&r);
}

/* What is sealed otherwise than laid down: its disclosure fails, says why, and is there for the rejecter to show. */
static void test_disclosure_of_what_is_sealed_otherwise(void **state) {
  struct rig r;
  struct evil v;
  struct arena a = {0};
  struct pack_result result;
  struct errmsg e = {{0}};
  char forum[65], good[65], bad[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  hostile_notice(&v, HONEST, good);
  hostile_notice(&v, OTHER_SEED, bad);
  evil_push(&v, &r.party[0]);
  json_decref(post(&r.party[0], bad, "reject", "{\"officer\":\"duty\",\"ground\":\"sealing\"}", 201));
  refused(&r.party[0], bad, "disclosed", "{\"officer\":\"duty\",\"reasons\":\"\"}", 400, "reasons");
  json_decref(post(&r.party[0], bad, "disclosed", "{\"officer\":\"duty\",\"reasons\":\"It is denied.\"}", 201));
  json_t *o = disclosure(&r.party[0], bad, 200);
  assert_true(strstr(str_of(o, "sealing"), A) != NULL);
  assert_int_equal(verify(o, &result, &a, &e), PARLEY_EVERIFY);
  assert_non_null(strstr(e.text, "body.json"));
  json_decref(o);
  json_decref(post(&r.party[0], good, "disclosed", "{\"officer\":\"duty\",\"reasons\":\"It is denied.\"}", 201));
  o = disclosure(&r.party[0], good, 200);
  assert_string_equal(str_of(o, "sealing"), "");
  if (verify(o, &result, &a, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_true(result.disclosed.body);
  pack_result_clear(&result);
  json_decref(o);
  arena_free(&a);
  evil_close(&v);
  rig_close(&r);
}

/* White space is allowed in a plaintext: it is proved like any other. */
static void test_disclosure_of_a_loose_plaintext(void **state) {
  struct rig r;
  struct evil v;
  struct arena a = {0};
  struct pack_result result;
  struct errmsg e = {{0}};
  char forum[65], id[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  hostile_notice(&v, LOOSE_PLAINTEXT, id);
  evil_push(&v, &r.party[0]);
  json_decref(post(&r.party[0], id, "disclosed", "{\"officer\":\"duty\",\"reasons\":\"It is denied.\"}", 201));
  json_t *o = disclosure(&r.party[0], id, 200);
  assert_string_equal(str_of(o, "sealing"), "");
  if (verify(o, &result, &a, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_true(result.disclosed.body);
  pack_result_clear(&result);
  json_decref(o);
  arena_free(&a);
  evil_close(&v);
  rig_close(&r);
}

/* No notice is sent for a disclosure that its author has made impossible. */
static void test_no_notice_for_nothing(void **state) {
  static const char body[] = "{\"officer\":\"duty\",\"reasons\":\"It is denied.\"}";
  struct rig r;
  struct evil v;
  char forum[65], lost[65], size[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  hostile_notice(&v, LOST_FILE, lost);
  hostile_notice(&v, OTHER_SIZE, size);
  evil_push(&v, &r.party[0]);
  refused(&r.party[0], lost, "disclosed", body, 409, "no disclosure of it verifies");
  json_decref(disclosure(&r.party[0], lost, 409));
  refused(&r.party[0], size, "disclosed", body, 409, "file 0 has not the size");
  json_decref(post(&r.party[0], size, "disclosed?files=none", body, 201));
  evil_close(&v);
  rig_close(&r);
}

/* ---- who may disclose ---- */

/* Of two rejections the pack has one, whose text is shown or none. */
static void test_two_rejections(void **state) {
  static const char body[] = "{\"officer\":\"duty\",\"ground\":\"form\"}",
                    reasons[] = "{\"officer\":\"duty\",\"reasons\":\"It is denied.\"}";
  struct rig r;
  struct arena a = {0};
  struct pack_result result;
  struct errmsg e = {{0}};
  char forum[65], id[65], second[65];
  (void)state;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  json_decref(post(&r.party[1], id, "reject?wait=30", body, 201));
  json_t *o = post(&r.party[2], id, "reject?wait=30", body, 201);
  snprintf(second, sizeof second, "%s", str_of(o, "id"));
  json_decref(o);
  rig_run(&r, 1000);
  json_decref(post(&r.party[0], second, "disclosed?wait=30", reasons, 201));
  o = disclosure(&r.party[0], id, 200);
  if (verify(o, &result, &a, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_string_equal(result.reject.from, B);
  assert_false(result.disclosed.reject); /* for B was not told */
  pack_result_clear(&result);
  json_decref(o);
  arena_free(&a);
  rig_close(&r);
}

static void test_notice_comes_first(void **state) {
  struct rig r;
  char forum[65], id[65];
  (void)state;
  rig_open(&r, NAMES, 3);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  json_decref(disclosure(a, id, 200));
  refused(a, id, "disclosed", "{\"officer\":\"duty\",\"reasons\":\"x\"}", 409, "nobody has to be told");
  json_decref(disclosure(b, id, 403));
  json_decref(post(b, id, "disclosed?wait=30", "{\"officer\":\"duty\",\"reasons\":\"It is denied.\"}", 201));
  /* With several addressees one of them discloses what was delivered to it. */
  struct arena arena = {0};
  struct pack_result result;
  struct errmsg e;
  json_t *o = disclosure(b, id, 200);
  if (verify(o, &result, &arena, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_true(result.disclosed.body);
  assert_int_equal(result.n_parties, 3);
  assert_int_equal(result.n_covered, 1);
  pack_result_clear(&result);
  arena_free(&arena);
  json_decref(o);
  rig_close(&r);
}

static void test_author_is_told(void **state) {
  struct rig r;
  char forum[65], id[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  json_decref(disclosure(b, id, 403));
  json_decref(post(b, id, "disclosed?wait=30", "{\"officer\":\"duty\",\"reasons\":\"It is denied.\"}", 201));
  json_decref(disclosure(b, id, 200));
  refused(b, id, "disclosed", "{\"officer\":\"duty\",\"reasons\":\"x\"}", 409, "nobody has to be told");
  rig_run(&r, 1000);
  json_t *o = show_statement(a, id), *told = json_array_get(json_object_get(o, "disclosed"), 0);
  assert_string_equal(str_of(told, "party"), B);
  assert_string_equal(str_of(told, "reasons"), "It is denied.");
  assert_statement(a, str_of(told, "id"), "received", "");
  json_decref(o);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reject_and_acknowledge),
      cmocka_unit_test(test_answers_that_do_not_count),
      cmocka_unit_test(test_sealed_rejection),
      cmocka_unit_test(test_our_own),
      cmocka_unit_test(test_seen_by_a_third_party),
      cmocka_unit_test(test_answers_in_one_batch),
      cmocka_unit_test(test_grounds),
      cmocka_unit_test(test_disclosure_of_what_is_sealed_otherwise),
      cmocka_unit_test(test_disclosure_of_a_loose_plaintext),
      cmocka_unit_test(test_no_notice_for_nothing),
      cmocka_unit_test(test_two_rejections),
      cmocka_unit_test(test_notice_comes_first),
      cmocka_unit_test(test_author_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
