/*
 * tlog-proof: the text, and a whole proof made, written, read and verified.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "formats/tlog.h"
#include "unit/signing.h"

#define HASH "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="
#define START "c2sp.org/tlog-proof@v1\n"

static struct arena arena;

static int free_arena(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static void test_round_trip(void **state) {
  (void)state;
  static const char *const good[] = {
      START "index 0\n\nnote",
      START "index 73894\n" HASH "\n" HASH "\n\nexample.com/fancylog\n109482\n\nmore\n",
      START "extra YWdl\nindex 1\n" HASH "\n\nnote\n",
      START "index 9223372036854775807\n\n\n",
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct tlog_proof p;
    struct buf b = {0};
    assert_int_equal(tlog_proof_parse(&p, &arena, bytes_str(good[i]), NULL), PARLEY_OK);
    tlog_proof_write(&b, &p);
    assert_true(bytes_is(buf_view(&b), good[i]));
    buf_free(&b);
  }
  struct tlog_proof p;
  assert_int_equal(tlog_proof_parse(&p, &arena, bytes_str(good[1]), NULL), PARLEY_OK);
  assert_null(p.extra.p);
  assert_true(p.index == 73894);
  assert_int_equal(p.inclusion.n, 2);
  assert_true(bytes_is(p.note, "example.com/fancylog\n109482\n\nmore\n"));
  assert_int_equal(tlog_proof_parse(&p, &arena, bytes_str(good[2]), NULL), PARLEY_OK);
  assert_true(bytes_is(p.extra, "age"));
}

static void test_malformed(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "c2sp.org/tlog-proof@v1",
      START,
      START "\n",
      "c2sp.org/tlog-proof@v2\nindex 0\n\nnote",
      "c2sp.org/tlog-proof@v1 \nindex 0\n\nnote",
      "c2sp.org/tlog-proof@v1\r\nindex 0\n\nnote",
      " " START "index 0\n\nnote",
      START "index\n\nnote",
      START "index \n\nnote",
      START "index  0\n\nnote",
      START "index 00\n\nnote",
      START "index 01\n\nnote",
      START "index -1\n\nnote",
      START "index 0 \n\nnote",
      START "Index 0\n\nnote",
      START "index 9223372036854775808\n\nnote",
      START "extra \nindex 0\n\nnote",
      START "extra\nindex 0\n\nnote",
      START "extra YWd\nindex 0\n\nnote",
      START "extra YWdl\nextra YWdl\nindex 0\n\nnote",
      START "index 0\nextra YWdl\n\nnote",
      START "extra YWdl\n",
      START "index 0\n",
      START "index 0\n\n",
      START "index 0\n" HASH "\n",
      START "index 0\n" HASH,
      START "index 0\n" HASH "=\n\nnote",
      START "index 0\n " HASH "\n\nnote",
      START "index 0\nAAAA\n\nnote",
      START "index 0\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlR=\n\nnote",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct tlog_proof p;
    struct errmsg e = {""};
    assert_int_equal(tlog_proof_parse(&p, &arena, bytes_str(bad[i]), &e), PARLEY_EINVAL);
    assert_true(strlen(e.text) > 0);
  }
}

static void test_limits(void **state) {
  (void)state;
  for (size_t n = PROOF_MAX; n <= PROOF_MAX + 1; n++) {
    struct buf b = {0};
    struct tlog_proof p;
    buf_str(&b, START "index 0\n");
    for (size_t i = 0; i < n; i++) buf_str(&b, HASH "\n");
    buf_str(&b, "\nnote");
    assert_int_equal(tlog_proof_parse(&p, &arena, buf_view(&b), NULL), n > PROOF_MAX ? PARLEY_ELIMIT : PARLEY_OK);
    buf_free(&b);
  }
  struct buf b = {0};
  struct tlog_proof p;
  buf_str(&b, START "index 0\n\n");
  while (b.n <= TLOG_PROOF_MAX) buf_str(&b, "x");
  assert_int_equal(tlog_proof_parse(&p, &arena, buf_view(&b), NULL), PARLEY_ELIMIT);
  buf_free(&b);
}

static parley_err read_leaf(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  (void)e;
  merkle_root_of_leaves(out, (const struct hash *)ctx + (index << level), (size_t)1 << level);
  return PARLEY_OK;
}

/* tlog-proof: Verifying a tlog proof, all four steps. */
static void test_whole_proof(void **state) {
  (void)state;
  struct note_signer log = note_signer_new("log.example", NOTE_ED25519, 1),
                     w = note_signer_new("w.example", NOTE_COSIGNATURE, 2);
  struct hash leaves[11], root;
  struct tlog_proof out = {.extra = BYTES("\0x", 2), .index = 6}, in;
  struct buf text = {0}, note = {0}, file = {0}, policy_text = {0};
  for (uint8_t i = 0; i < 11; i++) merkle_leaf(&leaves[i], BYTES(&i, 1));
  merkle_root_of_leaves(&root, leaves, 11);
  assert_int_equal(merkle_inclusion(&out.inclusion, (struct merkle_source){read_leaf, leaves}, 6, 11, NULL), PARLEY_OK);
  checkpoint_text(&text, "log.example", 11, &root);
  buf_bytes(&note, buf_view(&text));
  buf_str(&note, "\n");
  note_signer_sign(&note, &log, buf_view(&text), 0);
  note_signer_sign(&note, &w, buf_view(&text), 1700000000);
  out.note = buf_view(&note);
  tlog_proof_write(&file, &out);

  struct note n;
  struct checkpoint c;
  struct tlog_policy *policy;
  assert_int_equal(tlog_proof_parse(&in, &arena, buf_view(&file), NULL), PARLEY_OK);
  assert_true(bytes_eq(in.extra, out.extra));
  assert_int_equal(note_parse(&n, &arena, in.note, NULL), PARLEY_OK);
  tlog_policy_write(&policy_text, &log.vkey, &w.vkey, 1);
  assert_int_equal(tlog_policy_parse(&policy, &arena, buf_view(&policy_text), NULL), PARLEY_OK);
  assert_int_equal(tlog_policy_check(policy, &n, NULL), PARLEY_OK);
  assert_int_equal(checkpoint_parse(&c, n.text, NULL), PARLEY_OK);
  assert_true(merkle_check_inclusion(&in.inclusion, in.index, c.size, &leaves[6], &c.root));
  assert_false(merkle_check_inclusion(&in.inclusion, in.index, c.size, &leaves[5], &c.root));
  buf_free(&text);
  buf_free(&note);
  buf_free(&file);
  buf_free(&policy_text);
  note_signer_free(&log);
  note_signer_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_malformed),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_whole_proof),
  };
  return cmocka_run_group_tests(tests, NULL, free_arena);
}
