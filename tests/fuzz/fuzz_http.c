/*
 * Bytes of a counterpart, or of a program on this machine, as they come out of the connection: HTTP, gzip in request
 * bodies, targets and queries. The first byte says from whom and in what pieces. The handler sees each request begin
 * once and end at most once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/server.h"

struct seen {
  unsigned begun, ended, done;
  bool answer_early;
};

static void must(bool x) {
  if (!x) abort();
}

static void *on_begin(void *user, const struct http_request *r, struct http_response *out) {
  struct seen *s = user;
  must(r->method && r->path[0] == '/' && r->query && r->content_type);
  s->begun++;
  s->answer_early = strstr(r->query, "early") != NULL;
  if (strstr(r->query, "refuse")) out->status = 403;
  return s;
}

static void on_data(void *user, void *ctx, struct bytes in, struct http_response *out) {
  struct seen *s = user;
  must(ctx == s && in.n > 0 && s->ended < s->begun);
  if (s->answer_early) out->status = 413;
}

static void on_end(void *user, void *ctx, struct http_response *out, bool *later) {
  struct seen *s = user;
  (void)later;
  must(ctx == s && ++s->ended <= s->begun);
  out->status = 200;
  out->content_type = "text/plain";
  static const char body[1000]; /* long enough to be compressed */
  out->body = BYTES(body, sizeof body);
  out->gzip = true;
}

static void on_done(void *user, void *ctx) {
  struct seen *s = user;
  must(ctx == s && ++s->done <= s->begun);
}

static void drain(int fd) {
  uint8_t buf[4096];
  while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0) continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct seen seen = {0};
  struct http_server *s;
  int ends[2];
  if (n == 0) return 0;
  const struct http_handler h = {&seen, on_begin, on_data, on_end, on_done};
  must(http_server_start(&s, NULL, &h, NULL) == PARLEY_OK);
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  must(http_server_adopt(s, ends[1], "ncc.ru.example", NULL) == PARLEY_OK);
  const size_t step = 1u + p[0] * 16u;
  for (size_t at = 1; at < n; at += step) {
    if (send(ends[0], p + at, n - at < step ? n - at : step, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN) break;
    http_server_run(s);
    drain(ends[0]);
  }
  shutdown(ends[0], SHUT_WR);
  for (int i = 0; i < 4; i++) {
    http_server_run(s);
    drain(ends[0]);
  }
  close(ends[0]);
  http_server_run(s);
  http_server_stop(s);
  must(seen.done == seen.begun);
  return 0;
}
