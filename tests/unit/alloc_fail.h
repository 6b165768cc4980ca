/*
 * Running out of memory on purpose. The programs test_alloc_*.c are linked so that every malloc, calloc, realloc, strdup
 * and free of our own code comes here (tests/meson.build), and SQLite and OpenSSL are told to allocate here too (jansson does by json_load.c).
 * An operation is run again and again, in a child process each time, with allocation number 1, 2, 3 … failing, until it
 * gets through without needing the one that would fail.
 *
 * Each time it must end in PARLEY_ENOMEM with a sentence, or succeed all the same; then, with memory at hand again and on
 * the same state, it must succeed with the result that it has without failures; and nothing may be left allocated.
 */
#ifndef PARLEY_TESTS_ALLOC_FAIL_H
#define PARLEY_TESTS_ALLOC_FAIL_H

#include "base/bytes.h"
#include "base/err.h"

/* Called first in main, before anything is allocated. */
void alloc_fail_init(void);

/* Between these nothing fails: for what an operation does only to look, or to prepare. They nest. */
void alloc_pause(void);
void alloc_resume(void);

/*
 * One run of the operation under test on ctx. result gets whatever must be equal every time. On PARLEY_OK and on failure
 * alike everything it made is freed, except what belongs to ctx.
 */
typedef parley_err (*alloc_run)(void *ctx, struct buf *result, struct errmsg *e);

struct alloc_case {
  const char *name;
  alloc_run run;
  void *ctx;
  void (*close)(
      void *ctx);     /* frees ctx; after it no more is allocated than before the ctx was made. NULL: run frees all */
  size_t live_before; /* alloc_live() before the ctx was made; only with close */
  unsigned runs_max;  /* about so many are tried, evenly spread; 0, or PARLEY_ALLOC_ALL in the environment: all */
  bool not_openssl;   /* OpenSSL's allocations are not tried */
};

/* Our and jansson's blocks that are allocated now. */
size_t alloc_live(void);

/* Fails the test (cmocka) with the case, the number of the allocation and what was wrong. */
void alloc_loop(const struct alloc_case *c);

#endif
