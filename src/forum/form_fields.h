/*
 * The inside of a form, for form.c and form_check.c.
 */
#ifndef PARLEY_FORUM_FORM_FIELDS_H
#define PARLEY_FORUM_FORM_FIELDS_H

#include "base/arena.h"
#include "forum/form.h"

#define FORM_LIST_MAX 64
#define FORM_VALUES_MAX 64
#define TEXT_MAX_DEFAULT 4096
#define LINE_MAX_DEFAULT 256

enum field_type {
  FIELD_TEXT,
  FIELD_LINE,
  FIELD_CODE,
  FIELD_TIME,
  FIELD_PRECISION,
  FIELD_COUNT,
  FIELD_COUNTRY,
  FIELD_PARTY,
  FIELD_DIGEST,
  FIELD_TYPES
};

struct form_field {
  const char *name;
  enum field_type type;
  bool required, list;
  size_t max;           /* bytes of a text or line */
  const json_t *values; /* of a code: array of strings; borrowed from the form's tree */
  const json_t *label;  /* language to text */
};

struct form {
  json_t *tree; /* the file; names and labels point into it */
  const char *kind;
  uint8_t digest[SHA256_SIZE];
  struct buf text;
  size_t n;
  struct form_field fields[FORM_FIELDS_MAX];
};

#endif
