#include "net/gate_priv.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/sys.h"

#define EVENTS_MAX 64

/* Someone rang: new pins, or the end (checked by the loop itself). */
static void answer_wake(struct gate *g) {
  uint64_t rung;
  const ssize_t n = read(g->wake, &rung, sizeof rung);
  (void)n; /* nothing to read is as good: the table is compared in either case */
  conn_drop_unpinned(g);
}

static void serve(struct gate *g, const struct epoll_event *ev, int n, int64_t now_ms) {
  bool wake = false, arrivals = false;
  for (int i = 0; i < n; i++) {
    if (ev[i].data.ptr == &g->wake) {
      wake = true;
    } else if (ev[i].data.ptr == &g->listener) {
      arrivals = true;
    } else {
      conn_step(g, ev[i].data.ptr, now_ms);
    }
  }
  if (wake) {
    answer_wake(g);
  }
  if (arrivals) {
    conn_accept_all(g, now_ms);
  }
}

void *gate_loop(void *gate) {
  struct gate *g = gate;
  struct epoll_event ev[EVENTS_MAX];
  int64_t now_ms = net_now_ms();
  while (!atomic_load(&g->stop)) {
    const int n = epoll_wait(g->epoll, ev, EVENTS_MAX, conn_timeout_ms(g, now_ms));
    now_ms = net_now_ms();
    if (n < 0 && errno != EINTR) {
      gate_refuse(g, "the gate stopped: it cannot wait for events");
      break;
    }
    serve(g, ev, n, now_ms);
    conn_expire(g, now_ms);
    conn_reap(g);
  }
  while (g->conns != NULL) {
    conn_close(g, g->conns);
  }
  conn_reap(g);
  net_close(&g->listener);
  net_close(&g->messages); /* the keeper sees the end of the gate */
  return NULL;
}
