/*
 * Whom a verifier knows already: from --card and --fingerprint, and from the pins and the own card of the home, where
 * there is one.
 */
#ifndef PARLEY_CLI_ANCHORS_H
#define PARLEY_CLI_ANCHORS_H

#include "cli/options.h"
#include "record/pack.h"

struct anchors {
  struct anchor *list; /* free() */
  const struct card *
      *card; /* the card of the same number, where it is at hand; NULL where only a fingerprint is known */
  size_t n, cap;
  size_t n_given; /* the first so many come from the command line */
};

/* Those of --fingerprint. EINVAL for wrong usage. */
parley_err anchors_told(struct anchors *out, const struct args *a, struct errmsg *e);
/* Those of --card, after them. Errors as card_read. */
parley_err anchors_cards(struct cli *c, struct anchors *out, const struct args *a, struct errmsg *e);
/* Those of the home; a home that is damaged is told on standard error, and goes no further. */
parley_err anchors_home(struct cli *c, struct anchors *out, struct errmsg *e);
void anchors_free(struct anchors *a);

#endif
