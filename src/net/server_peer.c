#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/server_priv.h"
#include "net/sys.h"

#define SHARE_FULL ((uint64_t)HTTP_REQUESTS_PER_MINUTE * 1000)
#define MINUTE_MS 60000

/* ---- shares: a token bucket per party ---- */

static void refill(struct peer *p, int64_t now_ms) {
  const int64_t passed = now_ms - p->last_ms;
  if (passed <= 0) {
    return;
  }
  p->last_ms = now_ms;
  const uint64_t gained = passed >= MINUTE_MS ? SHARE_FULL : (uint64_t)passed * (SHARE_FULL / MINUTE_MS);
  p->milli_requests = p->milli_requests + gained > SHARE_FULL ? SHARE_FULL : p->milli_requests + gained;
}

unsigned server_peer_wait(struct peer *p, int64_t now_ms) {
  refill(p, now_ms);
  if (p->milli_requests >= 1000) {
    p->milli_requests -= 1000;
    return 0;
  }
  return 1; /* a whole second brings HTTP_REQUESTS_PER_MINUTE / 60 requests */
}

static void peer_free(struct peer *p) {
  free(p->name);
  free(p);
}

/* Forgets parties without connections once their share is full again: forgetting earlier would give them a new one. */
static size_t prune(struct http_server *s, int64_t now_ms) {
  size_t left = 0;
  for (struct peer **at = &s->peers; *at != NULL;) {
    struct peer *p = *at;
    if (p->endpoints == 0 && now_ms - p->last_ms >= MINUTE_MS) {
      *at = p->next;
      peer_free(p);
    } else {
      left++;
      at = &p->next;
    }
  }
  return left;
}

struct peer *server_peer(struct http_server *s, const char *name, int64_t now_ms) {
  for (struct peer *p = s->peers; p != NULL; p = p->next) {
    if (strcmp(p->name, name) == 0) {
      return p;
    }
  }
  if (prune(s, now_ms) >= HTTP_PEERS_MAX) {
    return NULL;
  }
  struct peer *p = calloc(1, sizeof *p);
  if (p == NULL || (p->name = strdup(name)) == NULL) {
    free(p);
    return NULL;
  }
  p->milli_requests = SHARE_FULL;
  p->last_ms = now_ms;
  p->next = s->peers;
  s->peers = p;
  return p;
}

/* ---- endpoints ---- */

static struct endpoint *find(const struct http_server *s, int fd) {
  struct endpoint *p = s->endpoints;
  while (p != NULL && p->fd != fd) {
    p = p->next;
  }
  return p;
}

static void endpoint_remove(struct http_server *s, struct endpoint *p) {
  if (p->prev != NULL) {
    p->prev->next = p->next;
  } else {
    s->endpoints = p->next;
  }
  if (p->next != NULL) {
    p->next->prev = p->prev;
  }
  if (p->peer != NULL) {
    p->peer->endpoints--;
  } else {
    s->n_local--;
  }
  free(p);
}

static struct endpoint *endpoint_add(struct http_server *s, int fd, struct peer *peer) {
  struct endpoint *p = calloc(1, sizeof *p);
  if (p == NULL) {
    return NULL;
  }
  p->fd = fd;
  p->peer = peer;
  p->next = s->endpoints;
  if (s->endpoints != NULL) {
    s->endpoints->prev = p;
  }
  s->endpoints = p;
  if (peer != NULL) {
    peer->endpoints++;
  } else {
    s->n_local++;
  }
  return p;
}

parley_err server_add(struct http_server *s, int fd, struct peer *peer, struct errmsg *e) {
  if (endpoint_add(s, fd, peer) == NULL) {
    net_close(&fd);
    return err_set(e, PARLEY_ENOMEM, "out of memory for a connection");
  }
  const struct sockaddr from = {.sa_family = AF_UNIX};
  if (MHD_add_connection(s->mhd, fd, &from, sizeof from.sa_family) == MHD_YES) {
    return PARLEY_OK;
  }
  /* libmicrohttpd has closed the descriptor; the endpoint may be gone too, by server_on_connection. */
  struct endpoint *left = find(s, fd);
  if (left != NULL) {
    endpoint_remove(s, left);
  }
  return err_set(e, PARLEY_EBUSY, "the node takes no further connection now");
}

/* The descriptor leads from libmicrohttpd's connection to its endpoint: no order of events is assumed. */
void server_on_connection(void *server, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
  struct http_server *s = server;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = i == NULL ? NULL : find(s, i->connect_fd);
  } else if (*socket_context != NULL) {
    endpoint_remove(s, *socket_context);
    *socket_context = NULL;
  }
}

const struct endpoint *server_endpoint(struct MHD_Connection *c) {
  const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return i == NULL ? NULL : i->socket_context;
}

void server_peers_free(struct http_server *s) {
  while (s->endpoints != NULL) { /* connections that libmicrohttpd was given but never began */
    endpoint_remove(s, s->endpoints);
  }
  while (s->peers != NULL) {
    struct peer *p = s->peers;
    s->peers = p->next;
    peer_free(p);
  }
}
