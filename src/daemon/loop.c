/*
 * One turn: what arrived is taken in, the node works once for all of it, what it wants said goes out; then wait for any
 * descriptor or the next timer. No request waits for a timer.
 */
#include <malloc.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/fault.h"
#include "net/open_listener.h"

#define REFUSALS_EVERY_MS 60000

int64_t daemon_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t daemon_wall_s(void) { return (int64_t)time(NULL) + fault_clock_offset(); }

void daemon_busy(struct daemon *d) {
  d->tidy = false;
  d->busy_ms = daemon_now_ms();
}

static void take_connections(struct daemon *d) {
  char name[GATE_NAME_MAX + 1];
  struct errmsg e;
  int fd;
  while (gate_receive(d->messages, name, &fd, NULL) == PARLEY_OK) {
    if (http_server_adopt(d->server, fd, name, &e)) log_line(&d->log, LOG_AS_WARNING, "%s: %s", name, e.text);
  }
}

static void take_strangers(struct daemon *d) {
  int fd;
  for (int i = 0; d->open >= 0 && i < 64 && (fd = open_accept(d->open)) >= 0; i++)
    (void)http_server_adopt(d->server, fd, HTTP_OPEN_PEER, NULL); /* too many at once: they come again */
}

static void take_signals(struct daemon *d) {
  struct signalfd_siginfo info;
  while (read(d->signals, &info, sizeof info) == (ssize_t)sizeof info) d->stop = true;
}

/* A stranger who knocks all day fills no disk. */
static void log_refusals(struct daemon *d, int64_t now) {
  uint64_t count;
  struct errmsg last = {""};
  gate_refusals(d->gate, &count, &last);
  if (count == d->refused_logged || (d->refused_logged && now - d->refused_logged_ms < REFUSALS_EVERY_MS)) return;
  log_line(&d->log, LOG_AS_WARNING, "refused at the gate (%llu since the start): %s", (unsigned long long)count,
           last.text);
  d->refused_logged = count;
  d->refused_logged_ms = now;
}

static void tidy_up(struct daemon *d) {
  struct errmsg e;
  if (store_checkpoint(d->store, &e)) log_line(&d->log, LOG_AS_WARNING, "%s", e.text);
  malloc_trim(0);
  d->tidy = true;
}

static int least(int a, int b) { return b >= 0 && (a < 0 || b < a) ? b : a; }

static int wait_ms(struct daemon *d) {
  int ms = node_next_ms(d->node);
  ms = least(ms, http_server_timeout_ms(d->server));
  const int64_t idle = daemon_now_ms() - d->busy_ms;
  if (!d->tidy) ms = least(ms, idle >= IDLE_MS ? 0 : (int)(IDLE_MS - idle));
  return d->again ? 0 : ms;
}

static void turn(struct daemon *d) {
  take_signals(d);
  http_client_run(d->client);
  take_connections(d);
  take_strangers(d);
  http_server_run(d->server);
  node_work(d->node);
  daemon_answer_probe(d);
  struct errmsg e;
  if (daemon_renewed(d, &e)) log_line(&d->log, LOG_AS_ERROR, "the gate does not know the newest cards: %s", e.text);
  daemon_proofs(d);
  if (daemon_answer(d)) http_server_run(d->server); /* writes the answers now */
  d->again = false;
  if (daemon_send(d)) http_client_run(d->client);
  if (daemon_backup_turn(d)) d->again = true;
}

void daemon_run(struct daemon *d) {
  const int fds[] = {http_server_fd(d->server), d->messages, d->signals, d->probed, d->open};
  const size_t n_fds = sizeof fds / sizeof *fds - (d->open < 0);
  daemon_busy(d);
  while (!d->stop) {
    turn(d);
    const int64_t now = daemon_now_ms();
    log_refusals(d, now);
    if (!d->tidy && now - d->busy_ms >= IDLE_MS) tidy_up(d);
    if (!d->stop) http_client_poll(d->client, fds, n_fds, wait_ms(d));
  }
}
