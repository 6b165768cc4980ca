/*
 * What a verified evidence pack proves, in plain words and as JSON.
 */
#ifndef PARLEY_CLI_PACK_TEXT_H
#define PARLEY_CLI_PACK_TEXT_H

#include "base/json.h"
#include "cli/cli.h"
#include "record/pack.h"

void pack_print(struct cli *c, const struct pack_result *r);
/* NULL when out of memory. */
json_t *pack_json(const struct pack_result *r);

#endif
