/*
 * Statements with files: what becomes of a draft that cannot be sent, and that nothing else waits for it.
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

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};

static const char *str(const json_t *o, const char *name) {
  const char *s = json_string_value(json_object_get(o, name));
  return s ? s : "";
}

/* A request for a statement of that kind with one file; more: further members, each with a comma after it. */
static void write_request(struct buf *out, const char *kind, const char *more, const char *text) {
  uint8_t digest[32];
  char hex[65];
  sha256(digest, bytes_str(text));
  hex_encode(hex, BYTES(digest, 32));
  buf_fmt(out,
          "{\"kind\":\"%s\",%s\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"With a file\",\"summary\":\"s\","
          "\"aware_at\":\"2021-05-07T10:00:00Z\"},\"files\":[{\"name\":\"a.txt\",\"type\":\"text/plain\",\"size\":%zu,"
          "\"sha256\":\"%s\"}]}",
          kind, more, strlen(text), hex);
}

static unsigned try_draft(struct rig_party *p, const char *kind, const char *more, const char *text, char draft[static 33]) {
  struct buf body = {0};
  unsigned status;
  write_request(&body, kind, more, text);
  json_t *v = rig_ask(p, "POST", "/v1/statements", buf_cstr(&body), &status);
  snprintf(draft, 33, "%s", str(v, "draft"));
  json_decref(v);
  buf_free(&body);
  return status;
}

static unsigned put_file(struct rig_party *p, const char *draft, const char *text) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/drafts/%s/files/0", draft);
  json_decref(rig_ask(p, "PUT", path, text, &status));
  return status;
}

static unsigned send_draft(struct rig_party *p, const char *draft) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/drafts/%s/send", draft);
  json_decref(rig_ask(p, "POST", path, "", &status));
  return status;
}

/* Uploaded and to be sent; nothing has moved yet, since the node does no work before its owner lets it. */
static void make_draft(struct rig_party *p, const char *kind, const char *text, char draft[static 33]) {
  assert_int_equal(try_draft(p, kind, "", text, draft), 202);
  assert_int_equal(put_file(p, draft, text), 204);
  assert_int_equal(send_draft(p, draft), 202);
}

static json_t *look(struct rig_party *p, const char *draft, const char *state) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/drafts/%s", draft);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  assert_string_equal(str(v, "state"), state);
  return v;
}

static parley_err count_one(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  (void)pos, (void)v, (void)e;
  ++*(size_t *)ctx;
  return PARLEY_OK;
}

static size_t staged(struct rig_party *p) {
  size_t n = 0;
  for (uint32_t number = 1; number <= 32; number++)
    assert_int_equal(store_seq_scan(p->store, STORE_STAGED, number, 0, STORE_POS_MAX, count_one, &n, NULL), PARLEY_OK);
  return n;
}

/* ---- what is refused before anything is uploaded ---- */

/* A body of so many characters, and sixteen empty files. */
static unsigned try_long(struct rig_party *p, size_t chars, const char *name) {
  struct buf b = {0};
  unsigned status;
  buf_str(&b, "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\",\"summary\":\"s\","
              "\"aware_at\":\"2021-05-07T10:00:00Z\",\"mitigation\":\"m");
  for (size_t i = 0; i < 4095 && chars; i++, chars--) buf_u8(&b, 'x');
  buf_str(&b, "\",\"indicators\":[\"i");
  for (size_t i = 1; chars; i++, chars--) buf_str(&b, i % 512 ? "x" : "\",\"x");
  buf_str(&b, "\"]},\"files\":[");
  for (int i = 0; i < 16; i++)
    buf_fmt(&b, "%s{\"name\":\"%s\",\"type\":\"text/plain\",\"size\":0,"
                "\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}", i ? "," : "", name);
  buf_str(&b, "]}");
  json_t *v = rig_ask(p, "POST", "/v1/statements", buf_cstr(&b), &status);
  if (status == 202) {
    char path[100], draft[33];
    snprintf(draft, sizeof draft, "%s", str(v, "draft"));
    unsigned put;
    for (int i = 0; i < 16; i++) {
      snprintf(path, sizeof path, "/v1/drafts/%s/files/%d", draft, i);
      json_decref(rig_ask(p, "PUT", path, "", &put));
      assert_int_equal(put, 204);
    }
    assert_int_equal(send_draft(p, draft), 202);
    rig_run(p->rig, 5000);
    json_decref(look(p, draft, "sent")); /* what was taken on can be sent */
  }
  json_decref(v);
  buf_free(&b);
  return status;
}

static void test_checked_before(void **state) {
  (void)state;
  struct rig r;
  char forum[65], draft[33];
  size_t most = 0;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  for (size_t step = 16384; step > 0; step /= 2) /* the longest body that is taken on */
    if (try_long(us, most + step, "a") == 202) most += step;
  assert_in_range(most, 20000, 32700);
  assert_int_equal(try_long(us, most + 64, "a"), 413);
  assert_int_equal(try_long(us, most, "a-much-longer-name-of-a-file"), 413);
  assert_int_equal(try_long(us, 10, "a\\nb"), 400); /* no control characters in a name */
  assert_int_equal(try_draft(us, "incident.notice", "\"desk\":\"night\",", "x", draft), 404);
  assert_int_equal(staged(us), 0);
  rig_close(&r);
}

/* ---- a draft means what it meant ---- */

static json_t *show(struct rig_party *p, const char *id) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  return v;
}

/* "The only forum" and "the only other member" were true when the draft was made; "re" was a prefix. */
static void test_resolved(void **state) {
  (void)state;
  struct rig r;
  char forum[2][65], draft[33], re[100], id[65];
  unsigned status;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum[0]);
  struct rig_party *us = &r.party[0];
  json_t *v = rig_ask(us, "POST", "/v1/statements",
                      "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\",\"summary\":\"s\","
                      "\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
                      &status);
  assert_int_equal(status, 201);
  snprintf(id, sizeof id, "%s", str(v, "id"));
  json_decref(v);
  snprintf(re, sizeof re, "\"re\":[\"%.8s\"],\"thread\":\"%.9s\",", id, id);
  assert_int_equal(try_draft(us, "incident.update", re, "text", draft), 202);
  rig_forum(&r, forum[1]);
  assert_int_equal(put_file(us, draft, "text"), 204);
  assert_int_equal(send_draft(us, draft), 202);
  rig_stop(us);
  rig_start(us);
  rig_run(&r, 10000);
  v = look(us, draft, "sent");
  json_t *s = show(us, str(v, "id"));
  assert_string_equal(str(s, "forum"), forum[0]);
  json_t *outer = json_object_get(s, "outer");
  assert_int_equal(json_array_size(json_object_get(outer, "to")), 1);
  assert_string_equal(json_string_value(json_array_get(json_object_get(outer, "to"), 0)), TWO[1]);
  assert_string_equal(json_string_value(json_array_get(json_object_get(outer, "re"), 0)), id);
  assert_string_equal(str(outer, "thread"), id);
  json_decref(s);
  json_decref(v);
  rig_close(&r);
}

/* ---- one run of entries a file ---- */

static void check_file(struct rig_party *p, const char *id, const char *text) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/files/0", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  assert_string_equal(json_string_value(v), text);
  json_decref(v);
}

static void long_text(struct buf *out) {
  for (unsigned i = 0; out->n < 700 * 4096; i++) buf_fmt(out, "%u\n", i);
}

/* A restart while one draft is half moved; another is sent after it. The numbers that order drafts are those of the boxes. */
static void test_no_interleaving(void **state) {
  (void)state;
  struct rig r;
  char forum[65], first[33], second[33];
  struct buf text = {0};
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  long_text(&text);
  make_draft(us, "incident.notice", buf_cstr(&text), first);
  node_work(us->node); /* one slice */
  json_t *v = look(us, first, "moving");
  const json_int_t moved = json_integer_value(json_object_get(v, "moved"));
  assert_true(moved > 0 && moved < json_integer_value(json_object_get(v, "total")));
  json_decref(v);
  rig_stop(us);
  rig_start(us);
  make_draft(us, "incident.notice", "short", second);
  rig_run(&r, 60000);
  const char *const drafts[] = {first, second}, *const texts[] = {buf_cstr(&text), "short"};
  for (int i = 0; i < 2; i++) {
    v = look(us, drafts[i], "sent");
    for (int k = 0; k < 2; k++) check_file(&r.party[k], str(v, "id"), texts[i]);
    json_decref(v);
  }
  buf_free(&text);
  rig_close(&r);
}

/* What is staged is gone: the draft fails, instead of a statement whose file is not there. */
static void test_staged_bytes_gone(void **state) {
  (void)state;
  struct rig r;
  char forum[65], draft[33];
  struct buf text = {0};
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  long_text(&text);
  make_draft(us, "incident.notice", buf_cstr(&text), draft);
  assert_int_equal(store_begin(us->store, NULL), PARLEY_OK);
  assert_int_equal(store_seq_delete(us->store, STORE_STAGED, 1, 300, 301, NULL), PARLEY_OK);
  assert_int_equal(store_commit(us->store, NULL), PARLEY_OK);
  rig_run(&r, 10000);
  json_decref(look(us, draft, "failed"));
  assert_int_equal(staged(us), 0);
  make_draft(us, "incident.notice", "short", draft); /* what had moved of it already harms nobody */
  rig_run(&r, 10000);
  json_t *v = look(us, draft, "sent");
  check_file(&r.party[1], str(v, "id"), "short");
  json_decref(v);
  buf_free(&text);
  rig_close(&r);
}

/* ---- the end of drafts ---- */

static unsigned look_status(struct rig_party *p, const char *draft) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/drafts/%s", draft);
  json_decref(rig_ask(p, "GET", path, NULL, &status));
  return status;
}

#define MINUTES(n) ((n) * 60000)

static void test_idle_upload(void **state) {
  (void)state;
  struct rig r;
  char forum[65], idle[33], busy[33], more[33];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  assert_int_equal(try_draft(us, "incident.notice", "", "text", idle), 202);
  assert_int_equal(put_file(us, idle, "text"), 204);
  assert_int_equal(try_draft(us, "incident.notice", "", "text", busy), 202);
  for (int i = 2; i < 32; i++) assert_int_equal(try_draft(us, "incident.notice", "", "text", more), 202);
  assert_int_equal(try_draft(us, "incident.notice", "", "text", more), 429);
  rig_run(&r, MINUTES(50));
  assert_int_equal(put_file(us, busy, "text"), 204);
  assert_int_equal(staged(us), 2);
  rig_run(&r, MINUTES(20));
  assert_int_equal(look_status(us, idle), 404);
  assert_int_equal(look_status(us, busy), 200);
  assert_int_equal(staged(us), 1);
  assert_int_equal(send_draft(us, busy), 202);
  assert_int_equal(try_draft(us, "incident.notice", "", "text", more), 202); /* there is room again */
  rig_run(&r, MINUTES(10));
  json_decref(look(us, busy, "sent"));
  rig_close(&r);
}

/* A call that is still open keeps its draft, however slow it is. */
static void test_slow_upload(void **state) {
  (void)state;
  struct rig r;
  char forum[65], draft[33], path[100];
  struct node_response resp = {0};
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  assert_int_equal(try_draft(us, "incident.notice", "", "text", draft), 202);
  snprintf(path, sizeof path, "/v1/drafts/%s/files/0", draft);
  const struct node_request q = {.method = "PUT", .path = path, .query = ""};
  struct node_call *c = node_begin(us->node, &q, &resp);
  node_data(c, BYTES("te", 2), &resp);
  rig_run(&r, MINUTES(90));
  node_data(c, BYTES("xt", 2), &resp);
  node_end(c, &resp);
  assert_int_equal(resp.status, 204);
  node_finish(c);
  buf_free(&resp.body);
  assert_int_equal(send_draft(us, draft), 202);
  rig_close(&r);
}

static void test_ended_drafts_are_forgotten(void **state) {
  (void)state;
  struct rig r;
  char forum[65], draft[33];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  make_draft(us, "incident.notice", "text", draft);
  rig_run(&r, MINUTES(23 * 60));
  json_t *v = look(us, draft, "sent");
  assert_null(json_object_get(v, "at"));
  json_decref(v);
  rig_run(&r, MINUTES(3 * 60));
  assert_int_equal(look_status(us, draft), 404);
  rig_close(&r);
}

/* ---- a draft that can never be sent ---- */

static void drop_form(struct rig *r, const char *kind) {
  for (size_t i = 0; i < r->n_forms; i++)
    if (!strcmp(form_kind(r->forms[i]), kind)) {
      struct form *gone = r->forms[i];
      r->forms[i] = r->forms[--r->n_forms];
      r->forms[r->n_forms] = gone; /* beyond the count: not at hand */
      return;
    }
}

static void test_hopeless(void **state) {
  (void)state;
  struct rig r;
  char forum[65], first[33], second[33];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  make_draft(us, "incident.update", "a report whose form will be gone", first);
  make_draft(us, "incident.notice", "a notice", second);
  assert_int_equal(staged(us), 2);
  rig_stop(us);
  drop_form(&r, "incident.update");
  rig_start(us);
  rig_run(&r, 10000);
  json_t *v = look(us, first, "failed");
  assert_non_null(strstr(str(v, "why"), "incident.update"));
  json_decref(v);
  v = look(us, second, "sent");
  assert_int_equal(strlen(str(v, "id")), 64);
  json_decref(v);
  assert_int_equal(staged(us), 0);
  rig_stop(us);
  rig_start(us);
  json_decref(look(us, first, "failed")); /* for good */
  assert_int_equal(send_draft(us, first), 404);
  r.n_forms++;
  rig_close(&r);
}

/* A forum that stays closed at one start (a card was not pinned) loses no draft that was promised. */
static void test_closed_forum(void **state) {
  (void)state;
  struct rig r;
  char forum[65], draft[33];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  make_draft(us, "incident.notice", "text", draft);
  rig_stop(us);
  us->stranger = TWO[1];
  rig_start(us);
  rig_run(&r, 10000);
  json_t *v = look(us, draft, "moving");
  assert_string_not_equal(str(v, "why"), "");
  json_decref(v);
  rig_stop(us);
  us->stranger = NULL;
  rig_start(us);
  rig_run(&r, 10000);
  json_decref(look(us, draft, "sent"));
  rig_close(&r);
}

/* ---- a log that cannot be signed ---- */

static unsigned notice_in(struct rig_party *p, const char *forum, const char *state) {
  char body[600];
  unsigned status;
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"forum\":\"%s\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\","
           "\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
           forum);
  json_t *v = rig_ask(p, "POST", "/v1/statements?wait=30", body, &status);
  assert_string_equal(str(v, "state"), state);
  json_decref(v);
  return status;
}

/* Both ways round: whichever log is looked at first. */
static void test_sick_log(void **state) {
  (void)state;
  struct rig r;
  char forum[2][65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum[0]);
  rig_forum(&r, forum[1]);
  for (int i = 0; i < 2; i++) {
    r.party[0].sick = forum[i];
    assert_int_equal(notice_in(&r.party[0], forum[i], "accepted"), 201);
    assert_int_equal(notice_in(&r.party[0], forum[1 - i], "delivered"), 201);
    r.party[0].sick = NULL;
    assert_int_equal(notice_in(&r.party[0], forum[i], "delivered"), 201);
  }
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_checked_before),
      cmocka_unit_test(test_resolved),
      cmocka_unit_test(test_no_interleaving),
      cmocka_unit_test(test_staged_bytes_gone),
      cmocka_unit_test(test_idle_upload),
      cmocka_unit_test(test_slow_upload),
      cmocka_unit_test(test_ended_drafts_are_forgotten),
      cmocka_unit_test(test_hopeless),
      cmocka_unit_test(test_closed_forum),
      cmocka_unit_test(test_sick_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
