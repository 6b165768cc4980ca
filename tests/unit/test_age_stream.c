#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/age.h"

#define SEALED (AGE_CHUNK + AEAD_TAG_SIZE)

static const uint8_t key[32] = {7};
static uint8_t plain[3 * AGE_CHUNK + 10];

static int fill(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof plain; i++) plain[i] = (uint8_t)(i * 31 + i / 65536);
  return 0;
}

static void seal(struct buf *out, size_t n, size_t piece) {
  struct age_writer w;
  age_writer_init(&w, key);
  for (size_t i = 0; i < n; i += piece)
    assert_int_equal(age_writer_feed(&w, BYTES(plain + i, n - i < piece ? n - i : piece), out, NULL), PARLEY_OK);
  assert_int_equal(age_writer_finish(&w, out, NULL), PARLEY_OK);
  age_writer_free(&w);
}

static parley_err open_all(struct buf *out, struct bytes in, size_t piece) {
  struct age_reader r;
  age_reader_init(&r, key);
  parley_err code = PARLEY_OK;
  for (size_t i = 0; code == PARLEY_OK && i < in.n; i += piece)
    code = age_reader_feed(&r, BYTES(in.p + i, in.n - i < piece ? in.n - i : piece), out, NULL);
  if (code == PARLEY_OK) code = age_reader_finish(&r, out, NULL);
  age_reader_free(&r);
  return code;
}

static const size_t sizes[] = {0, 1, AGE_CHUNK - 1, AGE_CHUNK, AGE_CHUNK + 1, 2 * AGE_CHUNK, sizeof plain};
static const size_t pieces[] = {1009, AGE_CHUNK, SEALED, sizeof plain + 100};

/* However data comes in, the file and the text are the same. */
static void test_pieces(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct buf whole = {0};
    seal(&whole, sizes[i], sizeof plain);
    size_t chunks = sizes[i] == 0 ? 1 : (sizes[i] + AGE_CHUNK - 1) / AGE_CHUNK;
    assert_int_equal(whole.n, sizes[i] + chunks * AEAD_TAG_SIZE);
    for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
      struct buf same = {0}, back = {0};
      seal(&same, sizes[i], pieces[k]);
      assert_true(bytes_eq(buf_view(&same), buf_view(&whole)));
      assert_int_equal(open_all(&back, buf_view(&whole), pieces[k]), PARLEY_OK);
      assert_true(bytes_eq(buf_view(&back), BYTES(plain, sizes[i])));
      buf_free(&same);
      buf_free(&back);
    }
    buf_free(&whole);
  }
}

/* What is released before a failure is a prefix of the text. */
static void refused(struct bytes in) {
  for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
    struct buf back = {0};
    assert_int_not_equal(open_all(&back, in, pieces[k]), PARLEY_OK);
    assert_true(back.n <= sizeof plain && memcmp(back.p == NULL ? plain : back.p, plain, back.n) == 0);
    buf_free(&back);
  }
}

static void test_cut_and_longer(void **state) {
  (void)state;
  static const size_t cuts[] = {0, 1, 15, 16, 17, SEALED - 1, SEALED, SEALED + 1, SEALED + 16, 2 * SEALED, 3 * SEALED};
  struct buf file = {0};
  seal(&file, sizeof plain, sizeof plain);
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) refused(BYTES(file.p, cuts[i]));
  refused(BYTES(file.p, file.n - 1));
  buf_u8(&file, 0);
  refused(buf_view(&file));
  buf_clear(&file);
  seal(&file, AGE_CHUNK, sizeof plain); /* a full final chunk, then more */
  buf_u8(&file, 0);
  refused(buf_view(&file));
  buf_free(&file);
}

static void add_chunk(struct buf *out, uint64_t i, bool final, size_t n) {
  assert_int_equal(age_chunk_seal(out, key, i, final, BYTES(plain + (i < 3 ? i * AGE_CHUNK : 0), n), NULL), PARLEY_OK);
}

static void test_order_of_chunks(void **state) {
  (void)state;
  struct buf file = {0};
  add_chunk(&file, 1, false, AGE_CHUNK);
  add_chunk(&file, 0, false, AGE_CHUNK);
  add_chunk(&file, 2, true, 1);
  refused(buf_view(&file)); /* exchanged */
  buf_clear(&file);
  add_chunk(&file, 0, true, AGE_CHUNK);
  add_chunk(&file, 1, true, 1);
  refused(buf_view(&file)); /* two final chunks */
  buf_clear(&file);
  add_chunk(&file, 0, false, AGE_CHUNK);
  add_chunk(&file, 1, false, AGE_CHUNK);
  refused(buf_view(&file)); /* none */
  buf_clear(&file);
  add_chunk(&file, 0, false, AGE_CHUNK);
  add_chunk(&file, 2, true, 1);
  refused(buf_view(&file)); /* one left out */
  buf_free(&file);
}

/* An empty final chunk after a full one, which the sealing side cannot even make, is refused. */
static void test_empty_last_chunk(void **state) {
  (void)state;
  struct buf file = {0};
  add_chunk(&file, 0, false, AGE_CHUNK);
  assert_int_equal(age_chunk_seal(&file, key, 1, true, BYTES_NONE, NULL), PARLEY_EINVAL);
  assert_int_equal(file.n, SEALED);
  uint8_t nonce[12] = {[10] = 1, [11] = 1}, tag[16];
  assert_true(aead_seal(tag, key, nonce, BYTES_NONE));
  buf_add(&file, tag, sizeof tag);
  refused(buf_view(&file));
  assert_int_equal(age_chunk_open(&file, key, 1, true, BYTES(tag, 16), NULL), PARLEY_EINVAL);
  buf_free(&file);
}

static void test_chunk_sizes(void **state) {
  (void)state;
  struct buf out = {0};
  assert_int_equal(age_chunk_seal(&out, key, 0, false, BYTES(plain, 1), NULL), PARLEY_EINVAL);
  assert_int_equal(age_chunk_seal(&out, key, 0, true, BYTES(plain, AGE_CHUNK + 1), NULL), PARLEY_EINVAL);
  assert_int_equal(age_chunk_open(&out, key, 0, true, BYTES(plain, 15), NULL), PARLEY_EINVAL);
  assert_int_equal(age_chunk_open(&out, key, 0, false, BYTES(plain, SEALED - 1), NULL), PARLEY_EINVAL);
  assert_int_equal(age_chunk_open(&out, key, 0, true, BYTES(plain, SEALED + 1), NULL), PARLEY_EINVAL);
  assert_int_equal(out.n, 0);
  buf_free(&out);
}

/* age: "Payload": eleven bytes big-endian, then the mark. */
static void test_nonce(void **state) {
  (void)state;
  struct buf out = {0};
  const uint8_t nonce[12] = {0, 0, 0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x01};
  uint8_t want[17];
  assert_true(aead_seal(want, key, nonce, BYTES(plain, 1)));
  add_chunk(&out, UINT64_C(0x0102030405060708), true, 1);
  assert_memory_equal(out.p, want, sizeof want);
  buf_free(&out);
}

/* After a failure a reader gives nothing more, also to a caller that goes on. */
static void test_failure_is_final(void **state) {
  (void)state;
  struct buf file = {0}, back = {0};
  seal(&file, sizeof plain, sizeof plain);
  file.p[5] ^= 1;
  struct age_reader r;
  age_reader_init(&r, key);
  assert_int_equal(age_reader_feed(&r, BYTES(file.p, SEALED), &back, NULL), PARLEY_EVERIFY);
  assert_int_equal(age_reader_feed(&r, BYTES(file.p + SEALED, file.n - SEALED), &back, NULL), PARLEY_EVERIFY);
  assert_int_equal(age_reader_finish(&r, &back, NULL), PARLEY_EVERIFY);
  assert_int_equal(back.n, 0);
  age_reader_free(&r);
  age_reader_init(&r, key);
  buf_clear(&file);
  seal(&file, AGE_CHUNK, sizeof plain);
  assert_int_equal(age_reader_feed(&r, buf_view(&file), &back, NULL), PARLEY_OK);
  assert_int_equal(age_reader_feed(&r, BYTES(plain, 1), &back, NULL), PARLEY_EINVAL);
  assert_int_equal(age_reader_finish(&r, &back, NULL), PARLEY_EVERIFY);
  age_reader_free(&r);
  buf_free(&file);
  buf_free(&back);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pieces),           cmocka_unit_test(test_cut_and_longer),
      cmocka_unit_test(test_order_of_chunks),  cmocka_unit_test(test_empty_last_chunk),
      cmocka_unit_test(test_chunk_sizes),      cmocka_unit_test(test_nonce),
      cmocka_unit_test(test_failure_is_final),
  };
  return cmocka_run_group_tests(tests, fill, NULL);
}
