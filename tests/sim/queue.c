/*
 * Chance as one generator, and time as a queue of events.
 */
#include <stdlib.h>

#include "world.h"

/* ---- chance ---- */

uint64_t chance(struct world *w) {
  uint64_t z = w->random += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

uint64_t below(struct world *w, uint64_t n) { return n ? chance(w) % n : 0; }
bool one_in(struct world *w, unsigned n) { return below(w, n) == 0; }
bool per_mille(struct world *w, unsigned k) { return below(w, 1000) < k; }

bool grow(struct world *w, void **p, size_t *cap, size_t need, size_t size) {
  if (need <= *cap) return true;
  size_t to = *cap ? *cap : 16;
  while (to < need) to *= 2;
  void *q = realloc(*p, to * size);
  if (!q) {
    w->failed = true;
    return false;
  }
  *p = q;
  *cap = to;
  return true;
}

/* ---- the queue: a binary heap by time, then by order of coming ---- */

static bool earlier(const struct event *a, const struct event *b) {
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct event *a, struct event *b) {
  const struct event t = *a;
  *a = *b;
  *b = t;
}

void at(struct world *w, int64_t ms, enum event_kind kind, size_t which) {
  void *heap = w->heap;
  const bool ok = grow(w, &heap, &w->heap_cap, w->heap_n + 1, sizeof *w->heap);
  w->heap = heap;
  if (!ok) return;
  size_t i = w->heap_n++;
  w->heap[i] = (struct event){ms > w->now_ms ? ms : w->now_ms, w->order++, kind, which};
  for (; i > 0 && earlier(&w->heap[i], &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
    swap(&w->heap[i], &w->heap[(i - 1) / 2]);
}

struct event queue_pop(struct world *w) {
  const struct event top = w->heap[0];
  w->heap[0] = w->heap[--w->heap_n];
  for (size_t i = 0;;) {
    size_t least = i, left = 2 * i + 1;
    for (size_t k = left; k < left + 2 && k < w->heap_n; k++)
      if (earlier(&w->heap[k], &w->heap[least])) least = k;
    if (least == i) return top;
    swap(&w->heap[i], &w->heap[least]);
    i = least;
  }
}
