/*
 * Crash points (see fault.h). The one file with a variable of its own: it counts steps of the process.
 */
#include "daemon/fault.h"

#ifdef PARLEY_FAULTS

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/backend.h"

void fault_point(void) {
  static unsigned long steps;
  const char *at = getenv("PARLEY_KILL_AT");
  if (at && ++steps == strtoul(at, NULL, 10)) kill(getpid(), SIGKILL);
}

int64_t fault_clock_offset(void) {
  const char *seconds = getenv("PARLEY_CLOCK_OFFSET");
  return seconds ? strtoll(seconds, NULL, 10) : 0;
}

struct faulty { /* stands behind the store's function table */
  struct store_ops ops;
  const struct store_ops *real;
};

static const struct store_ops *real_ops(const struct store *s) { return ((const struct faulty *)s->ops)->real; }

static parley_err commit(struct store *s, struct errmsg *e) {
  fault_point();
  const parley_err err = real_ops(s)->commit(s, e);
  fault_point();
  return err;
}

static void close_store(struct store *s) {
  struct faulty *f = (struct faulty *)s->ops;
  s->ops = f->real;
  s->ops->close(s);
  free(f);
}

struct store *fault_store(struct store *s) {
  struct faulty *f = malloc(sizeof *f);
  if (!f) {
    store_close(s);
    return NULL;
  }
  *f = (struct faulty){.ops = *s->ops, .real = s->ops};
  f->ops.commit = commit;
  f->ops.close = close_store;
  s->ops = &f->ops;
  return s;
}

#else
typedef int fault_nothing; /* a file may not be empty */
#endif
