#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "forum/charter_parts.h"
#include "forum/fields.h"
#include "forum/statement.h"

#define DAY_MAX 36500

/* A string that must be one of words; written into out. */
static parley_err parse_word(char *out, size_t size, const json_t *top, const char *name, const char *const words[],
                             struct errmsg *e) {
  parley_err err = fields_text(out, size, top, "", name, e);
  char allowed[128] = "";
  for (size_t i = 0, used = 0; err == PARLEY_OK && words[i] != NULL; i++) {
    if (strcmp(words[i], out) == 0) return PARLEY_OK;
    used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", i > 0 ? ", " : "", words[i]);
  }
  return err != PARLEY_OK ? err : err_set(e, PARLEY_EINVAL, "%s: is \"%s\", allowed are %s", name, out, allowed);
}

static parley_err parse_languages(struct charter *c, const json_t *top, struct errmsg *e) {
  json_t *arr;
  parley_err err = json_get_arr(&arr, top, "", "languages", 1, 8, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    const char *s;
    err = fields_item_str(&s, arr, "languages", i, e);
    if (err == PARLEY_OK && !lang_valid(s))
      err = err_set(e, PARLEY_EINVAL, "languages[%zu]: no language tag of at most %d bytes", i, LANG_MAX);
    for (size_t k = 0; err == PARLEY_OK && k < i; k++)
      if (strcmp(c->languages[k], s) == 0) err = err_set(e, PARLEY_EINVAL, "languages[%zu]: \"%s\" stands twice", i, s);
    if (err == PARLEY_OK) strcpy(c->languages[c->n_languages++], s);
  }
  return err;
}

static parley_err parse_fields(struct charter *c, const json_t *top, struct errmsg *e) {
  static const char *const known[] = {"cyber", "strategic-stability", "regional-conflict"};
  json_t *arr;
  parley_err err = json_get_arr(&arr, top, "", "fields", 1, 3, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    const char *s;
    size_t k = 0;
    err = fields_item_str(&s, arr, "fields", i, e);
    while (err == PARLEY_OK && k < 3 && strcmp(known[k], s) != 0) k++;
    if (err == PARLEY_OK && k == 3)
      err = err_set(e, PARLEY_EINVAL, "fields[%zu]: allowed are cyber, strategic-stability, regional-conflict", i);
    for (size_t j = 0; err == PARLEY_OK && j < i; j++)
      if (strcmp(c->fields[j], s) == 0) err = err_set(e, PARLEY_EINVAL, "fields[%zu]: \"%s\" stands twice", i, s);
    if (err == PARLEY_OK) strcpy(c->fields[c->n_fields++], s);
  }
  return err;
}

static parley_err parse_member(struct charter_member *m, const json_t *arr, size_t i, struct errmsg *e) {
  char path[PATH_SIZE];
  json_t *obj;
  const char *role;
  parley_err err = fields_item_obj(&obj, path, arr, "members", i, e);
  if (err == PARLEY_OK) err = fields_order(obj, path, (const char *const[]){"name", "card", "role", NULL}, e);
  if (err == PARLEY_OK) err = fields_party(m->name, sizeof m->name, obj, path, "name", e);
  if (err == PARLEY_OK) err = json_get_hex(m->fingerprint, SHA256_SIZE, obj, path, "card", e);
  if (err == PARLEY_OK) err = json_get_str(&role, obj, path, "role", e);
  if (err == PARLEY_OK && !member_role_parse(&m->role, role))
    err = err_set(e, PARLEY_EINVAL, "%s.role: allowed are member, chair, observer, relay, suspended", path);
  return err;
}

static parley_err parse_members(struct charter *c, struct arena *a, const json_t *top, struct errmsg *e) {
  json_t *arr;
  parley_err err = json_get_arr(&arr, top, "", "members", 1, FORUM_MEMBERS_MAX, e);
  if (err != PARLEY_OK) return err;
  c->members = arena_alloc(a, json_array_size(arr) * sizeof *c->members);
  if (c->members == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading members");
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    err = parse_member(&c->members[i], arr, i, e);
    int order = err == PARLEY_OK && i > 0 ? strcmp(c->members[i - 1].name, c->members[i].name) : -1;
    if (order == 0)
      err = err_set(e, PARLEY_EINVAL, "members[%zu].name: %s stands twice", i, c->members[i].name);
    else if (order > 0)
      err = err_set(e, PARLEY_EINVAL, "members[%zu].name: %s stands after %s; members are sorted by name", i,
                    c->members[i].name, c->members[i - 1].name);
    c->n_members = i + 1;
  }
  return err;
}

static parley_err parse_adoption(struct charter *c, const json_t *top, struct errmsg *e) {
  const char *const methods[] = {"consensus", "silence", "threshold", NULL};
  parley_err err = parse_word(c->adoption, sizeof c->adoption, top, "adoption", methods, e);
  if (err != PARLEY_OK) return err;
  bool wanted = strcmp(c->adoption, "threshold") == 0;
  if (!wanted && json_object_get(top, "threshold") != NULL)
    return err_set(e, PARLEY_EINVAL, "threshold: stands only with the adoption \"threshold\"");
  if (wanted) err = json_get_int(&c->threshold, top, "", "threshold", 1, (int64_t)c->n_members, e);
  return err == PARLEY_OK ? json_get_int(&c->quorum, top, "", "quorum", 1, (int64_t)c->n_members, e) : err;
}

static parley_err parse_ack_seconds(struct charter *c, const json_t *top, struct errmsg *e) {
  const char *names[PRECEDENCE_COUNT + 1] = {NULL};
  json_t *obj;
  for (int p = 0; p < PRECEDENCE_COUNT; p++) names[p] = precedence_name((enum precedence)p);
  parley_err err = json_get_obj(&obj, top, "", "ack_seconds", e);
  if (err == PARLEY_OK) err = fields_order(obj, "ack_seconds", names, e);
  for (int p = 0; err == PARLEY_OK && p < PRECEDENCE_COUNT; p++)
    err = json_get_int(&c->ack_seconds[p], obj, "ack_seconds", names[p], 60, 2592000, e);
  return err;
}

static parley_err parse_numbers(struct charter *c, const json_t *top, struct errmsg *e) {
  const struct {
    const char *name;
    int64_t *to, min, max;
  } numbers[] = {
      {"heartbeat_seconds", &c->heartbeat_seconds, 60, 86400},
      {"clock_tolerance_seconds", &c->clock_tolerance_seconds, 1, 86400},
      {"attachment_max", &c->attachment_max, 0, INT64_C(1) << 40},
      {"bytes_per_day", &c->bytes_per_day, 0, JSON_INT_MAX},
      {"bytes_total", &c->bytes_total, 0, JSON_INT_MAX},
      {"retention_days", &c->retention_days, 0, DAY_MAX},
  };
  parley_err err = parse_ack_seconds(c, top, e);
  for (size_t i = 0; err == PARLEY_OK && i < sizeof numbers / sizeof *numbers; i++)
    err = json_get_int(numbers[i].to, top, "", numbers[i].name, numbers[i].min, numbers[i].max, e);
  return err;
}

static parley_err parse_pins(struct charter_pin *pins, size_t *n, const json_t *top, const char *name,
                             struct errmsg *e) {
  json_t *obj, *value;
  const char *key;
  parley_err err = json_get_obj(&obj, top, "", name, e);
  if (err == PARLEY_OK && json_object_size(obj) > CHARTER_DIGESTS_MAX)
    err = err_set(e, PARLEY_EINVAL, "%s: has %zu members, allowed are %d", name, json_object_size(obj),
                  CHARTER_DIGESTS_MAX);
  if (err != PARLEY_OK) return err;
  json_object_foreach(obj, key, value) {
    struct charter_pin *p = &pins[(*n)++];
    if (!kind_valid(key))
      return err_set(e, PARLEY_EINVAL, "%s: \"%.64s\" is no name of lower-case words joined by dots, at most %d bytes",
                     name, key, KIND_MAX);
    err = json_get_hex(p->digest, SHA256_SIZE, obj, name, key, e);
    if (err != PARLEY_OK) return err;
    strcpy(p->name, key);
  }
  return PARLEY_OK;
}

/* A witness is neutral: its key carries no member's name. */
static parley_err check_witness(const struct charter *c, const struct vkey *k, size_t i, struct errmsg *e) {
  if (k->type != NOTE_COSIGNATURE)
    return err_set(e, PARLEY_EINVAL, "witnesses[%zu]: is a vkey of type 0x%02x, must be 0x04", i, k->type);
  for (size_t m = 0; m < c->n_members; m++) {
    const char *name = c->members[m].name;
    size_t n = strlen(name);
    if (strncmp(k->name, name, n) == 0 && (k->name[n] == '\0' || k->name[n] == '/'))
      return err_set(e, PARLEY_EINVAL, "witnesses[%zu]: %s is a member; a witness must not be", i, name);
  }
  for (size_t w = 0; w < i; w++)
    if (memcmp(c->witnesses[w].pub, k->pub, 32) == 0)
      return err_set(e, PARLEY_EINVAL, "witnesses[%zu]: is the key of witnesses[%zu]", i, w);
  return PARLEY_OK;
}

static parley_err parse_witnesses(struct charter *c, const json_t *top, struct errmsg *e) {
  json_t *arr;
  parley_err err = json_get_arr(&arr, top, "", "witnesses", 0, 16, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    const char *s;
    err = fields_item_str(&s, arr, "witnesses", i, e);
    if (err != PARLEY_OK) return err;
    err = vkey_parse(&c->witnesses[i], bytes_str(s), e);
    if (err != PARLEY_OK) return err_prefix(e, err, "witnesses[%zu]", i);
    err = check_witness(c, &c->witnesses[i], i, e);
    c->n_witnesses = i + 1;
  }
  return err;
}

static parley_err parse_replaces(struct charter *c, const json_t *top, struct errmsg *e) {
  json_t *arr;
  parley_err err = json_get_arr(&arr, top, "", "replaces", 0, 16, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(arr); i++) {
    err = fields_item_digest(c->replaces[i], arr, "replaces", i, e);
    for (size_t k = 0; err == PARLEY_OK && k < i; k++)
      if (memcmp(c->replaces[k], c->replaces[i], SHA256_SIZE) == 0)
        err = err_set(e, PARLEY_EINVAL, "replaces[%zu]: stands twice", i);
    c->n_replaces = i + 1;
  }
  return err;
}

static parley_err parse_all(struct charter *c, struct arena *a, const json_t *top, struct errmsg *e) {
  const char *const names[] = {"title",
                               "languages",
                               "nonce",
                               "legal",
                               "fields",
                               "members",
                               "adoption",
                               "threshold",
                               "quorum",
                               "ack_seconds",
                               "heartbeat_seconds",
                               "clock_tolerance_seconds",
                               "attachment_max",
                               "bytes_per_day",
                               "bytes_total",
                               "disclosure",
                               "retention_days",
                               "forms",
                               "procedures",
                               "witnesses",
                               "closed",
                               "replaces",
                               NULL};
  const char *const legal[] = {"political", "treaty", "exercise", NULL}, *const disclosure[] = {"consent", "free",
                                                                                                NULL};
  parley_err err = fields_order(top, "", names, e);
  if (err == PARLEY_OK) err = fields_text(c->title, sizeof c->title, top, "", "title", e);
  if (err == PARLEY_OK) err = parse_languages(c, top, e);
  if (err == PARLEY_OK) err = json_get_b64(c->nonce, sizeof c->nonce, top, "", "nonce", e);
  if (err == PARLEY_OK) err = parse_word(c->legal, sizeof c->legal, top, "legal", legal, e);
  if (err == PARLEY_OK) err = parse_fields(c, top, e);
  if (err == PARLEY_OK) err = parse_members(c, a, top, e);
  if (err == PARLEY_OK) err = parse_adoption(c, top, e);
  if (err == PARLEY_OK) err = parse_numbers(c, top, e);
  if (err == PARLEY_OK) err = parse_word(c->disclosure, sizeof c->disclosure, top, "disclosure", disclosure, e);
  if (err == PARLEY_OK) err = parse_pins(c->forms, &c->n_forms, top, "forms", e);
  if (err == PARLEY_OK) err = parse_pins(c->procedures, &c->n_procedures, top, "procedures", e);
  if (err == PARLEY_OK) err = parse_witnesses(c, top, e);
  if (err == PARLEY_OK) err = charter_closed_parse(c, a, top, e);
  return err == PARLEY_OK ? parse_replaces(c, top, e) : err;
}

parley_err charter_parse(struct charter *out, struct arena *a, struct bytes payload, struct errmsg *e) {
  json_t *top = NULL;
  *out = (struct charter){0};
  parley_err err = json_parse(&top, payload, CHARTER_SIZE_MAX, e);
  if (err == PARLEY_OK) err = parse_all(out, a, top, e);
  json_decref(top);
  if (err != PARLEY_OK) return err_prefix(e, err, "charter");
  sha256(out->digest, payload);
  out->payload = arena_copy(a, payload);
  return out->payload.p != NULL ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while reading a charter");
}

const struct charter_member *charter_member(const struct charter *c, const char *name) {
  size_t low = 0, high = c->n_members;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    int order = strcmp(name, c->members[mid].name);
    if (order == 0) return &c->members[mid];
    if (order < 0)
      high = mid;
    else
      low = mid + 1;
  }
  return NULL;
}

const struct charter_pin *charter_form(const struct charter *c, const char *kind) {
  for (size_t i = 0; i < c->n_forms; i++)
    if (strcmp(c->forms[i].name, kind) == 0) return &c->forms[i];
  return NULL;
}
