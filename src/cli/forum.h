/*
 * Forums, as the node tells of them (docs/local-api.md), for several verbs.
 */
#ifndef PARLEY_CLI_FORUM_H
#define PARLEY_CLI_FORUM_H

#include "base/json.h"
#include "cli/cli.h"

/* One forum by the first digits of its id (GET /v1/forums/ID). */
parley_err forum_get(struct cli *c, json_t **out, const char *id, struct errmsg *e);
/* The charter in plain words, with who has signed and what stands against accepting it. */
void forum_print(struct cli *c, const json_t *forum);
/* "in force", "waits for our signature", "waits for ncc.ru.example". */
const char *forum_state(struct cli *c, const json_t *forum);

#endif
