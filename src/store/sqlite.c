/*
 * The store in an SQLite file: opening, settings, schema, errors and closing. Write-ahead log with synchronous=FULL, so a
 * commit that returned is on stable storage; exclusive locking, so one process has the file and no shared memory is used.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/plant.h"

#define APPLICATION_ID 0x5041524c /* "PARL" */

/*
 * The log is moved into the main file every 1000 pages (4 MiB): rarely enough that it costs little per transaction, often
 * enough that a start has little to recover. Its file is kept up to 8 MiB, because writing over old bytes syncs faster
 * than growing. The page cache takes at most 4 MiB (an idle node has 32 MiB in all). No memory map: a failing disk must
 * give an error, not a signal.
 */
static const char settings[] = "PRAGMA wal_autocheckpoint = 1000;"
                               "PRAGMA journal_size_limit = 8388608;"
                               "PRAGMA cache_size = -4096;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA secure_delete = FAST;";

/* ---- errors ---- */

static parley_err full(const struct sqlite_store *s, const char *doing, struct errmsg *e) {
  return err_set(e, PARLEY_EFULL, "cannot %s %s: the disk is full; free some space and try again", doing, s->path);
}

static parley_err io_error(const struct sqlite_store *s, int rc, const char *doing, struct errmsg *e) {
  const int os = s->db ? sqlite3_system_errno(s->db) : 0;
  if (rc == SQLITE_IOERR_NOMEM) return err_set(e, PARLEY_ENOMEM, "out of memory: cannot %s %s", doing, s->path);
  if (os == ENOSPC || os == EDQUOT) return full(s, doing, e);
  return err_set(e, PARLEY_EIO, "cannot %s %s: %s (%s, code %d); check the disk and the permissions of the folder",
                 doing, s->path, sqlite3_errstr(rc), os ? strerror(os) : "no system error", rc);
}

parley_err sqlite_error(const struct sqlite_store *s, int rc, const char *doing, struct errmsg *e) {
  switch (rc & 0xff) {
  case SQLITE_FULL: return full(s, doing, e);
  case SQLITE_BUSY:
    return err_set(e, PARLEY_EBUSY,
                   "cannot %s %s: another parleyd has this home open; stop it, or give this one its own home", doing,
                   s->path);
  case SQLITE_LOCKED: return err_set(e, PARLEY_EBUSY, "cannot %s %s: a scan of it is still running", doing, s->path);
  case SQLITE_NOTADB:
    return err_set(e, PARLEY_EIO, "cannot %s %s: it is not a database; move it away and restore the home from a backup",
                   doing, s->path);
  case SQLITE_CORRUPT:
    return err_set(e, PARLEY_EIO, "cannot %s %s: it is damaged; keep a copy of it and restore the home from a backup",
                   doing, s->path);
  case SQLITE_NOMEM: return err_set(e, PARLEY_ENOMEM, "out of memory: cannot %s %s", doing, s->path);
  default: return io_error(s, rc, doing, e);
  }
}

/* ---- opening ---- */

static parley_err exec(struct sqlite_store *s, const char *sql, const char *doing, struct errmsg *e) {
  const int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? PARLEY_OK : sqlite_error(s, rc, doing, e);
}

/* The first column of the first row: as a number, and whether it reads `text`. */
static parley_err query(struct sqlite_store *s, const char *sql, int64_t *number, const char *text, bool *is,
                        struct errmsg *e) {
  sqlite3_stmt *st;
  int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
  if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
    const char *got = is ? (const char *)sqlite3_column_text(st, 0) : "";
    if (!got) rc = SQLITE_NOMEM;
    if (is) *is = got && strcmp(got, text) == 0;
    if (number) *number = sqlite3_column_int64(st, 0);
  }
  const parley_err err = rc == SQLITE_ROW ? PARLEY_OK : sqlite_error(s, rc, "open", e);
  sqlite3_finalize(st);
  return err;
}

/* Before anything is written: ours and of this schema, or empty. A newer schema may not even parse, so it is not looked at. */
static parley_err identify(struct sqlite_store *s, bool *empty, struct errmsg *e) {
  int64_t id = 0, version = 0, tables = 0;
  parley_err err = query(s, "PRAGMA application_id", &id, NULL, NULL, e);
  if (!err) err = query(s, "PRAGMA user_version", &version, NULL, NULL, e);
  if (!err && id == 0 && version == 0) err = query(s, "SELECT count(*) FROM sqlite_schema", &tables, NULL, NULL, e);
  if (err) return err;
  *empty = id == 0 && version == 0 && tables == 0;
  if (*empty) return PARLEY_OK;
  if (id != APPLICATION_ID)
    return err_set(e, PARLEY_EIO, "%s is a database of another program; move it away or choose another home", s->path);
  if (version > STORE_SCHEMA)
    return err_set(e, PARLEY_ECONFLICT,
                   "%s has schema %lld, this parley knows schemas up to %d; install the newer parley", s->path,
                   (long long)version, STORE_SCHEMA);
  if (version < 1)
    return err_set(e, PARLEY_EIO, "%s has schema %lld, which no parley wrote; restore the home from a backup", s->path,
                   (long long)version);
  return PARLEY_OK;
}

static parley_err create(struct sqlite_store *s, struct errmsg *e) {
  char sql[128];
  parley_err err = exec(s, "BEGIN IMMEDIATE", "create tables in", e);
  for (unsigned t = 0; !err && t < STORE_SEQ_COUNT; t++) {
    sqlite3_snprintf(sizeof sql, sql, "CREATE TABLE %s (pos INTEGER PRIMARY KEY, v BLOB NOT NULL)", store_seq_name(t));
    err = exec(s, sql, "create tables in", e);
  }
  for (unsigned t = 0; !err && t < STORE_MAP_COUNT; t++) {
    sqlite3_snprintf(sizeof sql, sql, "CREATE TABLE %s (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID",
                     store_map_name(t));
    err = exec(s, sql, "create tables in", e);
  }
  sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", APPLICATION_ID,
                   STORE_SCHEMA);
  return err ? err : exec(s, sql, "create tables in", e);
}

static sqlite3_file *file_of(sqlite3 *db, int which) {
  sqlite3_file *f = NULL;
  const int rc = sqlite3_file_control(db, "main", which, &f);
  return rc == SQLITE_OK && f && f->pMethods ? f : NULL;
}

static uint64_t file_bytes(sqlite3_file *f) {
  sqlite3_int64 n = 0;
  return f && f->pMethods->xFileSize(f, &n) == SQLITE_OK && n > 0 ? (uint64_t)n : 0;
}

static uint64_t sqlite_bytes(struct store *b) {
  sqlite3 *db = ((struct sqlite_store *)b)->db;
  return file_bytes(file_of(db, SQLITE_FCNTL_FILE_POINTER)) + file_bytes(file_of(db, SQLITE_FCNTL_JOURNAL_POINTER));
}

/*
 * A process killed inside a commit can leave a transaction in the log that was written but not synced. SQLite's recovery
 * takes it as committed, and so would the node, which signs what it finds: it is made durable before anybody reads it.
 * Not by moving the log into the main file, because that needs room and a node must start on a full disk.
 */
static parley_err sync_recovered(struct sqlite_store *s, struct errmsg *e) {
  sqlite3_file *log = file_of(s->db, SQLITE_FCNTL_JOURNAL_POINTER);
  const int rc = log ? log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) : SQLITE_OK;
  return rc == SQLITE_OK ? PARLEY_OK : sqlite_error(s, rc, "sync the write-ahead log of", e);
}

/* locking_mode must come before the first access to the log, else SQLite would want shared memory for its index. */
static parley_err prepare_file(struct sqlite_store *s, bool unsafe, struct errmsg *e) {
  bool empty = false, wal = false;
  parley_err err =
      exec(s, "PRAGMA trusted_schema = OFF; PRAGMA page_size = 4096; PRAGMA locking_mode = EXCLUSIVE;", "open", e);
  if (!err) err = exec(s, unsafe ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL", "open", e);
  if (!err && PLANTED(commit_without_sync)) err = exec(s, "PRAGMA synchronous = NORMAL", "open", e);
  if (!err) err = identify(s, &empty, e);
  if (!err) err = query(s, "PRAGMA journal_mode = WAL", NULL, "wal", &wal, e);
  if (!err && !wal)
    err = err_set(e, PARLEY_EIO, "%s cannot be kept with a write-ahead log on this file system; use a local disk",
                  s->path);
  if (!err) err = exec(s, settings, "open", e);
  if (!err && empty) return create(s, e);
  return err || unsafe ? err : sync_recovered(s, e);
}

/*
 * A new file is the owner's alone; SQLite gives its log the same mode. An existing file is not opened here: closing a
 * second descriptor would drop this process's locks on it.
 */
static void create_private(const char *path) {
  const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

/* PASSIVE is complete here, because nobody else reads; the log's file stays for the next transactions to write over. */
static parley_err sqlite_checkpoint(struct store *b, struct errmsg *e) {
  struct sqlite_store *s = (struct sqlite_store *)b;
  const int rc = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  return rc == SQLITE_OK ? PARLEY_OK : sqlite_error(s, rc, "move the write-ahead log into", e);
}

static void sqlite_close(struct store *b) {
  struct sqlite_store *s = (struct sqlite_store *)b;
  sqlite_finalize_all(s);
  sqlite3_close_v2(s->db);
  free(s->path);
  free(s);
}

static const struct store_ops sqlite_ops = {
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .seq_get = sqlite_seq_get,
    .seq_put = sqlite_seq_put,
    .seq_delete = sqlite_seq_delete,
    .seq_scan = sqlite_seq_scan,
    .get = sqlite_get,
    .put = sqlite_put,
    .del = sqlite_del,
    .scan = sqlite_scan,
    .bytes = sqlite_bytes,
    .checkpoint = sqlite_checkpoint,
    .backup = sqlite_backup,
    .close = sqlite_close,
};

parley_err store_sqlite_open(struct store **out, const char *path, const struct store_sqlite_options *o,
                             struct errmsg *e) {
  const char *vfs = o ? o->vfs : NULL;
  *out = NULL;
  if (path[0] == '\0' || path[0] == ':' || strncmp(path, "file:", 5) == 0)
    return err_set(e, PARLEY_EINVAL, "\"%s\" does not name a file to SQLite; put ./ before it", path);
  struct sqlite_store *s = calloc(1, sizeof *s);
  if (!s || !(s->path = strdup(path))) {
    free(s);
    return err_set(e, PARLEY_ENOMEM, "out of memory: cannot open %s", path);
  }
  s->base.ops = &sqlite_ops;
  if (!vfs) create_private(path);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int rc = sqlite3_open_v2(path, &s->db, flags, vfs);
  parley_err err = rc == SQLITE_OK ? PARLEY_OK : sqlite_error(s, rc, "open", e);
  if (!err) err = prepare_file(s, o && o->unsafe, e);
  if (err) {
    sqlite_close(&s->base);
    return err;
  }
  *out = &s->base;
  return PARLEY_OK;
}
