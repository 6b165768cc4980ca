/*
 * Where a home lies, and its files read and written whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home/dirs.h"

parley_err home_at(struct home *out, const char *dir, struct errmsg *e) {
  const char *set = dir && *dir ? dir : getenv("PARLEY_HOME"), *user = getenv("HOME");
  int n;
  if (set && *set)
    n = snprintf(out->dir, sizeof out->dir, "%s", set);
  else if (user && *user)
    n = snprintf(out->dir, sizeof out->dir, "%s/.parley", user);
  else
    return err_set(e, PARLEY_EINVAL, "neither PARLEY_HOME nor HOME is set; say where the home is");
  if (n < 0 || (size_t)n >= sizeof out->dir)
    return err_set(e, PARLEY_ELIMIT, "the path of the home has more than %d bytes", HOME_PATH_MAX - 1);
  while (n > 1 && out->dir[n - 1] == '/') out->dir[--n] = '\0';
  return PARLEY_OK;
}

bool home_path(const struct home *h, char out[static HOME_PATH_MAX], const char *name) {
  return path_join(out, h->dir, name, NULL) == PARLEY_OK;
}

bool home_exists(const struct home *h) {
  char path[HOME_PATH_MAX];
  struct stat st;
  return home_path(h, path, "card.json") && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* ---- reading ---- */

static parley_err read_all(struct buf *out, int fd, const char *path, size_t max, struct errmsg *e) {
  uint8_t chunk[16384];
  size_t total = 0;
  ssize_t n;
  parley_err err = PARLEY_OK;
  while (!err && (n = read(fd, chunk, sizeof chunk)) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      err = err_set(e, PARLEY_EIO, "cannot read %s: %s", path, strerror(errno));
    else if ((size_t)n > max - total)
      err = err_set(e, PARLEY_ELIMIT, "%s has more than %zu bytes", path, max);
    else
      buf_add(out, chunk, (size_t)n);
    total += n > 0 ? (size_t)n : 0;
  }
  wipe(chunk, sizeof chunk);
  if (!err && !buf_ok(out)) err = err_set(e, PARLEY_ENOMEM, "out of memory while reading %s", path);
  return err;
}

parley_err file_read(struct buf *out, const char *path, size_t max, struct errmsg *e) {
  struct stat st;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0)
    return err_set(e, errno == ENOENT || errno == ENOTDIR ? PARLEY_ENOTFOUND : PARLEY_EIO, "cannot read %s: %s", path,
                   strerror(errno));
  parley_err err = PARLEY_OK;
  if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) err = err_set(e, PARLEY_EIO, "cannot read %s: is a directory", path);
  if (!err) err = read_all(out, fd, path, max, e);
  close(fd);
  return err;
}

/* ---- writing ---- */

static parley_err write_failed(const char *path, int why, struct errmsg *e) {
  return err_set(e, why == ENOSPC || why == EDQUOT ? PARLEY_EFULL : PARLEY_EIO, "cannot write %s: %s", path,
                 strerror(why));
}

/* 0, or why not. */
static int write_all(int fd, struct bytes data) {
  while (data.n > 0) {
    const ssize_t n = write(fd, data.p, data.n);
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) data = BYTES(data.p + n, data.n - (size_t)n);
  }
  return 0;
}

parley_err file_write(const char *path, struct bytes data, unsigned mode, struct errmsg *e) {
  char beside[HOME_PATH_MAX];
  const int n = snprintf(beside, sizeof beside, "%s.new", path);
  if (n < 0 || (size_t)n >= sizeof beside)
    return err_set(e, PARLEY_ELIMIT, "the path %.200s… has more than %d bytes", path, HOME_PATH_MAX - 5);
  unlink(beside); /* left by a process that ended half way; O_EXCL, so that no link is ever followed */
  const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return write_failed(path, errno, e);
  int why = fchmod(fd, mode) != 0 ? errno : write_all(fd, data);
  if (!why && fsync(fd) != 0) why = errno;
  if (close(fd) != 0 && !why) why = errno;
  if (!why && rename(beside, path) != 0) why = errno;
  if (!why) return dir_sync_parent(path, e);
  unlink(beside);
  return write_failed(path, why, e);
}
