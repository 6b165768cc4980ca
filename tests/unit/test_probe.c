#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/probe.h"
#include "net_fixture.h"

#define ROUNDS 40 /* more than a leak of one descriptor each could hide in */

struct fixture {
  char dir[64];
  struct identity us;
  struct card card; /* of a party at a port of ours */
  int port, wake;
};

static int64_t wall(void) { return 1700000000; }

/* With a backlog the kernel takes connections that nobody serves, without it refuses them. */
static void port_of_ours(struct fixture *f, bool taking) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  f->port = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(f->port, (struct sockaddr *)&a, size), 0);
  assert_int_equal(getsockname(f->port, (struct sockaddr *)&a, &size), 0);
  assert_int_equal(taking ? listen(f->port, 8) : 0, 0);
  snprintf(f->card.submission, sizeof f->card.submission, "https://127.0.0.1:%u", ntohs(a.sin_port));
}

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  fixture_dir(f->dir);
  identity_make(&f->us, f->dir, "us.example");
  snprintf(f->card.name, sizeof f->card.name, "them.example");
  snprintf(f->card.link[0], sizeof f->card.link[0], "%s", f->us.pin);
  f->card.n_link = 1;
  f->port = -1;
  f->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  if (f->port >= 0) close(f->port);
  close(f->wake);
  fixture_dir_remove(f->dir);
  free(f);
  return 0;
}

static struct probe *start(struct fixture *f) {
  struct probe *p = NULL;
  const struct http_client_config config = {.key_pem_path = f->us.key, .cert_pem_path = f->us.cert};
  assert_int_equal(probe_start(&p, &config, &f->card, "", (struct http_line){0}, wall, f->wake, NULL), PARLEY_OK);
  return p;
}

static void wait_for(int fd) {
  struct pollfd w = {.fd = fd, .events = POLLIN};
  assert_int_equal(poll(&w, 1, FIXTURE_PATIENCE_MS), 1);
}

static size_t count_open(void) {
  DIR *d = opendir("/proc/self/fd");
  size_t n = 0;
  assert_non_null(d);
  while (readdir(d)) n++;
  closedir(d);
  return n;
}

static void what_it_sees(void **state) {
  struct fixture *f = *state;
  port_of_ours(f, false);
  size_t before = 0;
  for (size_t i = 0; i < ROUNDS; i++) {
    struct probe *p = start(f);
    uint64_t count;
    wait_for(f->wake);
    const struct probe_seen *s = probe_result(p);
    assert_non_null(s);
    assert_true(s->is_address && s->any.made && !s->v4.made && !s->large_request.made);
    assert_int_equal(s->any.cause, HTTP_REFUSED);
    assert_int_equal(s->any.now, wall());
    assert_string_equal(s->any.tried, "127.0.0.1");
    probe_end(p);
    assert_int_equal(read(f->wake, &count, sizeof count), sizeof count);
    if (i == 0) before = count_open(); /* what libraries open once is open */
  }
  assert_int_equal(count_open(), before);
}

/* The node stops: requests that are still under way are cancelled when the thread that made them is gone. */
static void broken_off(void **state) {
  struct fixture *f = *state;
  port_of_ours(f, true);
  size_t before = 0;
  for (size_t i = 0; i < ROUNDS; i++) {
    struct probe *p = start(f);
    wait_for(f->port); /* it has connected, and nobody will answer */
    probe_end(p);
    const int fd = accept(f->port, NULL, NULL);
    assert_true(fd >= 0);
    close(fd);
    if (i == 0) before = count_open();
  }
  assert_int_equal(count_open(), before);
  probe_end(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_it_sees, setup, teardown),
      cmocka_unit_test_setup_teardown(broken_off, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
