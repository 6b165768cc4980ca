#include "forum/write.h"

#include "base/encoding.h"
#include "base/time.h"

void write_comma(struct buf *out) {
  if (out->n > 0 && out->p[out->n - 1] != '{' && out->p[out->n - 1] != '[') buf_u8(out, ',');
}

static void quote_special(struct buf *out, unsigned char c) {
  static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
  for (size_t i = 0; i < sizeof from - 1; i++)
    if (c == (unsigned char)from[i]) {
      buf_u8(out, '\\');
      buf_u8(out, (uint8_t)to[i]);
      return;
    }
  buf_fmt(out, "\\u%04X", c);
}

void write_quote(struct buf *out, const char *s) {
  buf_u8(out, '"');
  while (*s != '\0') {
    size_t plain = 0;
    while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\') plain++;
    buf_add(out, s, plain);
    s += plain;
    if (*s != '\0') quote_special(out, (unsigned char)*s++);
  }
  buf_u8(out, '"');
}

void write_name(struct buf *out, const char *name) {
  write_comma(out);
  write_quote(out, name);
  buf_u8(out, ':');
}

void write_str(struct buf *out, const char *name, const char *s) {
  write_name(out, name);
  write_quote(out, s);
}

void write_int(struct buf *out, const char *name, uint64_t x) {
  write_name(out, name);
  buf_dec(out, x);
}

static void quote_hex(struct buf *out, const uint8_t *p, size_t n) {
  char hex[65];
  hex_encode(hex, BYTES(p, n > 32 ? 32 : n));
  buf_u8(out, '"');
  buf_str(out, hex);
  buf_u8(out, '"');
}

void write_hex(struct buf *out, const char *name, const uint8_t *p, size_t n) {
  write_name(out, name);
  quote_hex(out, p, n);
}

void write_hex_item(struct buf *out, const uint8_t *p, size_t n) {
  write_comma(out);
  quote_hex(out, p, n);
}

void write_b64(struct buf *out, const char *name, struct bytes b) {
  write_name(out, name);
  buf_u8(out, '"');
  base64_encode(out, b, true);
  buf_u8(out, '"');
}

void write_time(struct buf *out, const char *name, int64_t seconds) {
  char text[TIME_TEXT_SIZE];
  time_format(text, seconds);
  write_str(out, name, text);
}
