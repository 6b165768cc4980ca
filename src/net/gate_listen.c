#include "net/gate_priv.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "net/sys.h"

/* Splits "host:port" or "[v6]:port" in place. */
static bool split(char *text, char **host, char **port) {
  char *colon = strrchr(text, ':');
  if (colon == NULL || colon == text || colon[1] == '\0') {
    return false;
  }
  *colon = '\0';
  *port = colon + 1;
  *host = text;
  const size_t n = strlen(text);
  if (text[0] == '[') {
    if (n < 3 || text[n - 1] != ']') {
      return false;
    }
    text[n - 1] = '\0';
    *host = text + 1;
    return true;
  }
  return strchr(text, ':') == NULL; /* a bare IPv6 address would be ambiguous */
}

static parley_err resolve(struct addrinfo **out, const char *where, struct errmsg *e) {
  char text[GATE_ADDRESS_SIZE];
  char *host, *port;
  const size_t n = strlen(where);
  if (n >= sizeof text) {
    return err_set(e, PARLEY_EIO, "cannot listen: the address is longer than %zu bytes", sizeof text - 1);
  }
  memcpy(text, where, n + 1);
  if (!split(text, &host, &port)) {
    return err_set(e, PARLEY_EIO, "cannot listen on \"%s\": write it as 127.0.0.1:7001 or [::1]:7001", where);
  }
  const struct addrinfo hints = {
      .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  const int rc = getaddrinfo(host, port, &hints, out);
  if (rc != 0) {
    return err_set(e, PARLEY_EIO, "cannot listen on \"%s\": %s", where, gai_strerror(rc));
  }
  return PARLEY_OK;
}

static uint16_t bound_port(int fd) {
  struct sockaddr_storage a = {0};
  socklen_t size = sizeof a;
  if (getsockname(fd, (struct sockaddr *)&a, &size) != 0) {
    return 0;
  }
  return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port);
}

static bool open_listener(int fd, const struct addrinfo *a) {
  const int on = 1, off = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return false;
  }
  if (a->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) {
    return false;
  }
  /* Accepted sockets inherit it: small answers must not wait for acknowledgements. */
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    return false;
  }
  return bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 128) == 0;
}

int gate_listen(const char *where, uint16_t *port, struct errmsg *e) {
  struct addrinfo *a = NULL;
  if (resolve(&a, where, e) != PARLEY_OK) {
    return -1;
  }
  int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || !open_listener(fd, a)) {
    err_set(e, PARLEY_EIO, "cannot listen on %s: %s", where, strerror(errno));
    net_close(&fd);
  } else {
    *port = bound_port(fd);
  }
  freeaddrinfo(a);
  return fd;
}

void gate_address(char out[static GATE_ADDRESS_SIZE], const struct sockaddr *a, unsigned size) {
  char host[56], port[8];
  if (getnameinfo(a, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    memcpy(out, "unknown", sizeof "unknown");
    return;
  }
  const char *mapped = "::ffff:";
  const bool v4 = strncmp(host, mapped, strlen(mapped)) == 0 && strchr(host, '.') != NULL;
  const char *shown = v4 ? host + strlen(mapped) : host;
  const bool v6 = strchr(shown, ':') != NULL;
  snprintf(out, GATE_ADDRESS_SIZE, v6 ? "[%s]:%s" : "%s:%s", shown, port);
}
