/*
 * HTTP/1.1 client for counterparts: libcurl multi, TLS 1.3 with our link certificate, the peer's certificate pinned by
 * SPKI digests (no certificate authority), kept-alive connections, proxies from the configuration or environment.
 * One loop: http_client_poll waits for its own transfers and for the caller's descriptors.
 */
#ifndef PARLEY_NET_CLIENT_H
#define PARLEY_NET_CLIENT_H

#include "base/bytes.h"
#include "base/err.h"

#define HTTP_RESPONSE_MAX (32u << 20) /* bytes of a response body; more fails the request */
#define HTTP_CONNECT_SECONDS 10
#define HTTP_STALL_SECONDS 30 /* less than one byte a second for this long: failed, resumed later */

#define HTTP_POLL_FDS_MAX 64 /* the caller's descriptors in http_client_poll; further ones are not watched */

struct http_client;

struct http_client_config {
  const char *key_pem_path, *cert_pem_path; /* our link key and certificate */
  const char *proxy;                        /* URL, "" = none, NULL = as the environment says */
};

parley_err http_client_new(struct http_client **out, const struct http_client_config *c, struct errmsg *e);

struct http_outcome {
  /* OK: an HTTP answer came. EUNREACHABLE: none; message says why in one sentence (refused, timed out, wrong pin …) */
  parley_err err;
  unsigned status;          /* HTTP status */
  const char *content_type; /* "" when absent */
  uint32_t retry_after;     /* seconds, 0 when absent */
  struct bytes body;
  const char *message;
};

/* Called from http_client_run, exactly once per request. The outcome lives during the call only. */
typedef void (*http_done)(void *ctx, const struct http_outcome *o);
/* Bytes of the request body sent so far, for progress; may be NULL. */
typedef void (*http_progress)(void *ctx, uint64_t sent);

/*
 * Starts a request. pins: NULL-terminated list of "sha256//…"; at least one. body is copied when n <= 64 KiB and
 * otherwise taken over: it must be malloc'd and is freed after use (body_owned true), also when this fails.
 * content_type NULL for GET.
 */
parley_err http_client_send(struct http_client *c, const char *method, const char *url, const char *const *pins,
                            const char *content_type, struct bytes body, bool body_owned, http_done done,
                            http_progress progress, void *ctx, struct errmsg *e);

/* Waits at most timeout_ms for any transfer or any of the fds to become readable, then returns. */
void http_client_poll(struct http_client *c, const int *fds, size_t n, int timeout_ms);
/* Moves all transfers as far as possible and calls done for the finished ones. */
void http_client_run(struct http_client *c);
size_t http_client_active(const struct http_client *c);
void http_client_free(struct http_client *c); /* cancels everything; done is called with EUNREACHABLE */

/* ---- simple blocking client for the local API over a unix socket (cli, tests) ---- */

struct local_answer {
  unsigned status;
  struct buf body;
};

/*
 * One request. When file_fd >= 0 the body is streamed from it (file_size bytes) instead of `body`; progress may be
 * NULL. When out_fd >= 0 a 200 answer's body goes there instead of answer->body. EUNREACHABLE when no node listens.
 */
parley_err local_request(struct local_answer *answer, const char *unix_path, const char *method, const char *path,
                         const char *content_type, struct bytes body, int file_fd, uint64_t file_size, int out_fd,
                         http_progress progress, void *ctx, struct errmsg *e);
void local_answer_free(struct local_answer *a);

#endif
