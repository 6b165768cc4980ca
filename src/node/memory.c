/*
 * Whether the signer's memory is the one that this store knows. A backup holds the store and not the memory:
 * where it was put back on another
 * machine the memory is gone, and with it the knowledge of what was signed (design section 5).
 */
#include <string.h>

#include "node/state.h"

static const char KEY[] = "signer-memory";

static parley_err read_mark(struct node *n, struct hash *out, struct errmsg *e) {
  struct arena a = {0};
  struct bytes v;
  parley_err r = store_get(n->env.store, STORE_META, bytes_str(KEY), &a, &v, e);
  if (!r && v.n != sizeof out->b)
    r = err_set(e, PARLEY_EIO, "the mark of the signer's memory in the store is damaged; restore a backup");
  if (!r) memcpy(out->b, v.p, sizeof out->b);
  arena_free(&a);
  return r;
}

static parley_err write_mark(struct node *n, const struct hash *mark, struct errmsg *e) {
  parley_err r = store_begin(n->env.store, e);
  if (r) return r;
  r = store_put(n->env.store, STORE_META, bytes_str(KEY), BYTES(mark->b, sizeof mark->b), e);
  if (!r) return store_commit(n->env.store, e);
  store_rollback(n->env.store);
  return r;
}

/* The memory first: a store that knows a memory must find it. */
static parley_err new_mark(struct node *n, struct errmsg *e) {
  struct hash mark;
  n->env.random(n->env.ctx, mark.b, sizeof mark.b);
  const parley_err r = signer_set_mark(n->env.signer, &mark, e);
  return r ? r : write_mark(n, &mark, e);
}

parley_err memory_check(struct node *n, struct errmsg *e) {
  struct hash stored, remembered;
  struct errmsg why = {{0}};
  const parley_err s = read_mark(n, &stored, e), m = signer_mark(n->env.signer, &remembered, &why);
  if (s && s != PARLEY_ENOTFOUND) return s;
  if (m && m != PARLEY_ENOTFOUND) return err_set(e, m, "%s", why.text);
  parley_err r = PARLEY_OK;
  if (!s && (m || !hash_eq(&stored, &remembered)))
    signer_set_lost(n->env.signer, true);
  else if (s)
    r = m ? new_mark(n, &why) : write_mark(n, &remembered, &why);
  if (r) node_log_line(n, 4, "the signer's memory cannot be marked now: %s", why.text);
  return PARLEY_OK; /* without a mark it is tried again at the next start */
}

parley_err memory_whole(struct node *n, struct errmsg *e) {
  const parley_err r = new_mark(n, e);
  if (!r) signer_set_lost(n->env.signer, false);
  return r;
}
