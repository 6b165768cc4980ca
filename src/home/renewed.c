/*
 * After a new card: the cards before it, and the keys that wait for counterparts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "home/key_files.h"

/* ---- cards before ---- */

static bool serial_of(const char *file, unsigned long long *serial) {
  char end[16];
  return sscanf(file, "card.%llu.%15s", serial, end) == 2 && !strcmp(end, "json");
}

static int newest_first(const void *a, const void *b) {
  const unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

parley_err home_cards_before(const struct home *h, card_fn f, void *ctx, struct errmsg *e) {
  struct dir_names names = {0};
  unsigned long long *serials = NULL;
  size_t n = 0;
  parley_err err = dir_list(&names, h->dir, e);
  if (!err && names.n && !(serials = calloc(names.n, sizeof *serials)))
    err = err_set(e, PARLEY_ENOMEM, "out of memory while reading %s", h->dir);
  for (size_t i = 0; i < names.n && !err; i++) n += serial_of(names.name[i], &serials[n]);
  if (!err && n > 1) qsort(serials, n, sizeof *serials, newest_first);
  for (size_t i = 0; i < n && !err; i++) {
    char name[48], path[HOME_PATH_MAX];
    struct buf text = {0};
    snprintf(name, sizeof name, "card.%llu.json", serials[i]);
    err = path_join(path, h->dir, name, e);
    if (!err) err = file_read(&text, path, CARD_SIZE_MAX, e);
    if (!err && (err = f(ctx, buf_view(&text), e))) err_prefix(e, err, "%s", path);
    buf_free(&text);
  }
  free(serials);
  free(names.name);
  return err;
}

bool home_card_is(const struct home *h, struct bytes envelope) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  const bool same = !change_decided(h) && home_path(h, path, "card.json") &&
                    !file_read(&text, path, CARD_SIZE_MAX, NULL) && bytes_eq(buf_view(&text), envelope);
  buf_free(&text);
  return same;
}

/* ---- keys that are no longer needed ---- */

static parley_err wipe_in_home(const struct home *h, const char *name, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  const parley_err err = path_join(path, h->dir, name, e);
  return err ? err : secret_wipe(path, e);
}

parley_err home_forget_before(const struct home *h, struct errmsg *e) {
  parley_err err = wipe_in_home(h, "keys/before/log.pem", e);
  return err ? err : wipe_in_home(h, "keys/before/log.pem.age", e);
}

/* ---- the next link key ---- */

static parley_err copy_in(const struct key_change *c, const char *from, const char *to, bool *there, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf data = {0};
  parley_err err = path_join(path, c->home->dir, from, e);
  if (!err) err = file_read(&data, path, KEY_FILE_MAX, e);
  *there = !err;
  if (!err) err = change_put(c, to, buf_view(&data), 0600, e);
  buf_free(&data);
  return err == PARLEY_ENOTFOUND ? PARLEY_OK : err;
}

/* The certificate goes first, and whole: while it is there the key beside it is whole, too. */
static parley_err forget_next(const struct home *h, struct errmsg *e) {
  char cert[HOME_PATH_MAX];
  parley_err err = path_join(cert, h->dir, "keys/link.next.cert.pem", e);
  if (!err && unlink(cert) != 0 && errno != ENOENT)
    err = err_set(e, PARLEY_EIO, "cannot remove %s: %s", cert, strerror(errno));
  if (!err) err = dir_sync_parent(cert, e);
  if (!err) err = wipe_in_home(h, "keys/link.next.key.pem", e);
  return err ? err : wipe_in_home(h, "keys/link.next.key.pem.age", e);
}

parley_err home_adopt_link(const struct home *h, bool *adopted, struct errmsg *e) {
  struct key_change c;
  bool key = false, protected = false, cert = false;
  char next[HOME_PATH_MAX];
  *adopted = false;
  parley_err err = path_join(next, h->dir, "keys/link.next.cert.pem", e);
  if (err) return err;
  if (access(next, F_OK) != 0) return forget_next(h, e); /* it may have been cut off there */
  err = change_begin(&c, h, e);
  if (!err) err = copy_in(&c, "keys/link.next.key.pem", "keys/link.key.pem", &key, e);
  if (!err) err = copy_in(&c, "keys/link.next.key.pem.age", "keys/link.key.pem.age", &protected, e);
  if (!err) err = copy_in(&c, "keys/link.next.cert.pem", "keys/link.cert.pem", &cert, e);
  *adopted = !err && cert && key != protected;
  if (!*adopted) {
    change_drop(&c);
    return err;
  }
  err = change_commit(&c, e);
  return err ? err : forget_next(h, e);
}

/* ---- protecting the keys that stay ---- */

static bool is_secret(const char *name) {
  const size_t n = strlen(name);
  return n > 4 && strncmp(name, "rotation", 8) != 0 && !strstr(name, "cert.pem") &&
         (!strcmp(name + n - 4, ".pem") || !strcmp(name + n - 4, ".txt") || !strcmp(name + n - 4, ".age"));
}

/* folder: "" or "before/", below keys/. */
static parley_err protect_folder(const struct key_change *c, struct key_reader *r, const char *folder,
                                 struct bytes passphrase, struct errmsg *e) {
  char path[HOME_PATH_MAX], inner[32];
  struct dir_names names = {0};
  snprintf(inner, sizeof inner, "keys/%s", folder);
  parley_err err = path_join(path, c->home->dir, inner, e);
  if (!err) err = dir_list(&names, path, e);
  for (size_t i = 0; i < names.n && !err; i++) {
    char name[300], place[320], from[HOME_PATH_MAX];
    struct buf text = {0};
    if (!is_secret(names.name[i])) continue;
    snprintf(name, sizeof name, "%s%s", folder, names.name[i]);
    const size_t n = strlen(name);
    if (!strcmp(name + n - 4, ".age")) name[n - 4] = '\0';
    snprintf(place, sizeof place, "keys/%s", name);
    err = key_text(&text, from, r, name, e);
    if (!err) err = change_put_secret(c, place, buf_view(&text), passphrase, e);
    buf_free(&text);
  }
  free(names.name);
  return err;
}

parley_err home_protect(const struct home *h, passphrase_fn ask, void *ctx, struct bytes passphrase, struct errmsg *e) {
  struct key_change c;
  struct key_reader r = {.home = h, .ask = ask, .ctx = ctx};
  parley_err err = home_finish_change(h, e);
  if (!err) err = change_begin(&c, h, e);
  if (err) return err;
  err = protect_folder(&c, &r, "", passphrase, e);
  if (!err) err = protect_folder(&c, &r, "before/", passphrase, e);
  if (!err)
    err = change_commit(&c, e);
  else
    change_drop(&c);
  buf_free(&r.passphrase);
  return err;
}
