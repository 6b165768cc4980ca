#include "cli/bundle_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/text.h"

/* ---- reading ---- */

static parley_err read_at(const struct bundle_reader *r, void *out, size_t n, uint64_t at, struct errmsg *e) {
  uint8_t *p = out;
  while (n > 0) {
    const ssize_t got = pread(r->fd, p, n, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return err_set(e, PARLEY_EIO, _("%s cannot be read: %s"), r->path,
                     got < 0 ? strerror(errno) : _("it became shorter"));
    p += got;
    at += (uint64_t)got;
    n -= (size_t)got;
  }
  return PARLEY_OK;
}

parley_err bundle_open(struct bundle_reader *out, const char *path, struct errmsg *e) {
  struct stat st;
  *out = (struct bundle_reader){.fd = open(path, O_RDONLY | O_CLOEXEC), .path = path};
  if (out->fd < 0) return err_set(e, PARLEY_EIO, _("%s cannot be read: %s"), path, strerror(errno));
  if (fstat(out->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    bundle_close(out);
    return err_set(e, PARLEY_EINVAL, _("%s is no regular file"), path);
  }
  out->size = (uint64_t)st.st_size;
  return PARLEY_OK;
}

void bundle_close(struct bundle_reader *r) {
  if (r->fd >= 0) close(r->fd);
  r->fd = -1;
}

/* Data and filling lie wholly in the file: sets where they begin and what follows. */
static bool pass_over(struct bundle_reader *r) {
  const uint64_t left = r->size - r->at;
  if (r->block.size > left || bundle_filling(r->block.size) > left - r->block.size) return false;
  r->data = r->at;
  r->at += r->block.size + bundle_filling(r->block.size);
  return true;
}

static enum bundle_step judge(struct bundle_reader *r, struct errmsg *e) {
  if (r->block.odd)
    err_set(e, PARLEY_EREFUSED, "%s", _("it is no plain file (a link, a folder, a device or an extension)"));
  else if (!bundle_name_parse(&r->name, r->block.name))
    err_set(e, PARLEY_EREFUSED, "%s", _("nothing in a bundle has such a name"));
  else if (r->block.size > bundle_size_max(r->name.kind))
    err_set(e, PARLEY_EREFUSED, _("it has %llu bytes, and may have %llu"), (unsigned long long)r->block.size,
            (unsigned long long)bundle_size_max(r->name.kind));
  else
    return BUNDLE_AN_ENTRY;
  return BUNDLE_REFUSED;
}

static enum bundle_step cut(const struct bundle_reader *r, struct errmsg *e) {
  err_set(e, PARLEY_EINVAL, _("%s is cut: it ends after %llu bytes, before its end"), r->path,
          (unsigned long long)r->size);
  return BUNDLE_CUT;
}

enum bundle_step bundle_next(struct bundle_reader *r, struct errmsg *e) {
  uint8_t block[BUNDLE_BLOCK];
  const uint64_t here = r->at;
  for (int zeroes = 0; zeroes < 2; zeroes++) {
    if (r->size - r->at < BUNDLE_BLOCK) return cut(r, e);
    if (read_at(r, block, sizeof block, r->at, e) != PARLEY_OK) return BUNDLE_FAILED;
    if (bundle_block_read(&r->block, block, e) != PARLEY_OK || (zeroes && !r->block.end)) {
      err_set(e, PARLEY_EINVAL, _("%s is damaged at byte %llu; what follows cannot be found"), r->path,
              (unsigned long long)here);
      return BUNDLE_CUT;
    }
    r->at += BUNDLE_BLOCK;
    if (!r->block.end) return pass_over(r) ? judge(r, e) : cut(r, e);
  }
  return BUNDLE_OVER;
}

parley_err bundle_data(const struct bundle_reader *r, struct buf *out, struct errmsg *e) {
  buf_clear(out);
  const size_t n = (size_t)r->block.size;
  uint8_t *p = n ? buf_extend(out, n) : NULL;
  if (n && !p) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  return n ? read_at(r, p, n, r->data, e) : PARLEY_OK;
}

parley_err bundle_begin(struct bundle_reader *r, struct bundle_head *out, struct errmsg *e) {
  struct buf data = {0};
  struct errmsg why;
  const enum bundle_step step = bundle_next(r, &why);
  parley_err rc = PARLEY_OK;
  if (step == BUNDLE_FAILED) return err_set(e, PARLEY_EIO, "%s", why.text);
  if (step != BUNDLE_AN_ENTRY || r->name.kind != BUNDLE_HEAD)
    return err_set(e, PARLEY_EINVAL, _("%s is no bundle: it does not begin with parley-bundle"), r->path);
  rc = bundle_data(r, &data, e);
  if (rc == PARLEY_OK) rc = bundle_head_parse(out, buf_view(&data), e);
  buf_free(&data);
  return rc;
}

/* ---- writing ---- */

static parley_err cannot(const struct bundle_writer *w, struct errmsg *e) {
  const int why = errno;
  if (why == EFBIG)
    return err_set(e, PARLEY_EFULL,
                   _("cannot write %s: files on that disk may not be so large (FAT: 4 GB); format it as exFAT"),
                   w->path);
  return err_set(e, why == ENOSPC ? PARLEY_EFULL : PARLEY_EIO, _("cannot write %s: %s"), w->path, strerror(why));
}

static parley_err must_be_new(const struct bundle_writer *w, struct errmsg *e) {
  struct stat st;
  if (lstat(w->path, &st) != 0 && errno == ENOENT) return PARLEY_OK;
  return err_set(e, PARLEY_ECONFLICT, _("%s is there already; nothing is overwritten. Name another file"), w->path);
}

parley_err bundle_create(struct bundle_writer *out, struct cli *c, const char *path, int64_t mtime, struct errmsg *e) {
  *out = (struct bundle_writer){.c = c, .fd = -1, .path = path, .mtime = mtime};
  const parley_err rc = must_be_new(out, e);
  if (rc != PARLEY_OK) return rc;
  out->part = arena_fmt(&c->arena, "%s.part", path);
  if (out->part == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  out->fd = open(out->part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  return out->fd >= 0 ? PARLEY_OK : cannot(out, e);
}

static parley_err write_all(struct bundle_writer *w, const void *data, size_t n, struct errmsg *e) {
  const uint8_t *p = data;
  while (n > 0) {
    const ssize_t done = write(w->fd, p, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return cannot(w, e);
    p += done;
    n -= (size_t)done;
    w->written += (uint64_t)done;
  }
  return PARLEY_OK;
}

parley_err bundle_add(struct bundle_writer *w, const struct bundle_name *name, struct bytes data, struct errmsg *e) {
  static const uint8_t zeroes[BUNDLE_BLOCK];
  uint8_t block[BUNDLE_BLOCK];
  char path[BUNDLE_PATH_MAX + 1];
  bundle_name_write(path, name);
  parley_err rc = data.n <= bundle_size_max(name->kind)
                      ? bundle_block_write(block, path, data.n, w->mtime, e)
                      : err_set(e, PARLEY_ELIMIT, _("%s has %zu bytes; a bundle does not take that"), path, data.n);
  if (rc == PARLEY_OK) rc = write_all(w, block, sizeof block, e);
  if (rc == PARLEY_OK) rc = write_all(w, data.p, data.n, e);
  return rc == PARLEY_OK ? write_all(w, zeroes, bundle_filling(data.n), e) : rc;
}

parley_err bundle_finish(struct bundle_writer *w, struct errmsg *e) {
  static const uint8_t end[2 * BUNDLE_BLOCK];
  parley_err rc = write_all(w, end, sizeof end, e);
  if (rc == PARLEY_OK && fsync(w->fd) != 0) rc = cannot(w, e);
  if (rc == PARLEY_OK) rc = must_be_new(w, e);
  if (rc == PARLEY_OK && rename(w->part, w->path) != 0) rc = cannot(w, e);
  if (rc == PARLEY_OK) w->part = NULL;
  return rc;
}

void bundle_end(struct bundle_writer *w) {
  if (w->fd >= 0) close(w->fd);
  if (w->fd >= 0 && w->part != NULL) unlink(w->part);
  w->fd = -1;
}
