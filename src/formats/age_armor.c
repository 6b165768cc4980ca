/*
 * RFC 7468 section 3, strict form (figure 3), with the label of age.
 */
#include "formats/age_armor.h"

#include <string.h>

#include "base/encoding.h"

#define BEGIN_LINE "-----BEGIN AGE ENCRYPTED FILE-----"
#define END_LINE "-----END AGE ENCRYPTED FILE-----"
#define LINE_COLUMNS 64
#define LINE_BYTES 48

static bool is_white(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static struct bytes without_white(struct bytes b) {
  while (b.n > 0 && is_white(b.p[0])) b = BYTES(b.p + 1, b.n - 1);
  while (b.n > 0 && is_white(b.p[b.n - 1])) b.n--;
  return b;
}

bool age_armored(struct bytes in) {
  const struct bytes text = without_white(in);
  const size_t n = sizeof BEGIN_LINE - 1;
  return text.n >= n && memcmp(text.p, BEGIN_LINE, n) == 0;
}

parley_err age_armor_write(struct buf *out, struct bytes file, struct errmsg *e) {
  buf_str(out, BEGIN_LINE "\n");
  for (size_t n; file.n > 0; file = BYTES(file.p + n, file.n - n)) {
    n = file.n < LINE_BYTES ? file.n : LINE_BYTES;
    base64_encode(out, BYTES(file.p, n), true);
    buf_str(out, "\n");
  }
  buf_str(out, END_LINE "\n");
  return buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while armoring an age file");
}

/* The next line without its end. Line ends are those of the first line. */
static bool line_next(struct bytes *rest, bool crlf, struct bytes *line) {
  if (!bytes_line(rest, line)) return false;
  if (crlf && (line->n == 0 || line->p[line->n - 1] != '\r')) return false;
  line->n -= crlf;
  return true;
}

/* The lines between the first and the last: full ones, and at most one shorter at the end. */
static parley_err read_lines(struct buf *out, struct bytes rest, bool crlf, struct errmsg *e) {
  bool more = true; /* may another line follow? */
  struct bytes line;
  for (size_t number = 2; rest.n > 0; number++) {
    const size_t before = out->n;
    const bool ok =
        more && line_next(&rest, crlf, &line) && line.n > 0 && line.n <= LINE_COLUMNS && base64_decode(out, line, true);
    if (out->failed) return err_set(e, PARLEY_ENOMEM, "out of memory while reading an armored age file");
    if (!ok)
      return err_set(e, PARLEY_EINVAL,
                     "line %zu of the armored age file is not canonical base64 in lines of 64 columns, the last one "
                     "shorter; copy the file anew",
                     number);
    more = out->n - before == LINE_BYTES;
  }
  return PARLEY_OK;
}

parley_err age_armor_read(struct buf *out, struct bytes in, struct errmsg *e) {
  const size_t before = out->n, begin = sizeof BEGIN_LINE - 1, end = sizeof END_LINE - 1;
  struct bytes text = without_white(in);
  if (in.n > AGE_ARMOR_MAX)
    return err_set(e, PARLEY_ELIMIT, "the armored age file has %zu bytes, more than %zu", in.n, AGE_ARMOR_MAX);
  if (text.n < begin || memcmp(text.p, BEGIN_LINE, begin) != 0)
    return err_set(e, PARLEY_EINVAL, "the armored age file does not start with the line \"" BEGIN_LINE "\"");
  text = BYTES(text.p + begin, text.n - begin);
  const bool crlf = text.n > 0 && text.p[0] == '\r';
  struct bytes line;
  if (!line_next(&text, crlf, &line) || line.n > 0)
    return err_set(e, PARLEY_EINVAL, "the first line of the armored age file must be \"" BEGIN_LINE "\" alone");
  if (text.n < end || memcmp(text.p + text.n - end, END_LINE, end) != 0)
    return err_set(e, PARLEY_EINVAL, "the armored age file does not end with the line \"" END_LINE "\"");
  const parley_err err = read_lines(out, BYTES(text.p, text.n - end), crlf, e);
  if (err) out->n = before;
  return err;
}
