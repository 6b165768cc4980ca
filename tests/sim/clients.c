/*
 * Clients of the local API: one request, at once or waiting for its answer; and what they remember of statements.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

/* ---- one request ---- */

bool client_call(struct home *h, const char *method, const char *path, const char *query, struct bytes body,
                 struct api *out, struct node_call **call) {
  struct node_response r;
  const struct node_request q = {
      .method = method, .path = path, .query = query, .content_type = body.p ? "application/json" : NULL};
  *out = (struct api){0};
  if (call) *call = NULL;
  if (!h->up) return false;
  struct node_call *c = node_begin(h->node, &q, &r);
  if (!c) {
    h->w->failed = true;
    return false;
  }
  if (body.n && !r.status) node_data(c, body, &r);
  if (!r.status) node_end(c, &r);
  if (r.status || !call)
    node_finish(c);
  else
    *call = c;
  if (h->dead || fault_disk_is_cut(h->disk)) { /* what it says was never heard */
    if (r.stream) node_stream_free(r.stream);
    buf_free(&r.body);
    home_died(h);
    return false;
  }
  *out = (struct api){r.status, r.body, r.stream, r.stream_length};
  return true;
}

bool client_get_json(struct home *h, const char *path, const char *query, unsigned *status, json_t **out) {
  struct api api;
  *out = NULL;
  if (!client_call(h, "GET", path, query, BYTES_NONE, &api, NULL)) return false;
  *status = api.status;
  if (api.status == 200 && json_parse(out, buf_view(&api.body), 64 << 20, NULL) != PARLEY_OK)
    violation(h->w, "API", "%s answers %s with something that is no JSON", h->name, path);
  buf_free(&api.body);
  return !violated(h->w);
}

/* ---- statements ---- */

size_t sent_new(struct world *w, unsigned from) {
  void *sent = w->sent;
  const bool ok = grow(w, &sent, &w->sent_cap, w->sent_n + 1, sizeof *w->sent);
  w->sent = sent;
  if (!ok) return NO_STATEMENT;
  w->sent[w->sent_n] = (struct sent){.from = from};
  return w->sent_n++;
}

size_t sent_find(const struct world *w, const char *id) {
  for (size_t i = 0; i < w->sent_n; i++)
    if (!strcmp(w->sent[i].id, id)) return i;
  return NO_STATEMENT;
}

void client_accepted(struct world *w, size_t statement, const char *id) {
  struct sent *s = &w->sent[statement];
  if (strlen(id) != 64) {
    violation(w, "API", "%s accepts a statement without an id", w->homes[s->from].name);
    return;
  }
  snprintf(s->id, sizeof s->id, "%s", id);
  s->accepted = true;
  if (s->is_ack) homes_add(&w->sent[s->acks].acked_by, s->from);
  trace(w, "%s accepted %.16s%s", w->homes[s->from].name, id, s->is_ack ? ", an ack" : "");
}

bool client_excuses(const struct world *w, unsigned status) {
  if (w->calm) return false;
  return status == 500 || status == 503 || status == 507 || (status == 404 && w->outsider);
}

/* An ack that the node refuses as done already was accepted once, its answer was lost. */
static void refused(struct home *h, const struct local *l, const struct node_response *r) {
  struct world *w = h->w;
  trace(w, "%s refuses %s: %u %.*s", h->name, l->what == LOCAL_ACK ? "an ack" : "a statement", r->status,
        (int)(r->body.n < 200 ? r->body.n : 200), (const char *)r->body.p);
  if (amend_excuses(h) && (r->status == 403 || r->status == 409)) return;
  const bool done = !w->calm && l->what == LOCAL_ACK && (r->status == 409 || h->set_back);
  if (!client_excuses(w, r->status) && !done)
    violation(w, "API", "%s answers a good request with %u: %.*s", h->name, r->status,
              (int)(r->body.n < 200 ? r->body.n : 200), (const char *)r->body.p);
}

void client_answer(struct home *h, struct local *l, struct node_response *r) {
  struct world *w = h->w;
  struct node_call *call = l->call;
  json_t *o = NULL;
  const char *id = "";
  l->call = NULL;
  if (call) node_finish(call);
  if (h->liar && r->status == 201 && json_parse(&o, buf_view(&r->body), 1 << 20, NULL) == PARLEY_OK &&
      json_get_str(&id, o, "", "id", NULL) == PARLEY_OK)
    liar_said(h, id);
  if (l->what == LOCAL_RECOVER) recovery_answer(h, r);
  if (l->statement == NO_STATEMENT) {
    json_decref(o);
    return;
  }
  if (r->status != 201) {
    refused(h, l, r);
    return;
  }
  if (json_parse(&o, buf_view(&r->body), 1 << 20, NULL) == PARLEY_OK) json_get_str(&id, o, "", "id", NULL);
  client_accepted(w, l->statement, id);
  json_decref(o);
}

/* ---- files ---- */

static bool same_stream(struct api *api, struct bytes want) {
  uint8_t piece[8192];
  uint64_t at = 0;
  int64_t n = 0;
  bool same = api->stream_length == want.n;
  while (same && (n = node_stream_read(api->stream, at, piece, sizeof piece)) > 0) {
    same = at + (uint64_t)n <= want.n && !memcmp(piece, want.p + at, (size_t)n);
    at += (uint64_t)n;
  }
  return same && n == 0 && at == want.n;
}

bool client_check_file(struct home *h, const struct sent *s, size_t file, const char *invariant) {
  struct world *w = h->w;
  struct api api;
  char path[128];
  snprintf(path, sizeof path, "/v1/statements/%s/files/%zu", s->id, file);
  if (!client_call(h, "GET", path, "", BYTES_NONE, &api, NULL)) return false;
  if (api.status == 200) {
    const struct calm calm = calm_begin(h);
    const bool same = same_stream(&api, buf_view(&s->files[file].data));
    calm_end(h, calm);
    if (!same) violation(w, invariant, "%s serves file %zu of %.16s with other bytes", h->name, file, s->id);
  } else if (!strcmp(invariant, "I5")) {
    violation(w, invariant, "%s does not serve file %zu of %.16s: %u %.*s", h->name, file, s->id, api.status,
              (int)(api.body.n < 200 ? api.body.n : 200), (const char *)api.body.p);
  }
  if (api.stream) node_stream_free(api.stream);
  buf_free(&api.body);
  return !violated(w);
}

/* ---- ends ---- */

void clients_forget(struct home *h) {
  struct world *w = h->w;
  for (size_t i = 0; i < w->locals_n; i++)
    if (w->locals[i]->home == h->number && w->locals[i]->call) {
      node_finish(w->locals[i]->call);
      w->locals[i]->call = NULL;
    }
  for (size_t i = 0; i < w->drafts_n; i++)
    if (w->drafts[i].home == h->number && w->drafts[i].call) {
      node_finish(w->drafts[i].call);
      w->drafts[i].call = NULL;
    }
}

void clients_free(struct world *w) {
  for (size_t i = 0; i < w->locals_n; i++) free(w->locals[i]);
  for (size_t i = 0; i < w->sent_n; i++)
    for (size_t k = 0; k < w->sent[i].n_files; k++) buf_free(&w->sent[i].files[k].data);
  free(w->locals);
  free(w->sent);
  free(w->drafts);
}
