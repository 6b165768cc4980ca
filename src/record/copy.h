/*
 * A copy of a log in the store: entries and tiles under one log number. Own logs and mirrored logs are both copies.
 */
#ifndef PARLEY_RECORD_COPY_H
#define PARLEY_RECORD_COPY_H

#include "formats/tlog.h"
#include "merkle/tiles.h"
#include "store/store.h"

struct copy; /* opaque */

/*
 * Opens the copy of `origin`, creating its number when it is new (inside the caller's transaction when there is one,
 * else in one of its own). The size is what is committed in the store. entry_max: 65,535 or 4,096.
 */
parley_err copy_open(struct copy **out, struct store *s, const char *origin, size_t entry_max, struct errmsg *e);
void copy_close(struct copy *c);
/* Whether the store holds a log of that origin, empty or not. */
parley_err copy_exists(struct store *s, const char *origin, bool *out, struct errmsg *e);
const char *copy_origin(const struct copy *c);
uint32_t copy_number(const struct copy *c);
size_t copy_entry_max(const struct copy *c);
uint64_t copy_size(const struct copy *c);

/*
 * Appends entries; needs an open transaction; becomes durable with it. Several appends may share one transaction;
 * copy_flush writes the changed tiles and the new size (call once before the commit). After a failed commit or a
 * rollback call copy_reset.
 */
parley_err copy_append(struct copy *c, const struct bytes *entries, size_t n, struct errmsg *e);
parley_err copy_flush(struct copy *c, struct errmsg *e);
/* Takes the entries from size on away again; needs an open transaction, like an append. Only for what nobody was shown a signature of. */
parley_err copy_cut(struct copy *c, uint64_t size, struct errmsg *e);
parley_err copy_reset(struct copy *c, struct errmsg *e);
/* Tries again, outside a transaction, what an earlier copy_reset could not do; nothing to do: OK. */
parley_err copy_mend(struct copy *c, struct errmsg *e);

parley_err copy_entry(struct copy *c, uint64_t index, struct arena *a, struct bytes *out, struct errmsg *e);
/* Entries [from, to) in order (for packages and bundles). */
parley_err copy_scan(struct copy *c, uint64_t from, uint64_t to, store_seq_fn f, void *ctx, struct errmsg *e);
parley_err copy_root(struct copy *c, uint64_t size, struct hash *out, struct errmsg *e);
struct merkle_source copy_source(struct copy *c);

/* Appends the body of a tlog-tiles resource for the tree of copy_size. ENOTFOUND when the tile is not wholly there. */
parley_err copy_tile(struct copy *c, const struct tile_name *t, struct buf *out, struct errmsg *e);

/*
 * Appends the add-entries packages for [start, end) of a tree of size `end` (a pending checkpoint): as many whole ones
 * as `budget` bytes hold, at least one and at most COPY_PACKAGES_MAX (tlog-mirror: Implementation Considerations).
 * *next gets the index after the last entry written.
 */
#define COPY_PACKAGES_MAX 32
parley_err copy_packages(struct copy *c, uint64_t start, uint64_t end, size_t budget, struct buf *out, uint64_t *next,
                         struct errmsg *e);

#endif
