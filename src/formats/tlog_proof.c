/*
 * C2SP tlog-proof: index, inclusion proof and checkpoint in one text.
 */
#include <string.h>

#include "base/encoding.h"
#include "formats/text.h"
#include "formats/tlog.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"
#define EXTRA "extra "

static bool starts(struct bytes line, const char *s) {
  return line.n >= strlen(s) && memcmp(line.p, s, strlen(s)) == 0;
}

parley_err tlog_proof_parse(struct tlog_proof *out, struct arena *a, struct bytes in, struct errmsg *e) {
  struct tlog_proof p = {.extra = BYTES_NONE};
  struct bytes line;
  if (in.n > TLOG_PROOF_MAX)
    return err_set(e, PARLEY_ELIMIT, "the proof has %zu bytes, more than %d", in.n, TLOG_PROOF_MAX);
  if (!bytes_line(&in, &line) || !bytes_is(line, FIRST_LINE))
    return err_set(e, PARLEY_EINVAL, "the proof does not start with the line " FIRST_LINE);
  bool more = bytes_line(&in, &line);
  if (more && starts(line, EXTRA)) {
    const parley_err err = text_base64(&p.extra, a, BYTES(line.p + strlen(EXTRA), line.n - strlen(EXTRA)));
    if (err == PARLEY_ENOMEM) return err_set(e, err, "out of memory for a proof");
    if (err) return err_set(e, err, "the extra line of the proof is empty or not base64");
    more = bytes_line(&in, &line);
  }
  if (!more || !text_number(&p.index, line, "index"))
    return err_set(e, PARLEY_EINVAL, "the proof has no line \"index\" with a decimal number");
  const parley_err err = text_proof(&p.inclusion, &in, e);
  if (err) return err;
  if (in.n == 0) return err_set(e, PARLEY_EINVAL, "the proof has no checkpoint after its hashes");
  p.note = in;
  *out = p;
  return PARLEY_OK;
}

void tlog_proof_write(struct buf *out, const struct tlog_proof *p) {
  buf_str(out, FIRST_LINE "\n");
  if (p->extra.n > 0) {
    buf_str(out, EXTRA);
    base64_encode(out, p->extra, true);
    buf_str(out, "\n");
  }
  buf_str(out, "index ");
  buf_dec(out, p->index);
  buf_str(out, "\n");
  text_proof_write(out, &p->inclusion);
  buf_bytes(out, p->note);
}
