#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/time.h"
#include "forum/card.h"
#include "forum/fields.h"
#include "forum/form_fields.h"

#define CODES_SHOWN 300

static parley_err refuse(struct errmsg *e, const char *path, const char *what) {
  return err_set(e, PARLEY_EINVAL, "%s: %s", path, what);
}

static parley_err check_text(const struct form_field *f, const char *path, const char *s, struct errmsg *e) {
  size_t n = strlen(s);
  if (n == 0) return refuse(e, path, "is empty; leave the field out when there is nothing to say");
  if (n > f->max) return err_set(e, PARLEY_EINVAL, "%s: has %zu bytes, allowed are %zu", path, n, f->max);
  if (f->type == FIELD_LINE && !fields_is_line(s))
    return refuse(e, path, "must be one line without control characters");
  if (f->type == FIELD_TEXT && !fields_is_text(s))
    return refuse(e, path, "has a control character other than line feed and tab");
  return PARLEY_OK;
}

static parley_err check_code(const struct form_field *f, const char *path, const char *s, struct errmsg *e) {
  char allowed[CODES_SHOWN] = "";
  size_t used = 0, n = json_array_size(f->values);
  for (size_t i = 0; i < n; i++) {
    const char *value = json_string_value(json_array_get(f->values, i));
    if (strcmp(value, s) == 0) return PARLEY_OK;
    if (used < sizeof allowed)
      used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", i > 0 ? ", " : "", value);
  }
  return err_set(e, PARLEY_EINVAL, "%s: \"%.32s\" is not allowed; allowed are %s", path, s, allowed);
}

static parley_err check_precision(const char *path, const char *s, struct errmsg *e) {
  static const char *const known[] = {"second", "minute", "hour", "day", "month", "year"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i], s) == 0) return PARLEY_OK;
  return refuse(e, path, "allowed are second, minute, hour, day, month, year");
}

static bool is_country(const char *s) {
  return strlen(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z';
}

static parley_err check_string(const struct form_field *f, const char *path, const char *s, struct errmsg *e) {
  int64_t seconds;
  uint8_t digest[32];
  switch (f->type) {
  case FIELD_CODE: return check_code(f, path, s, e);
  case FIELD_TIME:
    return time_parse(&seconds, bytes_str(s)) ? PARLEY_OK
                                              : refuse(e, path, "must be a time in UTC such as 2021-05-07T10:00:00Z");
  case FIELD_PRECISION: return check_precision(path, s, e);
  case FIELD_COUNTRY:
    return is_country(s) ? PARLEY_OK : refuse(e, path, "must be two capital letters (ISO 3166-1 alpha-2)");
  case FIELD_PARTY:
    return party_name_valid(s) ? PARLEY_OK : refuse(e, path, "must be a party's name such as cert.example");
  case FIELD_DIGEST:
    return hex_decode(digest, sizeof digest, bytes_str(s)) ? PARLEY_OK
                                                           : refuse(e, path, "must be 64 lower-case hex digits");
  default: return check_text(f, path, s, e);
  }
}

static parley_err check_one(const struct form_field *f, const char *path, const json_t *v, struct errmsg *e) {
  if (f->type == FIELD_COUNT) {
    bool ok = json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= JSON_INT_MAX;
    return ok ? PARLEY_OK
              : refuse(e, path, "must be a whole number from 0 to 9007199254740991 (leave it out when it is not told)");
  }
  const char *s = json_string_value(v);
  if (s == NULL || strlen(s) != json_string_length(v)) return refuse(e, path, "must be a string");
  return check_string(f, path, s, e);
}

static parley_err check_list(const struct form_field *f, const char *path, const json_t *v, struct errmsg *e) {
  size_t n = json_array_size(v);
  if (!json_is_array(v) || n < 1 || n > FORM_LIST_MAX)
    return err_set(e, PARLEY_EINVAL, "%s: must be a list of 1 to %d", path, FORM_LIST_MAX);
  parley_err err = PARLEY_OK;
  for (size_t i = 0; i < n && err == PARLEY_OK; i++) {
    char item[PATH_SIZE + sizeof "[64]"];
    snprintf(item, sizeof item, "%s[%u]", path, (unsigned)i % FORM_LIST_MAX);
    err = check_one(f, item, json_array_get(v, i), e);
  }
  return err;
}

static const struct form_field *find_field(const struct form *f, const char *name) {
  for (size_t i = 0; i < f->n; i++)
    if (strcmp(f->fields[i].name, name) == 0) return &f->fields[i];
  return NULL;
}

parley_err form_check(const struct form *f, const json_t *body, struct errmsg *e) {
  if (!json_is_object(body)) return err_set(e, PARLEY_EINVAL, "body: must be an object");
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)body, name, value) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "body.%.64s", name);
    const struct form_field *field = find_field(f, name);
    if (field == NULL) return err_set(e, PARLEY_EINVAL, "%s: the form %s has no such field; remove it", path, f->kind);
    parley_err err = field->list ? check_list(field, path, value, e) : check_one(field, path, value, e);
    if (err != PARLEY_OK) return err;
  }
  for (size_t i = 0; i < f->n; i++)
    if (f->fields[i].required && json_object_get(body, f->fields[i].name) == NULL)
      return err_set(e, PARLEY_EINVAL, "body.%s: is missing; the form %s requires it", f->fields[i].name, f->kind);
  return PARLEY_OK;
}
