/*
 * tlog-mirror: add-entries, every answer of the specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/record_fixture.h"

/* ---- the table ---- */

enum change {
  AS_IS,
  NO_BODY,
  CUT_FIRST,     /* inside the first package */
  CUT_LAST,      /* one byte is missing */
  EXTRA,         /* bytes after the last package */
  OTHER_HISTORY, /* b's entries with b's proofs */
  MIXED_HISTORY, /* b's entries with a's proofs */
  FLIPPED_ENTRY,
  FLIPPED_PROOF, /* of the last package */
  HASHES_64,     /* the first package ends in a proof of 64 hashes */
  ENTRY_TOO_LONG,
  SECOND_TOO_LONG, /* in the second package */
  OTHER_ORIGIN
};

struct row {
  const char *name;
  uint64_t pending[3]; /* checkpoints sent before, ascending; 0: none */
  uint64_t filled;     /* entries and mirror checkpoint before (the first pending one) */
  uint64_t start, end;
  enum change change;
  unsigned status;
  const char *info; /* of 202 and 409, but for the ticket */
  uint64_t next;    /* afterwards */
};

static const struct row rows[] = {
    {"one entry", {1}, 0, 0, 1, AS_IS, 200, NULL, 1},
    {"several packages", {600}, 0, 0, 600, AS_IS, 200, NULL, 600},
    {"from the middle of a package", {250, 600}, 250, 250, 600, AS_IS, 200, NULL, 600},
    {"from a package boundary", {256, 600}, 256, 256, 600, AS_IS, 200, NULL, 600},
    {"one more entry", {256, 257}, 256, 256, 257, AS_IS, 200, NULL, 257},
    {"entries that are held already", {250, 300}, 250, 7, 300, AS_IS, 200, NULL, 300},
    {"only entries that are held already", {250}, 250, 7, 250, AS_IS, 200, NULL, 250},
    {"nothing, at the mirror checkpoint", {250}, 250, 250, 250, NO_BODY, 200, NULL, 250},
    {"empty tree", {0}, 0, 0, 0, NO_BODY, 200, NULL, 0},
    {"an older pending checkpoint", {100, 200, 300}, 100, 100, 200, AS_IS, 200, NULL, 200},
    {"bytes after the last package", {250, 300}, 250, 250, 300, EXTRA, 200, NULL, 300},
    {"bytes after nothing", {250}, 250, 250, 250, EXTRA, 200, NULL, 250},
    {"unknown origin", {300}, 0, 0, 300, OTHER_ORIGIN, 404, NULL, 0},
    {"start above end", {300}, 0, 7, 3, NO_BODY, 400, NULL, 0},
    {"end is no checkpoint", {250, 300}, 250, 250, 299, NO_BODY, 409, "300\n250\n", 250},
    {"end above all checkpoints", {250, 300}, 250, 250, 301, NO_BODY, 409, "300\n250\n", 250},
    {"end below the mirror checkpoint", {200, 250, 300}, 250, 100, 200, NO_BODY, 409, "300\n250\n", 250},
    {"start beyond the next entry", {250, 300}, 250, 251, 300, NO_BODY, 409, "300\n250\n", 250},
    {"start beyond, an older end", {100, 200, 300}, 100, 101, 200, NO_BODY, 409, "200\n100\n", 100},
    {"both beyond", {250, 300}, 250, 300, 300, NO_BODY, 409, "300\n250\n", 250},
    {"no package", {250, 300}, 250, 250, 300, NO_BODY, 400, NULL, 250},
    {"no package, though all is held", {250}, 250, 7, 250, NO_BODY, 400, NULL, 250},
    {"cut in the first package", {600}, 0, 0, 600, CUT_FIRST, 400, NULL, 0},
    {"cut in the only package", {200}, 0, 0, 200, CUT_LAST, 400, NULL, 0},
    {"cut in the last package", {600}, 0, 0, 600, CUT_LAST, 202, "600\n512\n", 512},
    {"cut in the last package, an older end", {100, 300, 600}, 100, 100, 300, CUT_LAST, 202, "300\n256\n", 256},
    {"64 hashes", {600}, 0, 0, 600, HASHES_64, 400, NULL, 0},
    {"an entry too long", {600}, 0, 0, 600, ENTRY_TOO_LONG, 413, NULL, 0},
    {"an entry too long, later", {600}, 0, 0, 600, SECOND_TOO_LONG, 202, "600\n256\n", 256},
    {"another history", {600}, 0, 0, 600, OTHER_HISTORY, 422, NULL, 0},
    {"entries of another history", {600}, 0, 0, 600, MIXED_HISTORY, 422, NULL, 0},
    {"a changed entry", {200}, 0, 0, 200, FLIPPED_ENTRY, 422, NULL, 0},
    {"a changed entry that is held already", {200, 300}, 200, 0, 300, FLIPPED_ENTRY, 422, NULL, 200},
    {"a changed proof", {250, 600}, 250, 250, 600, FLIPPED_PROOF, 422, NULL, 512},
};

static void replace_packages(struct buf *body, struct stage *s, const struct row *r) {
  struct buf other = {0};
  author_packages(&s->b, &other, r->start, r->end);
  struct entry_package p, q;
  struct bytes in = buf_view(body), from = buf_view(&other);
  struct buf mixed = {0};
  for (uint64_t at = r->start; at < r->end;) {
    const uint64_t stop = at / 256 * 256 + 256 < r->end ? at / 256 * 256 + 256 : r->end;
    size_t used, used_other;
    assert_int_equal(entry_package_parse(&p, &used, in, (size_t)(stop - at), 65535, NULL), PARLEY_OK);
    assert_int_equal(entry_package_parse(&q, &used_other, from, (size_t)(stop - at), 65535, NULL), PARLEY_OK);
    if (r->change == MIXED_HISTORY) q.proof = p.proof;
    entry_package_write(&mixed, &q);
    in = BYTES(in.p + used, in.n - used);
    from = BYTES(from.p + used_other, from.n - used_other);
    at = stop;
  }
  buf_clear(body);
  buf_bytes(body, buf_view(&mixed));
  buf_free(&other);
  buf_free(&mixed);
}

static void make_body(struct buf *body, struct stage *s, const struct row *r) {
  if (r->change == NO_BODY) return;
  author_packages(&s->a, body, r->start, r->end);
  if (r->change == CUT_FIRST) body->n = 1000;
  if (r->change == CUT_LAST) body->n--;
  if (r->change == EXTRA) buf_str(body, "extra");
  if (r->change == OTHER_HISTORY || r->change == MIXED_HISTORY) replace_packages(body, s, r);
  if (r->change == FLIPPED_ENTRY) body->p[4] ^= 1;
  if (r->change == FLIPPED_PROOF) body->p[body->n - 1] ^= 1;
  if (r->change == ENTRY_TOO_LONG) body->p[0] = 0xff;
  if (r->change != HASHES_64 && r->change != SECOND_TOO_LONG) return;
  struct buf first = {0};
  uint64_t next;
  assert_int_equal(copy_packages(s->a.copy, r->start, r->end, 0, &first, &next, NULL), PARLEY_OK);
  struct entry_package p;
  size_t used;
  assert_int_equal(entry_package_parse(&p, &used, buf_view(&first), (size_t)(next - r->start), 65535, NULL), 0);
  if (r->change == HASHES_64) body->p[used - 32 * p.proof.n - 1] = 64;
  if (r->change == SECOND_TOO_LONG) body->p[used] = 0xff;
  buf_free(&first);
}

/* entry_max is 4096, so that a length of 0xff.. is over it. */
static void reopen_bulk(struct stage *s) {
  char origin[64];
  snprintf(origin, sizeof origin, "%s", copy_origin(mirror_copy(s->m)));
  mirror_close(s->m);
  assert_int_equal(mirror_open(&s->m, &s->store.base, s->signer, origin, 4096, &s->key, 1, NULL), PARLEY_OK);
}

static void prepare(struct stage *s, const struct row *r) {
  stage_fresh(s);
  reopen_bulk(s);
  for (size_t i = 0; i < 3; i++) {
    if (r->pending[i] == 0 && i > 0) break;
    if (r->filled > 0 && r->pending[i] == r->filled)
      stage_fill(s, r->filled);
    else
      stage_pending(s, r->pending[i]);
  }
}

static void check_row(struct stage *s, const struct row *r) {
  struct buf body = {0};
  struct mirror_answer out;
  prepare(s, r);
  const struct mirror_state before = stage_state(s);
  if (r->start <= r->end) make_body(&body, s, r);
  const struct add_entries_head h = {
      bytes_str(r->change == OTHER_ORIGIN ? "z.example/f/0" : copy_origin(mirror_copy(s->m))), r->start, r->end,
      BYTES_NONE};
  struct mirror_upload *u;
  mirror_upload_begin(&u, s->m, &h, &out, NULL);
  if (!out.status && mirror_upload_data(u, buf_view(&body), &out)) mirror_upload_finish(u, NOW + 5, &out);
  mirror_upload_free(u);
  if (out.status != r->status) fail_msg("%s: %u instead of %u (%s)", r->name, out.status, r->status, out.why.text);
  const struct mirror_state after = stage_state(s);
  if (after.next != r->next) fail_msg("%s: next is %u", r->name, (unsigned)after.next);
  if (r->status == 200) {
    stage_check_cosigned(s, &out, r->end, NOW + 5);
  } else {
    assert_int_equal(after.size, before.size);
    assert_int_equal(after.cosigned, before.cosigned);
  }
  if (r->info) {
    char want[64];
    snprintf(want, sizeof want, "%s\n", r->info);
    answer_check_info(&out, r->status, want);
  } else if (r->status != 200) {
    assert_string_equal(out.content_type, CONTENT_TEXT);
    assert_true(out.body.n > 10);
  }
  answer_free(&out);
  buf_free(&body);
}

static void test_every_answer(void **state) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_row(*state, &rows[i]);
}

/* tlog-mirror: Processing. Before any checkpoint has come. */
static void test_nothing_pending(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  assert_int_equal(kit_upload(s->m, 0, 0, BYTES_NONE, NOW, &out), 422);
  answer_free(&out);
  assert_int_equal(kit_upload(s->m, 0, 5, BYTES_NONE, NOW, &out), 422);
  assert_string_equal(out.content_type, CONTENT_TEXT);
  answer_free(&out);
}

static void test_excess(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  struct author big;
  author_free(&s->a);
  author_make(&big, 0, 0, 8193);
  s->a = big;
  stage_fill(s, 8193);
  assert_int_equal(kit_upload(s->m, 0, 8193, BYTES_NONE, NOW, &out), 409);
  answer_check_info(&out, 409, "8193\n8193\n\n");
  answer_free(&out);
  struct buf body = {0};
  author_packages(&s->a, &body, 1, 8193);
  assert_int_equal(kit_upload(s->m, 1, 8193, buf_view(&body), NOW + 1, &out), 200);
  stage_check_cosigned(s, &out, 8193, NOW + 1);
  answer_free(&out);
  buf_free(&body);
}

/* No ticket is ever given out, so nothing is taken from one: whatever stands there changes no answer. */
static void test_ticket_is_ignored(void **state) {
  struct stage *s = *state;
  struct buf body = {0};
  struct mirror_answer out;
  struct mirror_upload *u;
  stage_pending(s, 300);
  author_packages(&s->a, &body, 0, 300);
  const struct bytes origin = bytes_str(copy_origin(mirror_copy(s->m))), ticket = bytes_str("5\n0\nforged ticket");
  mirror_upload_begin(&u, s->m, &(struct add_entries_head){origin, 0, 5, ticket}, &out, NULL);
  answer_check_info(&out, 409, "300\n0\n\n");
  answer_free(&out);
  mirror_upload_begin(&u, s->m, &(struct add_entries_head){origin, 0, 300, ticket}, &out, NULL);
  assert_int_equal(out.status, 0);
  assert_true(mirror_upload_data(u, buf_view(&body), &out));
  mirror_upload_finish(u, NOW, &out);
  stage_check_cosigned(s, &out, 300, NOW);
  mirror_upload_free(u);
  answer_free(&out);
  buf_free(&body);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_every_answer, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_nothing_pending, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_excess, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_ticket_is_ignored, stage_setup, stage_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
