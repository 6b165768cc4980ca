/*
 * A node that runs out of memory while a neutral witness dates what it sends, and while it draws evidence of non-
 * delivery: no date is lost for good, and evidence is whole or there is none.
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

#include "base/json_load.h"
#include "sim/fault_vfs.h"
#include "unit/alloc_fail.h"
#include "unit/witness_fixture.h"

struct scene {
  struct rig rig;
  struct fake_witness w;
  struct rig_party *us;
  struct fault_disk *disk;
  char forum[65], waits[65]; /* a notice that the witness has dated and ru, which is down, has not */
};

static struct scene scene;
static size_t live_before;

static uint64_t no_luck(void *ctx) {
  (void)ctx;
  return 0;
}

static int setup(void **state) {
  static const char *const names[] = {"cert.us.example", "ncc.ru.example"};
  char id[65];
  (void)state;
  live_before = alloc_live();
  scene.disk = fault_disk_new("alloc", no_luck, NULL);
  assert_non_null(scene.disk);
  assert_int_equal(sqlite3_vfs_register(sqlite3_vfs_find("alloc"), 1), SQLITE_OK);
  witness_open(&scene.w, &scene.rig, names, 2);
  scene.us = &scene.rig.party[0];
  scene.w.two = true;
  witness_forum(&scene.w, scene.forum);
  send_delivered(scene.us, scene.forum, id);
  rig_stop(&scene.rig.party[1]);
  witness_send(&scene.w, scene.forum, NULL, scene.waits);
  rig_run(&scene.rig, 20000);
  return 0;
}

static void close_scene(void *ctx) {
  struct scene *s = ctx;
  witness_close(&s->w);
  fault_disk_free(s->disk);
}

static int teardown(void **state) {
  (void)state;
  close_scene(&scene);
  return 0;
}

/* The node under test alone, with memory failing in it; the witness has all it needs. */
static void turns(unsigned n) {
  for (; n > 0; n--, scene.rig.ms += 500) {
    struct outbound o;
    alloc_resume();
    node_work(scene.us->node);
    bool more = node_next_outbound(scene.us->node, &o);
    alloc_pause();
    while (more) {
      struct outbound_result result = {.message = "connection refused"};
      if (o.stranger) scene.rig.witness(scene.rig.witness_ctx, &o, &result);
      alloc_resume();
      node_outbound_done(scene.us->node, o.id, &result);
      more = node_next_outbound(scene.us->node, &o);
      alloc_pause();
    }
  }
}

static void sum_up(const char *id, struct buf *result) {
  struct arena a = {0};
  struct pack p;
  rig_run(&scene.rig, 200000);
  const unsigned status = witness_receipt(&scene.w, id, false, &p, &a);
  buf_fmt(result, "size %lld, receipt %u %s\n", (long long)witness_size(&scene.w), status,
          status == 200 && silence_is(&p) ? "silent" : "");
  json_t *v = witness_state(&scene.w);
  buf_fmt(result, "why: %s\n", str_of(v, "why"));
  json_decref(v);
  arena_free(&a);
}

/* Paused: a notice that is accepted in the turns after it; its id, or "" where it was not. */
static void send_in_turns(char id[static 65]) {
  static const struct node_request q = {
      .method = "POST", .path = "/v1/statements", .query = "", .content_type = "application/json"};
  char *body = notice_json(scene.us, scene.forum);
  struct node_response r = {0};
  json_t *v = NULL;
  struct node_call *c = node_begin(scene.us->node, &q, &r);
  node_data(c, bytes_str(body), &r);
  if (!r.status) node_end(c, &r);
  turns(8);
  if (!r.status) node_next_answer(scene.us->node, &r);
  if (r.status == 201 && !r.body.failed && json_parse(&v, buf_view(&r.body), 1 << 20, NULL) == PARLEY_OK)
    snprintf(id, 65, "%s", str_of(v, "id"));
  json_decref(v);
  node_finish(c);
  buf_free(&r.body);
  free(body);
}

static parley_err date(void *ctx, struct buf *result, struct errmsg *e) {
  char id[65] = "";
  (void)ctx, (void)e;
  alloc_pause();
  send_in_turns(id);
  json_lost(); /* what the node lost is not missing in what is sent now */
  if (!*id) witness_send(&scene.w, scene.forum, NULL, id);
  sum_up(id, result);
  alloc_resume();
  return PARLEY_OK;
}

static unsigned ask(const char *path, struct buf *body) {
  const struct node_request q = {.method = "GET", .path = path, .query = "", .content_type = ""};
  struct node_response r = {0};
  struct node_call *c = node_begin(scene.us->node, &q, &r);
  if (c && !r.status) node_end(c, &r);
  const unsigned status = r.body.failed ? 0 : r.status;
  alloc_pause();
  if (status) buf_bytes(body, buf_view(&r.body));
  alloc_resume();
  buf_free(&r.body);
  if (c) node_finish(c);
  return status;
}

static parley_err draw(void *ctx, struct buf *result, struct errmsg *e) {
  static const char *const paths[] = {"/v1/statements/%s/receipt", "/v1/status"};
  (void)ctx, (void)e;
  for (size_t i = 0; i < 2; i++) {
    char path[120];
    struct buf first = {0}, second = {0};
    snprintf(path, sizeof path, paths[i], scene.waits);
    const unsigned got = ask(path, &first);
    alloc_pause();
    if (got != 200 && got != 0 && got != 500) buf_fmt(result, "%s: %u\n", path, got);
    const unsigned then = ask(path, &second);
    buf_fmt(result, "then %u\n", then);
    if (got == 200 && i == 0 && !bytes_eq(buf_view(&first), buf_view(&second))) buf_str(result, "another answer\n");
    buf_free(&first);
    buf_free(&second);
    alloc_resume();
  }
  alloc_pause();
  sum_up(scene.waits, result);
  alloc_resume();
  return PARLEY_OK;
}

static void check(const char *name, alloc_run run, unsigned runs_max) {
  const struct alloc_case c = {.name = name,
                               .run = run,
                               .ctx = &scene,
                               .close = close_scene,
                               .live_before = live_before,
                               .runs_max = runs_max,
                               .not_openssl = true};
  alloc_loop(&c);
}

static void test_date(void **state) {
  (void)state;
  check("a node whose statement is dated", date, 100);
}

static void test_draw(void **state) {
  (void)state;
  check("a node that draws evidence of non-delivery", draw, 120);
}

int main(void) {
  alloc_fail_init();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_date), cmocka_unit_test(test_draw)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
