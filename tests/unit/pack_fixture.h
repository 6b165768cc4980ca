/*
 * Evidence packs made in memory from nothing but a number: parties with keys and cards, a charter, logs, cosignatures.
 */
#ifndef PARLEY_TESTS_PACK_FIXTURE_H
#define PARLEY_TESTS_PACK_FIXTURE_H

#include "record/pack.h"

#define FIXTURE_PARTIES 4
#define FIXTURE_CARDS 3 /* of one party */
#define FIXTURE_FILES STATEMENT_ATTACH_MAX
#define FIXTURE_TIME 1620381600 /* 2021-05-07T10:00:00Z */

struct fixture_options {
  uint8_t world;       /* another number: other keys for the same names */
  size_t members;      /* of the charter, 2 to 4; 0 means 2 */
  size_t addressees;   /* parties 1, 2 …; 0 means 1 */
  size_t predecessors; /* versions of the charter before the one cited */
  uint64_t officers;   /* further signatures of the statement */
  bool attach;         /* the statement has a file */
  bool files;          /* and it is delivered */
  uint64_t
      bulk_size; /* entries of the bulk tree that the addressees signed; the statement names 6. 0 means 6. With real files: how many more than it names */
  bool ack;
  bool ack_other;     /* it names another statement */
  bool ack_stranger;  /* in the name of party 1, signed by party 3 */
  bool ack_third;     /* by party 2, which is no addressee */
  bool ack_elsewhere; /* addressed to party 2 */
  bool ack_kind;      /* of another kind */
  int64_t late;       /* seconds from issue to the cosignatures; 0 means 7 */
  /* Whose cosignatures each proof, and each bulk checkpoint, carries: "13,2"; NULL: one for all addressees. */
  const char *proofs, *bulks;
  /* Cards: each party has so many after its first, with all keys new, or all but the rotation key kept. */
  uint8_t renewals;
  bool keys_kept;
  uint8_t named;     /* serial of the cards that the charter cited names; its predecessors name the first */
  uint8_t signs;     /* serial of the cards under which the statement is signed, sealed and delivered */
  uint8_t signs_ack; /* and the acknowledgement and rejection */
  uint8_t sealed_to; /* 0: to the cards of `signs`; else to those of the serial one less */
  /* A rejection, by party 1; after the acknowledgement where there is one, or before. */
  bool reject, reject_first, reject_other;
  const char *ground; /* NULL: files */
  const char *lang;   /* of the statement; NULL: en */
  const char *desk;   /* NULL: duty */
  const char *text;   /* JSON of its body; NULL: {"text": "statement"} */
  bool form;          /* the charter pins fixture_form */
  /* Real files, of these sizes, instead of the one that is only named. */
  size_t n_files;
  uint64_t sizes[FIXTURE_FILES];
  bool backwards, together; /* their order in the bulk log; no entries of others between them */
  uint64_t rest;            /* entries of the bulk log after them, up to what the statement names; 0 means 3 */
  /* What is disclosed. */
  bool disclose, disclose_reject;
  unsigned disclose_files; /* bit n: file n */
  enum {
    SEALED_WELL,
    SEALED_TO_OTHER,   /* party 1 cannot open it: sealed to a key of somebody else */
    SEALED_BY_SEED,    /* by another seed than the one in the text */
    SEALED_PAYLOAD,    /* header by the seed, payload by another nonce */
    SEALED_FILE,       /* file 0: sealed by another seed */
    SEALED_TEXT_OTHER, /* what is disclosed is not what was signed */
    SEALED_SPACED,     /* the text was signed with white space in it */
    SEALED_FEWER,      /* the text names one file less than the statement */
    SEALED_SIZE,       /* the text says another size of file 0 */
    SEALED_DIGEST,     /* and another digest */
  } fault;
};

extern const char fixture_form[]; /* a form for incident.notice: one required field, "text" of at most 20 bytes */

struct fixture_card {
  struct ed25519_key *statement, *rotation, *log, *mirror;
  struct card card;
};

struct fixture_party {
  const char *name;
  struct fixture_card at[FIXTURE_CARDS]; /* by serial */
  size_t n_cards;
  struct card card; /* the first */
};

/* A file in memory, given out in odd pieces. */
struct fixture_stored {
  struct pack_file_name name;
  struct bytes data;
};

struct fixture {
  struct fixture_options options;
  struct arena arena;
  struct fixture_party parties[FIXTURE_PARTIES]; /* sorted by name; number 0 is the author */
  uint8_t forum[SHA256_SIZE], charter[SHA256_SIZE];
  struct pack_input input;
  struct pack_delivery statement, ack, reject;
  struct pack_signed further[2][FIXTURE_PARTIES]; /* proofs, bulk checkpoints */
  const struct card *cards[FIXTURE_PARTIES * FIXTURE_CARDS];
  struct bytes files[FIXTURE_FILES], sealed[FIXTURE_FILES]; /* real files */
  struct plain_file about[FIXTURE_FILES];
  struct statement parsed; /* the statement */
  struct fixture_stored stored[2 * FIXTURE_FILES];
  size_t n_stored;
  struct bytes predecessors[8];
  struct pack pack; /* built */
};

/* Fails the test when anything does. */
void fixture_open(struct fixture *f, struct fixture_options options);
void fixture_close(struct fixture *f);
/* The true fingerprints of the first n parties. */
void fixture_anchors(const struct fixture *f, struct anchor *out, size_t n);

/*
 * A note of a party's log: its signature, then the mirror cosignatures of the parties whose numbers stand in the
 * string `mirrors` ("12"), a lower-case letter standing for a cosignature by other keys ("a": of party 0).
 */
struct bytes fixture_note(struct fixture *f, size_t log, uint64_t epoch, bool bulk, uint64_t size,
                          const struct hash *root, const char *mirrors);
/* The tree of the statement's log: 7 entries, of which the statement is number 3. */
void fixture_root(struct fixture *f, struct hash *out);
/* A proof file for the statement with another note. */
struct bytes fixture_proof(struct fixture *f, struct bytes note);

/* Makes p read its stored files from these. */
void fixture_store(struct pack *p, struct arena *a, struct fixture_stored *files, size_t n);

/* Changes to a copy of the pack's file list; the data is not copied. */
struct pack fixture_copy(struct fixture *f);
struct pack_file *fixture_file(struct pack *p, const char *name);
void fixture_remove(struct pack *p, const char *name);
void fixture_add(struct pack *p, const char *name, struct bytes data);
void fixture_sort(struct pack *p);

#endif
