/*
 * Reading the members of this folder's documents (docs/protocol.md): only the named ones, in their order, and the
 * small syntaxes that several documents share. `path` is where the object stands, as in base/json.h.
 */
#ifndef PARLEY_FORUM_FIELDS_H
#define PARLEY_FORUM_FIELDS_H

#include "base/json.h"
#include "formats/dsse.h"

#define JSON_INT_MAX ((int64_t)9007199254740991) /* 2^53 - 1, the largest integer of I-JSON */
#define LANG_MAX 8
#define PATH_SIZE 128

/* The members of obj are among names (NULL at the end) and stand in that order. */
parley_err fields_order(const json_t *obj, const char *path, const char *const names[], struct errmsg *e);
/* A string of 1 to size - 1 bytes into out. */
parley_err fields_text(char *out, size_t size, const json_t *obj, const char *path, const char *name, struct errmsg *e);
/* The same when it is there; out stays unchanged otherwise. */
parley_err fields_text_opt(char *out, size_t size, const json_t *obj, const char *path, const char *name,
                           struct errmsg *e);
/* A party's name. */
parley_err fields_party(char *out, size_t size, const json_t *obj, const char *path, const char *name,
                        struct errmsg *e);
/* Element i of the array at path: a string, an object. */
parley_err fields_item_str(const char **out, const json_t *arr, const char *path, size_t i, struct errmsg *e);
parley_err fields_item_obj(json_t **out, char item_path[static PATH_SIZE], const json_t *arr, const char *path,
                           size_t i, struct errmsg *e);
/* Element i as a digest of 32 bytes. */
parley_err fields_item_digest(uint8_t out[static 32], const json_t *arr, const char *path, size_t i, struct errmsg *e);

/* Parses an envelope of at most max bytes and of this type. */
parley_err fields_envelope(struct dsse *out, struct arena *a, struct bytes envelope, size_t max, const char *type,
                           struct errmsg *e);

/* What all signatures of the envelope sign, in the arena. */
parley_err fields_pae(struct bytes *out, struct arena *a, const struct dsse *d, struct errmsg *e);

/* True for "en", "ru", "pt-BR" …: a letter, then letters, digits and "-", 2 to 8 bytes. */
bool lang_valid(const char *s);
/* True for a seal key's label: a-z 0-9 -, 1 to 32 bytes. */
bool seal_label_valid(const char *s);
/* True when s has no control character (U+0000 to U+001F, U+007F to U+009F). */
bool fields_is_line(const char *s);
/* The same, but line feed and tab may stand in it. */
bool fields_is_text(const char *s);

#endif
