/*
 * Versions of a charter: what makes one complete, which hold, which is in force; the same in any order of arrival.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "forum/versions.h"

#define MOST 10
#define PEOPLE 6

static struct charter charters[MOST];
static struct charter_member lists[MOST][PEOPLE];
static bool signatures[MOST][FORUM_MEMBERS_MAX];
static size_t made;

static void start(void) {
  memset(charters, 0, sizeof charters);
  memset(lists, 0, sizeof lists);
  memset(signatures, 0, sizeof signatures);
  made = 0;
}

/* Members by letters: "abc"; a capital is an observer. Those in `by` have signed. */
static size_t make(const char *members, const char *by, const char *adoption, int64_t threshold) {
  struct charter *c = &charters[made];
  memset(c->digest, (int)made + 1, sizeof c->digest);
  c->members = lists[made];
  for (const char *m = members; *m; m++) {
    struct charter_member *to = &c->members[c->n_members];
    const char low = (char)(*m | 32);
    snprintf(to->name, sizeof to->name, "%c.example", low);
    to->role = *m == low ? ROLE_MEMBER : ROLE_OBSERVER;
    signatures[made][c->n_members++] = strchr(by, low) != NULL;
  }
  strcpy(c->adoption, adoption);
  c->threshold = threshold;
  return made++;
}

static void lists_version(size_t i, size_t p) {
  struct charter *c = &charters[i];
  memset(c->replaces[c->n_replaces++], (int)p + 1, SHA256_SIZE);
}

static size_t after(size_t p, const char *members, const char *by) {
  const size_t i = make(members, by, "consensus", 0);
  lists_version(i, p);
  return i;
}

struct judged {
  struct arena arena;
  struct version v[MOST];
  struct version_set set;
};

/* Judges the versions in the given order (NULL: as made). */
static void judge(struct judged *j, const size_t *order) {
  *j = (struct judged){.set = {.n = made}};
  j->set.v = j->v;
  for (size_t i = 0; i < made; i++) {
    const size_t at = order ? order[i] : i;
    j->v[i] = (struct version){.charter = &charters[at], .signed_by = signatures[at]};
  }
  assert_int_equal(versions_judge(&j->set, &j->arena, NULL), PARLEY_OK);
}

/* Complete ones as bits in the order made, and the one in force. */
static void expect(unsigned complete, unsigned holds, size_t in_force) {
  struct judged j;
  judge(&j, NULL);
  for (size_t i = 0; i < made; i++) {
    assert_int_equal(j.v[i].complete, complete >> i & 1);
    assert_int_equal(j.v[i].holds, holds >> i & 1);
  }
  assert_true(j.set.in_force == in_force);
  arena_free(&j.arena);
}

static void test_first(void **state) {
  (void)state;
  start();
  make("abc", "ab", "consensus", 0);
  expect(0, 0, VERSION_NONE);
  signatures[0][2] = true;
  expect(1, 1, 0);
}

static void test_consensus(void **state) {
  (void)state;
  start();
  make("abc", "abc", "consensus", 0);
  after(0, "abc", "ab");
  expect(1, 1, 0);
  signatures[1][2] = true;
  expect(3, 3, 1);
}

/* Silence adopts texts, never charters. */
static void test_silence(void **state) {
  (void)state;
  start();
  make("abc", "abc", "silence", 0);
  after(0, "abc", "ab");
  expect(1, 1, 0);
}

static void test_threshold(void **state) {
  (void)state;
  start();
  make("abc", "abc", "threshold", 2);
  after(0, "abc", "a");
  expect(1, 1, 0);
  signatures[1][2] = true;
  expect(3, 3, 1);
}

/* The threshold of a version is that of the one before, and no more are asked than stay. */
static void test_threshold_of_those_who_stay(void **state) {
  (void)state;
  start();
  make("abcd", "abcd", "threshold", 4);
  after(0, "ab", "a");
  expect(1, 1, 0);
  signatures[1][1] = true;
  expect(3, 3, 1);
}

static void test_observers_have_no_say(void **state) {
  (void)state;
  start();
  make("abC", "abc", "consensus", 0);
  after(0, "abC", "ab");
  expect(3, 3, 1);
}

static void test_admission(void **state) {
  (void)state;
  start();
  make("ab", "ab", "consensus", 0);
  after(0, "abC", "ab"); /* who joins signs, with a say or without */
  expect(1, 1, 0);
  signatures[1][2] = true;
  expect(3, 3, 1);
}

static void test_exclusion(void **state) {
  (void)state;
  start();
  make("abc", "abc", "consensus", 0);
  after(0, "ab", "ab"); /* c has no veto */
  expect(3, 3, 1);
}

/* Neither one of three that throws out the others, nor a stranger that throws out all. */
static void test_no_coup(void **state) {
  (void)state;
  start();
  make("abc", "abc", "consensus", 0);
  after(0, "a", "a");
  after(0, "x", "x");
  after(0, "ax", "ax");
  expect(1, 1, 0);
}

static void test_one_of_two_leaves(void **state) {
  (void)state;
  start();
  make("ab", "ab", "consensus", 0);
  after(0, "a", "a");
  expect(3, 3, 1);
}

static void test_rivals(void **state) {
  (void)state;
  start();
  make("ab", "ab", "consensus", 0);
  after(0, "ab", "ab");
  after(0, "ab", "ab");
  expect(7, 1, 0);
  const size_t mends = after(1, "ab", "ab");
  expect(15, 1, 0); /* one of the two is not enough */
  lists_version(mends, 2);
  expect(15, 9, 3);
}

/* Open proposals may be listed, held or not; when they become complete meanwhile, their demand counts too. */
static void test_lists_open_proposals(void **state) {
  (void)state;
  start();
  make("ab", "ab", "consensus", 0);
  after(0, "abc", "ab"); /* c has not signed */
  const size_t v = after(0, "ab", "ab");
  lists_version(v, 1);
  lists_version(v, 9); /* nobody here has it */
  expect(5, 5, 2);
  signatures[1][2] = true; /* what admits c is complete: v, which is without c again, is still signed by all who stay */
  expect(7, 7, 2);
}

static void test_needs_one_that_is_complete(void **state) {
  (void)state;
  start();
  make("ab", "a", "consensus", 0);
  after(0, "ab", "ab");
  after(7, "ab", "ab");
  expect(0, 0, VERSION_NONE);
}

static void test_chain(void **state) {
  (void)state;
  struct judged j;
  start();
  make("ab", "ab", "consensus", 0);
  for (size_t i = 1; i < MOST; i++) after(i - 1, "ab", "ab");
  expect((1u << MOST) - 1, (1u << MOST) - 1, MOST - 1);
  judge(&j, NULL);
  assert_true(versions_before(&j.set, 0, MOST - 1));
  assert_false(versions_before(&j.set, MOST - 1, 0));
  assert_int_equal(j.v[MOST - 1].depth, MOST - 1);
  arena_free(&j.arena);
}

static void test_wants(void **state) {
  (void)state;
  start();
  make("abC", "abc", "consensus", 0);
  after(0, "abCd", "a");
  const struct charter *listed[] = {&charters[0]};
  assert_false(version_wants(&charters[1], signatures[1], listed, 1, 0));
  assert_true(version_wants(&charters[1], signatures[1], listed, 1, 1));
  assert_false(version_wants(&charters[1], signatures[1], listed, 1, 2)); /* an observer */
  assert_true(version_wants(&charters[1], signatures[1], listed, 1, 3));  /* who joins */
}

static void test_too_many(void **state) {
  (void)state;
  static struct version v[VERSIONS_MAX + 1];
  struct arena a = {0};
  struct errmsg e;
  start();
  make("a", "a", "consensus", 0);
  for (size_t i = 0; i <= VERSIONS_MAX; i++)
    v[i] = (struct version){.charter = &charters[0], .signed_by = signatures[0]};
  struct version_set s = {.v = v, .n = VERSIONS_MAX + 1};
  assert_int_equal(versions_judge(&s, &a, &e), PARLEY_ELIMIT);
  arena_free(&a);
}

/* ---- any order of arrival: random graphs, and the rules written once more, from the top down ---- */

static uint32_t chance;

static uint32_t pick(uint32_t below) {
  chance = chance * 1664525 + 1013904223;
  return (chance >> 8) % below;
}

static void random_one(void) {
  static const char *const adoptions[] = {"consensus", "silence", "threshold"};
  char members[PEOPLE + 1] = "", by[PEOPLE + 1] = "";
  size_t n = 0, k = 0;
  for (char c = 'a'; c < 'a' + PEOPLE; c++) {
    if (pick(4) == 0 && !(c == 'e' && n == 0)) continue;
    members[n++] = pick(6) == 0 ? (char)(c - 32) : c;
    if (pick(8) != 0) by[k++] = c;
  }
  if (n == 0) members[n++] = 'a';
  const uint32_t how = pick(3);
  const size_t before = made, i = make(members, by, adoptions[how], how == 2 ? 1 + pick((uint32_t)n) : 0);
  for (size_t p = 0; p < before; p++)
    if (p + 1 == before ? pick(3) != 0 : pick(3) == 0) lists_version(i, p);
  if (before > 0 && charters[i].n_replaces == 0) lists_version(i, pick((uint32_t)before));
  if (before > 0 && pick(4) == 0) lists_version(i, 200 + pick(10)); /* unknown here */
  if (before == 0) memset(signatures[0], true, PEOPLE);
}

static bool listed_by(size_t i, size_t p) { return version_lists(&charters[i], charters[p].digest); }

static bool signed_as(size_t i, const char *name) {
  const struct charter_member *m = charter_member(&charters[i], name);
  return m && signatures[i][m - charters[i].members];
}

static bool slow_complete(size_t i) {
  bool some = charters[i].n_replaces == 0, known[PEOPLE] = {false};
  for (size_t p = 0; p < i; p++) {
    if (!listed_by(i, p) || !slow_complete(p)) continue;
    size_t voters = 0, stay = 0, have = 0;
    for (size_t m = 0; m < charters[p].n_members; m++) {
      const struct charter_member *was = &charters[p].members[m];
      known[was->name[0] - 'a'] = true;
      if (was->role == ROLE_OBSERVER) continue;
      voters++;
      stay += charter_member(&charters[i], was->name) != NULL;
      have += signed_as(i, was->name);
    }
    size_t need = stay;
    if (!strcmp(charters[p].adoption, "threshold") && (size_t)charters[p].threshold < need)
      need = (size_t)charters[p].threshold;
    if (stay == 0 || stay * 2 < voters || have < need) return false;
    some = true;
  }
  for (size_t m = 0; m < charters[i].n_members; m++)
    if (!known[charters[i].members[m].name[0] - 'a'] && !signatures[i][m]) return false;
  return some;
}

static bool slow_before(size_t i, size_t j) {
  for (size_t k = 0; k < j; k++)
    if (listed_by(j, k) && slow_complete(k) && (k == i || slow_before(i, k))) return true;
  return false;
}

static bool slow_holds(size_t i) {
  for (size_t j = 0; j < made; j++)
    if (j != i && slow_complete(j) && !slow_before(i, j) && !slow_before(j, i)) return false;
  return slow_complete(i);
}

static size_t slow_in_force(void) {
  for (size_t i = 0; i < made; i++) {
    bool last = slow_holds(i);
    for (size_t j = 0; j < made; j++) last &= j == i || !slow_holds(j) || slow_before(j, i);
    if (last) return i;
  }
  return VERSION_NONE;
}

static void shuffle(size_t order[MOST]) {
  for (size_t i = 0; i < made; i++) order[i] = i;
  for (size_t i = made; i > 1; i--) {
    const size_t k = pick((uint32_t)i), swap = order[k];
    order[k] = order[i - 1];
    order[i - 1] = swap;
  }
}

static unsigned agree(const size_t *order) {
  struct judged j;
  unsigned seen = 0;
  judge(&j, order);
  for (size_t i = 0; i < made; i++) {
    assert_int_equal(j.v[i].complete, slow_complete(order[i]));
    assert_int_equal(j.v[i].holds, slow_holds(order[i]));
    seen += j.v[i].complete && !j.v[i].holds;
    for (size_t k = 0; k < made; k++)
      if (j.v[i].complete && j.v[k].complete)
        assert_int_equal(versions_before(&j.set, i, k), slow_before(order[i], order[k]));
  }
  const size_t last = j.set.in_force == VERSION_NONE ? VERSION_NONE : order[j.set.in_force];
  assert_true(last == slow_in_force());
  arena_free(&j.arena);
  return seen + (last != VERSION_NONE && last > 0 ? 1u << 16 : 0);
}

static void test_any_order(void **state) {
  (void)state;
  unsigned conflicts = 0, later = 0;
  for (uint32_t seed = 1; seed <= 400; seed++) {
    chance = seed;
    start();
    const size_t many = 2 + pick(7);
    while (made < many) random_one();
    for (int again = 0; again < 8; again++) {
      size_t order[MOST];
      shuffle(order);
      const unsigned seen = agree(order);
      conflicts += (seen & 0xffff) > 0;
      later += seen >> 16;
    }
  }
  assert_true(conflicts > 200 && later > 200); /* else the graphs show nothing */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_first),
      cmocka_unit_test(test_consensus),
      cmocka_unit_test(test_silence),
      cmocka_unit_test(test_threshold),
      cmocka_unit_test(test_threshold_of_those_who_stay),
      cmocka_unit_test(test_observers_have_no_say),
      cmocka_unit_test(test_admission),
      cmocka_unit_test(test_exclusion),
      cmocka_unit_test(test_no_coup),
      cmocka_unit_test(test_one_of_two_leaves),
      cmocka_unit_test(test_rivals),
      cmocka_unit_test(test_lists_open_proposals),
      cmocka_unit_test(test_needs_one_that_is_complete),
      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_wants),
      cmocka_unit_test(test_too_many),
      cmocka_unit_test(test_any_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
