/*
 * The local API: which request goes to which handler (docs/local-api.md).
 */
#include <string.h>

#include "node/call.h"

struct route {
  const char *method, *path; /* a path that ends with '/' takes one id; what may follow the id is in tail */
  const char *tail;
  call_handler handler;
};

static const struct route routes[] = {
    {"GET", "/v1/status", NULL, local_status},
    {"GET", "/v1/card", NULL, local_card},
    {"GET", "/v1/cards", NULL, local_cards},
    {"POST", "/v1/successor", NULL, local_successor},
    {"GET", "/v1/pins", NULL, local_pins},
    {"GET", "/v1/proofs", NULL, local_proofs},
    {"GET", "/v1/proofs/", "", local_proof},
    {"GET", "/v1/availability/", "", local_availability},
    {"GET", "/v1/forums", NULL, local_forums},
    {"POST", "/v1/forums", NULL, local_forum_propose},
    {"GET", "/v1/forums/", "", local_forum},
    {"POST", "/v1/forums/", "/accept", local_forum_accept},
    {"POST", "/v1/forums/", "/amend", local_forum_amend},
    {"POST", "/v1/versions", NULL, local_version_take},
    {"GET", "/v1/statements", NULL, local_list},
    {"POST", "/v1/statements", NULL, local_send},
    {"GET", "/v1/statements/", "", local_statement},
    {"GET", "/v1/statements/", "/entry", local_entry},
    {"GET", "/v1/statements/", "/files/", local_file},
    {"GET", "/v1/statements/", "/receipt", local_receipt},
    {"POST", "/v1/statements/", "/ack", local_ack},
    {"POST", "/v1/statements/", "/reject", local_reject},
    {"GET", "/v1/statements/", "/disclosure", local_disclosure},
    {"POST", "/v1/statements/", "/disclosed", local_disclosed},
    {"GET", "/v1/statements/", "/sealed/", local_sealed},
    {"POST", "/v1/recover", NULL, local_recover},
    {"GET", "/v1/drafts/", "", local_draft},
    {"POST", "/v1/drafts/", "/send", local_draft_send},
    {"POST", "/v1/bundle", NULL, local_bundle},
    {"POST", "/v1/bundle/charter", NULL, local_bundle_charter},
    {"GET", "/v1/bundle/logs/", "", local_bundle_held},
    {"GET", "/v1/bundle/logs/", "/for/", local_bundle_log},
    {"GET", "/v1/bundle/logs/", "/entries/", local_bundle_entries},
    {"POST", "/v1/bundle/logs/", "/checkpoint", local_bundle_checkpoint},
    {"POST", "/v1/bundle/logs/", "/cosigned/", local_bundle_cosigned},
};

/* Cuts "/v1/statements/<id>/ack" into the id and what follows; a tail that ends with '/' takes a number after it. */
static bool route_match(const struct route *r, struct node_call *c) {
  size_t n = strlen(r->path);
  if (!r->tail) return !strcmp(r->path, c->path);
  if (strncmp(r->path, c->path, n)) return false;
  const char *id = c->path + n, *slash = strchr(id, '/');
  const char *tail = slash ? slash : "";
  size_t t = strlen(r->tail);
  bool number = t && r->tail[t - 1] == '/';
  if (number ? strncmp(tail, r->tail, t) || !tail[t] : strcmp(tail, r->tail)) return false;
  c->rest = number ? tail + t : tail;
  c->path = arena_cstr(&c->arena, BYTES(id, (size_t)(slash ? slash - id : (ptrdiff_t)strlen(id))));
  return c->path != NULL;
}

void local_route(struct node_call *c, const struct node_request *r, struct node_response *out) {
  struct errmsg e;
  if (!strcmp(r->method, "PUT") && !strncmp(c->path, "/v1/drafts/", 11)) {
    draft_file_begin(c, out);
    return;
  }
  if (!strcmp(r->method, "GET") && !strncmp(c->path, "/v1/audit/", 10)) {
    c->path += 10;
    c->handler = local_audit;
    return;
  }
  if (!strcmp(r->method, "POST") && !strcmp(c->path, "/v1/bundle/entries")) {
    c->entries = true; /* a stream, as from a counterpart */
    return;
  }
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    if (!strcmp(routes[i].method, r->method) && route_match(&routes[i], c)) {
      c->handler = routes[i].handler;
      return;
    }
  err_set(&e, PARLEY_ENOTFOUND, "%s %s is not part of the local API (docs/local-api.md)", r->method, c->path);
  answer_err(c, out, PARLEY_ENOTFOUND, &e);
}
