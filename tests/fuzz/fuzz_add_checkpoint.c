/*
 * add-checkpoint bodies and tree size answers: whatever is accepted is written again byte for byte.
 */
#include <stdlib.h>

#include "formats/tlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  const struct bytes in = BYTES(p, n);
  struct buf b = {0};
  struct add_checkpoint r;
  if (add_checkpoint_parse(&r, in, NULL) == PARLEY_OK) {
    add_checkpoint_write(&b, &r);
    if (!bytes_eq(buf_view(&b), in)) abort();
  }
  buf_clear(&b);
  uint64_t size;
  if (tlog_size_parse(&size, in, NULL) == PARLEY_OK) {
    tlog_size_write(&b, size);
    if (!bytes_eq(buf_view(&b), in)) abort();
  }
  buf_free(&b);
  return 0;
}
