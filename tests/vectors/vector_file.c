#include "vectors/vector_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)

bool vector_path(char path[static VECTOR_PATH_SIZE], const char *name) {
  const char *shared = getenv("PARLEY_SHARED");
  int n = snprintf(path, VECTOR_PATH_SIZE, "%s/vectors/%s", shared == NULL ? "../shared" : shared, name);
  if (n > 0 && n < VECTOR_PATH_SIZE && access(path, R_OK) == 0) return true;
  printf("skipped: no vectors at %s (set PARLEY_SHARED to the folder that holds vectors/)\n", path);
  return false;
}

bool vector_read(struct buf *out, const char *path) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) return false;
  char piece[65536];
  size_t n;
  while (out->n < FILE_MAX && (n = fread(piece, 1, sizeof piece, f)) > 0) buf_add(out, piece, n);
  bool ok = !ferror(f) && out->n < FILE_MAX && buf_ok(out);
  fclose(f);
  return ok;
}
