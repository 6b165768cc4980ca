/*
 * Derived rows made anew: "statements" (id -> where it stands) and the box keys that lead to them, as src/node writes
 * them (submit.c, intake.c).
 */
#include <inttypes.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"
#include "forum/answer.h"
#include "forum/statement.h"
#include "record/audit_repair.h"

struct log {
  struct store *s;
  const char *origin;
  char party[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch, size;
  uint32_t number;
  bool ours;
  uint64_t next_order;
  uint64_t changed;
};

/* ---- the next free place in the boxes ---- */

static parley_err last_order(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  uint64_t *next = ctx;
  (void)v, (void)e;
  if (key.n == 10 && u64be(key.p + 2) >= *next) *next = u64be(key.p + 2) + 1;
  return PARLEY_EBUSY; /* the last one is enough */
}

static parley_err find_order(struct store *s, uint64_t *next, struct errmsg *e) {
  *next = 1;
  parley_err err = store_scan(s, STORE_INDEX, bytes_str("i/"), BYTES_NONE, true, last_order, next, e);
  return err ? err : store_scan(s, STORE_INDEX, bytes_str("o/"), BYTES_NONE, true, last_order, next, e);
}

/* ---- what a row says ---- */

struct row {
  bool read, ours;
  char from[PARTY_NAME_MAX + 1], forum[65];
  int64_t epoch, index, order;
};

static void read_row(struct row *out, struct bytes v) {
  json_t *o = NULL;
  const char *from = "", *forum = "";
  *out = (struct row){.index = -1, .order = -1};
  if (json_parse(&o, v, STORE_VALUE_MAX, NULL)) return;
  out->ours = json_is_true(json_object_get(o, "ours"));
  out->read = !json_get_str(&from, o, "", "from", NULL) && !json_get_str(&forum, o, "", "forum", NULL) &&
              !json_get_int(&out->index, o, "", "index", 0, INT64_MAX, NULL) &&
              !json_get_int(&out->order, o, "", "order", 0, INT64_MAX, NULL) && strlen(from) <= PARTY_NAME_MAX &&
              strlen(forum) == 64;
  json_get_int_opt(&out->epoch, o, "", "epoch", 0, INT64_MAX, NULL);
  if (out->read) {
    strcpy(out->from, from);
    strcpy(out->forum, forum);
  }
  json_decref(o);
}

/* OK: it leads to this log, and to an entry of this id there. */
static bool leads_here(struct log *l, const struct row *r, const struct hash *id) {
  char forum[65];
  struct hash there;
  hex_encode(forum, BYTES(l->forum, sizeof l->forum));
  if (!r->read || r->ours != l->ours || strcmp(r->from, l->party) || strcmp(r->forum, forum) ||
      (uint64_t)r->epoch != l->epoch)
    return false;
  return repair_wanted(l->s, l->origin, (uint64_t)r->index, &there, NULL) == PARLEY_OK && hash_eq(&there, id);
}

/* ---- box keys ---- */

struct seek {
  struct bytes id;
  uint8_t key[10];
  bool found;
};

static parley_err is_id(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct seek *k = ctx;
  (void)e;
  if (key.n != sizeof k->key || !bytes_eq(v, k->id)) return PARLEY_OK;
  memcpy(k->key, key.p, key.n);
  k->found = true;
  return PARLEY_EBUSY;
}

static parley_err find_box(struct log *l, const struct hash *id, struct seek *k, struct errmsg *e) {
  *k = (struct seek){.id = BYTES(id->b, 32)};
  return store_scan(l->s, STORE_INDEX, bytes_str(l->ours ? "o/" : "i/"), BYTES_NONE, false, is_id, k, e);
}

/* ---- our own log ---- */

static parley_err write_own(struct log *l, uint64_t index, const struct hash *id, const struct statement *s,
                            struct errmsg *e) {
  struct buf v = {0}, key = {0};
  struct seek box;
  char forum[65];
  parley_err err = find_box(l, id, &box, e);
  const uint64_t order = box.found ? u64be(box.key + 2) : l->next_order++;
  hex_encode(forum, BYTES(l->forum, sizeof l->forum));
  buf_fmt(&v,
          "{\"ours\":true,\"epoch\":%" PRIu64 ",\"index\":%" PRIu64 ",\"order\":%" PRIu64
          ",\"forum\":\"%s\",\"from\":\"%s\",\"kind\":\"%s\",\"issued\":%" PRId64 ",\"received\":%" PRId64 "}",
          l->epoch, index, order, forum, l->party, s->kind, s->issued, s->issued);
  if (!err && !buf_ok(&v)) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!err) err = store_put(l->s, STORE_STATEMENTS, BYTES(id->b, 32), buf_view(&v), e);
  if (!err && !box.found && !kind_is_open(s->kind)) {
    buf_str(&key, "o/");
    buf_u64be(&key, order);
    err = buf_ok(&key) ? store_put(l->s, STORE_INDEX, buf_view(&key), BYTES(id->b, 32), e)
                       : err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  buf_free(&v);
  buf_free(&key);
  return err;
}

/* ---- another's log: the row and its box key go; taking in makes them anew ---- */

/* An answer is found by what it answers (answers.c); taken in again, it would not be the first otherwise. */
static parley_err forget_answer(struct log *l, const struct hash *id, const struct statement *s, struct errmsg *e) {
  const enum answer what = answer_of(s->kind);
  struct buf key = {0};
  struct arena a = {0};
  struct bytes had;
  if (what == ANSWER_NONE) return PARLEY_OK;
  buf_str(&key, what == ANSWER_ACK ? "a/" : what == ANSWER_REJECT ? "r/" : "n/");
  buf_add(&key, s->re[0], 32);
  buf_str(&key, l->party);
  parley_err err = buf_ok(&key) ? store_get(l->s, STORE_INDEX, buf_view(&key), &a, &had, e)
                                : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!err && bytes_eq(had, BYTES(id->b, 32))) err = store_delete(l->s, STORE_INDEX, buf_view(&key), e);
  arena_free(&a);
  buf_free(&key);
  return err == PARLEY_ENOTFOUND ? PARLEY_OK : err;
}

static parley_err take_out(struct log *l, const struct hash *id, const struct statement *s, struct errmsg *e) {
  struct seek box;
  parley_err err = forget_answer(l, id, s, e);
  if (!err) err = find_box(l, id, &box, e);
  if (!err && box.found) err = store_delete(l->s, STORE_INDEX, BYTES(box.key, sizeof box.key), e);
  return err ? err : store_delete(l->s, STORE_STATEMENTS, BYTES(id->b, 32), e);
}

/*
 * Taking in begins at entry 0 again. Without the fourth number the card in force is the one that the charter names, as
 * it is there; so that those after it are seen, the rows of forum.card go as well.
 */
static parley_err begin_again(struct log *l, struct errmsg *e) {
  struct buf key = {0}, v = {0};
  buf_fmt(&key, "t/%s", l->origin);
  buf_str(&v, "0 0 0");
  const parley_err err = buf_ok(&key) && buf_ok(&v) ? store_put(l->s, STORE_PEERS, buf_view(&key), buf_view(&v), e)
                                                    : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&key);
  buf_free(&v);
  return err;
}

static parley_err take_cards_out(struct log *l, struct errmsg *e) {
  parley_err err = PARLEY_OK;
  for (uint64_t i = 0; i < l->size && !err; i++) {
    struct arena a = {0};
    struct bytes entry;
    struct statement s = {0};
    struct hash id;
    err = store_seq_get(l->s, STORE_ENTRIES, l->number, i, &a, &entry, e);
    if (!err && statement_parse(&s, &a, entry, NULL, NULL) == PARLEY_OK && !strcmp(s.kind, "forum.card")) {
      statement_id(&id, entry);
      err = take_out(l, &id, &s, e);
    }
    if (err == PARLEY_ENOTFOUND) err = PARLEY_OK;
    statement_clear(&s);
    arena_free(&a);
  }
  return err;
}

/* ---- one log ---- */

static parley_err check_one(struct log *l, uint64_t index, struct bytes entry, struct errmsg *e) {
  struct arena a = {0};
  struct bytes v;
  struct hash id;
  struct row r = {0};
  struct statement s = {0};
  statement_id(&id, entry);
  parley_err err = store_get(l->s, STORE_STATEMENTS, BYTES(id.b, 32), &a, &v, e);
  if (err && err != PARLEY_ENOTFOUND) goto end;
  if (!err) read_row(&r, v);
  err = PARLEY_OK;
  if (leads_here(l, &r, &id)) goto end;
  l->changed++;
  const bool read = statement_parse(&s, &a, entry, NULL, NULL) == PARLEY_OK; /* cleared otherwise */
  if (!l->ours)
    err = take_out(l, &id, &s, e);
  else if (read)
    err = write_own(l, index, &id, &s, e);
end:
  statement_clear(&s);
  arena_free(&a);
  return err;
}

parley_err repair_rows(struct store *s, const char *origin, const char *self, uint64_t *changed, struct errmsg *e) {
  struct log l = {.s = s, .origin = origin};
  bool bulk;
  if (!log_origin_parse(l.party, l.forum, &l.epoch, &bulk, bytes_str(origin)) || bulk) return PARLEY_OK;
  l.ours = !strcmp(l.party, self);
  parley_err err = audit_store_find(s, origin, &l.number, &l.size, e);
  if (!err) err = find_order(s, &l.next_order, e);
  for (uint64_t i = 0; i < l.size && !err; i++) {
    struct arena a = {0};
    struct bytes entry;
    err = store_seq_get(s, STORE_ENTRIES, l.number, i, &a, &entry, e);
    if (!err)
      err = check_one(&l, i, entry, e);
    else if (err == PARLEY_ENOTFOUND)
      err = PARLEY_OK; /* told by the audit */
    arena_free(&a);
  }
  if (!err && !l.ours && l.changed > 0) err = take_cards_out(&l, e);
  if (!err && !l.ours && l.changed > 0) err = begin_again(&l, e);
  *changed += l.changed;
  return err;
}

/* ---- rows that cannot be read ---- */

struct unreadable {
  struct arena arena;
  struct bytes list[256];
  size_t n;
};

static parley_err find_unreadable(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct unreadable *u = ctx;
  struct row r;
  read_row(&r, v);
  if (key.n == 32 && r.read) return PARLEY_OK;
  u->list[u->n] = arena_copy(&u->arena, key);
  if (!u->list[u->n].p) return err_set(e, PARLEY_ENOMEM, "out of memory");
  return ++u->n < sizeof u->list / sizeof *u->list ? PARLEY_OK : PARLEY_EBUSY;
}

parley_err repair_unreadable_rows(struct store *s, uint64_t *changed, struct errmsg *e) {
  parley_err err;
  size_t n;
  do {
    struct unreadable u = {0};
    err = store_scan(s, STORE_STATEMENTS, BYTES_NONE, BYTES_NONE, false, find_unreadable, &u, e);
    for (size_t i = 0; i < u.n && !err; i++) err = store_delete(s, STORE_STATEMENTS, u.list[i], e);
    n = u.n;
    *changed += n;
    arena_free(&u.arena);
  } while (!err && n > 0);
  return err;
}
