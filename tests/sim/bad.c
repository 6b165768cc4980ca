/*
 * Requests that nobody should send, on the local socket and as a counterpart: refused with a reason, never believed.
 */
#include <string.h>

#include "world.h"

struct bad {
  const char *method, *path, *body;
};

static const struct bad local[] = {
    {"POST", "/v1/statements", ""},
    {"POST", "/v1/statements", "{\"kind\":\"incident.notice\",\"kind\":\"incident.notice\"}"},
    {"POST", "/v1/statements", "{\"kind\":\"incident.notice\",\"precedence\":\"URGENT\",\"tlp\":\"red\",\"body\":{}}"},
    {"POST", "/v1/statements", "{\"kind\":\"incident.notice\",\"precedence\":\"FLASH\",\"tlp\":\"red\",\"body\":{}}"},
    {"POST", "/v1/statements", "{\"kind\":\"war.declare\",\"precedence\":\"FLASH\",\"tlp\":\"red\",\"body\":{}}"},
    {"POST", "/v1/statements", "{\"n\":1.5}"},
    {"GET", "/v1/statements/00", ""},
    {"GET", "/v1/statements/0123456789abcdef", ""},
    {"POST", "/v1/statements/0123456789abcdef/ack", "{\"officer\":\"duty\"}"},
    {"GET", "/v1/statements/0123456789abcdef/receipt", ""},
    {"PUT", "/v1/drafts/00112233445566778899aabbccddeeff/files/0", "x"},
    {"POST", "/v1/drafts/00112233445566778899aabbccddeeff/send", "{}"},
    {"GET", "/v1/drafts/zz", ""},
    {"POST", "/v1/forums", "{\"title\":\"\",\"members\":[]}"},
    {"POST", "/v1/forums/0123456789/accept", "{}"},
    {"DELETE", "/v1/statements", ""},
    {"GET", "/", ""},
};

static const struct bad peer[] = {
    {"POST", "/add-checkpoint", "old 0\n\nnot a note\n"},
    {"POST", "/add-checkpoint", ""},
    {"POST", "/add-entries", "\x00\x04party"},
    {"POST", "/add-entries", ""},
    {"POST", "/propose", "{}"},
    {"POST", "/propose", "{\"payload\":\"\",\"payloadType\":\"x\",\"signatures\":[]}"},
    {"GET", "/0000000000000000000000000000000000000000000000000000000000000000/checkpoint", ""},
    {"GET", "/0000000000000000000000000000000000000000000000000000000000000000/tile/0/000", ""},
    {"GET", "/v1/status", ""},
    {"POST", "/v1/statements", "{}"},
    {"DELETE", "/add-entries", ""},
};

void bad_request(struct home *h) {
  struct world *w = h->w;
  const bool as_peer = one_in(w, 2), stranger = as_peer && one_in(w, 4);
  const struct bad *b =
      as_peer ? &peer[below(w, sizeof peer / sizeof *peer)] : &local[below(w, sizeof local / sizeof *local)];
  const struct node_request q = {.peer = stranger  ? "stranger.example"
                                         : as_peer ? w->homes[(h->number + 1) % w->n].name
                                                   : NULL,
                                 .method = b->method,
                                 .path = b->path,
                                 .query = ""};
  struct node_response r;
  struct node_call *c = node_begin(h->node, &q, &r);
  if (!c) {
    w->failed = true;
    return;
  }
  if (!r.status && b->body[0]) node_data(c, bytes_str(b->body), &r);
  if (!r.status) node_end(c, &r);
  const unsigned status = r.status;
  node_finish(c);
  buf_free(&r.body);
  if (home_died(h)) return;
  trace(w, "%s bad %s %s: %u", h->name, b->method, b->path, status);
  if (status < 400 || (status >= 500 && w->calm))
    violation(w, "API", "%s answers %s %s with %u", h->name, b->method, b->path, status);
  home_settle(h, false);
}
