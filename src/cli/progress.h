/*
 * One line on a terminal's standard error that says how far something large has come. Silent elsewhere and for what is
 * small.
 */
#ifndef PARLEY_CLI_PROGRESS_H
#define PARLEY_CLI_PROGRESS_H

#include "cli/cli.h"

#define PROGRESS_FROM (1u << 20) /* bytes; less is over before it can be read */

struct progress {
  const char *label;
  uint64_t total; /* bytes */
  bool shown;     /* the line stands on the screen */
  bool on;
  int64_t last_ms;
};

/* on: only with a terminal, not with --json, and from PROGRESS_FROM bytes. */
void progress_begin(struct progress *p, const struct cli *c, const char *label, uint64_t total);
/* Fits http_progress. */
void progress_at(void *ctx, uint64_t done);
/* Takes the line away. */
void progress_end(struct progress *p);

/* Milliseconds of a clock that never jumps. */
int64_t mono_ms(void);

#endif
