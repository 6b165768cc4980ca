/*
 * A draft's files coming in: sealed as a stream, cut into bulk entries, staged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/draft.h"

#define STAGE_BYTES (1u << 20) /* staged in one transaction */

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
    r = store_seq_put(n->env.store, STORE_STAGED, u->draft->number, draft_staged_pos(u->file, u->count), v, e);
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

bool draft_being_uploaded(const struct node *n, const struct draft *d) {
  for (const struct node_call *c = n->calls; c; c = c->next)
    if (c->file && c->file->draft == d) return true;
  return false;
}
