#include "net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sys.h"

#define LIMIT ((size_t)1 << 20)

/* ---- identities ---- */

void fixture_dir(char out[static 64]) {
  snprintf(out, 64, "/tmp/parley-net-XXXXXX");
  assert_non_null(mkdtemp(out));
}

void fixture_dir_remove(const char *dir) {
  DIR *d = opendir(dir);
  assert_non_null(d);
  for (const struct dirent *f; (f = readdir(d)) != NULL;) {
    unlinkat(dirfd(d), f->d_name, 0);
  }
  closedir(d);
  rmdir(dir);
}

static void save(char path[static FIXTURE_PATH_SIZE], const char *dir, const char *name, const char *ext,
                 const struct buf *text) {
  snprintf(path, FIXTURE_PATH_SIZE, "%s/%s.%s", dir, name, ext);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(text->p, 1, text->n, f), text->n);
  assert_int_equal(fclose(f), 0);
}

void identity_make(struct identity *out, const char *dir, const char *name) {
  struct buf key = {0}, cert = {0};
  struct errmsg e;
  assert_int_equal(link_cert_make(&key, &cert, out->pin, name, 1600000000, 7300, &e), PARLEY_OK);
  save(out->key, dir, name, "key", &key);
  save(out->cert, dir, name, "crt", &cert);
  buf_free(&key);
  buf_free(&cert);
}

/* ---- the handler ---- */

struct call {
  struct fixture_handler *h;
  char path[128];
  char type[128];
  bool refused;
  struct buf body;
  size_t seen;
  uint64_t stream;
  char text[512];
};

struct stream {
  struct fixture_handler *h;
  uint64_t fail_at;
};

uint8_t fixture_stream_byte(uint64_t i) { return (uint8_t)(i * 7 + (i >> 11)); }

static int64_t stream_read(void *owner, uint64_t offset, uint8_t *out, size_t cap) {
  const struct stream *s = owner;
  if (offset >= s->fail_at) {
    return -1;
  }
  for (size_t i = 0; i < cap; i++) {
    out[i] = fixture_stream_byte(offset + i);
  }
  return (int64_t)cap;
}

static void stream_free(void *owner) {
  struct stream *s = owner;
  s->h->owners_freed++;
  free(s);
}

static void answer_stream(struct fixture_handler *h, struct http_response *out, uint64_t length, uint64_t fail_at) {
  struct stream *s = malloc(sizeof *s);
  assert_non_null(s);
  *s = (struct stream){.h = h, .fail_at = fail_at};
  *out = (struct http_response){.status = 200,
                                .content_type = "application/octet-stream",
                                .length = length,
                                .read = stream_read,
                                .owner = s,
                                .free_owner = stream_free};
}

static void answer_text(struct http_response *out, unsigned status, const char *text) {
  *out = (struct http_response){.status = status, .content_type = "text/plain", .body = bytes_str(text)};
}

static void *on_begin(void *user, const struct http_request *r, struct http_response *out) {
  struct fixture_handler *h = user;
  h->begun++;
  snprintf(h->last_path, sizeof h->last_path, "%s", r->path);
  if (strcmp(r->path, "/memory") == 0) {
    return NULL;
  }
  struct call *c = calloc(1, sizeof *c);
  assert_non_null(c);
  c->h = h;
  c->stream = strtoull(r->query, NULL, 10);
  snprintf(c->path, sizeof c->path, "%s", r->path);
  snprintf(c->type, sizeof c->type, "%s", r->content_type);
  snprintf(c->text, sizeof c->text, "peer=%s method=%s path=%s query=%s type=%s length=%lld",
           r->peer == NULL ? "(local)" : r->peer, r->method, r->path, r->query, r->content_type,
           (long long)r->content_length);
  if (strcmp(r->path, "/refuse") == 0) {
    answer_text(out, 403, "refused");
    c->refused = true;
  }
  return c;
}

static void on_data(void *user, void *ctx, struct bytes in, struct http_response *out) {
  struct fixture_handler *h = user;
  struct call *c = ctx;
  h->data_after_refusal += c->refused;
  c->seen += in.n;
  h->largest = c->seen > h->largest ? c->seen : h->largest;
  if (strcmp(c->path, "/limit") == 0 && c->seen > LIMIT) {
    answer_text(out, 413, "too large");
    c->refused = true;
  } else if (strcmp(c->path, "/echo") == 0 || strcmp(c->path, "/packed") == 0) {
    buf_bytes(&c->body, in);
  }
}

static void on_end(void *user, void *ctx, struct http_response *out, bool *later) {
  struct fixture_handler *h = user;
  struct call *c = ctx;
  h->ended++;
  assert_false(c->refused);
  if (strcmp(c->path, "/who") == 0) {
    answer_text(out, 200, c->text);
  } else if (strcmp(c->path, "/echo") == 0) {
    *out =
        (struct http_response){.status = 200, .content_type = c->type, .body = buf_view(&c->body), .cache = "no-store"};
  } else if (strcmp(c->path, "/packed") == 0) { /* what is sent back may be compressed */
    *out = (struct http_response){.status = 200, .content_type = c->type, .body = buf_view(&c->body), .gzip = true};
  } else if (strcmp(c->path, "/count") == 0 || strcmp(c->path, "/limit") == 0) {
    snprintf(c->text, sizeof c->text, "%zu", c->seen);
    answer_text(out, 200, c->text);
  } else if (strcmp(c->path, "/later") == 0) {
    h->later = c;
    *later = true;
  } else if (strcmp(c->path, "/stream") == 0) {
    answer_stream(h, out, c->stream, UINT64_MAX);
  } else if (strcmp(c->path, "/cut") == 0) {
    answer_stream(h, out, 1 << 20, 1 << 19);
  } else if (strcmp(c->path, "/none") != 0) {
    answer_text(out, 404, "no such path");
  }
}

static void on_done(void *user, void *ctx) {
  struct fixture_handler *h = user;
  struct call *c = ctx;
  h->done++;
  buf_free(&c->body);
  free(c);
}

struct http_handler fixture_handler(struct fixture_handler *h) {
  return (struct http_handler){.user = h, .begin = on_begin, .data = on_data, .end = on_end, .done = on_done};
}

/* ---- raw HTTP ---- */

int64_t fixture_until_ms(void) { return net_now_ms() + FIXTURE_PATIENCE_MS; }

void fixture_turn(struct http_server *s, int fd, short events, int64_t until_ms) {
  const int64_t left = until_ms - net_now_ms();
  if (left <= 0) {
    fail_msg("nothing happened for %d ms", FIXTURE_PATIENCE_MS);
  }
  const int wait = http_server_timeout_ms(s);
  struct pollfd p[2] = {{.fd = http_server_fd(s), .events = POLLIN}, {.fd = fd, .events = events}};
  const bool patience = wait < 0 || wait > left;
  if (poll(p, fd < 0 ? 1 : 2, patience ? (int)left : wait) == 0 && patience) {
    fail_msg("nothing happened for %d ms", FIXTURE_PATIENCE_MS); /* running it now could hide that nobody was told */
  }
  http_server_run(s);
}

static size_t head_end(const struct buf *b) {
  for (size_t i = 0; i + 4 <= b->n; i++) {
    if (memcmp(b->p + i, "\r\n\r\n", 4) == 0) {
      return i + 4;
    }
  }
  return 0;
}

bool raw_has(const struct raw_answer *a, const char *header_line) {
  char line[256];
  snprintf(line, sizeof line, "\r\n%s\r\n", header_line);
  return memmem(a->head.p, a->head.n, line, strlen(line)) != NULL;
}

static size_t content_length(const struct buf *all, size_t head) {
  static const char name[] = "\r\nContent-Length: ";
  const uint8_t *at = memmem(all->p, head, name, sizeof name - 1);
  return at == NULL ? 0 : strtoull((const char *)at + sizeof name - 1, NULL, 10);
}

static bool read_some(int fd, struct buf *in, bool *closed) {
  uint8_t chunk[65536];
  const ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (n > 0) {
    buf_add(in, chunk, (size_t)n);
  }
  *closed = n == 0 || (n < 0 && errno != EAGAIN);
  return n > 0;
}

static void split(struct raw_answer *out, struct buf *all, size_t head) {
  buf_add(&out->head, all->p, head);
  buf_add(&out->body, all->p + head, all->n - head);
  assert_non_null(buf_cstr(&out->head));
  assert_non_null(buf_cstr(&out->body));
  unsigned status = 0;
  if (head > 0) {
    assert_int_equal(sscanf((const char *)out->head.p, "HTTP/1.1 %u", &status), 1);
  }
  out->status = status;
  buf_free(all);
}

static void talk(struct raw_answer *out, struct http_server *s, int fd, const uint8_t *p, size_t n, bool no_body) {
  *out = (struct raw_answer){0};
  struct buf all = {0};
  const int64_t until_ms = fixture_until_ms();
  size_t head = 0;
  while (!out->closed && (head == 0 || (!no_body && all.n < head + content_length(&all, head)))) {
    fixture_turn(s, fd, n > 0 ? POLLIN | POLLOUT : POLLIN, until_ms);
    if (n > 0) {
      const ssize_t sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
      n = sent < 0 && errno != EAGAIN ? 0 : n - (sent > 0 ? (size_t)sent : 0);
      p += sent > 0 ? sent : 0;
    }
    while (read_some(fd, &all, &out->closed)) {
    }
    head = head_end(&all);
  }
  split(out, &all, head);
}

void raw_talk(struct raw_answer *out, struct http_server *s, int fd, const void *request, size_t n) {
  talk(out, s, fd, request, n, false);
}

void raw_head(struct raw_answer *out, struct http_server *s, int fd, const char *request) {
  talk(out, s, fd, (const uint8_t *)request, strlen(request), true);
}

void raw_free(struct raw_answer *a) {
  buf_free(&a->head);
  buf_free(&a->body);
}
