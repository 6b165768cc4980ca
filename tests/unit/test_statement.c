/*
 * Statements: entries written and read again, the rules of each member, signatures and size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forum/statement.h"
#include "unit/parties.h"

#define ORIGIN_TEXT "cert.ru.example/1111111111111111111111111111111111111111111111111111111111111111/0"

static struct party us, ru;
static struct arena arena;

static int set_up(void **state) {
  (void)state;
  party_open(&us, "cert.us.example", 1);
  party_open(&ru, "cert.ru.example", 2);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  party_close(&us);
  party_close(&ru);
  arena_free(&arena);
  return 0;
}

static void *take(size_t n) {
  void *p = arena_alloc(&arena, n);
  assert_non_null(p);
  return p;
}

/* A sealed notice from us to ru and one more, with every optional member. */
static struct statement notice(void) {
  struct statement s = {.status = STATUS_EXERCISE,
                        .issued = 1620381600,
                        .has_thread = true,
                        .n_re = 2,
                        .precedence = IMMEDIATE,
                        .tlp = TLP_AMBER_STRICT,
                        .answer_by = 1620468000,
                        .n_to = 2,
                        .n_heard = 1,
                        .n_held = 1,
                        .n_attach = 2,
                        .has_bulk = true,
                        .bulk_size = 5};
  memset(s.forum, 0x11, 32);
  memset(s.charter, 0x22, 32);
  memset(s.nonce, 0xA5, 16);
  memset(s.thread, 0x33, 32);
  memset(s.re[0], 0x44, 32);
  memset(s.re[1], 0x55, 32);
  memset(s.bulk_root.b, 0x66, 32);
  memset(s.body_sha256, 0x77, 32);
  strcpy(s.from, "cert.us.example");
  strcpy(s.kind, "incident.notice");
  strcpy(s.desk, "judicial");
  strcpy(s.lang, "en");
  strcpy(s.officer, "duty officer");
  s.to = take(2 * sizeof *s.to);
  strcpy(s.to[0], "cert.ru.example");
  strcpy(s.to[1], "cert.cn.example");
  s.heard = take(sizeof *s.heard);
  *s.heard = (struct heard){.party = "cert.ru.example", .epoch = 1, .size = 9007199254740991};
  s.held = take(sizeof *s.held);
  *s.held = (struct held){.origin = ORIGIN_TEXT, .size = 7, .line = "\xe2\x80\x94 cert.us.example/mirror AAAA"};
  s.sealed = bytes_str("age-encryption.org/v1 \x01\xff");
  s.attach[0] = (struct attach){.size = 4096, .first = 0, .count = 1};
  s.attach[1] = (struct attach){.size = 12289, .first = 1, .count = 4};
  return s;
}

static struct statement held_note(void) {
  struct statement s = {.issued = 1620381600, .precedence = ROUTINE, .tlp = TLP_RED};
  strcpy(s.from, "cert.us.example");
  strcpy(s.kind, "forum.held");
  strcpy(s.lang, "en");
  s.body = json_object();
  assert_non_null(s.body);
  return s;
}

static struct statement ack(void) {
  struct statement s = {.issued = 1620381600, .precedence = FLASH, .tlp = TLP_RED, .n_re = 1, .n_to = 1};
  strcpy(s.from, "cert.us.example");
  strcpy(s.kind, "ack");
  strcpy(s.lang, "en");
  strcpy(s.officer, "duty");
  s.to = take(sizeof *s.to);
  strcpy(s.to[0], "cert.ru.example");
  s.sealed = bytes_str("x");
  return s;
}

static char *payload_for(const struct statement *s) {
  struct errmsg e = {""};
  struct buf out = {0};
  if (statement_payload(&out, s, &e) != PARLEY_OK) fail_msg("%s", e.text);
  struct bytes b = arena_take(&arena, &out);
  char *text = arena_cstr(&arena, b);
  assert_non_null(text);
  return text;
}

static parley_err parse(struct statement *out, const char *payload, struct errmsg *e) {
  struct buf entry = {0};
  parley_err err = statement_entry(&entry, bytes_str(payload), us.statement, e);
  if (err == PARLEY_OK) err = statement_parse(out, &arena, buf_view(&entry), NULL, e);
  buf_free(&entry);
  return err;
}

static void test_round_trip(void **state) {
  (void)state;
  struct errmsg e = {""};
  struct statement s = notice(), t;
  if (parse(&t, payload_for(&s), &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_memory_equal(t.forum, s.forum, 32);
  assert_memory_equal(t.charter, s.charter, 32);
  assert_string_equal(t.from, s.from);
  assert_string_equal(t.kind, s.kind);
  assert_int_equal(t.status, s.status);
  assert_int_equal(t.issued, s.issued);
  assert_memory_equal(t.nonce, s.nonce, 16);
  assert_true(t.has_thread);
  assert_memory_equal(t.thread, s.thread, 32);
  assert_int_equal(t.n_re, 2);
  assert_memory_equal(t.re[1], s.re[1], 32);
  assert_int_equal(t.precedence, IMMEDIATE);
  assert_int_equal(t.tlp, TLP_AMBER_STRICT);
  assert_int_equal(t.answer_by, s.answer_by);
  assert_int_equal(t.n_to, 2);
  assert_string_equal(t.to[1], "cert.cn.example");
  assert_string_equal(t.desk, "judicial");
  assert_true(t.heard[0].size == 9007199254740991 && t.heard[0].epoch == 1);
  assert_string_equal(t.held[0].origin, ORIGIN_TEXT);
  assert_string_equal(t.held[0].line, s.held[0].line);
  assert_null(t.body);
  assert_true(bytes_eq(t.sealed, s.sealed));
  assert_memory_equal(t.body_sha256, s.body_sha256, 32);
  assert_int_equal(t.n_attach, 2);
  assert_true(t.attach[1].size == 12289 && t.attach[1].first == 1 && t.attach[1].count == 4);
  assert_true(t.has_bulk && t.bulk_size == 5);
  assert_string_equal(t.officer, "duty officer");
  assert_string_equal(payload_for(&t), payload_for(&s));
  statement_clear(&t);
  assert_null(t.to);
}

/* docs/protocol.md, "Statement": every member, in this order, and those only that are there. */
static void test_payload_text(void **state) {
  (void)state;
  struct statement s = held_note();
  const char *zeroes = "0000000000000000000000000000000000000000000000000000000000000000";
  const char *want = arena_fmt(
      &arena,
      "{\"forum\":\"%s\",\"charter\":\"%s\",\"from\":\"cert.us.example\",\"kind\":\"forum.held\",\"status\":\"actual\","
      "\"issued\":\"2021-05-07T10:00:00Z\",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"precedence\":\"ROUTINE\",\"tlp\":"
      "\"red\",\"to\":[],"
      "\"lang\":\"en\",\"body\":{}}",
      zeroes, zeroes);
  assert_string_equal(payload_for(&s), want);
  strcpy(s.desk, "duty");
  assert_string_equal(payload_for(&s), want);
  statement_clear(&s);
  static const char *const order[] = {"forum",       "charter", "from",  "kind",       "status", "issued",
                                      "nonce",       "thread",  "re",    "precedence", "tlp",    "answer_by",
                                      "to",          "desk",    "heard", "held",       "lang",   "sealed",
                                      "body_sha256", "attach",  "bulk",  "officer"};
  s = notice();
  const char *at = payload_for(&s);
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    at = strstr(at, arena_fmt(&arena, "\"%s\":", order[i]));
    if (at == NULL) fail_msg("%s is not in its place", order[i]);
  }
}

/* What is written directly is what jansson would write, whatever stands in the text. */
static void test_escapes(void **state) {
  (void)state;
  struct errmsg e = {""};
  struct statement s = notice(), t;
  strcpy(s.held[0].line, "a\"b\\c/d \xd1\x8f \xf0\x9f\x93\x9c {[");
  strcpy(s.officer, "\"quoted\"");
  const char *payload = payload_for(&s);
  json_t *tree;
  struct buf again = {0};
  assert_int_equal(json_parse(&tree, bytes_str(payload), ENTRY_MAX, &e), PARLEY_OK);
  assert_true(json_write(&again, tree));
  assert_true(bytes_is(buf_view(&again), payload));
  json_decref(tree);
  buf_free(&again);
  assert_int_equal(parse(&t, payload, &e), PARLEY_OK);
  assert_string_equal(t.held[0].line, s.held[0].line);
  assert_string_equal(t.officer, "\"quoted\"");
  statement_clear(&t);
}

struct refusal {
  const char *from, *to, *says;
};

static void check_refusals(const char *good, const struct refusal *cases, size_t n) {
  struct statement t;
  struct errmsg e = {""};
  if (parse(&t, good, &e) != PARLEY_OK) fail_msg("%s", e.text);
  statement_clear(&t);
  for (size_t i = 0; i < n; i++) {
    parley_err err = parse(&t, replaced(&arena, good, cases[i].from, cases[i].to), &e);
    assert_refused(err, PARLEY_EINVAL, e, cases[i].says);
    assert_null(t.body);
  }
}

static void test_refusals(void **state) {
  (void)state;
  static const struct refusal cases[] = {
      {"{\"forum\"", "{\"x\":1,\"forum\"", "statement: x: "},
      {"\"kind\":\"incident.notice\",\"status\":\"exercise\"", "\"status\":\"exercise\",\"kind\":\"incident.notice\"",
       "statement: kind: stands after \"status\""},
      {"\"status\":\"exercise\"", "\"status\":\"exercise\",\"status\":\"actual\"", "status"},
      {"\"forum\":\"1", "\"forum\":\"A", "statement: forum: "},
      {"\"charter\":\"22", "\"charter\":\"", "statement: charter: "},
      {"\"from\":\"cert.us.example\"", "\"from\":\"us\"", "statement: from: no party's name"},
      {"\"kind\":\"incident.notice\"", "\"kind\":\"incident-notice\"", "statement: kind: must be lower-case words"},
      {"\"kind\":\"incident.notice\"", "\"kind\":\"abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuv\"",
       "statement: kind: has 49 bytes"},
      {"\"status\":\"exercise\"", "\"status\":\"drill\"", "statement: status: must be actual"},
      {"10:00:00Z", "10:00:00+00:00", "statement: issued: "},
      {"10:00:00Z", "10:00:60Z", "statement: issued: "},
      {"paWlpQ==", "paWlpR==", "statement: nonce: "},
      {"paWlpQ==", "paWlpQ", "statement: nonce: "},
      {"\"thread\":\"", "\"thread\":\"0", "statement: thread: "},
      {"\"thread\":\"3333333333333333333333333333333333333333333333333333333333333333\"", "\"thread\":null",
       "statement: thread: "},
      {"\"re\":[\"4", "\"re\":[\"X", "statement: re[0]: no digest"},
      {"\"re\":[", "\"re\":[7,", "statement: re[0]: must be a string"},
      {"\"precedence\":\"IMMEDIATE\"", "\"precedence\":\"immediate\"", "statement: precedence: must be FLASH"},
      {"\"tlp\":\"amber+strict\"", "\"tlp\":\"white\"", "statement: tlp: must be clear"},
      {"\"answer_by\":\"2021-05-08T10:00:00Z\"", "\"answer_by\":\"1970-01-01T00:00:00Z\"", "statement: answer_by: "},
      {"\"to\":[\"cert.ru.example\",\"cert.cn.example\"]", "\"to\":[]", "statement: to: is empty"},
      {"\"to\":[\"cert.ru.example\",\"cert.cn.example\"]", "\"to\":[\"cert.ru.example\",\"cert.ru.example\"]",
       "statement: to: cert.ru.example stands twice"},
      {"\"to\":[\"cert.ru.example\",\"cert.cn.example\"]", "\"to\":[\"cert.ru.example\",\"cert.us.example\"]",
       "statement: to[1]: is cert.us.example, the author"},
      {"\"to\":[\"cert.ru.example\",\"cert.cn.example\"]", "\"to\":[\"cert.ru.example\",\"cn\"]",
       "statement: to[1]: no party's name"},
      {"\"to\":[\"cert.ru.example\",\"cert.cn.example\"]", "\"to\":\"cert.ru.example\"",
       "statement: to: must be an array"},
      {"\"desk\":\"judicial\"", "\"desk\":\"Judicial\"", "statement: desk: must be of a-z"},
      {"\"desk\":\"judicial\"", "\"desk\":\"\"", "statement: desk: has 0 bytes"},
      {"\"size\":9007199254740991", "\"size\":9007199254740992", "heard[0].size"},
      {"\"epoch\":1", "\"epoch\":1.5", "heard[0].epoch"},
      {"\"epoch\":1", "\"epoch\":1,\"x\":2", "statement: heard[0].x: "},
      {"\"party\":\"cert.ru.example\"", "\"party\":\"ru\"", "statement: heard[0].party: "},
      {"{\"party\":\"cert.ru.example\",\"epoch\":1", "{\"epoch\":1,\"party\":\"cert.ru.example\"",
       "statement: heard[0].party: stands after \"epoch\""},
      {"\"origin\":\"cert.ru.example/", "\"origin\":\"ru/", "statement: held[0].origin: must be"},
      {"\"line\":\"", "\"line\":\"\\n", "statement: held[0].line: must be one signature line"},
      {"\"size\":7", "\"size\":-7", "statement: held[0].size: "},
      {"\"lang\":\"en\"", "\"lang\":\"e\"", "statement: lang: must be a language tag"},
      {"\"lang\":\"en\"", "\"lang\":\"en-GB-oed\"", "statement: lang: has 9 bytes"},
      {"\"sealed\":\"", "\"sealed\":\"=", "statement: sealed: must be the padded base64"},
      {"\"sealed\":\"", "\"sealed\":\"\\n", "statement: sealed: must be the padded base64"},
      {"\"sealed\":", "\"body\":{},\"sealed\":",
       "statement: body: a statement of kind incident.notice has a sealed body"},
      {"\"body_sha256\":\"7", "\"body_sha256\":\"g", "statement: body_sha256: "},
      {"\"size\":4096", "\"size\":4097", "statement: attach[0].count: is 1, but 4097 bytes make 2 entries"},
      {"\"size\":4096,\"first\":0,\"count\":1", "\"size\":0,\"first\":0,\"count\":0", "statement: attach[0].count: "},
      {"\"first\":1", "\"first\":2", "statement: attach[1]: its entries end after bulk.size, 5"},
      {"\"first\":1", "\"first\":6", "statement: attach[1]: its entries end after bulk.size, 5"},
      {"\"first\":1,", "", "statement: attach[1].first: is missing"},
      {"\"bulk\":{\"size\":5", "\"bulk\":{\"size\":5.0", "bulk.size"},
      {"\"bulk\":{\"size\":5", "\"bulk\":{\"size\":5,\"x\":0", "statement: bulk.x: "},
      {"\"officer\":\"duty officer\"", "\"officer\":\"duty\\tofficer\"", "statement: officer: must be one line"},
      {"\"officer\":\"duty officer\"", "\"officer\":\"\"", "statement: officer: has 0 bytes"},
  };
  struct statement s = notice();
  check_refusals(payload_for(&s), cases, sizeof cases / sizeof *cases);
}

/* attach without bulk, bulk without attach. */
static void test_bulk_goes_with_attach(void **state) {
  (void)state;
  struct statement s = notice(), t;
  struct errmsg e;
  const char *good = payload_for(&s);
  char *attach = arena_fmt(&arena, "%.*s", (int)(strstr(good, "\"bulk\"") - strstr(good, "\"attach\"")),
                           strstr(good, "\"attach\""));
  char *bulk = arena_fmt(&arena, "%.*s", (int)(strstr(good, "\"officer\"") - strstr(good, "\"bulk\"")),
                         strstr(good, "\"bulk\""));
  assert_refused(parse(&t, replaced(&arena, good, attach, ""), &e), PARLEY_EINVAL, e,
                 "statement: bulk: stands with attach");
  assert_refused(parse(&t, replaced(&arena, good, bulk, ""), &e), PARLEY_EINVAL, e,
                 "statement: bulk: stands with attach");
  assert_int_equal(parse(&t, replaced(&arena, replaced(&arena, good, bulk, ""), attach, ""), &e), PARLEY_OK);
  assert_false(t.has_bulk);
  statement_clear(&t);
  s.has_bulk = false;
  struct buf out = {0};
  assert_refused(statement_payload(&out, &s, &e), PARLEY_EINVAL, e, "bulk: is missing");
  buf_free(&out);
}

static void test_list_bounds(void **state) {
  (void)state;
  struct errmsg e;
  struct statement s = notice(), t;
  const char *good = payload_for(&s), *re = arena_fmt(&arena, "\"%s\",", repeated(&arena, "4", 64)),
             *short_re = strstr(good, "\"re\":[") + 6;
  char *sixteen = repeated(&arena, re, 14), *seventeen = repeated(&arena, re, 15);
  char *from = arena_fmt(&arena, "%.8s", short_re);
  assert_int_equal(parse(&t, replaced(&arena, good, from, arena_fmt(&arena, "%s%s", sixteen, from)), &e), PARLEY_OK);
  assert_int_equal(t.n_re, 16);
  statement_clear(&t);
  assert_refused(parse(&t, replaced(&arena, good, from, arena_fmt(&arena, "%s%s", seventeen, from)), &e), PARLEY_EINVAL,
                 e, "re: has 17 elements");
  char *only = arena_fmt(&arena, "%.*s", (int)(strchr(short_re, ']') - short_re), short_re);
  assert_refused(parse(&t, replaced(&arena, good, only, ""), &e), PARLEY_EINVAL, e, "re: has 0 elements");
  struct buf to = {0};
  for (int i = 0; i < 191; i++) buf_fmt(&to, "\"a%d.b\",", i);
  const char *names = buf_cstr(&to);
  assert_refused(parse(&t, replaced(&arena, good, "\"to\":[", arena_fmt(&arena, "\"to\":[%s", names)), &e),
                 PARLEY_EINVAL, e, "to: has 193 elements");
  assert_int_equal(
      parse(&t, replaced(&arena, good, "\"to\":[\"cert.ru.example\",", arena_fmt(&arena, "\"to\":[%s", names)), &e),
      PARLEY_OK);
  assert_int_equal(t.n_to, 192);
  assert_string_equal(t.to[190], "a190.b");
  statement_clear(&t);
  char *twice = replaced(&arena, arena_strdup(&arena, names), "\"a7.b\"", "\"a150.b\"");
  assert_refused(
      parse(&t, replaced(&arena, good, "\"to\":[\"cert.ru.example\",", arena_fmt(&arena, "\"to\":[%s", twice)), &e),
      PARLEY_EINVAL, e, "to: a150.b stands twice");
  buf_free(&to);
}

static void test_open_kinds(void **state) {
  (void)state;
  static const struct refusal of_held[] = {
      {"\"body\":{}", "\"body\":{\"x\":1}", "statement: body: must be {}"},
      {"\"body\":{}", "\"body\":[]", "statement: body: must be an object"},
      {",\"body\":{}", "", "statement: body: is missing"},
      {"\"body\":{}", "\"sealed\":\"AAAA\"", "statement: sealed: a statement of kind forum.held has an open body"},
      {"\"body\":{}", "\"body\":{},\"body_sha256\":\"00\"",
       "statement: sealed: a statement of kind forum.held has an open body"},
  };
  static const struct refusal of_charter[] = {
      {"\"to\":[]", "\"to\":[\"a.b\"]", "statement: to: must be empty in a forum.charter"},
      {"\"part\":1", "\"part\":2", "statement: body.part: must be a whole number from 0 to 1"},
      {"\"part\":1,\"parts\":2", "\"parts\":2,\"part\":1", "statement: body.part: stands after"},
      {"\"parts\":2", "\"parts\":0", "statement: body.parts: "},
      {"\"data\":\"AAAA\"", "\"data\":\"\"", "statement: body.data: "},
      {"\"data\":\"AAAA\"", "\"data\":\"AAA\"", "statement: body.data: "},
      {"\"data\":\"AAAA\"", "\"data\":\"AAAA\",\"x\":1", "statement: body.x: "},
  };
  static const struct refusal of_card[] = {
      {"\"to\":[]", "\"to\":[\"a.b\"]", "statement: to: must be empty in a forum.card"},
      {"[\"AAAA\"]", "[]", "statement: body.cards: has 0 elements"},
      {"[\"AAAA\"]", "[\"AAA\"]", "statement: body.cards[0]: must be the padded base64"},
  };
  static const struct refusal of_epoch[] = {
      {"\"to\":[]", "\"to\":[\"a.b\"]", "statement: to: must be empty in a forum.epoch"},
      {"\"epoch\":0", "\"epoch\":-1", "statement: body.epoch: must be a whole number from 0"},
      {"\"epoch\":0,\"size\":7", "\"size\":7,\"epoch\":0", "statement: body.epoch: stands after"},
      {"\"size\":7", "\"size\":\"7\"", "statement: body.size: "},
      {"=\"}", "\"}", "statement: body.root: must be the base64 of 32 bytes"},
      {"=\"}", "=\",\"x\":1}", "statement: body.x: "},
  };
  struct statement s = held_note(), t;
  struct errmsg e;
  check_refusals(payload_for(&s), of_held, sizeof of_held / sizeof *of_held);
  strcpy(s.kind, "forum.charter");
  json_decref(s.body);
  s.body = json_pack("{s:i,s:i,s:s}", "part", 1, "parts", 2, "data", "AAAA");
  const char *good = payload_for(&s);
  check_refusals(good, of_charter, sizeof of_charter / sizeof *of_charter);
  char *largest = arena_fmt(&arena, "%sAAA=", repeated(&arena, "AAAA", 10922)),
       *larger = repeated(&arena, "AAAA", 10923);
  assert_int_equal(parse(&t, replaced(&arena, good, "AAAA\"}", arena_fmt(&arena, "%s\"}", largest)), &e), PARLEY_OK);
  statement_clear(&t);
  assert_refused(parse(&t, replaced(&arena, good, "AAAA\"}", arena_fmt(&arena, "%s\"}", larger)), &e), PARLEY_EINVAL, e,
                 "body.data: ");
  strcpy(s.kind, "forum.card");
  json_decref(s.body);
  s.body = json_pack("{s:[s]}", "cards", "AAAA");
  check_refusals(payload_for(&s), of_card, sizeof of_card / sizeof *of_card);
  strcpy(s.kind, "forum.epoch");
  json_decref(s.body);
  struct forum_epoch epoch = {.size = 7}, same;
  memset(epoch.root.b, 5, sizeof epoch.root.b);
  s.body = forum_epoch_body(&epoch);
  check_refusals(payload_for(&s), of_epoch, sizeof of_epoch / sizeof *of_epoch);
  assert_int_equal(forum_epoch_parse(&same, s.body, &e), PARLEY_OK);
  assert_true(same.epoch == 0 && same.size == 7 && hash_eq(&same.root, &epoch.root));
  statement_clear(&s);
}

static void test_ack(void **state) {
  (void)state;
  static const struct refusal cases[] = {
      {",\"officer\":\"duty\"", "", "statement: officer: is missing"},
      {",\"re\":[\"0000000000000000000000000000000000000000000000000000000000000000\"]", "",
       "statement: re: ack names the one"},
      {"\"re\":[", "\"re\":[\"1111111111111111111111111111111111111111111111111111111111111111\",",
       "statement: re: ack names the one"},
  };
  struct statement s = ack();
  check_refusals(payload_for(&s), cases, sizeof cases / sizeof *cases);
}

/* The long text is read aside; other spellings of the same JSON must give the same, and other members of that name stay. */
static void test_sealed_apart(void **state) {
  (void)state;
  struct errmsg e = {""};
  struct statement s = notice(), t;
  const char *good = payload_for(&s);
  static const char *const spellings[] = {"\"sealed\" : \"", "\"sealed\":\t\"", "\"seal\\u0065d\":\""};
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
    if (parse(&t, replaced(&arena, good, "\"sealed\":\"", spellings[i]), &e) != PARLEY_OK) fail_msg("%s", e.text);
    assert_true(bytes_eq(t.sealed, s.sealed));
    statement_clear(&t);
  }
  static const uint8_t slashes[] = {0xff, 0xff, 0xff};
  s.sealed = BYTES(slashes, 3);
  assert_int_equal(parse(&t, replaced(&arena, payload_for(&s), "\"////\"", "\"\\/\\/\\/\\/\""), &e), PARLEY_OK);
  assert_true(bytes_eq(t.sealed, s.sealed));
  statement_clear(&t);
  assert_refused(parse(&t, replaced(&arena, good, "\"sealed\":", "\"sealed\":\"AAAA\",\"sealed\":"), &e), PARLEY_EINVAL,
                 e, "sealed");
  assert_refused(parse(&t, replaced(&arena, good, "\"sealed\":", "\"sealed\" :\"\",\"sealed\":"), &e), PARLEY_EINVAL, e,
                 "sealed");
  char *moved = replaced(&arena, replaced(&arena, good, "\"sealed\":\"", "\"sealed\" :\"\",\"x\":\""),
                         "\"epoch\":", "\"sealed\":\"AAAA\",\"epoch\":");
  assert_refused(parse(&t, moved, &e), PARLEY_EINVAL, e, "statement: ");
  struct statement open = held_note();
  strcpy(open.kind, "forum.other");
  assert_int_equal(json_object_set_new(open.body, "sealed", json_string("AAAA")), 0);
  assert_int_equal(parse(&t, payload_for(&open), &e), PARLEY_OK);
  assert_true(json_equal(t.body, open.body));
  assert_null(t.sealed.p);
  statement_clear(&t);
  statement_clear(&open);
}

static void test_writer_refusals(void **state) {
  (void)state;
  struct errmsg e;
  struct buf out = {0};
  struct statement s = notice(), open = held_note();
  open.sealed = s.sealed;
  assert_refused(statement_payload(&out, &open, &e), PARLEY_EINVAL, e, "body: a statement of kind forum.held");
  s.sealed = BYTES_NONE;
  assert_refused(statement_payload(&out, &s, &e), PARLEY_EINVAL, e, "sealed: a statement of kind incident.notice");
  s = notice();
  s.n_re = STATEMENT_RE_MAX + 1;
  assert_refused(statement_payload(&out, &s, &e), PARLEY_ELIMIT, e, "more elements");
  assert_int_equal(out.n, 0);
  statement_clear(&open);
  buf_free(&out);
}

static void test_entry_size(void **state) {
  (void)state;
  struct errmsg e;
  struct buf out = {0};
  size_t fits = 0, size = 0;
  buf_str(&out, "before");
  for (size_t n = 48000; n < 49152 && fits == 0; n++) { /* find the last payload that fits, the slow way */
    out.n = 6;
    parley_err err = statement_entry(&out, bytes_str(repeated(&arena, "x", n)), us.statement, &e);
    if (err == PARLEY_OK) {
      size = out.n - 6;
      continue;
    }
    assert_refused(err, PARLEY_ELIMIT, e, arena_fmt(&arena, "%zu more than the 65535 that fit", size + 4 - ENTRY_MAX));
    fits = n - 1;
  }
  assert_true(fits > 0);
  assert_in_range(size, ENTRY_MAX - 3, ENTRY_MAX);
  assert_true(bytes_is(buf_view(&out), "before"));
  buf_free(&out);
  struct statement t;
  struct bytes large = bytes_str(repeated(&arena, "x", ENTRY_MAX + 1));
  assert_refused(statement_parse(&t, &arena, large, NULL, &e), PARLEY_ELIMIT, e, "65535");
}

static void test_signature(void **state) {
  (void)state;
  struct errmsg e;
  struct statement s = notice(), t;
  struct dsse d;
  struct buf entry = {0};
  const char *payload = payload_for(&s);
  assert_int_equal(statement_entry(&entry, bytes_str(payload), us.statement, &e), PARLEY_OK);
  assert_int_equal(statement_parse(&t, &arena, buf_view(&entry), &d, &e), PARLEY_OK);
  assert_int_equal(statement_verify(&d, &t, &us.card, &e), PARLEY_OK);
  assert_refused(statement_verify(&d, &t, &ru.card, &e), PARLEY_EVERIFY, e,
                 "from: the statement is by cert.us.example, the card is of cert.ru.example");
  struct card other = us.card;
  memcpy(other.statement, ru.card.statement, 32);
  assert_refused(statement_verify(&d, &t, &other, &e), PARLEY_EVERIFY, e, "signatures[0]: is not by the statement key");
  d.sigs[0].sig[5] ^= 1;
  assert_refused(statement_verify(&d, &t, &us.card, &e), PARLEY_EVERIFY, e,
                 "signatures[0]: the signature of cert.us.example does not verify");
  statement_clear(&t);
  buf_free(&entry);
  const struct ed25519_key *keys[] = {ru.statement, us.statement}, *officer[] = {us.statement, ru.statement};
  struct buf two = envelope_by(STATEMENT_TYPE, bytes_str(payload), keys, 2);
  assert_int_equal(statement_parse(&t, &arena, buf_view(&two), &d, &e), PARLEY_OK);
  assert_refused(statement_verify(&d, &t, &us.card, &e), PARLEY_EVERIFY, e,
                 "signatures[0]: is not by the statement key");
  statement_clear(&t);
  buf_free(&two);
  two = envelope_by(STATEMENT_TYPE, bytes_str(payload), officer, 2); /* an officer's key after the party's */
  assert_int_equal(statement_parse(&t, &arena, buf_view(&two), &d, &e), PARLEY_OK);
  assert_int_equal(statement_verify(&d, &t, &us.card, &e), PARLEY_OK);
  statement_clear(&t);
  buf_free(&two);
}

/* A signature made elsewhere gives the same entry, and the id is the leaf hash of it. */
static void test_signed_elsewhere(void **state) {
  (void)state;
  struct buf here = {0}, there = {0}, pae = {0}, leaf = {0};
  struct statement s = notice();
  struct bytes payload = bytes_str(payload_for(&s));
  uint8_t sig[64], digest[32];
  struct hash id;
  dsse_pae(&pae, bytes_str(STATEMENT_TYPE), payload);
  ed25519_sign(sig, us.statement, buf_view(&pae));
  assert_int_equal(statement_entry(&here, payload, us.statement, NULL), PARLEY_OK);
  assert_int_equal(statement_entry_signed(&there, payload, us.card.statement, sig, NULL), PARLEY_OK);
  assert_true(bytes_eq(buf_view(&here), buf_view(&there)));
  statement_id(&id, buf_view(&here));
  buf_u8(&leaf, 0);
  buf_bytes(&leaf, buf_view(&here));
  sha256(digest, buf_view(&leaf));
  assert_memory_equal(id.b, digest, 32);
  buf_free(&here);
  buf_free(&there);
  buf_free(&pae);
  buf_free(&leaf);
}

/* What a forum.epoch names of the one before: all of it, and what may be absent. */
static void test_epoch(void **state) {
  (void)state;
  static const struct refusal cases[] = {
      {"\"size\":9,", "\"size\":-1,", "body.size"},
      {"\"held\":{\"size\":7", "\"held\":{\"size\":0", "body.held.size"},
      {"\"held\":{\"size\":7", "\"held\":{\"size\":9", "body.held.size: must be less than body.size"},
      {"\"held\":{\"size\":7,", "\"held\":{", "body.held.size"},
      {"\"held\":{\"size\":7,", "\"held\":{\"size\":7,\"x\":1,", "body.held.x"},
      {"\"held\":{", "\"held\":3,\"x\":{", "body"},
      {"\"bulk\":{\"size\":5,\"root\":\"A", "\"bulk\":{\"size\":5,\"root\":\"",
       "body.bulk.root: must be the base64 of 32 bytes"},
      {"\"bulk\":{\"size\":5", "\"bulk\":{\"size\":0", "body.bulk.size"},
      {"\"epoch\":0,\"size\":9", "\"size\":9,\"epoch\":0", "body.epoch: stands after"},
  };
  struct forum_epoch named = {.size = 9, .held_size = 7, .bulk_size = 5}, back;
  struct statement s = held_note(), t;
  struct errmsg e = {""};
  named.held_root.b[31] = 1;
  named.bulk_root.b[31] = 2;
  for (int i = 0; i < 3; i++) { /* with both, without held, without either */
    json_decref(s.body);
    if (i > 0) named.held_size = 0;
    if (i > 1) named.bulk_size = 0;
    strcpy(s.kind, "forum.epoch");
    s.body = forum_epoch_body(&named);
    assert_non_null(s.body);
    if (i == 0) check_refusals(payload_for(&s), cases, sizeof cases / sizeof *cases);
    if (parse(&t, payload_for(&s), &e) != PARLEY_OK) fail_msg("%s", e.text);
    assert_int_equal(forum_epoch_parse(&back, t.body, &e), PARLEY_OK);
    assert_true(back.epoch == 0 && back.size == 9 && back.held_size == named.held_size &&
                back.bulk_size == named.bulk_size);
    assert_true(i > 0 || hash_eq(&back.held_root, &named.held_root));
    assert_true(i > 1 || hash_eq(&back.bulk_root, &named.bulk_root));
    statement_clear(&t);
  }
  statement_clear(&s);
}

static void test_other_type(void **state) {
  (void)state;
  struct errmsg e;
  struct statement s = notice(), t;
  const struct ed25519_key *key[] = {us.statement};
  struct buf env = envelope_by(CARD_TYPE, bytes_str(payload_for(&s)), key, 1);
  assert_refused(statement_parse(&t, &arena, buf_view(&env), NULL, &e), PARLEY_EINVAL, e, "statement: payloadType: ");
  buf_free(&env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_payload_text),
      cmocka_unit_test(test_escapes),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_bulk_goes_with_attach),
      cmocka_unit_test(test_list_bounds),
      cmocka_unit_test(test_open_kinds),
      cmocka_unit_test(test_ack),
      cmocka_unit_test(test_sealed_apart),
      cmocka_unit_test(test_writer_refusals),
      cmocka_unit_test(test_entry_size),
      cmocka_unit_test(test_signature),
      cmocka_unit_test(test_signed_elsewhere),
      cmocka_unit_test(test_epoch),
      cmocka_unit_test(test_other_type),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
