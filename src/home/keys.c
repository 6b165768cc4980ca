/*
 * Loading the keys of a card. Each lies in keys/ under its name, or under its name with .age, protected by a
 * passphrase; a passphrase that opened one file is tried on the next before asking again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "home/key_files.h"

static parley_err key_path(char out[static HOME_PATH_MAX], const struct key_reader *r, const char *name,
                           const char *end, struct errmsg *e) {
  char inner[96];
  const int n = snprintf(inner, sizeof inner, "keys/%s%s", name, end);
  if (n < 0 || (size_t)n >= sizeof inner)
    return err_set(e, PARLEY_ELIMIT, "keys/%.40s… is too long a name for a key file; move it away", name);
  return path_join(out, r->home->dir, inner, e);
}

static parley_err open_asked(struct buf *out, struct key_reader *r, struct bytes file, const char *path,
                             struct errmsg *e) {
  struct buf typed = {0};
  parley_err err =
      r->ask ? r->ask(r->ctx, path, &typed, e) : err_set(e, PARLEY_ENOTFOUND, "the passphrase of %s is needed", path);
  if (!err && (err = secret_open(out, file, buf_view(&typed), e))) err_prefix(e, err, "%s", path);
  if (err == PARLEY_ENOTFOUND && r->ask && typed.n)
    err = err_set(e, PARLEY_EREFUSED, "the passphrase of %s is wrong", path);
  if (err) {
    buf_free(&typed);
    return err;
  }
  buf_free(&r->passphrase);
  r->passphrase = typed;
  return PARLEY_OK;
}

static parley_err open_protected(struct buf *out, struct key_reader *r, const char *path, struct errmsg *e) {
  struct buf file = {0};
  parley_err err = secret_read(&file, path, e);
  bool opened = false;
  if (!err && r->passphrase.n) opened = secret_open(out, buf_view(&file), buf_view(&r->passphrase), NULL) == PARLEY_OK;
  if (!err && !opened) err = open_asked(out, r, buf_view(&file), path, e);
  buf_free(&file);
  return err;
}

parley_err key_text(struct buf *out, char path[static HOME_PATH_MAX], struct key_reader *r, const char *name,
                    struct errmsg *e) {
  parley_err err = key_path(path, r, name, "", e);
  if (!err) err = secret_read(out, path, e);
  if (err != PARLEY_ENOTFOUND) return err;
  char protected_path[HOME_PATH_MAX];
  err = key_path(protected_path, r, name, ".age", e);
  if (err) return err;
  err = open_protected(out, r, protected_path, e);
  if (err == PARLEY_ENOTFOUND && access(protected_path, F_OK) != 0)
    return err_set(e, PARLEY_ENOTFOUND, "there is neither %s nor %s.age; restore it from your backup of the keys", path,
                   name);
  memcpy(path, protected_path, HOME_PATH_MAX);
  return err;
}

parley_err key_signing(struct ed25519_key **out, struct key_reader *r, const char *name, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  parley_err err = key_text(&text, path, r, name, e);
  if (!err && (err = ed25519_from_pem(out, buf_view(&text), e))) err_prefix(e, err, "%s", path);
  buf_free(&text);
  return err;
}

/* An age identity file: comments, empty lines, one identity. */
static parley_err identity_of(struct age_identity *out, struct bytes text, struct errmsg *e) {
  struct bytes rest = text, line;
  size_t found = 0;
  while (rest.n) {
    if (!bytes_line(&rest, &line)) {
      line = rest;
      rest = BYTES_NONE;
    }
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    if (line.n == 0 || line.p[0] == '#') continue;
    if (found++) return err_set(e, PARLEY_EINVAL, "holds more than one identity");
    const parley_err err = age_identity_parse(out, line, e);
    if (err) return err;
  }
  return found ? PARLEY_OK : err_set(e, PARLEY_EINVAL, "holds no identity (AGE-SECRET-KEY-1…)");
}

parley_err key_seal(struct age_identity *out, struct key_reader *r, const char *name, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  parley_err err = key_text(&text, path, r, name, e);
  if (!err && (err = identity_of(out, buf_view(&text), e))) err_prefix(e, err, "%s", path);
  buf_free(&text);
  return err;
}

/* ---- the keys of a card ---- */

struct loading {
  struct key_reader reader;
  const struct card *own;
};

static parley_err not_of_card(const struct loading *l, const char *name, struct errmsg *e) {
  return err_set(e, PARLEY_ECONFLICT, "%s/keys/%s is not the key that card.json names; restore the matching pair",
                 l->reader.home->dir, name);
}

static parley_err load_signing(struct ed25519_key **out, struct loading *l, const char *name,
                               const uint8_t pub[static 32], struct errmsg *e) {
  const parley_err err = key_signing(out, &l->reader, name, e);
  return !err && memcmp(ed25519_public(*out), pub, 32) != 0 ? not_of_card(l, name, e) : err;
}

/* ENOTFOUND when this key is not on this machine. */
static parley_err load_seal(struct age_identity *out, struct loading *l, const struct card_seal *seal,
                            struct errmsg *e) {
  char name[16 + SEAL_LABEL_MAX];
  snprintf(name, sizeof name, "seal.%s.txt", seal->label);
  const parley_err err = key_seal(out, &l->reader, name, e);
  return !err && memcmp(out->pub, seal->recipient, X25519_SIZE) != 0 ? not_of_card(l, name, e) : err;
}

/* seal.<label>.<serial>.txt: what was sealed to earlier cards stays readable. */
static bool is_old_seal(const char *file) {
  char label[SEAL_LABEL_MAX + 1], end[16];
  unsigned long long serial;
  return sscanf(file, "seal.%32[a-z0-9-].%llu.%15s", label, &serial, end) == 3 &&
         (!strcmp(end, "txt") || !strcmp(end, "txt.age"));
}

static parley_err load_old_seals(struct home_keys *out, struct loading *l, struct errmsg *e) {
  char keys[HOME_PATH_MAX];
  struct dir_names names = {0};
  parley_err err = path_join(keys, l->reader.home->dir, "keys", e);
  if (!err) err = dir_list(&names, keys, e);
  for (size_t i = names.n; i-- > 0 && !err;) { /* the newest are the likeliest to be needed */
    char name[256];
    if (!is_old_seal(names.name[i])) continue;
    if (out->n_seal == HOME_SEAL_MAX)
      err = err_set(e, PARLEY_ELIMIT, "%s holds more than %d seal keys; move the oldest away", keys, HOME_SEAL_MAX);
    snprintf(name, sizeof name, "%s", names.name[i]);
    const size_t n = strlen(name);
    if (n > 4 && !strcmp(name + n - 4, ".age")) name[n - 4] = '\0';
    if (!err) err = key_seal(&out->seal[out->n_seal], &l->reader, name, e);
    if (!err) out->n_seal++;
  }
  free(names.name);
  return err;
}

static parley_err load_seals(struct home_keys *out, struct loading *l, struct errmsg *e) {
  for (size_t i = 0; i < l->own->n_seal; i++) {
    const parley_err err = load_seal(&out->seal[out->n_seal], l, &l->own->seal[i], e);
    if (!err) out->n_seal++;
    if (err && err != PARLEY_ENOTFOUND) return err;
  }
  if (out->n_seal) return load_old_seals(out, l, e);
  return err_set(e, PARLEY_ENOTFOUND, "there is no seal key in %s/keys; without seal.duty.txt nothing can be read",
                 l->reader.home->dir);
}

/* The log key before, while it is needed (docs/protocol.md, "A new card"). */
static parley_err load_before(struct home_keys *out, struct loading *l, struct errmsg *e) {
  const parley_err err = key_signing(&out->log_before, &l->reader, "before/log.pem", e);
  return err == PARLEY_ENOTFOUND ? PARLEY_OK : err;
}

/* ---- link key: TLS libraries take a path, so a protected one is opened into memory that has a path ---- */

static parley_err into_memory(char path[static HOME_PATH_MAX], int *fd, struct bytes pem, struct errmsg *e) {
  *fd = memfd_create("link key", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  const bool ok = *fd >= 0 && write(*fd, pem.p, pem.n) == (ssize_t)pem.n &&
                  fcntl(*fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL) == 0;
  if (!ok) return err_set(e, PARLEY_EIO, "cannot keep the link key in memory: %s", strerror(errno));
  snprintf(path, HOME_PATH_MAX, "/proc/self/fd/%d", *fd);
  return PARLEY_OK;
}

static parley_err check_certificate(const struct home_keys *k, const struct card *own, struct errmsg *e) {
  char pin[LINK_PIN_SIZE];
  struct buf pem = {0};
  parley_err err = file_read(&pem, k->link_cert, KEY_FILE_MAX, e);
  if (!err && (err = link_cert_pin(pin, buf_view(&pem), e))) err_prefix(e, err, "%s", k->link_cert);
  buf_free(&pem);
  for (size_t i = 0; !err && i < own->n_link; i++)
    if (!strcmp(own->link[i], pin)) return PARLEY_OK;
  return err ? err
             : err_set(e, PARLEY_ECONFLICT, "%s is not the key that card.json names; restore the matching pair",
                       k->link_cert);
}

static parley_err load_link(struct home_keys *out, struct loading *l, struct errmsg *e) {
  struct buf pem = {0};
  parley_err err = key_path(out->link_cert, &l->reader, "link.cert.pem", "", e);
  if (!err) err = check_certificate(out, l->own, e);
  if (!err) err = key_text(&pem, out->link_key, &l->reader, "link.key.pem", e);
  const size_t n = strlen(out->link_key);
  if (!err && n > 4 && !strcmp(out->link_key + n - 4, ".age"))
    err = into_memory(out->link_key, &out->link_fd, buf_view(&pem), e);
  buf_free(&pem);
  return err;
}

parley_err home_keys_load(struct home_keys *out, const struct home *h, const struct card *own, passphrase_fn ask,
                          void *ctx, struct errmsg *e) {
  struct loading l = {.reader = {.home = h, .ask = ask, .ctx = ctx}, .own = own};
  *out = (struct home_keys){.link_fd = -1};
  parley_err err = load_signing(&out->statement, &l, "statement.pem", own->statement, e);
  if (!err) err = load_signing(&out->log, &l, "log.pem", own->log, e);
  if (!err) err = load_signing(&out->mirror, &l, "mirror.pem", own->mirror, e);
  if (!err) err = load_seals(out, &l, e);
  if (!err) err = load_link(out, &l, e);
  if (!err) err = load_before(out, &l, e);
  buf_free(&l.reader.passphrase);
  if (err) home_keys_free(out);
  return err;
}

void home_keys_free(struct home_keys *k) {
  ed25519_free(k->statement);
  ed25519_free(k->log);
  ed25519_free(k->mirror);
  ed25519_free(k->log_before);
  if (k->link_fd > 0) close(k->link_fd); /* 0: never loaded */
  wipe(k, sizeof *k);
  k->link_fd = -1;
}
