/*
 * Files in the bulk logs: the sealed bytes of each, hashed while the log is read, against what its statement names.
 */
#include <stdlib.h>
#include <string.h>

#include "record/audit_state.h"

parley_err audit_file_add(struct audit *a, const struct audit_file *f, struct errmsg *e) {
  if (a->n_files == a->cap_files) {
    const size_t cap = a->cap_files ? 2 * a->cap_files : 64;
    struct audit_file *grown = realloc(a->files, cap * sizeof *grown);
    if (!grown) return audit_no_memory(e);
    a->files = grown;
    a->cap_files = cap;
  }
  a->files[a->n_files++] = *f;
  return PARLEY_OK;
}

static int by_place(const void *x, const void *y) {
  const struct audit_file *a = x, *b = y;
  if (a->log != b->log) return a->log < b->log ? -1 : 1;
  return a->first < b->first ? -1 : a->first > b->first;
}

void audit_files_sort(struct audit *a) {
  if (a->n_files) qsort(a->files, a->n_files, sizeof *a->files, by_place);
}

uint64_t audit_files_first(const struct audit *a, uint32_t log) {
  for (size_t i = 0; i < a->n_files; i++)
    if (a->files[i].log == log) return a->files[i].first;
  return UINT64_MAX;
}

static void judge(struct audit *a, struct audit_file *f) {
  struct audit_log *l = &a->out->logs[f->by];
  uint8_t digest[SHA256_SIZE];
  sha256_final(f->hashing, digest);
  sha256_free(f->hashing);
  f->hashing = NULL;
  l->n.files++;
  if (f->broken || (f->seen == f->size && !memcmp(digest, f->sha256, sizeof digest)))
    return; /* a gap was told already */
  audit_found(a, f->by, AUDIT_FILE, 0, f->at, audit_ask,
              "entry %llu attaches a file that the bulk entries %llu to %llu are not", (unsigned long long)f->at,
              (unsigned long long)f->first, (unsigned long long)(f->first + f->count - 1));
}

/* Feeds what of the tile belongs to the file. */
static void feed(struct audit_file *f, const struct audit_tile *t) {
  const uint64_t from = t->n * TILE_WIDTH;
  for (unsigned i = 0; i < t->width; i++) {
    if (from + i < f->first || from + i >= f->first + f->count) continue;
    if (!t->entry[i].p) f->broken = true;
    sha256_update(f->hashing, t->entry[i]);
    f->seen += t->entry[i].n;
  }
}

parley_err audit_files_tile(struct audit *a, uint32_t log, struct audit_order *o, const struct audit_tile *t,
                            struct errmsg *e) {
  const uint64_t from = t->n * TILE_WIDTH, end = from + t->width;
  while (o->file < a->n_files &&
         (a->files[o->file].log < log ||
          (a->files[o->file].log == log && a->files[o->file].first + a->files[o->file].count <= from)))
    o->file++;
  for (size_t i = o->file; i < a->n_files && a->files[i].log == log && a->files[i].first < end; i++) {
    struct audit_file *f = &a->files[i];
    if (f->first + f->count <= from) continue;
    if (f->first >= from && !f->hashing && !(f->hashing = sha256_new())) return audit_no_memory(e);
    if (!f->hashing) continue; /* its beginning was not read */
    feed(f, t);
    if (f->first + f->count <= end) judge(a, f);
  }
  return PARLEY_OK;
}
