#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/gate_priv.h"
#include "net/sys.h"
#include "net_fixture.h"

struct fixture {
  char dir[64];
  struct identity node, alice, bob, mallory;
  struct gate *gate;
  int messages;
};

static void pin_two(struct fixture *f) {
  const char *const names[] = {"alice.example", "bob.example"};
  const char *const pins[] = {f->alice.pin, f->bob.pin};
  assert_int_equal(gate_set_pins(f->gate, names, pins, 2, NULL), PARLEY_OK);
}

static bool start(struct fixture *f, const char *listen_on) {
  const struct gate_config c = {.listen = listen_on, .key_pem_path = f->node.key, .cert_pem_path = f->node.cert};
  struct errmsg e = {""};
  if (gate_start(&f->gate, &c, &f->messages, &e) != PARLEY_OK) {
    return false;
  }
  pin_two(f);
  return true;
}

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  fixture_dir(f->dir);
  identity_make(&f->node, f->dir, "node.example");
  identity_make(&f->alice, f->dir, "alice.example");
  identity_make(&f->bob, f->dir, "bob.example");
  identity_make(&f->mallory, f->dir, "mallory.example");
  f->messages = -1;
  assert_true(start(f, "127.0.0.1:0"));
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  gate_stop(f->gate);
  net_close(&f->messages);
  fixture_dir_remove(f->dir);
  free(f);
  return 0;
}

/* ---- a peer ---- */

struct peer {
  int fd;
  SSL_CTX *ctx;
  SSL *ssl;
};

static int dial(uint16_t port, bool v6) {
  struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  const int rc = v6 ? connect(fd, (struct sockaddr *)&a6, sizeof a6) : connect(fd, (struct sockaddr *)&a4, sizeof a4);
  assert_int_equal(rc, 0);
  const struct timeval patience = {.tv_sec = FIXTURE_PATIENCE_MS / 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

/* A refusing gate may be gone before our last handshake message: that must not end the test by SIGPIPE. */
static bool peer_connect(struct peer *p, int fd, const struct identity *who, int version) {
  p->fd = fd;
  p->ctx = SSL_CTX_new(TLS_client_method());
  assert_non_null(p->ctx);
  SSL_CTX_set_security_level(p->ctx, 0);
  assert_int_equal(SSL_CTX_set_min_proto_version(p->ctx, version), 1);
  assert_int_equal(SSL_CTX_set_max_proto_version(p->ctx, version), 1);
  if (who != NULL) {
    assert_int_equal(SSL_CTX_use_certificate_chain_file(p->ctx, who->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(p->ctx, who->key, SSL_FILETYPE_PEM), 1);
  }
  p->ssl = SSL_new(p->ctx);
  assert_non_null(p->ssl);
  SSL_set_fd(p->ssl, fd);
  struct sigpipe_guard guard;
  sigpipe_guard_begin(&guard);
  ERR_clear_error();
  const bool ok = SSL_connect(p->ssl) == 1;
  sigpipe_guard_end(&guard);
  return ok;
}

static void peer_close(struct peer *p) {
  SSL_free(p->ssl);
  SSL_CTX_free(p->ctx);
  close(p->fd);
}

static bool is_empty(int messages) {
  char name[GATE_NAME_MAX + 1];
  int fd;
  return gate_receive(messages, name, &fd, NULL) == PARLEY_ENOTFOUND;
}

static int receive(struct fixture *f, const char *expected) {
  struct pollfd p = {.fd = f->messages, .events = POLLIN};
  assert_int_equal(poll(&p, 1, FIXTURE_PATIENCE_MS), 1);
  char name[GATE_NAME_MAX + 1];
  int fd = -1;
  struct errmsg e;
  assert_int_equal(gate_receive(f->messages, name, &fd, &e), PARLEY_OK);
  assert_string_equal(name, expected);
  assert_true(fd >= 0);
  return fd;
}

/* Waits for the n-th refusal and checks how its sentence ends. */
static void expect_refusal(struct fixture *f, uint64_t n, const char *part) {
  const int64_t until_ms = fixture_until_ms();
  uint64_t count = 0;
  struct errmsg last = {""};
  for (gate_refusals(f->gate, &count, &last); count < n; gate_refusals(f->gate, &count, &last)) {
    assert_true(net_now_ms() < until_ms);
    poll(NULL, 0, 1);
  }
  assert_int_equal(count, n);
  if (strstr(last.text, part) == NULL) {
    fail_msg("\"%s\" does not contain \"%s\"", last.text, part);
  }
  assert_true(is_empty(f->messages));
}

/* The peer learns of its refusal by an alert, not by a reset connection. */
static void expect_alert(struct peer *p, int reason) {
  char c;
  ERR_clear_error();
  assert_true(SSL_read(p->ssl, &c, 1) <= 0);
  assert_int_equal(ERR_GET_REASON(ERR_peek_error()), reason);
}

static void send_all(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static bool wait_in(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, FIXTURE_PATIENCE_MS) == 1;
}

static void expect_text(int fd, const char *text) {
  char got[64] = "";
  for (size_t n = 0; n < strlen(text);) {
    assert_true(wait_in(fd));
    const ssize_t r = recv(fd, got + n, strlen(text) - n, 0);
    assert_true(r > 0);
    n += (size_t)r;
  }
  assert_string_equal(got, text);
}

static void expect_end(int fd) {
  char c;
  assert_true(wait_in(fd));
  assert_true(recv(fd, &c, 1, 0) <= 0);
}

/* ---- who comes in ---- */

static void test_pinned_peer_is_handed_over(void **state) {
  struct fixture *f = *state;
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
  const int fd = receive(f, "alice.example");
  assert_int_equal(SSL_write(p.ssl, "ping", 4), 4);
  expect_text(fd, "ping");
  send_all(fd, "pong");
  char got[5] = "";
  assert_int_equal(SSL_read(p.ssl, got, 4), 4);
  assert_string_equal(got, "pong");
  assert_string_equal(SSL_get_version(p.ssl), "TLSv1.3");
  assert_false(SSL_SESSION_is_resumable(SSL_get_session(p.ssl))); /* no ticket was issued */
  uint64_t refusals = 1;
  struct errmsg last;
  gate_refusals(f->gate, &refusals, &last);
  assert_int_equal(refusals, 0);
  peer_close(&p);
  expect_end(fd);
  close(fd);
}

static void test_unpinned_certificate_is_refused(void **state) {
  struct fixture *f = *state;
  struct peer p;
  peer_connect(&p, dial(gate_port(f->gate), false), &f->mallory, TLS1_3_VERSION);
  expect_alert(&p, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
  expect_refusal(f, 1, "is not pinned");
  peer_close(&p);
}

static void test_no_certificate_is_refused(void **state) {
  struct fixture *f = *state;
  struct peer p;
  peer_connect(&p, dial(gate_port(f->gate), false), NULL, TLS1_3_VERSION);
  expect_alert(&p, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
  expect_refusal(f, 1, "showed no certificate");
  peer_close(&p);
}

/* A pinned certificate (they are public) is worth nothing without its key. */
static void test_certificate_without_its_key_is_refused(void **state) {
  struct fixture *f = *state;
  struct identity stolen = f->mallory;
  memcpy(stolen.cert, f->alice.cert, sizeof stolen.cert);
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, stolen.cert), 1);
  assert_int_not_equal(SSL_CTX_use_PrivateKey_file(ctx, stolen.key, SSL_FILETYPE_PEM),
                       1); /* OpenSSL would not even try */
  SSL_CTX_free(ctx);
  /* Without any private key the client has to answer with an empty list. */
  struct peer p = {0};
  p.fd = dial(gate_port(f->gate), false);
  p.ctx = SSL_CTX_new(TLS_client_method());
  assert_int_equal(SSL_CTX_use_certificate_chain_file(p.ctx, stolen.cert), 1);
  p.ssl = SSL_new(p.ctx);
  SSL_set_fd(p.ssl, p.fd);
  SSL_connect(p.ssl);
  expect_refusal(f, 1, "showed no certificate");
  peer_close(&p);
}

static void test_tls_1_2_is_refused(void **state) {
  struct fixture *f = *state;
  struct peer p;
  assert_false(peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_2_VERSION));
  assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
  expect_refusal(f, 1, "does not speak TLS 1.3");
  peer_close(&p);
}

static void test_plain_http_is_refused(void **state) {
  struct fixture *f = *state;
  const int fd = dial(gate_port(f->gate), false);
  send_all(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  expect_refusal(f, 1, "handshake with 127.0.0.1:");
  close(fd);
  const int silent = dial(gate_port(f->gate), false);
  close(silent);
  expect_refusal(f, 2, "closed the connection during the handshake");
}

static void test_ipv6(void **state) {
  struct fixture *f = *state;
  gate_stop(f->gate);
  net_close(&f->messages);
  f->gate = NULL;
  if (!start(f, "[::]:0")) {
    print_message("skipped: no IPv6 on this machine\n");
    skip();
  }
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), true), &f->bob, TLS1_3_VERSION));
  close(receive(f, "bob.example"));
  peer_close(&p);
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->bob, TLS1_3_VERSION)); /* IPv4 comes in there too */
  close(receive(f, "bob.example"));
  peer_close(&p);
  peer_connect(&p, dial(gate_port(f->gate), false), &f->mallory, TLS1_3_VERSION);
  expect_refusal(f, 1, "certificate of 127.0.0.1:"); /* and is written as IPv4 */
  peer_close(&p);
  peer_connect(&p, dial(gate_port(f->gate), true), &f->mallory, TLS1_3_VERSION);
  expect_refusal(f, 2, "certificate of [::1]:");
  peer_close(&p);
}

/* ---- pins ---- */

static void test_removed_pin_ends_its_connections(void **state) {
  struct fixture *f = *state;
  struct peer a, b;
  assert_true(peer_connect(&a, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
  const int from_a = receive(f, "alice.example");
  assert_true(peer_connect(&b, dial(gate_port(f->gate), false), &f->bob, TLS1_3_VERSION));
  const int from_b = receive(f, "bob.example");
  const char *const names[] = {"bob.example"};
  const char *const pins[] = {f->bob.pin};
  assert_int_equal(gate_set_pins(f->gate, names, pins, 1, NULL), PARLEY_OK);
  expect_end(from_a);
  assert_int_equal(SSL_write(b.ssl, "here", 4), 4);
  expect_text(from_b, "here");
  struct peer again;
  peer_connect(&again, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION);
  expect_refusal(f, 1, "is not pinned");
  peer_close(&a);
  peer_close(&b);
  peer_close(&again);
  close(from_a);
  close(from_b);
}

static void test_bad_pins_leave_the_table(void **state) {
  struct fixture *f = *state;
  char longer[GATE_NAME_MAX + 2];
  memset(longer, 'a', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  const struct {
    const char *name, *pin;
    parley_err err;
  } bad[] = {
      {"x.example", "sha256//AAAA", PARLEY_EINVAL},
      {"x.example", "sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", PARLEY_EINVAL},
      {"x.example", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", PARLEY_EINVAL}, /* stray bits */
      {"x.example", "", PARLEY_EINVAL},
      {"", f->bob.pin, PARLEY_EINVAL},
      {longer, f->bob.pin, PARLEY_EINVAL},
      {"x.example", f->alice.pin, PARLEY_ECONFLICT}, /* one key under two names */
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    const char *const names[] = {"alice.example", bad[i].name};
    const char *const pins[] = {f->alice.pin, bad[i].pin};
    struct errmsg e = {""};
    assert_int_equal(gate_set_pins(f->gate, names, pins, 2, &e), bad[i].err);
    assert_true(e.text[0] != '\0');
  }
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->bob, TLS1_3_VERSION));
  close(receive(f, "bob.example"));
  peer_close(&p);
  assert_int_equal(gate_set_pins(f->gate, NULL, NULL, 0, NULL), PARLEY_OK); /* nobody */
  peer_connect(&p, dial(gate_port(f->gate), false), &f->bob, TLS1_3_VERSION);
  expect_refusal(f, 1, "is not pinned");
  peer_close(&p);
}

/* ---- the pump ---- */

static void test_half_close(void **state) {
  struct fixture *f = *state;
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
  const int fd = receive(f, "alice.example");
  assert_int_equal(SSL_write(p.ssl, "last words", 10), 10);
  SSL_shutdown(p.ssl);
  shutdown(p.fd, SHUT_WR);
  expect_text(fd, "last words");
  expect_end(fd);
  send_all(fd, "answer"); /* the other direction is still open */
  char got[7] = "";
  assert_int_equal(SSL_read(p.ssl, got, 6), 6);
  assert_string_equal(got, "answer");
  close(fd);
  assert_true(SSL_read(p.ssl, got, 1) <= 0);
  assert_true((SSL_get_shutdown(p.ssl) & SSL_RECEIVED_SHUTDOWN) != 0); /* a proper end, not a cut */
  peer_close(&p);
}

/*
 * The keeper answers early and closes without having read everything, and the peer goes on sending before it looks: the
 * answer must arrive all the same, not be thrown away by a reset.
 */
static void test_early_answer_arrives(void **state) {
  struct fixture *f = *state;
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
  const int fd = receive(f, "alice.example");
  static char block[65536];
  for (int i = 0; i < 4; i++) {
    assert_int_equal(SSL_write(p.ssl, block, sizeof block), sizeof block);
  }
  assert_true(wait_in(fd));
  send_all(fd, "no more please");
  close(fd); /* unread bytes are left */
  assert_true(wait_in(p.fd));
  for (int i = 0; i < 4; i++) {
    assert_int_equal(SSL_write(p.ssl, block, sizeof block), sizeof block);
  }
  char got[15] = "";
  for (int n = 0; n < 14;) {
    const int r = SSL_read(p.ssl, got + n, 14 - n);
    assert_true(r > 0);
    n += r;
  }
  assert_string_equal(got, "no more please");
  assert_true(SSL_read(p.ssl, got, 1) <= 0);
  assert_true((SSL_get_shutdown(p.ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
  /* Even now nothing comes back as a reset: that could have overtaken the answer on a lossy line. */
  for (int i = 0; i < 3; i++) {
    assert_int_equal(send(p.fd, block, 100, MSG_NOSIGNAL), 100);
  }
  peer_close(&p);
}

#define FLOOD ((size_t)24 << 20) /* more than all buffers on the way can hold */

struct flood {
  int source, sink; /* sockets, for poll */
  SSL *from, *to;   /* NULL: plain */
  size_t sent, taken;
};

static long put(struct flood *x) {
  uint8_t block[16384];
  const size_t n = FLOOD - x->sent < sizeof block ? FLOOD - x->sent : sizeof block;
  for (size_t i = 0; i < n; i++) {
    block[i] = fixture_stream_byte(x->sent + i);
  }
  const long done =
      x->from != NULL ? SSL_write(x->from, block, (int)n) : send(x->source, block, n, MSG_DONTWAIT | MSG_NOSIGNAL);
  x->sent += done > 0 ? (size_t)done : 0;
  return done;
}

static long take(struct flood *x) {
  uint8_t block[16384];
  const long n =
      x->to != NULL ? SSL_read(x->to, block, sizeof block) : recv(x->sink, block, sizeof block, MSG_DONTWAIT);
  for (long i = 0; i < n; i++) {
    if (block[i] != fixture_stream_byte(x->taken + (size_t)i)) {
      fail_msg("byte %zu differs", x->taken + (size_t)i);
    }
  }
  x->taken += n > 0 ? (size_t)n : 0;
  return n;
}

/* Nobody reads at first: the writer must come to a stop. Then everything must arrive, in order. */
static void flood(struct flood *x) {
  const int64_t until_ms = fixture_until_ms();
  struct pollfd full = {.fd = x->source, .events = POLLOUT};
  /* Stopped: nothing more is taken for a while. The time only makes the test sharper; it cannot make it fail. */
  while (x->sent < FLOOD && (put(x) > 0 || poll(&full, 1, 100) == 1)) {
  }
  assert_true(x->sent < FLOOD);
  while (x->taken < FLOOD) {
    struct pollfd p[2] = {{.fd = x->sink, .events = POLLIN},
                          {.fd = x->source, .events = x->sent < FLOOD ? POLLOUT : 0}};
    assert_true(net_now_ms() < until_ms);
    poll(p, 2, 1000);
    while (take(x) > 0) {
    }
    while (x->sent < FLOOD && put(x) > 0) {
    }
  }
  assert_int_equal(x->taken, FLOOD);
}

static void test_backpressure(void **state) {
  struct fixture *f = *state;
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
  const int fd = receive(f, "alice.example");
  BIO_set_nbio(SSL_get_rbio(p.ssl), 1);
  SSL_set_mode(p.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const int flags = 1;
  assert_int_equal(BIO_socket_nbio(p.fd, flags), 1);
  struct flood up = {.source = p.fd, .sink = fd, .from = p.ssl};
  flood(&up);
  struct flood down = {.source = fd, .sink = p.fd, .to = p.ssl};
  flood(&down);
  peer_close(&p);
  close(fd);
}

static void test_peer_vanishes(void **state) {
  struct fixture *f = *state;
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
  const int fd = receive(f, "alice.example");
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once); /* RST */
  peer_close(&p);
  expect_end(fd);
  assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
  close(fd);
}

/* ---- limits ---- */

static void test_connections_per_peer(void **state) {
  struct fixture *f = *state;
  struct peer p[GATE_CONNECTIONS_PER_PEER + 1];
  int fd[GATE_CONNECTIONS_PER_PEER];
  for (size_t i = 0; i < GATE_CONNECTIONS_PER_PEER; i++) {
    assert_true(peer_connect(&p[i], dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
    fd[i] = receive(f, "alice.example");
  }
  struct peer *last = &p[GATE_CONNECTIONS_PER_PEER];
  peer_connect(last, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION);
  expect_refusal(f, 1, "has 16 connections already");
  peer_close(last);
  struct peer other;
  assert_true(peer_connect(&other, dial(gate_port(f->gate), false), &f->bob, TLS1_3_VERSION));
  close(receive(f, "bob.example"));
  peer_close(&other);
  for (size_t i = 0; i < GATE_CONNECTIONS_PER_PEER; i++) {
    peer_close(&p[i]);
    expect_end(fd[i]);
    close(fd[i]);
  }
  assert_true(
      peer_connect(last, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION)); /* places are free again */
  close(receive(f, "alice.example"));
  peer_close(last);
}

static void test_strangers_cannot_keep_a_party_out(void **state) {
  struct fixture *f = *state;
  int silent[300];
  for (size_t i = 0; i < 300; i++) {
    silent[i] = dial(gate_port(f->gate), false);
  }
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
  close(receive(f, "alice.example"));
  peer_close(&p);
  uint64_t refusals = 0;
  struct errmsg last;
  gate_refusals(f->gate, &refusals, &last);
  assert_true(refusals >= 300 - 64);
  for (size_t i = 0; i < 300; i++) {
    close(silent[i]);
  }
}

/* The loop's parts by hand, with a clock of ours. */
static void by_hand(struct gate *g, const struct fixture *f) {
  *g = (struct gate){.epoll = epoll_create1(EPOLL_CLOEXEC), .listener = -1, .wake = -1, .messages = -1};
  pthread_mutex_init(&g->lock, NULL);
  g->listener = gate_listen("127.0.0.1:0", &g->port, NULL);
  assert_int_equal(gate_tls_new(&g->tls, g, f->node.key, f->node.cert, NULL), PARLEY_OK);
}

static void by_hand_end(struct gate *g) {
  while (g->conns != NULL) {
    conn_close(g, g->conns);
  }
  conn_reap(g);
  close(g->listener);
  close(g->epoll);
  SSL_CTX_free(g->tls);
  pthread_mutex_destroy(&g->lock);
}

/* As if the newest connection had been established, and had moved something last at moved_ms. */
static void as_if_open(struct gate *g, const char *name, int64_t moved_ms) {
  g->conns->proved = true;
  g->conns->state = CONN_OPEN;
  g->conns->deadline_ms = moved_ms + GATE_IDLE_SECONDS * 1000;
  snprintf(g->conns->name, sizeof g->conns->name, "%s", name);
}

static void test_deadlines(void **state) {
  struct gate g;
  by_hand(&g, *state);
  assert_int_equal(conn_timeout_ms(&g, 1000), -1);
  const int first = dial(g.port, false), second = dial(g.port, false);
  conn_accept_all(&g, 1000);
  assert_int_equal(g.n_conns, 2);
  assert_int_equal(conn_timeout_ms(&g, 1000), GATE_HANDSHAKE_SECONDS * 1000);
  as_if_open(&g, "a.example", 6000);
  conn_expire(&g, 10999);
  assert_int_equal(g.n_conns, 2);
  conn_expire(&g, 11000);
  assert_int_equal(g.n_conns, 1);
  assert_non_null(strstr(g.last_refusal.text, "did not finish the handshake within 10 s"));
  assert_int_equal(conn_timeout_ms(&g, 126000), 0);
  conn_expire(&g, 125999);
  assert_int_equal(g.n_conns, 1);
  conn_expire(&g, 126000);
  assert_int_equal(g.n_conns, 0);
  assert_int_equal(g.refusals, 1);
  close(first);
  close(second);
  by_hand_end(&g);
}

static void test_stale_connection_gives_way(void **state) {
  struct gate g;
  by_hand(&g, *state);
  int fd[GATE_CONNECTIONS_PER_PEER + 1];
  for (int i = 0; i <= GATE_CONNECTIONS_PER_PEER; i++) {
    fd[i] = dial(g.port, false);
    conn_accept_all(&g, 0);
    /* The other party's is the idlest of all but not up for closing; the fourth is the idlest of a.example's. */
    as_if_open(&g, i == 0 ? "b.example" : "a.example", i == 0 ? 0 : i == 4 ? 5000 : 10000);
  }
  assert_true(conn_place_for(&g, "b.example", 20000));
  assert_false(conn_place_for(&g, "a.example", 19999));
  assert_int_equal(g.n_conns, GATE_CONNECTIONS_PER_PEER + 1);
  assert_true(conn_place_for(&g, "a.example", 20000));
  assert_int_equal(g.n_conns, GATE_CONNECTIONS_PER_PEER);
  expect_end(fd[4]);
  assert_true(conn_place_for(&g, "a.example", 20000));
  assert_int_equal(g.n_conns, GATE_CONNECTIONS_PER_PEER); /* there was a place: nobody had to go */
  for (int i = 0; i <= GATE_CONNECTIONS_PER_PEER; i++) {
    close(fd[i]);
  }
  by_hand_end(&g);
}

static bool descriptors_suffice(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return false;
  }
  const rlim_t need = 5 * GATE_CONNECTIONS_MAX;
  if (limit.rlim_cur < need && limit.rlim_max >= need) {
    limit.rlim_cur = need;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur >= need;
}

#define PARTIES (GATE_CONNECTIONS_MAX / GATE_CONNECTIONS_PER_PEER)

static void test_connections_in_all(void **state) {
  struct fixture *f = *state;
  if (!descriptors_suffice()) {
    print_message("skipped: too few descriptors are allowed here\n");
    skip();
  }
  static struct identity who[PARTIES + 1];
  static char names[PARTIES + 1][16];
  const char *name[PARTIES + 1], *pin[PARTIES + 1];
  for (size_t i = 0; i <= PARTIES; i++) {
    snprintf(names[i], sizeof names[i], "p%zu.example", i);
    identity_make(&who[i], f->dir, names[i]);
    name[i] = names[i];
    pin[i] = who[i].pin;
  }
  assert_int_equal(gate_set_pins(f->gate, name, pin, PARTIES + 1, NULL), PARLEY_OK);
  static struct peer p[GATE_CONNECTIONS_MAX];
  static int fd[GATE_CONNECTIONS_MAX];
  for (size_t i = 0; i < GATE_CONNECTIONS_MAX; i++) {
    assert_true(peer_connect(&p[i], dial(gate_port(f->gate), false), &who[i % PARTIES], TLS1_3_VERSION));
    fd[i] = receive(f, names[i % PARTIES]);
  }
  struct peer one_more;
  assert_false(peer_connect(&one_more, dial(gate_port(f->gate), false), &who[PARTIES], TLS1_3_VERSION));
  expect_refusal(f, 1, "came while 256 connections were open");
  peer_close(&one_more);
  for (size_t i = 0; i < GATE_CONNECTIONS_MAX; i++) {
    peer_close(&p[i]);
    close(fd[i]);
  }
}

static void test_keeper_is_gone(void **state) {
  struct fixture *f = *state;
  net_close(&f->messages);
  struct peer p;
  peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION);
  char c;
  assert_true(SSL_read(p.ssl, &c, 1) <= 0);
  peer_close(&p);
}

static void test_stop_ends_everything(void **state) {
  struct fixture *f = *state;
  struct peer p;
  assert_true(peer_connect(&p, dial(gate_port(f->gate), false), &f->alice, TLS1_3_VERSION));
  const int fd = receive(f, "alice.example");
  gate_stop(f->gate);
  f->gate = NULL;
  expect_end(fd);
  char name[GATE_NAME_MAX + 1];
  int none;
  assert_int_equal(gate_receive(f->messages, name, &none, NULL), PARLEY_EIO);
  peer_close(&p);
  close(fd);
}

/* ---- configuration and messages ---- */

static void expect_start_fails(const struct fixture *f, const char *listen_on, const char *key, const char *cert,
                               const char *part) {
  const struct gate_config c = {.listen = listen_on, .key_pem_path = key, .cert_pem_path = cert};
  struct gate *g;
  int messages;
  struct errmsg e = {""};
  const parley_err err = gate_start(&g, &c, &messages, &e);
  assert_true(err == PARLEY_EIO || err == PARLEY_EINVAL);
  assert_null(g);
  assert_int_equal(messages, -1);
  if (strstr(e.text, part) == NULL) {
    fail_msg("\"%s\" does not contain \"%s\"", e.text, part);
  }
  (void)f;
}

static void test_start_failures(void **state) {
  struct fixture *f = *state;
  static const char *const bad[] = {"",         "7001",      "127.0.0.1", "127.0.0.1:",  ":7001",
                                    "::1:7001", "[::1:7001", "[]:1",      "localhost:0", "127.0.0.1:x"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    expect_start_fails(f, bad[i], f->node.key, f->node.cert, "cannot listen on");
  }
  char taken[32];
  snprintf(taken, sizeof taken, "127.0.0.1:%u", gate_port(f->gate));
  expect_start_fails(f, taken, f->node.key, f->node.cert, taken);
  expect_start_fails(f, "127.0.0.1:0", "/nowhere/link.key", f->node.cert, "/nowhere/link.key");
  expect_start_fails(f, "127.0.0.1:0", f->node.key, "/nowhere/link.crt", "/nowhere/link.crt");
  expect_start_fails(f, "127.0.0.1:0", f->alice.key, f->node.cert, "link key");
  expect_start_fails(f, "127.0.0.1:0", f->node.cert, f->node.cert, "link key");
}

static void send_raw(int fd, const void *text, size_t n, const int *fds, size_t n_fds) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(2 * sizeof(int))];
  } control = {0};
  struct iovec v = {.iov_base = (void *)text, .iov_len = n};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  if (n_fds > 0) {
    m.msg_control = control.bytes;
    m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
    memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
  }
  assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), (ssize_t)n);
}

static void test_malformed_messages(void **state) {
  (void)state;
  int ends[2], gift[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
  assert_int_equal(pipe(gift), 0);
  char name[GATE_NAME_MAX + 1], longer[GATE_NAME_MAX + 1];
  memset(longer, 'a', sizeof longer);
  int fd;
  assert_int_equal(gate_receive(ends[0], name, &fd, NULL), PARLEY_ENOTFOUND);
  send_raw(ends[1], "a.example", 9, NULL, 0);
  assert_int_equal(gate_receive(ends[0], name, &fd, NULL), PARLEY_EIO);
  send_raw(ends[1], "a\0b", 3, gift, 1);
  assert_int_equal(gate_receive(ends[0], name, &fd, NULL), PARLEY_EIO);
  send_raw(ends[1], longer, sizeof longer, gift, 1);
  assert_int_equal(gate_receive(ends[0], name, &fd, NULL), PARLEY_EIO);
  send_raw(ends[1], "a.example", 9, gift, 2);
  assert_int_equal(gate_receive(ends[0], name, &fd, NULL), PARLEY_EIO);
  assert_int_equal(fd, -1);
  send_raw(ends[1], longer, GATE_NAME_MAX, gift, 1);
  assert_int_equal(gate_receive(ends[0], name, &fd, NULL), PARLEY_OK);
  assert_int_equal(strlen(name), GATE_NAME_MAX);
  /* All refused descriptors were closed again: the pipe ends with ours. */
  close(gift[1]);
  char c;
  close(gift[0]);
  assert_int_equal(read(fd, &c, 1), 0);
  close(fd);
  close(ends[1]);
  assert_int_equal(gate_receive(ends[0], name, &fd, NULL), PARLEY_EIO);
  close(ends[0]);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(test_pinned_peer_is_handed_over),
      T(test_unpinned_certificate_is_refused),
      T(test_no_certificate_is_refused),
      T(test_certificate_without_its_key_is_refused),
      T(test_tls_1_2_is_refused),
      T(test_plain_http_is_refused),
      T(test_ipv6),
      T(test_removed_pin_ends_its_connections),
      T(test_bad_pins_leave_the_table),
      T(test_half_close),
      T(test_early_answer_arrives),
      T(test_backpressure),
      T(test_peer_vanishes),
      T(test_connections_per_peer),
      T(test_strangers_cannot_keep_a_party_out),
      T(test_deadlines),
      T(test_stale_connection_gives_way),
      T(test_connections_in_all),
      T(test_keeper_is_gone),
      T(test_stop_ends_everything),
      T(test_start_failures),
      cmocka_unit_test(test_malformed_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
