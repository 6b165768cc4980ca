/*
 * Changing several files of a home as a whole: prepared beside, decided by one rename, then moved to their places.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "home/key_files.h"

#define DECIDED "change"
#define PREPARED "change.new"

static const char *const folders[] = {"keys/before", "keys", ""}; /* the card comes last */

parley_err change_begin(struct key_change *c, const struct home *h, struct errmsg *e) {
  c->home = h;
  parley_err err = path_join(c->dir, h->dir, PREPARED, e);
  if (err) return err;
  dir_remove(c->dir); /* left by a process that ended half way */
  err = dir_make(c->dir, e);
  for (size_t i = 2; i-- > 0 && !err;) {
    char path[HOME_PATH_MAX];
    err = path_join(path, c->dir, folders[i], e);
    if (!err) err = dir_make(path, e);
  }
  return err;
}

parley_err change_put(const struct key_change *c, const char *name, struct bytes data, unsigned mode,
                      struct errmsg *e) {
  char path[HOME_PATH_MAX];
  const parley_err err = path_join(path, c->dir, name, e);
  return err ? err : file_write(path, data, mode, e);
}

parley_err change_put_secret(const struct key_change *c, const char *name, struct bytes text, struct bytes passphrase,
                             struct errmsg *e) {
  char whole[128];
  struct buf sealed = {0};
  snprintf(whole, sizeof whole, "%s%s", name, passphrase.n ? ".age" : "");
  parley_err err = passphrase.n ? secret_protect(&sealed, text, passphrase, e) : PARLEY_OK;
  if (!err) err = change_put(c, whole, passphrase.n ? buf_view(&sealed) : text, 0600, e);
  buf_free(&sealed);
  return err;
}

void change_drop(struct key_change *c) { dir_remove(c->dir); }

/* keys/x for keys/x.age, and the other way round. */
static void other_form(char out[static HOME_PATH_MAX], const char *path) {
  const size_t n = strlen(path);
  const bool protected = n > 4 && !strcmp(path + n - 4, ".age");
  snprintf(out, HOME_PATH_MAX, "%.*s%s", (int)(protected ? n - 4 : n), path, protected ? "" : ".age");
}

static parley_err put_in_place(const char *from, const char *to, struct errmsg *e) {
  char other[HOME_PATH_MAX];
  other_form(other, to);
  const parley_err err = secret_wipe(other, e);
  if (err) return err;
  if (rename(from, to) != 0) return err_set(e, PARLEY_EIO, "cannot put %s in place: %s", to, strerror(errno));
  return PARLEY_OK;
}

bool change_decided(const struct home *h) {
  char decided[HOME_PATH_MAX];
  return path_join(decided, h->dir, DECIDED, NULL) == PARLEY_OK && access(decided, F_OK) == 0;
}

static parley_err finish_folder(const struct home *h, const char *decided, const char *folder, struct errmsg *e) {
  char from[HOME_PATH_MAX], to[HOME_PATH_MAX], file[HOME_PATH_MAX], place[HOME_PATH_MAX];
  struct dir_names names = {0};
  parley_err err = path_join(from, decided, folder, e);
  if (!err) err = *folder ? path_join(to, h->dir, folder, e) : PARLEY_OK;
  if (!*folder) snprintf(to, sizeof to, "%s", h->dir);
  if (!err) err = dir_list(&names, from, e);
  if (!err && names.n && *folder) err = dir_make(to, e);
  bool moved = false;
  for (size_t i = 0; i < names.n && !err; i++) {
    if (!*folder && !strcmp(names.name[i], "keys")) continue;
    if (*folder && !strcmp(names.name[i], "before")) continue;
    err = path_join(file, from, names.name[i], e);
    if (!err) err = path_join(place, to, names.name[i], e);
    if (!err) err = put_in_place(file, place, e);
    moved = true;
  }
  free(names.name);
  return err || !moved ? err : dir_sync(to, e);
}

parley_err home_finish_change(const struct home *h, struct errmsg *e) {
  char decided[HOME_PATH_MAX];
  parley_err err = path_join(decided, h->dir, DECIDED, e);
  if (err || !change_decided(h)) return err;
  for (size_t i = 0; i < sizeof folders / sizeof *folders && !err; i++) err = finish_folder(h, decided, folders[i], e);
  if (err) return err_prefix(e, err, "a change of the keys of this home is not finished");
  dir_remove(decided);
  return dir_sync(h->dir, e);
}

parley_err change_commit(struct key_change *c, struct errmsg *e) {
  char decided[HOME_PATH_MAX], path[HOME_PATH_MAX];
  parley_err err = path_join(decided, c->home->dir, DECIDED, e);
  for (size_t i = 0; i < 2 && !err; i++) {
    err = path_join(path, c->dir, folders[i], e);
    if (!err) err = dir_sync(path, e);
  }
  if (!err) err = dir_sync(c->dir, e);
  if (!err && rename(c->dir, decided) != 0)
    err = err_set(e, PARLEY_EIO, "cannot rename %s: %s", c->dir, strerror(errno));
  if (!err) err = dir_sync(c->home->dir, e);
  return err ? err : home_finish_change(c->home, e);
}
