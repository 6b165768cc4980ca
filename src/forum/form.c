#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forum/fields.h"
#include "forum/form_fields.h"
#include "forum/statement.h"

static const char *const type_names[FIELD_TYPES] = {"text",  "line",    "code",  "time",  "precision",
                                                    "count", "country", "party", "digest"};

/* A field's or a code value's name: a-z 0-9 _ - + from a letter on, at most 64 bytes. */
static bool name_valid(const char *s) {
  size_t n = 0;
  for (; s[n] != '\0'; n++) {
    bool letter = s[n] >= 'a' && s[n] <= 'z';
    bool other = (s[n] >= '0' && s[n] <= '9') || s[n] == '_' || s[n] == '-' || s[n] == '+';
    if (n >= 64 || !(letter || (other && n > 0))) return false;
  }
  return n > 0;
}

/* {language: text} with exactly the languages of the title. */
static parley_err check_texts(const json_t *obj, const char *path, const char *name, const json_t *title,
                              struct errmsg *e) {
  json_t *texts, *value;
  const char *lang;
  parley_err err = json_get_obj(&texts, obj, path, name, e);
  if (err != PARLEY_OK) return err;
  const char *dot = path[0] == '\0' ? "" : ".";
  json_object_foreach(texts, lang, value) {
    if (!lang_valid(lang))
      return err_set(e, PARLEY_EINVAL, "%s%s%s: \"%.16s\" is no language tag", path, dot, name, lang);
    if (json_string_length(value) == 0)
      return err_set(e, PARLEY_EINVAL, "%s%s%s.%s: must be a text", path, dot, name, lang);
    if (title != NULL && json_object_get(title, lang) == NULL)
      return err_set(e, PARLEY_EINVAL, "%s%s%s.%s: the title has no such language", path, dot, name, lang);
  }
  json_object_foreach((json_t *)title, lang, value) if (json_object_get(texts, lang) == NULL) return err_set(
      e, PARLEY_EINVAL, "%s%s%s.%s: is missing; the title has this language", path, dot, name, lang);
  return json_object_size(texts) > 0
             ? PARLEY_OK
             : err_set(e, PARLEY_EINVAL, "%s%s%s: must have a text in a language", path, dot, name);
}

static parley_err parse_bool(bool *out, const json_t *obj, const char *path, const char *name, struct errmsg *e) {
  const json_t *v = json_object_get(obj, name);
  if (v != NULL && !json_is_boolean(v)) return err_set(e, PARLEY_EINVAL, "%s.%s: must be true or false", path, name);
  *out = json_is_true(v);
  return PARLEY_OK;
}

static parley_err parse_type(struct form_field *f, const json_t *obj, const char *path, struct errmsg *e) {
  const char *s;
  parley_err err = json_get_str(&s, obj, path, "type", e);
  if (err != PARLEY_OK) return err;
  for (int t = 0; t < FIELD_TYPES; t++)
    if (strcmp(s, type_names[t]) == 0) {
      f->type = (enum field_type)t;
      return PARLEY_OK;
    }
  return err_set(
      e, PARLEY_EINVAL,
      "%s.type: \"%.32s\" is unknown; there are text, line, code, time, precision, count, country, party, digest", path,
      s);
}

static parley_err parse_max(struct form_field *f, const json_t *obj, const char *path, struct errmsg *e) {
  int64_t max = f->type == FIELD_TEXT ? TEXT_MAX_DEFAULT : LINE_MAX_DEFAULT;
  if (f->type != FIELD_TEXT && f->type != FIELD_LINE && json_object_get(obj, "max") != NULL)
    return err_set(e, PARLEY_EINVAL, "%s.max: stands only with the types text and line", path);
  parley_err err = json_get_int_opt(&max, obj, path, "max", 1, FORM_SIZE_MAX, e);
  f->max = (size_t)max;
  return err;
}

static parley_err parse_values(struct form_field *f, const json_t *obj, const char *path, struct errmsg *e) {
  json_t *arr = NULL;
  char where[PATH_SIZE + sizeof ".values"];
  if (f->type != FIELD_CODE)
    return json_object_get(obj, "values") == NULL
               ? PARLEY_OK
               : err_set(e, PARLEY_EINVAL, "%s.values: stands only with the type code", path);
  parley_err err = json_get_arr(&arr, obj, path, "values", 1, FORM_VALUES_MAX, e);
  snprintf(where, sizeof where, "%s.values", path);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    const char *s;
    err = fields_item_str(&s, arr, where, i, e);
    if (err == PARLEY_OK && !name_valid(s))
      err = err_set(e, PARLEY_EINVAL, "%s[%zu]: no code (a-z 0-9 _ - +, a letter first, at most 64 bytes)", where, i);
    for (size_t k = 0; err == PARLEY_OK && k < i; k++)
      if (strcmp(json_string_value(json_array_get(arr, k)), s) == 0)
        err = err_set(e, PARLEY_EINVAL, "%s[%zu]: \"%s\" stands twice", where, i, s);
  }
  f->values = arr;
  return err;
}

static parley_err parse_name(struct form *f, struct form_field *field, const json_t *obj, const char *path,
                             struct errmsg *e) {
  parley_err err = json_get_str(&field->name, obj, path, "name", e);
  if (err != PARLEY_OK) return err;
  if (!name_valid(field->name))
    return err_set(e, PARLEY_EINVAL, "%s.name: must be of a-z 0-9 _ - with a letter first, at most 64 bytes", path);
  for (size_t i = 0; i < f->n; i++)
    if (strcmp(f->fields[i].name, field->name) == 0)
      return err_set(e, PARLEY_EINVAL, "%s.name: \"%s\" stands twice", path, field->name);
  return PARLEY_OK;
}

static parley_err parse_field(struct form *f, const json_t *arr, size_t i, const json_t *title, struct errmsg *e) {
  const char *const names[] = {"name", "type", "required", "max", "values", "list", "label", "help", "source", NULL};
  char path[PATH_SIZE];
  json_t *obj;
  const char *source;
  struct form_field *field = &f->fields[i];
  parley_err err = fields_item_obj(&obj, path, arr, "fields", i, e);
  if (err == PARLEY_OK) err = json_only(obj, path, names, e);
  if (err == PARLEY_OK) err = parse_name(f, field, obj, path, e);
  if (err == PARLEY_OK) err = parse_type(field, obj, path, e);
  if (err == PARLEY_OK) err = parse_max(field, obj, path, e);
  if (err == PARLEY_OK) err = parse_values(field, obj, path, e);
  if (err == PARLEY_OK) err = parse_bool(&field->required, obj, path, "required", e);
  if (err == PARLEY_OK) err = parse_bool(&field->list, obj, path, "list", e);
  if (err == PARLEY_OK) err = check_texts(obj, path, "label", title, e);
  if (err == PARLEY_OK) err = check_texts(obj, path, "help", title, e);
  if (err == PARLEY_OK) err = json_get_str(&source, obj, path, "source", e);
  field->label = json_object_get(obj, "label");
  f->n = i + 1;
  return err;
}

static parley_err parse_tree(struct form *f, struct errmsg *e) {
  const char *const names[] = {"kind", "version", "title", "fields", NULL};
  int64_t version;
  json_t *fields;
  parley_err err = json_only(f->tree, "", names, e);
  if (err == PARLEY_OK) err = json_get_str(&f->kind, f->tree, "", "kind", e);
  if (err == PARLEY_OK && !kind_valid(f->kind))
    err = err_set(e, PARLEY_EINVAL, "kind: must be lower-case words joined by dots, at most %d bytes", KIND_MAX);
  if (err == PARLEY_OK) err = json_get_int(&version, f->tree, "", "version", 1, INT32_MAX, e);
  if (err == PARLEY_OK) err = check_texts(f->tree, "", "title", NULL, e);
  if (err == PARLEY_OK) err = json_get_arr(&fields, f->tree, "", "fields", 1, FORM_FIELDS_MAX, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(fields); i++)
    err = parse_field(f, fields, i, json_object_get(f->tree, "title"), e);
  return err;
}

parley_err form_parse(struct form **out, struct bytes text, struct errmsg *e) {
  *out = NULL;
  struct form *f = calloc(1, sizeof *f);
  if (f == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading a form");
  parley_err err = json_parse(&f->tree, text, FORM_SIZE_MAX, e);
  if (err == PARLEY_OK) err = parse_tree(f, e);
  if (err == PARLEY_OK) {
    buf_bytes(&f->text, text);
    sha256(f->digest, text);
    if (!buf_ok(&f->text)) err = err_set(e, PARLEY_ENOMEM, "out of memory while reading a form");
  }
  if (err != PARLEY_OK) {
    form_free(f);
    return err_prefix(e, err, "form");
  }
  *out = f;
  return PARLEY_OK;
}

const char *form_kind(const struct form *f) { return f->kind; }

const uint8_t *form_digest(const struct form *f) { return f->digest; }

struct bytes form_text(const struct form *f) {
  return buf_view(&f->text);
}

const char *form_field_name(const struct form *f, size_t i) { return i < f->n ? f->fields[i].name : NULL; }

const char *form_label(const struct form *f, size_t i, const char *lang) {
  if (i >= f->n) return NULL;
  const char *label = json_string_value(json_object_get(f->fields[i].label, lang));
  if (label == NULL) label = json_string_value(json_object_get(f->fields[i].label, "en"));
  return label != NULL ? label : f->fields[i].name;
}

void form_free(struct form *f) {
  if (f == NULL) return;
  json_decref(f->tree);
  buf_free(&f->text);
  free(f);
}
