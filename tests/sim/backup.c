/*
 * The old backup: the disk of one node is saved at some moment and put back later, with or without the signer's memory.
 * From then on its log must sign nothing more, say why, and convict nobody, until its officer has it recover.
 */
#include <string.h>

#include "world.h"

void home_save(struct home *h) {
  struct world *w = h->w;
  if (!h->up) {
    at(w, w->now_ms + 5000, EV_SAVE, h->number);
    return;
  }
  h->saved = fault_image_save(h->disk);
  if (!h->saved || !memory_copy(w, &h->saved_memory, &h->memory)) w->failed = true;
  trace(w, "%s saved%s", h->name, w->memory_too ? " with the signer's memory" : "");
  at(w, w->now_ms + 30000 + (int64_t)below(w, 600000), EV_SET_BACK, h->number);
}

/* Whether some counterpart holds everything that this log ever signed: else nobody could tell. */
static bool shown(struct world *w, const struct memory_row *row) {
  struct node_log_view v;
  for (unsigned i = 0; i < w->n; i++)
    if (home_log_view(&w->homes[i], row->origin, &v) && !v.own && v.signed_size >= row->tree.size) return true;
  return false;
}

static bool all_shown(const struct home *h) {
  for (size_t i = 0; i < h->memory.n; i++)
    if (h->memory.rows[i].role == SIGNER_LOG && !shown(h->w, &h->memory.rows[i])) return false;
  return true;
}

void home_set_back(struct home *h) {
  struct world *w = h->w;
  if (!h->up ||
      (w->memory_too && !all_shown(h))) { /* a whole machine set back with nobody to ask: docs/operations.md */
    at(w, w->now_ms + 3000, EV_SET_BACK, h->number);
    return;
  }
  home_stop(h);
  if (!fault_image_load(h->disk, h->saved)) w->failed = true;
  memory_copy(w, &h->signed_before, &h->memory);
  if (w->memory_too) memory_copy(w, &h->memory, &h->saved_memory);
  if (w->memory_lost) h->memory.n = 0;
  h->set_back = true;
  h->sizes_taken = false;
  claims_drop(h);
  for (size_t i = 0; i < w->sent_n; i++) /* what it accepted may be lost, and what others said of that with it */
    if (w->sent[i].from == h->number) w->sent[i].accepted = false;
  for (size_t i = 0; i < w->drafts_n; i++)
    if (w->drafts[i].home == h->number) w->drafts[i].state = DRAFT_OVER;
  trace(w, "%s set back", h->name);
  at(w, w->now_ms + 1000, EV_START, h->number);
  recovery_begin_later(w);
}

bool home_must_stop(const struct home *h, const char *origin) {
  const struct memory_row *row = memory_find(&h->signed_before, origin, SIGNER_LOG);
  const size_t n = strlen(origin);
  const bool bulk = n > 5 && !strcmp(origin + n - 5, "/bulk");
  return h->set_back && !h->recovering && h->sizes_taken && row && row->tree.size > h->size_back[bulk];
}
