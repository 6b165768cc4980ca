/*
 * A compiled message catalogue (.mo, GNU gettext manual, "The Format of GNU MO Files"), read as it lies in memory.
 * glibc's gettext is not enough: from 2.39 on it translates nothing while the locale is C.UTF-8, which is the only one
 * that a bare Debian has.
 */
#ifndef PARLEY_CLI_CATALOGUE_H
#define PARLEY_CLI_CATALOGUE_H

#include "base/bytes.h"

#define CATALOGUE_MAX (1u << 20) /* bytes of a file */

struct catalogue {
  struct bytes file; /* the caller's, not copied; all zero: an empty catalogue */
  bool big;          /* big-endian */
  uint32_t count, originals, translations;
  const char *plural; /* the expression of Plural-Forms; NULL when there is none */
};

/* Checks every string once, so that looking up needs no more checks. False when the file is damaged. */
bool catalogue_open(struct catalogue *out, struct bytes file);

/* The translation of a message; NULL when there is none. */
const char *catalogue_find(const struct catalogue *c, const char *id);
/* The same for a message with a plural, in the form for n. */
const char *catalogue_find_n(const struct catalogue *c, const char *id, unsigned long n);

#endif
