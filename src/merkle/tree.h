/*
 * RFC 6962 Merkle trees over SHA-256: hashes, and generating and checking inclusion, consistency and subtree
 * consistency proofs (RFC 6962 section 2.1; subtrees as in draft-ietf-plants-merkle-tree-certs section 4).
 * Proof generation reads stored subtree hashes through a callback, so that the tree can live in tiles.
 */
#ifndef PARLEY_MERKLE_TREE_H
#define PARLEY_MERKLE_TREE_H

#include "base/bytes.h"
#include "base/err.h"
#include "crypto/crypto.h"

#define PROOF_MAX 63 /* hashes in any proof */

struct hash {
  uint8_t b[32];
};

struct proof {
  size_t n; /* at most PROOF_MAX */
  struct hash h[PROOF_MAX];
};

bool hash_eq(const struct hash *a, const struct hash *b);
void merkle_leaf(struct hash *out, struct bytes entry);                                /* SHA-256(0x00 || entry) */
void merkle_node(struct hash *out, const struct hash *left, const struct hash *right); /* SHA-256(0x01 || l || r) */
void merkle_empty(struct hash *out);                                                   /* SHA-256("") */
void merkle_root_of_leaves(struct hash *out, const struct hash *leaves, size_t n);     /* n >= 0 leaf hashes */

/*
 * Reads the hash of the complete subtree of 2^level leaves that starts at index << level. Fails when it is not held
 * (EIO, ENOTFOUND).
 */
typedef parley_err (*merkle_read)(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e);

struct merkle_source {
  merkle_read read;
  void *ctx;
};

/* MTH(D[0:size]). */
parley_err merkle_root(struct hash *out, struct merkle_source s, uint64_t size, struct errmsg *e);
/* MTH(D[start:end]) for any start <= end. */
parley_err merkle_range(struct hash *out, struct merkle_source s, uint64_t start, uint64_t end, struct errmsg *e);
/* Inclusion proof of leaf index in the tree of size, leaf's sibling first. EINVAL when index >= size. */
parley_err merkle_inclusion(struct proof *out, struct merkle_source s, uint64_t index, uint64_t size, struct errmsg *e);
/* RFC 6962 2.1.2 consistency proof from old (<= size) to size; empty for old = 0 or old = size. */
parley_err merkle_consistency(struct proof *out, struct merkle_source s, uint64_t old, uint64_t size, struct errmsg *e);
/* Subtree consistency proof of [start, end) in the tree of size. EINVAL when it is no valid subtree. */
parley_err merkle_subtree(struct proof *out, struct merkle_source s, uint64_t start, uint64_t end, uint64_t size,
                          struct errmsg *e);

/* Verification: pure functions, false when anything does not fit (wrong length included). */
bool merkle_check_inclusion(const struct proof *p, uint64_t index, uint64_t size, const struct hash *leaf,
                            const struct hash *root);
/* old = 0: only an empty proof is accepted, any root. old = size: empty proof and equal roots. */
bool merkle_check_consistency(const struct proof *p, uint64_t old, const struct hash *old_root, uint64_t size,
                              const struct hash *root);
bool merkle_check_subtree(const struct proof *p, uint64_t start, uint64_t end, const struct hash *sub, uint64_t size,
                          const struct hash *root);
/* start is a multiple of the smallest power of two >= end - start, and start < end. */
bool merkle_valid_subtree(uint64_t start, uint64_t end);

#endif
