/*
 * Derived rows: each statement's row leads to an entry with its id, and each entry taken in has a row.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "record/audit_state.h"

static const char advice[] = "stop the node and run parley fsck --repair, which makes the rows anew from the log";

struct row {
  uint32_t log;
  uint64_t index;
  struct hash id;
};

struct rows {
  struct row *list;
  size_t n, cap;
};

static parley_err add(struct rows *r, const struct row *row, struct errmsg *e) {
  if (r->n == r->cap) {
    const size_t cap = r->cap ? 2 * r->cap : 256;
    struct row *grown = realloc(r->list, cap * sizeof *grown);
    if (!grown) return audit_no_memory(e);
    r->list = grown;
    r->cap = cap;
  }
  r->list[r->n++] = *row;
  return PARLEY_OK;
}

/* "<id> <ours> <forum> <from> <index> <order> <epoch>" */
static parley_err take(struct audit *a, struct rows *r, const char *text, struct hash *last, struct errmsg *e) {
  char id[65], forum[65], from[PARTY_NAME_MAX + 1], origin[ORIGIN_MAX + 1];
  int ours;
  int64_t index, order, epoch;
  uint8_t f[SHA256_SIZE];
  struct row row;
  if (sscanf(text, "%64s %d %64s %64s %" SCNd64 " %" SCNd64 " %" SCNd64, id, &ours, forum, from, &index, &order,
             &epoch) != 7 ||
      !hex_decode(row.id.b, 32, bytes_str(id)))
    return err_set(e, PARLEY_EIO, "a page of rows cannot be read");
  *last = row.id;
  a->out->all.rows++;
  if (index < 0 || order < 0 || !hex_decode(f, sizeof f, bytes_str(forum))) {
    audit_found(a, AUDIT_NO_LOG, AUDIT_ROW, 0, 0, advice, "the row of statement %s cannot be read", id);
    return PARLEY_OK;
  }
  log_origin(origin, from, f, (uint64_t)epoch, false);
  row.log = audit_log_number(a, origin);
  row.index = (uint64_t)index;
  if (row.log == AUDIT_NO_LOG) {
    if (!a->o->forum || !memcmp(a->o->forum, f, sizeof f))
      audit_found(a, AUDIT_NO_LOG, AUDIT_ROW, 0, row.index, advice,
                  "the row of statement %s is of a log that is not held", id);
    return PARLEY_OK;
  }
  return row.index < a->out->logs[row.log].size ? add(r, &row, e) : PARLEY_OK; /* written since the audit began */
}

static parley_err read_all(struct audit *a, struct rows *r, struct errmsg *e) {
  struct buf page = {0};
  struct hash last;
  char after[65] = "-";
  parley_err err;
  do {
    struct bytes rest, item;
    err = audit_get(a, &page, e, "rows/%s", after);
    rest = buf_view(&page);
    while (!err && audit_item(&rest, &item)) {
      char text[512];
      snprintf(text, sizeof text, "%.*s", (int)(item.n < sizeof text ? item.n : sizeof text - 1), (const char *)item.p);
      err = take(a, r, text, &last, e);
      hex_encode(after, BYTES(last.b, 32));
    }
  } while (!err && page.n > 0);
  buf_free(&page);
  return err;
}

static int by_place(const void *x, const void *y) {
  const struct row *a = x, *b = y;
  if (a->log != b->log) return a->log < b->log ? -1 : 1;
  return a->index < b->index ? -1 : a->index > b->index;
}

static int by_id(const void *x, const void *y) {
  return memcmp(((const struct row *)x)->id.b, ((const struct row *)y)->id.b, 32);
}

/* Entries without a row: the second of two equal ones has none. */
static parley_err check_gap(struct audit *a, uint32_t log, const struct rows *ids, uint64_t from, uint64_t to,
                            struct errmsg *e) {
  struct audit_walk w;
  parley_err err = PARLEY_OK;
  audit_walk_begin(&w, a, log);
  for (uint64_t i = from; i < to && !err; i++) {
    struct row key;
    err = audit_walk_leaf(&w, i, &key.id, e);
    if (!err && (ids->n == 0 || !bsearch(&key, ids->list, ids->n, sizeof key, by_id)))
      audit_found(a, log, AUDIT_ROW, 0, i, advice, "entry %" PRIu64 " has no row: it is shown in no box", i);
    if (err == PARLEY_EVERIFY) break;
  }
  audit_walk_end(&w);
  return err == PARLEY_EVERIFY ? PARLEY_OK : err;
}

static parley_err check_log(struct audit *a, uint32_t log, const struct row *rows, size_t n, const struct rows *ids,
                            struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  const uint64_t upto = l->taken < l->size ? l->taken : l->size;
  struct audit_walk w;
  uint64_t next = 0;
  parley_err err = PARLEY_OK;
  audit_walk_begin(&w, a, log);
  for (size_t i = 0; i < n && !err; i++) {
    struct hash leaf;
    if (rows[i].index > next && next < upto)
      err = check_gap(a, log, ids, next, rows[i].index < upto ? rows[i].index : upto, e);
    if (!err) err = audit_walk_leaf(&w, rows[i].index, &leaf, e);
    if (err == PARLEY_EVERIFY)
      err = PARLEY_OK;
    else if (!err && !hash_eq(&leaf, &rows[i].id)) {
      char id[65];
      hex_encode(id, BYTES(rows[i].id.b, 32));
      audit_found(a, log, AUDIT_ROW, 0, rows[i].index, advice,
                  "the row of statement %s leads to entry %" PRIu64 ", which is another statement", id, rows[i].index);
    }
    l->n.rows++;
    next = rows[i].index + 1;
  }
  audit_walk_end(&w);
  return err || next >= upto ? err : check_gap(a, log, ids, next, upto, e);
}

parley_err audit_rows(struct audit *a, struct errmsg *e) {
  struct rows r = {0}, ids = {0};
  parley_err err = read_all(a, &r, e);
  if (err == PARLEY_ENOTFOUND) return PARLEY_OK; /* a source without rows */
  if (!err && r.n > 0) {
    ids.list = malloc(r.n * sizeof *ids.list);
    ids.n = r.n;
    if (!ids.list) err = audit_no_memory(e);
  }
  if (ids.list) {
    memcpy(ids.list, r.list, r.n * sizeof *r.list);
    qsort(ids.list, ids.n, sizeof *ids.list, by_id);
    qsort(r.list, r.n, sizeof *r.list, by_place);
  }
  size_t at = 0;
  for (uint32_t log = 0; log < a->out->n_logs && !err; log++) {
    size_t n = 0;
    while (at + n < r.n && r.list[at + n].log == log) n++;
    if (!a->out->logs[log].bulk && a->out->logs[log].taken != UINT64_MAX)
      err = check_log(a, log, r.list ? r.list + at : NULL, n, &ids, e);
    at += n;
  }
  free(r.list);
  free(ids.list);
  return err;
}
