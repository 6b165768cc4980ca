#include <string.h>

#include "base/encoding.h"
#include "formats/age_header.h"

#define LINE_COLUMNS 64
#define MAC_COLUMNS 43

static const char version_line[] = "age-encryption.org/v1\n";

static parley_err incomplete(struct errmsg *e) {
  return err_set(e, PARLEY_EBUSY, "the age header is not complete yet");
}

/* "-> type argument …": arguments of visible ASCII, divided by single spaces. */
static parley_err read_arguments(struct age_stanza *s, struct bytes line, struct errmsg *e) {
  if (line.n < 4 || memcmp(line.p, "-> ", 3) != 0)
    return err_set(e, PARLEY_EINVAL, "age header: a recipient stanza must start with \"-> \" and a type");
  for (size_t from = 3; from <= line.n;) {
    size_t to = bytes_find(line, from, ' ');
    to = to == (size_t)-1 ? line.n : to;
    if (to == from) return err_set(e, PARLEY_EINVAL, "age header: empty argument in a recipient stanza");
    for (size_t i = from; i < to; i++)
      if (line.p[i] < 0x21 || line.p[i] > 0x7e)
        return err_set(e, PARLEY_EINVAL, "age header: byte 0x%02x in the arguments of a recipient stanza", line.p[i]);
    if (s->argc < sizeof s->args / sizeof s->args[0]) s->args[s->argc] = BYTES(line.p + from, to - from);
    s->argc++;
    from = to + 1;
  }
  return PARLEY_OK;
}

parley_err age_stanza_next(struct age_stanza *s, struct bytes *rest, struct errmsg *e) {
  struct bytes line;
  *s = (struct age_stanza){.argc = 0};
  if (!bytes_line(rest, &line)) return incomplete(e);
  parley_err code = read_arguments(s, line, e);
  if (code != PARLEY_OK) return code;
  do {
    if (!bytes_line(rest, &line)) return incomplete(e);
    size_t n = line.n / 4 * 3 + (line.n % 4 > 0 ? line.n % 4 - 1 : 0);
    if (line.n > LINE_COLUMNS || !base64_decode_fixed(s->body, n, line, false))
      return err_set(e, PARLEY_EINVAL,
                     "age header: the body of a recipient stanza must be canonical base64 without padding in lines of "
                     "64 columns, the last one shorter");
    s->body_n += n;
  } while (line.n == LINE_COLUMNS);
  return PARLEY_OK;
}

static parley_err parse_mac(struct age_header *h, struct bytes in, struct bytes *rest, struct errmsg *e) {
  struct bytes line;
  h->mac_input = BYTES(in.p, (size_t)(rest->p - in.p) + 3);
  if (!bytes_line(rest, &line)) return incomplete(e);
  if (line.n != 4 + MAC_COLUMNS || memcmp(line.p, "--- ", 4) != 0 ||
      !base64_decode_fixed(h->mac, sizeof h->mac, BYTES(line.p + 4, MAC_COLUMNS), false))
    return err_set(e, PARLEY_EINVAL, "age header: the last line must be \"--- \" and 43 digits of canonical base64");
  h->size = (size_t)(rest->p - in.p);
  return PARLEY_OK;
}

static parley_err parse_lines(struct age_header *h, struct bytes in, struct errmsg *e) {
  size_t version_n = sizeof version_line - 1;
  struct bytes rest = BYTES(in.p + version_n, in.n - version_n);
  h->stanzas = BYTES(rest.p, 0);
  h->count = 0;
  while (rest.n < 3 || memcmp(rest.p, "---", 3) != 0) {
    struct age_stanza s;
    parley_err code = age_stanza_next(&s, &rest, e);
    if (code != PARLEY_OK) return code;
    if (++h->count > AGE_RECIPIENTS_MAX)
      return err_set(e, PARLEY_ELIMIT, "age header: more than %d recipient stanzas", AGE_RECIPIENTS_MAX);
    h->stanzas.n = (size_t)(rest.p - h->stanzas.p);
  }
  if (h->count == 0) return err_set(e, PARLEY_EINVAL, "age header: no recipient stanza");
  return parse_mac(h, in, &rest, e);
}

parley_err age_header_parse(struct age_header *h, struct bytes in, struct errmsg *e) {
  size_t version_n = sizeof version_line - 1;
  struct bytes front = BYTES(in.p, in.n < AGE_HEADER_MAX ? in.n : AGE_HEADER_MAX);
  size_t known = front.n < version_n ? front.n : version_n;
  if (known > 0 && memcmp(front.p, version_line, known) != 0)
    return err_set(e, PARLEY_EINVAL, "not an age v1 file in binary form: the first line must be \"%.*s\"",
                   (int)version_n - 1, version_line);
  parley_err code = front.n < version_n ? incomplete(e) : parse_lines(h, front, e);
  if (code == PARLEY_EBUSY && in.n >= AGE_HEADER_MAX)
    return err_set(e, PARLEY_ELIMIT, "age header: longer than %d bytes", AGE_HEADER_MAX);
  return code;
}

void age_stanza_write(struct buf *out, struct bytes type, struct bytes arg1, struct bytes arg2,
                      const uint8_t body[static AGE_BODY_SIZE]) {
  const struct bytes args[] = {type, arg1, arg2};
  buf_str(out, "->");
  for (size_t i = 0; i < 3; i++) {
    if (args[i].n == 0) continue;
    buf_u8(out, ' ');
    buf_bytes(out, args[i]);
  }
  buf_u8(out, '\n');
  base64_encode(out, BYTES(body, AGE_BODY_SIZE), false);
  buf_u8(out, '\n');
}
