/*
 * The next card of a home: some keys new, the others as they are, signed with the rotation key that comes from the safe.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "home/key_files.h"

struct renewing {
  const struct home *home;
  const struct home_renewal *ask;
  struct arena arena;
  struct card before, card;
  struct key_reader reader;
  struct key_change change;
  struct ed25519_key *statement, *log, *mirror, *rotation, *new_rotation;
  int64_t days;
  bool protect; /* keys that stay here are protected by the reader's passphrase */
};

static parley_err read_before(struct renewing *r, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  parley_err err = path_join(path, r->home->dir, "card.json", e);
  if (!err) err = file_read(&text, path, CARD_SIZE_MAX, e);
  if (!err) err = card_parse(&r->before, &r->arena, buf_view(&text), NULL, NULL, e);
  buf_free(&text);
  return err;
}

static parley_err open_rotation(struct renewing *r, struct errmsg *e) {
  struct buf typed = {0}, pem = {0};
  parley_err err = home_passphrase((void *)(uintptr_t)r->ask->rotation_passphrase, "the rotation key", &typed, e);
  if (!err) err = secret_open(&pem, r->ask->rotation, buf_view(&typed), e);
  if (err == PARLEY_ENOTFOUND) err = err_set(e, PARLEY_EREFUSED, "the passphrase of the rotation key is wrong");
  if (!err) err = ed25519_from_pem(&r->rotation, buf_view(&pem), e);
  if (err) err_prefix(e, err, "rotation key");
  if (!err && memcmp(ed25519_public(r->rotation), r->before.rotation, 32) != 0)
    err = err_set(e, PARLEY_EREFUSED,
                  "this is not the rotation key of the card in force (serial %llu); take the one that belongs to it",
                  (unsigned long long)r->before.serial);
  buf_free(&typed);
  buf_free(&pem);
  return err;
}

/* Whether new keys are to be protected: as the link key is, which every home has. The passphrase is asked for by reading it. */
static parley_err find_protection(struct renewing *r, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  const parley_err err = key_text(&text, path, &r->reader, "link.key.pem", e);
  buf_free(&text);
  r->protect = !err && r->reader.passphrase.n > 0;
  return err;
}

static struct bytes passphrase(const struct renewing *r) {
  return r->protect ? buf_view(&r->reader.passphrase) : BYTES_NONE;
}

/* ---- signing keys ---- */

static parley_err put_signing(const struct renewing *r, const char *name, const struct ed25519_key *k,
                              struct errmsg *e) {
  struct buf pem = {0};
  parley_err err = ed25519_to_pem(&pem, k, e);
  if (!err) err = change_put_secret(&r->change, name, buf_view(&pem), passphrase(r), e);
  buf_free(&pem);
  return err;
}

/* A new key, or the one that stays. */
static parley_err signing(struct renewing *r, struct ed25519_key **out, uint8_t pub[static 32], bool replace,
                          const char *name, struct errmsg *e) {
  char inner[64];
  snprintf(inner, sizeof inner, "keys/%s", name);
  parley_err err = replace ? key_make_signing(out, pub, e) : key_signing(out, &r->reader, name, e);
  if (!err && replace) return put_signing(r, inner, *out, e);
  if (!err && memcmp(ed25519_public(*out), pub, 32) != 0)
    err = err_set(e, PARLEY_ECONFLICT, "%s is not the key that card.json names; restore it, or replace that key too",
                  inner);
  return err;
}

/* Where the old log key is lost, it is done without (docs/protocol.md, "A new card"). */
static parley_err keep_log(struct renewing *r, struct errmsg *e) {
  struct ed25519_key *old = NULL;
  if (!r->ask->log) return PARLEY_OK;
  parley_err err = key_signing(&old, &r->reader, "log.pem", NULL);
  if (err == PARLEY_ENOTFOUND) return PARLEY_OK;
  err = old ? put_signing(r, "keys/before/log.pem", old, e)
            : err_set(e, err, "keys/log.pem is there and cannot be read; move it away if it is lost");
  ed25519_free(old);
  return err;
}

static parley_err make_signing_keys(struct renewing *r, struct errmsg *e) {
  struct card *c = &r->card;
  parley_err err = signing(r, &r->statement, c->statement, r->ask->statement, "statement.pem", e);
  if (!err) err = keep_log(r, e);
  if (!err) err = signing(r, &r->log, c->log, r->ask->log, "log.pem", e);
  if (!err) err = signing(r, &r->mirror, c->mirror, r->ask->mirror, "mirror.pem", e);
  if (!err && r->ask->new_rotation) err = key_make_signing(&r->new_rotation, c->rotation, e);
  return err;
}

/* ---- seal keys ---- */

static bool listed(const char *const *list, const char *label) {
  for (; list && *list; list++)
    if (!strcmp(*list, label)) return true;
  return false;
}

static const char *unknown(const struct card *c, const char *const *list) {
  for (; list && *list; list++) {
    size_t i = 0;
    while (i < c->n_seal && strcmp(c->seal[i].label, *list)) i++;
    if (i == c->n_seal) return *list;
  }
  return NULL;
}

static parley_err check_labels(const struct renewing *r, struct errmsg *e) {
  const char *bad = unknown(&r->before, r->ask->seal);
  if (!bad) bad = unknown(&r->before, r->ask->drop);
  if (bad) return err_set(e, PARLEY_EINVAL, "the card has no seal key labelled %.40s", bad);
  if (listed(r->ask->drop, "duty")) return err_set(e, PARLEY_EINVAL, "the seal key labelled duty cannot be dropped");
  for (const char *const *a = r->ask->add; a && *a; a++) {
    for (size_t i = 0; i < r->before.n_seal; i++)
      if (!strcmp(r->before.seal[i].label, *a))
        return err_set(e, PARLEY_EINVAL, "the card has a seal key labelled %.40s already", *a);
    if (strlen(*a) > SEAL_LABEL_MAX || strspn(*a, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(*a) || !**a)
      return err_set(e, PARLEY_EINVAL, "a label has 1 to %d of a-z 0-9 -, not \"%.40s\"", SEAL_LABEL_MAX, *a);
  }
  return PARLEY_OK;
}

static parley_err new_seal(struct renewing *r, const char *label, struct errmsg *e) {
  struct age_identity id;
  struct buf text = {0};
  char name[32 + SEAL_LABEL_MAX];
  if (r->card.n_seal == SEAL_KEYS_MAX)
    return err_set(e, PARLEY_EINVAL, "a card has at most %d seal keys; drop one first", SEAL_KEYS_MAX);
  struct card_seal *s = &r->card.seal[r->card.n_seal++];
  parley_err err = key_make_seal(&id, e);
  if (!err) err = key_seal_text(&text, &id, e);
  snprintf(s->label, sizeof s->label, "%s", label);
  memcpy(s->recipient, id.pub, X25519_SIZE);
  snprintf(name, sizeof name, "keys/seal.%s.txt", label);
  if (!err) err = change_put_secret(&r->change, name, buf_view(&text), passphrase(r), e);
  buf_free(&text);
  wipe(&id, sizeof id);
  return err;
}

/* What was sealed to it stays readable: it goes on under the serial of the card that named it last. One that lies elsewhere stays there. */
static parley_err keep_seal(struct renewing *r, const char *label, struct errmsg *e) {
  char path[HOME_PATH_MAX], name[16 + SEAL_LABEL_MAX], old[48 + SEAL_LABEL_MAX];
  struct buf text = {0};
  snprintf(name, sizeof name, "seal.%s.txt", label);
  snprintf(old, sizeof old, "keys/seal.%s.%llu.txt", label, (unsigned long long)r->before.serial);
  parley_err err = key_text(&text, path, &r->reader, name, e);
  if (err == PARLEY_ENOTFOUND) return PARLEY_OK;
  if (!err) err = change_put_secret(&r->change, old, buf_view(&text), passphrase(r), e);
  buf_free(&text);
  return err;
}

static parley_err make_seal_keys(struct renewing *r, struct errmsg *e) {
  parley_err err = check_labels(r, e);
  r->card.n_seal = 0;
  for (size_t i = 0; i < r->before.n_seal && !err; i++) {
    const struct card_seal *s = &r->before.seal[i];
    const bool replace = listed(r->ask->seal, s->label), drop = listed(r->ask->drop, s->label);
    if (replace || drop) err = keep_seal(r, s->label, e);
    if (replace && !drop && !err)
      err = new_seal(r, s->label, e);
    else if (!drop)
      r->card.seal[r->card.n_seal++] = *s;
  }
  for (const char *const *a = r->ask->add; a && *a && !err; a++) err = new_seal(r, *a, e);
  return err;
}

/* ---- link key ---- */

/* Once the next one is in use, the card need not name the one before it any longer. */
static parley_err keep_link(struct renewing *r, struct errmsg *e) {
  struct card *c = &r->card;
  char next[HOME_PATH_MAX], path[HOME_PATH_MAX], pin[LINK_PIN_SIZE];
  struct buf cert = {0};
  parley_err err = path_join(next, r->home->dir, "keys/link.next.cert.pem", e);
  if (err || access(next, F_OK) == 0) return err;
  err = path_join(path, r->home->dir, "keys/link.cert.pem", e);
  if (!err) err = file_read(&cert, path, KEY_FILE_MAX, e);
  if (!err && (err = link_cert_pin(pin, buf_view(&cert), e))) err_prefix(e, err, "%s", path);
  buf_free(&cert);
  size_t i = 0;
  while (!err && i < c->n_link && strcmp(c->link[i], pin)) i++;
  if (!err && i == c->n_link)
    err = err_set(e, PARLEY_ECONFLICT, "%s is not the key that card.json names; restore the matching pair", path);
  if (err) return err;
  memcpy(c->link[0], pin, LINK_PIN_SIZE);
  c->n_link = 1;
  return PARLEY_OK;
}

/* The old one stays in use until every counterpart has the card that names the new one beside it. */
static parley_err make_link(struct renewing *r, struct errmsg *e) {
  struct buf key = {0}, cert = {0};
  struct card *c = &r->card;
  char path[HOME_PATH_MAX];
  if (!r->ask->link) return keep_link(r, e);
  parley_err err = path_join(path, r->home->dir, "keys/link.cert.pem", e);
  if (!err) err = file_read(&cert, path, KEY_FILE_MAX, e);
  if (!err && (err = link_cert_pin(c->link[1], buf_view(&cert), e))) err_prefix(e, err, "%s", path);
  buf_clear(&cert);
  c->n_link = 2;
  if (!err) err = link_cert_make(&key, &cert, c->link[0], c->name, c->not_before, (unsigned)(r->days + 2), e);
  if (!err) err = change_put_secret(&r->change, "keys/link.next.key.pem", buf_view(&key), passphrase(r), e);
  if (!err) err = change_put(&r->change, "keys/link.next.cert.pem", buf_view(&cert), 0600, e);
  buf_free(&key);
  buf_free(&cert);
  return err;
}

/* ---- the card ---- */

static parley_err put_cards(struct renewing *r, struct errmsg *e) {
  char name[48];
  struct buf envelope = {0};
  struct card again;
  const struct card_signers signers = {r->statement, r->log, r->mirror, r->rotation};
  parley_err err = card_make(&envelope, &r->card, &signers, e);
  if (!err) err = card_parse(&again, &r->arena, buf_view(&envelope), &r->before, NULL, e);
  if (!err) err = change_put(&r->change, "card.json", buf_view(&envelope), 0644, e);
  snprintf(name, sizeof name, "card.%llu.json", (unsigned long long)r->before.serial);
  if (!err) err = change_put(&r->change, name, r->before.envelope, 0644, e);
  buf_free(&envelope);
  return err;
}

/* Outside of the home, and before the change is decided: without it the next card could never be made. */
static parley_err put_rotation(struct renewing *r, struct buf *made, struct errmsg *e) {
  struct buf pem = {0}, sealed = {0};
  if (!r->new_rotation) return PARLEY_OK;
  if (access(r->ask->new_rotation, F_OK) == 0)
    return err_set(e, PARLEY_ECONFLICT, "%s is there already; name a file that is not", r->ask->new_rotation);
  parley_err err = r->ask->new_passphrase.n ? PARLEY_OK : secret_passphrase(made, e);
  if (!err) err = ed25519_to_pem(&pem, r->new_rotation, e);
  if (!err)
    err =
        secret_protect(&sealed, buf_view(&pem), r->ask->new_passphrase.n ? r->ask->new_passphrase : buf_view(made), e);
  if (!err) err = file_write(r->ask->new_rotation, buf_view(&sealed), 0600, e);
  if (!err && made->n && r->ask->tell) r->ask->tell(r->ask->new_rotation, buf_cstr(made));
  buf_free(&pem);
  buf_free(&sealed);
  return err;
}

static parley_err prepare(struct renewing *r, struct buf *made, struct errmsg *e) {
  struct card *c = &r->card;
  *c = r->before;
  c->serial++;
  c->not_before = r->ask->now - KEY_DAY;
  c->not_after = r->ask->now + r->days * KEY_DAY;
  if (r->ask->url) {
    if (strlen(r->ask->url) > URL_MAX) return err_set(e, PARLEY_EINVAL, "url: has more than %d bytes", URL_MAX);
    snprintf(c->submission, sizeof c->submission, "%s", r->ask->url);
    snprintf(c->monitoring, sizeof c->monitoring, "%s", r->ask->url);
  }
  parley_err err = make_signing_keys(r, e);
  if (!err) err = make_seal_keys(r, e);
  if (!err) err = make_link(r, e);
  if (!err) err = put_cards(r, e);
  return err ? err : put_rotation(r, made, e);
}

parley_err home_renew(const struct home *h, const struct home_renewal *n, struct buf *made, struct errmsg *e) {
  struct renewing r = {
      .home = h, .ask = n, .days = n->days ? n->days : CARD_DAYS, .reader = {.home = h, .ask = n->ask, .ctx = n->ctx}};
  parley_err err = home_finish_change(h, e);
  if (!err) err = read_before(&r, e);
  if (!err) err = open_rotation(&r, e);
  if (!err) err = find_protection(&r, e);
  if (!err) err = change_begin(&r.change, h, e);
  if (!err) {
    err = prepare(&r, made, e);
    if (!err)
      err = change_commit(&r.change, e);
    else
      change_drop(&r.change);
  }
  ed25519_free(r.statement);
  ed25519_free(r.log);
  ed25519_free(r.mirror);
  ed25519_free(r.rotation);
  ed25519_free(r.new_rotation);
  buf_free(&r.reader.passphrase);
  arena_free(&r.arena);
  wipe(&r, sizeof r);
  return err;
}
