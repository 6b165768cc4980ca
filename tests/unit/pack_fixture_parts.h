/*
 * What the files that make up the fixture of evidence packs share.
 */
#ifndef PARLEY_TESTS_PACK_FIXTURE_PARTS_H
#define PARLEY_TESTS_PACK_FIXTURE_PARTS_H

#include "pack_fixture.h"

#define FIXTURE_LEAVES_MAX 1024
#define BULK_NAMED 6 /* entries of the bulk log when files are only named */

struct fixture_tree {
  struct hash leaves[FIXTURE_LEAVES_MAX];
  size_t n;
};

extern const char *const fixture_names[FIXTURE_PARTIES];

void fixture_ok(parley_err rc, const struct errmsg *e);
struct bytes fixture_kept(struct fixture *f, struct buf *b);
/* 32 bytes that depend on the world and on a label only. */
void fixture_seed(const struct fixture *f, uint8_t out[static 32], const char *party, const char *what);
struct ed25519_key *fixture_key(const struct fixture *f, const char *party, const char *what);

/* pack_fixture_cards.c */
void fixture_party(struct fixture *f, size_t i);
struct bytes fixture_envelope(struct fixture *f, const char *type, struct bytes payload,
                              struct ed25519_key *const *keys, size_t n);
void fixture_charters(struct fixture *f);
/* The card under which party i acts: of the statement, or of the answers to it. */
struct fixture_card *fixture_card(struct fixture *f, size_t i, bool answer);

/* pack_fixture_logs.c: a tree of entries nobody cares about. */
struct fixture_tree *fixture_tree(struct fixture *f, const char *what, size_t n);
struct hash fixture_tree_root(const struct fixture_tree *t, size_t n);
struct merkle_source fixture_source(struct fixture_tree *t);
void fixture_delivery(struct fixture *f, struct pack_delivery *out, struct fixture_tree *t, size_t index, size_t from,
                      const char *mirrors, struct bytes entry);
struct bytes fixture_note_under(struct fixture *f, size_t log, uint64_t epoch, bool bulk, uint64_t size,
                                const struct hash *root, const char *mirrors, bool answer);

/* pack_fixture_sealed.c */
void fixture_seal(struct fixture *f, struct statement *s, const char *label, const char *body, struct bytes *text);
void fixture_files(struct fixture *f, struct statement *s);
struct fixture_tree *fixture_bulk(struct fixture *f);

#endif
