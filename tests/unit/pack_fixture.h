/*
 * Evidence packs made in memory from nothing but a number: parties with keys and cards, a charter, logs, cosignatures.
 */
#ifndef PARLEY_TESTS_PACK_FIXTURE_H
#define PARLEY_TESTS_PACK_FIXTURE_H

#include "record/pack.h"

#define FIXTURE_PARTIES 4
#define FIXTURE_TIME 1620381600 /* 2021-05-07T10:00:00Z */

struct fixture_options {
  uint8_t world;       /* another number: other keys for the same names */
  size_t members;      /* of the charter, 2 to 4; 0 means 2 */
  size_t addressees;   /* parties 1, 2 …; 0 means 1 */
  size_t predecessors; /* versions of the charter before the one cited */
  uint64_t officers;   /* further signatures of the statement */
  bool attach;         /* the statement has a file */
  bool files;          /* and it is delivered */
  uint64_t bulk_size;  /* entries of the bulk tree that the addressees signed; the statement names 6. 0 means 6 */
  bool ack;
  bool ack_other;     /* it names another statement */
  bool ack_stranger;  /* in the name of party 1, signed by party 3 */
  bool ack_third;     /* by party 2, which is no addressee */
  bool ack_elsewhere; /* addressed to party 2 */
  bool ack_kind;      /* of another kind */
  int64_t late;       /* seconds from issue to the cosignatures; 0 means 7 */
};

struct fixture_party {
  const char *name;
  struct ed25519_key *statement, *rotation, *log, *mirror;
  struct card card;
};

struct fixture {
  struct fixture_options options;
  struct arena arena;
  struct fixture_party parties[FIXTURE_PARTIES]; /* sorted by name; number 0 is the author */
  uint8_t forum[SHA256_SIZE], charter[SHA256_SIZE];
  struct pack_input input;
  struct pack_delivery statement, ack;
  const struct card *cards[FIXTURE_PARTIES];
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
void fixture_root(const struct fixture *f, struct hash *out);
/* A proof file for the statement with another note. */
struct bytes fixture_proof(struct fixture *f, struct bytes note);

/* Changes to a copy of the pack's file list; the data is not copied. */
struct pack fixture_copy(struct fixture *f);
struct pack_file *fixture_file(struct pack *p, const char *name);
void fixture_remove(struct pack *p, const char *name);
void fixture_add(struct pack *p, const char *name, struct bytes data);
void fixture_sort(struct pack *p);

#endif
