/*
 * The checkpoints of a receipt: for each addressee of a statement whose cosignature is at hand one note that carries it,
 * as few notes as that takes (docs/protocol.md, "Evidence pack").
 */
#ifndef PARLEY_NODE_RECEIPT_NOTES_H
#define PARLEY_NODE_RECEIPT_NOTES_H

#include "node/state.h"

#define RECEIPT_NOTES_MAX 48 /* of one log: with as many of the bulk log and all cards they stay below PACK_FILES_MAX */

struct receipt_note {
  uint64_t size;
  struct bytes text; /* the log's signature, then cosignatures in the order of `to`; in the arena */
};

struct receipt_notes {
  struct receipt_note *list; /* in the order of the first addressee of each; in the arena */
  size_t n;
  bool covered[STATEMENT_TO_MAX];
};

/*
 * Cosignatures over our own log that reach beyond index: the smallest size that all addressees have cosigned, in one note; where
 * there is none, or a note has no room, the earliest of each. only: which addressees; NULL: all. ENOTFOUND: there are none.
 */
parley_err receipt_notes_own(struct receipt_notes *out, struct arena *a, struct node *n, struct own_log *l,
                             const struct statement *s, uint64_t index, const bool *only, struct errmsg *e);
/* Over another's log: our own cosignature, and those of others that were brought here (cosigned_note.h). */
parley_err receipt_notes_theirs(struct receipt_notes *out, struct arena *a, struct node *n, const struct their_log *l,
                                const struct statement *s, uint64_t index, const bool *only, struct errmsg *e);

#endif
