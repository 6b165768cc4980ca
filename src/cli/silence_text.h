/*
 * What verified evidence of non-delivery shows, in plain words and as JSON.
 */
#ifndef PARLEY_CLI_SILENCE_TEXT_H
#define PARLEY_CLI_SILENCE_TEXT_H

#include "base/json.h"
#include "cli/anchors.h"
#include "record/silence.h"

void silence_print(struct cli *c, const struct silence_result *r);
/* NULL when out of memory. */
json_t *silence_json(const struct silence_result *r);
/* Checks the evidence, says what it shows, and returns the exit code: 0, 5 or 1. where: the folder, for messages. */
int silence_report(struct cli *c, const struct pack *p, const char *where, const struct anchors *known);

#endif
