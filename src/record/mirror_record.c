/*
 * The mirror's record in the store: a version, the time of the cosignature, the pending checkpoints and the mirror
 * checkpoint, each note with its length. What is written is read back by the same parser before it counts.
 */
#include <string.h>

#include "record/mirror_state.h"

#define RECORD_VERSION 1
#define HEAD_SIZE 10 /* version, time, number of pending checkpoints */

static parley_err damaged(const char *origin, const char *what, struct errmsg *e) {
  return err_set(e, PARLEY_EIO, "the mirror's record of %.300s in the store is damaged (%s); restore a backup", origin,
                 what);
}

static bool take_note(struct bytes *rest, struct bytes *note) {
  if (rest->n < 2 || rest->n - 2 < u16be(rest->p)) return false;
  *note = BYTES(rest->p + 2, u16be(rest->p));
  *rest = BYTES(note->p + note->n, rest->n - 2 - note->n);
  return true;
}

static parley_err read_held(struct held *out, struct bytes note, const char *origin, struct errmsg *e) {
  struct arena a = {0};
  struct note n;
  struct checkpoint c;
  parley_err err = note_parse(&n, &a, note, e);
  if (!err) err = checkpoint_parse(&c, n.text, e);
  if (!err && !bytes_is(c.origin, origin)) err = damaged(origin, "another origin", e);
  if (!err) *out = (struct held){c.size, c.root, note};
  arena_free(&a);
  return err;
}

/* Sizes ascend, and the mirror checkpoint is at or below each pending one. */
static bool in_order(const struct mirror_record *r) {
  for (size_t i = 0; i < r->n; i++) {
    if (r->has_own && r->pending[i].size < r->own.size) return false;
    if (i > 0 && r->pending[i].size <= r->pending[i - 1].size) return false;
  }
  return r->n > 0;
}

static parley_err read_record(struct mirror_record *r, const char *origin, struct errmsg *e) {
  struct bytes rest = buf_view(&r->raw), note;
  if (rest.n < HEAD_SIZE || rest.p[0] != RECORD_VERSION) return damaged(origin, "its version", e);
  const uint64_t cosigned = u64be(rest.p + 1);
  r->n = rest.p[9];
  if (cosigned > INT64_MAX || r->n > MIRROR_PENDING_MAX) return damaged(origin, "its head", e);
  r->cosigned = (int64_t)cosigned;
  rest = BYTES(rest.p + HEAD_SIZE, rest.n - HEAD_SIZE);
  for (size_t i = 0; i < r->n; i++) {
    if (!take_note(&rest, &note)) return damaged(origin, "it is cut short", e);
    const parley_err err = read_held(&r->pending[i], note, origin, e);
    if (err) return err_prefix(e, err == PARLEY_ENOMEM ? err : PARLEY_EIO, "a pending checkpoint in the store");
  }
  if (!take_note(&rest, &note) || rest.n > 0) return damaged(origin, "its length", e);
  r->has_own = note.n > 0;
  if (r->has_own) {
    const parley_err err = read_held(&r->own, note, origin, e);
    if (err) return err_prefix(e, err == PARLEY_ENOMEM ? err : PARLEY_EIO, "the mirror checkpoint in the store");
  }
  if (r->has_own != (r->cosigned > 0)) return damaged(origin, "its time", e);
  return in_order(r) ? PARLEY_OK : damaged(origin, "its order", e);
}

static void put_note(struct buf *out, struct bytes note) {
  if (note.n > UINT16_MAX) {
    out->failed = true;
    return;
  }
  buf_u16be(out, (uint16_t)note.n);
  buf_bytes(out, note);
}

static void write_record(struct buf *out, const struct mirror_record *r) {
  buf_u8(out, RECORD_VERSION);
  buf_u64be(out, (uint64_t)r->cosigned);
  buf_u8(out, (uint8_t)r->n);
  for (size_t i = 0; i < r->n; i++) put_note(out, r->pending[i].note);
  put_note(out, r->has_own ? r->own.note : BYTES_NONE);
}

static bool make_key(struct buf *key, const char *origin) {
  buf_fmt(key, "mirror/%s", origin);
  return buf_ok(key);
}

parley_err mirror_record_load(struct mirror_record *out, struct store *s, const char *origin, struct errmsg *e) {
  struct mirror_record r = {0};
  struct buf key = {0};
  struct arena a = {0};
  struct bytes v = BYTES_NONE;
  parley_err err = make_key(&key, origin) ? store_get(s, STORE_LOGS, buf_view(&key), &a, &v, e) : PARLEY_ENOMEM;
  buf_bytes(&r.raw, v);
  if (err == PARLEY_ENOMEM || !buf_ok(&r.raw))
    err = err_set(e, PARLEY_ENOMEM, "out of memory for a mirror");
  else if (!err)
    err = read_record(&r, origin, e);
  arena_free(&a);
  buf_free(&key);
  if (err)
    mirror_record_free(&r);
  else
    *out = r;
  return err;
}

parley_err mirror_record_put(struct mirror_record *out, struct store *s, const char *origin,
                             const struct mirror_record *next, struct errmsg *e) {
  struct mirror_record r = {0};
  struct buf key = {0};
  write_record(&r.raw, next);
  parley_err err = make_key(&key, origin) && buf_ok(&r.raw) ? read_record(&r, origin, e)
                                                            : err_set(e, PARLEY_ENOMEM, "out of memory for a mirror");
  if (!err) err = store_put(s, STORE_LOGS, buf_view(&key), buf_view(&r.raw), e);
  buf_free(&key);
  if (err)
    mirror_record_free(&r);
  else
    *out = r;
  return err;
}

void mirror_record_free(struct mirror_record *r) {
  buf_free(&r->raw);
  *r = (struct mirror_record){0};
}

const struct held *mirror_record_find(const struct mirror_record *r, uint64_t size) {
  for (size_t i = 0; i < r->n; i++)
    if (r->pending[i].size == size) return &r->pending[i];
  return r->has_own && r->own.size == size ? &r->own : NULL;
}

const struct held *mirror_record_newest(const struct mirror_record *r) {
  return r->n > 0 ? &r->pending[r->n - 1] : NULL;
}

void mirror_record_add(struct mirror_record *r, const struct held *h) {
  if (r->n > 0 && r->pending[r->n - 1].size == h->size) {
    r->pending[r->n - 1] = *h; /* the same tree, signed by another key of the log */
    return;
  }
  if (r->n == MIRROR_PENDING_MAX) {
    memmove(r->pending, r->pending + 1, (MIRROR_PENDING_MAX - 1) * sizeof *r->pending);
    r->n--;
  }
  r->pending[r->n++] = *h;
}

void mirror_record_advance(struct mirror_record *r, const struct held *own, int64_t now) {
  size_t below = 0;
  while (below < r->n && r->pending[below].size < own->size) below++;
  memmove(r->pending, r->pending + below, (r->n - below) * sizeof *r->pending);
  r->n -= below;
  r->has_own = true;
  r->own = *own;
  r->cosigned = now;
}
