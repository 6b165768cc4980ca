/*
 * C2SP tlog-witness: the body of add-checkpoint, and of its 409 answer.
 */
#include "base/encoding.h"
#include "formats/text.h"
#include "formats/tlog.h"

/* "old" line and 63 hashes before the note. */
#define ADD_CHECKPOINT_MAX (NOTE_SIZE_MAX + 4096)

parley_err add_checkpoint_parse(struct add_checkpoint *out, struct bytes in, struct errmsg *e) {
  struct add_checkpoint r;
  struct bytes line;
  if (in.n > ADD_CHECKPOINT_MAX)
    return err_set(e, PARLEY_ELIMIT, "the body has %zu bytes, more than %d", in.n, ADD_CHECKPOINT_MAX);
  if (!bytes_line(&in, &line) || !text_number(&r.old, line, "old"))
    return err_set(e, PARLEY_EINVAL, "the first line of the body is not \"old\" and a decimal tree size");
  const parley_err err = text_proof(&r.proof, &in, e);
  if (err) return err;
  if (in.n == 0) return err_set(e, PARLEY_EINVAL, "the body has no checkpoint after its proof");
  r.note = in;
  *out = r;
  return PARLEY_OK;
}

void add_checkpoint_write(struct buf *out, const struct add_checkpoint *r) {
  buf_str(out, "old ");
  buf_dec(out, r->old);
  buf_str(out, "\n");
  text_proof_write(out, &r->proof);
  buf_bytes(out, r->note);
}

parley_err tlog_size_parse(uint64_t *size, struct bytes in, struct errmsg *e) {
  struct bytes line;
  if (!bytes_line(&in, &line) || in.n > 0 || !dec_decode(size, line))
    return err_set(e, PARLEY_EINVAL, "the witness answered 409 without a decimal tree size on one line");
  return PARLEY_OK;
}

void tlog_size_write(struct buf *out, uint64_t size) {
  buf_dec(out, size);
  buf_str(out, "\n");
}
