/*
 * Names of tiles (tlog-tiles: Merkle Tree, Partial Tiles, Log entries). Exactly one text names each tile.
 */
#include <string.h>

#include "base/encoding.h"
#include "merkle/tiles.h"

/* Groups of three digits that a 64-bit number can need. */
#define GROUPS_MAX 7

void tile_path(struct buf *out, const struct tile_name *t) {
  if (t->kind == TILE_ENTRIES)
    buf_str(out, "tile/entries/");
  else
    buf_fmt(out, "tile/%u/", t->level);
  unsigned groups[GROUPS_MAX];
  size_t n = 0;
  uint64_t rest = t->n;
  do {
    groups[n++] = (unsigned)(rest % 1000);
    rest /= 1000;
  } while (rest);
  while (n > 1) buf_fmt(out, "x%03u/", groups[--n]);
  buf_fmt(out, "%03u", groups[0]);
  if (t->width < TILE_WIDTH) buf_fmt(out, ".p/%u", t->width);
}

static bool skip(struct bytes *rest, const char *s) {
  const size_t n = strlen(s);
  if (rest->n < n || memcmp(rest->p, s, n) != 0) return false;
  rest->p += n;
  rest->n -= n;
  return true;
}

static bool take_level(struct bytes *rest, struct tile_name *t) {
  if (skip(rest, "entries/")) {
    t->kind = TILE_ENTRIES;
    t->level = 0;
    return true;
  }
  const size_t slash = bytes_find(*rest, 0, '/');
  uint64_t level;
  if (slash == (size_t)-1 || !dec_decode(&level, BYTES(rest->p, slash)) || level > 63) return false;
  t->kind = TILE_HASHES;
  t->level = (unsigned)level;
  rest->p += slash + 1;
  rest->n -= slash + 1;
  return true;
}

static bool take_group(struct bytes *rest, unsigned *group) {
  if (rest->n < 3) return false;
  *group = 0;
  for (size_t i = 0; i < 3; i++) {
    if (rest->p[i] < '0' || rest->p[i] > '9') return false;
    *group = *group * 10 + (unsigned)(rest->p[i] - '0');
  }
  rest->p += 3;
  rest->n -= 3;
  return true;
}

static bool take_number(struct bytes *rest, uint64_t *n) {
  unsigned group;
  *n = 0;
  for (bool first = true; skip(rest, "x"); first = false) {
    if (!take_group(rest, &group) || !skip(rest, "/")) return false;
    if (first && group == 0) return false; /* a leading x000 would be a second name */
    if (*n > (UINT64_MAX - group) / 1000) return false;
    *n = *n * 1000 + group;
  }
  if (!take_group(rest, &group) || *n > (UINT64_MAX - group) / 1000) return false;
  *n = *n * 1000 + group;
  return true;
}

bool tile_parse(struct tile_name *out, struct bytes path) {
  struct tile_name t = {.width = TILE_WIDTH};
  if (!skip(&path, "tile/") || !take_level(&path, &t) || !take_number(&path, &t.n)) return false;
  if (path.n > 0) {
    uint64_t width;
    if (!skip(&path, ".p/") || !dec_decode(&width, path) || width < 1 || width >= TILE_WIDTH) return false;
    t.width = (unsigned)width;
  }
  *out = t;
  return true;
}

unsigned tile_width(unsigned level, uint64_t n, uint64_t size) {
  if (level >= 8) return 0; /* 256^8 leaves are more than any size */
  const uint64_t hashes = size >> (8 * level);
  if (n > hashes / TILE_WIDTH) return 0;
  const uint64_t width = hashes - n * TILE_WIDTH;
  return width < TILE_WIDTH ? (unsigned)width : TILE_WIDTH;
}
