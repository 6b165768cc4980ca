/*
 * What building and verifying evidence packs share (docs/protocol.md, "Evidence pack"): names of files, the cards at
 * hand, and notes in the one form that a pack may hold them in.
 */
#ifndef PARLEY_RECORD_PACK_PARTS_H
#define PARLEY_RECORD_PACK_PARTS_H

#include "record/pack.h"

/* A note is written with at most 16 signature lines (signed-note: Signatures), one of them the log's. */
#define PACK_ADDRESSEES_MAX (NOTE_SIGS_WRITE_MAX - 1)

#define PACK_ENTRY "entry.json"
#define PACK_PROOF "proof.tlog-proof"
#define PACK_POLICY "policy.tlog-policy"
#define PACK_CHARTER "charter.json"
#define PACK_BULK_CHECKPOINT "bulk/checkpoint"
#define PACK_BULK_CONSISTENCY "bulk/consistency"
#define PACK_ACK_ENTRY "ack/entry.json"
#define PACK_ACK_PROOF "ack/proof.tlog-proof"
#define PACK_ACK_POLICY "ack/policy.tlog-policy"
#define PACK_MANUAL "VERIFY.md"

/* ---- files (pack_files.c) ---- */

struct pack_file_name pack_card_file(const char *party); /* "cards/<party>.json" */
struct pack_file_name pack_charter_file(size_t k);       /* "charter.<k>.json" */

/* Bounds, order, and that each name is one that some pack may have. Which of them this one may have comes later. */
parley_err pack_check_names(const struct pack *p, struct errmsg *e);
/* EINVAL, naming the file, when it is not there. */
parley_err pack_need(const struct pack_file **out, const struct pack *p, const char *name, struct errmsg *e);
/* EVERIFY, with the line of the first difference, unless the file reads exactly as it would be written again. */
parley_err pack_same(struct bytes have, struct bytes want, struct errmsg *e);

/* ---- parties (pack_cards.c) ---- */

struct pack_cards {
  const struct card *const *list;
  size_t n;
};

struct pack_parties {
  const struct card *from;
  const struct card *to[PACK_ADDRESSEES_MAX]; /* in the order of the statement's `to` */
  size_t n_to;
};

/* Parses and verifies every file under cards/. */
parley_err pack_cards_read(struct pack_cards *out, struct arena *a, const struct pack *p, struct errmsg *e);
const struct card *pack_card(const struct pack_cards *cards, const char *party); /* NULL: not at hand */
/* The cards of a statement's author and addressees; EINVAL names the first that is missing. */
parley_err pack_parties_find(struct pack_parties *out, const struct statement *s, const struct pack_cards *cards,
                             struct errmsg *e);

/* ---- charters (pack_charter.c) ---- */

/* Checks charter.json and its predecessors for the statement; *out is the charter cited, in the arena. */
parley_err pack_charter_verify(const struct charter **out, struct arena *a, const struct pack *p,
                               const struct statement *s, const struct pack_cards *cards, struct errmsg *e);

/* ---- notes and policies (pack_note.c) ---- */

struct pack_signers {
  struct vkey log;
  struct vkey mirrors[PACK_ADDRESSEES_MAX];
  size_t n; /* mirrors */
};

/* A note that carries every signature needed; all of them verify. */
struct pack_note {
  struct bytes text;            /* log signature, then cosignatures in order, nothing else; in the arena */
  struct checkpoint checkpoint; /* its origin points into the note that was read */
  uint64_t epoch;
  struct pack_signers signers;
  int64_t times[PACK_ADDRESSEES_MAX]; /* of the cosignatures */
};

/* Reads a note of who->from's log in that forum and writes it anew. Signatures by others are left out. */
parley_err pack_note_read(struct pack_note *out, struct arena *a, struct bytes note, const struct pack_parties *who,
                          const uint8_t forum[static SHA256_SIZE], bool bulk, struct errmsg *e);
parley_err pack_policy_text(struct bytes *out, struct arena *a, const struct pack_signers *signers, struct errmsg *e);
/* bulk/consistency: the old root, then the proof's hashes. */
parley_err pack_consistency_text(struct bytes *out, struct arena *a, const struct hash *old, const struct proof *proof,
                                 struct errmsg *e);
parley_err pack_consistency_parse(struct hash *old, struct proof *proof, struct bytes text, struct errmsg *e);

#endif
