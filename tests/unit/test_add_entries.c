/*
 * The streamed body of add-entries, entry bundles and mirror-info.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "formats/tlog.h"

static struct arena arena;

static int free_arena(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

/* ---- head ---- */

static void test_head(void **state) {
  (void)state;
  const struct add_entries_head out = {bytes_str("log.example/1"), 255, 70000, bytes_str("ticket")};
  struct add_entries_head in;
  struct buf b = {0};
  size_t used = 0;
  add_entries_head_write(&b, &out);
  const uint8_t start[] = {0, 13, 'l', 'o', 'g'};
  assert_memory_equal(b.p, start, sizeof start);
  buf_str(&b, "packages");
  assert_int_equal(add_entries_head_parse(&in, &used, buf_view(&b), NULL), PARLEY_OK);
  assert_int_equal(used, b.n - 8);
  assert_true(bytes_eq(in.origin, out.origin));
  assert_true(in.start == 255 && in.end == 70000);
  assert_true(bytes_eq(in.ticket, out.ticket));
  /* Every proper front of a good head asks for more. */
  for (size_t n = 0; n < used; n++)
    assert_int_equal(add_entries_head_parse(&in, &used, BYTES(b.p, n), NULL), PARLEY_EBUSY);
  buf_free(&b);
}

static parley_err head_of(size_t origin, uint64_t start, uint64_t end, size_t ticket, size_t given) {
  static const uint8_t zeroes[8192];
  const struct add_entries_head h = {BYTES(zeroes, origin), start, end, BYTES(zeroes, ticket)};
  struct add_entries_head in;
  struct buf b = {0};
  size_t used;
  add_entries_head_write(&b, &h);
  assert_true(buf_ok(&b));
  const parley_err err = add_entries_head_parse(&in, &used, BYTES(b.p, given < b.n ? given : b.n), NULL);
  buf_free(&b);
  return err;
}

static void test_head_bounds(void **state) {
  (void)state;
  assert_int_equal(head_of(1, 0, 0, 0, SIZE_MAX), PARLEY_OK);
  assert_int_equal(head_of(ADD_ENTRIES_ORIGIN_MAX, 5, 5, ADD_ENTRIES_TICKET_MAX, SIZE_MAX), PARLEY_OK);
  assert_int_equal(head_of(0, 0, 1, 0, SIZE_MAX), PARLEY_EINVAL);
  assert_int_equal(head_of(1, 6, 5, 0, SIZE_MAX), PARLEY_EINVAL);
  assert_int_equal(head_of(1, 0, INT64_MAX, 0, SIZE_MAX), PARLEY_OK);
  assert_int_equal(head_of(1, 0, UINT64_C(1) << 63, 0, SIZE_MAX), PARLEY_EINVAL);
  /* Lengths over the bound are refused as soon as they are there. */
  assert_int_equal(head_of(ADD_ENTRIES_ORIGIN_MAX + 1, 0, 1, 0, 2), PARLEY_ELIMIT);
  assert_int_equal(head_of(1, 0, 1, ADD_ENTRIES_TICKET_MAX + 1, 21), PARLEY_ELIMIT);
  assert_int_equal(head_of(1, 0, 1, ADD_ENTRIES_TICKET_MAX + 1, 20), PARLEY_EBUSY);
}

/* ---- packages ---- */

static struct entry_package *package(size_t n, size_t hashes) {
  struct entry_package *p = calloc(1, sizeof *p);
  assert_non_null(p);
  static const char text[] = "statement";
  p->n = n;
  for (size_t i = 0; i < n; i++) p->entries[i] = BYTES(text, i % sizeof text);
  p->proof.n = hashes;
  for (size_t i = 0; i < hashes; i++) memset(p->proof.h[i].b, (int)i, 32);
  return p;
}

static void test_packages(void **state) {
  (void)state;
  static const size_t sizes[][2] = {{1, 0}, {1, 63}, {2, 5}, {255, 8}, {256, 63}};
  struct entry_package *in = calloc(1, sizeof *in);
  assert_non_null(in);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct entry_package *out = package(sizes[i][0], sizes[i][1]);
    struct buf b = {0}, again = {0};
    size_t used = 0;
    entry_package_write(&b, out);
    const size_t size = b.n;
    buf_str(&b, "the next package");
    assert_int_equal(entry_package_parse(in, &used, buf_view(&b), out->n, 100, NULL), PARLEY_OK);
    assert_int_equal(used, size);
    entry_package_write(&again, in);
    assert_true(bytes_eq(buf_view(&again), BYTES(b.p, size)));
    for (size_t n = 0; n < size; n += 1 + n / 100)
      assert_int_equal(entry_package_parse(in, &used, BYTES(b.p, n), out->n, 100, NULL), PARLEY_EBUSY);
    buf_free(&b);
    buf_free(&again);
    free(out);
  }
  free(in);
}

static void test_package_bounds(void **state) {
  (void)state;
  struct entry_package *in = calloc(1, sizeof *in);
  assert_non_null(in);
  size_t used;
  assert_int_equal(entry_package_parse(in, &used, BYTES_NONE, 0, 100, NULL), PARLEY_EINVAL);
  assert_int_equal(entry_package_parse(in, &used, BYTES_NONE, 257, 100, NULL), PARLEY_EINVAL);
  assert_int_equal(entry_package_parse(in, &used, BYTES("\0\5", 2), 1, 4, NULL), PARLEY_ELIMIT);
  assert_int_equal(entry_package_parse(in, &used, BYTES("\0\5", 2), 1, 5, NULL), PARLEY_EBUSY);
  assert_int_equal(entry_package_parse(in, &used, BYTES("\0\1x\100", 4), 1, 5, NULL), PARLEY_EINVAL); /* 64 hashes */
  assert_int_equal(entry_package_parse(in, &used, BYTES("\0\1x\77", 4), 1, 5, NULL), PARLEY_EBUSY);
  free(in);
}

/* What does not fit the format is not written as something else. */
static void test_unwritable(void **state) {
  (void)state;
  static const uint8_t big[65536];
  struct entry_package *p = package(1, 1);
  struct buf a = {0}, b = {0}, c = {0}, d = {0};
  p->entries[0] = BYTES(big, 65535);
  entry_package_write(&a, p);
  assert_true(buf_ok(&a));
  p->entries[0] = BYTES(big, 65536);
  entry_package_write(&b, p);
  assert_false(buf_ok(&b));
  p->entries[0] = BYTES(big, 1);
  p->proof.n = 64;
  entry_package_write(&c, p);
  assert_false(buf_ok(&c));
  p->proof.n = 0;
  p->n = MIRROR_PACKAGE_ENTRIES + 1;
  entry_package_write(&d, p);
  assert_false(buf_ok(&d));
  buf_free(&a);
  buf_free(&b);
  buf_free(&c);
  buf_free(&d);
  free(p);
}

/* ---- bundles ---- */

static void test_bundle(void **state) {
  (void)state;
  struct bytes rest = BYTES("\0\3abc\0\0\0\1x", 10), entry;
  bool bad = true;
  assert_true(entry_bundle_next(&rest, &entry, &bad));
  assert_true(bytes_is(entry, "abc"));
  assert_true(entry_bundle_next(&rest, &entry, &bad));
  assert_int_equal(entry.n, 0);
  assert_true(entry_bundle_next(&rest, &entry, &bad));
  assert_true(bytes_is(entry, "x"));
  assert_false(entry_bundle_next(&rest, &entry, &bad));
  assert_false(bad);
  static const char *const cut[] = {"\0", "\0\2a", "\0\1"};
  static const size_t sizes[] = {1, 3, 2};
  for (size_t i = 0; i < 3; i++) {
    rest = BYTES(cut[i], sizes[i]);
    assert_false(entry_bundle_next(&rest, &entry, &bad));
    assert_true(bad);
  }
}

/* ---- mirror-info ---- */

static void test_mirror_info(void **state) {
  (void)state;
  static const char *const good[] = {"0\n0\n\n", "70000\n256\ndGlja2V0\n", "9223372036854775807\n1\nAA==\n"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct mirror_info m;
    struct buf b = {0};
    assert_int_equal(mirror_info_parse(&m, &arena, bytes_str(good[i]), NULL), PARLEY_OK);
    mirror_info_write(&b, &m);
    assert_true(bytes_is(buf_view(&b), good[i]));
    buf_free(&b);
  }
  struct mirror_info m;
  assert_int_equal(mirror_info_parse(&m, &arena, bytes_str(good[1]), NULL), PARLEY_OK);
  assert_true(m.pending == 70000 && m.next == 256);
  assert_true(bytes_is(m.ticket, "ticket"));
  static const char *const bad[] = {
      "",          "\n\n\n",       "1\n2\n",       "1\n2\n\n\n",       "1\n2\n3",    "1\n2\nAAA\n",
      "01\n2\n\n", "1\n-2\n\n",    "1\n2 \n\n",    "1\r\n2\r\n\r\n",   "1\n2\nAAAA", "1\n2\n=\n",
      "x\n2\n\n",  "1\n2\n====\n", "1\n2\nAB==\n", "1\n2\nAAAA\nmore",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(mirror_info_parse(&m, &arena, bytes_str(bad[i]), NULL), PARLEY_EINVAL);
}

static void test_ticket_bound(void **state) {
  (void)state;
  static const uint8_t zeroes[ADD_ENTRIES_TICKET_MAX + 1];
  for (size_t n = ADD_ENTRIES_TICKET_MAX; n <= ADD_ENTRIES_TICKET_MAX + 1; n++) {
    const struct mirror_info out = {1, 2, BYTES(zeroes, n)};
    struct mirror_info in;
    struct buf b = {0};
    mirror_info_write(&b, &out);
    assert_int_equal(mirror_info_parse(&in, &arena, buf_view(&b), NULL),
                     n > ADD_ENTRIES_TICKET_MAX ? PARLEY_ELIMIT : PARLEY_OK);
    buf_free(&b);
  }
}

static void test_mirror_info_bound(void **state) {
  (void)state;
  struct buf b = {0};
  struct mirror_info m;
  buf_str(&b, "1\n2\n");
  while (b.n < 8193) buf_str(&b, "A");
  assert_int_equal(mirror_info_parse(&m, &arena, buf_view(&b), NULL), PARLEY_ELIMIT);
  buf_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_head),
      cmocka_unit_test(test_head_bounds),
      cmocka_unit_test(test_packages),
      cmocka_unit_test(test_package_bounds),
      cmocka_unit_test(test_unwritable),
      cmocka_unit_test(test_bundle),
      cmocka_unit_test(test_mirror_info),
      cmocka_unit_test(test_ticket_bound),
      cmocka_unit_test(test_mirror_info_bound),
  };
  return cmocka_run_group_tests(tests, NULL, free_arena);
}
