/*
 * Inside the client: one struct transfer per request, owned by its http_client and known to libcurl as private data.
 */
#ifndef PARLEY_NET_CLIENT_PRIV_H
#define PARLEY_NET_CLIENT_PRIV_H

#include <curl/curl.h>

#include "net/client.h"

#define HTTP_RESPONSE_HEADERS_MAX ((size_t)64 << 10)
#define HTTP_BODY_COPY_MAX ((size_t)64 << 10)
#define HTTP_PINS_MAX 16
#define HTTP_PIN_SIZE 52 /* "sha256//" and 44 of base64 */
#define HTTP_WHERE_SIZE 300

#define HTTP_TRIED_SIZE 240
#define HTTP_LINES_MAX 512
#define HTTP_LOOK_MS 1000 /* how often stalls are looked for */

/* What the kernel knows of a connection (TCP_INFO). */
struct tcp_state {
  uint64_t taken, received; /* bytes of ours that the other machine acknowledged, and its bytes */
  bool open;                /* established; libcurl's own times are not set before TLS is up */
  bool closed;              /* by the other side; dead: reset by it, or given up */
  bool dead;
  bool gap;         /* later bytes of it have arrived, earlier ones have not */
  bool untaken;     /* what was sent had to be repeated, and is not acknowledged yet */
  uint64_t idle_ms; /* from the last byte received to the end; 0 not known */
};

struct sock { /* a connection that libcurl has open */
  struct sock *next;
  int fd;
  struct transfer *user; /* NULL: kept for later */
  bool reused;           /* by the present user, when that many bytes had been received */
  uint64_t received;
  char where[HTTP_WHERE_SIZE];
};

struct line { /* statistics of one host and port */
  struct line *next;
  struct http_line seen;
  char where[HTTP_WHERE_SIZE];
};

struct transfer {
  struct transfer *prev, *next;
  struct http_client *client;
  CURL *easy;
  struct curl_slist *headers;
  uint8_t *body; /* owned */
  struct buf answer;
  size_t header_bytes, answer_max;
  bool too_long, no_memory;
  http_done done;
  http_progress progress;
  uint64_t progress_last;
  void *ctx;
  char error[CURL_ERROR_SIZE];
  char where[HTTP_WHERE_SIZE];       /* "127.0.0.1:7002", for messages */
  char proxy_where[HTTP_WHERE_SIZE]; /* "": none */
  char tried[HTTP_TRIED_SIZE];
  bool kept_was_dead;   /* the kept connection that it tried first */
  struct tcp_state tcp; /* the last that was seen */
  int64_t moved_ms;     /* when bytes were last taken or received */
  int64_t date;
};

struct http_client {
  CURLM *multi;
  char *key_path, *cert_path, *proxy, *no_proxy, *proxy_ca;
  unsigned connect_seconds, stall_seconds;
  struct transfer *transfers;
  size_t active;
  int64_t looked_ms; /* when stalls were last looked for */
  struct sock *socks;
  struct line *lines;
  size_t n_lines;
  bool stopping;
};

/* client_url.c: checks an https URL and writes host:port. */
parley_err client_where(char out[static HTTP_WHERE_SIZE], const char *url, struct errmsg *e);
/* The same of the proxy that connections to `where` take; "" when they take none. EINVAL: no http or https URL. */
parley_err client_proxy_where(char out[static HTTP_WHERE_SIZE], const struct http_client *c, const char *where,
                              struct errmsg *e);
/* client.c: starts it; frees it where that fails. */
parley_err client_launch(struct transfer *t, http_done done, http_progress progress, void *ctx, struct errmsg *e);
/* Joins pins as libcurl wants them; *out is malloc'd. */
parley_err client_pins(char **out, const char *const *pins, struct errmsg *e);

/* client_url.c: scheme, which the caller frees (curl_free), and "host:port" of any URL. False: it is none, or no memory. */
bool client_url_parts(char out[static HTTP_WHERE_SIZE], char **scheme, const char *url);

/* client_transfer.c */
parley_err transfer_new(struct transfer **out, struct http_client *c, const char *method, const char *url,
                        const char *pins, const char *content_type, struct bytes body, bool body_owned,
                        struct errmsg *e);
/* The same to a stranger (client_stranger.c); pin NULL: the system's authorities. */
parley_err transfer_new_stranger(struct transfer **out, struct http_client *c, const char *url, const char *pin,
                                 const char *content_type, struct bytes body, struct errmsg *e);
/* "host:port" of an https URL, or of an http one to a loopback address; *plain: it is one of those. */
parley_err client_stranger_where(char out[static HTTP_WHERE_SIZE], bool *plain, const char *url, struct errmsg *e);
bool client_stranger_options(struct transfer *t, const char *pin); /* TLS, and the time it may take */
bool transfer_encoding(struct transfer *t, const char *encoding);  /* of its body */
bool transfer_once(struct transfer *t, const struct http_try *how);
bool transfer_attach(struct transfer *t); /* once done, progress and ctx are set */
void transfer_free(struct transfer *t);   /* after it left the multi handle */

/* client_socket.c: the connections under libcurl. */
bool socket_attach(struct transfer *t);
void socket_leave(struct transfer *t); /* the transfer is over; its connection may be kept */
void socket_look(struct transfer *t);  /* brings t->tcp and t->moved_ms up to date */
void socket_forget_all(struct http_client *c);
struct line *client_line(struct http_client *c, const char *where, bool make); /* NULL: none */

/* client_watch.c: one on which nothing moved for too long; NULL when there is none, or it is too early to look again. */
struct transfer *client_stalled(struct http_client *c);
int64_t client_patience_ms(const struct transfer *t); /* how long that is */

/* client_cause.c: what is at fault; client_error.c: one sentence about it for people. */
enum http_cause client_cause(const struct transfer *t, CURLcode rc);
void client_explain(char *out, size_t size, const struct transfer *t, enum http_cause cause, CURLcode rc);

/* Options that every request of ours has, remote and local. */
bool client_common(CURL *easy, const char *method, const char *url, const char *protocols);
bool client_header(struct curl_slist **list, const char *name, const char *value);

#endif
