/*
 * The signer's memory: what was saved is found again, whatever happens to one of its two slots, and damage is never
 * taken for "nothing signed yet".
 */
#include "daemon/memory_file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "base/encoding.h"

#define ORIGIN "cert.us.example/0000000000000000000000000000000000000000000000000000000000000000/0"
#define OTHER "cert.us.example/1111111111111111111111111111111111111111111111111111111111111111/0"
#define SLOT_SIZE 512
#define SECOND_SLOT 4096

struct place {
  char root[64], dir[80];
  struct memory_file *file;
  struct signer_memory memory;
};

static void reopen(struct place *p) {
  struct errmsg e;
  memory_file_close(p->file);
  assert_int_equal(memory_file_open(&p->file, p->dir, &e), PARLEY_OK);
  p->memory = memory_file_memory(p->file);
}

static int set_up(void **state) {
  struct place *p = calloc(1, sizeof *p);
  assert_non_null(p);
  snprintf(p->root, sizeof p->root, "/tmp/parley-memory-XXXXXX");
  assert_non_null(mkdtemp(p->root));
  snprintf(p->dir, sizeof p->dir, "%s/signer", p->root);
  reopen(p);
  *state = p;
  return 0;
}

static int tear_down(void **state) {
  struct place *p = *state;
  char command[128];
  memory_file_close(p->file);
  snprintf(command, sizeof command, "rm -rf -- '%s'", p->root);
  assert_int_equal(system(command), 0);
  free(p);
  return 0;
}

static struct signed_tree tree(uint64_t size) {
  struct signed_tree t = {.size = size};
  memset(t.root.b, (int)(size & 0xff), sizeof t.root.b);
  return t;
}

static parley_err save_as(const struct place *p, const char *origin, enum signer_role role, uint64_t size) {
  const struct signed_tree t = tree(size);
  return p->memory.save(p->memory.ctx, origin, role, &t, NULL);
}

static void save(const struct place *p, uint64_t size) {
  assert_int_equal(save_as(p, ORIGIN, SIGNER_LOG, size), PARLEY_OK);
}

static parley_err load_as(const struct place *p, const char *origin, enum signer_role role, uint64_t *size,
                          struct errmsg *e) {
  struct signed_tree t = {0};
  const parley_err err = p->memory.load(p->memory.ctx, origin, role, &t, e);
  const struct signed_tree expected = tree(t.size);
  if (err == PARLEY_OK) assert_memory_equal(t.root.b, expected.root.b, sizeof t.root.b);
  *size = t.size;
  return err;
}

static void expect(const struct place *p, uint64_t size) {
  struct errmsg e = {""};
  uint64_t found;
  if (load_as(p, ORIGIN, SIGNER_LOG, &found, &e)) fail_msg("%s", e.text);
  assert_int_equal(found, size);
}

static void file_of(char out[static 256], const struct place *p, const char *origin, const char *end) {
  uint8_t digest[32];
  char hex[65];
  sha256(digest, bytes_str(origin));
  hex_encode(hex, BYTES(digest, 32));
  snprintf(out, 256, "%s/%s%s", p->dir, hex, end);
}

/* What a write that was cut leaves: some of the bytes of one, the rest of the other. */
static void overwrite(const struct place *p, off_t at, const void *data, size_t n) {
  char path[256];
  file_of(path, p, ORIGIN, ".log");
  const int fd = open(path, O_WRONLY);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, data, n, at), n);
  close(fd);
}

static void read_slot(const struct place *p, off_t at, uint8_t out[static SLOT_SIZE]) {
  char path[256];
  file_of(path, p, ORIGIN, ".log");
  const int fd = open(path, O_RDONLY);
  assert_true(fd >= 0);
  assert_int_equal(pread(fd, out, SLOT_SIZE, at), SLOT_SIZE);
  close(fd);
}

static void nothing_before_the_first_save(void **state) {
  const struct place *p = *state;
  uint64_t size;
  struct errmsg e;
  assert_int_equal(load_as(p, ORIGIN, SIGNER_LOG, &size, &e), PARLEY_ENOTFOUND);
  assert_int_equal(size, 0);
  save(p, 0); /* an empty tree that was signed is not nothing */
  expect(p, 0);
}

static void found_again_after_each_save_and_restart(void **state) {
  struct place *p = *state;
  for (uint64_t size = 1; size < 20; size++) {
    save(p, size);
    expect(p, size);
    if (size % 3 == 0) reopen(p);
    expect(p, size);
  }
  save(p, UINT64_C(1) << 62);
  expect(p, UINT64_C(1) << 62);
}

static void origins_and_roles_are_apart(void **state) {
  const struct place *p = *state;
  uint64_t size;
  struct errmsg e;
  save(p, 5);
  assert_int_equal(load_as(p, ORIGIN, SIGNER_MIRROR, &size, &e), PARLEY_ENOTFOUND);
  assert_int_equal(load_as(p, OTHER, SIGNER_LOG, &size, &e), PARLEY_ENOTFOUND);
  assert_int_equal(save_as(p, ORIGIN, SIGNER_MIRROR, 7), PARLEY_OK);
  assert_int_equal(save_as(p, OTHER, SIGNER_LOG, 9), PARLEY_OK);
  expect(p, 5);
  assert_int_equal(load_as(p, ORIGIN, SIGNER_MIRROR, &size, &e), PARLEY_OK);
  assert_int_equal(size, 7);
  assert_int_equal(load_as(p, OTHER, SIGNER_LOG, &size, &e), PARLEY_OK);
  assert_int_equal(size, 9);
}

static void private_files_of_two_slots(void **state) {
  const struct place *p = *state;
  char path[256];
  struct stat st;
  uint8_t one[SLOT_SIZE], two[SLOT_SIZE];
  save(p, 1);
  file_of(path, p, ORIGIN, ".log");
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
  assert_int_equal(stat(p->dir, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0700);
  save(p, 2);
  read_slot(p, 0, one);
  read_slot(p, SECOND_SLOT, two);
  assert_memory_equal(one, "parley signer 1\n", 16);
  assert_int_equal(u64be(one + 16), 1);
  assert_int_equal(u64be(one + 24), 1);
  assert_int_equal(u64be(two + 16), 2);
  assert_int_equal(u64be(two + 24), 2);
  save(p, 3);
  read_slot(p, SECOND_SLOT, one);
  assert_memory_equal(one, two, SLOT_SIZE); /* in turn: the last is left alone */
}

/* The third save is cut at every possible byte: before it the second holds, after it the third, never anything else. */
static void a_torn_slot_falls_back_to_the_other(void **state) {
  const struct place *p = *state;
  uint8_t before[SLOT_SIZE], after[SLOT_SIZE];
  save(p, 1);
  save(p, 2);
  read_slot(p, 0, before);
  save(p, 3);
  read_slot(p, 0, after);
  for (size_t cut = 0; cut <= SLOT_SIZE; cut++) {
    overwrite(p, 0, before, SLOT_SIZE);
    overwrite(p, 0, after, cut);
    expect(p, memcmp(after + cut, before + cut, SLOT_SIZE - cut) ? 2 : 3);
    overwrite(p, 0, after, SLOT_SIZE);
    overwrite(p, 0, before, cut); /* sectors may land in any order */
    expect(p, memcmp(after, before, cut) ? 2 : 3);
  }
}

static void any_changed_byte_makes_a_slot_void(void **state) {
  const struct place *p = *state;
  save(p, 1);
  save(p, 2);
  for (off_t i = 0; i < SLOT_SIZE; i++) {
    uint8_t slot[SLOT_SIZE], changed;
    read_slot(p, SECOND_SLOT, slot);
    changed = slot[i] ^ 1;
    overwrite(p, SECOND_SLOT + i, &changed, 1);
    expect(p, 1);
    overwrite(p, SECOND_SLOT + i, &slot[i], 1);
  }
  expect(p, 2);
}

static void after_a_torn_slot_the_good_one_is_kept(void **state) {
  struct place *p = *state;
  uint8_t good[SLOT_SIZE], again[SLOT_SIZE];
  save(p, 1);
  save(p, 2);
  overwrite(p, SECOND_SLOT + 100, "torn", 4);
  reopen(p);
  expect(p, 1);
  read_slot(p, 0, good);
  save(p, 5); /* goes over the torn one */
  read_slot(p, 0, again);
  assert_memory_equal(good, again, SLOT_SIZE);
  expect(p, 5);
  overwrite(p, SECOND_SLOT, "x", 1);
  expect(p, 1);
}

static void both_damaged_is_an_error_not_nothing(void **state) {
  struct place *p = *state;
  uint64_t size;
  struct errmsg e;
  save(p, 1);
  save(p, 2);
  overwrite(p, 100, "x", 1);
  overwrite(p, SECOND_SLOT + 100, "x", 1);
  reopen(p);
  assert_int_equal(load_as(p, ORIGIN, SIGNER_LOG, &size, &e), PARLEY_EIO);
  assert_non_null(strstr(e.text, "damaged"));
  assert_int_equal(save_as(p, ORIGIN, SIGNER_LOG, 3), PARLEY_EIO); /* nor is it written over */
  assert_int_equal(load_as(p, ORIGIN, SIGNER_LOG, &size, &e), PARLEY_EIO);
}

static void cut_to_nothing_is_an_error(void **state) {
  const struct place *p = *state;
  static const off_t lengths[] = {0, 1, SLOT_SIZE - 1};
  char path[256];
  uint64_t size;
  struct errmsg e;
  save(p, 1);
  file_of(path, p, ORIGIN, ".log");
  assert_int_equal(truncate(path, SLOT_SIZE), 0);
  expect(p, 1);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    assert_int_equal(truncate(path, lengths[i]), 0);
    assert_int_equal(load_as(p, ORIGIN, SIGNER_LOG, &size, &e), PARLEY_EIO);
  }
}

static void the_file_of_another_origin_is_an_error(void **state) {
  const struct place *p = *state;
  char from[256], to[256];
  uint64_t size;
  struct errmsg e;
  save(p, 9);
  file_of(from, p, ORIGIN, ".log");
  file_of(to, p, OTHER, ".log");
  assert_int_equal(rename(from, to), 0);
  assert_int_equal(load_as(p, OTHER, SIGNER_LOG, &size, &e), PARLEY_EIO);
  file_of(from, p, OTHER, ".mirror");
  assert_int_equal(rename(to, from), 0);
  assert_int_equal(load_as(p, OTHER, SIGNER_MIRROR, &size, &e), PARLEY_EIO);
}

/* A file that was only begun when the process ended lies beside its name and means nothing. */
static void a_file_only_begun_means_nothing(void **state) {
  const struct place *p = *state;
  char path[256];
  uint64_t size;
  struct errmsg e;
  file_of(path, p, ORIGIN, ".log.new");
  const int fd = open(path, O_WRONLY | O_CREAT, 0600);
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(load_as(p, ORIGIN, SIGNER_LOG, &size, &e), PARLEY_ENOTFOUND);
  save(p, 1);
  expect(p, 1);
  assert_int_equal(access(path, F_OK), -1);
}

/* After a write that failed nobody knows what is on the disk: nothing more is saved, so nothing more is signed. */
static void a_failed_write_stops_all_saving(void **state) {
  struct place *p = *state;
  const struct rlimit none = {0, RLIM_INFINITY};
  struct rlimit before;
  save(p, 1);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
  const parley_err err = save_as(p, ORIGIN, SIGNER_LOG, 2);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(err, PARLEY_EIO);
  assert_int_equal(save_as(p, ORIGIN, SIGNER_LOG, 2), PARLEY_EIO);
  assert_int_equal(save_as(p, OTHER, SIGNER_LOG, 2), PARLEY_EIO);
  reopen(p);
  expect(p, 1);
  save(p, 2);
  expect(p, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_before_the_first_save, set_up, tear_down),
      cmocka_unit_test_setup_teardown(found_again_after_each_save_and_restart, set_up, tear_down),
      cmocka_unit_test_setup_teardown(origins_and_roles_are_apart, set_up, tear_down),
      cmocka_unit_test_setup_teardown(private_files_of_two_slots, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_torn_slot_falls_back_to_the_other, set_up, tear_down),
      cmocka_unit_test_setup_teardown(any_changed_byte_makes_a_slot_void, set_up, tear_down),
      cmocka_unit_test_setup_teardown(after_a_torn_slot_the_good_one_is_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(both_damaged_is_an_error_not_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cut_to_nothing_is_an_error, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_file_of_another_origin_is_an_error, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_only_begun_means_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failed_write_stops_all_saving, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
