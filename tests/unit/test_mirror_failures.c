/*
 * A mirror whose disk fills or fails, whose signer cannot save or refuses, or whose records are damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/record_fixture.h"

static unsigned upload(struct stage *s, uint64_t start, uint64_t end, int64_t now, struct mirror_answer *out) {
  struct buf body = {0};
  author_packages(&s->a, &body, start, end);
  kit_upload(s->m, start, end, buf_view(&body), now, out);
  buf_free(&body);
  return out->status;
}

/* A failure is said in a sentence that gives nothing of the inside away. */
static void check_failure(const struct mirror_answer *out, unsigned status) {
  assert_int_equal(out->status, status);
  assert_string_equal(out->content_type, CONTENT_TEXT);
  assert_true(out->body.n > 20);
  assert_null(memmem(out->body.p, out->body.n, "injected", 8));
  assert_true(strlen(out->why.text) > 0);
}

/* ---- the store ---- */

/* Whichever write of add-checkpoint fails: nothing of it stays, and the next request goes through. */
static void fail_checkpoint(struct stage *s, parley_err with, unsigned status) {
  for (unsigned k = 1;; k++) {
    struct mirror_answer out;
    stage_fresh(s);
    assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, 5, &out), 200);
    s->store.countdown = k;
    s->store.with = with;
    const unsigned got = kit_add_checkpoint(s->m, &s->a, 5, 9, &out);
    const bool struck = s->store.countdown == 0;
    s->store.countdown = 0;
    if (!struck) {
      assert_int_equal(got, 200);
      assert_int_equal(k, 3); /* the record and the commit could fail */
      return;
    }
    check_failure(&out, status);
    answer_free(&out);
    assert_int_equal(stage_state(s).pending_size, 5);
    if (k == 2) stage_restart(s);
    assert_int_equal(stage_state(s).pending_size, 5);
    assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 9, &out), 200);
  }
}

static void test_checkpoint_store_fails(void **state) {
  fail_checkpoint(*state, PARLEY_EFULL, 507);
  fail_checkpoint(*state, PARLEY_EIO, 500);
}

/* Whichever write of an upload fails: whole packages stay, nothing is cosigned, and the rest goes through later. */
static unsigned fail_upload(struct stage *s, uint64_t start, uint64_t end, parley_err with, unsigned status,
                            bool restart) {
  unsigned failures = 0;
  for (unsigned k = 1;; k++) {
    struct mirror_answer out;
    stage_fresh(s);
    stage_fill(s, start);
    assert_int_equal(kit_add_checkpoint(s->m, &s->a, start, end, &out), 200);
    const unsigned saves = s->memory.saves;
    s->store.countdown = k;
    s->store.with = with;
    const unsigned got = upload(s, start, end, NOW + 1, &out);
    const bool struck = s->store.countdown == 0;
    s->store.countdown = 0;
    if (!struck) {
      assert_int_equal(got, 200);
      answer_free(&out);
      return failures;
    }
    failures++;
    check_failure(&out, status);
    answer_free(&out);
    assert_int_equal(s->memory.saves, saves);
    if (restart) stage_restart(s);
    stage_check_cosigned(s, NULL, start, NOW);
    const uint64_t next = stage_state(s).next;
    assert_true(next == start || next == 512 || next == 256);
    assert_int_equal(upload(s, next, end, NOW + 2, &out), 200);
    stage_check_cosigned(s, &out, end, NOW + 2);
    answer_free(&out);
  }
}

static void test_upload_store_fails(void **state) {
  struct stage *s = *state;
  /* Entry, tile, size, mirror's record, commit: one transaction for one entry. */
  assert_int_equal(fail_upload(s, 3, 4, PARLEY_EFULL, 507, false), 5);
  assert_int_equal(fail_upload(s, 3, 4, PARLEY_EIO, 500, true), 5);
  /* 2 entries, 2 tiles, size, commit; then 2 entries, tile, size, record, commit. */
  assert_int_equal(fail_upload(s, 254, 258, PARLEY_EFULL, 507, false), 12);
  assert_int_equal(fail_upload(s, 254, 258, PARLEY_EFULL, 507, true), 12);
  assert_int_equal(fail_upload(s, 510, 514, PARLEY_EIO, 500, false), 12);
}

/* Evidence that cannot be kept is not said to be kept. */
static void test_evidence_store_fails(void **state) {
  struct stage *s = *state;
  for (unsigned k = 1; k <= 4; k++) { /* checkpoint, held one, proof, commit */
    struct mirror_answer out;
    stage_fresh(s);
    assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, 5, &out), 200);
    s->store.countdown = k;
    s->store.with = PARLEY_EFULL;
    assert_int_equal(kit_add_checkpoint(s->m, &s->b, 5, 9, &out), 507);
    assert_int_equal(s->store.countdown, 0);
    assert_false(out.fork);
    answer_free(&out);
    assert_int_equal(kit_add_checkpoint(s->m, &s->b, 5, 9, &out), 422);
    assert_true(out.fork);
    answer_free(&out);
  }
}

/* While another upload is in progress, one that fails takes nothing of it away. */
static void test_failure_beside_another_upload(void **state) {
  struct stage *s = *state;
  struct buf body = {0};
  struct mirror_answer out, other;
  struct mirror_upload *u;
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, 600, &out), 200);
  author_packages(&s->a, &body, 0, 600);
  const struct add_entries_head h = {bytes_str(copy_origin(mirror_copy(s->m))), 0, 600, BYTES_NONE};
  assert_int_equal(mirror_upload_begin(&u, s->m, &h, &out, NULL), PARLEY_OK);
  assert_true(mirror_upload_data(u, BYTES(body.p, body.n / 2), &out));
  assert_int_equal(stage_state(s).next, 256);
  s->store.countdown = 100;
  s->store.with = PARLEY_EFULL;
  assert_int_equal(upload(s, 256, 600, NOW, &other), 507);
  answer_free(&other);
  assert_true(mirror_upload_data(u, BYTES(body.p + body.n / 2, body.n - body.n / 2), &out));
  mirror_upload_finish(u, NOW, &out);
  assert_int_equal(out.status, 200);
  stage_check_cosigned(s, &out, 600, NOW);
  mirror_upload_free(u);
  answer_free(&out);
  buf_free(&body);
}

/* ---- the signer ---- */

/* Store, sync, memory, signature: when the memory is saved, the one transaction of this upload is durable. */
static void test_order(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  s->memory.watch = &s->store;
  stage_fill(s, 5);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 9, &out), 200);
  const unsigned commits = s->store.commits, saves = s->memory.saves;
  assert_int_equal(upload(s, 5, 9, NOW, &out), 200);
  assert_int_equal(s->store.commits, commits + 1);
  assert_int_equal(s->memory.saves, saves + 1);
  assert_int_equal(s->memory.commits, commits + 1);
  answer_free(&out);
}

static void check_held_without_cosignature(struct stage *s, uint64_t size) {
  const struct mirror_state st = stage_state(s);
  assert_int_equal(st.next, size);
  assert_int_equal(st.size, size);
  assert_int_equal(st.note.n, 0);
  assert_int_equal(st.cosigned, 0);
}

static void test_memory_cannot_be_saved(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  stage_fill(s, 5);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 300, &out), 200);
  s->memory.fail = true;
  assert_int_equal(upload(s, 5, 300, NOW + 1, &out), 500);
  check_failure(&out, 500);
  answer_free(&out);
  check_held_without_cosignature(s, 300);
  stage_restart(s); /* the mirror opens all the same */
  check_held_without_cosignature(s, 300);
  assert_int_equal(kit_upload(s->m, 300, 300, BYTES_NONE, NOW + 2, &out), 500);
  answer_free(&out);
  s->memory.fail = false;
  assert_int_equal(kit_upload(s->m, 300, 300, BYTES_NONE, NOW + 3, &out), 200);
  stage_check_cosigned(s, &out, 300, NOW + 3);
  answer_free(&out);
}

/* A crash between the store's commit and the memory: the cosignature is made at the next start, dated as promised. */
static void test_crash_before_the_memory(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  stage_fill(s, 5);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 9, &out), 200);
  s->memory.fail = true;
  assert_int_equal(upload(s, 5, 9, NOW + 7, &out), 500);
  answer_free(&out);
  s->memory.fail = false;
  stage_restart(s);
  stage_check_cosigned(s, NULL, 9, NOW + 7);
}

/* The store was set back to an old backup: entries are taken again, nothing is cosigned short of what was. */
static void test_memory_is_ahead(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  struct memory ahead;
  stage_fill(s, 300);
  ahead = s->memory;
  stage_fresh(s); /* the same log with nothing held, its memory at 300 */
  for (size_t i = 0; i < ahead.n; i++)
    snprintf(ahead.row[i].origin, sizeof ahead.row[i].origin, "%s", copy_origin(mirror_copy(s->m)));
  s->memory = ahead;
  stage_restart(s);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, 200, &out), 200);
  assert_int_equal(upload(s, 0, 200, NOW + 1, &out), 500);
  check_failure(&out, 500);
  answer_free(&out);
  check_held_without_cosignature(s, 200);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 200, 300, &out), 200);
  assert_int_equal(upload(s, 200, 300, NOW + 2, &out), 200);
  stage_check_cosigned(s, &out, 300, NOW + 2);
  answer_free(&out);
  stage_fill(s, 301);
}

/* The memory says that another tree was cosigned: never again. */
static void test_memory_is_beside(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  stage_fill(s, 300);
  s->memory.row[0].tree.root.b[0] ^= 1;
  stage_restart(s);
  check_held_without_cosignature(s, 300);
  assert_int_equal(kit_upload(s->m, 300, 300, BYTES_NONE, NOW, &out), 500);
  answer_free(&out);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 300, 400, &out), 200);
  assert_int_equal(upload(s, 300, 400, NOW, &out), 500);
  check_failure(&out, 500);
  answer_free(&out);
  check_held_without_cosignature(s, 400);
}

static void test_no_time(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, 5, &out), 200);
  assert_int_equal(upload(s, 0, 5, 0, &out), 500);
  answer_free(&out);
  assert_int_equal(stage_state(s).next, 0);
}

/* ---- damage ---- */

static parley_err put(struct stage *s, enum store_map t, const char *prefix, struct bytes v) {
  char key[128];
  snprintf(key, sizeof key, "%s/%s", prefix, copy_origin(mirror_copy(s->m)));
  parley_err err = store_begin(&s->store.base, NULL);
  if (!err) err = store_put(&s->store.base, t, bytes_str(key), v, NULL);
  return err ? err : store_commit(&s->store.base, NULL);
}

static parley_err reopen(struct stage *s) {
  struct mirror *again = NULL;
  struct errmsg e = {0};
  const parley_err err =
      mirror_open(&again, &s->store.base, s->signer, copy_origin(mirror_copy(s->m)), 65535, &s->key, 1, &e);
  if (err) {
    assert_null(again);
    assert_true(strlen(e.text) > 20);
  }
  mirror_close(again);
  return err;
}

static void test_damaged_record(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  struct arena a = {0};
  struct bytes v;
  stage_fill(s, 5);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 9, &out), 200);
  char key[128];
  snprintf(key, sizeof key, "mirror/%s", copy_origin(mirror_copy(s->m)));
  assert_int_equal(store_get(&s->store.base, STORE_LOGS, bytes_str(key), &a, &v, NULL), PARLEY_OK);
  uint8_t *bad = arena_alloc(&a, v.n + 1);
  assert_int_equal(reopen(s), PARLEY_OK);
  for (size_t n = 0; n <= v.n + 1; n++) { /* cut short, and a byte too long */
    memcpy(bad, v.p, v.n);
    if (n == v.n) continue;
    assert_int_equal(put(s, STORE_LOGS, "mirror", BYTES(bad, n)), PARLEY_OK);
    assert_int_equal(reopen(s), PARLEY_EIO);
  }
  for (size_t i = 0; i < v.n; i++) { /* some bytes are a time or a signature, which nothing here contradicts */
    memcpy(bad, v.p, v.n);
    bad[i] ^= 0x80;
    assert_int_equal(put(s, STORE_LOGS, "mirror", BYTES(bad, v.n)), PARLEY_OK);
    const parley_err err = reopen(s);
    assert_true(err == PARLEY_EIO || (i > 1 && err == PARLEY_OK));
  }
  arena_free(&a);
}

/* The entries are those of another tree than the one cosigned. */
static void test_damaged_tile(void **state) {
  struct stage *s = *state;
  struct arena a = {0};
  struct bytes v;
  stage_fill(s, 5);
  const uint32_t log = copy_number(mirror_copy(s->m));
  assert_int_equal(store_seq_get(&s->store.base, STORE_TILES, log, 0, &a, &v, NULL), PARLEY_OK);
  uint8_t *bad = arena_alloc(&a, v.n);
  memcpy(bad, v.p, v.n);
  bad[40] ^= 1;
  assert_int_equal(store_begin(&s->store.base, NULL), PARLEY_OK);
  assert_int_equal(store_seq_put(&s->store.base, STORE_TILES, log, 0, BYTES(bad, v.n), NULL), PARLEY_OK);
  assert_int_equal(store_commit(&s->store.base, NULL), PARLEY_OK);
  assert_int_equal(reopen(s), PARLEY_EIO);
  arena_free(&a);
}

/* Size and checkpoints from different days. */
static void test_size_does_not_fit(void **state) {
  struct stage *s = *state;
  static const uint8_t empty[13] = {1, 0, 0, 0, 1};
  stage_fill(s, 5);
  assert_int_equal(copy_number(mirror_copy(s->m)), 1);
  assert_int_equal(put(s, STORE_LOGS, "log", BYTES(empty, sizeof empty)), PARLEY_OK);
  assert_int_equal(reopen(s), PARLEY_EIO);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_checkpoint_store_fails, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_upload_store_fails, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_evidence_store_fails, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_failure_beside_another_upload, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_order, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_memory_cannot_be_saved, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_crash_before_the_memory, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_memory_is_ahead, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_memory_is_beside, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_no_time, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_damaged_record, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_damaged_tile, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_size_does_not_fit, stage_setup, stage_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
