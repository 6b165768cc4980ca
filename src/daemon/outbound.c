/*
 * What the node wants to send goes out by the HTTP client, and how it ended goes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/fault.h"

#define COPIED_MAX ((size_t)64 << 10) /* the client copies bodies up to this size itself */

#define NEAR_MS 10 /* packing takes longer than it saves on a line that answers a checkpoint within this time */

/* What is known of the way to a counterpart. */
struct line {
  struct line *next;
  int64_t answered_ms; /* the shortest time that an add-checkpoint has taken; INT64_MAX before the first */
  char peer[PARTY_NAME_MAX + 1];
};

struct sending {
  struct daemon *daemon;
  uint64_t id;
  struct line *measured; /* of an add-checkpoint; NULL: of another request */
  int64_t began_ms;
};

static bool is_path(const struct outbound *o, const char *path) { return !strcmp(o->path, path); }

/* NULL when memory is out: then nothing is known of it. */
static struct line *line_to(struct daemon *d, const char *peer) {
  struct line *l = d->lines;
  while (l && strcmp(l->peer, peer)) l = l->next;
  if (!l && (l = malloc(sizeof *l)) != NULL) {
    *l = (struct line){.next = d->lines, .answered_ms = INT64_MAX};
    snprintf(l->peer, sizeof l->peer, "%s", peer);
    d->lines = l;
  }
  return l;
}

/* The shortest says how long the way is; the others, how busy the counterpart was. */
static void measure(struct line *l, int64_t ms) {
  if (ms < l->answered_ms) l->answered_ms = ms;
}

void daemon_forget_lines(struct daemon *d) {
  while (d->lines) {
    struct line *l = d->lines;
    d->lines = l->next;
    free(l);
  }
}

static void on_done(void *ctx, const struct http_outcome *o) {
  struct sending *s = ctx;
  if (s->measured && o->err == PARLEY_OK) measure(s->measured, daemon_now_ms() - s->began_ms);
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
static bool may_be_packed(struct daemon *d, const struct outbound *o) {
  if (!is_path(o, "/add-entries") || !strcmp(d->config.compress, "never")) return false;
  const struct line *l = line_to(d, o->peer);
  return !strcmp(d->config.compress, "always") || !l || l->answered_ms >= NEAR_MS;
}

static parley_err start(struct daemon *d, const struct outbound *o, struct errmsg *e) {
  struct sending *s = malloc(sizeof *s);
  struct bytes body = o->body;
  const bool packed = may_be_packed(d, o), owned = !packed && body.n > COPIED_MAX;
  uint8_t *copy = owned ? malloc(body.n) : NULL;
  if (!s || (owned && !copy)) {
    free(s);
    free(copy);
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  if (owned) body.p = memcpy(copy, body.p, body.n);
  const bool measured = is_path(o, "/add-checkpoint") && !o->stranger;
  *s = (struct sending){d, o->id, measured ? line_to(d, o->peer) : NULL, daemon_now_ms()};
  fault_point();
  const parley_err err =
      o->stranger ? http_client_post_stranger(d->client, o->url, o->pins[0], o->content_type, body, on_done, s, e)
      : packed    ? http_client_post_gzip(d->client, o->url, o->pins, o->content_type, body, on_done, on_progress, s, e)
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
