/*
 * Message catalogues: any bytes as a file, and any text as a plural expression.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/plural.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  static const char *const ids[] = {"", "never", "%lld day", "out of memory"};
  struct catalogue c;
  size_t total = 0;
  if (catalogue_open(&c, BYTES(p, n)))
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
      const char *one = catalogue_find(&c, ids[i]), *many = catalogue_find_n(&c, ids[i], i);
      total += (one != NULL ? strlen(one) : 0) + (many != NULL ? strlen(many) : 0);
    }
  char *text = malloc(n + 1);
  if (text == NULL) return 0;
  if (n > 0) memcpy(text, p, n);
  text[n] = '\0';
  total += plural_form(text, 1) + plural_form(text, 112);
  free(text);
  return total == (size_t)-1;
}
