#include "unit/record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/dsse.h"
#include "forum/charter.h"
#include "forum/statement.h"

#define ORIGIN "b.example/f/0"

/* Trees over leaves that differ by history. */
struct history {
  struct hash leaf[16];
};

static void make_history(struct history *h, const char *name) {
  for (size_t i = 0; i < 16; i++) {
    uint8_t entry[32] = {(uint8_t)i};
    memcpy(entry + 1, name, strlen(name));
    merkle_leaf(&h->leaf[i], BYTES(entry, sizeof entry));
  }
}

static parley_err read_leaf(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const struct history *h = ctx;
  (void)e;
  merkle_root_of_leaves(out, &h->leaf[index << level], (size_t)1 << level);
  return PARLEY_OK;
}

static struct signed_tree tree_of(struct history *h, uint64_t size) {
  struct signed_tree t = {.size = size};
  merkle_root_of_leaves(&t.root, h->leaf, (size_t)size);
  return t;
}

static struct proof proof_of(struct history *h, uint64_t old, uint64_t size) {
  struct proof p = {0};
  assert_int_equal(merkle_consistency(&p, (struct merkle_source){read_leaf, h}, old, size, NULL), PARLEY_OK);
  return p;
}

struct fixture {
  struct memory memory;
  struct signer *signer;
  struct history a, b;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  f->signer = kit_signer(&f->memory);
  make_history(&f->a, "a");
  make_history(&f->b, "b");
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  signer_free(f->signer);
  free(f);
  return 0;
}

static parley_err sign(struct fixture *f, enum signer_role role, struct history *h, uint64_t old, uint64_t size,
                       struct buf *line) {
  const struct signed_tree t = tree_of(h, size);
  const struct proof p = proof_of(h, old, size);
  struct errmsg e = {0};
  const parley_err err = role == SIGNER_LOG ? signer_checkpoint(f->signer, line, ORIGIN, &t, &p, &e)
                                            : signer_cosign(f->signer, line, ORIGIN, &t, 1700000000, &p, &e);
  if (err) {
    assert_true(strlen(e.text) > 10);
    assert_int_equal(line->n, 0);
  }
  return err;
}

static void expect(struct fixture *f, enum signer_role role, struct history *h, uint64_t old, uint64_t size,
                   parley_err want) {
  struct buf line = {0};
  assert_int_equal(sign(f, role, h, old, size, &line), want);
  buf_free(&line);
}

/* The memory is gone: nothing is signed for what is not known again, in either role; what is learned again is never set back. */
static void test_lost(void **state) {
  struct fixture *f = *state;
  struct signed_tree five = tree_of(&f->a, 5), three = tree_of(&f->a, 3), held;
  struct hash mark = {{7}}, same;
  assert_int_equal(signer_mark(f->signer, &same, NULL), PARLEY_ENOTFOUND);
  assert_int_equal(signer_set_mark(f->signer, &mark, NULL), PARLEY_OK);
  assert_int_equal(signer_mark(f->signer, &same, NULL), PARLEY_OK);
  assert_true(hash_eq(&mark, &same));
  assert_int_equal(signer_relearn(f->signer, ORIGIN, SIGNER_LOG, &five, NULL), PARLEY_EINVAL); /* it is whole */
  signer_set_lost(f->signer, true);
  expect(f, SIGNER_LOG, &f->a, 0, 5, PARLEY_EVERIFY);
  expect(f, SIGNER_MIRROR, &f->a, 0, 5, PARLEY_EVERIFY);
  assert_int_equal(signer_relearn(f->signer, ORIGIN, SIGNER_MIRROR, &five, NULL), PARLEY_OK);
  assert_int_equal(signer_relearn(f->signer, ORIGIN, SIGNER_MIRROR, &three, NULL), PARLEY_OK);
  assert_int_equal(signer_remembered(f->signer, ORIGIN, SIGNER_MIRROR, &held, NULL), PARLEY_OK);
  assert_int_equal(held.size, 5);
  expect(f, SIGNER_MIRROR, &f->a, 0, 3, PARLEY_EVERIFY);
  expect(f, SIGNER_MIRROR, &f->b, 5, 6, PARLEY_EVERIFY);
  expect(f, SIGNER_MIRROR, &f->a, 5, 6, PARLEY_OK);
  expect(f, SIGNER_LOG, &f->a, 0, 6, PARLEY_EVERIFY);
  signer_set_lost(f->signer, false);
  expect(f, SIGNER_LOG, &f->a, 0, 6, PARLEY_OK);
}

static void test_lines_verify(void **state) {
  struct fixture *f = *state;
  const struct signed_tree t = tree_of(&f->a, 5);
  struct buf text = {0}, log = {0}, mirror = {0};
  checkpoint_text(&text, ORIGIN, 5, &t.root);
  assert_int_equal(sign(f, SIGNER_LOG, &f->a, 0, 5, &log), PARLEY_OK);
  assert_int_equal(sign(f, SIGNER_MIRROR, &f->a, 0, 5, &mirror), PARLEY_OK);
  struct vkey k;
  assert_int_equal(vkey_make(&k, ORIGIN, NOTE_ED25519, signer_log_public(f->signer), NULL), PARLEY_OK);
  assert_int_equal(note_verify_line(buf_view(&log), buf_view(&text), &k, NULL, NULL), PARLEY_OK);
  const struct vkey m = kit_mirror_vkey(f->signer);
  int64_t at = 0;
  assert_int_equal(note_verify_line(buf_view(&mirror), buf_view(&text), &m, &at, NULL), PARLEY_OK);
  assert_int_equal(at, 1700000000);
  buf_free(&text);
  buf_free(&log);
  buf_free(&mirror);
}

static void refusals(struct fixture *f, enum signer_role role) {
  expect(f, role, &f->a, 0, 5, PARLEY_OK);
  expect(f, role, &f->a, 5, 5, PARLEY_OK);      /* again: a renewal */
  expect(f, role, &f->b, 5, 5, PARLEY_EVERIFY); /* a second root for the size */
  expect(f, role, &f->a, 4, 4, PARLEY_EVERIFY); /* smaller */
  expect(f, role, &f->a, 0, 0, PARLEY_EVERIFY);
  expect(f, role, &f->b, 5, 9, PARLEY_EVERIFY); /* another history, well proved */
  expect(f, role, &f->a, 4, 9, PARLEY_EVERIFY); /* the right tree, the proof of another size */
  expect(f, role, &f->a, 0, 9, PARLEY_EVERIFY); /* no proof */
  expect(f, role, &f->a, 5, 9, PARLEY_OK);
  expect(f, role, &f->a, 5, 9, PARLEY_OK); /* equal: the proof is not needed */
}

static void test_refuses_as_log(void **state) { refusals(*state, SIGNER_LOG); }

static void test_refuses_as_mirror(void **state) { refusals(*state, SIGNER_MIRROR); }

static void test_roles_and_origins_are_apart(void **state) {
  struct fixture *f = *state;
  expect(f, SIGNER_LOG, &f->a, 0, 9, PARLEY_OK);
  expect(f, SIGNER_MIRROR, &f->b, 0, 3, PARLEY_OK);
  struct signed_tree t;
  assert_int_equal(signer_remembered(f->signer, "c.example/f/0", SIGNER_LOG, &t, NULL), PARLEY_ENOTFOUND);
  assert_int_equal(t.size, 0);
  assert_int_equal(signer_remembered(f->signer, ORIGIN, SIGNER_LOG, &t, NULL), PARLEY_OK);
  assert_int_equal(t.size, 9);
  assert_int_equal(signer_remembered(f->signer, ORIGIN, SIGNER_MIRROR, &t, NULL), PARLEY_OK);
  assert_int_equal(t.size, 3);
}

static void test_empty_tree(void **state) {
  struct fixture *f = *state;
  struct signed_tree wrong = tree_of(&f->a, 1);
  const struct proof none = {0};
  struct buf line = {0};
  wrong.size = 0;
  assert_int_equal(signer_cosign(f->signer, &line, ORIGIN, &wrong, 1, &none, NULL), PARLEY_EVERIFY);
  expect(f, SIGNER_MIRROR, &f->a, 0, 0, PARLEY_OK);
  assert_int_equal(f->memory.saves, 1); /* an empty tree is remembered as well */
  expect(f, SIGNER_MIRROR, &f->a, 0, 0, PARLEY_OK);
  assert_int_equal(f->memory.saves, 1);
  expect(f, SIGNER_MIRROR, &f->a, 0, 7, PARLEY_OK);
  buf_free(&line);
}

static void test_saves_before_it_signs(void **state) {
  struct fixture *f = *state;
  f->memory.fail = true;
  expect(f, SIGNER_LOG, &f->a, 0, 5, PARLEY_EIO);
  expect(f, SIGNER_MIRROR, &f->a, 0, 5, PARLEY_EIO);
  assert_int_equal(f->memory.n, 0);
  f->memory.fail = false;
  expect(f, SIGNER_LOG, &f->a, 0, 5, PARLEY_OK);
  assert_int_equal(f->memory.row[0].tree.size, 5);
  f->memory.fail = true;
  expect(f, SIGNER_LOG, &f->a, 5, 9, PARLEY_EIO);
  expect(f, SIGNER_LOG, &f->a, 5, 5, PARLEY_OK); /* what is saved already can still be signed */
  assert_int_equal(f->memory.row[0].tree.size, 5);
}

static void test_remembers_over_a_restart(void **state) {
  struct fixture *f = *state;
  expect(f, SIGNER_LOG, &f->a, 0, 5, PARLEY_OK);
  const unsigned loads = f->memory.loads;
  expect(f, SIGNER_LOG, &f->a, 5, 6, PARLEY_OK);
  assert_int_equal(f->memory.loads, loads); /* cached */
  signer_free(f->signer);
  f->signer = kit_signer(&f->memory);
  expect(f, SIGNER_LOG, &f->b, 0, 6, PARLEY_EVERIFY);
  expect(f, SIGNER_LOG, &f->a, 0, 5, PARLEY_EVERIFY);
  expect(f, SIGNER_LOG, &f->a, 6, 12, PARLEY_OK);
}

static void test_many_origins(void **state) {
  struct fixture *f = *state;
  const struct proof none = {0};
  for (unsigned round = 0; round < 2; round++)
    for (unsigned i = 0; i < 200; i++) {
      char origin[32];
      struct buf line = {0};
      const struct signed_tree t = tree_of(&f->a, 1 + i * 7 % 11);
      snprintf(origin, sizeof origin, "p%u.example/f", i * 37 % 200);
      assert_int_equal(signer_checkpoint(f->signer, &line, origin, &t, &none, NULL), PARLEY_OK);
      buf_free(&line);
    }
  assert_int_equal(f->memory.saves, 200);
  assert_int_equal(f->memory.loads, 200);
}

static void test_statements(void **state) {
  struct fixture *f = *state;
  uint8_t sig[ED25519_SIG_SIZE];
  struct buf pae = {0};
  dsse_pae(&pae, bytes_str(STATEMENT_TYPE), bytes_str("{}"));
  assert_int_equal(signer_statement(f->signer, sig, bytes_str(STATEMENT_TYPE), bytes_str("{}"), NULL), PARLEY_OK);
  assert_true(ed25519_verify(signer_statement_public(f->signer), sig, buf_view(&pae)));
  assert_int_equal(signer_statement(f->signer, sig, bytes_str(CHARTER_TYPE), bytes_str("{}"), NULL), PARLEY_OK);
  assert_false(ed25519_verify(signer_statement_public(f->signer), sig, buf_view(&pae)));
  assert_int_equal(signer_statement(f->signer, sig, bytes_str("text/plain"), bytes_str("{}"), NULL), PARLEY_EREFUSED);
  buf_free(&pae);
}

static void test_bad_arguments(void **state) {
  struct fixture *f = *state;
  const struct signed_tree t = tree_of(&f->a, 1);
  const struct proof none = {0};
  struct buf line = {0};
  assert_int_equal(signer_cosign(f->signer, &line, ORIGIN, &t, 0, &none, NULL), PARLEY_EINVAL);
  assert_int_equal(signer_cosign(f->signer, &line, ORIGIN, &t, -1, &none, NULL), PARLEY_EINVAL);
  assert_int_equal(signer_cosign(f->signer, &line, "two\nlines", &t, 1, &none, NULL), PARLEY_EINVAL);
  assert_int_equal(signer_cosign(f->signer, &line, "", &t, 1, &none, NULL), PARLEY_EINVAL);
  assert_int_equal(signer_checkpoint(f->signer, &line, "two\nlines", &t, &none, NULL), PARLEY_EINVAL);
  assert_int_equal(f->memory.saves, 0);
  assert_int_equal(line.n, 0);
  struct signer *s = NULL;
  assert_int_equal(signer_new(&s, "b.example", NULL, NULL, NULL, memory_of(&f->memory), NULL), PARLEY_EINVAL);
  assert_null(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_lines_verify, setup, teardown),
      cmocka_unit_test_setup_teardown(test_refuses_as_log, setup, teardown),
      cmocka_unit_test_setup_teardown(test_refuses_as_mirror, setup, teardown),
      cmocka_unit_test_setup_teardown(test_roles_and_origins_are_apart, setup, teardown),
      cmocka_unit_test_setup_teardown(test_empty_tree, setup, teardown),
      cmocka_unit_test_setup_teardown(test_saves_before_it_signs, setup, teardown),
      cmocka_unit_test_setup_teardown(test_remembers_over_a_restart, setup, teardown),
      cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
      cmocka_unit_test_setup_teardown(test_many_origins, setup, teardown),
      cmocka_unit_test_setup_teardown(test_statements, setup, teardown),
      cmocka_unit_test_setup_teardown(test_bad_arguments, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
