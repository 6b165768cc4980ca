/*
 * Asking the person at the terminal. Questions go to standard error, so that standard output stays what was asked for.
 */
#ifndef PARLEY_CLI_ASK_H
#define PARLEY_CLI_ASK_H

#include "cli/cli.h"

/* Asks until "yes" or "no" is typed; the end of input means no. */
bool ask_yes(const char *question);
/*
 * Reads a secret twice, unseen, until both are the same. Empty when nothing is typed both times. EINVAL at the end of
 * input.
 */
parley_err ask_secret(struct buf *out, const char *prompt, struct errmsg *e);

#endif
