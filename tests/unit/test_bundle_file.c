/*
 * Bundles as files: what was written is read; cut anywhere, damaged anywhere, and with things in them that do not belong there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "cli/bundle_file.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct cli cli;
static char dir[64], path[96], part[96];

static int setup(void **state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/parley.XXXXXX");
  if (!mkdtemp(dir)) return -1;
  snprintf(path, sizeof path, "%s/b", dir);
  snprintf(part, sizeof part, "%s/b.part", dir);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  unlink(part);
  arena_free(&cli.arena);
  return rmdir(dir);
}

static const struct bundle_head head = {.from = "cert.us.example", .to = "ncc.ru.example", .time = 1620381600};
#define ENTRIES 4
static const char *const texts[ENTRIES] = {NULL, "a card", "an origin\n", NULL};

static struct bundle_name name_of(size_t i) {
  static const char *const names[ENTRIES] = {"parley-bundle", "card/cert.us.example.0.json", HEX "/origin",
                                             HEX "/entries/0-256"};
  struct bundle_name n;
  assert_true(bundle_name_parse(&n, names[i]));
  return n;
}

static void data_of(size_t i, struct buf *out) {
  buf_clear(out);
  if (i == 0) bundle_head_write(out, &head);
  if (texts[i]) buf_str(out, texts[i]);
  for (unsigned k = 0; i == 3 && k < 2048; k++) buf_u8(out, (uint8_t)(k * 7)); /* whole blocks: no filling */
}

static void write_bundle(void) {
  struct bundle_writer w;
  struct buf data = {0};
  assert_int_equal(bundle_create(&w, &cli, path, head.time, NULL), PARLEY_OK);
  for (size_t i = 0; i < ENTRIES; i++) {
    const struct bundle_name n = name_of(i);
    data_of(i, &data);
    assert_int_equal(bundle_add(&w, &n, buf_view(&data), NULL), PARLEY_OK);
  }
  assert_int_not_equal(access(part, F_OK), -1);
  assert_int_equal(access(path, F_OK), -1); /* not before it is whole */
  assert_int_equal(bundle_finish(&w, NULL), PARLEY_OK);
  bundle_end(&w);
  assert_int_equal(access(part, F_OK), -1);
  buf_free(&data);
}

static void slurp(struct buf *out) {
  FILE *f = fopen(path, "rb");
  uint8_t chunk[4096];
  size_t n;
  assert_non_null(f);
  while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) buf_add(out, chunk, n);
  fclose(f);
}

static void spill(struct bytes b) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_true(b.n == 0 || fwrite(b.p, 1, b.n, f) == b.n);
  assert_int_equal(fclose(f), 0);
}

/* Reads all that is whole, which must be what was written, and returns how it ended. */
static enum bundle_step read_all(size_t *whole) {
  struct bundle_reader r;
  struct buf data = {0}, want = {0};
  struct errmsg e = {""};
  enum bundle_step step;
  assert_int_equal(bundle_open(&r, path, NULL), PARLEY_OK);
  for (*whole = 0; (step = bundle_next(&r, &e)) == BUNDLE_AN_ENTRY; ++*whole) {
    assert_true(*whole < ENTRIES);
    data_of(*whole, &want);
    assert_int_equal(bundle_data(&r, &data, NULL), PARLEY_OK);
    assert_true(bytes_eq(buf_view(&data), buf_view(&want)));
  }
  if (step != BUNDLE_OVER) assert_true(e.text[0]);
  bundle_close(&r);
  buf_free(&data);
  buf_free(&want);
  return step;
}

static void test_round(void **state) {
  (void)state;
  struct bundle_reader r;
  struct bundle_head h;
  size_t whole;
  struct bundle_writer w;
  write_bundle();
  assert_int_equal(read_all(&whole), BUNDLE_OVER);
  assert_int_equal(whole, ENTRIES);
  assert_int_equal(bundle_open(&r, path, NULL), PARLEY_OK);
  assert_int_equal(bundle_begin(&r, &h, NULL), PARLEY_OK);
  assert_string_equal(h.to, head.to);
  bundle_close(&r);
  assert_int_equal(bundle_create(&w, &cli, path, 0, NULL), PARLEY_ECONFLICT); /* nothing is overwritten */
  bundle_end(&w);
}

static void test_given_up(void **state) {
  (void)state;
  struct bundle_writer w;
  assert_int_equal(bundle_create(&w, &cli, path, 0, NULL), PARLEY_OK);
  bundle_end(&w);
  assert_int_equal(access(part, F_OK), -1);
  assert_int_equal(access(path, F_OK), -1);
}

/* At every byte: what is whole counts, nothing else is given out, and only the whole file is not cut. */
static void test_cut_everywhere(void **state) {
  (void)state;
  struct buf all = {0};
  size_t whole, before = 0;
  write_bundle();
  slurp(&all);
  for (size_t n = 0; n < all.n; n++) {
    spill(BYTES(all.p, n));
    assert_int_equal(read_all(&whole), BUNDLE_CUT);
    assert_true(whole == before || whole == before + 1);
    before = whole;
  }
  assert_int_equal(before, ENTRIES);
  buf_u8(&all, 'x'); /* what follows the end is not read */
  spill(buf_view(&all));
  assert_int_equal(read_all(&whole), BUNDLE_OVER);
  buf_free(&all);
}

/* Any byte of a block: its checksum tells. */
static void test_damaged_blocks(void **state) {
  (void)state;
  struct buf all = {0};
  write_bundle();
  slurp(&all);
  for (size_t k = 0; k < BUNDLE_BLOCK; k++) {
    size_t whole;
    all.p[1024 + k] ^= 0x20; /* the second block: of the card */
    spill(buf_view(&all));
    const bool filling = k == 154 || k == 155; /* behind the checksum's digits: a NUL or a space */
    assert_int_equal(read_all(&whole), filling ? BUNDLE_OVER : BUNDLE_CUT);
    assert_int_equal(whole, filling ? ENTRIES : 1);
    all.p[1024 + k] ^= 0x20;
  }
  buf_free(&all);
}

static void put_block(struct buf *out, const char *name, uint64_t size, char type, const char *text) {
  uint8_t b[BUNDLE_BLOCK];
  char sum[8];
  unsigned n = 0;
  assert_int_equal(bundle_block_write(b, name, size, 0, NULL), PARLEY_OK);
  b[156] = (uint8_t)type;
  memset(b + 148, ' ', 8);
  for (size_t i = 0; i < sizeof b; i++) n += b[i];
  snprintf(sum, sizeof sum, "%06o", n);
  memcpy(b + 148, sum, 7);
  buf_add(out, b, sizeof b);
  buf_str(out, text);
  while (out->n % BUNDLE_BLOCK) buf_u8(out, 0);
}

/* Each is refused by itself, and what follows is still read. */
static void test_strangers(void **state) {
  (void)state;
  struct buf b = {0}, data = {0};
  struct bundle_reader r;
  struct bundle_head h;
  struct errmsg e;
  bundle_head_write(&data, &head);
  put_block(&b, "parley-bundle", data.n, '0', buf_cstr(&data));
  put_block(&b, "../../etc/passwd", 4, '0', "root");
  put_block(&b, HEX "/origin", 0, '2', "");  /* a link */
  put_block(&b, HEX "/origin", 0, '3', "");  /* a device */
  put_block(&b, HEX "/entries", 0, '5', ""); /* a folder */
  put_block(&b, "PaxHeaders/x", 30, 'x', "30 path=/etc/cron.d/anything\n\n");
  put_block(&b, HEX "/origin", 513, '0', "");
  for (int i = 0; i < 1024; i++) buf_u8(&b, 0);
  put_block(&b, HEX "/origin", 3, '0', "abc");
  for (int i = 0; i < 1024; i++) buf_u8(&b, 0);
  spill(buf_view(&b));
  assert_int_equal(bundle_open(&r, path, NULL), PARLEY_OK);
  assert_int_equal(bundle_begin(&r, &h, NULL), PARLEY_OK);
  for (int i = 0; i < 6; i++) assert_int_equal(bundle_next(&r, &e), BUNDLE_REFUSED);
  assert_int_equal(bundle_next(&r, &e), BUNDLE_AN_ENTRY);
  assert_int_equal(bundle_data(&r, &data, NULL), PARLEY_OK);
  assert_true(bytes_is(buf_view(&data), "abc"));
  assert_int_equal(bundle_next(&r, &e), BUNDLE_OVER);
  bundle_close(&r);
  buf_free(&b);
  buf_free(&data);
}

/* A size beyond the file is a cut, however large: nothing is asked of memory for it. */
static void test_huge(void **state) {
  (void)state;
  struct buf b = {0}, data = {0};
  struct bundle_reader r;
  struct bundle_head h;
  struct errmsg e;
  bundle_head_write(&data, &head);
  put_block(&b, "parley-bundle", data.n, '0', buf_cstr(&data));
  put_block(&b, HEX "/entries/0-256", ((uint64_t)1 << 33) - 1, '0', "abc");
  spill(buf_view(&b));
  assert_int_equal(bundle_open(&r, path, NULL), PARLEY_OK);
  assert_int_equal(bundle_begin(&r, &h, NULL), PARLEY_OK);
  assert_int_equal(bundle_next(&r, &e), BUNDLE_CUT);
  bundle_close(&r);
  buf_free(&b);
  buf_free(&data);
}

static void test_no_bundle(void **state) {
  (void)state;
  struct bundle_reader r;
  struct bundle_head h;
  struct errmsg e;
  assert_int_equal(bundle_open(&r, path, &e), PARLEY_EIO);
  assert_int_equal(bundle_open(&r, dir, &e), PARLEY_EINVAL);
  static const char zeroes[2048];
  const struct bytes none[] = {BYTES_NONE, BYTES("GIF89a", 6), BYTES(zeroes, sizeof zeroes)};
  for (size_t i = 0; i < 3; i++) {
    spill(none[i]);
    assert_int_equal(bundle_open(&r, path, &e), PARLEY_OK);
    assert_int_equal(bundle_begin(&r, &h, &e), PARLEY_EINVAL);
    bundle_close(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_round, setup, teardown),
      cmocka_unit_test_setup_teardown(test_given_up, setup, teardown),
      cmocka_unit_test_setup_teardown(test_cut_everywhere, setup, teardown),
      cmocka_unit_test_setup_teardown(test_damaged_blocks, setup, teardown),
      cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
      cmocka_unit_test_setup_teardown(test_huge, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_bundle, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
