#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "net/gzip.h"

static void fill_noise(uint8_t *p, size_t n) {
  uint32_t x = 1;
  for (size_t i = 0; i < n; i++) {
    x = x * 1664525 + 1013904223;
    p[i] = (uint8_t)(x >> 24);
  }
}

static void fill_text(uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    p[i] = (uint8_t)("a line of text, and again "[i % 26]);
  }
}

static void check_inflates(struct bytes packed, struct bytes want) {
  z_stream z = {.next_in = (z_const Bytef *)packed.p, .avail_in = (uInt)packed.n};
  uint8_t *got = malloc(want.n + 1);
  assert_non_null(got);
  z.next_out = got;
  z.avail_out = (uInt)want.n + 1;
  assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
  assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
  assert_int_equal(z.avail_in, 0);
  assert_int_equal(z.total_out, want.n);
  assert_memory_equal(got, want.p, want.n);
  inflateEnd(&z);
  free(got);
}

static void test_text_gets_shorter(void **state) {
  (void)state;
  static const size_t sizes[] = {GZIP_MIN, 5000, GZIP_SAMPLE, GZIP_SAMPLE + 1, (size_t)1 << 20, GZIP_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    uint8_t *p = malloc(sizes[i]);
    assert_non_null(p);
    fill_text(p, sizes[i]);
    struct buf out = {0};
    assert_true(gzip_shorter(&out, BYTES(p, sizes[i])));
    assert_true(out.n < sizes[i] / 2);
    check_inflates(buf_view(&out), BYTES(p, sizes[i]));
    buf_free(&out);
    free(p);
  }
}

/* Noise, noise after text, text after noise, and what is too short or too long. */
static void test_left_as_it_is(void **state) {
  (void)state;
  const size_t n = GZIP_MAX + 1;
  uint8_t *p = malloc(n);
  struct buf out = {0};
  assert_non_null(p);
  fill_text(p, n);
  assert_false(gzip_shorter(&out, BYTES(p, n)));
  assert_false(gzip_shorter(&out, BYTES(p, GZIP_MIN - 1)));
  assert_false(gzip_shorter(&out, BYTES_NONE));
  fill_noise(p + GZIP_SAMPLE, (size_t)1 << 20);
  assert_false(gzip_shorter(&out, BYTES(p, (size_t)1 << 20)));
  fill_noise(p, GZIP_SAMPLE);
  assert_false(gzip_shorter(&out, BYTES(p, GZIP_SAMPLE)));
  fill_text(p + GZIP_SAMPLE, (size_t)1 << 20);
  assert_false(gzip_shorter(&out, BYTES(p, (size_t)1 << 20))); /* the sample decides */
  assert_null(out.p);
  free(p);
}

static void test_accepted(void **state) {
  (void)state;
  static const char *const yes[] = {"gzip",       "gzip, deflate, br", "br,gzip",     "GZIP",         "x-gzip",
                                    "*",          "gzip;q=1",          "gzip; q=0.5", "gzip;q=0.001", "*;q=0, gzip",
                                    " ,, gzip ,", "identity;q=0, *"};
  static const char *const no[] = {"",      "identity",        "gzip;q=0",    "gzip; q=0.000",
                                   "*;q=0", "gzip;q=0, *",     "*, gzip;q=0", "gzipped",
                                   "agzip", "br;q=1, deflate", ",",           " "};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
    if (!gzip_accepted(yes[i])) fail_msg("not accepted: %s", yes[i]);
  }
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
    if (gzip_accepted(no[i])) fail_msg("accepted: %s", no[i]);
  }
  assert_false(gzip_accepted(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_text_gets_shorter),
      cmocka_unit_test(test_left_as_it_is),
      cmocka_unit_test(test_accepted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
