/*
 * Somebody's mirror as the source of an audit: the read side of C2SP tlog-tiles over HTTP. Which logs to look for, and
 * whose keys are whose, comes from another source (this home's) or from the command line.
 */
#ifndef PARLEY_CLI_AUDIT_MIRROR_H
#define PARLEY_CLI_AUDIT_MIRROR_H

#include "cli/cli.h"
#include "record/audit.h"

struct audit_mirror; /* opaque */

struct audit_mirror_options {
  const char *where;         /* a party of whom a card is at hand, or a URL */
  const struct bytes *cards; /* envelopes; for its URL and link pins */
  size_t n_cards;
  const struct home_keys *keys;    /* of the link; NULL: only what is open to all */
  const struct audit_source *home; /* logs, cards and charters; NULL: none but those named */
  const char *const *origins;      /* further logs; NULL-terminated, may be NULL */
};

/* EINVAL: neither a party nor a URL; ENOTFOUND: no card of the party. Nothing is asked yet. */
parley_err audit_mirror_open(struct audit_mirror **out, struct cli *c, const struct audit_mirror_options *o,
                             struct errmsg *e);
struct audit_source audit_mirror_source(struct audit_mirror *m);
void audit_mirror_close(struct audit_mirror *m);

#endif
