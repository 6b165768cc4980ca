/*
 * What a run says: one line an event, with simulated times, ids, sizes and statuses; and the violation that ends it.
 */
#include <stdarg.h>
#include <string.h>

#include "world.h"

void trace(struct world *w, const char *fmt, ...) {
  if (!w->o.trace) return;
  va_list ap;
  va_start(ap, fmt);
  fprintf(w->o.trace, "%llu %lld.%03lld ", (unsigned long long)w->step, (long long)(w->now_ms / 1000),
          (long long)(w->now_ms % 1000));
  vfprintf(w->o.trace, fmt, ap);
  fputc('\n', w->o.trace);
  va_end(ap);
}

void violation(struct world *w, const char *invariant, const char *fmt, ...) {
  struct sim_result *r = w->result;
  va_list ap;
  if (r->violated) return;
  r->violated = true;
  r->step = w->step;
  snprintf(r->invariant, sizeof r->invariant, "%s", invariant);
  va_start(ap, fmt);
  vsnprintf(r->sentence, sizeof r->sentence, fmt, ap);
  va_end(ap);
  for (char *p = r->sentence; *p; p++) /* one line, whatever an answer had in it */
    if (*p == '\n') *p = ' ';
  trace(w, "violation %s: %s", invariant, r->sentence);
}

bool violated(const struct world *w) { return w->result->violated || w->failed; }
