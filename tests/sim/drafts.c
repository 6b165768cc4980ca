/*
 * A client that sends a statement with files: draft, upload in pieces, send, and ask until it is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

static void again(struct world *w, size_t number, uint64_t ms) {
  at(w, w->now_ms + (int64_t)below(w, ms), EV_DRAFT, number);
}

static void give_up(struct world *w, struct draft_client *d, const char *why) {
  trace(w, "%s draft %.8s: %s", w->homes[d->home].name, d->id, why);
  if (d->promised && !amend_excuses(&w->homes[d->home]))
    violation(w, "I1", "%s promised to send draft %.16s and lost it: %s", w->homes[d->home].name, d->id, why);
  d->state = DRAFT_OVER;
}

/* In trouble a good request may fail; once everything has healed it may not. */
static void failed(struct world *w, struct draft_client *d, const struct api *api) {
  if (amend_excuses(&w->homes[d->home]) && (api->status == 403 || api->status == 409)) {
    give_up(w, d, "no longer allowed");
    return;
  }
  if (!client_excuses(w, api->status))
    violation(w, "API", "%s answers a good request about draft %.8s with %u: %.*s", w->homes[d->home].name, d->id,
              api->status, (int)(api->body.n < 200 ? api->body.n : 200), (const char *)api->body.p);
  else if (!d->promised)
    give_up(w, d, "refused in trouble");
}

void draft_new(struct home *h, struct bytes request, size_t statement) {
  struct world *w = h->w;
  struct draft_client d = {.home = h->number, .statement = statement};
  struct api api;
  const char *id = "";
  json_t *o = NULL;
  if (!client_call(h, "POST", "/v1/statements", "", request, &api, NULL)) return;
  d.life = h->life;
  if (api.status != 202) {
    failed(w, &d, &api);
  } else if (json_parse(&o, buf_view(&api.body), 4096, NULL) == PARLEY_OK &&
             json_get_str(&id, o, "", "draft", NULL) == PARLEY_OK) {
    void *drafts = w->drafts;
    const bool ok = grow(w, &drafts, &w->drafts_cap, w->drafts_n + 1, sizeof *w->drafts);
    w->drafts = drafts;
    snprintf(d.id, sizeof d.id, "%s", id);
    trace(w, "%s draft %.8s", h->name, d.id);
    if (ok) w->drafts[w->drafts_n++] = d;
    if (ok) again(w, w->drafts_n - 1, 500);
  } else {
    violation(w, "API", "%s makes a draft without a name", h->name);
  }
  json_decref(o);
  buf_free(&api.body);
}

static void put_begin(struct home *h, struct draft_client *d, struct node_response *r) {
  char path[96];
  snprintf(path, sizeof path, "/v1/drafts/%s/files/%zu", d->id, d->file);
  const struct node_request q = {.method = "PUT", .path = path, .query = ""};
  d->fed = 0;
  d->call = node_begin(h->node, &q, r);
  if (!d->call) h->w->failed = true;
}

static void put_piece(struct home *h, struct draft_client *d, struct node_response *r) {
  struct world *w = h->w;
  const struct buf *data = &w->sent[d->statement].files[d->file].data;
  const size_t left = data->n - d->fed;
  size_t n = left > 100000 ? 70000 : (size_t)below(w, left + 1);
  if (one_in(w, 3)) n = left < 200000 ? left : 200000;
  if (n) node_data(d->call, BYTES(data->p + d->fed, n), r);
  d->fed += n;
  if (!r->status && d->fed == data->n) node_end(d->call, r);
}

static void put_answered(struct home *h, struct draft_client *d, struct node_response *r) {
  struct world *w = h->w;
  const struct api api = {.status = r->status, .body = r->body};
  node_finish(d->call);
  d->call = NULL;
  if (r->status != 204)
    failed(w, d, &api);
  else if (++d->file == w->sent[d->statement].n_files)
    d->state = DRAFT_SEND;
}

static void put(struct home *h, size_t number) {
  struct world *w = h->w;
  struct draft_client *d = &w->drafts[number];
  struct node_response r = {0};
  if (one_in(w, 60) && !w->calm) {
    if (d->call) node_finish(d->call);
    d->call = NULL;
    give_up(w, d, "the client walks away");
    return;
  }
  if (!d->call) put_begin(h, d, &r);
  if (!d->call) return;
  if (!r.status) put_piece(h, d, &r);
  if (!home_died(h)) {
    if (r.status) put_answered(h, d, &r);
    home_settle(h, false);
  }
  buf_free(&r.body);
  again(w, number, 300);
}

static void promise(struct home *h, size_t number) {
  struct world *w = h->w;
  struct draft_client *d = &w->drafts[number];
  struct api api;
  char path[96];
  snprintf(path, sizeof path, "/v1/drafts/%s/send", d->id);
  d->state = DRAFT_ASK; /* whatever comes: the answer may be lost */
  if (client_call(h, "POST", path, "", BYTES("{}", 2), &api, NULL)) {
    if (api.status == 202)
      d->promised = true;
    else
      failed(w, d, &api);
    trace(w, "%s draft %.8s to be sent: %u", h->name, d->id, api.status);
    home_settle(h, false);
  }
  buf_free(&api.body);
  again(w, number, 5000);
}

static void ask(struct home *h, size_t number) {
  struct world *w = h->w;
  struct draft_client *d = &w->drafts[number];
  unsigned status = 0;
  json_t *o;
  char path[96];
  const char *state = "", *id = "";
  snprintf(path, sizeof path, "/v1/drafts/%s", d->id);
  if (!client_get_json(h, path, "", &status, &o)) return;
  json_get_str(&state, o, "", "state", NULL);
  if (status == 404) {
    give_up(w, d, "it is unknown");
  } else if (status == 200 && !strcmp(state, "sent")) {
    json_get_str(&id, o, "", "id", NULL);
    client_accepted(w, d->statement, id);
    d->state = DRAFT_OVER;
  } else if (status == 200 && !strcmp(state, "failed")) {
    give_up(w, d, "it failed");
  } else if (status == 200 && !strcmp(state, "uploading")) {
    give_up(w, d, "it was never sent");
  }
  json_decref(o);
  if (d->state == DRAFT_ASK) again(w, number, 10000);
}

void draft_event(struct world *w, size_t number) {
  struct draft_client *d = &w->drafts[number];
  struct home *h = &w->homes[d->home];
  if (d->state == DRAFT_OVER) return;
  if (!h->up) {
    again(w, number, 20000);
    return;
  }
  if (d->state != DRAFT_ASK && d->life != h->life) { /* unfinished uploads are dropped at a restart */
    give_up(w, d, "the node restarted");
    return;
  }
  if (d->state == DRAFT_PUT)
    put(h, number);
  else if (d->state == DRAFT_SEND)
    promise(h, number);
  else
    ask(h, number);
}
