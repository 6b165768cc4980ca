/*
 * Bundles: the blocks of the archive, names, the first entry and packages, read as the command line reads a file. What is taken is
 * written again: blocks and names byte for byte in the one form that they have.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "record/bundle.h"
#include "record/bundle_join.h"

static void must(bool x) {
  if (!x) abort();
}

static void name(const char *text) {
  struct bundle_name n;
  char again[BUNDLE_PATH_MAX + 1];
  uint8_t block[BUNDLE_BLOCK];
  struct bundle_block b;
  if (!bundle_name_parse(&n, text)) return;
  bundle_name_write(again, &n);
  must(!strcmp(again, text));
  must(bundle_block_write(block, text, bundle_size_max(n.kind), 0, NULL) == PARLEY_OK);
  must(bundle_block_read(&b, block, NULL) == PARLEY_OK && !b.odd && !b.end && !strcmp(b.name, text));
}

static parley_err leaf(void *ctx, uint64_t index, const struct hash *h, struct errmsg *e) {
  struct leaf_run *r = ctx;
  (void)e;
  must(index == r->end);
  leaf_run_add(r, h);
  must(r->n <= LEAF_RUN_MAX);
  return PARLEY_OK;
}

static void entries(struct bytes in) {
  struct add_entries_head h;
  struct bundle_name n = {.kind = BUNDLE_ENTRIES};
  struct leaf_run run;
  struct hash root = {{0}};
  char origin[ADD_ENTRIES_ORIGIN_MAX + 1];
  size_t used;
  if (add_entries_head_parse(&h, &used, in, NULL) || memchr(h.origin.p, '\0', h.origin.n)) return;
  memcpy(origin, h.origin.p, h.origin.n);
  origin[h.origin.n] = '\0';
  n.start = h.start;
  if (bundle_entries_end(&n, in, origin, NULL)) return;
  must(n.end > n.start && n.end <= h.end);
  leaf_run_begin(&run, n.start);
  must(bundle_entries_walk(&n, in, origin, h.end, NULL, leaf, &run, NULL) == PARLEY_OK);
  must(run.end == n.end);
  bundle_entries_walk(&n, in, origin, h.end, &root, NULL, NULL, NULL);
}

static void head(struct bytes in) {
  struct bundle_head h;
  struct buf b = {0};
  if (bundle_head_parse(&h, in, NULL)) return;
  bundle_head_write(&b, &h);
  must(bytes_eq(buf_view(&b), in));
  buf_free(&b);
}

static void archive(struct bytes in) {
  struct bundle_block b;
  while (in.n >= BUNDLE_BLOCK && bundle_block_read(&b, in.p, NULL) == PARLEY_OK) {
    in = BYTES(in.p + BUNDLE_BLOCK, in.n - BUNDLE_BLOCK);
    must(strlen(b.name) <= BUNDLE_PATH_MAX && b.size >> 36 == 0);
    if (b.size > in.n) return;
    if (!b.odd && !b.end) name(b.name);
    head(BYTES(in.p, (size_t)b.size));
    entries(BYTES(in.p, (size_t)b.size));
    const size_t whole = (size_t)b.size + bundle_filling(b.size);
    if (whole > in.n) return;
    in = BYTES(in.p + whole, in.n - whole);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  char text[BUNDLE_PATH_MAX + 1];
  if (n <= BUNDLE_PATH_MAX && (n == 0 || !memchr(p, '\0', n))) {
    if (n) memcpy(text, p, n);
    text[n] = '\0';
    name(text);
  }
  archive(BYTES(p, n));
  head(BYTES(p, n));
  entries(BYTES(p, n));
  return 0;
}
