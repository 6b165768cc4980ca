/*
 * Names of parties and kinds, words, origins and fingerprints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "forum/statement.h"

#define HEX64 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define LABEL31 "abcdefghijklmnopqrstuvwxyz01234"

static void test_party_names(void **state) {
  (void)state;
  static const char *const good[] = {"a.b", "cert.us.example", "0.1", "a-b.c--d", LABEL31 "." LABEL31 "x"};
  static const char *const bad[] = {"",     "a",     "a.",    ".a",         "a..b",
                                    "A.b",  "a_b.c", "-a.b",  "a-.b",       "a.-b",
                                    "a.b-", "a.b ",  "a.b/c", "\xc3\xa9.b", LABEL31 "." LABEL31 "xy",
                                    "a.b\n"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (!party_name_valid(good[i])) fail_msg("%s is a party's name", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (party_name_valid(bad[i])) fail_msg("\"%s\" is no party's name", bad[i]);
}

static void test_kinds(void **state) {
  (void)state;
  static const char *const good[] = {"ack", "forum.charter", "incident.notice", "a.b.c",
                                     "abcdefghijklmnopqrstuvwx.abcdefghijklmnopqrstuvw"};
  static const char *const bad[] = {"",    ".",   "a.", ".a",  "a..b",
                                    "Ack", "a-b", "a1", "a b", "abcdefghijklmnopqrstuvwx.abcdefghijklmnopqrstuvwx"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(kind_valid(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (kind_valid(bad[i])) fail_msg("\"%s\" is no kind", bad[i]);
  assert_true(kind_is_open("forum.held"));
  assert_false(kind_is_open("forum"));
  assert_false(kind_is_open("forums.held"));
  assert_false(kind_is_open("ack"));
}

static void test_words(void **state) {
  (void)state;
  enum precedence p;
  enum tlp t;
  enum status s;
  for (int i = 0; i < PRECEDENCE_COUNT; i++) {
    assert_true(precedence_parse(&p, precedence_name((enum precedence)i)));
    assert_int_equal(p, i);
  }
  for (int i = 0; i < TLP_COUNT; i++) {
    assert_true(tlp_parse(&t, tlp_name((enum tlp)i)));
    assert_int_equal(t, i);
  }
  for (int i = STATUS_ACTUAL; i <= STATUS_TEST; i++) {
    assert_true(status_parse(&s, status_name((enum status)i)));
    assert_int_equal(s, i);
  }
  assert_string_equal(precedence_name(FLASH), "FLASH");
  assert_string_equal(tlp_name(TLP_AMBER_STRICT), "amber+strict");
  assert_false(precedence_parse(&p, "flash"));
  assert_false(tlp_parse(&t, "white"));
  assert_false(status_parse(&s, ""));
}

static void test_origins(void **state) {
  (void)state;
  char origin[ORIGIN_MAX + 1], party[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE], parsed[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  for (size_t i = 0; i < sizeof forum; i++) forum[i] = (uint8_t)i;
  log_origin(origin, "cert.us.example", forum, 0, false);
  assert_string_equal(origin, "cert.us.example/" HEX64 "/0");
  log_origin(origin, LABEL31 "." LABEL31 "x", forum, INT64_MAX, true);
  assert_string_equal(origin, LABEL31 "." LABEL31 "x/" HEX64 "/9223372036854775807/bulk");
  assert_true(log_origin_parse(party, parsed, &epoch, &bulk, bytes_str(origin)));
  assert_string_equal(party, LABEL31 "." LABEL31 "x");
  assert_memory_equal(parsed, forum, sizeof forum);
  assert_true(epoch == INT64_MAX);
  assert_true(bulk);
  assert_true(log_origin_parse(party, parsed, &epoch, &bulk, bytes_str("a.b/" HEX64 "/7")));
  assert_false(bulk);
  assert_int_equal(epoch, 7);
}

static void test_bad_origins(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "a.b",
                                    "a.b/" HEX64,
                                    "a.b/" HEX64 "/",
                                    "/" HEX64 "/0",
                                    "a/" HEX64 "/0",
                                    "a.b/" HEX64 "0/0",
                                    "a.b/0" HEX64 "/0",
                                    "a.b/" HEX64 "/00",
                                    "a.b/" HEX64 "/-1",
                                    "a.b/" HEX64 "/0/",
                                    "a.b/" HEX64 "/0/Bulk",
                                    "a.b/" HEX64 "/0/bulk/",
                                    "a.b/" HEX64 "/0/bulk/bulk",
                                    "a.b//" HEX64 "/0",
                                    "a.b/" HEX64 "/9223372036854775808",
                                    LABEL31 "." LABEL31 "xy/" HEX64 "/0"};
  char party[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (log_origin_parse(party, forum, &epoch, &bulk, bytes_str(bad[i]))) fail_msg("\"%s\" is no origin", bad[i]);
  const char with_nul[] = "a.b\0c/" HEX64 "/0", upper[] = "a.b/00010203040506070809"
                                                          "0A0b0c0d0e0f101112131415161718191a1b1c1d1e1f/0";
  assert_false(log_origin_parse(party, forum, &epoch, &bulk, BYTES(with_nul, sizeof with_nul - 1)));
  assert_false(log_origin_parse(party, forum, &epoch, &bulk, bytes_str(upper)));
}

static void test_fingerprints(void **state) {
  (void)state;
  uint8_t fp[SHA256_SIZE], parsed[SHA256_SIZE];
  char text[80];
  for (size_t i = 0; i < sizeof fp; i++) fp[i] = (uint8_t)(i * 37 + 11);
  fingerprint_groups(text, fp);
  assert_int_equal(strlen(text), 79);
  for (size_t i = 4; i < 79; i += 5) assert_int_equal(text[i], i == 39 ? '\n' : ' ');
  assert_true(fingerprint_parse(parsed, text));
  assert_memory_equal(parsed, fp, sizeof fp);
  memset(parsed, 0, sizeof parsed);
  assert_true(fingerprint_parse(parsed, " 00:01:02:03-0405060708090a0B0C0d0e0f\n101112131415161718191A1b1c1d1e1f\n"));
  assert_int_equal(parsed[11], 11);
  assert_false(fingerprint_parse(parsed, HEX64 "0"));
  assert_false(fingerprint_parse(parsed, HEX64 "00"));
  assert_false(fingerprint_parse(parsed, "0001"));
  assert_false(fingerprint_parse(parsed, ""));
  assert_false(fingerprint_parse(parsed, "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_party_names), cmocka_unit_test(test_kinds),       cmocka_unit_test(test_words),
      cmocka_unit_test(test_origins),     cmocka_unit_test(test_bad_origins), cmocka_unit_test(test_fingerprints),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
