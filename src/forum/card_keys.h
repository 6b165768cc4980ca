/*
 * All keys of one card as 32-byte values with their names, so that one that stands twice is found
 * (docs/protocol.md, "Card").
 */
#ifndef PARLEY_FORUM_CARD_KEYS_H
#define PARLEY_FORUM_CARD_KEYS_H

#include "forum/card.h"

#define CARD_KEYS_MAX (4 + SEAL_KEYS_MAX + LINK_PINS_MAX)

struct card_key {
  const char *what;  /* "keys.statement" … */
  size_t index;      /* in keys.seal and keys.link */
  uint8_t value[32]; /* a link pin by the digest it names */
};

size_t card_keys(struct card_key out[static CARD_KEYS_MAX], const struct card *c);
/* Decodes the digest of a pin; false when it is not "sha256//<base64 of 32 bytes>". */
bool link_pin_digest(uint8_t out[static 32], const char *pin);
/* ECONFLICT when a key stands twice in c. */
parley_err card_check_own_keys(const struct card *c, struct errmsg *e);
/* EINVAL unless url is "https://", a host and perhaps a path, in printable ASCII without '?' and '#', without a final slash. */
parley_err card_check_url(const char *url, const char *member, struct errmsg *e);

#endif
