#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/server_priv.h"

static void waiting_add(struct exchange *x) {
  struct http_server *s = x->server;
  x->waiting = true;
  x->prev = NULL;
  x->next = s->waiting;
  if (s->waiting != NULL) {
    s->waiting->prev = x;
  }
  s->waiting = x;
}

static void waiting_remove(struct exchange *x) {
  if (x->prev != NULL) {
    x->prev->next = x->next;
  } else {
    x->server->waiting = x->next;
  }
  if (x->next != NULL) {
    x->next->prev = x->prev;
  }
  x->waiting = false;
}

/* The raw target is seen only here, before libmicrohttpd decodes it in place. */
void *server_on_target(void *server, const char *target, struct MHD_Connection *c) {
  struct exchange *x = calloc(1, sizeof *x);
  if (x == NULL || (x->target = strdup(target)) == NULL) {
    free(x);
    return NULL;
  }
  x->server = server;
  x->connection = c;
  x->query = "";
  return x;
}

/* A small rest of a refused body is read, and the connection lives on; before a long one it ends. */
static bool rest_is_long(struct exchange *x) {
  uint64_t length;
  if (!exchange_has_body(x, &length)) {
    return false;
  }
  const char *expect = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
  return length > HTTP_POOL_SIZE || (expect != NULL && strcasecmp(expect, "100-continue") == 0);
}

static enum MHD_Result on_headers(struct exchange *x, const char *method) {
  x->begun = true;
  exchange_begin(x, method);
  if (x->response == NULL) {
    return x->ctx == NULL ? MHD_NO : MHD_YES;
  }
  return rest_is_long(x) ? reply_queue(x) : MHD_YES;
}

static enum MHD_Result on_data(struct exchange *x, struct bytes in) {
  if (x->status == 0) {
    body_data(x, in);
    return MHD_YES;
  }
  x->discarded += in.n;
  if (x->discarded > HTTP_DISCARD_MAX || x->response == NULL) {
    reply_cut(x);
    return MHD_NO;
  }
  return MHD_YES;
}

static enum MHD_Result on_end(struct exchange *x) {
  if (x->status != 0) {
    return reply_queue(x);
  }
  if (!body_complete(x)) {
    reply_text(x, 400, "the gzip body ends early");
    return reply_queue(x);
  }
  x->ended = true;
  struct http_response answer = {0};
  bool later = false;
  const struct http_handler *h = &x->server->handler;
  waiting_add(x); /* so that http_server_answer finds it even from inside end */
  h->end(h->user, x->ctx, &answer, &later);
  if (answer.status != 0) {
    reply_take(x, &answer);
  }
  if (x->status == 0 && later) {
    x->parked = true;
    MHD_suspend_connection(x->connection);
    return MHD_YES;
  }
  if (x->waiting) {
    waiting_remove(x);
  }
  if (x->status == 0) {
    reply_text(x, 500, "no answer was made");
  }
  return reply_queue(x);
}

enum MHD_Result server_on_request(void *server, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **exchange) {
  (void)server;
  (void)c;
  (void)url;
  (void)version;
  struct exchange *x = *exchange;
  if (x == NULL) {
    return MHD_NO; /* out of memory in server_on_target */
  }
  if (!x->begun) {
    return on_headers(x, method);
  }
  if (*size > 0) {
    const struct bytes in = BYTES(data, *size);
    *size = 0;
    return on_data(x, in);
  }
  return on_end(x);
}

void server_on_completed(void *server, struct MHD_Connection *c, void **exchange,
                         enum MHD_RequestTerminationCode code) {
  (void)c;
  (void)code;
  struct http_server *s = server;
  struct exchange *x = *exchange;
  *exchange = NULL;
  if (x == NULL) {
    return;
  }
  if (x->waiting) {
    waiting_remove(x);
  }
  if (x->ctx != NULL) {
    s->handler.done(s->handler.user, x->ctx);
  }
  if (x->response != NULL) {
    MHD_destroy_response(x->response);
  }
  body_close(x);
  free(x->target);
  free(x);
}

void http_server_answer(struct http_server *s, void *ctx, const struct http_response *r) {
  struct exchange *x = s->waiting;
  while (x != NULL && x->ctx != ctx) {
    x = x->next;
  }
  if (x == NULL) { /* a second answer, or the context of no waiting request */
    if (r->free_owner != NULL) {
      r->free_owner(r->owner);
    }
    return;
  }
  waiting_remove(x);
  reply_take(x, r);
  if (x->parked) {
    x->parked = false;
    s->resumed = true;
    MHD_resume_connection(x->connection);
  }
}
