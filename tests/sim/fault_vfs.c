/*
 * SQLite's view of a fault_disk: VFS and file methods, and locks. iVersion 1 of both, so there is no shared memory: a
 * store in exclusive locking mode keeps its log's index on the heap, and any other use of a write-ahead log is refused.
 */
#include "fault_disk.h"

#include <stdlib.h>
#include <string.h>

struct handle {
  sqlite3_file base; /* first, as SQLite wants it */
  struct fault_disk *disk;
  struct fault_file *file; /* not to be touched once dead */
  uint64_t life;
  int level;
  /* A journal that may be new (created here, or by a process killed since): its first sync makes names durable, as in
   * SQLite's own Unix VFS. */
  bool sync_folder;
  bool delete_on_close;
};

static bool dead(const struct handle *h) { return h->life != h->disk->life; }

/* ---- locks ---- */

static void unlock_to(struct handle *h, int level) {
  struct fault_file *f = h->file;
  if (f->writer == h && level < SQLITE_LOCK_RESERVED) f->writer = NULL;
  if (h->level >= SQLITE_LOCK_SHARED && level == SQLITE_LOCK_NONE) f->readers--;
  if (level < h->level) h->level = level;
}

static int file_lock(sqlite3_file *b, int level) {
  struct handle *h = (struct handle *)b;
  if (dead(h)) return SQLITE_IOERR_LOCK;
  struct fault_file *f = h->file;
  if (level <= h->level) return SQLITE_OK;
  const bool other_writes = f->writer && f->writer != h;
  if (level == SQLITE_LOCK_SHARED) {
    if (other_writes && f->writer_level >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    f->readers++;
    h->level = SQLITE_LOCK_SHARED;
    return SQLITE_OK;
  }
  if (other_writes) return SQLITE_BUSY;
  f->writer = h;
  const bool wait = level == SQLITE_LOCK_EXCLUSIVE && f->readers > 1;
  h->level = f->writer_level = wait ? SQLITE_LOCK_PENDING : level;
  return wait ? SQLITE_BUSY : SQLITE_OK;
}

static int file_unlock(sqlite3_file *b, int level) {
  struct handle *h = (struct handle *)b;
  if (dead(h)) return SQLITE_IOERR_UNLOCK;
  unlock_to(h, level);
  return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *b, int *out) {
  struct handle *h = (struct handle *)b;
  *out = !dead(h) && h->file->writer;
  return dead(h) ? SQLITE_IOERR_CHECKRESERVEDLOCK : SQLITE_OK;
}

/* ---- files ---- */

static int file_close(sqlite3_file *b) {
  struct handle *h = (struct handle *)b;
  if (dead(h)) return SQLITE_OK;
  unlock_to(h, SQLITE_LOCK_NONE);
  if (h->delete_on_close && h->file->name) h->file->linked = h->file->linked_durable = false;
  fault_file_release(h->disk, h->file);
  return SQLITE_OK;
}

static int file_read(sqlite3_file *b, void *p, int n, sqlite3_int64 at) {
  struct handle *h = (struct handle *)b;
  return dead(h) ? SQLITE_IOERR_READ : fault_file_read(h->disk, h->file, p, (size_t)n, (uint64_t)at);
}

static int file_write(sqlite3_file *b, const void *p, int n, sqlite3_int64 at) {
  struct handle *h = (struct handle *)b;
  return dead(h) ? SQLITE_IOERR_WRITE : fault_file_write(h->disk, h->file, p, (size_t)n, (uint64_t)at);
}

static int file_truncate(sqlite3_file *b, sqlite3_int64 size) {
  struct handle *h = (struct handle *)b;
  return dead(h) ? SQLITE_IOERR_TRUNCATE : fault_file_truncate(h->disk, h->file, (uint64_t)size);
}

static int file_sync(sqlite3_file *b, int flags) {
  struct handle *h = (struct handle *)b;
  (void)flags;
  if (dead(h)) return SQLITE_IOERR_FSYNC;
  const int rc = fault_file_sync(h->disk, h->file, h->sync_folder);
  if (rc == SQLITE_OK) h->sync_folder = false;
  return rc;
}

static int file_size(sqlite3_file *b, sqlite3_int64 *out) {
  struct handle *h = (struct handle *)b;
  if (dead(h) || h->disk->cut) return SQLITE_IOERR_FSTAT;
  *out = (sqlite3_int64)h->file->size;
  return SQLITE_OK;
}

static int file_control(sqlite3_file *b, int op, void *arg) {
  (void)b, (void)op, (void)arg;
  return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *b) {
  (void)b;
  return FAULT_SECTOR;
}

/* As SQLite's Unix VFS promises by default: a torn write harms no byte outside it. */
static int file_characteristics(sqlite3_file *b) {
  (void)b;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

/* ---- the VFS ---- */

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *b, int flags, int *out_flags) {
  struct fault_disk *d = v->pAppData;
  struct handle *h = (struct handle *)b;
  struct fault_file *f;
  memset(h, 0, sizeof *h);
  const bool create = flags & SQLITE_OPEN_CREATE, exclusive = flags & SQLITE_OPEN_EXCLUSIVE;
  const int rc = fault_file_open(d, name, create || !name, exclusive, &f);
  if (rc != SQLITE_OK) return rc;
  *h = (struct handle){.base.pMethods = &methods, .disk = d, .file = f, .life = d->life};
  h->sync_folder = create && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL));
  h->delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE;
  if (out_flags) *out_flags = flags;
  return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync_folder) {
  return fault_file_delete(v->pAppData, name, sync_folder != 0);
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out) {
  const struct fault_disk *d = v->pAppData;
  (void)flags;
  *out = fault_file_find(d, name) != NULL;
  return d->cut ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *v, const char *name, int n, char *out) {
  (void)v;
  if (strlen(name) >= (size_t)n) return SQLITE_CANTOPEN;
  memcpy(out, name, strlen(name) + 1);
  return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *v, int n, char *out) {
  struct fault_disk *d = v->pAppData;
  for (int i = 0; i < n; i++) out[i] = (char)(d->random(d->ctx) >> 56);
  return n;
}

static int vfs_sleep(sqlite3_vfs *v, int us) {
  (void)v;
  return us;
}

/* Julian day of 2000-01-01 12:00. Nothing in the store depends on it. */
static int vfs_time(sqlite3_vfs *v, double *out) {
  (void)v;
  *out = 2451545.0;
  return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *v, int n, char *out) {
  (void)v, (void)n, (void)out;
  return 0;
}

struct fault_disk *fault_disk_new(const char *name, fault_random random, void *ctx) {
  struct fault_disk *d = calloc(1, sizeof *d);
  if (!d || strlen(name) >= sizeof d->name || sqlite3_vfs_find(name)) {
    free(d);
    return NULL;
  }
  memcpy(d->name, name, strlen(name) + 1);
  d->random = random;
  d->ctx = ctx;
  d->cut_in = d->fail_in = d->room = FAULT_NEVER;
  d->file_max = 1 << 30;
  d->vfs = (sqlite3_vfs){
      .iVersion = 1,
      .szOsFile = sizeof(struct handle),
      .mxPathname = 1024,
      .zName = d->name,
      .pAppData = d,
      .xOpen = vfs_open,
      .xDelete = vfs_delete,
      .xAccess = vfs_access,
      .xFullPathname = vfs_full_path,
      .xRandomness = vfs_randomness,
      .xSleep = vfs_sleep,
      .xCurrentTime = vfs_time,
      .xGetLastError = vfs_last_error,
  };
  if (sqlite3_vfs_register(&d->vfs, 0) != SQLITE_OK) {
    free(d);
    return NULL;
  }
  return d;
}

const char *fault_disk_name(const struct fault_disk *d) { return d->name; }

void fault_seed_sqlite(uint32_t seed) { sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)(seed ? seed : 1), NULL); }
