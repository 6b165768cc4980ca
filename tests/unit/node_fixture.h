/*
 * Two or more nodes in one process, wired to each other directly, for tests of the node core.
 */
#ifndef PARLEY_TESTS_NODE_FIXTURE_H
#define PARLEY_TESTS_NODE_FIXTURE_H

#include "node/node.h"

#define RIG_PARTIES_MAX 20
#define RIG_MEMORY_MAX 160 /* logs that a signer remembers */

struct rig_party {
  char name[64], path[64];
  struct store *store;
  struct signer *signer;
  struct node *node;
  struct buf card;
  struct buf before[3]; /* cards that it replaced, oldest first */
  size_t n_before;
  struct age_identity seal;
  struct signed_tree memory[RIG_MEMORY_MAX]; /* the signer's memory: it survives restarts of the node */
  char memory_key[RIG_MEMORY_MAX][200];
  size_t n_memory;
  uint8_t seed[4][32];
  uint8_t log_before[32]; /* seed of the log key before */
  bool has_log_before;
  bool down;
  bool mute;            /* it answers, but what it sends arrives nowhere */
  const char *stranger; /* a party whose card is not pinned at the next start; NULL */
  int64_t skew;
  const char *sick; /* the signer's memory cannot be written for origins that contain this; NULL: it is well */
  struct rig *rig;
};

struct rig {
  struct rig_party party[RIG_PARTIES_MAX];
  size_t n;
  int64_t ms;
  uint64_t random;
  struct form *forms[16];
  size_t n_forms;
  unsigned requests; /* between nodes, so far */
  /* What the answer to a request becomes on the way; NULL: nothing. */
  void (*altered)(const struct outbound *o, struct node_response *answer);
  /* Neutral witnesses that nodes know from their next start on, and who answers for them. */
  const struct node_witness *witnesses;
  size_t n_witnesses;
  void (*witness)(void *ctx, const struct outbound *o, struct outbound_result *r);
  void *witness_ctx;
  /* What the first sends does not reach the second, by their places in party. */
  bool cut[RIG_PARTIES_MAX][RIG_PARTIES_MAX];
};

/* Parties named by names; cards pinned all round. */
void rig_open(struct rig *r, const char *const *names, size_t n);
void rig_close(struct rig *r);
void rig_stop(struct rig_party *p);
void rig_start(struct rig_party *p);
/* The same, with the error; rig_stop in any case. */
parley_err rig_try_start(struct rig_party *p);
/* Which keys of the party are replaced by its next card. */
enum { RIG_STATEMENT = 1, RIG_LOG = 2, RIG_MIRROR = 4, RIG_ROTATION = 8, RIG_ALL = 15 };
/* Makes the next card; the party is to be stopped, and started with it. Its envelope into *out when not NULL. */
void rig_renew(struct rig_party *p, unsigned keys, struct buf *out);
/* A stopped party loses all that it has, and begins again with a first card of new keys. */
void rig_reset(struct rig_party *p);
/* Runs both nodes and the network between them until nothing moves, at most ms milliseconds of simulated time. */
void rig_run(struct rig *r, int64_t ms);
/* One step of every node and of the network, at one instant; false when nothing was sent. */
bool rig_turn(struct rig *r);
/* One local request, run to its answer (rig_run while it waits). The caller frees the result. */
json_t *rig_ask(struct rig_party *p, const char *method, const char *path, const char *body, unsigned *status);
/* The same, whose answer must have the status `want`; path: a format for id and tail. */
json_t *rig_want(struct rig_party *p, const char *method, unsigned want, const char *body, const char *path,
                 const char *id, const char *tail);
/*
 * The changes of an amendment that closes the log of `of` (epoch 0) after `size` entries, at most 64, with their root as the
 * party holds them, reckoned here; other: with another root. The caller frees *changes.
 */
void rig_closing(struct rig_party *p, const char *forum, const char *of, uint64_t size, bool other,
                 struct buf *changes);
/* A forum of all parties; its id into hex. */
void rig_forum(struct rig *r, char hex[static 65]);

#endif
