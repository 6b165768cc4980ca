/*
 * What the line-based C2SP formats share.
 */
#include "formats/text.h"

#include <string.h>

#include "base/encoding.h"

bool text_valid(struct bytes b) {
  for (size_t i = 0; i < b.n; i++)
    if (b.p[i] < 0x20 && b.p[i] != '\n') return false;
  return utf8_valid(b);
}

parley_err text_base64(struct bytes *out, struct arena *a, struct bytes in) {
  if (in.n == 0 || in.n % 4 != 0) return PARLEY_EINVAL;
  const size_t padding = (size_t)(in.p[in.n - 1] == '=') + (size_t)(in.p[in.n - 2] == '=');
  const size_t n = in.n / 4 * 3 - padding;
  uint8_t *p = arena_alloc(a, n);
  if (!p) return PARLEY_ENOMEM;
  if (!base64_decode_fixed(p, n, in, true)) return PARLEY_EINVAL;
  *out = BYTES(p, n);
  return PARLEY_OK;
}

parley_err text_proof(struct proof *out, struct bytes *rest, struct errmsg *e) {
  struct bytes line;
  for (out->n = 0; bytes_line(rest, &line); out->n++) {
    if (line.n == 0) return PARLEY_OK;
    if (out->n == PROOF_MAX) return err_set(e, PARLEY_ELIMIT, "the proof has more than %d hashes", PROOF_MAX);
    if (!base64_decode_fixed(out->h[out->n].b, sizeof out->h[0].b, line, true))
      return err_set(e, PARLEY_EINVAL, "proof line %zu is not the base64 of a 32-byte hash", out->n + 1);
  }
  return err_set(e, PARLEY_EINVAL, "the proof does not end in an empty line");
}

void text_proof_write(struct buf *out, const struct proof *p) {
  for (size_t i = 0; i < p->n; i++) {
    base64_encode(out, BYTES(p->h[i].b, sizeof p->h[i].b), true);
    buf_str(out, "\n");
  }
  buf_str(out, "\n");
}

bool text_number(uint64_t *out, struct bytes line, const char *word) {
  const size_t n = strlen(word);
  if (line.n <= n || memcmp(line.p, word, n) != 0 || line.p[n] != ' ') return false;
  return dec_decode(out, BYTES(line.p + n + 1, line.n - n - 1));
}

const char *text_show(char out[static TEXT_SHOW_SIZE], struct bytes b) {
  enum { SHOWN = TEXT_SHOW_SIZE - 4 };
  const bool whole = b.n <= SHOWN, utf8 = whole && utf8_valid(b);
  const size_t n = whole ? b.n : SHOWN;
  for (size_t i = 0; i < n; i++) {
    const bool plain = b.p[i] >= 0x20 && b.p[i] != 0x7f && (b.p[i] < 0x80 || utf8);
    out[i] = plain ? (char)b.p[i] : '?';
  }
  memcpy(out + n, whole ? "" : "...", whole ? 1 : 4);
  return out;
}
