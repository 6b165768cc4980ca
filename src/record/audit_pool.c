#include "record/audit_pool.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS_MAX 8

enum { WAITS, RUNS, DONE };

struct audit_pool {
  pthread_mutex_t lock;
  pthread_cond_t put, done;
  struct audit_job *jobs[AUDIT_POOL_MAX]; /* a ring */
  unsigned first, n;
  bool stop;
  pthread_t threads[THREADS_MAX];
  unsigned n_threads;
};

/* The oldest job that nobody has begun; NULL. Under the lock. */
static struct audit_job *waiting(struct audit_pool *p) {
  for (unsigned i = 0; i < p->n; i++) {
    struct audit_job *j = p->jobs[(p->first + i) % AUDIT_POOL_MAX];
    if (j->state == WAITS) return j;
  }
  return NULL;
}

/* Under the lock, which is let go meanwhile. */
static void run(struct audit_pool *p, struct audit_job *j) {
  j->state = RUNS;
  pthread_mutex_unlock(&p->lock);
  j->work(j);
  pthread_mutex_lock(&p->lock);
  j->state = DONE;
  pthread_cond_signal(&p->done);
}

static void *worker(void *arg) {
  struct audit_pool *p = arg;
  pthread_mutex_lock(&p->lock);
  while (!p->stop) {
    struct audit_job *j = waiting(p);
    if (j)
      run(p, j);
    else
      pthread_cond_wait(&p->put, &p->lock);
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

parley_err audit_pool_new(struct audit_pool **out, unsigned threads, struct errmsg *e) {
  struct audit_pool *p = calloc(1, sizeof *p);
  if (!p) return err_set(e, PARLEY_ENOMEM, "out of memory for an audit");
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->put, NULL);
  pthread_cond_init(&p->done, NULL);
  for (unsigned i = 0; i < threads && i < THREADS_MAX; i++)
    if (pthread_create(&p->threads[p->n_threads], NULL, worker, p) == 0) p->n_threads++;
  *out = p;
  return PARLEY_OK;
}

bool audit_pool_full(const struct audit_pool *p) { return p->n == AUDIT_POOL_MAX; }

void audit_pool_put(struct audit_pool *p, struct audit_job *j) {
  pthread_mutex_lock(&p->lock);
  j->state = WAITS;
  p->jobs[(p->first + p->n++) % AUDIT_POOL_MAX] = j;
  pthread_cond_signal(&p->put);
  pthread_mutex_unlock(&p->lock);
}

struct audit_job *audit_pool_take(struct audit_pool *p) {
  if (p->n == 0) return NULL;
  pthread_mutex_lock(&p->lock);
  struct audit_job *j = p->jobs[p->first];
  while (j->state != DONE) {
    struct audit_job *mine = waiting(p);
    if (mine)
      run(p, mine);
    else
      pthread_cond_wait(&p->done, &p->lock);
  }
  p->first = (p->first + 1) % AUDIT_POOL_MAX;
  p->n--;
  pthread_mutex_unlock(&p->lock);
  return j;
}

void audit_pool_free(struct audit_pool *p) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  p->stop = true;
  pthread_cond_broadcast(&p->put);
  pthread_mutex_unlock(&p->lock);
  for (unsigned i = 0; i < p->n_threads; i++) pthread_join(p->threads[i], NULL);
  pthread_cond_destroy(&p->put);
  pthread_cond_destroy(&p->done);
  pthread_mutex_destroy(&p->lock);
  free(p);
}
