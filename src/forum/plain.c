#include <stdio.h>
#include <string.h>

#include "forum/fields.h"
#include "forum/statement.h"
#include "forum/write.h"

static bool base_name_valid(const char *s) {
  return s[0] != '\0' && strchr(s, '/') == NULL && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 && fields_is_line(s);
}

/* type "/" subtype, visible ASCII; parameters after a semicolon are left alone. */
static bool media_type_valid(const char *s) {
  size_t end = strcspn(s, ";");
  const char *slash = memchr(s, '/', end);
  if (slash == NULL || slash == s || (size_t)(slash - s) + 1 == end ||
      memchr(slash + 1, '/', end - (size_t)(slash - s) - 1) != NULL)
    return false;
  for (size_t i = 0; s[i] != '\0'; i++)
    if (s[i] < ' ' || s[i] > '~' || (i < end && s[i] == ' ')) return false;
  return true;
}

static parley_err check_file(const struct plain_file *f, const char *path, struct errmsg *e) {
  if (!base_name_valid(f->name))
    return err_set(e, PARLEY_EINVAL, "%s.name: must be a base name without / and control characters", path);
  if (!media_type_valid(f->type))
    return err_set(e, PARLEY_EINVAL, "%s.type: must be a media type such as text/plain", path);
  return f->size <= (uint64_t)JSON_INT_MAX ? PARLEY_OK : err_set(e, PARLEY_EINVAL, "%s.size: is over 2^53 - 1", path);
}

static parley_err parse_file(struct plain_file *f, const json_t *arr, size_t i, struct errmsg *e) {
  char path[PATH_SIZE];
  json_t *obj;
  int64_t size = 0;
  parley_err err = fields_item_obj(&obj, path, arr, "files", i, e);
  if (err == PARLEY_OK) err = fields_order(obj, path, (const char *const[]){"name", "type", "size", "sha256", NULL}, e);
  if (err == PARLEY_OK) err = fields_text(f->name, sizeof f->name, obj, path, "name", e);
  if (err == PARLEY_OK) err = fields_text(f->type, sizeof f->type, obj, path, "type", e);
  if (err == PARLEY_OK) err = json_get_int(&size, obj, path, "size", 0, JSON_INT_MAX, e);
  f->size = (uint64_t)size;
  if (err == PARLEY_OK) err = json_get_hex(f->sha256, SHA256_SIZE, obj, path, "sha256", e);
  return err == PARLEY_OK ? check_file(f, path, e) : err;
}

static parley_err parse_tree(struct plain *p, const json_t *top, struct errmsg *e) {
  json_t *body, *files = NULL;
  parley_err err = fields_order(top, "", (const char *const[]){"seed", "body", "files", NULL}, e);
  if (err == PARLEY_OK) err = json_get_b64(p->seed, SEED_SIZE, top, "", "seed", e);
  if (err == PARLEY_OK) err = json_get_obj(&body, top, "", "body", e);
  if (err == PARLEY_OK) err = json_get_arr_opt(&files, top, "", "files", STATEMENT_ATTACH_MAX, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(files); i++) {
    err = parse_file(&p->files[i], files, i, e);
    p->n_files = i + 1;
  }
  if (err == PARLEY_OK) p->body = json_incref(body);
  return err;
}

parley_err plain_parse(struct plain *out, struct bytes text, struct errmsg *e) {
  json_t *top = NULL;
  *out = (struct plain){0};
  parley_err err = json_parse(&top, text, ENTRY_MAX, e);
  if (err == PARLEY_OK) err = parse_tree(out, top, e);
  json_decref(top);
  if (err != PARLEY_OK) {
    plain_clear(out);
    return err_prefix(e, err, "plaintext");
  }
  return PARLEY_OK;
}

static void put_files(struct buf *out, const struct plain *p) {
  if (p->n_files == 0) return;
  write_name(out, "files");
  buf_u8(out, '[');
  for (size_t i = 0; i < p->n_files; i++) {
    write_comma(out);
    buf_u8(out, '{');
    write_str(out, "name", p->files[i].name);
    write_str(out, "type", p->files[i].type);
    write_int(out, "size", p->files[i].size);
    write_hex(out, "sha256", p->files[i].sha256, SHA256_SIZE);
    buf_u8(out, '}');
  }
  buf_u8(out, ']');
}

parley_err plain_write(struct buf *out, const struct plain *p, struct errmsg *e) {
  if (!json_is_object(p->body)) return err_set(e, PARLEY_EINVAL, "body: must be an object");
  if (p->n_files > STATEMENT_ATTACH_MAX)
    return err_set(e, PARLEY_ELIMIT, "files: there are %zu, allowed are %d", p->n_files, STATEMENT_ATTACH_MAX);
  for (size_t i = 0; i < p->n_files; i++) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "files[%zu]", i);
    parley_err err = check_file(&p->files[i], path, e);
    if (err != PARLEY_OK) return err;
  }
  buf_u8(out, '{');
  write_b64(out, "seed", BYTES(p->seed, SEED_SIZE));
  write_name(out, "body");
  json_write(out, p->body);
  put_files(out, p);
  buf_u8(out, '}');
  return buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while writing a plaintext");
}

void plain_clear(struct plain *p) {
  json_decref(p->body);
  wipe(p, sizeof *p);
}
