/*
 * Evidence packs. Input: files one after the other, each a number (its name), two bytes of length, and the data. The corpus
 * holds whole packs, so that changes to each file are tried behind signatures that fit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/pack.h"

static const char *const names[] = {"VERIFY.md",
                                    "ack/entry.json",
                                    "ack/policy.tlog-policy",
                                    "ack/proof.tlog-proof",
                                    "bulk/checkpoint",
                                    "bulk/consistency",
                                    "cards/cert.us.example.json",
                                    "cards/ncc.ru.example.json",
                                    "cards/ncsc.ch.example.json",
                                    "charter.0.json",
                                    "charter.1.json",
                                    "charter.json",
                                    "entry.json",
                                    "policy.tlog-policy",
                                    "proof.tlog-proof",
                                    "reject/entry.json",
                                    "reject/policy.tlog-policy",
                                    "reject/proof.tlog-proof",
                                    "reject/body.json",
                                    "body.json",
                                    "bulk/range",
                                    "cards/cert.us.example.0.json",
                                    "cards/ncc.ru.example.0.json"};

static bool next(struct pack_file *out, const uint8_t **p, size_t *n) {
  if (*n < 3) return false;
  const size_t size = u16be(*p + 1) < *n - 3 ? u16be(*p + 1) : *n - 3;
  snprintf(out->name, sizeof out->name, "%s", names[**p % (sizeof names / sizeof *names)]);
  out->data = BYTES(*p + 3, size);
  *p += 3 + size;
  *n -= 3 + size;
  return true;
}

static void must(bool x) {
  if (!x) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct pack_file files[32];
  struct pack pack = {.files = files};
  struct arena a = {0};
  struct pack_result r;
  struct errmsg e = {{0}};
  while (pack.n < 32 && next(&files[pack.n], &p, &n)) pack.n++;
  const parley_err rc = pack_verify(&r, &a, &pack, NULL, &e);
  must(rc == PARLEY_OK || rc == PARLEY_EVERIFY || rc == PARLEY_EINVAL);
  if (rc == PARLEY_OK)
    must(!r.identified && r.n_parties >= 2 && r.n_parties == r.statement.n_to + 1 && r.parties[1].delivered >= 0);
  else
    must(e.text[0] != '\0' && r.parties == NULL);
  pack_result_clear(&r);
  arena_free(&a);
  return 0;
}
