/*
 * HTTP/1.1 server: libmicrohttpd without threads, driven by the owner's loop. Serves connections handed over by the
 * gate (each with a peer's name) and a local unix socket (mode 0600; peer NULL). Request bodies are streamed to the
 * handler, response bodies can be streamed from it. Content-Encoding: gzip in requests is inflated here (bounded);
 * answers to requests with a body say by Accept-Encoding that it may be used.
 */
#ifndef PARLEY_NET_SERVER_H
#define PARLEY_NET_SERVER_H

#include "base/bytes.h"
#include "base/err.h"

#define HTTP_HEADER_MAX 16384         /* bytes of all headers; more is 431 */
#define HTTP_REQUESTS_PER_MINUTE 6000 /* per peer; more is 429 with Retry-After */

#define HTTP_OPEN_PEER "*" /* whoever comes by the open mirror's listener: no party has this name */
#define HTTP_OPEN_CONNECTIONS_MAX 64

struct http_server;

struct http_request {
  const char *peer;         /* party name from the gate, or HTTP_OPEN_PEER; NULL on the local socket */
  const char *method;       /* "GET", "POST", "PUT", "DELETE" */
  const char *path;         /* decoded path without query, starts with '/' */
  const char *query;        /* raw query string, "" when absent */
  const char *content_type; /* "" when absent */
  uint64_t content_length;  /* UINT64_MAX when not known (chunked or gzip) */
};

struct http_response {
  unsigned status;          /* 0 while not set */
  const char *content_type; /* static or living as long as `owner` */
  struct bytes body;        /* used when read == NULL; owned by `owner` */
  uint64_t length;          /* of a streamed body */
  /* Streamed body: fills at most cap bytes and returns how many; 0 or -1 before `length` cuts the connection. */
  int64_t (*read)(void *owner, uint64_t offset, uint8_t *out, size_t cap);
  void *owner;
  void (*free_owner)(void *owner); /* called once when the response is sent or the connection died; may be NULL */
  unsigned retry_after;            /* seconds; > 0 adds the header */
  const char *cache;               /* Cache-Control value or NULL */
  bool gzip;                       /* body is sent compressed to who accepts that, where it gets shorter */
};

/*
 * The handler. begin is called once the headers are read and returns a context (NULL: out of memory, answered 503); it
 * may already set the response (refusal: the rest of the body is discarded). data gets body bytes in order (after
 * inflating) and may set the response early; after that neither data nor end is called. end is called after the whole
 * body and must set the response, unless it sets *later: then the answer comes by http_server_answer with the same
 * context. done frees the context: once for each, when the answer was sent or the connection died. A peer that goes on
 * sending more than 1 MiB after a refusal gets the status without the body, and the connection ends.
 */
struct http_handler {
  void *user;
  void *(*begin)(void *user, const struct http_request *r, struct http_response *out);
  void (*data)(void *user, void *ctx, struct bytes in, struct http_response *out);
  void (*end)(void *user, void *ctx, struct http_response *out, bool *later);
  void (*done)(void *user, void *ctx);
};

/* unix_path: local socket, replaced when stale, created 0600 (NULL: none). */
parley_err http_server_start(struct http_server **out, const char *unix_path, const struct http_handler *h,
                             struct errmsg *e);
/* Adopts a connection from the gate or of an open listener (HTTP_OPEN_PEER; EBUSY above its maximum). Takes fd in every case. */
parley_err http_server_adopt(struct http_server *s, int fd, const char *peer, struct errmsg *e);
/* Descriptor to poll for reading, and how long to wait at most (-1: no limit); ask before each wait. */
int http_server_fd(struct http_server *s);
int http_server_timeout_ms(struct http_server *s);
/* Does all that can be done without blocking. */
void http_server_run(struct http_server *s);
/* Answers a request whose end set *later. ctx as returned by begin. */
void http_server_answer(struct http_server *s, void *ctx, const struct http_response *r);
void http_server_stop(struct http_server *s);

#endif
