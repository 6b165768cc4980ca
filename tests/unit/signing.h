/*
 * Keys from one byte and signed notes, for the tests of everything that reads notes.
 */
#ifndef PARLEY_TESTS_SIGNING_H
#define PARLEY_TESTS_SIGNING_H

#include "formats/note.h"

struct note_signer {
  struct ed25519_key *key;
  struct vkey vkey;
};

/* The key whose seed is 32 times `seed`. */
struct note_signer note_signer_new(const char *name, uint8_t type, uint8_t seed);
void note_signer_free(struct note_signer *s);
/* Appends a signature line over text; time is for cosignatures only. */
void note_signer_sign(struct buf *out, const struct note_signer *s, struct bytes text, int64_t time);

#endif
