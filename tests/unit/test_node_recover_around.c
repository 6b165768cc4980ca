/*
 * Recovering where there is more around than members that hold everything: a neutral witness, a member that is a relay,
 * a log of more entries than two levels of tiles have. The large log is played with PARLEY_ALL=1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "merkle/tiles.h"
#include "record/signer.h"
#include "witness_fixture.h"

static const char *const NAMES[] = {"cert.us.example", "ncc.ru.example", "third.ch.example"};
enum { US, RU, CH };

/* ---- stores that go back ---- */

struct saved {
  struct rig_party *p;
  char path[90];
};

static void copy_file(const char *from, const char *to) {
  char cmd[400];
  snprintf(cmd, sizeof cmd, "cp %s %s; rm -f %s-wal; test -e %s-wal && cp %s-wal %s-wal || true", from, to, to, from,
           from, to);
  assert_int_equal(system(cmd), 0);
}

static void save(struct saved *s, struct rig_party *p) {
  rig_stop(p);
  s->p = p;
  snprintf(s->path, sizeof s->path, "%s.saved", p->path);
  copy_file(p->path, s->path);
  rig_start(p);
  rig_run(p->rig, 5000);
}

static void set_back(struct saved *s, bool memory_lost) {
  if (!s->p->down) rig_stop(s->p);
  copy_file(s->path, s->p->path);
  if (memory_lost) s->p->n_memory = 0;
  rig_start(s->p);
  rig_run(s->p->rig, 30000);
}

static void forget(struct saved *s) {
  char wal[100];
  snprintf(wal, sizeof wal, "%s-wal", s->path);
  unlink(s->path);
  unlink(wal);
}

/* ---- asking ---- */

static struct node_log_view own_log(struct rig_party *p) {
  struct node_log_view v;
  assert_true(node_log_at(p->node, 0, &v));
  return v;
}

/* Its outcome, and who held the copy ("": nobody). */
static void recovered(struct rig_party *p, const char *outcome, const char *holder) {
  json_t *v = rig_want(p, "POST", 200, "{}", "/v1/recover%s%s", "", "");
  const json_t *f = json_array_get(json_object_get(v, "forums"), 0);
  if (strcmp(str_of(f, "outcome"), outcome)) fail_msg("%s: %s", str_of(f, "outcome"), str_of(f, "reason"));
  assert_string_equal(str_of(json_object_get(f, "log"), "holder"), holder);
  assert_false(json_is_true(json_object_get(v, "memory_lost")));
  json_decref(v);
  rig_run(p->rig, 90000);
  assert_false(own_log(p).stopped);
}

static void notice(struct rig_party *from, const char *to, char id[static 65]) {
  char body[500];
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"to\":[\"%s\"],\"precedence\":\"IMMEDIATE\",\"tlp\":\"amber\",\"body\":{"
           "\"title\":\"t\",\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
           to);
  json_t *v = rig_want(from, "POST", 201, body, "/v1/statements%s%s", "", "");
  snprintf(id, 65, "%s", str_of(v, "id"));
  json_decref(v);
  rig_run(from->rig, 5000);
}

static void delivered(struct rig_party *p, const char *id) {
  json_t *v = show_statement(p, id);
  assert_string_equal(str_of(v, "state"), "delivered");
  json_decref(v);
  assert_receipt(p, id, false);
}

static void no_fork(struct rig *r) {
  for (size_t i = 0; i < r->n; i++) {
    json_t *v = rig_want(&r->party[i], "GET", 200, NULL, "/v1/status%s%s", "", "");
    char *text = json_dumps(v, 0);
    assert_null(strstr(text, "two histories"));
    free(text);
    json_decref(v);
  }
}

/* ---- with a neutral witness ---- */

/* Evidence of non-delivery about a member that has gone away since. */
static void silence_is_shown(struct fake_witness *w, const char *forum, struct rig_party *away) {
  struct arena a = {0};
  struct pack pack;
  char id[65];
  rig_stop(away);
  witness_send(w, forum, "FLASH", id);
  rig_run(w->rig, 20000);
  assert_int_equal(witness_receipt(w, id, true, &pack, &a), 200);
  assert_non_null(pack_find(&pack, "silent.json"));
  rig_start(away);
  rig_run(w->rig, 60000);
  delivered(&w->rig->party[US], id);
  arena_free(&a);
}

static void with_a_witness(bool memory_lost) {
  struct rig r;
  struct fake_witness w;
  struct saved s;
  char forum[65], id[4][65];
  witness_open(&w, &r, NAMES, 3);
  witness_forum(&w, forum);
  send_delivered(&r.party[US], forum, id[0]);
  save(&s, &r.party[US]);
  send_delivered(&r.party[US], forum, id[1]);
  send_delivered(&r.party[US], forum, id[2]);
  rig_run(&r, 5000);
  const int64_t size = witness_size(&w);
  set_back(&s, memory_lost);
  assert_true(own_log(&r.party[US]).stopped); /* though the witness is there, and takes what it is shown */
  witness_send(&w, forum, NULL, id[3]);
  recovered(&r.party[US], memory_lost ? "next-epoch" : "same-epoch", NAMES[RU]);
  for (size_t i = 0; i < 4; i++) delivered(&r.party[US], id[i]);
  assert_true(memory_lost ? witness_size(&w) > 0
                          : witness_size(&w) > size); /* it goes on, or has begun with the next */
  silence_is_shown(&w, forum, &r.party[CH]);
  no_fork(&r);
  forget(&s);
  witness_close(&w);
}

static void test_with_a_witness(void **state) {
  (void)state;
  with_a_witness(false);
}

static void test_with_a_witness_and_no_memory(void **state) {
  (void)state;
  with_a_witness(true);
}

/* ---- with a relay ---- */

/* A forum of three in which the third is a relay. */
static void forum_with_relay(struct rig *r, char forum[static 65]) {
  rig_open(r, NAMES, 3);
  json_decref(rig_want(&r->party[US], "POST", 400, "{\"title\":\"T\",\"members\":[\"third.ch.example:boss\"]}",
                       "/v1/forums%s%s", "", ""));
  json_decref(rig_want(&r->party[US], "POST", 400, "{\"title\":\"T\",\"members\":[\"third.ch.example:suspended\"]}",
                       "/v1/forums%s%s", "", ""));
  json_t *v = rig_want(&r->party[US], "POST", 201,
                       "{\"title\":\"T\",\"members\":[\"ncc.ru.example\",\"third.ch.example:relay\"]}",
                       "/v1/forums%s%s", "", "");
  snprintf(forum, 65, "%s", str_of(v, "forum"));
  json_decref(v);
  rig_run(r, 20000);
  for (size_t i = RU; i <= CH; i++)
    json_decref(rig_want(&r->party[i], "POST", 200, "{}", "/v1/forums/%s%s", forum, "/accept"));
  rig_run(r, 20000);
  v = rig_want(&r->party[RU], "GET", 200, NULL, "/v1/forums/%s%s", forum, "");
  assert_string_equal(str_of(json_array_get(json_object_get(v, "members"), CH), "role"), "relay");
  json_decref(v);
}

/* All that is left of the newest statements is with the relay, which cannot read them. */
static void relay_holds_it(bool memory_lost) {
  struct rig r;
  struct saved s;
  char forum[65], id[3][65];
  forum_with_relay(&r, forum);
  notice(&r.party[US], NAMES[RU], id[0]);
  save(&s, &r.party[US]);
  rig_stop(&r.party[RU]);
  notice(&r.party[US], NAMES[RU], id[1]);
  rig_run(&r, 20000);
  set_back(&s, memory_lost);
  assert_true(own_log(&r.party[US]).stopped);
  notice(&r.party[US], NAMES[RU], id[2]);
  recovered(&r.party[US], memory_lost ? "next-epoch" : "same-epoch", NAMES[CH]);
  rig_start(&r.party[RU]);
  rig_run(&r, 300000);
  for (size_t i = 0; i < 3; i++) delivered(&r.party[US], id[i]);
  no_fork(&r);
  forget(&s);
  rig_close(&r);
}

static void test_relay_holds_it(void **state) {
  (void)state;
  relay_holds_it(false);
}

static void test_relay_holds_it_and_no_memory(void **state) {
  (void)state;
  relay_holds_it(true);
}

/* The relay itself is set back: as log and as mirror it comes back, and passes on again. */
static void test_relay_recovers(void **state) {
  (void)state;
  struct rig r;
  struct saved s;
  char forum[65], id[2][65];
  forum_with_relay(&r, forum);
  save(&s, &r.party[CH]);
  notice(&r.party[US], NAMES[RU], id[0]);
  rig_run(&r, 20000);
  set_back(&s, true);
  r.cut[US][RU] = r.cut[RU][US] = true;
  recovered(&r.party[CH], "next-epoch", "");
  notice(&r.party[US], NAMES[RU], id[1]);
  rig_run(&r, 900000);
  for (size_t i = 0; i < 2; i++) delivered(&r.party[US], id[i]);
  no_fork(&r);
  forget(&s);
  rig_close(&r);
}

/* ---- a large log ---- */

#define LARGE ((size_t)TILE_WIDTH * TILE_WIDTH + 300)

/* The signer remembers that tree as the last that it signed of the log. */
static void remember(struct evil *v) {
  struct rig_party *p = v->p;
  char key[200];
  size_t i = 0;
  snprintf(key, sizeof key, "%d %s", SIGNER_LOG, v->origin);
  while (i < p->n_memory && strcmp(p->memory_key[i], key)) i++;
  assert_true(i < p->n_memory);
  p->memory[i].size = v->n;
  merkle_root_of_leaves(&p->memory[i].root, v->leaf, v->n);
}

/* Bookkeeping without end: nothing in it has to be sealed. */
static void test_large(void **state) {
  (void)state;
  struct rig r;
  struct evil v;
  struct saved s;
  char forum[65], id[2][65];
  rig_open(&r, NAMES, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[US];
  save(&s, us);
  evil_open(&v, us, forum);
  while (v.n < LARGE) {
    struct statement st;
    evil_statement(&v, &st, "forum.held");
    st.body = json_object();
    evil_append(&v, &st, NULL);
  }
  rig_stop(us);
  rig_start(us); /* muted: what it shows is shown by hand */
  evil_push(&v, &r.party[RU]);
  us->mute = false;
  remember(&v);
  set_back(&s, false);
  assert_true(own_log(us).stopped);
  notice(us, NAMES[RU], id[0]);
  recovered(us, "same-epoch", NAMES[RU]);
  assert_true(own_log(us).size > LARGE);
  notice(us, NAMES[RU], id[1]);
  for (size_t i = 0; i < 2; i++) delivered(us, id[i]);
  rig_stop(us);
  rig_start(us);
  rig_run(&r, 5000);
  for (size_t i = 0; i < 2; i++) delivered(us, id[i]);
  no_fork(&r);
  forget(&s);
  evil_close(&v);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_with_a_witness), cmocka_unit_test(test_with_a_witness_and_no_memory),
      cmocka_unit_test(test_relay_holds_it), cmocka_unit_test(test_relay_holds_it_and_no_memory),
      cmocka_unit_test(test_relay_recovers),
  };
  const struct CMUnitTest more[] = {cmocka_unit_test(test_large)};
  const char *all = getenv("PARLEY_ALL");
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return failed || !all || strcmp(all, "1") ? failed : cmocka_run_group_tests(more, NULL, NULL);
}
