/*
 * ASCII armor of age files (C2SP age.md, "ASCII armor"): for files that people print, type or send as text. One text
 * for one file, but for white space around it and CRLF line ends. Whole files in memory, no streaming.
 */
#ifndef PARLEY_FORMATS_AGE_ARMOR_H
#define PARLEY_FORMATS_AGE_ARMOR_H

#include "base/bytes.h"
#include "base/err.h"

#define AGE_ARMOR_MAX ((size_t)16 << 20) /* bytes of text */

/* Does the text begin, after white space, like armor? A binary age file never does. */
bool age_armored(struct bytes in);

/* Appends the armored text of a binary file, with a final newline. ENOMEM. */
parley_err age_armor_write(struct buf *out, struct bytes file, struct errmsg *e);

/*
 * Appends the binary file that the text holds; nothing when it fails. White space (space, tab, CR, LF) before and after
 * is allowed, anything else is not; lines end all in LF or all in CRLF. EINVAL, ELIMIT, ENOMEM.
 */
parley_err age_armor_read(struct buf *out, struct bytes in, struct errmsg *e);

#endif
