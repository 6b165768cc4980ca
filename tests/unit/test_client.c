#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/client.h"
#include "net/sys.h"
#include "net_fixture.h"

struct fixture { /* a whole node and a client of it, in one loop as in the daemon; only the gate has a thread */
  char dir[64], local[FIXTURE_PATH_SIZE];
  struct identity node, alice, mallory;
  struct fixture_handler seen;
  struct gate *gate;
  int messages;
  struct http_server *server;
  struct http_client *client;
  size_t connections;
};

static struct http_client *client_as(const struct identity *who) {
  struct http_client *c;
  const struct http_client_config config = {.key_pem_path = who->key, .cert_pem_path = who->cert, .proxy = ""};
  assert_int_equal(http_client_new(&c, &config, NULL), PARLEY_OK);
  return c;
}

/* Quick to give up: what is waited for is known to come. */
static struct http_client *client_through(const struct identity *who, const char *proxy, const char *no_proxy) {
  struct http_client *c;
  const struct http_client_config config = {.key_pem_path = who->key,
                                            .cert_pem_path = who->cert,
                                            .proxy = proxy,
                                            .no_proxy = no_proxy,
                                            .connect_seconds = 1,
                                            .stall_seconds = 1};
  assert_int_equal(http_client_new(&c, &config, NULL), PARLEY_OK);
  return c;
}

static bool start_gate(struct fixture *f, const char *listen_on) {
  const struct gate_config c = {.listen = listen_on, .key_pem_path = f->node.key, .cert_pem_path = f->node.cert};
  if (gate_start(&f->gate, &c, &f->messages, NULL) != PARLEY_OK) {
    return false;
  }
  const char *const names[] = {"alice.example"};
  const char *const pins[] = {f->alice.pin};
  assert_int_equal(gate_set_pins(f->gate, names, pins, 1, NULL), PARLEY_OK);
  return true;
}

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  fixture_dir(f->dir);
  snprintf(f->local, sizeof f->local, "%s/local", f->dir);
  identity_make(&f->node, f->dir, "node.example");
  identity_make(&f->alice, f->dir, "alice.example");
  identity_make(&f->mallory, f->dir, "mallory.example");
  assert_true(start_gate(f, "127.0.0.1:0"));
  const struct http_handler h = fixture_handler(&f->seen);
  assert_int_equal(http_server_start(&f->server, f->local, &h, NULL), PARLEY_OK);
  f->client = client_as(&f->alice);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  http_client_free(f->client);
  gate_stop(f->gate);
  net_close(&f->messages);
  http_server_stop(f->server);
  assert_int_equal(f->seen.done, f->seen.begun);
  fixture_dir_remove(f->dir);
  free(f);
  return 0;
}

/* ---- requests over the whole way ---- */

struct outcome {
  size_t calls;
  parley_err err;
  unsigned status;
  uint32_t retry_after;
  char type[64], message[600], tried[300];
  enum http_cause cause;
  int64_t date;
  struct buf body;
  uint64_t progress;
};

static void on_done(void *ctx, const struct http_outcome *o) {
  struct outcome *out = ctx;
  out->calls++;
  out->err = o->err;
  out->status = o->status;
  out->retry_after = o->retry_after;
  snprintf(out->type, sizeof out->type, "%s", o->content_type);
  snprintf(out->message, sizeof out->message, "%s", o->message);
  snprintf(out->tried, sizeof out->tried, "%s", o->tried);
  out->cause = o->cause;
  out->date = o->date;
  buf_bytes(&out->body, o->body);
}

static void on_progress(void *ctx, uint64_t sent) {
  struct outcome *out = ctx;
  assert_true(sent > out->progress);
  out->progress = sent;
}

static void outcome_free(struct outcome *o) {
  buf_free(&o->body);
  *o = (struct outcome){0};
}

static void url_of(char out[static 128], const struct fixture *f, const char *path) {
  snprintf(out, 128, "https://127.0.0.1:%u%s", gate_port(f->gate), path);
}

static void turn(struct fixture *f, struct http_client *c, int64_t until_ms) {
  if (net_now_ms() >= until_ms) {
    fail_msg("nothing happened for %d ms", FIXTURE_PATIENCE_MS);
  }
  const int fds[] = {http_server_fd(f->server), f->messages};
  const int wait = http_server_timeout_ms(f->server);
  http_client_poll(c, fds, 2, wait < 0 || wait > 1000 ? 1000 : wait);
  char name[GATE_NAME_MAX + 1];
  int fd;
  while (gate_receive(f->messages, name, &fd, NULL) == PARLEY_OK) {
    f->connections++;
    assert_int_equal(http_server_adopt(f->server, fd, name, NULL), PARLEY_OK);
  }
  http_server_run(f->server);
  http_client_run(c);
}

static void finish(struct fixture *f, struct http_client *c) {
  const int64_t until_ms = fixture_until_ms();
  while (http_client_active(c) > 0) {
    turn(f, c, until_ms);
  }
}

static void get(struct outcome *o, struct fixture *f, struct http_client *c, const char *pin, const char *path) {
  char url[128];
  url_of(url, f, path);
  const char *const pins[] = {pin, NULL};
  assert_int_equal(http_client_send(c, "GET", url, pins, NULL, BYTES_NONE, false, on_done, NULL, o, NULL), PARLEY_OK);
  finish(f, c);
  assert_int_equal(o->calls, 1);
}

static void expect_text(const struct outcome *o, unsigned status, const char *text) {
  if (o->err != PARLEY_OK) {
    fail_msg("%s", o->message);
  }
  assert_int_equal(o->status, status);
  assert_int_equal(o->body.n, strlen(text));
  assert_memory_equal(o->body.p, text, o->body.n);
}

static void expect_message(const struct outcome *o, const char *part) {
  assert_int_equal(o->err, PARLEY_EUNREACHABLE);
  assert_int_equal(o->status, 0);
  if (strstr(o->message, part) == NULL) {
    fail_msg("\"%s\" does not contain \"%s\"", o->message, part);
  }
}

static void test_pinned_both_ways(void **state) {
  struct fixture *f = *state;
  struct outcome o = {0};
  get(&o, f, f->client, f->node.pin, "/who?x=1");
  expect_text(&o, 200, "peer=alice.example method=GET path=/who query=x=1 type= length=0");
  assert_string_equal(o.type, "text/plain");
  assert_string_equal(o.message, "");
  outcome_free(&o);
  char url[128];
  url_of(url, f, "/who");
  const char *const pins[] = {f->mallory.pin, f->node.pin, NULL}; /* one of several is enough */
  assert_int_equal(
      http_client_send(f->client, "POST", url, pins, "text/x", bytes_str("hi"), false, on_done, NULL, &o, NULL),
      PARLEY_OK);
  finish(f, f->client);
  expect_text(&o, 200, "peer=alice.example method=POST path=/who query= type=text/x length=2");
  outcome_free(&o);
  assert_int_equal(http_client_send(f->client, "POST", url, pins, NULL, BYTES_NONE, false, on_done, NULL, &o, NULL),
                   PARLEY_OK);
  finish(f, f->client);
  expect_text(&o, 200, "peer=alice.example method=POST path=/who query= type= length=0");
  outcome_free(&o);
  get(&o, f, f->client, f->node.pin, "/missing");
  expect_text(&o, 404, "no such path"); /* an answer is an answer */
  outcome_free(&o);
}

static void test_wrong_server_pin(void **state) {
  struct fixture *f = *state;
  struct outcome o = {0};
  get(&o, f, f->client, f->mallory.pin, "/who");
  expect_message(&o, "is not the pinned one");
  expect_message(&o, "certificate of 127.0.0.1:");
  assert_int_equal(f->seen.begun, 0); /* the request never left */
  outcome_free(&o);
  /* Nor does a connection that is open under the right pin serve a request under a wrong one. */
  get(&o, f, f->client, f->node.pin, "/count");
  expect_text(&o, 200, "0");
  outcome_free(&o);
  get(&o, f, f->client, f->mallory.pin, "/who");
  expect_message(&o, "is not the pinned one");
  assert_int_equal(f->seen.begun, 1);
  outcome_free(&o);
}

static void test_our_certificate_is_refused(void **state) {
  struct fixture *f = *state;
  struct http_client *c = client_as(&f->mallory);
  struct outcome o = {0};
  get(&o, f, c, f->node.pin, "/who");
  expect_message(&o, "refused our certificate");
  assert_int_equal(f->seen.begun, 0);
  assert_int_equal(f->connections, 0);
  outcome_free(&o);
  http_client_free(c);
}

static void test_malformed_arguments(void **state) {
  struct fixture *f = *state;
  char url[128];
  url_of(url, f, "/who");
  const char *const good[] = {f->node.pin, NULL};
  const char *const bad_pins[] = {"", "sha256//", "sha256//AAAA", f->node.cert,
                                  "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;x"};
  struct outcome o = {0};
  for (size_t i = 0; i < sizeof bad_pins / sizeof bad_pins[0]; i++) {
    const char *const pins[] = {f->node.pin, bad_pins[i], NULL};
    assert_int_equal(http_client_send(f->client, "GET", url, pins, NULL, BYTES_NONE, false, on_done, NULL, &o, NULL),
                     PARLEY_EINVAL);
  }
  const char *const none[] = {NULL};
  assert_int_equal(http_client_send(f->client, "GET", url, none, NULL, BYTES_NONE, false, on_done, NULL, &o, NULL),
                   PARLEY_EINVAL);
  assert_int_equal(http_client_send(f->client, "GET", url, NULL, NULL, BYTES_NONE, false, on_done, NULL, &o, NULL),
                   PARLEY_EINVAL);
  const char *const bad_urls[] = {"http://127.0.0.1:1/", "file:///etc/passwd", "127.0.0.1:7001", "", "https://",
                                  "https://x y/",        "https://[::1/"};
  for (size_t i = 0; i < sizeof bad_urls / sizeof bad_urls[0]; i++) {
    uint8_t *body = malloc(10); /* handed over: freed although nothing is sent */
    struct errmsg e = {""};
    const parley_err err =
        http_client_send(f->client, "POST", bad_urls[i], good, "text/x", BYTES(body, 10), true, on_done, NULL, &o, &e);
    if (err != PARLEY_EINVAL) {
      fail_msg("%s was accepted", bad_urls[i]);
    }
    assert_true(e.text[0] != '\0');
  }
  assert_int_equal(http_client_active(f->client), 0);
  assert_int_equal(o.calls, 0);
}

static void test_nobody_listens(void **state) {
  struct fixture *f = *state;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  const int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound, not listening: the port is ours and refuses */
  assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
  char url[128], expected[128];
  snprintf(url, sizeof url, "https://127.0.0.1:%u/who", ntohs(a.sin_port));
  snprintf(expected, sizeof expected, "connection refused by 127.0.0.1:%u", ntohs(a.sin_port));
  const char *const pins[] = {f->node.pin, NULL};
  struct outcome o = {0};
  assert_int_equal(http_client_send(f->client, "GET", url, pins, NULL, BYTES_NONE, false, on_done, NULL, &o, NULL),
                   PARLEY_OK);
  finish(f, f->client);
  expect_message(&o, expected);
  assert_string_equal(o.message, expected);
  outcome_free(&o);
  close(fd);
}

/* A port that is ours: with a backlog the kernel takes connections that nobody ever serves, without it refuses them. */
static int port_of_ours(bool taking, char where[static 64]) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
  assert_int_equal(taking ? listen(fd, 8) : 0, 0);
  snprintf(where, 64, "127.0.0.1:%u", ntohs(a.sin_port));
  return fd;
}

static void get_url(struct outcome *o, struct fixture *f, struct http_client *c, const char *url) {
  const char *const pins[] = {f->node.pin, NULL};
  assert_int_equal(http_client_send(c, "GET", url, pins, NULL, BYTES_NONE, false, on_done, NULL, o, NULL), PARLEY_OK);
  finish(f, c);
  assert_int_equal(o->calls, 1);
}

static void test_a_port_that_says_nothing(void **state) {
  struct fixture *f = *state;
  struct http_client *c = client_through(&f->alice, "", "");
  char where[64], url[128];
  struct outcome o = {0};
  const int fd = port_of_ours(true, where);
  snprintf(url, sizeof url, "https://%s/who", where);
  get_url(&o, f, c, url);
  expect_message(&o, "takes connections, but does not answer in TLS");
  assert_int_equal(o.cause, HTTP_SILENT);
  assert_string_equal(o.tried, "127.0.0.1");
  outcome_free(&o);
  http_client_free(c);
  close(fd);
}

static void test_an_answer_that_never_comes(void **state) {
  struct fixture *f = *state;
  struct http_client *c = client_through(&f->alice, "", "");
  struct outcome o = {0};
  get(&o, f, c, f->node.pin, "/count"); /* what stalls is the second request of a kept connection */
  outcome_free(&o);
  char url[128];
  url_of(url, f, "/later");
  const char *const pins[] = {f->node.pin, NULL};
  assert_int_equal(http_client_send(c, "POST", url, pins, "text/x", bytes_str("hi"), false, on_done, NULL, &o, NULL),
                   PARLEY_OK);
  finish(f, c);
  expect_message(&o, "stalled: nothing moved for 1 s");
  assert_int_equal(o.cause, HTTP_STALLED);
  outcome_free(&o);
  assert_int_equal(f->connections, 1);
  get(&o, f, c, f->node.pin, "/count");
  expect_text(&o, 200, "0");
  assert_int_equal(f->connections, 2); /* not over the one that stalled */
  outcome_free(&o);
  http_client_free(c);
}

/* Time in which the counterpart does nothing: longer than a client that is quick to give up waits for an answer. */
static void nothing_for(struct http_client *c, int64_t ms) {
  const int64_t until_ms = net_now_ms() + ms;
  for (int64_t now; (now = net_now_ms()) < until_ms;) {
    http_client_poll(c, NULL, 0, (int)(until_ms - now));
    http_client_run(c);
  }
  assert_int_equal(http_client_active(c), 1);
}

/*
 * A box on the way has taken a whole upload at once and passes it on over a thin line; or it takes nothing for a while,
 * being full. Neither has stalled.
 */
static void test_a_thin_line_behind_a_buffer(void **state) {
  struct fixture *f = *state;
  struct http_client *c = client_through(&f->alice, "", "");
  const char *const pins[] = {f->node.pin, NULL};
  const size_t n = (size_t)64 << 10, much = (size_t)8 << 20;
  uint8_t *body = calloc(1, much);
  char url[128];
  struct outcome o = {0};
  assert_non_null(body);
  url_of(url, f, "/later");
  assert_int_equal(http_client_send(c, "POST", url, pins, "text/x", BYTES(body, n), false, on_done, NULL, &o, NULL),
                   PARLEY_OK);
  const int64_t until_ms = fixture_until_ms();
  while (f->seen.later == NULL) {
    turn(f, c, until_ms);
  }
  nothing_for(c, 3000);
  const struct http_response r = {.status = 200, .content_type = "text/plain", .body = bytes_str("at last")};
  http_server_answer(f->server, f->seen.later, &r);
  finish(f, c);
  expect_text(&o, 200, "at last");
  outcome_free(&o);

  url_of(url, f, "/count");
  assert_int_equal(
      http_client_send(c, "POST", url, pins, "text/x", BYTES(body, much), true, on_done, on_progress, &o, NULL),
      PARLEY_OK);
  while (o.progress == 0) {
    http_client_poll(c, NULL, 0, 1000);
    http_client_run(c);
  }
  nothing_for(c, 3000); /* the node takes in nothing */
  assert_true(o.progress < much);
  finish(f, c);
  expect_text(&o, 200, "8388608");
  outcome_free(&o);
  http_client_free(c);
}

static void test_a_proxy_that_refuses(void **state) {
  struct fixture *f = *state;
  char where[64], proxy[96], told[96], url[128];
  const int fd = port_of_ours(false, where);
  snprintf(proxy, sizeof proxy, "http://user:secret@%s", where);
  struct http_client *c = client_through(&f->alice, proxy, "127.0.0.2, .example");
  struct outcome o = {0};
  get(&o, f, c, f->node.pin, "/who");
  expect_message(&o, "connection refused by the proxy 127.0.0.1:");
  assert_int_equal(o.cause, HTTP_PROXY_AWAY);
  assert_null(strstr(o.message, "secret"));
  url_of(url, f, "/who");
  assert_true(http_client_proxy(c, url, told, sizeof told));
  assert_string_equal(told, where);
  outcome_free(&o);
  http_client_free(c);
  close(fd);
}

static void test_a_proxy_that_says_nothing(void **state) {
  struct fixture *f = *state;
  char where[64], proxy[96];
  const int fd = port_of_ours(true, where);
  for (int tls = 0; tls <= 1; tls++) {
    snprintf(proxy, sizeof proxy, "%s://%s", tls ? "https" : "http", where);
    struct http_client *c = client_through(&f->alice, proxy, NULL);
    struct outcome o = {0};
    get(&o, f, c, f->node.pin, "/who");
    expect_message(&o, "did not answer when it was asked for 127.0.0.1:");
    assert_int_equal(o.cause, HTTP_PROXY_SILENT);
    outcome_free(&o);
    http_client_free(c);
  }
  close(fd);
}

static void test_hosts_without_proxy(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *no_proxy, *url;
    bool proxied;
  } cases[] = {{"", "https://a.example/", true},
               {NULL, "https://a.example/", true},
               {"*", "https://a.example/", false},
               {"a.example", "https://a.example:7411/x", false},
               {"a.example", "https://A.Example/", false},
               {"a.example", "https://b.a.example/", true},
               {"a.example", "https://aa.example/", true},
               {"a.example", "https://a.example.org/", true},
               {".example", "https://b.a.example/", false},
               {".example", "https://example/", true},
               {"x, a.example", "https://a.example/", false},
               {"x\ta.example,", "https://a.example/", false},
               {" ,, ", "https://a.example/", true},
               {"127.0.0.1", "https://127.0.0.1/", false},
               {"127.0.0.1", "https://127.0.0.11/", true},
               {"2001:db8::1", "https://[2001:db8::1]:7411/", false},
               {"2001:db8::1", "https://[2001:db8::2]:7411/", true},
               {"[2001:db8::1]", "https://[2001:db8::1]:7411/", false},
               {"2001:DB8:0:0::1", "https://[2001:db8::1]:7411/", false},
               {"2001:db8::1", "https://[2001:DB8:0:0::1]:7411/", false},
               {"[2001:db8::2]", "https://[2001:db8::1]:7411/", true},
               {"[]", "https://[::1]:7411/", true},
               {"::", "https://a.example/", true},
               {".", "https://a.example/", true},
               {"a.example.", "https://a.example/", false},
               {"a.example", "https://a.example./", false},
               {".example", "https://a.example./", false},
               {".example.", "https://a.example/", false},
               {"a.example:7411", "https://a.example:7411/", true}}; /* a port is no part of a host */
  char told[96];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_client *c = client_through(&f->alice, "https://proxy.example:3129", cases[i].no_proxy);
    if (http_client_proxy(c, cases[i].url, told, sizeof told) != cases[i].proxied) {
      fail_msg("no_proxy \"%s\" is wrong about %s", cases[i].no_proxy, cases[i].url);
    }
    http_client_free(c);
  }
  const char *const wrong[] = {"socks5://127.0.0.1:1080", "file:///dev/null", "http://", "x y"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct http_client *c;
    struct errmsg e = {""};
    const struct http_client_config config = {
        .key_pem_path = f->alice.key, .cert_pem_path = f->alice.cert, .proxy = wrong[i]};
    assert_int_equal(http_client_new(&c, &config, &e), PARLEY_EINVAL);
    assert_non_null(strstr(e.text, "the proxy must be a URL"));
  }
}

static void test_the_environment_names_no_proxy(void **state) {
  struct fixture *f = *state;
  static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  char where[64], proxy[96];
  struct outcome o = {0};
  const int fd = port_of_ours(false, where);
  snprintf(proxy, sizeof proxy, "http://%s", where);
  for (size_t i = 0; i < 4; i++) {
    setenv(names[i], proxy, 1);
  }
  get(&o, f, f->client, f->node.pin, "/count");
  expect_text(&o, 200, "0");
  outcome_free(&o);
  for (size_t i = 0; i < 4; i++) {
    unsetenv(names[i]);
  }
  /* Nor does it name exceptions. */
  setenv("no_proxy", "*", 1);
  struct http_client *c = client_through(&f->alice, proxy, "");
  get(&o, f, c, f->node.pin, "/count");
  assert_int_equal(o.cause, HTTP_PROXY_AWAY);
  unsetenv("no_proxy");
  outcome_free(&o);
  http_client_free(c);
  close(fd);
}

static void test_the_environment_gets_no_keys(void **state) {
  struct fixture *f = *state;
  char path[FIXTURE_PATH_SIZE];
  struct outcome o = {0};
  snprintf(path, sizeof path, "%s/keylog", f->dir);
  http_client_free(f->client); /* the last one: with the next libcurl begins anew */
  setenv("SSLKEYLOGFILE", path, 1);
  f->client = client_as(&f->alice);
  get(&o, f, f->client, f->node.pin, "/count");
  expect_text(&o, 200, "0");
  outcome_free(&o);
  assert_int_not_equal(access(path, F_OK), 0);
  unsetenv("SSLKEYLOGFILE");
}

static void test_trying(void **state) {
  struct fixture *f = *state;
  const char *const pins[] = {f->node.pin, NULL};
  const struct http_try small = {.family = 4, .seconds = 20}, large = {.padding = HTTP_PADDING_MAX, .seconds = 20},
                        over = {.seconds = 1};
  char url[128];
  struct outcome o = {0};
  get(&o, f, f->client, f->node.pin, "/count");
  outcome_free(&o);
  url_of(url, f, "/count");
  assert_int_equal(http_client_try(f->client, url, pins, &small, on_done, &o, NULL), PARLEY_OK);
  finish(f, f->client);
  expect_text(&o, 200, "0");
  assert_int_equal(f->connections, 2); /* the kept one was left alone */
  assert_true(o.date > 1600000000);
  assert_string_equal(o.tried, "127.0.0.1");
  assert_int_equal(o.cause, HTTP_ANSWERED);
  outcome_free(&o);
  assert_int_equal(http_client_try(f->client, url, pins, &large, on_done, &o, NULL), PARLEY_OK);
  finish(f, f->client);
  expect_text(&o, 200, "0");
  outcome_free(&o);
  assert_int_equal(http_client_line(f->client, url).reused, 0);
  get(&o, f, f->client, f->node.pin, "/count");
  assert_int_equal(f->connections, 3); /* while it was not kept itself */
  assert_int_equal(http_client_line(f->client, url).reused, 1);
  assert_int_equal(http_client_line(f->client, "https://127.0.0.2/").reused, 0);
  outcome_free(&o);
  char where[64];
  const int fd = port_of_ours(true, where);
  snprintf(url, sizeof url, "https://%s/", where);
  assert_int_equal(http_client_try(f->client, url, pins, &over, on_done, &o, NULL), PARLEY_OK);
  finish(f, f->client);
  assert_int_equal(o.cause, HTTP_SILENT);
  outcome_free(&o);
  close(fd);
}

static void test_large_post(void **state) {
  struct fixture *f = *state;
  const size_t n = (size_t)8 << 20;
  uint8_t *body = malloc(n), *copy = malloc(n);
  assert_non_null(body);
  assert_non_null(copy);
  for (size_t i = 0; i < n; i++) {
    body[i] = copy[i] = fixture_stream_byte(i);
  }
  char url[128];
  url_of(url, f, "/echo");
  const char *const pins[] = {f->node.pin, NULL};
  struct outcome o = {0};
  assert_int_equal(http_client_send(f->client, "POST", url, pins, "application/octet-stream", BYTES(copy, n), false,
                                    on_done, NULL, &o, NULL),
                   PARLEY_EINVAL); /* too long to be copied */
  assert_int_equal(http_client_send(f->client, "POST", url, pins, "application/octet-stream", BYTES(body, n), true,
                                    on_done, on_progress, &o, NULL),
                   PARLEY_OK);
  finish(f, f->client);
  assert_int_equal(o.err, PARLEY_OK);
  assert_int_equal(o.body.n, n);
  assert_memory_equal(o.body.p, copy, n);
  assert_int_equal(o.progress, n);
  outcome_free(&o);
  free(copy);
}

/* What gets shorter goes as gzip, anything else as it is; the other side has the body in any case. */
static void test_packed_post(void **state) {
  struct fixture *f = *state;
  const size_t n = 100000;
  uint8_t *body = malloc(n);
  char url[128];
  url_of(url, f, "/echo");
  const char *const pins[] = {f->node.pin, NULL};
  assert_non_null(body);
  for (int text = 0; text < 2; text++) {
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
      x = x * 1664525 + 1013904223;
      body[i] = text ? (uint8_t)("some text "[i % 10]) : (uint8_t)(x >> 24);
    }
    struct outcome o = {0};
    assert_int_equal(http_client_post_gzip(f->client, url, pins, "application/octet-stream", BYTES(body, n), on_done,
                                           on_progress, &o, NULL),
                     PARLEY_OK);
    finish(f, f->client);
    assert_int_equal(o.status, 200);
    assert_string_equal(o.type, "application/octet-stream");
    assert_int_equal(o.body.n, n);
    assert_memory_equal(o.body.p, body, n);
    if (text) {
      assert_in_range(o.progress, 1, n / 10);
    } else {
      assert_int_equal(o.progress, n);
    }
    outcome_free(&o);
  }
  struct outcome o = {0};
  url_of(url, f, "/who");
  assert_int_equal(http_client_post_gzip(f->client, url, pins, "text/x", BYTES_NONE, on_done, NULL, &o, NULL),
                   PARLEY_OK);
  finish(f, f->client);
  expect_text(&o, 200, "peer=alice.example method=POST path=/who query= type=text/x length=0");
  outcome_free(&o);
  o = (struct outcome){0};
  assert_int_equal(http_client_post_gzip(f->client, "nowhere", pins, "text/x", BYTES(body, n), on_done, NULL, &o, NULL),
                   PARLEY_EINVAL);
  assert_int_equal(o.calls, 0);
  free(body);
}

static void test_streamed_answer_and_its_bound(void **state) {
  struct fixture *f = *state;
  struct outcome o = {0};
  get(&o, f, f->client, f->node.pin, "/stream?33554432"); /* exactly the bound */
  assert_int_equal(o.err, PARLEY_OK);
  assert_int_equal(o.body.n, HTTP_RESPONSE_MAX);
  for (size_t i = 0; i < o.body.n; i += 4093) {
    assert_int_equal(o.body.p[i], fixture_stream_byte(i));
  }
  outcome_free(&o);
  get(&o, f, f->client, f->node.pin, "/stream?33554433");
  assert_int_equal(o.err, PARLEY_ELIMIT);
  assert_non_null(strstr(o.message, "longer than 32 MiB"));
  outcome_free(&o);
  get(&o, f, f->client, f->node.pin, "/cut");
  expect_message(&o, "before its answer was complete");
  outcome_free(&o);
}

static void test_a_thousand_requests_on_one_connection(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < 1000; i++) {
    struct outcome o = {0};
    get(&o, f, f->client, f->node.pin, "/count");
    expect_text(&o, 200, "0");
    outcome_free(&o);
  }
  assert_int_equal(f->connections, 1);
  assert_int_equal(f->seen.begun, 1000);
}

static void test_many_at_once_over_ipv6(void **state) {
  struct fixture *f = *state;
  gate_stop(f->gate);
  net_close(&f->messages);
  f->gate = NULL;
  if (!start_gate(f, "[::1]:0")) {
    print_message("skipped: no IPv6 on this machine\n");
    skip();
  }
  char url[128];
  snprintf(url, sizeof url, "https://[::1]:%u/count", gate_port(f->gate));
  const char *const pins[] = {f->node.pin, NULL};
  struct outcome o[40] = {0};
  for (size_t i = 0; i < 40; i++) {
    assert_int_equal(http_client_send(f->client, "GET", url, pins, NULL, BYTES_NONE, false, on_done, NULL, &o[i], NULL),
                     PARLEY_OK);
  }
  assert_int_equal(http_client_active(f->client), 40);
  finish(f, f->client);
  for (size_t i = 0; i < 40; i++) {
    assert_int_equal(o[i].calls, 1);
    expect_text(&o[i], 200, "0");
    outcome_free(&o[i]);
  }
  assert_true(f->connections <= GATE_CONNECTIONS_PER_PEER);
}

static void restart_gate(struct fixture *f) {
  const uint16_t port = gate_port(f->gate);
  gate_stop(f->gate);
  net_close(&f->messages);
  f->gate = NULL;
  char listen_on[32];
  snprintf(listen_on, sizeof listen_on, "127.0.0.1:%u", port);
  assert_true(start_gate(f, listen_on));
}

static void test_server_closes_idle_connection(void **state) {
  struct fixture *f = *state;
  struct outcome o = {0};
  get(&o, f, f->client, f->node.pin, "/count");
  outcome_free(&o);
  restart_gate(f); /* the kept connection is dead, which nobody should notice */
  get(&o, f, f->client, f->node.pin, "/count");
  expect_text(&o, 200, "0");
  outcome_free(&o);
}

static void on_sent(void *ctx, uint64_t sent) { ((struct outcome *)ctx)->progress = sent; } /* begins again with it */

/* The kept connection ends when the request is on its way: it goes again, body and all, and one outcome is told. */
static void test_repeated_over_a_new_connection(void **state) {
  struct fixture *f = *state;
  const char *const pins[] = {f->node.pin, NULL};
  const size_t n = 100000;
  char url[128];
  struct outcome o = {0};
  uint8_t *body = malloc(n);
  assert_non_null(body);
  for (size_t i = 0; i < n; i++) {
    body[i] = fixture_stream_byte(i);
  }
  get(&o, f, f->client, f->node.pin, "/count");
  outcome_free(&o);
  url_of(url, f, "/echo");
  assert_int_equal(
      http_client_send(f->client, "POST", url, pins, "text/x", BYTES(body, n), true, on_done, on_sent, &o, NULL),
      PARLEY_OK);
  while (o.progress == 0) {
    http_client_poll(f->client, NULL, 0, 1000);
    http_client_run(f->client);
  }
  assert_int_equal(f->connections, 1);
  restart_gate(f);
  finish(f, f->client);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.err, PARLEY_OK);
  assert_int_equal(o.status, 200);
  assert_int_equal(o.body.n, n);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(o.body.p[i], fixture_stream_byte(i));
  }
  assert_int_equal(f->connections, 2);
  outcome_free(&o);
}

/* ---- failures leave nothing behind ---- */

static size_t count_open(void) {
  DIR *d = opendir("/proc/self/fd");
  size_t n = 0;
  assert_non_null(d);
  while (readdir(d) != NULL) {
    n++;
  }
  closedir(d);
  return n;
}

static void fail_often(struct fixture *f, struct http_client *c, const char *url, const char *pin, size_t times) {
  const char *const pins[] = {pin, NULL};
  size_t before = 0;
  for (size_t i = 0; i < times; i++) {
    struct outcome o = {0};
    assert_int_equal(http_client_send(c, "GET", url, pins, NULL, BYTES_NONE, false, on_done, NULL, &o, NULL),
                     PARLEY_OK);
    finish(f, c);
    assert_int_equal(o.err, PARLEY_EUNREACHABLE);
    outcome_free(&o);
    before = i == 0 ? count_open() : before;
  }
  assert_int_equal(count_open(), before);
}

static void test_a_thousand_failures(void **state) {
  struct fixture *f = *state;
  char where[64], proxy[96], url[128];
  const int fd = port_of_ours(false, where);
  snprintf(url, sizeof url, "https://%s/who", where);
  snprintf(proxy, sizeof proxy, "http://%s", where);
  fail_often(f, f->client, url, f->node.pin, 1000); /* refused */
  struct http_client *c = client_through(&f->alice, proxy, "");
  fail_often(f, c, "https://127.0.0.2:1/", f->node.pin, 100);
  http_client_free(c);
  close(fd);
}

/* Whoever waited for its turn has all its time to connect when the turn comes. */
static void test_waiting_behind_stalled_ones(void **state) {
  struct fixture *f = *state;
  struct http_client *c = client_through(&f->alice, "", "");
  const char *const pins[] = {f->node.pin, NULL};
  struct outcome stalled[8] = {0}, last = {0};
  char url[128];
  url_of(url, f, "/later");
  for (size_t i = 0; i < 8; i++) { /* as many connections as a host may have */
    assert_int_equal(
        http_client_send(c, "POST", url, pins, "text/x", BYTES_NONE, false, on_done, NULL, &stalled[i], NULL),
        PARLEY_OK);
  }
  url_of(url, f, "/count");
  assert_int_equal(http_client_send(c, "GET", url, pins, NULL, BYTES_NONE, false, on_done, NULL, &last, NULL),
                   PARLEY_OK);
  finish(f, c);
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(stalled[i].cause, HTTP_STALLED);
    outcome_free(&stalled[i]);
  }
  expect_text(&last, 200, "0");
  outcome_free(&last);
  http_client_free(c);
}

static void test_answer_with_retry_after(void **state) {
  struct fixture *f = *state;
  char url[128];
  url_of(url, f, "/later");
  const char *const pins[] = {f->node.pin, NULL};
  struct outcome o = {0};
  assert_int_equal(
      http_client_send(f->client, "POST", url, pins, "text/x", bytes_str("hi"), false, on_done, NULL, &o, NULL),
      PARLEY_OK);
  const int64_t until_ms = fixture_until_ms();
  while (f->seen.later == NULL) {
    turn(f, f->client, until_ms);
  }
  const struct http_response r = {
      .status = 429, .content_type = "text/plain", .body = bytes_str("slower"), .retry_after = 17};
  http_server_answer(f->server, f->seen.later, &r);
  finish(f, f->client);
  expect_text(&o, 429, "slower");
  assert_int_equal(o.retry_after, 17);
  outcome_free(&o);
}

static void send_again(void *ctx, const struct http_outcome *o) {
  struct fixture *f = ctx;
  assert_int_equal(o->err, PARLEY_EUNREACHABLE);
  const char *const pins[] = {f->node.pin, NULL};
  assert_int_equal(http_client_send(f->client, "GET", "https://127.0.0.1:1/", pins, NULL, BYTES_NONE, false, send_again,
                                    NULL, f, NULL),
                   PARLEY_EREFUSED);
  f->seen.largest++;
}

static void test_free_cancels(void **state) {
  struct fixture *f = *state;
  char url[128];
  url_of(url, f, "/later");
  const char *const pins[] = {f->node.pin, NULL};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(
        http_client_send(f->client, "POST", url, pins, "text/x", bytes_str("hi"), false, send_again, NULL, f, NULL),
        PARLEY_OK);
  }
  http_client_free(f->client);
  assert_int_equal(f->seen.largest, 3);
  f->client = client_as(&f->alice);
}

static void test_unreadable_key(void **state) {
  struct fixture *f = *state;
  const struct http_client_config config = {
      .key_pem_path = "/nowhere/link.key", .cert_pem_path = f->alice.cert, .proxy = ""};
  struct http_client *c;
  struct errmsg e = {""};
  assert_int_equal(http_client_new(&c, &config, &e), PARLEY_EIO);
  assert_non_null(strstr(e.text, "/nowhere/link.key"));
  const struct http_client_config swapped = {
      .key_pem_path = f->mallory.key, .cert_pem_path = f->alice.cert, .proxy = ""};
  assert_int_equal(http_client_new(&c, &swapped, &e), PARLEY_OK);
  struct outcome o = {0};
  get(&o, f, c, f->node.pin, "/who");
  expect_message(&o, "our own link key or certificate cannot be used");
  assert_int_equal(f->seen.begun, 0);
  outcome_free(&o);
  http_client_free(c);
}

/* ---- the local client ---- */

struct keeper { /* the server's loop in a thread, since local_request blocks */
  struct fixture *f;
  pthread_t thread;
  int stop;
};

static void *keep(void *arg) {
  struct keeper *k = arg;
  struct pollfd p[2] = {{.fd = http_server_fd(k->f->server), .events = POLLIN}, {.fd = k->stop, .events = POLLIN}};
  while (p[1].revents == 0) {
    poll(p, 2, http_server_timeout_ms(k->f->server));
    http_server_run(k->f->server);
  }
  return NULL;
}

static void keeper_start(struct keeper *k, struct fixture *f) {
  k->f = f;
  k->stop = eventfd(0, EFD_CLOEXEC);
  assert_true(k->stop >= 0);
  assert_int_equal(pthread_create(&k->thread, NULL, keep, k), 0);
}

static void keeper_stop(struct keeper *k) {
  const uint64_t one = 1;
  assert_int_equal(write(k->stop, &one, sizeof one), sizeof one);
  pthread_join(k->thread, NULL);
  close(k->stop);
}

static void local_expect(const char *path, struct local_answer *a, unsigned status, const char *text) {
  (void)path;
  assert_int_equal(a->status, status);
  assert_int_equal(a->body.n, strlen(text));
  assert_memory_equal(a->body.p, text, a->body.n);
  local_answer_free(a);
}

static int file_of(struct fixture *f, const char *name, size_t n) {
  char path[FIXTURE_PATH_SIZE];
  snprintf(path, sizeof path, "%s/%s", f->dir, name);
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  uint8_t block[4096];
  for (size_t at = 0; at < n; at += sizeof block) {
    for (size_t i = 0; i < sizeof block; i++) {
      block[i] = fixture_stream_byte(at + i);
    }
    const size_t part = n - at < sizeof block ? n - at : sizeof block;
    assert_int_equal(write(fd, block, part), (ssize_t)part);
  }
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
  return fd;
}

static void test_local_requests(void **state) {
  struct fixture *f = *state;
  struct keeper k;
  keeper_start(&k, f);
  setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not matter */
  struct local_answer a;
  struct errmsg e = {""};
  assert_int_equal(local_request(&a, f->local, "GET", "/who?q=1", NULL, BYTES_NONE, -1, 0, -1, NULL, NULL, &e),
                   PARLEY_OK);
  local_expect(f->local, &a, 200, "peer=(local) method=GET path=/who query=q=1 type= length=0");
  assert_int_equal(
      local_request(&a, f->local, "POST", "/who", "application/json", bytes_str("{}"), -1, 0, -1, NULL, NULL, &e),
      PARLEY_OK);
  local_expect(f->local, &a, 200, "peer=(local) method=POST path=/who query= type=application/json length=2");
  assert_int_equal(local_request(&a, f->local, "PUT", "/echo", "text/x", bytes_str("abc"), -1, 0, -1, NULL, NULL, &e),
                   PARLEY_OK);
  local_expect(f->local, &a, 200, "abc");
  assert_int_equal(local_request(&a, f->local, "DELETE", "/gone", NULL, BYTES_NONE, -1, 0, -1, NULL, NULL, &e),
                   PARLEY_OK);
  local_expect(f->local, &a, 404, "no such path");
  unsetenv("http_proxy");
  keeper_stop(&k);
}

static void test_local_files(void **state) {
  struct fixture *f = *state;
  struct keeper k;
  keeper_start(&k, f);
  const size_t n = 3000001;
  struct local_answer a;
  struct outcome o = {0};
  const int in = file_of(f, "in", n), out = file_of(f, "out", 0);
  assert_int_equal(
      local_request(&a, f->local, "POST", "/echo", "text/x", BYTES_NONE, in, n, out, on_progress, &o, NULL), PARLEY_OK);
  assert_int_equal(a.status, 200);
  assert_int_equal(a.body.n, 0); /* it went to the file */
  assert_int_equal(o.progress, n);
  local_answer_free(&a);
  assert_int_equal(lseek(out, 0, SEEK_END), n);
  uint8_t last[3];
  assert_int_equal(pread(out, last, 3, (off_t)n - 3), 3);
  assert_int_equal(last[2], fixture_stream_byte(n - 1));
  /* Only a 200 goes to the file. */
  assert_int_equal(local_request(&a, f->local, "GET", "/refuse", NULL, BYTES_NONE, -1, 0, out, NULL, NULL, NULL),
                   PARLEY_OK);
  local_expect(f->local, &a, 403, "refused");
  assert_int_equal(lseek(out, 0, SEEK_END), n);
  /* The file is shorter than was said. */
  struct errmsg e = {""};
  assert_int_equal(lseek(in, 0, SEEK_SET), 0);
  assert_int_equal(local_request(&a, f->local, "POST", "/count", "text/x", BYTES_NONE, in, n + 1, -1, NULL, NULL, &e),
                   PARLEY_EIO);
  assert_non_null(strstr(e.text, "became shorter"));
  keeper_stop(&k);
  close(in);
  close(out);
}

static void test_local_refusal_of_a_long_body(void **state) {
  struct fixture *f = *state;
  struct keeper k;
  keeper_start(&k, f);
  const size_t n = (size_t)64 << 20;
  const int in = file_of(f, "in", n);
  struct local_answer a;
  struct errmsg e = {""};
  if (local_request(&a, f->local, "POST", "/limit", "text/x", BYTES_NONE, in, n, -1, NULL, NULL, &e) != PARLEY_OK) {
    fail_msg("%s", e.text);
  }
  assert_int_equal(a.status, 413);
  local_answer_free(&a);
  keeper_stop(&k);
  close(in);
}

static void test_no_local_node(void **state) {
  struct fixture *f = *state;
  struct local_answer a;
  struct errmsg e = {""};
  char path[FIXTURE_PATH_SIZE + 8];
  snprintf(path, sizeof path, "%s.no", f->local);
  assert_int_equal(local_request(&a, path, "GET", "/who", NULL, BYTES_NONE, -1, 0, -1, NULL, NULL, &e),
                   PARLEY_EUNREACHABLE);
  assert_non_null(strstr(e.text, "no node listens on"));
  assert_non_null(strstr(e.text, path));
  char longer[200];
  memset(longer, 'a', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  assert_int_equal(local_request(&a, longer, "GET", "/who", NULL, BYTES_NONE, -1, 0, -1, NULL, NULL, &e),
                   PARLEY_EINVAL);
  assert_int_equal(local_request(&a, f->local, "GET", "who", NULL, BYTES_NONE, -1, 0, -1, NULL, NULL, &e),
                   PARLEY_EINVAL);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(test_pinned_both_ways),
      T(test_wrong_server_pin),
      T(test_our_certificate_is_refused),
      T(test_malformed_arguments),
      T(test_nobody_listens),
      T(test_a_port_that_says_nothing),
      T(test_an_answer_that_never_comes),
      T(test_a_thin_line_behind_a_buffer),
      T(test_a_proxy_that_refuses),
      T(test_a_proxy_that_says_nothing),
      T(test_hosts_without_proxy),
      T(test_the_environment_names_no_proxy),
      T(test_the_environment_gets_no_keys),
      T(test_trying),
      T(test_large_post),
      T(test_packed_post),
      T(test_streamed_answer_and_its_bound),
      T(test_a_thousand_requests_on_one_connection),
      T(test_many_at_once_over_ipv6),
      T(test_server_closes_idle_connection),
      T(test_repeated_over_a_new_connection),
      T(test_a_thousand_failures),
      T(test_waiting_behind_stalled_ones),
      T(test_answer_with_retry_after),
      T(test_free_cancels),
      T(test_unreadable_key),
      T(test_local_requests),
      T(test_local_files),
      T(test_local_refusal_of_a_long_body),
      T(test_no_local_node),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
