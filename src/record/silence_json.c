/*
 * silent.json and attempts.json: no white space, members in one order; what would be written otherwise is refused.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time.h"
#include "forum/charter.h"
#include "record/silence_parts.h"

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory"); }

/* Takes list (NULL: there was no memory). */
static parley_err write_list(struct buf *out, const char *name, json_t *list) {
  json_t *o = json_object();
  if (list) json_object_set_new(o, name, list);
  const bool ok = json_write(out, o);
  json_decref(o);
  return ok ? PARLEY_OK : PARLEY_ENOMEM;
}

static parley_err read_list(json_t **top, json_t **list, const char *name, struct bytes in, size_t most,
                            struct errmsg *e) {
  const char *const members[] = {name, NULL};
  parley_err r = json_parse(top, in, SILENCE_JSON_MAX, e);
  if (!r) r = json_only(*top, "", members, e);
  return r ? r : json_get_arr(list, *top, "", name, 0, most, e);
}

/* One form only: what was read is written again and compared. */
static parley_err same_again(struct buf *again, parley_err written, struct bytes in, struct errmsg *e) {
  parley_err r = written ? no_memory(e) : PARLEY_OK;
  if (!r && !bytes_eq(buf_view(again), in))
    r = err_set(e, PARLEY_EINVAL, "it is not in the one form that it is written in: no white space, members in order");
  buf_free(again);
  return r;
}

static parley_err read_name(char out[static PARTY_NAME_MAX + 1], const json_t *v, const char *path, struct errmsg *e) {
  const char *s;
  const parley_err r = json_get_str(&s, v, path, "party", e);
  if (r) return r;
  if (!party_name_valid(s)) return err_set(e, PARLEY_EINVAL, "%s.party: is no party's name", path);
  memcpy(out, s, strlen(s) + 1);
  return PARLEY_OK;
}

/* A line of text: no control characters. */
static parley_err read_line(char *out, size_t size, const json_t *v, const char *path, const char *name,
                            struct errmsg *e) {
  const char *s;
  const parley_err r = json_get_str(&s, v, path, name, e);
  if (r) return r;
  bool ok = *s && strlen(s) < size;
  for (const uint8_t *p = (const uint8_t *)s; ok && *p; p++)
    ok = *p >= 0x20 && *p != 0x7f && !(p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
  if (!ok) return err_set(e, PARLEY_EINVAL, "%s.%s: must be one line of 1 to %zu bytes", path, name, size - 1);
  memcpy(out, s, strlen(s) + 1);
  return PARLEY_OK;
}

/* ---- silent.json ---- */

parley_err silence_list_write(struct buf *out, const struct silence_list *l) {
  json_t *list = json_array();
  for (size_t i = 0; i < l->n; i++) {
    json_t *o = json_object();
    json_put_str(o, "party", l->list[i].party);
    json_put_int(o, "size", (int64_t)l->list[i].size);
    if (l->list[i].size) json_put_time(o, "time", l->list[i].time);
    json_array_append_new(list, o);
  }
  return write_list(out, "silent", list);
}

static parley_err read_party(struct silence_party *out, const json_t *v, const char *path, struct errmsg *e) {
  static const char *const members[] = {"party", "size", "time", NULL};
  int64_t size;
  if (!json_is_object(v)) return err_set(e, PARLEY_EINVAL, "%s: must be an object", path);
  parley_err r = json_only(v, path, members, e);
  if (!r) r = read_name(out->party, v, path, e);
  if (!r) r = json_get_int(&size, v, path, "size", 0, INT64_C(9007199254740991), e);
  if (r) return r;
  out->size = (uint64_t)size;
  if (size) return json_get_time(&out->time, v, path, "time", e);
  if (json_object_get(v, "time")) return err_set(e, PARLEY_EINVAL, "%s.time: there is none with size 0", path);
  return PARLEY_OK;
}

parley_err silence_list_parse(struct silence_list *out, struct arena *a, struct bytes in, struct errmsg *e) {
  json_t *top = NULL, *list;
  struct buf again = {0};
  *out = (struct silence_list){0};
  parley_err r = read_list(&top, &list, "silent", in, FORUM_MEMBERS_MAX - 1, e);
  if (!r && !json_array_size(list)) r = err_set(e, PARLEY_EINVAL, "silent: names nobody");
  if (!r && !(out->list = arena_alloc(a, json_array_size(list) * sizeof *out->list))) r = no_memory(e);
  for (; !r && out->n < json_array_size(list); out->n++) {
    char path[40];
    snprintf(path, sizeof path, "silent[%zu]", out->n);
    r = read_party(&out->list[out->n], json_array_get(list, out->n), path, e);
  }
  json_decref(top);
  return r ? r : same_again(&again, silence_list_write(&again, out), in, e);
}

/* ---- attempts.json ---- */

parley_err silence_attempts_write(struct buf *out, const struct silence_attempts *l) {
  json_t *list = json_array();
  for (size_t i = 0; i < l->n; i++) {
    json_t *o = json_object();
    json_put_str(o, "party", l->list[i].party);
    json_put_time(o, "first", l->list[i].first);
    json_put_time(o, "last", l->list[i].last);
    json_put_int(o, "count", l->list[i].count);
    json_put_str(o, "request", l->list[i].request);
    json_put_str(o, "outcome", l->list[i].outcome);
    json_array_append_new(list, o);
  }
  return write_list(out, "attempts", list);
}

static parley_err read_attempt(struct silence_attempt *out, const json_t *v, const char *path, struct errmsg *e) {
  static const char *const members[] = {"party", "first", "last", "count", "request", "outcome", NULL};
  if (!json_is_object(v)) return err_set(e, PARLEY_EINVAL, "%s: must be an object", path);
  parley_err r = json_only(v, path, members, e);
  if (!r) r = read_name(out->party, v, path, e);
  if (!r) r = json_get_time(&out->first, v, path, "first", e);
  if (!r) r = json_get_time(&out->last, v, path, "last", e);
  if (!r) r = json_get_int(&out->count, v, path, "count", 1, INT64_C(9007199254740991), e);
  if (!r) r = read_line(out->request, sizeof out->request, v, path, "request", e);
  return r ? r : read_line(out->outcome, sizeof out->outcome, v, path, "outcome", e);
}

parley_err silence_attempts_parse(struct silence_attempts *out, struct arena *a, struct bytes in, struct errmsg *e) {
  json_t *top = NULL, *list;
  struct buf again = {0};
  *out = (struct silence_attempts){0};
  parley_err r = read_list(&top, &list, "attempts", in, SILENCE_ATTEMPTS_MAX, e);
  if (!r && !(out->list = arena_alloc(a, (json_array_size(list) + 1) * sizeof *out->list))) r = no_memory(e);
  for (; !r && out->n < json_array_size(list); out->n++) {
    char path[40];
    snprintf(path, sizeof path, "attempts[%zu]", out->n);
    r = read_attempt(&out->list[out->n], json_array_get(list, out->n), path, e);
  }
  json_decref(top);
  return r ? r : same_again(&again, silence_attempts_write(&again, out), in, e);
}
