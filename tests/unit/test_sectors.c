/* Sectors that are shared read like bytes that are not: many files, written, zeroed and copied by chance, against plain arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../sim/sectors.h"

#define FILES 5
#define SIZE 4000

static uint64_t state = 1;
static size_t below(size_t n) {
  state = state * 6364136223846793005 + 1442695040888963407;
  return (size_t)(state >> 33) % n;
}

static void test_like_bytes(void **ctx) {
  static uint8_t plain[FILES][SIZE], got[SIZE], bytes[SIZE];
  struct sectors s[FILES] = {{0}};
  (void)ctx;
  for (unsigned round = 0; round < 20000; round++) {
    const size_t i = below(FILES), at = below(SIZE), n = below(below(4) ? 600 : SIZE - at) % (SIZE - at + 1);
    switch (below(4)) {
    case 0: /* few values, so that sectors become equal, and unequal again */
    case 1:
      memset(bytes, (int)below(3), n);
      sectors_write(&s[i], at, bytes, n);
      memcpy(plain[i] + at, bytes, n);
      break;
    case 2:
      sectors_zero(&s[i], at, n);
      memset(plain[i] + at, 0, n);
      break;
    default: {
      const size_t k = below(FILES);
      if (k == i || below(8)) break;
      sectors_free(&s[k]);
      sectors_copy(&s[k], &s[i]);
      memcpy(plain[k], plain[i], SIZE);
    }
    }
    const size_t look = below(FILES);
    sectors_read(&s[look], at, got, n);
    assert_memory_equal(got, plain[look] + at, n);
  }
  for (unsigned i = 0; i < FILES; i++) {
    sectors_read(&s[i], 0, got, SIZE);
    assert_memory_equal(got, plain[i], SIZE);
    sectors_free(&s[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_like_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
