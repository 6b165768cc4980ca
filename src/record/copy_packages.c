/*
 * tlog-mirror: add-entries, the canonical sequence of packages, written from a copy.
 */
#include "record/copy_source.h"

/* Appends the package for [start, end), which does not cross a multiple of 256, in a tree of size. */
static parley_err add_package(struct copy *c, uint64_t start, uint64_t end, uint64_t size, struct buf *out,
                              struct errmsg *e) {
  struct entry_package p = {.n = 0}; /* the entries go straight from the store into out */
  const uint64_t rounded = start - start % MIRROR_PACKAGE_ENTRIES;
  parley_err err = copy_add_entries(c, start, end, out, e);
  if (!err) err = merkle_subtree(&p.proof, copy_source(c), rounded, end, size, e);
  if (!err) entry_package_write(out, &p);
  if (!err && !buf_ok(out)) err = err_set(e, PARLEY_ENOMEM, "out of memory for an upload");
  return err;
}

parley_err copy_packages(struct copy *c, uint64_t start, uint64_t end, size_t budget, struct buf *out, uint64_t *next,
                         struct errmsg *e) {
  if (start > end || end > copy_size(c))
    return err_set(e, PARLEY_EINVAL, "%s has %llu entries; [%llu, %llu) cannot be uploaded from it", copy_origin(c),
                   (unsigned long long)copy_size(c), (unsigned long long)start, (unsigned long long)end);
  const size_t before = out->n;
  *next = start;
  for (unsigned n = 0; *next < end && n < COPY_PACKAGES_MAX; n++) {
    const size_t mark = out->n;
    const uint64_t boundary = *next - *next % MIRROR_PACKAGE_ENTRIES + MIRROR_PACKAGE_ENTRIES;
    const uint64_t stop = boundary < end ? boundary : end;
    const parley_err err = add_package(c, *next, stop, end, out, e);
    if (err) {
      out->n = before;
      return err;
    }
    if (mark > before && out->n - before > budget) {
      out->n = mark; /* this one is over the budget: it belongs to the next body */
      break;
    }
    *next = stop;
    if (out->n - before >= budget) break;
  }
  return PARLEY_OK;
}
