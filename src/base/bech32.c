#include <string.h>

#include "base/encoding.h"

#define DATA_MAX 64
#define HRP_MAX 83
#define CHECKSUM_SIZE 6
#define VALUES_MAX ((DATA_MAX * 8 + 4) / 5)

static const char digits[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One step of the BCH code of BIP 173, over the field of 32 elements. */
static uint32_t checksum_step(uint32_t c, uint8_t value) {
  static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  uint32_t top = c >> 25;
  c = (c & 0x1ffffff) << 5 ^ value;
  for (size_t i = 0; i < 5; i++) c ^= (top >> i & 1) != 0 ? generator[i] : 0;
  return c;
}

static uint32_t checksum(const char *hrp, const uint8_t *values, size_t n) {
  uint32_t c = 1;
  for (const char *p = hrp; *p != '\0'; p++) c = checksum_step(c, (uint8_t)*p >> 5);
  c = checksum_step(c, 0);
  for (const char *p = hrp; *p != '\0'; p++) c = checksum_step(c, (uint8_t)*p & 31);
  for (size_t i = 0; i < n; i++) c = checksum_step(c, values[i]);
  return c;
}

static bool hrp_valid(const char *hrp) {
  size_t n = strlen(hrp);
  for (size_t i = 0; i < n; i++)
    if (hrp[i] < 33 || hrp[i] > 126 || (hrp[i] >= 'A' && hrp[i] <= 'Z')) return false;
  return n >= 1 && n <= HRP_MAX;
}

static uint8_t upper_case(char c) { return (uint8_t)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); }

/* Splits bytes into groups of five bits, the last filled with zeroes. Returns their number. */
static size_t split_bits(uint8_t values[static VALUES_MAX], struct bytes data) {
  uint32_t pending = 0;
  unsigned bits = 0;
  size_t n = 0;
  for (size_t i = 0; i < data.n; i++) {
    pending = (pending << 8 | data.p[i]) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) values[n++] = pending >> (bits - 5) & 31;
  }
  if (bits > 0) values[n++] = (uint8_t)(pending << (5 - bits) & 31);
  return n;
}

bool bech32_encode(struct buf *out, const char *hrp, struct bytes data, bool upper) {
  uint8_t values[VALUES_MAX + CHECKSUM_SIZE] = {0};
  if (!hrp_valid(hrp) || data.n > DATA_MAX) return false;
  size_t n = split_bits(values, data);
  uint32_t c = checksum(hrp, values, n + CHECKSUM_SIZE) ^ 1;
  for (size_t i = 0; i < CHECKSUM_SIZE; i++) values[n + i] = c >> (25 - 5 * i) & 31;
  for (const char *p = hrp; *p != '\0'; p++) buf_u8(out, upper ? upper_case(*p) : (uint8_t)*p);
  buf_u8(out, '1');
  for (size_t i = 0; i < n + CHECKSUM_SIZE; i++)
    buf_u8(out, upper ? upper_case(digits[values[i]]) : (uint8_t)digits[values[i]]);
  wipe(values, sizeof values);
  return buf_ok(out);
}

/* Values of the n characters of the data part; the case is chosen by the caller. */
static bool read_values(uint8_t *values, const uint8_t *text, size_t n, bool upper) {
  for (size_t i = 0; i < n; i++) {
    size_t v = 0;
    while (v < 32 && (upper ? upper_case(digits[v]) : (uint8_t)digits[v]) != text[i]) v++;
    if (v == 32) return false;
    values[i] = (uint8_t)v;
  }
  return true;
}

/* Joins groups of five bits into exactly n bytes; what is left over must be fewer than five bits, all zero. */
static bool join_bits(uint8_t *out, size_t n, const uint8_t *values, size_t count) {
  uint32_t pending = 0;
  unsigned bits = 0;
  size_t done = 0;
  for (size_t i = 0; i < count; i++) {
    pending = (pending << 5 | values[i]) & 0xfff;
    bits += 5;
    if (bits >= 8 && done < n) {
      bits -= 8;
      out[done++] = (uint8_t)(pending >> bits);
    }
  }
  return done == n && bits < 5 && (pending & ((1u << bits) - 1)) == 0;
}

bool bech32_decode(uint8_t *out, size_t n, const char *hrp, struct bytes text) {
  uint8_t values[VALUES_MAX + CHECKSUM_SIZE];
  if (n > DATA_MAX || !hrp_valid(hrp)) return false;
  size_t prefix = strlen(hrp), count = (n * 8 + 4) / 5 + CHECKSUM_SIZE;
  if (text.n != prefix + 1 + count || text.p[prefix] != '1') return false;
  bool lower = memcmp(text.p, hrp, prefix) == 0, upper = true;
  for (size_t i = 0; i < prefix; i++) upper = upper && text.p[i] == upper_case(hrp[i]);
  bool ok = false;
  /* A prefix without letters is both: then the data part decides. */
  if (lower) ok = read_values(values, text.p + prefix + 1, count, false);
  if (!ok && upper) ok = read_values(values, text.p + prefix + 1, count, true);
  ok = ok && checksum(hrp, values, count) == 1 && join_bits(out, n, values, count - CHECKSUM_SIZE);
  wipe(values, sizeof values);
  if (!ok) wipe(out, n);
  return ok;
}
