/*
 * An audit from its beginning to its end: what there is, each log once, then what they say of each other.
 */
#include "record/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "record/audit_state.h"

#define LOGS_MAX (1u << 20)
#define TRUSTED 0 /* instead of a log: people vouch for the card */

const char audit_refetch[] =
    "stop the node and run parley fsck --repair: it has the entry fetched again from a party that holds it";
const char audit_rebuild[] = "stop the node and run parley fsck --repair, which makes the tile anew from the entries";
const char audit_ask[] =
    "keep a copy of the store, and compare with what the other parties hold (parley audit --mirror URL)";

parley_err audit_no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory for an audit"); }

void audit_found(struct audit *a, uint32_t log, enum audit_kind kind, unsigned level, uint64_t index,
                 const char *advice, const char *fmt, ...) {
  char what[800];
  va_list args;
  va_start(args, fmt);
  vsnprintf(what, sizeof what, fmt, args);
  va_end(args);
  struct audit_log *l = log == AUDIT_NO_LOG ? NULL : &a->out->logs[log];
  if (l)
    l->n.problems++;
  else
    a->out->all.problems++;
  const struct audit_problem p = {kind, l ? l->origin : "", index, level, what, advice};
  a->o->problem(a->o->ctx, &p);
}

/* ---- resources ---- */

parley_err audit_get(struct audit *a, struct buf *out, struct errmsg *e, const char *fmt, ...) {
  char name[512];
  va_list args;
  va_start(args, fmt);
  vsnprintf(name, sizeof name, fmt, args);
  va_end(args);
  buf_clear(out);
  return a->src->get(a->src->ctx, name, out, e);
}

parley_err audit_items(struct audit *a, const char *what, const char *rest, uint32_t log, audit_item_fn f,
                       struct errmsg *e) {
  struct buf page = {0};
  uint64_t i = 0;
  parley_err err;
  do {
    struct bytes left, item;
    err = audit_get(a, &page, e, "%s/%" PRIu64 "%s%s", what, i, rest[0] ? "/" : "", rest);
    left = buf_view(&page);
    for (; !err && audit_item(&left, &item); i++) err = f(a, log, item, e);
  } while (!err && page.n > 0);
  buf_free(&page);
  return err == PARLEY_ENOTFOUND ? PARLEY_OK : err;
}

/* ---- what there is ---- */

uint32_t audit_log_number(const struct audit *a, const char *origin) {
  size_t low = 0, high = a->out->n_logs; /* in order of origin */
  while (low < high) {
    const size_t mid = (low + high) / 2;
    const int c = strcmp(origin, a->out->logs[mid].origin);
    if (c == 0) return (uint32_t)mid;
    if (c < 0)
      high = mid;
    else
      low = mid + 1;
  }
  return AUDIT_NO_LOG;
}

static bool next_word(struct bytes *line, struct bytes *word) {
  const size_t space = bytes_find(*line, 0, ' ');
  const size_t n = space == (size_t)-1 ? line->n : space;
  *word = BYTES(line->p, n);
  *line = n < line->n ? BYTES(line->p + n + 1, line->n - n - 1) : BYTES_NONE;
  return n > 0;
}

/*
 * "<origin> <size> <taken>". False: no origin of parley, which only an open mirror holds; it is read without a party.
 */
static parley_err read_log(struct audit *a, struct audit_log *l, struct bytes line, bool *wanted, struct errmsg *e) {
  struct bytes origin, size, taken, since;
  *l = (struct audit_log){.taken = UINT64_MAX};
  if (!next_word(&line, &origin) || !next_word(&line, &size) || !next_word(&line, &taken) || origin.n > ORIGIN_MAX)
    return err_set(e, PARLEY_EINVAL, "the list of logs cannot be read");
  memcpy(l->origin, origin.p, origin.n);
  const bool ours = log_origin_parse(l->party, l->forum, &l->epoch, &l->bulk, origin);
  *wanted = ours && (!a->o->forum || !memcmp(a->o->forum, l->forum, SHA256_SIZE));
  if (!*wanted) return PARLEY_OK;
  if (!dec_decode(&l->size, size)) {
    audit_found(a, AUDIT_NO_LOG, AUDIT_ROW, 0, 0, audit_ask,
                "the record of the log %s in the store is damaged: its size is not known", l->origin);
    *wanted = false;
  }
  if (next_word(&line, &since) && (!dec_decode(&l->since, since) || l->since > l->size))
    return err_set(e, PARLEY_EINVAL, "the list of logs cannot be read");
  if (!dec_decode(&l->taken, taken))
    l->taken = !l->bulk && a->o->self && !strcmp(l->party, a->o->self) ? l->size : UINT64_MAX;
  return PARLEY_OK;
}

static int by_origin(const void *x, const void *y) {
  return strcmp(((const struct audit_log *)x)->origin, ((const struct audit_log *)y)->origin);
}

static parley_err read_logs(struct audit *a, struct errmsg *e) {
  struct buf text = {0};
  struct bytes rest, line;
  size_t cap = 0;
  parley_err err = audit_get(a, &text, e, "logs");
  rest = buf_view(&text);
  while (!err && bytes_line(&rest, &line)) {
    bool wanted = false;
    if (a->out->n_logs == cap) {
      cap = cap ? 2 * cap : 16;
      struct audit_log *grown = cap > LOGS_MAX ? NULL : realloc(a->out->logs, cap * sizeof *grown);
      if (!grown) {
        err = audit_no_memory(e);
        break;
      }
      a->out->logs = grown;
    }
    err = read_log(a, &a->out->logs[a->out->n_logs], line, &wanted, e);
    if (!err && wanted) a->all += a->out->logs[a->out->n_logs++].size;
  }
  buf_free(&text);
  if (a->out->n_logs) qsort(a->out->logs, a->out->n_logs, sizeof *a->out->logs, by_origin);
  if (!err) a->trees = calloc(a->out->n_logs + 1, sizeof *a->trees);
  return err || a->trees ? err : audit_no_memory(e);
}

static parley_err take_card(struct audit *a, uint32_t log, struct bytes envelope, struct errmsg *e) {
  struct errmsg why = {{0}};
  const parley_err err = audit_cards_add(&a->cards, envelope, log == TRUSTED, &why);
  if (err == PARLEY_ENOMEM) return err_set(e, err, "%s", why.text);
  if (err && err != PARLEY_ENOTFOUND) /* one that follows none at hand is nobody's */
    audit_found(a, AUDIT_NO_LOG, AUDIT_CARD, 0, 0, audit_ask, "a stored card does not verify: %s", why.text);
  return PARLEY_OK;
}

static parley_err take_charter(struct audit *a, uint32_t log, struct bytes envelope, struct errmsg *e) {
  struct charter c = {0};
  bool signed_by[FORUM_MEMBERS_MAX], complete = false;
  struct arena mem = {0};
  struct errmsg why = {{0}};
  parley_err err =
      charter_envelope_parse(&c, signed_by, &complete, &mem, envelope, audit_card_by_fingerprint, &a->cards, &why);
  if (!err && !complete && c.n_replaces == 0 && !a->src->leaves_only) /* a bundle carries open ones, too */
    err = err_set(&why, PARLEY_EVERIFY, "it lacks signatures");
  for (size_t i = 0; !err && i < c.n_witnesses; i++) audit_cards_witness(&a->cards, &c.witnesses[i]);
  if (err && err != PARLEY_ENOMEM)
    audit_found(a, log, AUDIT_CHARTER, 0, 0, audit_ask, "a stored charter does not verify: %s", why.text);
  arena_free(&mem);
  return err == PARLEY_ENOMEM ? audit_no_memory(e) : PARLEY_OK;
}

/* ---- since ---- */

/* When the first entry of a tile says that it was issued; entries that say nothing count as early. */
static int64_t issued_at(struct audit *a, const struct audit_log *l, uint64_t n, parley_err *err, struct errmsg *e) {
  struct buf page = {0};
  struct bytes rest, entry = BYTES_NONE;
  struct statement s = {0};
  struct arena mem = {0};
  int64_t at = 0;
  *err = audit_get(a, &page, e, "entries/%" PRIu64 "/%u/%s", n, tile_width(0, n, l->size), l->origin);
  rest = buf_view(&page);
  if (!*err && audit_item(&rest, &entry) && entry.p && statement_parse(&s, &mem, entry, NULL, NULL) == PARLEY_OK)
    at = s.issued;
  if (*err == PARLEY_ENOTFOUND) *err = PARLEY_OK;
  statement_clear(&s);
  arena_free(&mem);
  buf_free(&page);
  return at;
}

/* Not below what the source has. */
static void since(struct audit_log *l, uint64_t index) {
  if (index > l->since) l->since = index < l->size ? index : l->size;
}

static parley_err set_since(struct audit *a, struct audit_log *l, struct errmsg *e) {
  parley_err err = PARLEY_OK;
  if (a->o->has_since_index) since(l, a->o->since_index);
  if (!a->o->has_since_time || l->bulk || l->size == 0) return PARLEY_OK;
  uint64_t low = 0, high = (l->size - 1) / TILE_WIDTH + 1; /* tiles */
  while (low + 1 < high && !err) {
    const uint64_t mid = low + (high - low) / 2;
    if (issued_at(a, l, mid, &err, e) < a->o->since_time)
      low = mid;
    else
      high = mid;
  }
  if (!err) since(l, low * TILE_WIDTH);
  return err;
}

/* ---- all of it ---- */

static parley_err read_kind(struct audit *a, bool bulk, struct errmsg *e) {
  parley_err err = PARLEY_OK;
  for (uint32_t i = 0; i < a->out->n_logs && !err; i++) {
    struct audit_log *l = &a->out->logs[i];
    if (l->bulk != bulk) continue;
    err = set_since(a, l, e);
    if (bulk && (a->o->has_since_index || a->o->has_since_time)) {
      since(l, audit_files_first(a, i)); /* what the statements that were read attach */
    }
    if (!err) err = audit_notes(a, i, e);
    if (!err) err = audit_log_read(a, i, e);
    if (!err && !a->src->leaves_only) err = audit_log_levels(a, i, e);
  }
  return err;
}

static void sum(struct audit_result *r) {
  for (size_t i = 0; i < r->n_logs; i++) {
    const struct audit_counts *n = &r->logs[i].n;
    r->all.entries += n->entries;
    r->all.tiles += n->tiles;
    r->all.signatures += n->signatures;
    r->all.checkpoints += n->checkpoints;
    r->all.cosignatures += n->cosignatures;
    r->all.lines += n->lines;
    r->all.bodies += n->bodies;
    r->all.files += n->files;
    r->all.beyond += n->beyond;
    r->all.problems += n->problems;
  }
}

static parley_err run(struct audit *a, struct errmsg *e) {
  parley_err err = PARLEY_OK;
  for (size_t i = 0; i < a->o->n_cards && !err; i++) err = take_card(a, TRUSTED, a->o->cards[i], e);
  if (!err) err = audit_items(a, "cards", "", AUDIT_NO_LOG, take_card, e);
  if (!err) err = audit_items(a, "charters", "", AUDIT_NO_LOG, take_charter, e);
  if (!err) err = read_logs(a, e);
  if (!err) err = audit_items(a, "forks", "", AUDIT_NO_LOG, audit_fork_take, e);
  if (!err) err = read_kind(a, false, e);
  audit_files_sort(a);
  if (!err) err = read_kind(a, true, e);
  if (!err) err = audit_claims_judge(a, e);
  return err ? err : audit_rows(a, e);
}

parley_err audit_run(struct audit_result *out, const struct audit_source *s, const struct audit_options *o,
                     struct errmsg *e) {
  struct audit a = {.src = s, .o = o, .out = out, .tiles = calloc(AUDIT_POOL_MAX, sizeof *a.tiles)};
  *out = (struct audit_result){0};
  audit_cards_init(&a.cards);
  parley_err err = a.tiles ? audit_pool_new(&a.pool, o->threads, e) : audit_no_memory(e);
  if (!err) err = run(&a, e);
  audit_pool_free(a.pool);
  for (size_t i = 0; a.tiles && i < AUDIT_POOL_MAX; i++) {
    buf_free(&a.tiles[i].page);
    buf_free(&a.tiles[i].tile);
    arena_free(&a.tiles[i].arena);
  }
  free(a.tiles);
  for (size_t i = 0; a.trees && i < out->n_logs; i++) free(a.trees[i].full);
  free(a.trees);
  free(a.claims);
  for (size_t i = 0; i < a.n_files; i++) sha256_free(a.files[i].hashing);
  free(a.files);
  arena_free(&a.arena);
  audit_cards_free(&a.cards);
  sum(out);
  if (err) audit_result_free(out);
  return err;
}

void audit_result_free(struct audit_result *r) {
  free(r->logs);
  r->logs = NULL;
  r->n_logs = 0;
}
