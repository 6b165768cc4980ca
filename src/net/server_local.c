#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/server_priv.h"
#include "net/sys.h"

#define ACCEPTS_PER_TURN 16

/* Only a socket that nobody answers on is removed. */
static parley_err remove_stale(const struct sockaddr_un *a, struct errmsg *e) {
  struct stat st;
  if (lstat(a->sun_path, &st) != 0) {
    return errno == ENOENT ? PARLEY_OK : err_set(e, PARLEY_EIO, "cannot look at %s: %s", a->sun_path, strerror(errno));
  }
  if (!S_ISSOCK(st.st_mode)) {
    return err_set(e, PARLEY_ECONFLICT, "%s is not a socket; move it away", a->sun_path);
  }
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) {
    return err_set(e, PARLEY_EIO, "cannot try %s: %s", a->sun_path, strerror(errno));
  }
  const int rc = connect(probe, (const struct sockaddr *)a, sizeof *a);
  const int why = rc == 0 ? 0 : errno;
  net_close(&probe);
  if (rc == 0 || why == EAGAIN) {
    return err_set(e, PARLEY_EBUSY, "another parleyd is running on this home: it answers on %s", a->sun_path);
  }
  if (why != ECONNREFUSED) {
    return err_set(e, PARLEY_EIO, "cannot try %s: %s", a->sun_path, strerror(why));
  }
  if (unlink(a->sun_path) != 0 && errno != ENOENT) {
    return err_set(e, PARLEY_EIO, "cannot remove the stale socket %s: %s", a->sun_path, strerror(errno));
  }
  return PARLEY_OK;
}

static parley_err bind_private(int fd, const struct sockaddr_un *a, struct errmsg *e) {
  const mode_t before = umask(0177);
  const int rc = bind(fd, (const struct sockaddr *)a, sizeof *a);
  const int why = errno;
  umask(before);
  if (rc != 0) {
    return err_set(e, PARLEY_EIO, "cannot create the local socket %s: %s", a->sun_path, strerror(why));
  }
  if (chmod(a->sun_path, 0600) != 0 || listen(fd, 64) != 0) {
    const parley_err err = err_set(e, PARLEY_EIO, "cannot open the local socket %s: %s", a->sun_path, strerror(errno));
    unlink(a->sun_path);
    return err;
  }
  return PARLEY_OK;
}

/* At the limit the socket is not watched: callers wait in the kernel's queue. */
static void local_watch(struct http_server *s) {
  const bool wanted = s->n_local < HTTP_LOCAL_CONNECTIONS_MAX;
  if (s->local < 0 || wanted == s->local_watched) {
    return;
  }
  struct epoll_event ev = {.events = EPOLLIN, .data.fd = s->local};
  if (epoll_ctl(s->epoll, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, s->local, &ev) == 0) {
    s->local_watched = wanted;
  }
}

parley_err server_local_open(struct http_server *s, const char *path, struct errmsg *e) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  const size_t n = strlen(path);
  if (n == 0 || n >= sizeof a.sun_path) {
    return err_set(e, PARLEY_EINVAL, "path of the local socket has %zu bytes; 1 to %zu are possible", n,
                   sizeof a.sun_path - 1);
  }
  memcpy(a.sun_path, path, n + 1);
  parley_err err = remove_stale(&a, e);
  if (err != PARLEY_OK) {
    return err;
  }
  s->local_path = strdup(path);
  if (s->local_path == NULL) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for the local socket");
  }
  s->local = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  err = s->local < 0 ? err_set(e, PARLEY_EIO, "cannot create the local socket %s: %s", path, strerror(errno))
                     : bind_private(s->local, &a, e);
  struct stat st;
  if (err == PARLEY_OK && lstat(path, &st) != 0) {
    err = err_set(e, PARLEY_EIO, "the local socket %s has vanished: %s", path, strerror(errno));
  }
  if (err != PARLEY_OK) {
    net_close(&s->local);
    return err;
  }
  s->local_dev = st.st_dev;
  s->local_ino = st.st_ino;
  local_watch(s);
  return s->local_watched ? PARLEY_OK : err_set(e, PARLEY_EIO, "cannot watch the local socket %s", path);
}

void server_local_accept(struct http_server *s) {
  for (size_t i = 0; s->local >= 0 && i < ACCEPTS_PER_TURN && s->n_local < HTTP_LOCAL_CONNECTIONS_MAX; i++) {
    const int fd = accept4(s->local, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      break;
    }
    server_add(s, fd, NULL, NULL);
  }
  local_watch(s);
}

void server_local_close(struct http_server *s) {
  struct stat st;
  const bool ours =
      s->local >= 0 && lstat(s->local_path, &st) == 0 && st.st_dev == s->local_dev && st.st_ino == s->local_ino;
  if (ours) {
    unlink(s->local_path);
  }
  net_close(&s->local);
  free(s->local_path);
  s->local_path = NULL;
}
