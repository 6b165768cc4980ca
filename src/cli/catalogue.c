#include "cli/catalogue.h"

#include <string.h>

#include "cli/plural.h"

#define MAGIC 0x950412deu
#define HEADER_SIZE 28

static uint32_t u32(const struct catalogue *c, size_t at) {
  const uint8_t *p = c->file.p + at;
  uint32_t x = 0;
  for (size_t i = 0; i < 4; i++) x = x << 8 | p[c->big ? i : 3 - i];
  return x;
}

/* String number i of a table, with a NUL behind it; p is NULL where it does not lie in the file. */
static struct bytes string_at(const struct catalogue *c, uint32_t table, uint32_t i) {
  const size_t n = u32(c, table + 8 * (size_t)i), at = u32(c, table + 8 * (size_t)i + 4);
  if (at >= c->file.n || n >= c->file.n - at || c->file.p[at + n] != '\0') return BYTES_NONE;
  return BYTES(c->file.p + at, n);
}

static bool table_fits(const struct catalogue *c, uint32_t table) {
  return table <= c->file.n && c->count <= (c->file.n - table) / 8;
}

bool catalogue_open(struct catalogue *out, struct bytes file) {
  *out = (struct catalogue){.file = file};
  if (file.n < HEADER_SIZE || file.n > CATALOGUE_MAX) return false;
  out->big = u32(out, 0) != MAGIC;
  if (u32(out, 0) != MAGIC) return false;
  out->count = u32(out, 8);
  out->originals = u32(out, 12);
  out->translations = u32(out, 16);
  if (!table_fits(out, out->originals) || !table_fits(out, out->translations)) return false;
  for (uint32_t i = 0; i < out->count; i++)
    if (string_at(out, out->originals, i).p == NULL || string_at(out, out->translations, i).p == NULL) return false;
  const char *header = catalogue_find(out, "");
  const char *forms = header != NULL ? strstr(header, "plural=") : NULL;
  out->plural = forms != NULL ? forms + strlen("plural=") : NULL;
  return true;
}

/* The originals are sorted; a plural one is "one\0many", found by its first part. */
static struct bytes find(const struct catalogue *c, const char *id) {
  uint32_t low = 0, high = c->count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const int order = strcmp((const char *)string_at(c, c->originals, middle).p, id);
    if (order == 0) return string_at(c, c->translations, middle);
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return BYTES_NONE;
}

const char *catalogue_find(const struct catalogue *c, const char *id) {
  const struct bytes s = find(c, id);
  return s.n > 0 ? (const char *)s.p : NULL;
}

const char *catalogue_find_n(const struct catalogue *c, const char *id, unsigned long n) {
  const struct bytes all = find(c, id);
  size_t at = 0;
  if (all.n == 0) return NULL;
  for (unsigned long form = plural_form(c->plural, n); form > 0; form--) {
    const size_t end = bytes_find(all, at, '\0');
    if (end == (size_t)-1) return (const char *)all.p; /* fewer forms than the header promises */
    at = end + 1;
  }
  return (const char *)all.p + at;
}
