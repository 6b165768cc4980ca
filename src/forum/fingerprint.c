#include <string.h>

#include "base/encoding.h"
#include "forum/card.h"

#define GROUP 4
#define GROUPS_A_LINE 8

void fingerprint_groups(char out[static 80], const uint8_t fp[static SHA256_SIZE]) {
  char hex[2 * SHA256_SIZE + 1];
  hex_encode(hex, BYTES(fp, SHA256_SIZE));
  for (size_t i = 0, at = 0; i < 2 * SHA256_SIZE; i += GROUP, at += GROUP + 1) {
    memcpy(out + at, hex + i, GROUP);
    size_t group = i / GROUP + 1;
    out[at + GROUP] = group % GROUPS_A_LINE == 0 ? '\n' : ' ';
  }
  out[79] = '\0';
}

bool fingerprint_parse(uint8_t fp[static SHA256_SIZE], const char *text) {
  char hex[2 * SHA256_SIZE];
  size_t n = 0;
  for (const char *p = text; *p != '\0'; p++) {
    if (strchr(" \n:-", *p) != NULL) continue;
    if (n == sizeof hex) return false;
    hex[n++] = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
  }
  return n == sizeof hex && hex_decode(fp, SHA256_SIZE, BYTES(hex, n));
}
