/*
 * Jobs done by a second thread and, while it waits for one, by the caller; taken back in the order in which they were
 * put. Only what a job says in `work` runs elsewhere.
 */
#ifndef PARLEY_RECORD_AUDIT_POOL_H
#define PARLEY_RECORD_AUDIT_POOL_H

#include "base/err.h"

#include <stdbool.h>

struct audit_job {
  void (*work)(struct audit_job *j); /* changes nothing but its job */
  int state;                         /* the pool's */
};

struct audit_pool;

/* threads: besides the caller. ENOMEM; where no thread can be had the caller does all by itself. */
parley_err audit_pool_new(struct audit_pool **out, unsigned threads, struct errmsg *e);
#define AUDIT_POOL_MAX 8
/* At most AUDIT_POOL_MAX jobs may wait to be taken. */
void audit_pool_put(struct audit_pool *p, struct audit_job *j);
bool audit_pool_full(const struct audit_pool *p);
/* The oldest job, done; NULL when there is none. */
struct audit_job *audit_pool_take(struct audit_pool *p);
void audit_pool_free(struct audit_pool *p); /* after all were taken */

#endif
