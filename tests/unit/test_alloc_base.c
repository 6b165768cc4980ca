/*
 * Encodings, JSON and the Merkle tree, with each allocation failing in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/json_load.h"
#include "merkle/tiles.h"
#include "unit/alloc_fail.h"

static parley_err no_memory(bool ok, struct errmsg *e) {
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

static void check(alloc_run run, const char *name) {
  const struct alloc_case c = {.name = name, .run = run};
  alloc_loop(&c);
}

/* ---- encodings ---- */

static parley_err encode(void *ctx, struct buf *result, struct errmsg *e) {
  static const uint8_t data[200] = {1, 2, 3};
  struct buf text = {0};
  (void)ctx;
  base64_encode(&text, BYTES(data, sizeof data), true);
  bool ok = buf_ok(&text) && base64_decode(result, buf_view(&text), true);
  buf_clear(&text);
  ok = ok && bech32_encode(&text, "age", BYTES(data, 32), false) && buf_ok(&text);
  buf_bytes(result, buf_view(&text));
  buf_fmt(result, "%s %d", "text", 7);
  buf_dec(result, 12345);
  buf_free(&text);
  return no_memory(ok && buf_ok(result), e);
}

static void test_encodings(void **state) {
  (void)state;
  check(encode, "encodings");
}

/* base64_decode answers false to memory that is out and to text that is wrong: only buf_ok tells. */
static parley_err decode(void *ctx, struct buf *result, struct errmsg *e) {
  (void)ctx;
  if (base64_decode(result, bytes_str("aGVsbG8gd29ybGQ="), true)) return PARLEY_OK;
  return buf_ok(result) ? err_set(e, PARLEY_EINVAL, "not base64") : no_memory(false, e);
}

static void test_decoding(void **state) {
  (void)state;
  check(decode, "base64_decode");
}

/* ---- JSON ---- */

static const char document[] =
    "{\"name\":\"a name that is long enough to be moved once or twice while it is read, with \\u00e9 and \\\"\","
    "\"list\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20],\"empty\":{},\"deep\":{\"a\":{\"b\":[{}]}},\"t\":"
    "true,\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10}";

static parley_err parse(void *ctx, struct buf *result, struct errmsg *e) {
  json_t *v;
  (void)ctx;
  const parley_err err = json_parse(&v, bytes_str(document), 4096, e);
  if (err) return err;
  const bool ok = json_write(result, v) && json_write_pretty(result, v);
  json_decref(v);
  return no_memory(ok, e);
}

static void test_json(void **state) {
  (void)state;
  check(parse, "json_parse");
}

static parley_err build(void *ctx, struct buf *result, struct errmsg *e) {
  (void)ctx;
  json_lost(); /* what an earlier run lost is not missing here */
  json_t *v = json_object();
  const bool ok = v && json_put_str(v, "s", "text") && json_put_int(v, "i", 5) && json_put_hex(v, "h", "abc", 3) &&
                  json_put_b64(v, "b", "abc", 3) && json_put_time(v, "t", 1700000000) && json_write(result, v);
  json_decref(v);
  return no_memory(ok, e);
}

static void test_json_building(void **state) {
  (void)state;
  check(build, "json_put");
}

/* What is refused for another reason is refused, or memory is out: a refusal never hides behind the other. */
static parley_err refuse(void *ctx, struct buf *result, struct errmsg *e) {
  static const char *const bad[] = {"{\"a\":1,\"a\":2}", "{\"a\":1.5}", "{\"a\":\"\\u0000\"}",
                                    "{\"a\":",           "[1]",         "{\"a\":18446744073709551616}"};
  (void)ctx;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    json_t *v;
    const parley_err err = json_parse(&v, bytes_str(bad[i]), 4096, e);
    if (err == PARLEY_ENOMEM) return err;
    if (err != PARLEY_EINVAL) return err_set(e, PARLEY_EIO, "%s is taken", bad[i]);
    buf_str(result, e->text);
  }
  return no_memory(buf_ok(result), e);
}

static void test_json_refused(void **state) {
  (void)state;
  check(refuse, "json_parse of what it refuses");
}

/* ---- trees ---- */

struct shelf {
  uint8_t tile[3][4][TILE_WIDTH * 32];
  unsigned width[3][4];
};

static parley_err shelf_get(void *ctx, unsigned level, uint64_t n, uint8_t *out, unsigned *width, struct errmsg *e) {
  struct shelf *s = ctx;
  if (level > 2 || n > 3 || !s->width[level][n]) return err_set(e, PARLEY_ENOTFOUND, "no such tile");
  *width = s->width[level][n];
  memcpy(out, s->tile[level][n], (size_t)*width * 32);
  return PARLEY_OK;
}

static parley_err shelf_put(void *ctx, unsigned level, uint64_t n, const uint8_t *data, unsigned width,
                            struct errmsg *e) {
  struct shelf *s = ctx;
  if (level > 2 || n > 3) return err_set(e, PARLEY_EFULL, "the shelf is full");
  memcpy(s->tile[level][n], data, (size_t)width * 32);
  s->width[level][n] = width;
  return PARLEY_OK;
}

static parley_err grow(struct tree *t, struct buf *result, struct errmsg *e) {
  static struct hash leaves[600];
  struct hash root;
  struct proof p;
  for (size_t i = 0; i < 600; i++) merkle_leaf(&leaves[i], BYTES(&i, sizeof i));
  parley_err err = tree_append(t, leaves, 600, e);
  if (!err) err = tree_flush(t, e);
  if (!err) err = tree_root(t, 599, &root, e);
  if (!err) err = merkle_inclusion(&p, tree_source(t), 3, 600, e);
  if (!err) err = merkle_consistency(&p, tree_source(t), 300, 600, e);
  if (!err) err = tree_reload(t, 600, e);
  if (!err) err = tree_root(t, 600, &root, e);
  if (!err) buf_add(result, root.b, sizeof root.b);
  return err ? err : no_memory(buf_ok(result), e);
}

static parley_err plant(void *ctx, struct buf *result, struct errmsg *e) {
  static struct shelf shelf;
  struct tree *t;
  (void)ctx;
  memset(&shelf, 0, sizeof shelf);
  parley_err err = tree_open(&t, (struct tile_store){&shelf, shelf_get, shelf_put}, 0, e);
  if (err) return err;
  err = grow(t, result, e);
  tree_free(t);
  return err;
}

static void test_tree(void **state) {
  (void)state;
  check(plant, "tree");
}

int main(void) {
  alloc_fail_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_encodings),     cmocka_unit_test(test_decoding),     cmocka_unit_test(test_json),
      cmocka_unit_test(test_json_building), cmocka_unit_test(test_json_refused), cmocka_unit_test(test_tree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
