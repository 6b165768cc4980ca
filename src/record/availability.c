/*
 * How well a line held: gaps between cosignatures, and how long each let itself be waited for.
 */
#include "record/availability.h"

#include <stdlib.h>

struct reckoning {
  struct line_record *out;
  const struct line_run *run;
  size_t n_run;
  int64_t heartbeat, tolerance;
};

/* Of [from, to), how much our own node did not run. */
static int64_t not_run(const struct reckoning *k, int64_t from, int64_t to) {
  int64_t ran = 0;
  for (size_t i = 0; i < k->n_run; i++) {
    const int64_t a = k->run[i].from > from ? k->run[i].from : from, b = k->run[i].to < to ? k->run[i].to : to;
    if (a < b) ran += b - a;
  }
  return to - from - ran;
}

static parley_err keep(struct line_record *r, const struct line_gap *g, struct errmsg *e) {
  r->gaps++;
  r->missed += g->missed;
  if (r->n_gap == AVAILABILITY_GAPS_MAX) return PARLEY_OK;
  if ((r->n_gap & (r->n_gap - 1)) == 0) { /* full at each power of two */
    struct line_gap *more = realloc(r->gap, (r->n_gap ? 2 * r->n_gap : 1) * sizeof *more);
    if (!more) return err_set(e, PARLEY_ENOMEM, "out of memory");
    r->gap = more;
  }
  r->gap[r->n_gap++] = *g;
  return PARLEY_OK;
}

/* From one cosignature to the next, or to the end. Only what lies in [out->from, out->to] counts towards `up`. */
static parley_err stretch(struct reckoning *k, struct line_gap g, struct errmsg *e) {
  struct line_record *r = k->out;
  const int64_t start = g.from > r->from ? g.from : r->from, covered = g.from + k->heartbeat + k->tolerance;
  if (g.to <= covered) {
    r->up += g.to - start;
    return PARLEY_OK;
  }
  const int64_t bare = covered > start ? covered : start; /* nothing covers what comes after */
  g.ours = not_run(k, bare, g.to);
  g.missed = (uint64_t)((g.to - g.from - k->tolerance) / k->heartbeat);
  r->up += bare - start + g.ours;
  return keep(r, &g, e);
}

static int by_length(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static parley_err delays(struct line_record *out, const struct line_mark *mark, size_t n, struct errmsg *e) {
  int64_t *d = calloc(n ? n : 1, sizeof *d);
  size_t known = 0;
  if (!d) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < n; i++) {
    if (!mark[i].offered || mark[i].time < out->from) continue;
    d[known++] = mark[i].time > mark[i].offered ? mark[i].time - mark[i].offered : 0; /* clocks differ */
  }
  qsort(d, known, sizeof *d, by_length);
  out->delay_median = known ? d[(known - 1) / 2] : -1;
  out->delay_worst = known ? d[known - 1] : -1;
  free(d);
  return PARLEY_OK;
}

parley_err line_record(struct line_record *out, const struct line_mark *mark, size_t n, const struct line_run *run,
                       size_t n_run, int64_t from, int64_t to, int64_t heartbeat, int64_t tolerance, struct errmsg *e) {
  struct reckoning k = {out, run, n_run, heartbeat, tolerance};
  *out = (struct line_record){.from = from, .to = from, .delay_median = -1, .delay_worst = -1};
  size_t first = 0; /* the last mark at or before `from`, else the first one */
  while (first + 1 < n && mark[first + 1].time <= from) first++;
  while (n > first && mark[n - 1].time > to) n--;
  if (first >= n) return PARLEY_OK;
  out->from = mark[first].time > from ? mark[first].time : from;
  out->to = to;
  parley_err r = PARLEY_OK;
  for (size_t i = first; i < n && !r; i++) {
    const int64_t until = i + 1 < n ? mark[i + 1].time : to;
    out->marks += mark[i].time >= out->from;
    r = stretch(&k, (struct line_gap){.from = mark[i].time, .to = until, .before = i, .after = i + 1}, e);
  }
  if (!r) r = delays(out, mark, n, e);
  if (r) line_record_clear(out);
  return r;
}

void line_record_clear(struct line_record *r) {
  free(r->gap);
  *r = (struct line_record){0};
}
