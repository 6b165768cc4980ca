/*
 * Answers to one statement: what parley ack, parley reject and parley disclose share.
 */
#ifndef PARLEY_CLI_ANSWER_H
#define PARLEY_CLI_ANSWER_H

#include "base/json.h"
#include "cli/cli.h"
#include "cli/options.h"

/*
 * Posts an answer to the statement `to`: {"officer"} and the other members of o (taken over). tail: "/ack", "/reject".
 * *id is that of the answer, in the arena, once it is durable.
 */
parley_err answer_post(struct cli *c, const char **id, const char *to, const char *tail, const char *officer, json_t *o,
                       struct errmsg *e);

/*
 * A text from the command line; "-": from standard input, without its last line feed. 1 to REASONS_MAX bytes, in the
 * arena.
 */
parley_err answer_reasons(struct cli *c, const char **out, const char *value, struct errmsg *e);

#endif
