#include <inttypes.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "base/json_path.h"
#include "base/utf8.h"

#define JSON_INT_MAX INT64_C(9007199254740991) /* 2^53 - 1, RFC 7493 section 2.2 */

/* Says "where: what". `path` is empty at the top. */
static parley_err refuse(struct errmsg *e, const char *path, const char *what) {
  return err_set(e, PARLEY_EINVAL, "%s: %s", path[0] == '\0' ? "the JSON document" : path, what);
}

/* RFC 7493 section 2.1: no noncharacters. NUL and surrogates never get past jansson. */
static bool text_allowed(const char *s, size_t n) {
  const uint8_t *p = (const uint8_t *)s;
  for (size_t i = 0; i < n;) {
    uint32_t c = p[i];
    size_t len = c < 0x80 ? 1 : utf8_next(&c, p + i, n - i);
    if (len == 0 || c == 0 || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef)) return false;
    i += len;
  }
  return true;
}

static parley_err check_value(const json_t *v, char path[static JSON_PATH_SIZE], size_t end, struct errmsg *e);

static parley_err check_object(const json_t *v, char path[static JSON_PATH_SIZE], size_t end, struct errmsg *e) {
  const char *name;
  size_t name_n;
  json_t *member;
  json_object_keylen_foreach((json_t *)v, name, name_n, member) {
    size_t next = json_path_name(path, end, BYTES(name, name_n));
    if (!text_allowed(name, name_n))
      return refuse(e, path, "the member's name has a character that I-JSON forbids; rename it");
    parley_err code = check_value(member, path, next, e);
    if (code != PARLEY_OK) return code;
    path[end] = '\0';
  }
  return PARLEY_OK;
}

static parley_err check_value(const json_t *v, char path[static JSON_PATH_SIZE], size_t end, struct errmsg *e) {
  if (json_is_real(v))
    return refuse(e, path, "fractions and exponents are not allowed; write a whole number in plain digits");
  if (json_is_integer(v) && (json_integer_value(v) > JSON_INT_MAX || json_integer_value(v) < -JSON_INT_MAX))
    return refuse(e, path, "the number is outside -(2^53 - 1) to 2^53 - 1; write it as a string");
  if (json_is_string(v) && !text_allowed(json_string_value(v), json_string_length(v)))
    return refuse(e, path, "the text has a character that I-JSON forbids; remove it");
  if (json_is_object(v)) return check_object(v, path, end, e);
  for (size_t i = 0; json_is_array(v) && i < json_array_size(v); i++) {
    size_t next = json_path_index(path, end, i);
    parley_err code = check_value(json_array_get(v, i), path, next, e);
    if (code != PARLEY_OK) return code;
    path[end] = '\0';
  }
  return PARLEY_OK;
}

/* What jansson refused, in our words. */
static parley_err syntax_error(const json_error_t *je, struct bytes text, struct errmsg *e) {
  char path[JSON_PATH_SIZE];
  /* jansson stands behind the token it refuses; one byte back is inside it. */
  json_path_at(path, text, je->position > 0 ? (size_t)je->position - 1 : 0);
  switch (json_error_code(je)) {
  case json_error_duplicate_key: return refuse(e, path, "the member stands here twice; keep one");
  case json_error_numeric_overflow:
    return refuse(e, path, "the number is outside -(2^53 - 1) to 2^53 - 1; write it as a string");
  case json_error_invalid_utf8: return refuse(e, path, "the text is not valid UTF-8; save it as UTF-8");
  case json_error_null_character:
  case json_error_null_byte_in_key: return refuse(e, path, "the text has a NUL character; remove it");
  default:
    return err_set(e, PARLEY_EINVAL, "%s: not valid JSON at line %d, column %d (%s)",
                   path[0] == '\0' ? "the JSON document" : path, je->line, je->column, je->text);
  }
}

parley_err json_parse(json_t **out, struct bytes text, size_t max, struct errmsg *e) {
  char path[JSON_PATH_SIZE];
  *out = NULL;
  if (text.n > max)
    return err_set(e, PARLEY_ELIMIT, "the JSON document has %zu bytes, more than the %zu allowed here", text.n, max);
  /* Depth first: it bounds the recursion of everything that follows. */
  if (!json_path_at(path, text, text.n)) return refuse(e, path, "nested deeper than 32 levels; flatten it");
  json_error_t je = {.position = 0};
  bool no_memory;
  json_t *v = json_load_text(text, &je, &no_memory);
  if (no_memory) return err_set(e, PARLEY_ENOMEM, "out of memory while reading JSON");
  if (v == NULL) return syntax_error(&je, text, e);
  path[0] = '\0';
  parley_err code = json_is_object(v) ? check_value(v, path, 0, e) : refuse(e, path, "must be an object: { … }");
  if (code != PARLEY_OK) {
    json_decref(v);
    return code;
  }
  *out = v;
  return PARLEY_OK;
}
