#include "net/server.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "net/server_priv.h"
#include "net/sys.h"

#define TURNS_MAX 64

/* libmicrohttpd complains about TCP options on unix sockets, and about every peer that hangs up: neither is news. */
static void drop_log(void *arg, const char *fmt, va_list ap) {
  (void)arg;
  (void)fmt;
  (void)ap;
}

static parley_err start_mhd(struct http_server *s, struct errmsg *e) {
  s->mhd = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
      server_on_request, s, MHD_OPTION_EXTERNAL_LOGGER, drop_log, NULL, MHD_OPTION_URI_LOG_CALLBACK, server_on_target,
      s, MHD_OPTION_NOTIFY_COMPLETED, server_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, server_on_connection, s,
      MHD_OPTION_CONNECTION_LIMIT,
      (unsigned)(HTTP_GATE_CONNECTIONS_MAX + HTTP_LOCAL_CONNECTIONS_MAX + HTTP_OPEN_CONNECTIONS_MAX),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_POOL_SIZE, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (s->mhd == NULL) {
    return err_set(e, PARLEY_EIO, "cannot start the HTTP server: %s", strerror(errno));
  }
  const union MHD_DaemonInfo *i = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
  struct epoll_event ev = {.events = EPOLLIN};
  if (i == NULL || epoll_ctl(s->epoll, EPOLL_CTL_ADD, i->epoll_fd, &ev) != 0) {
    return err_set(e, PARLEY_EIO, "cannot watch the HTTP server: %s", strerror(errno));
  }
  return PARLEY_OK;
}

parley_err http_server_start(struct http_server **out, const char *unix_path, const struct http_handler *h,
                             struct errmsg *e) {
  *out = NULL;
  struct http_server *s = calloc(1, sizeof *s);
  if (s == NULL) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for the HTTP server");
  }
  s->handler = *h;
  s->local = -1;
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  parley_err err =
      s->epoll < 0 ? err_set(e, PARLEY_EIO, "cannot start the HTTP server: %s", strerror(errno)) : start_mhd(s, e);
  if (err == PARLEY_OK && unix_path != NULL) {
    err = server_local_open(s, unix_path, e);
  }
  if (err != PARLEY_OK) {
    http_server_stop(s);
    return err;
  }
  *out = s;
  return PARLEY_OK;
}

parley_err http_server_adopt(struct http_server *s, int fd, const char *peer, struct errmsg *e) {
  struct peer *p = server_peer(s, peer, net_now_ms());
  if (p == NULL) {
    net_close(&fd);
    return err_set(e, PARLEY_ENOMEM, "no memory or place for the connection of %s", peer);
  }
  if (strcmp(peer, HTTP_OPEN_PEER) == 0 && p->endpoints >= HTTP_OPEN_CONNECTIONS_MAX) {
    net_close(&fd);
    return err_set(e, PARLEY_EBUSY, "the open mirror takes no further connection now");
  }
  return server_add(s, fd, p, e);
}

int http_server_fd(struct http_server *s) { return s->epoll; }

int http_server_timeout_ms(struct http_server *s) {
  if (s->resumed) {
    return 0;
  }
  MHD_UNSIGNED_LONG_LONG wait = 0;
  if (MHD_get_timeout(s->mhd, &wait) != MHD_YES) {
    return -1;
  }
  return wait > INT_MAX ? INT_MAX : (int)wait;
}

/* epoll is not asked which descriptor woke us: both are served, and a look that finds nothing costs one system call. */
void http_server_run(struct http_server *s) {
  server_local_accept(s);
  for (size_t i = 0; i < TURNS_MAX; i++) {
    s->resumed = false;
    MHD_run(s->mhd);
    if (http_server_timeout_ms(s) != 0) {
      break;
    }
  }
  server_local_accept(s); /* places may have become free */
}

static void answer_all(struct http_server *s) {
  while (s->waiting != NULL) {
    const struct http_response gone = {.status = 503, .retry_after = 1};
    http_server_answer(s, s->waiting->ctx, &gone);
  }
}

void http_server_stop(struct http_server *s) {
  if (s == NULL) {
    return;
  }
  server_local_close(s);
  if (s->mhd != NULL) {
    answer_all(s); /* libmicrohttpd must not be stopped with suspended connections */
    MHD_stop_daemon(s->mhd);
  }
  server_peers_free(s);
  net_close(&s->epoll);
  free(s);
}
