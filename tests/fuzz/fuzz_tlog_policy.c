/*
 * tlog-policy has many texts for one policy, so there is no round trip: an accepted policy must judge a note without
 * harm, and a note that nobody has signed must never satisfy it.
 */
#include <stdlib.h>

#include "formats/tlog.h"

#define NOTE "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u2014 n AAAAAAA=\n"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct arena a = {0};
  struct tlog_policy *policy;
  struct note note;
  struct errmsg e;
  if (note_parse(&note, &a, bytes_str(NOTE), &e)) abort();
  if (tlog_policy_parse(&policy, &a, BYTES(p, n), &e) == PARLEY_OK && tlog_policy_check(policy, &note, &e) == PARLEY_OK)
    abort();
  arena_free(&a);
  return 0;
}
