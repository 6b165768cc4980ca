/*
 * Repairs of what an audit found, in a store that nobody else has open: hashes anew from what stands below them,
 * entries that fit the tree, rows anew from the logs. Each call needs an open transaction. Never touches what was
 * signed.
 */
#ifndef PARLEY_RECORD_AUDIT_REPAIR_H
#define PARLEY_RECORD_AUDIT_REPAIR_H

#include "merkle/tree.h"
#include "store/store.h"

/* One tile anew, from entries (level 0) or from the tiles of the level below. ENOTFOUND: something below is missing. */
parley_err repair_tile(struct store *s, const char *origin, unsigned level, uint64_t n, struct errmsg *e);
/* The hash that the tree has for an entry. ENOTFOUND. */
parley_err repair_wanted(struct store *s, const char *origin, uint64_t index, struct hash *out, struct errmsg *e);
/* Puts an entry that was fetched. EVERIFY: it is not the one that the tree has. */
parley_err repair_entry(struct store *s, const char *origin, uint64_t index, struct bytes entry, struct errmsg *e);

/*
 * The rows of one entry log. Ours are made anew at once; of another's log those that are wrong are taken out, and the
 * node takes the log in again at its next start, which makes them anew (what it says of when they were received is then
 * that day). *changed: rows written or taken out.
 */
parley_err repair_rows(struct store *s, const char *origin, const char *self, uint64_t *changed, struct errmsg *e);
/* Takes out rows that cannot be read at all; before repair_rows. */
parley_err repair_unreadable_rows(struct store *s, uint64_t *changed, struct errmsg *e);

/* audit_store.c: where a log stands. ENOTFOUND, also when its record is damaged. */
parley_err audit_store_find(struct store *s, const char *origin, uint32_t *number, uint64_t *size, struct errmsg *e);

#endif
