/*
 * What opens the logs of a forum, epoch by epoch: forums.c and intake.c with epochs.c. The rest of the node uses
 * state.h.
 */
#ifndef PARLEY_NODE_EPOCHS_H
#define PARLEY_NODE_EPOCHS_H

#include "node/state.h"

#define EPOCHS_MAX 64 /* of one party, after the first, that are taken: each costs two mirrors, for ever */

/* forums.c: one log of one epoch; created when the store has none. */
parley_err own_log_open(struct node *n, struct forum *f, struct own_log *l, uint64_t epoch, bool bulk,
                        struct errmsg *e);
/* l->serial: of the card that the charter names, until the log says otherwise. */
parley_err their_log_open(struct node *n, struct member *m, struct their_log *l, uint64_t epoch, bool bulk,
                          struct errmsg *e);

/* After the members are there: what is shown of own older epochs. */
parley_err own_epochs_notes(struct node *n, struct forum *f, struct errmsg *e);

/*
 * Judges a forum.epoch; *serial gets that of the card that it is signed under. ENOTFOUND: by the rules, but
 * under no card that is held.
 */
parley_err epoch_entry_judge(const struct node *n, const struct their_log *l, uint64_t index, const struct statement *s,
                             const struct dsse *d, uint64_t *serial, struct errmsg *e);
/*
 * From that entry on nobody was shown a signature over an own log that is given up (epoch_next.c); inside a
 * transaction.
 */
parley_err own_epoch_put_rest(struct node *n, const struct own_log *l, uint64_t rest, struct errmsg *e);
/* Entry 0 of the log ahead is taken in by the rules. The forum is to be loaded anew. */
void their_epoch_opened(struct node *n, struct their_log *l, const struct statement *s);

#endif
