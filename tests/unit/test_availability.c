/*
 * How well a line held, from the times of cosignatures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/availability.h"

#define HOUR 3600
#define TOLERANCE 300

static const struct line_run ALWAYS = {-1, INT64_MAX};

static struct line_record reckon(const struct line_mark *m, size_t n, const struct line_run *run, size_t n_run,
                                 int64_t from, int64_t to) {
  struct line_record r;
  assert_int_equal(line_record(&r, m, n, run, n_run, from, to, HOUR, TOLERANCE, NULL), PARLEY_OK);
  return r;
}

static void test_nothing_known(void **state) {
  (void)state;
  struct line_record r = reckon(NULL, 0, &ALWAYS, 1, 0, 10 * HOUR);
  assert_int_equal(r.from, r.to);
  assert_int_equal(r.marks, 0);
  assert_int_equal(r.delay_median, -1);
  line_record_clear(&r);
  const struct line_mark later = {20 * HOUR, 0};
  r = reckon(&later, 1, &ALWAYS, 1, 0, 10 * HOUR);
  assert_int_equal(r.from, r.to);
  line_record_clear(&r);
}

static void test_all_well(void **state) {
  (void)state;
  struct line_mark m[25];
  for (size_t i = 0; i < 25; i++)
    m[i] = (struct line_mark){(int64_t)i * HOUR, (int64_t)i * HOUR - (i % 5 == 4 ? 9 : 2)};
  m[0].offered = 0;
  struct line_record r = reckon(m, 25, &ALWAYS, 1, 0, 24 * HOUR);
  assert_int_equal(r.up, 24 * HOUR);
  assert_int_equal(r.missed, 0);
  assert_int_equal(r.gaps, 0);
  assert_int_equal(r.marks, 25);
  assert_int_equal(r.delay_median, 2);
  assert_int_equal(r.delay_worst, 9);
  line_record_clear(&r);
}

/* The edge: a heartbeat and the tolerance are covered to the second; one second more is a gap. */
static void test_edge(void **state) {
  (void)state;
  const int64_t covered = HOUR + TOLERANCE;
  struct line_mark m[] = {{0, 0}, {covered, 0}, {2 * covered + 1, 0}};
  struct line_record r = reckon(m, 3, &ALWAYS, 1, 0, 2 * covered + 1);
  assert_int_equal(r.gaps, 1);
  assert_int_equal(r.gap[0].before, 1);
  assert_int_equal(r.gap[0].after, 2);
  assert_int_equal(r.gap[0].missed, 1);
  assert_int_equal(r.up, 2 * covered);
  line_record_clear(&r);
}

static void test_gap_and_open_end(void **state) {
  (void)state;
  const struct line_mark m[] = {{0, 0}, {HOUR, 0}, {5 * HOUR, 4 * HOUR}};
  struct line_record r = reckon(m, 3, &ALWAYS, 1, 0, 10 * HOUR);
  assert_int_equal(r.gaps, 2);
  assert_int_equal(r.gap[0].from, HOUR);
  assert_int_equal(r.gap[0].to, 5 * HOUR);
  assert_int_equal(r.gap[0].missed, 3); /* those of hour 2, 3 and 4 */
  assert_int_equal(r.gap[1].after, 3);  /* open */
  assert_int_equal(r.gap[1].missed, 4);
  assert_int_equal(r.missed, 7);
  assert_int_equal(r.up, HOUR + 2 * (HOUR + TOLERANCE));
  assert_int_equal(r.delay_worst, HOUR);
  line_record_clear(&r);
}

/* A stretch that began before the time looked at counts from there on only; it was covered by the mark before. */
static void test_begins_before(void **state) {
  (void)state;
  const struct line_mark m[] = {{-9 * HOUR, 0}, {-HOUR / 2, 0}, {HOUR / 2, 0}};
  struct line_record r = reckon(m, 3, &ALWAYS, 1, 0, HOUR);
  assert_int_equal(r.from, 0);
  assert_int_equal(r.up, HOUR);
  assert_int_equal(r.marks, 1);
  assert_int_equal(r.gaps, 0);
  line_record_clear(&r);
  const struct line_mark long_ago[] = {{-9 * HOUR, 0}, {HOUR, 0}};
  r = reckon(long_ago, 2, &ALWAYS, 1, 0, HOUR);
  assert_int_equal(r.up, 0);
  assert_int_equal(r.gaps, 1);
  line_record_clear(&r);
}

/* Our own node did not run for two of the four hours: these are not held against the other side. */
static void test_own_silence(void **state) {
  (void)state;
  const struct line_mark m[] = {{0, 0}, {5 * HOUR, 0}};
  const struct line_run run[] = {{0, 2 * HOUR}, {4 * HOUR, 9 * HOUR}};
  struct line_record r = reckon(m, 2, run, 2, 0, 5 * HOUR);
  assert_int_equal(r.gaps, 1);
  assert_int_equal(r.gap[0].ours, 2 * HOUR);
  assert_int_equal(r.up, HOUR + TOLERANCE + 2 * HOUR);
  line_record_clear(&r);
}

static void test_many_gaps(void **state) {
  (void)state;
  static struct line_mark m[AVAILABILITY_GAPS_MAX + 5];
  const size_t n = sizeof m / sizeof *m;
  for (size_t i = 0; i < n; i++) m[i].time = (int64_t)i * 2 * HOUR;
  struct line_record r = reckon(m, n, &ALWAYS, 1, 0, m[n - 1].time);
  assert_int_equal(r.gaps, n - 1);
  assert_int_equal(r.n_gap, AVAILABILITY_GAPS_MAX);
  assert_int_equal(r.missed, n - 1);
  line_record_clear(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_known),    cmocka_unit_test(test_all_well),      cmocka_unit_test(test_edge),
      cmocka_unit_test(test_gap_and_open_end), cmocka_unit_test(test_begins_before), cmocka_unit_test(test_own_silence),
      cmocka_unit_test(test_many_gaps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
