/*
 * Notes that carry a member's cosignature over a log and were brought by somebody else: by a bundle, or by another
 * member (docs/protocol.md, section 10). The cosignature speaks for itself; who brought it does not matter.
 */
#ifndef PARLEY_NODE_COSIGNED_NOTE_H
#define PARLEY_NODE_COSIGNED_NOTE_H

#include "node/state.h"

/*
 * Takes the cosignature of `party` over our own log, as if that party had answered with it. *fresh false: held already.
 * ENOTFOUND: no member, or no cosignature of it in the note; EVERIFY: a signature fails; ECONFLICT: it is under our own
 * signature, and not our tree (signing stops, as when a member shows it).
 */
parley_err cosigned_note_take(struct node *n, struct own_log *l, const char *party, struct bytes note, bool *fresh,
                              struct errmsg *e);

/*
 * Keeps the newest cosignature of `party` over another member's log, to be carried on: STORE_PEERS, key "n/" origin
 * "\n" party, value: the note with the log's signature and this one. *fresh false: as new a one is held. ENOTFOUND,
 * EVERIFY as above; ECONFLICT: the note is not of the tree that is mirrored here.
 */
parley_err carried_note_take(struct node *n, struct their_log *l, const char *party, struct bytes note, bool *fresh,
                             struct errmsg *e);
/* The note kept, in the arena, and the size of its checkpoint. ENOTFOUND. */
parley_err carried_note_get(struct node *n, const char *origin, const char *party, struct arena *a, struct bytes *note,
                            uint64_t *size, struct errmsg *e);

#endif
