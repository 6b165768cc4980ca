/*
 * What the line-based C2SP formats share: text checks, base64 into an arena, lists of hashes, foreign text in messages.
 */
#ifndef PARLEY_FORMATS_TEXT_H
#define PARLEY_FORMATS_TEXT_H

#include "base/arena.h"
#include "base/err.h"
#include "merkle/tree.h"

/* Valid UTF-8 without control characters other than newline (signed-note: Format). */
bool text_valid(struct bytes b);

/* Padded base64 into the arena. EINVAL, ENOMEM. */
parley_err text_base64(struct bytes *out, struct arena *a, struct bytes in);

/* Lines of one base64 hash each, up to and including an empty line. EINVAL, ELIMIT over PROOF_MAX hashes. */
parley_err text_proof(struct proof *out, struct bytes *rest, struct errmsg *e);
void text_proof_write(struct buf *out, const struct proof *p);

/* A line "<word> <decimal>". */
bool text_number(uint64_t *out, struct bytes line, const char *word);

/* Foreign bytes made fit for a message: at most 64 of them, control characters and bad UTF-8 replaced. Returns out. */
#define TEXT_SHOW_SIZE 68
const char *text_show(char out[static TEXT_SHOW_SIZE], struct bytes b);

#endif
