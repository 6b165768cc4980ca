#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/time.h"
#include "forum/card_keys.h"

#define PIN_PREFIX "sha256//"

bool link_pin_digest(uint8_t out[static 32], const char *pin) {
  size_t n = strlen(PIN_PREFIX);
  return strncmp(pin, PIN_PREFIX, n) == 0 && base64_decode_fixed(out, 32, bytes_str(pin + n), true);
}

size_t card_keys(struct card_key out[static CARD_KEYS_MAX], const struct card *c) {
  const char *const names[] = {"keys.statement", "keys.rotation", "keys.log", "keys.mirror"};
  const uint8_t *const keys[] = {c->statement, c->rotation, c->log, c->mirror};
  size_t n = 0;
  for (; n < 4; n++) {
    out[n] = (struct card_key){.what = names[n]};
    memcpy(out[n].value, keys[n], 32);
  }
  for (size_t i = 0; i < c->n_seal; i++) {
    out[n] = (struct card_key){.what = "keys.seal", .index = i};
    memcpy(out[n++].value, c->seal[i].recipient, 32);
  }
  for (size_t i = 0; i < c->n_link; i++) {
    out[n] = (struct card_key){.what = "keys.link", .index = i};
    if (link_pin_digest(out[n].value, c->link[i])) n++;
  }
  return n;
}

/* "keys.log", "keys.seal[2]". */
static void key_path(char out[static 32], const struct card_key *k) {
  bool listed = strcmp(k->what, "keys.seal") == 0 || strcmp(k->what, "keys.link") == 0;
  if (listed)
    snprintf(out, 32, "%s[%zu]", k->what, k->index);
  else
    snprintf(out, 32, "%s", k->what);
}

parley_err card_check_own_keys(const struct card *c, struct errmsg *e) {
  struct card_key keys[CARD_KEYS_MAX];
  size_t n = card_keys(keys, c);
  for (size_t i = 1; i < n; i++)
    for (size_t k = 0; k < i; k++)
      if (memcmp(keys[i].value, keys[k].value, 32) == 0) {
        char first[32], second[32];
        key_path(first, &keys[k]);
        key_path(second, &keys[i]);
        return err_set(e, PARLEY_ECONFLICT, "%s: is the key of %s; each use needs a key of its own", second, first);
      }
  return PARLEY_OK;
}

parley_err card_check_distinct(const struct card *a, const struct card *b, struct errmsg *e) {
  struct card_key of_a[CARD_KEYS_MAX], of_b[CARD_KEYS_MAX];
  size_t n_a = card_keys(of_a, a), n_b = card_keys(of_b, b);
  for (size_t i = 0; i < n_a; i++)
    for (size_t k = 0; k < n_b; k++)
      if (memcmp(of_a[i].value, of_b[k].value, 32) == 0) {
        char first[32], second[32];
        key_path(first, &of_a[i]);
        key_path(second, &of_b[k]);
        return err_set(e, PARLEY_ECONFLICT, "%s of %s is also %s of %s; no two parties may share a key", first, a->name,
                       second, b->name);
      }
  return PARLEY_OK;
}

parley_err card_check_time(const struct card *c, int64_t now, struct errmsg *e) {
  char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE], at[TIME_TEXT_SIZE];
  time_format(from, c->not_before);
  time_format(to, c->not_after);
  time_format(at, now);
  if (now < c->not_before)
    return err_set(e, PARLEY_EREFUSED, "the card of %s is valid from %s on, and it is %s; check the clock or wait",
                   c->name, from, at);
  if (now > c->not_after)
    return err_set(e, PARLEY_EREFUSED, "the card of %s expired at %s, and it is %s; ask that party for its next card",
                   c->name, to, at);
  return PARLEY_OK;
}

parley_err card_recipient(const uint8_t **out, const struct card *c, const char *label, struct errmsg *e) {
  char labels[SEAL_KEYS_MAX * (SEAL_LABEL_MAX + 2) + 1] = "";
  size_t used = 0;
  for (size_t i = 0; i < c->n_seal; i++) {
    if (strcmp(c->seal[i].label, label) == 0) {
      *out = c->seal[i].recipient;
      return PARLEY_OK;
    }
    used += (size_t)snprintf(labels + used, sizeof labels - used, "%s%s", i > 0 ? ", " : "", c->seal[i].label);
  }
  return err_set(e, PARLEY_ENOTFOUND, "%s has no desk \"%.*s\"; there are: %s", c->name, SEAL_LABEL_MAX, label, labels);
}

parley_err card_log_vkey(struct vkey *out, const struct card *c, const char *origin, struct errmsg *e) {
  return vkey_make(out, origin, NOTE_ED25519, c->log, e);
}

parley_err card_mirror_vkey(struct vkey *out, const struct card *c, struct errmsg *e) {
  char name[PARTY_NAME_MAX + sizeof "/mirror"];
  snprintf(name, sizeof name, "%s/mirror", c->name);
  return vkey_make(out, name, NOTE_COSIGNATURE, c->mirror, e);
}

parley_err card_check_url(const char *url, const char *member, struct errmsg *e) {
  const char *scheme = "https://";
  size_t n = strlen(url), start = strlen(scheme);
  if (strncmp(url, scheme, start) != 0 || n == start || url[start] == '/')
    return err_set(e, PARLEY_EINVAL, "%s: must be https:// and a host", member);
  if (n > URL_MAX) return err_set(e, PARLEY_EINVAL, "%s: has %zu bytes, allowed are %d", member, n, URL_MAX);
  if (url[n - 1] == '/') return err_set(e, PARLEY_EINVAL, "%s: ends with a slash; leave it out", member);
  for (size_t i = start; i < n; i++)
    if (url[i] <= ' ' || url[i] > '~' || url[i] == '?' || url[i] == '#')
      return err_set(e, PARLEY_EINVAL,
                     "%s: has a character at byte %zu that such a URL may not have (printable ASCII without ? and #)",
                     member, i + 1);
  return PARLEY_OK;
}
