/*
 * The way back after signing has stopped (docs/protocol.md, "Epochs and recovery"; design section 5): what
 * others hold of our logs, and show of our
 * cosignatures, is asked for; what is missing is fetched; then each log goes on, or opens its next epoch. One at
 * a time in a node.
 *
 *     recover.c         the course: forum by forum, epoch by epoch
 *     recover_ask.c     the questions and their answers
 *     recover_judge.c   what follows from them
 *     recover_take.c    what was fetched becomes part of the log
 *     recover_report.c  what is told of it
 *     recover_files.c   statements whose files are lost with their place
 *     local_recover.c   POST /v1/recover
 */
#ifndef PARLEY_NODE_RECOVER_H
#define PARLEY_NODE_RECOVER_H

#include "node/fetch.h"

#define RECOVER_TRIES 3 /* of one question */

enum ask { ASK_PENDING, ASK_HELD, ASK_NEXT, ASK_COSIGNED };

/* A checkpoint that was shown, under our own log key, or (ASK_COSIGNED) under our own mirror key. */
struct shown {
  uint64_t size;
  struct hash root;
  int64_t time;                                      /* ASK_HELD: of the member's cosignature; 0: none that verifies */
  char log_line[SIG_LINE_SIZE], line[SIG_LINE_SIZE]; /* without newline */
};

struct question {
  enum ask what;
  struct member *to;
  bool bulk;
  struct their_log *of; /* ASK_COSIGNED: the mirrored log */
  char path[2 * SHA256_SIZE + 1];
  struct lane lane;
  bool over, answered; /* answered: by 200 or 404 */
  bool shown;          /* it.size and so on are set */
  struct shown it;
};

enum recover_phase { RECOVER_ASK, RECOVER_FETCH_BULK, RECOVER_FETCH_LOG, RECOVER_TAKE, RECOVER_OVER };
enum outcome { OUTCOME_NOTHING, OUTCOME_RESUME, OUTCOME_NEXT };

/* One own log of the epoch in hand. */
struct judged {
  bool remembered; /* the signer knows what it signed last */
  struct signed_tree memory;
  struct signed_tree target; /* the longest copy that is held whole by a member, or size 0 */
  struct member *holder;     /* of the target; NULL: none, or nothing is missing here */
  uint64_t longest;          /* the largest tree that anybody showed, or that is remembered */
  struct hash longest_root;
  bool forked;    /* two histories are known */
  bool cut;       /* what is held here differs from the target, or ends before it */
  uint64_t known; /* of what is held here, somebody has cosigned so much */
  uint64_t start; /* of the comparison: the first of the bundle that it is in */
};

struct recovery {
  struct node *n;
  struct node_call *call; /* waits for the answer; NULL: gone */
  bool dry, as_log, as_mirror;
  bool all;                     /* every forum */
  uint8_t forum[SHA256_SIZE];   /* the one in hand; of not all, the only one */
  uint8_t (*todo)[SHA256_SIZE]; /* forums still to come */
  size_t n_todo;
  struct question *questions;
  size_t n_questions;
  bool asked; /* all questions are over */
  enum recover_phase phase;
  bool finished;
  struct judged log, bulk;
  enum outcome outcome;
  const char *reason; /* a sentence */
  bool next_known;    /* somebody shows the epoch after */
  struct fetch *fetch;
  bool fetching_bulk;
  uint64_t fetched, moved, spoilt; /* entries taken over; statements that go on; that are to be sent again */
  json_t *report;                  /* array of forums */
  parley_err err;
  struct errmsg why;
};

/* recover.c */
parley_err recovery_begin(struct node *n, struct node_call *c, const char *forum, bool as_log, bool as_mirror, bool dry,
                          struct errmsg *e);
void recovery_work(struct node *n); /* from node_work */
bool recovery_next(struct node *n, struct outbound *out);
bool recovery_done(struct node *n, uint64_t id, const struct outbound_result *r);
int64_t recovery_next_ms(const struct node *n);
void recovery_forget(struct node *n, const struct node_call *c);
void recovery_free(struct node *n);

/* recover_report.c */
const char *recover_outcome_name(enum outcome o);
/* What is known of the forum in hand, before anything has changed; it goes into the report, too. The caller's. */
json_t *recover_report(struct recovery *r, struct forum *f);

/* recover_files.c: rows (local API) of own statements with files that nobody was shown a signature over; at most 100. */
json_t *recover_unsent(struct recovery *r, struct forum *f);
/* At the end: of the report's "unsent_files" those stay that are to be sent again, and are counted. */
void recover_settle(struct recovery *r);

/* recover_ask.c */
parley_err recover_ask(struct recovery *r, struct forum *f, struct errmsg *e);
bool recover_ask_next(struct recovery *r, struct outbound *out);
int64_t recover_ask_next_ms(const struct recovery *r); /* INT64_MAX: nothing can be asked but by an answer */
bool recover_ask_done(struct recovery *r, uint64_t id, const struct outbound_result *a);
void recover_ask_free(struct recovery *r);

/* recover_judge.c: sets log, bulk, outcome and reason from the answers and from what is held. */
parley_err recover_judge(struct recovery *r, struct forum *f, struct errmsg *e);
/* After the fetch: whether the memory's trees are there, and nothing shown contradicts them. */
parley_err recover_judge_again(struct recovery *r, struct forum *f, struct errmsg *e);
/* The mirror's floor of a log: the largest tree shown under our cosignature. */
parley_err recover_floors(struct recovery *r, struct forum *f, json_t *report, bool set, struct errmsg *e);

/* recover_take.c */
/* Stages fetched entries; ctx is the recovery. */
parley_err recover_stage(void *ctx, uint64_t first, const struct bytes *entries, size_t n, struct errmsg *e);
/* Makes what is staged part of both logs, in one transaction. */
parley_err recover_take(struct recovery *r, struct forum *f, struct errmsg *e);
/* Keeps the cosignatures that the answers brought. */
parley_err recover_cosignatures(struct recovery *r, struct forum *f, struct errmsg *e);
/* The index from which on nobody has been shown a signature over what is held here, as far as is known. */
uint64_t recover_signed_end(const struct judged *j, struct own_log *l);
parley_err recover_unstage(struct recovery *r, struct errmsg *e);
/* Whether a statement that was accepted and never signed is put at the end again: not what only opened the log. */
bool recover_goes_on(const struct statement *s);

#endif
