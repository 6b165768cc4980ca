/*
 * Lines of neutral witnesses on the record: the earliest over each own statement, once, like those of addressees.
 */
#include <stdio.h>
#include <string.h>

#include "node/witness.h"

#define READ_MAX 4096 /* entries that are read for one line; of a longer backlog the newest */

/* The shortest acknowledgement time of what is more than bookkeeping in [from, to); 0: there is nothing. */
static int64_t shortest_in(const struct own_log *l, uint64_t from, uint64_t to) {
  const int64_t *ack = l->forum->charter.ack_seconds;
  int64_t best = 0;
  if (to - from > READ_MAX) from = to - READ_MAX;
  for (uint64_t i = from; i < to; i++) {
    struct arena a = {0};
    struct bytes entry;
    struct statement s = {0};
    struct dsse d;
    if (!copy_entry(l->copy, i, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL) &&
        !kind_is_open(s.kind) && (!best || ack[s.precedence] < best))
      best = ack[s.precedence];
    statement_clear(&s);
    arena_free(&a);
  }
  return best;
}

void witness_held_queue(struct node *n, struct witness *w, uint64_t size, struct bytes line) {
  struct held_line *h = &w->held[w->n_held];
  if (size <= w->held_upto || w->n_held == WITNESS_HELD_MAX)
    return; /* a full queue leaves held_upto where it is: the next cosignature is taken instead */
  const int64_t shortest = shortest_in(w->log, w->held_upto, size);
  if (line.n >= sizeof h->line || copy_root(w->log->copy, size, &h->root, NULL)) return;
  w->held_upto = size;
  if (!shortest) return;
  h->size = size;
  h->due = node_wall(n) + shortest / 10;
  h->taken = false;
  snprintf(h->line, sizeof h->line, "%.*s", (int)line.n, (const char *)line.p);
  w->n_held++;
}

static size_t waiting(const struct forum *f) {
  size_t n = 0;
  for (size_t i = 0; i < f->n_witnesses; i++)
    for (size_t k = 0; k < f->witnesses[i].n_held; k++) n += !f->witnesses[i].held[k].taken;
  return n;
}

parley_err witness_held_take(struct forum *f, struct statement *s, size_t most, struct arena *a, struct errmsg *e) {
  size_t want = s->n_held < most ? waiting(f) : 0;
  if (want > most - s->n_held) want = most - s->n_held;
  if (!want) return PARLEY_OK;
  struct held *all = arena_alloc(a, (s->n_held + want) * sizeof *all);
  if (!all) return err_set(e, PARLEY_ENOMEM, "out of memory");
  if (s->n_held) memcpy(all, s->held, s->n_held * sizeof *all);
  s->held = all;
  want += s->n_held;
  for (size_t i = 0; i < f->n_witnesses; i++)
    for (size_t k = 0; k < f->witnesses[i].n_held && s->n_held < want; k++) {
      struct held_line *h = &f->witnesses[i].held[k];
      if (h->taken) continue;
      struct held *out = &s->held[s->n_held++];
      snprintf(out->origin, sizeof out->origin, "%s", f->log.origin);
      out->size = h->size;
      out->root = h->root;
      snprintf(out->line, sizeof out->line, "%s", h->line);
      h->taken = true;
    }
  return PARLEY_OK;
}

void witness_held_give_back(struct forum *f, const struct statement *s) {
  for (size_t i = 0; i < f->n_witnesses; i++)
    for (size_t k = 0; k < f->witnesses[i].n_held; k++)
      for (size_t j = 0; j < s->n_held; j++)
        if (!strcmp(f->witnesses[i].held[k].line, s->held[j].line)) f->witnesses[i].held[k].taken = false;
}

void witness_held_settle(struct forum *f, bool committed) {
  for (size_t i = 0; i < f->n_witnesses; i++) {
    struct witness *w = &f->witnesses[i];
    size_t kept = 0;
    for (size_t k = 0; k < w->n_held; k++) {
      if (w->held[k].taken && committed) continue;
      w->held[kept] = w->held[k];
      w->held[kept++].taken = false;
    }
    w->n_held = kept;
  }
}

int64_t witness_held_due(const struct forum *f) {
  int64_t due = INT64_MAX;
  for (size_t i = 0; i < f->n_witnesses; i++)
    for (size_t k = 0; k < f->witnesses[i].n_held; k++)
      if (!f->witnesses[i].held[k].taken && f->witnesses[i].held[k].due < due) due = f->witnesses[i].held[k].due;
  return due;
}

parley_err witness_held_save(struct node *n, struct forum *f, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (size_t i = 0; !r && i < f->n_witnesses; i++) {
    bool taken = false;
    for (size_t k = 0; k < f->witnesses[i].n_held; k++) taken |= f->witnesses[i].held[k].taken;
    if (taken) r = witness_save(n, &f->witnesses[i], true, e);
  }
  return r;
}

bool witness_held_judge(const struct forum *f, const struct held *h, struct errmsg *e) {
  struct buf text = {0};
  parley_err r = PARLEY_ENOTFOUND;
  e->text[0] = '\0';
  checkpoint_text(&text, h->origin, h->size, &h->root);
  for (size_t i = 0; buf_ok(&text) && r == PARLEY_ENOTFOUND && i < f->charter.n_witnesses; i++)
    r = note_verify_line(bytes_str(h->line), buf_view(&text), &f->charter.witnesses[i], NULL, e);
  buf_free(&text);
  if (r == PARLEY_OK) e->text[0] = '\0';
  return r == PARLEY_OK || r == PARLEY_EVERIFY;
}
