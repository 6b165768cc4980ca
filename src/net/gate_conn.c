#include "net/gate_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/sys.h"

#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE_MS 500 /* when descriptors have run out */

static void watch(const struct gate *g, struct conn *c, int fd, uint32_t *now, uint32_t wanted) {
  if (fd < 0 || *now == wanted) {
    return;
  }
  struct epoll_event ev = {.events = wanted, .data.ptr = c};
  /* Without any interest the descriptor must leave: epoll would go on reporting a hang-up. */
  const int op = wanted == 0 ? EPOLL_CTL_DEL : *now == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(g->epoll, op, fd, &ev) != 0 && op != EPOLL_CTL_DEL) {
    c->state = CONN_DEAD;
    return;
  }
  *now = wanted;
}

static void conn_settle(struct gate *g, struct conn *c) {
  uint32_t tcp, pair;
  gate_pump_interest(c, &tcp, &pair);
  watch(g, c, c->tcp, &c->tcp_interest, tcp);
  watch(g, c, c->pair, &c->pair_interest, pair);
  if (c->state == CONN_DEAD) {
    conn_close(g, c);
  }
}

void conn_close(struct gate *g, struct conn *c) {
  c->state = CONN_DEAD;
  if (c->prev != NULL) {
    c->prev->next = c->next;
  } else {
    g->conns = c->next;
  }
  if (c->next != NULL) {
    c->next->prev = c->prev;
  }
  g->n_conns--;
  SSL_free(c->ssl);
  c->ssl = NULL;
  net_close(&c->tcp);
  net_close(&c->pair);
  gate_flow_release(g, &c->in);
  gate_flow_release(g, &c->out);
  /* Events for it may still stand in this round's list: free it afterwards. */
  c->prev = NULL;
  c->next = g->dead;
  g->dead = c;
}

void conn_reap(struct gate *g) {
  while (g->dead != NULL) {
    struct conn *c = g->dead;
    g->dead = c->next;
    free(c);
  }
}

/* After a cut line a party's old connections still stand here, dead: it need not wait for their end. */
bool conn_place_for(struct gate *g, const char *name, int64_t now_ms) {
  size_t n = 0;
  struct conn *idlest = NULL;
  for (struct conn *c = g->conns; c != NULL; c = c->next) {
    if (!c->proved || strcmp(c->name, name) != 0) {
      continue;
    }
    n++;
    if (idlest == NULL || c->deadline_ms < idlest->deadline_ms) {
      idlest = c;
    }
  }
  if (n < GATE_CONNECTIONS_PER_PEER) {
    return true;
  }
  const bool stale = idlest->deadline_ms - now_ms <= GATE_IDLE_SECONDS * 1000 - GATE_STALE_MS;
  if (stale) {
    conn_close(g, idlest);
  }
  return stale;
}

static bool still_pinned(struct gate *g, const struct conn *c) {
  pthread_mutex_lock(&g->lock);
  const char *name = gate_pins_find(&g->pins, c->spki);
  const bool same = name != NULL && strcmp(name, c->name) == 0;
  pthread_mutex_unlock(&g->lock);
  return same;
}

/* The handshake is done: the keeper gets its end, or the connection ends here. */
static void conn_open(struct gate *g, struct conn *c, int64_t now_ms) {
  if (!still_pinned(g, c)) {
    gate_refuse(g, "certificate of %s is not pinned any more", c->address);
  } else if (!conn_place_for(g, c->name, now_ms)) {
    gate_refuse(g, "%s at %s has %d connections already", c->name, c->address, GATE_CONNECTIONS_PER_PEER);
  } else if (!gate_pass(g, c)) {
    gate_refuse(g, "%s at %s came while the node takes no connections", c->name, c->address);
  } else {
    c->proved = true;
    c->state = CONN_OPEN;
    c->read_wants = EPOLLIN;
    c->write_wants = EPOLLOUT;
    c->deadline_ms = now_ms + GATE_IDLE_SECONDS * 1000;
    gate_pump(c, now_ms); /* the first request may have come with the last handshake message */
    return;
  }
  SSL_shutdown(c->ssl);
  gate_pump_linger(c, now_ms);
}

void conn_step(struct gate *g, struct conn *c, int64_t now_ms) {
  switch (c->state) {
  case CONN_HANDSHAKE:
    switch (gate_tls_handshake(g, c)) {
    case TLS_DONE: conn_open(g, c, now_ms); break;
    case TLS_REFUSED: gate_pump_linger(c, now_ms); break;
    case TLS_WAIT: break;
    }
    break;
  case CONN_OPEN:
  case CONN_CLOSING: gate_pump(c, now_ms); break;
  case CONN_LINGER: gate_pump_linger(c, now_ms); break;
  case CONN_DEAD: return;
  }
  conn_settle(g, c);
}

/* Strangers share a bounded number of places; the oldest gives way, so that a flood cannot keep a party out. */
static void make_room(struct gate *g) {
  size_t strangers = 0;
  struct conn *oldest = NULL;
  for (struct conn *c = g->conns; c != NULL; c = c->next) {
    if (!c->proved) {
      strangers++;
      oldest = c; /* new ones are put in front */
    }
  }
  if (strangers >= GATE_UNPROVED_MAX) {
    if (oldest->state == CONN_HANDSHAKE) {
      gate_refuse(g, "%s did not finish the handshake while many others came", oldest->address);
    }
    conn_close(g, oldest);
  }
}

static void conn_add(struct gate *g, int tcp, const struct sockaddr_storage *from, socklen_t size, int64_t now_ms) {
  char address[GATE_ADDRESS_SIZE];
  gate_address(address, (const struct sockaddr *)from, size);
  make_room(g);
  struct conn *c = g->n_conns >= GATE_CONNECTIONS_MAX ? NULL : calloc(1, sizeof *c);
  if (c == NULL) {
    gate_refuse(g, "%s came while %zu connections were open", address, g->n_conns);
    net_close(&tcp);
    return;
  }
  c->gate = g;
  c->tcp = tcp;
  c->pair = -1;
  c->state = CONN_HANDSHAKE;
  c->read_wants = EPOLLIN;
  c->deadline_ms = now_ms + GATE_HANDSHAKE_SECONDS * 1000;
  memcpy(c->address, address, sizeof address);
  c->next = g->conns;
  if (g->conns != NULL) {
    g->conns->prev = c;
  }
  g->conns = c;
  g->n_conns++;
  if (!gate_tls_attach(g, c)) {
    gate_refuse(g, "out of memory for %s", address);
    conn_close(g, c);
    return;
  }
  conn_settle(g, c);
}

void conn_accept_all(struct gate *g, int64_t now_ms) {
  for (size_t i = 0; i < ACCEPTS_PER_TURN; i++) {
    struct sockaddr_storage from = {0};
    socklen_t size = sizeof from;
    const int tcp = accept4(g->listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (tcp >= 0) {
      conn_add(g, tcp, &from, size, now_ms);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      /* The listener stays readable: pause instead of spinning. */
      gate_refuse(g, "connections wait because the system has no descriptors or memory left");
      struct epoll_event ev = {.events = 0, .data.ptr = &g->listener};
      epoll_ctl(g->epoll, EPOLL_CTL_MOD, g->listener, &ev);
      g->listen_again_ms = now_ms + ACCEPT_PAUSE_MS;
      return;
    } else if (errno == EAGAIN) {
      return;
    } /* else: that connection died in the queue; go on with the next */
  }
}

void conn_drop_unpinned(struct gate *g) {
  for (struct conn *c = g->conns, *next; c != NULL; c = next) {
    next = c->next;
    if (c->proved && !still_pinned(g, c)) {
      conn_close(g, c);
    }
  }
}

void conn_expire(struct gate *g, int64_t now_ms) {
  if (g->listen_again_ms != 0 && now_ms >= g->listen_again_ms) {
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &g->listener};
    epoll_ctl(g->epoll, EPOLL_CTL_MOD, g->listener, &ev);
    g->listen_again_ms = 0;
  }
  for (struct conn *c = g->conns, *next; c != NULL; c = next) {
    next = c->next;
    if (now_ms < c->deadline_ms) {
      continue;
    }
    if (c->state == CONN_HANDSHAKE) {
      gate_refuse(g, "%s did not finish the handshake within %d s", c->address, GATE_HANDSHAKE_SECONDS);
    }
    conn_close(g, c);
  }
}

int conn_timeout_ms(const struct gate *g, int64_t now_ms) {
  int64_t first = g->listen_again_ms == 0 ? INT64_MAX : g->listen_again_ms;
  for (const struct conn *c = g->conns; c != NULL; c = c->next) {
    first = c->deadline_ms < first ? c->deadline_ms : first;
  }
  if (first == INT64_MAX) {
    return -1;
  }
  return first <= now_ms ? 0 : first - now_ms > INT_MAX ? INT_MAX : (int)(first - now_ms);
}
