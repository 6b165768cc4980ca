/*
 * When counterparts cosigned our logs, and we theirs: kept for the availability record (record/availability.h). Stored in
 * STORE_PEERS: "a/" origin "\n" cosigner "\n" time; value: size, offered and received in decimal, then the signature lines
 * of a note over the tree of that size. "ar/" start: the end of a stretch in which this node ran, both eight bytes.
 */
#ifndef PARLEY_NODE_LINE_MARKS_H
#define PARLEY_NODE_LINE_MARKS_H

#include "base/json.h"
#include "node/state.h"
#include "record/availability.h"

#define LINE_MARKS_DAYS 400 /* kept so long */

/* What is stored of one mirror's cosignatures over one log; a log without any is no error. */
parley_err line_marks_load(struct node *n, struct line_marks *m, const char *origin, const char *cosigner,
                           struct errmsg *e);
/*
 * Keeps a cosignature dated `time`, inside a transaction. Of those close together (a quarter of the heartbeat) only the
 * first and the newest stay, so that every gap is bounded by the very cosignatures around it. lines: signature lines,
 * each with its newline. m changes at once; that it is ahead of a transaction that failed does no harm.
 */
parley_err line_mark_put(struct node *n, struct line_marks *m, const char *origin, const char *cosigner, int64_t time,
                         uint64_t size, struct bytes lines, int64_t heartbeat, struct errmsg *e);
/* Their log's newest cosignature of ours; a transaction of its own unless one is open. Does nothing when it is kept already. */
parley_err line_mark_theirs(struct node *n, struct their_log *l, struct errmsg *e);
/* This node runs: at the start and at each heartbeat, in a transaction of its own. A failure is tried again at the next. */
void line_run_note(struct node *n);

/* One kept cosignature, as read back. */
struct line_kept {
  struct line_mark mark;
  uint64_t size;
  struct bytes lines; /* in the arena */
};
/* Those dated before `to`, from the last one before `from` on; *out is in the arena. */
parley_err line_marks_read(struct node *n, const char *origin, const char *cosigner, int64_t from, int64_t to,
                           struct arena *a, struct line_kept **out, size_t *count, struct errmsg *e);
parley_err line_runs_read(struct node *n, int64_t from, int64_t to, struct arena *a, struct line_run **out,
                          size_t *count, struct errmsg *e);

/* local_availability.c: "to_them" and "to_us" of a line since `from`, without the single gaps. */
void availability_put(struct node *n, json_t *o, struct forum *f, const struct member *m, int64_t from);

#endif
