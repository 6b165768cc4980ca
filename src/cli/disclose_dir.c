#include "cli/disclose_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/output.h"
#include "cli/pack_dir.h"
#include "cli/pack_source.h"
#include "cli/progress.h"
#include "cli/text.h"

struct writing {
  struct disclose_dir *d;
  const json_t *answer;
  struct progress progress;
  uint64_t before; /* bytes of the files that are whole */
  struct errmsg *e;
};

static uint64_t number(const json_t *o, const char *member) {
  return (uint64_t)json_integer_value(json_object_get(o, member));
}

static void on_progress(void *ctx, uint64_t got) {
  struct writing *w = ctx;
  progress_at(&w->progress, w->before + got);
}

static parley_err cannot(const char *path, struct errmsg *e) {
  const int why = errno;
  return err_set(e, why == ENOSPC ? PARLEY_EFULL : PARLEY_EIO, _("cannot write %s: %s"), path, strerror(why));
}

/* The names come from our own node; still, nothing leads out of the folder. */
static bool name_safe(const char *name) {
  return strncmp(name, "files/", 6) == 0 && strchr(name + 6, '/') == NULL && name[6] != '.' && name[6] != '\0';
}

static parley_err write_file(struct writing *w, const char *name, uint64_t size, const char *source) {
  struct cli *c = w->d->c;
  struct stat st;
  const char *path = arena_fmt(&c->arena, "%s/%s", w->d->pack, name);
  if (path == NULL || source == NULL) return err_set(w->e, PARLEY_ENOMEM, _("out of memory"));
  if (!name_safe(name)) return err_set(w->e, PARLEY_EINVAL, _("the node's answer: no file can be called \"%s\""), name);
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return cannot(path, w->e);
  parley_err rc = api_get_file(c, source, fd, on_progress, w, w->e);
  if (rc == PARLEY_OK && (fsync(fd) != 0 || fstat(fd, &st) != 0)) rc = cannot(path, w->e);
  if (rc == PARLEY_OK && (uint64_t)st.st_size != size)
    rc = err_set(w->e, PARLEY_EIO, _("%s came with %lld bytes instead of %llu: what it was sealed to does not open"),
                 name, (long long)st.st_size, (unsigned long long)size);
  close(fd);
  w->before += size;
  return rc == PARLEY_OK ? rc : err_prefix(w->e, rc, "%s", name);
}

static parley_err write_pair(struct writing *w, const json_t *file) {
  struct arena *a = &w->d->c->arena;
  const char *id = json_text(w->answer, "id");
  const unsigned long long n = number(file, "n");
  parley_err rc = write_file(w, json_text(file, "clear"), number(file, "clear_size"),
                             arena_fmt(a, "/v1/statements/%s/files/%llu", id, n));
  if (rc == PARLEY_OK)
    rc = write_file(w, json_text(file, "sealed"), number(file, "sealed_size"),
                    arena_fmt(a, "/v1/statements/%s/sealed/%llu", id, n));
  return rc;
}

static parley_err write_files(struct writing *w) {
  const json_t *list = json_object_get(w->answer, "attached");
  const char *folder = arena_fmt(&w->d->c->arena, "%s/files", w->d->pack);
  uint64_t total = 0;
  parley_err rc = PARLEY_OK;
  if (json_array_size(list) == 0) return PARLEY_OK;
  if (folder == NULL) return err_set(w->e, PARLEY_ENOMEM, _("out of memory"));
  if (mkdir(folder, 0777) != 0) return cannot(folder, w->e);
  for (size_t i = 0; i < json_array_size(list); i++)
    total += number(json_array_get(list, i), "clear_size") + number(json_array_get(list, i), "sealed_size");
  progress_begin(&w->progress, w->d->c, _("writing"), total);
  for (size_t i = 0; rc == PARLEY_OK && i < json_array_size(list); i++) rc = write_pair(w, json_array_get(list, i));
  progress_end(&w->progress);
  return rc;
}

parley_err disclose_dir_write(struct disclose_dir *d, const json_t *answer, struct errmsg *e) {
  struct writing w = {.d = d, .answer = answer, .e = e};
  struct pack pack;
  size_t n = strlen(d->target);
  while (n > 1 && d->target[n - 1] == '/') n--;
  if (n == 0 || n + 8 > sizeof d->beside)
    return err_set(e, PARLEY_ELIMIT, _("the path of the folder is too long: %.80s"), d->target);
  parley_err rc = pack_from_json(&pack, &d->c->arena, json_object_get(answer, "files"), e);
  if (rc != PARLEY_OK) return rc;
  snprintf(d->beside, sizeof d->beside, "%.*s.XXXXXX", (int)n, d->target);
  if (mkdtemp(d->beside) == NULL) {
    d->beside[0] = '\0';
    return err_set(e, PARLEY_EIO, _("cannot write beside %s: %s"), d->target, strerror(errno));
  }
  snprintf(d->pack, sizeof d->pack, "%s/pack", d->beside);
  rc = pack_dir_write(&pack, d->pack, e);
  return rc == PARLEY_OK ? write_files(&w) : rc;
}

parley_err disclose_dir_verify(struct pack_result *out, struct disclose_dir *d, const struct anchors *known,
                               struct errmsg *e) {
  struct pack pack;
  struct home_forms forms = {0};
  parley_err rc = home_forms_load(&forms, &d->c->home, e); /* of a rejection for its form they say who is right */
  const struct pack_known k = {known->list, known->n, (const struct form *const *)forms.forms, forms.n};
  if (rc == PARLEY_OK) rc = pack_dir_read(&pack, &d->c->arena, d->pack, e);
  if (rc == PARLEY_OK) {
    pack_source_show(&pack.source, d->c);
    rc = pack_verify(out, &d->c->arena, &pack, &k, e);
  }
  home_forms_free(&forms);
  return rc;
}

parley_err disclose_dir_keep(struct disclose_dir *d, struct errmsg *e) {
  if (rename(d->pack, d->target) == 0) return PARLEY_OK;
  return err_set(e, errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ? PARLEY_ECONFLICT : PARLEY_EIO,
                 _("cannot make %s: %s"), d->target, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where) {
  (void)st, (void)type, (void)where;
  remove(path);
  return 0;
}

void disclose_dir_end(struct disclose_dir *d) {
  if (d->beside[0] != '\0') nftw(d->beside, remove_one, 4, FTW_DEPTH | FTW_PHYS);
  d->beside[0] = '\0';
}
