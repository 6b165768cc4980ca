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
/*
 * Takes the text of `sealed`, by far the longest, out of the payload before a JSON parser goes over it character by
 * character. *rest is the payload with "" in its place. Only where "sealed":" stands once and base64 follows (which JSON
 * need not escape), so that *rest is JSON exactly when the payload is; whether it is the statement's own member shows in
 * *rest. False: nothing was taken.
 */
bool statement_take_sealed(struct bytes *rest, struct bytes *sealed, struct arena *a, struct bytes payload);
/* body, or sealed (unless s->sealed has been taken) and body_sha256, as the kind demands. */
parley_err statement_parse_body(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e);

#endif
