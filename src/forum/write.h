/*
 * Writing the JSON of this folder's documents straight into a buffer, in the form that json_write gives: no white
 * space, members in the order of the calls. Memory running out shows in buf_ok at the end.
 */
#ifndef PARLEY_FORUM_WRITE_H
#define PARLEY_FORUM_WRITE_H

#include "base/bytes.h"

/* A comma, unless the value is the first of its object or array. */
void write_comma(struct buf *out);
/* "name": with the comma before it. */
void write_name(struct buf *out, const char *name);
/* s as a JSON string (valid UTF-8 is the caller's duty; what came from a parser is). */
void write_quote(struct buf *out, const char *s);

/* Whole members. */
void write_str(struct buf *out, const char *name, const char *s);
void write_int(struct buf *out, const char *name, uint64_t x);
void write_hex(struct buf *out, const char *name, const uint8_t *p, size_t n); /* n at most 32 */
void write_b64(struct buf *out, const char *name, struct bytes b);
void write_time(struct buf *out, const char *name, int64_t seconds);
/* n at most 32 bytes as a hexadecimal string of an array. */
void write_hex_item(struct buf *out, const uint8_t *p, size_t n);

#endif
