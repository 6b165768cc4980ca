/*
 * The store as the source of an audit: raw values, whatever they are, found by their keys alone. No log is opened,
 * since opening refuses what an audit is to describe.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"
#include "forum/card.h"
#include "merkle/tiles.h"
#include "record/audit_repair.h"
#include "record/audit_store.h"
#include "store/store.h"

parley_err audit_store_no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory for an audit"); }

/* ---- names ---- */

/* Takes "<word>/" off *name. */
bool audit_store_word(const char **name, char *out, size_t cap) {
  const char *slash = strchr(*name, '/');
  const size_t n = slash ? (size_t)(slash - *name) : cap;
  if (n >= cap) return false;
  memcpy(out, *name, n);
  out[n] = '\0';
  *name = slash + 1;
  return true;
}

bool audit_store_number(const char **name, uint64_t *out) {
  char word[24];
  return audit_store_word(name, word, sizeof word) && dec_decode(out, bytes_str(word));
}

parley_err audit_store_no_such(const char *name, struct errmsg *e) {
  return err_set(e, PARLEY_ENOTFOUND, "nothing to audit under %.200s", name);
}

/* ---- the log's record: number and size ---- */

struct log_record {
  uint32_t number;
  uint64_t size;
};

/* As copy.c writes it: version 1, number, size. */
static bool record_read(struct log_record *out, struct bytes v) {
  if (v.n != 13 || v.p[0] != 1) return false;
  out->number = (uint32_t)u16be(v.p + 1) << 16 | u16be(v.p + 3);
  out->size = u64be(v.p + 5);
  return out->number > 0 && out->number <= STORE_LOG_MAX && out->size <= STORE_POS_MAX + 1;
}

parley_err audit_store_value(struct store *s, enum store_map t, struct buf *key, struct arena *a, struct bytes *v,
                             struct errmsg *e) {
  const parley_err err = buf_ok(key) ? store_get(s, t, buf_view(key), a, v, e) : audit_store_no_memory(e);
  buf_free(key);
  return err;
}

static parley_err find_log(struct store *s, const char *origin, struct log_record *out, struct errmsg *e) {
  struct arena a = {0};
  struct buf key = {0};
  struct bytes v;
  buf_fmt(&key, "log/%s", origin);
  parley_err err = audit_store_value(s, STORE_LOGS, &key, &a, &v, e);
  if (!err && !record_read(out, v)) err = audit_store_no_such(origin, e);
  arena_free(&a);
  return err;
}

parley_err audit_store_find(struct store *s, const char *origin, uint32_t *number, uint64_t *size, struct errmsg *e) {
  struct log_record r;
  const parley_err err = find_log(s, origin, &r, e);
  if (err) return err;
  *number = r.number;
  *size = r.size;
  return PARLEY_OK;
}

/* ---- logs ---- */

/* The number of entries taken in, as the node keeps it; "-" where it keeps none: an own log, or a bulk log. */
static parley_err put_taken(struct store *s, const char *origin, struct buf *out, struct errmsg *e) {
  struct arena a = {0};
  struct buf key = {0};
  struct bytes v;
  buf_fmt(&key, "t/%s", origin);
  parley_err err = audit_store_value(s, STORE_PEERS, &key, &a, &v, e);
  const size_t end = err ? 0 : bytes_find(v, 0, ' ');
  if (err == PARLEY_ENOTFOUND || (!err && end == (size_t)-1)) {
    buf_str(out, "-");
    err = PARLEY_OK;
  } else if (!err) {
    buf_add(out, v.p, end);
  }
  arena_free(&a);
  return err;
}

static parley_err list_log(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  const struct audit_listing *l = ctx;
  struct log_record r;
  struct arena a = {0};
  const char *origin = arena_cstr(&a, BYTES(key.p + 4, key.n - 4));
  parley_err err = origin ? PARLEY_OK : audit_store_no_memory(e);
  if (!err) {
    buf_str(l->out, origin);
    if (record_read(&r, v))
      buf_fmt(l->out, " %" PRIu64 " ", r.size);
    else
      buf_str(l->out, " damaged ");
    err = put_taken(l->s, origin, l->out, e);
    buf_str(l->out, "\n");
  }
  arena_free(&a);
  return err;
}

/* ---- pages of items ---- */

/* EBUSY when the page is full: it ends a scan without an error. */
parley_err audit_store_item(struct audit_listing *l, struct bytes item) {
  if (l->skip > 0) {
    l->skip--;
    return PARLEY_OK;
  }
  audit_item_put(l->out, item);
  return l->out->n - l->before >= AUDIT_PAGE_MAX ? PARLEY_EBUSY : PARLEY_OK;
}

/* Counterparts' cards: "c/<party>\n<serial>"; cosignatures have an origin there, with a slash. */
static parley_err list_card(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  (void)e;
  return bytes_find(key, 2, '/') == (size_t)-1 ? audit_store_item(ctx, v) : PARLEY_OK;
}

static parley_err list_value(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  (void)key, (void)e;
  return audit_store_item(ctx, v);
}

/*
 * "proof/<party>\n<origin>": a line, then the files; "fork/<origin>": what a mirror saw, of which a proof may be made.
 */
static parley_err list_proof(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  static const char prefix[] = "proof/";
  const size_t n = sizeof prefix - 1;
  struct buf item = {0};
  struct bytes line;
  buf_add(&item, key.p + n, key.n - n);
  buf_str(&item, "\n");
  if (bytes_line(&v, &line)) buf_bytes(&item, v);
  const parley_err err = buf_ok(&item) ? audit_store_item(ctx, buf_view(&item)) : audit_store_no_memory(e);
  buf_free(&item);
  return err;
}

static parley_err list_fork(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct buf item = {0};
  (void)v;
  buf_str(&item, "\n");
  buf_add(&item, key.p + 5, key.n - 5);
  buf_str(&item, "\n");
  const parley_err err = buf_ok(&item) ? audit_store_item(ctx, buf_view(&item)) : audit_store_no_memory(e);
  buf_free(&item);
  return err;
}

static parley_err list_forks(struct audit_listing *l, struct errmsg *e) {
  const parley_err err = store_scan(l->s, STORE_LOGS, bytes_str("proof/"), BYTES_NONE, false, list_proof, l, e);
  if (err || l->out->n - l->before >= AUDIT_PAGE_MAX) return err;
  return store_scan(l->s, STORE_LOGS, bytes_str("fork/"), BYTES_NONE, false, list_fork, l, e);
}

/* ---- entries and tiles ---- */

struct entries {
  struct buf *out;
  uint64_t next;
};

static parley_err put_entry(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  (void)e;
  struct entries *x = ctx;
  for (; x->next < pos; x->next++) audit_item_put_missing(x->out);
  audit_item_put(x->out, v);
  x->next++;
  return PARLEY_OK;
}

static parley_err list_entries(struct store *s, const char *name, struct buf *out, struct errmsg *e) {
  struct log_record r;
  uint64_t n, width;
  if (!audit_store_number(&name, &n) || !audit_store_number(&name, &width) || width > TILE_WIDTH || n > UINT32_MAX)
    return audit_store_no_such(name, e);
  const parley_err err = find_log(s, name, &r, e);
  const uint64_t first = n * TILE_WIDTH, end = first + width;
  struct entries x = {out, first};
  if (err) return err;
  if (end > r.size) return audit_store_no_such(name, e);
  const parley_err scanned = store_seq_scan(s, STORE_ENTRIES, r.number, first, end, put_entry, &x, e);
  for (; x.next < end; x.next++) audit_item_put_missing(out);
  return scanned;
}

static parley_err get_tile(struct store *s, const char *name, struct buf *out, struct errmsg *e) {
  struct log_record r;
  struct arena a = {0};
  struct bytes v;
  uint64_t level, n, width;
  if (!audit_store_number(&name, &level) || !audit_store_number(&name, &n) || !audit_store_number(&name, &width) ||
      level >= TILE_LEVELS || n > UINT32_MAX)
    return audit_store_no_such(name, e);
  parley_err err = find_log(s, name, &r, e);
  if (!err) err = store_seq_get(s, STORE_TILES, r.number, level << 32 | n, &a, &v, e); /* as copy.c has it */
  if (!err) buf_bytes(out, v);
  arena_free(&a);
  return err;
}

/* ---- rows ---- */

static parley_err list_row(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct audit_listing *l = ctx;
  json_t *o = NULL;
  const char *from = "-", *forum = "-";
  int64_t index = -1, order = -1, epoch = 0;
  char id[65];
  if (key.n != 32) return PARLEY_OK;
  hex_encode(id, key);
  if (json_parse(&o, v, STORE_VALUE_MAX, e) == PARLEY_ENOMEM) return PARLEY_ENOMEM;
  json_get_str(&from, o, "", "from", NULL);
  json_get_str(&forum, o, "", "forum", NULL);
  json_get_int(&index, o, "", "index", 0, INT64_MAX, NULL);
  json_get_int(&order, o, "", "order", 0, INT64_MAX, NULL);
  json_get_int_opt(&epoch, o, "", "epoch", 0, INT64_MAX, NULL);
  struct buf item = {0};
  buf_fmt(&item, "%s %d %.64s %.64s %" PRId64 " %" PRId64 " %" PRId64, id, json_is_true(json_object_get(o, "ours")),
          forum, from, index, order, epoch);
  json_decref(o);
  audit_item_put(l->out, buf_view(&item));
  const bool ok = buf_ok(&item) && buf_ok(l->out);
  buf_free(&item);
  if (!ok) return audit_store_no_memory(e);
  return l->out->n - l->before >= AUDIT_PAGE_MAX ? PARLEY_EBUSY : PARLEY_OK;
}

static parley_err list_rows(struct audit_listing *l, const char *after, struct errmsg *e) {
  uint8_t id[32];
  const bool begin = strcmp(after, "-") == 0;
  if (!begin && !hex_decode(id, sizeof id, bytes_str(after))) return audit_store_no_such(after, e);
  return store_scan(l->s, STORE_STATEMENTS, BYTES_NONE, begin ? BYTES_NONE : BYTES(id, 32), false, list_row, l, e);
}

/* ---- all of them ---- */

static parley_err list(struct audit_listing *l, const char *what, const char *rest, struct errmsg *e) {
  char number[24];
  if (strcmp(what, "rows") == 0) return list_rows(l, rest, e);
  if (strcmp(what, "cosignatures") == 0) return audit_store_cosignatures(l, "c", rest, e);
  if (strcmp(what, "witnessed") == 0) return audit_store_cosignatures(l, "wc", rest, e);
  if (strcmp(what, "entries") == 0) return list_entries(l->s, rest, l->out, e);
  if (strcmp(what, "tile") == 0) return get_tile(l->s, rest, l->out, e);
  if (strcmp(what, "notes") == 0)
    return audit_store_number(&rest, &l->skip) ? audit_store_notes(l, rest, e) : audit_store_no_such(rest, e);
  snprintf(number, sizeof number, "%s", rest);
  if (!dec_decode(&l->skip, bytes_str(number))) return audit_store_no_such(rest, e);
  if (strcmp(what, "cards") == 0)
    return store_scan(l->s, STORE_PEERS, bytes_str("c/"), BYTES_NONE, false, list_card, l, e);
  if (strcmp(what, "charters") == 0)
    return store_scan(l->s, STORE_FORUMS, BYTES_NONE, BYTES_NONE, false, list_value, l, e);
  if (strcmp(what, "forks") == 0) return list_forks(l, e);
  return audit_store_no_such(what, e);
}

static parley_err store_resource(void *ctx, const char *name, struct buf *out, struct errmsg *e) {
  struct audit_listing l = {.s = ctx, .out = out, .before = out->n};
  char what[16];
  parley_err err;
  if (strcmp(name, "logs") == 0)
    err = store_scan(l.s, STORE_LOGS, bytes_str("log/"), BYTES_NONE, false, list_log, &l, e);
  else
    err = audit_store_word(&name, what, sizeof what) ? list(&l, what, name, e) : audit_store_no_such(name, e);
  return err || buf_ok(out) ? err : audit_store_no_memory(e);
}

struct audit_source audit_store_source(struct store *s) {
  return (struct audit_source){.ctx = s, .get = store_resource};
}
