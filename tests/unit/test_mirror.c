/*
 * Uploads to a mirror: resumed, interleaved, to older checkpoints; renewed cosignatures, reopening, serving.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/record_fixture.h"

/* ---- resuming ---- */

/* A body of two packages is cut after every byte; what came counts, and the rest is taken from the next entry. */
static void test_resumes_at_every_byte(void **state) {
  struct stage *s = *state;
  struct buf body = {0}, first = {0};
  uint64_t next;
  author_packages(&s->a, &body, 254, 259);
  assert_int_equal(copy_packages(s->a.copy, 254, 259, 0, &first, &next, NULL), PARLEY_OK);
  for (size_t cut = 0; cut < body.n; cut++) {
    struct mirror_answer out;
    struct buf rest = {0};
    stage_fresh(s);
    stage_fill(s, 254);
    stage_pending(s, 259);
    const unsigned status = kit_upload(s->m, 254, 259, BYTES(body.p, cut), NOW, &out);
    assert_int_equal(status, cut < first.n ? 400 : 202);
    if (status == 202) answer_check_info(&out, 202, "259\n256\n\n");
    answer_free(&out);
    if (cut % 16 == 0) stage_restart(s);
    const uint64_t from = stage_state(s).next;
    assert_int_equal(from, cut < first.n ? 254 : 256);
    author_packages(&s->a, &rest, from, 259);
    assert_int_equal(kit_upload(s->m, from, 259, buf_view(&rest), NOW + 1, &out), 200);
    stage_check_cosigned(s, &out, 259, NOW + 1);
    answer_free(&out);
    buf_free(&rest);
  }
  buf_free(&body);
  buf_free(&first);
}

static void test_fed_by_the_byte(void **state) {
  struct stage *s = *state;
  struct buf body = {0};
  struct mirror_answer out;
  struct mirror_upload *u;
  stage_pending(s, 300);
  author_packages(&s->a, &body, 0, 300);
  const struct add_entries_head h = {bytes_str(copy_origin(mirror_copy(s->m))), 0, 300, BYTES_NONE};
  assert_int_equal(mirror_upload_begin(&u, s->m, &h, &out, NULL), PARLEY_OK);
  for (size_t i = 0; i < body.n; i++) assert_true(mirror_upload_data(u, BYTES(body.p + i, 1), &out));
  mirror_upload_finish(u, NOW, &out);
  assert_int_equal(out.status, 200);
  stage_check_cosigned(s, &out, 300, NOW);
  mirror_upload_free(u);
  answer_free(&out);
  buf_free(&body);
}

/* Once answered, an upload takes nothing more and answers nothing else. */
static void test_over_is_over(void **state) {
  struct stage *s = *state;
  struct buf body = {0};
  struct mirror_answer out;
  struct mirror_upload *u;
  stage_pending(s, 5);
  author_packages(&s->b, &body, 0, 5);
  const struct add_entries_head h = {bytes_str(copy_origin(mirror_copy(s->m))), 0, 5, BYTES_NONE};
  assert_int_equal(mirror_upload_begin(&u, s->m, &h, &out, NULL), PARLEY_OK);
  assert_false(mirror_upload_data(u, buf_view(&body), &out));
  assert_int_equal(out.status, 422);
  const size_t n = out.body.n;
  assert_false(mirror_upload_data(u, buf_view(&body), &out));
  mirror_upload_finish(u, NOW, &out);
  assert_int_equal(out.status, 422);
  assert_int_equal(out.body.n, n);
  mirror_upload_free(u);
  answer_free(&out);
  buf_free(&body);
}

/* ---- several at once ---- */

#define LANES 4

static void test_interleaved(void **state) {
  struct stage *s = *state;
  static const struct {
    uint64_t start, end;
    size_t step;
    unsigned status;
  } lane[LANES] = {{0, 600, 701, 200}, {0, 600, 97, 200}, {0, 300, 1300, 409}, {0, 600, 5000, 200}};
  struct mirror_upload *u[LANES];
  struct buf body[LANES] = {{0}};
  size_t at[LANES] = {0};
  struct mirror_answer out[LANES];
  stage_pending(s, 300);
  stage_pending(s, 600);
  for (size_t i = 0; i < LANES; i++) {
    const struct add_entries_head h = {bytes_str(copy_origin(mirror_copy(s->m))), lane[i].start, lane[i].end,
                                       BYTES_NONE};
    author_packages(&s->a, &body[i], lane[i].start, lane[i].end);
    assert_int_equal(mirror_upload_begin(&u[i], s->m, &h, &out[i], NULL), PARLEY_OK);
  }
  for (size_t open = LANES; open > 0;) {
    open = 0;
    for (size_t i = 0; i < LANES; i++) {
      const size_t left = body[i].n - at[i], n = left < lane[i].step ? left : lane[i].step;
      assert_true(mirror_upload_data(u[i], BYTES(body[i].p + at[i], n), &out[i]));
      at[i] += n;
      open += at[i] < body[i].n;
    }
  }
  static const size_t order[LANES] = {1, 0, 2, 3}; /* the shorter one ends after a longer one */
  for (size_t k = 0; k < LANES; k++) {
    const size_t i = order[k];
    mirror_upload_finish(u[i], NOW + (int64_t)k, &out[i]);
    assert_int_equal(out[i].status, lane[i].status);
    if (lane[i].status == 200) stage_check_cosigned(s, &out[i], 600, NOW + (int64_t)k);
    if (lane[i].status == 409) answer_check_info(&out[i], 409, "600\n600\n\n");
  }
  for (size_t i = 0; i < LANES; i++) {
    mirror_upload_free(u[i]);
    answer_free(&out[i]);
    buf_free(&body[i]);
  }
}

/* One that stops in the middle of a package, and in the end dies, holds up nobody and leaves only whole packages. */
static void test_stalled(void **state) {
  struct stage *s = *state;
  struct buf body = {0}, rest = {0};
  struct mirror_answer out;
  struct mirror_upload *u;
  stage_pending(s, 300);
  author_packages(&s->a, &body, 0, 300);
  const struct add_entries_head h = {bytes_str(copy_origin(mirror_copy(s->m))), 0, 300, BYTES_NONE};
  assert_int_equal(mirror_upload_begin(&u, s->m, &h, &out, NULL), PARLEY_OK);
  assert_true(mirror_upload_data(u, BYTES(body.p, body.n - 1), &out));
  assert_int_equal(stage_state(s).next, 256);
  stage_pending(s, 600);
  author_packages(&s->a, &rest, 256, 600);
  assert_int_equal(kit_upload(s->m, 256, 600, buf_view(&rest), NOW, &out), 200);
  stage_check_cosigned(s, &out, 600, NOW);
  answer_free(&out);
  mirror_upload_free(u);
  stage_restart(s);
  stage_check_cosigned(s, NULL, 600, NOW);
  assert_int_equal(stage_state(s).next, 600);
  buf_free(&body);
  buf_free(&rest);
}

/* A longer upload has brought all entries of a shorter one, and more, but is not at its end. */
static void test_longer_one_is_ahead(void **state) {
  struct stage *s = *state;
  static const uint64_t end[] = {300, 600};
  struct mirror_upload *u[2];
  struct buf body[2] = {{0}};
  struct mirror_answer out[2];
  for (size_t i = 0; i < 2; i++) {
    stage_pending(s, end[i]);
    const struct add_entries_head h = {bytes_str(copy_origin(mirror_copy(s->m))), 0, end[i], BYTES_NONE};
    author_packages(&s->a, &body[i], 0, end[i]);
    assert_int_equal(mirror_upload_begin(&u[i], s->m, &h, &out[i], NULL), PARLEY_OK);
    assert_true(mirror_upload_data(u[i], buf_view(&body[i]), &out[i]));
  }
  assert_int_equal(stage_state(s).next, 512);
  for (size_t i = 0; i < 2; i++) {
    mirror_upload_finish(u[i], NOW, &out[i]);
    assert_int_equal(out[i].status, 200);
    stage_check_cosigned(s, &out[i], end[i], NOW);
    assert_int_equal(stage_state(s).next, i == 0 ? 512 : 600);
    mirror_upload_free(u[i]);
    answer_free(&out[i]);
    buf_free(&body[i]);
  }
  stage_restart(s);
  stage_check_cosigned(s, NULL, 600, NOW);
}

/* An upload to a checkpoint that later ones have pushed out of the list still ends well. */
static void test_target_is_kept(void **state) {
  struct stage *s = *state;
  struct buf body = {0};
  struct mirror_answer out;
  struct mirror_upload *u;
  stage_pending(s, 10);
  author_packages(&s->a, &body, 0, 10);
  const struct add_entries_head h = {bytes_str(copy_origin(mirror_copy(s->m))), 0, 10, BYTES_NONE};
  assert_int_equal(mirror_upload_begin(&u, s->m, &h, &out, NULL), PARLEY_OK);
  for (uint64_t size = 11; size < 11 + MIRROR_PENDING_MAX; size++) stage_pending(s, size);
  assert_true(mirror_upload_data(u, buf_view(&body), &out));
  mirror_upload_finish(u, NOW, &out);
  assert_int_equal(out.status, 200);
  stage_check_cosigned(s, &out, 10, NOW);
  mirror_upload_free(u);
  answer_free(&out);
  buf_free(&body);
}

/* ---- pending checkpoints ---- */

static void test_last_eight_pending(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  for (uint64_t size = 1; size <= MIRROR_PENDING_MAX + 1; size++) stage_pending(s, size);
  assert_int_equal(kit_upload(s->m, 0, 1, BYTES_NONE, NOW, &out), 409); /* the ninth last is forgotten */
  answer_check_info(&out, 409, "9\n0\n\n");
  answer_free(&out);
  for (uint64_t size = 2; size <= MIRROR_PENDING_MAX + 1; size++) {
    struct buf body = {0};
    author_packages(&s->a, &body, stage_state(s).next, size);
    assert_int_equal(kit_upload(s->m, stage_state(s).next, size, buf_view(&body), NOW, &out), 200);
    stage_check_cosigned(s, &out, size, NOW);
    answer_free(&out);
    buf_free(&body);
    if (size % 2) stage_restart(s);
  }
}

/* ---- renewing and reopening ---- */

static void test_renewal(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  stage_fill(s, 300);
  const unsigned writes = s->store.writes, saves = s->memory.saves;
  for (int64_t i = 1; i < 4; i++) {
    assert_int_equal(kit_upload(s->m, 300, 300, BYTES_NONE, NOW + i, &out), 200);
    stage_check_cosigned(s, &out, 300, NOW + i);
    answer_free(&out);
  }
  assert_int_equal(s->store.writes, writes); /* nothing new to hold */
  assert_int_equal(s->memory.saves, saves);
  stage_restart(s);
  stage_check_cosigned(s, NULL, 300, NOW); /* an earlier promise, as true as the last */
  assert_int_equal(kit_upload(s->m, 300, 300, BYTES_NONE, NOW + 9, &out), 200);
  answer_free(&out);
  stage_pending(s, 400); /* writes the time of the renewal along */
  stage_restart(s);
  stage_check_cosigned(s, NULL, 300, NOW + 9);
}

static void test_reopens(void **state) {
  struct stage *s = *state;
  static const uint64_t sizes[] = {1, 255, 256, 257, 600};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    stage_fill(s, sizes[i]);
    stage_restart(s);
    stage_check_cosigned(s, NULL, sizes[i], NOW);
    assert_int_equal(stage_state(s).pending_size, sizes[i]);
    assert_int_equal(stage_state(s).next, sizes[i]);
  }
}

static void check_same_tile(struct stage *s, struct author *a, enum tile_kind kind, unsigned level, uint64_t n,
                            unsigned width) {
  struct buf mine = {0}, theirs = {0};
  const struct tile_name t = {kind, level, n, width};
  assert_int_equal(copy_tile(mirror_copy(s->m), &t, &mine, NULL), PARLEY_OK);
  assert_int_equal(copy_tile(a->copy, &t, &theirs, NULL), PARLEY_OK);
  assert_int_equal(mine.n, theirs.n);
  assert_memory_equal(mine.p, theirs.p, mine.n);
  buf_free(&mine);
  buf_free(&theirs);
}

/* The mirror serves what the author would serve, at each size and after a restart. */
static void test_tiles(void **state) {
  struct stage *s = *state;
  static const uint64_t sizes[] = {1, 255, 256, 257, 600};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    stage_fill(s, sizes[i]);
    if (i % 2) stage_restart(s);
    for (uint64_t n = 0; n * 256 < sizes[i]; n++) {
      check_same_tile(s, &s->a, TILE_HASHES, 0, n, tile_width(0, n, sizes[i]));
      check_same_tile(s, &s->a, TILE_ENTRIES, 0, n, tile_width(0, n, sizes[i]));
    }
    if (sizes[i] >= 256) check_same_tile(s, &s->a, TILE_HASHES, 1, 0, (unsigned)(sizes[i] / 256));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_resumes_at_every_byte, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_fed_by_the_byte, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_over_is_over, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_interleaved, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_stalled, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_longer_one_is_ahead, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_target_is_kept, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_last_eight_pending, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_renewal, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_reopens, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_tiles, stage_setup, stage_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
