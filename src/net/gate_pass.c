#include "net/gate_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/sys.h"

union control {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int))];
};

static bool send_fd(int messages, const char *name, int fd) {
  union control control = {0};
  struct iovec text = {.iov_base = (char *)name, .iov_len = strlen(name)};
  struct msghdr m = {
      .msg_iov = &text, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = SOL_SOCKET;
  h->cmsg_type = SCM_RIGHTS;
  h->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(h), &fd, sizeof fd);
  ssize_t n;
  do {
    n = sendmsg(messages, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  return n == (ssize_t)text.iov_len;
}

bool gate_pass(struct gate *g, struct conn *c) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return false;
  }
  const bool sent = send_fd(g->messages, c->name, ends[1]);
  net_close(&ends[1]);
  if (!sent) {
    net_close(&ends[0]);
    return false;
  }
  c->pair = ends[0];
  return true;
}

/* Takes the descriptors out of m: the first is returned, all others are closed. -1 when there is none. */
static int take_fds(struct msghdr *m, bool *extra) {
  int taken = -1;
  for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS || h->cmsg_len < CMSG_LEN(0)) {
      continue;
    }
    const size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
      if (taken < 0) {
        taken = fd;
      } else {
        net_close(&fd);
        *extra = true;
      }
    }
  }
  return taken;
}

parley_err gate_receive(int messages, char name[static GATE_NAME_MAX + 1], int *fd, struct errmsg *e) {
  union control control = {0};
  struct iovec text = {.iov_base = name, .iov_len = GATE_NAME_MAX};
  struct msghdr m = {
      .msg_iov = &text, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t n;
  do {
    n = recvmsg(messages, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  *fd = -1;
  if (n < 0) {
    return errno == EAGAIN ? err_set(e, PARLEY_ENOTFOUND, "no connection is waiting")
                           : err_set(e, PARLEY_EIO, "cannot receive from the gate: %s", strerror(errno));
  }
  bool extra = false;
  int taken = take_fds(&m, &extra);
  if (n == 0 && taken < 0) {
    return err_set(e, PARLEY_EIO, "the gate has stopped");
  }
  if (taken < 0 || extra || n == 0 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
      memchr(name, '\0', (size_t)n) != NULL) {
    net_close(&taken);
    return err_set(e, PARLEY_EIO, "malformed message from the gate");
  }
  name[n] = '\0';
  *fd = taken;
  return PARLEY_OK;
}
