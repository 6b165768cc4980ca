/*
 * Logs that a charter version closes: how much of one that signed two histories, or was lost, still counts
 * (docs/protocol.md, "New versions").
 */
#include <string.h>

#include "forum/charter_parts.h"
#include "forum/fields.h"
#include "forum/write.h"

static int closed_order(const struct charter_closed *c, const char *party, uint64_t epoch) {
  const int order = strcmp(c->party, party);
  return order != 0 ? order : (c->epoch > epoch) - (c->epoch < epoch);
}

static parley_err parse_one(struct charter_closed *out, const json_t *arr, size_t i, struct errmsg *e) {
  char path[PATH_SIZE];
  json_t *obj;
  int64_t epoch = 0, size = 0;
  parley_err err = fields_item_obj(&obj, path, arr, "closed", i, e);
  if (err == PARLEY_OK) err = fields_order(obj, path, (const char *const[]){"party", "epoch", "size", "root", NULL}, e);
  if (err == PARLEY_OK) err = fields_party(out->party, sizeof out->party, obj, path, "party", e);
  if (err == PARLEY_OK) err = json_get_int(&epoch, obj, path, "epoch", 0, JSON_INT_MAX, e);
  if (err == PARLEY_OK) err = json_get_int(&size, obj, path, "size", 0, JSON_INT_MAX, e);
  if (err == PARLEY_OK) err = json_get_b64(out->root.b, sizeof out->root.b, obj, path, "root", e);
  out->epoch = (uint64_t)epoch;
  out->size = (uint64_t)size;
  return err;
}

parley_err charter_closed_parse(struct charter *c, struct arena *a, const json_t *top, struct errmsg *e) {
  json_t *arr;
  if (json_object_get(top, "closed") == NULL) return PARLEY_OK;
  parley_err err = json_get_arr(&arr, top, "", "closed", 1, CHARTER_CLOSED_MAX, e);
  if (err != PARLEY_OK) return err;
  c->closed = arena_alloc(a, json_array_size(arr) * sizeof *c->closed);
  if (c->closed == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading closed");
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    struct charter_closed *one = &c->closed[i];
    err = parse_one(one, arr, i, e);
    if (err == PARLEY_OK && i > 0 && closed_order(&c->closed[i - 1], one->party, one->epoch) >= 0)
      err = err_set(e, PARLEY_EINVAL, "closed[%zu]: the list is sorted by party, then by epoch, and none stands twice",
                    i);
    c->n_closed = i + 1;
  }
  return err;
}

void charter_closed_write(struct buf *out, const struct charter *c) {
  if (c->n_closed == 0) return;
  write_name(out, "closed");
  buf_u8(out, '[');
  for (size_t i = 0; i < c->n_closed; i++) {
    write_comma(out);
    buf_u8(out, '{');
    write_str(out, "party", c->closed[i].party);
    write_int(out, "epoch", c->closed[i].epoch);
    write_int(out, "size", c->closed[i].size);
    write_b64(out, "root", BYTES(c->closed[i].root.b, sizeof c->closed[i].root.b));
    buf_u8(out, '}');
  }
  buf_u8(out, ']');
}

const struct charter_closed *charter_closed_find(const struct charter *c, const char *party, uint64_t epoch) {
  for (size_t i = 0; i < c->n_closed; i++)
    if (closed_order(&c->closed[i], party, epoch) == 0) return &c->closed[i];
  return NULL;
}
