/*
 * parley verify on a single file: a card or a charter.
 */
#ifndef PARLEY_CLI_VERIFY_FILE_H
#define PARLEY_CLI_VERIFY_FILE_H

#include "cli/anchors.h"

/* Checks, prints, returns the exit code. */
int verify_file(struct cli *c, const char *path, const struct anchors *known);

#endif
