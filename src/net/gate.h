/*
 * The gate: owns the listening port and the link key, speaks TLS 1.3 with pinned certificates in both directions, and
 * hands each accepted connection (peer's name and one end of a socketpair, by SCM_RIGHTS) to the keeper, which sees
 * plain HTTP. A peer whose certificate is not pinned is refused in the handshake, before any HTTP is parsed.
 * Runs as its own thread with its own epoll loop today; it shares nothing with the keeper but the message socket, so
 * that it can become a process (design section 13).
 */
#ifndef PARLEY_NET_GATE_H
#define PARLEY_NET_GATE_H

#include "base/err.h"
#include "base/bytes.h"

#define GATE_NAME_MAX 255
#define GATE_CONNECTIONS_MAX 256 /* in all; further ones are closed at once */
#define GATE_CONNECTIONS_PER_PEER 16
#define GATE_HANDSHAKE_SECONDS 10
#define GATE_IDLE_SECONDS 120

struct gate;

struct gate_config {
  const char *listen;                       /* "127.0.0.1:7001", "[::1]:7001", "[::]:7001" */
  const char *key_pem_path, *cert_pem_path; /* link key and certificate */
};

/*
 * Binds and starts the thread. *messages is the keeper's end of a SOCK_SEQPACKET socketpair (non-blocking). EIO with
 * the address on failure.
 */
parley_err gate_start(struct gate **out, const struct gate_config *c, int *messages, struct errmsg *e);
/*
 * Replaces the table of pins: n pairs of party name and pin ("sha256//…"). Existing connections of vanished pins are
 * closed. On failure (malformed pin; ECONFLICT: one pin under two names) the old table stays.
 */
parley_err gate_set_pins(struct gate *g, const char *const *names, const char *const *pins, size_t n, struct errmsg *e);
/*
 * Takes one handed-over connection. ENOTFOUND when none is waiting, EIO when the gate has stopped. name: the pinned
 * party, NUL-terminated. The caller owns *fd.
 */
parley_err gate_receive(int messages, char name[static GATE_NAME_MAX + 1], int *fd, struct errmsg *e);
/* For status: connections refused so far, and why the last was ("certificate of 127.0.0.1:4711 is not pinned"). */
void gate_refusals(struct gate *g, uint64_t *count, struct errmsg *last);
/* The port really bound (for port 0 in tests). */
uint16_t gate_port(const struct gate *g);
void gate_stop(struct gate *g);

#endif
