#include "cli/pack_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "cli/pack_source.h"
#include "cli/text.h"
#include "home/home.h"

/* ---- collecting files in memory ---- */

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

static int by_text(const void *a, const void *b) {
  return strcmp(((const struct pack_file_name *)a)->text, ((const struct pack_file_name *)b)->text);
}

struct reading {
  struct pack *out;
  struct arena *a;
  const char *dir;
  size_t bytes; /* of all files so far */
  uint64_t stored_bytes;
  struct errmsg *e;
};

static parley_err begin(struct reading *r) {
  *r->out = (struct pack){0};
  r->out->files = arena_alloc(r->a, PACK_FILES_MAX * sizeof *r->out->files);
  r->out->stored = arena_alloc(r->a, PACK_STORED_MAX * sizeof *r->out->stored);
  return r->out->files != NULL && r->out->stored != NULL ? PARLEY_OK : err_set(r->e, PARLEY_ENOMEM, _("out of memory"));
}

static parley_err add(struct reading *r, const char *name, struct buf *data) {
  if (r->out->n == PACK_FILES_MAX)
    return err_set(r->e, PARLEY_ELIMIT, _("%s has more than %d files; that is no evidence pack"), r->dir,
                   PACK_FILES_MAX);
  struct pack_file *f = &r->out->files[r->out->n];
  if (strlen(name) >= sizeof f->name)
    return err_set(r->e, PARLEY_EINVAL, _("%s: the name of a file is too long for an evidence pack: %.80s"), r->dir,
                   name);
  snprintf(f->name, sizeof f->name, "%s", name);
  r->bytes += data->n;
  f->data = arena_take(r->a, data);
  if (f->data.p == NULL) return err_set(r->e, PARLEY_ENOMEM, _("out of memory"));
  r->out->n++;
  return PARLEY_OK;
}

/* ---- reading ---- */

static parley_err io_error(const char *dir, const char *name, struct errmsg *e) {
  const int why = errno;
  return err_set(e, why == ENOENT ? PARLEY_ENOTFOUND : PARLEY_EIO, _("cannot read %s%s%s: %s"), dir,
                 name[0] != '\0' ? "/" : "", name, strerror(why));
}

static parley_err read_fd(struct reading *r, int fd, const char *name, struct buf *out) {
  uint8_t chunk[16384];
  ssize_t n;
  while ((n = read(fd, chunk, sizeof chunk)) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(r->dir, name, r->e);
    if ((size_t)n > PACK_BYTES_MAX - r->bytes - out->n)
      return err_set(r->e, PARLEY_ELIMIT, _("the files of %s have more than %u MiB together; that is no evidence pack"),
                     r->dir, PACK_BYTES_MAX >> 20);
    buf_add(out, chunk, (size_t)n);
    if (!buf_ok(out)) return err_set(r->e, PARLEY_ENOMEM, _("out of memory"));
  }
  return PARLEY_OK;
}

static parley_err read_file(struct reading *r, int at, const char *base, const char *name) {
  struct stat st;
  struct buf data = {0};
  const int fd = openat(at, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 && errno == ELOOP)
    return err_set(r->e, PARLEY_EINVAL, _("%s/%s is a link; an evidence pack has files only"), r->dir, name);
  if (fd < 0) return io_error(r->dir, name, r->e);
  parley_err rc = PARLEY_OK;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    rc = err_set(r->e, PARLEY_EINVAL, _("%s/%s is no regular file"), r->dir, name);
  if (rc == PARLEY_OK) rc = read_fd(r, fd, name, &data);
  if (rc == PARLEY_OK) rc = add(r, name, &data);
  buf_free(&data);
  close(fd);
  return rc;
}

/* The files under files/ can be of any size: they are read by whoever verifies, one after the other. */
static parley_err add_stored(struct reading *r, const char *name, const struct stat *st) {
  if (S_ISLNK(st->st_mode))
    return err_set(r->e, PARLEY_EINVAL, _("%s/%s is a link; an evidence pack has files only"), r->dir, name);
  if (!S_ISREG(st->st_mode)) return err_set(r->e, PARLEY_EINVAL, _("%s/%s is no regular file"), r->dir, name);
  if (r->out->n_stored == PACK_STORED_MAX)
    return err_set(r->e, PARLEY_ELIMIT, _("%s/%s has more than %d files; that is no evidence pack"), r->dir,
                   PACK_STORED, PACK_STORED_MAX);
  if (strlen(name) >= PACK_NAME_SIZE)
    return err_set(r->e, PARLEY_EINVAL, _("%s: the name of a file is too long for an evidence pack: %.80s"), r->dir,
                   name);
  snprintf(r->out->stored[r->out->n_stored++].text, PACK_NAME_SIZE, "%s", name);
  r->stored_bytes += (uint64_t)st->st_size;
  return PARLEY_OK;
}

static parley_err read_folder(struct reading *r, int fd, const char *prefix);

static parley_err read_entry(struct reading *r, int at, const char *prefix, const char *base) {
  struct stat st;
  char name[512];
  const int n = snprintf(name, sizeof name, "%s%s", prefix, base);
  if (n < 0 || (size_t)n >= sizeof name)
    return err_set(r->e, PARLEY_EINVAL, _("%s: the name of a file is too long for an evidence pack"), r->dir);
  if (fstatat(at, base, &st, AT_SYMLINK_NOFOLLOW) != 0) return io_error(r->dir, name, r->e);
  if (!S_ISDIR(st.st_mode))
    return strcmp(prefix, PACK_STORED) == 0 ? add_stored(r, name, &st) : read_file(r, at, base, name);
  if (prefix[0] != '\0')
    return err_set(r->e, PARLEY_EINVAL, _("%s/%s is a folder within a folder; an evidence pack has none"), r->dir,
                   name);
  const int fd = openat(at, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return io_error(r->dir, name, r->e);
  strcat(name, "/"); /* one byte is left: the longest name that openat takes has 255 */
  return read_folder(r, fd, name);
}

/* Takes fd over. */
static parley_err read_folder(struct reading *r, int fd, const char *prefix) {
  DIR *d = fdopendir(fd);
  parley_err rc = PARLEY_OK;
  if (d == NULL) {
    close(fd);
    return err_set(r->e, PARLEY_ENOMEM, _("out of memory"));
  }
  const struct dirent *entry;
  while (rc == PARLEY_OK && (errno = 0, entry = readdir(d)) != NULL)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      rc = read_entry(r, fd, prefix, entry->d_name);
  if (rc == PARLEY_OK && errno != 0) rc = io_error(r->dir, prefix, r->e);
  closedir(d);
  return rc;
}

parley_err pack_dir_read(struct pack *out, struct arena *a, const char *dir, struct errmsg *e) {
  struct reading r = {.out = out, .a = a, .dir = dir, .e = e};
  const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error(dir, "", e);
  parley_err rc = begin(&r);
  if (rc != PARLEY_OK) close(fd);
  if (rc == PARLEY_OK) rc = read_folder(&r, fd, "");
  if (rc != PARLEY_OK) return rc;
  qsort(out->files, out->n, sizeof *out->files, by_name);
  qsort(out->stored, out->n_stored, sizeof *out->stored, by_text);
  return pack_source_dir(&out->source, a, dir, r.stored_bytes, e);
}

parley_err pack_from_json(struct pack *out, struct arena *a, json_t *files, struct errmsg *e) {
  struct reading r = {.out = out, .a = a, .dir = _("the node's answer"), .e = e};
  parley_err rc = begin(&r);
  const char *name;
  json_t *value;
  json_object_foreach(files, name, value) {
    struct buf data = {0};
    const char *text = json_string_value(value);
    if (rc == PARLEY_OK && (text == NULL || !base64_decode(&data, bytes_str(text), true)))
      rc = err_set(e, PARLEY_EINVAL, _("the node's answer: %s is not base64"), name);
    if (rc == PARLEY_OK && data.n > PACK_BYTES_MAX - r.bytes)
      rc = err_set(e, PARLEY_ELIMIT, _("the evidence pack has more than %u MiB"), PACK_BYTES_MAX >> 20);
    if (rc == PARLEY_OK) rc = add(&r, name, &data);
    buf_free(&data);
  }
  if (rc == PARLEY_OK) qsort(out->files, out->n, sizeof *out->files, by_name);
  return rc;
}

/* ---- writing ---- */

parley_err pack_dir_free(const char *dir, struct errmsg *e) {
  DIR *d = opendir(dir);
  size_t n = 0;
  if (d == NULL && errno == ENOENT) return PARLEY_OK;
  if (d == NULL) return err_set(e, PARLEY_ECONFLICT, _("%s cannot be used: %s"), dir, strerror(errno));
  const struct dirent *entry;
  while ((entry = readdir(d)) != NULL) n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(d);
  return n == 0 ? PARLEY_OK
                : err_set(e, PARLEY_ECONFLICT, _("%s is not empty; nothing was written. Name a new folder"), dir);
}

/* Plain names with at most one folder: nothing that leads elsewhere. */
static bool name_safe(const char *name) {
  size_t slashes = 0;
  for (const char *p = name; *p != '\0'; p++) {
    const bool first = p == name || p[-1] == '/';
    if (*p == '/' ? first || ++slashes > 1 : (unsigned char)*p <= ' ' || (first && *p == '.')) return false;
  }
  return name[0] != '\0' && name[strlen(name) - 1] != '/';
}

/* What the person's umask leaves of it: a pack can be confidential before it is handed on. */
static mode_t permitted(mode_t mode) {
  const mode_t mask = umask(0);
  umask(mask);
  return mode & ~mask;
}

static parley_err write_one(const struct pack_file *f, const char *dir, struct errmsg *e) {
  char path[HOME_PATH_MAX + sizeof f->name + 1];
  if (!name_safe(f->name))
    return err_set(e, PARLEY_EINVAL, _("the name \"%s\" does not belong into an evidence pack"), f->name);
  snprintf(path, sizeof path, "%s/%s", dir, f->name);
  char *slash = strrchr(path, '/');
  *slash = '\0';
  if (mkdir(path, 0777) != 0 && errno != EEXIST)
    return err_set(e, PARLEY_EIO, _("cannot make the folder %s: %s"), path, strerror(errno));
  *slash = '/';
  return file_write(path, f->data, permitted(0644), e);
}

static void remove_all(const struct pack *p, const char *dir) {
  char path[HOME_PATH_MAX + sizeof p->files->name + 1];
  for (size_t i = 0; i < p->n; i++) {
    if (!name_safe(p->files[i].name)) continue;
    snprintf(path, sizeof path, "%s/%s", dir, p->files[i].name);
    unlink(path);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    if (strlen(path) > strlen(dir)) rmdir(path); /* fails while something is in it, goes with the last */
  }
  rmdir(dir);
}

parley_err pack_dir_write(const struct pack *p, const char *dir, struct errmsg *e) {
  char at[HOME_PATH_MAX], target[HOME_PATH_MAX - 16];
  size_t n = strlen(dir);
  while (n > 1 && dir[n - 1] == '/') n--;
  if (n == 0 || n >= sizeof target)
    return err_set(e, PARLEY_ELIMIT, _("the path of the folder is too long: %.80s"), dir);
  snprintf(target, sizeof target, "%.*s", (int)n, dir);
  snprintf(at, sizeof at, "%s.XXXXXX", target);
  parley_err rc = pack_dir_free(target, e);
  if (rc != PARLEY_OK) return rc;
  if (mkdtemp(at) == NULL) return err_set(e, PARLEY_EIO, _("cannot write beside %s: %s"), target, strerror(errno));
  chmod(at, permitted(0755));
  for (size_t i = 0; rc == PARLEY_OK && i < p->n; i++) rc = write_one(&p->files[i], at, e);
  /* An empty folder is replaced; one that has something in it by now is not. */
  if (rc == PARLEY_OK && rename(at, target) != 0)
    rc = err_set(e, PARLEY_EIO, _("cannot make %s: %s"), target, strerror(errno));
  if (rc != PARLEY_OK) remove_all(p, at);
  return rc;
}
