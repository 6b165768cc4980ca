#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "forum/statement.h"

#define FORUM_HEX (2 * SHA256_SIZE)

void log_origin(char out[static ORIGIN_MAX + 1], const char *party, const uint8_t forum[static SHA256_SIZE],
                uint64_t epoch, bool bulk) {
  char hex[FORUM_HEX + 1];
  hex_encode(hex, BYTES(forum, SHA256_SIZE));
  snprintf(out, ORIGIN_MAX + 1, "%.*s/%s/%" PRIu64 "%s", PARTY_NAME_MAX, party, hex, epoch, bulk ? "/bulk" : "");
}

/* Takes what stands before the next '/', or all that is left. */
static struct bytes take_part(struct bytes *rest) {
  size_t end = bytes_find(*rest, 0, '/');
  struct bytes part = BYTES(rest->p, end == (size_t)-1 ? rest->n : end);
  *rest = end == (size_t)-1 ? BYTES_NONE : BYTES(rest->p + end + 1, rest->n - end - 1);
  return part;
}

bool log_origin_parse(char party[static PARTY_NAME_MAX + 1], uint8_t forum[static SHA256_SIZE], uint64_t *epoch,
                      bool *bulk, struct bytes origin) {
  if (origin.n == 0 || origin.n > ORIGIN_MAX) return false;
  struct bytes rest = origin, name = take_part(&rest), hex = take_part(&rest), number = take_part(&rest);
  if (name.n == 0 || name.n > PARTY_NAME_MAX || memchr(name.p, '\0', name.n) != NULL) return false;
  memcpy(party, name.p, name.n);
  party[name.n] = '\0';
  *bulk = rest.p != NULL;
  return party_name_valid(party) && hex.n == FORUM_HEX && hex_decode(forum, SHA256_SIZE, hex) && number.n > 0 &&
         dec_decode(epoch, number) && (!*bulk || bytes_is(rest, "bulk"));
}
