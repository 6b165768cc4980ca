/*
 * What the tests of evidence packs expect of pack_verify, and the packs that they use most.
 */
#ifndef PARLEY_TESTS_PACK_EXPECT_H
#define PARLEY_TESTS_PACK_EXPECT_H

#include "pack_fixture.h"

extern const struct fixture_options plain; /* no files, not acknowledged */
extern const struct fixture_options usual; /* with both */
extern const struct fixture_options grown; /* and a bulk tree larger than the one named */
/* Everything at once: two addressees, officers, predecessors, a file in a tree that has grown, an acknowledgement. */
extern const struct fixture_options all;

parley_err check(const struct pack *p, const struct anchor *anchors, size_t n, struct errmsg *e);
void holds(const struct pack *p);
/* It fails as a bad pack does, and the message has this in it. */
void fails(const struct pack *p, const char *naming);
/* So does the fixture's pack with other data in one file. */
void fails_with(struct fixture *f, const char *name, struct bytes data, const char *naming);
/* A file's text with the first `from` pack_replaced. */
struct bytes pack_replaced(struct fixture *f, const char *name, const char *from, const char *to);

#endif
