#include "daemon/pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct pool {
  pthread_t threads[POOL_THREADS_MAX];
  size_t n_threads;
  sem_t go, done;
  /* The job under way: written before go is posted, read after it was taken. */
  void (*work)(void *item);
  void *const *items;
  size_t n;
  atomic_size_t next;
  bool stop;
};

static void take_items(struct pool *p) {
  for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < p->n;) p->work(p->items[i]);
}

static void wait_for(sem_t *s) {
  while (sem_wait(s) != 0)
    ; /* interrupted by a debugger; signals are blocked */
}

static void *helper(void *arg) {
  struct pool *p = arg;
  for (;;) {
    wait_for(&p->go);
    if (p->stop) return NULL;
    take_items(p);
    sem_post(&p->done);
  }
}

/* Signals belong to the main thread. */
static bool start_threads(struct pool *p, size_t want) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (p->n_threads < want && pthread_create(&p->threads[p->n_threads], NULL, helper, p) == 0) p->n_threads++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return p->n_threads == want;
}

parley_err pool_start(struct pool **out, struct errmsg *e) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  const size_t want = cores < 2 ? 0 : cores - 1 < POOL_THREADS_MAX ? (size_t)cores - 1 : POOL_THREADS_MAX;
  struct pool *p = calloc(1, sizeof *p);
  if (!p) return err_set(e, PARLEY_ENOMEM, "out of memory");
  sem_init(&p->go, 0, 0);
  sem_init(&p->done, 0, 0);
  if (!start_threads(p, want)) {
    pool_stop(p);
    return err_set(e, PARLEY_EIO, "cannot start a thread; is the number of processes limited?");
  }
  *out = p;
  return PARLEY_OK;
}

void pool_run(struct pool *p, void (*work)(void *item), void *const *items, size_t n) {
  const size_t helpers = n - 1 < p->n_threads ? n - 1 : p->n_threads;
  p->work = work;
  p->items = items;
  p->n = n;
  atomic_store(&p->next, 0);
  for (size_t i = 0; i < helpers; i++) sem_post(&p->go);
  take_items(p);
  for (size_t i = 0; i < helpers; i++) wait_for(&p->done);
}

void pool_stop(struct pool *p) {
  if (!p) return;
  p->stop = true;
  for (size_t i = 0; i < p->n_threads; i++) sem_post(&p->go);
  for (size_t i = 0; i < p->n_threads; i++) pthread_join(p->threads[i], NULL);
  sem_destroy(&p->go);
  sem_destroy(&p->done);
  free(p);
}
