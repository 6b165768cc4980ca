/*
 * Bundles at the node core: what one gives out over its local API another takes in, without a line, and every refusal.
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
#include "record/bundle.h"
#include "record/bundle_join.h"

static const char *const THREE[] = {"cert.us.example", "dsn.fr.example", "ncc.ru.example"};
enum { US, FR, RU };

static struct rig rig;
static char forum[65];
static struct buf raw; /* the body of the last answer */

static int setup(void **state) {
  (void)state;
  memset(&rig, 0, sizeof rig);
  rig_open(&rig, THREE, 3);
  rig_forum(&rig, forum);
  for (size_t i = 0; i < 3; i++) rig.party[i].mute = true; /* from now on there is no line */
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rig_close(&rig);
  buf_free(&raw);
  return 0;
}

/* One request over the local socket, whose answer comes at once; its body into raw. */
static unsigned ask(struct rig_party *p, const char *method, const char *path, struct bytes body) {
  struct node_response out = {0};
  char where[400];
  snprintf(where, sizeof where, "%s", path);
  char *query = strchr(where, '?');
  if (query) *query++ = '\0';
  const struct node_request q = {.method = method, .path = where, .query = query ? query : "", .content_type = ""};
  struct node_call *c = node_begin(p->node, &q, &out);
  assert_non_null(c);
  for (size_t at = 0; at < body.n; at += 700)
    node_data(c, BYTES(body.p + at, body.n - at < 700 ? body.n - at : 700), &out);
  node_end(c, &out);
  assert_int_not_equal(out.status, 0);
  buf_free(&raw);
  raw = out.body;
  node_finish(c);
  node_work(p->node);
  return out.status;
}

static json_t *answer(void) {
  json_t *v = json_loadb((const char *)raw.p, raw.n, 0, NULL);
  assert_non_null(v);
  return v;
}

static const char *text_of(const json_t *o, const char *member) {
  const char *s = json_string_value(json_object_get(o, member));
  assert_non_null(s);
  return s;
}

static uint64_t number_of(const json_t *o, const char *member) {
  assert_true(json_is_integer(json_object_get(o, member)));
  return (uint64_t)json_integer_value(json_object_get(o, member));
}

static void notices(struct rig_party *p, unsigned n) {
  char body[700];
  unsigned status;
  for (unsigned i = 0; i < n; i++) {
    snprintf(body, sizeof body,
             "{\"kind\":\"incident.notice\",\"forum\":\"%s\",\"to\":[\"ncc.ru.example\"],\"precedence\":\"ROUTINE\","
             "\"tlp\":\"green\","
             "\"body\":{\"title\":\"number %u\",\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
             forum, i);
    json_decref(rig_ask(p, "POST", "/v1/statements", body, &status));
    assert_int_equal(status, 201);
  }
  node_work(p->node);
}

/* Path of the local API for the entry log of a party. */
static void log_path(char out[static 200], const char *party, const char *tail) {
  char origin[ORIGIN_MAX + 1], hex[65];
  uint8_t id[SHA256_SIZE], digest[SHA256_SIZE];
  assert_true(hex_decode(id, SHA256_SIZE, bytes_str(forum)));
  log_origin(origin, party, id, 0, false);
  sha256(digest, bytes_str(origin));
  hex_encode(hex, BYTES(digest, SHA256_SIZE));
  snprintf(out, 200, "/v1/bundle/logs/%s%s", hex, tail);
}

static json_t *plan_of(struct rig_party *from, const char *log, const char *to, const char *query) {
  char path[200], tail[120];
  snprintf(tail, sizeof tail, "/for/%s%s", to, query);
  log_path(path, log, tail);
  assert_int_equal(ask(from, "GET", path, BYTES_NONE), 200);
  return answer();
}

struct runs {
  struct leaf_run a, b;
  uint64_t pending;
};

static parley_err add(void *ctx, uint64_t index, const struct hash *leaf, struct errmsg *e) {
  struct runs *r = ctx;
  (void)e;
  if (index >= r->a.start) leaf_run_add(index < r->pending ? &r->a : &r->b, leaf);
  return PARLEY_OK;
}

static void entries_of(struct rig_party *from, const char *log, uint64_t start, uint64_t end, struct buf *out) {
  char path[200], tail[80];
  snprintf(tail, sizeof tail, "/entries/%llu-%llu", (unsigned long long)start, (unsigned long long)end);
  log_path(path, log, tail);
  assert_int_equal(ask(from, "GET", path, BYTES_NONE), 200);
  buf_clear(out);
  buf_bytes(out, buf_view(&raw));
}

static void put_run(json_t *list, const struct leaf_run *r) {
  for (size_t i = 0; i < r->n; i++) {
    struct buf b = {0};
    base64_encode(&b, BYTES(r->part[i].h.b, 32), true);
    json_array_append_new(list, json_stringn((const char *)b.p, b.n));
    buf_free(&b);
  }
}

/* Shows `to` the checkpoint of the plan with the leaves in body; spoil: with one hash turned. Returns the status. */
static unsigned show(struct rig_party *to, const char *log, const json_t *plan, struct bytes body, bool spoil) {
  char path[200];
  struct runs r;
  struct bundle_name name = {.kind = BUNDLE_ENTRIES, .start = number_of(plan, "start")};
  struct buf text = {0};
  log_path(path, log, "");
  assert_int_equal(ask(to, "GET", path, BYTES_NONE), 200);
  json_t *held = answer(), *o = json_object(), *hashes = json_array();
  leaf_run_begin(&r.a, number_of(held, "next"));
  r.pending = number_of(held, "pending");
  leaf_run_begin(&r.b, r.pending);
  assert_int_equal(bundle_entries_end(&name, body, text_of(plan, "origin"), NULL), PARLEY_OK);
  assert_int_equal(
      bundle_entries_walk(&name, body, text_of(plan, "origin"), number_of(plan, "end"), NULL, add, &r, NULL),
      PARLEY_OK);
  if (spoil) r.b.part[0].h.b[5] ^= 1;
  put_run(hashes, &r.a);
  put_run(hashes, &r.b);
  json_object_set_new(o, "note", json_incref(json_object_get(plan, "checkpoint")));
  json_object_set_new(o, "next", json_integer((json_int_t)r.a.start));
  json_object_set_new(o, "pending", json_integer((json_int_t)r.pending));
  json_object_set_new(o, "hashes", hashes);
  assert_true(json_write(&text, o));
  log_path(path, log, "/checkpoint");
  const unsigned status = ask(to, "POST", path, buf_view(&text));
  buf_free(&text);
  json_decref(o);
  json_decref(held);
  return status;
}

/* Everything of one log from one party to another; returns the status of the upload. */
static unsigned carry(struct rig_party *from, const char *log, struct rig_party *to, const char *query) {
  json_t *plan = plan_of(from, log, to->name, query);
  struct buf body = {0};
  entries_of(from, log, number_of(plan, "start"), number_of(plan, "end"), &body);
  assert_int_equal(show(to, log, plan, buf_view(&body), false), 200);
  const unsigned status = ask(to, "POST", "/v1/bundle/entries", buf_view(&body));
  node_work(to->node);
  buf_free(&body);
  json_decref(plan);
  return status;
}

static void plan_signs(struct rig_party *p, const char *to) {
  char path[200];
  snprintf(path, sizeof path, "/v1/bundle?for=%s&forum=%.8s", to, forum);
  assert_int_equal(ask(p, "POST", path, BYTES_NONE), 200);
}

static uint64_t held_of(struct rig_party *p, const char *log, const char *what) {
  char path[200];
  log_path(path, log, "");
  assert_int_equal(ask(p, "GET", path, BYTES_NONE), 200);
  json_t *v = answer();
  const uint64_t n = number_of(v, what);
  json_decref(v);
  return n;
}

/* The note over `log` that `from` has with the cosignature of `party`, to `to`; spoil: with a turned bit in it. */
static unsigned cosigned(struct rig_party *from, const char *log, const char *party, struct rig_party *to, bool spoil) {
  char path[200], tail[120];
  unsigned status = 0;
  size_t i;
  json_t *o, *plan = plan_of(from, log, to->name, "");
  json_array_foreach(json_object_get(plan, "cosigned"), i, o) {
    if (strcmp(text_of(o, "party"), party)) continue;
    struct buf note = {0};
    buf_str(&note, text_of(o, "note"));
    if (spoil) note.p[note.n - 30] = note.p[note.n - 30] == 'A' ? 'B' : 'A';
    snprintf(tail, sizeof tail, "/cosigned/%s", party);
    log_path(path, log, tail);
    status = ask(to, "POST", path, buf_view(&note));
    buf_free(&note);
  }
  json_decref(plan);
  return status;
}

/* ---- */

static void test_goes_and_comes_back(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US], *ru = &rig.party[RU];
  const uint64_t before = held_of(ru, us->name, "size");
  notices(us, 3);
  plan_signs(us, ru->name);
  const uint64_t size = held_of(us, us->name, "size");
  assert_true(size >= before + 3);
  assert_int_equal(carry(us, us->name, ru, ""), 200);
  assert_true(held_of(ru, us->name, "size") == size);
  assert_int_equal(carry(us, us->name, ru, ""), 200); /* duplicates do no harm */
  assert_int_equal(carry(us, us->name, ru, "?since=0"), 200);
  assert_int_equal(cosigned(ru, us->name, ru->name, us, true), 422);
  assert_int_equal(cosigned(ru, us->name, ru->name, us, false), 200);
  json_t *v = answer();
  assert_true(json_is_true(json_object_get(v, "own")) && json_is_true(json_object_get(v, "new")));
  json_decref(v);
  assert_int_equal(cosigned(ru, us->name, ru->name, us, false), 200);
  v = answer();
  assert_true(json_is_false(json_object_get(v, "new")));
  json_decref(v);
}

/* From whatever is held to whatever the bundle has, over several packages. */
static void test_many_sizes(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US], *ru = &rig.party[RU];
  static const unsigned steps[] = {1, 2, 5, 250, 1, 300, 7};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    notices(us, steps[i]);
    plan_signs(us, ru->name);
    assert_int_equal(carry(us, us->name, ru, i % 2 ? "" : "?since=0"), 200);
    assert_true(held_of(ru, us->name, "size") == held_of(us, us->name, "size"));
    if (i % 3 == 0) assert_int_equal(cosigned(ru, us->name, ru->name, us, false), 200);
  }
  json_t *v = plan_of(us, us->name, ru->name, "");
  assert_true(number_of(v, "end") > 560 && number_of(v, "start") == number_of(v, "end")); /* nothing that is not held */
  json_decref(v);
  notices(us, 1);
  plan_signs(us, ru->name);
  v = plan_of(us, us->name, ru->name, "");
  assert_true(number_of(v, "start") == 512); /* from a whole package on */
  json_decref(v);
}

static void test_through_a_third(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US], *fr = &rig.party[FR], *ru = &rig.party[RU];
  notices(us, 2);
  plan_signs(us, fr->name);
  assert_int_equal(carry(us, us->name, fr, ""), 200);
  assert_int_equal(carry(fr, us->name, ru, ""), 200);
  assert_int_equal(cosigned(ru, us->name, ru->name, fr, true), 422);
  assert_int_equal(cosigned(ru, us->name, ru->name, fr, false), 200);
  json_t *v = answer();
  assert_true(json_is_false(json_object_get(v, "own")) && json_is_true(json_object_get(v, "new")));
  json_decref(v);
  assert_int_equal(cosigned(fr, us->name, ru->name, us, false), 200);
  v = answer();
  assert_true(json_is_true(json_object_get(v, "own")) && json_is_true(json_object_get(v, "new")));
  json_decref(v);
}

static void test_signs_without_asking(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US];
  notices(us, 1);
  rig_stop(us);
  rig_start(us);
  us->mute = true;
  notices(us, 1);
  assert_true(held_of(us, us->name, "size") < held_of(us, us->name, "next")); /* nobody could be asked */
  plan_signs(us, "ncc.ru.example");
  json_t *v = answer();
  assert_int_equal(json_array_size(json_object_get(v, "warnings")), 0);
  json_decref(v);
  assert_true(held_of(us, us->name, "size") == held_of(us, us->name, "next"));
}

static void test_stopped_does_not_sign(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US];
  notices(us, 1);
  us->sick = us->name; /* its memory cannot be written */
  notices(us, 1);
  plan_signs(us, "ncc.ru.example");
  json_t *v = answer();
  assert_int_equal(json_array_size(json_object_get(v, "warnings")), 1);
  json_decref(v);
}

static void test_checkpoint_refused(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US], *ru = &rig.party[RU];
  char path[200];
  struct buf body = {0};
  notices(us, 2);
  plan_signs(us, ru->name);
  json_t *plan = plan_of(us, us->name, ru->name, "");
  entries_of(us, us->name, number_of(plan, "start"), number_of(plan, "end"), &body);
  assert_int_equal(show(ru, us->name, plan, buf_view(&body), true), 422); /* a turned hash: no proof */
  static const struct {
    unsigned status;
    const char *request;
  } bad[] = {
      {400, "no JSON"},
      {400, "{}"},
      {400, "{\"note\":\"\",\"next\":0,\"pending\":0,\"hashes\":[]}"},
      {400, "{\"note\":\"x\",\"next\":-1,\"pending\":0,\"hashes\":[]}"},
      {400, "{\"note\":\"x\",\"next\":0,\"pending\":0,\"hashes\":[\"AAAA\"]}"},
      {400, "{\"note\":\"x\",\"next\":0,\"pending\":0,\"hashes\":[1]}"},
      {400, "{\"note\":\"x\",\"next\":0,\"pending\":0,\"hashes\":[],\"more\":1}"},
  };
  log_path(path, us->name, "/checkpoint");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(ask(ru, "POST", path, bytes_str(bad[i].request)), bad[i].status);
  struct buf stale = {0};
  json_t *o = json_object();
  json_object_set_new(o, "note", json_incref(json_object_get(plan, "checkpoint")));
  json_object_set_new(o, "next", json_integer(0));
  json_object_set_new(o, "pending", json_integer(0));
  json_object_set_new(o, "hashes", json_array());
  assert_true(json_write(&stale, o));
  assert_int_equal(ask(ru, "POST", path, buf_view(&stale)), 409); /* it holds more than that by now */
  assert_int_equal(ask(us, "POST", path, buf_view(&stale)), 403); /* its own log */
  json_decref(o);
  buf_free(&stale);
  buf_free(&body);
  json_decref(plan);
}

static void test_entries_refused(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US], *ru = &rig.party[RU];
  struct buf body = {0};
  notices(us, 2);
  plan_signs(us, ru->name);
  json_t *plan = plan_of(us, us->name, ru->name, "");
  entries_of(us, us->name, number_of(plan, "start"), number_of(plan, "end"), &body);
  assert_int_equal(ask(ru, "POST", "/v1/bundle/entries", buf_view(&body)), 409); /* its checkpoint was not shown */
  assert_int_equal(ask(ru, "POST", "/v1/bundle/entries", BYTES(body.p, 9)), 400);
  assert_int_equal(show(ru, us->name, plan, buf_view(&body), false), 200);
  body.p[body.n / 2] ^= 1;
  assert_int_equal(ask(ru, "POST", "/v1/bundle/entries", buf_view(&body)), 422);
  assert_true(raw.n > 10); /* the reason is told though it was known before the body's end */
  body.p[body.n / 2] ^= 1;
  assert_int_equal(ask(ru, "POST", "/v1/bundle/entries", BYTES(body.p, body.n - 1)),
                   400); /* not one package is whole */
  assert_int_equal(ask(ru, "POST", "/v1/bundle/entries", buf_view(&body)), 200);
  body.p[5] = 'x'; /* another origin */
  assert_int_equal(ask(ru, "POST", "/v1/bundle/entries", buf_view(&body)), 404);
  buf_free(&body);
  json_decref(plan);
}

static void test_requests_refused(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US];
  char path[200];
  assert_int_equal(ask(us, "POST", "/v1/bundle", BYTES_NONE), 404);
  assert_int_equal(ask(us, "POST", "/v1/bundle?for=nobody.example", BYTES_NONE), 404);
  assert_int_equal(ask(us, "POST", "/v1/bundle?for=ncc.ru.example&forum=ffffffffff", BYTES_NONE), 404);
  assert_int_equal(ask(us, "POST", "/v1/bundle?for=ncc.ru.example&forum=", BYTES_NONE), 200);
  assert_int_equal(ask(us, "GET", "/v1/bundle/logs/0011", BYTES_NONE), 404);
  log_path(path, us->name, "/for/nobody.example");
  assert_int_equal(ask(us, "GET", path, BYTES_NONE), 400);
  log_path(path, us->name, "/for/ncc.ru.example?since=yesterday");
  assert_int_equal(ask(us, "GET", path, BYTES_NONE), 400);
  static const char *const ranges[] = {"0", "0-0", "5-1", "0-999999", "-1-2", "0-1-2", "x-y", "00-1"};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    char tail[40];
    snprintf(tail, sizeof tail, "/entries/%s", ranges[i]);
    log_path(path, us->name, tail);
    assert_int_equal(ask(us, "GET", path, BYTES_NONE), 400);
  }
  assert_int_equal(ask(us, "POST", "/v1/bundle/charter?from=nobody.example", bytes_str("{}")), 404);
  assert_int_equal(ask(us, "POST", "/v1/bundle/charter?from=ncc.ru.example", bytes_str("{}")), 400);
  log_path(path, us->name, "/cosigned/nobody.example");
  assert_int_equal(ask(us, "POST", path, bytes_str("x")), 404);
  log_path(path, us->name, "/cosigned/ncc.ru.example");
  assert_int_equal(ask(us, "POST", path, bytes_str("no note")), 400);
}

/* A charter that stands already is taken again, and says so. */
static void test_charter(void **state) {
  (void)state;
  struct rig_party *us = &rig.party[US], *ru = &rig.party[RU];
  char path[200];
  plan_signs(us, ru->name);
  json_t *plan = answer();
  const char *envelope = json_string_value(json_array_get(json_object_get(plan, "charters"), 0));
  assert_non_null(envelope);
  assert_int_equal(json_array_size(json_object_get(plan, "cards")), 2); /* of all but the one that it is for */
  snprintf(path, sizeof path, "/v1/bundle/charter?from=%s", us->name);
  assert_int_equal(ask(ru, "POST", path, bytes_str(envelope)), 200);
  json_t *v = answer();
  assert_string_equal(text_of(v, "forum"), forum);
  assert_string_equal(text_of(v, "state"), "in_force");
  json_decref(v);
  json_decref(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_goes_and_comes_back, setup, teardown),
      cmocka_unit_test_setup_teardown(test_many_sizes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_through_a_third, setup, teardown),
      cmocka_unit_test_setup_teardown(test_signs_without_asking, setup, teardown),
      cmocka_unit_test_setup_teardown(test_stopped_does_not_sign, setup, teardown),
      cmocka_unit_test_setup_teardown(test_checkpoint_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(test_entries_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(test_requests_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(test_charter, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
