/*
 * Proofs of two histories as folders, proofs/<id>/ (docs/protocol.md, section 11). The store has them; these are for people
 * and for whoever they hand them to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- reading ---- */

struct folder {
  struct home_file files[HOME_PROOF_FILES_MAX];
  struct buf data[HOME_PROOF_FILES_MAX];
  char names[HOME_PROOF_FILES_MAX][300];
  size_t n;
};

static parley_err read_in(struct folder *into, const char *dir, const char *prefix, struct errmsg *e) {
  struct dir_names list;
  parley_err r = dir_list(&list, dir, e);
  for (size_t i = 0; !r && i < list.n; i++) {
    char path[HOME_PATH_MAX];
    struct stat st;
    const char *name = list.name[i];
    r = path_join(path, dir, name, e);
    if (r || !strcmp(name, "VERIFY.md")) continue;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
      r = *prefix                 ? err_set(e, PARLEY_EINVAL, "%s: a folder is not expected there", path)
          : strcmp(name, "cards") ? err_set(e, PARLEY_EINVAL, "%s: a folder is not expected there", path)
                                  : read_in(into, path, "cards/", e);
      continue;
    }
    if (into->n == HOME_PROOF_FILES_MAX) r = err_set(e, PARLEY_ELIMIT, "%s: too many files", dir);
    if (!r) r = file_read(&into->data[into->n], path, HOME_PROOF_FILE_MAX, e);
    if (r) continue;
    snprintf(into->names[into->n], sizeof into->names[0], "%s%s", prefix, name);
    into->files[into->n] = (struct home_file){into->names[into->n], buf_view(&into->data[into->n])};
    into->n++;
  }
  free(list.name);
  return r;
}

parley_err home_proofs_read(const struct home *h,
                            void (*f)(void *ctx, const char *id, const struct home_file *files, size_t n,
                                      const struct errmsg *e),
                            void *ctx, struct errmsg *e) {
  char top[HOME_PATH_MAX], path[HOME_PATH_MAX];
  struct dir_names list;
  if (!home_path(h, top, "proofs")) return err_set(e, PARLEY_ELIMIT, "the path of the home is too long: %s", h->dir);
  parley_err r = dir_list(&list, top, e);
  struct folder *into = r ? NULL : malloc(sizeof *into);
  if (!r && !into) r = err_set(e, PARLEY_ENOMEM, "out of memory for proofs");
  for (size_t i = 0; !r && i < list.n; i++) {
    struct errmsg why = {{0}};
    *into = (struct folder){0};
    parley_err bad = path_join(path, top, list.name[i], &why);
    if (!bad) bad = read_in(into, path, "", &why);
    f(ctx, list.name[i], into->files, bad ? 0 : into->n, &why);
    for (size_t k = 0; k < HOME_PROOF_FILES_MAX; k++) buf_free(&into->data[k]);
  }
  free(into);
  free(list.name);
  return r;
}
