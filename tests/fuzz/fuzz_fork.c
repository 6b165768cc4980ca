/*
 * Proofs of two histories. Input: the files in one piece, as the store keeps them (record/fork.h). The corpus holds whole
 * proofs, so that changes to each file are tried behind signatures that fit.
 */
#include <stdlib.h>
#include <string.h>

#include "record/fork.h"

static void must(bool x) {
  if (!x) abort();
}

static void holds(const struct fork_result *r) {
  must(r->n_parties > 0 && !r->identified && r->size[0] <= r->size[1]);
  must(!hash_eq(r->size[0] == r->size[1] ? &r->root[1] : &r->prefix, &r->root[0]));
  for (size_t i = 0; i < r->n_parties; i++) must(r->parties[i].log || r->parties[i].mirror);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct arena a = {0};
  struct pack pack;
  struct fork_result r;
  struct buf again = {0}, manual = {0};
  struct errmsg e = {{0}};
  parley_err rc = fork_read(&pack, &a, BYTES(p, n), &e);
  must(rc == PARLEY_OK || rc == PARLEY_EINVAL);
  if (rc == PARLEY_OK) {
    fork_write(&again, &pack);
    must(bytes_eq(buf_view(&again), BYTES(p, n)));
    rc = fork_verify(&r, &a, &pack, NULL, &e);
    must(rc == PARLEY_OK || rc == PARLEY_EVERIFY || rc == PARLEY_EINVAL);
    if (rc == PARLEY_OK) {
      holds(&r);
      fork_verify_md(&manual, &r);
    }
  }
  must(rc == PARLEY_OK || e.text[0] != '\0');
  buf_free(&again);
  buf_free(&manual);
  arena_free(&a);
  return 0;
}
