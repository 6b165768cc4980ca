/*
 * What building and verifying evidence of non-delivery share.
 */
#ifndef PARLEY_RECORD_SILENCE_PARTS_H
#define PARLEY_RECORD_SILENCE_PARTS_H

#include "record/pack_parts.h"
#include "record/silence.h"

#define SILENCE_ATTEMPTS "attempts.json"
#define SILENCE_NOTES "silent/"
#define SILENCE_WITNESSES_MAX (NOTE_SIGS_WRITE_MAX - 1)

/* The checkpoint of the proof: one signature of the log, then those of witnesses, in the charter's order. */
struct silence_note {
  struct bytes text, policy; /* both as they are to be written; in the arena */
  struct pack_note log;      /* checkpoint, epoch, the log's key and card */
  const struct vkey *witness[SILENCE_WITNESSES_MAX];
  int64_t time[SILENCE_WITNESSES_MAX];
  size_t n;
};

/* EVERIFY: not one witness of the charter has cosigned it, or a line by one is wrong. Other lines are left out. */
parley_err silence_note_read(struct silence_note *out, struct arena *a, struct bytes note, struct pack_run author,
                             const uint8_t forum[static SHA256_SIZE], const struct charter *c, struct errmsg *e);

struct pack_file_name silence_party_file(const char *party); /* "silent/<party>" */

void silence_md(struct buf *out, const struct statement *s, const struct silence_list *silent);

#endif
