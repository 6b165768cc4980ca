/*
 * The pump of one connection. Each direction has a bounded buffer; when it is full its source is not watched, so that
 * a slow reader slows its writer down (TCP and the socketpair do the rest).
 */
#include "net/gate_priv.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/sys.h"

#define ROUNDS_MAX 16 /* buffers moved per turn, so that one fast connection does not starve the others */

enum moved { MOVED_NOTHING, MOVED_SOME, MOVED_BROKEN };

void gate_flow_release(struct gate *g, struct flow *f) {
  if (f->p != NULL && g->n_spare < GATE_SPARE_MAX) {
    g->spare[g->n_spare++] = f->p;
  } else {
    free(f->p);
  }
  f->p = NULL;
  f->start = f->end = 0;
}

static bool flow_room(const struct flow *f) { return !f->source_done && f->end < GATE_BUFFER_SIZE; }

/* False: out of memory. */
static bool flow_ready(struct gate *g, struct flow *f) {
  if (f->p == NULL) {
    f->p = g->n_spare > 0 ? g->spare[--g->n_spare] : malloc(GATE_BUFFER_SIZE);
  }
  return f->p != NULL;
}

static void flow_sent(struct flow *f, size_t n) {
  f->start += n;
  if (f->start == f->end) {
    f->start = f->end = 0;
  }
}

static enum moved tls_result(const struct conn *c, int rc, uint32_t *wants, struct flow *ended) {
  switch (SSL_get_error(c->ssl, rc)) {
  case SSL_ERROR_WANT_READ: *wants = EPOLLIN; return MOVED_NOTHING;
  case SSL_ERROR_WANT_WRITE: *wants = EPOLLOUT; return MOVED_NOTHING;
  case SSL_ERROR_ZERO_RETURN:
    if (ended != NULL) {
      ended->source_done = true;
      return MOVED_SOME;
    }
    return MOVED_BROKEN;
  default: ERR_clear_error(); return MOVED_BROKEN;
  }
}

static enum moved read_peer(struct conn *c) {
  struct flow *f = &c->in;
  if (!flow_room(f)) {
    return MOVED_NOTHING;
  }
  if (!flow_ready(c->gate, f)) {
    return MOVED_BROKEN;
  }
  ERR_clear_error();
  const int rc = SSL_read(c->ssl, f->p + f->end, (int)(GATE_BUFFER_SIZE - f->end));
  if (rc <= 0) {
    return tls_result(c, rc, &c->read_wants, f);
  }
  c->read_wants = EPOLLIN;
  f->end += (size_t)rc;
  if (f->sink_done) { /* the keeper reads no more: nobody will miss it */
    f->start = f->end = 0;
  }
  return MOVED_SOME;
}

static enum moved write_keeper(struct conn *c) {
  struct flow *f = &c->in;
  if (f->start == f->end) {
    if (f->source_done && !f->sink_done) {
      f->sink_done = true;
      shutdown(c->pair, SHUT_WR);
    }
    return MOVED_NOTHING;
  }
  const ssize_t n = send(c->pair, f->p + f->start, f->end - f->start, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n > 0) {
    flow_sent(f, (size_t)n);
    return MOVED_SOME;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return MOVED_NOTHING;
  }
  /* The keeper closed, perhaps after an early answer, which is still to be carried the other way. */
  f->sink_done = true;
  f->start = f->end = 0;
  return MOVED_SOME;
}

static enum moved read_keeper(struct conn *c) {
  struct flow *f = &c->out;
  if (!flow_room(f)) {
    return MOVED_NOTHING;
  }
  if (!flow_ready(c->gate, f)) {
    return MOVED_BROKEN;
  }
  const ssize_t n = recv(c->pair, f->p + f->end, GATE_BUFFER_SIZE - f->end, MSG_DONTWAIT);
  if (n > 0) {
    f->end += (size_t)n;
    return MOVED_SOME;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return MOVED_NOTHING;
  }
  /* ECONNRESET too is an end: the keeper closed without reading everything, after what it had to say. */
  f->source_done = true;
  return MOVED_SOME;
}

static enum moved write_peer(struct conn *c) {
  struct flow *f = &c->out;
  if (f->start == f->end) {
    return MOVED_NOTHING;
  }
  ERR_clear_error();
  const int rc = SSL_write(c->ssl, f->p + f->start, (int)(f->end - f->start));
  if (rc <= 0) {
    return tls_result(c, rc, &c->write_wants, NULL);
  }
  c->write_wants = EPOLLOUT;
  flow_sent(f, (size_t)rc);
  return MOVED_SOME;
}

/* One turn of all four steps. */
static enum moved turn(struct conn *c) {
  enum moved (*const steps[])(struct conn *) = {read_peer, write_keeper, read_keeper, write_peer};
  enum moved all = MOVED_NOTHING;
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    const enum moved m = steps[i](c);
    if (m == MOVED_BROKEN) {
      return m;
    }
    if (m == MOVED_SOME) {
      all = m;
    }
  }
  return all;
}

static void send_close(struct conn *c, int64_t now_ms) {
  ERR_clear_error();
  const int rc = SSL_shutdown(c->ssl);
  if (rc < 0 && tls_result(c, rc, &c->write_wants, NULL) == MOVED_NOTHING) {
    return; /* the peer's window is full: later, or never by the deadline */
  }
  if (c->in.source_done || rc < 0) {
    c->state = CONN_DEAD;
    return;
  }
  gate_pump_linger(c, now_ms);
}

void gate_pump(struct conn *c, int64_t now_ms) {
  enum moved m = MOVED_SOME;
  size_t round = 0;
  for (; c->state == CONN_OPEN && m == MOVED_SOME && round < ROUNDS_MAX; round++) {
    m = turn(c);
    if (m == MOVED_SOME) {
      c->deadline_ms = now_ms + GATE_IDLE_SECONDS * 1000;
    }
  }
  c->more = m == MOVED_SOME;
  if (m == MOVED_BROKEN) {
    c->state = CONN_DEAD;
    return;
  }
  if (c->state == CONN_OPEN && c->out.source_done && c->out.start == c->out.end) {
    c->state = CONN_CLOSING;
    c->write_wants = EPOLLOUT;
    c->deadline_ms = now_ms + GATE_LINGER_MS;
    net_close(&c->pair);
    c->pair_interest = 0;
  }
  if (c->state == CONN_CLOSING) {
    send_close(c, now_ms);
  }
  if (c->in.start == c->in.end) {
    gate_flow_release(c->gate, &c->in);
  }
  if (c->out.start == c->out.end) {
    gate_flow_release(c->gate, &c->out);
  }
}

/* Closing a socket with unread bytes makes the kernel send RST, which can destroy an answer or alert on its way. */
void gate_pump_linger(struct conn *c, int64_t now_ms) {
  if (c->state != CONN_LINGER) {
    c->state = CONN_LINGER;
    c->deadline_ms = now_ms + GATE_LINGER_MS;
    shutdown(c->tcp, SHUT_WR);
  }
  uint8_t dropped[16384];
  for (size_t round = 0; round < ROUNDS_MAX; round++) {
    const ssize_t n = recv(c->tcp, dropped, sizeof dropped, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    if (n <= 0) {
      c->state = CONN_DEAD;
      return;
    }
  }
}

void gate_pump_interest(const struct conn *c, uint32_t *tcp, uint32_t *pair) {
  *tcp = *pair = 0;
  switch (c->state) {
  case CONN_HANDSHAKE: *tcp = c->read_wants; break;
  case CONN_OPEN:
    if (flow_room(&c->in)) {
      *tcp |= c->read_wants;
    }
    if (c->out.start < c->out.end) {
      *tcp |= c->write_wants;
    }
    if (flow_room(&c->out)) {
      *pair |= EPOLLIN;
    }
    /* `more`: the pair is writable or closed, either of which gives us the next turn. */
    if ((c->in.start < c->in.end && !c->in.sink_done) || c->more) {
      *pair |= EPOLLOUT;
    }
    break;
  case CONN_CLOSING: *tcp = c->write_wants; break;
  case CONN_LINGER: *tcp = EPOLLIN; break;
  case CONN_DEAD: break;
  }
}
