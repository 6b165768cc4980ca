/*
 * How well a line held, reckoned from the times of one mirror's cosignatures over one log (docs/protocol.md, "Heartbeats
 * and availability"). Pure: marks in, figures out. All times and lengths in seconds.
 */
#ifndef PARLEY_RECORD_AVAILABILITY_H
#define PARLEY_RECORD_AVAILABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define AVAILABILITY_GAPS_MAX 1000 /* told one by one; further ones are counted only */

/* One cosignature. */
struct line_mark {
  int64_t time;    /* that it is dated, by the mirror's clock */
  int64_t offered; /* since when it could have been given, by the clock of the log's node; 0: not known */
};

/* A stretch in which our own node ran, by our clock. */
struct line_run {
  int64_t from, to;
};

struct line_gap {
  int64_t from, to; /* of the cosignatures around it; from the last one to the end of the time looked at, when open */
  size_t before, after; /* numbers of their marks; after == number of marks: open */
  uint64_t missed;      /* heartbeats */
  int64_t ours;         /* so much of it our own node did not run: that is not held against the counterpart */
};

struct line_record {
  int64_t from, to; /* looked at: from the first mark that counts; from == to: nothing is known */
  int64_t up;       /* of it, covered by cosignatures, or our own node did not run */
  size_t marks;     /* cosignatures dated in it */
  uint64_t missed;
  int64_t delay_median, delay_worst; /* of those whose offering is known; -1: none */
  struct line_gap *gap;              /* malloc; line_record_clear */
  size_t n_gap, gaps;                /* kept; counted */
};

/*
 * marks ascend by time; those before `from` count only as the beginning of the first stretch. A cosignature covers the
 * heartbeat and the tolerance that follow it; where the next one comes later there is a gap, in which
 * floor((length - tolerance) / heartbeat) heartbeats were missed. runs ascend and do not overlap. ENOMEM.
 */
parley_err line_record(struct line_record *out, const struct line_mark *mark, size_t n, const struct line_run *run,
                       size_t n_run, int64_t from, int64_t to, int64_t heartbeat, int64_t tolerance, struct errmsg *e);
void line_record_clear(struct line_record *r);

#endif
