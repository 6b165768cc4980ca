/*
 * The way back of a node whose store, or signer's memory, or both went back in time: as log and as mirror.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "merkle/tiles.h"
#include "node_fixture.h"

static const char *const THREE[] = {"cert.us.example", "cic.ch.example", "ncc.ru.example"};
static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};

enum memory { INTACT, LOST, SET_BACK };

struct scene {
  struct rig r;
  struct rig_party *us, saved;
  char forum[65], backup[90], before[65], after[65], later[65], kept[65];
};

static const char *str(const json_t *o, const char *name) {
  const char *s = json_string_value(json_object_get(o, name));
  return s ? s : "";
}

static void copy_file(const char *from, const char *to) {
  char cmd[400];
  snprintf(cmd, sizeof cmd, "cp %s %s; rm -f %s-wal; test -e %s-wal && cp %s-wal %s-wal || true", from, to, to, from,
           from, to);
  assert_int_equal(system(cmd), 0);
}

static void notice(struct rig_party *from, const char *to, char id[static 65], const char *state) {
  char body[700];
  unsigned status;
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"to\":[\"%s\"],\"precedence\":\"IMMEDIATE\",\"tlp\":\"amber\",\"body\":{"
           "\"title\":\"Pipeline\",\"summary\":\"It stands still.\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
           to);
  json_t *v =
      rig_ask(from, "POST", strcmp(state, "delivered") ? "/v1/statements" : "/v1/statements?wait=30", body, &status);
  if (status / 100 != 2) fail_msg("%u: %s", status, str(v, "message"));
  snprintf(id, 65, "%s", str(v, "id"));
  if (!strcmp(state, "delivered")) assert_string_equal(str(v, "state"), state);
  json_decref(v);
}

static json_t *recover(struct rig_party *p, const char *body) {
  unsigned status;
  json_t *v = rig_ask(p, "POST", "/v1/recover", body, &status);
  if (status != 200) fail_msg("recover: %u %s", status, str(v, "message"));
  return v;
}

/* What was done with the forum; of several epochs the last. */
static const json_t *result(const json_t *v) {
  const json_t *list = json_object_get(v, "forums");
  assert_true(json_array_size(list) > 0);
  return json_array_get(list, json_array_size(list) - 1);
}

static struct node_log_view own_log(struct rig_party *p) {
  struct node_log_view v;
  assert_true(node_log_at(p->node, 0, &v));
  return v;
}

static void has_receipt(struct rig_party *p, const char *id) {
  char path[120];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/receipt", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  if (status != 200) fail_msg("%s has no receipt of %.12s: %u %s", p->name, id, status, str(v, "message"));
  json_decref(v);
}

static void is_here(struct rig_party *p, const char *id, bool sound) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  if (sound && *str(v, "problem")) fail_msg("%s: %s", p->name, str(v, "problem"));
  json_decref(v);
}

/* Nobody is convicted, anywhere. */
static void no_fork(struct rig *r) {
  for (size_t i = 0; i < r->n; i++) {
    unsigned status;
    json_t *v = rig_ask(&r->party[i], "GET", "/v1/status", NULL, &status);
    char *text = json_dumps(v, 0);
    assert_null(strstr(text, "two histories"));
    free(text);
    json_decref(v);
  }
}

static void save(struct scene *s) {
  rig_stop(s->us);
  snprintf(s->backup, sizeof s->backup, "%s.backup", s->us->path);
  copy_file(s->us->path, s->backup);
  s->saved = *s->us;
  rig_start(s->us);
  rig_run(&s->r, 5000);
}

static void set_back(struct scene *s, enum memory memory) {
  if (!s->us->down) rig_stop(s->us);
  copy_file(s->backup, s->us->path);
  if (memory == LOST) s->us->n_memory = 0;
  if (memory == SET_BACK) {
    memcpy(s->us->memory, s->saved.memory, sizeof s->us->memory);
    s->us->n_memory = s->saved.n_memory;
  }
  rig_start(s->us);
}

/*
 * A statement is delivered, the store is saved, two more are delivered, the store is set back, one more is
 * accepted.
 */
static void scene(struct scene *s, const char *const *names, size_t n, enum memory memory) {
  rig_open(&s->r, names, n);
  s->us = &s->r.party[0];
  rig_forum(&s->r, s->forum);
  notice(s->us, names[n - 1], s->before, "delivered");
  save(s);
  notice(s->us, names[n - 1], s->after, "delivered");
  notice(s->us, names[n - 1], s->later, "delivered");
  rig_run(&s->r, 5000);
  set_back(s, memory);
  notice(s->us, names[n - 1], s->kept, "accepted");
  rig_run(&s->r, 30000);
  assert_true(own_log(s->us).stopped);
  assert_non_null(strstr(own_log(s->us).why, "parley recover"));
}

static void end(struct scene *s) {
  unlink(s->backup);
  rig_close(&s->r);
}

/* Everything is provable, on both sides, and goes on. */
static void all_well(struct scene *s, const char *epoch) {
  char more[65], back[65];
  struct rig_party *them = &s->r.party[s->r.n - 1];
  rig_run(&s->r, 60000);
  struct node_log_view v = own_log(s->us);
  assert_false(v.stopped);
  assert_string_equal(v.origin + strlen(v.origin) - strlen(epoch), epoch);
  const char *ids[] = {s->before, s->after, s->later, s->kept};
  for (size_t i = 0; i < 4; i++) {
    has_receipt(s->us, ids[i]);
    has_receipt(them, ids[i]);
    is_here(them, ids[i], true);
  }
  notice(s->us, them->name, more, "delivered");
  notice(them, s->us->name, back, "delivered");
  has_receipt(s->us, more);
  has_receipt(them, back);
  no_fork(&s->r);
  rig_stop(s->us); /* and after a restart of either */
  rig_start(s->us);
  rig_stop(them);
  rig_start(them);
  rig_run(&s->r, 5000);
  notice(s->us, them->name, more, "delivered");
  for (size_t i = 0; i < 4; i++) has_receipt(s->us, ids[i]);
  assert_false(own_log(s->us).stopped);
}

static void test_same_epoch(void **state) {
  (void)state;
  struct scene s;
  scene(&s, TWO, 2, INTACT);
  json_t *v = recover(s.us, "{\"dry_run\":true}");
  assert_string_equal(str(v, "state"), "planned");
  assert_string_equal(str(result(v), "outcome"), "same-epoch");
  json_decref(v);
  rig_run(&s.r, 20000);
  assert_true(own_log(s.us).stopped); /* nothing was changed */
  v = recover(s.us, "{}");
  assert_string_equal(str(result(v), "outcome"), "same-epoch");
  assert_true(json_integer_value(json_object_get(result(v), "fetched")) >= 2);
  assert_int_equal(json_integer_value(json_object_get(result(v), "moved")), 1);
  json_decref(v);
  all_well(&s, "/0");
  v = recover(s.us, "{}");
  assert_string_equal(str(result(v), "outcome"), "nothing");
  json_decref(v);
  end(&s);
}

/* What was published of epoch 0 can still be read by the other side. */
static void old_epoch_is_readable(struct scene *s) {
  static const char *const what[] = {"checkpoint", "checkpoint.ncc.ru.example", "checkpoint.pending", "tile/0/000.p/4",
                                     "tile/entries/000.p/4"};
  char origin[200], hex[65], path[200];
  uint8_t digest[32];
  snprintf(origin, sizeof origin, "%s/%s/0", s->us->name, s->forum);
  sha256(digest, bytes_str(origin));
  hex_encode(hex, BYTES(digest, 32));
  for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
    struct node_response out = {0};
    snprintf(path, sizeof path, "/%s/%s", hex, what[i]);
    const struct node_request q = {.peer = TWO[1], .method = "GET", .path = path, .query = ""};
    struct node_call *c = node_begin(s->us->node, &q, &out);
    if (!out.status) node_end(c, &out);
    if (out.status != 200) fail_msg("%s: %u", what[i], out.status);
    node_finish(c);
    buf_free(&out.body);
  }
}

static void next_epoch(enum memory memory, const char *why) {
  struct scene s;
  scene(&s, TWO, 2, memory);
  json_t *v = recover(s.us, "{}");
  assert_string_equal(str(result(v), "outcome"), "next-epoch");
  assert_non_null(strstr(str(result(v), "reason"), why));
  assert_false(json_is_true(json_object_get(v, "memory_lost")));
  json_decref(v);
  all_well(&s, "/1");
  old_epoch_is_readable(&s);
  end(&s);
}

static bool is_delivered(struct rig_party *p, const char *id, const char *to) {
  char path[100];
  unsigned status;
  size_t i;
  json_t *one;
  bool yes = false;
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  json_array_foreach(json_object_get(v, "delivery"), i, one) {
    if (!strcmp(str(one, "party"), to)) yes = *str(one, "delivered");
  }
  json_decref(v);
  return yes;
}

static bool knows(struct rig_party *p, const char *id) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_decref(rig_ask(p, "GET", path, NULL, &status));
  return status == 200;
}

struct absent {
  struct rig r;
  struct rig_party *us, *third, *away;
  char forum[65], id[65];
};

/*
 * One is away while a notice and a file are signed in epoch 0; then our memory is lost and our store set back, and what
 * the third one holds opens epoch 1.
 */
static void absent(struct absent *s) {
  char backup[100];
  rig_open(&s->r, THREE, 3);
  rig_forum(&s->r, s->forum);
  rig_run(&s->r, 20000);
  s->us = &s->r.party[0];
  s->third = &s->r.party[1];
  s->away = &s->r.party[2];
  rig_stop(s->us);
  snprintf(backup, sizeof backup, "%s.backup", s->us->path);
  copy_file(s->us->path, backup);
  rig_start(s->us);
  rig_run(&s->r, 5000);
  rig_stop(s->away);
  unsigned status;
  json_t *v = rig_ask(s->us, "POST", "/v1/statements",
                      "{\"kind\":\"incident.notice\",\"to\":[\"cic.ch.example\",\"ncc.ru.example\"],\"precedence\":"
                      "\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"Pipeline\",\"summary\":\"It stands still.\","
                      "\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
                      &status);
  assert_int_equal(status, 201);
  snprintf(s->id, sizeof s->id, "%s", str(v, "id"));
  json_decref(v);
  rig_run(&s->r, 20000);
  assert_true(is_delivered(s->us, s->id, s->third->name));
  rig_stop(s->us);
  copy_file(backup, s->us->path);
  unlink(backup);
  s->us->n_memory = 0;
  rig_start(s->us);
  rig_run(&s->r, 5000);
  v = recover(s->us, "{}");
  assert_string_equal(str(result(v), "outcome"), "next-epoch");
  assert_null(json_object_get(result(v), "undelivered"));
  const json_t *left = json_object_get(result(v), "awaited");
  assert_int_equal(json_array_size(left), 1);
  assert_string_equal(str(json_array_get(left, 0), "party"), s->away->name);
  const json_t *ids = json_object_get(json_array_get(left, 0), "ids");
  assert_int_equal(json_array_size(ids), 1);
  assert_string_equal(json_string_value(json_array_get(ids, 0)), s->id);
  json_decref(v);
  rig_run(&s->r, 20000);
  assert_false(is_delivered(s->us, s->id, s->away->name));
}

static void absent_end(struct absent *s) {
  assert_true(is_delivered(s->us, s->id, s->away->name));
  is_here(s->away, s->id, true);
  struct rig_party *all[] = {s->us, s->third, s->away};
  for (int again = 0; again < 2; again++) {
    for (size_t i = 0; i < 3; i++) has_receipt(all[i], s->id);
    for (size_t i = 0; i < 3; i++) rig_stop(all[i]);
    for (size_t i = 0; i < 3; i++) rig_start(all[i]);
    rig_run(&s->r, 20000);
  }
  no_fork(&s->r);
  rig_close(&s->r);
}

/* What was signed and has not reached somebody who is away reaches it with the end of the old epoch. */
static void test_left_behind(void **state) {
  (void)state;
  struct absent s;
  absent(&s);
  rig_start(s.away);
  rig_run(&s.r, 120000);
  absent_end(&s);
}

/* The same where the two never meet: the third one brings both epochs, and the cosignatures back. */
static void test_left_behind_and_cut(void **state) {
  (void)state;
  struct absent s;
  absent(&s);
  s.r.cut[0][2] = s.r.cut[2][0] = true;
  rig_start(s.away);
  rig_run(&s.r, 1200000);
  absent_end(&s);
}

/* The next epoch is heard of first, from the author alone; its end then comes over the third one, after restarts. */
static void test_left_behind_and_cut_later(void **state) {
  (void)state;
  struct absent s;
  char more[65];
  absent(&s);
  s.r.cut[1][2] = s.r.cut[2][1] = true;
  rig_start(s.away);
  notice(s.us, s.away->name, more, "delivered"); /* in epoch 1 */
  for (size_t i = 0; i < 3; i++) {
    rig_stop(&s.r.party[i]);
    rig_start(&s.r.party[i]);
  }
  s.r.cut[1][2] = s.r.cut[2][1] = false;
  s.r.cut[0][2] = s.r.cut[2][0] = true;
  rig_run(&s.r, 1200000);
  assert_true(knows(s.away, more));
  absent_end(&s);
}

/*
 * What was signed last is lost with our store, and only the signer remembers it; what is left of the old epoch, at the
 * third one, still reaches the one that was away.
 */
static void test_left_behind_and_more_lost(void **state) {
  (void)state;
  struct scene s;
  char id[65], lost[65];
  rig_open(&s.r, THREE, 3);
  s.us = &s.r.party[0];
  struct rig_party *third = &s.r.party[1], *away = &s.r.party[2];
  rig_forum(&s.r, s.forum);
  rig_run(&s.r, 20000);
  save(&s);
  rig_stop(away);
  notice(s.us, away->name, id, "accepted");
  rig_run(&s.r, 20000);
  rig_stop(third);
  notice(s.us, away->name, lost, "accepted");
  rig_run(&s.r, 5000);
  rig_stop(s.us);
  rig_start(third);
  set_back(&s, INTACT);
  rig_run(&s.r, 20000);
  json_t *v = recover(s.us, "{}");
  assert_non_null(strstr(str(result(v), "reason"), "no copy reaches"));
  assert_int_equal(json_array_size(json_object_get(result(v), "awaited")), 1);
  assert_null(json_object_get(result(v), "undelivered"));
  json_decref(v);
  rig_start(away);
  rig_run(&s.r, 120000);
  assert_true(is_delivered(s.us, id, away->name));
  is_here(away, id, true);
  has_receipt(s.us, id);
  assert_false(knows(away, lost));
  no_fork(&s.r);
  end(&s);
}

static void test_memory_lost(void **state) {
  (void)state;
  next_epoch(LOST, "memory is lost");
}

/* While a member has not answered, what else it is to be asked does not wake the node. */
static void test_rests_meanwhile(void **state) {
  (void)state;
  struct scene s;
  struct node_response resp = {0};
  struct outbound o;
  uint64_t asked[16];
  size_t n = 0;
  const struct node_request q = {
      .method = "POST", .path = "/v1/recover", .query = "", .content_type = "application/json"};
  scene(&s, TWO, 2, LOST);
  struct node_call *c = node_begin(s.us->node, &q, &resp);
  assert_non_null(c);
  node_data(c, bytes_str("{\"dry_run\":true}"), &resp);
  node_end(c, &resp);
  assert_int_equal(resp.status, 0);
  node_work(s.us->node);
  while (n < 16 && node_next_outbound(s.us->node, &o)) asked[n++] = o.id;
  assert_in_range(n, 1, 15);
  node_work(s.us->node);
  assert_true(node_next_ms(s.us->node) > 0);
  for (size_t i = 0; i < n; i++)
    node_outbound_done(s.us->node, asked[i], &(struct outbound_result){.answered = false, .message = "cut"});
  node_finish(c);
  end(&s);
}

static void test_whole_machine_set_back(void **state) {
  (void)state;
  next_epoch(SET_BACK, "longer log");
}

/* The counterpart was away when the last tree was signed: no copy reaches it, and it stays unknown what was in it. */
static void test_no_copy_reaches(void **state) {
  (void)state;
  struct scene s;
  char lost[65], kept[65], more[65];
  rig_open(&s.r, TWO, 2);
  s.us = &s.r.party[0];
  rig_forum(&s.r, s.forum);
  notice(s.us, TWO[1], s.before, "delivered");
  save(&s);
  notice(s.us, TWO[1], s.after, "delivered");
  rig_stop(&s.r.party[1]);
  notice(s.us, TWO[1], lost, "accepted");
  rig_run(&s.r, 5000);
  const uint64_t signed_size = own_log(s.us).signed_size;
  rig_stop(s.us);
  rig_start(&s.r.party[1]);
  set_back(&s, INTACT);
  rig_run(&s.r, 30000);
  notice(s.us, TWO[1], kept, "accepted");
  json_t *v = recover(s.us, "{}");
  assert_string_equal(str(result(v), "outcome"), "next-epoch");
  assert_non_null(strstr(str(result(v), "reason"), "no copy reaches"));
  assert_int_equal(json_integer_value(json_object_get(json_object_get(result(v), "log"), "remembered")), signed_size);
  json_decref(v);
  rig_run(&s.r, 60000);
  const char *ids[] = {s.before, s.after, kept};
  for (size_t i = 0; i < 3; i++) has_receipt(s.us, ids[i]);
  notice(s.us, TWO[1], more, "delivered");
  no_fork(&s.r);
  end(&s);
}

/* Nobody can be asked: nothing is known, and nothing is done. */
static void test_nobody_answers(void **state) {
  (void)state;
  struct scene s;
  unsigned status;
  scene(&s, TWO, 2, INTACT);
  rig_stop(&s.r.party[1]);
  json_t *v = recover(s.us, "{\"dry_run\":true}");
  assert_int_equal(json_array_size(json_object_get(result(v), "silent")), 1);
  assert_string_equal(str(result(v), "outcome"), "next-epoch");
  json_decref(v);
  rig_start(&s.r.party[1]);
  v = recover(s.us, "{}");
  assert_string_equal(str(result(v), "outcome"), "same-epoch");
  json_decref(v);
  v = rig_ask(s.us, "POST", "/v1/recover", "{\"role\":\"witness\"}", &status);
  assert_int_equal(status, 400);
  json_decref(v);
  all_well(&s, "/0");
  end(&s);
}

/* One of two members was away for long: what the other holds is enough. */
static void test_one_member_is_behind(void **state) {
  (void)state;
  struct scene s;
  rig_open(&s.r, THREE, 3);
  s.us = &s.r.party[0];
  rig_forum(&s.r, s.forum);
  notice(s.us, THREE[2], s.before, "delivered");
  rig_run(&s.r, 20000);
  save(&s);
  rig_stop(&s.r.party[1]);
  notice(s.us, THREE[2], s.after, "delivered");
  notice(s.us, THREE[2], s.later, "delivered");
  rig_stop(s.us);
  rig_start(&s.r.party[1]);
  set_back(&s, INTACT);
  notice(s.us, THREE[2], s.kept, "accepted");
  rig_run(&s.r, 30000);
  assert_true(own_log(s.us).stopped);
  json_t *v = recover(s.us, "{}");
  assert_string_equal(str(result(v), "outcome"), "same-epoch");
  assert_string_equal(str(json_object_get(result(v), "log"), "holder"), THREE[2]);
  json_decref(v);
  all_well(&s, "/0");
  end(&s);
}

/* It happens again before long: epoch after epoch, and the old ones stay provable. */
static void test_lost_again(void **state) {
  (void)state;
  struct scene s;
  char first[65];
  scene(&s, TWO, 2, LOST);
  json_decref(recover(s.us, "{}"));
  all_well(&s, "/1");
  memcpy(first, s.kept, sizeof first);
  set_back(&s, LOST); /* from before there was an epoch 1 */
  notice(s.us, TWO[1], s.kept, "accepted");
  rig_run(&s.r, 30000);
  json_t *v = recover(s.us, "{}");
  assert_int_equal(json_array_size(json_object_get(v, "forums")), 2); /* both epochs */
  assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(v, "forums"), 0), "known_epoch")),
                   1);
  assert_string_equal(str(result(v), "outcome"), "next-epoch");
  json_decref(v);
  all_well(&s, "/2");
  has_receipt(s.us, first);
  end(&s);
}

/* More entries than a tile has, so that hash tiles are read and checked, too; then a copy that was tampered with. */
static enum tile_kind spoilt;

static void spoil(const struct outbound *o, struct node_response *answer) {
  const bool entries = strstr(o->path, "/tile/entries/") != NULL;
  if (strstr(o->path, "/tile/") && entries == (spoilt == TILE_ENTRIES) && answer->status == 200)
    answer->body.p[answer->body.n / 2] ^= 1;
}

static void test_spoilt_copies(void **state) {
  (void)state;
  struct scene s;
  char id[65];
  unsigned status;
  rig_open(&s.r, TWO, 2);
  s.us = &s.r.party[0];
  rig_forum(&s.r, s.forum);
  notice(s.us, TWO[1], s.before, "delivered");
  save(&s);
  for (int i = 0; i < 300; i++) notice(s.us, TWO[1], id, "accepted");
  notice(s.us, TWO[1], s.after, "delivered");
  notice(s.us, TWO[1], s.later, "delivered");
  rig_run(&s.r, 5000);
  set_back(&s, INTACT);
  notice(s.us, TWO[1], s.kept, "accepted");
  rig_run(&s.r, 30000);
  s.r.altered = spoil;
  for (spoilt = TILE_HASHES; spoilt <= TILE_ENTRIES; spoilt++) {
    json_t *v = rig_ask(s.us, "POST", "/v1/recover", "{}", &status);
    assert_int_equal(status, 422);
    assert_non_null(strstr(str(v, "message"), "does not belong to the tree"));
    json_decref(v);
    assert_true(own_log(s.us).stopped && own_log(s.us).size < 10);
  }
  s.r.altered = NULL;
  json_t *v = recover(s.us, "{}");
  assert_string_equal(str(result(v), "outcome"), "same-epoch");
  assert_true(json_integer_value(json_object_get(result(v), "fetched")) > 300);
  json_decref(v);
  all_well(&s, "/0");
  has_receipt(s.us, id);
  end(&s);
}

/* ---- files ---- */

static void send_file(struct rig_party *p, const char *text, char id[static 65]) {
  uint8_t digest[32];
  char hex[65], body[1024], path[200], draft[33];
  unsigned status;
  sha256(digest, bytes_str(text));
  hex_encode(hex, BYTES(digest, 32));
  snprintf(
      body, sizeof body,
      "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"With a file\","
      "\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"},\"files\":[{\"name\":\"flows.tsv\",\"type\":"
      "\"text/tab-separated-values\",\"size\":%zu,\"sha256\":\"%s\"}]}",
      strlen(text), hex);
  json_t *v = rig_ask(p, "POST", "/v1/statements", body, &status);
  assert_int_equal(status, 202);
  snprintf(draft, sizeof draft, "%s", str(v, "draft"));
  json_decref(v);
  snprintf(path, sizeof path, "/v1/drafts/%s/files/0", draft);
  json_decref(rig_ask(p, "PUT", path, text, &status));
  snprintf(path, sizeof path, "/v1/drafts/%s/send", draft);
  json_decref(rig_ask(p, "POST", path, "", &status));
  rig_run(p->rig, 5000);
  snprintf(path, sizeof path, "/v1/drafts/%s", draft);
  v = rig_ask(p, "GET", path, NULL, &status);
  assert_string_equal(str(v, "state"), "sent");
  snprintf(id, 65, "%s", str(v, "id"));
  json_decref(v);
}

static void has_file(struct rig_party *p, const char *id, const char *text) {
  char path[120];
  unsigned status;
  snprintf(path, sizeof path, "/v1/statements/%s/files/0", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  assert_string_equal(json_string_value(v), text);
  json_decref(v);
}

/*
 * Both logs come back; a file that was given in meanwhile stood where another had its place, and is to be sent
 * again.
 */
static void files(enum memory memory, const char *epoch) {
  struct scene s;
  char first[65], second[65], third[65], fourth[65];
  rig_open(&s.r, TWO, 2);
  s.us = &s.r.party[0];
  rig_forum(&s.r, s.forum);
  send_file(s.us, "one file", first);
  notice(s.us, TWO[1], s.before, "delivered");
  save(&s);
  send_file(s.us, "a second file, which the backup has not", second);
  notice(s.us, TWO[1], s.after, "delivered");
  notice(s.us, TWO[1], s.later, "delivered");
  rig_run(&s.r, 5000);
  set_back(&s, memory);
  send_file(s.us, "a third file", third);
  notice(s.us, TWO[1], s.kept, "accepted");
  rig_run(&s.r, 30000);
  assert_true(own_log(s.us).stopped);
  json_t *v = recover(s.us, "{}");
  assert_int_equal(json_integer_value(json_object_get(result(v), "to_send_again")), 1);
  json_decref(v);
  all_well(&s, epoch);
  send_file(s.us, "a fourth file", fourth);
  rig_run(&s.r, 20000);
  for (size_t i = 0; i < 2; i++) {
    has_file(&s.r.party[i], first, "one file");
    has_file(&s.r.party[i], second, "a second file, which the backup has not");
    has_file(&s.r.party[i], fourth, "a fourth file");
    has_receipt(&s.r.party[i], second);
    has_receipt(&s.r.party[i], fourth);
  }
  end(&s);
}

static void test_files(void **state) {
  (void)state;
  files(INTACT, "/0");
}

static void test_files_in_the_next_epoch(void **state) {
  (void)state;
  files(LOST, "/1");
}

/* ---- as mirror ---- */

static struct node_log_view mirror_of(struct rig_party *p, const char *author) {
  struct node_log_view v;
  for (size_t i = 0; node_log_at(p->node, i, &v); i++)
    if (!v.own && !strncmp(v.origin, author, strlen(author)) && !strstr(v.origin, "/bulk")) return v;
  fail_msg("no log of %s", author);
  return v;
}

/*
 * What the author no longer needs to send is sent again, by itself; with the memory lost nothing is cosigned
 * before it is recovered.
 */
static void mirror(enum memory memory) {
  struct scene s;
  char theirs[65], more[65];
  rig_open(&s.r, TWO, 2);
  s.us = &s.r.party[0];
  rig_forum(&s.r, s.forum);
  save(&s);
  notice(&s.r.party[1], TWO[0], theirs, "delivered");
  rig_run(&s.r, 5000);
  const uint64_t size = mirror_of(s.us, TWO[1]).signed_size;
  set_back(&s, memory);
  assert_true(mirror_of(s.us, TWO[1]).size < size);
  rig_run(&s.r, 60000);
  assert_int_equal(mirror_of(s.us, TWO[1]).size, size);
  notice(&s.r.party[1], TWO[0], more, memory == LOST ? "accepted" : "delivered");
  if (memory == LOST) {
    json_t *v = recover(s.us, "{\"role\":\"mirror\"}");
    const json_t *floor = json_array_get(json_object_get(result(v), "mirrors"), 0);
    assert_int_equal(json_integer_value(json_object_get(floor, "cosigned")) >= (json_int_t)size, 1);
    assert_true(json_is_true(json_object_get(v, "memory_lost"))); /* as log it is still to be recovered */
    json_decref(v);
    assert_true(own_log(s.us).stopped);
    v = recover(s.us, "{\"role\":\"log\"}");
    assert_string_equal(str(result(v), "outcome"), "next-epoch");
    assert_false(json_is_true(json_object_get(v, "memory_lost")));
    json_decref(v);
    rig_run(&s.r, 120000);
  }
  has_receipt(&s.r.party[1], theirs);
  has_receipt(&s.r.party[1], more);
  notice(&s.r.party[1], TWO[0], more, "delivered");
  no_fork(&s.r);
  end(&s);
}

static void test_mirror(void **state) {
  (void)state;
  mirror(INTACT);
}

static void test_mirror_without_memory(void **state) {
  (void)state;
  mirror(LOST);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_epoch),
      cmocka_unit_test(test_left_behind),
      cmocka_unit_test(test_left_behind_and_cut),
      cmocka_unit_test(test_left_behind_and_cut_later),
      cmocka_unit_test(test_left_behind_and_more_lost),
      cmocka_unit_test(test_memory_lost),
      cmocka_unit_test(test_rests_meanwhile),
      cmocka_unit_test(test_whole_machine_set_back),
      cmocka_unit_test(test_no_copy_reaches),
      cmocka_unit_test(test_nobody_answers),
      cmocka_unit_test(test_one_member_is_behind),
      cmocka_unit_test(test_lost_again),
      cmocka_unit_test(test_spoilt_copies),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_files_in_the_next_epoch),
      cmocka_unit_test(test_mirror),
      cmocka_unit_test(test_mirror_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
