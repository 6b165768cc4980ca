/*
 * Blocks, names, first entry and packages of bundles (docs/protocol.md, section 10): what is written is read, and each refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/bundle.h"
#include "record_fixture.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define BULK_ORIGIN "cert.us.example/" HEX "/0/bulk"

/* ---- blocks ---- */

static void sum_again(uint8_t b[static BUNDLE_BLOCK]) {
  unsigned sum = 0;
  char text[8];
  memset(b + 148, ' ', 8);
  for (size_t i = 0; i < BUNDLE_BLOCK; i++) sum += b[i];
  snprintf(text, sizeof text, "%06o", sum);
  memcpy(b + 148, text, 7);
}

static void make(uint8_t b[static BUNDLE_BLOCK], const char *name, uint64_t size) {
  assert_int_equal(bundle_block_write(b, name, size, 1620381600, NULL), PARLEY_OK);
}

static void reads_as(const char *name, uint64_t size) {
  uint8_t b[BUNDLE_BLOCK];
  struct bundle_block got;
  make(b, name, size);
  assert_int_equal(bundle_block_read(&got, b, NULL), PARLEY_OK);
  assert_string_equal(got.name, name);
  assert_true(got.size == size && !got.end && !got.odd);
}

static void test_block(void **state) {
  (void)state;
  uint8_t b[BUNDLE_BLOCK] = {0};
  struct bundle_block got;
  reads_as("parley-bundle", 0);
  reads_as(HEX "/entries/0-256", BUNDLE_ENTRIES_MAX);
  reads_as(HEX "/checkpoint.a-rather-long-label-of-sixty-bytes.with-another-one.example", 1); /* split */
  assert_int_equal(bundle_block_read(&got, b, NULL), PARLEY_OK);
  assert_true(got.end);
  make(b, HEX "/checkpoint.a-rather-long-label-of-sixty-bytes.with-another-one.example", 1);
  assert_string_equal((char *)b + 345, HEX);
  make(b, "parley-bundle", 07654321);
  assert_memory_equal(b + 100,
                      "0000644\0"
                      "0000000\0"
                      "0000000\0"
                      "00007654321\0"
                      "14045207640\0",
                      48);
  assert_memory_equal(b + 257,
                      "ustar\0"
                      "00",
                      8);
}

static void refused_when(size_t at, const char *bytes, size_t n, bool sum, parley_err want, bool odd) {
  uint8_t b[BUNDLE_BLOCK];
  struct bundle_block got;
  struct errmsg e = {""};
  make(b, "parley-bundle", 10);
  memcpy(b + at, bytes, n);
  if (sum) sum_again(b);
  assert_int_equal(bundle_block_read(&got, b, &e), want);
  if (want)
    assert_true(e.text[0]);
  else
    assert_int_equal(got.odd, odd);
}

static void test_block_refused(void **state) {
  (void)state;
  refused_when(257, "ustar  ", 8, true, PARLEY_EINVAL, false); /* GNU */
  refused_when(263, "01", 2, true, PARLEY_EINVAL, false);
  refused_when(0, "q", 1, false, PARLEY_EINVAL, false); /* the checksum */
  refused_when(148, "xxxxxx", 6, false, PARLEY_EINVAL, false);
  refused_when(124, "\200\0\0\0\0\0\0\0\0\0\0\012", 12, true, PARLEY_EINVAL, false); /* base 256 */
  refused_when(124, "           ", 11, true, PARLEY_EINVAL, false);
  refused_when(124, "000000000129", 12, true, PARLEY_EINVAL, false); /* no end within the field */
  refused_when(124, "00000000008", 11, true, PARLEY_EINVAL, false);
  refused_when(124, "-0000000012", 11, true, PARLEY_EINVAL, false);
  for (const char *type = "1234567xgLKS\0"; *type; type++) refused_when(156, type, 1, true, PARLEY_OK, true);
  refused_when(156, "\0", 1, true, PARLEY_OK, true);
  refused_when(157, "x", 1, true, PARLEY_OK, true); /* a link name */
  refused_when(156, "0", 1, true, PARLEY_OK, false);
  refused_when(124, "77777777777", 12, true, PARLEY_OK, false); /* as large as can be: for the reader to pass over */
}

static void test_block_not_written(void **state) {
  (void)state;
  uint8_t b[BUNDLE_BLOCK];
  char name[400];
  assert_int_equal(bundle_block_write(b, "", 0, 0, NULL), PARLEY_EINVAL);
  assert_int_equal(bundle_block_write(b, "parley-bundle", (uint64_t)1 << 33, 0, NULL), PARLEY_EINVAL);
  memset(name, 'a', sizeof name);
  name[101] = '\0';
  assert_int_equal(bundle_block_write(b, name, 0, 0, NULL), PARLEY_EINVAL); /* no place to split it */
  name[100] = '/';
  name[101] = 'a';
  name[102] = '\0';
  assert_int_equal(bundle_block_write(b, name, 0, 0, NULL), PARLEY_OK);
  memset(name, 'a', 156);
  name[156] = '/';
  name[157] = 'a';
  name[158] = '\0';
  assert_int_equal(bundle_block_write(b, name, 0, 0, NULL), PARLEY_EINVAL);
}

/* ---- names ---- */

static void test_names(void **state) {
  (void)state;
  static const struct {
    const char *name;
    enum bundle_kind kind;
  } good[] = {
      {"parley-bundle", BUNDLE_HEAD},
      {"card/cert.us.example.0.json", BUNDLE_CARD},
      {"card/cert.us.example.12.json", BUNDLE_CARD},
      {"charter/" HEX ".json", BUNDLE_CHARTER},
      {HEX "/origin", BUNDLE_ORIGIN},
      {HEX "/checkpoint", BUNDLE_CHECKPOINT},
      {HEX "/entries/0-1", BUNDLE_ENTRIES},
      {HEX "/entries/9223372036854775806-9223372036854775807", BUNDLE_ENTRIES},
      {HEX "/checkpoint.cert.us.example", BUNDLE_COSIGNED},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct bundle_name n;
    char again[BUNDLE_PATH_MAX + 1];
    assert_true(bundle_name_parse(&n, good[i].name));
    assert_int_equal(n.kind, good[i].kind);
    bundle_name_write(again, &n);
    assert_string_equal(again, good[i].name);
    assert_true(bundle_size_max(n.kind) >= 512);
  }
}

static void test_names_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "/",
      ".",
      "..",
      "/etc/passwd",
      "../" HEX "/origin",
      "./parley-bundle",
      "parley-bundle/",
      "parley-bundle2",
      "card/cert.us.example.json",
      "card/cert.us.example.01.json",
      "card/cert.us.example.-1.json",
      "card/example.0.json",
      "card/../x.y.0.json",
      "card/cert.us.example.0",
      "card/.0.json",
      "card/Cert.us.example.0.json",
      "charter/" HEX,
      "charter/.json",
      "charter/" HEX "0.json",
      "charter/../" HEX ".json",
      "charter/00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff.json",
      HEX,
      HEX "/",
      HEX "/origin/",
      HEX "//origin",
      HEX "/tile/0/000",
      HEX "/checkpoint.",
      HEX "/checkpoint.example",
      HEX "/checkpoint.pending.",
      HEX "/checkpoint/cert.us.example",
      HEX "/entries/",
      HEX "/entries/5",
      HEX "/entries/5-5",
      HEX "/entries/6-5",
      HEX "/entries/05-6",
      HEX "/entries/5-06",
      HEX "/entries/-5-6",
      HEX "/entries/5-6/",
      HEX "/entries/5-6-7",
      HEX "/entries/0-9223372036854775808",
      HEX "/entries/0x1-2",
      HEX "/entries/../origin",
      "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff/origin",
      HEX "/checkpoint.a123456789.a123456789.a123456789.a123456789.a123456789.a1234.a123",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct bundle_name n;
    if (bundle_name_parse(&n, bad[i])) fail_msg("%s was taken", bad[i]);
  }
}

/* ---- parley-bundle ---- */

#define HEAD "parley/bundle/v1\nfrom cert.us.example\nfor ncc.ru.example\nforum " HEX "\ntime 2021-05-07T10:00:00Z\n"

static void test_head(void **state) {
  (void)state;
  struct bundle_head h;
  struct buf b = {0};
  assert_int_equal(bundle_head_parse(&h, bytes_str(HEAD), NULL), PARLEY_OK);
  assert_string_equal(h.from, "cert.us.example");
  assert_string_equal(h.to, "ncc.ru.example");
  assert_true(h.time == 1620381600 && h.forum[1] == 0x11);
  bundle_head_write(&b, &h);
  assert_true(bytes_is(buf_view(&b), HEAD));
  for (size_t n = 0; n < b.n; n++) assert_int_equal(bundle_head_parse(&h, BYTES(b.p, n), NULL), PARLEY_EINVAL);
  buf_free(&b);
  static const char *const bad[] = {
      HEAD "\n",
      HEAD "more\n",
      "parley/bundle/v2\n",
      "parley/bundle/v1\nfrom example\nfor ncc.ru.example\nforum " HEX "\ntime 2021-05-07T10:00:00Z\n",
      "parley/bundle/v1\nfrom cert.us.example\nfor ../ru.example\nforum " HEX "\ntime 2021-05-07T10:00:00Z\n",
      "parley/bundle/v1\nfrom cert.us.example\nfor ncc.ru.example\nforum 00\ntime 2021-05-07T10:00:00Z\n",
      "parley/bundle/v1\nfrom cert.us.example\nfor ncc.ru.example\nforum " HEX "\ntime 2021-05-07\n",
      "parley/bundle/v1\nfor ncc.ru.example\nfrom cert.us.example\nforum " HEX "\ntime 2021-05-07T10:00:00Z\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(bundle_head_parse(&h, bytes_str(bad[i]), NULL), PARLEY_EINVAL);
  char nul[] = HEAD;
  nul[sizeof "parley/bundle/v1\nfrom cert.us" - 1] = '\0';
  assert_int_equal(bundle_head_parse(&h, BYTES(nul, sizeof nul - 1), NULL), PARLEY_EINVAL);
}

/* ---- entries ---- */

struct count {
  uint64_t next;
  struct copy *copy;
  parley_err end;
};

static parley_err count_leaf(void *ctx, uint64_t index, const struct hash *leaf, struct errmsg *e) {
  struct count *c = ctx;
  struct arena a = {0};
  struct bytes entry;
  struct hash want;
  (void)e;
  assert_true(index == c->next);
  assert_int_equal(copy_entry(c->copy, index, &a, &entry, NULL), PARLEY_OK);
  merkle_leaf(&want, entry);
  assert_true(hash_eq(&want, leaf));
  arena_free(&a);
  c->next++;
  return c->end;
}

/* The body for [start, end) in the tree of size, with a head that says so. */
static void body_of(struct author *a, struct buf *out, const char *origin, uint64_t start, uint64_t size,
                    uint64_t *end) {
  add_entries_head_write(out, &(struct add_entries_head){bytes_str(origin), start, size, BYTES_NONE});
  assert_int_equal(copy_packages(a->copy, start, size, 100, out, end, NULL), PARLEY_OK);
}

static void test_entries(void **state) {
  (void)state;
  struct author a;
  struct buf b = {0};
  struct hash root;
  author_make(&a, 0, 0, 600);
  assert_int_equal(copy_root(a.copy, 600, &root, NULL), PARLEY_OK);
  for (uint64_t start = 0; start < 600;) {
    struct bundle_name n = {.kind = BUNDLE_ENTRIES, .start = start}, found = n;
    struct count c = {start, a.copy, PARLEY_OK};
    buf_clear(&b);
    body_of(&a, &b, BULK_ORIGIN, start, 600, &n.end);
    assert_int_equal(bundle_entries_walk(&n, buf_view(&b), BULK_ORIGIN, 600, &root, count_leaf, &c, NULL), PARLEY_OK);
    assert_true(c.next == n.end);
    assert_int_equal(bundle_entries_end(&found, buf_view(&b), BULK_ORIGIN, NULL), PARLEY_OK);
    assert_true(found.end == n.end);
    start = n.end;
  }
  buf_free(&b);
  author_free(&a);
}

static void test_entries_refused(void **state) {
  (void)state;
  struct author a;
  struct buf b = {0};
  struct hash root, other = {{1}};
  struct errmsg e;
  struct bundle_name n = {.kind = BUNDLE_ENTRIES, .start = 256};
  author_make(&a, 0, 0, 600);
  assert_int_equal(copy_root(a.copy, 600, &root, NULL), PARLEY_OK);
  body_of(&a, &b, BULK_ORIGIN, 256, 600, &n.end);
  const struct bytes body = buf_view(&b);
  struct bundle_name wrong = n;
  assert_int_equal(bundle_entries_walk(&n, body, BULK_ORIGIN, 600, &root, NULL, NULL, &e), PARLEY_OK);
  assert_int_equal(bundle_entries_walk(&n, body, "cert.us.example/" HEX "/0", 600, &root, NULL, NULL, &e),
                   PARLEY_EINVAL);
  assert_int_equal(bundle_entries_walk(&n, body, BULK_ORIGIN, 601, &root, NULL, NULL, &e), PARLEY_EINVAL);
  assert_int_equal(bundle_entries_walk(&n, body, BULK_ORIGIN, 600, &other, NULL, NULL, &e), PARLEY_EVERIFY);
  wrong.start = 255;
  assert_int_equal(bundle_entries_walk(&wrong, body, BULK_ORIGIN, 600, &root, NULL, NULL, &e), PARLEY_EINVAL);
  wrong = n;
  wrong.end++;
  assert_int_equal(bundle_entries_walk(&wrong, body, BULK_ORIGIN, 600, &root, NULL, NULL, &e), PARLEY_EINVAL);
  struct count c = {256, a.copy, PARLEY_ELIMIT};
  assert_int_equal(bundle_entries_walk(&n, body, BULK_ORIGIN, 600, &root, count_leaf, &c, &e), PARLEY_ELIMIT);
  for (size_t k = 0; k < body.n; k += k < 200 || k + 200 > body.n ? 1 : 97) /* cut anywhere */
    assert_int_equal(bundle_entries_walk(&n, BYTES(body.p, k), BULK_ORIGIN, 600, &root, NULL, NULL, &e), PARLEY_EINVAL);
  for (size_t k = 0; k < body.n; k += 61) { /* any bit turned */
    b.p[k] ^= 4;
    assert_int_not_equal(bundle_entries_walk(&n, body, BULK_ORIGIN, 600, &root, NULL, NULL, &e), PARLEY_OK);
    b.p[k] ^= 4;
  }
  buf_u8(&b, 0);
  assert_int_equal(bundle_entries_walk(&n, buf_view(&b), BULK_ORIGIN, 600, &root, NULL, NULL, &e), PARLEY_EINVAL);
  buf_clear(&b);
  add_entries_head_write(&b, &(struct add_entries_head){bytes_str(BULK_ORIGIN), 256, 600, bytes_str("ticket")});
  assert_int_equal(bundle_entries_walk(&n, buf_view(&b), BULK_ORIGIN, 600, &root, NULL, NULL, &e), PARLEY_EINVAL);
  buf_free(&b);
  author_free(&a);
}

/* Bytes behind the last entry of the tree, and more packages than one file takes. */
static void test_entries_too_many(void **state) {
  (void)state;
  struct buf b = {0};
  struct errmsg e;
  struct bundle_name n = {.kind = BUNDLE_ENTRIES, .start = 0, .end = 33 * 256};
  add_entries_head_write(&b, &(struct add_entries_head){bytes_str(BULK_ORIGIN), 0, 33 * 256, BYTES_NONE});
  for (int i = 0; i < 33; i++)
    for (int k = 0; k <= 512; k++) buf_u8(&b, 0); /* 256 empty entries and a proof without hashes */
  assert_int_equal(bundle_entries_walk(&n, buf_view(&b), BULK_ORIGIN, 33 * 256, NULL, NULL, NULL, &e), PARLEY_ELIMIT);
  b.n -= 513;
  n.end -= 256;
  assert_int_equal(bundle_entries_walk(&n, buf_view(&b), BULK_ORIGIN, 33 * 256, NULL, NULL, NULL, &e), PARLEY_OK);
  buf_clear(&b);
  n.end = 1;
  add_entries_head_write(&b, &(struct add_entries_head){bytes_str(BULK_ORIGIN), 0, 1, BYTES_NONE});
  buf_add(&b, "\0\0\0", 3);
  assert_int_equal(bundle_entries_walk(&n, buf_view(&b), BULK_ORIGIN, 1, NULL, NULL, NULL, &e), PARLEY_OK);
  buf_u8(&b, 0);
  assert_int_equal(bundle_entries_walk(&n, buf_view(&b), BULK_ORIGIN, 1, NULL, NULL, NULL, &e), PARLEY_EINVAL);
  buf_free(&b);
}

static void test_entry_sizes(void **state) {
  (void)state;
  assert_int_equal(bundle_entry_max(BULK_ORIGIN), BULK_ENTRY_MAX);
  assert_int_equal(bundle_entry_max("cert.us.example/" HEX "/0"), ENTRY_MAX);
  assert_int_equal(bundle_entry_max("log.example"), ENTRY_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_block),
      cmocka_unit_test(test_block_refused),
      cmocka_unit_test(test_block_not_written),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_names_refused),
      cmocka_unit_test(test_head),
      cmocka_unit_test(test_entries),
      cmocka_unit_test(test_entries_refused),
      cmocka_unit_test(test_entries_too_many),
      cmocka_unit_test(test_entry_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
