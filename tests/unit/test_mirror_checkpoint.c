/*
 * tlog-witness: add-checkpoint on a mirror, every answer of the specification; and what is kept of a forked log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/encoding.h"
#include "unit/record_fixture.h"

/* ---- the table ---- */

enum change {
  AS_IS,
  OTHER_HISTORY, /* checkpoint and proof of b */
  NO_PROOF,
  FLIPPED_PROOF,
  FLIPPED_FIRST, /* of the hashes from which the old root is rebuilt */
  ONE_HASH_MORE,
  PROOF_OF_ZERO, /* a proof where the old size is zero */
  UNKNOWN_KEY,   /* signed by somebody else */
  FLIPPED_SIG,
  GOOD_AND_BAD,    /* the key signs twice, once wrongly */
  BAD_AND_UNKNOWN, /* a good line, and a line of an unknown key that is noise */
  OTHER_ORIGIN,
  EXTENSION,
  WRONG_EMPTY_ROOT,
  LEADING_ZERO,
  CUT_SHORT,
  NOTHING,
  TOO_LONG
};

struct row {
  const char *name;
  uint64_t held; /* pending checkpoint before; UINT64_MAX: none */
  uint64_t old, size;
  enum change change;
  unsigned status;
  const char *body; /* of 409 */
};

#define NONE UINT64_MAX

static const struct row rows[] = {
    {"first checkpoint", NONE, 0, 5, AS_IS, 200, NULL},
    {"first checkpoint, of size zero", NONE, 0, 0, AS_IS, 200, NULL},
    {"after one of size zero", 0, 0, 5, AS_IS, 200, NULL},
    {"the same of size zero", 0, 0, 0, AS_IS, 200, NULL},
    {"a longer tree", 5, 5, 9, AS_IS, 200, NULL},
    {"a much longer tree", 5, 5, 600, AS_IS, 200, NULL},
    {"from a power of two", 4, 4, 7, AS_IS, 200, NULL},
    {"the very same", 5, 5, 5, AS_IS, 200, NULL},
    {"a line of an unknown key is ignored", 5, 5, 9, BAD_AND_UNKNOWN, 200, NULL},
    {"unknown origin", 5, 5, 9, OTHER_ORIGIN, 404, NULL},
    {"not signed by the log", 5, 5, 9, UNKNOWN_KEY, 403, NULL},
    {"signature does not verify", 5, 5, 9, FLIPPED_SIG, 403, NULL},
    {"one of two signatures does not verify", 5, 5, 9, GOOD_AND_BAD, 403, NULL},
    {"403 before 400", 5, 9, 5, FLIPPED_SIG, 403, NULL},
    {"404 before 403", 5, 9, 5, OTHER_ORIGIN, 404, NULL},
    {"old above the checkpoint", 5, 9, 5, NO_PROOF, 400, NULL},
    {"old below the pending one", 5, 3, 9, AS_IS, 409, "5\n"},
    {"old zero", 5, 0, 9, AS_IS, 409, "5\n"},
    {"old above the pending one", 5, 7, 9, AS_IS, 409, "5\n"},
    {"nothing is held", NONE, 7, 9, AS_IS, 409, "0\n"},
    {"an older checkpoint", 5, 3, 4, AS_IS, 409, "5\n"},
    {"409 before 422", 5, 3, 9, NO_PROOF, 409, "5\n"},
    {"root of the empty tree", NONE, 0, 0, WRONG_EMPTY_ROOT, 422, NULL},
    {"proof from zero is not empty", NONE, 0, 5, PROOF_OF_ZERO, 422, NULL},
    {"no proof", 5, 5, 9, NO_PROOF, 422, NULL},
    {"proof with a wrong hash", 5, 5, 9, FLIPPED_PROOF, 422, NULL},
    {"proof with a hash too many", 5, 5, 9, ONE_HASH_MORE, 422, NULL},
    {"proof for an equal tree", 5, 5, 5, ONE_HASH_MORE, 422, NULL},
    {"another history", 5, 5, 9, OTHER_HISTORY, 422, NULL},
    {"another root at the same size", 5, 5, 5, OTHER_HISTORY, 422, NULL},
    {"extension line", 5, 5, 9, EXTENSION, 400, NULL},
    {"leading zero", 5, 5, 9, LEADING_ZERO, 400, NULL},
    {"cut short", 5, 5, 9, CUT_SHORT, 400, NULL},
    {"empty body", 5, 5, 9, NOTHING, 400, NULL},
    {"too long", 5, 5, 9, TOO_LONG, 413, NULL},
};

static void flip_last_char(struct buf *b, size_t before_end) {
  uint8_t *c = &b->p[b->n - before_end];
  *c = *c == 'A' ? 'B' : 'A';
}

/* Signs text and appends it with its line. */
static void sign(struct buf *out, const char *name, const struct ed25519_key *k, struct bytes text) {
  uint8_t sig[ED25519_SIG_SIZE];
  const struct vkey v = kit_vkey(name, k);
  ed25519_sign(sig, k, text);
  buf_bytes(out, text);
  buf_str(out, "\n");
  note_sig_line(out, &v, BYTES(sig, sizeof sig));
}

static void make_note(struct buf *note, struct stage *s, struct author *a, const struct row *r) {
  const char *origin = copy_origin(mirror_copy(s->m));
  struct ed25519_key *stranger = record_key(99);
  struct hash root = {{7}};
  struct buf text = {0}, other = {0};
  if (r->change != WRONG_EMPTY_ROOT) assert_int_equal(copy_root(a->copy, r->size, &root, NULL), PARLEY_OK);
  checkpoint_text(&text, r->change == OTHER_ORIGIN ? "z.example/f/0" : origin, r->size, &root);
  if (r->change == EXTENSION) buf_str(&text, "extension\n");
  sign(note, origin, r->change == UNKNOWN_KEY ? stranger : a->key, buf_view(&text));
  if (r->change == FLIPPED_SIG) flip_last_char(note, 20);
  if (r->change == GOOD_AND_BAD || r->change == BAD_AND_UNKNOWN) {
    sign(&other, r->change == GOOD_AND_BAD ? origin : "w.example", r->change == GOOD_AND_BAD ? a->key : stranger,
         buf_view(&text));
    flip_last_char(&other, 20);
    buf_add(note, other.p + text.n + 1, other.n - text.n - 1);
  }
  buf_free(&text);
  buf_free(&other);
  ed25519_free(stranger);
}

static void make_body(struct buf *body, struct stage *s, const struct row *r) {
  struct author *a = r->change == OTHER_HISTORY ? &s->b : &s->a;
  struct buf note = {0};
  make_note(&note, s, a, r);
  struct add_checkpoint q = {.old = r->old, .note = buf_view(&note)};
  if (r->old <= r->size)
    assert_int_equal(merkle_consistency(&q.proof, copy_source(a->copy), r->old, r->size, NULL), PARLEY_OK);
  if (r->change == NO_PROOF) q.proof.n = 0;
  if (r->change == FLIPPED_PROOF) q.proof.h[1].b[0] ^= 1;
  if (r->change == FLIPPED_FIRST) q.proof.h[0].b[0] ^= 1;
  if (r->change == ONE_HASH_MORE || r->change == PROOF_OF_ZERO) q.proof.n++;
  if (r->change == LEADING_ZERO) buf_str(body, "old 05\n\n");
  if (r->change == LEADING_ZERO) buf_bytes(body, q.note);
  if (r->change != LEADING_ZERO && r->change != NOTHING) add_checkpoint_write(body, &q);
  if (r->change == CUT_SHORT) body->n -= 1;
  while (r->change == TOO_LONG && body->n < NOTE_SIZE_MAX + 8192) buf_str(body, "x");
  buf_free(&note);
}

static void check_row(struct stage *s, const struct row *r) {
  struct mirror_answer out;
  struct buf body = {0};
  stage_fresh(s);
  if (r->held != NONE) {
    assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, r->held, &out), 200);
    answer_free(&out);
  }
  const uint64_t before = stage_state(s).pending_size;
  make_body(&body, s, r);
  mirror_add_checkpoint(s->m, buf_view(&body), &out);
  if (out.status != r->status) fail_msg("%s: %u instead of %u (%s)", r->name, out.status, r->status, out.why.text);
  if (r->status == 200) {
    assert_int_equal(out.body.n, 0);
    assert_null(out.content_type);
  } else if (r->status == 409) {
    assert_string_equal(out.content_type, CONTENT_SIZE);
    assert_true(bytes_is(buf_view(&out.body), r->body));
  } else {
    assert_string_equal(out.content_type, CONTENT_TEXT);
    assert_true(out.body.n > 10 && strlen(out.why.text) == out.body.n - 1);
  }
  assert_int_equal(stage_state(s).pending_size, r->status == 200 ? r->size : before);
  assert_int_equal(s->memory.saves, 0); /* nothing is ever signed here */
  answer_free(&out);
  buf_free(&body);
}

static void test_every_answer(void **state) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_row(*state, &rows[i]);
}

/* ---- what is kept ---- */

static void test_same_again_writes_nothing(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, 5, &out), 200);
  const unsigned writes = s->store.writes;
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 5, &out), 200);
  assert_int_equal(s->store.writes, writes);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 6, &out), 200);
  assert_int_equal(s->store.writes, writes + 2); /* the record and its commit */
}

/* The pending checkpoint is served as the log signed it, without what others added, and is there after a restart. */
static void test_pending_note(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  struct buf want = {0}, body = {0};
  const struct row r = {"", NONE, 0, 9, BAD_AND_UNKNOWN, 200, NULL};
  make_body(&body, s, &r);
  mirror_add_checkpoint(s->m, buf_view(&body), &out);
  assert_int_equal(out.status, 200);
  author_note(&s->a, &want, copy_origin(mirror_copy(s->m)), 9);
  for (int i = 0; i < 2; i++) {
    const struct mirror_state st = stage_state(s);
    assert_true(bytes_eq(st.pending_note, buf_view(&want)));
    assert_int_equal(st.pending_size, 9);
    assert_int_equal(st.next, 0);
    assert_int_equal(st.size, 0);
    assert_int_equal(st.note.n, 0);
    assert_int_equal(st.cosigned, 0);
    stage_restart(s);
  }
  buf_free(&want);
  buf_free(&body);
}

/* A log may sign the same tree with its next key; either key is enough, a wrong signature of either refuses. */
static void test_two_keys(void **state) {
  struct stage *s = *state;
  const char *origin = "two.example/f/0";
  struct ed25519_key *next = record_key(2);
  const struct vkey keys[] = {kit_vkey(origin, next), kit_vkey(origin, s->a.key)};
  struct mirror_answer out;
  struct buf body = {0}, note = {0}, other = {0};
  mirror_close(s->m);
  assert_int_equal(mirror_open(&s->m, &s->store.base, s->signer, origin, 100, keys, 2, NULL), PARLEY_OK);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, 5, &out), 200);
  struct hash root;
  assert_int_equal(copy_root(s->a.copy, 5, &root, NULL), PARLEY_OK);
  struct buf text = {0};
  checkpoint_text(&text, origin, 5, &root);
  sign(&note, origin, next, buf_view(&text));
  const struct add_checkpoint q = {.old = 5, .note = buf_view(&note)};
  add_checkpoint_write(&body, &q);
  mirror_add_checkpoint(s->m, buf_view(&body), &out);
  assert_int_equal(out.status, 200);
  assert_true(bytes_eq(stage_state(s).pending_note, buf_view(&note)));
  sign(&other, origin, s->a.key, buf_view(&text)); /* both sign, the second one wrongly */
  flip_last_char(&other, 20);
  buf_bytes(&body, BYTES(other.p + text.n + 1, other.n - text.n - 1));
  mirror_add_checkpoint(s->m, buf_view(&body), &out);
  assert_int_equal(out.status, 403);
  answer_free(&out);
  mirror_close(s->m); /* only the next key is known now */
  assert_int_equal(mirror_open(&s->m, &s->store.base, s->signer, origin, 100, keys, 1, NULL), PARLEY_OK);
  assert_true(bytes_eq(stage_state(s).pending_note, buf_view(&note)));
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 9, &out), 403); /* the old key is no longer known */
  answer_free(&out);
  buf_free(&body);
  buf_free(&note);
  buf_free(&other);
  buf_free(&text);
  ed25519_free(next);
}

/* ---- forks ---- */

static bool kept(struct stage *s, const char *what, struct arena *a, struct bytes *out) {
  char key[128];
  snprintf(key, sizeof key, "%s/%s", what, copy_origin(mirror_copy(s->m)));
  return store_get(&s->store.base, STORE_LOGS, bytes_str(key), a, out, NULL) == PARLEY_OK;
}

/* The three records together convict: both checkpoints, and the root that the larger one proves. */
static void check_evidence(struct stage *s, uint64_t forked, uint64_t held) {
  struct arena a = {0};
  struct bytes fork, other, proof, line;
  struct buf want = {0};
  assert_true(kept(s, "fork", &a, &fork));
  assert_true(kept(s, "fork-held", &a, &other));
  author_note(&s->b, &want, copy_origin(mirror_copy(s->m)), forked);
  assert_true(bytes_eq(fork, buf_view(&want)));
  buf_clear(&want);
  author_note(&s->a, &want, copy_origin(mirror_copy(s->m)), held);
  assert_true(bytes_eq(other, buf_view(&want)));
  assert_true(kept(s, "fork-proof", &a, &proof) == (forked != held));
  if (forked != held) {
    struct author *small = forked < held ? &s->b : &s->a, *large = forked < held ? &s->a : &s->b;
    const uint64_t m = forked < held ? forked : held, n = forked < held ? held : forked;
    struct hash shown, claimed, root;
    struct proof p = {0};
    assert_true(bytes_line(&proof, &line) && base64_decode_fixed(shown.b, 32, line, true));
    while (bytes_line(&proof, &line)) assert_true(base64_decode_fixed(p.h[p.n++].b, 32, line, true));
    assert_int_equal(proof.n, 0);
    assert_int_equal(copy_root(large->copy, n, &root, NULL), PARLEY_OK);
    assert_int_equal(copy_root(small->copy, m, &claimed, NULL), PARLEY_OK);
    assert_true(merkle_check_consistency(&p, m, &shown, n, &root));
    assert_false(hash_eq(&shown, &claimed));
  }
  buf_free(&want);
  arena_free(&a);
}

static void check_nothing_kept(struct stage *s) {
  struct arena a = {0};
  struct bytes v;
  assert_false(kept(s, "fork", &a, &v) || kept(s, "fork-held", &a, &v) || kept(s, "fork-proof", &a, &v));
  arena_free(&a);
}

/* b's checkpoint `old` to `size` after a's of size `held`, with or without the entries. */
static void send_fork(struct stage *s, uint64_t held, bool entries, uint64_t old, uint64_t size, unsigned status,
                      bool fork) {
  struct mirror_answer out;
  stage_fresh(s);
  if (entries)
    stage_fill(s, held);
  else
    assert_int_equal(kit_add_checkpoint(s->m, &s->a, 0, held, &out), 200);
  assert_int_equal(kit_add_checkpoint(s->m, &s->b, old, size, &out), status);
  assert_int_equal(out.fork, fork);
  answer_free(&out);
  assert_int_equal(stage_state(s).pending_size, held);
  if (fork)
    check_evidence(s, size, held);
  else
    check_nothing_kept(s);
}

static void test_forks(void **state) {
  struct stage *s = *state;
  send_fork(s, 5, false, 5, 5, 422, true); /* the same size */
  send_fork(s, 5, false, 0, 5, 409, true); /* likewise, with an old size that does not fit */
  send_fork(s, 5, false, 5, 9, 422, true); /* longer: the proof shows another past */
  send_fork(s, 300, false, 300, 600, 422, true);
  send_fork(s, 599, false, 599, 600, 422, true);
  send_fork(s, 513, false, 513, 514, 422, true);
  send_fork(s, 9, true, 0, 7, 409, true); /* shorter: our entries tell */
  send_fork(s, 600, true, 600, 600, 422, true);
  send_fork(s, 600, true, 5, 256, 409, true);
  send_fork(s, 8, false, 8, 9, 422, false); /* a proof from a power of two says nothing about the past */
  send_fork(s, 9, false, 0, 7, 409, false); /* without the entries nobody can tell */
  send_fork(s, 5, false, 3, 9, 409, false);
}

/* Anybody can send a log's good checkpoint with a bad proof. */
static void test_bad_proof_is_no_evidence(void **state) {
  struct stage *s = *state;
  static const enum change changes[] = {NO_PROOF, FLIPPED_PROOF, FLIPPED_FIRST, ONE_HASH_MORE};
  for (size_t i = 0; i < 4; i++) {
    const struct row r = {"", 5, 5, 9, changes[i], 422, NULL};
    check_row(s, &r);
    check_nothing_kept(s);
  }
}

static void test_first_evidence_stays(void **state) {
  struct stage *s = *state;
  struct mirror_answer out;
  send_fork(s, 5, false, 5, 9, 422, true);
  const unsigned writes = s->store.writes;
  assert_int_equal(kit_add_checkpoint(s->m, &s->b, 5, 11, &out), 422);
  assert_true(out.fork);
  answer_free(&out);
  assert_int_equal(s->store.writes, writes);
  check_evidence(s, 9, 5);
  stage_restart(s);
  check_evidence(s, 9, 5);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, 5, 9, &out), 200); /* what was begun goes on */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_every_answer, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_same_again_writes_nothing, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_pending_note, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_two_keys, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_forks, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_bad_proof_is_no_evidence, stage_setup, stage_teardown),
      cmocka_unit_test_setup_teardown(test_first_evidence_stays, stage_setup, stage_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
