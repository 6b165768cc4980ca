/*
 * The end of an epoch that is over: the trees of it that the forum.epoch of the next one names, the only ones of it that
 * are still taken and passed on (docs/protocol.md, "Epochs and recovery"). Nothing is stored for it: entry 0 says it.
 */
#ifndef PARLEY_NODE_EPOCH_END_H
#define PARLEY_NODE_EPOCH_END_H

#include "node/state.h"

/* ---- of a counterpart ---- */

/* Sets l->end of each older log of the member, once its newest epoch is known. */
parley_err their_ends_load(struct member *m, struct errmsg *e);
/* Our mirror of an epoch that is over stands at its end, cosigned: it can be passed on. */
bool their_end_held(const struct their_log *l);
/* EREFUSED, with a sentence: the checkpoint, or the upload up to `end`, is not of the end of l, which is over. */
parley_err their_end_note(const struct their_log *l, struct bytes note, struct errmsg *e);
parley_err their_end_upload(const struct their_log *l, uint64_t end, struct errmsg *e);

/* ---- two histories ---- */

/*
 * An epoch of the party before `epoch` is proved to have two histories, and no charter in force has closed it: nothing of
 * this one counts until then, whichever was known first. *which gets that epoch.
 */
bool epoch_waits_for_charter(const struct node *n, const struct forum *f, const char *party, uint64_t epoch,
                             uint64_t *which);
/* EREFUSED, with a sentence: of this log nothing is taken, for two histories of its epoch, or as above. */
parley_err epoch_refused(const struct node *n, const struct their_log *l, struct errmsg *e);

/* ---- our own ---- */

/* The end of an own log that is over is on its way to members that lack it: a push of each, behind that of the newest. */
parley_err own_ends_open(struct node *n, struct forum *f, struct errmsg *e);
void own_ends_free(struct member *m);
/* It is of an epoch that is over. */
bool push_is_over(const struct push *p);
/* The end of an own log that is over, as the next one names it. False: none is named, or the next one is empty. */
bool own_end(const struct own_log *l, struct log_end *out);
/* The longest tree of the log that is held here and was cosigned by somebody, so that it can be shown; *size 0: none. */
parley_err own_shown(struct node *n, struct own_log *l, uint64_t *size, struct hash *root, struct errmsg *e);
/* Of what is known of the epoch in hand: sets held and bulk. */
parley_err own_end_find(struct node *n, struct forum *f, struct forum_epoch *out, struct errmsg *e);

#endif
