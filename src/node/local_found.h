/*
 * A statement that a local request names.
 */
#ifndef PARLEY_NODE_LOCAL_FOUND_H
#define PARLEY_NODE_LOCAL_FOUND_H

#include "node/call.h"

struct local_found {
  struct row row;
  struct bytes entry; /* in the call's arena */
  struct statement s;
  struct dsse d;
  bool parsed; /* s and d are valid */
};

/* Finds the statement whose id (or prefix) stands in c->path; answers and returns false when there is none. */
bool local_find(struct node_call *c, struct local_found *f, struct node_response *out);
void local_found_clear(struct local_found *f);

/* local_answer.c: queues our answer to it from the call's body, with the call waiting for it. */
parley_err local_answer_take(struct node_call *c, const struct local_found *f, enum answer what, struct errmsg *e);

#endif
