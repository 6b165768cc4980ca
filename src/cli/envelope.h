/*
 * Cards and other envelopes that come as files, and what is told of a card.
 */
#ifndef PARLEY_CLI_ENVELOPE_H
#define PARLEY_CLI_ENVELOPE_H

#include "base/json.h"
#include "cli/cli.h"

/* The envelope in a file, in the arena, without the line ends that mail and editors put behind it. */
parley_err envelope_read(struct cli *c, struct bytes *out, const char *path, size_t max, struct errmsg *e);
/* Parses and verifies a card from a file; the message names the file. Validity in time is not judged. */
parley_err card_read(struct cli *c, struct card *out, const char *path, struct errmsg *e);

/* Party, fingerprint, validity (with a warning when it is not valid now), addresses. */
void card_print(struct cli *c, const struct card *card);
json_t *card_json(const struct card *card);

/* "FINGERPRINT" as 64 hex digits in any grouping. EINVAL says so. */
parley_err fingerprint_read(uint8_t out[static SHA256_SIZE], const char *text, struct errmsg *e);

#endif
