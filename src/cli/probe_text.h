/*
 * What parley status --probe says, in the language of the person: by the code of the finding, since the node's own
 * sentence is English. Where there is no catalogue, and for codes that a newer node has, it is the node's sentence.
 */
#ifndef PARLEY_CLI_PROBE_TEXT_H
#define PARLEY_CLI_PROBE_TEXT_H

#include "cli/cli.h"

/* Of the answer to POST /v1/probe; in the arena or in the answer. */
const char *probe_sentence(struct cli *c, const json_t *probe);

/* What a step says beside its result: the few fixed phrases translated, all else as the node has it. */
const char *probe_detail(const char *text);

#endif
