/*
 * Test vectors are written in hexadecimal; this turns them into bytes.
 */
#ifndef PARLEY_TESTS_HEXBYTES_H
#define PARLEY_TESTS_HEXBYTES_H

#include "base/arena.h"

/* Bytes of the text, in the arena; fails the test when it is not lower-case hexadecimal. */
struct bytes hexbytes(struct arena *a, const char *text);

#endif
