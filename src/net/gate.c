#include "net/gate.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/gate_priv.h"
#include "net/sys.h"

static void ring(const struct gate *g) {
  const uint64_t one = 1;
  const ssize_t n = write(g->wake, &one, sizeof one);
  (void)n; /* EAGAIN: it has been rung already */
}

static void gate_free(struct gate *g) {
  net_close(&g->listener);
  net_close(&g->messages);
  net_close(&g->epoll);
  net_close(&g->wake);
  SSL_CTX_free(g->tls);
  gate_pins_free(&g->pins);
  while (g->n_spare > 0) {
    free(g->spare[--g->n_spare]);
  }
  pthread_mutex_destroy(&g->lock);
  free(g);
}

static bool watch_own(struct gate *g) {
  g->epoll = epoll_create1(EPOLL_CLOEXEC);
  g->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  struct epoll_event arrivals = {.events = EPOLLIN, .data.ptr = &g->listener};
  struct epoll_event wake = {.events = EPOLLIN, .data.ptr = &g->wake};
  return g->epoll >= 0 && g->wake >= 0 && epoll_ctl(g->epoll, EPOLL_CTL_ADD, g->listener, &arrivals) == 0 &&
         epoll_ctl(g->epoll, EPOLL_CTL_ADD, g->wake, &wake) == 0;
}

/* Signals are the daemon's business; SIGPIPE from inside OpenSSL must not kill anybody. */
static int start_thread(struct gate *g) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int rc = pthread_create(&g->thread, NULL, gate_loop, g);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  g->running = rc == 0;
  return rc;
}

static parley_err gate_setup(struct gate *g, const struct gate_config *c, int *keeper, struct errmsg *e) {
  const parley_err err = gate_tls_new(&g->tls, g, c->key_pem_path, c->cert_pem_path, e);
  if (err != PARLEY_OK) {
    return err;
  }
  g->listener = gate_listen(c->listen, &g->port, e);
  if (g->listener < 0) {
    return PARLEY_EIO;
  }
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return err_set(e, PARLEY_EIO, "cannot start the gate on %s: %s", c->listen, strerror(errno));
  }
  g->messages = ends[0];
  *keeper = ends[1];
  if (!watch_own(g)) {
    return err_set(e, PARLEY_EIO, "cannot start the gate on %s: %s", c->listen, strerror(errno));
  }
  const int rc = start_thread(g);
  return rc == 0 ? PARLEY_OK : err_set(e, PARLEY_EIO, "cannot start the gate's thread: %s", strerror(rc));
}

parley_err gate_start(struct gate **out, const struct gate_config *c, int *messages, struct errmsg *e) {
  *out = NULL;
  *messages = -1;
  struct gate *g = calloc(1, sizeof *g);
  if (g == NULL) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for the gate");
  }
  g->epoll = g->listener = g->wake = g->messages = -1;
  atomic_init(&g->stop, false);
  pthread_mutex_init(&g->lock, NULL);
  const parley_err err = gate_setup(g, c, messages, e);
  if (err != PARLEY_OK) {
    net_close(messages);
    gate_free(g);
    return err;
  }
  *out = g;
  return PARLEY_OK;
}

parley_err gate_set_pins(struct gate *g, const char *const *names, const char *const *pins, size_t n,
                         struct errmsg *e) {
  struct gate_pins fresh;
  const parley_err err = gate_pins_make(&fresh, names, pins, n, e);
  if (err != PARLEY_OK) {
    return err;
  }
  pthread_mutex_lock(&g->lock);
  struct gate_pins old = g->pins;
  g->pins = fresh;
  pthread_mutex_unlock(&g->lock);
  gate_pins_free(&old);
  ring(g);
  return PARLEY_OK;
}

void gate_refusals(struct gate *g, uint64_t *count, struct errmsg *last) {
  pthread_mutex_lock(&g->lock);
  *count = g->refusals;
  *last = g->last_refusal;
  pthread_mutex_unlock(&g->lock);
}

uint16_t gate_port(const struct gate *g) { return g->port; }

void gate_stop(struct gate *g) {
  if (g == NULL) {
    return;
  }
  atomic_store(&g->stop, true);
  ring(g);
  if (g->running) {
    pthread_join(g->thread, NULL);
  }
  gate_free(g);
}
