/*
 * Time is a number that comes in as an argument: seconds or milliseconds since 1970 UTC. Nothing below src/daemon and
 * src/cli reads a clock.
 */
#ifndef PARLEY_BASE_TIME_H
#define PARLEY_BASE_TIME_H

#include "base/bytes.h"

#define TIME_TEXT_SIZE 21 /* "2021-05-07T10:00:00Z" and a NUL */

/* RFC 3339 UTC with whole seconds, years 1970 to 9999; what lies outside is written as the nearest of them. */
void time_format(char out[static TIME_TEXT_SIZE], int64_t seconds);
/* Accepts exactly that form ("Z" only, no fraction, no leap second). */
bool time_parse(int64_t *seconds, struct bytes text);

#endif
