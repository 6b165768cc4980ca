#include <inttypes.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time.h"

/* "path.name", or "name" at the top. */
#define WHERE(path) (path), (path)[0] == '\0' ? "" : "."

static parley_err wrong(struct errmsg *e, const char *path, const char *name, const char *what) {
  return err_set(e, PARLEY_EINVAL, "%s%s%s: %s", WHERE(path), name, what);
}

static parley_err missing(struct errmsg *e, const char *path, const char *name) {
  return wrong(e, path, name, "is missing; add it");
}

parley_err json_get_str_opt(const char **out, const json_t *obj, const char *path, const char *name, struct errmsg *e) {
  const json_t *v = json_object_get(obj, name);
  if (v == NULL) return PARLEY_OK;
  /* json_parse lets no NUL through; a tree from elsewhere could hold one, and a C string would end there. */
  if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
    return wrong(e, path, name, "must be a string");
  *out = json_string_value(v);
  return PARLEY_OK;
}

parley_err json_get_str(const char **out, const json_t *obj, const char *path, const char *name, struct errmsg *e) {
  if (json_object_get(obj, name) == NULL) return missing(e, path, name);
  return json_get_str_opt(out, obj, path, name, e);
}

parley_err json_get_int_opt(int64_t *out, const json_t *obj, const char *path, const char *name, int64_t min,
                            int64_t max, struct errmsg *e) {
  const json_t *v = json_object_get(obj, name);
  if (v == NULL) return PARLEY_OK;
  if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
    return err_set(e, PARLEY_EINVAL, "%s%s%s: must be a whole number from %" PRId64 " to %" PRId64, WHERE(path), name,
                   min, max);
  *out = json_integer_value(v);
  return PARLEY_OK;
}

parley_err json_get_int(int64_t *out, const json_t *obj, const char *path, const char *name, int64_t min, int64_t max,
                        struct errmsg *e) {
  if (json_object_get(obj, name) == NULL) return missing(e, path, name);
  return json_get_int_opt(out, obj, path, name, min, max, e);
}

parley_err json_get_obj(json_t **out, const json_t *obj, const char *path, const char *name, struct errmsg *e) {
  json_t *v = json_object_get(obj, name);
  if (v == NULL) return missing(e, path, name);
  if (!json_is_object(v)) return wrong(e, path, name, "must be an object: { … }");
  *out = v;
  return PARLEY_OK;
}

static parley_err check_array(const json_t *v, const char *path, const char *name, size_t min, size_t max,
                              struct errmsg *e) {
  if (!json_is_array(v)) return wrong(e, path, name, "must be an array: [ … ]");
  size_t n = json_array_size(v);
  if (n < min || n > max)
    return err_set(e, PARLEY_EINVAL, "%s%s%s: has %zu elements, allowed are %zu to %zu", WHERE(path), name, n, min,
                   max);
  return PARLEY_OK;
}

parley_err json_get_arr(json_t **out, const json_t *obj, const char *path, const char *name, size_t min, size_t max,
                        struct errmsg *e) {
  json_t *v = json_object_get(obj, name);
  if (v == NULL) return missing(e, path, name);
  parley_err code = check_array(v, path, name, min, max, e);
  if (code == PARLEY_OK) *out = v;
  return code;
}

parley_err json_get_arr_opt(json_t **out, const json_t *obj, const char *path, const char *name, size_t max,
                            struct errmsg *e) {
  json_t *v = json_object_get(obj, name);
  *out = NULL;
  parley_err code = v == NULL ? PARLEY_OK : check_array(v, path, name, 0, max, e);
  if (code == PARLEY_OK) *out = v;
  return code;
}

parley_err json_get_hex(uint8_t *out, size_t n, const json_t *obj, const char *path, const char *name,
                        struct errmsg *e) {
  const char *s = "";
  parley_err code = json_get_str(&s, obj, path, name, e);
  if (code == PARLEY_OK && !hex_decode(out, n, bytes_str(s)))
    return err_set(e, PARLEY_EINVAL, "%s%s%s: must be %zu digits of lower-case hexadecimal", WHERE(path), name, 2 * n);
  return code;
}

parley_err json_get_b64(uint8_t *out, size_t n, const json_t *obj, const char *path, const char *name,
                        struct errmsg *e) {
  const char *s = "";
  parley_err code = json_get_str(&s, obj, path, name, e);
  if (code == PARLEY_OK && !base64_decode_fixed(out, n, bytes_str(s), true))
    return err_set(e, PARLEY_EINVAL, "%s%s%s: must be the padded base64 of %zu bytes", WHERE(path), name, n);
  return code;
}

parley_err json_get_time(int64_t *out, const json_t *obj, const char *path, const char *name, struct errmsg *e) {
  const char *s = "";
  parley_err code = json_get_str(&s, obj, path, name, e);
  if (code == PARLEY_OK && !time_parse(out, bytes_str(s)))
    return wrong(e, path, name, "must be a time in UTC such as 2021-05-07T10:00:00Z");
  return code;
}

static bool is_listed(const char *name, const char *const names[]) {
  for (size_t i = 0; names[i] != NULL; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

parley_err json_only(const json_t *obj, const char *path, const char *const names[], struct errmsg *e) {
  const char *name;
  json_t *v;
  json_object_foreach((json_t *)obj, name, v) if (!is_listed(name, names)) return wrong(e, path, name,
                                                                                        "is not known here; remove it");
  return PARLEY_OK;
}
