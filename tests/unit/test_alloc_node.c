/*
 * A node that runs out of memory: while it starts, proposes, accepts, sends, receives, acknowledges and answers. What it
 * said it has done stays done, what it refused is not there, and once there is memory again everything arrives, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/encoding.h"
#include "sim/fault_vfs.h"
#include "unit/alloc_fail.h"
#include "unit/node_fixture.h"

#define NOTICE                                                                                                         \
  "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"status\":\"test\",\"body\":{\"aware_"    \
  "at\":"                                                                                                              \
  "\"2026-11-24T10:00:00Z\",\"title\":\"Under test\",\"summary\":\"Text\"}}"

/* ---- two nodes on one disk in memory; the first is the one under test ---- */

struct line {
  struct rig rig;
  struct rig_party *us, *ru;
  struct fault_disk *disk;
  char forum[65], sent[65], received[65];
};

static struct line line;
static size_t live_before;

static uint64_t no_luck(void *ctx) {
  (void)ctx;
  return 0;
}

static void notice_from(struct rig_party *p, char id[static 65]) {
  unsigned status;
  json_t *v = rig_ask(p, "POST", "/v1/statements?wait=60", NOTICE, &status);
  assert_int_equal(status, 201);
  snprintf(id, 65, "%s", json_string_value(json_object_get(v, "id")));
  json_decref(v);
}

static int setup(void **state) {
  static const char *const names[] = {"cert.us.example", "ncc.ru.example"};
  (void)state;
  live_before = alloc_live();
  line.disk = fault_disk_new("alloc", no_luck, NULL);
  assert_non_null(line.disk);
  assert_int_equal(sqlite3_vfs_register(sqlite3_vfs_find("alloc"), 1), SQLITE_OK);
  rig_open(&line.rig, names, 2);
  line.us = &line.rig.party[0];
  line.ru = &line.rig.party[1];
  rig_forum(&line.rig, line.forum);
  notice_from(line.us, line.sent);
  notice_from(line.ru, line.received);
  rig_run(&line.rig, 20000);
  return 0;
}

static void close_line(void *ctx) {
  struct line *l = ctx;
  rig_close(&l->rig);
  fault_disk_free(l->disk);
}

static int teardown(void **state) {
  (void)state;
  close_line(&line);
  return 0;
}

/* ---- calls, with memory failing only in the node under test ---- */

static void out_of_memory_begins(const struct rig_party *p) {
  if (p == line.us) alloc_resume();
}

static void out_of_memory_ends(const struct rig_party *p) {
  if (p == line.us) alloc_pause();
}

/* Status 0: not answered yet, or the call could not even be made. */
static struct node_call *call(struct rig_party *p, const struct node_request *q, struct bytes body,
                              struct node_response *r) {
  *r = (struct node_response){0};
  out_of_memory_begins(p);
  struct node_call *c = node_begin(p->node, q, r);
  if (c && !r->status && body.n) node_data(c, body, r);
  if (c && !r->status) node_end(c, r);
  out_of_memory_ends(p);
  return c;
}

static void finish(struct rig_party *p, struct node_call *c, struct node_response *r) {
  out_of_memory_begins(p);
  if (r->stream) node_stream_free(r->stream);
  if (c) node_finish(c);
  out_of_memory_ends(p);
  buf_free(&r->body);
}

static void carry(struct rig_party *from, const struct outbound *o) {
  struct rig_party *to = from == line.us ? line.ru : line.us;
  const struct node_request q = {
      .peer = from->name, .method = o->method, .path = o->path, .query = "", .content_type = o->content_type};
  struct node_response r = {0};
  struct outbound_result result = {.message = "the connection was cut"};
  struct node_call *c = to->down ? NULL : call(to, &q, o->body, &r);
  if (c && r.status)
    result = (struct outbound_result){.answered = true,
                                      .status = r.status,
                                      .content_type = r.content_type ? r.content_type : "",
                                      .retry_after = r.retry_after,
                                      .body = buf_view(&r.body)};
  out_of_memory_begins(from);
  node_outbound_done(from->node, o->id, &result);
  out_of_memory_ends(from);
  finish(to, c, &r);
}

static void turn(struct rig_party *p) {
  struct outbound o;
  out_of_memory_begins(p);
  node_work(p->node);
  bool more = node_next_outbound(p->node, &o);
  out_of_memory_ends(p);
  while (more) {
    carry(p, &o);
    out_of_memory_begins(p);
    more = node_next_outbound(p->node, &o);
    out_of_memory_ends(p);
  }
}

/* Both nodes for some seconds, paused but for the node under test. */
static void run_short(void) {
  for (int i = 0; i < 12; i++) {
    turn(line.us);
    turn(line.ru);
    line.rig.ms += 500;
  }
}

/*
 * A request of the local API at p, run to its answer, at most some seconds. The status; 0 when there was none. The
 * answer's body into *body (may be NULL).
 */
static unsigned ask(struct rig_party *p, const char *method, const char *path, const char *text, struct buf *body) {
  const struct node_request q = {.method = method, .path = path, .query = "", .content_type = "application/json"};
  struct node_response r;
  struct node_call *c = call(p, &q, text ? bytes_str(text) : BYTES_NONE, &r);
  for (int i = 0; c && !r.status && i < 12; i++) {
    turn(line.us);
    turn(line.ru);
    line.rig.ms += 500;
    out_of_memory_begins(p);
    node_next_answer(p->node, &r);
    out_of_memory_ends(p);
  }
  const unsigned status = r.body.failed ? 0 : r.status; /* the server cannot send it */
  if (body && status) buf_bytes(body, buf_view(&r.body));
  finish(p, c, &r);
  return status;
}

/* ---- the end of every run: memory is back ---- */

static void list_box(struct rig_party *p, const char *box, struct buf *result) {
  unsigned status;
  char path[80];
  size_t i;
  json_t *row;
  snprintf(path, sizeof path, "/v1/statements?box=%s&limit=100", box);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  buf_fmt(result, "%s %s %u:", p->name, box, status);
  json_array_foreach(json_object_get(v, "statements"), i, row) {
    const json_t *problem = json_object_get(row, "problem");
    buf_fmt(result, " %s/%s%s%s", json_string_value(json_object_get(row, "kind")),
            json_string_value(json_object_get(row, "state")), problem ? "!" : "",
            problem ? json_string_value(problem) : "");
  }
  buf_str(result, "\n");
  json_decref(v);
}

static void list_logs(struct rig_party *p, struct rig_party *other, struct buf *result) {
  struct node_log_view v;
  for (size_t i = 0; node_log_at(p->node, i, &v); i++) {
    struct hash one, two;
    if (!v.own) continue;
    const bool same = v.size == 0 || (!node_log_root(p->node, v.origin, v.size, &one, NULL) &&
                                      !node_log_root(other->node, v.origin, v.size, &two, NULL) && hash_eq(&one, &two));
    buf_fmt(result, "%.20s… %s %s\n", v.origin, same ? "same" : "DIFFERENT", v.stopped ? "STOPPED" : "signs");
  }
}

static void sum_up(struct buf *result) {
  rig_run(&line.rig, 200000);
  list_box(line.us, "inbox", result);
  list_box(line.us, "sent", result);
  list_box(line.ru, "inbox", result);
  list_box(line.ru, "sent", result);
  list_logs(line.us, line.ru, result);
  list_logs(line.ru, line.us, result);
}

/* ---- what is tried ---- */

static parley_err end(struct buf *result, struct errmsg *e) {
  (void)e;
  sum_up(result);
  alloc_resume();
  return PARLEY_OK;
}

static parley_err start(void *ctx, struct buf *result, struct errmsg *e) {
  (void)ctx;
  alloc_pause();
  rig_stop(line.us);
  alloc_resume();
  const parley_err err = rig_try_start(line.us);
  alloc_pause();
  if (err && err != PARLEY_ENOMEM) buf_fmt(result, "starting: %s\n", err_name(err));
  if (!err) run_short();
  if (err) {
    rig_stop(line.us);
    rig_start(line.us);
  }
  return end(result, e);
}

/* Refused for lack of memory: tried again with it. Refused for anything else: the result tells. */
static void again(struct rig_party *p, const char *path, const char *text, unsigned first, unsigned good,
                  struct buf *result) {
  unsigned status = first;
  if (first == 0 || first == 500 || first == 503 || first == 507) json_decref(rig_ask(p, "POST", path, text, &status));
  if (status != good) buf_fmt(result, "%s: %u, then %u\n", path, first, status);
}

static parley_err send(void *ctx, struct buf *result, struct errmsg *e) {
  (void)ctx;
  alloc_pause();
  const unsigned status = ask(line.us, "POST", "/v1/statements", NOTICE, NULL);
  run_short();
  if (status == 0) rig_run(&line.rig, 20000); /* it may or may not have been taken: a person would look first */
  again(line.us, "/v1/statements", NOTICE, status, 201, result);
  return end(result, e);
}

static parley_err receive(void *ctx, struct buf *result, struct errmsg *e) {
  (void)ctx;
  alloc_pause();
  if (ask(line.ru, "POST", "/v1/statements", NOTICE, NULL) != 201) buf_str(result, "ru does not take it\n");
  run_short();
  return end(result, e);
}

static parley_err acknowledge(void *ctx, struct buf *result, struct errmsg *e) {
  char path[120];
  (void)ctx;
  alloc_pause();
  snprintf(path, sizeof path, "/v1/statements/%s/ack", line.received);
  const unsigned status = ask(line.us, "POST", path, "{\"officer\":\"duty\"}", NULL);
  run_short();
  again(line.us, path, "{\"officer\":\"duty\"}", status, 201, result);
  return end(result, e);
}

static parley_err be_acknowledged(void *ctx, struct buf *result, struct errmsg *e) {
  char path[120];
  (void)ctx;
  alloc_pause();
  snprintf(path, sizeof path, "/v1/statements/%s/ack", line.sent);
  if (ask(line.ru, "POST", path, "{\"officer\":\"duty\"}", NULL) != 201) buf_str(result, "ru does not acknowledge\n");
  run_short();
  return end(result, e);
}

static parley_err read_all(void *ctx, struct buf *result, struct errmsg *e) {
  static const char *const paths[] = {"/v1/status",
                                      "/v1/card",
                                      "/v1/pins",
                                      "/v1/forums",
                                      "/v1/statements",
                                      "/v1/forums/%s",
                                      "/v1/statements/%s",
                                      "/v1/statements/%s/entry",
                                      "/v1/statements/%s/receipt"};
  (void)ctx;
  alloc_pause();
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    char path[160];
    struct buf first = {0}, second = {0};
    unsigned status = 200;
    snprintf(path, sizeof path, paths[i], strstr(paths[i], "forums") ? line.forum : line.sent);
    const unsigned got = ask(line.us, "GET", path, NULL, &first);
    if (got != 200 && got != 0 && got != 500 && got != 503) buf_fmt(result, "%s: %u\n", path, got);
    status = ask(line.ru, "GET", "/v1/card", NULL, &second); /* the other one is not touched */
    if (status != 200) buf_fmt(result, "ru: %u\n", status);
    if (got == 200 && i > 0) { /* a status has times in it */
      const struct node_request q = {.method = "GET", .path = path, .query = "", .content_type = ""};
      struct node_response r = {0};
      struct node_call *c = node_begin(line.us->node, &q, &r);
      if (!r.status) node_end(c, &r);
      if (!bytes_eq(buf_view(&first), buf_view(&r.body))) buf_fmt(result, "%s: another answer\n", path);
      buf_free(&r.body);
      node_finish(c);
    }
    buf_free(&first);
    buf_free(&second);
  }
  return end(result, e);
}

static parley_err propose(void *ctx, struct buf *result, struct errmsg *e) {
  static const char text[] = "{\"title\":\"Second\",\"members\":[\"ncc.ru.example\"]}";
  unsigned status;
  (void)ctx;
  alloc_pause();
  const unsigned first = ask(line.us, "POST", "/v1/forums", text, NULL);
  run_short();
  again(line.us, "/v1/forums", text, first, 201, result);
  rig_run(&line.rig, 60000);
  json_t *v = rig_ask(line.ru, "GET", "/v1/forums", NULL, &status);
  buf_fmt(result, "ru knows %zu forums\n", json_array_size(json_object_get(v, "forums")));
  json_decref(v);
  return end(result, e);
}

/* A new version is proposed. */
static parley_err amend(void *ctx, struct buf *result, struct errmsg *e) {
  static const char text[] = "{\"title\":\"Later\"}";
  char path[160];
  (void)ctx;
  alloc_pause();
  snprintf(path, sizeof path, "/v1/forums/%s/amend", line.forum);
  const unsigned first = ask(line.us, "POST", path, text, NULL);
  run_short();
  again(line.us, path, text, first, 201, result);
  rig_run(&line.rig, 60000);
  return end(result, e);
}

/* ---- */

static void check(const char *name, alloc_run run, unsigned runs_max) {
  const struct alloc_case c = {.name = name,
                               .run = run,
                               .ctx = &line,
                               .close = close_line,
                               .live_before = live_before,
                               .runs_max = runs_max,
                               .not_openssl = true};
  alloc_loop(&c);
}

static void test_forum(void **state) {
  (void)state;
  check("a node that proposes", propose, 60);
}

static void test_amend(void **state) {
  (void)state;
  check("a node that amends", amend, 60);
}

static void test_start(void **state) {
  (void)state;
  check("a node that starts", start, 100);
}

static void test_send(void **state) {
  (void)state;
  check("a node that sends", send, 100);
  check("a node that receives", receive, 100);
}

static void test_acknowledge(void **state) {
  (void)state;
  check("a node that acknowledges", acknowledge, 100);
  check("a node that is acknowledged", be_acknowledged, 100);
}

static void test_answers(void **state) {
  (void)state;
  check("a node that answers", read_all, 100);
}

int main(void) {
  alloc_fail_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forum), cmocka_unit_test(test_amend),       cmocka_unit_test(test_start),
      cmocka_unit_test(test_send),  cmocka_unit_test(test_acknowledge), cmocka_unit_test(test_answers),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
