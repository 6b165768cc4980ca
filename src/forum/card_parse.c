#include <inttypes.h>
#include <string.h>

#include "base/encoding.h"
#include "forum/card_keys.h"
#include "forum/fields.h"
#include "formats/age.h"

static parley_err parse_pem(uint8_t out[static 32], const json_t *keys, const char *name, struct errmsg *e) {
  const char *s;
  parley_err err = json_get_str(&s, keys, "keys", name, e);
  if (err != PARLEY_OK) return err;
  err = ed25519_from_spki_pem(out, bytes_str(s), e);
  return err == PARLEY_OK ? err : err_prefix(e, err, "keys.%s", name);
}

/* The vkey is the one that the party's name and the key make, so its text says nothing of its own. */
static parley_err parse_vkey(uint8_t out[static 32], const json_t *keys, const char *name, uint8_t type,
                             const struct card *c, struct errmsg *e) {
  const char *s;
  struct vkey k;
  size_t n = strlen(c->name);
  const char *suffix = type == NOTE_COSIGNATURE ? "/mirror" : "";
  parley_err err = json_get_str(&s, keys, "keys", name, e);
  if (err != PARLEY_OK) return err;
  err = vkey_parse(&k, bytes_str(s), e);
  if (err != PARLEY_OK) return err_prefix(e, err, "keys.%s", name);
  if (k.type != type)
    return err_set(e, PARLEY_EINVAL, "keys.%s: is a vkey of type 0x%02x, must be 0x%02x", name, k.type, type);
  if (strncmp(k.name, c->name, n) != 0 || strcmp(k.name + n, suffix) != 0)
    return err_set(e, PARLEY_EINVAL, "keys.%s: is named \"%.100s\", must be \"%s%s\"", name, k.name, c->name, suffix);
  memcpy(out, k.pub, 32);
  return PARLEY_OK;
}

static parley_err parse_seal_key(struct card *c, const json_t *arr, size_t i, struct errmsg *e) {
  char path[PATH_SIZE];
  json_t *obj;
  const char *recipient;
  struct card_seal *s = &c->seal[i];
  parley_err err = fields_item_obj(&obj, path, arr, "keys.seal", i, e);
  if (err == PARLEY_OK) err = fields_order(obj, path, (const char *const[]){"label", "recipient", NULL}, e);
  if (err == PARLEY_OK) err = fields_text(s->label, sizeof s->label, obj, path, "label", e);
  if (err == PARLEY_OK && !seal_label_valid(s->label))
    err = err_set(e, PARLEY_EINVAL, "%s.label: has characters other than a-z 0-9 -", path);
  for (size_t k = 0; k < i && err == PARLEY_OK; k++)
    if (strcmp(c->seal[k].label, s->label) == 0)
      err = err_set(e, PARLEY_EINVAL, "%s.label: \"%s\" stands twice", path, s->label);
  if (err == PARLEY_OK) err = json_get_str(&recipient, obj, path, "recipient", e);
  if (err != PARLEY_OK) return err;
  err = age_recipient_parse(s->recipient, bytes_str(recipient), e);
  return err == PARLEY_OK ? err : err_prefix(e, err, "%s.recipient", path);
}

static parley_err parse_seal(struct card *c, const json_t *keys, struct errmsg *e) {
  json_t *arr;
  const uint8_t *duty;
  parley_err err = json_get_arr(&arr, keys, "keys", "seal", 1, SEAL_KEYS_MAX, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    err = parse_seal_key(c, arr, i, e);
    c->n_seal = i + 1;
  }
  if (err == PARLEY_OK && card_recipient(&duty, c, "duty", NULL) != PARLEY_OK)
    err = err_set(e, PARLEY_EINVAL, "keys.seal: no key has the label \"duty\"; one must");
  return err;
}

static parley_err parse_link(struct card *c, const json_t *keys, struct errmsg *e) {
  json_t *arr;
  parley_err err = json_get_arr(&arr, keys, "keys", "link", 1, LINK_PINS_MAX, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    const char *s;
    uint8_t digest[32];
    err = fields_item_str(&s, arr, "keys.link", i, e);
    if (err == PARLEY_OK && !link_pin_digest(digest, s))
      err = err_set(e, PARLEY_EINVAL, "keys.link[%zu]: must be sha256// and the padded base64 of 32 bytes", i);
    if (err == PARLEY_OK) memcpy(c->link[c->n_link++], s, LINK_PIN_SIZE);
  }
  return err;
}

static parley_err parse_keys(struct card *c, const json_t *top, struct errmsg *e) {
  json_t *keys;
  const char *const names[] = {"statement", "rotation", "log", "mirror", "seal", "link", NULL};
  parley_err err = json_get_obj(&keys, top, "", "keys", e);
  if (err == PARLEY_OK) err = fields_order(keys, "keys", names, e);
  if (err == PARLEY_OK) err = parse_pem(c->statement, keys, "statement", e);
  if (err == PARLEY_OK) err = parse_pem(c->rotation, keys, "rotation", e);
  if (err == PARLEY_OK) err = parse_vkey(c->log, keys, "log", NOTE_ED25519, c, e);
  if (err == PARLEY_OK) err = parse_vkey(c->mirror, keys, "mirror", NOTE_COSIGNATURE, c, e);
  if (err == PARLEY_OK) err = parse_seal(c, keys, e);
  if (err == PARLEY_OK) err = parse_link(c, keys, e);
  return err == PARLEY_OK ? card_check_own_keys(c, e) : err;
}

static parley_err parse_url(char out[static URL_MAX + 1], const json_t *top, const char *name, struct errmsg *e) {
  parley_err err = fields_text(out, URL_MAX + 1, top, "", name, e);
  return err == PARLEY_OK ? card_check_url(out, name, e) : err;
}

static parley_err parse_payload(struct card *c, const json_t *top, struct errmsg *e) {
  const char *const names[] = {"name", "serial", "not_before", "not_after", "submission", "monitoring", "keys", NULL};
  int64_t serial = 0;
  parley_err err = fields_order(top, "", names, e);
  if (err == PARLEY_OK) err = fields_party(c->name, sizeof c->name, top, "", "name", e);
  if (err == PARLEY_OK) err = json_get_int(&serial, top, "", "serial", 0, JSON_INT_MAX, e);
  c->serial = (uint64_t)serial;
  if (err == PARLEY_OK) err = json_get_time(&c->not_before, top, "", "not_before", e);
  if (err == PARLEY_OK) err = json_get_time(&c->not_after, top, "", "not_after", e);
  if (err == PARLEY_OK) err = parse_url(c->submission, top, "submission", e);
  if (err == PARLEY_OK) err = parse_url(c->monitoring, top, "monitoring", e);
  return err == PARLEY_OK ? parse_keys(c, top, e) : err;
}

static parley_err check_signature(const struct dsse *d, struct bytes pae, size_t i, const uint8_t pub[static 32],
                                  const char *whose, struct errmsg *e) {
  char keyid[65];
  if (i >= d->n) return err_set(e, PARLEY_EVERIFY, "signatures[%zu]: the signature by the %s key is missing", i, whose);
  ed25519_keyid(keyid, pub);
  if (strcmp(keyid, d->sigs[i].keyid) != 0)
    return err_set(e, PARLEY_EVERIFY, "signatures[%zu]: is not by the %s key, which must sign here", i, whose);
  if (!ed25519_verify(pub, d->sigs[i].sig, pae))
    return err_set(e, PARLEY_EVERIFY, "signatures[%zu]: the signature by the %s key does not verify", i, whose);
  return PARLEY_OK;
}

/* docs/protocol.md, "Card": statement, log and mirror key, then the rotation key of the card before. */
static parley_err check_signatures(const struct card *c, const struct dsse *d, struct bytes pae,
                                   const struct card *before, struct errmsg *e) {
  const uint8_t *const keys[] = {c->statement, c->log, c->mirror};
  const char *const whose[] = {"statement", "log", "mirror"};
  size_t demanded = c->serial > 0 ? 4 : 3;
  for (size_t i = 0; i < 3; i++) {
    parley_err err = check_signature(d, pae, i, keys[i], whose[i], e);
    if (err != PARLEY_OK) return err;
  }
  if (d->n < demanded)
    return err_set(e, PARLEY_EVERIFY, "signatures[3]: the signature by the predecessor's rotation key is missing");
  if (d->n > demanded)
    return err_set(e, PARLEY_EINVAL, "signatures: there are %zu, a card of serial %" PRIu64 " has %zu", d->n, c->serial,
                   demanded);
  return demanded == 4 && before != NULL ? check_signature(d, pae, 3, before->rotation, "predecessor's rotation", e)
                                         : PARLEY_OK;
}

static parley_err check_before(const struct card *c, const struct card *before, struct errmsg *e) {
  if (strcmp(c->name, before->name) != 0)
    return err_set(e, PARLEY_ECONFLICT, "name: is %s, the card before is of %s", c->name, before->name);
  if (c->serial != before->serial + 1)
    return err_set(e, PARLEY_ECONFLICT, "serial: is %" PRIu64 ", must be %" PRIu64 " after the card at hand", c->serial,
                   before->serial + 1);
  return PARLEY_OK;
}

parley_err card_parse(struct card *out, struct arena *a, struct bytes envelope, const struct card *before,
                      bool *unproved, struct errmsg *e) {
  struct dsse d;
  struct bytes pae;
  json_t *top = NULL;
  *out = (struct card){0};
  parley_err err = fields_envelope(&d, a, envelope, CARD_SIZE_MAX, CARD_TYPE, e);
  if (err == PARLEY_OK) err = json_parse(&top, d.payload, CARD_SIZE_MAX, e);
  if (err == PARLEY_OK) err = parse_payload(out, top, e);
  if (err == PARLEY_OK && before != NULL) err = check_before(out, before, e);
  if (err == PARLEY_OK) err = fields_pae(&pae, a, &d, e);
  if (err == PARLEY_OK) err = check_signatures(out, &d, pae, before, e);
  json_decref(top);
  if (err != PARLEY_OK) return err_prefix(e, err, "card");
  if (unproved != NULL) *unproved = out->serial > 0 && before == NULL;
  sha256(out->fingerprint, d.payload);
  out->envelope = arena_copy(a, envelope);
  return out->envelope.p != NULL ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while reading a card");
}
