/* json_parse.c, json_path.c, json_get.c and json_write.c: strict reading, the exact path in each refusal, writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define MAX 100000

static json_t *parse(const char *text) {
  json_t *v = NULL;
  struct errmsg e = {""};
  if (json_parse(&v, bytes_str(text), MAX, &e) != PARLEY_OK) fail_msg("%s: %s", text, e.text);
  return v;
}

/* The text is refused and the message begins with "where: " and contains what. */
static void refused_n(struct bytes text, const char *where, const char *what) {
  json_t *v = NULL;
  struct errmsg e = {""};
  assert_int_equal(json_parse(&v, text, MAX, &e), PARLEY_EINVAL);
  assert_null(v);
  size_t n = strlen(where);
  if (strncmp(e.text, where, n) != 0 || strncmp(e.text + n, ": ", 2) != 0 || strstr(e.text + n, what) == NULL)
    fail_msg("wanted \"%s: … %s\", got \"%s\"", where, what, e.text);
  assert_int_equal(json_parse(&v, text, MAX, NULL), PARLEY_EINVAL);
}

static void refused(const char *text, const char *where, const char *what) { refused_n(bytes_str(text), where, what); }

#define TOP "the JSON document"

static void test_accepted(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{}",
      " {\"a\" : [ ] , \"b\":{} }\r\n\t",
      "{\"max\":9007199254740991,\"min\":-9007199254740991,\"zero\":0}",
      "{\"\":\"\",\"t\":true,\"f\":false,\"n\":null}",
      "{\"\\u00e4\":\"\\ud83d\\ude00 \\/ \\\" \\\\ \\b\"}",
      "{\"same\":{\"x\":1},\"other\":{\"x\":1}}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) json_decref(parse(texts[i]));
}

static void test_top_must_be_object(void **state) {
  (void)state;
  static const char *const texts[] = {"[]", "", " ", "1", "\"a\"", "null", "true"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) refused(texts[i], TOP, "");
  refused("[]", TOP, "must be an object");
}

static void test_syntax(void **state) {
  (void)state;
  refused("{", TOP, "line 1");
  refused("{\"a\":1", "a", "not valid JSON");
  refused("{\"a\":1}}", TOP, "not valid JSON");
  refused("{\"a\":1} {}", TOP, "not valid JSON");
  refused("{\"a\":{\"b\":[1,2,]}}", "a.b[2]", "not valid JSON");
  refused("{\"a\":\n{\"b\":[1 2]}}", "a.b[0]", "line 2");
  refused("{\"a\":01}", "a", "not valid JSON");
  refused("{\"a\":+1}", "a", "not valid JSON");
  refused("{\"a\":NaN}", "a", "not valid JSON");
  refused("{'a':1}", TOP, "not valid JSON");
  refused("{\"a\":1,}", "a", "not valid JSON");
  refused("{\"a\":\"x\ny\"}", "a", "not valid JSON");
  refused("{\"a\":\"\\x\"}", "a", "not valid JSON");
  refused("\xef\xbb\xbf{}", TOP, "not valid JSON"); /* byte order mark */
  refused("{/* no */}", TOP, "not valid JSON");
}

static void test_duplicates(void **state) {
  (void)state;
  refused("{\"a\":1,\"a\":1}", "a", "twice");
  refused("{\"b\":{\"c\":[0,{\"d\":1,\"e\":[],\"d\":2}]}}", "b.c[1].d", "twice");
  refused("{\"a\":1,\"\\u0061\":2}", "\\u0061", "twice"); /* two spellings of one name */
}

static void test_numbers(void **state) {
  (void)state;
  refused("{\"a\":1.0}", "a", "fractions");
  refused("{\"a\":{\"b\":[1,{\"c\":-0.5}]}}", "a.b[1].c", "fractions");
  refused("{\"a\":[1e2]}", "a[0]", "fractions");
  refused("{\"a\":[0,0,1E-2]}", "a[2]", "fractions");
  refused("{\"a\":{\"n\":9007199254740992}}", "a.n", "2^53");
  refused("{\"a\":[1,-9007199254740992]}", "a[1]", "2^53");
  refused("{\"a\":[1,9223372036854775808]}", "a[1]", "2^53");
  refused("{\"a\":[1,-99999999999999999999999]}", "a[1]", "2^53");
  refused("{\"a\":1e999}", "a", "2^53");
}

static void test_text(void **state) {
  (void)state;
  refused("{\"a\":{\"b\":\"\\ud800\"}}", "a.b", "uD800");
  refused("{\"a\":[\"\\udc00\"]}", "a[0]", "uDC00");
  refused("{\"a\":[\"\\ud800\\u0041\"]}", "a[0]", "");
  refused("{\"a\":[0,\"\\ud800x\"]}", "a[1]", "");
  refused("{\"a\":\"\\u0000\"}", "a", "NUL");
  refused("{\"a\":{\"x\\u0000y\":1}}", "a.x\\u0000y", "NUL");
  refused_n(BYTES("{\"a\":\"\0\"}", 9), "a", "");
  refused_n(BYTES("{\"a\":1}\0", 8), TOP, "");
  refused("{\"a\":[\"ok\",\"\xff\"]}", "a[1]", "UTF-8");
  refused("{\"a\":\"\xed\xa0\x80\"}", "a", "UTF-8"); /* a surrogate in UTF-8 */
  refused("{\"a\":\"\xc0\xaf\"}", "a", "UTF-8");
  refused("{\"a\":{\"q\":\"\xef\xbf\xbf\"}}", "a.q", "forbids"); /* U+FFFF */
  refused("{\"a\":[\"\\ufdd0\"]}", "a[0]", "forbids");
  refused("{\"a\":{\"\xef\xb7\xaf\":1}}", "a.???", "forbids"); /* U+FDEF: err_set makes it readable */
  json_decref(parse("{\"a\":\"\xef\xbf\xbd \xf0\x9f\xbf\xbd\"}"));
}

static void nest(struct buf *out, size_t arrays, const char *leaf) {
  buf_str(out, "{\"a\":");
  for (size_t i = 0; i < arrays; i++) buf_str(out, "[");
  buf_str(out, leaf);
  for (size_t i = 0; i < arrays; i++) buf_str(out, "]");
  buf_str(out, "}");
}

static void test_depth(void **state) {
  (void)state;
  struct buf text = {0}, where = {0};
  nest(&text, JSON_DEPTH_MAX - 1, "1"); /* with the object exactly 32 */
  json_decref(parse(buf_cstr(&text)));
  buf_clear(&text);
  nest(&text, JSON_DEPTH_MAX, "1");
  buf_str(&where, "a");
  for (size_t i = 0; i < JSON_DEPTH_MAX - 1; i++) buf_str(&where, "[0]");
  refused(buf_cstr(&text), buf_cstr(&where), "32 levels");
  buf_clear(&text);
  nest(&text, 20000, "");
  refused(buf_cstr(&text), buf_cstr(&where), "32 levels");
  buf_clear(&text);
  nest(&text, 1, "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ \\\" [[[[[[[[[[[[\""); /* brackets in a string */
  json_decref(parse(buf_cstr(&text)));
  buf_free(&text);
  buf_free(&where);
}

static void test_size_bound(void **state) {
  (void)state;
  json_t *v;
  assert_int_equal(json_parse(&v, bytes_str("{}"), 2, NULL), PARLEY_OK);
  json_decref(v);
  assert_int_equal(json_parse(&v, bytes_str("{} "), 2, NULL), PARLEY_ELIMIT);
  assert_null(v);
}

/* Paths longer than the buffer are cut, never overrun. */
static void test_long_path(void **state) {
  (void)state;
  struct buf text = {0};
  buf_str(&text, "{\"");
  for (int i = 0; i < 600; i++) buf_str(&text, "n");
  buf_str(&text, "\":[{\"deep\":[1.5]}]}");
  json_t *v;
  struct errmsg e = {""};
  assert_int_equal(json_parse(&v, buf_view(&text), MAX, &e), PARLEY_EINVAL);
  assert_non_null(strstr(e.text, "nnnn"));
  buf_free(&text);
}

static void test_getters(void **state) {
  (void)state;
  json_t *v =
      parse("{\"s\":\"x\",\"i\":5,\"o\":{},\"a\":[1,2],\"h\":\"00ff\",\"b\":\"AP8=\",\"t\":\"1970-01-01T00:00:01Z\"}");
  const char *s = NULL;
  int64_t i = 0, t = 0;
  uint8_t two[2];
  json_t *o = NULL, *a = NULL;
  assert_int_equal(json_get_str(&s, v, "", "s", NULL), PARLEY_OK);
  assert_string_equal(s, "x");
  assert_int_equal(json_get_int(&i, v, "", "i", 5, 5, NULL), PARLEY_OK);
  assert_int_equal(i, 5);
  assert_int_equal(json_get_obj(&o, v, "", "o", NULL), PARLEY_OK);
  assert_true(json_is_object(o));
  assert_int_equal(json_get_arr(&a, v, "", "a", 2, 2, NULL), PARLEY_OK);
  assert_int_equal(json_array_size(a), 2);
  assert_int_equal(json_get_hex(two, 2, v, "", "h", NULL), PARLEY_OK);
  assert_memory_equal(two, "\x00\xff", 2);
  memset(two, 1, 2);
  assert_int_equal(json_get_b64(two, 2, v, "", "b", NULL), PARLEY_OK);
  assert_memory_equal(two, "\x00\xff", 2);
  assert_int_equal(json_get_time(&t, v, "", "t", NULL), PARLEY_OK);
  assert_int_equal(t, 1);
  json_decref(v);
}

static void test_absent(void **state) {
  (void)state;
  json_t *v = parse("{}"), *o = v;
  struct errmsg e;
  const char *s = "unchanged";
  int64_t i = 7;
  uint8_t byte;
  assert_int_equal(json_get_str_opt(&s, v, "", "s", &e), PARLEY_OK);
  assert_string_equal(s, "unchanged");
  assert_int_equal(json_get_int_opt(&i, v, "", "i", 0, 1, &e), PARLEY_OK);
  assert_int_equal(i, 7);
  assert_int_equal(json_get_arr_opt(&o, v, "", "a", 1, &e), PARLEY_OK);
  assert_null(o);
  assert_int_equal(json_get_str(&s, v, "body", "s", &e), PARLEY_EINVAL);
  assert_string_equal(e.text, "body.s: is missing; add it");
  assert_int_equal(json_get_int(&i, v, "", "i", 0, 1, &e), PARLEY_EINVAL);
  assert_string_equal(e.text, "i: is missing; add it");
  assert_int_equal(json_get_obj(&o, v, "a[3]", "o", &e), PARLEY_EINVAL);
  assert_string_equal(e.text, "a[3].o: is missing; add it");
  assert_int_equal(json_get_arr(&o, v, "", "x", 0, 1, &e), PARLEY_EINVAL);
  assert_int_equal(json_get_hex(&byte, 1, v, "", "x", &e), PARLEY_EINVAL);
  assert_int_equal(json_get_b64(&byte, 1, v, "", "x", &e), PARLEY_EINVAL);
  assert_int_equal(json_get_time(&i, v, "", "x", &e), PARLEY_EINVAL);
  json_decref(v);
}

static void test_wrong_types(void **state) {
  (void)state;
  json_t *v = parse("{\"s\":\"zz\",\"i\":5,\"a\":[1,2],\"n\":null,\"up\":\"FF\"}"), *o;
  struct errmsg e;
  const char *s;
  int64_t i;
  uint8_t byte;
  assert_int_equal(json_get_str(&s, v, "p", "i", &e), PARLEY_EINVAL);
  assert_string_equal(e.text, "p.i: must be a string");
  assert_int_equal(json_get_str_opt(&s, v, "", "n", &e), PARLEY_EINVAL); /* null is not absent */
  assert_int_equal(json_get_int(&i, v, "p", "i", 6, 9, &e), PARLEY_EINVAL);
  assert_string_equal(e.text, "p.i: must be a whole number from 6 to 9");
  assert_int_equal(json_get_int(&i, v, "", "i", -9, 4, &e), PARLEY_EINVAL);
  assert_int_equal(json_get_int_opt(&i, v, "", "s", 0, 9, &e), PARLEY_EINVAL);
  assert_int_equal(json_get_obj(&o, v, "", "a", &e), PARLEY_EINVAL);
  assert_int_equal(json_get_arr(&o, v, "q", "a", 3, 4, &e), PARLEY_EINVAL);
  assert_string_equal(e.text, "q.a: has 2 elements, allowed are 3 to 4");
  assert_int_equal(json_get_arr(&o, v, "", "a", 0, 1, &e), PARLEY_EINVAL);
  assert_int_equal(json_get_arr_opt(&o, v, "", "s", 9, &e), PARLEY_EINVAL);
  assert_null(o);
  assert_int_equal(json_get_hex(&byte, 1, v, "", "up", &e), PARLEY_EINVAL);
  assert_string_equal(e.text, "up: must be 2 digits of lower-case hexadecimal");
  assert_int_equal(json_get_b64(&byte, 1, v, "", "s", &e), PARLEY_EINVAL);
  assert_int_equal(json_get_time(&i, v, "", "s", &e), PARLEY_EINVAL);
  json_decref(v);
}

static void test_only(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", NULL};
  json_t *v = parse("{\"a\":1}"), *w = parse("{\"a\":1,\"c\":2}");
  struct errmsg e;
  assert_int_equal(json_only(v, "", names, &e), PARLEY_OK);
  assert_int_equal(json_only(w, "body.x[0]", names, &e), PARLEY_EINVAL);
  assert_string_equal(e.text, "body.x[0].c: is not known here; remove it");
  json_decref(v);
  json_decref(w);
}

static void test_write(void **state) {
  (void)state;
  json_t *v = json_object();
  struct buf out = {0};
  assert_true(json_put_str(v, "z", "\xc3\xa4/\"\n"));
  assert_true(json_put_int(v, "a", -3));
  assert_true(json_put_hex(v, "h", "\x00\xff", 2));
  assert_true(json_put_b64(v, "b", "\x00\xff", 2));
  assert_true(json_put_hex(v, "h0", NULL, 0));
  assert_true(json_put_b64(v, "b0", NULL, 0));
  assert_true(json_put_time(v, "t", 1));
  assert_false(json_put_str(v, "bad", "\xff"));
  assert_true(json_write(&out, v));
  assert_string_equal(buf_cstr(&out),
                      "{\"z\":\"\xc3\xa4/\\\"\\n\",\"a\":-3,\"h\":\"00ff\",\"b\":\"AP8=\",\"h0\":\"\",\"b0\":\"\","
                      "\"t\":\"1970-01-01T00:00:01Z\"}");
  json_t *back = parse(buf_cstr(&out));
  assert_true(json_equal(v, back));
  json_decref(back);
  buf_clear(&out);
  json_t *small = parse("{\"a\":[1]}");
  assert_true(json_write_pretty(&out, small));
  assert_string_equal(buf_cstr(&out), "{\n  \"a\": [\n    1\n  ]\n}\n");
  out.failed = true;
  assert_false(json_write(&out, small));
  json_decref(small);
  json_decref(v);
  buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accepted),  cmocka_unit_test(test_top_must_be_object),
      cmocka_unit_test(test_syntax),    cmocka_unit_test(test_duplicates),
      cmocka_unit_test(test_numbers),   cmocka_unit_test(test_text),
      cmocka_unit_test(test_depth),     cmocka_unit_test(test_size_bound),
      cmocka_unit_test(test_long_path), cmocka_unit_test(test_getters),
      cmocka_unit_test(test_absent),    cmocka_unit_test(test_wrong_types),
      cmocka_unit_test(test_only),      cmocka_unit_test(test_write),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
