/*
 * The local API: the plaintext of one file, or its sealed bytes, streamed from the bulk log.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/local_found.h"

struct file_stream {
  struct copy *copy;
  uint64_t next, end; /* bulk entries */
  bool sealed;        /* as they are; reader is not used */
  struct age_reader reader;
  struct buf out; /* not yet read, from offset `at` */
  uint64_t at;
  bool finished;
};

static parley_err stream_feed(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct file_stream *s = ctx;
  (void)pos;
  s->next++;
  if (!s->sealed) return age_reader_feed(&s->reader, v, &s->out, e);
  buf_bytes(&s->out, v);
  return buf_ok(&s->out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

static parley_err stream_fill(struct file_stream *s) {
  while (!s->out.n && !s->finished) {
    uint64_t to = s->next + 32 < s->end ? s->next + 32 : s->end;
    parley_err r = s->next < s->end ? copy_scan(s->copy, s->next, to, stream_feed, s, NULL) : PARLEY_OK;
    if (!r && s->next == s->end) {
      if (!s->sealed) r = age_reader_finish(&s->reader, &s->out, NULL);
      s->finished = true;
    }
    if (r) return r;
  }
  return PARLEY_OK;
}

int64_t node_stream_read(void *stream, uint64_t offset, uint8_t *out, size_t cap) {
  struct file_stream *s = stream;
  if (offset != s->at || stream_fill(s) != PARLEY_OK) return -1;
  size_t n = s->out.n < cap ? s->out.n : cap;
  memcpy(out, s->out.p, n);
  buf_drop(&s->out, n);
  s->at += n;
  return (int64_t)n;
}

void node_stream_free(void *stream) {
  struct file_stream *s = stream;
  if (!s) return;
  age_reader_free(&s->reader);
  buf_free(&s->out);
  free(s);
}

/* Reads the header of the sealed file and starts the stream behind it. */
static parley_err stream_open(struct node *n, struct copy *copy, const struct attach *a, struct file_stream **out,
                              struct errmsg *e) {
  struct file_stream *s = calloc(1, sizeof *s);
  struct arena arena = {0};
  struct buf head = {0};
  uint8_t key[32] = {0};
  size_t used = 0;
  if (!s) return err_set(e, PARLEY_ENOMEM, "out of memory");
  s->copy = copy;
  s->next = a->first;
  s->end = a->first + a->count;
  parley_err r = PARLEY_EBUSY;
  while (r == PARLEY_EBUSY && s->next < s->end) {
    struct bytes v;
    r = copy_entry(copy, s->next++, &arena, &v, e);
    if (r) break;
    buf_bytes(&head, v);
    r = PARLEY_ENOTFOUND;
    for (size_t i = 0; i < n->env.n_seal && r == PARLEY_ENOTFOUND; i++)
      r = age_open_header(&used, key, buf_view(&head), &n->env.seal[i], e);
  }
  age_reader_init(&s->reader, key);
  if (!r) r = age_reader_feed(&s->reader, BYTES(head.p + used, head.n - used), &s->out, e);
  wipe(key, sizeof key);
  buf_free(&head);
  arena_free(&arena);
  if (r)
    node_stream_free(s);
  else
    *out = s;
  return r;
}

static parley_err sealed_open(struct copy *copy, const struct attach *a, struct file_stream **out, struct errmsg *e) {
  struct file_stream *s = calloc(1, sizeof *s);
  if (!s) return err_set(e, PARLEY_ENOMEM, "out of memory");
  s->copy = copy;
  s->next = a->first;
  s->end = a->first + a->count;
  s->sealed = true;
  *out = s;
  return PARLEY_OK;
}

static void set_stream(struct node_response *out, struct file_stream *s, uint64_t length) {
  out->status = 200;
  out->content_type = "application/octet-stream";
  out->stream = s;
  out->stream_length = length;
}

/* The place of file number c->rest, once it is here whole. */
static parley_err file_place(struct node_call *c, const struct local_found *f, uint64_t *i, struct copy **copy,
                             struct errmsg *e) {
  if (!f->parsed || !dec_decode(i, bytes_str(c->rest)) || *i >= f->s.n_attach)
    return err_set(e, PARLEY_ENOTFOUND, "that statement has no file number %s", c->rest);
  *copy = row_copy(&f->row, true, NULL, NULL);
  if (*copy && copy_size(*copy) >= f->s.attach[*i].first + f->s.attach[*i].count) return PARLEY_OK;
  return err_set(e, PARLEY_EBUSY, "file %s has not arrived whole yet", c->rest);
}

static parley_err file_open(struct node_call *c, const struct local_found *f, struct node_response *out,
                            struct errmsg *e) {
  uint64_t i;
  struct copy *copy;
  struct plain p = {0};
  struct file_stream *s = NULL;
  parley_err r = file_place(c, f, &i, &copy, e);
  if (!r) r = row_open(c->n, &f->s, &p, e);
  if (!r && i >= p.n_files) r = err_set(e, PARLEY_EINVAL, "the sealed body does not describe file %s", c->rest);
  if (!r) r = stream_open(c->n, copy, &f->s.attach[i], &s, e);
  if (!r) set_stream(out, s, p.files[i].size);
  plain_clear(&p);
  return r;
}

void local_file(struct node_call *c, struct node_response *out) {
  struct local_found f;
  struct errmsg e = {{0}};
  if (!local_find(c, &f, out)) return;
  parley_err r = file_open(c, &f, out, &e);
  local_found_clear(&f);
  if (r) answer_err(c, out, r, &e);
}

void local_sealed(struct node_call *c, struct node_response *out) {
  struct local_found f;
  struct errmsg e = {{0}};
  uint64_t i;
  struct copy *copy;
  struct file_stream *s = NULL;
  if (!local_find(c, &f, out)) return;
  parley_err r = file_place(c, &f, &i, &copy, &e);
  if (!r) r = sealed_open(copy, &f.s.attach[i], &s, &e);
  if (!r) set_stream(out, s, f.s.attach[i].size);
  local_found_clear(&f);
  if (r) answer_err(c, out, r, &e);
}
