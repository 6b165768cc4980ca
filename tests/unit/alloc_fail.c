#include "unit/alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <execinfo.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <sqlite3.h>

#include "crypto/crypto.h"

#define RESULT_MAX (1u << 20)
#define STDERR_MAX 4096
#define LIVE_SLOTS (1u << 16)
#define BAD_SHOWN_MAX 40

/* Made by the linker from --wrap. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);

enum who { OURS, OPENSSL, WHO_COUNT };
enum mode { ONCE, FROM_THEN_ON, ONCE_IN_OPENSSL, MODE_COUNT };

static const char *const mode_names[MODE_COUNT] = {"alone", "and all later ones", "alone, in OpenSSL"};

static struct {
  bool armed;
  enum who who;    /* whose allocations count */
  bool all;        /* the one and all later ones */
  uint64_t left;   /* allocations until one fails */
  bool failed;     /* one has failed */
  unsigned paused; /* depth of alloc_pause */
  uint64_t seen[WHO_COUNT];
  void *from[24]; /* who asked for the first that failed */
  int from_n;
} state;

/* ---- what is allocated now: a set of addresses ---- */

static void *live[LIVE_SLOTS];
static size_t live_n;

static size_t slot_of(const void *p) { return (size_t)(((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 48) % LIVE_SLOTS; }

static void *note(void *p) {
  if (!p) return NULL;
  size_t i = slot_of(p);
  while (live[i]) i = (i + 1) % LIVE_SLOTS;
  live[i] = p;
  if (++live_n > LIVE_SLOTS / 2) abort(); /* a test needs a larger table */
  return p;
}

/* Removes p, if it is there, and closes the gap in its run of the table. */
static void forget(const void *p) {
  size_t i = slot_of(p), from;
  while (live[i] && live[i] != p) i = (i + 1) % LIVE_SLOTS;
  if (!live[i]) return; /* the C library's */
  live_n--;
  for (from = (i + 1) % LIVE_SLOTS; live[from]; from = (from + 1) % LIVE_SLOTS) {
    const size_t home = slot_of(live[from]);
    if (i <= from ? home <= i || home > from : home <= i && home > from) {
      live[i] = live[from];
      i = from;
    }
  }
  live[i] = NULL;
}

size_t alloc_live(void) { return live_n; }

/* ---- failing ---- */

static bool fails(enum who who) {
  if (!state.paused) state.seen[who]++;
  if (!state.armed || state.paused || state.who != who) return false;
  if (state.failed) return state.all;
  if (--state.left > 0) return false;
  state.failed = true;
  state.from_n = backtrace(state.from, sizeof state.from / sizeof *state.from);
  return true;
}

static void arm(enum mode mode, uint64_t k) {
  state.armed = true;
  state.who = mode == ONCE_IN_OPENSSL ? OPENSSL : OURS;
  state.all = mode == FROM_THEN_ON;
  state.left = k;
  state.failed = false;
}

static bool disarm(void) {
  state.armed = false;
  return state.failed;
}

void alloc_pause(void) { state.paused++; }
void alloc_resume(void) { state.paused--; }

/* ---- our code, by the linker ---- */

void *__wrap_malloc(size_t n) { return fails(OURS) ? NULL : note(__real_malloc(n)); }
void *__wrap_calloc(size_t n, size_t size) { return fails(OURS) ? NULL : note(__real_calloc(n, size)); }
char *__wrap_strdup(const char *s) { return fails(OURS) ? NULL : note(__real_strdup(s)); }

void *__wrap_realloc(void *p, size_t n) {
  if (fails(OURS)) return NULL;
  void *q = __real_realloc(p, n);
  if (q && p) forget(p);
  return q ? note(q) : NULL;
}

void __wrap_free(void *p) {
  if (p) forget(p);
  __real_free(p);
}

/* ---- the libraries. SQLite keeps caches: what it holds is not counted. ---- */

static void *sqlite_malloc(int n) { return fails(OURS) ? NULL : __real_malloc((size_t)n); }
static void sqlite_free(void *p) { __real_free(p); }
static void *sqlite_realloc(void *p, int n) { return fails(OURS) ? NULL : __real_realloc(p, (size_t)n); }
static int sqlite_size(void *p) { return (int)malloc_usable_size(p); }
static int sqlite_roundup(int n) { return (n + 7) & ~7; }
static int sqlite_init(void *ctx) {
  (void)ctx;
  return SQLITE_OK;
}
static void sqlite_shutdown(void *ctx) { (void)ctx; }

static void *ssl_malloc(size_t n, const char *file, int line) {
  (void)file, (void)line;
  return fails(OPENSSL) ? NULL : __real_malloc(n);
}
static void *ssl_realloc(void *p, size_t n, const char *file, int line) {
  (void)file, (void)line;
  return fails(OPENSSL) ? NULL : __real_realloc(p, n);
}
static void ssl_free(void *p, const char *file, int line) {
  (void)file, (void)line;
  __real_free(p);
}

/* What OpenSSL fetches at first use it keeps; lack of memory in the midst of that is beyond our control. */
static void use_everything(void) {
  uint8_t out[64], key[32] = {9}, nonce[12] = {0}, sig[64];
  struct ed25519_key *k;
  sha256(out, BYTES_NONE);
  if (ed25519_from_seed(&k, key, NULL)) abort();
  ed25519_sign(sig, k, bytes_str("text"));
  if (!ed25519_verify(ed25519_public(k), sig, bytes_str("text"))) abort();
  ed25519_free(k);
  x25519_base(out, key);
  x25519_share(out, out + 32, key, key);
  hmac_sha256(out, BYTES(key, 32), BYTES_NONE);
  if (!aead_seal(out, key, nonce, BYTES(key, 32)) || !aead_open(out, key, nonce, BYTES(out, 48)) ||
      scrypt_derive(out, 32, bytes_str("p"), bytes_str("s"), 1, NULL))
    abort();
}

void alloc_fail_init(void) {
  static const sqlite3_mem_methods methods = {sqlite_malloc,  sqlite_free, sqlite_realloc,  sqlite_size,
                                              sqlite_roundup, sqlite_init, sqlite_shutdown, NULL};
  if (!CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) ||
      sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
      sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
    abort();
  use_everything();
  state.from_n = backtrace(state.from, 1); /* which allocates the first time */
}

/* ---- one run in a child ---- */

static struct {
  uint64_t allocations[WHO_COUNT]; /* of the run without failures */
  size_t n;
  uint8_t result[RESULT_MAX]; /* of the run without failures */
  char why[3000];
} * shared;

enum { CHILD_OK = 10, CHILD_THROUGH, CHILD_WRONG }; /* exit codes */

static _Noreturn void wrong(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(shared->why, sizeof shared->why, fmt, ap);
  va_end(ap);
  backtrace_symbols_fd(state.from, state.from_n, STDERR_FILENO); /* for addr2line */
  _exit(CHILD_WRONG);
}

static bool as_expected(const struct buf *r) {
  return !r->failed && r->n == shared->n && (r->n == 0 || memcmp(r->p, shared->result, r->n) == 0);
}

static _Noreturn void other_result(const char *said, const struct buf *r) {
  wrong("after \"%s\" the result is not\n%.*s\nbut\n%.*s", said, (int)(shared->n < 1000 ? shared->n : 1000),
        (const char *)shared->result, (int)(r->n < 1000 ? r->n : 1000), (const char *)r->p);
}

static _Noreturn void first_run(const struct alloc_case *c) {
  struct buf result = {0};
  struct errmsg e = {{0}};
  for (enum who who = OURS; who < WHO_COUNT; who++) state.seen[who] = 0;
  const parley_err err = c->run(c->ctx, &result, &e);
  if (err) wrong("fails with memory at hand: %s (%s)", e.text, err_name(err));
  for (enum who who = OURS; who < WHO_COUNT; who++) shared->allocations[who] = state.seen[who];
  if (result.n > RESULT_MAX) wrong("the result is too long to keep");
  shared->n = result.n;
  if (result.n) memcpy(shared->result, result.p, result.n);
  _exit(CHILD_OK);
}

static void check_failed(const struct alloc_case *c, parley_err err, const struct errmsg *e) {
  struct buf result = {0};
  struct errmsg again = {{0}};
  if (err != PARLEY_ENOMEM) wrong("the error is \"%s\" (%s), not out of memory", e->text, err_name(err));
  if (!e->text[0]) wrong("the error has no sentence");
  err = c->run(c->ctx, &result, &again);
  if (err) wrong("after \"%s\" it fails with memory at hand: %s (%s)", e->text, again.text, err_name(err));
  if (!as_expected(&result)) other_result(e->text, &result);
  buf_free(&result);
}

static _Noreturn void failing_run(const struct alloc_case *c, enum mode mode, uint64_t k) {
  struct buf result = {0};
  struct errmsg e = {{0}};
  const size_t before = c->close ? c->live_before : live_n;
  arm(mode, k);
  const parley_err err = c->run(c->ctx, &result, &e);
  const bool failed = disarm();
  if (err && !failed) wrong("fails though nothing failed: %s (%s)", e.text, err_name(err));
  if (!err && !as_expected(&result)) other_result("it says it succeeded", &result);
  buf_free(&result);
  if (err) check_failed(c, err, &e);
  if (c->close) c->close(c->ctx);
  if (live_n != before) wrong("%zd blocks are left allocated after \"%s\"", (ssize_t)(live_n - before), e.text);
  _exit(failed ? CHILD_OK : CHILD_THROUGH);
}

/* ---- the loop ---- */

struct end {
  int status;
  char says[STDERR_MAX];
};

/* k = 0: the run without failures. Output of the child is kept. */
static void in_child(struct end *out, const struct alloc_case *c, enum mode mode, uint64_t k) {
  fflush(NULL);
  const int fd = memfd_create("stderr", MFD_CLOEXEC);
  const pid_t pid = fork();
  assert_true(fd >= 0 && pid >= 0);
  if (pid == 0) {
    for (int sig = 1; sig < 32; sig++) signal(sig, SIG_DFL); /* not cmocka's: a crash is to be one */
    setenv("CMOCKA_TEST_ABORT", "1", 1);                     /* likewise a failed assertion of what the test uses */
    dup2(fd, STDERR_FILENO);
    if (k == 0) first_run(c);
    failing_run(c, mode, k);
  }
  assert_int_equal(waitpid(pid, &out->status, 0), pid);
  const ssize_t n = pread(fd, out->says, sizeof out->says - 1, 0);
  out->says[n > 0 ? n : 0] = '\0';
  close(fd);
}

/* The documented stop of functions that have no way to fail (crypto/internal.h). */
static bool stopped(const struct end *end) {
  return WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGABRT &&
         strncmp(end->says, "parley: the cryptographic library cannot work", 45) == 0;
}

/* False when that was the last. */
static bool one(const struct alloc_case *c, enum mode mode, uint64_t k, unsigned *bad) {
  struct end end;
  in_child(&end, c, mode, k);
  const int code = WIFEXITED(end.status) ? WEXITSTATUS(end.status) : -1;
  if (code == CHILD_THROUGH) return false;
  if (code == CHILD_OK || (mode == ONCE_IN_OPENSSL && stopped(&end))) return true;
  if (++*bad > BAD_SHOWN_MAX) return true;
  fprintf(stderr, "%s, allocation %llu failing %s: ", c->name, (unsigned long long)k, mode_names[mode]);
  if (code == CHILD_WRONG)
    fprintf(stderr, "%s\n%s", shared->why, end.says);
  else
    fprintf(stderr, "the process ended with status %d: %s", end.status, end.says);
  return true;
}

static uint64_t step_of(const struct alloc_case *c, enum mode mode) {
  const uint64_t n = shared->allocations[mode == ONCE_IN_OPENSSL ? OPENSSL : OURS];
  return getenv("PARLEY_ALLOC_ALL") || c->runs_max == 0 || n < c->runs_max ? 1 : n / c->runs_max;
}

void alloc_loop(const struct alloc_case *c) {
  const enum mode end_mode = c->not_openssl ? ONCE_IN_OPENSSL : MODE_COUNT;
  uint64_t runs[MODE_COUNT] = {0};
  unsigned bad = 0;
  struct end end;
  if (!shared) {
    void *p = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    shared = p;
  }
  in_child(&end, c, ONCE, 0);
  if (!WIFEXITED(end.status) || WEXITSTATUS(end.status) != CHILD_OK)
    fail_msg("%s: %s%s", c->name, shared->why, end.says);
  for (enum mode mode = ONCE; mode < end_mode; mode++)
    for (uint64_t k = 1, step = step_of(c, mode); one(c, mode, k, &bad); k += step) runs[mode]++;
  printf("%s: of %llu allocations %llu failed alone, %llu with all later ones, %llu in OpenSSL\n", c->name,
         (unsigned long long)shared->allocations[OURS], (unsigned long long)runs[ONCE],
         (unsigned long long)runs[FROM_THEN_ON], (unsigned long long)runs[ONCE_IN_OPENSSL]);
  if (bad) fail_msg("%s: %u failures are not handled", c->name, bad);
}
