#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "forum/fields.h"
#include "forum/statement_lists.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static parley_err no_memory(struct errmsg *e) {
  return err_set(e, PARLEY_ENOMEM, "out of memory while reading a statement");
}

static parley_err parse_size(uint64_t *out, const json_t *obj, const char *path, const char *name, struct errmsg *e) {
  int64_t x = 0;
  parley_err err = json_get_int(&x, obj, path, name, 0, JSON_INT_MAX, e);
  *out = (uint64_t)x;
  return err;
}

parley_err statement_parse_re(struct statement *s, const json_t *top, struct errmsg *e) {
  json_t *arr;
  if (json_object_get(top, "re") == NULL) return PARLEY_OK;
  parley_err err = json_get_arr(&arr, top, "", "re", 1, STATEMENT_RE_MAX, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    err = fields_item_digest(s->re[i], arr, "re", i, e);
    s->n_re = i + 1;
  }
  return err;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, because 192 names compared with each other are too many for every statement. */
static parley_err check_twice(const struct statement *s, struct errmsg *e) {
  const char *names[STATEMENT_TO_MAX];
  for (size_t i = 0; i < s->n_to; i++) names[i] = s->to[i];
  qsort(names, s->n_to, sizeof *names, compare_names);
  for (size_t i = 1; i < s->n_to; i++)
    if (strcmp(names[i - 1], names[i]) == 0) return err_set(e, PARLEY_EINVAL, "to: %s stands twice", names[i]);
  return PARLEY_OK;
}

static parley_err parse_addressee(struct statement *s, const json_t *arr, size_t i, struct errmsg *e) {
  const char *name;
  parley_err err = fields_item_str(&name, arr, "to", i, e);
  if (err != PARLEY_OK) return err;
  if (!party_name_valid(name)) return err_set(e, PARLEY_EINVAL, "to[%zu]: no party's name", i);
  if (strcmp(name, s->from) == 0) return err_set(e, PARLEY_EINVAL, "to[%zu]: is %s, the author", i, name);
  strcpy(s->to[i], name);
  return PARLEY_OK;
}

parley_err statement_parse_to(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  json_t *arr;
  parley_err err = json_get_arr(&arr, top, "", "to", 0, STATEMENT_TO_MAX, e);
  if (err != PARLEY_OK) return err;
  size_t n = json_array_size(arr);
  if (n == 0 && !kind_is_open(s->kind))
    return err_set(e, PARLEY_EINVAL, "to: is empty; only forum.* statements may have no addressee");
  s->to = arena_alloc(a, n * sizeof *s->to);
  if (s->to == NULL) return no_memory(e);
  for (size_t i = 0; err == PARLEY_OK && i < n; i++) err = parse_addressee(s, arr, i, e);
  s->n_to = n;
  return err == PARLEY_OK ? check_twice(s, e) : err;
}

static parley_err parse_heard(struct heard *h, const json_t *arr, size_t i, struct errmsg *e) {
  char path[PATH_SIZE];
  json_t *obj;
  parley_err err = fields_item_obj(&obj, path, arr, "heard", i, e);
  if (err == PARLEY_OK) err = fields_order(obj, path, NAMES("party", "epoch", "size", "root"), e);
  if (err == PARLEY_OK) err = fields_party(h->party, sizeof h->party, obj, path, "party", e);
  if (err == PARLEY_OK) err = parse_size(&h->epoch, obj, path, "epoch", e);
  if (err == PARLEY_OK) err = parse_size(&h->size, obj, path, "size", e);
  return err == PARLEY_OK ? json_get_b64(h->root.b, 32, obj, path, "root", e) : err;
}

parley_err statement_parse_heard(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  json_t *arr;
  parley_err err = json_get_arr_opt(&arr, top, "", "heard", STATEMENT_HEARD_MAX, e);
  if (err != PARLEY_OK || arr == NULL) return err;
  s->n_heard = json_array_size(arr);
  s->heard = arena_alloc(a, s->n_heard * sizeof *s->heard);
  if (s->heard == NULL) return no_memory(e);
  for (size_t i = 0; err == PARLEY_OK && i < s->n_heard; i++) err = parse_heard(&s->heard[i], arr, i, e);
  return err;
}

static parley_err parse_held(struct held *h, const json_t *arr, size_t i, struct errmsg *e) {
  char path[PATH_SIZE], party[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  json_t *obj;
  parley_err err = fields_item_obj(&obj, path, arr, "held", i, e);
  if (err == PARLEY_OK) err = fields_order(obj, path, NAMES("origin", "size", "root", "line"), e);
  if (err == PARLEY_OK) err = fields_text(h->origin, sizeof h->origin, obj, path, "origin", e);
  if (err == PARLEY_OK && !log_origin_parse(party, forum, &epoch, &bulk, bytes_str(h->origin)))
    err = err_set(e, PARLEY_EINVAL, "%s.origin: must be <party>/<forum id>/<epoch>, for a bulk log with /bulk", path);
  if (err == PARLEY_OK) err = parse_size(&h->size, obj, path, "size", e);
  if (err == PARLEY_OK) err = json_get_b64(h->root.b, 32, obj, path, "root", e);
  if (err == PARLEY_OK) err = fields_text(h->line, sizeof h->line, obj, path, "line", e);
  if (err == PARLEY_OK && !fields_is_line(h->line))
    err = err_set(e, PARLEY_EINVAL, "%s.line: must be one signature line without its newline", path);
  return err;
}

parley_err statement_parse_held(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  json_t *arr;
  parley_err err = json_get_arr_opt(&arr, top, "", "held", STATEMENT_HELD_MAX, e);
  if (err != PARLEY_OK || arr == NULL) return err;
  s->n_held = json_array_size(arr);
  s->held = arena_alloc(a, s->n_held * sizeof *s->held);
  if (s->held == NULL) return no_memory(e);
  for (size_t i = 0; err == PARLEY_OK && i < s->n_held; i++) err = parse_held(&s->held[i], arr, i, e);
  return err;
}

/* docs/protocol.md, "Sealing": entries of 4,096 bytes, the last shorter, in one run that precedes the statement. */
static parley_err check_run(const struct statement *s, const struct attach *at, const char *path, struct errmsg *e) {
  uint64_t count = at->size / BULK_ENTRY_MAX + (at->size % BULK_ENTRY_MAX > 0);
  if (at->size == 0 || at->count != count)
    return err_set(e, PARLEY_EINVAL, "%s.count: is %" PRIu64 ", but %" PRIu64 " bytes make %" PRIu64 " entries of %d",
                   path, at->count, at->size, count, BULK_ENTRY_MAX);
  if (at->first > s->bulk_size || at->count > s->bulk_size - at->first)
    return err_set(e, PARLEY_EINVAL, "%s: its entries end after bulk.size, %" PRIu64, path, s->bulk_size);
  return PARLEY_OK;
}

static parley_err parse_attach(struct statement *s, const json_t *arr, size_t i, struct errmsg *e) {
  char path[PATH_SIZE];
  json_t *obj;
  struct attach *at = &s->attach[i];
  parley_err err = fields_item_obj(&obj, path, arr, "attach", i, e);
  if (err == PARLEY_OK) err = fields_order(obj, path, NAMES("sha256", "size", "first", "count"), e);
  if (err == PARLEY_OK) err = json_get_hex(at->sha256, SHA256_SIZE, obj, path, "sha256", e);
  if (err == PARLEY_OK) err = parse_size(&at->size, obj, path, "size", e);
  if (err == PARLEY_OK) err = parse_size(&at->first, obj, path, "first", e);
  if (err == PARLEY_OK) err = parse_size(&at->count, obj, path, "count", e);
  return err == PARLEY_OK ? check_run(s, at, path, e) : err;
}

parley_err statement_parse_attach(struct statement *s, const json_t *top, struct errmsg *e) {
  json_t *arr, *bulk;
  parley_err err = json_get_arr_opt(&arr, top, "", "attach", STATEMENT_ATTACH_MAX, e);
  if (err != PARLEY_OK) return err;
  if ((arr != NULL) != (json_object_get(top, "bulk") != NULL))
    return err_set(e, PARLEY_EINVAL, "bulk: stands with attach, and only with it");
  if (arr == NULL) return PARLEY_OK;
  err = json_get_obj(&bulk, top, "", "bulk", e);
  if (err == PARLEY_OK) err = fields_order(bulk, "bulk", NAMES("size", "root"), e);
  if (err == PARLEY_OK) err = parse_size(&s->bulk_size, bulk, "bulk", "size", e);
  if (err == PARLEY_OK) err = json_get_b64(s->bulk_root.b, 32, bulk, "bulk", "root", e);
  s->has_bulk = true;
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    err = parse_attach(s, arr, i, e);
    s->n_attach = i + 1;
  }
  return err;
}
