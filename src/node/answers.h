/*
 * Statements that answer one other (forum/answer.h): which of them count, and where they are found. An index row leads
 * from a statement and a party to the party's answer of each sort.
 */
#ifndef PARLEY_NODE_ANSWERS_H
#define PARLEY_NODE_ANSWERS_H

#include "forum/answer.h"
#include "node/state.h"

/* The answer of that sort by the party that counts. ENOTFOUND. */
parley_err answer_find(struct node *n, enum answer what, const struct hash *id, const char *party, struct hash *out,
                       struct errmsg *e);
/* Also one that counts no more, since a charter has closed the log that it stands in: it still proves what it says. */
parley_err answer_find_any(struct node *n, enum answer what, const struct hash *id, const char *party, struct hash *out,
                           struct errmsg *e);
/* Makes it found, inside a transaction; the first of its sort that counts stays. */
parley_err answer_put(struct node *n, enum answer what, const uint8_t re[static 32], const char *party,
                      const struct hash *id, struct errmsg *e);
/* A rejection of the party stands, and no acknowledgement of it. */
bool answer_disputed(struct node *n, const struct hash *id, const char *party);

/* Whether the answer of a counterpart counts; EINVAL: why not. Other errors: trouble of ours. */
parley_err answer_judge(struct node *n, const struct their_log *l, const struct statement *s, struct errmsg *e);
/* Whether we may answer that statement; with the answers that wait for their commit. EREFUSED, ECONFLICT. */
parley_err answer_allowed(struct node *n, enum answer what, const struct row *row, const struct statement *re,
                          struct errmsg *e);

/* answer_rows.c: "rejection" and "disputed" of one addressee, where it has rejected the statement. */
void answer_put_rejection(struct node *n, json_t *o, const struct hash *id, const char *party);
/* "disputed" and "disclosed" of a statement's row, where there is any. */
void answer_put_summary(struct node *n, json_t *o, const struct hash *id, const struct statement *s);
/* Statements that are rejected between us and a counterpart in a forum, as an array of ids; at most 100. */
json_t *answer_disputes(struct node *n, const struct forum *f, const char *party);

#endif
