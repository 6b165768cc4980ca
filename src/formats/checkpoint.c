/*
 * C2SP tlog-checkpoint: the text of a checkpoint, without extension lines.
 */
#include "base/encoding.h"
#include "formats/note.h"
#include "formats/text.h"

parley_err checkpoint_parse(struct checkpoint *out, struct bytes text, struct errmsg *e) {
  struct checkpoint c;
  struct bytes size, root;
  if (!text_valid(text))
    return err_set(e, PARLEY_EINVAL, "the checkpoint is not UTF-8 text, or has a control character");
  if (!bytes_line(&text, &c.origin) || c.origin.n == 0)
    return err_set(e, PARLEY_EINVAL, "the checkpoint has no origin in its first line");
  if (!bytes_line(&text, &size) || !dec_decode(&c.size, size))
    return err_set(e, PARLEY_EINVAL, "the second line of the checkpoint is no tree size");
  if (!bytes_line(&text, &root) || !base64_decode_fixed(c.root.b, sizeof c.root.b, root, true))
    return err_set(e, PARLEY_EINVAL, "the third line of the checkpoint is not the base64 of a 32-byte root hash");
  if (text.n > 0) return err_set(e, PARLEY_EINVAL, "the checkpoint has extension lines, which parley does not accept");
  *out = c;
  return PARLEY_OK;
}

void checkpoint_text(struct buf *out, const char *origin, uint64_t size, const struct hash *root) {
  buf_str(out, origin);
  buf_str(out, "\n");
  buf_dec(out, size);
  buf_str(out, "\n");
  base64_encode(out, BYTES(root->b, sizeof root->b), true);
  buf_str(out, "\n");
}
