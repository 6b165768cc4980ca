#include <string.h>

#include "base/encoding.h"
#include "forum/fields.h"
#include "forum/statement_lists.h"

#define CHARTER_PART_MAX 32768

/* docs/protocol.md, "Kinds of this version": a part of a charter envelope. */
static parley_err check_charter_part(const json_t *body, struct errmsg *e) {
  int64_t part = 0, parts = 0;
  const char *data;
  parley_err err = fields_order(body, "body", (const char *const[]){"part", "parts", "data", NULL}, e);
  if (err == PARLEY_OK) err = json_get_int(&parts, body, "body", "parts", 1, CHARTER_SIZE_MAX, e);
  if (err == PARLEY_OK) err = json_get_int(&part, body, "body", "part", 0, parts - 1, e);
  if (err == PARLEY_OK) err = json_get_str(&data, body, "body", "data", e);
  if (err != PARLEY_OK) return err;
  struct buf decoded = {0};
  bool ok = base64_decode(&decoded, bytes_str(data), true) && decoded.n > 0 && decoded.n <= CHARTER_PART_MAX;
  bool memory = !decoded.failed;
  buf_free(&decoded);
  if (!memory) return err_set(e, PARLEY_ENOMEM, "out of memory while reading a statement");
  return ok ? PARLEY_OK
            : err_set(e, PARLEY_EINVAL, "body.data: must be the padded base64 of 1 to %d bytes", CHARTER_PART_MAX);
}

static parley_err parse_open(struct statement *s, const json_t *top, struct errmsg *e) {
  json_t *body;
  if (json_object_get(top, "sealed") != NULL || json_object_get(top, "body_sha256") != NULL)
    return err_set(e, PARLEY_EINVAL, "sealed: a statement of kind %s has an open body", s->kind);
  parley_err err = json_get_obj(&body, top, "", "body", e);
  if (err == PARLEY_OK && strcmp(s->kind, "forum.held") == 0 && json_object_size(body) > 0)
    err = err_set(e, PARLEY_EINVAL, "body: must be {} in a forum.held");
  if (err == PARLEY_OK && strcmp(s->kind, "forum.charter") == 0) err = check_charter_part(body, e);
  if (err == PARLEY_OK) s->body = json_incref(body);
  return err;
}

/* Decodes into the arena at once: the size of the text tells that of the file. */
static parley_err parse_sealed(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  const char *text;
  if (json_object_get(top, "body") != NULL)
    return err_set(e, PARLEY_EINVAL, "body: a statement of kind %s has a sealed body", s->kind);
  parley_err err = json_get_str(&text, top, "", "sealed", e);
  if (err == PARLEY_OK) err = json_get_hex(s->body_sha256, SHA256_SIZE, top, "", "body_sha256", e);
  if (err != PARLEY_OK) return err;
  struct bytes in = bytes_str(text);
  size_t n = in.n / 4 * 3;
  n -= n > 0 && in.p[in.n - 1] == '=' ? 1 : 0;
  n -= n > 1 && in.p[in.n - 2] == '=' ? 1 : 0;
  uint8_t *p = arena_alloc(a, n);
  if (p == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading a statement");
  if (n == 0 || !base64_decode_fixed(p, n, in, true))
    return err_set(e, PARLEY_EINVAL, "sealed: must be the padded base64 of an age file");
  s->sealed = BYTES(p, n);
  return PARLEY_OK;
}

parley_err statement_parse_body(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  return kind_is_open(s->kind) ? parse_open(s, top, e) : parse_sealed(s, a, top, e);
}
