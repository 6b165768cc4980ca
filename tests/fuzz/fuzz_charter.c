/*
 * Charters: what parses is written again and parses to the same; an envelope needs cards, and nobody has one here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forum/charter.h"

static const struct card *no_card(void *ctx, const char *name, const uint8_t fingerprint[static SHA256_SIZE]) {
  (void)ctx;
  (void)name;
  (void)fingerprint;
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  static struct charter c, again;
  struct arena a = {0};
  struct buf first = {0}, second = {0};
  struct errmsg e;
  bool signed_by[FORUM_MEMBERS_MAX], complete;
  if (charter_parse(&c, &a, BYTES(p, n), &e) == PARLEY_OK) {
    if (charter_payload(&first, &c, &e) != PARLEY_OK) __builtin_trap();
    if (charter_parse(&again, &a, buf_view(&first), &e) != PARLEY_OK) __builtin_trap();
    if (charter_payload(&second, &again, &e) != PARLEY_OK || !bytes_eq(buf_view(&first), buf_view(&second)))
      __builtin_trap();
  }
  if (charter_envelope_parse(&c, signed_by, &complete, &a, BYTES(p, n), no_card, NULL, &e) == PARLEY_OK)
    __builtin_trap(); /* a signature by nobody known */
  buf_free(&first);
  buf_free(&second);
  arena_free(&a);
  return 0;
}
