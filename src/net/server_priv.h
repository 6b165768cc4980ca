/*
 * Inside the server. A struct endpoint is one connection (whose it is), a struct exchange one request and its answer.
 * libmicrohttpd owns the sockets and calls back; everything happens in the owner's thread.
 */
#ifndef PARLEY_NET_SERVER_PRIV_H
#define PARLEY_NET_SERVER_PRIV_H

#include <microhttpd.h>
#include <sys/types.h>
#include <zlib.h>

#include "net/server.h"

#define HTTP_GATE_CONNECTIONS_MAX 256
#define HTTP_LOCAL_CONNECTIONS_MAX 64
#define HTTP_IDLE_SECONDS 120
#define HTTP_POOL_SIZE ((size_t)64 << 10)    /* libmicrohttpd's memory for one connection */
#define HTTP_CHUNK_SIZE ((size_t)64 << 10)   /* inflated or streamed at a time */
#define HTTP_DISCARD_MAX ((uint64_t)1 << 20) /* bytes of a refused body read for courtesy */
#define HTTP_PEERS_MAX 1024

struct peer { /* a party's share of requests; outlives its connections until the share is full again */
  struct peer *next;
  char *name;
  uint64_t milli_requests; /* what is left, in thousandths of a request */
  int64_t last_ms;
  size_t endpoints;
};

struct endpoint {
  struct endpoint *prev, *next;
  int fd;
  struct peer *peer; /* NULL: local */
};

struct exchange {
  struct exchange *prev, *next; /* among those waiting for http_server_answer */
  struct http_server *server;
  struct MHD_Connection *connection;
  char *target;      /* raw request target, cut at '?' and decoded in place */
  const char *query; /* behind the '?' */
  bool begun, ended, queued;
  bool waiting; /* listed for http_server_answer */
  bool parked;  /* suspended in libmicrohttpd */
  void *ctx;    /* the handler's */
  struct MHD_Response *response;
  unsigned status;
  uint64_t discarded;
  bool gzip, gzip_open, gzip_complete;
  z_stream inflater;
};

struct http_server {
  struct http_handler handler;
  struct MHD_Daemon *mhd;
  int epoll; /* holds libmicrohttpd's descriptor and the local socket: what the owner polls */
  int local;
  bool local_watched;
  size_t n_local;
  char *local_path;
  dev_t local_dev;
  ino_t local_ino;
  struct endpoint *endpoints;
  struct peer *peers;
  struct exchange *waiting;
  bool resumed; /* libmicrohttpd has work that its descriptor does not show */
};

/* server_local.c: the unix socket. */
parley_err server_local_open(struct http_server *s, const char *path, struct errmsg *e);
void server_local_accept(struct http_server *s);
void server_local_close(struct http_server *s);

/* server_peer.c: whose connection it is, and how many requests are left to it. */
struct peer *server_peer(struct http_server *s, const char *name, int64_t now_ms); /* NULL: out of memory or places */
unsigned server_peer_wait(struct peer *p,
                          int64_t now_ms); /* takes one request; 0 or seconds to wait when none is left */
void server_peers_free(struct http_server *s);
parley_err server_add(struct http_server *s, int fd, struct peer *peer, struct errmsg *e); /* takes fd in every case */
void server_on_connection(void *server, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode code);
const struct endpoint *server_endpoint(struct MHD_Connection *c);

/* server_exchange.c: libmicrohttpd's callbacks for one request. */
void *server_on_target(void *server, const char *target, struct MHD_Connection *c);
enum MHD_Result server_on_request(void *server, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **exchange);
void server_on_completed(void *server, struct MHD_Connection *c, void **exchange, enum MHD_RequestTerminationCode code);

/* server_begin.c: what is decided from the headers alone. */
void exchange_begin(struct exchange *x, const char *method);
bool exchange_has_body(struct exchange *x, uint64_t *length); /* length UINT64_MAX: chunked */

/* server_body.c: request body; gzip inflated. */
bool body_gzip_open(struct exchange *x);
void body_data(struct exchange *x, struct bytes in);
bool body_complete(const struct exchange *x);
void body_close(struct exchange *x);

/* server_reply.c */
void reply_take(struct exchange *x,
                const struct http_response *r); /* releases r's owner in every case, sooner or later */
__attribute__((format(printf, 3, 4))) void reply_text(struct exchange *x, unsigned status, const char *fmt, ...);
enum MHD_Result reply_queue(struct exchange *x);
void reply_cut(struct exchange *x); /* bare status line for a peer that goes on sending after a refusal */

#endif
