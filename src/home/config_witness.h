/*
 * The option `witness` of parley.conf, the only one that may stand there more than once.
 */
#ifndef PARLEY_HOME_CONFIG_WITNESS_H
#define PARLEY_HOME_CONFIG_WITNESS_H

#include "home/home.h"

/* Adds what stands after "witness =". EINVAL, ELIMIT. */
parley_err config_witness_read(struct config *c, struct bytes value, struct errmsg *e);
/* Appends each as `before` and its value, with `between` between two. */
void config_witness_write(struct buf *out, const struct config *c, const char *before, const char *between);

#endif
