#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static bool printable(uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool noncharacter = (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef); /* RFC 7493 section 2.1 */
  return !control && !noncharacter;
}

/*
 * Messages quote outside text. What is not printable UTF-8 (control characters, cut sequences) becomes '?', so that a
 * message cannot drive a terminal or break a log line, and stays readable where it is stored as I-JSON.
 */
static void make_printable(char *text) {
  unsigned char *p = (unsigned char *)text;
  size_t left = strlen(text);
  while (left > 0) {
    uint32_t c = 0;
    size_t n = utf8_next(&c, p, left);
    if (n == 0 || !printable(c)) {
      *p = '?';
      if (n > 1) memset(p, '?', n);
      n = n == 0 ? 1 : n;
    }
    p += n;
    left -= n;
  }
}

parley_err err_set(struct errmsg *e, parley_err code, const char *fmt, ...) {
  if (e == NULL) return code;
  struct errmsg m; /* the arguments may point into e->text */
  va_list ap;
  va_start(ap, fmt);
  if (vsnprintf(m.text, sizeof m.text, fmt, ap) < 0) m.text[0] = '\0';
  va_end(ap);
  make_printable(m.text);
  memcpy(e->text, m.text, sizeof m.text);
  return code;
}

parley_err err_prefix(struct errmsg *e, parley_err code, const char *fmt, ...) {
  if (e == NULL) return code;
  struct errmsg prefix;
  va_list ap;
  va_start(ap, fmt);
  if (vsnprintf(prefix.text, sizeof prefix.text, fmt, ap) < 0) prefix.text[0] = '\0';
  va_end(ap);
  return err_set(e, code, "%s: %s", prefix.text, e->text);
}

const char *err_name(parley_err code) {
  static const char *const names[] = {
      [PARLEY_OK] = "ok",
      [PARLEY_EINVAL] = "invalid",
      [PARLEY_EVERIFY] = "does not verify",
      [PARLEY_ENOTFOUND] = "not found",
      [PARLEY_ECONFLICT] = "conflict",
      [PARLEY_ELIMIT] = "over a limit",
      [PARLEY_EREFUSED] = "refused",
      [PARLEY_EBUSY] = "try again later",
      [PARLEY_EIO] = "input or output failed",
      [PARLEY_EFULL] = "no space left",
      [PARLEY_ENOMEM] = "out of memory",
      [PARLEY_EUNREACHABLE] = "unreachable",
      [PARLEY_EEVIDENCE] = "proof of wrongdoing",
  };
  size_t i = (size_t)code;
  return i < sizeof names / sizeof names[0] ? names[i] : "unknown error";
}
