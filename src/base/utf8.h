/*
 * UTF-8 (RFC 3629), one character at a time, for the files of this folder; others use utf8_valid (base/encoding.h).
 */
#ifndef PARLEY_BASE_UTF8_H
#define PARLEY_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Reads the character at p (n bytes left) into *c and returns its length, or 0 when it is malformed or cut off. */
size_t utf8_next(uint32_t *c, const uint8_t *p, size_t n);

#endif
