/*
 * On what ground a received statement could be rejected, as far as the node can tell.
 */
#ifndef PARLEY_NODE_REJECT_H
#define PARLEY_NODE_REJECT_H

#include "node/answers.h"
#include "node/local_found.h"

#define REJECT_FILE_MAX (1u << 20) /* bytes of a sealed file that is looked into when a statement is shown */

/* {"ground", "why"}; NULL: there is none, or it may not be rejected (any more). */
json_t *reject_ground(struct node *n, const struct local_found *f);

/*
 * That a body is sealed as laid down ("Sealing"), so that a disclosure of it verifies. text: its plaintext, p the same
 * parsed. EVERIFY, with what differs.
 */
parley_err reject_check_sealing(struct node *n, const struct local_found *f, struct bytes text, const struct plain *p,
                                struct errmsg *e);

#endif
