/*
 * One question to a member about a log, shared by who asks it (forks_seek.c) and who judges the answers
 * (forks_judge.c).
 */
#ifndef PARLEY_NODE_FORKS_SEEK_H
#define PARLEY_NODE_FORKS_SEEK_H

#include "node/forks.h"

#define SEEK_TILES_MAX 64

struct seek_tile {
  struct tile_name name;
  struct bytes data;
};

struct seek {
  struct seek *next;
  struct lane lane;
  struct peer *whom;
  char origin[ORIGIN_MAX + 1], hex[2 * SHA256_SIZE + 1];
  char said[PARTY_NAME_MAX + 1]; /* who claims that there is another tree; "": nobody */
  struct arena arena;
  struct fork_tree theirs; /* p NULL: to be asked for */
  struct fork_tree other;  /* p NULL: what is held here */
  bool given;              /* theirs came with it: nothing else is asked for */
  unsigned asked;          /* checkpoint, then checkpoint.pending */
  bool wants;              /* a tile, else a note */
  struct tile_name want;
  struct seek_tile tile[SEEK_TILES_MAX];
  size_t n_tiles;
  unsigned later;
  bool judge; /* it may have all it needs */
  bool over;
};

enum verdict {
  SEEK_CLEAR,     /* one history, as far as this shows */
  SEEK_CONVICTED, /* and the proof is kept */
  SEEK_ASK,       /* something is missing: theirs, or the tile s->want */
  SEEK_UNKNOWN,   /* it proves nothing */
  SEEK_TROUBLE,   /* of ours: try again */
};

/* ---- forks_seek.c ---- */

/* A note over a tree of this log, kept in the seek. Signatures are not judged here. */
bool seek_tree(struct seek *s, struct fork_tree *out, struct bytes note);

/* ---- forks_judge.c ---- */

enum verdict seek_judge(struct node *n, struct seek *s, struct errmsg *e);
/* More of the log is signed than is held yet: a later look may tell more. */
bool seek_still_coming(struct node *n, const struct seek *s);

#endif
