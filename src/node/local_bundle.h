/*
 * What the two halves of the local API's bundles share: local_bundle.c and local_bundle_log.c give out,
 * local_bundle_take.c takes in.
 */
#ifndef PARLEY_NODE_LOCAL_BUNDLE_H
#define PARLEY_NODE_LOCAL_BUNDLE_H

#include "node/call.h"

/* A log of a forum in force here, by the hex digest of its origin in c->path: one of the two is set. */
struct bundle_log {
  struct own_log *own;
  struct their_log *theirs;
  struct forum *forum;
  const char *origin;
};

/* False when there is none; bundle_log_find answers 404 then. */
bool bundle_log_look(const struct node_call *c, struct bundle_log *out);
bool bundle_log_find(struct node_call *c, struct bundle_log *out, struct node_response *response);

#endif
