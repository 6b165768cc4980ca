/*
 * Between sqlite.c (opening, schema, closing) and sqlite_table.c (statements): the SQLite backend's state.
 */
#ifndef PARLEY_STORE_SQLITE_H
#define PARLEY_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/backend.h"

enum { TX_BEGIN, TX_COMMIT, TX_ROLLBACK, TX_COUNT };
enum { VERB_GET, VERB_PUT, VERB_DEL, VERB_SCAN, VERB_SCAN_BACK, VERB_COUNT };

struct sqlite_store {
  struct store base; /* first: a struct store * of this backend is a struct sqlite_store * */
  sqlite3 *db;
  char *path;
  /* Prepared at first use, then kept. */
  sqlite3_stmt *tx[TX_COUNT];
  sqlite3_stmt *seq[STORE_SEQ_COUNT][VERB_COUNT];
  sqlite3_stmt *map[STORE_MAP_COUNT][VERB_COUNT];
};

/* Turns the result code rc of `doing` into a parley_err and a sentence that names the file and what to do. */
parley_err sqlite_error(const struct sqlite_store *s, int rc, const char *doing, struct errmsg *e);

/* The statements of sqlite_table.c, as store_ops wants them. */
parley_err sqlite_begin(struct store *b, struct errmsg *e);
parley_err sqlite_commit(struct store *b, struct errmsg *e);
void sqlite_rollback(struct store *b);
parley_err sqlite_seq_get(struct store *b, enum store_seq t, uint32_t log, uint64_t pos, struct arena *a,
                          struct bytes *out, struct errmsg *e);
parley_err sqlite_seq_put(struct store *b, enum store_seq t, uint32_t log, uint64_t pos, struct bytes v,
                          struct errmsg *e);
parley_err sqlite_seq_delete(struct store *b, enum store_seq t, uint32_t log, uint64_t from, uint64_t to,
                             struct errmsg *e);
parley_err sqlite_seq_scan(struct store *b, enum store_seq t, uint32_t log, uint64_t from, uint64_t to, store_seq_fn f,
                           void *ctx, struct errmsg *e);
parley_err sqlite_get(struct store *b, enum store_map t, struct bytes key, struct arena *a, struct bytes *out,
                      struct errmsg *e);
parley_err sqlite_put(struct store *b, enum store_map t, struct bytes key, struct bytes v, struct errmsg *e);
parley_err sqlite_del(struct store *b, enum store_map t, struct bytes key, struct errmsg *e);
parley_err sqlite_scan(struct store *b, enum store_map t, struct bytes prefix, struct bytes after, bool reverse,
                       store_map_fn f, void *ctx, struct errmsg *e);
parley_err sqlite_backup(struct store *b, const char *path, struct store_backup **out, struct errmsg *e);
void sqlite_finalize_all(struct sqlite_store *s);

#endif
