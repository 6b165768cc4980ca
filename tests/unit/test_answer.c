/*
 * The sealed bodies of acknowledgements, rejections and notices of disclosure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forum/answer.h"

static parley_err parse(struct answer_body *out, json_t **body, enum answer what, const char *text, struct errmsg *e) {
  assert_int_equal(json_parse(body, bytes_str(text), 4096, e), PARLEY_OK);
  return answer_body_parse(out, what, *body, e);
}

static void test_kinds(void **state) {
  (void)state;
  for (enum answer a = ANSWER_ACK; a <= ANSWER_DISCLOSED; a++) assert_int_equal(answer_of(answer_kind(a)), a);
  assert_int_equal(answer_of("incident.notice"), ANSWER_NONE);
  assert_int_equal(answer_of(""), ANSWER_NONE);
  assert_int_equal(answer_of("acks"), ANSWER_NONE);
}

static void test_grounds(void **state) {
  (void)state;
  enum ground g;
  for (enum ground k = GROUND_UNREADABLE; k <= GROUND_FILES; k++) {
    assert_true(ground_parse(&g, ground_name(k)));
    assert_int_equal(g, k);
  }
  assert_false(ground_parse(&g, "taste"));
  assert_false(ground_parse(&g, ""));
}

static void test_bodies(void **state) {
  (void)state;
  const struct {
    enum answer what;
    const char *text;
    const char *reasons; /* NULL: none */
  } good[] = {
      {ANSWER_ACK, "{}", NULL},
      {ANSWER_ACK, "{\"note\":\"a word\"}", "a word"},
      {ANSWER_REJECT, "{\"ground\":\"form\"}", NULL},
      {ANSWER_REJECT, "{\"ground\":\"form\",\"reasons\":\"two\\nlines\"}", "two\nlines"},
      {ANSWER_DISCLOSED, "{\"reasons\":\"it must be known\"}", "it must be known"},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct answer_body b;
    struct errmsg e = {""};
    json_t *body;
    if (parse(&b, &body, good[i].what, good[i].text, &e) != PARLEY_OK) fail_msg("%s: %s", good[i].text, e.text);
    if (good[i].reasons)
      assert_string_equal(b.reasons, good[i].reasons);
    else
      assert_null(b.reasons);
    json_t *made = answer_body_make(good[i].what, b.ground, b.reasons);
    assert_true(json_equal(made, body));
    json_decref(made);
    json_decref(body);
  }
}

static void test_refusals(void **state) {
  (void)state;
  const struct {
    enum answer what;
    const char *text, *why;
  } bad[] = {
      {ANSWER_ACK, "{\"ground\":\"form\"}", "ground"},
      {ANSWER_ACK, "{\"note\":1}", "body.note"},
      {ANSWER_REJECT, "{}", "body.ground"},
      {ANSWER_REJECT, "{\"ground\":\"taste\"}", "is none of unreadable"},
      {ANSWER_REJECT, "{\"ground\":7}", "body.ground"},
      {ANSWER_REJECT, "{\"reasons\":\"why\",\"ground\":\"form\"}", "body"},
      {ANSWER_REJECT, "{\"ground\":\"form\",\"reasons\":\"\"}", "body.reasons: has 0 bytes"},
      {ANSWER_REJECT, "{\"ground\":\"form\",\"reasons\":null}", "body.reasons"},
      {ANSWER_REJECT, "{\"ground\":\"form\",\"more\":\"\"}", "more"},
      {ANSWER_DISCLOSED, "{}", "body.reasons: is missing"},
      {ANSWER_DISCLOSED, "{\"reasons\":\"\"}", "body.reasons: has 0 bytes"},
      {ANSWER_DISCLOSED, "{\"ground\":\"form\",\"reasons\":\"x\"}", "ground"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct answer_body b;
    struct errmsg e = {""};
    json_t *body;
    if (parse(&b, &body, bad[i].what, bad[i].text, &e) != PARLEY_EINVAL) fail_msg("%s was taken", bad[i].text);
    if (!strstr(e.text, bad[i].why)) fail_msg("%s: %s", bad[i].text, e.text);
    json_decref(body);
  }
}

static void test_longest_reasons(void **state) {
  (void)state;
  char reasons[REASONS_MAX + 2] = {0};
  struct answer_body b;
  struct errmsg e;
  memset(reasons, 'x', REASONS_MAX);
  for (enum answer a = ANSWER_REJECT; a <= ANSWER_DISCLOSED; a++) {
    json_t *body = answer_body_make(a, GROUND_FILES, reasons);
    assert_int_equal(answer_body_parse(&b, a, body, &e), PARLEY_OK);
    json_decref(body);
  }
  reasons[REASONS_MAX] = 'x';
  for (enum answer a = ANSWER_REJECT; a <= ANSWER_DISCLOSED; a++) {
    json_t *body = answer_body_make(a, GROUND_FILES, reasons);
    assert_int_equal(answer_body_parse(&b, a, body, &e), PARLEY_EINVAL);
    json_decref(body);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_kinds),    cmocka_unit_test(test_grounds),         cmocka_unit_test(test_bodies),
      cmocka_unit_test(test_refusals), cmocka_unit_test(test_longest_reasons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
