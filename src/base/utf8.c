#include "base/utf8.h"

#include "base/encoding.h"

size_t utf8_next(uint32_t *c, const uint8_t *p, size_t n) {
  if (n == 0) return 0;
  if (p[0] < 0x80) {
    *c = p[0];
    return 1;
  }
  size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
  if (p[0] < 0xc2 || p[0] > 0xf4 || len > n) return 0;
  static const uint32_t smallest[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
  uint32_t x = p[0] & (0x7fu >> len);
  for (size_t i = 1; i < len; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    x = x << 6 | (p[i] & 0x3fu);
  }
  if (x < smallest[len] || x > 0x10ffff || (x >= 0xd800 && x <= 0xdfff)) return 0;
  *c = x;
  return len;
}

bool utf8_valid(struct bytes b) {
  size_t i = 0;
  while (i < b.n) {
    if (b.p[i] < 0x80) {
      i++;
      continue;
    }
    uint32_t c;
    size_t len = utf8_next(&c, b.p + i, b.n - i);
    if (len == 0) return false;
    i += len;
  }
  return true;
}
