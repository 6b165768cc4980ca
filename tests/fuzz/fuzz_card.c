/*
 * Cards: an envelope as it stands, and any text as a payload signed by keys that do not belong to it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forum/card.h"

static void parse(struct bytes envelope) {
  struct arena a = {0};
  struct card c;
  struct errmsg e;
  bool unproved;
  if (card_parse(&c, &a, envelope, NULL, &unproved, &e) == PARLEY_OK && !party_name_valid(c.name)) __builtin_trap();
  arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  parse(BYTES(p, n));
  struct dsse_sig sigs[4];
  struct buf env = {0};
  memset(sigs, 0, sizeof sigs);
  for (size_t i = 0; i < 4; i++) {
    memset(sigs[i].keyid, 'a' + (int)i, 64);
    sigs[i].keyid[64] = '\0';
  }
  dsse_write(&env, &(struct dsse){.type = bytes_str(CARD_TYPE), .payload = BYTES(p, n), .n = 3 + n % 2, .sigs = sigs});
  if (buf_ok(&env)) parse(buf_view(&env));
  buf_free(&env);
  return 0;
}
