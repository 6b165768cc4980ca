/*
 * Pins: trust/<party>/ with card.json, pin.json and what the pin rests on. A pin is made beside its place and renamed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"
#include "home/dirs.h"

#define PIN_SIZE_MAX 4096

static parley_err pin_path(char out[static HOME_PATH_MAX], const struct home *h, const char *party, const char *name,
                           struct errmsg *e) {
  char inner[PARTY_NAME_MAX + 64];
  snprintf(inner, sizeof inner, "trust/%s%s%s", party, *name ? "/" : "", name);
  return path_join(out, h->dir, inner, e);
}

/* ---- reading ---- */

static parley_err pin_parse(struct pin *out, struct bytes text, struct errmsg *e) {
  static const char *const members[] = {"party", "fingerprint", "pinned_at", "basis", NULL};
  static const char *const basis_members[] = {"name", "sha256", NULL};
  const char *party = "", *basis_name = "";
  json_t *v = NULL, *basis = NULL;
  parley_err err = json_parse(&v, text, PIN_SIZE_MAX, e);
  if (!err) err = json_only(v, "", members, e);
  if (!err) err = json_get_str(&party, v, "", "party", e);
  if (!err) err = json_get_hex(out->fingerprint, SHA256_SIZE, v, "", "fingerprint", e);
  if (!err) err = json_get_time(&out->pinned_at, v, "", "pinned_at", e);
  if (!err && json_object_get(v, "basis")) {
    err = json_get_obj(&basis, v, "", "basis", e);
    if (!err) err = json_only(basis, "basis", basis_members, e);
    if (!err) err = json_get_str(&basis_name, basis, "basis", "name", e);
    if (!err) err = json_get_hex(out->basis_sha256, SHA256_SIZE, basis, "basis", "sha256", e);
  }
  if (!err && (!party_name_valid(party) || strlen(basis_name) >= sizeof out->basis_name))
    err = err_set(e, PARLEY_EINVAL, "party or basis.name: malformed");
  if (!err) snprintf(out->party, sizeof out->party, "%s", party);
  if (!err) snprintf(out->basis_name, sizeof out->basis_name, "%s", basis_name);
  json_decref(v);
  return err;
}

static parley_err read_pin(struct pin *out, const struct home *h, const char *party, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  parley_err err = pin_path(path, h, party, "pin.json", e);
  if (!err) err = file_read(&text, path, PIN_SIZE_MAX, e);
  if (!err) err = pin_parse(out, buf_view(&text), e);
  if (!err && strcmp(out->party, party) != 0) err = err_set(e, PARLEY_EINVAL, "pin.json names %s", out->party);
  buf_free(&text);
  return err;
}

static parley_err check_card(const struct pin *p, struct bytes envelope, struct errmsg *e) {
  struct arena a = {0};
  struct card c;
  bool unproved;
  parley_err err = card_parse(&c, &a, envelope, NULL, &unproved, e);
  if (!err && (strcmp(c.name, p->party) != 0 || memcmp(c.fingerprint, p->fingerprint, SHA256_SIZE) != 0))
    err = err_set(e, PARLEY_EVERIFY, "card.json is not the card that was pinned");
  arena_free(&a);
  return err;
}

static parley_err check_basis(const struct pin *p, const struct home *h, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  uint8_t digest[SHA256_SIZE];
  struct buf basis = {0};
  if (!*p->basis_name) return PARLEY_OK;
  parley_err err = pin_path(path, h, p->party, "basis", e);
  if (!err) err = file_read(&basis, path, PIN_BASIS_MAX, e);
  if (!err) sha256(digest, buf_view(&basis));
  if (!err && memcmp(digest, p->basis_sha256, SHA256_SIZE) != 0)
    err = err_set(e, PARLEY_EVERIFY, "the file basis is not the one that the pin rests on");
  buf_free(&basis);
  return err;
}

static parley_err visit(const struct home *h, const char *party, pin_fn f, void *ctx, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct pin p = {0};
  struct buf card = {0};
  parley_err err =
      party_name_valid(party) ? read_pin(&p, h, party, e) : err_set(e, PARLEY_EINVAL, "is no party's name");
  if (!err) err = pin_path(path, h, party, "card.json", e);
  if (!err) err = file_read(&card, path, CARD_SIZE_MAX, e);
  if (!err) err = check_card(&p, buf_view(&card), e);
  if (!err) err = check_basis(&p, h, e);
  if (err)
    err_prefix(e, err,
               "the pin in %.256s/trust/%.64s is damaged; restore the folder from a backup, or remove it and trust the "
               "party again",
               h->dir, party);
  else
    err = f(ctx, &p, buf_view(&card), e);
  buf_free(&card);
  return err;
}

parley_err home_pins(const struct home *h, pin_fn f, void *ctx, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct dir_names names;
  parley_err err = path_join(path, h->dir, "trust", e);
  if (!err) err = dir_list(&names, path, e);
  if (err) return err;
  for (size_t i = 0; !err && i < names.n; i++) err = visit(h, names.name[i], f, ctx, e);
  free(names.name);
  return err;
}

/* ---- pinning ---- */

struct candidate {
  const struct card *card;
  bool already;
};

static parley_err conflicts_with(void *ctx, const struct pin *p, struct bytes envelope, struct errmsg *e) {
  struct candidate *c = ctx;
  struct arena a = {0};
  struct card other;
  char groups[80];
  bool unproved;
  if (!strcmp(p->party, c->card->name)) {
    c->already = !memcmp(p->fingerprint, c->card->fingerprint, SHA256_SIZE);
    if (c->already) return PARLEY_OK;
    fingerprint_groups(groups, p->fingerprint);
    return err_set(
        e, PARLEY_ECONFLICT,
        "%s is pinned to another card already (fingerprint %.19s …); ask %s by another channel which one is theirs",
        p->party, groups, p->party);
  }
  parley_err err = card_parse(&other, &a, envelope, NULL, &unproved, e);
  if (!err) err = card_check_distinct(c->card, &other, e);
  arena_free(&a);
  return err;
}

static parley_err check_own(const struct home *h, const struct card *c, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  struct arena a = {0};
  struct card own;
  bool unproved;
  parley_err err = path_join(path, h->dir, "card.json", e);
  if (!err) err = file_read(&text, path, CARD_SIZE_MAX, e);
  if (!err) err = card_parse(&own, &a, buf_view(&text), NULL, &unproved, e);
  if (!err && !strcmp(own.name, c->name))
    err = err_set(e, PARLEY_ECONFLICT, "%s is our own name; a party does not trust itself", c->name);
  if (!err) err = card_check_distinct(c, &own, e);
  arena_free(&a);
  buf_free(&text);
  return err;
}

static parley_err check_new(const struct home *h, const struct card *c, const uint8_t fingerprint[static SHA256_SIZE],
                            int64_t now, bool *already, struct errmsg *e) {
  char is[80], expected[80];
  struct candidate candidate = {.card = c};
  if (memcmp(c->fingerprint, fingerprint, SHA256_SIZE) != 0) {
    fingerprint_groups(is, c->fingerprint);
    fingerprint_groups(expected, fingerprint);
    return err_set(e, PARLEY_EREFUSED,
                   "the card of %s has the fingerprint %.19s …, not %.19s …; it is not the card that was compared",
                   c->name, is, expected);
  }
  parley_err err = card_check_time(c, now, e);
  if (!err) err = check_own(h, c, e);
  if (!err) err = home_pins(h, conflicts_with, &candidate, e);
  *already = candidate.already;
  return err;
}

/* ---- writing ---- */

static parley_err pin_write(struct buf *out, const struct pin *p, struct errmsg *e) {
  json_t *v = json_object(), *basis = NULL;
  bool ok = v && json_put_str(v, "party", p->party) && json_put_hex(v, "fingerprint", p->fingerprint, SHA256_SIZE) &&
            json_put_time(v, "pinned_at", p->pinned_at);
  if (ok && *p->basis_name) {
    basis = json_object();
    ok = basis && json_put_str(basis, "name", p->basis_name) &&
         json_put_hex(basis, "sha256", p->basis_sha256, SHA256_SIZE) && json_object_set(v, "basis", basis) == 0;
  }
  ok = ok && json_write_pretty(out, v) && buf_ok(out);
  json_decref(basis);
  json_decref(v);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory for a pin");
}

static parley_err put(const struct home *h, const char *folder, const char *name, struct bytes data, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  const parley_err err = pin_path(path, h, folder, name, e);
  return err ? err : file_write(path, data, 0600, e);
}

static parley_err put_files(const struct home *h, const char *folder, const struct pin *p, struct bytes card,
                            struct bytes basis, struct errmsg *e) {
  struct buf text = {0};
  parley_err err = pin_write(&text, p, e);
  if (!err) err = put(h, folder, "card.json", card, e);
  if (!err && *p->basis_name) err = put(h, folder, "basis", basis, e);
  if (!err) err = put(h, folder, "pin.json", buf_view(&text), e);
  buf_free(&text);
  return err;
}

static parley_err put_pin(const struct home *h, const struct pin *p, struct bytes card, struct bytes basis,
                          struct errmsg *e) {
  char folder[PARTY_NAME_MAX + 8], trust[HOME_PATH_MAX], beside[HOME_PATH_MAX], place[HOME_PATH_MAX];
  snprintf(folder, sizeof folder, ".%s.new", p->party);
  parley_err err = path_join(trust, h->dir, "trust", e);
  if (!err) err = pin_path(beside, h, folder, "", e);
  if (!err) err = pin_path(place, h, p->party, "", e);
  if (!err) err = dir_make(trust, e);
  if (err) return err;
  dir_remove(beside); /* left by a process that ended half way */
  err = dir_make(beside, e);
  if (!err) err = put_files(h, folder, p, card, basis, e);
  if (!err && rename(beside, place) != 0)
    err = err_set(e, PARLEY_EIO, "cannot put the pin in %s: %s", place, strerror(errno));
  if (err) dir_remove(beside);
  return err ? err : dir_sync(trust, e);
}

/* A base name for people: what leads to it is nobody's business, and control characters have no place in a listing. */
static parley_err basis_name_set(struct pin *p, const char *name, struct errmsg *e) {
  const char *slash = name ? strrchr(name, '/') : NULL;
  const char *base = slash ? slash + 1 : name && *name ? name : "basis";
  bool ok = *base && strlen(base) < sizeof p->basis_name && utf8_valid(bytes_str(base));
  for (const char *c = base; *c; c++) ok = ok && (unsigned char)*c >= ' ' && *c != 0x7f;
  if (!ok)
    return err_set(e, PARLEY_EINVAL,
                   "basis: the name of the file must be 1 to 255 bytes of UTF-8 without control characters");
  snprintf(p->basis_name, sizeof p->basis_name, "%s", base);
  return PARLEY_OK;
}

parley_err home_pin(const struct home *h, struct bytes card_envelope, const uint8_t fingerprint[static SHA256_SIZE],
                    const char *basis_name, struct bytes basis, int64_t now, bool *already, struct errmsg *e) {
  struct arena a = {0};
  struct card c;
  bool unproved;
  *already = false;
  parley_err err = card_parse(&c, &a, card_envelope, NULL, &unproved, e);
  if (!err) err = check_new(h, &c, fingerprint, now, already, e);
  if (!err && basis.n > PIN_BASIS_MAX)
    err = err_set(e, PARLEY_ELIMIT, "basis: has %zu bytes, at most %u are kept", basis.n, PIN_BASIS_MAX);
  if (!err && !*already) {
    struct pin p = {.pinned_at = now};
    memcpy(p.party, c.name, sizeof p.party);
    memcpy(p.fingerprint, c.fingerprint, SHA256_SIZE);
    if (basis.n) err = basis_name_set(&p, basis_name, e);
    if (basis.n) sha256(p.basis_sha256, basis);
    if (!err) err = put_pin(h, &p, card_envelope, basis, e);
  }
  arena_free(&a);
  return err;
}
