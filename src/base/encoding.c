#include "base/encoding.h"

#include <string.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct bytes in, bool pad) {
  for (size_t i = 0; i < in.n; i += 3) {
    size_t n = in.n - i < 3 ? in.n - i : 3;
    uint32_t x = (uint32_t)in.p[i] << 16;
    x |= n > 1 ? (uint32_t)in.p[i + 1] << 8 : 0;
    x |= n > 2 ? in.p[i + 2] : 0;
    char text[4];
    for (size_t k = 0; k < 4; k++) text[k] = k <= n ? base64_digits[x >> (18 - 6 * k) & 63] : '=';
    buf_add(out, text, pad ? 4 : n + 1);
  }
}

static int base64_value(uint8_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of 2 to 4 digits into n - 1 bytes; false for a foreign character or unused bits that are not zero. */
static bool base64_group(uint8_t out[static 3], const uint8_t *in, size_t n) {
  uint32_t x = 0;
  for (size_t k = 0; k < 4; k++) {
    int v = k < n ? base64_value(in[k]) : 0;
    if (v < 0) return false;
    x = x << 6 | (uint32_t)v;
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

bool base64_decode(struct buf *out, struct bytes in, bool pad) {
  size_t digits, before = out->n;
  if (!base64_digits_count(&digits, in, pad)) return false;
  for (size_t i = 0; i < digits; i += 4) {
    uint8_t group[3];
    size_t n = digits - i < 4 ? digits - i : 4;
    if (!base64_group(group, in.p + i, n)) {
      out->n = out->n < before ? out->n : before;
      return false;
    }
    buf_add(out, group, n - 1);
  }
  return buf_ok(out);
}

bool base64_decode_fixed(uint8_t *out, size_t n, struct bytes in, bool pad) {
  size_t digits, done = 0;
  if (!base64_digits_count(&digits, in, pad) || digits / 4 * 3 + (digits % 4 > 0 ? digits % 4 - 1 : 0) != n)
    return false;
  for (size_t i = 0; i < digits; i += 4) {
    uint8_t group[3];
    size_t count = digits - i < 4 ? digits - i : 4;
    if (!base64_group(group, in.p + i, count)) return false;
    memcpy(out + done, group, count - 1);
    done += count - 1;
  }
  return true;
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
