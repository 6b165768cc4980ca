/*
 * Sending: from a request of the local API to a queued statement, with or without files.
 */
#ifndef PARLEY_NODE_SEND_H
#define PARLEY_NODE_SEND_H

#include "node/call.h"

/* A checked request. Strings point into the JSON it was parsed from. */
struct send_request {
  struct forum *forum;
  struct statement s; /* kind, to, precedence … ; arrays in the arena */
  char kind[KIND_MAX + 1];
  json_t *body; /* borrowed */
  struct plain_file files[STATEMENT_ATTACH_MAX];
  size_t n_files;
};

/* Checks everything that can be checked before anything is stored or uploaded. */
parley_err send_parse(struct node *n, const json_t *q, struct send_request *out, struct arena *a, struct errmsg *e);

/*
 * Queues a statement of {seed, body, files} with the vectors taken along; it is sealed and signed with its batch (compose_batch), and a body
 * that is too long (ELIMIT) is told to the call then. s must be complete but for what compose_common fills; nothing of it is kept.
 */
parley_err send_queue(struct node *n, struct forum *f, struct statement *s, const char *kind, const struct plain *p,
                      struct submission **out, struct errmsg *e);

#endif
