/*
 * Proof that a party signed two histories of one log (docs/protocol.md, "Proof of two histories"): built by a node that
 * saw both, verified by anyone, offline. Files are held in memory by name, as those of evidence packs are.
 */
#ifndef PARLEY_RECORD_FORK_H
#define PARLEY_RECORD_FORK_H

#include "record/pack.h"
#include "store/store.h"

#define FORK_FIRST "first.checkpoint"
#define FORK_SECOND "second.checkpoint"
#define FORK_CONSISTENCY "consistency"

/* ---- verifying ---- */

struct fork_party {
  struct pack_party who; /* name, cards, fingerprint, established and anchored; the rest is zero */
  bool log, mirror;      /* it signed both as the log, as a mirror of it; at least one */
  size_t log_card[2];    /* number of the card whose key signed the first note and the second */
  size_t mirror_card[2];
  int64_t cosigned[2]; /* times of its cosignatures */
};

struct fork_result {
  char origin[ORIGIN_MAX + 1];
  char author[PARTY_NAME_MAX + 1]; /* of the log */
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  uint64_t size[2]; /* not falling */
  struct hash root[2];
  struct hash prefix; /* where the sizes differ: the root of the smaller size in the larger tree, */
  struct proof proof; /* and the proof from it to the larger tree */
  struct fork_party *parties;
  size_t n_parties; /* convicted; at least one */
  bool identified;  /* all of them are */
};

/* The files are meant as such a proof. */
bool fork_is(const struct pack *p);
/*
 * Checks everything. On failure e names the file and what is wrong in it. EVERIFY or EINVAL: the proof is bad, or an
 * anchor does not fit; ENOMEM. OK with identified == false: it holds, but whose keys these are is not established.
 * known may be NULL. The result points into the arena.
 */
parley_err fork_verify(struct fork_result *out, struct arena *a, const struct pack *p, const struct pack_known *known,
                       struct errmsg *e);

/* ---- building ---- */

/* A tree that somebody signed: its note may carry any signatures. */
struct fork_tree {
  uint64_t size;
  struct hash root;
  struct bytes note;
};

struct fork_input {
  struct fork_tree tree[2];        /* of one origin; size[0] <= size[1] */
  struct hash prefix;              /* where the sizes differ: root of the first size in the second tree */
  struct proof proof;              /* and the proof from it to the second tree */
  const struct card *const *cards; /* all that are known of the party, any order */
  size_t n_cards;
};

/*
 * Builds the proof against one party and verifies it as any stranger would. The notes are kept with the signatures that
 * convict and no others. EVERIFY: it convicts nobody. Files lie in the arena.
 */
parley_err fork_build(struct pack *out, struct fork_result *result, struct arena *a, const struct fork_input *in,
                      struct errmsg *e);

/* The trees and the proof that a mirror has kept of a fork (record/mirror.h); no cards. ENOTFOUND: none. */
parley_err fork_kept(struct fork_input *out, struct arena *a, struct store *s, const char *origin, struct errmsg *e);

/* All files in one piece, for the store. */
void fork_write(struct buf *out, const struct pack *p);
/* EINVAL when it is none. The files point into `in`. */
parley_err fork_read(struct pack *out, struct arena *a, struct bytes in, struct errmsg *e);

/* "<party>-<first 16 digits of the origin's digest>": how a kept proof is called. */
#define FORK_ID_SIZE (PARTY_NAME_MAX + 18)
void fork_id(char out[static FORK_ID_SIZE], const char *party, const char *origin);

/* VERIFY.md. */
void fork_verify_md(struct buf *out, const struct fork_result *r);

#endif
