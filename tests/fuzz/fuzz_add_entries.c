/*
 * add-entries: a head, then packages of as many entries as the interval demands; entry bundles; mirror-info. All are
 * written again byte for byte. A front of what was accepted must ask for more.
 */
#include <stdlib.h>

#include "formats/tlog.h"

static void must(bool x) {
  if (!x) abort();
}

static void body(struct bytes in, struct entry_package *package) {
  struct add_entries_head h;
  struct buf b = {0};
  size_t used;
  if (add_entries_head_parse(&h, &used, in, NULL)) return;
  add_entries_head_write(&b, &h);
  must(bytes_eq(buf_view(&b), BYTES(in.p, used)));
  if (used > 0) must(add_entries_head_parse(&h, &(size_t){0}, BYTES(in.p, used - 1), NULL) == PARLEY_EBUSY);
  for (uint64_t at = h.start; at < h.end;) {
    in = BYTES(in.p + used, in.n - used);
    const uint64_t left = h.end - at, room = MIRROR_PACKAGE_ENTRIES - at % MIRROR_PACKAGE_ENTRIES;
    const size_t n = (size_t)(left < room ? left : room);
    if (entry_package_parse(package, &used, in, n, 4096, NULL)) break;
    buf_clear(&b);
    entry_package_write(&b, package);
    must(bytes_eq(buf_view(&b), BYTES(in.p, used)));
    at += n;
  }
  buf_free(&b);
}

static void bundle(struct bytes in) {
  struct bytes rest = in, entry;
  size_t sum = 0;
  bool bad;
  while (entry_bundle_next(&rest, &entry, &bad)) sum += 2 + entry.n;
  must(bad ? sum < in.n : sum == in.n);
}

static void info(struct bytes in) {
  struct arena a = {0};
  struct mirror_info m;
  if (mirror_info_parse(&m, &a, in, NULL) == PARLEY_OK) {
    struct buf b = {0};
    mirror_info_write(&b, &m);
    must(bytes_eq(buf_view(&b), in));
    buf_free(&b);
  }
  arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct entry_package *package = malloc(sizeof *package);
  if (!package) return 0;
  body(BYTES(p, n), package);
  bundle(BYTES(p, n));
  info(BYTES(p, n));
  free(package);
  return 0;
}
