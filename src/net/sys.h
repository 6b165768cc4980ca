/*
 * What the folder needs from the operating system: a steady clock for deadlines and rates, and a guard against SIGPIPE
 * for libraries that write to sockets by themselves. Nothing here touches the process: signals are masked per thread.
 */
#ifndef PARLEY_NET_SYS_H
#define PARLEY_NET_SYS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC: only differences mean anything. */
int64_t net_now_ms(void);

/* Blocks SIGPIPE in this thread; end swallows one that was raised meanwhile and restores the mask. */
struct sigpipe_guard {
  sigset_t before;
  bool was_pending;
};
void sigpipe_guard_begin(struct sigpipe_guard *g);
void sigpipe_guard_end(const struct sigpipe_guard *g);

/* Closes *fd when it is open and sets it to -1. */
void net_close(int *fd);

#endif
