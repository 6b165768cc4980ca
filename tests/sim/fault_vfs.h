/*
 * A disk in memory that SQLite writes to through its own VFS, and that can fail as disks fail: power cut in the middle of
 * an operation, unsynced writes lost, kept or torn, no space left, I/O errors. Deterministic; one disk per node.
 *
 * A node's life: fault_disk_new, store_sqlite_open with .vfs = fault_disk_name(d), work, fault_disk_crash, store_close
 * (its handles are dead and do nothing), store_sqlite_open again. Not thread-safe.
 */
#ifndef PARLEY_TESTS_SIM_FAULT_VFS_H
#define PARLEY_TESTS_SIM_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULT_NEVER UINT64_MAX
#define FAULT_SECTOR 512 /* bytes that reach the disk whole or not at all */

struct fault_disk;
typedef uint64_t (*fault_random)(void *ctx);

/* An empty disk, and an SQLite VFS called name for it (unique, at most 63 bytes). NULL when out of memory or taken. */
struct fault_disk *fault_disk_new(const char *name, fault_random random, void *ctx);
void fault_disk_free(struct fault_disk *d); /* every store on it has been closed */
const char *fault_disk_name(const struct fault_disk *d);

/*
 * The power fails and returns. Of each write since its file's last sync the sectors are kept or dropped, each by itself;
 * created and deleted names, until the folder is synced, likewise. What is open is dead: every operation on it fails, and
 * closing it does nothing. It ends a cut; room and failures stay as set.
 */
void fault_disk_crash(struct fault_disk *d, fault_random random, void *ctx);
/* The process dies, the machine does not: handles are dead, what was written stays written and unsynced. */
void fault_disk_kill(struct fault_disk *d);

/* The power fails in the n-th operation from now (1: the next one): it and all later ones fail until fault_disk_crash. */
void fault_disk_cut_at(struct fault_disk *d, uint64_t n);
bool fault_disk_is_cut(const struct fault_disk *d);

/* The n-th operation from now fails with an I/O error, once. FAULT_NEVER: none does. */
void fault_disk_fail_at(struct fault_disk *d, uint64_t n);
/*
 * The disk fails from the n-th operation from now on (1: the next one), until it is told otherwise (FAULT_HEALED, n counts
 * for nothing). Crashes do not heal it. A full disk refuses what makes a file longer.
 */
enum fault_kind { FAULT_HEALED, FAULT_IO_ONCE, FAULT_IO_LASTING, FAULT_FULL_ONCE, FAULT_FULL_LASTING };
void fault_disk_fail_from(struct fault_disk *d, enum fault_kind kind, uint64_t n);
/* False while none of its operations has failed. */
bool fault_disk_failed(const struct fault_disk *d);

/* Files can grow by so many bytes in all, then the disk is full (a write is cut short). FAULT_NEVER: no bound. */
void fault_disk_set_room(struct fault_disk *d, uint64_t bytes);
/* No file can be longer than this; 1 GiB at first. */
void fault_disk_set_file_max(struct fault_disk *d, uint64_t bytes);

/* Counters since fault_disk_new. Operations are open, delete, read, write, truncate and sync. */
uint64_t fault_disk_steps(const struct fault_disk *d);
uint64_t fault_disk_syncs(const struct fault_disk *d);
uint64_t
fault_disk_faults(const struct fault_disk *d); /* operations that were made to fail, those after a cut included */

/* Size of the named file, or FAULT_NEVER when there is none. */
uint64_t fault_disk_size(const struct fault_disk *d, const char *path);
/* A number that differs when names or contents differ; for traces. */
uint64_t fault_disk_hash(const struct fault_disk *d);

/*
 * SQLite takes random numbers (the salts of its log) from one generator per process, which it seeds from the *default*
 * VFS. Call this at the start of a run so that equal seeds give equal bytes.
 */
void fault_seed_sqlite(uint32_t seed);

#endif
