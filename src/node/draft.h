/*
 * Drafts: what the files that make, upload, move and end them share.
 */
#ifndef PARLEY_NODE_DRAFT_H
#define PARLEY_NODE_DRAFT_H

#include "node/draft_check.h"

struct draft_file {
  bool done;
  uint8_t sha256[SHA256_SIZE]; /* sealed */
  uint64_t size, count;        /* sealed bytes, bulk entries */
  uint64_t first;              /* in the bulk log, once its move began */
};

struct draft {
  struct draft *next;
  uint8_t id[16];
  uint32_t number; /* in STORE_STAGED */
  json_t *request;
  uint8_t seed[SEED_SIZE];
  size_t n_files;
  struct draft_file files[STATEMENT_ATTACH_MAX];
  bool ready;            /* sent by the user; moving */
  bool queued;           /* its statement waits for the batch commit */
  uint64_t moved, total; /* bulk entries; total is known once all files are here */
  uint64_t planned;      /* what total will be */
  uint64_t started;      /* order of sending */
  int64_t retry_ms;      /* monotonic: not before, after a failure */
  int64_t touched_ms;    /* monotonic: newest sign of life of its upload */
  char why[WHY_SIZE];
};

uint64_t draft_staged_pos(size_t file, uint64_t i); /* position in STORE_STAGED of entry i of a file */
void draft_free(struct draft *d);
/* By its id in hex; id gets the 16 bytes also when it is no longer in memory. NULL when it is not. */
struct draft *draft_find(struct node *n, const char *text, uint8_t id[static 16]);
/* Writes the row inside a transaction, or in one of its own. */
parley_err draft_put(struct node *n, const struct draft *d, struct errmsg *e);
parley_err draft_save(struct node *n, const struct draft *d, struct errmsg *e);
/* Removes row and staged entries. */
parley_err draft_drop(struct node *n, const uint8_t id[static 16], uint32_t number, struct errmsg *e);
void draft_remove(struct node *n, struct draft *d); /* from memory */
bool draft_being_uploaded(const struct node *n, const struct draft *d);

/* The sent draft whose turn it is now; NULL when none. */
struct draft *draft_next_ready(const struct node *n, int64_t now);
parley_err draft_move_slice(struct node *n, struct draft *d, struct forum *f, struct errmsg *e);
/* All files have moved: makes and queues the statement. */
parley_err draft_finish(struct node *n, struct draft *d, struct send_request *r, struct errmsg *e);
/* After a failure: tried again later, or given up for good when it can never succeed. */
void draft_failed(struct node *n, struct draft *d, parley_err err, struct errmsg *e);

#endif
