#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)262144)

struct arena_block {
  struct arena_block *next;
  size_t n, cap;
  alignas(16) uint8_t data[];
};

/* Blocks double up to BLOCK_MAX, so many small requests cost few calls of the allocator. */
static struct arena_block *block_new(const struct arena *a, size_t n) {
  size_t cap = a->head == NULL ? BLOCK_MIN : a->head->cap * 2;
  cap = cap > BLOCK_MAX ? BLOCK_MAX : cap;
  cap = cap < n ? n : cap;
  struct arena_block *b = calloc(1, sizeof *b + cap);
  if (b != NULL) b->cap = cap;
  return b;
}

void *arena_alloc(struct arena *a, size_t n) {
  if (n > SIZE_MAX / 2) return NULL;
  size_t size = n == 0 ? 16 : (n + 15) & ~(size_t)15;
  struct arena_block *b = a->head;
  if (b == NULL || b->cap - b->n < size) {
    b = block_new(a, size);
    if (b == NULL) return NULL;
    b->next = a->head;
    a->head = b;
  }
  void *p = b->data + b->n;
  b->n += size;
  a->used += n;
  return p;
}

char *arena_cstr(struct arena *a, struct bytes b) {
  char *s = b.n < SIZE_MAX ? arena_alloc(a, b.n + 1) : NULL;
  if (s != NULL && b.n > 0) memcpy(s, b.p, b.n);
  return s;
}

char *arena_strdup(struct arena *a, const char *s) { return arena_cstr(a, bytes_str(s)); }

struct bytes arena_copy(struct arena *a, struct bytes b) {
  uint8_t *p = arena_alloc(a, b.n);
  if (p == NULL) return BYTES_NONE;
  if (b.n > 0) memcpy(p, b.p, b.n);
  return BYTES(p, b.n);
}

struct bytes arena_take(struct arena *a, struct buf *b) {
  struct bytes copy = buf_ok(b) ? arena_copy(a, buf_view(b)) : BYTES_NONE;
  buf_free(b);
  return copy;
}

char *arena_fmt(struct arena *a, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  char *s = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
  if (s == NULL) return NULL;
  va_start(ap, fmt);
  vsnprintf(s, (size_t)n + 1, fmt, ap);
  va_end(ap);
  return s;
}

void arena_free(struct arena *a) {
  struct arena_block *b = a->head;
  while (b != NULL) {
    struct arena_block *next = b->next;
    wipe(b->data, b->n);
    free(b);
    b = next;
  }
  *a = (struct arena){0};
}
