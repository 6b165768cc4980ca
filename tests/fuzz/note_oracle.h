/*
 * A second reader of notes and checkpoints, written from signed-note and tlog-checkpoint alone and unlike the first: one
 * pass over the bytes by a state machine that knows characters, not strings. The bounds are those of formats/note.h.
 */
#ifndef PARLEY_TESTS_FUZZ_NOTE_ORACLE_H
#define PARLEY_TESTS_FUZZ_NOTE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_SIGS_MAX 64

struct oracle_sig {
  size_t name, name_n; /* offset and bytes in the note */
  uint32_t id;
  size_t sig_n;     /* bytes of the signature behind the id */
  uint32_t sig_sum; /* see oracle_sum */
};

struct oracle_note {
  size_t text_n; /* with its final newline */
  size_t n;
  struct oracle_sig sigs[ORACLE_SIGS_MAX];
};

bool oracle_note(struct oracle_note *out, const uint8_t *p, size_t n);

struct oracle_checkpoint {
  size_t origin_n;
  uint64_t size;
  uint8_t root[32];
};

bool oracle_checkpoint(struct oracle_checkpoint *out, const uint8_t *p, size_t n);

/* One more byte into a sum (FNV-1a; begin with 2166136261). */
uint32_t oracle_sum(uint32_t sum, uint8_t byte);

#endif
