/*
 * The node core: two parties from the charter to a receipt, and what happens when one is down, behind or restored.
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
#include "node_fixture.h"
#include "record/pack.h"

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};

#define SEND(extra)                                                                                                 \
  "{\"kind\":\"incident.notice\",\"precedence\":\"IMMEDIATE\",\"tlp\":\"amber\",\"body\":{\"title\":\"Pipeline\","      \
  "\"summary\":\"It stands still.\",\"aware_at\":\"2021-05-07T10:00:00Z\"" extra "}}"

static const char *str(const json_t *o, const char *name) {
  const char *s = json_string_value(json_object_get(o, name));
  return s ? s : "";
}

static void send_notice(struct rig_party *p, char id[static 65], const char *state) {
  unsigned status;
  json_t *v = rig_ask(p, "POST", "/v1/statements?wait=30", SEND(""), &status);
  assert_int_equal(status, 201);
  assert_string_equal(str(v, "state"), state);
  snprintf(id, 65, "%s", str(v, "id"));
  json_decref(v);
}

static json_t *show(struct rig_party *p, const char *id) {
  unsigned status;
  char path[100];
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  return v;
}

static void ack(struct rig_party *p, const char *id, unsigned want) {
  unsigned status;
  char path[100];
  snprintf(path, sizeof path, "/v1/statements/%s/ack", id);
  json_decref(rig_ask(p, "POST", path, "{\"officer\":\"duty\",\"note\":\"seen\"}", &status));
  assert_int_equal(status, want);
}

static void receipt(struct rig_party *p, const char *id, bool with_ack) {
  unsigned status;
  char path[100];
  snprintf(path, sizeof path, "/v1/statements/%s/receipt", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  json_t *files = json_object_get(v, "files");
  assert_non_null(json_object_get(files, "proof.tlog-proof"));
  assert_int_equal(json_object_get(files, "ack/entry.json") != NULL, with_ack);
  json_decref(v);
}

static void test_main_job(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], id, "delivered");
  json_t *v = show(&r.party[0], id);
  assert_string_equal(str(v, "state"), "delivered");
  assert_string_equal(str(v, "title"), "Pipeline");
  json_decref(v);
  receipt(&r.party[0], id, false);
  v = show(&r.party[1], id);
  assert_string_equal(str(v, "state"), "received");
  assert_string_equal(str(v, "problem"), "");
  assert_string_equal(str(json_object_get(v, "body"), "summary"), "It stands still.");
  json_decref(v);
  ack(&r.party[0], id, 409); /* one's own */
  ack(&r.party[1], id, 201);
  ack(&r.party[1], id, 409); /* twice */
  rig_run(&r, 5000);
  v = show(&r.party[0], id);
  assert_string_equal(str(v, "state"), "read");
  json_decref(v);
  receipt(&r.party[0], id, true);
  receipt(&r.party[1], id, true);
  rig_close(&r);
}

static void test_counterpart_down_and_up(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  rig_stop(&r.party[1]);
  send_notice(&r.party[0], id, "accepted");
  rig_run(&r, 600000);
  unsigned status;
  json_t *v = rig_ask(&r.party[0], "GET", "/v1/status", NULL, &status);
  json_t *f = json_array_get(json_object_get(json_array_get(json_object_get(v, "peers"), 0), "forums"), 0);
  assert_int_equal(json_array_size(json_object_get(f, "waiting")), 1);
  assert_non_null(strstr(str(f, "why"), "cannot be reached"));
  json_decref(v);
  rig_start(&r.party[1]);
  rig_run(&r, 120000);
  v = show(&r.party[0], id);
  assert_string_equal(str(v, "state"), "delivered");
  json_decref(v);
  rig_close(&r);
}

static void test_restart_asks_before_signing(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], id, "delivered");
  rig_stop(&r.party[0]);
  rig_stop(&r.party[1]);
  rig_start(&r.party[0]);
  char second[65];
  send_notice(&r.party[0], second, "accepted"); /* kept, not signed: nobody has shown what it holds */
  struct node_log_view view;
  assert_true(node_log_at(r.party[0].node, 0, &view));
  assert_int_equal(view.signed_size, 0);
  assert_non_null(strstr(view.why, "waits for a member"));
  rig_start(&r.party[1]);
  rig_run(&r, 120000);
  json_t *v = show(&r.party[0], second);
  assert_string_equal(str(v, "state"), "delivered");
  json_decref(v);
  receipt(&r.party[0], id, false);
  rig_close(&r);
}

/* ---- batches ---- */

static void test_statements_that_arrive_together_cost_one_checkpoint(void **state) {
  (void)state;
  enum { MANY = 50 };
  struct rig r;
  char forum[65];
  struct node_call *calls[MANY];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct node *us = r.party[0].node;
  const unsigned requests = r.requests;
  for (int i = 0; i < MANY; i++) {
    struct node_response out;
    const struct node_request q = {.method = "POST", .path = "/v1/statements", .query = "", .content_type = "application/json"};
    calls[i] = node_begin(us, &q, &out);
    node_data(calls[i], bytes_str(SEND("")), &out);
    node_end(calls[i], &out);
    assert_int_equal(out.status, 0); /* answered when it is durable */
  }
  node_work(us);
  for (int i = 0; i < MANY; i++) {
    struct node_response out;
    struct node_call *done = node_next_answer(us, &out);
    assert_non_null(done);
    assert_int_equal(out.status, 201);
    buf_free(&out.body);
    node_finish(done);
  }
  rig_run(&r, 1000);
  struct node_log_view view;
  assert_true(node_log_at(us, 0, &view));
  assert_int_equal(view.signed_size, 1 + MANY); /* the charter and these */
  assert_int_equal(r.requests - requests, 2);   /* one add-checkpoint, one add-entries */
  rig_close(&r);
}

/* ---- files ---- */

static void send_file(struct rig_party *p, const char *text, char id[static 65]) {
  uint8_t digest[32];
  char hex[65], body[1024], path[200];
  unsigned status;
  sha256(digest, bytes_str(text));
  hex_encode(hex, BYTES(digest, 32));
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"With a file\",\"summary\":\"s\","
           "\"aware_at\":\"2021-05-07T10:00:00Z\"},\"files\":[{\"name\":\"flows.tsv\",\"type\":\"text/tab-separated-values\",\"size\":%zu,"
           "\"sha256\":\"%s\"}]}",
           strlen(text), hex);
  json_t *v = rig_ask(p, "POST", "/v1/statements", body, &status);
  assert_int_equal(status, 202);
  char draft[33];
  snprintf(draft, sizeof draft, "%s", str(v, "draft"));
  json_decref(v);
  snprintf(path, sizeof path, "/v1/drafts/%s/files/0", draft);
  json_decref(rig_ask(p, "PUT", path, text, &status));
  assert_int_equal(status, 204);
  snprintf(path, sizeof path, "/v1/drafts/%s/send", draft);
  json_decref(rig_ask(p, "POST", path, "", &status));
  assert_int_equal(status, 202);
  rig_run(p->rig, 1000);
  snprintf(path, sizeof path, "/v1/drafts/%s", draft);
  v = rig_ask(p, "GET", path, NULL, &status);
  assert_string_equal(str(v, "state"), "sent");
  snprintf(id, 65, "%s", str(v, "id"));
  json_decref(v);
}

static void test_files(void **state) {
  (void)state;
  struct rig r;
  char forum[65], id[65], path[200];
  unsigned status;
  struct buf text = {0};
  for (unsigned i = 0; i < 40000; i++) buf_fmt(&text, "%u\t192.0.2.%u\n", i, i % 250);
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_file(&r.party[0], buf_cstr(&text), id);
  rig_run(&r, 10000);
  json_t *v = show(&r.party[0], id);
  json_t *d = json_array_get(json_object_get(v, "delivery"), 0);
  assert_string_not_equal(str(d, "files_delivered"), "");
  assert_true(json_integer_value(json_object_get(d, "files_total")) > 100);
  json_decref(v);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "/v1/statements/%s/files/0", id);
    v = rig_ask(&r.party[i], "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    assert_string_equal(json_string_value(v), (const char *)text.p);
    json_decref(v);
    snprintf(path, sizeof path, "/v1/statements/%s/receipt", id);
    v = rig_ask(&r.party[i], "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    assert_non_null(json_object_get(json_object_get(v, "files"), "bulk/checkpoint"));
    json_decref(v);
  }
  /* The bulk log grows, so the receipt drawn anew needs a consistency proof or keeps its old checkpoint; either verifies. */
  char second[65];
  send_file(&r.party[0], "a second file", second);
  rig_run(&r, 10000);
  receipt(&r.party[0], id, false);
  receipt(&r.party[1], id, false);
  receipt(&r.party[1], second, false);
  buf_free(&text);
  rig_close(&r);
}

/* ---- restored from an old backup ---- */

static void copy_file(const char *from, const char *to) {
  char cmd[300];
  snprintf(cmd, sizeof cmd, "cp %s %s; rm -f %s-wal; test -e %s-wal && cp %s-wal %s-wal || true", from, to, to, from, from, to);
  assert_int_equal(system(cmd), 0);
}

static void restored(bool memory_too) {
  struct rig r;
  char forum[65], id[65], backup[80], why[400];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], id, "delivered");
  struct rig_party *us = &r.party[0];
  snprintf(backup, sizeof backup, "%s.backup", us->path);
  rig_stop(us);
  copy_file(us->path, backup);
  struct rig_party saved = *us;
  rig_start(us);
  rig_run(&r, 5000);
  send_notice(us, id, "delivered");
  rig_stop(us);
  copy_file(backup, us->path);
  if (memory_too) {
    memcpy(us->memory, saved.memory, sizeof us->memory);
    us->n_memory = saved.n_memory;
  }
  unlink(backup);
  rig_start(us);
  send_notice(us, id, "accepted"); /* kept; signed by nobody */
  rig_run(&r, 60000);
  struct node_log_view view;
  assert_true(node_log_at(us->node, 0, &view));
  assert_true(view.stopped);
  snprintf(why, sizeof why, "%s", view.why);
  assert_non_null(strstr(why, memory_too ? "another history" : "went back in time"));
  assert_non_null(strstr(why, "old backup"));
  /* The other direction still works. */
  send_notice(&r.party[1], id, "delivered");
  rig_close(&r);
}

static void test_restored_store(void **state) {
  (void)state;
  restored(false);
}

static void test_restored_store_and_memory(void **state) {
  (void)state;
  restored(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_main_job),
      cmocka_unit_test(test_counterpart_down_and_up),
      cmocka_unit_test(test_restart_asks_before_signing),
      cmocka_unit_test(test_statements_that_arrive_together_cost_one_checkpoint),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_restored_store),
      cmocka_unit_test(test_restored_store_and_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
