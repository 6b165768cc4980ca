/* Any bytes as an age file: opened whole and in pieces with one answer; the first byte sets the size of the pieces. */
#include <stdlib.h>

#include "formats/age.h"

static parley_err open_in_pieces(struct buf *out, struct bytes in, const uint8_t key[static 32], size_t piece) {
  struct age_reader r;
  parley_err code = PARLEY_OK;
  age_reader_init(&r, key);
  for (size_t i = 0; code == PARLEY_OK && i < in.n; i += piece)
    code = age_reader_feed(&r, BYTES(in.p + i, in.n - i < piece ? in.n - i : piece), out, NULL);
  if (code == PARLEY_OK) code = age_reader_finish(&r, out, NULL);
  age_reader_free(&r);
  return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  static const uint8_t secret[X25519_SIZE] = {1};
  struct age_identity id;
  uint8_t key[32];
  size_t used;
  if (n == 0 || !age_identity_from_secret(&id, secret)) return 0;
  struct bytes file = BYTES(p + 1, n - 1);
  struct buf whole = {0}, pieces = {0};
  parley_err code = age_open(&whole, file, &id, NULL);
  if (age_open_header(&used, key, file, &id, NULL) == PARLEY_OK) {
    parley_err same = open_in_pieces(&pieces, BYTES(file.p + used, file.n - used), key, p[0] + 1u);
    if (same != code || (code == PARLEY_OK && !bytes_eq(buf_view(&whole), buf_view(&pieces)))) abort();
  }
  /* A key that is not secret reaches the payload without a header. */
  buf_clear(&pieces);
  open_in_pieces(&pieces, file, secret, p[0] + 1u);
  buf_free(&whole);
  buf_free(&pieces);
  return 0;
}
