/*
 * Forms: the files, what they refuse, and the checks of bodies against them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forum/form.h"
#include "unit/parties.h"

#define FIELD(name, rest)                                                                                              \
  "{\"name\":\"" name "\"," rest                                                                                       \
  ",\"label\":{\"en\":\"L\",\"ru\":\"Л\"},\"help\":{\"en\":\"H\",\"ru\":\"Х\"},\"source\":\"s\"}"
#define FORM(fields)                                                                                                   \
  "{\"kind\":\"test.form\",\"version\":1,\"title\":{\"en\":\"T\",\"ru\":\"Т\"},\"fields\":[" fields "]}"

static struct arena arena;

static int tear_down(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static struct bytes read_text(const char *path) {
  static char text[FORM_SIZE_MAX + 1];
  FILE *f = fopen(path, "rb");
  if (f == NULL) fail_msg("cannot open %s: run from the top of the tree", path);
  size_t n = fread(text, 1, sizeof text, f);
  fclose(f);
  struct bytes copy = arena_copy(&arena, BYTES(text, n));
  assert_non_null(copy.p);
  return copy;
}

static struct form *form_of(struct bytes text) {
  struct errmsg e = {""};
  struct form *f;
  if (form_parse(&f, text, &e) != PARLEY_OK) fail_msg("%s", e.text);
  return f;
}

/* clang-format off */
static const char all_types[] =
    FORM(FIELD("text", "\"type\":\"text\",\"max\":10") ","
         FIELD("line", "\"type\":\"line\",\"required\":true") ","
         FIELD("code", "\"type\":\"code\",\"values\":[\"yes\",\"no\"]") ","
         FIELD("time", "\"type\":\"time\"") ","
         FIELD("precision", "\"type\":\"precision\"") ","
         FIELD("count", "\"type\":\"count\"") ","
         FIELD("country", "\"type\":\"country\",\"list\":true") ","
         FIELD("party", "\"type\":\"party\"") ","
         FIELD("digest", "\"type\":\"digest\",\"list\":false"));
/* clang-format on */

static void test_parse(void **state) {
  (void)state;
  struct form *f = form_of(bytes_str(all_types));
  uint8_t digest[32];
  sha256(digest, bytes_str(all_types));
  assert_string_equal(form_kind(f), "test.form");
  assert_memory_equal(form_digest(f), digest, 32);
  assert_true(bytes_is(form_text(f), all_types));
  assert_string_equal(form_field_name(f, 0), "text");
  assert_string_equal(form_field_name(f, 8), "digest");
  assert_null(form_field_name(f, 9));
  assert_string_equal(form_label(f, 0, "ru"), "Л");
  assert_string_equal(form_label(f, 0, "fr"), "L");
  assert_null(form_label(f, 9, "en"));
  form_free(f);
  form_free(NULL);
}

static void test_label_without_english(void **state) {
  (void)state;
  struct form *f = form_of(bytes_str("{\"kind\":\"a\",\"version\":1,\"title\":{\"fr\":\"t\"},\"fields\":[{\"name\":"
                                     "\"x\",\"type\":\"line\",\"label\":{\"fr\":\"l\"},"
                                     "\"help\":{\"fr\":\"h\"},\"source\":\"s\"}]}"));
  assert_string_equal(form_label(f, 0, "ru"), "x");
  form_free(f);
}

static void test_form_refusals(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"\"version\":1", "\"version\":1,\"x\":1", "form: x: "},
      {"\"version\":1", "\"version\":0", "form: version: "},
      {"\"kind\":\"test.form\"", "\"kind\":\"Test\"", "form: kind: "},
      {"\"kind\":\"test.form\",", "", "form: kind: is missing"},
      {"{\"en\":\"T\",\"ru\":\"Т\"}", "{}", "form: title: must have a text"},
      {"{\"en\":\"T\",\"ru\":\"Т\"}", "{\"English\":\"T\",\"ru\":\"Т\"}",
       "form: fields[0].label.en: the title has no such language"},
      {"{\"en\":\"T\",\"ru\":\"Т\"}", "{\"e\":\"T\"}", "form: title: \"e\" is no language tag"},
      {"{\"en\":\"T\",\"ru\":\"Т\"}", "{\"en\":\"\",\"ru\":\"Т\"}", "form: title.en: must be a text"},
      {"{\"en\":\"L\",\"ru\":\"Л\"}", "{\"en\":\"L\"}", "form: fields[0].label.ru: is missing"},
      {"{\"en\":\"H\",\"ru\":\"Х\"}", "{\"ru\":\"H\"}", "form: fields[0].help.en: is missing"},
      {"\"name\":\"line\"", "\"name\":\"text\"", "form: fields[1].name: \"text\" stands twice"},
      {"\"name\":\"line\"", "\"name\":\"Line\"", "form: fields[1].name: "},
      {"\"type\":\"line\"", "\"type\":\"email\"", "form: fields[1].type: \"email\" is unknown"},
      {"\"max\":10", "\"max\":0", "form: fields[0].max: "},
      {"\"max\":10", "\"max\":65537", "form: fields[0].max: "},
      {"\"type\":\"time\"", "\"type\":\"time\",\"max\":9", "form: fields[3].max: stands only with"},
      {"\"type\":\"time\"", "\"type\":\"time\",\"values\":[\"a\"]", "form: fields[3].values: stands only with"},
      {",\"values\":[\"yes\",\"no\"]", "", "form: fields[2].values: is missing"},
      {"[\"yes\",\"no\"]", "[]", "form: fields[2].values: has 0"},
      {"[\"yes\",\"no\"]", "[\"yes\",\"yes\"]", "form: fields[2].values[1]: \"yes\" stands twice"},
      {"[\"yes\",\"no\"]", "[\"yes\",\"\"]", "form: fields[2].values[1]: no code"},
      {"\"required\":true", "\"required\":1", "form: fields[1].required: must be true or false"},
      {"\"required\":true", "\"requested\":true", "form: fields[1].requested: "},
      {"\"source\":\"s\"", "\"source\":null", "form: fields[0].source: "},
      {"\"source\":\"s\"", "\"source\":\"s\",\"source\":\"t\"", "source"},
      {"\"fields\":[", "\"fields\":[[],", "form: fields[0]: must be an object"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct errmsg e = {""};
    struct form *f = NULL;
    parley_err err = form_parse(&f, bytes_str(replaced(&arena, all_types, cases[i].from, cases[i].to)), &e);
    assert_null(f);
    assert_refused(err, PARLEY_EINVAL, e, cases[i].says);
  }
}

static void test_form_bounds(void **state) {
  (void)state;
  struct errmsg e;
  struct form *f;
  struct buf fields = {0};
  for (int i = 0; i <= FORM_FIELDS_MAX; i++)
    buf_fmt(&fields,
            "%s{\"name\":\"f%d\",\"type\":\"line\",\"label\":{\"en\":\"l\",\"ru\":\"л\"},\"help\":{\"en\":\"h\",\"ru\":"
            "\"п\"},\"source\":\"s\"}",
            i > 0 ? "," : "", i);
  const char *list = buf_cstr(&fields);
  assert_refused(form_parse(&f, bytes_str(replaced(&arena, FORM("@"), "@", list)), &e), PARLEY_EINVAL, e,
                 "fields: has 129 elements");
  assert_refused(form_parse(&f, bytes_str(FORM("")), &e), PARLEY_EINVAL, e, "fields: has 0 elements");
  buf_free(&fields);
  char *space = repeated(&arena, " ", FORM_SIZE_MAX - strlen(all_types));
  form_free(form_of(bytes_str(arena_fmt(&arena, "%s%s", all_types, space))));
  assert_refused(form_parse(&f, bytes_str(arena_fmt(&arena, "%s%s ", all_types, space)), &e), PARLEY_ELIMIT, e,
                 "65536");
}

static parley_err check(const struct form *f, const char *body, struct errmsg *e) {
  json_t *v;
  json_error_t je;
  v = json_loads(body, 0, &je);
  if (v == NULL) fail_msg("%s: %s", body, je.text);
  parley_err err = form_check(f, v, e);
  json_decref(v);
  return err;
}

static void test_bodies(void **state) {
  (void)state;
  static const char *const good[] = {
      "{\"line\":\"x\"}",
      ("{\"line\":\"x\",\"text\":\"a\\nb\\tc\",\"code\":\"no\",\"time\":\"2021-05-07T10:00:00Z\",\"precision\":\"day\","
       "\"count\":0,"
       "\"country\":[\"US\",\"RU\"],\"party\":\"cert.example\",\"digest\":"
       "\"0000000000000000000000000000000000000000000000000000000000000000\"}"),
      "{\"count\":9007199254740991,\"line\":\"x\"}",
      "{\"line\":\"x\",\"text\":\"\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\"}",
  };
  static const struct {
    const char *body, *says;
  } bad[] = {
      {"{}", "body.line: is missing; the form test.form requires it"},
      {"{\"line\":\"\"}", "body.line: is empty"},
      {"{\"line\":\"a\\nb\"}", "body.line: must be one line"},
      {"{\"line\":\"a\\u0085b\"}", "body.line: must be one line"},
      {"{\"line\":7}", "body.line: must be a string"},
      {"{\"line\":[\"x\"]}", "body.line: must be a string"},
      {"{\"line\":null}", "body.line: must be a string"},
      {"{\"line\":\"x\",\"colour\":\"red\"}", "body.colour: the form test.form has no such field"},
      {"{\"line\":\"x\",\"text\":\"12345678901\"}", "body.text: has 11 bytes, allowed are 10"},
      {"{\"line\":\"x\",\"text\":\"a\\rb\"}", "body.text: has a control character"},
      {"{\"line\":\"x\",\"text\":\"a\\u001bb\"}", "body.text: has a control character"},
      {"{\"line\":\"x\",\"text\":\"a\\u009bb\"}", "body.text: has a control character"},
      {"{\"line\":\"x\",\"code\":\"maybe\"}", "body.code: \"maybe\" is not allowed; allowed are yes, no"},
      {"{\"line\":\"x\",\"code\":true}", "body.code: must be a string"},
      {"{\"line\":\"x\",\"time\":\"2021-05-07\"}", "body.time: must be a time"},
      {"{\"line\":\"x\",\"time\":\"2021-02-29T00:00:00Z\"}", "body.time: must be a time"},
      {"{\"line\":\"x\",\"precision\":\"week\"}", "body.precision: allowed are second"},
      {"{\"line\":\"x\",\"count\":-1}", "body.count: must be a whole number"},
      {"{\"line\":\"x\",\"count\":1.0}", "body.count: must be a whole number"},
      {"{\"line\":\"x\",\"count\":\"1\"}", "body.count: must be a whole number"},
      {"{\"line\":\"x\",\"count\":9007199254740992}", "body.count: must be a whole number"},
      {"{\"line\":\"x\",\"country\":\"US\"}", "body.country: must be a list of 1 to 64"},
      {"{\"line\":\"x\",\"country\":[]}", "body.country: must be a list of 1 to 64"},
      {"{\"line\":\"x\",\"country\":[\"US\",\"us\"]}", "body.country[1]: must be two capital letters"},
      {"{\"line\":\"x\",\"country\":[\"USA\"]}", "body.country[0]: must be two capital letters"},
      {"{\"line\":\"x\",\"party\":\"cert\"}", "body.party: must be a party's name"},
      {"{\"line\":\"x\",\"digest\":\"00\"}", "body.digest: must be 64 lower-case hex digits"},
      {"[]", "body: must be an object"},
  };
  struct errmsg e = {""};
  struct form *f = form_of(bytes_str(all_types));
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (check(f, good[i], &e) != PARLEY_OK) fail_msg("%s", e.text);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_refused(check(f, bad[i].body, &e), PARLEY_EINVAL, e, bad[i].says);
  char *list = repeated(&arena, "\"US\",", 65);
  list[strlen(list) - 1] = '\0';
  assert_refused(check(f, arena_fmt(&arena, "{\"line\":\"x\",\"country\":[%s]}", list), &e), PARLEY_EINVAL, e,
                 "body.country: must be a list of 1 to 64");
  assert_int_equal(check(f, arena_fmt(&arena, "{\"line\":\"x\",\"country\":[%s]}", list + 5), &e), PARLEY_OK);
  assert_refused(check(f, arena_fmt(&arena, "{\"line\":\"%s\"}", repeated(&arena, "l", 257)), &e), PARLEY_EINVAL, e,
                 "body.line: has 257 bytes, allowed are 256");
  form_free(f);
}

/* Every form that is shipped parses, under its own name, in English and Russian. */
static void test_shipped_forms(void **state) {
  (void)state;
  static const char *const kinds[] = {"incident.warning", "incident.notice", "incident.update", "incident.report"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    struct form *f = form_of(read_text(arena_fmt(&arena, "forms/%s.json", kinds[i])));
    assert_string_equal(form_kind(f), kinds[i]);
    for (size_t k = 0; form_field_name(f, k) != NULL; k++)
      assert_string_not_equal(form_label(f, k, "ru"), form_label(f, k, "en"));
    form_free(f);
  }
}

/* The same facts keep their names: each form has every field of the one before it. */
static void test_forms_grow(void **state) {
  (void)state;
  static const char *const kinds[] = {"incident.warning", "incident.notice", "incident.update", "incident.report"};
  for (size_t i = 1; i < sizeof kinds / sizeof *kinds; i++) {
    struct form *less = form_of(read_text(arena_fmt(&arena, "forms/%s.json", kinds[i - 1])));
    struct form *more = form_of(read_text(arena_fmt(&arena, "forms/%s.json", kinds[i])));
    for (size_t k = 0; form_field_name(less, k) != NULL; k++)
      assert_string_equal(form_field_name(less, k), form_field_name(more, k));
    form_free(less);
    form_free(more);
  }
}

static void test_example(void **state) {
  (void)state;
  struct errmsg e = {""};
  json_t *body;
  struct form *notice = form_of(read_text("forms/incident.notice.json")),
              *report = form_of(read_text("forms/incident.report.json"));
  assert_int_equal(json_parse(&body, read_text("examples/colonial-pipeline.json"), FORM_SIZE_MAX, &e), PARLEY_OK);
  if (form_check(notice, body, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_refused(form_check(report, body, &e), PARLEY_EINVAL, e, "body.description: is missing");
  assert_int_equal(json_object_del(body, "aware_at"), 0);
  assert_refused(form_check(notice, body, &e), PARLEY_EINVAL, e, "body.aware_at: is missing");
  json_decref(body);
  form_free(notice);
  form_free(report);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parse),         cmocka_unit_test(test_label_without_english),
      cmocka_unit_test(test_form_refusals), cmocka_unit_test(test_form_bounds),
      cmocka_unit_test(test_bodies),        cmocka_unit_test(test_shipped_forms),
      cmocka_unit_test(test_forms_grow),    cmocka_unit_test(test_example),
  };
  return cmocka_run_group_tests(tests, NULL, tear_down);
}
