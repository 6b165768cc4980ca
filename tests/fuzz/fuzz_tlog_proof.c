/*
 * tlog-proof: whatever is accepted is written again byte for byte.
 */
#include <stdlib.h>

#include "formats/tlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct arena a = {0};
  struct tlog_proof proof;
  if (tlog_proof_parse(&proof, &a, BYTES(p, n), NULL) == PARLEY_OK) {
    struct buf b = {0};
    tlog_proof_write(&b, &proof);
    if (!bytes_eq(buf_view(&b), BYTES(p, n))) abort();
    buf_free(&b);
  }
  arena_free(&a);
  return 0;
}
