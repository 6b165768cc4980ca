/*
 * Between fault_disk.c (files, what is durable, crash, faults) and fault_vfs.c (SQLite's methods and locks).
 */
#ifndef PARLEY_TESTS_SIM_FAULT_DISK_H
#define PARLEY_TESTS_SIM_FAULT_DISK_H

#include <sqlite3.h>
#include <stddef.h>

#include "fault_vfs.h"
#include "sectors.h"

/*
 * A file has one image, the one that a running process sees, and for each write since the last sync the bytes that it
 * replaced. So a sync costs nothing (the list is emptied), and a crash walks the list back to the durable image and then
 * forward again with luck.
 */
struct fault_write {
  size_t at, n; /* a truncation has at = the new size, n = the bytes cut off */
  size_t old_size, new_size;
  size_t saved; /* offset in fault_file.saved of the n bytes that were there (zero beyond the old end) */
};

struct fault_file {
  struct fault_file *next;
  char *name;                  /* NULL: a temporary file */
  bool linked, linked_durable; /* stands in the folder: as seen, and after a crash */
  unsigned handles;
  struct sectors bytes; /* zero from size on */
  size_t size;
  struct fault_write *writes;
  size_t writes_n, writes_cap;
  uint8_t *saved;
  size_t saved_n, saved_cap;
  /* Locks. writer holds RESERVED or more, at writer_level. */
  unsigned readers;
  const void *writer;
  int writer_level;
};

struct fault_disk {
  sqlite3_vfs vfs; /* first: pAppData of the VFS is the disk */
  char name[64];
  fault_random random;
  void *ctx;
  struct fault_file *files;
  uint64_t life; /* crashes so far; a handle of an earlier life is dead */
  bool cut;
  uint64_t cut_in, fail_in; /* operations left, FAULT_NEVER for none */
  uint64_t room, file_max;
  enum fault_kind kind; /* of fault_disk_fail_from */
  uint64_t from;        /* operations until it begins; 0: it has begun */
  bool failed, spared;  /* it has shown; spared: between calm_begin and calm_end */
  uint64_t steps, syncs, faults;
};

/* All return an SQLite result code; each counts as one operation. */
int fault_file_open(struct fault_disk *d, const char *name, bool create, bool exclusive, struct fault_file **out);
int fault_file_read(struct fault_disk *d, struct fault_file *f, void *p, size_t n, uint64_t at);
int fault_file_write(struct fault_disk *d, struct fault_file *f, const void *p, size_t n, uint64_t at);
int fault_file_truncate(struct fault_disk *d, struct fault_file *f, uint64_t size);
int fault_file_sync(struct fault_disk *d, struct fault_file *f, bool folder_too);
int fault_file_delete(struct fault_disk *d, const char *name, bool sync_folder);

struct fault_file *fault_file_find(const struct fault_disk *d, const char *name);
void fault_file_release(struct fault_disk *d, struct fault_file *f); /* one handle fewer */

#endif
