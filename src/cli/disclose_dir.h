/*
 * The folder of a disclosed pack: written beside its target, verified there, and only then given its name.
 */
#ifndef PARLEY_CLI_DISCLOSE_DIR_H
#define PARLEY_CLI_DISCLOSE_DIR_H

#include "base/json.h"
#include "cli/anchors.h"
#include "record/pack.h"

struct disclose_dir {
  struct cli *c;
  const char *target;
  char beside[HOME_PATH_MAX];   /* a folder of its own; "": there is none (any more) */
  char pack[HOME_PATH_MAX + 8]; /* the pack in it */
};

/* Writes all that the node gives out (GET disclosure), files of any size streamed from it, with progress. */
parley_err disclose_dir_write(struct disclose_dir *d, const json_t *answer, struct errmsg *e);
/* As any stranger would; *out is the caller's (pack_result_clear). */
parley_err disclose_dir_verify(struct pack_result *out, struct disclose_dir *d, const struct anchors *known,
                               struct errmsg *e);
/* Gives it its name. */
parley_err disclose_dir_keep(struct disclose_dir *d, struct errmsg *e);
/* Removes what was not kept. */
void disclose_dir_end(struct disclose_dir *d);

#endif
