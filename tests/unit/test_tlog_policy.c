/*
 * tlog-policy: what a policy file may say, and which notes satisfy it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "formats/tlog.h"
#include "unit/signing.h"

#define ORIGIN "log.example/1"
#define TEXT ORIGIN "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

#define WITNESSES 6

static struct arena arena;
static struct note_signer logs[3]; /* 0 and 1 under the origin, 2 under another name */
static struct note_signer witnesses[WITNESSES];

static int setup(void **state) {
  (void)state;
  logs[0] = note_signer_new(ORIGIN, NOTE_ED25519, 101);
  logs[1] = note_signer_new(ORIGIN, NOTE_ED25519, 102);
  logs[2] = note_signer_new("log.example/2", NOTE_ED25519, 103);
  for (uint8_t i = 0; i < WITNESSES; i++) {
    const char name[] = {'w', '.', 'e', 'x', (char)('0' + i), '\0'};
    witnesses[i] = note_signer_new(name, NOTE_COSIGNATURE, i + 1);
  }
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (size_t i = 0; i < 3; i++) note_signer_free(&logs[i]);
  for (size_t i = 0; i < WITNESSES; i++) note_signer_free(&witnesses[i]);
  arena_free(&arena);
  return 0;
}

/* Writes a policy from a template: $0…$5 are the witnesses' keys, %0…%2 the logs'. */
static parley_err parse(struct tlog_policy **out, const char *template, struct errmsg *e) {
  struct buf b = {0};
  for (const char *s = template; *s; s++) {
    if (*s == '$')
      vkey_write(&b, &witnesses[*++s - '0'].vkey);
    else if (*s == '%')
      vkey_write(&b, &logs[*++s - '0'].vkey);
    else
      buf_u8(&b, (uint8_t)*s);
  }
  const parley_err err = tlog_policy_parse(out, &arena, buf_view(&b), e);
  buf_free(&b);
  return err;
}

/*
 * Checks a note signed by the named signers: digits are witnesses, 'a' to 'c' logs; an upper-case 'A' is a log's line
 * over another text, and so is a witness's after '!'.
 */
static parley_err check(const struct tlog_policy *p, const char *who, struct errmsg *e) {
  struct buf b = {0};
  buf_str(&b, TEXT "\n");
  for (const char *s = who; *s; s++) {
    if (*s == '!')
      note_signer_sign(&b, &witnesses[*++s - '0'], bytes_str("another text\n"), 1700000000);
    else if (*s >= 'a')
      note_signer_sign(&b, &logs[*s - 'a'], bytes_str(TEXT), 0);
    else if (*s >= 'A')
      note_signer_sign(&b, &logs[*s - 'A'], bytes_str("another text\n"), 0);
    else
      note_signer_sign(&b, &witnesses[*s - '0'], bytes_str(TEXT), 1700000000);
  }
  struct note n;
  assert_int_equal(note_parse(&n, &arena, buf_view(&b), NULL), PARLEY_OK);
  const parley_err err = tlog_policy_check(p, &n, e);
  buf_free(&b);
  return err;
}

static parley_err judge(const char *template, const char *who) {
  struct tlog_policy *p;
  struct errmsg e = {""};
  assert_int_equal(parse(&p, template, &e), PARLEY_OK);
  return check(p, who, &e);
}

static void test_quorum_none(void **state) {
  (void)state;
  assert_int_equal(judge("log %0\nquorum none\n", "a"), PARLEY_OK);
  assert_int_equal(judge("log %0\nquorum none\n", "b"), PARLEY_EVERIFY);
  assert_int_equal(judge("log %0\nlog %1\nquorum none\n", "b"), PARLEY_OK);
  assert_int_equal(judge("quorum none\n", "a"), PARLEY_EVERIFY);
}

static void test_log_must_be_named_by_the_origin(void **state) {
  (void)state;
  assert_int_equal(judge("log %2\nquorum none\n", "c"), PARLEY_EVERIFY);
  assert_int_equal(judge("log %0\nlog %2\nquorum none\n", "c"), PARLEY_EVERIFY);
  assert_int_equal(judge("log %0\nlog %2\nquorum none\n", "ac"), PARLEY_OK);
}

/* A known key that fails refuses the note, needed or not; unknown keys are nobody's business. */
static void test_known_key_that_fails(void **state) {
  (void)state;
  assert_int_equal(judge("log %0\nlog %1\nquorum none\n", "aB"), PARLEY_EVERIFY);
  assert_int_equal(judge("log %0\nlog %2\nquorum none\n", "aC"), PARLEY_EVERIFY);
  assert_int_equal(judge("log %0\nquorum none\n", "aB"), PARLEY_OK);
}

static void test_single_witness(void **state) {
  (void)state;
  const char *const policy = "log %0\nwitness W $0 https://w.example/\nwitness V $1\nquorum W\n";
  assert_int_equal(judge(policy, "a0"), PARLEY_OK);
  assert_int_equal(judge(policy, "a01"), PARLEY_OK);
  assert_int_equal(judge(policy, "a1"), PARLEY_EVERIFY);
  assert_int_equal(judge(policy, "0"), PARLEY_EVERIFY);
  struct tlog_policy *p;
  struct errmsg e;
  assert_int_equal(parse(&p, policy, &e), PARLEY_OK);
  assert_int_equal(check(p, "a", &e), PARLEY_EVERIFY);
  assert_string_equal(e.text, "the cosignature of witness W (w.ex0) is missing");
}

/* The example of the specification: two of three X, and any of three Y. */
static void test_two_levels_of_groups(void **state) {
  (void)state;
  static const char policy[] = "# policy\n"
                               "log %0\n"
                               "\n"
                               "witness X1 $0\n"
                               "witness X2 $1\n"
                               "witness X3 $2\n"
                               "group X-witnesses 2 X1 X2 X3\n"
                               "\n"
                               "witness Y1 $3\n"
                               "witness Y2 $4\n"
                               "witness Y3 $5\n"
                               "group Y-witnesses any Y1 Y2 Y3\n"
                               "\n"
                               "group X-and-Y all X-witnesses Y-witnesses\n"
                               "quorum X-and-Y\n";
  struct tlog_policy *p;
  struct errmsg e;
  assert_int_equal(parse(&p, policy, &e), PARLEY_OK);
  for (unsigned set = 0; set < 64; set++) {
    char who[8] = "a";
    for (unsigned i = 0; i < 6; i++)
      if (set >> i & 1) who[strlen(who)] = (char)('0' + i);
    const int x = __builtin_popcount(set & 7), y = __builtin_popcount(set >> 3);
    assert_int_equal(check(p, who, &e), x >= 2 && y >= 1 ? PARLEY_OK : PARLEY_EVERIFY);
  }
  assert_int_equal(check(p, "a3", &e), PARLEY_EVERIFY);
  assert_string_equal(e.text, "group X-and-Y needs 2 of its 2 members and has 1; X-witnesses is missing");
}

static void test_accepted_layout(void **state) {
  (void)state;
  static const char *const good[] = {
      "quorum none\n",
      "\n \t\n  # x\n#\n\tquorum\t none \t\n",
      "witness w $0\nquorum w\nwitness v $1\ngroup g any v\n",        /* unused names, after the quorum */
      "witness 2 $0\ngroup all 1 2\ngroup any all all\nquorum any\n", /* keywords are names where names stand */
      "witness \xff\xfe $0\nquorum \xff\xfe\n",
      "witness #w $0\nquorum #w\n",
      "log %0 url\nwitness w $0 url\nquorum w\n",
      "witness W $0\nwitness w $1\ngroup g all W w\nquorum g\n",
      "log %0\nlog %1\nlog %2\nquorum none\n",
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct tlog_policy *p;
    struct errmsg e = {""};
    assert_int_equal(parse(&p, good[i], &e), PARLEY_OK);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "quorum none",
      "log %0\n",
      "quorum\n",
      "quorum none none\n",
      "quorum none\nquorum none\n",
      "witness w $0\nquorum w\nquorum none\n",
      "quorum w\nwitness w $0\n",
      "quorum w\n",
      "Quorum none\n",
      "surprise\nquorum none\n",
      "log\nquorum none\n",
      "log %0 url more\nquorum none\n",
      "log $0\nquorum none\n", /* a witness's key as log */
      "log %0\nlog %0\nquorum none\n",
      "log x\nquorum none\n",
      "witness w\nquorum none\n",
      "witness\nquorum none\n",
      "group\nquorum none\n",
      "witness w $0 url more\nquorum none\n",
      "witness w %0\nquorum none\n",
      "witness w $0\nwitness v $0\nquorum none\n",
      "witness w $0\nwitness w $1\nquorum none\n",
      "witness none $0\nquorum none\n",
      "witness w $0\ngroup w any w\nquorum w\n",
      "witness w $0\ngroup none any w\nquorum none\n",
      "witness w $0\ngroup g any none\nquorum g\n",
      "witness w $0\ngroup g any w w\nquorum g\n",
      "witness w $0\ngroup g any w\ngroup h any w\nquorum g\n",
      "witness w $0\ngroup g any g\nquorum g\n",
      "witness w $0\ngroup g any w h\ngroup h any w\nquorum g\n",
      "witness w $0\ngroup g\nquorum w\n",
      "witness w $0\ngroup g any\nquorum w\n",
      "witness w $0\ngroup g w\nquorum w\n",
      "witness w $0\ngroup g 0 w\nquorum g\n",
      "witness w $0\ngroup g 2 w\nquorum g\n",
      "witness w $0\ngroup g 01 w\nquorum g\n",
      "witness w $0\ngroup g -1 w\nquorum g\n",
      "witness w $0\ngroup g ALL w\nquorum g\n",
      "witness w $0\ngroup g 99999999999999999999 w\nquorum g\n",
      "quorum none\r\n",
      "quorum\vnone\n",
      "quorum none\n\x7f\n",
      "quorum none # comment\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct tlog_policy *p;
    struct errmsg e = {""};
    assert_int_equal(parse(&p, bad[i], &e), PARLEY_EINVAL);
    assert_true(strlen(e.text) > 0);
  }
  struct tlog_policy *p;
  struct errmsg e;
  assert_int_equal(parse(&p, "quorum none\n\nlog x\n", &e), PARLEY_EINVAL);
  assert_memory_equal(e.text, "line 3 of the policy: ", 22);
}

/* Two names around one underlying key are duplicates, whatever their key ids. */
static void test_duplicate_under_another_name(void **state) {
  (void)state;
  struct note_signer twin = note_signer_new("another.example", NOTE_COSIGNATURE, 1);
  struct vkey both[2] = {witnesses[0].vkey, twin.vkey};
  struct buf b = {0};
  struct tlog_policy *p;
  assert_int_not_equal(both[0].id, both[1].id);
  tlog_policy_write(&b, &logs[0].vkey, both, 2);
  assert_int_equal(tlog_policy_parse(&p, &arena, buf_view(&b), NULL), PARLEY_EINVAL);
  buf_free(&b);
  note_signer_free(&twin);
}

static void test_limits(void **state) {
  (void)state;
  for (size_t n = 256; n <= 257; n++) {
    struct vkey *keys = calloc(n, sizeof *keys);
    assert_non_null(keys);
    for (size_t i = 0; i < n; i++) {
      const uint8_t pub[32] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
      assert_int_equal(vkey_make(&keys[i], "w", NOTE_COSIGNATURE, pub, NULL), PARLEY_OK);
    }
    struct buf b = {0};
    struct tlog_policy *p;
    tlog_policy_write(&b, &logs[0].vkey, keys, n);
    assert_int_equal(tlog_policy_parse(&p, &arena, buf_view(&b), NULL), n > 256 ? PARLEY_ELIMIT : PARLEY_OK);
    buf_free(&b);
    free(keys);
  }
  struct buf b = {0};
  struct tlog_policy *p;
  while (b.n <= TLOG_POLICY_MAX) buf_str(&b, "#\n");
  assert_int_equal(tlog_policy_parse(&p, &arena, buf_view(&b), NULL), PARLEY_ELIMIT);
  buf_free(&b);
}

static void test_written_policies(void **state) {
  (void)state;
  for (size_t n = 0; n <= WITNESSES; n++) {
    struct vkey keys[WITNESSES];
    char all[16] = "a", fewer[16] = "a";
    for (size_t i = 0; i < n; i++) {
      keys[i] = witnesses[i].vkey;
      all[i + 1] = (char)('0' + i);
      if (i + 1 < n) fewer[i + 1] = (char)('0' + i);
    }
    struct buf b = {0};
    struct tlog_policy *p;
    struct errmsg e;
    tlog_policy_write(&b, &logs[0].vkey, keys, n);
    assert_int_equal(tlog_policy_parse(&p, &arena, buf_view(&b), &e), PARLEY_OK);
    assert_int_equal(check(p, all, &e), PARLEY_OK);
    assert_int_equal(check(p, fewer, &e), n == 0 ? PARLEY_OK : PARLEY_EVERIFY);
    buf_free(&b);
  }
}

static void test_note_that_is_no_checkpoint(void **state) {
  (void)state;
  struct tlog_policy *p;
  struct note n;
  struct errmsg e;
  struct buf b = {0};
  assert_int_equal(parse(&p, "log %0\nquorum none\n", &e), PARLEY_OK);
  buf_str(&b, ORIGIN "\n\n");
  note_signer_sign(&b, &logs[0], bytes_str(ORIGIN "\n"), 0);
  assert_int_equal(note_parse(&n, &arena, buf_view(&b), NULL), PARLEY_OK);
  assert_int_equal(tlog_policy_check(p, &n, &e), PARLEY_EINVAL);
  buf_free(&b);
}

static void test_known_witness_that_fails(void **state) {
  (void)state;
  const char *const policy = "log %0\nwitness W $0\nwitness V $1\ngroup g any W V\nquorum g\n";
  assert_int_equal(judge(policy, "a0"), PARLEY_OK);
  assert_int_equal(judge(policy, "a0!0"), PARLEY_EVERIFY);
  assert_int_equal(judge(policy, "a0!1"), PARLEY_EVERIFY); /* not needed, but known */
  assert_int_equal(judge(policy, "a0!2"), PARLEY_OK);      /* nobody that the policy names */
  assert_int_equal(judge("log %0\nwitness W $0\nquorum none\n", "a!0"), PARLEY_EVERIFY);
}

/* Every threshold of every group of one to six witnesses, against counting. */
static void test_thresholds(void **state) {
  (void)state;
  for (unsigned n = 1; n <= WITNESSES; n++) {
    for (unsigned k = 0; k <= n + 1; k++) { /* 0: any, n + 1: all */
      char policy[512] = "log %0\n", rule[32];
      if (k == 0 || k > n)
        strcpy(rule, k == 0 ? "group g any" : "group g all");
      else
        snprintf(rule, sizeof rule, "group g %u", k);
      for (unsigned i = 0; i < n; i++) sprintf(policy + strlen(policy), "witness w%u $%u\n", i, i);
      strcat(policy, rule);
      for (unsigned i = 0; i < n; i++) sprintf(policy + strlen(policy), " w%u", i);
      strcat(policy, "\nquorum g\n");
      struct tlog_policy *p;
      struct errmsg e;
      assert_int_equal(parse(&p, policy, &e), PARLEY_OK);
      const int needed = (int)(k == 0 ? 1 : k > n ? n : k);
      for (unsigned set = 0; set < 1u << n; set++) {
        char who[16] = "a";
        for (unsigned i = 0; i < n; i++)
          if (set >> i & 1) who[strlen(who)] = (char)('0' + i);
        assert_int_equal(check(p, who, &e), __builtin_popcount(set) >= needed ? PARLEY_OK : PARLEY_EVERIFY);
      }
    }
  }
}

/* A chain of groups, each around the one before: as many as fit, and one too many. */
static void test_many_groups(void **state) {
  (void)state;
  for (size_t n = 64; n <= 65; n++) {
    struct buf b = {0};
    struct tlog_policy *p;
    struct errmsg e;
    buf_str(&b, "log %0\nwitness g0 $0\n");
    for (size_t i = 1; i <= n; i++) buf_fmt(&b, "group g%zu %s g%zu\n", i, i % 2 ? "all" : "1", i - 1);
    buf_fmt(&b, "quorum g%zu\n", n);
    assert_int_equal(parse(&p, buf_cstr(&b), &e), n > 64 ? PARLEY_ELIMIT : PARLEY_OK);
    if (n == 64) {
      assert_int_equal(check(p, "a0", &e), PARLEY_OK);
      assert_int_equal(check(p, "a1", &e), PARLEY_EVERIFY);
      assert_string_equal(e.text, "group g64 needs 1 of its 1 members and has 0; g63 is missing");
    }
    buf_free(&b);
  }
}

static void test_many_logs(void **state) {
  (void)state;
  for (size_t n = 64; n <= 65; n++) {
    struct buf b = {0};
    struct tlog_policy *p;
    for (size_t i = 0; i < n; i++) {
      const uint8_t pub[32] = {(uint8_t)i, 0, 1};
      struct vkey k;
      assert_int_equal(vkey_make(&k, "log.example", NOTE_ED25519, pub, NULL), PARLEY_OK);
      buf_str(&b, "log ");
      vkey_write(&b, &k);
      buf_str(&b, "\n");
    }
    buf_str(&b, "quorum none\n");
    assert_int_equal(tlog_policy_parse(&p, &arena, buf_view(&b), NULL), n > 64 ? PARLEY_ELIMIT : PARLEY_OK);
    buf_free(&b);
  }
}

/* One underlying key on two log lines, under two names. */
static void test_duplicate_log_under_another_name(void **state) {
  (void)state;
  struct note_signer twin = note_signer_new("log.example/9", NOTE_ED25519, 101);
  struct buf b = {0};
  struct tlog_policy *p;
  buf_str(&b, "log ");
  vkey_write(&b, &logs[0].vkey);
  buf_str(&b, "\nlog ");
  vkey_write(&b, &twin.vkey);
  buf_str(&b, "\nquorum none\n");
  assert_int_equal(tlog_policy_parse(&p, &arena, buf_view(&b), NULL), PARLEY_EINVAL);
  buf_free(&b);
  note_signer_free(&twin);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_quorum_none),
      cmocka_unit_test(test_log_must_be_named_by_the_origin),
      cmocka_unit_test(test_known_key_that_fails),
      cmocka_unit_test(test_single_witness),
      cmocka_unit_test(test_two_levels_of_groups),
      cmocka_unit_test(test_accepted_layout),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_duplicate_under_another_name),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_written_policies),
      cmocka_unit_test(test_note_that_is_no_checkpoint),
      cmocka_unit_test(test_known_witness_that_fails),
      cmocka_unit_test(test_thresholds),
      cmocka_unit_test(test_many_groups),
      cmocka_unit_test(test_many_logs),
      cmocka_unit_test(test_duplicate_log_under_another_name),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
