#include "net/sys.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

int64_t net_now_ms(void) {
  struct timespec t = {0};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool sigpipe_pending(void) {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

void sigpipe_guard_begin(struct sigpipe_guard *g) {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGPIPE);
  g->was_pending = sigpipe_pending();
  pthread_sigmask(SIG_BLOCK, &only, &g->before);
}

void sigpipe_guard_end(const struct sigpipe_guard *g) {
  if (!g->was_pending && sigpipe_pending()) {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    const struct timespec now = {0};
    while (sigtimedwait(&only, NULL, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &g->before, NULL);
}

void net_close(int *fd) {
  if (*fd >= 0) {
    close(*fd);
  }
  *fd = -1;
}
