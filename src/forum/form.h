/*
 * Forms: the fields of one statement kind, as data (forms/<kind>.json), pinned by SHA-256 in the charter.
 *
 * {"kind": "incident.notice", "version": 1, "title": {"en": …, "ru": …},
 *  "fields": [{"name", "type", "required"?, "max"?, "values"?, "list"?, "label": {lang: text}, "help": {lang: text}, "source"}]}
 * type: text (max bytes, default 4096) | line (one line, default 256) | code (one of values) | time ("2021-05-07T10:00:00Z")
 *     | precision (second minute hour day month year) | count (0..2^53-1; absent means "not told", 0 means none) | country (two capital letters)
 *     | party | digest (64 hex). "list": true makes it an array of 1..64 of that type.
 */
#ifndef PARLEY_FORUM_FORM_H
#define PARLEY_FORUM_FORM_H

#include "base/err.h"
#include "base/json.h"
#include "crypto/crypto.h"

#define FORM_SIZE_MAX 65536
#define FORM_FIELDS_MAX 128

struct form; /* parsed; immutable */

/* Parses and checks a form file (labels in every language its title has, known types, no name twice). */
parley_err form_parse(struct form **out, struct bytes text, struct errmsg *e);
const char *form_kind(const struct form *f);
const uint8_t *form_digest(const struct form *f); /* SHA-256 of the file */
struct bytes form_text(const struct form *f);
/* Checks body (the "body" object of a sealed plaintext) against the form. EINVAL with "body.<field>: what is wrong, what is allowed". */
parley_err form_check(const struct form *f, const json_t *body, struct errmsg *e);
/* Label of a field in a language (falls back to English, then to the name). Fields in order by index; NULL at the end. */
const char *form_field_name(const struct form *f, size_t i);
const char *form_label(const struct form *f, size_t i, const char *lang);
void form_free(struct form *f);

/* Forms compiled in from forms/. */
struct embedded_form {
  const char *kind;
  const unsigned char *data;
  unsigned long size;
};
extern const struct embedded_form embedded_forms[];
extern const unsigned long embedded_forms_count;

#endif
