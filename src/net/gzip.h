/*
 * Bodies made shorter for the way (RFC 1952), where that pays: what is sealed does not get shorter, text does.
 */
#ifndef PARLEY_NET_GZIP_H
#define PARLEY_NET_GZIP_H

#include "base/bytes.h"

#define GZIP_MIN 512                   /* bytes; a shorter body fits into its packet anyway */
#define GZIP_MAX ((size_t)6 << 20)     /* a longer one would hold up the owner's loop */
#define GZIP_SAMPLE ((size_t)16 << 10) /* tried before the whole */

/* in as one gzip member in *out (empty before). False, *out empty: it saves less than an eighth, or memory is out. */
bool gzip_shorter(struct buf *out, struct bytes in);

/* Whether an Accept-Encoding header allows gzip (RFC 9110 section 12.5.3). NULL: it does not. */
bool gzip_accepted(const char *accept_encoding);

#endif
