/*
 * Directories: made, listed in a fixed order, synced and cleared away.
 */
#include "home/dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

parley_err path_join(char out[static HOME_PATH_MAX], const char *dir, const char *name, struct errmsg *e) {
  const int n = snprintf(out, HOME_PATH_MAX, "%s/%s", dir, name);
  if (n >= 0 && n < HOME_PATH_MAX) return PARLEY_OK;
  return err_set(e, PARLEY_ELIMIT, "the path %.200s…/%.64s has more than %d bytes; choose a shorter home", dir, name,
                 HOME_PATH_MAX - 1);
}

parley_err dir_make(const char *path, struct errmsg *e) {
  struct stat st;
  if (mkdir(path, 0700) == 0) return PARLEY_OK;
  const int why = errno;
  if (why == EEXIST && stat(path, &st) == 0)
    return S_ISDIR(st.st_mode) ? PARLEY_OK : err_set(e, PARLEY_ECONFLICT, "%s is not a directory; move it away", path);
  return err_set(e, why == ENOSPC || why == EDQUOT ? PARLEY_EFULL : PARLEY_EIO, "cannot make %s: %s", path,
                 strerror(why));
}

parley_err dir_make_parents(const char *path, struct errmsg *e) {
  char part[HOME_PATH_MAX];
  snprintf(part, sizeof part, "%s", path);
  for (char *p = part + 1; *p; p++) {
    if (*p != '/') continue;
    *p = '\0';
    if (mkdir(part, 0777) != 0 && errno != EEXIST)
      return err_set(e, PARLEY_EIO, "cannot make %s: %s", part, strerror(errno));
    *p = '/';
  }
  return PARLEY_OK;
}

parley_err dir_sync(const char *path, struct errmsg *e) {
  const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int why = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0) close(fd);
  return why ? err_set(e, PARLEY_EIO, "cannot sync the directory %s: %s", path, strerror(why)) : PARLEY_OK;
}

parley_err dir_sync_parent(const char *path, struct errmsg *e) {
  char parent[HOME_PATH_MAX];
  snprintf(parent, sizeof parent, "%s", path);
  char *slash = strrchr(parent, '/');
  if (!slash) return dir_sync(".", e);
  slash[slash == parent] = '\0';
  return dir_sync(parent, e);
}

static bool is_dot(const char *name) { return !strcmp(name, ".") || !strcmp(name, ".."); }

static void remove_in(int dir, const char *name, int depth) {
  if (unlinkat(dir, name, 0) == 0 || errno != EISDIR) return;
  const int fd = depth > 0 ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
  DIR *d = fd < 0 ? NULL : fdopendir(fd);
  if (fd >= 0 && !d) close(fd);
  for (const struct dirent *entry; d && (entry = readdir(d)) != NULL;)
    if (!is_dot(entry->d_name)) remove_in(dirfd(d), entry->d_name, depth - 1);
  if (d) closedir(d);
  unlinkat(dir, name, AT_REMOVEDIR);
}

void dir_remove(const char *path) { remove_in(AT_FDCWD, path, 3); }

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static parley_err list_add(struct dir_names *list, size_t *cap, const char *name, const char *path, struct errmsg *e) {
  if (list->n == DIR_NAMES_MAX) return err_set(e, PARLEY_ELIMIT, "%s holds more than %d files", path, DIR_NAMES_MAX);
  if (list->n == *cap) {
    *cap = *cap ? 2 * *cap : 16;
    void *grown = realloc(list->name, *cap * sizeof *list->name);
    if (!grown) return err_set(e, PARLEY_ENOMEM, "out of memory while listing %s", path);
    list->name = grown;
  }
  snprintf(list->name[list->n++], sizeof *list->name, "%s", name);
  return PARLEY_OK;
}

parley_err dir_list(struct dir_names *out, const char *path, struct errmsg *e) {
  *out = (struct dir_names){0};
  DIR *d = opendir(path);
  if (!d) return errno == ENOENT ? PARLEY_OK : err_set(e, PARLEY_EIO, "cannot list %s: %s", path, strerror(errno));
  size_t cap = 0;
  parley_err err = PARLEY_OK;
  const struct dirent *entry;
  while (!err && (errno = 0, entry = readdir(d)) != NULL)
    if (entry->d_name[0] != '.') err = list_add(out, &cap, entry->d_name, path, e);
  if (!err && errno != 0) err = err_set(e, PARLEY_EIO, "cannot list %s: %s", path, strerror(errno));
  closedir(d);
  if (err) {
    free(out->name);
    *out = (struct dir_names){0};
  } else if (out->n > 1) {
    qsort(out->name, out->n, sizeof *out->name, by_name);
  }
  return err;
}
