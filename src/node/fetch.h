/*
 * Reading entries of a log from a counterpart (docs/protocol.md, section 4, read side): the tiles of the right
 * edge are checked against a signed
 * root, every other hash tile against the one above it, and every entry bundle against the hash tiles, before
 * anything of it is given out. One
 * request at a time; the owner drives it like the other lanes of the node.
 */
#ifndef PARLEY_NODE_FETCH_H
#define PARLEY_NODE_FETCH_H

#include "node/state.h"

#define FETCH_TRIES 5 /* of one resource, with growing pauses */

/* Verified entries, in order; they live during the call only. An error ends the fetch with it. */
typedef parley_err (*fetch_take)(void *ctx, uint64_t first, const struct bytes *entries, size_t n, struct errmsg *e);

struct fetch_want {
  struct peer *from;
  char path[2 * SHA256_SIZE + 1]; /* SHA-256 of the origin in hex */
  size_t entry_max;
  uint64_t size; /* of the tree that was signed, at least 1, */
  struct hash root;
  uint64_t start, end; /* entries wanted: from the bundle that start is in, to end, at most size */
  fetch_take take;
  void *ctx;
};

struct fetch;

parley_err fetch_new(struct fetch **out, const struct fetch_want *w, struct errmsg *e);
void fetch_free(struct fetch *f);
bool fetch_next(struct node *n, struct fetch *f, struct outbound *out);
bool fetch_done(struct node *n, struct fetch *f, uint64_t id, const struct outbound_result *r);
int64_t fetch_next_ms(const struct fetch *f);
/* The index after the last entry given out. */
uint64_t fetch_at(const struct fetch *f);
/*
 * EBUSY: under way; OK: all is given out; else why it failed: EUNREACHABLE, EVERIFY (what was read is not what
 * was signed), or take's error.
 */
parley_err fetch_state(const struct fetch *f, struct errmsg *e);

#endif
