/*
 * Arena: memory that lives as long as one request. Allocation never needs a matching free; arena_free wipes all.
 */
#ifndef PARLEY_BASE_ARENA_H
#define PARLEY_BASE_ARENA_H

#include "base/bytes.h"

struct arena_block;
struct arena {
  struct arena_block *head;
  size_t used; /* bytes handed out so far */
};

/* All return NULL (or BYTES_NONE with p == NULL) when memory runs out. Aligned to 16 bytes, zeroed. */
void *arena_alloc(struct arena *a, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_cstr(struct arena *a, struct bytes b); /* NUL-terminated copy */
struct bytes arena_copy(struct arena *a, struct bytes b);
struct bytes arena_take(struct arena *a, struct buf *b); /* copies b into the arena and frees b */
__attribute__((format(printf, 2, 3))) char *arena_fmt(struct arena *a, const char *fmt, ...);
void arena_free(struct arena *a); /* usable again afterwards */

#endif
