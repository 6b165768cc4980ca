/*
 * The store's front: bounds, and the rule that a transaction of which anything failed is gone as a whole. What a write
 * refuses, and what the engine fails to read, rolls back at once; every later call says why until commit or rollback.
 */
#include "store/backend.h"

#define POS_END (STORE_POS_MAX + 1)

const char *store_seq_name(enum store_seq t) {
  static const char *const names[STORE_SEQ_COUNT] = {"entries", "tiles", "staged"};
  return names[t];
}

const char *store_map_name(enum store_map t) {
  static const char *const names[STORE_MAP_COUNT] = {"meta",       "logs",      "forums", "proposals",
                                                     "statements", "secondary", "peers",  "drafts"};
  return names[t];
}

/* ---- transactions ---- */

parley_err store_begin(struct store *s, struct errmsg *e) {
  if (s->open) return err_set(e, PARLEY_EINVAL, "a store transaction is already open; commit it or roll it back first");
  const parley_err err = s->ops->begin(s, e);
  if (err) return err;
  s->open = true;
  s->failed = PARLEY_OK;
  return PARLEY_OK;
}

parley_err store_commit(struct store *s, struct errmsg *e) {
  if (!s->open) return err_set(e, PARLEY_EINVAL, "there is no open store transaction to commit");
  s->open = false;
  if (s->failed) return err_set(e, s->failed, "%s", s->why.text);
  return s->ops->commit(s, e);
}

void store_rollback(struct store *s) {
  if (s->open && !s->failed) s->ops->rollback(s);
  s->open = false;
}

bool store_in_transaction(const struct store *s) { return s->open; }

/* Rolls the open transaction back because of err and remembers its sentence. Returns err. */
static parley_err fail(struct store *s, parley_err err, const struct errmsg *why, struct errmsg *e) {
  if (s->open && !s->failed) {
    s->ops->rollback(s);
    s->failed = err;
    s->why = *why;
  }
  if (e && e != why) *e = *why;
  return err;
}

static parley_err may_read(const struct store *s, struct errmsg *e) {
  return s->open && s->failed ? err_set(e, s->failed, "%s", s->why.text) : PARLEY_OK;
}

static parley_err may_write(const struct store *s, struct errmsg *e) {
  if (!s->open) return err_set(e, PARLEY_EINVAL, "a write to the store needs an open transaction");
  return may_read(s, e);
}

static parley_err wrote(struct store *s, parley_err err, const struct errmsg *why, struct errmsg *e) {
  return err ? fail(s, err, why, e) : PARLEY_OK;
}

/*
 * A trouble of the engine while reading may have ended the transaction inside it, so it ends here too. A scan's function
 * can return the same codes; its transaction is then given up as well, which is what such a caller is about to do.
 */
static parley_err was_read(struct store *s, parley_err err, const struct errmsg *why, struct errmsg *e) {
  const bool engine = err == PARLEY_EIO || err == PARLEY_EFULL || err == PARLEY_EBUSY || err == PARLEY_ENOMEM;
  if (engine) return fail(s, err, why, e);
  if (err && e) *e = *why;
  return err;
}

/* ---- bounds ---- */

static parley_err check_log(enum store_seq t, uint32_t log, struct errmsg *e) {
  if ((unsigned)t >= STORE_SEQ_COUNT) return err_set(e, PARLEY_EINVAL, "there is no sequence table %u", (unsigned)t);
  if (log == 0 || log > STORE_LOG_MAX)
    return err_set(e, PARLEY_ELIMIT, "log number %u is outside 1 to %d", log, STORE_LOG_MAX);
  return PARLEY_OK;
}

static parley_err check_pos(enum store_seq t, uint32_t log, uint64_t pos, struct errmsg *e) {
  const parley_err err = check_log(t, log, e);
  if (!err && pos > STORE_POS_MAX)
    return err_set(e, PARLEY_ELIMIT, "position %llu is over %llu", (unsigned long long)pos, STORE_POS_MAX);
  return err;
}

static parley_err check_table(enum store_map t, struct errmsg *e) {
  if ((unsigned)t >= STORE_MAP_COUNT) return err_set(e, PARLEY_EINVAL, "there is no map table %u", (unsigned)t);
  return PARLEY_OK;
}

static parley_err check_key(enum store_map t, struct bytes key, struct errmsg *e) {
  const parley_err err = check_table(t, e);
  if (!err && (key.n == 0 || key.n > STORE_KEY_MAX))
    return err_set(e, PARLEY_ELIMIT, "a key of %zu bytes for the table %s: 1 to %d are allowed", key.n,
                   store_map_name(t), STORE_KEY_MAX);
  return err;
}

static parley_err check_value(struct bytes v, struct errmsg *e) {
  if (v.n > STORE_VALUE_MAX)
    return err_set(e, PARLEY_ELIMIT, "a value of %zu bytes: at most %d are allowed", v.n, STORE_VALUE_MAX);
  return PARLEY_OK;
}

/* ---- sequence tables ---- */

parley_err store_seq_get(struct store *s, enum store_seq t, uint32_t log, uint64_t pos, struct arena *a,
                         struct bytes *out, struct errmsg *e) {
  struct errmsg why = {0};
  parley_err err = may_read(s, e);
  if (!err) err = check_pos(t, log, pos, e);
  return err ? err : was_read(s, s->ops->seq_get(s, t, log, pos, a, out, &why), &why, e);
}

parley_err store_seq_put(struct store *s, enum store_seq t, uint32_t log, uint64_t pos, struct bytes v,
                         struct errmsg *e) {
  struct errmsg why = {0};
  parley_err err = may_write(s, e);
  if (err) return err;
  err = check_pos(t, log, pos, &why);
  if (!err) err = check_value(v, &why);
  if (!err) err = s->ops->seq_put(s, t, log, pos, v, &why);
  return wrote(s, err, &why, e);
}

parley_err store_seq_delete(struct store *s, enum store_seq t, uint32_t log, uint64_t from, uint64_t to,
                            struct errmsg *e) {
  struct errmsg why = {0};
  parley_err err = may_write(s, e);
  if (err) return err;
  err = check_log(t, log, &why);
  const uint64_t end = to < POS_END ? to : POS_END; /* nothing can stand beyond */
  if (!err && from < end) err = s->ops->seq_delete(s, t, log, from, end, &why);
  return wrote(s, err, &why, e);
}

parley_err store_seq_scan(struct store *s, enum store_seq t, uint32_t log, uint64_t from, uint64_t to, store_seq_fn f,
                          void *ctx, struct errmsg *e) {
  struct errmsg why = {0};
  parley_err err = may_read(s, e);
  if (!err) err = check_log(t, log, e);
  if (err) return err;
  const uint64_t end = to < POS_END ? to : POS_END;
  if (from < end) err = s->ops->seq_scan(s, t, log, from, end, f, ctx, &why);
  return was_read(s, err, &why, e);
}

/* ---- map tables ---- */

parley_err store_get(struct store *s, enum store_map t, struct bytes key, struct arena *a, struct bytes *out,
                     struct errmsg *e) {
  struct errmsg why = {0};
  parley_err err = may_read(s, e);
  if (!err) err = check_key(t, key, e);
  return err ? err : was_read(s, s->ops->get(s, t, key, a, out, &why), &why, e);
}

parley_err store_put(struct store *s, enum store_map t, struct bytes key, struct bytes v, struct errmsg *e) {
  struct errmsg why = {0};
  parley_err err = may_write(s, e);
  if (err) return err;
  err = check_key(t, key, &why);
  if (!err) err = check_value(v, &why);
  if (!err) err = s->ops->put(s, t, key, v, &why);
  return wrote(s, err, &why, e);
}

parley_err store_delete(struct store *s, enum store_map t, struct bytes key, struct errmsg *e) {
  struct errmsg why = {0};
  parley_err err = may_write(s, e);
  if (err) return err;
  err = check_key(t, key, &why);
  if (!err) err = s->ops->del(s, t, key, &why);
  return wrote(s, err, &why, e);
}

parley_err store_scan(struct store *s, enum store_map t, struct bytes prefix, struct bytes after, bool reverse,
                      store_map_fn f, void *ctx, struct errmsg *e) {
  struct errmsg why = {0};
  parley_err err = may_read(s, e);
  if (!err) err = check_table(t, e);
  if (err) return err;
  if (prefix.n > STORE_KEY_MAX || after.n > STORE_KEY_MAX)
    return err_set(e, PARLEY_ELIMIT,
                   "a scan of the table %s by a prefix of %zu and a key of %zu bytes: at most %d are allowed",
                   store_map_name(t), prefix.n, after.n, STORE_KEY_MAX);
  return was_read(s, s->ops->scan(s, t, prefix, after, reverse, f, ctx, &why), &why, e);
}

/* ---- the rest ---- */

uint64_t store_bytes(struct store *s) { return s->ops->bytes(s); }

parley_err store_checkpoint(struct store *s, struct errmsg *e) {
  if (s->open) return err_set(e, PARLEY_EINVAL, "the store cannot be checkpointed while a transaction is open");
  return s->ops->checkpoint(s, e);
}

parley_err store_backup_begin(struct store_backup **out, struct store *s, const char *path, struct errmsg *e) {
  *out = NULL;
  if (s->open) return err_set(e, PARLEY_EINVAL, "the store cannot be copied while a transaction is open");
  return s->ops->backup(s, path, out, e);
}

void store_close(struct store *s) {
  if (!s) return;
  store_rollback(s);
  s->ops->close(s);
}
