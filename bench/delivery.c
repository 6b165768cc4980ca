/*
 * Delivery benchmark: two nodes on this machine, and beside them, in the same run, the floor: bare OpenSSL calls for every
 * operation that docs/protocol.md ("Demanded operations") asks for, on both cores; for FLASH also the synced writes and the
 * round trips. Started by the script bench/delivery, which makes the homes and the forum.
 *
 * usage: bench-delivery US_SOCKET RU_SOCKET US_HOME RU_HOME SYNC_DIR STATEMENTS CONNECTIONS JSON
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#define FLASH_RUNS 300
#define CONNECTIONS_MAX 256

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noreturn)) static void die(const char *what) {
  perror(what);
  exit(2);
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double percentile(double *v, size_t n, double p) {
  qsort(v, n, sizeof *v, by_value);
  const size_t i = (size_t)((double)(n - 1) * p);
  return v[i];
}

/* ---- a client of the local API: one kept-alive connection ---- */

static int connect_unix(const char *path) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) die(path);
  return fd;
}

/* Sends one request, reads the whole answer into out (NUL-terminated); returns the status. */
static int ask(int fd, const char *method, const char *path, const char *body, char *out, size_t cap) {
  char head[512];
  const size_t len = body ? strlen(body) : 0;
  const int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", method, path, len);
  char *all = malloc((size_t)n + len);
  if (!all) die("malloc");
  memcpy(all, head, (size_t)n);
  if (len) memcpy(all + n, body, len);
  if (write(fd, all, (size_t)n + len) != (ssize_t)((size_t)n + len)) die("write");
  free(all);
  size_t got = 0, need = 0;
  while (!need || got < need) {
    const ssize_t r = read(fd, out + got, cap - 1 - got);
    if (r <= 0) die("the node closed the connection");
    got += (size_t)r;
    out[got] = '\0';
    char *end = strstr(out, "\r\n\r\n");
    if (end && !need) {
      const char *cl = strcasestr(out, "Content-Length: ");
      need = (size_t)(end + 4 - out) + (cl ? strtoul(cl + 16, NULL, 10) : 0);
    }
  }
  return atoi(out + 9);
}

static void notice(char *out, size_t cap, const char *precedence) {
  char text[1024];
  memset(text, 'x', sizeof text);
  text[900] = '\0'; /* with the other members the plaintext body is 1 KiB */
  snprintf(out, cap,
           "{\"kind\":\"incident.notice\",\"precedence\":\"%s\",\"tlp\":\"green\",\"body\":{\"title\":\"Benchmark\",\"summary\":\"%s\","
           "\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
           precedence, text);
}

static unsigned long number_after(const char *text, const char *name) {
  const char *p = strstr(text, name);
  return p ? strtoul(p + strlen(name), NULL, 10) : 0;
}

/* ---- FLASH on an idle pair ---- */

static void flash(const char *us, double *p50, double *p99) {
  static double t[FLASH_RUNS];
  static char out[1 << 16];
  char body[4096];
  const int fd = connect_unix(us);
  notice(body, sizeof body, "FLASH");
  for (int i = -20; i < FLASH_RUNS; i++) { /* the first ones warm up */
    const double from = now();
    const int status = ask(fd, "POST", "/v1/statements?wait=30", body, out, sizeof out);
    if (status != 201 || !strstr(out, "\"delivered\"")) {
      fprintf(stderr, "FLASH was not delivered: %s\n", out);
      exit(2);
    }
    if (i >= 0) t[i] = now() - from;
  }
  close(fd);
  *p50 = percentile(t, FLASH_RUNS, 0.5);
  *p99 = percentile(t, FLASH_RUNS, 0.99);
}

/* ---- throughput ---- */

struct load {
  const char *socket;
  unsigned long count;
};

static void *load_run(void *arg) {
  const struct load *l = arg;
  char body[4096], out[8192];
  const int fd = connect_unix(l->socket);
  notice(body, sizeof body, "ROUTINE");
  for (unsigned long i = 0; i < l->count; i++)
    if (ask(fd, "POST", "/v1/statements", body, out, sizeof out) != 201) {
      fprintf(stderr, "not accepted: %s\n", out);
      exit(2);
    }
  close(fd);
  return NULL;
}

static void wait_delivered(const char *us) {
  static char out[1 << 20];
  const int fd = connect_unix(us);
  for (;;) {
    ask(fd, "GET", "/v1/status", NULL, out, sizeof out);
    if (number_after(out, "\"ours_held\":") >= number_after(out, "\"ours\":")) break;
    usleep(2000);
  }
  close(fd);
}

static double throughput(const char *us, unsigned long statements, unsigned connections) {
  pthread_t threads[CONNECTIONS_MAX];
  struct load load[CONNECTIONS_MAX];
  const double from = now();
  for (unsigned i = 0; i < connections; i++) {
    load[i] = (struct load){us, statements / connections};
    if (pthread_create(&threads[i], NULL, load_run, &load[i])) die("pthread_create");
  }
  for (unsigned i = 0; i < connections; i++) pthread_join(threads[i], NULL);
  wait_delivered(us);
  return (double)(statements / connections * connections) / (now() - from);
}

static double disk_bytes(const char *home) {
  static const char *const names[] = {"store.sqlite", "store.sqlite-wal"};
  double sum = 0;
  for (int i = 0; i < 2; i++) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", home, names[i]);
    if (stat(path, &st) == 0) sum += (double)st.st_size;
  }
  return sum;
}

/* ---- the floor: bare OpenSSL ---- */

struct keys {
  EVP_PKEY *ed;
  unsigned char pub[32], sig[64], msg[2750]; /* as long as what a statement with a body of 1 KiB has signed */
};

static void make_keys(struct keys *k) {
  unsigned char seed[32];
  size_t n = 32;
  RAND_bytes(seed, sizeof seed);
  RAND_bytes(k->msg, sizeof k->msg);
  k->ed = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
  EVP_PKEY_get_raw_public_key(k->ed, k->pub, &n);
}

static void bare_sign(struct keys *k) {
  EVP_MD_CTX *c = EVP_MD_CTX_new();
  size_t n = sizeof k->sig;
  if (EVP_DigestSignInit(c, NULL, NULL, NULL, k->ed) != 1 || EVP_DigestSign(c, k->sig, &n, k->msg, sizeof k->msg) != 1) die("sign");
  EVP_MD_CTX_free(c);
}

static void bare_verify(struct keys *k) {
  EVP_MD_CTX *c = EVP_MD_CTX_new();
  if (EVP_DigestVerifyInit(c, NULL, NULL, NULL, k->ed) != 1 || EVP_DigestVerify(c, k->sig, sizeof k->sig, k->msg, sizeof k->msg) != 1) die("verify");
  EVP_MD_CTX_free(c);
}

/* One recipient: the ephemeral share (scalar times base) and the shared secret (scalar times recipient): two X25519 operations. */
static void bare_recipient(EVP_PKEY *recipient) {
  unsigned char secret[32], share[32], out[32];
  size_t n = 32, m = 32;
  RAND_bytes(secret, sizeof secret);
  EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, 32);
  EVP_PKEY_get_raw_public_key(k, share, &m);
  EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
  if (EVP_PKEY_derive_init(c) != 1 || EVP_PKEY_derive_set_peer(c, recipient) != 1 || EVP_PKEY_derive(c, out, &n) != 1) die("derive");
  EVP_PKEY_CTX_free(c);
  EVP_PKEY_free(k);
}

struct floor {
  double until;
  unsigned long done;
};

static void *floor_run(void *arg) {
  struct floor *f = arg;
  struct keys k;
  make_keys(&k);
  EVP_PKEY *recipient = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
  while (now() < f->until) {
    for (int i = 0; i < 20; i++) { /* what one statement costs alone: 4 X25519, 1 signature, 1 verification */
      bare_recipient(recipient);
      bare_recipient(recipient);
      bare_sign(&k);
      bare_verify(&k);
    }
    f->done += 20;
  }
  EVP_PKEY_free(recipient);
  EVP_PKEY_free(k.ed);
  return NULL;
}

static double floor_throughput(void) {
  pthread_t t[2];
  struct floor f[2];
  const double from = now();
  for (int i = 0; i < 2; i++) {
    f[i] = (struct floor){from + 2.0, 0};
    if (pthread_create(&t[i], NULL, floor_run, &f[i])) die("pthread_create");
  }
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  return (double)(f[0].done + f[1].done) / (now() - from);
}

/* Median of n runs of one operation, seconds. */
static double median_of(void (*op)(void *), void *arg, int n) {
  double *t = malloc((size_t)n * sizeof *t);
  if (!t) die("malloc");
  for (int i = 0; i < n; i++) {
    const double from = now();
    op(arg);
    t[i] = now() - from;
  }
  const double m = percentile(t, (size_t)n, 0.5);
  free(t);
  return m;
}

static void op_sign(void *k) { bare_sign(k); }
static void op_verify(void *k) { bare_verify(k); }
static void op_recipient(void *p) { bare_recipient(p); }

struct sync_file {
  int fd;
};

static void op_sync(void *arg) {
  static const char page[8192];
  const struct sync_file *f = arg;
  if (write(f->fd, page, sizeof page) != sizeof page || fdatasync(f->fd)) die("fdatasync");
}

static double floor_sync(const char *dir) {
  char path[4096];
  snprintf(path, sizeof path, "%s/sync-floor", dir);
  struct sync_file f = {open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600)};
  if (f.fd < 0) die(path);
  const double t = median_of(op_sync, &f, 300);
  close(f.fd);
  unlink(path);
  return t;
}

static void op_round_trip(void *arg) {
  static char page[2048];
  const int fd = *(int *)arg;
  if (write(fd, page, sizeof page) != sizeof page) die("write");
  for (size_t got = 0; got < sizeof page;) {
    const ssize_t n = read(fd, page, sizeof page - got);
    if (n <= 0) die("read");
    got += (size_t)n;
  }
}

/* A bare TCP connection on loopback to another process, 2 KiB each way, without TLS. */
static double floor_round_trip(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  const int l = socket(AF_INET, SOCK_STREAM, 0);
  if (l < 0 || bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, 1) || getsockname(l, (struct sockaddr *)&a, &n)) die("listen");
  const pid_t pid = fork();
  if (pid == 0) {
    static char page[2048];
    const int one = 1, fd = accept(l, NULL, NULL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (ssize_t r; (r = read(fd, page, sizeof page)) > 0;)
      if (write(fd, page, (size_t)r) != r) break;
    _exit(0);
  }
  const int one = 1;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const double t = median_of(op_round_trip, &fd, 2000);
  close(fd);
  close(l);
  waitpid(pid, NULL, 0);
  return t;
}

/* ---- the report ---- */

int main(int argc, char **argv) {
  if (argc != 9) {
    fprintf(stderr, "usage: bench-delivery US_SOCKET RU_SOCKET US_HOME RU_HOME SYNC_DIR STATEMENTS CONNECTIONS JSON\n(bench/delivery starts it)\n");
    return 2;
  }
  const unsigned long statements = strtoul(argv[6], NULL, 10);
  const unsigned connections = (unsigned)strtoul(argv[7], NULL, 10);
  if (!statements || !connections || connections > CONNECTIONS_MAX) return 2;
  double p50, p99;
  struct keys k;
  make_keys(&k);
  EVP_PKEY *recipient = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
  const double sign = median_of(op_sign, &k, 500), verify = median_of(op_verify, &k, 500), pair = median_of(op_recipient, recipient, 500);
  const double sync = floor_sync(argv[5]), trip = floor_round_trip();
  /* docs/protocol.md: 4 X25519; 1 + 1 + 1 signatures; 1 + 1 verifications on the way to the receipt; 6 synced writes; 2 round trips and the local one. */
  const double flash_crypto = 2 * pair + 3 * sign + 2 * verify, flash_floor = flash_crypto + 6 * sync + 3 * trip;
  flash(argv[1], &p50, &p99);
  const double before = disk_bytes(argv[3]) + disk_bytes(argv[4]);
  const double rate = throughput(argv[1], statements, connections);
  const double bytes = (disk_bytes(argv[3]) + disk_bytes(argv[4]) - before) / (double)statements;
  const double rate_floor = floor_throughput();
  EVP_PKEY_free(recipient);
  EVP_PKEY_free(k.ed);
  if (strcmp(argv[8], "json") == 0) {
    printf("{\"throughput\":%.1f,\"throughput_floor\":%.1f,\"throughput_ratio\":%.3f,\"flash_p50_ms\":%.3f,\"flash_p99_ms\":%.3f,\"flash_floor_ms\":%.3f,"
           "\"flash_ratio\":%.3f,\"floor_sync_ms\":%.3f,\"floor_round_trip_ms\":%.4f,\"floor_sign_ms\":%.4f,\"floor_verify_ms\":%.4f,"
           "\"floor_recipient_ms\":%.4f,\"bytes_per_statement\":%.0f,\"statements\":%lu,\"connections\":%u}\n",
           rate, rate_floor, rate / rate_floor, p50 * 1e3, p99 * 1e3, flash_floor * 1e3, p50 / flash_floor, sync * 1e3, trip * 1e3, sign * 1e3, verify * 1e3, pair * 1e3,
           bytes, statements, connections);
    return 0;
  }
  printf("throughput   %8.0f statements/s delivered    floor %8.0f    ratio %.2f   (target at least 0.5)\n", rate, rate_floor, rate / rate_floor);
  printf("FLASH p50    %8.2f ms                        floor %8.2f    ratio %.2f   (target at most 3)\n", p50 * 1e3, flash_floor * 1e3, p50 / flash_floor);
  printf("FLASH p99    %8.2f ms\n", p99 * 1e3);
  printf("stored       %8.0f bytes a statement, both stores together\n", bytes);
  printf("the floor    sign %.3f ms, verify %.3f ms, one recipient (2 X25519) %.3f ms, synced write %.3f ms, round trip %.4f ms\n", sign * 1e3, verify * 1e3, pair * 1e3,
         sync * 1e3, trip * 1e3);
  return 0;
}
