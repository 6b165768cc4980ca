/*
 * What building and verifying evidence packs share (docs/protocol.md, "Evidence pack"): names of files, the cards at
 * hand, and notes in the one form that a pack may hold them in.
 */
#ifndef PARLEY_RECORD_PACK_PARTS_H
#define PARLEY_RECORD_PACK_PARTS_H

#include "record/pack.h"

/* A note is written with at most 16 signature lines (signed-note: Signatures), one of them the log's. */
#define PACK_COSIGNERS_MAX (NOTE_SIGS_WRITE_MAX - 1)

#define PACK_ENTRY "entry.json"
#define PACK_PROOF "proof.tlog-proof"
#define PACK_POLICY "policy.tlog-policy"
#define PACK_CHARTER "charter.json"
#define PACK_BULK_CHECKPOINT "bulk/checkpoint"
#define PACK_BULK_CONSISTENCY "bulk/consistency"
#define PACK_BULK_RANGE "bulk/range"
#define PACK_ACK "ack/"
#define PACK_REJECT "reject/"
#define PACK_BODY "body.json"
#define PACK_REJECT_BODY PACK_REJECT PACK_BODY
#define PACK_MANUAL "VERIFY.md"

/* ---- files (pack_files.c) ---- */

/* The files of one delivered statement. */
struct pack_trio {
  const char *entry, *proof, *policy;
};
extern const struct pack_trio pack_statement_files, pack_ack_files, pack_reject_files;

struct pack_file_name pack_card_file(const char *party);                        /* "cards/<party>.json" */
struct pack_file_name pack_older_card_file(const char *party, uint64_t serial); /* "cards/<party>.<serial>.json" */
struct pack_file_name pack_charter_file(size_t k);                              /* "charter.<k>.json" */

/* Bounds, order, and that each name is one that some pack may have. Which of them this one may have comes later. */
parley_err pack_check_names(const struct pack *p, struct errmsg *e);
/* The same for the files in memory, by what is known of their names; what: "an evidence pack". */
parley_err pack_check_listed(const struct pack *p, bool (*known)(const char *name), const char *what, struct errmsg *e);
/* The name that some card's file may have. */
bool pack_is_card_name(const char *name);
/* EINVAL, naming the file, when it is not there. */
parley_err pack_need(const struct pack_file **out, const struct pack *p, const char *name, struct errmsg *e);
/* EVERIFY, with the line of the first difference, unless the file reads exactly as it would be written again. */
parley_err pack_same(struct bytes have, struct bytes want, struct errmsg *e);

/* ---- parties (pack_cards.c) ---- */

/* Sorted by party, then serial, so that each party's run is together. */
struct pack_cards {
  const struct card *const *list;
  size_t n;
};

/* The cards of one party, oldest first. */
struct pack_run {
  const struct card *const *list;
  size_t n; /* 0: none at hand */
};

struct pack_parties {
  struct pack_run from;
  struct pack_run to[STATEMENT_TO_MAX]; /* in the order of the statement's `to` */
  size_t n_to;
};

/* Sorts cards that are at hand; the list is in the arena. */
parley_err pack_cards_sort(struct pack_cards *out, struct arena *a, const struct card *const *cards, size_t n,
                           struct errmsg *e);
/* Parses and verifies every file under cards/. */
parley_err pack_cards_read(struct pack_cards *out, struct arena *a, const struct pack *p, struct errmsg *e);
struct pack_run pack_run(const struct pack_cards *cards, const char *party);
/* The name of the file of card number i of a run. */
struct pack_file_name pack_run_file(struct pack_run run, size_t i);
/* The number of the card with this fingerprint; run.n: none. */
size_t pack_run_find(struct pack_run run, const uint8_t fingerprint[static SHA256_SIZE]);
/* The runs of a statement's author and addressees; EINVAL names the first that is missing. */
parley_err pack_parties_find(struct pack_parties *out, const struct statement *s, const struct pack_cards *cards,
                             struct errmsg *e);
/* Sets what is established of a party by the anchors; EVERIFY when there are some of it, and none fits. */
parley_err pack_party_establish(struct pack_party *party, const struct pack_known *known, struct errmsg *e);
/* Checks the first signature of a statement; *which gets the number of the card whose key it is. */
parley_err pack_statement_verify(size_t *which, const struct dsse *envelope, const struct statement *s,
                                 struct pack_run author, struct errmsg *e);

/* ---- charters (pack_charter.c) ---- */

/* Checks charter.json and its predecessors for the statement; *out is the charter cited, in the arena. */
parley_err pack_charter_verify(const struct charter **out, struct arena *a, const struct pack *p,
                               const struct statement *s, const struct pack_cards *cards, struct errmsg *e);

/* ---- notes and policies (pack_note.c) ---- */

struct pack_signers {
  struct vkey log;
  struct vkey mirrors[PACK_COSIGNERS_MAX];
  size_t n; /* mirrors */
};

/* A note that carries every signature needed; all of them verify. */
struct pack_note {
  struct bytes text;            /* log signature, then cosignatures in order, nothing else; in the arena */
  struct checkpoint checkpoint; /* its origin points into the note that was read */
  uint64_t epoch;
  struct pack_signers signers;
  size_t log_card; /* numbers of the cards whose keys these are */
  size_t cards[PACK_COSIGNERS_MAX];
  int64_t times[PACK_COSIGNERS_MAX]; /* of the cosignatures */
};

/* The addressees that a note covers, by their numbers in the statement's `to`, ascending. */
struct pack_cover {
  size_t n, at[PACK_COSIGNERS_MAX];
  struct pack_parties who; /* the author and those */
};
/*
 * Those whose cosignatures stand in the note and who are not taken yet (at most PACK_COSIGNERS_MAX); they are then. Nothing
 * is verified. EVERIFY: none.
 */
parley_err pack_cover_read(struct pack_cover *out, struct arena *a, struct bytes note, const struct pack_parties *all,
                           bool taken[static STATEMENT_TO_MAX], struct errmsg *e);

/* Name of the file of that number: "proof.tlog-proof", "proof.1.tlog-proof" …; "bulk/checkpoint", "bulk/checkpoint.1" … */
struct pack_file_name pack_numbered(const char *name, size_t k);
/* Whether file is one of those from 1 on; *k gets its number. */
bool pack_is_numbered(const char *file, const char *name, uint64_t *k);
size_t pack_count_numbered(const struct pack *p, const char *name);
/* EINVAL when there is such a file with a number of n or more. */
parley_err pack_check_gaps(const struct pack *p, const char *name, size_t n, struct errmsg *e);

/*
 * Reads a note of who->from's log in that forum and writes it anew, with at most PACK_COSIGNERS_MAX in who->to. Signatures by others are left out, and of one party
 * all but that under its newest card.
 */
parley_err pack_note_read(struct pack_note *out, struct arena *a, struct bytes note, const struct pack_parties *who,
                          const uint8_t forum[static SHA256_SIZE], bool bulk, struct errmsg *e);
parley_err pack_policy_text(struct bytes *out, struct arena *a, const struct pack_signers *signers, struct errmsg *e);
/* bulk/consistency: the old root, then the proof's hashes. */
parley_err pack_consistency_text(struct bytes *out, struct arena *a, const struct hash *old, const struct proof *proof,
                                 struct errmsg *e);
/* Up to max hashes, base64, one a line; *n gets how many. */
parley_err pack_hashes_parse(struct hash *out, size_t *n, size_t max, struct bytes text, struct errmsg *e);

/* ---- for people (verify_md.c) ---- */

/* What else is in the pack that VERIFY.md is for. */
struct pack_manual {
  const struct pack_cards *cards;          /* those in the pack */
  const struct pack_cover *proofs, *bulks; /* whom the proofs and the bulk checkpoints cover, by their numbers */
  size_t n_proofs, n_bulks;
  bool has_ack, has_reject, has_body, has_reject_body, has_files;
};
void pack_verify_md(struct buf *out, const struct statement *s, const struct pack_manual *m);

#endif
