/*
 * Statements with files. A draft is made first, so that everything is checked before anything is uploaded; its files are sealed
 * as they come in and staged; on send they move, in slices, into the bulk log, and then the statement is made. A FLASH never waits
 * behind that. Unfinished uploads are dropped at a restart, sent drafts go on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/draft_check.h"

#define SLICE 256              /* bulk entries moved at a time: one package */
#define STAGE_BYTES (1u << 20) /* staged in one transaction */
#define DRAFTS_MAX 32
#define UPLOAD_IDLE_MS (60 * 60 * 1000) /* after so long without a byte an upload is given up */
#define ENDED_KEPT_S (24 * 60 * 60)     /* how long it can be asked what became of a draft */
#define SWEEP_MS (60 * 60 * 1000)
#define SWEEP_MOST 4096 /* rows at a time */

struct draft_file {
  bool done;
  uint8_t sha256[SHA256_SIZE]; /* sealed */
  uint64_t size, count;        /* sealed bytes, bulk entries */
  uint64_t first;              /* in the bulk log, once its move began */
};

struct draft {
  struct draft *next;
  uint8_t id[16];
  uint32_t number; /* in STORE_STAGED */
  json_t *request;
  uint8_t seed[SEED_SIZE];
  size_t n_files;
  struct draft_file files[STATEMENT_ATTACH_MAX];
  bool ready;            /* sent by the user; moving */
  bool queued;           /* its statement waits for the batch commit */
  uint64_t moved, total; /* bulk entries; total is known once all files are here */
  uint64_t planned;      /* what total will be */
  uint64_t started;      /* order of sending */
  int64_t retry_ms;      /* monotonic: not before, after a failure */
  int64_t touched_ms;    /* monotonic: newest sign of life of its upload */
  char why[WHY_SIZE];
};

static uint64_t staged_pos(size_t file, uint64_t i) { return ((uint64_t)file << 32) | i; }

static void draft_free(struct draft *d) {
  json_decref(d->request);
  wipe(d->seed, sizeof d->seed);
  free(d);
}

static struct draft *draft_find(struct node *n, const char *text, uint8_t id[static 16]) {
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

static parley_err draft_put(struct node *n, const struct draft *d, struct errmsg *e) {
  struct buf v = {0};
  json_t *o = draft_json(d);
  parley_err r = o && json_write(&v, o) && buf_ok(&v)
                     ? store_put(n->env.store, STORE_DRAFTS, BYTES(d->id, 16), buf_view(&v), e)
                     : err_set(e, PARLEY_ENOMEM, "out of memory");
  json_decref(o);
  buf_free(&v);
  return r;
}

static parley_err draft_save(struct node *n, const struct draft *d, struct errmsg *e) {
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

static parley_err drop(struct node *n, const uint8_t id[static 16], uint32_t number, struct errmsg *e) {
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
    r = drop(n, l.drop.p + at, (uint32_t)u64be(l.drop.p + at + 16), e);
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

/* ---- uploading a file ---- */

struct file_upload {
  struct draft *draft;
  size_t file;
  struct plain_file want;
  struct sha256_ctx *plain, *sealed;
  struct age_writer writer;
  struct buf out; /* sealed bytes not yet staged */
  uint64_t got, size, count;
};

void draft_file_free(struct file_upload *u) {
  if (!u) return;
  sha256_free(u->plain);
  sha256_free(u->sealed);
  age_writer_free(&u->writer);
  buf_free(&u->out);
  free(u);
}

static parley_err upload_header(struct node *n, struct file_upload *u, const struct statement *s, struct arena *a,
                                struct errmsg *e) {
  uint8_t(*recipients)[X25519_SIZE], key[32];
  size_t count;
  struct age_random random;
  parley_err r = compose_recipients(n, s, &recipients, &count, a, e);
  uint8_t *ephemeral = r ? NULL : arena_alloc(a, count * X25519_SIZE);
  if (!r && (!ephemeral || !seal_random(&random, ephemeral, u->draft->seed, (int)u->file, count)))
    r = err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) r = age_header(&u->out, key, (const uint8_t(*)[X25519_SIZE])recipients, count, &random, e);
  if (!r) age_writer_init(&u->writer, key);
  wipe(key, sizeof key);
  wipe(&random, sizeof random);
  return r;
}

static parley_err upload_open(struct node_call *c, struct draft *d, uint64_t file, struct errmsg *e) {
  struct send_request r;
  parley_err err = send_parse(c->n, d->request, &r, &c->arena, e);
  if (err) return err;
  struct file_upload *u = calloc(1, sizeof *u);
  if (!u) return err_set(e, PARLEY_ENOMEM, "out of memory");
  c->file = u;
  u->draft = d;
  d->touched_ms = node_mono(c->n);
  u->file = (size_t)file;
  u->want = r.files[file];
  u->plain = sha256_new();
  u->sealed = sha256_new();
  if (!u->plain || !u->sealed) return err_set(e, PARLEY_ENOMEM, "out of memory");
  return upload_header(c->n, u, &r.s, &c->arena, e);
}

/* Path: /v1/drafts/<id>/files/<n> */
void draft_file_begin(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  uint8_t id[16];
  uint64_t file;
  const char *text = c->path + 11, *tail = strchr(text, '/');
  char hex[33] = "";
  parley_err r = PARLEY_OK;
  if (tail && tail - text == 32) snprintf(hex, sizeof hex, "%.32s", text);
  struct draft *d = draft_find(c->n, hex, id);
  if (!d || strncmp(tail, "/files/", 7) || !dec_decode(&file, bytes_str(tail + 7)) || file >= d->n_files)
    r = err_set(&e, PARLEY_ENOTFOUND,
                "no such draft or file; a draft that was not sent is dropped when the node restarts");
  else if (d->ready || d->files[file].done)
    r = err_set(&e, PARLEY_ECONFLICT, "that file was uploaded already");
  for (struct node_call *o = c->n->calls; !r && o; o = o->next)
    if (o->file && o->file->draft == d && o->file->file == file)
      r = err_set(&e, PARLEY_ECONFLICT, "that file is being uploaded");
  if (!r) r = upload_open(c, d, file, &e);
  if (r) answer_err(c, out, r, &e);
}

/* Stages whole entries of BULK_ENTRY_MAX bytes; the last may be shorter. */
static parley_err stage(struct node *n, struct file_upload *u, bool final, struct errmsg *e) {
  size_t at = 0;
  parley_err r = store_begin(n->env.store, e);
  if (r) return r;
  while (!r && (u->out.n - at >= BULK_ENTRY_MAX || (final && at < u->out.n))) {
    size_t len = u->out.n - at < BULK_ENTRY_MAX ? u->out.n - at : BULK_ENTRY_MAX;
    struct bytes v = BYTES(u->out.p + at, len);
    sha256_update(u->sealed, v);
    r = store_seq_put(n->env.store, STORE_STAGED, u->draft->number, staged_pos(u->file, u->count), v, e);
    u->count++;
    u->size += len;
    at += len;
  }
  if (!r)
    r = store_commit(n->env.store, e);
  else
    store_rollback(n->env.store);
  buf_drop(&u->out, at);
  return r;
}

void draft_file_data(struct node_call *c, struct bytes in, struct node_response *out) {
  struct file_upload *u = c->file;
  struct errmsg e = {{0}};
  parley_err r = PARLEY_OK;
  u->draft->touched_ms = node_mono(c->n);
  u->got += in.n;
  if (u->got > u->want.size)
    r = err_set(&e, PARLEY_EINVAL, "\"%s\" is longer than the %llu bytes announced", u->want.name,
                (unsigned long long)u->want.size);
  sha256_update(u->plain, in);
  if (!r) r = age_writer_feed(&u->writer, in, &u->out, &e);
  if (!r && !buf_ok(&u->out)) r = err_set(&e, PARLEY_ENOMEM, "out of memory");
  if (!r && u->out.n >= STAGE_BYTES) r = stage(c->n, u, false, &e);
  if (r) answer_err(c, out, r, &e);
}

void draft_file_end(struct node_call *c, struct node_response *out) {
  struct file_upload *u = c->file;
  struct draft_file *f = &u->draft->files[u->file];
  struct errmsg e = {{0}};
  uint8_t digest[SHA256_SIZE];
  parley_err r = PARLEY_OK;
  sha256_final(u->plain, digest);
  if (u->got != u->want.size || memcmp(digest, u->want.sha256, SHA256_SIZE))
    r = err_set(
        &e, PARLEY_EINVAL,
        "\"%s\" is not the file announced (%llu of %llu bytes, or another SHA-256); it changed while it was read",
        u->want.name, (unsigned long long)u->got, (unsigned long long)u->want.size);
  if (!r) r = age_writer_finish(&u->writer, &u->out, &e);
  if (!r) r = stage(c->n, u, true, &e);
  if (!r) {
    sha256_final(u->sealed, f->sha256);
    f->size = u->size;
    f->count = u->count;
    f->done = true;
    r = draft_save(c->n, u->draft, &e);
  }
  if (r) {
    f->done = false;
    answer_err(c, out, r, &e);
    return;
  }
  out->status = 204;
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
  out->status = 202;
}

void local_draft(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  uint8_t id[16];
  struct bytes v;
  json_t *o = NULL;
  struct draft *d = draft_find(c->n, c->path, id);
  if (!d && (!hex_decode(id, 16, bytes_str(c->path)) ||
             store_get(c->n->env.store, STORE_DRAFTS, BYTES(id, 16), &c->arena, &v, NULL) ||
             json_parse(&o, v, STORE_VALUE_MAX, NULL))) {
    err_set(&e, PARLEY_ENOTFOUND, "no such draft");
    answer_err(c, out, PARLEY_ENOTFOUND, &e);
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

/* ---- moving staged entries into the bulk log ---- */

static bool waits(const struct draft *d) { return d->ready && !d->queued; }

/* The draft that has begun to move: the entries of a file stand in one run, so nothing else moves before it is through. */
static const struct draft *half_moved(const struct node *n) {
  for (const struct draft *d = n->drafts; d; d = d->next)
    if (waits(d) && d->moved > 0 && d->moved < d->total) return d;
  return NULL;
}

static bool blocked(const struct draft *d, const struct draft *half) {
  return half && d != half && d->moved < d->total;
}

static bool comes_before(const struct draft *d, const struct draft *best, const struct draft *half) {
  return !best || d == half || (best != half && d->started < best->started);
}

/* The draft whose turn it is. One that waits after a failure keeps no other waiting, unless it is half moved. */
static struct draft *next_ready(const struct node *n, int64_t now) {
  const struct draft *half = half_moved(n);
  struct draft *best = NULL;
  for (struct draft *d = n->drafts; d; d = d->next)
    if (waits(d) && !blocked(d, half) && d->retry_ms <= now && comes_before(d, best, half)) best = d;
  return best;
}

int64_t drafts_next_ms(const struct node *n) {
  const struct draft *half = half_moved(n);
  int64_t at = INT64_MAX;
  if (n->retry_ms) return at; /* commits fail: drafts wait for them, too */
  for (const struct draft *d = n->drafts; d; d = d->next)
    if (waits(d) && !blocked(d, half) && d->retry_ms < at) at = d->retry_ms;
  return at;
}

/* The file that entry number `moved` of the draft belongs to, and its position in it. */
static size_t file_at(const struct draft *d, uint64_t moved, uint64_t *pos) {
  size_t i = 0;
  while (i < d->n_files && moved >= d->files[i].count) moved -= d->files[i++].count;
  *pos = moved;
  return i;
}

struct moving {
  struct copy *copy;
  uint64_t n;
};

static parley_err move_one(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct moving *m = ctx;
  (void)pos;
  m->n++;
  return copy_append(m->copy, &v, 1, e);
}

static parley_err move_slice(struct node *n, struct draft *d, struct forum *f, struct errmsg *e) {
  uint64_t pos;
  size_t file = file_at(d, d->moved, &pos);
  struct draft_file *df = &d->files[file];
  uint64_t to = pos + SLICE < df->count ? pos + SLICE : df->count;
  struct moving m = {f->bulk.copy, 0};
  if (pos == 0) df->first = copy_size(f->bulk.copy);
  parley_err r = store_begin(n->env.store, e);
  if (r) return r;
  r = store_seq_scan(n->env.store, STORE_STAGED, d->number, staged_pos(file, pos), staged_pos(file, to), move_one, &m,
                     e);
  if (!r && m.n != to - pos)
    r = err_set(e, PARLEY_ENOTFOUND, "file %zu is no longer staged as it was uploaded; send it again", file);
  r = r ? r : store_seq_delete(n->env.store, STORE_STAGED, d->number, staged_pos(file, pos), staged_pos(file, to), e);
  r = r ? r : copy_flush(f->bulk.copy, e);
  uint64_t moved = d->moved;
  d->moved += to - pos;
  r = r ? r : draft_put(n, d, e);
  if (!r)
    r = store_commit(n->env.store, e);
  else if (store_in_transaction(n->env.store))
    store_rollback(n->env.store);
  if (r) {
    d->moved = moved;
    copy_reset(f->bulk.copy, NULL);
  }
  return r;
}

static parley_err finish(struct node *n, struct draft *d, struct send_request *r, struct arena *a, struct errmsg *e) {
  struct statement *s = &r->s;
  struct plain p = {.body = r->body, .n_files = r->n_files};
  struct submission *sub;
  memcpy(p.seed, d->seed, SEED_SIZE);
  memcpy(p.files, r->files, sizeof p.files);
  for (size_t i = 0; i < d->n_files; i++) {
    struct attach *at = &s->attach[s->n_attach++];
    memcpy(at->sha256, d->files[i].sha256, SHA256_SIZE);
    at->size = d->files[i].size;
    at->first = d->files[i].first;
    at->count = d->files[i].count;
  }
  s->has_bulk = true;
  s->bulk_size = copy_size(r->forum->bulk.copy);
  parley_err err = copy_root(r->forum->bulk.copy, s->bulk_size, &s->bulk_root, e);
  if (!err) err = send_queue(n, r->forum, s, r->kind, &p, a, &sub, e);
  if (!err) {
    memcpy(sub->draft, d->id, 16);
    sub->has_draft = true;
    d->queued = true;
  }
  wipe(p.seed, sizeof p.seed);
  return err;
}

void drafts_settle(struct node *n, const struct submission *s, bool committed) {
  for (struct draft **p = &n->drafts; *p; p = &(*p)->next)
    if (!memcmp((*p)->id, s->draft, 16)) {
      struct draft *d = *p;
      if (committed) {
        *p = d->next;
        draft_free(d);
      } else {
        d->queued = false;
        d->retry_ms = node_mono(n) + NODE_RETRY_MS;
      }
      return;
    }
}

/* What no repetition mends: the statement, or what it refers to. A closed forum may be open after the next start. */
static bool hopeless(const struct node *n, parley_err err) {
  if (err == PARLEY_ENOTFOUND) return n->forums_failed == 0;
  return err == PARLEY_EINVAL || err == PARLEY_ELIMIT || err == PARLEY_EREFUSED;
}

/* The draft ends: its reason stays, its staged bytes go. */
static parley_err fail(struct node *n, struct draft *d, struct errmsg *e) {
  struct buf v = {0};
  json_t *o = json_object();
  json_put_str(o, "state", "failed");
  json_put_str(o, "why", d->why);
  json_put_int(o, "at", node_wall(n));
  parley_err r = o && json_write(&v, o) && buf_ok(&v) ? store_begin(n->env.store, e)
                                                      : err_set(e, PARLEY_ENOMEM, "out of memory");
  json_decref(o);
  if (!r) {
    r = store_seq_delete(n->env.store, STORE_STAGED, d->number, 0, STORE_POS_MAX, e);
    r = r ? r : store_put(n->env.store, STORE_DRAFTS, BYTES(d->id, 16), buf_view(&v), e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  buf_free(&v);
  return r;
}

static void remove_draft(struct node *n, struct draft *d) {
  struct draft **p = &n->drafts;
  while (*p != d) p = &(*p)->next;
  *p = d->next;
  draft_free(d);
}

static void failed(struct node *n, struct draft *d, parley_err err, struct errmsg *e) {
  size_t len = strnlen(e->text, sizeof d->why - 1);
  while (len > 0 && !utf8_valid(BYTES(e->text, len))) len--; /* it goes out as JSON: no half character at the end */
  if (strncmp(d->why, e->text, len) || d->why[len])
    node_log_line(n, 3, "a statement with files cannot be sent%s: %s", hopeless(n, err) ? "" : " now", e->text);
  snprintf(d->why, sizeof d->why, "%.*s", (int)len, e->text);
  d->retry_ms = node_mono(n) + NODE_RETRY_MS;
  if (hopeless(n, err) && fail(n, d, e) == PARLEY_OK) remove_draft(n, d);
}

/* ---- what has come to an end ---- */

static bool being_uploaded(const struct node *n, const struct draft *d) {
  for (const struct node_call *c = n->calls; c; c = c->next)
    if (c->file && c->file->draft == d) return true;
  return false;
}

/* Uploads that nobody goes on with: they would hold their place and their staged bytes until the next start. */
static void drop_idle(struct node *n) {
  const int64_t now = node_mono(n);
  struct draft *next;
  for (struct draft *d = n->drafts; d; d = next) {
    struct errmsg e = {{0}};
    next = d->next;
    if (d->ready || now < d->touched_ms + UPLOAD_IDLE_MS || being_uploaded(n, d)) continue;
    if (drop(n, d->id, d->number, &e) == PARLEY_OK) {
      remove_draft(n, d);
    } else {
      d->touched_ms = now; /* an hour later, then */
      node_log_line(n, 3, "an upload that nobody goes on with cannot be dropped now: %s", e.text);
    }
  }
}

struct sweeping {
  int64_t before;
  struct buf keys;
};

static parley_err find_ended(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct sweeping *s = ctx;
  json_t *o = NULL;
  const char *state = "";
  (void)e;
  if (json_parse(&o, v, STORE_VALUE_MAX, NULL) == PARLEY_OK && !json_get_str(&state, o, "draft", "state", NULL) &&
      (!strcmp(state, "sent") || !strcmp(state, "failed")) && json_integer_value(json_object_get(o, "at")) < s->before)
    buf_bytes(&s->keys, key);
  json_decref(o);
  return s->keys.n < SWEEP_MOST * 16 ? PARLEY_OK : PARLEY_EBUSY;
}

/* Drafts that ended a day ago, once an hour. */
static void sweep(struct node *n) {
  struct sweeping s = {.before = node_wall(n) - ENDED_KEPT_S};
  struct errmsg e = {{0}};
  if (node_mono(n) < n->drafts_sweep_ms) return;
  n->drafts_sweep_ms = node_mono(n) + SWEEP_MS;
  parley_err r = store_scan(n->env.store, STORE_DRAFTS, BYTES_NONE, BYTES_NONE, false, find_ended, &s, &e);
  if (!r && s.keys.n > 0 && buf_ok(&s.keys)) {
    r = store_begin(n->env.store, &e);
    for (size_t at = 0; !r && at + 16 <= s.keys.n; at += 16)
      r = store_delete(n->env.store, STORE_DRAFTS, BYTES(s.keys.p + at, 16), &e);
    if (!r)
      r = store_commit(n->env.store, &e);
    else if (store_in_transaction(n->env.store))
      store_rollback(n->env.store);
  }
  if (r) node_log_line(n, 4, "drafts that have ended cannot be forgotten now: %s", e.text);
  buf_free(&s.keys);
}

void drafts_run(struct node *n) {
  drop_idle(n);
  sweep(n);
  struct draft *d = n->retry_ms ? NULL : next_ready(n, node_mono(n));
  struct arena a = {0};
  struct send_request r;
  struct errmsg e = {{0}};
  if (!d) return;
  parley_err err = send_parse(n, d->request, &r, &a, &e);
  if (!err && d->moved < d->total)
    err = move_slice(n, d, r.forum, &e);
  else if (!err)
    err = finish(n, d, &r, &a, &e);
  if (err) failed(n, d, err, &e);
  arena_free(&a);
}
