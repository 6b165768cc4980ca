/*
 * Strict I-JSON (RFC 7493) on top of jansson: no duplicate members, no floats, integers within ±(2^53 - 1), valid
 * UTF-8 without NUL and noncharacters, depth at most 32. Every refusal names the path of the offending member, for
 * example "body.sector[2]".
 */
#ifndef PARLEY_BASE_JSON_H
#define PARLEY_BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

#define JSON_DEPTH_MAX 32

/* Parses text (at most max bytes) with an object at its top. *out is the caller's. EINVAL, ELIMIT, ENOMEM. */
parley_err json_parse(json_t **out, struct bytes text, size_t max, struct errmsg *e);

/*
 * Compact text in member order as built, no white space, UTF-8 unescaped ("/" plain); appended to out. False when out
 * of memory, also when there was none for a part of any value that this thread has built since it wrote one last: so
 * builders need not look whether each member found its place.
 */
bool json_write(struct buf *out, const json_t *v);
/* The same with two-space indentation and a final newline, for people. */
bool json_write_pretty(struct buf *out, const json_t *v);

/*
 * Member access. `path` is where obj stands ("" at the top). Strings come back as pointers into obj. A *_opt getter
 * leaves its output unchanged when the member is absent. EINVAL with the full path when absent or of the wrong type.
 */
parley_err json_get_str(const char **out, const json_t *obj, const char *path, const char *name, struct errmsg *e);
parley_err json_get_str_opt(const char **out, const json_t *obj, const char *path, const char *name, struct errmsg *e);
parley_err json_get_int(int64_t *out, const json_t *obj, const char *path, const char *name, int64_t min, int64_t max,
                        struct errmsg *e);
parley_err json_get_int_opt(int64_t *out, const json_t *obj, const char *path, const char *name, int64_t min,
                            int64_t max, struct errmsg *e);
parley_err json_get_obj(json_t **out, const json_t *obj, const char *path, const char *name, struct errmsg *e);
parley_err json_get_arr(json_t **out, const json_t *obj, const char *path, const char *name, size_t min, size_t max,
                        struct errmsg *e);
/* Optional array: *out = NULL when absent. */
parley_err json_get_arr_opt(json_t **out, const json_t *obj, const char *path, const char *name, size_t max,
                            struct errmsg *e);
/* Lower-case hex of exactly n bytes / padded base64 of exactly n bytes / RFC 3339 time. */
parley_err json_get_hex(uint8_t *out, size_t n, const json_t *obj, const char *path, const char *name,
                        struct errmsg *e);
parley_err json_get_b64(uint8_t *out, size_t n, const json_t *obj, const char *path, const char *name,
                        struct errmsg *e);
parley_err json_get_time(int64_t *out, const json_t *obj, const char *path, const char *name, struct errmsg *e);

/* Refuses any member of obj that is not in the NULL-terminated list. */
parley_err json_only(const json_t *obj, const char *path, const char *const names[], struct errmsg *e);

/* Builders that append to an object: hex and base64 strings. False when out of memory. */
bool json_put_str(json_t *obj, const char *name, const char *s);
bool json_put_int(json_t *obj, const char *name, int64_t x);
bool json_put_hex(json_t *obj, const char *name, const void *p, size_t n);
bool json_put_b64(json_t *obj, const char *name, const void *p, size_t n);
bool json_put_time(json_t *obj, const char *name, int64_t seconds);

#endif
