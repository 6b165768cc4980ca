#include "cli/pack_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/text.h"

#define READ_AT_ONCE 65536

struct folder {
  const char *dir;
  uint64_t bytes, done;
  struct progress progress;
};

struct stored_file {
  struct folder *folder;
  const char *name;
  int fd;
  size_t n, at; /* of buffer: filled, given out */
  uint8_t buffer[READ_AT_ONCE];
};

static parley_err cannot_read(const struct folder *f, const char *name, struct errmsg *e) {
  return err_set(e, PARLEY_EIO, _("cannot read %s/%s: %s"), f->dir, name, strerror(errno));
}

static parley_err stored_read(void *ctx, uint8_t *p, size_t n, size_t *got, struct errmsg *e) {
  struct stored_file *s = ctx;
  if (s->at == s->n) {
    ssize_t k;
    do k = read(s->fd, s->buffer, sizeof s->buffer);
    while (k < 0 && errno == EINTR);
    if (k < 0) return cannot_read(s->folder, s->name, e);
    s->at = 0;
    s->n = (size_t)k;
    s->folder->done += s->n;
    progress_at(&s->folder->progress, s->folder->done);
  }
  *got = s->n - s->at < n ? s->n - s->at : n;
  memcpy(p, s->buffer + s->at, *got);
  s->at += *got;
  return PARLEY_OK;
}

/* The folder is opened anew each time, so that a link put in its place meanwhile is not followed either. */
static int open_below(const char *dir, const char *base) {
  const int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int folder = at >= 0 ? openat(at, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
  const int fd = folder >= 0 ? openat(folder, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
  const int why = errno;
  if (at >= 0) close(at);
  if (folder >= 0) close(folder);
  errno = why;
  return fd;
}

static parley_err source_open(void *ctx, struct pack_stream *out, const char *name, struct errmsg *e) {
  struct folder *f = ctx;
  struct stat st;
  const size_t prefix = strlen(PACK_STORED);
  struct stored_file *s = malloc(sizeof *s);
  if (s == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  *s = (struct stored_file){.folder = f, .name = name, .fd = -1};
  parley_err rc = PARLEY_OK;
  if (strncmp(name, PACK_STORED, prefix) != 0 || (s->fd = open_below(f->dir, name + prefix)) < 0)
    rc = cannot_read(f, name, e);
  else if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
    rc = err_set(e, PARLEY_EINVAL, _("%s/%s is no regular file"), f->dir, name);
  if (rc == PARLEY_OK)
    *out = (struct pack_stream){s, stored_read};
  else {
    if (s->fd >= 0) close(s->fd);
    free(s);
  }
  return rc;
}

static void source_close(void *ctx, struct pack_stream *stream) {
  struct folder *f = ctx;
  struct stored_file *s = stream->ctx;
  progress_end(&f->progress);
  close(s->fd);
  free(s);
}

parley_err pack_source_dir(struct pack_source *out, struct arena *a, const char *dir, uint64_t bytes,
                           struct errmsg *e) {
  struct folder *f = arena_alloc(a, sizeof *f);
  if (f == NULL || (f->dir = arena_strdup(a, dir)) == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  f->bytes = bytes;
  *out = (struct pack_source){f, source_open, source_close};
  return PARLEY_OK;
}

void pack_source_show(struct pack_source *s, const struct cli *c) {
  struct folder *f = s->ctx;
  progress_begin(&f->progress, c, _("verifying"), f->bytes);
}
