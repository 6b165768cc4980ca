/*
 * The disk: one flat folder of files, what of them is durable, what a crash leaves, and injected faults.
 */
#include "fault_disk.h"

#include <stdlib.h>
#include <string.h>

enum fault { FAULT_NONE, FAULT_FAIL, FAULT_CUT };

/* True when the disk fails as fault_disk_fail_from says; growing: the operation would make a file longer. */
static bool fails_as_told(struct fault_disk *d, bool growing) {
  const bool full = d->kind == FAULT_FULL_ONCE || d->kind == FAULT_FULL_LASTING;
  const bool once = d->kind == FAULT_IO_ONCE || d->kind == FAULT_FULL_ONCE;
  if (d->kind == FAULT_HEALED || d->spared || d->from > 0 || (full && !growing)) return false;
  if (once) d->kind = FAULT_HEALED;
  d->failed = true;
  d->faults++;
  return true;
}

/* Counts an operation and says whether it fails. CUT: this one is under way as the power goes. */
static enum fault step(struct fault_disk *d) {
  d->steps++;
  if (d->from > 0 && !d->spared) d->from--;
  if ((d->kind == FAULT_IO_ONCE || d->kind == FAULT_IO_LASTING) && fails_as_told(d, false)) return FAULT_FAIL;
  const bool fail = d->fail_in != FAULT_NEVER && --d->fail_in == 0;
  if (fail) d->fail_in = FAULT_NEVER;
  const bool cut = d->cut_in != FAULT_NEVER && --d->cut_in == 0;
  if (cut) d->cut_in = FAULT_NEVER;
  if (!cut && !d->cut && !fail) return FAULT_NONE;
  d->faults++;
  if (cut && !d->cut) {
    d->cut = true;
    return FAULT_CUT;
  }
  return FAULT_FAIL;
}

/* ---- names ---- */

struct fault_file *fault_file_find(const struct fault_disk *d, const char *name) {
  for (struct fault_file *f = d->files; f; f = f->next)
    if (f->linked && strcmp(f->name, name) == 0) return f;
  return NULL;
}

static void file_free(struct fault_file *f) {
  free(f->name);
  sectors_free(&f->bytes);
  free(f->writes);
  free(f->saved);
  free(f);
}

/* Frees the files that no name, as seen or durable, and no handle leads to. */
static void sweep(struct fault_disk *d) {
  for (struct fault_file **at = &d->files; *at;) {
    struct fault_file *f = *at;
    if (f->linked || f->linked_durable || f->handles) {
      at = &f->next;
      continue;
    }
    *at = f->next;
    file_free(f);
  }
}

static void sync_folder(struct fault_disk *d) {
  for (struct fault_file *f = d->files; f; f = f->next) f->linked_durable = f->linked;
  sweep(d);
}

int fault_file_open(struct fault_disk *d, const char *name, bool create, bool exclusive, struct fault_file **out) {
  *out = NULL;
  if (step(d)) return SQLITE_CANTOPEN;
  struct fault_file *f = name ? fault_file_find(d, name) : NULL;
  if (f ? exclusive : !create) return SQLITE_CANTOPEN;
  if (!f) {
    f = calloc(1, sizeof *f);
    if (!f || (name && !(f->name = strdup(name)))) {
      free(f);
      return SQLITE_IOERR_NOMEM;
    }
    f->linked = name != NULL;
    struct fault_file **end = &d->files; /* at the end: the order is that of creation */
    while (*end) end = &(*end)->next;
    *end = f;
  }
  f->handles++;
  *out = f;
  return SQLITE_OK;
}

void fault_file_release(struct fault_disk *d, struct fault_file *f) {
  if (--f->handles == 0) sweep(d);
}

static void give_room(struct fault_disk *d, size_t n) {
  if (d->room != FAULT_NEVER) d->room += n;
}

int fault_file_delete(struct fault_disk *d, const char *name, bool folder) {
  const enum fault fault = step(d);
  if (fault == FAULT_FAIL) return SQLITE_IOERR_DELETE;
  struct fault_file *f = fault_file_find(d, name);
  if (!f) return fault ? SQLITE_IOERR_DELETE : SQLITE_IOERR_DELETE_NOENT;
  f->linked = false;
  give_room(d, f->size);
  if (fault) return SQLITE_IOERR_DELETE;
  if (folder) {
    d->syncs++;
    sync_folder(d);
  } else {
    sweep(d);
  }
  return SQLITE_OK;
}

/* ---- contents ---- */

#define GROW_DOUBLE_MAX (1u << 20)

/* Makes *p at least `need` elements of `size` bytes long; false when out of memory. */
static bool grow(void **p, size_t *cap, size_t need, size_t size) {
  if (need <= *cap) return true;
  size_t to = *cap ? *cap : 16;
  while (to < need) to *= 2;
  if (to > GROW_DOUBLE_MAX) to = need + need / 8; /* with 193 disks, room that nobody fills is dear */
  void *q = realloc(*p, to * size);
  if (!q) return false;
  *p = q;
  *cap = to;
  return true;
}

/* Notes that [at, at + n) is about to change, so that the change can be taken back. */
static bool save(struct fault_file *f, size_t at, size_t n, size_t new_size) {
  void *writes = f->writes, *saved = f->saved;
  const bool ok = grow(&writes, &f->writes_cap, f->writes_n + 1, sizeof *f->writes);
  f->writes = writes;
  const bool ok2 = ok && grow(&saved, &f->saved_cap, f->saved_n + n, 1);
  f->saved = saved;
  if (!ok2) return false;
  f->writes[f->writes_n++] =
      (struct fault_write){.at = at, .n = n, .old_size = f->size, .new_size = new_size, .saved = f->saved_n};
  sectors_read(&f->bytes, at, f->saved + f->saved_n, n);
  f->saved_n += n;
  return true;
}

int fault_file_read(struct fault_disk *d, struct fault_file *f, void *p, size_t n, uint64_t at) {
  if (step(d)) return SQLITE_IOERR_READ;
  const size_t have = at >= f->size ? 0 : f->size - at < n ? f->size - at : n;
  sectors_read(&f->bytes, at, p, have);
  memset((uint8_t *)p + have, 0, n - have); /* SQLite wants the rest zeroed */
  return have == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

/* How many of n bytes at `at` find place. Takes the room that growing needs. */
static size_t take_room(struct fault_disk *d, const struct fault_file *f, size_t n, uint64_t at) {
  const uint64_t end_max = f->size + (d->room < d->file_max ? d->room : d->file_max);
  uint64_t end = at + n;
  if (end > end_max) end = end_max;
  if (end > d->file_max) end = d->file_max;
  if (end <= at) return 0;
  if (d->room != FAULT_NEVER && end > f->size) d->room -= end - f->size;
  return end - at;
}

int fault_file_write(struct fault_disk *d, struct fault_file *f, const void *p, size_t n, uint64_t at) {
  const enum fault fault = step(d);
  if (fault == FAULT_FAIL || at > INT64_MAX - n) return SQLITE_IOERR_WRITE;
  if (at + n > f->size && fails_as_told(d, true)) return SQLITE_FULL;
  const size_t fits = take_room(d, f, n, at);
  const size_t end = at + fits;
  if (fits) {
    if (!save(f, at, fits, end > f->size ? end : f->size)) return SQLITE_IOERR_NOMEM;
    sectors_write(&f->bytes, at, p, fits);
    f->size = end > f->size ? end : f->size;
  }
  if (fault) return SQLITE_IOERR_WRITE;
  return fits == n ? SQLITE_OK : SQLITE_FULL;
}

int fault_file_truncate(struct fault_disk *d, struct fault_file *f, uint64_t size) {
  const enum fault fault = step(d);
  if (fault == FAULT_FAIL || size > f->size)
    return fault ? SQLITE_IOERR_TRUNCATE : fault_file_write(d, f, "", 1, size - 1);
  const size_t gone = f->size - size;
  if (gone) {
    if (!save(f, size, gone, size)) return SQLITE_IOERR_NOMEM;
    sectors_zero(&f->bytes, size, gone);
    f->size = size;
    give_room(d, gone);
  }
  return fault ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

int fault_file_sync(struct fault_disk *d, struct fault_file *f, bool folder_too) {
  if (step(d)) return SQLITE_IOERR_FSYNC;
  d->syncs++;
  f->writes_n = 0;
  f->saved_n = 0;
  if (f->saved_cap > GROW_DOUBLE_MAX) {
    free(f->saved);
    f->saved = NULL;
    f->saved_cap = 0;
  }
  if (folder_too) sync_folder(d);
  return SQLITE_OK;
}

/* ---- crash ---- */

struct luck {
  fault_random random;
  void *ctx;
  uint64_t bits;
  unsigned left;
};

static bool coin(struct luck *l) {
  if (l->left == 0) {
    l->bits = l->random(l->ctx);
    l->left = 64;
  }
  const bool heads = l->bits & 1;
  l->bits >>= 1;
  l->left--;
  return heads;
}

/* Takes w back. Its saved bytes become the written ones, for redo. */
static void undo(struct fault_file *f, const struct fault_write *w) {
  uint8_t *saved = f->saved + w->saved, now[FAULT_SECTOR];
  for (size_t i = 0, n; i < w->n; i += n) {
    n = w->n - i < sizeof now ? w->n - i : sizeof now;
    sectors_read(&f->bytes, w->at + i, now, n);
    sectors_write(&f->bytes, w->at + i, saved + i, n);
    memcpy(saved + i, now, n);
  }
  f->size = w->old_size;
}

static void redo_sectors(struct fault_file *f, const struct fault_write *w, struct luck *l, bool torn) {
  const size_t end = w->at + w->n;
  for (size_t at = w->at, next; at < end; at = next) {
    next = (at / FAULT_SECTOR + 1) * FAULT_SECTOR;
    next = next < end ? next : end;
    if (torn && !coin(l)) continue;
    sectors_write(&f->bytes, at, f->saved + w->saved + (at - w->at), next - at);
    f->size = next > f->size ? next : f->size;
  }
}

/* Of w nothing, all, or each sector by the toss of a coin. A longer size can be kept without the bytes (they read as zero). */
static void redo(struct fault_file *f, const struct fault_write *w, struct luck *l) {
  const bool some = coin(l), torn = coin(l);
  if (w->new_size < w->old_size) { /* a truncation */
    if (some && f->size > w->new_size) {
      sectors_zero(&f->bytes, w->new_size, f->size - w->new_size);
      f->size = w->new_size;
    }
    return;
  }
  if (torn && w->new_size > f->size && coin(l)) f->size = w->new_size;
  if (some || torn) redo_sectors(f, w, l, torn);
}

static void crash_contents(struct fault_file *f, struct luck *l) {
  for (size_t i = f->writes_n; i > 0; i--) undo(f, &f->writes[i - 1]);
  for (size_t i = 0; i < f->writes_n; i++) redo(f, &f->writes[i], l);
  f->writes_n = 0;
  f->saved_n = 0;
}

/* Names created since the folder's sync stay or go; names deleted since return, unless a newer file has taken them. */
static void crash_names(struct fault_disk *d, struct luck *l) {
  for (struct fault_file *f = d->files; f; f = f->next)
    if (f->linked && !f->linked_durable) f->linked = coin(l);
  for (struct fault_file *f = d->files; f; f = f->next) {
    if (!f->linked && f->linked_durable && coin(l) && !fault_file_find(d, f->name)) f->linked = true;
    f->linked_durable = f->linked;
  }
}

/* Whatever ran on the disk is gone, with its handles and locks. */
static void end_life(struct fault_disk *d) {
  for (struct fault_file *f = d->files; f; f = f->next) {
    f->handles = 0;
    f->readers = 0;
    f->writer = NULL;
    f->writer_level = 0;
  }
  sweep(d);
  d->life++;
  d->cut = false;
  d->cut_in = FAULT_NEVER;
}

void fault_disk_crash(struct fault_disk *d, fault_random random, void *ctx) {
  struct luck l = {.random = random, .ctx = ctx};
  crash_names(d, &l);
  for (struct fault_file *f = d->files; f; f = f->next) crash_contents(f, &l);
  end_life(d);
}

void fault_disk_kill(struct fault_disk *d) { end_life(d); }

/* ---- settings and figures ---- */

void fault_disk_cut_at(struct fault_disk *d, uint64_t n) { d->cut_in = n; }
bool fault_disk_is_cut(const struct fault_disk *d) { return d->cut; }
void fault_disk_fail_at(struct fault_disk *d, uint64_t n) { d->fail_in = n; }

void fault_disk_fail_from(struct fault_disk *d, enum fault_kind kind, uint64_t n) {
  d->kind = kind;
  d->from = kind == FAULT_HEALED ? 0 : n;
}

bool fault_disk_failed(const struct fault_disk *d) { return d->failed; }

void fault_disk_set_room(struct fault_disk *d, uint64_t bytes) { d->room = bytes; }
void fault_disk_set_file_max(struct fault_disk *d, uint64_t bytes) { d->file_max = bytes; }
uint64_t fault_disk_steps(const struct fault_disk *d) { return d->steps; }
uint64_t fault_disk_syncs(const struct fault_disk *d) { return d->syncs; }
uint64_t fault_disk_faults(const struct fault_disk *d) { return d->faults; }

uint64_t fault_disk_size(const struct fault_disk *d, const char *path) {
  const struct fault_file *f = fault_file_find(d, path);
  return f ? f->size : FAULT_NEVER;
}

static uint64_t fnv(uint64_t h, const void *p, size_t n) {
  for (size_t i = 0; i < n; i++) h = (h ^ ((const uint8_t *)p)[i]) * 0x100000001b3;
  return h;
}

uint64_t fault_disk_hash(const struct fault_disk *d) {
  uint64_t h = 0xcbf29ce484222325;
  uint8_t bytes[FAULT_SECTOR];
  for (const struct fault_file *f = d->files; f; f = f->next) {
    if (!f->linked) continue;
    h = fnv(h, f->name, strlen(f->name) + 1);
    h = fnv(h, &f->size, sizeof f->size);
    for (size_t at = 0, n; at < f->size; at += n) {
      n = f->size - at < sizeof bytes ? f->size - at : sizeof bytes;
      sectors_read(&f->bytes, at, bytes, n);
      h = fnv(h, bytes, n);
    }
  }
  return h;
}

void fault_disk_free(struct fault_disk *d) {
  if (!d) return;
  sqlite3_vfs_unregister(&d->vfs);
  while (d->files) {
    struct fault_file *f = d->files;
    d->files = f->next;
    file_free(f);
  }
  free(d);
}
