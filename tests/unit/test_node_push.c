/*
 * Pushing to counterparts that are down, busy or hostile: the pauses between requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/tlog.h"
#include "node_fixture.h"

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};

static const char *const THREE[] = {"cert.us.example", "dsn.fr.example", "ncc.ru.example"};

static json_t *send_to_all(struct rig_party *p) {
  char body[600];
  unsigned status;
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"to\":[\"%s\",\"%s\"],\"body\":{\"title\":\"t\","
           "\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
           THREE[1], THREE[2]);
  json_t *v = rig_ask(p, "POST", "/v1/statements", body, &status);
  assert_int_equal(status, 201);
  return v;
}

static void send_notice(struct rig_party *p, const char *state) {
  unsigned status;
  json_t *v = rig_ask(p, "POST", "/v1/statements?wait=10",
                      "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\","
                      "\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
                      &status);
  assert_int_equal(status, 201);
  assert_string_equal(json_string_value(json_object_get(v, "state")), state);
  json_decref(v);
}

/* ---- a counterpart that is played by the test ---- */

struct play {
  struct rig *r;
  void (*answer)(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body);
  unsigned step; /* of the play's own */
  unsigned asks, checkpoints, entries;
  int64_t first_ms, last_ms;
};

static void play_one(struct play *p, struct rig_party *us, const struct outbound *o) {
  struct buf body = {0};
  struct outbound_result out = {.answered = true, .content_type = ""};
  p->asks += !strcmp(o->method, "GET");
  p->checkpoints += !strcmp(o->path, "/add-checkpoint");
  p->entries += !strcmp(o->path, "/add-entries");
  if (getenv("RIG_LOG")) fprintf(stderr, "%lld %s %s\n", (long long)p->r->ms, o->method, o->path);
  if (!p->first_ms) p->first_ms = p->r->ms;
  p->last_ms = p->r->ms;
  p->answer(p, o, &out, &body);
  out.body = buf_view(&body);
  node_outbound_done(us->node, o->id, &out);
  buf_free(&body);
}

/* The first party alone with the played one, for so long; ends at `most` requests, so that a loop without a pause shows. */
static unsigned play(struct play *p, int64_t ms, unsigned most) {
  struct rig_party *us = &p->r->party[0];
  const int64_t end = p->r->ms + ms;
  unsigned n = 0;
  while (p->r->ms < end && n < most) {
    struct outbound o;
    node_work(us->node);
    while (n < most && node_next_outbound(us->node, &o)) {
      play_one(p, us, &o);
      n++;
    }
    const int64_t next = node_next_ms(us->node), left = end - p->r->ms;
    p->r->ms += next < 10 ? 10 : next < left ? next : left;
  }
  return n;
}

/* The counterpart calls us with something that does not matter. */
static void hear(struct rig *r) {
  struct node_response resp = {0};
  const struct node_request q = {.peer = r->party[1].name, .method = "GET", .path = "/", .query = ""};
  struct node_call *c = node_begin(r->party[0].node, &q, &resp);
  node_finish(c);
  buf_free(&resp.body);
}

/* ---- Retry-After ---- */

static void busy(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  (void)p, (void)o, (void)body;
  out->status = 429;
  out->retry_after = 3600;
}

static void test_retry_after(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  rig_stop(&r.party[1]);
  struct play p = {.r = &r, .answer = busy};
  send_notice(&r.party[0], "accepted");
  play(&p, 1000, 100);
  const unsigned before = p.asks + p.checkpoints + p.entries;
  for (int i = 0; i < 100; i++) { /* it calls, but the pause that it asked for stands */
    hear(&r);
    play(&p, 10000, 100);
  }
  assert_true(p.asks + p.checkpoints + p.entries <= before + 1);
  assert_int_not_equal(p.asks + p.checkpoints + p.entries, 0);
  hear(&r);
  assert_true(play(&p, 3600000, 100) > 0); /* and ends */
  rig_close(&r);
}

static void far_too_long(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  (void)p, (void)o, (void)body;
  out->status = 503;
  out->retry_after = UINT32_MAX;
}

static void test_retry_after_bounded(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  rig_stop(&r.party[1]);
  struct play p = {.r = &r, .answer = far_too_long};
  send_notice(&r.party[0], "accepted");
  assert_true(play(&p, 60000, 100) > 0);
  assert_true(play(&p, 86400000, 100) > 0);
  rig_close(&r);
}

/* ---- the question after a start ---- */

static void down(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  (void)p, (void)o, (void)body;
  *out = (struct outbound_result){.message = "connection refused"};
}

static void test_question_is_repeated(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], "delivered");
  rig_stop(&r.party[0]);
  rig_stop(&r.party[1]);
  rig_start(&r.party[0]);
  struct play p = {.r = &r, .answer = down};
  play(&p, 30000, 1000);
  assert_in_range(p.asks, 2 * 14, 2 * 24); /* two logs, about every two seconds */
  play(&p, 600000, 10000);
  p.asks = 0;
  play(&p, 100000, 1000);
  assert_in_range(p.asks, 2 * 19, 2 * 42); /* later less often, but never a minute apart */
  assert_int_equal(p.checkpoints + p.entries, 0);
  rig_close(&r);
}

/* ---- whose answer is enough ---- */

static struct node_log_view own_log(struct rig_party *p) {
  struct node_log_view v;
  assert_true(node_log_at(p->node, 0, &v));
  return v;
}

static void lose_store(struct rig_party *p) {
  char wal[80];
  snprintf(wal, sizeof wal, "%s-wal", p->path);
  remove(p->path);
  remove(wal);
}

/* One member has lost its store and says 404; the other, who holds more than we do, is down. */
static void test_one_404_is_not_enough(void **state) {
  (void)state;
  struct rig r;
  char forum[65], backup[80], cmd[300];
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  snprintf(backup, sizeof backup, "%s.backup", us->path);
  rig_stop(us); /* the old backup: before the notice */
  snprintf(cmd, sizeof cmd, "cp %s %s", us->path, backup);
  assert_int_equal(system(cmd), 0);
  const struct rig_party saved = *us;
  rig_start(us);
  rig_run(&r, 5000);
  json_decref(send_to_all(us));
  rig_run(&r, 20000);
  assert_int_equal(own_log(us).signed_size, 2);
  for (int i = 0; i < 3; i++) rig_stop(&r.party[i]);
  lose_store(us);
  assert_int_equal(rename(backup, us->path), 0);
  memcpy(us->memory, saved.memory, sizeof us->memory);
  us->n_memory = saved.n_memory;
  lose_store(&r.party[1]);
  rig_start(&r.party[1]);
  rig_start(us);
  rig_run(&r, 60000);
  assert_int_equal(own_log(us).signed_size, 0);
  assert_false(own_log(us).stopped);
  rig_start(&r.party[2]);
  rig_run(&r, 60000);
  assert_true(own_log(us).stopped);
  assert_int_equal(own_log(us).signed_size, 0);
  rig_close(&r);
}

/* Where one is down, a fitting checkpoint of the other is enough. */
static void test_one_shown_is_enough(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  assert_int_equal(own_log(&r.party[0]).signed_size, 1);
  rig_stop(&r.party[0]);
  rig_stop(&r.party[1]);
  rig_start(&r.party[0]);
  rig_run(&r, 30000);
  assert_int_equal(own_log(&r.party[0]).signed_size, 1);
  rig_close(&r);
}

/* ---- a counterpart that leads nowhere ---- */

static void say_info(struct outbound_result *out, struct buf *body, unsigned status, uint64_t pending, uint64_t next) {
  const struct mirror_info info = {pending, next, BYTES_NONE};
  out->status = status;
  out->content_type = "text/x.tlog.mirror-info";
  mirror_info_write(body, &info);
}

static bool is_checkpoint(const struct outbound *o) { return !strcmp(o->path, "/add-checkpoint"); }
static bool is_entries(const struct outbound *o) { return !strcmp(o->path, "/add-entries"); }

/* Another size each time, and nothing to show for it. */
static void any_size(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  out->status = is_checkpoint(o) ? 409 : 404;
  if (is_checkpoint(o)) buf_fmt(body, "%u\n", 1 + p->step++ % 2);
}

/* Takes some, and loses them again. */
static void back_and_forth(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  struct add_entries_head h;
  size_t used;
  out->status = is_checkpoint(o) ? 200 : 404;
  if (!is_entries(o) || add_entries_head_parse(&h, &used, o->body, NULL)) return;
  if (p->step++ % 2)
    say_info(out, body, 409, h.end, 0);
  else
    say_info(out, body, 202, h.end, h.start + 1 < h.end ? h.start + 1 : h.end);
}

/* Always has another checkpoint pending than the one that it took, and shows none. */
static void other_pending(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  out->status = is_checkpoint(o) ? 200 : 404;
  if (is_entries(o)) say_info(out, body, 409, 100 + p->step++, 0);
}

/* A 202 that says nothing new. */
static void standstill(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  struct add_entries_head h;
  size_t used;
  (void)p;
  out->status = is_checkpoint(o) ? 200 : 404;
  if (is_entries(o) && !add_entries_head_parse(&h, &used, o->body, NULL)) say_info(out, body, 202, h.end, h.start);
}

/* A 202 far beyond what was sent. */
static void beyond(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  out->status = is_checkpoint(o) ? 200 : 404;
  if (is_entries(o)) say_info(out, body, 202, 4, 1000 + p->step++);
}

static void test_leads_nowhere(void **state) {
  (void)state;
  void (*const plays[])(struct play *, const struct outbound *, struct outbound_result *, struct buf *) = {
      any_size, back_and_forth, other_pending, standstill, beyond};
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
    rig_stop(&r.party[1]);
    for (int k = 0; k < 3; k++) send_notice(&r.party[0], "accepted");
    hear(&r); /* no long pause after the refused connections */
    struct play p = {.r = &r, .answer = plays[i]};
    const unsigned n = play(&p, 60000, 1000);
    if (n > 60) fail_msg("play %zu: %u requests in a minute", i, n);
    assert_true(n > 3);
    rig_start(&r.party[1]); /* an honest one is served again */
    rig_run(&r, 180000);
    send_notice(&r.party[0], "delivered");
  }
  rig_close(&r);
}

/* Each answer brings a ticket, which the next request must bring back. */
static void with_tickets(struct play *p, const struct outbound *o, struct outbound_result *out, struct buf *body) {
  struct add_entries_head h;
  size_t used;
  char want[32] = "", next[32];
  out->status = is_checkpoint(o) ? 200 : 404;
  if (!is_entries(o)) return;
  assert_int_equal(add_entries_head_parse(&h, &used, o->body, NULL), PARLEY_OK);
  if (p->step > 0) snprintf(want, sizeof want, "ticket %u", p->step);
  assert_true(bytes_is(h.ticket, want));
  snprintf(next, sizeof next, "ticket %u", ++p->step);
  const struct mirror_info info = {h.end, h.start, bytes_str(next)};
  out->status = 409;
  mirror_info_write(body, &info);
}

static void test_ticket(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  for (int i = 0; i < 2; i++) { /* the second time it begins without one: the upload between had come to its end */
    rig_stop(&r.party[1]);
    send_notice(&r.party[0], "accepted");
    hear(&r);
    struct play p = {.r = &r, .answer = with_tickets};
    play(&p, 60000, 100);
    assert_true(p.step > 2);
    rig_start(&r.party[1]);
    rig_run(&r, 180000);
    send_notice(&r.party[0], "delivered");
  }
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_retry_after),
      cmocka_unit_test(test_retry_after_bounded),
      cmocka_unit_test(test_question_is_repeated),
      cmocka_unit_test(test_one_404_is_not_enough),
      cmocka_unit_test(test_one_shown_is_enough),
      cmocka_unit_test(test_leads_nowhere),
      cmocka_unit_test(test_ticket),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
