/*
 * What a verified proof of two histories shows, in plain words and as JSON.
 */
#ifndef PARLEY_CLI_FORK_TEXT_H
#define PARLEY_CLI_FORK_TEXT_H

#include "base/json.h"
#include "cli/anchors.h"
#include "record/fork.h"

/* Checks the proof, says what it shows, and returns the exit code: 4, 5 or 1. where: the folder, for messages. */
int fork_report(struct cli *c, const struct pack *p, const char *where, const struct anchors *known);

#endif
