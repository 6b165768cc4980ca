/*
 * The versions of one forum's charter: which are complete, which hold, which is in force (docs/protocol.md, "New
 * versions"). A pure function of the set of versions and signatures, whatever their order.
 */
#ifndef PARLEY_FORUM_VERSIONS_H
#define PARLEY_FORUM_VERSIONS_H

#include "forum/charter.h"

#define VERSIONS_MAX 512 /* of one forum, complete or not */
#define VERSION_NONE ((size_t)-1)

struct version {
  const struct charter *charter;
  const bool *signed_by; /* for each of charter->members; not read when complete is given */
  bool given;            /* complete is the caller's; else it is found */
  /* found by versions_judge: */
  bool complete, holds;
  size_t depth; /* of a complete one: 0 the first, else one more than the deepest of those that it lists */
};

struct version_set {
  struct version *v; /* of different digests, in any order */
  size_t n;          /* at most VERSIONS_MAX */
  size_t in_force;   /* index; VERSION_NONE: none is */
  uint64_t *before;  /* in the arena: row i has a bit for each ancestor of version i */
};

/* Fills what is found. ELIMIT: too many. ENOMEM. */
parley_err versions_judge(struct version_set *s, struct arena *a, struct errmsg *e);
/* Version i is an ancestor of version j (both complete). */
bool versions_before(const struct version_set *s, size_t i, size_t j);
size_t versions_find(const struct version_set *s, const uint8_t digest[static SHA256_SIZE]);
bool version_lists(const struct charter *c, const uint8_t digest[static SHA256_SIZE]);
/* The signatures over a version are those that the complete versions among those that it lists demand (n of them; 0: it is the first). */
bool version_complete(const struct charter *c, const bool *signed_by, const struct charter *const *listed, size_t n);
/* Whether the member's signature is still wanted: it has not signed, and would count. */
bool version_wants(const struct charter *c, const bool *signed_by, const struct charter *const *listed, size_t n,
                   size_t member);

#endif
