/*
 * A listener without TLS or certificates, for the open mirror (design section 13): on loopback only, so that what the
 * world sees is the operator's own TLS in front of it.
 */
#ifndef PARLEY_NET_OPEN_LISTENER_H
#define PARLEY_NET_OPEN_LISTENER_H

#include "base/err.h"

/* where: "127.0.0.1:7480" or "[::1]:7480". *fd does not block. EINVAL: not loopback; EIO: it cannot be bound. */
parley_err open_listen(int *fd, const char *where, struct errmsg *e);
/* The next connection that waits; -1: none. */
int open_accept(int fd);

#endif
