/*
 * Evidence of non-delivery: each file that is missing, strange or other than it was is refused, by name; and the two
 * JSON files have one form.
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
#include "cli/pack_dir.h"
#include "node/attempts.h"
#include "witness_fixture.h"

static const char *const NAMES[] = {"cert.us.example", "ncc.ru.example", "third.ch.example"};

struct stage {
  struct rig rig;
  struct fake_witness w;
  struct arena a;
  struct pack pack;
  struct anchor anchors[3];
};

/* Two witnesses; ru has the first notice, and is down for the second; the third, where there is one, has both. */
static int open_parties(void **state, size_t n) {
  struct stage *s = calloc(1, sizeof *s);
  char forum[65], id[65];
  assert_non_null(s);
  *state = s;
  witness_open(&s->w, &s->rig, NAMES, n);
  s->w.two = true;
  witness_forum(&s->w, forum);
  send_delivered(&s->rig.party[0], forum, id);
  rig_stop(&s->rig.party[1]);
  witness_send(&s->w, forum, NULL, id);
  rig_run(&s->rig, 30000);
  assert_int_equal(witness_receipt(&s->w, id, true, &s->pack, &s->a), 200);
  for (size_t i = 0; i < n; i++) {
    struct card c;
    struct errmsg e;
    snprintf(s->anchors[i].party, sizeof s->anchors[i].party, "%s", NAMES[i]);
    assert_int_equal(card_parse(&c, &s->a, buf_view(&s->rig.party[i].card), NULL, NULL, &e), PARLEY_OK);
    memcpy(s->anchors[i].fingerprint, c.fingerprint, SHA256_SIZE);
  }
  return 0;
}

static int open_stage(void **state) { return open_parties(state, 3); }
/* In a forum of two every signature of the charter can be checked. */
static int open_two(void **state) { return open_parties(state, 2); }

static int close_stage(void **state) {
  struct stage *s = *state;
  witness_close(&s->w);
  arena_free(&s->a);
  free(s);
  return 0;
}

static parley_err verify(const struct pack *p, const struct anchor *anchors, size_t n, struct silence_result *r,
                         struct errmsg *e) {
  static struct arena a;
  arena_free(&a);
  const struct pack_known known = {.anchors = anchors, .n_anchors = n};
  return silence_verify(r, &a, p, &known, e);
}

static void refused(const struct pack *p, const char *naming) {
  struct silence_result r;
  struct errmsg e = {{0}};
  const parley_err rc = verify(p, NULL, 0, &r, &e);
  if ((rc != PARLEY_EINVAL && rc != PARLEY_EVERIFY) || !strstr(e.text, naming))
    fail_msg("%s (%s), which does not say \"%s\"", err_name(rc), e.text, naming);
}

/* The same pack with another file in place of one of this name, or without it (data.p NULL), or with one more. */
static struct pack changed(struct stage *s, const char *name, struct bytes data) {
  struct pack p = {.files = arena_alloc(&s->a, (s->pack.n + 1) * sizeof *p.files)};
  bool put = data.p == NULL;
  for (size_t i = 0; i < s->pack.n; i++) {
    const int order = strcmp(s->pack.files[i].name, name);
    if (order >= 0 && !put) {
      snprintf(p.files[p.n].name, sizeof p.files[p.n].name, "%s", name);
      p.files[p.n++].data = data;
      put = true;
    }
    if (order != 0) p.files[p.n++] = s->pack.files[i];
  }
  if (!put) {
    snprintf(p.files[p.n].name, sizeof p.files[p.n].name, "%s", name);
    p.files[p.n++].data = data;
  }
  return p;
}

static struct bytes file(const struct stage *s, const char *name) {
  const struct pack_file *f = pack_find(&s->pack, name);
  assert_non_null(f);
  return f->data;
}

static struct pack replaced(struct stage *s, const char *name, const char *from, const char *to) {
  struct buf b = {0};
  char *text = arena_cstr(&s->a, file(s, name)), *at = strstr(text, from);
  assert_non_null(at);
  buf_add(&b, text, (size_t)(at - text));
  buf_str(&b, to);
  buf_str(&b, at + strlen(from));
  return changed(s, name, arena_take(&s->a, &b));
}

/* ---- the whole ---- */

static void it_holds_and_says_who_is_known(void **state) {
  struct stage *s = *state;
  struct silence_result r;
  struct errmsg e = {{0}};
  assert_true(silence_is(&s->pack));
  assert_int_equal(verify(&s->pack, NULL, 0, &r, &e), PARLEY_OK);
  assert_false(r.pack.identified);
  assert_int_equal(r.n_witnesses, 2);
  assert_string_equal(r.witness[0].name, WITNESS_NAME);
  assert_string_equal(r.witness[1].name, WITNESS_SECOND);
  assert_int_equal(r.silent.n, 1);
  assert_int_equal(r.silent.list[0].size, 2);
  assert_int_equal(r.size, 3);
  silence_result_clear(&r);
  assert_int_equal(verify(&s->pack, s->anchors, 1, &r, &e), PARLEY_OK);
  assert_false(r.pack.identified);
  silence_result_clear(&r);
  assert_int_equal(verify(&s->pack, s->anchors, 2, &r, &e), PARLEY_OK);
  assert_true(r.pack.identified);
  silence_result_clear(&r);
  struct anchor wrong = s->anchors[1];
  wrong.fingerprint[0] ^= 1;
  assert_int_equal(verify(&s->pack, &wrong, 1, &r, &e), PARLEY_EVERIFY);
  assert_non_null(strstr(e.text, "cards/ncc.ru.example.json"));
  assert_non_null(
      strstr((const char *)file(s, "policy.tlog-policy").p, "\ngroup any-witness any w1 w2\nquorum any-witness\n"));
}

/* It is no evidence pack, and an evidence pack is none of these. */
static void it_is_not_taken_for_a_receipt(void **state) {
  struct stage *s = *state;
  struct pack_result r;
  struct errmsg e;
  assert_int_equal(pack_verify(&r, &s->a, &s->pack, NULL, &e), PARLEY_EINVAL);
  struct pack p = changed(s, "silent.json", BYTES_NONE);
  assert_false(silence_is(&p));
  refused(&p, "silent.json");
}

static void every_file_is_needed_and_no_other(void **state) {
  struct stage *s = *state;
  for (size_t i = 0; i < s->pack.n; i++) {
    const char *name = s->pack.files[i].name;
    struct pack p = changed(s, name, BYTES_NONE);
    struct silence_result r;
    struct errmsg e;
    if (strcmp(name, "VERIFY.md") != 0) {
      refused(&p, name);
      continue;
    }
    assert_int_equal(verify(&p, NULL, 0, &r, &e), PARLEY_OK);
    silence_result_clear(&r);
  }
  static const char *const strange[] = {"a",       "bulk/checkpoint", "ack/entry.json",   "body.json",    "silent/x",
                                        "silent/", "charter.x.json",  "charter.512.json", "silent/../x.y"};
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
    struct pack p = changed(s, strange[i], bytes_str("x"));
    refused(&p, strange[i]);
  }
  struct pack p = changed(s, "silent/third.ch.example", file(s, "silent/ncc.ru.example"));
  refused(&p, "silent/");
  p = changed(s, "cards/third.ch.example.json", buf_view(&s->rig.party[2].card));
  refused(&p, "cards/");
  p = s->pack;
  p.n_stored = 1;
  refused(&p, "files/");
}

static void every_byte_counts(void **state) {
  struct stage *s = *state;
  for (size_t i = 0; i < s->pack.n; i++) {
    const struct pack_file *f = &s->pack.files[i];
    if (!strcmp(f->name, "VERIFY.md") || !strcmp(f->name, "attempts.json")) continue;
    const size_t step = f->data.n / 40 + 1;
    for (size_t at = 0; at < f->data.n; at += step) {
      struct bytes data = arena_copy(&s->a, f->data);
      ((uint8_t *)data.p)[at] ^= 1;
      struct pack p = changed(s, f->name, data);
      refused(&p, "");
    }
  }
}

static void what_does_not_fit_is_named(void **state) {
  struct stage *s = *state;
  struct pack p = replaced(s, "silent.json", "\"size\":2", "\"size\":1");
  refused(&p, "silent/ncc.ru.example: it is not the checkpoint that silent.json names");
  p = replaced(s, "silent.json", "ncc.ru.example", "third.ch.example");
  refused(&p, "cards/third.ch.example.json is missing");
  p = replaced(s, "silent.json", "ncc.ru.example", "nobody.example");
  refused(&p, "nobody.example is no addressee");
  p = replaced(s, "attempts.json", "ncc.ru.example", "third.ch.example");
  refused(&p, "attempts.json: third.ch.example is not in silent.json");
  p = replaced(s, "policy.tlog-policy", "quorum any-witness", "quorum w1");
  refused(&p, "policy.tlog-policy: ");
  /* Without the second witness's line the policy is another. */
  char *text = arena_cstr(&s->a, file(s, "proof.tlog-proof")), *line = strstr(text, "\xe2\x80\x94 " WITNESS_SECOND);
  assert_non_null(line);
  *line = '\0';
  p = changed(s, "proof.tlog-proof", bytes_str(text));
  refused(&p, "policy.tlog-policy: ");
  line = strstr(text, "\xe2\x80\x94 " WITNESS_NAME);
  *line = '\0';
  p = changed(s, "proof.tlog-proof", bytes_str(text));
  refused(&p, "proof.tlog-proof: no neutral witness that the charter names has cosigned");
}

/* A note of the party that covers the statement: then it is delivered. */
static void a_note_that_covers_it_is_no_silence(void **state) {
  struct stage *s = *state;
  char forum[65], id[65];
  unsigned status;
  json_t *v = rig_ask(&s->rig.party[0], "GET", "/v1/status", NULL, &status);
  const char *origin = str_of(json_array_get(json_object_get(v, "logs"), 0), "origin");
  snprintf(forum, sizeof forum, "%.64s", strchr(origin, '/') + 1);
  json_decref(v);
  rig_start(&s->rig.party[1]);
  rig_run(&s->rig, 200000);
  rig_stop(&s->rig.party[1]);
  witness_send(&s->w, forum, NULL, id);
  rig_run(&s->rig, 30000);
  struct pack later;
  assert_int_equal(witness_receipt(&s->w, id, true, &later, &s->a), 200);
  assert_true(silence_is(&later));
  struct pack p = changed(s, "silent/ncc.ru.example", pack_find(&later, "silent/ncc.ru.example")->data);
  const struct pack mine = s->pack;
  s->pack = p;
  p = changed(s, "silent.json", pack_find(&later, "silent.json")->data);
  s->pack = mine;
  refused(&p, "it covers the statement");
}

/* ---- the two files ---- */

static void silent_json_has_one_form(void **state) {
  static const char *const good[] = {"{\"silent\":[{\"party\":\"a.b\",\"size\":0}]}",
                                     "{\"silent\":[{\"party\":\"a.b\",\"size\":7,\"time\":\"2021-05-07T10:00:00Z\"},"
                                     "{\"party\":\"c.d\",\"size\":0}]}"};
  static const struct {
    const char *text, *why;
  } bad[] = {{"", ""},
             {"[]", ""},
             {"{}", "silent"},
             {"{\"silent\":[]}", "names nobody"},
             {"{\"silent\":[1]}", "silent[0]"},
             {"{\"silent\":[{\"party\":\"a\",\"size\":0}]}", "silent[0].party"},
             {"{\"silent\":[{\"party\":\"a.b\"}]}", "silent[0].size"},
             {"{\"silent\":[{\"party\":\"a.b\",\"size\":-1}]}", "silent[0].size"},
             {"{\"silent\":[{\"party\":\"a.b\",\"size\":1}]}", "silent[0].time"},
             {"{\"silent\":[{\"party\":\"a.b\",\"size\":0,\"time\":\"2021-05-07T10:00:00Z\"}]}", "silent[0].time"},
             {"{\"silent\":[{\"party\":\"a.b\",\"size\":0,\"x\":1}]}", "silent[0].x"},
             {"{\"silent\":[{\"size\":0,\"party\":\"a.b\"}]}", "one form"},
             {"{\"silent\":[{\"party\":\"a.b\",\"size\": 0}]}", "one form"},
             {"{\"silent\":[{\"party\":\"a.b\",\"size\":0}]}\n", "one form"},
             {"{\"silent\":[{\"party\":\"a.b\",\"size\":0}],\"x\":1}", "x"}};
  struct arena a = {0};
  struct silence_list l;
  struct errmsg e;
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_int_equal(silence_list_parse(&l, &a, bytes_str(good[i]), &e), PARLEY_OK);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(silence_list_parse(&l, &a, bytes_str(bad[i].text), &e), PARLEY_EINVAL);
    if (!strstr(e.text, bad[i].why)) fail_msg("%s: %s", bad[i].text, e.text);
  }
  arena_free(&a);
}

#define ATTEMPT(first, count, request, outcome)                                                                        \
  "{\"attempts\":[{\"party\":\"a.b\",\"first\":\"" first "\",\"last\":\"2021-05-07T10:00:00Z\",\"count\":" count       \
  ",\"request\":\"" request "\",\"outcome\":\"" outcome "\"}]}"
#define T "2021-05-07T09:00:00Z"

static void attempts_json_has_one_form(void **state) {
  static const char *const good[] = {"{\"attempts\":[]}", ATTEMPT(T, "1", "add-entries", "cosigned"),
                                     ATTEMPT(T, "9007199254740991", "12345678901234567890123456789012", "связи нет")};
  static const struct {
    const char *text, *why;
  } bad[] = {{"{}", "attempts"},
             {ATTEMPT("yesterday", "1", "a", "b"), "first"},
             {ATTEMPT(T, "0", "a", "b"), "count"},
             {ATTEMPT(T, "1", "", "b"), "request"},
             {ATTEMPT(T, "1", "123456789012345678901234567890123", "b"), "request"},
             {ATTEMPT(T, "1", "a", ""), "outcome"},
             {ATTEMPT(T, "1", "a", "b\\n"), "outcome"},
             {ATTEMPT(T, "1", "a", "\\u001b[2J"), "outcome"},
             {ATTEMPT(T, "1", "a", "\\u0085"), "outcome"},
             {ATTEMPT(T, "1", "a", "\\u007f"), "outcome"},
             {ATTEMPT(T, "1", "a", "\\u0062"), "one form"}};
  struct arena a = {0};
  struct silence_attempts l;
  struct errmsg e;
  struct buf many = {0};
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_int_equal(silence_attempts_parse(&l, &a, bytes_str(good[i]), &e), PARLEY_OK);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(silence_attempts_parse(&l, &a, bytes_str(bad[i].text), &e), PARLEY_EINVAL);
    if (!strstr(e.text, bad[i].why)) fail_msg("%s: %s", bad[i].text, e.text);
  }
  buf_str(&many, "{\"attempts\":[");
  for (size_t i = 0; i <= SILENCE_ATTEMPTS_MAX; i++) buf_fmt(&many, "%s{}", i ? "," : "");
  buf_str(&many, "]}");
  assert_int_not_equal(silence_attempts_parse(&l, &a, buf_view(&many), &e), PARLEY_OK);
  buf_free(&many);
  arena_free(&a);
}

static void stored_attempts_have_one_form(void **state) {
  static const char *const bad[] = {"",
                                    "1 2 3",
                                    "1 2 3\na\nb",
                                    "1 2 0\na\nb\n",
                                    "-1 2 3\na\nb\n",
                                    "01 2 3\na\nb\n",
                                    "1 2 3\n\nb\n",
                                    "1 2 3\na\n\n",
                                    "1 2 3\na\nb\nc\n",
                                    "1 2 3\na\n\x1b\n",
                                    "1 2 3\na\n\xc3\xa4\n",
                                    "1 2 9223372036854775808\na\nb\n",
                                    "1 2 3\n123456789012345678901234567890123\nb\n"};
  struct silence_attempt t;
  (void)state;
  assert_true(attempt_parse(&t, bytes_str("1 2 3\nadd-entries\nit is away\n")));
  assert_int_equal(t.first + t.last * 10 + t.count * 100, 321);
  assert_string_equal(t.outcome, "it is away");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(attempt_parse(&t, bytes_str(bad[i])));
}

/* --write DIR: the evidence, for other verifiers, as DIR/two and DIR/three; prints each with who is to be known. */
static int write_all(const char *dir) {
  static const char *const names[] = {"two", "three"};
  for (size_t n = 0; n < 2; n++) {
    void *state = NULL;
    char path[300], hex[65];
    struct errmsg e;
    open_parties(&state, n + 2);
    struct stage *s = state;
    snprintf(path, sizeof path, "%s/%s", dir, names[n]);
    if (pack_dir_write(&s->pack, path, &e) != PARLEY_OK) {
      fprintf(stderr, "%s\n", e.text);
      return 1;
    }
    printf("%s", names[n]);
    for (size_t i = 0; i < 2; i++) {
      hex_encode(hex, BYTES(s->anchors[i].fingerprint, SHA256_SIZE));
      printf(" %s=%s", s->anchors[i].party, hex);
    }
    printf("\n");
    close_stage(&state);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_all(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(silent_json_has_one_form),
      cmocka_unit_test(attempts_json_has_one_form),
      cmocka_unit_test(stored_attempts_have_one_form),
      cmocka_unit_test_setup_teardown(it_holds_and_says_who_is_known, open_stage, close_stage),
      cmocka_unit_test_setup_teardown(it_is_not_taken_for_a_receipt, open_stage, close_stage),
      cmocka_unit_test_setup_teardown(every_file_is_needed_and_no_other, open_stage, close_stage),
      cmocka_unit_test_setup_teardown(every_byte_counts, open_two, close_stage),
      cmocka_unit_test_setup_teardown(what_does_not_fit_is_named, open_stage, close_stage),
      cmocka_unit_test_setup_teardown(a_note_that_covers_it_is_no_silence, open_stage, close_stage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
