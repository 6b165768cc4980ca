/*
 * Proofs for many leaves at once (docs/protocol.md, "Disclosure", bulk/range): the tree is split from the top as in
 * RFC 6962 section 2.1, a part without a wanted leaf is not split further, and the proof has the hash of each such part,
 * from left to right. Proving and checking walk the same way and need memory only for the way down.
 */
#ifndef PARLEY_MERKLE_RANGE_H
#define PARLEY_MERKLE_RANGE_H

#include "merkle/tree.h"

#define RANGES_MAX 16
/* Hashes in any proof for so many ranges: on each of the 63 levels at most one part left and one right of each. */
#define RANGE_PROOF_MAX (RANGES_MAX * 126)

/* Leaves [start, end). A list of them is ascending, none is empty, none shares a leaf with the next. */
struct leaf_range {
  uint64_t start, end;
};

/* Takes the next hash of a proof. Any error ends the proving and is handed on. */
typedef parley_err (*range_put)(void *ctx, const struct hash *h, struct errmsg *e);

/* Gives the proof for n (1 to RANGES_MAX) ranges of the tree of size. EINVAL when they are no such list or beyond it. */
parley_err merkle_range_prove(range_put put, void *ctx, struct merkle_source s, const struct leaf_range *ranges,
                              size_t n, uint64_t size, struct errmsg *e);

/* Gives the hash of one wanted leaf. Asked for each exactly once, in ascending order. Errors are handed on. */
typedef parley_err (*range_leaf)(void *ctx, uint64_t index, struct hash *out, struct errmsg *e);

/*
 * Computes the root from the wanted leaves and the proof. EINVAL when the ranges are no such list or beyond the tree;
 * EVERIFY when the proof has too few or too many hashes, or the root is another.
 */
parley_err merkle_range_check(const struct hash *proof, size_t n_proof, const struct leaf_range *ranges, size_t n,
                              uint64_t size, const struct hash *root, range_leaf leaf, void *ctx, struct errmsg *e);

#endif
