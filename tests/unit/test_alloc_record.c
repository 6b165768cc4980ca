/*
 * Store, signer and mirror, with each allocation failing in turn, SQLite's included. Nothing is half done: the same
 * request then goes through, from what is held.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/fault_vfs.h"
#include "unit/alloc_fail.h"
#include "unit/record_fixture.h"

#define ORIGIN "a.example/f/0"

static uint64_t no_luck(void *ctx) {
  (void)ctx;
  return 0;
}

static struct fault_disk *new_disk(void) {
  struct fault_disk *d = fault_disk_new("alloc", no_luck, NULL);
  assert_non_null(d);
  return d;
}

static parley_err open_store(struct store **out, const struct fault_disk *d, struct errmsg *e) {
  return store_sqlite_open(out, "store", &(struct store_sqlite_options){.vfs = fault_disk_name(d)}, e);
}

/* ---- the store ---- */

static parley_err collect(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  (void)e;
  buf_bytes(ctx, key);
  buf_bytes(ctx, v);
  return PARLEY_OK;
}

static parley_err write_some(struct store *s, struct errmsg *e) {
  static const uint8_t value[3000] = {7};
  parley_err err = store_begin(s, e);
  for (uint64_t i = 0; i < 20 && !err; i++) {
    const uint8_t key = (uint8_t)i;
    err = store_seq_put(s, STORE_ENTRIES, 1, i, BYTES(value, sizeof value - i), e);
    if (!err) err = store_put(s, STORE_INDEX, BYTES(&key, 1), BYTES(value, 10 + i), e);
  }
  if (!err) err = store_delete(s, STORE_INDEX, BYTES("\3", 1), e);
  if (!err) err = store_seq_delete(s, STORE_ENTRIES, 1, 5, 7, e);
  if (!err) return store_commit(s, e);
  store_rollback(s);
  return err;
}

static parley_err read_some(struct store *s, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct bytes v;
  parley_err err = store_seq_get(s, STORE_ENTRIES, 1, 4, &a, &v, e);
  if (!err) err = store_scan(s, STORE_INDEX, BYTES_NONE, BYTES_NONE, true, collect, result, e);
  if (!err && !buf_ok(result)) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!err) err = store_checkpoint(s, e);
  arena_free(&a);
  return err;
}

static parley_err use_store(void *ctx, struct buf *result, struct errmsg *e) {
  struct store *s;
  parley_err err = open_store(&s, ctx, e);
  if (err) return err;
  err = write_some(s, e);
  if (!err) err = read_some(s, result, e);
  store_close(s);
  return err;
}

static void free_disk(void *ctx) { fault_disk_free(ctx); }

static void test_store(void **state) {
  struct alloc_case c = {.name = "a store", .run = use_store, .close = free_disk, .not_openssl = true, .runs_max = 300};
  (void)state;
  c.live_before = alloc_live();
  c.ctx = new_disk();
  alloc_loop(&c);
  fault_disk_free(c.ctx);
}

/* ---- a mirror ---- */

struct place {
  struct fault_disk *disk;
  struct store *store;
  struct memory memory;
  struct signer *signer;
  struct author author, liar;
  struct vkey key;
  struct mirror *mirror;
};

static parley_err judge(const struct mirror_answer *a, struct errmsg *e) {
  if (a->status == 200) return PARLEY_OK;
  return err_set(e, a->status == 500 ? PARLEY_ENOMEM : PARLEY_EINVAL, "%u %s", a->status, a->why.text);
}

static parley_err show_checkpoint(struct place *p, uint64_t size, struct errmsg *e) {
  struct mirror_state st;
  struct mirror_answer answer = {0};
  struct buf body = {0};
  alloc_pause();
  mirror_state(p->mirror, &st);
  author_add_checkpoint(&p->author, &body, ORIGIN, st.pending_size, size);
  alloc_resume();
  mirror_add_checkpoint(p->mirror, buf_view(&body), &answer);
  const parley_err err = judge(&answer, e);
  buf_free(&answer.body);
  buf_free(&body);
  return err;
}

static parley_err show_entries(struct place *p, uint64_t size, struct errmsg *e) {
  struct mirror_state st;
  struct mirror_answer answer = {0};
  struct buf body = {0};
  alloc_pause();
  mirror_state(p->mirror, &st);
  author_packages(&p->author, &body, st.next, size);
  alloc_resume();
  kit_upload(p->mirror, st.next, size, buf_view(&body), NOW, &answer);
  const parley_err err = judge(&answer, e);
  buf_free(&answer.body);
  buf_free(&body);
  return err;
}

static parley_err mirror_it(void *ctx, struct buf *result, struct errmsg *e) {
  struct place *p = ctx;
  struct mirror_state st;
  parley_err err = show_checkpoint(p, 300, e);
  if (!err) err = show_entries(p, 300, e);
  if (err) return err;
  mirror_state(p->mirror, &st);
  buf_dec(result, st.next);
  buf_bytes(result, st.note);
  return buf_ok(result) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

static parley_err open_mirror(void *ctx, struct buf *result, struct errmsg *e) {
  struct place *p = ctx;
  struct mirror *m;
  struct mirror_state st;
  const parley_err err = mirror_open(&m, p->store, p->signer, ORIGIN, 65535, &p->key, 1, e);
  if (err) return err;
  mirror_state(m, &st);
  buf_dec(result, st.size);
  buf_bytes(result, st.note);
  mirror_close(m);
  return buf_ok(result) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

/* Another history under the same key: refused, and kept as evidence, or out of memory. */
static parley_err show_fork(void *ctx, struct buf *result, struct errmsg *e) {
  struct place *p = ctx;
  struct mirror_state st;
  struct mirror_answer answer = {0};
  struct buf body = {0};
  alloc_pause();
  mirror_state(p->mirror, &st);
  author_add_checkpoint(&p->liar, &body, ORIGIN, st.pending_size, 300);
  alloc_resume();
  mirror_add_checkpoint(p->mirror, buf_view(&body), &answer);
  mirror_state(p->mirror, &st);
  buf_fmt(result, "%u %d", answer.status, st.forked);
  parley_err err = answer.status == 422 ? PARLEY_OK : judge(&answer, e);
  if (!err && !st.forked) err = err_set(e, PARLEY_EIO, "the evidence is not kept");
  buf_free(&answer.body);
  buf_free(&body);
  if (!err && !buf_ok(result)) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  return err;
}

static void close_place(void *ctx) {
  struct place *p = ctx;
  mirror_close(p->mirror);
  signer_free(p->signer);
  store_close(p->store);
  fault_disk_free(p->disk);
}

/* The author's log is made, and freed, outside. */
static void open_place(struct place *p) {
  p->disk = new_disk();
  assert_int_equal(open_store(&p->store, p->disk, NULL), PARLEY_OK);
  p->signer = kit_signer(&p->memory);
  p->key = kit_vkey(ORIGIN, p->author.key);
  assert_int_equal(mirror_open(&p->mirror, p->store, p->signer, ORIGIN, 65535, &p->key, 1, NULL), PARLEY_OK);
}

static void test_mirror(void **state) {
  static struct place p;
  struct alloc_case c = {.ctx = &p, .close = close_place, .not_openssl = true, .runs_max = 300};
  (void)state;
  author_make(&p.author, 0, 0, 600);
  author_make(&p.liar, 1, 3, 600);
  c.live_before = alloc_live();
  open_place(&p);
  assert_int_equal(show_checkpoint(&p, 5, NULL), PARLEY_OK);
  assert_int_equal(show_entries(&p, 5, NULL), PARLEY_OK);
  c.name = "a mirror that is shown another history";
  c.run = show_fork;
  alloc_loop(&c);
  c.name = "a mirror that takes a checkpoint and its entries";
  c.run = mirror_it;
  alloc_loop(&c);
  struct buf result = {0};
  assert_int_equal(mirror_it(&p, &result, NULL), PARLEY_OK);
  buf_free(&result);
  c.name = "a mirror that is opened";
  c.run = open_mirror;
  alloc_loop(&c);
  close_place(&p);
  author_free(&p.author);
  author_free(&p.liar);
}

int main(void) {
  alloc_fail_init();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_store), cmocka_unit_test(test_mirror)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
