/*
 * A snapshot of a disk's files as a running process sees them, and putting it back: an old backup.
 */
#include <stdlib.h>
#include <string.h>

#include "fault_disk.h"
#include "world.h"

struct fault_image {
  struct image_file {
    char *name;
    struct sectors bytes;
    size_t n;
  } * files;
  size_t n;
};

void fault_image_free(struct fault_image *i) {
  if (!i) return;
  for (size_t k = 0; k < i->n; k++) {
    free(i->files[k].name);
    sectors_free(&i->files[k].bytes);
  }
  free(i->files);
  free(i);
}

struct fault_image *fault_image_save(const struct fault_disk *d) {
  size_t count = 0;
  for (const struct fault_file *f = d->files; f; f = f->next) count++;
  struct fault_image *i = calloc(1, sizeof *i);
  if (i) i->files = calloc(count + 1, sizeof *i->files);
  bool ok = i && i->files;
  for (const struct fault_file *f = d->files; f && ok; f = f->next) {
    if (!f->linked || !f->name) continue;
    struct image_file *to = &i->files[i->n++];
    to->name = strdup(f->name);
    to->n = f->size;
    sectors_copy(&to->bytes, &f->bytes);
    ok = to->name != NULL;
  }
  if (ok) return i;
  fault_image_free(i);
  return NULL;
}

static bool put(struct fault_disk *d, const struct image_file *from) {
  struct fault_file *f;
  if (fault_file_open(d, from->name, true, false, &f) != SQLITE_OK) return false;
  bool ok = fault_file_truncate(d, f, 0) == SQLITE_OK;
  for (size_t at = 0, n; at < from->n && ok; at += n) {
    uint8_t bytes[4096];
    n = from->n - at < sizeof bytes ? from->n - at : sizeof bytes;
    sectors_read(&from->bytes, at, bytes, n);
    ok = fault_file_write(d, f, bytes, n, at) == SQLITE_OK;
  }
  if (ok) ok = fault_file_sync(d, f, true) == SQLITE_OK;
  fault_file_release(d, f);
  return ok;
}

bool fault_image_load(struct fault_disk *d, const struct fault_image *i) {
  fault_disk_kill(d);
  fault_disk_set_room(d, FAULT_NEVER);
  fault_disk_fail_at(d, FAULT_NEVER);
  for (bool again = true; again;) {
    again = false;
    for (struct fault_file *f = d->files; f && !again; f = f->next)
      if (f->linked && f->name) {
        fault_file_delete(d, f->name, true);
        again = true;
      }
  }
  bool ok = true;
  for (size_t k = 0; k < i->n && ok; k++) ok = put(d, &i->files[k]);
  return ok;
}
