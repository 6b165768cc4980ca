/*
 * Every reader of the formats, given nothing: no bytes, and no address where they would be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "formats/age.h"
#include "formats/age_armor.h"
#include "formats/dsse.h"
#include "formats/tlog.h"
#include "merkle/tiles.h"

static struct arena arena;

static int free_arena(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

/* A sentence comes with every refusal. */
#define REFUSED(call, code)                                                                                            \
  do {                                                                                                                 \
    e.text[0] = '\0';                                                                                                  \
    assert_int_equal((call), (code));                                                                                  \
    assert_int_not_equal(e.text[0], '\0');                                                                             \
  } while (0)

static void test_texts(void **state) {
  (void)state;
  struct errmsg e;
  struct vkey k;
  struct note n;
  struct checkpoint c;
  struct dsse d;
  struct tlog_proof proof;
  struct tlog_policy *policy;
  struct add_checkpoint add;
  struct mirror_info info;
  uint64_t size;
  REFUSED(vkey_parse(&k, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(note_parse(&n, &arena, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(checkpoint_parse(&c, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(dsse_parse(&d, &arena, BYTES_NONE, 100, &e), PARLEY_EINVAL);
  REFUSED(tlog_proof_parse(&proof, &arena, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(tlog_policy_parse(&policy, &arena, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(add_checkpoint_parse(&add, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(mirror_info_parse(&info, &arena, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(tlog_size_parse(&size, BYTES_NONE, &e), PARLEY_EINVAL);
}

static void test_binary(void **state) {
  (void)state;
  struct errmsg e;
  struct add_entries_head head;
  struct entry_package *package = calloc(1, sizeof *package);
  struct bytes rest = BYTES_NONE, entry;
  struct tile_name tile;
  bool bad = true;
  size_t used;
  assert_non_null(package);
  REFUSED(add_entries_head_parse(&head, &used, BYTES_NONE, &e), PARLEY_EBUSY);
  REFUSED(entry_package_parse(package, &used, BYTES_NONE, 1, 100, &e), PARLEY_EBUSY);
  assert_false(entry_bundle_next(&rest, &entry, &bad));
  assert_false(bad);
  assert_false(tile_parse(&tile, BYTES_NONE));
  free(package);
}

static void test_age(void **state) {
  (void)state;
  struct errmsg e;
  struct age_identity id;
  struct age_reader reader;
  struct buf out = {0};
  size_t used;
  uint8_t key[32] = {0};
  REFUSED(age_recipient_parse(key, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(age_identity_parse(&id, BYTES_NONE, &e), PARLEY_EINVAL);
  assert_true(age_identity_from_secret(&id, key));
  REFUSED(age_open_header(&used, key, BYTES_NONE, &id, &e), PARLEY_EBUSY);
  REFUSED(age_open_header_scrypt(&used, key, BYTES_NONE, bytes_str("p"), &e), PARLEY_EBUSY);
  REFUSED(age_open(&out, BYTES_NONE, &id, &e), PARLEY_EINVAL);
  REFUSED(age_open_scrypt(&out, BYTES_NONE, bytes_str("p"), &e), PARLEY_EINVAL);
  REFUSED(age_chunk_open(&out, key, 0, true, BYTES_NONE, &e), PARLEY_EINVAL);
  REFUSED(age_armor_read(&out, BYTES_NONE, &e), PARLEY_EINVAL);
  assert_false(age_armored(BYTES_NONE));
  age_reader_init(&reader, key);
  assert_int_equal(age_reader_feed(&reader, BYTES_NONE, &out, &e), PARLEY_OK);
  REFUSED(age_reader_finish(&reader, &out, &e), PARLEY_EINVAL);
  age_reader_free(&reader);
  assert_int_equal(out.n, 0);
  buf_free(&out);
}

/* Written, an empty text or file is one, and reads again. */
static void test_writers(void **state) {
  (void)state;
  struct buf text = {0}, back = {0}, sealed = {0};
  const uint8_t key[32] = {0};
  assert_int_equal(age_armor_write(&text, BYTES_NONE, NULL), PARLEY_OK);
  assert_int_equal(age_armor_read(&back, buf_view(&text), NULL), PARLEY_OK);
  assert_int_equal(back.n, 0);
  assert_int_equal(age_chunk_seal(&sealed, key, 0, true, BYTES_NONE, NULL), PARLEY_OK);
  assert_int_equal(age_chunk_open(&back, key, 0, true, buf_view(&sealed), NULL), PARLEY_OK);
  assert_int_equal(back.n, 0);
  buf_free(&text);
  buf_free(&back);
  buf_free(&sealed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_binary),
      cmocka_unit_test(test_age),
      cmocka_unit_test(test_writers),
  };
  return cmocka_run_group_tests(tests, NULL, free_arena);
}
