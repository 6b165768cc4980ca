/*
 * The SQLite backend's statements: transactions, and get, put, delete and scan of both shapes of table.
 */
#include "store/sqlite.h"

#include <string.h>

#define LOG_SHIFT 40 /* rowid = log << 40 | position: 62 bits, so entries of one log stand together and in order */

/* Above every key: longer than STORE_KEY_MAX, all 0xff. */
struct bound {
  uint8_t p[STORE_KEY_MAX + 1];
  size_t n;
};

static struct sqlite_store *self(struct store *b) { return (struct sqlite_store *)b; }

/* ---- statements ---- */

static parley_err prepare(struct sqlite_store *s, const char *sql, sqlite3_stmt **out, struct errmsg *e) {
  const int rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
  return rc == SQLITE_OK ? PARLEY_OK : sqlite_error(s, rc, "prepare a statement for", e);
}

/* The statement kept in slot, or a fresh one when a scan further up is still using that. drop() takes either back. */
static parley_err take(struct sqlite_store *s, sqlite3_stmt **slot, const char *const sql[VERB_COUNT], int verb,
                       const char *table, sqlite3_stmt **out, struct errmsg *e) {
  if (*slot && !sqlite3_stmt_busy(*slot)) {
    *out = *slot;
    return PARLEY_OK;
  }
  char text[160];
  sqlite3_snprintf(sizeof text, text, sql[verb], table);
  const parley_err err = prepare(s, text, out, e);
  if (!err && !*slot) *slot = *out;
  return err;
}

static parley_err take_seq(struct sqlite_store *s, enum store_seq t, int verb, sqlite3_stmt **out, struct errmsg *e) {
  static const char *const sql[VERB_COUNT] = {
      [VERB_GET] = "SELECT v FROM %s WHERE pos = ?1",
      [VERB_PUT] = "INSERT OR REPLACE INTO %s (pos, v) VALUES (?1, ?2)",
      [VERB_DEL] = "DELETE FROM %s WHERE pos >= ?1 AND pos < ?2",
      [VERB_SCAN] = "SELECT pos, v FROM %s WHERE pos >= ?1 AND pos < ?2 ORDER BY pos",
  };
  return take(s, &s->seq[t][verb], sql, verb, store_seq_name(t), out, e);
}

static parley_err take_map(struct sqlite_store *s, enum store_map t, int verb, sqlite3_stmt **out, struct errmsg *e) {
  static const char *const sql[VERB_COUNT] = {
      [VERB_GET] = "SELECT v FROM %s WHERE k = ?1",
      [VERB_PUT] = "INSERT OR REPLACE INTO %s (k, v) VALUES (?1, ?2)",
      [VERB_DEL] = "DELETE FROM %s WHERE k = ?1",
      [VERB_SCAN] = "SELECT k, v FROM %s WHERE k >= ?1 AND k < ?2 ORDER BY k",
      [VERB_SCAN_BACK] = "SELECT k, v FROM %s WHERE k >= ?1 AND k < ?2 ORDER BY k DESC",
  };
  return take(s, &s->map[t][verb], sql, verb, store_map_name(t), out, e);
}

static void drop(sqlite3_stmt *const *slot, sqlite3_stmt *st) {
  if (*slot == st) {
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
  } else {
    sqlite3_finalize(st);
  }
}

/* A NULL pointer would bind NULL, not the empty blob. The bytes stay the caller's until drop(). */
static int bind(sqlite3_stmt *st, int i, struct bytes b) {
  return sqlite3_bind_blob64(st, i, b.n ? (const void *)b.p : "", b.n, SQLITE_STATIC);
}

static struct bytes column(sqlite3_stmt *st, int i) {
  const void *p = sqlite3_column_blob(st, i);
  return p ? BYTES(p, (size_t)sqlite3_column_bytes(st, i)) : BYTES("", 0);
}

/* Steps a statement that returns no rows. rc is what binding gave. */
static parley_err run(struct sqlite_store *s, int rc, sqlite3_stmt *st, const char *doing, struct errmsg *e) {
  if (rc == SQLITE_OK) rc = sqlite3_step(st);
  return rc == SQLITE_DONE ? PARLEY_OK : sqlite_error(s, rc, doing, e);
}

/* Steps a statement that returns at most one value, and copies that. */
static parley_err fetch(struct sqlite_store *s, int rc, sqlite3_stmt *st, struct arena *a, struct bytes *out,
                        struct errmsg *e) {
  if (rc == SQLITE_OK) rc = sqlite3_step(st);
  if (rc == SQLITE_DONE) return PARLEY_ENOTFOUND;
  if (rc != SQLITE_ROW) return sqlite_error(s, rc, "read from", e);
  const struct bytes v = column(st, 0);
  if (v.n == 0 && sqlite3_errcode(s->db) == SQLITE_NOMEM) return sqlite_error(s, SQLITE_NOMEM, "read from", e);
  *out = v.n ? arena_copy(a, v) : BYTES("", 0);
  return out->p ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory for a value of %zu bytes", v.n);
}

/* ---- transactions ---- */

static parley_err prepared(struct sqlite_store *s, int i, struct errmsg *e) {
  static const char *const sql[TX_COUNT] = {"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"};
  return s->tx[i] ? PARLEY_OK : prepare(s, sql[i], &s->tx[i], e);
}

static parley_err transact(struct sqlite_store *s, int i, const char *doing, struct errmsg *e) {
  parley_err err = prepared(s, i, e);
  if (err) return err;
  err = run(s, SQLITE_OK, s->tx[i], doing, e);
  sqlite3_reset(s->tx[i]);
  return err;
}

/* The way back is made first: a transaction that memory was too short to roll back would stay open for ever. */
parley_err sqlite_begin(struct store *b, struct errmsg *e) {
  const parley_err err = prepared(self(b), TX_ROLLBACK, e);
  return err ? err : transact(self(b), TX_BEGIN, "begin a transaction in", e);
}

parley_err sqlite_commit(struct store *b, struct errmsg *e) {
  const parley_err err = transact(self(b), TX_COMMIT, "commit to", e);
  if (err) sqlite_rollback(b);
  return err;
}

void sqlite_rollback(struct store *b) {
  /* Some failures (disk full, I/O error) make SQLite roll back by itself. */
  if (!sqlite3_get_autocommit(self(b)->db)) (void)transact(self(b), TX_ROLLBACK, "roll back in", NULL);
}

/* ---- sequence tables ---- */

static int bind_range(sqlite3_stmt *st, uint32_t log, uint64_t from, uint64_t to) {
  const sqlite3_int64 base = (sqlite3_int64)log << LOG_SHIFT;
  const int rc = sqlite3_bind_int64(st, 1, base + (sqlite3_int64)from);
  return rc ? rc : sqlite3_bind_int64(st, 2, base + (sqlite3_int64)to);
}

parley_err sqlite_seq_get(struct store *b, enum store_seq t, uint32_t log, uint64_t pos, struct arena *a,
                          struct bytes *out, struct errmsg *e) {
  struct sqlite_store *s = self(b);
  sqlite3_stmt *st;
  parley_err err = take_seq(s, t, VERB_GET, &st, e);
  if (err) return err;
  err = fetch(s, sqlite3_bind_int64(st, 1, (sqlite3_int64)log << LOG_SHIFT | (sqlite3_int64)pos), st, a, out, e);
  drop(&s->seq[t][VERB_GET], st);
  if (err == PARLEY_ENOTFOUND)
    err_set(e, err, "nothing stands at position %llu of log %u in the table %s", (unsigned long long)pos, log,
            store_seq_name(t));
  return err;
}

parley_err sqlite_seq_put(struct store *b, enum store_seq t, uint32_t log, uint64_t pos, struct bytes v,
                          struct errmsg *e) {
  struct sqlite_store *s = self(b);
  sqlite3_stmt *st;
  parley_err err = take_seq(s, t, VERB_PUT, &st, e);
  if (err) return err;
  const int rc = sqlite3_bind_int64(st, 1, (sqlite3_int64)log << LOG_SHIFT | (sqlite3_int64)pos);
  err = run(s, rc ? rc : bind(st, 2, v), st, "write to", e);
  drop(&s->seq[t][VERB_PUT], st);
  return err;
}

parley_err sqlite_seq_delete(struct store *b, enum store_seq t, uint32_t log, uint64_t from, uint64_t to,
                             struct errmsg *e) {
  struct sqlite_store *s = self(b);
  sqlite3_stmt *st;
  parley_err err = take_seq(s, t, VERB_DEL, &st, e);
  if (err) return err;
  err = run(s, bind_range(st, log, from, to), st, "delete from", e);
  drop(&s->seq[t][VERB_DEL], st);
  return err;
}

parley_err sqlite_seq_scan(struct store *b, enum store_seq t, uint32_t log, uint64_t from, uint64_t to, store_seq_fn f,
                           void *ctx, struct errmsg *e) {
  struct sqlite_store *s = self(b);
  sqlite3_stmt *st;
  parley_err err = take_seq(s, t, VERB_SCAN, &st, e);
  if (err) return err;
  int rc = bind_range(st, log, from, to);
  while (!err && rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
    err = f(ctx, (uint64_t)sqlite3_column_int64(st, 0) & STORE_POS_MAX, column(st, 1), e);
    rc = SQLITE_OK;
  }
  if (!err && rc != SQLITE_DONE) err = sqlite_error(s, rc, "read from", e);
  drop(&s->seq[t][VERB_SCAN], st);
  return err;
}

/* ---- map tables ---- */

parley_err sqlite_get(struct store *b, enum store_map t, struct bytes key, struct arena *a, struct bytes *out,
                      struct errmsg *e) {
  struct sqlite_store *s = self(b);
  sqlite3_stmt *st;
  parley_err err = take_map(s, t, VERB_GET, &st, e);
  if (err) return err;
  err = fetch(s, bind(st, 1, key), st, a, out, e);
  drop(&s->map[t][VERB_GET], st);
  if (err == PARLEY_ENOTFOUND) err_set(e, err, "the table %s holds nothing under this key", store_map_name(t));
  return err;
}

parley_err sqlite_put(struct store *b, enum store_map t, struct bytes key, struct bytes v, struct errmsg *e) {
  struct sqlite_store *s = self(b);
  sqlite3_stmt *st;
  parley_err err = take_map(s, t, VERB_PUT, &st, e);
  if (err) return err;
  const int rc = bind(st, 1, key);
  err = run(s, rc ? rc : bind(st, 2, v), st, "write to", e);
  drop(&s->map[t][VERB_PUT], st);
  return err;
}

parley_err sqlite_del(struct store *b, enum store_map t, struct bytes key, struct errmsg *e) {
  struct sqlite_store *s = self(b);
  sqlite3_stmt *st;
  parley_err err = take_map(s, t, VERB_DEL, &st, e);
  if (err) return err;
  err = run(s, bind(st, 1, key), st, "delete from", e);
  drop(&s->map[t][VERB_DEL], st);
  return err;
}

static void bound_set(struct bound *x, struct bytes b) {
  if (b.n) memcpy(x->p, b.p, b.n);
  x->n = b.n;
}

/* The least key above all that start with prefix. */
static void bound_past_prefix(struct bound *x, struct bytes prefix) {
  bound_set(x, prefix);
  while (x->n && x->p[x->n - 1] == 0xff) x->n--;
  if (x->n) {
    x->p[x->n - 1]++;
    return;
  }
  memset(x->p, 0xff, sizeof x->p);
  x->n = sizeof x->p;
}

static int bound_compare(const struct bound *x, struct bytes b) {
  const size_t n = x->n < b.n ? x->n : b.n;
  const int c = n ? memcmp(x->p, b.p, n) : 0;
  return c ? c : (x->n > b.n) - (x->n < b.n);
}

/* [low, high) of a scan. The least key above `after` is `after` and a zero byte. */
static void scan_bounds(struct bound *low, struct bound *high, struct bytes prefix, struct bytes after, bool reverse) {
  bound_set(low, prefix);
  bound_past_prefix(high, prefix);
  if (after.n == 0) return;
  if (reverse && bound_compare(high, after) > 0) bound_set(high, after);
  if (!reverse && bound_compare(low, after) <= 0) {
    bound_set(low, after);
    low->p[low->n++] = 0;
  }
}

parley_err sqlite_scan(struct store *b, enum store_map t, struct bytes prefix, struct bytes after, bool reverse,
                       store_map_fn f, void *ctx, struct errmsg *e) {
  struct sqlite_store *s = self(b);
  const int verb = reverse ? VERB_SCAN_BACK : VERB_SCAN;
  struct bound low, high;
  sqlite3_stmt *st;
  parley_err err = take_map(s, t, verb, &st, e);
  if (err) return err;
  scan_bounds(&low, &high, prefix, after, reverse);
  int rc = bind(st, 1, BYTES(low.p, low.n));
  if (rc == SQLITE_OK) rc = bind(st, 2, BYTES(high.p, high.n));
  while (!err && rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
    err = f(ctx, column(st, 0), column(st, 1), e);
    rc = SQLITE_OK;
  }
  const bool stopped = err == PARLEY_EBUSY;
  if (!err && rc != SQLITE_DONE) err = sqlite_error(s, rc, "read from", e);
  drop(&s->map[t][verb], st);
  return stopped ? PARLEY_OK : err;
}

void sqlite_finalize_all(struct sqlite_store *s) {
  for (int i = 0; i < TX_COUNT; i++) sqlite3_finalize(s->tx[i]);
  for (int t = 0; t < STORE_SEQ_COUNT; t++)
    for (int i = 0; i < VERB_COUNT; i++) sqlite3_finalize(s->seq[t][i]);
  for (int t = 0; t < STORE_MAP_COUNT; t++)
    for (int i = 0; i < VERB_COUNT; i++) sqlite3_finalize(s->map[t][i]);
}
