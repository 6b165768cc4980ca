/*
 * A party whose log a charter closes though it has done nothing wrong: what it said beyond the end counts for nothing,
 * its acknowledgements included, until it says it again in its next epoch (docs/protocol.md, "New versions").
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

static void close_log(struct rig *r, const char *forum, uint64_t size) {
  struct buf changes = {0};
  char version[65];
  rig_closing(&r->party[0], forum, B, size, false, &changes);
  json_t *v = rig_want(&r->party[0], "POST", 201, buf_cstr(&changes), "/v1/forums/%s%s", forum, "/amend");
  snprintf(version, sizeof version, "%s", str_of(v, "version"));
  json_decref(v);
  rig_run(r, 20000);
  json_decref(rig_want(&r->party[1], "POST", 200, "{}", "/v1/forums/%s%s", version, "/accept"));
  rig_run(r, 20000);
  buf_free(&changes);
}

static void has_state(struct rig_party *p, const char *id, const char *state, const char *mark) {
  json_t *v = show_statement(p, id);
  if (strcmp(str_of(v, "state"), state) || strcmp(str_of(v, "mark"), mark))
    fail_msg("%s: %s and “%s” instead of %s and “%s”", p->name, str_of(v, "state"), str_of(v, "mark"), state, mark);
  json_decref(v);
}

static bool is_disputed(struct rig_party *p, const char *id) {
  json_t *v = rig_want(p, "GET", 200, NULL, "/v1/status%s%s", "", "");
  char *text = json_dumps(v, 0);
  const char *list = strstr(text, "\"disputed\": [");
  const bool yes = list && !strncmp(list + 14, id, 64);
  free(text);
  json_decref(v);
  return yes;
}

static void answered(struct rig_party *p, const char *id, const char *how, unsigned want) {
  const char *body = strcmp(how, "/ack") ? "{\"officer\":\"duty\",\"ground\":\"form\"}" : "{\"officer\":\"duty\"}";
  json_decref(rig_want(p, "POST", want, body, "/v1/statements/%s%s", id, how));
  rig_run(p->rig, 5000);
}

static void recovered(struct rig_party *p, const char *outcome) {
  json_t *v = rig_want(p, "POST", 200, "{}", "/v1/recover%s%s", "", "");
  assert_string_equal(str_of(json_array_get(json_object_get(v, "forums"), 0), "outcome"), outcome);
  json_decref(v);
  rig_run(p->rig, 20000);
}

static void test_answers_beyond_the_end(void **state) {
  struct rig r;
  char forum[65], before[65], acked[65], rejected[65], theirs[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  struct rig_party *a = &r.party[0], *b = &r.party[1];
  rig_forum(&r, forum);
  send_delivered(a, forum, before);
  send_delivered(a, forum, acked);
  send_delivered(a, forum, rejected);
  answered(b, before, "/ack", 201);
  const uint64_t size = log_size(b, forum);
  answered(b, acked, "/ack", 201);
  answered(b, rejected, "/reject", 201);
  send_delivered(b, forum, theirs);
  has_state(a, acked, "read", "");
  has_state(b, acked, "acknowledged", "");
  assert_true(is_disputed(a, rejected));
  close_log(&r, forum, size);
  has_state(a, before, "read", ""); /* in the part that counts */
  has_state(a, acked, "delivered", "");
  has_state(b, acked, "received", "");
  has_state(a, theirs, "received", "closed");
  has_state(b, theirs, "delivered", "closed");
  assert_false(is_disputed(a, rejected));
  assert_receipt(a, acked, true); /* it was proved, and binds its author */
  answered(a, theirs, "/ack", 403);
  /* In the closed log nothing more is said; the next one is opened, and counts. */
  answered(b, acked, "/ack", 409);
  char *notice = notice_json(b, forum);
  json_decref(rig_want(b, "POST", 409, notice, "/v1/statements%s%s", "", ""));
  recovered(b, "next-epoch");
  json_decref(rig_want(b, "POST", 201, notice, "/v1/statements%s%s", "", ""));
  free(notice);
  answered(b, acked, "/ack", 201);
  answered(b, rejected, "/ack", 201);
  rig_run(&r, 20000);
  for (int again = 0; again < 2; again++) {
    has_state(a, before, "read", "");
    has_state(a, acked, "read", "");
    has_state(a, rejected, "read", "");
    has_state(b, acked, "acknowledged", "");
    assert_receipt(a, acked, true);
    rig_stop(a);
    rig_start(a);
  }
  answered(b, before, "/ack", 409); /* once is enough */
  recovered(b, "nothing");
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers_beyond_the_end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
