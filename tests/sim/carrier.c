/*
 * A courier between two parties that have no line in the first act: bundles, made and taken in over the local API
 * (docs/protocol.md, section 10). What he carries may be old, come twice, or be lost with the machine that takes it in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"
#include "record/bundle.h"
#include "record/bundle_join.h"
#include "world.h"

struct trip {
  struct home *from, *to;
  char digest[65];
  json_t *held; /* of that log, where it goes to */
  struct leaf_run a, b;
  uint64_t pending;
  unsigned taken, refused;
};

/* One request; its JSON where the status is 200, else NULL. */
static json_t *ask(struct trip *t, struct home *h, const char *method, const char *path, const char *query,
                   struct bytes body) {
  struct api api;
  json_t *o = NULL;
  if (!client_call(h, method, path, query, body, &api, NULL)) return NULL;
  if (api.status >= 500 && h->w->calm)
    violation(h->w, "API", "%s answers %s with %u: %.*s", h->name, path, api.status,
              (int)(api.body.n < 200 ? api.body.n : 200), (const char *)api.body.p);
  if (api.status < 300 && api.body.n) json_parse(&o, buf_view(&api.body), 64 << 20, NULL);
  if (api.status >= 400)
    trace(h->w, "%s refuses of a bundle %.40s: %u %.*s", h->name, path, api.status,
          (int)(api.body.n < 120 ? api.body.n : 120), (const char *)api.body.p);
  if (strcmp(method, "GET")) *(api.status < 300 ? &t->taken : &t->refused) += 1;
  buf_free(&api.body);
  if (strcmp(method, "GET")) home_settle(h, false);
  return o;
}

static struct bytes text(const json_t *o, const char *name) {
  const char *s = json_string_value(json_object_get(o, name));
  return bytes_str(s ? s : "");
}

static uint64_t number(const json_t *o, const char *name) {
  const json_int_t n = json_integer_value(json_object_get(o, name));
  return n > 0 ? (uint64_t)n : 0;
}

static parley_err add_leaf(void *ctx, uint64_t index, const struct hash *leaf, struct errmsg *e) {
  struct trip *t = ctx;
  struct leaf_run *run = index < t->pending ? &t->a : &t->b;
  (void)e;
  if (index == run->end) leaf_run_add(run, leaf);
  return PARLEY_OK;
}

static void put_run(json_t *list, const struct leaf_run *r) {
  for (size_t i = 0; i < r->n; i++) {
    char hash[64];
    struct buf b = {0};
    base64_encode(&b, BYTES(r->part[i].h.b, 32), true);
    snprintf(hash, sizeof hash, "%s", buf_cstr(&b) ? (const char *)b.p : "");
    json_array_append_new(list, json_string(hash));
    buf_free(&b);
  }
}

/* The pieces from start to end, as they come from the node that made the bundle. */
static size_t pieces_of(struct trip *t, const char *origin, uint64_t start, uint64_t end, struct buf out[],
                        size_t max) {
  size_t n = 0;
  while (start < end && n < max) {
    struct api api;
    char path[160];
    snprintf(path, sizeof path, "/v1/bundle/logs/%s/entries/%llu-%llu", t->digest, (unsigned long long)start,
             (unsigned long long)end);
    if (!client_call(t->from, "GET", path, "", BYTES_NONE, &api, NULL)) break;
    struct bundle_name name = {.kind = BUNDLE_ENTRIES, .start = start};
    const bool ok = api.status == 200 && !bundle_entries_end(&name, buf_view(&api.body), origin, NULL) &&
                    !bundle_entries_walk(&name, buf_view(&api.body), origin, end, NULL, add_leaf, t, NULL);
    if (!ok) {
      buf_free(&api.body);
      break;
    }
    out[n++] = api.body;
    start = name.end;
  }
  return n;
}

static void show_checkpoint(struct trip *t, const json_t *plan) {
  json_t *o = json_object(), *hashes = json_array();
  struct buf body = {0};
  char path[120];
  put_run(hashes, &t->a);
  put_run(hashes, &t->b);
  json_object_set(o, "note", json_object_get(plan, "checkpoint"));
  json_put_int(o, "next", (int64_t)t->a.start);
  json_put_int(o, "pending", (int64_t)t->pending);
  json_object_set_new(o, "hashes", hashes);
  snprintf(path, sizeof path, "/v1/bundle/logs/%s/checkpoint", t->digest);
  if (!json_write(&body, o)) t->to->w->failed = true;
  json_decref(ask(t, t->to, "POST", path, "", buf_view(&body)));
  buf_free(&body);
  json_decref(o);
}

static void carry_cosigned(struct trip *t, const json_t *plan) {
  const json_t *list = json_object_get(plan, "cosigned");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *c = json_array_get(list, i);
    const char *party = json_string_value(json_object_get(c, "party"));
    char path[200];
    if (!party || !strcmp(party, t->to->name)) continue;
    snprintf(path, sizeof path, "/v1/bundle/logs/%s/cosigned/%s", t->digest, party);
    json_decref(ask(t, t->to, "POST", path, "", text(c, "note")));
  }
}

#define PIECES_MAX 64

static void carry_entries(struct trip *t, const json_t *plan, const json_t *held) {
  static struct buf pieces[PIECES_MAX];
  const uint64_t start = number(plan, "start"), end = number(plan, "end");
  char origin[ORIGIN_MAX + 1];
  snprintf(origin, sizeof origin, "%.*s", (int)text(plan, "origin").n, (const char *)text(plan, "origin").p);
  leaf_run_begin(&t->a, number(held, "next"));
  t->pending = number(held, "pending");
  leaf_run_begin(&t->b, t->pending);
  const size_t n = pieces_of(t, origin, start, end, pieces, PIECES_MAX);
  if (start <= t->a.start && !json_is_true(json_object_get(held, "own"))) {
    show_checkpoint(t, plan);
    for (size_t i = 0; i < n; i++) json_decref(ask(t, t->to, "POST", "/v1/bundle/entries", "", buf_view(&pieces[i])));
  }
  for (size_t i = 0; i < n; i++) buf_free(&pieces[i]);
}

static void carry_log(struct trip *t, const char *digest) {
  char path[200];
  snprintf(t->digest, sizeof t->digest, "%s", digest);
  snprintf(path, sizeof path, "/v1/bundle/logs/%s/for/%s", t->digest, t->to->name);
  json_t *plan = ask(t, t->from, "GET", path, "since=0", BYTES_NONE);
  snprintf(path, sizeof path, "/v1/bundle/logs/%s", t->digest);
  json_t *held = plan ? ask(t, t->to, "GET", path, "", BYTES_NONE) : NULL;
  if (held && json_object_get(plan, "checkpoint")) carry_entries(t, plan, held);
  if (held) carry_cosigned(t, plan);
  json_decref(plan);
  json_decref(held);
}

static void carry_envelopes(struct trip *t, const json_t *plan, const char *list, const char *path, const char *query) {
  const json_t *all = json_object_get(plan, list);
  for (size_t i = 0; i < json_array_size(all); i++) {
    const char *envelope = json_string_value(json_array_get(all, i));
    json_decref(ask(t, t->to, "POST", path, query, bytes_str(envelope ? envelope : "")));
  }
}

static void carry(struct home *from, struct home *to) {
  struct trip t = {.from = from, .to = to};
  char query[160];
  snprintf(query, sizeof query, "for=%s&forum=%s", to->name, from->w->forum);
  json_t *plan = ask(&t, from, "POST", "/v1/bundle", query, BYTES("", 0));
  snprintf(query, sizeof query, "from=%s", from->name);
  carry_envelopes(&t, plan, "cards", "/v1/successor", "");
  carry_envelopes(&t, plan, "charters", "/v1/bundle/charter", query);
  const json_t *logs = json_object_get(plan, "logs");
  for (size_t i = 0; i < json_array_size(logs) && from->up && to->up && !violated(from->w); i++) {
    const char *digest = json_string_value(json_array_get(logs, i));
    if (digest) carry_log(&t, digest);
  }
  trace(from->w, "a bundle of %s for %s: %u taken, %u refused", from->name, to->name, t.taken, t.refused);
  json_decref(plan);
}

/* ---- when ---- */

void carrier_begin(struct world *w) {
  if (w->has_liar || w->backup || w->o.disk_fault || w->o.no_faults || w->n > SIM_PARTIES_PROPOSED || !one_in(w, 6))
    return;
  w->carried = true;
  w->link_cut[0][1] = w->link_cut[1][0] = true;
  trace(w, "no line between the first two, but a courier");
  at(w, w->now_ms + 2000 + (int64_t)below(w, 20000), EV_CARRIER, 0);
}

bool carrier_instead(const struct world *w, unsigned a, unsigned b) { return w->carried && !w->calm && a + b == 1; }

void carrier_event(struct world *w) {
  const unsigned from = (unsigned)below(w, 2);
  if (w->calm) return;
  at(w, w->now_ms + 1000 + (int64_t)below(w, w->o.hours ? (uint64_t)w->op_pause_ms : 40000), EV_CARRIER, 0);
  if (w->homes[0].up && w->homes[1].up && w->forum[0]) carry(&w->homes[from], &w->homes[1 - from]);
}
