/*
 * The packages in a bundle: add-entries bodies, looked at before they go the way of all uploads.
 */
#include <stdlib.h>

#include "record/bundle.h"

#define PACKAGES_MAX 32 /* in one file (docs/protocol.md, section 10) */

size_t bundle_entry_max(const char *origin) {
  char party[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool bulk = false;
  return log_origin_parse(party, forum, &epoch, &bulk, bytes_str(origin)) && bulk ? BULK_ENTRY_MAX : ENTRY_MAX;
}

struct walk {
  const char *origin;
  uint64_t at, size; /* next entry; of the tree */
  const struct hash *root;
  bundle_leaf leaf;
  void *ctx;
  struct entry_package package;
  struct hash leaves[MIRROR_PACKAGE_ENTRIES];
};

static parley_err read_head(struct walk *w, const struct bundle_name *n, struct bytes *body, struct errmsg *e) {
  struct add_entries_head h;
  size_t used;
  parley_err err = add_entries_head_parse(&h, &used, *body, e);
  if (err == PARLEY_EBUSY) return err_set(e, PARLEY_EINVAL, "the entries end within their head");
  if (err) return err;
  if (!bytes_is(h.origin, w->origin)) return err_set(e, PARLEY_EINVAL, "the entries are of another log");
  if (h.start != n->start || (w->size && h.end != w->size) || h.ticket.n)
    return err_set(e, PARLEY_EINVAL, "the head of the entries [%llu, %llu) does not fit their name and the checkpoint",
                   (unsigned long long)h.start, (unsigned long long)h.end);
  w->at = h.start;
  w->size = h.end;
  *body = BYTES(body->p + used, body->n - used);
  return PARLEY_OK;
}

static parley_err check(struct walk *w, uint64_t end, struct errmsg *e) {
  struct hash sub;
  for (size_t i = 0; i < w->package.n; i++) merkle_leaf(&w->leaves[i], w->package.entries[i]);
  if (!w->root || w->at % MIRROR_PACKAGE_ENTRIES) return PARLEY_OK;
  merkle_root_of_leaves(&sub, w->leaves, w->package.n);
  if (merkle_check_subtree(&w->package.proof, w->at, end, &sub, w->size, w->root)) return PARLEY_OK;
  return err_set(e, PARLEY_EVERIFY, "the entries [%llu, %llu) are not those of the checkpoint",
                 (unsigned long long)w->at, (unsigned long long)end);
}

static parley_err next_package(struct walk *w, struct bytes *body, struct errmsg *e) {
  size_t used;
  const uint64_t left = w->size - w->at, room = MIRROR_PACKAGE_ENTRIES - w->at % MIRROR_PACKAGE_ENTRIES;
  const size_t n = (size_t)(left < room ? left : room);
  parley_err err = n ? entry_package_parse(&w->package, &used, *body, n, bundle_entry_max(w->origin), e)
                     : err_set(e, PARLEY_EINVAL, "there are bytes after the last entry");
  if (err == PARLEY_EBUSY)
    return err_set(e, PARLEY_EINVAL, "the package that begins at entry %llu is cut", (unsigned long long)w->at);
  if (!err) err = check(w, w->at + n, e);
  for (size_t i = 0; !err && w->leaf && i < n; i++) err = w->leaf(w->ctx, w->at + i, &w->leaves[i], e);
  if (err) return err;
  w->at += n;
  *body = BYTES(body->p + used, body->n - used);
  return PARLEY_OK;
}

static parley_err walk(struct walk *w, const struct bundle_name *n, struct bytes body, struct errmsg *e) {
  parley_err err = read_head(w, n, &body, e);
  if (!err && body.n == 0) err = err_set(e, PARLEY_EINVAL, "there are no entries in it");
  for (unsigned i = 0; !err && body.n > 0; i++)
    err = i < PACKAGES_MAX ? next_package(w, &body, e)
                           : err_set(e, PARLEY_ELIMIT, "there are more than %d packages in it", PACKAGES_MAX);
  return err;
}

parley_err bundle_entries_walk(const struct bundle_name *n, struct bytes body, const char *origin, uint64_t size,
                               const struct hash *root, bundle_leaf leaf, void *ctx, struct errmsg *e) {
  struct walk *w = malloc(sizeof *w);
  if (!w) return err_set(e, PARLEY_ENOMEM, "out of memory");
  w->origin = origin;
  w->size = size;
  w->root = root;
  w->leaf = leaf;
  w->ctx = ctx;
  parley_err err = walk(w, n, body, e);
  if (!err && w->at != n->end)
    err = err_set(e, PARLEY_EINVAL, "the entries end at %llu, their name says %llu", (unsigned long long)w->at,
                  (unsigned long long)n->end);
  free(w);
  return err;
}

parley_err bundle_entries_end(struct bundle_name *n, struct bytes body, const char *origin, struct errmsg *e) {
  struct walk *w = malloc(sizeof *w);
  if (!w) return err_set(e, PARLEY_ENOMEM, "out of memory");
  w->origin = origin;
  w->size = 0;
  w->root = NULL;
  w->leaf = NULL;
  const parley_err err = walk(w, n, body, e);
  n->end = err ? n->end : w->at;
  free(w);
  return err;
}
