#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "net/client.h"
#include "net_fixture.h"

struct fixture {
  struct fixture_handler seen;
  struct http_server *s;
  char dir[64];
  char local[FIXTURE_PATH_SIZE];
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  fixture_dir(f->dir);
  snprintf(f->local, sizeof f->local, "%s/local", f->dir);
  const struct http_handler h = fixture_handler(&f->seen);
  struct errmsg e = {""};
  assert_int_equal(http_server_start(&f->s, f->local, &h, &e), PARLEY_OK);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  http_server_stop(f->s);
  /* NULL contexts (out of memory) have nothing to free; each other one is freed exactly once. */
  const size_t kept = strcmp(f->seen.last_path, "/memory") == 0 ? 0 : f->seen.begun;
  assert_int_equal(f->seen.done, kept);
  assert_int_equal(f->seen.data_after_refusal, 0);
  fixture_dir_remove(f->dir);
  free(f);
  return 0;
}

static int connect_as(struct fixture *f, const char *peer) {
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  struct errmsg e;
  assert_int_equal(http_server_adopt(f->s, ends[1], peer, &e), PARLEY_OK);
  return ends[0];
}

static void ask(struct raw_answer *a, struct fixture *f, int fd, const char *request) {
  raw_talk(a, f->s, fd, request, strlen(request));
}

static void expect(struct fixture *f, int fd, const char *request, unsigned status, const char *body) {
  struct raw_answer a;
  ask(&a, f, fd, request);
  assert_int_equal(a.status, status);
  if (body != NULL) {
    assert_string_equal((const char *)a.body.p, body);
  }
  raw_free(&a);
}

/* ---- requests ---- */

static void test_what_the_handler_sees(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "ru.example");
  expect(f, fd, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n", 200,
         "peer=ru.example method=GET path=/who query= type= length=0");
  expect(f, fd, "PUT /who?a=%20b&c HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nhi", 200,
         "peer=ru.example method=PUT path=/who query=a=%20b&c type=text/x length=2");
  expect(f, fd, "POST /%77ho HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200,
         "peer=ru.example method=POST path=/who query= type= length=-1");
  close(fd);
}

static void test_two_peers_are_told_apart(void **state) {
  struct fixture *f = *state;
  const int a = connect_as(f, "a.example"), b = connect_as(f, "b.example");
  expect(f, b, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n", 200,
         "peer=b.example method=GET path=/who query= type= length=0");
  expect(f, a, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n", 200,
         "peer=a.example method=GET path=/who query= type= length=0");
  close(a);
  close(b);
}

static void test_head_has_no_body(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "a.example");
  struct raw_answer a;
  raw_head(&a, f->s, fd, "HEAD /stream?5000000 HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(a.status, 200);
  assert_true(raw_has(&a, "Content-Length: 5000000"));
  assert_int_equal(a.body.n, 0);
  raw_free(&a);
  expect(f, fd, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0"); /* nothing was left in between */
  assert_int_equal(f->seen.owners_freed, 1);
  close(fd);
}

static void test_methods(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "a.example");
  static const char *const unknown[] = {"OPTIONS /who", "PATCH /who", "get /who", "TRACE /who", "BREW /who"};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    char text[128];
    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\n\r\n", unknown[i]);
    struct raw_answer a;
    ask(&a, f, fd, text);
    assert_int_equal(a.status, 405);
    assert_true(raw_has(&a, "Allow: GET, HEAD, POST, PUT, DELETE"));
    raw_free(&a);
  }
  assert_int_equal(f->seen.begun, 0);
  expect(f, fd, "DELETE /who HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
  close(fd);
}

static void test_malformed_paths(void **state) {
  struct fixture *f = *state;
  static const char *const bad[] = {"/a%00b", "/a%zz", "/a%2", "/a%", "/%ff%fe", "/%c0%af", "http://x/who", "*"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    const int fd = connect_as(f, "a.example");
    char text[128];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", bad[i]);
    expect(f, fd, text, 400, NULL);
    close(fd);
  }
  assert_int_equal(f->seen.begun, 0);
  const int fd = connect_as(f, "a.example");
  expect(f, fd, "GET /%D0%B6%2f HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL);
  assert_string_equal(f->seen.last_path, "/\xd0\xb6/");
  close(fd);
}

static void test_long_headers(void **state) {
  struct fixture *f = *state;
  static const size_t sizes[] = {HTTP_HEADER_MAX + 200, 3 * HTTP_HEADER_MAX, 10 * HTTP_HEADER_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct buf text = {0};
    buf_str(&text, "GET /who HTTP/1.1\r\nHost: x\r\n");
    for (int line = 0; text.n < sizes[i]; line++) {
      buf_fmt(&text, "X-Filler-%d: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n", line);
    }
    buf_str(&text, "\r\n");
    const int fd = connect_as(f, "a.example");
    struct raw_answer a;
    raw_talk(&a, f->s, fd, text.p, text.n);
    assert_int_equal(a.status, 431);
    raw_free(&a);
    buf_free(&text);
    close(fd);
  }
  assert_int_equal(f->seen.begun, 0);
}

static void test_headers_within_the_bound(void **state) {
  struct fixture *f = *state;
  struct buf text = {0};
  buf_str(&text, "GET /count HTTP/1.1\r\nHost: x\r\n");
  while (text.n < HTTP_HEADER_MAX - 200) {
    buf_str(&text, "X-Filler: 0123456789012345678901234567890123456789\r\n");
  }
  buf_str(&text, "\r\n");
  const int fd = connect_as(f, "a.example");
  struct raw_answer a;
  raw_talk(&a, f->s, fd, text.p, text.n);
  assert_int_equal(a.status, 200);
  raw_free(&a);
  buf_free(&text);
  close(fd);
}

static void test_handler_without_answer_or_memory(void **state) {
  struct fixture *f = *state;
  int fd = connect_as(f, "a.example");
  expect(f, fd, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", 500, NULL);
  close(fd);
  f->seen = (struct fixture_handler){0};
  fd = connect_as(f, "a.example");
  expect(f, fd, "GET /memory HTTP/1.1\r\nHost: x\r\n\r\n", 503, NULL);
  close(fd);
}

static void test_too_many_requests(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "greedy.example");
  unsigned status = 200;
  size_t answered = 0;
  struct raw_answer a = {0};
  /* The share grows while we ask: twice the bound is far more than can be refilled meanwhile. */
  for (; status == 200 && answered < 2 * HTTP_REQUESTS_PER_MINUTE; answered++) {
    raw_free(&a);
    ask(&a, f, fd, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n");
    status = a.status;
  }
  assert_int_equal(status, 429);
  assert_true(answered > HTTP_REQUESTS_PER_MINUTE);
  assert_true(raw_has(&a, "Retry-After: 1"));
  raw_free(&a);
  /* Coming back under the same name brings no new share; another party is not affected. */
  const int again = connect_as(f, "greedy.example"), other = connect_as(f, "modest.example");
  expect(f, other, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
  struct raw_answer b;
  const size_t before = f->seen.begun;
  for (size_t i = 0; i < 1000; i++) { /* at most a few have been refilled */
    ask(&b, f, again, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n");
    status = b.status;
    raw_free(&b);
  }
  assert_int_equal(status, 429);
  assert_true(f->seen.begun - before < 1000);
  close(fd);
  close(again);
  close(other);
}

/* ---- bodies ---- */

static void test_large_body_round_trip(void **state) {
  struct fixture *f = *state;
  const size_t n = (size_t)8 << 20;
  struct buf text = {0};
  buf_fmt(&text,
          "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n", n);
  const size_t head = text.n;
  for (size_t i = 0; i < n; i++) {
    buf_u8(&text, fixture_stream_byte(i));
  }
  assert_true(buf_ok(&text));
  const int fd = connect_as(f, "a.example");
  struct raw_answer a;
  raw_talk(&a, f->s, fd, text.p, text.n);
  assert_int_equal(a.status, 200);
  assert_true(raw_has(&a, "Content-Type: application/octet-stream"));
  assert_true(raw_has(&a, "Cache-Control: no-store"));
  assert_int_equal(a.body.n, n);
  assert_memory_equal(a.body.p, text.p + head, n);
  raw_free(&a);
  buf_free(&text);
  close(fd);
}

static void test_streamed_answer(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "a.example");
  struct raw_answer a;
  ask(&a, f, fd, "GET /stream?3000001 HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(a.status, 200);
  assert_int_equal(a.body.n, 3000001);
  for (size_t i = 0; i < a.body.n; i++) {
    if (a.body.p[i] != fixture_stream_byte(i)) {
      fail_msg("byte %zu differs", i);
    }
  }
  raw_free(&a);
  expect(f, fd, "GET /stream?0 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "");
  assert_int_equal(f->seen.owners_freed, 2);
  close(fd);
}

static void test_failing_stream_cuts_the_connection(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "a.example");
  struct raw_answer a;
  ask(&a, f, fd, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_true(a.closed);
  assert_true(a.body.n < 1 << 20);
  assert_int_equal(f->seen.owners_freed, 1);
  raw_free(&a);
  close(fd);
}

static void gzip(struct buf *out, const void *p, size_t n) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  const size_t bound = deflateBound(&z, n) + 64;
  uint8_t *packed = malloc(bound);
  assert_non_null(packed);
  z.next_in = (z_const Bytef *)p;
  z.avail_in = (uInt)n;
  z.next_out = packed;
  z.avail_out = (uInt)bound;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  buf_add(out, packed, bound - z.avail_out);
  deflateEnd(&z);
  free(packed);
}

static void send_gzip(struct raw_answer *a, struct fixture *f, int fd, const char *path, struct bytes packed) {
  struct buf text = {0};
  buf_fmt(&text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", path,
          packed.n);
  buf_bytes(&text, packed);
  raw_talk(a, f->s, fd, text.p, text.n);
  buf_free(&text);
}

static void test_gzip_body(void **state) {
  struct fixture *f = *state;
  struct buf plain = {0}, packed = {0};
  for (unsigned i = 0; i < 60000; i++) {
    buf_fmt(&plain, "line %u of a compressible text\n", i * i % 977);
  }
  gzip(&packed, plain.p, plain.n / 2); /* two members, as RFC 1952 allows */
  gzip(&packed, plain.p + plain.n / 2, plain.n - plain.n / 2);
  assert_true(packed.n < plain.n / 3);
  const int fd = connect_as(f, "a.example");
  struct raw_answer a;
  send_gzip(&a, f, fd, "/echo", buf_view(&packed));
  assert_int_equal(a.status, 200);
  assert_int_equal(a.body.n, plain.n);
  assert_memory_equal(a.body.p, plain.p, plain.n);
  raw_free(&a);
  send_gzip(&a, f, fd, "/who", buf_view(&packed)); /* the length that is announced is not the body's */
  assert_string_equal((const char *)a.body.p, "peer=a.example method=POST path=/who query= type= length=-1");
  raw_free(&a);
  buf_free(&plain);
  buf_free(&packed);
  close(fd);
}

static void test_damaged_gzip(void **state) {
  struct fixture *f = *state;
  struct buf packed = {0};
  char text[5000];
  memset(text, 'x', sizeof text);
  gzip(&packed, text, sizeof text);
  for (int kind = 0; kind < 4; kind++) {
    struct buf bad = {0};
    buf_bytes(&bad, buf_view(&packed));
    switch (kind) {
    case 0: bad.n -= 1; break;            /* ends early */
    case 1: bad.p[bad.n - 6] ^= 1; break; /* checksum */
    case 2: bad.p[0] = 0; break;          /* no gzip at all */
    default: buf_str(&bad, "rubbish");    /* something behind it */
    }
    const int fd = connect_as(f, "a.example");
    struct raw_answer a;
    send_gzip(&a, f, fd, "/echo", buf_view(&bad));
    assert_int_equal(a.status, 400);
    raw_free(&a);
    buf_free(&bad);
    close(fd);
  }
  const int fd = connect_as(f, "a.example");
  expect(f, fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nhi", 415, NULL);
  assert_int_equal(f->seen.ended, 0);
  buf_free(&packed);
  close(fd);
}

static void ask_packed(struct raw_answer *a, struct fixture *f, int fd, const char *accept, struct bytes body) {
  struct buf text = {0};
  buf_fmt(&text, "POST /packed HTTP/1.1\r\nHost: x\r\n%s%s%sContent-Length: %zu\r\n\r\n",
          accept ? "Accept-Encoding: " : "", accept ? accept : "", accept ? "\r\n" : "", body.n);
  buf_bytes(&text, body);
  raw_talk(a, f->s, fd, text.p, text.n);
  buf_free(&text);
  assert_int_equal(a->status, 200);
  assert_true(raw_has(a, "Vary: Accept-Encoding"));
}

static void check_packed(struct bytes packed, struct bytes want) {
  z_stream z = {.next_in = (z_const Bytef *)packed.p, .avail_in = (uInt)packed.n};
  uint8_t *got = malloc(want.n + 1);
  assert_non_null(got);
  z.next_out = got;
  z.avail_out = (uInt)want.n + 1;
  assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
  assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
  assert_int_equal(z.total_out, want.n);
  assert_memory_equal(got, want.p, want.n);
  inflateEnd(&z);
  free(got);
}

/* tlog-tiles: Log entries. Compressed for those who accept it, when there is something to save. */
static void test_packed_answer(void **state) {
  struct fixture *f = *state;
  static const char *const plain[] = {NULL, "identity", "br", "gzip;q=0"};
  struct buf body = {0};
  struct raw_answer a;
  const int fd = connect_as(f, "a.example");
  for (unsigned i = 0; i < 3000; i++) {
    buf_fmt(&body, "entry %u\n", i);
  }
  ask_packed(&a, f, fd, "gzip, identity", buf_view(&body));
  assert_true(raw_has(&a, "Content-Encoding: gzip"));
  assert_true(a.body.n < body.n / 2);
  check_packed(buf_view(&a.body), buf_view(&body));
  raw_free(&a);
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    ask_packed(&a, f, fd, plain[i], buf_view(&body));
    assert_false(raw_has(&a, "Content-Encoding: gzip"));
    assert_int_equal(a.body.n, body.n);
    assert_memory_equal(a.body.p, body.p, body.n);
    raw_free(&a);
  }
  ask_packed(&a, f, fd, "gzip", bytes_str("short"));
  assert_false(raw_has(&a, "Content-Encoding: gzip"));
  assert_string_equal((const char *)a.body.p, "short");
  raw_free(&a);
  buf_free(&body);
  close(fd);
}

/* tlog-mirror: Request Body. Whoever sends a body learns which encoding it may have. */
static void test_says_that_gzip_is_taken(void **state) {
  struct fixture *f = *state;
  static const char *const with_body[] = {
      "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
      "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
      "POST /count HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nhi"};
  struct raw_answer a;
  const int fd = connect_as(f, "a.example");
  for (size_t i = 0; i < sizeof with_body / sizeof *with_body; i++) {
    ask(&a, f, fd, with_body[i]);
    assert_true(raw_has(&a, "Accept-Encoding: gzip"));
    raw_free(&a);
  }
  ask(&a, f, fd, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_false(raw_has(&a, "Accept-Encoding: gzip"));
  raw_free(&a);
  close(fd);
}

/* 64 MiB in some 64 KiB: the handler must be able to stop it after its own bound. */
static void test_decompression_bomb(void **state) {
  struct fixture *f = *state;
  const size_t n = (size_t)64 << 20;
  uint8_t *zeroes = calloc(1, n);
  assert_non_null(zeroes);
  struct buf packed = {0};
  gzip(&packed, zeroes, n);
  free(zeroes);
  const int fd = connect_as(f, "a.example");
  struct raw_answer a;
  send_gzip(&a, f, fd, "/limit", buf_view(&packed));
  assert_int_equal(a.status, 413);
  assert_true(f->seen.largest < (1 << 20) + 65536);
  raw_free(&a);
  buf_free(&packed);
  close(fd);
}

static void chunked(struct buf *out, const char *path, size_t chunks) {
  static uint8_t block[65536];
  buf_fmt(out, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", path);
  for (size_t i = 0; i < chunks; i++) {
    buf_str(out, "10000\r\n");
    buf_add(out, block, sizeof block);
    buf_str(out, "\r\n");
  }
  buf_str(out, "0\r\n\r\n");
}

static void test_handler_refuses_early(void **state) {
  struct fixture *f = *state;
  /* A little too long: the rest is read, the answer complete, the connection lives. */
  struct buf text = {0};
  chunked(&text, "/limit", 20);
  int fd = connect_as(f, "a.example");
  struct raw_answer a;
  raw_talk(&a, f->s, fd, text.p, text.n);
  assert_int_equal(a.status, 413);
  assert_string_equal((const char *)a.body.p, "too large");
  assert_false(a.closed);
  raw_free(&a);
  expect(f, fd, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0");
  close(fd);
  /* Far too long: the status, and then the end. */
  buf_clear(&text);
  chunked(&text, "/limit", 512);
  fd = connect_as(f, "a.example");
  raw_talk(&a, f->s, fd, text.p, text.n);
  assert_int_equal(a.status, 413);
  assert_true(raw_has(&a, "Connection: close"));
  assert_true(f->seen.largest < (1 << 20) + 131072);
  raw_free(&a);
  buf_free(&text);
  close(fd);
}

static void test_begin_refuses(void **state) {
  struct fixture *f = *state;
  int fd = connect_as(f, "a.example");
  expect(f, fd, "POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 403, "refused");
  expect(f, fd, "GET /refuse HTTP/1.1\r\nHost: x\r\n\r\n", 403, "refused"); /* the connection lived on */
  /* A long body is not awaited: the answer comes although nothing of it was sent. */
  expect(f, fd, "POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000\r\n\r\n", 403, "refused");
  close(fd);
  fd = connect_as(f, "a.example");
  expect(f, fd, "POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 403, "refused");
  assert_int_equal(f->seen.ended, 0);
  close(fd);
}

static void test_peer_vanishes_inside_the_body(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "a.example");
  static const char text[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this";
  assert_int_equal(send(fd, text, sizeof text - 1, MSG_NOSIGNAL), sizeof text - 1);
  const int64_t until_ms = fixture_until_ms();
  while (f->seen.begun == 0) {
    fixture_turn(f->s, -1, 0, until_ms);
  }
  close(fd);
  while (f->seen.done == 0) {
    fixture_turn(f->s, -1, 0, until_ms);
  }
  assert_int_equal(f->seen.ended, 0);
}

/* ---- answers that come later ---- */

static void wait_for_later(struct fixture *f, int fd) {
  static const char text[] = "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
  assert_int_equal(send(fd, text, sizeof text - 1, MSG_NOSIGNAL), sizeof text - 1);
  const int64_t until_ms = fixture_until_ms();
  f->seen.later = NULL;
  while (f->seen.later == NULL) {
    fixture_turn(f->s, -1, 0, until_ms);
  }
}

static void test_answer_comes_later(void **state) {
  struct fixture *f = *state;
  const int slow = connect_as(f, "a.example"), quick = connect_as(f, "a.example");
  wait_for_later(f, slow);
  void *ctx = f->seen.later;
  expect(f, quick, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0"); /* nobody else waits */
  const struct http_response r = {
      .status = 202, .content_type = "text/plain", .body = bytes_str("done now"), .retry_after = 7};
  http_server_answer(f->s, ctx, &r);
  http_server_answer(f->s, ctx, &r); /* a second answer has no effect */
  struct raw_answer a;
  raw_talk(&a, f->s, slow, "", 0);
  assert_int_equal(a.status, 202);
  assert_string_equal((const char *)a.body.p, "done now");
  assert_true(raw_has(&a, "Retry-After: 7"));
  raw_free(&a);
  expect(f, slow, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0");
  close(slow);
  close(quick);
}

static void test_peer_vanishes_while_waiting(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "a.example");
  wait_for_later(f, fd);
  close(fd);
  const struct http_response r = {.status = 200, .body = bytes_str("too late")};
  http_server_answer(f->s, f->seen.later, &r);
  const int64_t until_ms = fixture_until_ms();
  while (f->seen.done == 0) {
    fixture_turn(f->s, -1, 0, until_ms);
  }
}

static void test_stop_with_requests_waiting(void **state) {
  struct fixture *f = *state;
  const int fd = connect_as(f, "a.example");
  wait_for_later(f, fd); /* teardown stops the server and sees the context freed */
  close(fd);
}

/* ---- the local socket ---- */

static int connect_local(const struct fixture *f) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  snprintf(a.sun_path, sizeof a.sun_path, "%s", f->local);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
  return fd;
}

static void test_local_socket(void **state) {
  struct fixture *f = *state;
  struct stat st;
  assert_int_equal(lstat(f->local, &st), 0);
  assert_true(S_ISSOCK(st.st_mode));
  assert_int_equal(st.st_mode & 07777, 0600);
  const int fd = connect_local(f);
  expect(f, fd, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n", 200, "peer=(local) method=GET path=/who query= type= length=0");
  close(fd);
}

static void test_second_server_is_refused(void **state) {
  struct fixture *f = *state;
  const struct http_handler h = fixture_handler(&f->seen);
  struct http_server *second;
  struct errmsg e = {""};
  assert_int_equal(http_server_start(&second, f->local, &h, &e), PARLEY_EBUSY);
  assert_non_null(strstr(e.text, "another parleyd is running on this home"));
  assert_null(second);
  const int fd = connect_local(f); /* the first is unharmed */
  expect(f, fd, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0");
  close(fd);
}

static void test_stale_socket_is_replaced(void **state) {
  struct fixture *f = *state;
  char path[FIXTURE_PATH_SIZE + 8];
  snprintf(path, sizeof path, "%s2", f->local);
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
  const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(dead, (const struct sockaddr *)&a, sizeof a), 0);
  close(dead); /* the file stays, as after a crash */
  const struct http_handler h = fixture_handler(&f->seen);
  struct http_server *s;
  struct errmsg e = {""};
  assert_int_equal(http_server_start(&s, path, &h, &e), PARLEY_OK);
  http_server_stop(s);
  assert_int_equal(access(path, F_OK), -1); /* removed at the end */
}

static void test_foreign_file_is_kept(void **state) {
  struct fixture *f = *state;
  char path[FIXTURE_PATH_SIZE + 8];
  snprintf(path, sizeof path, "%s3", f->local);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fclose(file);
  const struct http_handler h = fixture_handler(&f->seen);
  struct http_server *s;
  struct errmsg e = {""};
  assert_int_equal(http_server_start(&s, path, &h, &e), PARLEY_ECONFLICT);
  assert_int_equal(access(path, F_OK), 0);
  char longer[200];
  memset(longer, 'a', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  assert_int_equal(http_server_start(&s, longer, &h, &e), PARLEY_EINVAL);
}

static void test_local_limit_makes_others_wait(void **state) {
  struct fixture *f = *state;
  int fds[80];
  for (size_t i = 0; i < 80; i++) {
    fds[i] = connect_local(f);
    http_server_run(f->s);
  }
  const int peer = connect_as(f, "a.example"); /* the gate has its own places */
  expect(f, peer, "GET /count HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0");
  for (size_t i = 0; i < 64; i++) {
    close(fds[i]);
  }
  expect(f, fds[79], "GET /count HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0");
  for (size_t i = 64; i < 80; i++) {
    close(fds[i]);
  }
  close(peer);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(test_what_the_handler_sees),
      T(test_two_peers_are_told_apart),
      T(test_head_has_no_body),
      T(test_methods),
      T(test_malformed_paths),
      T(test_long_headers),
      T(test_headers_within_the_bound),
      T(test_handler_without_answer_or_memory),
      T(test_too_many_requests),
      T(test_large_body_round_trip),
      T(test_streamed_answer),
      T(test_failing_stream_cuts_the_connection),
      T(test_gzip_body),
      T(test_damaged_gzip),
      T(test_packed_answer),
      T(test_says_that_gzip_is_taken),
      T(test_decompression_bomb),
      T(test_handler_refuses_early),
      T(test_begin_refuses),
      T(test_peer_vanishes_inside_the_body),
      T(test_answer_comes_later),
      T(test_peer_vanishes_while_waiting),
      T(test_stop_with_requests_waiting),
      T(test_local_socket),
      T(test_second_server_is_refused),
      T(test_stale_socket_is_replaced),
      T(test_foreign_file_is_kept),
      T(test_local_limit_makes_others_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
