#include "base/bytes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_MIN 64

struct bytes bytes_str(const char *s) {
  return BYTES(s, strlen(s));
}

bool bytes_eq(struct bytes a, struct bytes b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }

bool bytes_is(struct bytes a, const char *s) { return bytes_eq(a, bytes_str(s)); }

size_t bytes_find(struct bytes b, size_t from, uint8_t c) {
  if (from >= b.n) return (size_t)-1;
  const uint8_t *hit = memchr(b.p + from, c, b.n - from);
  return hit == NULL ? (size_t)-1 : (size_t)(hit - b.p);
}

bool bytes_line(struct bytes *rest, struct bytes *line) {
  size_t end = bytes_find(*rest, 0, '\n');
  if (end == (size_t)-1) return false;
  *line = BYTES(rest->p, end);
  *rest = BYTES(rest->p + end + 1, rest->n - end - 1);
  return true;
}

void wipe(void *p, size_t n) {
  if (n > 0) explicit_bzero(p, n);
}

/* Makes room for n more bytes. Not realloc: what moves must be wiped where it was. */
static bool buf_reserve(struct buf *b, size_t n) {
  if (b->failed || n > SIZE_MAX / 2 - b->n) {
    b->failed = true;
    return false;
  }
  if (b->cap - b->n >= n && b->p != NULL) return true;
  size_t cap = b->cap < BUF_MIN ? BUF_MIN : b->cap;
  while (cap < b->n + n) cap *= 2;
  uint8_t *p = malloc(cap);
  if (p == NULL) {
    b->failed = true;
    return false;
  }
  if (b->p != NULL) {
    memcpy(p, b->p, b->n);
    wipe(b->p, b->cap);
    free(b->p);
  }
  b->p = p;
  b->cap = cap;
  return true;
}

uint8_t *buf_extend(struct buf *b, size_t n) {
  if (!buf_reserve(b, n)) return NULL;
  b->n += n;
  return b->p + b->n - n;
}

void buf_add(struct buf *b, const void *p, size_t n) {
  if (n == 0 || !buf_reserve(b, n)) return;
  memcpy(b->p + b->n, p, n);
  b->n += n;
}

void buf_str(struct buf *b, const char *s) { buf_add(b, s, strlen(s)); }

void buf_bytes(struct buf *b, struct bytes x) { buf_add(b, x.p, x.n); }

void buf_u8(struct buf *b, uint8_t x) { buf_add(b, &x, 1); }

void buf_u16be(struct buf *b, uint16_t x) {
  const uint8_t p[2] = {(uint8_t)(x >> 8), (uint8_t)x};
  buf_add(b, p, sizeof p);
}

void buf_u64be(struct buf *b, uint64_t x) {
  uint8_t p[8];
  put_u64be(p, x);
  buf_add(b, p, sizeof p);
}

void buf_dec(struct buf *b, uint64_t x) {
  char text[24];
  int n = snprintf(text, sizeof text, "%" PRIu64, x);
  buf_add(b, text, (size_t)n);
}

void buf_fmt(struct buf *b, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  if (n < 0 || !buf_reserve(b, (size_t)n + 1)) {
    b->failed = true;
    return;
  }
  va_start(ap, fmt);
  vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
  va_end(ap);
  b->n += (size_t)n;
}

void buf_clear(struct buf *b) { b->n = 0; }

void buf_drop(struct buf *b, size_t n) {
  if (n == 0) return;
  if (n >= b->n) {
    b->n = 0;
    return;
  }
  memmove(b->p, b->p + n, b->n - n);
  b->n -= n;
}

bool buf_ok(const struct buf *b) { return !b->failed; }

struct bytes buf_view(const struct buf *b) {
  return BYTES(b->p, b->n);
}

char *buf_cstr(struct buf *b) {
  if (!buf_reserve(b, 1)) return NULL;
  b->p[b->n] = '\0';
  return (char *)b->p;
}

void buf_free(struct buf *b) {
  if (b->p != NULL) {
    wipe(b->p, b->cap);
    free(b->p);
  }
  *b = (struct buf){0};
}

uint16_t u16be(const uint8_t p[static 2]) { return (uint16_t)(p[0] << 8 | p[1]); }

uint64_t u64be(const uint8_t p[static 8]) {
  uint64_t x = 0;
  for (size_t i = 0; i < 8; i++) x = x << 8 | p[i];
  return x;
}

void put_u64be(uint8_t p[static 8], uint64_t x) {
  for (size_t i = 0; i < 8; i++) p[i] = (uint8_t)(x >> (56 - 8 * i));
}
