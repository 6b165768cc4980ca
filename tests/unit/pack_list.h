/*
 * Evidence packs by name, good and bad, each with what must be said about it: for other verifiers (unit-test_pack --write)
 * and as published vectors (tests/vectors/parley).
 */
#ifndef PARLEY_TESTS_PACK_LIST_H
#define PARLEY_TESTS_PACK_LIST_H

#include "pack_fixture.h"

struct listed_pack {
  const char *name;
  const char *what; /* one sentence */
  struct fixture_options options;
  const char *without; /* a file taken away, in memory or stored; NULL: none */
  const char *bad;     /* why it must be refused: part of our message, which begins with a file's name. NULL: good */
  bool large;          /* too large to be published as text */
};

extern const struct listed_pack listed_packs[];
extern const size_t listed_packs_count;

/* The pack as it is listed. fixture_close ends both. */
struct pack listed_pack_open(struct fixture *f, const struct listed_pack *x);

#endif
