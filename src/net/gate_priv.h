/*
 * Inside the gate: one epoll loop in one thread moves every connection through handshake, open, closing and linger.
 * Only the pins and the refusal counter are shared with other threads, under gate.lock.
 */
#ifndef PARLEY_NET_GATE_PRIV_H
#define PARLEY_NET_GATE_PRIV_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "crypto/crypto.h"
#include "net/gate.h"

#define GATE_BUFFER_SIZE ((size_t)64 << 10) /* each way */
#define GATE_UNPROVED_MAX 64                /* connections of strangers: in handshake or refused and lingering */
#define GATE_LINGER_MS 2000
#define GATE_STALE_MS 15000 /* idle for this long: gives way to a new connection of the same party */
#define GATE_ADDRESS_SIZE 80
#define GATE_PINS_MAX 4096
#define GATE_SPARE_MAX 16 /* buffers kept for reuse */

struct gate_pin {
  uint8_t spki[SHA256_SIZE];
  char *name;
};

struct gate_pins { /* sorted by spki */
  struct gate_pin *v;
  size_t n;
};

enum conn_state {
  CONN_HANDSHAKE, /* TLS is not established: the peer is a stranger */
  CONN_OPEN,      /* bytes are pumped both ways */
  CONN_CLOSING,   /* the keeper is done; close_notify is still to be sent */
  CONN_LINGER,    /* we are done; what the peer still sends is dropped, so that it can read our last words */
  CONN_DEAD       /* closed; freed at the end of the round */
};

struct flow { /* one direction: bytes [start, end) of a buffer that is held only while it has something in it */
  uint8_t *p;
  size_t start, end;
  bool source_done; /* nothing more comes in */
  bool sink_done;   /* nothing more can go out */
};

struct conn {
  struct conn *prev, *next;
  struct gate *gate;
  enum conn_state state;
  int tcp, pair;
  uint32_t tcp_interest, pair_interest; /* what epoll watches now; 0: not registered */
  uint32_t read_wants, write_wants;     /* what SSL_read and SSL_write (or the handshake) wait for */
  SSL *ssl;
  struct flow in, out; /* peer to keeper, keeper to peer */
  bool more;           /* the round's share is used up, but bytes may be left inside the TLS layer */
  bool proved;         /* the handshake was completed with a pinned certificate */
  bool unpinned;       /* the certificate shown is not in the table */
  int64_t deadline_ms;
  uint8_t spki[SHA256_SIZE];
  char name[GATE_NAME_MAX + 1];
  char address[GATE_ADDRESS_SIZE];
};

struct gate {
  pthread_t thread;
  bool running;
  atomic_bool stop;
  int epoll, listener, wake, messages;
  uint16_t port;
  int64_t listen_again_ms; /* 0: accepting; else descriptors ran out and accepting resumes then */
  SSL_CTX *tls;
  struct conn *conns, *dead;
  size_t n_conns;
  uint8_t *spare[GATE_SPARE_MAX]; /* an idle connection holds no buffer; busy ones take turns with these */
  size_t n_spare;
  pthread_mutex_t lock; /* guards the members below */
  struct gate_pins pins;
  uint64_t refusals;
  struct errmsg last_refusal;
};

/* gate_listen.c: opens the listening socket; -1 with e set. */
int gate_listen(const char *where, uint16_t *port, struct errmsg *e);
/* "127.0.0.1:4711" or "[::1]:4711"; IPv4 seen through a [::] socket is written as IPv4. */
struct sockaddr;
void gate_address(char out[static GATE_ADDRESS_SIZE], const struct sockaddr *a, unsigned size);

/* gate_pins.c */
parley_err gate_pins_make(struct gate_pins *out, const char *const *names, const char *const *pins, size_t n,
                          struct errmsg *e);
const char *gate_pins_find(const struct gate_pins *t, const uint8_t spki[static SHA256_SIZE]); /* NULL: not pinned */
void gate_pins_free(struct gate_pins *t);

/* gate_tls.c */
parley_err gate_tls_new(SSL_CTX **out, struct gate *g, const char *key_path, const char *cert_path, struct errmsg *e);
bool gate_tls_attach(struct gate *g, struct conn *c);
enum tls_step { TLS_DONE, TLS_WAIT, TLS_REFUSED };
enum tls_step gate_tls_handshake(struct gate *g, struct conn *c);
__attribute__((format(printf, 2, 3))) void gate_refuse(struct gate *g, const char *fmt, ...);

/* gate_pass.c: gives the keeper one end of a new socketpair; our end stays in c->pair. */
bool gate_pass(struct gate *g, struct conn *c);

/* gate_pump.c: moves what can be moved and sets c->state and c->*_wants; gate_pump_interest says what to watch. */
void gate_pump(struct conn *c, int64_t now_ms);
void gate_pump_linger(struct conn *c, int64_t now_ms); /* sends FIN and drops what comes */
void gate_pump_interest(const struct conn *c, uint32_t *tcp, uint32_t *pair);
void gate_flow_release(struct gate *g, struct flow *f); /* gives the buffer back, contents dropped */

/* gate_conn.c: life of a connection in the loop. */
void conn_accept_all(struct gate *g, int64_t now_ms);
void conn_step(struct gate *g, struct conn *c, int64_t now_ms);
void conn_close(struct gate *g, struct conn *c);
/* Whether the party may have one more; at the limit its idlest connection is closed, if it is stale. */
bool conn_place_for(struct gate *g, const char *name, int64_t now_ms);
void conn_drop_unpinned(struct gate *g); /* after new pins */
void conn_expire(struct gate *g, int64_t now_ms);
int conn_timeout_ms(const struct gate *g, int64_t now_ms);
void conn_reap(struct gate *g);

/* gate_loop.c */
void *gate_loop(void *gate);

#endif
