/*
 * C2SP signed-note, tlog-checkpoint and tlog-cosignature (Ed25519): parsing, building, verifying.
 * Bounds: a note is at most 65,536 bytes and 64 signature lines when read; we write at most 16 (signed-note promises no
 * more).
 */
#ifndef PARLEY_FORMATS_NOTE_H
#define PARLEY_FORMATS_NOTE_H

#include "base/arena.h"
#include "base/err.h"
#include "merkle/tree.h"

#define NOTE_SIZE_MAX 65536
#define NOTE_SIGS_READ_MAX 64
#define NOTE_SIGS_WRITE_MAX 16
#define NOTE_NAME_MAX 255

#define NOTE_ED25519 0x01
#define NOTE_COSIGNATURE 0x04

/* A verifier key: "<name>+<8 hex>+<base64(type || key)>". */
struct vkey {
  char name[NOTE_NAME_MAX + 1];
  uint8_t type; /* NOTE_ED25519 or NOTE_COSIGNATURE */
  uint32_t id;
  uint8_t pub[32];
};

/* Computes the id from name, type and key. EINVAL for a bad name (empty, too long, Unicode space, plus). */
parley_err vkey_make(struct vkey *out, const char *name, uint8_t type, const uint8_t pub[static 32], struct errmsg *e);
parley_err vkey_parse(struct vkey *out, struct bytes text, struct errmsg *e);
void vkey_write(struct buf *out, const struct vkey *k);

struct note_sig {
  struct bytes name; /* into the note */
  uint32_t id;
  struct bytes sig;  /* after the key id; decoded, in the arena */
  struct bytes line; /* the whole line with its newline, into the note */
};

struct note {
  struct bytes text; /* with its final newline */
  size_t n;
  struct note_sig *sigs;
};

/* The signature lines of a note: what follows the first empty line; it is not parsed. Empty when there is none. */
struct bytes note_signatures(struct bytes note);

/* Parses; the result points into `in` and the arena. signed-note: Format. EINVAL, ELIMIT, ENOMEM. */
parley_err note_parse(struct note *out, struct arena *a, struct bytes in, struct errmsg *e);
/*
 * Verifies every signature of known key k: OK when at least one line has its name and id and all such lines verify;
 * ENOTFOUND when there is no such line; EVERIFY when one fails (the whole note is to be refused); ENOMEM.
 * *time (may be NULL) gets the earliest timestamp of a cosignature key, in seconds; *which (may be NULL) the index of
 * that line.
 */
parley_err note_verify(const struct note *n, const struct vkey *k, int64_t *time, size_t *which, struct errmsg *e);

/* A parsed checkpoint. origin points into the note. Extension lines are refused by checkpoint_parse (EINVAL). */
struct checkpoint {
  struct bytes origin;
  uint64_t size;
  struct hash root;
};

/* tlog-checkpoint: Note text. The text (not the signatures). Size at most 2^63 - 1. */
parley_err checkpoint_parse(struct checkpoint *out, struct bytes text, struct errmsg *e);
/* Appends the three lines. */
void checkpoint_text(struct buf *out, const char *origin, uint64_t size, const struct hash *root);

/* Appends "— name base64\n" for a signature made elsewhere (64 bytes; with timestamp for cosignatures). */
void note_sig_line(struct buf *out, const struct vkey *k, struct bytes sig);
/* The bytes a cosignature of type 0x04 signs: "cosignature/v1\ntime T\n" + checkpoint text. */
void cosignature_message(struct buf *out, int64_t time, struct bytes checkpoint_text);
/*
 * Parses one signature line (with or without newline) and verifies it over a checkpoint text by k. EVERIFY, EINVAL,
 * ENOTFOUND.
 */
parley_err note_verify_line(struct bytes line, struct bytes text, const struct vkey *k, int64_t *time,
                            struct errmsg *e);

#endif
