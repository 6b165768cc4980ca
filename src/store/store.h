/*
 * The store: one interface, so that SQLite (embedded) and later PostgreSQL (shared) can stand behind it.
 *
 * Two shapes of table. A *sequence* table is addressed by (log number, position): entries and tiles. A *map* table is
 * addressed by a byte-string key, ordered as memcmp orders. All writes happen inside a transaction; when store_commit
 * returns OK the transaction is on stable storage (design: store, sync, sign, publish). One writer; not thread-safe.
 */
#ifndef PARLEY_STORE_STORE_H
#define PARLEY_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"

#define STORE_SCHEMA 1                /* of the tables; a home with a newer one is refused with ECONFLICT */
#define STORE_KEY_MAX 512             /* bytes of a map key */
#define STORE_VALUE_MAX 1048576       /* bytes of one value */
#define STORE_LOG_MAX 0x3fffff        /* log numbers 1..STORE_LOG_MAX */
#define STORE_POS_MAX 0xffffffffffULL /* positions 0..2^40 - 1 */

enum store_seq { STORE_ENTRIES, STORE_TILES, STORE_STAGED, STORE_SEQ_COUNT };

enum store_map {
  STORE_META,       /* node-wide facts */
  STORE_LOGS,       /* origin -> log number and state */
  STORE_FORUMS,     /* forum id -> charter state */
  STORE_PROPOSALS,  /* charter digest -> envelope collecting signatures */
  STORE_STATEMENTS, /* statement id -> where it stands and what is derived */
  STORE_INDEX,      /* secondary keys: boxes, threads, acknowledgements */
  STORE_PEERS,      /* per counterpart: what it holds of us, attempts */
  STORE_DRAFTS,     /* statements being prepared */
  STORE_MAP_COUNT
};

struct store; /* opaque; begins with its function table */

/* ---- transactions. Reads may happen outside one. ---- */
parley_err store_begin(struct store *s, struct errmsg *e);
/*
 * A write that fails, for whatever reason (bounds included), rolls the whole transaction back; until commit or rollback
 * ends it, every call returns that failure. Commit: EFULL when the disk is full, EIO on any other failure; in both cases
 * nothing of the transaction is kept. (If the process ends right after an EIO, the next start may still find it, whole.)
 */
parley_err store_commit(struct store *s, struct errmsg *e);
void store_rollback(struct store *s);
bool store_in_transaction(const struct store *s);

/* ---- sequence tables. ENOTFOUND when there is no such position. Values are copied into the arena. ---- */
parley_err store_seq_get(struct store *s, enum store_seq t, uint32_t log, uint64_t pos, struct arena *a,
                         struct bytes *out, struct errmsg *e);
parley_err store_seq_put(struct store *s, enum store_seq t, uint32_t log, uint64_t pos, struct bytes v,
                         struct errmsg *e); /* replaces */
parley_err store_seq_delete(struct store *s, enum store_seq t, uint32_t log, uint64_t from, uint64_t to,
                            struct errmsg *e); /* [from, to) */
/* Calls f for each held position in [from, to) in order. v lives during the call only. f returning an error ends the scan with it. */
typedef parley_err (*store_seq_fn)(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e);
parley_err store_seq_scan(struct store *s, enum store_seq t, uint32_t log, uint64_t from, uint64_t to, store_seq_fn f,
                          void *ctx, struct errmsg *e);

/* ---- map tables ---- */
parley_err store_get(struct store *s, enum store_map t, struct bytes key, struct arena *a, struct bytes *out,
                     struct errmsg *e);
parley_err store_put(struct store *s, enum store_map t, struct bytes key, struct bytes v,
                     struct errmsg *e);                                                         /* replaces */
parley_err store_delete(struct store *s, enum store_map t, struct bytes key, struct errmsg *e); /* OK when absent */
/*
 * Calls f for keys that start with prefix, ascending or (reverse) descending; after (may be empty) skips up to and
 * including that key in scan order. f may return PARLEY_EBUSY to stop early without error.
 */
typedef parley_err (*store_map_fn)(void *ctx, struct bytes key, struct bytes v, struct errmsg *e);
parley_err store_scan(struct store *s, enum store_map t, struct bytes prefix, struct bytes after, bool reverse,
                      store_map_fn f, void *ctx, struct errmsg *e);

/* A scan's function may read and write this store, but not begin, commit or roll back. */

/*
 * A copy of the whole store into a new file, while it is in use: step after step between transactions, then end. The copy is the store as it was at
 * the last step. begin: ECONFLICT when the file is there. step: EBUSY: go on; OK: it is whole, and synced once end has closed it; EFULL, EIO.
 */
struct store_backup;
parley_err store_backup_begin(struct store_backup **out, struct store *s, const char *path, struct errmsg *e);
parley_err store_backup_step(struct store_backup *b, int pages, struct errmsg *e);
void store_backup_progress(const struct store_backup *b, uint64_t *done, uint64_t *all); /* bytes */
void store_backup_end(struct store_backup *b);                                            /* before store_close */

/* Bytes on disk (file sizes), for figures. */
uint64_t store_bytes(struct store *s);
/* Moves what the write-ahead log holds into the main file; called when idle. Never loses anything. */
parley_err store_checkpoint(struct store *s, struct errmsg *e);
void store_close(struct store *s); /* rolls back an open transaction */

/* ---- SQLite ---- */

struct store_sqlite_options {
  const char *vfs; /* NULL: the default; the simulator names its own */
  bool unsafe;     /* synchronous=OFF: only for the test that shows it loses data */
};

/*
 * Opens or creates path (WAL, synchronous=FULL, exclusive locking). EBUSY: another process has it open, in a sentence
 * that says so. ECONFLICT: newer schema. EIO: not a database, or unreadable.
 */
parley_err store_sqlite_open(struct store **out, const char *path, const struct store_sqlite_options *o,
                             struct errmsg *e);

#endif
