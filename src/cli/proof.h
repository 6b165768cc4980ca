/*
 * Proofs of two histories and what was observed, as lines of other verbs.
 */
#ifndef PARLEY_CLI_PROOF_H
#define PARLEY_CLI_PROOF_H

#include "base/json.h"
#include "cli/cli.h"

/* The arrays "proofs" and "observed" of the local API; nothing when they are empty. */
void proofs_print(struct cli *c, const json_t *proofs);
void observed_print(struct cli *c, const json_t *observed);

#endif
