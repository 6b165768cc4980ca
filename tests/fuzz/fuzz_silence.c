/* silent.json and attempts.json: what is taken reads again as itself. The first byte chooses. */
#include <stdlib.h>

#include "record/silence.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct arena a = {0};
  struct buf again = {0};
  struct silence_list l;
  struct silence_attempts t;
  if (n == 0) return 0;
  const struct bytes in = BYTES(p + 1, n - 1);
  if (p[0] & 1 ? silence_list_parse(&l, &a, in, NULL) == PARLEY_OK
               : silence_attempts_parse(&t, &a, in, NULL) == PARLEY_OK) {
    if (p[0] & 1)
      silence_list_write(&again, &l);
    else
      silence_attempts_write(&again, &t);
    if (!bytes_eq(buf_view(&again), in)) abort();
  }
  buf_free(&again);
  arena_free(&a);
  return 0;
}
