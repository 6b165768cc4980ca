/*
 * RFC 6962 section 2.1: leaf, node and tree hashes, and the hash of any range of a stored tree.
 */
#include "merkle/tree.h"

#include <string.h>

#include "merkle/split.h"

bool hash_eq(const struct hash *a, const struct hash *b) { return memcmp(a->b, b->b, sizeof a->b) == 0; }

void merkle_leaf(struct hash *out, struct bytes entry) {
  static const uint8_t prefix = 0x00;
  const struct bytes parts[] = {BYTES(&prefix, 1), entry};
  sha256v(out->b, parts, 2);
}

void merkle_node(struct hash *out, const struct hash *left, const struct hash *right) {
  uint8_t in[65];
  in[0] = 0x01;
  memcpy(in + 1, left->b, 32);
  memcpy(in + 33, right->b, 32);
  sha256(out->b, BYTES(in, sizeof in));
}

void merkle_empty(struct hash *out) { sha256(out->b, BYTES("", 0)); }

void merkle_root_of_leaves(struct hash *out, const struct hash *leaves, size_t n) {
  if (n == 0) {
    merkle_empty(out);
    return;
  }
  if (n == 1) {
    *out = leaves[0];
    return;
  }
  const size_t k = (size_t)merkle_split(n);
  struct hash left, right;
  merkle_root_of_leaves(&left, leaves, k);
  merkle_root_of_leaves(&right, leaves + k, n - k);
  merkle_node(out, &left, &right);
}

bool merkle_valid_subtree(uint64_t start, uint64_t end) {
  if (start >= end) return false;
  const uint64_t n = end - start;
  if (n == 1 || start == 0) return true;
  return start % merkle_split(n) == 0 && start / merkle_split(n) % 2 == 0; /* a multiple of 2 * split */
}

parley_err merkle_range(struct hash *out, struct merkle_source s, uint64_t start, uint64_t end, struct errmsg *e) {
  if (start > end) return err_set(e, PARLEY_EINVAL, "the range of leaves ends before it starts");
  const uint64_t n = end - start;
  if (n == 0) {
    merkle_empty(out);
    return PARLEY_OK;
  }
  if ((n & (n - 1)) == 0 && start % n == 0) {
    const unsigned level = (unsigned)__builtin_ctzll(n);
    return s.read(s.ctx, level, start >> level, out, e);
  }
  /* A range that is not aligned falls apart into ever smaller halves: correct, at the cost of one read a leaf. */
  const uint64_t middle = start + merkle_split(n);
  struct hash left, right;
  parley_err err = merkle_range(&left, s, start, middle, e);
  if (err) return err;
  err = merkle_range(&right, s, middle, end, e);
  if (err) return err;
  merkle_node(out, &left, &right);
  return PARLEY_OK;
}

parley_err merkle_root(struct hash *out, struct merkle_source s, uint64_t size, struct errmsg *e) {
  return merkle_range(out, s, 0, size, e);
}
