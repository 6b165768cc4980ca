/*
 * What the node wants to send goes out by the HTTP client, and how it ended goes back.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/fault.h"

#define COPIED_MAX ((size_t)64 << 10) /* the client copies bodies up to this size itself */

struct sending {
  struct daemon *daemon;
  uint64_t id;
};

static void on_done(void *ctx, const struct http_outcome *o) {
  struct sending *s = ctx;
  const struct outbound_result r = {.answered = o->err == PARLEY_OK,
                                    .status = o->status,
                                    .content_type = o->content_type,
                                    .retry_after = o->retry_after,
                                    .body = o->body,
                                    .message = o->message};
  fault_point();
  node_outbound_done(s->daemon->node, s->id, &r);
  daemon_busy(s->daemon);
  s->daemon->again = true;
  free(s);
}

static void on_progress(void *ctx, uint64_t sent) {
  const struct sending *s = ctx;
  node_outbound_progress(s->daemon->node, s->id, sent);
}

/* Every mirror takes gzip there, and only there it is laid down (tlog-mirror: Request Body). */
static bool may_be_packed(const struct outbound *o) { return !strcmp(o->path, "/add-entries"); }

static parley_err start(struct daemon *d, const struct outbound *o, struct errmsg *e) {
  struct sending *s = malloc(sizeof *s);
  struct bytes body = o->body;
  const bool packed = may_be_packed(o), owned = !packed && body.n > COPIED_MAX;
  uint8_t *copy = owned ? malloc(body.n) : NULL;
  if (!s || (owned && !copy)) {
    free(s);
    free(copy);
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  if (owned) body.p = memcpy(copy, body.p, body.n);
  *s = (struct sending){d, o->id};
  fault_point();
  const parley_err err =
      packed ? http_client_post_gzip(d->client, o->url, o->pins, o->content_type, body, on_done, on_progress, s, e)
             : http_client_send(d->client, o->method, o->url, o->pins, o->content_type, body, owned, on_done,
                                on_progress, s, e);
  if (err) free(s);
  return err;
}

bool daemon_send(struct daemon *d) {
  struct outbound o;
  struct errmsg e = {""};
  bool any = false;
  for (; node_next_outbound(d->node, &o); any = true) {
    if (start(d, &o, &e) == PARLEY_OK) continue;
    const struct outbound_result r = {.content_type = "", .message = e.text};
    node_outbound_done(d->node, o.id, &r);
  }
  if (any) daemon_busy(d);
  return any;
}
