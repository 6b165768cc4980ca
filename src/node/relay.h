/*
 * Relay (docs/protocol.md, "Relay"): members pass on each other's logs where a line is cut, and bring the cosignatures back.
 *
 * For a log of A that we mirror and a member M, a `relay` exists only while there is something of A that we do not know M to
 * hold. Stored of it: STORE_PEERS, key "rn/" origin "\n" M, value: the size that M is not known to reach; the cosignatures that
 * come of it are those of cosigned_note.h.
 */
#ifndef PARLEY_NODE_RELAY_H
#define PARLEY_NODE_RELAY_H

#include "node/state.h"

enum relay_step { RELAY_LOOK, RELAY_PENDING, RELAY_CHECKPOINT, RELAY_ENTRIES };

/* One mirrored log on its way to one member that may lack it. */
struct relay {
  struct relay *next; /* of the same log */
  struct their_log *log;
  struct member *to;
  uint64_t oldest, newest; /* sizes of A's log that M is not known to reach: of the first and the last such statement */
  int64_t oldest_due, newest_due; /* monotonic: since when that is our business */
  enum relay_step step;           /* of the request under way, or the next */
  struct lane lane;
  uint64_t pending, reached;        /* what M holds, as far as it has said */
  char pending_line[SIG_LINE_SIZE]; /* the log's signature of M's pending checkpoint */
  uint64_t sent_size, sent_start;
  char sent_line[SIG_LINE_SIZE];
  struct buf ticket;
  unsigned turns; /* answers in a row that were no step forward */
};

/* ---- relay.c: whose business it is, and what is known ---- */

/* Whether `who` passes a log of `author` on to `target`. */
bool relay_responsible(const struct charter *c, const char *who, const char *author, const char *target);
/* D of the protocol, milliseconds. */
int64_t relay_delay_ms(const struct charter *c);
/* An entry that counts was taken in from l, inside the intake's transaction: what members may lack of it, and what it says that they hold. */
parley_err relay_see(struct node *n, struct their_log *l, uint64_t index, const struct statement *s, struct errmsg *e);
/* M holds that much of the log: what is covered is no longer our business. Frees *r when nothing is left and no request is under way. */
void relay_holds(struct node *n, struct relay *r, uint64_t size);
/* What was our business before the start. */
parley_err relay_load(struct node *n, struct their_log *l, struct errmsg *e);
void relay_free(struct their_log *l);

/* ---- relay_push.c: passing on ---- */
bool relay_push_next(struct node *n, struct outbound *out);
bool relay_push_done(struct node *n, uint64_t id, const struct outbound_result *r);
int64_t relay_push_next_ms(const struct node *n);
/* What of the log we can show: the size of our mirror checkpoint; 0 while it is not cosigned. */
uint64_t relay_shown(const struct their_log *l);
/* relay_answers.c: the answer to the request of r->step. */
void relay_answer(struct node *n, struct relay *r, const struct outbound_result *a);
/* It is alive: whatever waits for it is tried at once. */
void relay_heard_from(struct node *n, struct member *m);

/* ---- relay_ask.c: our own logs, whose cosignatures others may have ---- */
bool relay_ask_next(struct node *n, struct outbound *out);
bool relay_ask_done(struct node *n, uint64_t id, const struct outbound_result *r);
int64_t relay_ask_next_ms(const struct node *n);
void relay_ask_free(struct push *p);

#endif
