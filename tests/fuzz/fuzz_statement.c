/*
 * Statements: an entry as it stands, and any text as a payload. What parses is written again and parses to the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "forum/statement.h"

static void write_again(const struct statement *s) {
  static const uint8_t pub[32] = {1}, sig[64] = {2};
  struct arena a = {0};
  struct statement t;
  struct buf first = {0}, second = {0}, entry = {0};
  struct errmsg e;
  if (statement_payload(&first, s, &e) != PARLEY_OK) __builtin_trap();
  parley_err err = statement_entry_signed(&entry, buf_view(&first), pub, sig, &e);
  if (err == PARLEY_OK) {
    if (statement_parse(&t, &a, buf_view(&entry), NULL, &e) != PARLEY_OK) __builtin_trap();
    if (statement_payload(&second, &t, &e) != PARLEY_OK || !bytes_eq(buf_view(&first), buf_view(&second)))
      __builtin_trap();
    statement_clear(&t);
  }
  buf_free(&first);
  buf_free(&second);
  buf_free(&entry);
  arena_free(&a);
}

static void parse(struct bytes entry) {
  struct arena a = {0};
  struct statement s;
  struct errmsg e;
  if (statement_parse(&s, &a, entry, NULL, &e) == PARLEY_OK) {
    write_again(&s);
    statement_clear(&s);
  }
  arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  static const uint8_t pub[32] = {1}, sig[64] = {2};
  struct buf entry = {0};
  parse(BYTES(p, n));
  if (statement_entry_signed(&entry, BYTES(p, n), pub, sig, NULL) == PARLEY_OK) parse(buf_view(&entry));
  buf_free(&entry);
  return 0;
}
