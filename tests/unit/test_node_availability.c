/*
 * What nodes keep of each line: heartbeats, a gap with its proof, and what is told of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/note.h"
#include "hostile_fixture.h"

#define HOUR 3600000

static const char *const NAMES[] = {"cert.us.example", "ncc.ru.example"};

static json_t *availability(struct rig_party *p) {
  char path[64];
  unsigned status;
  json_t *now = rig_ask(p, "GET", "/v1/status", NULL, &status);
  snprintf(path, sizeof path, "/v1/availability/%.7s", json_string_value(json_object_get(now, "now")));
  json_decref(now);
  json_t *o = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  return o;
}

static json_t *way(json_t *o, const char *which) {
  json_t *f = json_array_get(json_object_get(o, "forums"), 0);
  json_t *d = json_object_get(json_array_get(json_object_get(f, "members"), 0), which);
  assert_non_null(d);
  return d;
}

static long long number(const json_t *o, const char *name) { return json_integer_value(json_object_get(o, name)); }

static void test_steady(void **state) {
  struct rig r;
  char forum[65], id[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 6 * HOUR);
  for (size_t i = 0; i < 2; i++) {
    json_t *o = availability(&r.party[i]);
    for (int k = 0; k < 2; k++) {
      json_t *d = way(o, k ? "to_us" : "to_them");
      assert_true(number(d, "seconds") >= 6 * 3600 - 60);
      assert_int_equal(number(d, "up"), number(d, "seconds"));
      assert_int_equal(number(d, "missed"), 0);
      assert_true(number(d, "cosignatures") >= 6);
      assert_true(number(d, "cosignatures") < 20); /* not each of many */
    }
    assert_true(number(way(o, "to_them"), "delay_worst") <= 5);
    json_decref(o);
  }
  rig_close(&r);
}

/* The note names the log and carries two signature lines, the log's and the cosigner's. */
static void assert_note(const json_t *gap, const char *which, const char *origin, const char *cosigner) {
  struct arena a = {0};
  struct note n;
  struct checkpoint c;
  const char *text = json_string_value(json_object_get(gap, which));
  assert_non_null(text);
  assert_int_equal(note_parse(&n, &a, bytes_str(text), NULL), PARLEY_OK);
  assert_int_equal(checkpoint_parse(&c, n.text, NULL), PARLEY_OK);
  assert_true(bytes_is(c.origin, origin));
  assert_non_null(strstr(text, cosigner));
  arena_free(&a);
}

static void test_gap(void **state) {
  struct rig r;
  char forum[65], id[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 3 * HOUR);
  rig_stop(&r.party[1]);
  rig_run(&r, 5 * HOUR);
  json_t *o = availability(&r.party[0]);
  json_t *gap = json_array_get(json_object_get(way(o, "to_them"), "gaps"), 0);
  assert_true(json_is_true(json_object_get(gap, "open")));
  assert_null(json_object_get(gap, "after"));
  json_decref(o);
  rig_start(&r.party[1]);
  rig_run(&r, 2 * HOUR);
  o = availability(&r.party[0]);
  for (int k = 0; k < 2; k++) {
    json_t *d = way(o, k ? "to_us" : "to_them");
    assert_int_equal(number(d, "gaps_in_all"), 1);
    assert_in_range(number(d, "missed"), 4, 5);
    gap = json_array_get(json_object_get(d, "gaps"), 0);
    assert_true(json_is_false(json_object_get(gap, "open")));
    assert_int_equal(number(gap, "not_running"), 0);
    assert_note(gap, "before", json_string_value(json_object_get(d, "origin")),
                k ? "cert.us.example/mirror " : "ncc.ru.example/mirror ");
    assert_note(gap, "after", json_string_value(json_object_get(d, "origin")),
                k ? "cert.us.example/mirror " : "ncc.ru.example/mirror ");
  }
  json_decref(o);
  o = availability(&r.party[1]); /* who was down itself holds most of it against nobody */
  gap = json_array_get(json_object_get(way(o, "to_them"), "gaps"), 0);
  assert_true(number(gap, "not_running") > 3 * 3600);
  json_decref(o);
  rig_close(&r);
}

/* What is kept is read back after a restart, and a month without anything is told as such. */
static void test_restart_and_other_months(void **state) {
  struct rig r;
  char forum[65], id[65];
  unsigned status;
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 2 * HOUR);
  json_t *before = availability(&r.party[0]);
  rig_stop(&r.party[0]);
  rig_start(&r.party[0]);
  json_t *after = availability(&r.party[0]);
  assert_int_equal(number(way(before, "to_them"), "cosignatures"), number(way(after, "to_them"), "cosignatures"));
  json_decref(before);
  json_decref(after);
  json_t *o = rig_ask(&r.party[0], "GET", "/v1/availability/1999-01", NULL, &status);
  assert_int_equal(status, 200);
  assert_null(json_object_get(way(o, "to_us"), "seconds"));
  json_decref(o);
  const char *const bad[] = {"1999-13", "1999-00", "1999-1", "99-01", "2999-01", "1999-01-01", "abcd-ef", "x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char path[64];
    snprintf(path, sizeof path, "/v1/availability/%s", bad[i]);
    json_decref(rig_ask(&r.party[0], "GET", path, NULL, &status));
    assert_int_equal(status, 400);
  }
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_steady),
      cmocka_unit_test(test_gap),
      cmocka_unit_test(test_restart_and_other_months),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
