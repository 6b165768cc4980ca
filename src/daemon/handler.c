/*
 * The server's handler: requests of counterparts and of the local API go to the node, its responses go back. POST
 * /v1/trust and /v1/probe stay here, and a few answers get members that only the daemon knows (local.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "daemon/daemon.h"
#include "daemon/fault.h"

#define TRUST_BODY_MAX (PIN_BASIS_MAX / 3 * 4 + (1u << 20)) /* a basis in base64, and a card */
#define CACHE_LONG "private, max-age=31536000, immutable"
#define CACHE_NEVER "no-store" /* checkpoints change (tlog-tiles: Checkpoints), and the rest is nobody else's */

struct request {
  struct daemon *daemon;
  struct node_call *call; /* NULL: answered here */
  bool trust, probe, backup;
  char query[PARTY_NAME_MAX + 16];                      /* of POST /v1/probe */
  void (*add)(struct daemon *, struct node_response *); /* puts members into the node's answer, or NULL */
  struct buf body;                                      /* of POST /v1/trust */
};

/* ---- responses ---- */

struct answer { /* owns what the server sends */
  struct buf body;
  void *stream;
};

static void answer_free(void *owner) {
  struct answer *a = owner;
  if (a->stream) node_stream_free(a->stream);
  buf_free(&a->body);
  free(a);
}

static int64_t answer_read(void *owner, uint64_t offset, uint8_t *out, size_t cap) {
  return node_stream_read(((struct answer *)owner)->stream, offset, out, cap);
}

/* Takes r's body and stream. Without memory out stays without a status, which the server answers with 500. */
static void convert(struct http_response *out, struct node_response *r) {
  if (r->status == 0) return;
  struct answer *a = malloc(sizeof *a);
  if (!a || r->body.failed) {
    if (r->stream) node_stream_free(r->stream);
    buf_free(&r->body);
    free(a);
    return;
  }
  *a = (struct answer){.body = r->body, .stream = r->stream};
  *out = (struct http_response){.status = r->status,
                                .content_type = r->content_type,
                                .body = buf_view(&a->body),
                                .length = r->stream_length,
                                .read = r->stream ? answer_read : NULL,
                                .owner = a,
                                .free_owner = answer_free,
                                .retry_after = r->retry_after,
                                .cache = r->immutable ? CACHE_LONG : CACHE_NEVER,
                                .gzip = r->compressible};
}

/* ---- requests ---- */

/* What stands below the path of our URL; NULL when r is outside. */
static const char *below_prefix(const struct daemon *d, const char *path) {
  const size_t n = strlen(d->path_prefix);
  return !strncmp(path, d->path_prefix, n) && path[n] == '/' ? path + n : NULL;
}

static void not_here(struct node_response *r) {
  r->status = 404;
  r->content_type = "text/plain; charset=utf-8";
  buf_str(&r->body, "nothing is served here; see the submission and monitoring URLs of our card\n");
}

static void route(struct request *q, const struct http_request *r, struct node_response *out) {
  struct daemon *d = q->daemon;
  const bool open = r->peer && !strcmp(r->peer, HTTP_OPEN_PEER);
  const char *path = r->peer && !open ? below_prefix(d, r->path) : r->path;
  const bool get = !strcmp(r->method, "GET");
  if (!path) {
    not_here(out);
    return;
  }
  q->trust = !r->peer && !strcmp(r->method, "POST") && !strcmp(path, "/v1/trust");
  q->probe = !r->peer && !strcmp(r->method, "POST") && !strcmp(path, "/v1/probe");
  if (q->probe) snprintf(q->query, sizeof q->query, "%s", r->query);
  const bool backup = !r->peer && !strcmp(path, "/v1/backup");
  q->backup = backup && !strcmp(r->method, "POST");
  if (backup && get) local_backup_state(d, out);
  if (q->trust || q->probe || q->backup || out->status) return;
  if (!r->peer && get && !strcmp(path, "/v1/status")) q->add = local_add_status;
  if (!r->peer && get && !strcmp(path, "/v1/pins")) q->add = local_add_pins;
  const struct node_request n = {.peer = open ? NULL : r->peer,
                                 .open = open,
                                 .method = r->method,
                                 .path = path,
                                 .query = r->query,
                                 .content_type = r->content_type};
  q->call = node_begin(d->node, &n, out);
}

static void on_done(void *user, void *ctx) {
  struct request *q = ctx;
  struct daemon *d = user;
  if (q->call) node_finish(q->call);
  if (d->probe_request == q) d->probe_request = NULL;
  buf_free(&q->body);
  free(q);
}

static void *on_begin(void *user, const struct http_request *r, struct http_response *out) {
  struct request *q = calloc(1, sizeof *q);
  struct node_response response = {0};
  if (!q) return NULL;
  q->daemon = user;
  daemon_busy(q->daemon);
  route(q, r, &response);
  if (!q->call && !q->trust && !q->probe && !q->backup && response.status == 0) { /* out of memory */
    on_done(user, q);
    return NULL;
  }
  convert(out, &response);
  return q;
}

static void too_long(struct node_response *r) {
  r->status = 413;
  r->content_type = "application/json";
  buf_fmt(&r->body,
          "{\"error\":\"over a limit\",\"message\":\"the request has more than %u bytes; a basis may have %u\"}\n",
          TRUST_BODY_MAX, PIN_BASIS_MAX);
}

static void on_data(void *user, void *ctx, struct bytes in, struct http_response *out) {
  struct request *q = ctx;
  struct node_response response = {0};
  (void)user;
  if (q->probe) return; /* its body says nothing */
  if (!q->trust && !q->backup && !q->call) return; /* answered already */
  if (!q->trust && !q->backup)
    node_data(q->call, in, &response);
  else if (in.n > TRUST_BODY_MAX - q->body.n)
    too_long(&response);
  else
    buf_bytes(&q->body, in);
  convert(out, &response);
}

static void on_end(void *user, void *ctx, struct http_response *out, bool *later) {
  struct request *q = ctx;
  struct node_response response = {0};
  (void)user;
  fault_point();
  if (q->trust) {
    local_trust(q->daemon, buf_view(&q->body), &response);
  } else if (q->backup) {
    local_backup_begin(q->daemon, buf_view(&q->body), &response);
  } else if (q->probe) {
    local_probe(q->daemon, q->query, q, &response);
    *later = response.status == 0;
  } else {
    node_call_set_tag(q->call, q);
    node_end(q->call, &response);
    *later = response.status == 0;
    if (q->add && response.status == 200) q->add(q->daemon, &response);
  }
  convert(out, &response);
}

struct http_handler daemon_handler(struct daemon *d) {
  return (struct http_handler){.user = d, .begin = on_begin, .data = on_data, .end = on_end, .done = on_done};
}

bool daemon_answer(struct daemon *d) {
  struct node_response response = {0};
  struct node_call *call;
  bool any = false;
  for (; (call = node_next_answer(d->node, &response)) != NULL; any = true) {
    struct http_response out = {.status = 500, .content_type = "text/plain"}; /* when memory is out */
    convert(&out, &response);
    fault_point();
    http_server_answer(d->server, node_call_tag(call), &out);
    response = (struct node_response){0};
  }
  return any;
}

void daemon_answer_probe(struct daemon *d) {
  struct node_response response = {0};
  void *request = d->probe_request;
  if (!d->probe || !probe_result(d->probe)) return;
  local_probe_answer(d, &response);
  if (request) {
    struct http_response out = {.status = 500, .content_type = "text/plain"}; /* when memory is out */
    convert(&out, &response);
    http_server_answer(d->server, request, &out);
    http_server_run(d->server);
  } else {
    buf_free(&response.body);
  }
}
