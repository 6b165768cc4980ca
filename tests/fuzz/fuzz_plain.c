/*
 * Plaintexts of sealed bodies, and origins of logs: what parses is written again and parses to the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forum/statement.h"

static void check_origin(struct bytes in) {
  char party[PARTY_NAME_MAX + 1], origin[ORIGIN_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  if (!log_origin_parse(party, forum, &epoch, &bulk, in)) return;
  log_origin(origin, party, forum, epoch, bulk);
  if (!bytes_is(in, origin)) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct plain first, second;
  struct buf text = {0}, again = {0};
  struct errmsg e;
  check_origin(BYTES(p, n));
  if (plain_parse(&first, BYTES(p, n), &e) == PARLEY_OK) {
    if (plain_write(&text, &first, &e) != PARLEY_OK) __builtin_trap();
    if (text.n <= ENTRY_MAX) {
      if (plain_parse(&second, buf_view(&text), &e) != PARLEY_OK) __builtin_trap();
      if (plain_write(&again, &second, &e) != PARLEY_OK || !bytes_eq(buf_view(&text), buf_view(&again)))
        __builtin_trap();
      plain_clear(&second);
    }
    plain_clear(&first);
  }
  buf_free(&text);
  buf_free(&again);
  return 0;
}
