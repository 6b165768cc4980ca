/*
 * What must hold after every step, and after every start: cheap, and without disturbing the run.
 */
#include <string.h>

#include "world.h"

#define OWN_LOGS 2    /* listed first */
#define ALL_STEPS 256 /* where there are many logs, those of others are looked at in every so manieth step */

static void check_stopped(struct home *h) {
  struct node_log_view v;
  for (size_t k = 0; k < OWN_LOGS && node_log_at(h->node, k, &v); k++) {
    if (!v.stopped) continue;
    if (!h->set_back && !h->w->o.unsafe)
      violation(h->w, "I5", "%s stopped signing %s in an honest run: %s", h->name, v.origin, v.why);
    if (!v.why[0]) violation(h->w, "backup", "%s stopped signing %s and does not say why", h->name, v.origin);
  }
}

/* Nothing is shown as signed that is not there. */
static void check_sizes(struct home *h) {
  const size_t most = h->w->n > 8 && h->w->step % ALL_STEPS ? OWN_LOGS : SIZE_MAX;
  struct node_log_view v;
  for (size_t k = 0; k < most && node_log_at(h->node, k, &v); k++)
    if (v.signed_size > v.size)
      violation(h->w, "I2", "%s signed %llu entries of %s and holds %llu", h->name, (unsigned long long)v.signed_size,
                v.origin, (unsigned long long)v.size);
}

/* In the midst of trouble its disk failed as the forum was to be opened: nothing of it is shown, and it is tried again. */
static bool is_closed(const struct home *h) {
  struct node_log_view v;
  return h->disk_failed && !h->w->calm && !node_log_at(h->node, 0, &v);
}

void invariants_step(struct home *h) {
  if (!h->up || violated(h->w) || h->liar || is_closed(h)) return;
  check_stopped(h);
  check_sizes(h);
  claims_check(h, false);
}

/* ---- after a start ---- */

static void check_accepted(struct home *h, const struct sent *s) {
  struct api api;
  char path[96], id[65];
  struct hash leaf;
  snprintf(path, sizeof path, "/v1/statements/%s/entry", s->id);
  if (!client_call(h, "GET", path, "", BYTES_NONE, &api, NULL)) return;
  statement_id(&leaf, buf_view(&api.body));
  hex_encode(id, BYTES(leaf.b, 32));
  if (api.status != 200 || strcmp(id, s->id))
    violation(h->w, "I1", "%s accepted %.16s and does not hold it any more (%u)", h->name, s->id, api.status);
  buf_free(&api.body);
}

static void take_sizes(struct home *h) {
  struct node_log_view v;
  h->size_back[0] = h->size_back[1] = 0;
  for (size_t k = 0; k < OWN_LOGS && node_log_at(h->node, k, &v); k++)
    h->size_back[strstr(v.origin, "/bulk") != NULL] = v.size;
  h->sizes_taken = true;
}

#define OLD_CHECKED 100 /* statements of long ago that are looked for after one start, by lot */

void invariants_started(struct home *h) {
  struct world *w = h->w;
  if (h->liar || is_closed(h)) return;
  const struct calm calm = calm_begin(h);
  if (h->set_back && !h->sizes_taken) take_sizes(h);
  const size_t recent = w->sent_n > 300 ? w->sent_n - 300 : 0;
  for (size_t i = recent; i < w->sent_n && !violated(w); i++)
    if (w->sent[i].accepted && w->sent[i].from == h->number) check_accepted(h, &w->sent[i]);
  for (size_t i = 0; i < OLD_CHECKED && recent && !violated(w); i++) {
    const struct sent *s = &w->sent[below(w, recent)];
    if (s->accepted && s->from == h->number) check_accepted(h, s);
  }
  claims_check_pending(h);
  calm_end(h, calm);
  claims_check(h, true);
}
