/*
 * A copy of an open store, made in steps with SQLite's online backup: what is written between two steps goes
 * into the copy as well, so that it is in
 * the end the store as it was at the last step.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite.h"

struct store_backup {
  struct sqlite_store *from;
  struct sqlite_store to; /* path and db alone are used, for messages */
  sqlite3_backup *b;
  int page_size;
};

static parley_err open_copy(struct store_backup *b, const char *path, struct errmsg *e) {
  if (access(path, F_OK) == 0)
    return err_set(e, PARLEY_ECONFLICT, "%s is there already; a backup goes into a folder of its own", path);
  b->to.path = strdup(path);
  if (!b->to.path) return err_set(e, PARLEY_ENOMEM, "out of memory for the backup");
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int rc = sqlite3_open_v2(path, &b->to.db, flags, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_exec(b->to.db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
  if (rc == SQLITE_OK) {
    b->b = sqlite3_backup_init(b->to.db, "main", b->from->db, "main");
    if (!b->b) rc = sqlite3_extended_errcode(b->to.db);
  }
  return rc == SQLITE_OK ? PARLEY_OK : sqlite_error(&b->to, rc, "write", e);
}

parley_err sqlite_backup(struct store *s, const char *path, struct store_backup **out, struct errmsg *e) {
  struct store_backup *b = calloc(1, sizeof *b);
  if (!b) return err_set(e, PARLEY_ENOMEM, "out of memory for the backup");
  b->from = (struct sqlite_store *)s;
  sqlite3_stmt *st = NULL;
  if (sqlite3_prepare_v2(b->from->db, "PRAGMA page_size", -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
    b->page_size = sqlite3_column_int(st, 0);
  sqlite3_finalize(st);
  const parley_err err = open_copy(b, path, e);
  if (err) {
    store_backup_end(b);
    return err;
  }
  *out = b;
  return PARLEY_OK;
}

parley_err store_backup_step(struct store_backup *b, int pages, struct errmsg *e) {
  const int rc = sqlite3_backup_step(b->b, pages);
  if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
    return err_set(e, PARLEY_EBUSY, "the backup goes on");
  return rc == SQLITE_DONE ? PARLEY_OK : sqlite_error(&b->to, rc, "write", e);
}

void store_backup_progress(const struct store_backup *b, uint64_t *done, uint64_t *all) {
  const int total = sqlite3_backup_pagecount(b->b), left = sqlite3_backup_remaining(b->b);
  *all = (uint64_t)total * (uint64_t)b->page_size;
  *done = (uint64_t)(total - left) * (uint64_t)b->page_size;
}

void store_backup_end(struct store_backup *b) {
  if (!b) return;
  if (b->b) sqlite3_backup_finish(b->b);
  sqlite3_close_v2(b->to.db);
  free(b->to.path);
  free(b);
}
