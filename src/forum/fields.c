#include "forum/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "forum/card.h"

/* Index of name in names, or their number. */
static size_t position(const char *const names[], const char *name) {
  size_t i = 0;
  while (names[i] != NULL && strcmp(names[i], name) != 0) i++;
  return i;
}

static const char *dot(const char *path) { return path[0] == '\0' ? "" : "."; }

parley_err fields_order(const json_t *obj, const char *path, const char *const names[], struct errmsg *e) {
  parley_err err = json_only(obj, path, names, e);
  if (err != PARLEY_OK) return err;
  const char *key, *before = NULL;
  json_t *value;
  size_t last = 0;
  json_object_foreach((json_t *)obj, key, value) {
    size_t at = position(names, key);
    if (at < last)
      return err_set(e, PARLEY_EINVAL, "%s%s%s: stands after \"%s\"; it belongs before it", path, dot(path), key,
                     before);
    last = at;
    before = key;
  }
  return PARLEY_OK;
}

static parley_err copy_text(char *out, size_t size, const char *s, const char *path, const char *name,
                            struct errmsg *e) {
  size_t n = strlen(s);
  if (n == 0 || n >= size)
    return err_set(e, PARLEY_EINVAL, "%s%s%s: has %zu bytes, allowed are 1 to %zu", path, dot(path), name, n, size - 1);
  memcpy(out, s, n + 1);
  return PARLEY_OK;
}

parley_err fields_text(char *out, size_t size, const json_t *obj, const char *path, const char *name,
                       struct errmsg *e) {
  const char *s;
  parley_err err = json_get_str(&s, obj, path, name, e);
  return err != PARLEY_OK ? err : copy_text(out, size, s, path, name, e);
}

parley_err fields_text_opt(char *out, size_t size, const json_t *obj, const char *path, const char *name,
                           struct errmsg *e) {
  const char *s = NULL;
  parley_err err = json_get_str_opt(&s, obj, path, name, e);
  return err != PARLEY_OK || s == NULL ? err : copy_text(out, size, s, path, name, e);
}

parley_err fields_party(char *out, size_t size, const json_t *obj, const char *path, const char *name,
                        struct errmsg *e) {
  const char *s;
  parley_err err = json_get_str(&s, obj, path, name, e);
  if (err != PARLEY_OK) return err;
  if (!party_name_valid(s))
    return err_set(e, PARLEY_EINVAL,
                   "%s%s%s: no party's name (at least two labels of a-z 0-9 - joined by dots, at most %d bytes)", path,
                   dot(path), name, PARTY_NAME_MAX);
  return copy_text(out, size, s, path, name, e);
}

parley_err fields_item_str(const char **out, const json_t *arr, const char *path, size_t i, struct errmsg *e) {
  *out = json_string_value(json_array_get(arr, i));
  return *out != NULL ? PARLEY_OK : err_set(e, PARLEY_EINVAL, "%s[%zu]: must be a string", path, i);
}

parley_err fields_item_obj(json_t **out, char item_path[static PATH_SIZE], const json_t *arr, const char *path,
                           size_t i, struct errmsg *e) {
  snprintf(item_path, PATH_SIZE, "%s[%zu]", path, i);
  *out = json_array_get(arr, i);
  return json_is_object(*out) ? PARLEY_OK : err_set(e, PARLEY_EINVAL, "%s: must be an object", item_path);
}

parley_err fields_item_digest(uint8_t out[static 32], const json_t *arr, const char *path, size_t i, struct errmsg *e) {
  const char *s;
  parley_err err = fields_item_str(&s, arr, path, i, e);
  if (err == PARLEY_OK && !hex_decode(out, 32, bytes_str(s)))
    err = err_set(e, PARLEY_EINVAL, "%s[%zu]: no digest (64 lower-case hex digits)", path, i);
  return err;
}

parley_err fields_envelope(struct dsse *out, struct arena *a, struct bytes envelope, size_t max, const char *type,
                           struct errmsg *e) {
  parley_err err = dsse_parse(out, a, envelope, max, e);
  if (err == PARLEY_OK && !bytes_is(out->type, type))
    err = err_set(e, PARLEY_EINVAL, "payloadType: is \"%.*s\", must be \"%s\"",
                  out->type.n > 100 ? 100 : (int)out->type.n, (const char *)out->type.p, type);
  return err;
}

parley_err fields_pae(struct bytes *out, struct arena *a, const struct dsse *d, struct errmsg *e) {
  struct buf pae = {0};
  dsse_pae(&pae, d->type, d->payload);
  *out = arena_take(a, &pae);
  return out->p != NULL ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while checking signatures");
}

static bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool lang_valid(const char *s) {
  size_t n = 0;
  for (; s[n] != '\0'; n++)
    if (n >= LANG_MAX || !(is_alpha(s[n]) || (n > 0 && ((s[n] >= '0' && s[n] <= '9') || s[n] == '-')))) return false;
  return n >= 2 && s[n - 1] != '-';
}

bool seal_label_valid(const char *s) {
  size_t n = 0;
  for (; s[n] != '\0'; n++)
    if (n >= SEAL_LABEL_MAX || !((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '-'))
      return false;
  return n >= 1;
}

static bool is_control(const unsigned char *p) {
  return *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
}

bool fields_is_line(const char *s) {
  for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++)
    if (is_control(p)) return false;
  return true;
}

bool fields_is_text(const char *s) {
  for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++)
    if (is_control(p) && *p != '\n' && *p != '\t') return false;
  return true;
}
