/*
 * Proofs of two histories as folders, proofs/<id>/ (docs/protocol.md, section 11). The store has them; these are for people
 * and for whoever they hand them to.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "home/dirs.h"

static parley_err write_file(const char *dir, const struct home_file *f, struct errmsg *e) {
  char path[HOME_PATH_MAX], folder[HOME_PATH_MAX];
  const char *slash = strchr(f->name, '/');
  parley_err r = path_join(path, dir, f->name, e);
  if (!r && slash) { /* cards/ */
    snprintf(folder, sizeof folder, "%.*s", (int)(strlen(path) - strlen(slash)), path);
    r = dir_make(folder, e);
  }
  return r ? r : file_write(path, f->data, 0644, e);
}

static parley_err write_all(const char *dir, const struct home_file *files, size_t n, struct errmsg *e) {
  parley_err r = dir_make(dir, e);
  for (size_t i = 0; i < n && !r; i++) r = write_file(dir, &files[i], e);
  return r ? r : dir_sync(dir, e);
}

bool home_proof_there(const struct home *h, const char *id) {
  char top[HOME_PATH_MAX], path[HOME_PATH_MAX];
  struct stat st;
  return home_path(h, top, "proofs") && path_join(path, top, id, NULL) == PARLEY_OK && stat(path, &st) == 0 &&
         S_ISDIR(st.st_mode);
}

parley_err home_proof_write(const struct home *h, const char *id, const struct home_file *files, size_t n,
                            struct errmsg *e) {
  char top[HOME_PATH_MAX], path[HOME_PATH_MAX], beside[HOME_PATH_MAX], name[300];
  if (!home_path(h, top, "proofs")) return err_set(e, PARLEY_ELIMIT, "the path of the home is too long: %s", h->dir);
  snprintf(name, sizeof name, ".%s.new", id);
  parley_err r = dir_make(top, e);
  if (!r) r = path_join(path, top, id, e);
  if (!r) r = path_join(beside, top, name, e);
  if (r) return r;
  dir_remove(beside); /* left by a process that ended half way */
  r = write_all(beside, files, n, e);
  if (!r && rename(beside, path) != 0)
    r = err_set(e, PARLEY_EIO, "cannot make the folder %s: %s", path, strerror(errno));
  if (!r) return dir_sync(top, e);
  dir_remove(beside);
  return r;
}
