/*
 * Crash points, for tests only (-Dfaults=true): $PARLEY_KILL_AT=N kills the process with SIGKILL at the N-th store or
 * network step, $PARLEY_CLOCK_OFFSET=SECONDS shifts the wall clock. Nothing of this is in a node in service.
 */
#ifndef PARLEY_DAEMON_FAULT_H
#define PARLEY_DAEMON_FAULT_H

#include "store/store.h"

#ifdef PARLEY_FAULTS
/* A step: before and after each commit and each save of the signer's memory, at each message in and out. */
void fault_point(void);
/* Puts steps around the commits of s. Returns s, or NULL when memory is out (s is then closed). */
struct store *fault_store(struct store *s);
int64_t fault_clock_offset(void);
#else
static inline void fault_point(void) {}
static inline struct store *fault_store(struct store *s) { return s; }
static inline int64_t fault_clock_offset(void) { return 0; }
#endif

#endif
