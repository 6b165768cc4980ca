/*
 * Two histories (docs/protocol.md, section 11): looking for them, keeping what proves them, and what follows. forks.c
 * keeps, forks_look.c looks at what statements say, forks_seek.c asks others (forks_judge.c judges), forks_entry.c is
 * the statement forum.proof, forks_local.c shows them.
 */
#ifndef PARLEY_NODE_FORKS_H
#define PARLEY_NODE_FORKS_H

#include "node/state.h"
#include "record/fork.h"

/* A proof that is kept: against one party, about one log. */
struct kept {
  struct kept *next;
  char id[FORK_ID_SIZE];
  char party[PARTY_NAME_MAX + 1]; /* convicted */
  char origin[ORIGIN_MAX + 1];
  char author[PARTY_NAME_MAX + 1]; /* of the log */
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool log, mirror; /* as what */
  uint64_t size[2];
  struct hash root[2];
  int64_t found;                 /* wall seconds */
  char from[PARTY_NAME_MAX + 1]; /* who told us by forum.proof; "": found here */
  bool told;                     /* it stands in our own log */
  bool telling;                  /* it is queued for it, as: */
  struct hash told_as;
};

struct seek; /* forks_seek.c */

struct forks {
  struct kept *kept;
  uint64_t version; /* counts proofs kept */
  struct seek *seeks;
  size_t n_seeks;
  bool look; /* mirrors may hold evidence that is not a proof yet */
};

/* ---- forks.c ---- */

/* Before the forums are loaded. */
parley_err forks_load(struct node *n, struct errmsg *e);
void forks_free(struct node *n);
/* In node_work: what could not be done at once, and forum.proof statements. */
void forks_run(struct node *n);
int64_t forks_next_ms(const struct node *n);
/* Some log of this party in this forum and epoch, the bulk log or the other, has two histories that are proved. */
bool forks_closed(const struct node *n, const char *origin);
const struct kept *forks_find(const struct node *n, const char *party, const char *origin);
/* The files of a kept proof. */
parley_err forks_read(struct node *n, const struct kept *k, struct pack *out, struct arena *a, struct errmsg *e);
/*
 * Keeps the proof p, which was verified as r and convicts one party, unless one is kept already; in a transaction of
 * its own. from: who told us, "" when it was found here. What follows (closing, stopping) is done.
 */
parley_err forks_keep(struct node *n, const struct pack *p, const struct fork_result *r, const char *from,
                      struct errmsg *e);
/*
 * Two signed trees of one log that contradict each other: keeps a proof against each party whose cards are known here
 * and that signed both. prefix, proof: as in struct fork_input. *convicted: how many. ENOMEM, EIO, EFULL: try again.
 */
parley_err forks_convict(struct node *n, const struct fork_tree tree[static 2], const struct hash *prefix,
                         const struct proof *proof, unsigned *convicted, struct errmsg *e);
/* A mirror has kept evidence. */
parley_err forks_of_mirror(struct node *n, const char *origin, struct errmsg *e);

/* ---- forks_seek.c ---- */

/* Asks whom for what it holds of a log, and compares. said: who claimed that there is another tree; NULL: nobody. */
void seek_log(struct node *n, const char *origin, struct peer *whom, const char *said);
/* The same with the other note at hand; tiles, where they are needed, come from whom. */
void seek_note(struct node *n, const char *origin, struct peer *whom, struct bytes note);
/* A note that came by another way than add-checkpoint and does not fit what is mirrored: our mirror judges it, and what convicts is kept. */
void forks_of_note(struct node *n, struct their_log *l, struct peer *whom, struct bytes note);
/* Two notes of one log against each other, wherever it is held. */
void seek_pair(struct node *n, const char *origin, struct peer *whom, struct bytes note, struct bytes other);
void seeks_run(struct node *n); /* judges those that have what they need */
bool seeks_next(struct node *n, struct outbound *out);
bool seeks_done(struct node *n, uint64_t id, const struct outbound_result *r);
int64_t seeks_next_ms(const struct node *n);
void seeks_free(struct node *n);

/* ---- forks_look.c ---- */

/* A statement of a counterpart is taken in (inside the transaction). */
void forks_look(struct node *n, struct their_log *l, const struct statement *s);
/* A mirrored log has grown: lines that reached beyond it are compared now. */
void forks_look_again(struct node *n, struct their_log *l);

/* ---- forks_entry.c ---- */

/*
 * Judges a forum.proof. ENOTFOUND: it holds, and is to be kept first (forks_entry_learn). One member may tell the same
 * twice: the power can go between its entry and its note of it.
 */
parley_err forks_entry_judge(struct node *n, const struct their_log *l, const struct statement *s, struct errmsg *e);
parley_err forks_entry_learn(struct node *n, const struct their_log *l, struct bytes entry, struct errmsg *e);
/* Queues the forum.proof about k in its forum. */
parley_err forks_entry_tell(struct node *n, struct kept *k, struct forum *f, struct errmsg *e);

/* ---- forks_local.c ---- */

/* All that are kept, or those of a forum. */
json_t *forks_list(struct node *n, const uint8_t *forum);

#endif
