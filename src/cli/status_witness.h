/*
 * The part of parley status about neutral witnesses.
 */
#ifndef PARLEY_CLI_STATUS_WITNESS_H
#define PARLEY_CLI_STATUS_WITNESS_H

#include "base/json.h"
#include "cli/cli.h"

/* list: "witnesses" of GET /v1/status. Nothing when it is empty. */
void status_witnesses(struct cli *c, const json_t *list);

#endif
