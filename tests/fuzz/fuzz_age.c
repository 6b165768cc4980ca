/*
 * Any bytes as an age file: opened whole and in pieces with one answer; the first byte sets the size of the pieces. With
 * a passphrase only where the work is small. Any text as a recipient and as an identity.
 */
#include <stdlib.h>

#include "formats/age_header.h"

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

/* scrypt with a factor of two digits is minutes of work for a fuzzer. */
static bool cheap(struct bytes file) {
  struct age_header h;
  struct age_stanza s;
  if (age_header_parse(&h, file, NULL)) return true;
  return age_stanza_next(&s, &h.stanzas, NULL) || s.argc != 3 || s.args[2].n < 2;
}

static void keys(struct bytes in) {
  uint8_t pub[X25519_SIZE];
  struct age_identity id;
  struct buf text = {0};
  if (age_recipient_parse(pub, in, NULL) == PARLEY_OK) {
    age_recipient_write(&text, pub);
    if (!bytes_eq(buf_view(&text), in)) abort();
  }
  buf_clear(&text);
  if (age_identity_parse(&id, in, NULL) == PARLEY_OK) {
    age_identity_write(&text, &id);
    if (text.n != in.n) abort();
  }
  buf_free(&text);
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
  buf_clear(&pieces);
  if (cheap(file)) age_open_scrypt(&pieces, file, bytes_str("pass"), NULL);
  keys(file);
  buf_free(&whole);
  buf_free(&pieces);
  return 0;
}
