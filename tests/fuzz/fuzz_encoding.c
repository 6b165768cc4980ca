/* Any bytes as each text encoding: whatever is decoded must encode to the very same text. */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/time.h"

static void require(bool ok) {
  if (!ok) abort();
}

static void try_base64(struct bytes in, bool pad) {
  struct buf raw = {0}, text = {0};
  uint8_t fixed[64];
  if (base64_decode(&raw, in, pad)) {
    base64_encode(&text, buf_view(&raw), pad);
    require(bytes_eq(buf_view(&text), in));
    if (raw.n <= sizeof fixed)
      require(base64_decode_fixed(fixed, raw.n, in, pad) && bytes_eq(BYTES(fixed, raw.n), buf_view(&raw)));
  } else {
    require(raw.n == 0);
  }
  buf_free(&raw);
  buf_free(&text);
}

static void try_bech32(struct bytes in, const char *hrp, size_t n) {
  uint8_t data[64];
  if (!bech32_decode(data, n, hrp, in)) return;
  struct buf lower = {0}, upper = {0};
  require(bech32_encode(&lower, hrp, BYTES(data, n), false) && bech32_encode(&upper, hrp, BYTES(data, n), true));
  require(bytes_eq(buf_view(&lower), in) || bytes_eq(buf_view(&upper), in));
  buf_free(&lower);
  buf_free(&upper);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct bytes in = BYTES(p, n);
  uint8_t raw[32];
  char text[65];
  uint64_t x;
  int64_t t;
  try_base64(in, true);
  try_base64(in, false);
  for (size_t i = 0; i <= 32; i++) {
    try_bech32(in, "age", i);
    try_bech32(in, "1", i);
  }
  if (hex_decode(raw, n / 2 < 32 ? n / 2 : 32, in)) {
    hex_encode(text, BYTES(raw, n / 2));
    require(bytes_is(in, text));
  }
  struct buf number = {0};
  if (dec_decode(&x, in)) {
    buf_dec(&number, x);
    require(bytes_eq(buf_view(&number), in));
  }
  buf_free(&number);
  if (time_parse(&t, in)) {
    time_format(text, t);
    require(bytes_is(in, text));
  }
  (void)utf8_valid(in);
  return 0;
}
