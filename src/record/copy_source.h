/*
 * What the files of this folder share about copies and others do not need.
 */
#ifndef PARLEY_RECORD_COPY_SOURCE_H
#define PARLEY_RECORD_COPY_SOURCE_H

#include "record/copy.h"

/* copy_append for a caller that has hashed the entries already. */
parley_err copy_append_hashed(struct copy *c, const struct bytes *entries, const struct hash *leaves, size_t n,
                              struct errmsg *e);

/* Appends the entries [from, to), each with its uint16 length, as bundles and packages have them. */
parley_err copy_add_entries(struct copy *c, uint64_t from, uint64_t to, struct buf *out, struct errmsg *e);

#endif
