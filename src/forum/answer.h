/*
 * Statements that answer one other (docs/protocol.md, "Kinds of this version"): its acknowledgement, its rejection, and
 * the notice that it is disclosed. All three name the one statement and an officer; what stands in their sealed bodies is
 * here.
 */
#ifndef PARLEY_FORUM_ANSWER_H
#define PARLEY_FORUM_ANSWER_H

#include "base/json.h"

#define REASONS_MAX 2000 /* bytes */

enum answer { ANSWER_NONE, ANSWER_ACK, ANSWER_REJECT, ANSWER_DISCLOSED };
/* Of a kind: "ack", "reject", "notice.disclosed"; ANSWER_NONE for all others. */
enum answer answer_of(const char *kind);
const char *answer_kind(enum answer what); /* not of ANSWER_NONE */

enum ground { GROUND_UNREADABLE, GROUND_SEALING, GROUND_FORM, GROUND_LANGUAGE, GROUND_FILES };
const char *ground_name(enum ground g);
bool ground_parse(enum ground *out, const char *s);

/* What the sealed body of an answer says. The strings belong to its JSON. */
struct answer_body {
  enum ground ground;  /* of a rejection */
  const char *reasons; /* NULL: none */
};
/* EINVAL names the member that is wrong. */
parley_err answer_body_parse(struct answer_body *out, enum answer what, const json_t *body, struct errmsg *e);
/* A new object; NULL when memory is out or the reasons are not UTF-8. note: of an acknowledgement, as reasons. */
json_t *answer_body_make(enum answer what, enum ground ground, const char *reasons);

#endif
