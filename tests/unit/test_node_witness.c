/*
 * Neutral witnesses: cosigned checkpoints, lines on the record and on the read side, what a bad witness can do
 * (nothing), and evidence of non-delivery.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "node/witness.h"
#include "witness_fixture.h"

#define HOUR 3600000

static const char *const NAMES[] = {"cert.us.example", "ncc.ru.example", "third.ch.example"};

static bool says(struct fake_witness *w, const char *part) {
  json_t *v = witness_state(w);
  const bool yes = *part ? strstr(str_of(v, "why"), part) != NULL : !*str_of(v, "why");
  if (!yes) print_error("why: %s\n", str_of(v, "why"));
  json_decref(v);
  return yes;
}

/* How many lines of the witness stand in the log of the first party; *covered gets the smallest size above index. */
static unsigned on_record(struct fake_witness *w, const char *forum, uint64_t index, uint64_t *covered) {
  struct rig_party *p = &w->rig->party[0];
  char origin[ORIGIN_MAX + 1];
  uint8_t id[32];
  unsigned k = 0;
  struct arena a = {0};
  struct bytes entry;
  hex_decode(id, 32, bytes_str(forum));
  log_origin(origin, p->name, id, 0, false);
  *covered = UINT64_MAX;
  for (uint64_t i = 0; node_log_entry(p->node, origin, i, &a, &entry, NULL) == PARLEY_OK; i++) {
    struct statement s;
    struct dsse d;
    assert_int_equal(statement_parse(&s, &a, entry, &d, NULL), PARLEY_OK);
    for (size_t j = 0; j < s.n_held; j++) {
      struct buf text = {0};
      struct errmsg e;
      if (!strstr(s.held[j].line, WITNESS_NAME)) continue;
      checkpoint_text(&text, s.held[j].origin, s.held[j].size, &s.held[j].root);
      assert_int_equal(note_verify_line(bytes_str(s.held[j].line), buf_view(&text), &w->vkey, NULL, &e), PARLEY_OK);
      buf_free(&text);
      if (s.held[j].size > index && s.held[j].size < *covered) *covered = s.held[j].size;
      k++;
    }
    statement_clear(&s);
  }
  arena_free(&a);
  return k;
}

/* ---- what a good one does ---- */

static void it_cosigns_and_its_line_goes_on_the_record_once(void **state) {
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  uint64_t covered;
  (void)state;
  witness_open(&w, &r, NAMES, 3);
  witness_forum(&w, forum);
  assert_int_equal(witness_size(&w), 1);
  assert_int_equal(on_record(&w, forum, 0, &covered), 0); /* a charter is bookkeeping */
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 5000);
  assert_int_equal(witness_size(&w), 2);
  rig_run(&r, 2 * HOUR + 60000);
  assert_int_equal(on_record(&w, forum, 1, &covered), 1);
  assert_int_equal(covered, 2);
  rig_stop(&r.party[0]); /* what it knew, it knows again: nothing is on the record twice */
  rig_start(&r.party[0]);
  rig_run(&r, 5000);
  assert_int_equal(w.conflicts, 0);
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 3 * HOUR);
  assert_int_equal(on_record(&w, forum, 1, &covered), 2);
  const uint64_t size = log_size(&r.party[0], forum);
  const unsigned requests = w.requests;
  rig_run(&r, 5 * HOUR); /* its lines fall silent, and each heartbeat renews */
  assert_int_equal(log_size(&r.party[0], forum), size);
  assert_true(w.requests >= requests + 4 && w.requests <= requests + 6);
  assert_true(says(&w, ""));
  witness_close(&w);
}

static void its_lines_are_served(void **state) {
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65], path[300];
  struct buf note = {0};
  struct note parsed;
  struct arena a = {0};
  struct errmsg e;
  int64_t time;
  (void)state;
  witness_open(&w, &r, NAMES, 2);
  witness_forum(&w, forum);
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 5000);
  uint8_t digest[32], f[32];
  char origin[ORIGIN_MAX + 1], hex[65];
  hex_decode(f, 32, bytes_str(forum));
  log_origin(origin, r.party[0].name, f, 0, false);
  sha256(digest, bytes_str(origin));
  hex_encode(hex, BYTES(digest, 32));
  static const char *const of[] = {"", "." WITNESS_NAME};
  for (size_t i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "/%s/checkpoint%s", hex, of[i]);
    buf_clear(&note);
    assert_int_equal(peer_ask(&r.party[1], &r.party[0], "GET", path, BYTES_NONE, &note), 200);
    assert_int_equal(note_parse(&parsed, &a, buf_view(&note), &e), PARLEY_OK);
    assert_int_equal(note_verify(&parsed, &w.vkey, &time, NULL, &e), PARLEY_OK);
    assert_int_equal(parsed.n, i == 0 ? 3 : 2); /* the log, ru, the witness */
  }
  snprintf(path, sizeof path, "/%s/checkpoint.nobody.example", hex);
  assert_int_equal(peer_ask(&r.party[1], &r.party[0], "GET", path, BYTES_NONE, NULL), 404);
  buf_free(&note);
  arena_free(&a);
  witness_close(&w);
}

static void a_flash_goes_at_once_and_the_rest_in_its_turn(void **state) {
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  (void)state;
  witness_open(&w, &r, NAMES, 2);
  witness_forum(&w, forum);
  rig_run(&r, 10000);
  witness_send(&w, forum, NULL, id);
  rig_run(&r, 10); /* nothing went before it: at once */
  const int64_t first = w.asked_ms;
  unsigned requests = w.requests;
  for (int i = 0; i < 3; i++) {
    witness_send(&w, forum, NULL, id);
    rig_run(&r, 100);
  }
  assert_int_equal(w.requests, requests);
  rig_run(&r, WITNESS_PAUSE_MS);
  assert_int_equal(w.requests, requests + 1);
  assert_true(w.asked_ms >= first + WITNESS_PAUSE_MS);
  witness_send(&w, forum, "FLASH", id);
  rig_run(&r, 10);
  assert_int_equal(w.requests, requests + 2);
  witness_close(&w);
}

static void one_that_went_back_is_followed(void **state) {
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  (void)state;
  witness_open(&w, &r, NAMES, 2);
  witness_forum(&w, forum);
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 5000);
  w.log[0].size = 0;
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 5000);
  assert_int_equal(witness_size(&w), 3);
  assert_int_equal(w.conflicts, 1);
  assert_true(says(&w, ""));
  witness_close(&w);
}

/* What is stored of a witness can be damaged: the forum opens, and the witness says where it is. */
static void a_damaged_row_closes_nothing(void **state) {
  static const char *const rows[] = {"",      "1 1 1", "1 1 1 x\n", "1 1 1 1\nx\n", "1 1 18446744073709551615 1\n",
                                     "\xff\n"};
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  struct errmsg e;
  (void)state;
  witness_open(&w, &r, NAMES, 2);
  witness_forum(&w, forum);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct buf k = {0};
    const int64_t size = witness_size(&w);
    buf_fmt(&k, "ws/%s\n%s+%08x", w.log[0].origin, w.vkey.name, (unsigned)w.vkey.id);
    assert_int_equal(store_begin(r.party[0].store, &e), PARLEY_OK);
    assert_int_equal(store_put(r.party[0].store, STORE_PEERS, buf_view(&k), bytes_str(rows[i]), &e), PARLEY_OK);
    assert_int_equal(store_commit(r.party[0].store, &e), PARLEY_OK);
    buf_free(&k);
    rig_stop(&r.party[0]);
    rig_start(&r.party[0]);
    send_delivered(&r.party[0], forum, id);
    rig_run(&r, 5000);
    assert_true(witness_size(&w) > size);
    assert_int_equal(w.conflicts, i + 1);
  }
  witness_close(&w);
}

/* ---- what a bad one can do: nothing ---- */

static void what_it_does_wrong_stands_in_the_status_and_does_no_harm(void **state) {
  static const struct {
    enum witness_mode mode;
    const char *why;
  } modes[] = {{WITNESS_AWAY, "cannot be reached: connection refused"},
               {WITNESS_UNKNOWN, "answers 404 (its operator must add this log and its key)"},
               {WITNESS_REFUSES, "answers 422: no"},
               {WITNESS_BUSY, "answers 429"},
               {WITNESS_REDIRECTS, "answers 302"},
               {WITNESS_EMPTY, "no line by the key that the charter names"},
               {WITNESS_GARBAGE, "does not count"},
               {WITNESS_ENDLESS, "longer than a note can be"},
               {WITNESS_OTHER_KEY, "does not count"},
               {WITNESS_WRONG, "does not count"},
               {WITNESS_OLD, "3600 seconds behind our clock"},
               {WITNESS_FUTURE, "3600 seconds ahead of our clock"},
               {WITNESS_AHEAD, "says that it holds 1000000 entries of our log, of which only"},
               {WITNESS_NONSENSE, "answers 409: -1"},
               {WITNESS_STUBBORN, "does not take our checkpoint (409 at 0)"}};
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  uint64_t covered;
  (void)state;
  assert_int_equal(sizeof modes / sizeof *modes, WITNESS_MODES - 1);
  witness_open(&w, &r, NAMES, 2);
  witness_forum(&w, forum);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    const int64_t size = witness_size(&w);
    w.mode = modes[i].mode;
    send_delivered(&r.party[0], forum, id); /* whatever the witness does */
    const unsigned before = w.requests;
    rig_run(&r, 60000);
    assert_true(says(&w, modes[i].why));
    assert_int_equal(witness_size(&w), size);
    assert_true(w.requests - before < 12); /* pauses grow */
    json_t *v = witness_state(&w);
    assert_string_not_equal(str_of(v, "failing_since"), "");
    assert_string_not_equal(str_of(v, "next_attempt"), "");
    json_decref(v);
    w.mode = WITNESS_GOOD;
    rig_run(&r, 200000);
    assert_true(says(&w, ""));
    assert_true(witness_size(&w) > size);
    v = witness_state(&w);
    assert_null(json_object_get(v, "failing_since"));
    json_decref(v);
  }
  rig_run(&r, 3 * HOUR);
  assert_int_equal(on_record(&w, forum, 1, &covered), sizeof modes / sizeof *modes);
  witness_close(&w);
}

static void one_that_is_not_configured_is_only_named(void **state) {
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  (void)state;
  witness_open(&w, &r, NAMES, 2);
  r.n_witnesses = 0;
  rig_stop(&r.party[0]);
  rig_start(&r.party[0]);
  witness_forum(&w, forum);
  send_delivered(&r.party[0], forum, id);
  json_t *v = witness_state(&w);
  assert_string_equal(str_of(v, "witness"), WITNESS_NAME);
  assert_true(json_is_false(json_object_get(v, "configured")));
  assert_non_null(strstr(str_of(v, "log_vkey"), forum));
  json_decref(v);
  assert_int_equal(w.requests, 0);
  rig_stop(&r.party[1]);
  witness_send(&w, forum, NULL, id);
  assert_int_equal(witness_receipt(&w, id, false, NULL, NULL), 409);
  witness_close(&w);
}

/* ---- evidence of non-delivery ---- */

static void check_silence(const struct pack *p, struct silence_result *out, struct arena *a) {
  struct errmsg e = {{0}};
  if (silence_verify(out, a, p, NULL, &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_false(out->pack.identified);
  assert_int_equal(out->n_witnesses, 1);
  assert_string_equal(out->witness[0].name, WITNESS_NAME);
}

static void silence_is_shown_until_it_is_delivered(void **state) {
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  struct arena a = {0};
  struct pack p;
  struct silence_result s;
  (void)state;
  witness_open(&w, &r, NAMES, 3);
  witness_forum(&w, forum);
  send_delivered(&r.party[0], forum, id);
  rig_stop(&r.party[1]);
  w.mode = WITNESS_AWAY;
  witness_send(&w, forum, "FLASH", id);
  rig_run(&r, 30000);
  assert_int_equal(witness_receipt(&w, id, true, NULL, NULL), 404); /* nobody has dated it */
  w.mode = WITNESS_GOOD;
  rig_run(&r, 100000);
  assert_int_equal(witness_receipt(&w, id, false, &p, &a), 200);
  assert_false(silence_is(&p)); /* a receipt about the third, which has it */
  assert_int_equal(witness_receipt(&w, id, true, &p, &a), 200);
  assert_true(silence_is(&p));
  check_silence(&p, &s, &a);
  assert_int_equal(s.silent.n, 1); /* the third has it */
  assert_string_equal(s.silent.list[0].party, NAMES[1]);
  assert_int_equal(s.silent.list[0].size, 2);
  assert_int_equal(s.index, 2);
  assert_true(s.attempts.n > 0);
  const struct silence_attempt *last = &s.attempts.list[s.attempts.n - 1];
  assert_string_equal(last->party, NAMES[1]);
  assert_non_null(strstr(last->outcome, "cannot be reached: connection refused"));
  assert_true(last->count > 3 && last->last > last->first);
  silence_result_clear(&s);
  rig_stop(&r.party[0]); /* the attempts are stored */
  rig_start(&r.party[0]);
  rig_run(&r, 30000);
  assert_int_equal(witness_receipt(&w, id, true, &p, &a), 200);
  check_silence(&p, &s, &a);
  assert_true(s.attempts.n >= 2);
  silence_result_clear(&s);
  rig_start(&r.party[1]);
  rig_run(&r, 200000);
  assert_int_equal(witness_receipt(&w, id, false, &p, &a), 200);
  assert_false(silence_is(&p));
  assert_int_equal(witness_receipt(&w, id, true, NULL, NULL), 404); /* nobody is silent */
  arena_free(&a);
  witness_close(&w);
}

/* To one alone that is silent: nothing else can be drawn. */
static void where_nobody_has_it_the_receipt_is_of_silence(void **state) {
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  struct arena a = {0};
  struct pack p;
  struct silence_result s;
  (void)state;
  witness_open(&w, &r, NAMES, 2);
  witness_forum(&w, forum);
  rig_stop(&r.party[1]);
  witness_send(&w, forum, NULL, id);
  w.mode = WITNESS_AWAY;
  rig_run(&r, 100);
  w.mode = WITNESS_GOOD;
  rig_run(&r, 30000);
  assert_int_equal(witness_receipt(&w, id, false, &p, &a), 200);
  assert_true(silence_is(&p));
  check_silence(&p, &s, &a);
  silence_result_clear(&s);
  rig_start(&r.party[1]);
  rig_run(&r, 200000);
  json_t *v = show_statement(&r.party[0], id);
  assert_string_equal(str_of(v, "state"), "delivered");
  json_decref(v);
  assert_int_equal(witness_receipt(&w, id, false, &p, &a), 200);
  assert_false(silence_is(&p));
  arena_free(&a);
  witness_close(&w);
}

/*
 * After a start with the addressee away, the witness shows what was signed last: what is sent then is signed, and
 * dated.
 */
static void it_lets_a_log_sign_that_no_member_speaks_for(void **state) {
  struct rig r;
  struct fake_witness w;
  char forum[65], id[65];
  struct arena a = {0};
  struct pack p;
  struct silence_result s;
  (void)state;
  witness_open(&w, &r, NAMES, 2);
  witness_forum(&w, forum);
  send_delivered(&r.party[0], forum, id);
  rig_run(&r, 10000);
  rig_stop(&r.party[1]);
  rig_stop(&r.party[0]);
  w.log[0].size = 1; /* it went back: that says nothing about what was signed last */
  rig_start(&r.party[0]);
  witness_send(&w, forum, "FLASH", id);
  rig_run(&r, 20000);
  assert_true(says(&w, "says that it holds 1 entries of our log, not the 2"));
  assert_int_equal(witness_receipt(&w, id, false, NULL, NULL), 409);
  w.log[0].size = 5; /* more than it has told us of: our store may have gone back */
  rig_run(&r, 100000);
  assert_true(says(&w, "says that it holds 5 entries of our log, not the 2"));
  assert_int_equal(witness_receipt(&w, id, false, NULL, NULL), 409);
  w.log[0].size = 2;
  w.mode = WITNESS_OTHER_KEY;
  rig_run(&r, 100000);
  assert_true(says(&w, "does not count"));
  assert_int_equal(witness_receipt(&w, id, false, NULL, NULL), 409);
  w.mode = WITNESS_GOOD;
  rig_run(&r, 100000);
  assert_true(says(&w, ""));
  assert_true(witness_size(&w) >= 3);
  assert_int_equal(witness_receipt(&w, id, false, &p, &a), 200);
  check_silence(&p, &s, &a);
  assert_int_equal(s.index, 2);
  silence_result_clear(&s);
  arena_free(&a);
  witness_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_cosigns_and_its_line_goes_on_the_record_once),
      cmocka_unit_test(its_lines_are_served),
      cmocka_unit_test(a_flash_goes_at_once_and_the_rest_in_its_turn),
      cmocka_unit_test(one_that_went_back_is_followed),
      cmocka_unit_test(a_damaged_row_closes_nothing),
      cmocka_unit_test(what_it_does_wrong_stands_in_the_status_and_does_no_harm),
      cmocka_unit_test(one_that_is_not_configured_is_only_named),
      cmocka_unit_test(silence_is_shown_until_it_is_delivered),
      cmocka_unit_test(where_nobody_has_it_the_receipt_is_of_silence),
      cmocka_unit_test(it_lets_a_log_sign_that_no_member_speaks_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
