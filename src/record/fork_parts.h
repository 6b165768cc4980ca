/*
 * What building and verifying a proof of two histories share.
 */
#ifndef PARLEY_RECORD_FORK_PARTS_H
#define PARLEY_RECORD_FORK_PARTS_H

#include "record/fork.h"
#include "record/pack_parts.h"

/* One note, read: its tree, and what its signatures are over. The arena holds all. */
struct fork_note {
  struct note note;
  struct checkpoint checkpoint; /* its origin points into the note */
};

/* A note over a tree of a log of some forum. */
parley_err fork_note_read(struct fork_note *out, struct arena *a, struct bytes text, struct errmsg *e);

/* A party's signature in a note: by which of its cards, on which line, and when (mirror). */
struct fork_sig {
  bool there;
  size_t card, line;
  int64_t time;
};

/*
 * The signature by the newest of the run's cards that signed, as the log of that origin or, origin NULL, as a mirror.
 * EVERIFY: a line that names a key of the run, and is not by it.
 */
parley_err fork_sig_find(struct fork_sig *out, const struct fork_note *n, struct pack_run run, const char *origin,
                         struct errmsg *e);

#endif
