/*
 * Merkle trees and proofs against a second computation written straight from the definitions of RFC 6962 section 2.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/encoding.h"
#include "merkle/tree.h"

#define LEAVES_MAX 300

/* ---- the definition, with SHA-256 spelled out ---- */

static struct hash leaves[LEAVES_MAX];

static size_t naive_split(size_t n) {
  size_t k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

static struct hash naive_mth(size_t start, size_t end);

static struct hash naive_compute(size_t start, size_t end) {
  struct hash out;
  if (start == end) {
    sha256(out.b, BYTES("", 0));
    return out;
  }
  if (end - start == 1) return leaves[start];
  const size_t k = naive_split(end - start);
  const struct hash l = naive_mth(start, start + k), r = naive_mth(start + k, end);
  uint8_t in[65] = {1};
  memcpy(in + 1, l.b, 32);
  memcpy(in + 33, r.b, 32);
  sha256(out.b, BYTES(in, 65));
  return out;
}

/* MTH(D[start:end]); each is computed once. */
static struct hash naive_mth(size_t start, size_t end) {
  static struct {
    bool known;
    struct hash h;
  } memo[LEAVES_MAX + 1][LEAVES_MAX + 1];
  if (!memo[start][end].known) memo[start][end].h = naive_compute(start, end);
  memo[start][end].known = true;
  return memo[start][end].h;
}

/* PATH(m, D[start:end]) of RFC 6962 section 2.1.1. */
static void naive_path(struct proof *p, size_t m, size_t start, size_t end) {
  if (end - start == 1) return;
  const size_t k = naive_split(end - start);
  if (m < k) {
    naive_path(p, m, start, start + k);
    p->h[p->n++] = naive_mth(start + k, end);
  } else {
    naive_path(p, m - k, start + k, end);
    p->h[p->n++] = naive_mth(start, start + k);
  }
}

/* SUBPROOF(m, D[start:end], b) of RFC 6962 section 2.1.2. */
static void naive_subproof(struct proof *p, size_t m, size_t start, size_t end, bool b) {
  const size_t n = end - start;
  if (m == n) {
    if (!b) p->h[p->n++] = naive_mth(start, end);
    return;
  }
  const size_t k = naive_split(n);
  if (m <= k) {
    naive_subproof(p, m, start, start + k, b);
    p->h[p->n++] = naive_mth(start + k, end);
  } else {
    naive_subproof(p, m - k, start + k, end, false);
    p->h[p->n++] = naive_mth(start, start + k);
  }
}

/* SUBTREE_SUBPROOF(start, end, D[from:to], b) of draft-ietf-plants-merkle-tree-certs section 4. */
static void naive_subtree(struct proof *p, size_t start, size_t end, size_t from, size_t to, bool b) {
  const size_t n = to - from;
  if (start == 0 && end == n) {
    if (!b) p->h[p->n++] = naive_mth(from, to);
    return;
  }
  const size_t k = naive_split(n);
  if (end <= k) {
    naive_subtree(p, start, end, from, from + k, b);
    p->h[p->n++] = naive_mth(from + k, to);
  } else if (k <= start) {
    naive_subtree(p, start - k, end - k, from + k, to, b);
    p->h[p->n++] = naive_mth(from, from + k);
  } else {
    naive_subtree(p, 0, end - k, from + k, to, false);
    p->h[p->n++] = naive_mth(from, from + k);
  }
}

static parley_err naive_read(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const size_t size = *(const size_t *)ctx;
  if (level > 8 || (index + 1) << level > size) return err_set(e, PARLEY_ENOTFOUND, "read beyond the tree");
  *out = naive_mth((size_t)index << level, (size_t)(index + 1) << level);
  return PARLEY_OK;
}

static size_t source_size = LEAVES_MAX;
static const struct merkle_source source = {naive_read, &source_size};

static int setup(void **state) {
  (void)state;
  for (size_t i = 0; i < LEAVES_MAX; i++) {
    const uint8_t entry[2] = {(uint8_t)(i >> 8), (uint8_t)i};
    merkle_leaf(&leaves[i], BYTES(entry, 2));
  }
  return 0;
}

static void assert_proof_eq(const struct proof *a, const struct proof *b) {
  assert_int_equal(a->n, b->n);
  assert_memory_equal(a->h, b->h, a->n * sizeof a->h[0]);
}

/* ---- damage: every flipped hash (a different bit in each), every missing and every extra hash must fail ---- */

struct claim {
  uint64_t start, end, size; /* consistency: start = 0 */
  struct hash sub, root;
  bool (*check)(const struct claim *c, const struct proof *p);
};

static bool as_subtree(const struct claim *c, const struct proof *p) {
  return merkle_check_subtree(p, c->start, c->end, &c->sub, c->size, &c->root);
}

static bool as_inclusion(const struct claim *c, const struct proof *p) {
  return merkle_check_inclusion(p, c->start, c->size, &c->sub, &c->root);
}

static bool as_consistency(const struct claim *c, const struct proof *p) {
  return merkle_check_consistency(p, c->end, &c->sub, c->size, &c->root);
}

static void flip(struct hash *h, size_t salt) { h->b[salt % 32] ^= (uint8_t)(1u << (salt / 32 % 8)); }

static void assert_only_this_proof(struct claim c, const struct proof *p, size_t salt) {
  assert_true(c.check(&c, p));
  struct proof bad;
  for (size_t i = 0; i < p->n; i++) {
    bad = *p;
    flip(&bad.h[i], salt + i);
    assert_false(c.check(&c, &bad));
    bad = *p;
    memmove(&bad.h[i], &bad.h[i + 1], (bad.n - i - 1) * sizeof bad.h[0]);
    bad.n--;
    assert_false(c.check(&c, &bad));
  }
  for (size_t i = 0; i <= p->n; i++) {
    bad = *p;
    memmove(&bad.h[i + 1], &bad.h[i], (bad.n - i) * sizeof bad.h[0]);
    bad.h[i] = i < p->n ? p->h[i] : c.root;
    bad.n++;
    assert_false(c.check(&c, &bad));
  }
  struct claim other = c;
  flip(&other.root, salt);
  assert_false(other.check(&other, p));
  other = c;
  flip(&other.sub, salt);
  assert_false(other.check(&other, p));
}

/* Proofs to damage: every one up to size 64, then a few of each neighbourhood of powers of two. */
static bool sampled(size_t x, size_t size) {
  return size <= 64 || x % 29 == 0 || x + 2 >= size || (x & (x - 1)) == 0 || ((x + 1) & x) == 0;
}

/* ---- tests ---- */

static void test_roots_of_every_size(void **state) {
  (void)state;
  for (size_t size = 0; size <= LEAVES_MAX; size++) {
    const struct hash want = naive_mth(0, size);
    struct hash got;
    merkle_root_of_leaves(&got, leaves, size);
    assert_memory_equal(&got, &want, sizeof got);
    assert_int_equal(merkle_root(&got, source, size, NULL), PARLEY_OK);
    assert_memory_equal(&got, &want, sizeof got);
  }
}

static void test_ranges(void **state) {
  (void)state;
  for (size_t start = 0; start <= 40; start++) {
    for (size_t end = start; end <= 70; end++) {
      const struct hash want = naive_mth(start, end);
      struct hash got;
      assert_int_equal(merkle_range(&got, source, start, end, NULL), PARLEY_OK);
      assert_memory_equal(&got, &want, sizeof got);
    }
  }
  struct hash got;
  assert_int_equal(merkle_range(&got, source, 3, 2, NULL), PARLEY_EINVAL);
}

static void test_inclusion(void **state) {
  (void)state;
  for (size_t size = 1; size <= LEAVES_MAX; size++) {
    const struct hash root = naive_mth(0, size);
    for (size_t i = 0; i < size; i++) {
      struct proof p, want = {0};
      assert_int_equal(merkle_inclusion(&p, source, i, size, NULL), PARLEY_OK);
      naive_path(&want, i, 0, size);
      assert_proof_eq(&p, &want);
      assert_true(merkle_check_inclusion(&p, i, size, &leaves[i], &root));
      if (!sampled(i, size)) continue;
      assert_only_this_proof((struct claim){i, i + 1, size, leaves[i], root, as_inclusion}, &p, i);
      if (i + 1 < size) assert_false(merkle_check_inclusion(&p, i + 1, size, &leaves[i], &root));
    }
    struct proof p = {0};
    assert_int_equal(merkle_inclusion(&p, source, size, size, NULL), PARLEY_EINVAL);
    assert_false(merkle_check_inclusion(&p, size, size, &leaves[0], &root));
  }
}

static void test_consistency(void **state) {
  (void)state;
  for (size_t size = 1; size <= LEAVES_MAX; size++) {
    const struct hash root = naive_mth(0, size);
    for (size_t old = 1; old <= size; old++) {
      struct proof p, want = {0};
      const struct hash old_root = naive_mth(0, old);
      assert_int_equal(merkle_consistency(&p, source, old, size, NULL), PARLEY_OK);
      naive_subproof(&want, old, 0, size, true);
      assert_proof_eq(&p, &want);
      assert_true(merkle_check_consistency(&p, old, &old_root, size, &root));
      if (!sampled(old, size)) continue;
      assert_only_this_proof((struct claim){0, old, size, old_root, root, as_consistency}, &p, old);
    }
  }
}

static void test_consistency_edges(void **state) {
  (void)state;
  const struct hash root = naive_mth(0, 7), empty = naive_mth(0, 0);
  struct proof p = {.n = 9};
  assert_int_equal(merkle_consistency(&p, source, 0, 7, NULL), PARLEY_OK);
  assert_int_equal(p.n, 0);
  assert_true(merkle_check_consistency(&p, 0, &empty, 7, &root));
  assert_true(merkle_check_consistency(&p, 0, &empty, 0, &empty));
  assert_true(merkle_check_consistency(&p, 7, &root, 7, &root));
  assert_false(merkle_check_consistency(&p, 7, &empty, 7, &root));
  assert_false(merkle_check_consistency(&p, 8, &root, 7, &root));
  p.n = 1;
  assert_false(merkle_check_consistency(&p, 0, &empty, 7, &root));
  assert_false(merkle_check_consistency(&p, 7, &root, 7, &root));
  assert_int_equal(merkle_consistency(&p, source, 8, 7, NULL), PARLEY_EINVAL);
}

static bool naive_valid_subtree(size_t start, size_t end) {
  if (start >= end) return false;
  size_t width = 1;
  while (width < end - start) width *= 2;
  return start % width == 0;
}

static void test_subtrees(void **state) {
  (void)state;
  size_t tried = 0, damaged = 0;
  for (size_t size = 1; size <= LEAVES_MAX; size++) {
    const struct hash root = naive_mth(0, size);
    for (size_t start = 0; start < size; start++) {
      for (size_t end = start; end <= size; end++) {
        assert_int_equal(merkle_valid_subtree(start, end), naive_valid_subtree(start, end));
        if (!naive_valid_subtree(start, end)) continue;
        struct proof p, want = {0};
        const struct hash sub = naive_mth(start, end);
        assert_int_equal(merkle_subtree(&p, source, start, end, size, NULL), PARLEY_OK);
        naive_subtree(&want, start, end, 0, size, true);
        assert_proof_eq(&p, &want);
        assert_true(merkle_check_subtree(&p, start, end, &sub, size, &root));
        tried++;
        if (!sampled(end, size) || (size > 64 && size % 59 != 0)) continue;
        assert_only_this_proof((struct claim){start, end, size, sub, root, as_subtree}, &p, end);
        damaged++;
      }
    }
  }
  assert_int_equal(tried, 208675);
  assert_true(damaged > 5000);
}

/* A proof for one subtree must not pass for another of the same tree with the same number of hashes. */
static void test_subtree_is_bound_to_its_place(void **state) {
  (void)state;
  const struct hash root = naive_mth(0, 37);
  for (size_t start = 0; start < 36; start += 4) {
    struct proof p;
    assert_int_equal(merkle_subtree(&p, source, start, start + 4, 37, NULL), PARLEY_OK);
    const struct hash sub = naive_mth(start, start + 4);
    for (size_t other = 0; other < 36; other += 4)
      assert_int_equal(merkle_check_subtree(&p, other, other + 4, &sub, 37, &root), other == start);
  }
  struct proof p = {0};
  assert_int_equal(merkle_subtree(&p, source, 2, 5, 37, NULL), PARLEY_EINVAL);
  assert_int_equal(merkle_subtree(&p, source, 0, 38, 37, NULL), PARLEY_EINVAL);
  assert_int_equal(merkle_subtree(&p, source, 4, 4, 37, NULL), PARLEY_EINVAL);
  assert_false(merkle_check_subtree(&p, 2, 5, &root, 37, &root));
}

/* The largest trees: the walk ends, and no arithmetic overflows. */
static void test_huge_sizes(void **state) {
  (void)state;
  struct proof p = {.n = PROOF_MAX};
  const uint64_t size = INT64_MAX;
  assert_false(merkle_check_inclusion(&p, size - 1, size, &leaves[0], &leaves[1]));
  assert_false(merkle_check_consistency(&p, size - 1, &leaves[0], size, &leaves[1]));
  assert_false(merkle_check_subtree(&p, UINT64_MAX - 1, UINT64_MAX, &leaves[0], UINT64_MAX, &leaves[1]));
  assert_true(merkle_valid_subtree(0, UINT64_MAX));
  assert_false(merkle_valid_subtree(1, UINT64_MAX));
  p.n = PROOF_MAX + 1;
  assert_false(merkle_check_inclusion(&p, 0, 1, &leaves[0], &leaves[0]));
}

static void test_read_failure_is_passed_on(void **state) {
  (void)state;
  struct proof p;
  struct errmsg e;
  source_size = 5;
  assert_int_equal(merkle_inclusion(&p, source, 1, 9, &e), PARLEY_ENOTFOUND);
  assert_string_equal(e.text, "read beyond the tree");
  assert_int_equal(merkle_consistency(&p, source, 6, 9, &e), PARLEY_ENOTFOUND);
  struct hash h;
  assert_int_equal(merkle_root(&h, source, 9, &e), PARLEY_ENOTFOUND);
  source_size = LEAVES_MAX;
}

/* Roots of the certificate-transparency project's eight test leaves, for 0 to 8 of them. */
static void test_known_roots(void **state) {
  (void)state;
  static const char *const entries[] = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
  };
  static const char *const roots[] = {
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  };
  struct hash h[8];
  for (size_t i = 0; i < 8; i++) {
    uint8_t entry[16];
    const size_t n = strlen(entries[i]) / 2;
    assert_true(hex_decode(entry, n, bytes_str(entries[i])));
    merkle_leaf(&h[i], BYTES(entry, n));
  }
  for (size_t n = 0; n <= 8; n++) {
    struct hash root;
    char hex[65];
    merkle_root_of_leaves(&root, h, n);
    hex_encode(hex, BYTES(root.b, 32));
    assert_string_equal(hex, roots[n]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_roots_of_every_size),
      cmocka_unit_test(test_ranges),
      cmocka_unit_test(test_inclusion),
      cmocka_unit_test(test_consistency),
      cmocka_unit_test(test_consistency_edges),
      cmocka_unit_test(test_subtrees),
      cmocka_unit_test(test_subtree_is_bound_to_its_place),
      cmocka_unit_test(test_huge_sizes),
      cmocka_unit_test(test_read_failure_is_passed_on),
      cmocka_unit_test(test_known_roots),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
