/*
 * What an officer does after an old backup: asks what the others hold, and has the node recover once nobody is silent. From then on the log
 * goes on in the same epoch or in the next.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

#define PATIENCE_MS 120000 /* for an answer, until it is asked again */

bool recovery_due(const struct home *h) {
  struct node_log_view v;
  for (size_t k = 0; k < 2 && h->set_back && h->up && node_log_at(h->node, k, &v); k++)
    if (v.own && v.stopped) return true;
  return false;
}

static void later(struct world *w) {
  at(w, w->now_ms + 2000 + (int64_t)below(w, w->calm ? 3000 : 60000), EV_RECOVER, 0);
}

static void ask(struct home *h, bool dry) {
  struct world *w = h->w;
  struct api api;
  struct node_call *call = NULL;
  h->recover_asked_ms = w->now_ms;
  h->recover_dry = dry;
  if (!dry) h->recovering = true;
  if (!client_call(h, "POST", "/v1/recover", "", bytes_str(dry ? "{\"dry_run\":true}" : "{}"), &api, &call)) return;
  trace(w, "%s is to recover%s", h->name, dry ? ", to see" : "");
  if (call) {
    client_recovers(h, call);
  } else {
    const struct node_response r = {.status = api.status, .body = api.body};
    recovery_answer(h, &r);
  }
  buf_free(&api.body);
  home_settle(h, false);
}

/* What a forum's report names, of which nothing may stand in the way. */
static bool all_answered(const json_t *o) {
  const json_t *forums = json_object_get(o, "forums");
  for (size_t i = 0; i < json_array_size(forums); i++)
    if (json_array_size(json_object_get(json_array_get(forums, i), "silent"))) return false;
  return true;
}

static void count_outcomes(struct home *h, const json_t *o) {
  const json_t *forums = json_object_get(o, "forums");
  for (size_t i = 0; i < json_array_size(forums); i++) {
    const char *outcome = json_string_value(json_object_get(json_array_get(forums, i), "outcome"));
    trace(h->w, "%s recovers: %s", h->name, outcome ? outcome : "?");
  }
}

/* Statements with files that were accepted and not signed are to be sent again, which is an officer's affair (docs/operations.md). */
static void forget_files(struct home *h) {
  struct world *w = h->w;
  for (size_t i = 0; i < w->sent_n; i++)
    if (w->sent[i].from == h->number && w->sent[i].n_files) w->sent[i].accepted = false;
  for (size_t i = 0; i < w->drafts_n; i++)
    if (w->drafts[i].home == h->number) w->drafts[i].state = DRAFT_OVER;
}

void recovery_answer(struct home *h, const struct node_response *r) {
  struct world *w = h->w;
  json_t *o = NULL;
  trace(w, "%s recover: %u %.*s", h->name, r->status, (int)(r->body.n < 2000 ? r->body.n : 2000),
        (const char *)r->body.p);
  if (r->status == 200 && json_parse(&o, buf_view(&r->body), 1 << 20, NULL) == PARLEY_OK) {
    count_outcomes(h, o);
    if (h->recover_dry)
      h->recover_planned = all_answered(o);
    else
      forget_files(h);
  } else if (r->status < 500) {
    violation(w, "API", "%s does not recover: %u %.*s", h->name, r->status, (int)(r->body.n < 200 ? r->body.n : 200),
              (const char *)r->body.p);
  }
  h->recover_asked_ms = INT64_MIN;
  json_decref(o);
}

void recovery_event(struct world *w) {
  struct home *h = &w->homes[0];
  later(w);
  if (!recovery_due(h) || !workload_forum_open(w)) return;
  if (h->recover_asked_ms != INT64_MIN && w->now_ms < h->recover_asked_ms + PATIENCE_MS) return;
  const bool go = h->recover_planned;
  h->recover_planned = false;
  ask(h, !go);
}

void recovery_begin_later(struct world *w) {
  struct home *h = &w->homes[0];
  h->recover_asked_ms = INT64_MIN;
  if (w->recovers) at(w, w->now_ms + 5000 + (int64_t)below(w, 120000), EV_RECOVER, 0);
}
