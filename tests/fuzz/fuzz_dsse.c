/*
 * DSSE envelopes: whatever is accepted is written again byte for byte.
 */
#include <stdlib.h>

#include "formats/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  /* An honest key, of an all-zero seed: under a key of small order anybody's signature could verify. */
  static const uint8_t pub[ED25519_KEY_SIZE] = {0x3b, 0x6a, 0x27, 0xbc, 0xce, 0xb6, 0xa4, 0x2d, 0x62, 0xa3, 0xa8,
                                                0xd0, 0x2a, 0x6f, 0x0d, 0x73, 0x65, 0x32, 0x15, 0x77, 0x1d, 0xe2,
                                                0x43, 0xa6, 0x3a, 0xc0, 0x48, 0xa1, 0x8b, 0x59, 0xda, 0x29};
  struct arena a = {0};
  struct dsse d;
  if (dsse_parse(&d, &a, BYTES(p, n), 65535, NULL) == PARLEY_OK) {
    struct buf b = {0};
    dsse_write(&b, &d);
    if (!bytes_eq(buf_view(&b), BYTES(p, n)) || dsse_signed_by(&d, 0, pub) == PARLEY_OK) abort();
    buf_free(&b);
  }
  arena_free(&a);
  return 0;
}
