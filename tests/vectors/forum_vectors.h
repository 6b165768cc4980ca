/*
 * Our own vectors of cards, charters, statements and plaintexts: the tables from which they are written, and how an
 * input is made from a case. A case of a good input holds it whole; a mistake is a change of a good one, signed again
 * (tests/vectors/parley/README.md).
 */
#ifndef PARLEY_TESTS_FORUM_VECTORS_H
#define PARLEY_TESTS_FORUM_VECTORS_H

#include "base/json.h"

/*
 * The first `from` becomes `to`, then `times` times `repeat` (in which # is the number of the repetition, three digits),
 * then `then`.
 */
struct change {
  const char *from, *to, *repeat;
  int times;
  const char *then;
};

struct forum_case {
  const char *name, *what;
  const char *payload; /* of a good one; else NULL, and: */
  const char *base;    /* the case that is changed; it stands earlier in the group */
  struct change change[3];
  struct change respell[2];  /* in the text of the envelope, once signed */
  const char *type;          /* payload type; NULL: that of the group */
  const char *signers[6];    /* names of seeds; none: those of base */
  const char *signatures_of; /* a case over whose payload the signatures are made */
  const char *before;        /* cards: the case whose card is held, and replaced */
  const char *beside;        /* cards: the case of another party's card that is held */
  const char *kind;          /* plaintexts: the kind of the statement that it belongs to */
  const char *code, *path;   /* why it is refused, and where ("": the whole); NULL: it is accepted */
};

struct forum_group {
  const char *file, *type; /* type NULL: no envelopes */
  const struct forum_case *cases;
  size_t n;
};

#define WRONG(name_, what_, base_, from_, to_, path_)                                                                  \
  {                                                                                                                    \
    .name = name_, .what = what_, .base = base_, .change = {{.from = from_, .to = to_}}, .code = "invalid",            \
    .path = path_                                                                                                      \
  }

/* The tables; their texts live in a. */
struct forum_group forum_cards(struct arena *a);
struct forum_group forum_charters(struct arena *a);
struct forum_group forum_statements(struct arena *a);
struct forum_group forum_plaintexts(struct arena *a);

/* The first card of a party of unit/parties.h; its envelope in a. */
struct bytes forum_card_of(struct arena *a, const char *name, uint8_t number);

/* A vkey in quotes, of any key. */
char *vector_vkey(struct arena *a, const char *name, uint8_t type, const uint8_t pub[static 32]);

/* Secret keys by name ("us.statement"); NULL: none. */
const char *forum_seed_name(size_t i, uint8_t *byte);

/* The case of this name; fails the test when there is none. */
const json_t *vector_case(const json_t *file, const char *name);
/* The bytes that the case is about, from the file alone. */
struct bytes vector_input(struct arena *a, const json_t *file, const json_t *c);
/* The file of a group: type, seeds, cases. The caller's. */
json_t *vector_group(struct arena *a, const struct forum_group *g);

#endif
