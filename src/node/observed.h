/*
 * What was seen and cannot be proved by signatures (docs/protocol.md, section 11, "Observed"): for people, never a
 * conviction. The newest OBSERVED_MAX are kept; the same of the same is counted, not written again.
 */
#ifndef PARLEY_NODE_OBSERVED_H
#define PARLEY_NODE_OBSERVED_H

#include "node/state.h"

#define OBSERVED_MAX 1000
#define OBSERVED_TEXT_MAX 320

/* what: one of "shows_less", "future", "unshown", "false_proof", "odd_tree", "other_end". forum NULL: of no forum. */
__attribute__((format(printf, 5, 6))) void observed_add(struct node *n, const char *party, const uint8_t *forum,
                                                        const char *what, const char *fmt, ...);
/* At most max of them, newest first; forum NULL: of all. */
json_t *observed_json(struct node *n, const uint8_t *forum, size_t max);

parley_err observed_load(struct node *n, struct errmsg *e);
void observed_free(struct node *n);
/* Writes what came since, in a transaction of its own. */
void observed_run(struct node *n);
int64_t observed_next_ms(const struct node *n);

#endif
