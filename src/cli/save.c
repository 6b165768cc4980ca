/*
 * parley save: body and files of a statement into a folder. Never overwrites; a file is there whole, with the right
 * digest, or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "cli/api.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"
#include "forum/statement.h"

#define BODY_NAME "body.json"

struct saving {
  struct cli *c;
  const json_t *row;
  const char *dir;
  int fd;        /* of dir */
  char part[40]; /* name of a file that is not whole yet */
  const char *name[STATEMENT_ATTACH_MAX];
  size_t n;
  struct errmsg *e;
};

/* ---- names ---- */

/* No folder, nothing hidden, nothing that a terminal or shell trips over; the sender chose the name. */
static const char *safe_name(struct cli *c, const char *name) {
  char *s = arena_strdup(&c->arena, out_line(c, name));
  for (char *p = s; p != NULL && *p != '\0'; p++)
    if (*p == '/' || *p == '\\') *p = '_';
  if (s != NULL && (s[0] == '.' || s[0] == '-')) s[0] = '_';
  return s != NULL && s[0] != '\0' ? s : "file";
}

static bool taken(const struct saving *s, const char *name) {
  for (size_t i = 0; i < s->n; i++)
    if (strcmp(s->name[i], name) == 0) return true;
  return strcmp(name, BODY_NAME) == 0;
}

static parley_err choose_names(struct saving *s, const json_t *files) {
  for (size_t i = 0; i < json_array_size(files); i++) {
    const char *name = safe_name(s->c, json_text(json_array_get(files, i), "name"));
    if (s->n == STATEMENT_ATTACH_MAX)
      return err_set(s->e, PARLEY_ELIMIT, _("the statement has more than %d files"), STATEMENT_ATTACH_MAX);
    if (taken(s, name)) name = arena_fmt(&s->c->arena, "%zu-%s", i, name);
    if (name == NULL) return err_set(s->e, PARLEY_ENOMEM, _("out of memory"));
    s->name[s->n++] = name;
  }
  return PARLEY_OK;
}

static parley_err must_be_new(const struct saving *s, const char *name) {
  struct stat st;
  if (fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) return PARLEY_OK;
  return err_set(s->e, PARLEY_ECONFLICT, _("%s/%s is there already; nothing is overwritten. Name another folder"),
                 s->dir, name);
}

/* ---- writing ---- */

static parley_err cannot(const struct saving *s, const char *name) {
  const int why = errno;
  return err_set(s->e, why == ENOSPC ? PARLEY_EFULL : PARLEY_EIO, _("cannot write %s/%s: %s"), s->dir, name,
                 strerror(why));
}

/* Gives the finished part its name, unless something has that name by now. */
static parley_err finish(const struct saving *s, int fd, const char *name) {
  parley_err rc = PARLEY_OK;
  if (fsync(fd) != 0 || linkat(s->fd, s->part, s->fd, name, 0) != 0)
    rc = errno == EEXIST ? must_be_new(s, name) : cannot(s, name);
  return rc;
}

static int part_open(const struct saving *s) {
  return openat(s->fd, s->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

static parley_err check_digest(const struct saving *s, int fd, const json_t *file, const char *name) {
  static uint8_t chunk[65536];
  uint8_t want[SHA256_SIZE], got[SHA256_SIZE];
  struct sha256_ctx *sha = sha256_new();
  ssize_t n = 0;
  const char *hex = json_text(file, "sha256");
  if (sha == NULL) return err_set(s->e, PARLEY_ENOMEM, _("out of memory"));
  if (lseek(fd, 0, SEEK_SET) == 0)
    while ((n = read(fd, chunk, sizeof chunk)) > 0) sha256_update(sha, BYTES(chunk, (size_t)n));
  sha256_final(sha, got);
  sha256_free(sha);
  if (n < 0) return cannot(s, name);
  if (strlen(hex) == 64 && hex_decode(want, SHA256_SIZE, bytes_str(hex)) && memcmp(want, got, SHA256_SIZE) == 0)
    return PARLEY_OK;
  return err_set(s->e, PARLEY_EVERIFY,
                 _("%s is not the file that the statement names: its SHA-256 differs; it was not saved. To tell its "
                   "sender: parley reject %.12s --ground files --officer ROLE"),
                 name, json_text(s->row, "id"));
}

static parley_err save_file(const struct saving *s, size_t i) {
  const json_t *file = json_array_get(json_object_get(s->row, "files"), i);
  const char *path = arena_fmt(&s->c->arena, "/v1/statements/%s/files/%zu", json_text(s->row, "id"), i);
  const int fd = part_open(s);
  if (path == NULL || fd < 0) return fd < 0 ? cannot(s, s->part) : err_set(s->e, PARLEY_ENOMEM, _("out of memory"));
  parley_err rc = api_get_file(s->c, path, fd, NULL, NULL, s->e);
  if (rc != PARLEY_OK) err_prefix(s->e, rc, "%s", s->name[i]);
  if (rc == PARLEY_OK) rc = check_digest(s, fd, file, s->name[i]);
  if (rc == PARLEY_OK) rc = finish(s, fd, s->name[i]);
  unlinkat(s->fd, s->part, 0);
  close(fd);
  return rc;
}

static parley_err save_body(const struct saving *s, const json_t *body) {
  struct buf text = {0};
  const int fd = part_open(s);
  if (fd < 0) return cannot(s, BODY_NAME);
  parley_err rc =
      json_write_pretty(&text, body) && buf_ok(&text) ? PARLEY_OK : err_set(s->e, PARLEY_ENOMEM, _("out of memory"));
  for (size_t at = 0; rc == PARLEY_OK && at < text.n;) {
    const ssize_t n = write(fd, text.p + at, text.n - at);
    if (n > 0) at += (size_t)n;
    if (n <= 0 && errno != EINTR) rc = cannot(s, BODY_NAME);
  }
  if (rc == PARLEY_OK) rc = finish(s, fd, BODY_NAME);
  unlinkat(s->fd, s->part, 0);
  close(fd);
  buf_free(&text);
  return rc;
}

/* ---- the whole ---- */

static parley_err open_dir(struct saving *s) {
  if (mkdir(s->dir, 0777) != 0 && errno != EEXIST)
    return err_set(s->e, PARLEY_EIO, _("cannot make the folder %s: %s"), s->dir, strerror(errno));
  s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s->fd < 0) return err_set(s->e, PARLEY_EIO, _("cannot use %s: %s"), s->dir, strerror(errno));
  return PARLEY_OK;
}

static parley_err save_all(struct saving *s) {
  const json_t *body = json_object_get(s->row, "body");
  if (body == NULL) {
    const char *why = json_text(s->row, "unreadable");
    return err_set(s->e, PARLEY_EREFUSED, _("there is nothing to save: %s"),
                   why[0] != '\0' ? why : _("it cannot be read here"));
  }
  parley_err rc = choose_names(s, json_object_get(s->row, "files"));
  if (rc == PARLEY_OK) rc = open_dir(s);
  if (rc == PARLEY_OK) rc = must_be_new(s, BODY_NAME);
  for (size_t i = 0; rc == PARLEY_OK && i < s->n; i++) rc = must_be_new(s, s->name[i]);
  if (rc == PARLEY_OK) rc = save_body(s, body);
  for (size_t i = 0; rc == PARLEY_OK && i < s->n; i++) rc = save_file(s, i);
  return rc;
}

static int result(const struct saving *s) {
  if (!s->c->json) {
    out_print(_("Saved in %s:\n  %s\n"), s->dir, BODY_NAME);
    for (size_t i = 0; i < s->n; i++) out_print("  %s\n", s->name[i]);
    return EXIT_DONE;
  }
  json_t *o = json_object(), *files = json_array();
  bool ok = o != NULL && json_put_str(o, "id", json_text(s->row, "id")) && out_put_path(s->c, o, "out", s->dir) &&
            json_put_str(o, "body", BODY_NAME);
  for (size_t i = 0; ok && i < s->n; i++) ok = json_array_append_new(files, json_string(s->name[i])) == 0;
  ok = ok && json_object_set(o, "files", files) == 0;
  json_decref(files);
  if (ok) return out_json(s->c, o);
  json_decref(o);
  return cli_no_memory(s->c);
}

static int run(struct cli *c, const struct args *a) {
  struct errmsg e;
  json_t *row = NULL;
  const char *path;
  if (args_value(a, "out") == NULL) return cli_usage(c, "%s", _("where to? --out DIR"));
  parley_err rc = api_path(c, &path, "/v1/statements/", a->arg[0], "", &e);
  if (rc == PARLEY_OK) rc = api_get(c, &row, path, &e);
  struct saving s = {.c = c, .row = row, .dir = args_value(a, "out"), .fd = -1, .e = &e};
  snprintf(s.part, sizeof s.part, ".parley-save.%ld", (long)getpid());
  if (rc == PARLEY_OK) rc = save_all(&s);
  const int code = rc == PARLEY_OK ? result(&s) : cli_fail(c, rc, &e);
  if (s.fd >= 0) close(s.fd);
  json_decref(row);
  return code;
}

static const struct option options[] = {
    {"out", N_("DIR"), N_("folder to write to; made when it is not there"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_save = {
    .name = "save",
    .usage = N_("ID --out DIR"),
    .summary = N_("save the body and the files of a statement"),
    .about = N_("Writes body.json and the files of the statement ID into DIR, each checked against the digest that "
                "the sender signed. Nothing that is there already is overwritten."),
    .options = options,
    .examples = {"parley save 3f9a01c2 --out case-17", "parley save 3f9a01c2 --out case-17 --json"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
