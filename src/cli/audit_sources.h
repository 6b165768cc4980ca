/*
 * What parley audit reads from: the node of this home while it runs, its store while it does not, or somebody's mirror.
 */
#ifndef PARLEY_CLI_AUDIT_SOURCES_H
#define PARLEY_CLI_AUDIT_SOURCES_H

#include "cli/options.h"
#include "record/audit.h"
#include "store/store.h"

struct audit_from {
  struct audit_source source;
  struct store *store; /* opened here; NULL: the node has it */
  char sock[HOME_PATH_MAX];
  struct cli *c;
};

/*
 * The node's local API, or where no node listens the store itself, which this process then has alone. EUNREACHABLE,
 * EBUSY, ENOTFOUND.
 */
parley_err audit_from_home(struct audit_from *out, struct cli *c, struct errmsg *e);
void audit_from_end(struct audit_from *f);

/*
 * The store of this home, for this process alone. EBUSY, with what to do, while a node runs. ENOTFOUND: there is none.
 */
parley_err home_store_open(struct store **out, const struct cli *c, struct errmsg *e);

/* Envelopes of the home's own cards and pins, in the arena; free(*list). */
parley_err audit_home_cards(struct cli *c, struct bytes **list, size_t *n, struct errmsg *e);

#endif
