#include "unit/record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- stores ---- */

void record_dir_make(struct dir *d) {
  strcpy(d->path, "/tmp/parley-test-XXXXXX");
  assert_non_null(mkdtemp(d->path));
  snprintf(d->file, sizeof d->file, "%s/store", d->path);
}

void record_dir_remove(const struct dir *d) {
  static const char *const suffix[] = {"", "-wal", "-shm", "-journal"};
  for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
    char file[128];
    snprintf(file, sizeof file, "%s%s", d->file, suffix[i]);
    unlink(file);
  }
  assert_int_equal(rmdir(d->path), 0);
}

struct store *dir_open(const struct dir *d) {
  struct store *s = NULL;
  struct errmsg e = {0};
  const struct store_sqlite_options o = {.unsafe = true};
  if (store_sqlite_open(&s, d->file, &o, &e)) fail_msg("%s", e.text);
  return s;
}

static struct faulty *self(struct store *s) { return (struct faulty *)s; }

static parley_err strike(struct faulty *f, struct errmsg *e) {
  f->writes++;
  if (f->countdown == 0 || --f->countdown > 0) return PARLEY_OK;
  return err_set(e, f->with, "injected failure");
}

static parley_err f_begin(struct store *s, struct errmsg *e) { return store_begin(self(s)->inner, e); }

static parley_err f_commit(struct store *s, struct errmsg *e) {
  const parley_err err = strike(self(s), e);
  if (err) {
    store_rollback(self(s)->inner);
    return err;
  }
  self(s)->commits++;
  return store_commit(self(s)->inner, e);
}

static void f_rollback(struct store *s) { store_rollback(self(s)->inner); }

static parley_err f_seq_get(struct store *s, enum store_seq t, uint32_t log, uint64_t pos, struct arena *a,
                            struct bytes *out, struct errmsg *e) {
  return store_seq_get(self(s)->inner, t, log, pos, a, out, e);
}

static parley_err f_seq_put(struct store *s, enum store_seq t, uint32_t log, uint64_t pos, struct bytes v,
                            struct errmsg *e) {
  const parley_err err = strike(self(s), e);
  return err ? err : store_seq_put(self(s)->inner, t, log, pos, v, e);
}

static parley_err f_seq_delete(struct store *s, enum store_seq t, uint32_t log, uint64_t from, uint64_t to,
                               struct errmsg *e) {
  return store_seq_delete(self(s)->inner, t, log, from, to, e);
}

static parley_err f_seq_scan(struct store *s, enum store_seq t, uint32_t log, uint64_t from, uint64_t to,
                             store_seq_fn f, void *ctx, struct errmsg *e) {
  return store_seq_scan(self(s)->inner, t, log, from, to, f, ctx, e);
}

static parley_err f_get(struct store *s, enum store_map t, struct bytes key, struct arena *a, struct bytes *out,
                        struct errmsg *e) {
  return store_get(self(s)->inner, t, key, a, out, e);
}

static parley_err f_put(struct store *s, enum store_map t, struct bytes key, struct bytes v, struct errmsg *e) {
  const parley_err err = strike(self(s), e);
  return err ? err : store_put(self(s)->inner, t, key, v, e);
}

static parley_err f_del(struct store *s, enum store_map t, struct bytes key, struct errmsg *e) {
  return store_delete(self(s)->inner, t, key, e);
}

static parley_err f_scan(struct store *s, enum store_map t, struct bytes prefix, struct bytes after, bool reverse,
                         store_map_fn f, void *ctx, struct errmsg *e) {
  return store_scan(self(s)->inner, t, prefix, after, reverse, f, ctx, e);
}

static uint64_t f_bytes(struct store *s) { return store_bytes(self(s)->inner); }

static parley_err f_checkpoint(struct store *s, struct errmsg *e) { return store_checkpoint(self(s)->inner, e); }

static void f_close(struct store *s) { store_close(self(s)->inner); }

void faulty_init(struct faulty *f, struct store *inner) {
  static const struct store_ops ops = {
      .begin = f_begin,
      .commit = f_commit,
      .rollback = f_rollback,
      .seq_get = f_seq_get,
      .seq_put = f_seq_put,
      .seq_delete = f_seq_delete,
      .seq_scan = f_seq_scan,
      .get = f_get,
      .put = f_put,
      .del = f_del,
      .scan = f_scan,
      .bytes = f_bytes,
      .checkpoint = f_checkpoint,
      .close = f_close,
  };
  *f = (struct faulty){.base = {.ops = &ops}, .inner = inner, .with = PARLEY_EFULL};
}

/* ---- signers ---- */

static parley_err memory_load(void *ctx, const char *origin, enum signer_role role, struct signed_tree *out,
                              struct errmsg *e) {
  struct memory *m = ctx;
  m->loads++;
  for (size_t i = 0; i < m->n; i++)
    if (m->row[i].role == role && strcmp(m->row[i].origin, origin) == 0) {
      *out = m->row[i].tree;
      return PARLEY_OK;
    }
  return err_set(e, PARLEY_ENOTFOUND, "nothing saved");
}

static parley_err memory_save(void *ctx, const char *origin, enum signer_role role, const struct signed_tree *tree,
                              struct errmsg *e) {
  struct memory *m = ctx;
  if (m->watch) {
    assert_false(store_in_transaction(&m->watch->base));
    m->commits = m->watch->commits;
  }
  if (m->fail) return err_set(e, PARLEY_EFULL, "the disk of the signer is full");
  size_t i = 0;
  while (i < m->n && !(m->row[i].role == role && strcmp(m->row[i].origin, origin) == 0)) i++;
  assert_true(i < MEMORY_MAX);
  snprintf(m->row[i].origin, sizeof m->row[i].origin, "%s", origin);
  m->row[i].role = role;
  m->row[i].tree = *tree;
  if (i == m->n) m->n++;
  m->saves++;
  return PARLEY_OK;
}

struct signer_memory memory_of(struct memory *m) {
  return (struct signer_memory){m, memory_load, memory_save};
}

struct ed25519_key *record_key(uint8_t seed) {
  uint8_t bytes[32];
  struct ed25519_key *k = NULL;
  memset(bytes, seed, sizeof bytes);
  assert_int_equal(ed25519_from_seed(&k, bytes, NULL), PARLEY_OK);
  return k;
}

struct signer *kit_signer(struct memory *m) {
  struct signer *s = NULL;
  struct errmsg e = {0};
  if (signer_new(&s, "b.example", record_key(11), record_key(12), record_key(13), memory_of(m), &e))
    fail_msg("%s", e.text);
  return s;
}

struct vkey kit_vkey(const char *origin, const struct ed25519_key *k) {
  struct vkey v;
  assert_int_equal(vkey_make(&v, origin, NOTE_ED25519, ed25519_public(k), NULL), PARLEY_OK);
  return v;
}

struct vkey kit_mirror_vkey(const struct signer *s) {
  struct vkey v;
  assert_int_equal(vkey_make(&v, "b.example/mirror", NOTE_COSIGNATURE, signer_mirror_public(s), NULL), PARLEY_OK);
  return v;
}

/* ---- the author ---- */

static size_t make_entry(char out[static 64], uint64_t i, uint8_t fork) {
  int n = snprintf(out, 64, "entry %llu", (unsigned long long)i);
  if (fork) n += snprintf(out + n, 64 - (size_t)n, " fork %u", fork);
  return i % 97 == 96 ? 0 : (size_t)n; /* an empty entry is an entry */
}

void author_make(struct author *a, uint8_t fork, uint64_t from, uint64_t size) {
  struct errmsg e = {0};
  record_dir_make(&a->dir);
  a->store = dir_open(&a->dir);
  a->key = record_key(1);
  a->fork = fork;
  if (copy_open(&a->copy, a->store, "author", 65535, &e)) fail_msg("%s", e.text);
  assert_int_equal(store_begin(a->store, &e), PARLEY_OK);
  for (uint64_t i = 0; i < size; i++) {
    char text[64];
    const struct bytes entry = BYTES(text, make_entry(text, i, i >= from ? fork : 0));
    if (copy_append(a->copy, &entry, 1, &e)) fail_msg("%s", e.text);
  }
  if (copy_flush(a->copy, &e) || store_commit(a->store, &e)) fail_msg("%s", e.text);
}

void author_free(struct author *a) {
  copy_close(a->copy);
  store_close(a->store);
  ed25519_free(a->key);
  record_dir_remove(&a->dir);
}

void author_note(struct author *a, struct buf *out, const char *origin, uint64_t size) {
  struct hash root;
  struct buf text = {0};
  uint8_t sig[ED25519_SIG_SIZE];
  const struct vkey k = kit_vkey(origin, a->key);
  assert_int_equal(copy_root(a->copy, size, &root, NULL), PARLEY_OK);
  checkpoint_text(&text, origin, size, &root);
  ed25519_sign(sig, a->key, buf_view(&text));
  buf_bytes(out, buf_view(&text));
  buf_str(out, "\n");
  note_sig_line(out, &k, BYTES(sig, sizeof sig));
  buf_free(&text);
}

void author_add_checkpoint(struct author *a, struct buf *out, const char *origin, uint64_t old, uint64_t size) {
  struct buf note = {0};
  author_note(a, &note, origin, size);
  struct add_checkpoint r = {.old = old, .note = buf_view(&note)};
  assert_int_equal(merkle_consistency(&r.proof, copy_source(a->copy), old, size, NULL), PARLEY_OK);
  add_checkpoint_write(out, &r);
  buf_free(&note);
}

void author_packages(struct author *a, struct buf *out, uint64_t start, uint64_t end) {
  for (uint64_t next; start < end; start = next) /* 32 packages at a time */
    assert_int_equal(copy_packages(a->copy, start, end, SIZE_MAX, out, &next, NULL), PARLEY_OK);
}

/* ---- sending ---- */

unsigned kit_add_checkpoint(struct mirror *m, struct author *a, uint64_t old, uint64_t size,
                            struct mirror_answer *out) {
  struct buf body = {0};
  author_add_checkpoint(a, &body, copy_origin(mirror_copy(m)), old, size);
  mirror_add_checkpoint(m, buf_view(&body), out);
  buf_free(&body);
  return out->status;
}

unsigned kit_upload(struct mirror *m, uint64_t start, uint64_t end, struct bytes body, int64_t now,
                    struct mirror_answer *out) {
  const struct add_entries_head h = {bytes_str(copy_origin(mirror_copy(m))), start, end, BYTES_NONE};
  struct mirror_upload *u;
  mirror_upload_begin(&u, m, &h, out, NULL);
  if (out->status) {
    assert_null(u);
    return out->status;
  }
  if (mirror_upload_data(u, body, out)) mirror_upload_finish(u, now, out);
  mirror_upload_free(u);
  return out->status;
}

void answer_check_info(const struct mirror_answer *out, unsigned status, const char *body) {
  assert_int_equal(out->status, status);
  assert_string_equal(out->content_type, CONTENT_MIRROR_INFO);
  if (!bytes_is(buf_view(&out->body), body)) fail_msg("%.*s", (int)out->body.n, (const char *)out->body.p);
}

void stage_pending(struct stage *s, uint64_t size) {
  struct mirror_answer out;
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, stage_state(s).pending_size, size, &out), 200);
}

void answer_free(struct mirror_answer *a) {
  buf_free(&a->body);
  *a = (struct mirror_answer){0};
}

/* ---- the stage ---- */

static void open_mirror(struct stage *s, const char *origin) {
  struct errmsg e = {0};
  s->key = kit_vkey(origin, s->a.key);
  if (mirror_open(&s->m, &s->store.base, s->signer, origin, 65535, &s->key, 1, &e)) fail_msg("%s", e.text);
}

void stage_open(struct stage *s) {
  memset(s, 0, sizeof *s);
  record_dir_make(&s->dir);
  faulty_init(&s->store, dir_open(&s->dir));
  s->signer = kit_signer(&s->memory);
  author_make(&s->a, 0, 0, 600);
  author_make(&s->b, 1, 3, 600);
  open_mirror(s, "a.example/f/0");
}

void stage_close(struct stage *s) {
  mirror_close(s->m);
  signer_free(s->signer);
  author_free(&s->a);
  author_free(&s->b);
  store_close(&s->store.base);
  record_dir_remove(&s->dir);
}

int stage_setup(void **state) {
  struct stage *s = malloc(sizeof *s);
  assert_non_null(s);
  stage_open(s);
  *state = s;
  return 0;
}

int stage_teardown(void **state) {
  stage_close(*state);
  free(*state);
  return 0;
}

void stage_fresh(struct stage *s) {
  char origin[64];
  snprintf(origin, sizeof origin, "a.example/f/%u", copy_number(mirror_copy(s->m)));
  mirror_close(s->m);
  open_mirror(s, origin);
}

void stage_restart(struct stage *s) {
  char origin[64];
  snprintf(origin, sizeof origin, "%s", copy_origin(mirror_copy(s->m)));
  mirror_close(s->m);
  signer_free(s->signer);
  store_close(&s->store.base);
  faulty_init(&s->store, dir_open(&s->dir));
  s->signer = kit_signer(&s->memory);
  open_mirror(s, origin);
}

struct mirror_state stage_state(const struct stage *s) {
  struct mirror_state st;
  mirror_state(s->m, &st);
  return st;
}

void stage_fill(struct stage *s, uint64_t size) {
  struct mirror_answer out;
  struct buf body = {0};
  const struct mirror_state st = stage_state(s);
  assert_int_equal(kit_add_checkpoint(s->m, &s->a, st.pending_size, size, &out), 200);
  answer_free(&out);
  author_packages(&s->a, &body, st.next, size);
  assert_int_equal(kit_upload(s->m, st.next, size, buf_view(&body), NOW, &out), 200);
  stage_check_cosigned(s, &out, size, NOW);
  answer_free(&out);
  buf_free(&body);
}

void stage_check_cosigned(struct stage *s, const struct mirror_answer *out, uint64_t size, int64_t time) {
  const struct mirror_state st = stage_state(s);
  const struct vkey mirror = kit_mirror_vkey(s->signer);
  struct hash root;
  struct buf text = {0};
  struct arena a = {0};
  struct note n;
  int64_t at;
  assert_int_equal(copy_root(s->a.copy, size, &root, NULL), PARLEY_OK);
  checkpoint_text(&text, copy_origin(mirror_copy(s->m)), size, &root);
  if (out) {
    assert_string_equal(out->content_type, CONTENT_TEXT);
    assert_int_equal(note_verify_line(buf_view(&out->body), buf_view(&text), &mirror, &at, NULL), PARLEY_OK);
    assert_int_equal(at, time);
  }
  assert_int_equal(st.size, size);
  assert_true(hash_eq(&st.root, &root));
  assert_true(st.next >= size);
  assert_int_equal(st.cosigned, time);
  assert_int_equal(note_parse(&n, &a, st.note, NULL), PARLEY_OK);
  assert_true(bytes_eq(n.text, buf_view(&text)));
  assert_int_equal(n.n, 2);
  assert_int_equal(note_verify(&n, &s->key, NULL, NULL, NULL), PARLEY_OK);
  assert_int_equal(note_verify(&n, &mirror, &at, NULL, NULL), PARLEY_OK);
  assert_int_equal(at, time);
  arena_free(&a);
  buf_free(&text);
}
