/*
 * The consistency proof of a log that arrives in a bundle: its left part is in the tree that is held, its right part
 * is made of the leaves in the bundle. Whoever reads the bundle boils the leaves down to a few hashes (struct
 * leaf_run), whoever holds the tree joins them to a proof. Nothing here is believed: the proof is checked like one
 * that came over the line.
 */
#ifndef PARLEY_RECORD_BUNDLE_JOIN_H
#define PARLEY_RECORD_BUNDLE_JOIN_H

#include "merkle/tree.h"

#define LEAF_RUN_MAX 126 /* two hashes a level */

/* The complete subtrees, as large as can be, that lie side by side over the leaves [start, end). */
struct leaf_run {
  uint64_t start, end;
  size_t n;
  struct {
    unsigned level;
    struct hash h;
  } part[LEAF_RUN_MAX];
};

void leaf_run_begin(struct leaf_run *r, uint64_t start);
/* The leaf at r->end. */
void leaf_run_add(struct leaf_run *r, const struct hash *leaf);

/* Hashes that the run over [start, end) has; takes as many of list (which has n) and false when it is too short. */
bool leaf_run_take(struct leaf_run *r, uint64_t start, uint64_t end, const struct hash **list, size_t *n);

/*
 * RFC 6962 consistency proof from `old` to `size`: held has the leaves below a->start, a covers [a->start, old), b
 * covers [old, size). a->start <= old. EVERIFY when the runs do not cover them.
 */
parley_err leaf_run_consistency(struct proof *out, struct merkle_source held, const struct leaf_run *a,
                                const struct leaf_run *b, struct errmsg *e);

#endif
