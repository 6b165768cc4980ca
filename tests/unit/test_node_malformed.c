/*
 * Entries that are no good statement: each is kept and marked with its reason, what follows them is good, and the node goes on.
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
#include "hostile_fixture.h"
#include "unit/parties.h"

#define A "cert.us.example"
#define B "ncc.ru.example"

static const char *const NAMES[] = {A, B};

static void test_entry_0_is_no_charter(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], zero[65], one[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  evil_join(&v, &r, 1, forum);
  evil_notice(&v, A, zero);
  evil_charter(&v);
  evil_notice(&v, A, one);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], zero, "received", "kind: a log begins with its charter");
  assert_statement(&r.party[0], one, "received", "");
  evil_close(&v);
  rig_close(&r);
}

/* ---- one rule broken each ---- */

static void other_kind(struct evil *v, struct statement *s) {
  (void)v;
  snprintf(s->kind, sizeof s->kind, "incident.rumour");
}
static void other_party(struct evil *v, struct statement *s) {
  (void)v;
  snprintf(s->from, sizeof s->from, "third.ch.example");
}
static void as_if_we(struct evil *v, struct statement *s) {
  snprintf(s->from, sizeof s->from, A);
  s->n_to = 0;
  evil_to(v, s, B);
}
static void other_version(struct evil *v, struct statement *s) {
  (void)v;
  s->charter[0] ^= 1;
}
static void other_forum(struct evil *v, struct statement *s) {
  (void)v;
  s->forum[31] ^= 1;
}
static void to_a_stranger(struct evil *v, struct statement *s) { evil_to(v, s, "third.ch.example"); }

static const struct {
  void (*change)(struct evil *, struct statement *);
  const char *problem;
} RULES[] = {
    {other_kind, "kind: incident.rumour is not in force under this charter"},
    {other_party, "from: third.ch.example stands in the log of " B},
    {as_if_we, "from: " A " stands in the log of " B},
    {other_version, "charter: it cites a version that this log has not opened"},
    {other_forum, "forum: it belongs to another forum than its log"},
    {to_a_stranger, "to: third.ch.example is no member of the forum"},
};

#define N_RULES (sizeof RULES / sizeof *RULES)

static void test_rules(void **state) {
  struct rig r;
  struct evil v;
  struct statement s;
  char forum[65], bad[N_RULES][65], good[N_RULES][65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  for (size_t i = 0; i < N_RULES; i++) {
    evil_statement(&v, &s, "incident.notice");
    evil_to(&v, &s, A);
    RULES[i].change(&v, &s);
    evil_seal(&v, &s, "{\"title\":\"t\",\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}");
    evil_append(&v, &s, bad[i]);
    evil_notice(&v, A, good[i]);
  }
  evil_push(&v, &r.party[0]);
  for (size_t i = 0; i < N_RULES; i++) {
    assert_statement(&r.party[0], bad[i], "received", RULES[i].problem);
    assert_statement(&r.party[0], good[i], "received", "");
  }
  evil_close(&v);
  rig_close(&r);
}

/* ---- signatures ---- */

/* An entry over payload with the true first signature (or that of the log key), and one more by a key of this number. */
static void append_signed(struct evil *v, struct bytes payload, const struct ed25519_key *first, uint8_t second,
                          char *hex) {
  struct dsse_sig sigs[2];
  struct dsse d = {.type = bytes_str(STATEMENT_TYPE), .payload = payload, .n = 2, .sigs = sigs};
  struct buf pae = {0}, entry = {0};
  uint8_t seed[32] = {second};
  struct ed25519_key *other;
  assert_int_equal(ed25519_from_seed(&other, seed, NULL), PARLEY_OK);
  dsse_pae(&pae, d.type, payload);
  ed25519_keyid(sigs[0].keyid, ed25519_public(v->statement));
  ed25519_sign(sigs[0].sig, first, buf_view(&pae));
  ed25519_keyid(sigs[1].keyid, ed25519_public(other));
  ed25519_sign(sigs[1].sig, other, buf_view(&pae));
  dsse_write(&entry, &d);
  evil_append_raw(v, buf_view(&entry), hex);
  ed25519_free(other);
  buf_free(&pae);
  buf_free(&entry);
}

static void notice_payload(struct evil *v, struct buf *out) {
  struct statement s;
  evil_statement(v, &s, "incident.notice");
  evil_to(v, &s, A);
  evil_seal(v, &s, "{\"title\":\"t\",\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}");
  assert_int_equal(statement_payload(out, &s, NULL), PARLEY_OK);
  statement_clear(&s);
}

static void test_one_payload_in_two_envelopes(void **state) {
  struct rig r;
  struct evil v;
  struct buf payload = {0};
  char forum[65], first[65], second[65], third[65], after[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  notice_payload(&v, &payload);
  append_signed(&v, buf_view(&payload), v.statement, 1, first);
  append_signed(&v, buf_view(&payload), v.statement, 2, second);
  evil_push(&v, &r.party[0]);
  append_signed(&v, buf_view(&payload), v.statement, 3, third); /* in a later batch, too */
  evil_notice(&v, A, after);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], first, "received", "");
  assert_statement(&r.party[0], second, "received", "repeats the payload of an earlier entry");
  assert_statement(&r.party[0], third, "received", "repeats the payload of an earlier entry");
  assert_statement(&r.party[0], after, "received", "");
  buf_free(&payload);
  evil_close(&v);
  rig_close(&r);
}

/* What the wrong key signed is no statement, so that the payload under the right key still is one. */
static void test_wrong_key_first(void **state) {
  struct rig r;
  struct evil v;
  struct buf payload = {0};
  char forum[65], wrong[65], right[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  notice_payload(&v, &payload);
  append_signed(&v, buf_view(&payload), v.log, 1, wrong);
  append_signed(&v, buf_view(&payload), v.statement, 1, right);
  evil_push(&v, &r.party[0]);
  assert_statement(&r.party[0], wrong, "received", "does not verify");
  assert_statement(&r.party[0], right, "received", "");
  buf_free(&payload);
  evil_close(&v);
  rig_close(&r);
}

/*
 * What a refusal quotes of such an entry is stored, and must be readable again: else the entry is hidden, and the same entry a
 * second time keeps all that follows from being taken in, though it is cosigned.
 */
static void test_quoted_text(void **state) {
  static const char *const payloads[] = {
      "{\"\xef\xbf\xbe\":1}",     /* U+FFFE, which I-JSON forbids */
      "{\"\xef\xb7\x90\":1}",     /* U+FDD0 */
      "{\"\xf4\x8f\xbf\xbf\":1}", /* U+10FFFF */
      "{\"\xff\":1}",             /* no UTF-8 */
      "{\"\x1b[2J\":1}",          /* clears a terminal */
      "{\"a\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f\xd1\x8f",
  };
  enum { N = sizeof payloads / sizeof *payloads };
  struct rig r;
  struct evil v;
  char forum[65], bad[N][65], again[65], good[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  for (size_t i = 0; i < 2 * N; i++)
    append_signed(&v, bytes_str(payloads[i % N]), v.statement, 1, i < N ? bad[i] : again);
  evil_notice(&v, A, good);
  evil_push(&v, &r.party[0]);
  for (size_t i = 0; i < N; i++) {
    json_t *o = show_statement(&r.party[0], bad[i]);
    assert_string_not_equal(str_of(o, "problem"), "");
    json_decref(o);
  }
  assert_statement(&r.party[0], good, "received", "");
  evil_close(&v);
  rig_close(&r);
}

/* Nor is a kind that is none shown as one. */
static void test_kind_that_is_none(void **state) {
  struct rig r;
  struct evil v;
  struct buf payload = {0};
  struct arena a = {0};
  char forum[65], id[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  notice_payload(&v, &payload);
  const char *text = replaced(&a, arena_cstr(&a, buf_view(&payload)), "incident.notice", "Accepted by all");
  append_signed(&v, bytes_str(text), v.statement, 1, id);
  evil_push(&v, &r.party[0]);
  json_t *o = show_statement(&r.party[0], id);
  assert_string_equal(str_of(o, "kind"), "malformed");
  assert_non_null(strstr(str_of(o, "problem"), "kind: "));
  json_decref(o);
  arena_free(&a);
  buf_free(&payload);
  evil_close(&v);
  rig_close(&r);
}

/* ---- no statement at all ---- */

static void test_garbage(void **state) {
  static uint8_t noise[ENTRY_MAX];
  struct rig r;
  struct evil v;
  char forum[65], id[7][65], good[65], ours[65];
  (void)state;
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  evil_open(&v, &r.party[1], forum);
  const struct bytes before = buf_view(&v.entry[0]);
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(i * i >> 3 ^ i);
  evil_append_raw(&v, BYTES(noise, sizeof noise), id[0]);
  memset(noise, '{', sizeof noise);
  evil_append_raw(&v, BYTES(noise, sizeof noise), id[1]);
  evil_append_raw(&v, BYTES("", 0), id[2]);
  evil_append_raw(&v, BYTES("\0", 1), id[3]);
  evil_append_raw(&v, BYTES(before.p, before.n - 1), id[4]); /* cut short */
  evil_append_raw(&v, bytes_str("{\"payload\":\"e30=\",\"payloadType\":\"" STATEMENT_TYPE "\",\"signatures\":[]}"),
                  id[5]);
  evil_append_raw(&v, before, id[6]); /* the charter again: the first is the statement */
  evil_notice(&v, A, good);
  evil_push(&v, &r.party[0]);
  for (size_t i = 0; i < 6; i++) {
    json_t *o = show_statement(&r.party[0], id[i]);
    assert_string_not_equal(str_of(o, "problem"), "");
    assert_string_equal(str_of(o, "kind"), "malformed");
    json_decref(o);
  }
  assert_statement(&r.party[0], id[6], "received", "");
  assert_statement(&r.party[0], good, "received", "");
  send_delivered(&r.party[0], forum, ours);
  rig_stop(&r.party[0]);
  rig_start(&r.party[0]);
  rig_run(&r, 5000);
  send_delivered(&r.party[0], forum, ours);
  evil_close(&v);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_entry_0_is_no_charter),
      cmocka_unit_test(test_rules),
      cmocka_unit_test(test_one_payload_in_two_envelopes),
      cmocka_unit_test(test_wrong_key_first),
      cmocka_unit_test(test_quoted_text),
      cmocka_unit_test(test_kind_that_is_none),
      cmocka_unit_test(test_garbage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
