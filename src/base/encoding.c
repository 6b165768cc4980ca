#include "base/encoding.h"

#include <string.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_group(uint8_t text[static 4], uint32_t x) {
  for (size_t k = 0; k < 4; k++) text[k] = (uint8_t)base64_digits[x >> (18 - 6 * k) & 63];
}

void base64_encode(struct buf *out, struct bytes in, bool pad) {
  const size_t whole = in.n / 3, rest = in.n % 3;
  uint8_t *at = buf_extend(out, whole * 4 + (rest == 0 ? 0 : pad ? 4 : rest + 1)), last[4];
  if (!at) return;
  for (size_t i = 0; i < whole; i++)
    encode_group(at + 4 * i, (uint32_t)in.p[3 * i] << 16 | (uint32_t)in.p[3 * i + 1] << 8 | in.p[3 * i + 2]);
  if (rest == 0) return;
  const uint8_t *p = in.p + 3 * whole;
  encode_group(last, (uint32_t)p[0] << 16 | (rest > 1 ? (uint32_t)p[1] << 8 : 0));
  memset(last + rest + 1, '=', 3 - rest);
  memcpy(at + 4 * whole, last, pad ? 4 : rest + 1);
}

/* Values of the digits, 64 for any other byte. */
static const uint8_t base64_values[256] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
    64, 64, 64, 64, 64, 64, 64, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 64, 64, 64, 64, 64, 64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
    45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};

/* One group of 2 to 4 digits into n - 1 bytes; false for a foreign character or unused bits that are not zero. */
static bool base64_group(uint8_t out[static 3], const uint8_t *in, size_t n) {
  uint32_t x = 0;
  for (size_t k = 0; k < 4; k++) {
    const uint32_t v = k < n ? base64_values[in[k]] : 0;
    if (v > 63) return false;
    x = x << 6 | v;
  }
  out[0] = (uint8_t)(x >> 16);
  out[1] = (uint8_t)(x >> 8);
  out[2] = (uint8_t)x;
  for (size_t k = n - 1; k < 3; k++)
    if (out[k] != 0) return false;
  return true;
}

/* Number of digits without padding; false when no byte string has a text of that shape. */
static bool base64_digits_count(size_t *digits, struct bytes in, bool pad) {
  *digits = in.n;
  if (pad && in.n % 4 != 0) return false;
  if (pad && in.n > 0 && in.p[in.n - 1] == '=') *digits -= in.p[in.n - 2] == '=' ? 2 : 1;
  return *digits % 4 != 1;
}

/* Whole groups first, without a branch for each digit; the last may be shorter. */
static bool decode_digits(uint8_t *out, const uint8_t *in, size_t digits) {
  const size_t whole = digits / 4, rest = digits % 4;
  uint32_t foreign = 0;
  for (size_t i = 0; i < whole; i++) {
    const uint8_t *p = in + 4 * i;
    const uint32_t a = base64_values[p[0]], b = base64_values[p[1]], c = base64_values[p[2]], d = base64_values[p[3]];
    const uint32_t x = a << 18 | b << 12 | c << 6 | d;
    foreign |= a | b | c | d;
    out[3 * i] = (uint8_t)(x >> 16);
    out[3 * i + 1] = (uint8_t)(x >> 8);
    out[3 * i + 2] = (uint8_t)x;
  }
  uint8_t last[3];
  if (foreign > 63 || (rest && !base64_group(last, in + 4 * whole, rest))) return false;
  if (rest) memcpy(out + 3 * whole, last, rest - 1);
  return true;
}

static size_t decoded_size(size_t digits) { return digits / 4 * 3 + (digits % 4 > 0 ? digits % 4 - 1 : 0); }

bool base64_decode(struct buf *out, struct bytes in, bool pad) {
  size_t digits, before = out->n;
  if (!base64_digits_count(&digits, in, pad)) return false;
  if (digits == 0) return buf_ok(out);
  uint8_t *at = buf_extend(out, decoded_size(digits));
  if (!at) return false;
  if (decode_digits(at, in.p, digits)) return true;
  out->n = before;
  return false;
}

bool base64_decode_fixed(uint8_t *out, size_t n, struct bytes in, bool pad) {
  size_t digits;
  return base64_digits_count(&digits, in, pad) && decoded_size(digits) == n && decode_digits(out, in.p, digits);
}

void hex_encode(char *out, struct bytes in) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < in.n; i++) {
    out[2 * i] = digits[in.p[i] >> 4];
    out[2 * i + 1] = digits[in.p[i] & 15];
  }
  out[2 * in.n] = '\0';
}

static int hex_value(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(uint8_t *out, size_t n, struct bytes in) {
  if (n > SIZE_MAX / 2 || in.n != 2 * n) return false;
  for (size_t i = 0; i < n; i++) {
    int high = hex_value(in.p[2 * i]), low = hex_value(in.p[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

bool dec_decode(uint64_t *out, struct bytes in) {
  if (in.n == 0 || in.n > 19 || (in.n > 1 && in.p[0] == '0')) return false;
  uint64_t x = 0; /* 19 digits fit */
  for (size_t i = 0; i < in.n; i++) {
    if (in.p[i] < '0' || in.p[i] > '9') return false;
    x = x * 10 + (uint64_t)(in.p[i] - '0');
  }
  if (x > INT64_MAX) return false;
  *out = x;
  return true;
}
