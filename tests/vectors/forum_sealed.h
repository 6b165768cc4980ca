/*
 * Vectors of sealed bodies and files: what is expanded from the seed, and the bytes that it gives; and of opening them.
 */
#ifndef PARLEY_TESTS_FORUM_SEALED_H
#define PARLEY_TESTS_FORUM_SEALED_H

#include "base/json.h"

/* The file as it is to be published; the caller's. */
json_t *sealed_file(struct arena *a);
/* Everything that it says, from the file alone; fails the test where our code says something else. */
void sealed_judge(struct arena *a, const json_t *file);

#endif
