#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/text.h"

#define EVERY_MS 100

int64_t mono_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p, const struct cli *c, const char *label, uint64_t total) {
  *p = (struct progress){
      .label = label, .total = total, .on = !c->json && total > PROGRESS_FROM && isatty(STDERR_FILENO)};
}

void progress_at(void *ctx, uint64_t done) {
  struct progress *p = ctx;
  const int64_t now = mono_ms();
  if (!p->on || (p->shown && done < p->total && now - p->last_ms < EVERY_MS)) return;
  p->shown = true;
  p->last_ms = now;
  if (done > p->total) done = p->total;
  const unsigned long long now_100k = done / 100000, all_100k = p->total / 100000;
  fputs("\r\033[K", stderr);
  fprintf(stderr, _("%s  %3d %%  %llu.%llu / %llu.%llu MB"), p->label, (int)(100.0 * (double)done / (double)p->total),
          now_100k / 10, now_100k % 10, all_100k / 10, all_100k % 10);
  fflush(stderr);
}

void progress_end(struct progress *p) {
  if (p->shown) fputs("\r\033[K", stderr);
  p->shown = false;
}
