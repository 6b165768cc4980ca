/*
 * The lists and the body of a statement, for statement_parse.c.
 */
#ifndef PARLEY_FORUM_STATEMENT_LISTS_H
#define PARLEY_FORUM_STATEMENT_LISTS_H

#include "forum/statement.h"

parley_err statement_parse_re(struct statement *s, const json_t *top, struct errmsg *e);
parley_err statement_parse_to(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e);
parley_err statement_parse_heard(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e);
parley_err statement_parse_held(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e);
parley_err statement_parse_attach(struct statement *s, const json_t *top, struct errmsg *e);
/* body, or sealed and body_sha256, as the kind demands. */
parley_err statement_parse_body(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e);

#endif
