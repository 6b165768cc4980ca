/*
 * What was tried to bring our entry log to a counterpart, for evidence of non-delivery (docs/protocol.md, section 7).
 * Runs of requests with one outcome are one attempt; the newest 1,000 are kept. Our own word, so not worth a synced
 * write each: what is not stored yet is lost in a crash, a minute's worth at most.
 *
 * In STORE_PEERS: "at/" origin "\n" party "\n" number (8 bytes, big-endian) -> "first last count\nrequest\noutcome\n".
 */
#ifndef PARLEY_NODE_ATTEMPTS_H
#define PARLEY_NODE_ATTEMPTS_H

#include "node/state.h"
#include "record/silence.h"

/* The push of an entry log that a request belongs to, before its answer is looked at. */
struct attempt_of {
  struct push *push; /* NULL: of something else */
  enum push_step step;
  unsigned failures;
};
struct attempt_of attempt_before(const struct node *n, uint64_t request);
/* The same after it: what came of it is noted, where it failed or a cosignature came. */
void attempt_after(struct node *n, const struct attempt_of *before, const struct outbound_result *r);

/* Stores what is due. */
void attempts_run(struct node *n);
int64_t attempts_next_ms(const struct node *n);
void attempts_free(struct push *p);

/* Stores, then appends at most `most` of the newest to the list, which has room for them, oldest first. EIO, ENOMEM. */
parley_err attempts_read(struct node *n, struct push *p, size_t most, struct silence_attempts *out, struct errmsg *e);

/* "first last count\nrequest\noutcome\n", as stored. False: damaged. */
bool attempt_parse(struct silence_attempt *out, struct bytes value);

#endif
