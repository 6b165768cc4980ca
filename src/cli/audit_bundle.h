/*
 * A bundle as the source of an audit: the entries that it carries, each package held to the checkpoint beside it. The
 * tiles of what lies before them come from this home, where it holds them.
 */
#ifndef PARLEY_CLI_AUDIT_BUNDLE_H
#define PARLEY_CLI_AUDIT_BUNDLE_H

#include "cli/cli.h"
#include "record/audit.h"

struct audit_bundle; /* opaque */

/*
 * Reads the file once; home may be NULL. EVERIFY, EINVAL, ELIMIT: something in it does not hold or it is cut; the
 * message says what and where. A log that begins beyond what the home holds is told on standard error, and is checked
 * no further.
 */
parley_err audit_bundle_open(struct audit_bundle **out, struct cli *c, const char *path,
                             const struct audit_source *home, struct errmsg *e);
struct audit_source audit_bundle_source(struct audit_bundle *b);
void audit_bundle_close(struct audit_bundle *b);

#endif
