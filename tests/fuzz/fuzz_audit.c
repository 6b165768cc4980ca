/* An audit of a source that answers anything: pages, tiles, entries, notes and proofs as a hostile mirror would give them. */
#include <stdlib.h>
#include <string.h>

#include "record/audit.h"

#define ORIGIN "a.example/0101010101010101010101010101010101010101010101010101010101010101/0"

struct feed {
  const uint8_t *p;
  size_t n;
  unsigned gets;
};

/* Each answer: two bytes of length, then so much of the input; a length of 65,535 is "there is none", and so is the end. */
static parley_err get(void *ctx, const char *name, struct buf *out, struct errmsg *e) {
  struct feed *f = ctx;
  if (strcmp(name, "logs") == 0 && f->n > 0) {
    buf_fmt(out, ORIGIN " %u 3\n" ORIGIN "/bulk %u - %u\n", f->p[0], f->p[0] % 9, f->p[0] % 2);
    return PARLEY_OK;
  }
  if (f->n < 2 || f->gets++ > 200) return err_set(e, PARLEY_ENOTFOUND, "over");
  size_t n = u16be(f->p);
  f->p += 2;
  f->n -= 2;
  if (n == UINT16_MAX) return err_set(e, PARLEY_ENOTFOUND, "none");
  if (n > f->n) n = f->n;
  buf_add(out, f->p, n);
  f->p += n;
  f->n -= n;
  return PARLEY_OK;
}

static void told(void *ctx, const struct audit_problem *p) {
  (void)ctx;
  if (p->what[0] == '\0' || p->advice[0] == '\0') abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct feed f = {data, size, 0};
  struct audit_result r;
  struct errmsg e;
  const struct audit_source s = {.ctx = &f, .get = get};
  const struct audit_options o = {.self = "a.example", .problem = told};
  if (audit_run(&r, &s, &o, &e) == PARLEY_OK) audit_result_free(&r);
  return 0;
}
