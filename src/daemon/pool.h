/*
 * Helping threads for work that depends on its item alone (node.h, struct node_env, parallel): sealing takes most of a sender's time,
 * and a machine has more than one core. The caller works along, so that a machine with one core needs none.
 */
#ifndef PARLEY_DAEMON_POOL_H
#define PARLEY_DAEMON_POOL_H

#include "base/err.h"

#include <stddef.h>

#define POOL_THREADS_MAX 7

struct pool;

/* As many helpers as there are cores beside the caller's, at most POOL_THREADS_MAX. EIO when a thread cannot be had. */
parley_err pool_start(struct pool **out, struct errmsg *e);
/* Runs work on each item and returns when all are done. One caller at a time. */
void pool_run(struct pool *p, void (*work)(void *item), void *const *items, size_t n);
void pool_stop(struct pool *p); /* NULL allowed */

#endif
