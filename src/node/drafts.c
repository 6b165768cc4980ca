/*
 * Statements with files. A draft is made first, so that everything is checked before anything is uploaded; its files are sealed
 * as they come in and staged (draft_upload.c); on send they move, in slices, into the bulk log, and then the statement is made
 * (draft_move.c). A FLASH never waits behind that. Unfinished uploads are dropped at a restart, sent drafts go on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/draft.h"

#define DRAFTS_MAX 32

uint64_t draft_staged_pos(size_t file, uint64_t i) { return ((uint64_t)file << 32) | i; }

void draft_free(struct draft *d) {
  json_decref(d->request);
  wipe(d->seed, sizeof d->seed);
  free(d);
}

struct draft *draft_find(struct node *n, const char *text, uint8_t id[static 16]) {
  if (!hex_decode(id, 16, bytes_str(text))) return NULL;
  for (struct draft *d = n->drafts; d; d = d->next)
    if (!memcmp(d->id, id, 16)) return d;
  return NULL;
}

/* ---- storing ---- */

static json_t *draft_json(const struct draft *d) {
  json_t *o = json_object(), *files = json_array();
  for (size_t i = 0; i < d->n_files; i++) {
    const struct draft_file *f = &d->files[i];
    json_t *v = json_object();
    json_put_hex(v, "sha256", f->sha256, SHA256_SIZE);
    json_put_int(v, "size", (int64_t)f->size);
    json_put_int(v, "count", (int64_t)f->count);
    json_put_int(v, "first", (int64_t)f->first);
    json_array_append_new(files, v);
  }
  json_put_str(o, "state", d->ready ? "moving" : "uploading");
  json_put_int(o, "number", d->number);
  json_put_int(o, "moved", (int64_t)d->moved);
  json_put_int(o, "total", (int64_t)d->total);
  json_put_int(o, "started", (int64_t)d->started);
  json_put_hex(o, "seed", d->seed, SEED_SIZE);
  json_object_set(o, "request", d->request);
  json_object_set_new(o, "files", files);
  return o;
}

parley_err draft_put(struct node *n, const struct draft *d, struct errmsg *e) {
  struct buf v = {0};
  json_t *o = draft_json(d);
  parley_err r = o && json_write(&v, o) && buf_ok(&v)
                     ? store_put(n->env.store, STORE_DRAFTS, BYTES(d->id, 16), buf_view(&v), e)
                     : err_set(e, PARLEY_ENOMEM, "out of memory");
  json_decref(o);
  buf_free(&v);
  return r;
}

parley_err draft_save(struct node *n, const struct draft *d, struct errmsg *e) {
  parley_err r = store_begin(n->env.store, e);
  if (r) return r;
  r = draft_put(n, d, e);
  if (!r) return store_commit(n->env.store, e);
  store_rollback(n->env.store);
  return r;
}

static parley_err draft_parse(struct draft *d, const json_t *o, struct errmsg *e) {
  json_t *files, *request;
  int64_t number, moved, total, started;
  parley_err r = json_get_int(&number, o, "draft", "number", 1, STORE_LOG_MAX, e);
  r = r ? r : json_get_int(&moved, o, "draft", "moved", 0, INT64_MAX, e);
  r = r ? r : json_get_int(&total, o, "draft", "total", 0, INT64_MAX, e);
  r = r ? r : json_get_int(&started, o, "draft", "started", 0, INT64_MAX, e);
  r = r ? r : json_get_hex(d->seed, SEED_SIZE, o, "draft", "seed", e);
  r = r ? r : json_get_obj(&request, o, "draft", "request", e);
  r = r ? r : json_get_arr(&files, o, "draft", "files", 1, STATEMENT_ATTACH_MAX, e);
  for (size_t i = 0; !r && i < json_array_size(files); i++) {
    const json_t *v = json_array_get(files, i);
    struct draft_file *f = &d->files[d->n_files++];
    int64_t size, count, first;
    r = json_get_hex(f->sha256, SHA256_SIZE, v, "draft.files", "sha256", e);
    r = r ? r : json_get_int(&size, v, "draft.files", "size", 0, INT64_MAX, e);
    r = r ? r : json_get_int(&count, v, "draft.files", "count", 0, INT64_MAX, e);
    r = r ? r : json_get_int(&first, v, "draft.files", "first", 0, INT64_MAX, e);
    *f = (struct draft_file){.done = true,
                             .size = (uint64_t)(r ? 0 : size),
                             .count = (uint64_t)(r ? 0 : count),
                             .first = (uint64_t)(r ? 0 : first),
                             .sha256 = {0}};
    if (!r) r = json_get_hex(f->sha256, SHA256_SIZE, v, "draft.files", "sha256", e);
  }
  if (r) return r;
  d->request = json_incref(request);
  d->number = (uint32_t)number;
  d->moved = (uint64_t)moved;
  d->total = d->planned = (uint64_t)total;
  d->started = (uint64_t)started;
  d->ready = true;
  return PARLEY_OK;
}

struct loading {
  struct node *n;
  struct buf drop; /* ids and numbers of unfinished drafts */
};

static parley_err load_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct loading *l = ctx;
  json_t *o = NULL;
  const char *state = "";
  parley_err r = json_parse(&o, v, STORE_VALUE_MAX, e);
  r = r ? r : json_get_str(&state, o, "draft", "state", e);
  if (!r && !strcmp(state, "uploading")) {
    buf_bytes(&l->drop, key);
    buf_u64be(&l->drop, (uint64_t)json_integer_value(json_object_get(o, "number")));
  } else if (!r && !strcmp(state, "moving")) {
    struct draft *d = calloc(1, sizeof *d);
    r = d ? draft_parse(d, o, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
    if (!r) {
      memcpy(d->id, key.p, 16);
      d->next = l->n->drafts;
      l->n->drafts = d;
      if (d->started >= l->n->next_order) l->n->next_order = d->started + 1; /* later ones come later */
    } else if (d) {
      draft_free(d);
    }
  }
  json_decref(o);
  return r;
}

parley_err draft_drop(struct node *n, const uint8_t id[static 16], uint32_t number, struct errmsg *e) {
  parley_err r = store_begin(n->env.store, e);
  if (r) return r;
  r = store_seq_delete(n->env.store, STORE_STAGED, number, 0, STORE_POS_MAX, e);
  r = r ? r : store_delete(n->env.store, STORE_DRAFTS, BYTES(id, 16), e);
  if (!r) return store_commit(n->env.store, e);
  store_rollback(n->env.store);
  return r;
}

parley_err drafts_load(struct node *n, struct errmsg *e) {
  struct loading l = {.n = n};
  parley_err r = store_scan(n->env.store, STORE_DRAFTS, BYTES_NONE, BYTES_NONE, false, load_one, &l, e);
  for (size_t at = 0; !r && at + 24 <= l.drop.n; at += 24)
    r = draft_drop(n, l.drop.p + at, (uint32_t)u64be(l.drop.p + at + 16), e);
  buf_free(&l.drop);
  return r;
}

void drafts_free(struct node *n) {
  while (n->drafts) {
    struct draft *d = n->drafts;
    n->drafts = d->next;
    draft_free(d);
  }
}

/* ---- making a draft ---- */

static bool number_used(const struct node *n, uint32_t number) {
  for (const struct draft *d = n->drafts; d; d = d->next)
    if (d->number == number) return true;
  return false;
}

static uint32_t free_number(const struct node *n) {
  uint32_t number = 1;
  while (number_used(n, number)) number++;
  return number;
}

/*
 * The request as it is kept: forum, addressees and references in full, so that it means the same later, whatever forums
 * and statements have come by then. NULL: out of memory.
 */
static json_t *resolved(const json_t *request, const struct send_request *r) {
  json_t *o = json_copy((json_t *)request), *to = json_array(), *re = json_array();
  bool ok = o && to && re && json_put_hex(o, "forum", r->forum->id, SHA256_SIZE);
  for (size_t i = 0; ok && i < r->s.n_to; i++) ok = json_array_append_new(to, json_string(r->s.to[i])) == 0;
  for (size_t i = 0; ok && i < r->s.n_re; i++) {
    char hex[2 * SHA256_SIZE + 1];
    hex_encode(hex, BYTES(r->s.re[i], SHA256_SIZE));
    ok = json_array_append_new(re, json_string(hex)) == 0;
  }
  ok = ok && json_object_set(o, "to", to) == 0;
  ok = ok && (!r->s.n_re || json_object_set(o, "re", re) == 0);
  ok = ok && (!r->s.has_thread || json_put_hex(o, "thread", r->s.thread, SHA256_SIZE));
  json_decref(to);
  json_decref(re);
  if (ok) return o;
  json_decref(o);
  return NULL;
}

/* Entries that drafts of that forum are going to add to its bulk log. */
static uint64_t on_the_way(const struct node *n, const struct forum *f) {
  char hex[2 * SHA256_SIZE + 1];
  uint64_t entries = 0;
  hex_encode(hex, BYTES(f->id, SHA256_SIZE));
  for (const struct draft *d = n->drafts; d; d = d->next) {
    const char *forum = json_string_value(json_object_get(d->request, "forum"));
    if (forum && !strcmp(forum, hex)) entries += d->planned - d->moved;
  }
  return entries;
}

/* What goes beyond the charter's bytes a member no mirror would take, now or later (peer.c). */
static parley_err check_allowance(const struct node *n, const struct send_request *r, struct errmsg *e) {
  const struct charter *ch = &r->forum->charter;
  const uint64_t allowed = (uint64_t)ch->bytes_total / BULK_ENTRY_MAX, need = draft_entries(r);
  const uint64_t used = copy_size(r->forum->bulk.copy) + on_the_way(n, r->forum);
  const uint64_t left = used < allowed ? allowed - used : 0;
  if (need <= left) return PARLEY_OK;
  return err_set(e, PARLEY_ELIMIT,
                 "files: they take %llu bytes once sealed; “%.200s” allows us %lld in all, of which %llu are left",
                 (unsigned long long)need * BULK_ENTRY_MAX, ch->title, (long long)ch->bytes_total,
                 (unsigned long long)left * BULK_ENTRY_MAX);
}

parley_err draft_create(struct node_call *c, json_t *request, const struct send_request *r, struct node_response *out,
                        struct errmsg *e) {
  struct node *n = c->n;
  size_t count = 0;
  char hex[33];
  for (const struct draft *d = n->drafts; d; d = d->next) count++;
  parley_err err = draft_check(n, r, &c->arena, e);
  if (!err) err = check_allowance(n, r, e);
  if (err) return err;
  if (count >= DRAFTS_MAX) {
    err_set(e, PARLEY_EBUSY, "%d statements with files are being prepared already; finish those first", DRAFTS_MAX);
    answer_err(c, out, PARLEY_EBUSY, e);
    out->status = 429; /* too many, not a node that waits */
    return PARLEY_OK;
  }
  struct draft *d = calloc(1, sizeof *d);
  if (!d) return err_set(e, PARLEY_ENOMEM, "out of memory");
  n->env.random(n->env.ctx, d->id, sizeof d->id);
  n->env.random(n->env.ctx, d->seed, sizeof d->seed);
  d->number = free_number(n);
  d->n_files = r->n_files;
  d->planned = draft_entries(r);
  d->touched_ms = node_mono(n);
  d->request = resolved(request, r);
  err = d->request ? draft_save(n, d, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (err) {
    draft_free(d);
    return err;
  }
  d->next = n->drafts;
  n->drafts = d;
  hex_encode(hex, BYTES(d->id, 16));
  json_t *o = json_object();
  json_put_str(o, "draft", hex);
  answer_json(out, 202, o);
  return PARLEY_OK;
}

/* ---- sending and looking ---- */

void local_draft_send(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  uint8_t id[16];
  struct draft *d = draft_find(c->n, c->path, id);
  parley_err r = d ? PARLEY_OK : err_set(&e, PARLEY_ENOTFOUND, "no such draft");
  for (size_t i = 0; d && !r && i < d->n_files; i++)
    if (!d->files[i].done) r = err_set(&e, PARLEY_ECONFLICT, "file %zu has not been uploaded yet", i);
  if (!r && !d->ready) {
    d->ready = true;
    d->total = 0;
    for (size_t i = 0; i < d->n_files; i++) d->total += d->files[i].count;
    d->started = c->n->next_order++;
    r = draft_save(c->n, d, &e);
    d->ready = !r;
  }
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  local_draft(c, out);
  if (out->status == 200) out->status = 202;
}

void local_draft(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  uint8_t id[16];
  struct bytes v;
  json_t *o = NULL;
  struct draft *d = draft_find(c->n, c->path, id);
  parley_err r = PARLEY_OK;
  if (!d && !hex_decode(id, 16, bytes_str(c->path))) r = PARLEY_ENOTFOUND;
  if (!d && !r) r = store_get(c->n->env.store, STORE_DRAFTS, BYTES(id, 16), &c->arena, &v, &e);
  if (!d && !r) r = json_parse(&o, v, STORE_VALUE_MAX, &e);
  if (r == PARLEY_ENOTFOUND) err_set(&e, r, "no such draft"); /* a disk that fails says nothing of the kind */
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  if (d) {
    o = json_object();
    json_put_str(o, "state", d->ready ? "moving" : "uploading");
    json_put_int(o, "moved", (int64_t)d->moved);
    json_put_int(o, "total", (int64_t)d->total);
    if (d->why[0]) json_put_str(o, "why", d->why);
  }
  json_object_del(o, "at"); /* when it ended is for sweep */
  answer_json(out, 200, o);
}
