/*
 * New versions of the charter: members propose them, others accept or not, some cross, and one party may join late. In the end each
 * honest party has the same versions, the same one in force, and the same verdict on those that cross.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

#define AGAIN_MS 30000 /* between two tries of the end */

static bool text_is(const json_t *o, const char *name, const char *want) {
  const char *s = json_string_value(json_object_get(o, name));
  return s && !strcmp(s, want);
}

/* What this home shows of the forum; NULL when it knows nothing of it. */
static json_t *forum_view(struct home *h) {
  unsigned status = 0;
  json_t *o = NULL;
  char path[96];
  if (!h->w->forum[0]) return NULL;
  snprintf(path, sizeof path, "/v1/forums/%s", h->w->forum);
  client_get_json(h, path, "", &status, &o);
  return o;
}

static const json_t *member(const json_t *forum, const char *name) {
  const json_t *list = json_object_get(forum, "members");
  for (size_t i = 0; i < json_array_size(list); i++)
    if (text_is(json_array_get(list, i), "party", name)) return json_array_get(list, i);
  return NULL;
}

static const char *suspended(const json_t *forum) {
  const json_t *list = json_object_get(forum, "members");
  for (size_t i = 0; i < json_array_size(list); i++)
    if (text_is(json_array_get(list, i), "role", "suspended"))
      return json_string_value(json_object_get(json_array_get(list, i), "party"));
  return NULL;
}

bool amend_has(struct home *h, unsigned party) {
  if (h->w->outsider != party + 1) return true;
  json_t *forum = forum_view(h);
  const bool yes = member(forum, h->w->homes[party].name) != NULL;
  json_decref(forum);
  return yes;
}

bool amend_excuses(const struct home *h) { return h->w->suspends || h->w->outsider == h->number + 1; }

bool amend_may_send(struct home *h) {
  if (!amend_excuses(h)) return true;
  json_t *forum = forum_view(h);
  const json_t *m = member(forum, h->name);
  const bool yes = m && !text_is(m, "role", "suspended");
  json_decref(forum);
  return yes;
}

/* ---- proposing ---- */

/* By its payload, which replaces the version in force alone: what else is open then crosses it. */
static void put_payload(struct world *w, const json_t *forum, json_t *q) {
  json_t *charter = json_object_get(forum, "charter");
  uint8_t nonce[16];
  struct buf text = {0};
  for (size_t i = 0; i < sizeof nonce; i++) nonce[i] = (uint8_t)chance(w);
  json_put_b64(charter, "nonce", nonce, sizeof nonce);
  json_put_int(json_object_get(charter, "ack_seconds"), "FLASH", 60 + (int64_t)below(w, 1000));
  json_object_set_new(charter, "replaces", json_pack("[O]", json_object_get(forum, "version")));
  if (json_write(&text, charter)) json_put_str(q, "payload", buf_cstr(&text) ? (const char *)text.p : "");
  buf_free(&text);
}

static void put_role(struct home *h, const json_t *forum, json_t *q) {
  struct world *w = h->w;
  const char *was = suspended(forum), *name = was ? was : w->homes[(h->number + 1) % w->n].name;
  if (member(forum, name))
    json_object_set_new(q, "roles", json_pack("[{s:s,s:s}]", "party", name, "role", was ? "member" : "suspended"));
  w->suspends = true;
}

static void put_title(struct world *w, json_t *q) {
  char title[32];
  snprintf(title, sizeof title, "Version %llu", (unsigned long long)below(w, 1000000));
  json_put_str(q, "title", title);
}

static bool put_admission(struct world *w, const json_t *forum, json_t *q) {
  const char *name = w->outsider ? w->homes[w->outsider - 1].name : "";
  if (!w->outsider || member(forum, name)) return false;
  json_object_set_new(q, "admit", json_pack("[{s:s}]", "party", name));
  return true;
}

static void put_change(struct home *h, const json_t *forum, json_t *q) {
  struct world *w = h->w;
  const uint64_t what = below(w, 6);
  if (what < 2 && put_admission(w, forum, q)) return;
  if (what == 3 && w->n > 2) {
    put_role(h, forum, q);
  } else if (what == 4 && w->n > 2) {
    json_put_str(q, "adoption", "threshold");
    json_put_int(q, "threshold", 1 + (int64_t)below(w, json_array_size(json_object_get(forum, "members"))));
  } else if (what < 3) {
    put_title(w, q);
  } else {
    put_payload(w, forum, q);
  }
}

/* Of a charter that names a card which has been replaced since nothing can be made. */
static bool good(const struct world *w, unsigned status, unsigned want) {
  bool renewed = false;
  for (unsigned i = 0; i < w->n; i++) renewed |= w->homes[i].n_cards > 1;
  return status == want || ((status == 403 || status == 422) && renewed) ||
         ((status >= 500 || status == 404) && !w->calm); /* 404: a forum that its disk does not let it open */
}

static void post(struct home *h, const char *of, const char *verb, const json_t *q, unsigned want) {
  struct world *w = h->w;
  struct buf body = {0};
  struct api api;
  char path[96];
  snprintf(path, sizeof path, "/v1/forums/%s/%s", of, verb);
  if (!json_write(&body, q)) w->failed = true;
  if (client_call(h, "POST", path, "", buf_view(&body), &api, NULL)) {
    trace(w, "%s %s %.8s: %u %.*s", h->name, verb, of, api.status, (int)(api.body.n < 160 ? api.body.n : 160),
          (const char *)api.body.p);
    if (!good(w, api.status, want))
      violation(w, "API", "%s does not %s a version: %u %.*s", h->name, verb, api.status,
                (int)(api.body.n < 200 ? api.body.n : 200), (const char *)api.body.p);
    home_settle(h, false);
  }
  buf_free(&api.body);
  buf_free(&body);
}

static void propose(struct home *h, void (*put)(struct home *, const json_t *, json_t *)) {
  struct world *w = h->w;
  json_t *forum = forum_view(h), *q = json_object();
  const char *name = suspended(forum);
  const bool may = text_is(forum, "state", "in_force") && (!name || strcmp(name, h->name));
  if (may) put(h, forum, q);
  if (may && json_object_size(q)) {
    post(h, w->forum, "amend", q, 201);
    w->amended = true;
  }
  json_decref(forum);
  json_decref(q);
}

/* ---- accepting ---- */

static void vote(struct home *h, bool all) {
  json_t *forum = forum_view(h), *none = json_object(), *v;
  size_t i;
  json_array_foreach(json_object_get(forum, "versions"), i, v) {
    const char *id = json_string_value(json_object_get(v, "version"));
    const bool first = json_array_size(json_object_get(v, "replaces")) == 0;
    if (!first && id && text_is(v, "state", "proposed") && (all || !one_in(h->w, 4)) && h->up && !violated(h->w))
      post(h, id, "accept", none, 200);
  }
  json_decref(none);
  json_decref(forum);
}

/* ---- while things break ---- */

void amend_begin(struct world *w) {
  if (forum_is_agreed(w) || w->backup || w->o.disk_fault || one_in(w, 2)) return;
  w->amendments_left = 1 + (unsigned)below(w, 3);
  if (w->n > 2 && one_in(w, 2)) w->outsider = w->n;
  at(w, w->now_ms + (int64_t)below(w, 60000), EV_AMEND, 0);
}

void amend_event(struct world *w) {
  struct home *h = &w->homes[below(w, w->n)];
  if (w->calm) return;
  const uint64_t pause_ms = w->o.hours ? (uint64_t)w->op_pause_ms : 12000;
  at(w, w->now_ms + 200 + (int64_t)below(w, one_in(w, 3) ? 1000 : pause_ms), EV_AMEND, 0);
  if (!h->up || !w->forum[0]) return;
  if (!w->amendments_left || !one_in(w, 3)) {
    vote(h, false);
    return;
  }
  w->amendments_left--;
  propose(h, put_change);
}

/* ---- the end ---- */

static void put_end(struct home *h, const json_t *forum, json_t *q) {
  if (!put_admission(h->w, forum, q)) put_title(h->w, q);
}

static bool in_conflict(struct home *h) {
  json_t *forum = forum_view(h), *v;
  bool found = false;
  size_t i;
  json_array_foreach(json_object_get(forum, "versions"), i, v) found |= text_is(v, "state", "conflict");
  json_decref(forum);
  return found;
}

void amend_settle(struct world *w) {
  struct home *h = &w->homes[0];
  if (!w->amended && !w->outsider) return;
  const bool admits = w->outsider && h->up && !amend_has(h, w->outsider - 1);
  if (!w->settling) {
    w->settling = true;
    w->settles = w->outsider || one_in(w, 2);
    w->mends = w->settles && one_in(w, 2);
  }
  const bool mends = w->mends && h->up && in_conflict(h);
  if ((admits || mends) && w->now_ms >= w->settle_at) {
    w->settle_at = w->now_ms + AGAIN_MS;
    propose(h, put_end);
  }
  for (unsigned i = 0; i < w->n && w->settles && !violated(w); i++)
    if (w->homes[i].up) vote(&w->homes[i], true);
}

/* Complete versions, as this home judges them. */
static char *verdicts(struct home *h) {
  json_t *forum = forum_view(h), *list = json_array(), *v;
  size_t i;
  json_array_foreach(json_object_get(forum, "versions"), i, v) {
    if (text_is(v, "state", "proposed") || text_is(v, "state", "signed")) continue;
    json_array_append_new(list, json_pack("{s:O,s:O,s:O*}", "version", json_object_get(v, "version"), "state",
                                          json_object_get(v, "state"), "rivals", json_object_get(v, "rivals")));
  }
  char *text = json_dumps(list, JSON_COMPACT);
  json_decref(list);
  json_decref(forum);
  return text;
}

bool amend_agreed(struct world *w, char *why, size_t n) {
  bool same = true;
  if (!w->amended) return true;
  char *first = verdicts(&w->homes[0]);
  for (unsigned i = 1; i < w->n && same; i++) {
    char *other = verdicts(&w->homes[i]);
    same = first && other && !strcmp(first, other);
    if (!same) trace(w, "%s judges %s", w->homes[0].name, first);
    if (!same) trace(w, "%s judges %s", w->homes[i].name, other);
    if (!same) snprintf(why, n, "%s and %s judge the versions differently", w->homes[0].name, w->homes[i].name);
    free(other);
  }
  free(first);
  return same;
}

bool amend_crossed(struct home *h) {
  json_t *forum = forum_view(h), *v;
  bool found = false;
  size_t i;
  json_array_foreach(json_object_get(forum, "versions"), i, v) found |= json_object_get(v, "rivals") != NULL;
  json_decref(forum);
  return found;
}

void amend_in_force(struct home *h, char out[static 65]) {
  json_t *forum = forum_view(h);
  const char *id = json_string_value(json_object_get(forum, "version"));
  snprintf(out, 65, "%s", id ? id : "");
  json_decref(forum);
}
