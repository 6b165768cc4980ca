/*
 * Making a home: fresh keys, a card of serial 0, the configuration. Built beside its place and renamed, so that it is
 * there whole or not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "home/key_files.h"

struct making {
  const struct home_new *ask;
  struct home at; /* where it is built */
  struct config config;
  struct card card;
  struct ed25519_key *statement, *log, *mirror, *rotation;
  struct age_identity seal;
};

/* ---- keys ---- */

static parley_err make_seal(struct making *m, struct errmsg *e) {
  const parley_err err = key_make_seal(&m->seal, e);
  m->card.n_seal = 1;
  snprintf(m->card.seal[0].label, sizeof m->card.seal[0].label, "duty");
  memcpy(m->card.seal[0].recipient, m->seal.pub, X25519_SIZE);
  return err;
}

/* Writes keys/<name>, or keys/<name>.age when passphrase is not empty. */
static parley_err put_secret(const struct making *m, const char *name, struct bytes text, struct bytes passphrase,
                             struct errmsg *e) {
  char path[HOME_PATH_MAX], inner[64];
  struct buf sealed = {0};
  snprintf(inner, sizeof inner, "keys/%s%s", name, passphrase.n ? ".age" : "");
  parley_err err = path_join(path, m->at.dir, inner, e);
  const bool rotation = !strcmp(name, "rotation"); /* it leaves this machine, perhaps on paper */
  if (!err && passphrase.n)
    err = rotation ? secret_protect_text(&sealed, text, passphrase, e) : secret_protect(&sealed, text, passphrase, e);
  if (!err) err = file_write(path, passphrase.n ? buf_view(&sealed) : text, 0600, e);
  buf_free(&sealed);
  return err;
}

static parley_err put_signing(const struct making *m, const char *name, const struct ed25519_key *k,
                              struct bytes passphrase, struct errmsg *e) {
  struct buf pem = {0};
  parley_err err = ed25519_to_pem(&pem, k, e);
  if (!err) err = put_secret(m, name, buf_view(&pem), passphrase, e);
  buf_free(&pem);
  return err;
}

static parley_err put_seal(struct making *m, struct bytes passphrase, struct errmsg *e) {
  struct buf text = {0};
  parley_err err = key_seal_text(&text, &m->seal, e);
  if (!err) err = put_secret(m, "seal.duty.txt", buf_view(&text), passphrase, e);
  buf_free(&text);
  return err;
}

static parley_err put_link(struct making *m, struct bytes passphrase, struct errmsg *e) {
  struct buf key = {0}, cert = {0};
  char path[HOME_PATH_MAX];
  parley_err err = link_cert_make(&key, &cert, m->card.link[0], m->card.name, m->card.not_before, CARD_DAYS + 2, e);
  if (!err) err = put_secret(m, "link.key.pem", buf_view(&key), passphrase, e);
  if (!err) err = path_join(path, m->at.dir, "keys/link.cert.pem", e);
  if (!err) err = file_write(path, buf_view(&cert), 0600, e);
  m->card.n_link = 1;
  buf_free(&key);
  buf_free(&cert);
  return err;
}

static parley_err make_keys(struct making *m, struct errmsg *e) {
  parley_err err = key_make_signing(&m->statement, m->card.statement, e);
  if (!err) err = key_make_signing(&m->log, m->card.log, e);
  if (!err) err = key_make_signing(&m->mirror, m->card.mirror, e);
  if (!err) err = key_make_signing(&m->rotation, m->card.rotation, e);
  return err ? err : make_seal(m, e);
}

static parley_err put_keys(struct making *m, struct bytes rotation_passphrase, struct errmsg *e) {
  const struct bytes passphrase = m->ask->protect_keys ? m->ask->key_passphrase : BYTES_NONE;
  parley_err err = put_signing(m, "statement.pem", m->statement, passphrase, e);
  if (!err) err = put_signing(m, "log.pem", m->log, passphrase, e);
  if (!err) err = put_signing(m, "mirror.pem", m->mirror, passphrase, e);
  if (!err) err = put_signing(m, "rotation", m->rotation, rotation_passphrase, e);
  if (!err) err = put_seal(m, passphrase, e);
  return err ? err : put_link(m, passphrase, e);
}

/* ---- card and configuration ---- */

static bool is_wildcard(const char *listen) {
  const char *colon = strrchr(listen, ':');
  return !strncmp(listen, "0.0.0.0:", 8) || !strncmp(listen, "[::]:", 5) || (colon && !strcmp(colon, ":0"));
}

/* Refuses before anything is made what config_read would refuse later. */
static parley_err plan(struct making *m, struct errmsg *e) {
  struct config *c = &m->config;
  config_defaults(c);
  if (!m->ask->name || !party_name_valid(m->ask->name))
    return err_set(
        e, PARLEY_EINVAL,
        "name: must be a party's name: at least two labels of a-z 0-9 - joined by dots, such as cert.us.example");
  if (m->ask->protect_keys && m->ask->key_passphrase.n == 0)
    return err_set(e, PARLEY_EINVAL, "to protect the keys a passphrase is needed");
  snprintf(c->name, sizeof c->name, "%s", m->ask->name);
  if (m->ask->listen && snprintf(c->listen, sizeof c->listen, "%s", m->ask->listen) >= (int)sizeof c->listen)
    return err_set(e, PARLEY_EINVAL, "listen: has more than %zu bytes", sizeof c->listen - 1);
  if (m->ask->url && snprintf(c->url, sizeof c->url, "%s", m->ask->url) >= (int)sizeof c->url)
    return err_set(e, PARLEY_EINVAL, "url: has more than %d bytes", URL_MAX);
  if (!*c->url && is_wildcard(c->listen))
    return err_set(e, PARLEY_EINVAL, "listen: %s is no address that a counterpart can connect to; give the URL too",
                   c->listen);
  if (!*c->url) snprintf(c->url, sizeof c->url, "https://%s", c->listen);
  return PARLEY_OK;
}

static parley_err put_config(const struct making *m, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  struct config again;
  config_write(&text, &m->config);
  parley_err err = buf_ok(&text) ? path_join(path, m->at.dir, "parley.conf", e)
                                 : err_set(e, PARLEY_ENOMEM, "out of memory for parley.conf");
  if (!err) err = file_write(path, buf_view(&text), 0600, e);
  if (!err) err = config_read(&again, &m->at, e);
  buf_free(&text);
  return err;
}

static parley_err put_card(struct making *m, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf envelope = {0};
  const struct card_signers signers = {m->statement, m->log, m->mirror, NULL};
  parley_err err = card_make(&envelope, &m->card, &signers, e);
  if (!err) err = path_join(path, m->at.dir, "card.json", e);
  if (!err) err = file_write(path, buf_view(&envelope), 0644, e);
  buf_free(&envelope);
  return err;
}

static parley_err fill(struct making *m, struct bytes rotation_passphrase, struct errmsg *e) {
  static const char *const folders[] = {"keys", "signer", "trust", "forms"};
  char path[HOME_PATH_MAX];
  struct card *c = &m->card;
  parley_err err = put_config(m, e);
  for (size_t i = 0; !err && i < sizeof folders / sizeof *folders; i++) {
    err = path_join(path, m->at.dir, folders[i], e);
    if (!err) err = dir_make(path, e);
  }
  snprintf(c->name, sizeof c->name, "%s", m->config.name);
  snprintf(c->submission, sizeof c->submission, "%s", m->config.url);
  snprintf(c->monitoring, sizeof c->monitoring, "%s", m->config.url);
  c->not_before = m->ask->now - KEY_DAY;
  c->not_after = m->ask->now + CARD_DAYS * KEY_DAY;
  if (!err) err = make_keys(m, e);
  if (!err) err = put_keys(m, rotation_passphrase, e);
  if (!err) err = put_card(m, e);
  return err ? err : dir_sync(m->at.dir, e);
}

/* ---- place ---- */

static parley_err occupied(const struct home *h, struct errmsg *e) {
  if (home_exists(h))
    return err_set(e, PARLEY_ECONFLICT, "there is a home in %s already; it was left as it is", h->dir);
  return err_set(e, PARLEY_ECONFLICT, "%s is there and not empty; choose another place or move it away", h->dir);
}

static bool is_free(const struct home *h) {
  DIR *d = opendir(h->dir);
  if (!d) return errno == ENOENT;
  size_t n = 0;
  for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
    n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
  closedir(d);
  return n == 0;
}

static parley_err open_beside(struct home *out, const struct home *h, struct errmsg *e) {
  if (!is_free(h)) return occupied(h, e);
  if (snprintf(out->dir, sizeof out->dir, "%s.XXXXXX", h->dir) + 64 >= (int)sizeof out->dir)
    return err_set(e, PARLEY_ELIMIT, "the path %.200s… is too long for a home", h->dir);
  const parley_err err = dir_make_parents(h->dir, e);
  if (err || mkdtemp(out->dir)) return err;
  return err_set(e, PARLEY_EIO, "cannot make a home beside %s: %s", h->dir, strerror(errno));
}

static parley_err put_in_place(const struct making *m, const struct home *h, struct errmsg *e) {
  if (rename(m->at.dir, h->dir) == 0) return dir_sync_parent(h->dir, e);
  if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) return occupied(h, e);
  return err_set(e, PARLEY_EIO, "cannot put the home in %s: %s", h->dir, strerror(errno));
}

parley_err home_init(const struct home *h, const struct home_new *n, struct buf *made, struct errmsg *e) {
  struct making m = {.ask = n};
  struct buf passphrase = {0};
  unsigned log_n;
  parley_err err = plan(&m, e);
  if (!err) err = secret_work_factor(&log_n, e);
  if (!err) err = open_beside(&m.at, h, e);
  if (err) return err;
  if (n->rotation_passphrase.n == 0) err = secret_passphrase(&passphrase, e);
  if (!err) err = fill(&m, passphrase.n ? buf_view(&passphrase) : n->rotation_passphrase, e);
  if (!err) buf_bytes(made, buf_view(&passphrase)); /* before the rename: what is lost here could not be told again */
  if (!err && !buf_ok(made)) err = err_set(e, PARLEY_ENOMEM, "out of memory for a passphrase");
  if (!err) err = put_in_place(&m, h, e);
  if (err) dir_remove(m.at.dir);
  ed25519_free(m.statement);
  ed25519_free(m.log);
  ed25519_free(m.mirror);
  ed25519_free(m.rotation);
  buf_free(&passphrase);
  wipe(&m, sizeof m);
  return err;
}
