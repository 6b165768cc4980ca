/*
 * HTTP/1.1 client for counterparts: libcurl multi, TLS 1.3 with our link certificate, the peer's certificate pinned by
 * SPKI digests (no certificate authority), kept-alive connections, a proxy where the configuration names one (CONNECT:
 * TLS goes through it end to end). The environment says nothing here. Both address families are tried, the quicker one
 * wins. A kept connection that was cut meanwhile is replaced and the request sent again, once, without anybody noticing:
 * all our requests may arrive twice.
 * One loop: http_client_poll waits for its own transfers and for the caller's descriptors.
 */
#ifndef PARLEY_NET_CLIENT_H
#define PARLEY_NET_CLIENT_H

#include "base/bytes.h"
#include "base/err.h"

#define HTTP_RESPONSE_MAX (32u << 20) /* bytes of a response body; more fails the request */
#define HTTP_CONNECT_SECONDS 10
#define HTTP_STALL_SECONDS 30   /* nothing was taken by the other side or came from it for this long: failed */
#define HTTP_UNTAKEN_SECONDS 20 /* what was sent is acknowledged by no machine: failed */
/* A box on the way may take an upload at once and pass it on over a thin line: longer, by what it may still hold. */
#define HTTP_HELD_MAX (512u << 10) /* bytes */
#define HTTP_THIN_RATE 2048        /* bytes a second */
#define HTTP_KEEPALIVE_SECONDS 30  /* an idle connection shows the boxes on its way that it is alive */

#define HTTP_POLL_FDS_MAX 64 /* the caller's descriptors in http_client_poll; further ones are not watched */

struct http_client;

struct http_client_config {
  const char *key_pem_path, *cert_pem_path; /* our link key and certificate */
  const char *proxy;                        /* http://[user:password@]host:port or https://…; NULL or "": none */
  const char *no_proxy; /* hosts reached without it, with commas or blanks between: names, .domain, addresses, * */
  const char *proxy_ca; /* PEM file that an https proxy's certificate is judged by; NULL or "": the system's */
  unsigned connect_seconds, stall_seconds; /* 0: as above */
};

parley_err http_client_new(struct http_client **out, const struct http_client_config *c, struct errmsg *e);

/* What came of a request, in the order of the way to the counterpart. */
enum http_cause {
  HTTP_ANSWERED,
  HTTP_OURSELVES,      /* our own key, memory or network: message */
  HTTP_NO_ROUTE,       /* this machine has no way to the address */
  HTTP_NAME_UNKNOWN,   /* of the counterpart; for proxies the proxy's errors begin here */
  HTTP_PROXY_UNKNOWN,  /* its name */
  HTTP_PROXY_AWAY,     /* refuses connections, or does not answer */
  HTTP_PROXY_SILENT,   /* connected, and nothing came back; or it broke off */
  HTTP_PROXY_TLS,      /* an https proxy whose certificate or TLS is not acceptable */
  HTTP_PROXY_PASSWORD, /* 407 */
  HTTP_PROXY_FORBIDS,  /* 4xx to CONNECT */
  HTTP_PROXY_CANNOT,   /* 5xx to CONNECT: it does not reach the counterpart */
  HTTP_REFUSED,        /* the connection, by the counterpart's machine */
  HTTP_NO_REPLY,       /* to the first packet */
  HTTP_SILENT,         /* connected, and nothing came back */
  HTTP_LOST,           /* small packets go through, larger ones are acknowledged by nobody */
  HTTP_LOST_BACK,      /* the same the other way: what arrives has gaps that nothing fills */
  HTTP_CUT,            /* somebody closed the connection too early */
  HTTP_NOT_TLS,
  HTTP_OLD_TLS,    /* not 1.3 */
  HTTP_WRONG_PIN,  /* its certificate is not the pinned one */
  HTTP_NOT_PINNED, /* it refused ours */
  HTTP_STALLED,    /* after the handshake nothing moved */
  HTTP_TOO_LONG,   /* the answer */
  HTTP_BROKEN      /* anything else: message */
};

struct http_outcome {
  /* OK: an HTTP answer came. EUNREACHABLE: none; message says why in one sentence (refused, timed out, wrong pin …) */
  parley_err err;
  unsigned status;          /* HTTP status */
  const char *content_type; /* "" when absent */
  uint32_t retry_after;     /* seconds, 0 when absent */
  struct bytes body;
  size_t received; /* bytes of an answer's body, whether or not it was whole */
  const char *message;
  enum http_cause cause;
  int64_t date;      /* the answer's Date, seconds; 0 when absent */
  const char *tried; /* addresses in the order in which they were tried (the proxy's, where there is one); "" none */
  bool ready;        /* the handshake was over, and the request on its way */
  bool connected;    /* a TCP connection was made: the last of them, if it failed afterwards */
};

/* Called from http_client_run, exactly once per request. The outcome lives during the call only. */
typedef void (*http_done)(void *ctx, const struct http_outcome *o);
/* Bytes of the request body sent so far, for progress; fewer again when it is repeated. May be NULL. */
typedef void (*http_progress)(void *ctx, uint64_t sent);

/*
 * Starts a request. pins: NULL-terminated list of "sha256//…"; at least one. body is copied when n <= 64 KiB and
 * otherwise taken over: it must be malloc'd and is freed after use (body_owned true), also when this fails.
 * content_type NULL for GET.
 */
parley_err http_client_send(struct http_client *c, const char *method, const char *url, const char *const *pins,
                            const char *content_type, struct bytes body, bool body_owned, http_done done,
                            http_progress progress, void *ctx, struct errmsg *e);

/* The same as a POST whose body goes as gzip where that is shorter (Content-Encoding). body stays the caller's. */
parley_err http_client_post_gzip(struct http_client *c, const char *url, const char *const *pins,
                                 const char *content_type, struct bytes body, http_done done, http_progress progress,
                                 void *ctx, struct errmsg *e);

/*
 * A POST to somebody who is no counterpart (a neutral witness): without our certificate, over TLS 1.2 or later. pin: of
 * its certificate's key; NULL: the system's authorities judge it. http:// goes only to 127.0.0.0/8 and [::1], past any
 * proxy. A redirect is an answer like any other. body is copied, at most 64 KiB. Over after HTTP_STRANGER_SECONDS.
 */
#define HTTP_STRANGER_MAX 65536 /* bytes of its answer; more fails the request */
#define HTTP_STRANGER_SECONDS 60
parley_err http_client_post_stranger(struct http_client *c, const char *url, const char *pin, const char *content_type,
                                     struct bytes body, http_done done, void *ctx, struct errmsg *e);

/*
 * One GET over a connection of its own, to find out what is wrong. family 4 or 6: over such addresses only, 0: any.
 * padding: bytes of a request header that fills packets, at most HTTP_PADDING_MAX. Over after `seconds` in any case.
 */
#define HTTP_PADDING_MAX 12288
struct http_try {
  int family;
  size_t padding;
  unsigned seconds;
};
parley_err http_client_try(struct http_client *c, const char *url, const char *const *pins, const struct http_try *how,
                           http_done done, void *ctx, struct errmsg *e);

/* How kept connections to the host and port of url fared since the start. */
struct http_line {
  uint64_t reused;      /* requests that found an open connection */
  uint64_t cut;         /* connections that somebody closed while they were idle for less than the gate allows */
  unsigned cut_seconds; /* the shortest such idleness that is known; 0: none */
};
struct http_line http_client_line(const struct http_client *c, const char *url);
/* "host:port" of the proxy for url in out; false when there is none. */
bool http_client_proxy(const struct http_client *c, const char *url, char *out, size_t size);

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
 * NULL; without a file to send it is told of what came to out_fd. When out_fd >= 0 a 200 answer's body goes there
 * instead of answer->body. EUNREACHABLE when no node listens.
 */
parley_err local_request(struct local_answer *answer, const char *unix_path, const char *method, const char *path,
                         const char *content_type, struct bytes body, int file_fd, uint64_t file_size, int out_fd,
                         http_progress progress, void *ctx, struct errmsg *e);
void local_answer_free(struct local_answer *a);

/*
 * One GET from a server that is open to all: TLS 1.2 or later without a certificate of ours, judged by the system's authorities; http:// to
 * 127.0.0.0/8 and [::1] only. EUNREACHABLE, EINVAL, ELIMIT (HTTP_RESPONSE_MAX).
 */
parley_err open_get(struct local_answer *answer, const char *url, struct errmsg *e);

#endif
