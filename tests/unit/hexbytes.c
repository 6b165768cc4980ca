#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "unit/hexbytes.h"

struct bytes hexbytes(struct arena *a, const char *text) {
  size_t n = strlen(text) / 2;
  uint8_t *p = arena_alloc(a, n);
  assert_non_null(p);
  assert_true(hex_decode(p, n, bytes_str(text)));
  return BYTES(p, n);
}
