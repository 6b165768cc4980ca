/*
 * Byte strings: struct bytes is a borrowed view, struct buf a growable owner. Neither is NUL-terminated unless said.
 */
#ifndef PARLEY_BASE_BYTES_H
#define PARLEY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
  const uint8_t *p;
  size_t n;
};

#define BYTES(ptr, len) ((struct bytes){(const uint8_t *)(ptr), (len)})
#define BYTES_NONE ((struct bytes){NULL, 0})

struct bytes bytes_str(const char *s); /* view of a C string without its NUL */
bool bytes_eq(struct bytes a, struct bytes b);
bool bytes_is(struct bytes a, const char *s);

/* Finds the first byte c at or after from; returns its offset, or (size_t)-1. */
size_t bytes_find(struct bytes b, size_t from, uint8_t c);

/* Takes the text up to the next '\n' from *rest (the newline is consumed, not returned). False when there is none. */
bool bytes_line(struct bytes *rest, struct bytes *line);

/* Overwrites n bytes in a way the compiler may not remove. */
void wipe(void *p, size_t n);

/*
 * Growable buffer, zero-initialised with {0}. When memory runs out `failed` is set and stays set, later appends do
 * nothing; callers check once at the end with buf_ok. buf_free wipes the contents.
 */
struct buf {
  uint8_t *p;
  size_t n, cap;
  bool failed;
};

void buf_add(struct buf *b, const void *p, size_t n);
uint8_t *buf_extend(struct buf *b, size_t n); /* n more bytes, to be filled by the caller; NULL when out of memory */
void buf_str(struct buf *b, const char *s);
void buf_bytes(struct buf *b, struct bytes x);
void buf_u8(struct buf *b, uint8_t x);
void buf_u16be(struct buf *b, uint16_t x);
void buf_u64be(struct buf *b, uint64_t x);
void buf_dec(struct buf *b, uint64_t x); /* ASCII decimal, no leading zeroes */
__attribute__((format(printf, 2, 3))) void buf_fmt(struct buf *b, const char *fmt, ...);
void buf_clear(struct buf *b);          /* n = 0, memory kept */
void buf_drop(struct buf *b, size_t n); /* removes the first n bytes */
bool buf_ok(const struct buf *b);
struct bytes buf_view(const struct buf *b);
char *buf_cstr(struct buf *b); /* appends a NUL that is not counted in n; NULL when out of memory */
void buf_free(struct buf *b);

uint16_t u16be(const uint8_t p[static 2]);
uint64_t u64be(const uint8_t p[static 8]);
void put_u64be(uint8_t p[static 8], uint64_t x);

#endif
