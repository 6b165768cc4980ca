/*
 * The TCP connections under libcurl: their options, what the kernel knows of them when a request fails, and how kept
 * ones end.
 */
#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/client_priv.h"
#include "net/sys.h"

#define STATE_ESTABLISHED 1 /* tcpi_state: the kernel's numbers, which its headers for programs leave out */
#define STATE_CLOSE 7
#define STATE_CLOSE_WAIT 8
#define KEEPALIVE_PROBES 3
#define IDLE_TOLD_MS 110000 /* the gate closes after GATE_IDLE_SECONDS: an end before that was somebody else's */
#define IDLE_LEAST_MS 3000  /* and one right after an answer was not for idleness */

/* What the kernel holds without being able to hand it out: bytes behind a gap. */
static bool has_gap(int fd) {
  uint32_t memory[SK_MEMINFO_VARS] = {0};
  socklen_t n = sizeof memory;
  int readable = 0;
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &n) == 0 && memory[SK_MEMINFO_RMEM_ALLOC] > 0 &&
         ioctl(fd, FIONREAD, &readable) == 0 && readable == 0;
}

static struct tcp_state state_of(int fd) {
  struct tcp_info i = {0};
  socklen_t n = sizeof i;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &n) != 0 ||
      n < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof i.tcpi_bytes_received) {
    return (struct tcp_state){0};
  }
  const bool told = i.tcpi_last_data_recv > i.tcpi_last_ack_recv; /* its FIN came as an acknowledgement, after data */
  return (struct tcp_state){.taken = i.tcpi_bytes_acked,
                            .received = i.tcpi_bytes_received,
                            .open = i.tcpi_state == STATE_ESTABLISHED,
                            .closed = i.tcpi_state == STATE_CLOSE_WAIT,
                            .dead = i.tcpi_state == STATE_CLOSE,
                            .gap = has_gap(fd),
                            .untaken = i.tcpi_unacked > 0 && i.tcpi_retransmits > 0,
                            .idle_ms = told ? i.tcpi_last_data_recv - i.tcpi_last_ack_recv : 0};
}

/* ---- statistics ---- */

struct line *client_line(struct http_client *c, const char *where, bool make) {
  for (struct line *l = c->lines; l != NULL; l = l->next) {
    if (strcmp(l->where, where) == 0) {
      return l;
    }
  }
  struct line *l = make && c->n_lines < HTTP_LINES_MAX ? calloc(1, sizeof *l) : NULL;
  if (l != NULL) {
    snprintf(l->where, sizeof l->where, "%s", where);
    l->next = c->lines;
    c->lines = l;
    c->n_lines++;
  }
  return l;
}

/* Did somebody on the way end this kept connection while it was idle? */
static bool was_cut(const struct tcp_state *now) {
  if (now->idle_ms < IDLE_LEAST_MS) { /* not known, or closed in order after an answer */
    return now->dead;
  }
  return (now->dead || now->closed) && now->idle_ms <= IDLE_TOLD_MS;
}

static void count_idle_end(struct http_client *c, const struct sock *s) {
  const struct tcp_state now = state_of(s->fd);
  struct line *l = was_cut(&now) ? client_line(c, s->where, true) : NULL;
  if (l == NULL) {
    return;
  }
  l->seen.cut++;
  const unsigned seconds = now.idle_ms >= IDLE_LEAST_MS ? (unsigned)(now.idle_ms / 1000) : 0;
  if (seconds != 0 && (l->seen.cut_seconds == 0 || seconds < l->seen.cut_seconds)) {
    l->seen.cut_seconds = seconds;
  }
}

/* A kept connection brought nothing to its next user: whether it was cut shows when another one does better. */
static void note_user_end(const struct sock *s) {
  const struct tcp_state now = state_of(s->fd);
  if (s->reused && (now.dead || now.closed) && now.received == s->received) {
    s->user->kept_was_dead = true;
  }
}

/* ---- opening and closing ---- */

static void add_tried(struct transfer *t, const struct curl_sockaddr *a) {
  char text[INET6_ADDRSTRLEN] = "";
  const void *address = a->family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)(const void *)&a->addr)->sin_addr;
  const size_t n = strlen(t->tried);
  if (inet_ntop(a->family, address, text, sizeof text) != NULL && n + strlen(text) + 3 < sizeof t->tried) {
    snprintf(t->tried + n, sizeof t->tried - n, "%s%s", n == 0 ? "" : ", ", text);
  }
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
  (void)purpose;
  struct transfer *t = ctx;
  struct sock *s = calloc(1, sizeof *s);
  const int fd = s == NULL ? -1 : socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
  if (fd < 0) {
    free(s);
    return CURL_SOCKET_BAD;
  }
  /* Best effort: without it the connection works, and fails later. */
  const int probes = KEEPALIVE_PROBES;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  *s = (struct sock){.next = t->client->socks, .fd = fd, .user = t};
  snprintf(s->where, sizeof s->where, "%s", t->where);
  t->client->socks = s;
  add_tried(t, a);
  return fd;
}

static int on_close(void *ctx, curl_socket_t fd) {
  struct http_client *c = ctx;
  for (struct sock **at = &c->socks; *at != NULL; at = &(*at)->next) {
    struct sock *s = *at;
    if (s->fd != fd) {
      continue;
    }
    if (s->user != NULL) {
      socket_look(s->user);
      note_user_end(s);
    } else if (!c->stopping) {
      count_idle_end(c, s);
    }
    *at = s->next;
    free(s);
    break;
  }
  return close(fd);
}

static int port_of(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } a;
  socklen_t n = sizeof a;
  if (getsockname(fd, &a.any, &n) != 0) {
    return -1;
  }
  return ntohs(a.any.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
}

/* A request begins: a kept connection that it uses is told by the port on our side. */
static int on_ready(void *ctx, char *remote, char *local, int remote_port, int local_port) {
  (void)remote, (void)local, (void)remote_port;
  struct transfer *t = ctx;
  for (struct sock *s = t->client->socks; s != NULL; s = s->next) {
    if (s->user == NULL && strcmp(s->where, t->where) == 0 && port_of(s->fd) == local_port) {
      s->user = t;
      s->reused = true;
      s->received = state_of(s->fd).received;
    }
  }
  return CURL_PREREQFUNC_OK;
}

bool socket_attach(struct transfer *t) {
  CURLcode rc = curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  rc |= curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
  rc |= curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  rc |= curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, t->client); /* outlives the transfer, as connections do */
  rc |= curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_ready);
  rc |= curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
  rc |= curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
  rc |= curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPIDLE, (long)HTTP_KEEPALIVE_SECONDS);
  rc |= curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPINTVL, (long)HTTP_KEEPALIVE_SECONDS / 3);
  return rc == CURLE_OK;
}

/* ---- looking ---- */

static void take_state(struct transfer *t, int fd) {
  const struct tcp_state now = state_of(fd);
  if (now.taken + now.received != t->tcp.taken + t->tcp.received) {
    t->moved_ms = net_now_ms();
  }
  if (now.open || now.untaken) { /* the kernel forgets what was not taken when it gives up */
    t->tcp = now;
  }
}

void socket_look(struct transfer *t) {
  for (struct sock *s = t->client->socks; s != NULL; s = s->next) {
    if (s->user == t) {
      take_state(t, s->fd);
    }
  }
}

void socket_leave(struct transfer *t) {
  for (struct sock *s = t->client->socks; s != NULL; s = s->next) {
    if (s->user == t) {
      s->user = NULL;
    }
  }
}

void socket_forget_all(struct http_client *c) {
  for (struct sock *s; (s = c->socks) != NULL; free(s)) {
    c->socks = s->next;
  }
  for (struct line *l; (l = c->lines) != NULL; free(l)) {
    c->lines = l->next;
  }
}
