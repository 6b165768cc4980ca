/*
 * Where RFC 6962 section 2.1 cuts a list of leaves in two.
 */
#ifndef PARLEY_MERKLE_SPLIT_H
#define PARLEY_MERKLE_SPLIT_H

#include <stdint.h>

/* The largest power of two smaller than n, for n >= 2. */
static inline uint64_t merkle_split(uint64_t n) { return UINT64_C(1) << (63 - __builtin_clzll(n - 1)); }

#endif
