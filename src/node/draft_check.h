/*
 * What a statement with files needs, reckoned before anything is uploaded.
 */
#ifndef PARLEY_NODE_DRAFT_CHECK_H
#define PARLEY_NODE_DRAFT_CHECK_H

#include "node/send.h"

/* Entries that the request's files take in the bulk log, once sealed. */
uint64_t draft_entries(const struct send_request *r);
/*
 * Whether the statement can be made once the files have moved: recipients, names of files, and the size of the entry
 * with its attachments. What else could fail by then is only a matter of time (a card that expires, a form no longer at
 * hand).
 */
parley_err draft_check(struct node *n, const struct send_request *r, struct arena *a, struct errmsg *e);

#endif
