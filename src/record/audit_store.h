/*
 * What the files of the store as a source share: names of resources, values by key, and pages.
 */
#ifndef PARLEY_RECORD_AUDIT_STORE_H
#define PARLEY_RECORD_AUDIT_STORE_H

#include "record/audit_source.h"
#include "store/store.h"

struct audit_listing {
  struct store *s;
  struct buf *out;
  uint64_t skip;
  size_t before; /* bytes in out when the page began */
};

parley_err audit_store_no_memory(struct errmsg *e);
parley_err audit_store_no_such(const char *name, struct errmsg *e);
/* Takes "<word>/" and "<number>/" off *name. */
bool audit_store_word(const char **name, char *out, size_t cap);
bool audit_store_number(const char **name, uint64_t *out);
/* The value of a key; frees the key. */
parley_err audit_store_value(struct store *s, enum store_map t, struct buf *key, struct arena *a, struct bytes *v,
                             struct errmsg *e);
/* Puts an item on the page. EBUSY when the page is full: it ends a scan without an error. */
parley_err audit_store_item(struct audit_listing *l, struct bytes item);

/* ---- audit_store_notes.c ---- */
parley_err audit_store_notes(struct audit_listing *l, const char *origin, struct errmsg *e);
/* table: "c" or "wc"; name: "<party>/<size>/<origin>". */
parley_err audit_store_cosignatures(struct audit_listing *l, const char *table, const char *name, struct errmsg *e);

#endif
