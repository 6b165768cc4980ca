/*
 * DSSE envelopes: whatever is accepted is written again byte for byte.
 */
#include <stdlib.h>

#include "formats/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  static const uint8_t pub[ED25519_KEY_SIZE];
  struct arena a = {0};
  struct dsse d;
  if (dsse_parse(&d, &a, BYTES(p, n), 65535, NULL) == PARLEY_OK) {
    struct buf b = {0};
    dsse_write(&b, &d);
    if (!bytes_eq(buf_view(&b), BYTES(p, n)) || dsse_verify(&d, 0, pub)) abort();
    buf_free(&b);
  }
  arena_free(&a);
  return 0;
}
