/*
 * What the writer and the parser of charters share.
 */
#ifndef PARLEY_FORUM_CHARTER_PARTS_H
#define PARLEY_FORUM_CHARTER_PARTS_H

#include "base/json.h"
#include "forum/charter.h"

extern const char *const charter_roles[ROLE_COUNT];

/* The optional member `closed`, into the arena. */
parley_err charter_closed_parse(struct charter *c, struct arena *a, const json_t *top, struct errmsg *e);
void charter_closed_write(struct buf *out, const struct charter *c);

#endif
