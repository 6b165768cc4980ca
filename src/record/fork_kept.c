/*
 * What a mirror has kept of a fork (mirror_fork.c), read back: STORE_LOGS, "fork/<origin>" the note that contradicted,
 * "fork-held/<origin>" the one that was held, "fork-proof/<origin>" root and proof where their sizes differ.
 */
#include <string.h>

#include "record/fork_parts.h"

static parley_err get(struct bytes *out, struct arena *a, struct store *s, const char *prefix, const char *origin,
                      struct errmsg *e) {
  struct buf key = {0};
  buf_fmt(&key, "%s/%s", prefix, origin);
  const parley_err err = buf_ok(&key) ? store_get(s, STORE_LOGS, buf_view(&key), a, out, e)
                                      : err_set(e, PARLEY_ENOMEM, "out of memory for the evidence of a fork");
  buf_free(&key);
  return err;
}

static parley_err tree(struct fork_tree *out, struct arena *a, struct bytes note, struct errmsg *e) {
  struct fork_note n;
  const parley_err err = fork_note_read(&n, a, note, e);
  if (!err) *out = (struct fork_tree){n.checkpoint.size, n.checkpoint.root, note};
  return err;
}

static parley_err proof(struct fork_input *out, struct bytes text, struct errmsg *e) {
  struct hash lines[PROOF_MAX + 1];
  size_t n;
  const parley_err err = pack_hashes_parse(lines, &n, PROOF_MAX + 1, text, e);
  if (err || n == 0) return err ? err : err_set(e, PARLEY_EINVAL, "the kept proof of a fork is empty");
  out->prefix = lines[0];
  out->proof.n = n - 1;
  memcpy(out->proof.h, lines + 1, (n - 1) * sizeof *lines);
  return PARLEY_OK;
}

parley_err fork_kept(struct fork_input *out, struct arena *a, struct store *s, const char *origin, struct errmsg *e) {
  struct bytes note[2], text = BYTES_NONE;
  *out = (struct fork_input){0};
  parley_err err = get(&note[0], a, s, "fork", origin, e);
  if (!err) err = get(&note[1], a, s, "fork-held", origin, e);
  for (size_t i = 0; i < 2 && !err; i++) err = tree(&out->tree[i], a, note[i], e);
  if (err || out->tree[0].size == out->tree[1].size) return err;
  if (out->tree[0].size > out->tree[1].size) {
    const struct fork_tree larger = out->tree[0];
    out->tree[0] = out->tree[1];
    out->tree[1] = larger;
  }
  err = get(&text, a, s, "fork-proof", origin, e);
  return err ? err : proof(out, text, e);
}
