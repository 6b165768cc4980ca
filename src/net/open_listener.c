#include "net/open_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/gate_priv.h"
#include "net/sys.h"

static bool is_loopback(int fd) {
  struct sockaddr_storage a = {0};
  socklen_t size = sizeof a;
  if (getsockname(fd, (struct sockaddr *)&a, &size) != 0) {
    return false;
  }
  if (a.ss_family == AF_INET6) {
    return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&a)->sin6_addr) != 0;
  }
  return a.ss_family == AF_INET && ntohl(((struct sockaddr_in *)&a)->sin_addr.s_addr) >> 24 == 127;
}

parley_err open_listen(int *fd, const char *where, struct errmsg *e) {
  uint16_t port;
  *fd = gate_listen(where, &port, e);
  if (*fd < 0) {
    return PARLEY_EIO;
  }
  if (!is_loopback(*fd)) {
    net_close(fd);
    return err_set(
        e, PARLEY_EINVAL,
        "open_mirror: %s is no loopback address; listen on 127.0.0.1 or [::1] and put your own TLS before it", where);
  }
  return PARLEY_OK;
}

int open_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }
