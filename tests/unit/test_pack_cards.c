#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pack_expect.h"

/* The first card signs the charter, the last everything else. */
static const struct fixture_options renewed = {
    .renewals = 2, .signs = 2, .signs_ack = 1, .ack = true, .attach = true, .files = true};

static const char *const newest = "cards/ncc.ru.example.json", *const middle = "cards/ncc.ru.example.1.json",
                         *const oldest = "cards/ncc.ru.example.0.json";

static void signed_by(struct fixture_options options, size_t cards, size_t card) {
  struct fixture f;
  struct arena a = {0};
  struct pack_result r;
  struct errmsg e;
  fixture_open(&f, options);
  if (pack_verify(&r, &a, &f.pack, NULL, &e) != PARLEY_OK) fail_msg("%s", e.text);
  for (size_t i = 0; i < r.n_parties; i++) {
    assert_int_equal(r.parties[i].n_cards, cards);
    assert_int_equal(r.parties[i].card, card);
    for (size_t k = 1; k < cards; k++)
      assert_int_equal(r.parties[i].cards[k]->serial, r.parties[i].cards[k - 1]->serial + 1);
    assert_memory_equal(r.parties[i].fingerprint, r.parties[i].cards[0]->fingerprint, SHA256_SIZE);
  }
  assert_int_equal(r.parties[0].log_card, card);
  pack_result_clear(&r);
  arena_free(&a);
  fixture_close(&f);
}

static void test_runs(void **state) {
  struct fixture_options o = renewed;
  (void)state;
  signed_by(o, 3, 2);
  o.signs = 1;
  signed_by(o, 3, 1);
  o.signs = 0; /* newer cards do no harm */
  o.signs_ack = 2;
  signed_by(o, 3, 0);
  /* A key that stays belongs to the newest card that has it. */
  o.keys_kept = true;
  signed_by(o, 3, 2);
  /* The run begins with the oldest card at hand. */
  o.keys_kept = false;
  o.named = 1;
  o.signs = 1;
  signed_by(o, 2, 0);
  o.predecessors = 1;
  signed_by(o, 3, 1);
}

static void test_file_names(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, renewed);
  struct pack p = fixture_copy(&f);
  struct pack_file *x = fixture_file(&p, newest), *y = fixture_file(&p, middle);
  const struct bytes data = x->data;
  x->data = y->data;
  y->data = data;
  fails(&p, "cards/ncc.ru.example");
  p = fixture_copy(&f);
  snprintf(fixture_file(&p, newest)->name, PACK_NAME_SIZE, "cards/ncc.ru.example.2.json");
  fixture_sort(&p);
  fails(&p, "whose file is cards/ncc.ru.example.json");
  p = fixture_copy(&f);
  snprintf(fixture_file(&p, middle)->name, PACK_NAME_SIZE, "cards/ncc.ru.example.01.json");
  fixture_sort(&p);
  fails(&p, "cards/ncc.ru.example.01.json");
  p = fixture_copy(&f);
  fixture_add(&p, "cards/ncc.ru.example.7.json", fixture_file(&p, oldest)->data);
  fails(&p, "two cards of ncc.ru.example with the serial 0");
  fixture_close(&f);
}

static void test_gaps(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, renewed);
  struct pack p = fixture_copy(&f);
  fixture_remove(&p, middle);
  fails(&p, "serial 1 is missing");
  p = fixture_copy(&f);
  fixture_remove(&p, oldest); /* the one that the charter names */
  fails(&p, "charter.json");
  /* Without the newest, under which it was signed. */
  p = fixture_copy(&f);
  fixture_remove(&p, newest);
  snprintf(fixture_file(&p, middle)->name, PACK_NAME_SIZE, "%s", newest);
  fixture_sort(&p);
  fails(&p, "proof.tlog-proof");
  fixture_close(&f);
}

/* A card with the next serial and keys of its own, but signed by another rotation key than that of the card before. */
static void test_usurper(void **state) {
  struct fixture f, other;
  struct fixture_options o = renewed;
  (void)state;
  fixture_open(&f, o);
  o.world = 3;
  fixture_open(&other, o);
  fails_with(&f, newest, other.parties[1].at[2].card.envelope, "cards/ncc.ru.example.json: its last signature");
  fails_with(&f, middle, other.parties[1].at[1].card.envelope, "cards/ncc.ru.example.1.json: its last signature");
  fixture_close(&f);
  fixture_close(&other);
}

/* The rotation signature of a run's first card is by a card that is not there: its bytes are not checked. */
static void test_first_of_a_later_serial(void **state) {
  struct fixture f;
  struct dsse d;
  struct buf out = {0};
  struct fixture_options o = renewed;
  (void)state;
  o.named = 1;
  o.signs = 1;
  fixture_open(&f, o);
  struct pack p = fixture_copy(&f);
  assert_int_equal(dsse_parse(&d, &f.arena, f.parties[1].at[1].card.envelope, CARD_SIZE_MAX, NULL), PARLEY_OK);
  d.sigs[3].sig[9] ^= 1;
  dsse_write(&out, &d);
  fixture_file(&p, middle)->data = buf_view(&out);
  holds(&p);
  d.n = 3; /* but it has to be there */
  buf_clear(&out);
  dsse_write(&out, &d);
  fixture_file(&p, middle)->data = buf_view(&out);
  fails(&p, middle);
  buf_free(&out);
  fixture_close(&f);
}

/* A key may not stand in cards of two parties, whichever of their cards. */
static void test_shared_key(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, (struct fixture_options){.renewals = 1, .members = 3, .addressees = 2, .signs = 1});
  const struct fixture_card *us = &f.parties[0].at[1], *ru = &f.parties[1].at[1];
  struct card c = ru->card;
  struct buf out = {0};
  struct errmsg e;
  memcpy(c.seal[1].recipient, us->card.seal[0].recipient, X25519_SIZE);
  assert_int_equal(
      card_make(&out, &c, &(struct card_signers){ru->statement, ru->log, ru->mirror, f.parties[1].at[0].rotation}, &e),
      PARLEY_OK);
  fails_with(&f, newest, buf_view(&out), "cards/");
  fails_with(&f, newest, buf_view(&out), "no two parties may share a key");
  buf_free(&out);
  fixture_close(&f);
}

static void test_both_log_keys(void **state) {
  struct fixture f;
  struct hash root;
  struct pack p;
  struct errmsg e;
  (void)state;
  fixture_open(&f, renewed);
  fixture_root(&f, &root);
  /* A note under both: a builder takes the newer, a pack may hold only one. */
  f.input.statement.note = fixture_note(&f, 0, 0, false, 7, &root, "L1");
  assert_int_equal(pack_build(&p, &f.arena, &f.input, &e), PARLEY_OK);
  assert_true(bytes_eq(fixture_file(&p, "proof.tlog-proof")->data, fixture_file(&f.pack, "proof.tlog-proof")->data));
  fails_with(&f, "proof.tlog-proof", fixture_proof(&f, f.input.statement.note), "proof.tlog-proof");
  fixture_close(&f);
}

static struct anchor anchor_of(const struct fixture *f, size_t party, size_t serial) {
  struct anchor x;
  snprintf(x.party, sizeof x.party, "%s", f->parties[party].name);
  memcpy(x.fingerprint, f->parties[party].at[serial].card.fingerprint, SHA256_SIZE);
  return x;
}

/* What a fingerprint says goes on to the cards after it, never back. */
static void test_anchors_go_forward(void **state) {
  struct fixture f;
  struct arena a = {0};
  struct pack_result r;
  struct errmsg e;
  (void)state;
  fixture_open(&f, renewed);
  for (size_t us = 0; us <= 3; us++)
    for (size_t ru = 0; ru <= 3; ru++) {
      struct anchor x[2];
      size_t n = 0;
      if (us < 3) x[n++] = anchor_of(&f, 0, us);
      if (ru < 3) x[n++] = anchor_of(&f, 1, ru);
      const struct pack_known known = {.anchors = x, .n_anchors = n};
      assert_int_equal(pack_verify(&r, &a, &f.pack, &known, &e), PARLEY_OK);
      assert_int_equal(r.identified, us == 0 && ru == 0);
      assert_int_equal(r.parties[0].established, us);
      assert_int_equal(r.parties[1].established, ru);
      assert_int_equal(r.parties[0].anchored, us == 0);
      pack_result_clear(&r);
    }
  /* Several of one party: the oldest counts; one that is not in the pack does no harm beside one that is. */
  struct anchor many[] = {anchor_of(&f, 0, 2), anchor_of(&f, 1, 0), anchor_of(&f, 0, 0), anchor_of(&f, 1, 1)};
  many[3].fingerprint[0] ^= 1;
  const struct pack_known known = {.anchors = many, .n_anchors = 4};
  assert_int_equal(pack_verify(&r, &a, &f.pack, &known, &e), PARLEY_OK);
  assert_true(r.identified);
  pack_result_clear(&r);
  assert_int_equal(check(&f.pack, &many[3], 1, &e), PARLEY_EVERIFY);
  arena_free(&a);
  fixture_close(&f);
}

/* A fingerprint of a card before the run's first says nothing about the run, whose first rotation nobody can check. */
static void test_anchor_before_the_run(void **state) {
  struct fixture f;
  struct errmsg e;
  struct fixture_options o = renewed;
  (void)state;
  o.named = o.signs = o.signs_ack = 1;
  fixture_open(&f, o);
  const struct anchor first = anchor_of(&f, 0, 0);
  assert_int_equal(check(&f.pack, &first, 1, &e), PARLEY_EVERIFY);
  fixture_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_runs),
      cmocka_unit_test(test_file_names),
      cmocka_unit_test(test_gaps),
      cmocka_unit_test(test_usurper),
      cmocka_unit_test(test_first_of_a_later_serial),
      cmocka_unit_test(test_shared_key),
      cmocka_unit_test(test_both_log_keys),
      cmocka_unit_test(test_anchors_go_forward),
      cmocka_unit_test(test_anchor_before_the_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
