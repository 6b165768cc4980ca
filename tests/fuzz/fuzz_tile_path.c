/*
 * Tile names: whatever is accepted is written again byte for byte.
 */
#include <stdlib.h>

#include "merkle/tiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct tile_name t;
  if (!tile_parse(&t, BYTES(p, n))) return 0;
  struct buf b = {0};
  tile_path(&b, &t);
  if (!bytes_eq(buf_view(&b), BYTES(p, n))) abort();
  buf_free(&b);
  return 0;
}
