/*
 * What counterparts may ask of a node: what it shows them of its logs, and how much it takes from them.
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
#include "formats/tlog.h"
#include "node_fixture.h"

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};
static const char *const THREE[] = {"cert.us.example", "dsn.fr.example", "ncc.ru.example"};

static void send_notice(struct rig_party *p, const char *forum, const char *state) {
  char body[600];
  unsigned status;
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"forum\":\"%s\",\"precedence\":\"FLASH\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\","
           "\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
           forum);
  json_t *v = rig_ask(p, "POST", "/v1/statements?wait=30", body, &status);
  assert_int_equal(status, 201);
  assert_string_equal(json_string_value(json_object_get(v, "state")), state);
  json_decref(v);
}

static struct node_log_view view(struct rig_party *p, size_t i) {
  struct node_log_view v;
  assert_true(node_log_at(p->node, i, &v));
  return v;
}

/* ---- the read side ---- */

static void read_from(struct rig_party *from, struct rig_party *to, const char *origin, const char *what,
                      struct node_response *resp) {
  uint8_t h[32];
  char path[300], hex[65];
  sha256(h, bytes_str(origin));
  hex_encode(hex, BYTES(h, 32));
  snprintf(path, sizeof path, "/%s/%s", hex, what);
  const struct node_request q = {.peer = from->name, .method = "GET", .path = path, .query = ""};
  struct node_call *c = node_begin(to->node, &q, resp);
  if (!resp->status) node_end(c, resp);
  node_finish(c);
}

static unsigned read_size(struct rig_party *from, struct rig_party *to, const char *origin, const char *what,
                          size_t *size) {
  struct node_response resp = {0};
  read_from(from, to, origin, what, &resp);
  *size = resp.body.n;
  buf_free(&resp.body);
  return resp.status;
}

static void test_read(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  size_t n;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], forum, "delivered");
  const char *ours = view(&r.party[0], 0).origin;
  assert_int_equal(read_size(&r.party[1], &r.party[0], ours, "checkpoint", &n), 200);
  assert_int_equal(read_size(&r.party[0], &r.party[1], ours, "checkpoint.pending", &n), 200);
  assert_int_equal(read_size(&r.party[0], &r.party[1], ours, "tile/0/000.p/2", &n), 200);
  assert_int_equal(n, 64);
  assert_int_equal(read_size(&r.party[1], &r.party[0], "nobody.example/0/0", "checkpoint", &n), 404);
  rig_close(&r);
}

/* tlog-tiles: content types, what may be kept for long, and what is worth compressing; of a log and of its mirror. */
static void test_read_headers(void **state) {
  (void)state;
  static const struct {
    const char *what, *type;
    unsigned status;
    bool immutable, compressible;
  } rows[] = {
      {"checkpoint", "text/plain; charset=utf-8", 200, false, false},
      {"checkpoint.pending", "text/plain; charset=utf-8", 200, false, false},
      {"tile/0/000.p/2", "application/octet-stream", 200, true, false},
      {"tile/0/000.p/1", "application/octet-stream", 200, true, false}, /* that was the tile once */
      {"tile/entries/000.p/2", "application/octet-stream", 200, true, true},
      {"tile/entries/000.p/1", "application/octet-stream", 200, true, true},
      {"tile/0/000", NULL, 404, false, false},
      {"tile/0/000.p/0", NULL, 404, false, false},
      {"tile/1/000.p/1", NULL, 404, false, false},
      {"tile/0/x000/000.p/1", NULL, 404, false, false},
      {"tile/0/00.p/1", NULL, 404, false, false},
      {"tile/64/000.p/1", NULL, 404, false, false},
      {"tile/entries/001.p/1", NULL, 404, false, false},
  };
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], forum, "delivered");
  const char *ours = view(&r.party[0], 0).origin;
  for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
    struct node_response resp = {0};
    const size_t k = i / 2;
    read_from(&r.party[1 - i % 2], &r.party[i % 2], ours, rows[k].what, &resp); /* the log itself, then its mirror */
    if (resp.status != rows[k].status) fail_msg("%s: %u", rows[k].what, resp.status);
    assert_int_equal(resp.immutable, rows[k].immutable);
    assert_int_equal(resp.compressible, rows[k].compressible);
    if (resp.status == 200) assert_string_equal(resp.content_type, rows[k].type);
    buf_free(&resp.body);
  }
  rig_close(&r);
}

/* tlog-witness: Monitor Retrieval. A bulk log without files: the mirror has never cosigned a tree of it. */
static void test_read_not_cosigned(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  size_t n;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  const char *log = view(&r.party[1], 2).origin, *bulk = view(&r.party[1], 3).origin; /* ours, as it mirrors them */
  assert_string_equal(log, view(&r.party[0], 0).origin);
  assert_string_equal(bulk, view(&r.party[0], 1).origin);
  assert_int_equal(read_size(&r.party[0], &r.party[1], log, "checkpoint", &n), 200);
  assert_int_equal(read_size(&r.party[0], &r.party[1], bulk, "checkpoint", &n), 404);
  rig_close(&r);
}

/* What is in the log but under no signature yet is shown to nobody. */
static void test_read_signed_only(void **state) {
  (void)state;
  struct rig r;
  char forum[65], entries[2][40], hashes[2][40];
  size_t n;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  send_notice(&r.party[0], forum, "delivered");
  r.party[0].sick = forum;
  send_notice(&r.party[0], forum, "accepted");
  const struct node_log_view v = view(&r.party[0], 0);
  assert_int_equal(v.size, v.signed_size + 1);
  for (unsigned i = 0; i < 2; i++) {
    snprintf(entries[i], sizeof entries[i], "tile/entries/000.p/%u", (unsigned)v.signed_size + i);
    snprintf(hashes[i], sizeof hashes[i], "tile/0/000.p/%u", (unsigned)v.signed_size + i);
    assert_int_equal(read_size(&r.party[1], &r.party[0], v.origin, entries[i], &n), i ? 404 : 200);
    assert_int_equal(read_size(&r.party[1], &r.party[0], v.origin, hashes[i], &n), i ? 404 : 200);
  }
  r.party[0].sick = NULL;
  rig_run(&r, 5000);
  assert_int_equal(read_size(&r.party[1], &r.party[0], v.origin, entries[1], &n), 200);
  rig_close(&r);
}

/* A counterpart outside the forum sees no log of it. */
static void test_read_members_only(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  size_t n;
  rig_open(&r, THREE, 3);
  r.n = 2; /* a forum of the first two */
  rig_forum(&r, forum);
  r.n = 3;
  send_notice(&r.party[0], forum, "delivered");
  const char *ours = view(&r.party[0], 0).origin;
  assert_int_equal(read_size(&r.party[1], &r.party[0], ours, "checkpoint", &n), 200);
  assert_int_equal(read_size(&r.party[2], &r.party[0], ours, "checkpoint", &n), 404);
  rig_close(&r);
}

/* ---- uploads ---- */

/* An add-entries request that has come as far as its head; the answer, if there is one already, goes into resp. */
static struct node_call *upload_begin(struct rig_party *from, struct rig_party *to, const char *origin, uint64_t start,
                                      uint64_t end, struct node_response *resp) {
  struct buf head = {0};
  const struct add_entries_head h = {.origin = bytes_str(origin), .start = start, .end = end};
  const struct node_request q = {.peer = from->name, .method = "POST", .path = "/add-entries", .query = ""};
  add_entries_head_write(&head, &h);
  struct node_call *c = node_begin(to->node, &q, resp);
  node_data(c, buf_view(&head), resp);
  buf_free(&head);
  return c;
}

static void upload_close(struct node_call *c, struct node_response *resp) {
  node_finish(c);
  buf_free(&resp->body);
}

static void test_uploads_at_once(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  struct node_response resp[4];
  struct node_call *c[4];
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  const struct node_log_view v = view(&r.party[0], 0);
  for (int i = 0; i < 3; i++) c[i] = upload_begin(&r.party[0], &r.party[1], v.origin, v.size, v.size, &resp[i]);
  assert_int_equal(resp[0].status, 0);
  assert_int_equal(resp[1].status, 0);
  assert_int_equal(resp[2].status, 503);
  assert_int_equal(resp[2].retry_after, 5);
  upload_close(c[2], &resp[2]);
  upload_close(c[0], &resp[0]);
  c[3] = upload_begin(&r.party[0], &r.party[1], v.origin, v.size, v.size, &resp[3]);
  assert_int_equal(resp[3].status, 0);
  node_end(c[3], &resp[3]);
  assert_int_equal(resp[3].status, 200);
  upload_close(c[3], &resp[3]);
  node_end(c[1], &resp[1]);
  assert_int_equal(resp[1].status, 200);
  upload_close(c[1], &resp[1]);
  rig_close(&r);
}

/* ---- the allowance for files ---- */

/* A forum of the first two parties with limits of its own. */
static void limited_forum(struct rig *r, const char *limits, char hex[static 65]) {
  char body[300], path[120];
  unsigned status;
  snprintf(body, sizeof body, "{\"title\":\"Narrow line\",\"members\":[\"%s\"],%s}", r->party[1].name, limits);
  json_t *v = rig_ask(&r->party[0], "POST", "/v1/forums", body, &status);
  assert_int_equal(status, 201);
  snprintf(hex, 65, "%s", json_string_value(json_object_get(v, "forum")));
  json_decref(v);
  rig_run(r, 5000);
  snprintf(path, sizeof path, "/v1/forums/%s/accept", hex);
  json_decref(rig_ask(&r->party[1], "POST", path, "{}", &status));
  assert_int_equal(status, 200);
  rig_run(r, 5000);
}

/* One file of that many bytes on its way into the bulk log. The answer to the request for a draft. */
static unsigned send_bytes(struct rig_party *p, size_t size) {
  char hex[65], body[700], path[100];
  uint8_t digest[32];
  unsigned status;
  struct buf text = {0};
  while (text.n < size) buf_u8(&text, 'x');
  sha256(digest, buf_view(&text));
  hex_encode(hex, BYTES(digest, 32));
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\",\"summary\":\"s\","
           "\"aware_at\":\"2021-05-07T10:00:00Z\"},\"files\":[{\"name\":\"x\",\"type\":\"text/plain\",\"size\":%zu,"
           "\"sha256\":\"%s\"}]}",
           size, hex);
  json_t *v = rig_ask(p, "POST", "/v1/statements", body, &status);
  if (status == 202) {
    const char *draft = json_string_value(json_object_get(v, "draft"));
    snprintf(path, sizeof path, "/v1/drafts/%s/files/0", draft);
    json_decref(rig_ask(p, "PUT", path, buf_cstr(&text), &status));
    assert_int_equal(status, 204);
    snprintf(path, sizeof path, "/v1/drafts/%s/send", draft);
    json_decref(rig_ask(p, "POST", path, "", &status));
  }
  json_decref(v);
  buf_free(&text);
  return status;
}

/* Our bulk log as the counterpart mirrors it. */
static struct node_log_view mirrored(struct rig *r) {
  return view(&r->party[1], 3);
}

static unsigned entries_status(struct rig *r, uint64_t start, uint64_t end) {
  struct node_response resp;
  struct node_call *c = upload_begin(&r->party[0], &r->party[1], view(&r->party[0], 1).origin, start, end, &resp);
  if (!resp.status) node_end(c, &resp);
  const unsigned status = resp.status;
  upload_close(c, &resp);
  return status;
}

/* The day's bytes are 200 entries; a file has 700. The upload under way ends with what has come, and goes on the next day. */
static void test_allowance_of_the_day(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  limited_forum(&r, "\"bytes_per_day\":819200", forum);
  assert_int_equal(send_bytes(&r.party[0], 700 * 4096), 202);
  rig_run(&r, 60000);
  assert_int_equal(mirrored(&r).size, 256); /* whole packages */
  assert_int_equal(view(&r.party[0], 1).size, 701);
  assert_int_equal(entries_status(&r, 256, 701), 429);
  rig_stop(&r.party[1]);
  rig_start(&r.party[1]); /* the same day still */
  assert_int_equal(entries_status(&r, 256, 701), 429);
  rig_run(&r, 60000);
  assert_int_equal(mirrored(&r).size, 256);
  rig_run(&r, 86400000);
  assert_int_equal(mirrored(&r).size, 512);
  rig_run(&r, 86400000);
  assert_int_equal(mirrored(&r).size, 701);
  assert_int_equal(entries_status(&r, 701, 701), 200); /* a renewal brings nothing new */
  rig_close(&r);
}

/* A checkpoint beyond the bytes in all is refused before anything is sent. */
static void test_allowance_in_all(void **state) {
  (void)state;
  struct rig r;
  char forum[65];
  rig_open(&r, TWO, 2);
  limited_forum(&r, "\"bytes_total\":40960", forum);
  assert_int_equal(send_bytes(&r.party[0], 9 * 4096), 202);
  rig_run(&r, 10000);
  assert_int_equal(mirrored(&r).size, 10);
  assert_int_equal(send_bytes(&r.party[0], 1), 413); /* refused here already */
  assert_int_equal(entries_status(&r, 10, 11), 429);
  assert_int_equal(entries_status(&r, 10, 10), 200);
  send_notice(&r.party[0], forum, "delivered"); /* statements never wait */
  rig_close(&r);
}

/* Drafts on the way count, those that have ended do not; and not those of another forum. */
static void test_allowance_of_drafts(void **state) {
  (void)state;
  struct rig r;
  char forum[65], body[600];
  unsigned status;
  rig_open(&r, TWO, 2);
  limited_forum(&r, "\"bytes_total\":40960", forum);
  snprintf(body, sizeof body,
           "{\"kind\":\"incident.notice\",\"precedence\":\"ROUTINE\",\"tlp\":\"amber\",\"body\":{\"title\":\"t\",\"summary\":\"s\","
           "\"aware_at\":\"2021-05-07T10:00:00Z\"},\"files\":[{\"name\":\"x\",\"type\":\"text/plain\",\"size\":%d,"
           "\"sha256\":\"%064d\"}]}",
           8 * 4096, 0);
  json_decref(rig_ask(&r.party[0], "POST", "/v1/statements", body, &status));
  assert_int_equal(status, 202); /* nine entries of the ten */
  json_t *v = rig_ask(&r.party[0], "POST", "/v1/statements", body, &status);
  assert_int_equal(status, 413);
  const char *why = json_string_value(json_object_get(v, "message"));
  assert_non_null(strstr(why, "36864"));
  assert_non_null(strstr(why, "4096 are left"));
  json_decref(v);
  assert_int_equal(send_bytes(&r.party[0], 1), 202);
  rig_run(&r, 5000);
  rig_run(&r, 2 * 3600000); /* the first one was never uploaded and is dropped */
  json_decref(rig_ask(&r.party[0], "POST", "/v1/statements", body, &status));
  assert_int_equal(status, 202);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_read),
      cmocka_unit_test(test_read_headers),
      cmocka_unit_test(test_read_not_cosigned),
      cmocka_unit_test(test_read_signed_only),
      cmocka_unit_test(test_read_members_only),
      cmocka_unit_test(test_uploads_at_once),
      cmocka_unit_test(test_allowance_of_the_day),
      cmocka_unit_test(test_allowance_in_all),
      cmocka_unit_test(test_allowance_of_drafts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
