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

/* The envelopes themselves are judged by who takes the cards. */
static parley_err check_card(const json_t *list, size_t i, struct errmsg *e) {
  const char *card;
  struct buf decoded = {0};
  const parley_err err = fields_item_str(&card, list, "body.cards", i, e);
  if (err != PARLEY_OK) return err;
  const bool ok = base64_decode(&decoded, bytes_str(card), true) && decoded.n > 0 && decoded.n <= CARD_SIZE_MAX;
  const bool memory = !decoded.failed;
  buf_free(&decoded);
  if (!memory) return err_set(e, PARLEY_ENOMEM, "out of memory while reading a statement");
  return ok ? PARLEY_OK
            : err_set(e, PARLEY_EINVAL, "body.cards[%zu]: must be the padded base64 of 1 to %d bytes", i,
                      CARD_SIZE_MAX);
}

static parley_err check_card_list(const json_t *body, struct errmsg *e) {
  json_t *list;
  parley_err err = json_get_arr(&list, body, "body", "cards", 1, CARDS_CARRIED_MAX, e);
  for (size_t i = 0; err == PARLEY_OK && i < json_array_size(list); i++) err = check_card(list, i, e);
  return err;
}

static parley_err check_cards(const json_t *body, struct errmsg *e) {
  const parley_err err = fields_order(body, "body", (const char *const[]){"cards", NULL}, e);
  return err == PARLEY_OK ? check_card_list(body, e) : err;
}

/* A part of a proof of two histories; what it proves is judged by who takes it. */
static parley_err check_proof_text(const json_t *body, const char *name, size_t max, struct errmsg *e) {
  const char *text = NULL;
  struct buf decoded = {0};
  const parley_err err = json_get_str(&text, body, "body", name, e);
  if (err != PARLEY_OK) return err;
  const bool ok = base64_decode(&decoded, bytes_str(text), true) && decoded.n > 0 && decoded.n <= max;
  const bool memory = !decoded.failed;
  buf_free(&decoded);
  if (!memory) return err_set(e, PARLEY_ENOMEM, "out of memory while reading a statement");
  return ok ? PARLEY_OK
            : err_set(e, PARLEY_EINVAL, "body.%s: must be the padded base64 of 1 to %zu bytes", name, max);
}

/* docs/protocol.md, "Kinds of this version": forum.proof. */
static parley_err check_proof(const json_t *body, struct errmsg *e) {
  parley_err err =
      fields_order(body, "body", (const char *const[]){"first", "second", "consistency", "cards", NULL}, e);
  if (err == PARLEY_OK) err = check_proof_text(body, "first", NOTE_SIZE_MAX, e);
  if (err == PARLEY_OK) err = check_proof_text(body, "second", NOTE_SIZE_MAX, e);
  if (err == PARLEY_OK && json_object_get(body, "consistency") != NULL)
    err = check_proof_text(body, "consistency", 45 * (PROOF_MAX + 1), e);
  return err == PARLEY_OK ? check_card_list(body, e) : err;
}

/* docs/protocol.md, "Epochs and recovery". */
static parley_err check_epoch(const json_t *body, struct errmsg *e) {
  struct forum_epoch epoch;
  return forum_epoch_parse(&epoch, body, e);
}

/* "size" and "root" of the object at path. */
static parley_err parse_tree(uint64_t *size, struct hash *root, const json_t *o, const char *path, int64_t least,
                             struct errmsg *e) {
  const char *text = NULL;
  int64_t n = 0;
  parley_err err = json_get_int(&n, o, path, "size", least, JSON_INT_MAX, e);
  if (err == PARLEY_OK) err = json_get_str(&text, o, path, "root", e);
  if (err == PARLEY_OK && !base64_decode_fixed(root->b, sizeof root->b, bytes_str(text), true))
    err = err_set(e, PARLEY_EINVAL, "%s.root: must be the base64 of 32 bytes", path);
  *size = (uint64_t)n;
  return err;
}

/* A tree that may be named: "held" or "bulk"; *size 0: it is not. */
static parley_err parse_named(uint64_t *size, struct hash *root, const json_t *body, const char *name,
                              struct errmsg *e) {
  json_t *tree = NULL;
  char path[16];
  *size = 0;
  if (json_object_get(body, name) == NULL) return PARLEY_OK;
  snprintf(path, sizeof path, "body.%s", name);
  parley_err err = json_get_obj(&tree, body, "body", name, e);
  if (err == PARLEY_OK) err = fields_order(tree, path, (const char *const[]){"size", "root", NULL}, e);
  return err == PARLEY_OK ? parse_tree(size, root, tree, path, 1, e) : err;
}

parley_err forum_epoch_parse(struct forum_epoch *out, const json_t *body, struct errmsg *e) {
  int64_t epoch = 0;
  parley_err err = fields_order(body, "body", (const char *const[]){"epoch", "size", "root", "held", "bulk", NULL}, e);
  if (err == PARLEY_OK) err = json_get_int(&epoch, body, "body", "epoch", 0, JSON_INT_MAX - 1, e);
  if (err == PARLEY_OK) err = parse_tree(&out->size, &out->root, body, "body", 0, e);
  if (err == PARLEY_OK) err = parse_named(&out->held_size, &out->held_root, body, "held", e);
  if (err == PARLEY_OK && out->held_size >= out->size && out->held_size > 0)
    err = err_set(e, PARLEY_EINVAL, "body.held.size: must be less than body.size");
  if (err == PARLEY_OK) err = parse_named(&out->bulk_size, &out->bulk_root, body, "bulk", e);
  out->epoch = (uint64_t)epoch;
  return err;
}

static bool put_tree(json_t *o, uint64_t size, const struct hash *root) {
  return o != NULL && json_put_int(o, "size", (int64_t)size) && json_put_b64(o, "root", root->b, sizeof root->b);
}

static bool put_named(json_t *o, const char *name, uint64_t size, const struct hash *root) {
  if (size == 0) return true;
  json_t *tree = json_object();
  const bool ok = put_tree(tree, size, root) && json_object_set(o, name, tree) == 0;
  json_decref(tree);
  return ok;
}

json_t *forum_epoch_body(const struct forum_epoch *epoch) {
  json_t *o = json_object();
  if (o != NULL && json_put_int(o, "epoch", (int64_t)epoch->epoch) && put_tree(o, epoch->size, &epoch->root) &&
      put_named(o, "held", epoch->held_size, &epoch->held_root) &&
      put_named(o, "bulk", epoch->bulk_size, &epoch->bulk_root))
    return o;
  json_decref(o);
  return NULL;
}

static parley_err parse_open(struct statement *s, const json_t *top, struct errmsg *e) {
  json_t *body;
  if (json_object_get(top, "sealed") != NULL || json_object_get(top, "body_sha256") != NULL)
    return err_set(e, PARLEY_EINVAL, "sealed: a statement of kind %s has an open body", s->kind);
  parley_err err = json_get_obj(&body, top, "", "body", e);
  if (err == PARLEY_OK && strcmp(s->kind, "forum.held") == 0 && json_object_size(body) > 0)
    err = err_set(e, PARLEY_EINVAL, "body: must be {} in a forum.held");
  if (err == PARLEY_OK && strcmp(s->kind, "forum.charter") == 0) err = check_charter_part(body, e);
  if (err == PARLEY_OK && strcmp(s->kind, "forum.card") == 0) err = check_cards(body, e);
  if (err == PARLEY_OK && strcmp(s->kind, "forum.proof") == 0) err = check_proof(body, e);
  if (err == PARLEY_OK && strcmp(s->kind, "forum.epoch") == 0) err = check_epoch(body, e);
  if (err == PARLEY_OK) s->body = json_incref(body);
  return err;
}

/* Decodes into the arena at once: the size of the text tells that of the file. EINVAL, ENOMEM. */
static parley_err decode(struct bytes *out, struct arena *a, struct bytes in) {
  size_t n = in.n / 4 * 3;
  n -= n > 0 && in.p[in.n - 1] == '=' ? 1 : 0;
  n -= n > 1 && in.p[in.n - 2] == '=' ? 1 : 0;
  if (n == 0) return PARLEY_EINVAL;
  uint8_t *p = arena_alloc(a, n);
  if (p == NULL) return PARLEY_ENOMEM;
  *out = BYTES(p, n);
  return base64_decode_fixed(p, n, in, true) ? PARLEY_OK : PARLEY_EINVAL;
}

bool statement_take_sealed(struct bytes *rest, struct bytes *sealed, struct arena *a, struct bytes payload) {
  static const char member[] = "\"sealed\":\"";
  const size_t n = sizeof member - 1;
  const uint8_t *at = payload.n > 0 ? memmem(payload.p, payload.n, member, n) : NULL;
  if (at == NULL) return false;
  const size_t start = (size_t)(at - payload.p) + n, end = bytes_find(payload, start, '"');
  if (end == (size_t)-1 || memmem(payload.p + start, payload.n - start, member, n) != NULL) return false;
  if (decode(sealed, a, BYTES(payload.p + start, end - start)) != PARLEY_OK) return false;
  uint8_t *p = arena_alloc(a, payload.n - (end - start));
  if (p == NULL) return false;
  memcpy(p, payload.p, start);
  memcpy(p + start, payload.p + end, payload.n - end);
  *rest = BYTES(p, payload.n - (end - start));
  return true;
}

static parley_err parse_sealed(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  const char *text;
  if (json_object_get(top, "body") != NULL)
    return err_set(e, PARLEY_EINVAL, "body: a statement of kind %s has a sealed body", s->kind);
  parley_err err = json_get_str(&text, top, "", "sealed", e);
  if (err == PARLEY_OK) err = json_get_hex(s->body_sha256, SHA256_SIZE, top, "", "body_sha256", e);
  if (err != PARLEY_OK || s->sealed.p != NULL) return err;
  err = decode(&s->sealed, a, bytes_str(text));
  if (err == PARLEY_ENOMEM) return err_set(e, err, "out of memory while reading a statement");
  return err == PARLEY_OK ? err : err_set(e, err, "sealed: must be the padded base64 of an age file");
}

parley_err statement_parse_body(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  return kind_is_open(s->kind) ? parse_open(s, top, e) : parse_sealed(s, a, top, e);
}
