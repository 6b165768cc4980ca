#include "cli/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "cli/api.h"
#include "cli/media_type.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "forum/fields.h"

#define CHUNK (256u << 10)
#define POLL_MS_FIRST 20
#define POLL_MS_LAST 500
#define STALL_MS 60000 /* a draft that does not move for so long waits for something */

/* ---- reading ---- */

static parley_err check_name(const struct attachments *at, const char *name, const char *path, struct errmsg *e) {
  if (name[0] == '\0' || strlen(name) > 255 || !utf8_valid(bytes_str(name)) || !fields_is_line(name))
    return err_set(e, PARLEY_EINVAL,
                   _("%s: the file's name must have 1 to 255 bytes of UTF-8 without control characters; rename it"),
                   path);
  for (size_t i = 0; i < at->n; i++)
    if (strcmp(at->file[i].name, name) == 0)
      return err_set(e, PARLEY_EINVAL, _("two files are named %s; rename one"), name);
  return PARLEY_OK;
}

static parley_err digest(struct attachment *f, struct progress *p, struct errmsg *e) {
  static uint8_t chunk[CHUNK];
  struct sha256_ctx *sha = sha256_new();
  ssize_t n = -1;
  if (sha == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  do {
    n = read(f->fd, chunk, sizeof chunk);
    if (n > 0) sha256_update(sha, BYTES(chunk, (size_t)n));
    if (n > 0) f->size += (uint64_t)n;
    progress_at(p, f->size);
  } while (n > 0 || (n < 0 && errno == EINTR));
  sha256_final(sha, f->sha256);
  sha256_free(sha);
  if (n < 0) return err_set(e, PARLEY_EIO, _("%s cannot be read: %s"), f->path, strerror(errno));
  return PARLEY_OK;
}

static parley_err open_one(struct cli *c, struct attachment *f, struct errmsg *e) {
  struct stat st;
  struct progress p;
  f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
  if (f->fd < 0) return err_set(e, PARLEY_EIO, _("%s cannot be read: %s"), f->path, strerror(errno));
  if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode))
    return err_set(e, PARLEY_EINVAL, _("%s is no regular file; pack a folder into one file first"), f->path);
  progress_begin(&p, c, _("reading"), (uint64_t)st.st_size);
  const parley_err rc = digest(f, &p, e);
  progress_end(&p);
  return rc;
}

parley_err attachments_open(struct cli *c, struct attachments *out, const struct args *a, struct errmsg *e) {
  const char *path;
  *out = (struct attachments){0};
  for (size_t i = 0; (path = args_nth(a, "attach", i)) != NULL; i++) {
    if (i == STATEMENT_ATTACH_MAX)
      return err_set(e, PARLEY_ELIMIT, _("a statement carries at most %d files; pack them into one"),
                     STATEMENT_ATTACH_MAX);
    const char *name = base_name(path);
    parley_err rc = check_name(out, name, path, e);
    if (rc != PARLEY_OK) return rc;
    struct attachment *f = &out->file[out->n++];
    *f = (struct attachment){.path = path, .name = name, .type = media_type(name), .fd = -1};
    rc = open_one(c, f, e);
    if (rc != PARLEY_OK) return rc;
    out->bytes += f->size;
  }
  return PARLEY_OK;
}

void attachments_close(struct attachments *at) {
  for (size_t i = 0; i < at->n; i++)
    if (at->file[i].fd >= 0) close(at->file[i].fd);
  at->n = 0;
}

bool attachments_json(const struct attachments *at, json_t *request) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < at->n; i++) {
    const struct attachment *f = &at->file[i];
    json_t *o = json_object();
    ok = o != NULL && json_put_str(o, "name", f->name) && json_put_str(o, "type", f->type) &&
         json_put_int(o, "size", (int64_t)f->size) && json_put_hex(o, "sha256", f->sha256, SHA256_SIZE) &&
         json_array_append(list, o) == 0;
    json_decref(o);
  }
  ok = ok && (at->n == 0 || json_object_set(request, "files", list) == 0);
  json_decref(list);
  return ok;
}

/* ---- uploading ---- */

static parley_err upload(struct cli *c, const struct attachment *f, const char *draft, size_t i, struct errmsg *e) {
  struct progress p;
  const char *path = arena_fmt(&c->arena, "/v1/drafts/%s/files/%zu", draft, i);
  if (path == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  if (lseek(f->fd, 0, SEEK_SET) != 0) return err_set(e, PARLEY_EIO, _("%s cannot be read again"), f->path);
  progress_begin(&p, c, out_line(c, f->name), f->size);
  const parley_err rc = api_put_file(c, path, f->fd, f->size, progress_at, &p, e);
  progress_end(&p);
  return rc == PARLEY_OK ? rc : err_prefix(e, rc, "%s", f->path);
}

static parley_err stalled(const json_t *o, struct errmsg *e) {
  const char *why = json_text(o, "why");
  return err_set(e, PARLEY_EUNREACHABLE,
                 _("the files are with the node, but the statement is not made yet: %s. The node goes on by itself; "
                   "see parley inbox --sent"),
                 why[0] != '\0' ? why : _("it is busy"));
}

/* Sealed files move into the bulk log in slices; then the statement is made and has an id. */
static parley_err wait_sent(struct cli *c, const char *path, uint64_t bytes, const char **id, struct errmsg *e) {
  int pause_ms = POLL_MS_FIRST;
  int64_t moved = -1, moved_ms = mono_ms();
  struct progress p;
  progress_begin(&p, c, _("sealing"), bytes);
  parley_err rc = PARLEY_OK;
  while (rc == PARLEY_OK && *id == NULL) {
    json_t *o = NULL;
    rc = api_get(c, &o, path, e);
    const json_int_t at = json_integer_value(json_object_get(o, "moved"));
    const json_int_t total = json_integer_value(json_object_get(o, "total"));
    if (at != moved) moved_ms = mono_ms();
    moved = at;
    if (rc == PARLEY_OK && strcmp(json_text(o, "state"), "sent") == 0) {
      *id = arena_strdup(&c->arena, json_text(o, "id"));
      if (*id == NULL) rc = err_set(e, PARLEY_ENOMEM, _("out of memory"));
    } else if (rc == PARLEY_OK && strcmp(json_text(o, "state"), "failed") == 0) {
      rc = err_set(e, PARLEY_EREFUSED, _("the statement cannot be sent: %s"), json_text(o, "why"));
    } else if (rc == PARLEY_OK && mono_ms() - moved_ms > STALL_MS) {
      rc = stalled(o, e);
    }
    json_decref(o);
    if (rc != PARLEY_OK || *id != NULL) break;
    if (total > 0) progress_at(&p, (uint64_t)((double)at / (double)total * (double)bytes));
    poll(NULL, 0, pause_ms);
    pause_ms = pause_ms * 2 < POLL_MS_LAST ? pause_ms * 2 : POLL_MS_LAST;
  }
  progress_end(&p);
  return rc;
}

parley_err attachments_send(struct cli *c, const struct attachments *at, const char *draft, const char **id,
                            struct errmsg *e) {
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; rc == PARLEY_OK && i < at->n; i++) rc = upload(c, &at->file[i], draft, i, e);
  if (rc != PARLEY_OK) return rc;
  const char *path = arena_fmt(&c->arena, "/v1/drafts/%s", draft);
  const char *send = arena_fmt(&c->arena, "/v1/drafts/%s/send", draft);
  if (path == NULL || send == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  rc = api_call(c, NULL, "POST", send, NULL, e);
  *id = NULL;
  return rc == PARLEY_OK ? wait_sent(c, path, at->bytes, id, e) : rc;
}
