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

#include "cli/pack_dir.h"

static char root[256];
static struct arena arena;
static struct errmsg e;

static int set_up(void **state) {
  const char *tmp = getenv("TMPDIR");
  (void)state;
  snprintf(root, sizeof root, "%s/parley-pack.XXXXXX", tmp != NULL ? tmp : "/tmp");
  return mkdtemp(root) != NULL ? 0 : -1;
}

static int tear_down(void **state) {
  char command[300];
  (void)state;
  arena_free(&arena);
  snprintf(command, sizeof command, "rm -rf -- '%s'", root);
  return system(command);
}

static const char *at(const char *name) {
  const char *path = arena_fmt(&arena, "%s/%s", root, name);
  assert_non_null(path);
  return path;
}

static void put(const char *name, size_t n) {
  FILE *f = fopen(at(name), "w");
  assert_non_null(f);
  for (size_t i = 0; i < n; i++) fputc('x', f);
  assert_int_equal(fclose(f), 0);
}

static struct pack small(void) {
  static struct pack_file files[] = {{"VERIFY.md", {(const uint8_t *)"how", 3}},
                                     {"cards/a.example.json", {(const uint8_t *)"{}", 2}},
                                     {"entry.json", {(const uint8_t *)"", 0}}};
  return (struct pack){.files = files, .n = 3};
}

static void refuses_to_read(const char *dir, parley_err rc, const char *message) {
  struct pack p;
  assert_int_equal(pack_dir_read(&p, &arena, dir, &e), rc);
  if (strstr(e.text, message) == NULL) fail_msg("\"%s\" does not say \"%s\"", e.text, message);
}

static void test_round_trip(void **state) {
  struct pack in = small(), out;
  (void)state;
  assert_int_equal(pack_dir_write(&in, at("new//"), &e), PARLEY_OK);
  assert_int_equal(pack_dir_read(&out, &arena, at("new"), &e), PARLEY_OK);
  assert_int_equal(out.n, in.n);
  for (size_t i = 0; i < in.n; i++) {
    assert_string_equal(out.files[i].name, in.files[i].name);
    assert_true(bytes_eq(out.files[i].data, in.files[i].data));
  }
  /* An empty folder is as good as none; what is in another is not touched. */
  assert_int_equal(mkdir(at("empty"), 0755), 0);
  assert_int_equal(pack_dir_write(&in, at("empty"), &e), PARLEY_OK);
  assert_int_equal(mkdir(at("full"), 0755), 0);
  put("full/mine", 1);
  assert_int_equal(pack_dir_write(&in, at("full"), &e), PARLEY_ECONFLICT);
  assert_int_equal(pack_dir_free(at("full/mine"), &e), PARLEY_ECONFLICT);
  assert_int_equal(pack_dir_read(&out, &arena, at("full"), &e), PARLEY_OK);
  assert_int_equal(out.n, 1);
}

static unsigned mode_of(const char *name) {
  struct stat st;
  assert_int_equal(stat(at(name), &st), 0);
  return st.st_mode & 0777;
}

/* A disclosed text is nobody else's business yet when its writer's umask says so. */
static void test_umask(void **state) {
  const struct pack in = small();
  (void)state;
  const mode_t mask = umask(027);
  assert_int_equal(pack_dir_write(&in, at("group"), &e), PARLEY_OK);
  umask(077);
  assert_int_equal(pack_dir_write(&in, at("mine"), &e), PARLEY_OK);
  assert_int_equal(umask(mask), 077);
  assert_int_equal(mode_of("group"), 0750);
  assert_int_equal(mode_of("group/entry.json"), 0640);
  assert_int_equal(mode_of("mine"), 0700);
  assert_int_equal(mode_of("mine/cards"), 0700);
  assert_int_equal(mode_of("mine/entry.json"), 0600);
}

static size_t entries(const char *dir) {
  char command[300];
  unsigned n = 0;
  snprintf(command, sizeof command, "ls -A '%s' | wc -l", dir);
  FILE *p = popen(command, "r");
  assert_non_null(p);
  assert_int_equal(fscanf(p, "%u", &n), 1);
  pclose(p);
  return n;
}

static void test_all_or_nothing(void **state) {
  static const char *const names[] = {"../out",    "/abs", "a/b/c", "a//b", ".hidden",
                                      "a/.hidden", "a/",   "",      "a\nb", "a/../b"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct pack_file files[2] = {{.name = "entry.json", .data = BYTES("x", 1)}, {.data = BYTES("x", 1)}};
    snprintf(files[1].name, sizeof files[1].name, "%s", names[i]);
    const struct pack p = {.files = files, .n = 2};
    assert_int_equal(pack_dir_write(&p, at("bad"), &e), PARLEY_EINVAL);
    assert_int_equal(entries(root), 0);
  }
}

static void test_strange_folders(void **state) {
  (void)state;
  refuses_to_read(at("none"), PARLEY_ENOTFOUND, "cannot read");
  put("entry.json", 3);
  refuses_to_read(at("entry.json"), PARLEY_EIO, "cannot read");
  assert_int_equal(symlink("/etc/passwd", at("link")), 0);
  refuses_to_read(root, PARLEY_EINVAL, "link is a link");
  assert_int_equal(unlink(at("link")), 0);
  assert_int_equal(mkfifo(at("pipe"), 0600), 0);
  refuses_to_read(root, PARLEY_EINVAL, "pipe is no regular file"); /* and does not wait for a writer */
  assert_int_equal(unlink(at("pipe")), 0);
  assert_int_equal(mkdir(at("a"), 0755), 0);
  assert_int_equal(mkdir(at("a/b"), 0755), 0);
  refuses_to_read(root, PARLEY_EINVAL, "a/b is a folder within a folder");
}

static void test_bounds(void **state) {
  char name[32];
  (void)state;
  for (int i = 0; i < PACK_FILES_MAX; i++) {
    snprintf(name, sizeof name, "%d", i);
    put(name, 0);
  }
  struct pack p;
  assert_int_equal(pack_dir_read(&p, &arena, root, &e), PARLEY_OK);
  assert_int_equal(p.n, PACK_FILES_MAX);
  put("one more", 0);
  refuses_to_read(root, PARLEY_ELIMIT, "more than 512 files");
}

static void test_size(void **state) {
  (void)state;
  put("a", 1);
  put("big", 0);
  assert_int_equal(truncate(at("big"), PACK_BYTES_MAX - 1), 0);
  struct pack p;
  assert_int_equal(pack_dir_read(&p, &arena, root, &e), PARLEY_OK);
  assert_int_equal(truncate(at("big"), PACK_BYTES_MAX), 0);
  refuses_to_read(root, PARLEY_ELIMIT, "32 MiB");
  char name[200];
  memset(name, 'n', sizeof name);
  name[140] = '\0';
  assert_int_equal(unlink(at("big")), 0);
  put(name, 1);
  refuses_to_read(root, PARLEY_EINVAL, "too long");
}

/* Files under files/ are listed, and read only when they are asked for. */
static void test_stored(void **state) {
  struct pack p;
  struct pack_stream in;
  uint8_t data[16];
  size_t got, total = 0;
  (void)state;
  put("entry.json", 3);
  assert_int_equal(mkdir(at("files"), 0755), 0);
  put("files/1.age", 100000);
  put("files/0.csv", 0);
  assert_int_equal(truncate(at("files/0.csv"), (off_t)PACK_BYTES_MAX * 4), 0); /* not counted */
  assert_int_equal(pack_dir_read(&p, &arena, root, &e), PARLEY_OK);
  assert_int_equal(p.n, 1);
  assert_int_equal(p.n_stored, 2);
  assert_string_equal(p.stored[0].text, "files/0.csv");
  assert_string_equal(p.stored[1].text, "files/1.age");
  assert_int_equal(p.source.open(p.source.ctx, &in, "files/1.age", &e), PARLEY_OK);
  do {
    assert_int_equal(in.read(in.ctx, data, sizeof data, &got, &e), PARLEY_OK);
    for (size_t i = 0; i < got; i++) assert_int_equal(data[i], 'x');
    total += got;
  } while (got > 0);
  p.source.close(p.source.ctx, &in);
  assert_int_equal(total, 100000);
  assert_int_equal(p.source.open(p.source.ctx, &in, "files/2.age", &e), PARLEY_EIO);
  assert_int_equal(p.source.open(p.source.ctx, &in, "entry.json", &e), PARLEY_EIO);
  assert_int_equal(p.source.open(p.source.ctx, &in, "../entry.json", &e), PARLEY_EIO);
  /* A link or a pipe put in its place afterwards. */
  assert_int_equal(unlink(at("files/1.age")), 0);
  assert_int_equal(symlink("/etc/passwd", at("files/1.age")), 0);
  assert_int_equal(p.source.open(p.source.ctx, &in, "files/1.age", &e), PARLEY_EIO);
  refuses_to_read(root, PARLEY_EINVAL, "files/1.age is a link");
  assert_int_equal(unlink(at("files/1.age")), 0);
  assert_int_equal(mkfifo(at("files/1.age"), 0600), 0);
  assert_int_equal(p.source.open(p.source.ctx, &in, "files/1.age", &e), PARLEY_EINVAL);
  refuses_to_read(root, PARLEY_EINVAL, "files/1.age is no regular file");
  assert_int_equal(unlink(at("files/1.age")), 0);
  assert_int_equal(mkdir(at("files/1"), 0755), 0);
  refuses_to_read(root, PARLEY_EINVAL, "files/1 is a folder within a folder");
  assert_int_equal(rmdir(at("files/1")), 0);
  for (int i = 1; i <= PACK_STORED_MAX; i++) {
    char name[32];
    snprintf(name, sizeof name, "files/%d", i);
    put(name, 0);
  }
  refuses_to_read(root, PARLEY_ELIMIT, "more than 32 files");
}

static void test_from_json(void **state) {
  struct pack p;
  (void)state;
  json_t *o = json_pack("{s:s, s:s}", "entry.json", "eHl6", "charter.json", "");
  assert_int_equal(pack_from_json(&p, &arena, o, &e), PARLEY_OK);
  assert_int_equal(p.n, 2);
  assert_string_equal(p.files[0].name, "charter.json");
  assert_true(bytes_is(p.files[1].data, "xyz"));
  json_object_set_new(o, "bad", json_string("eHl6="));
  assert_int_equal(pack_from_json(&p, &arena, o, &e), PARLEY_EINVAL);
  json_object_set_new(o, "bad", json_integer(3));
  assert_int_equal(pack_from_json(&p, &arena, o, &e), PARLEY_EINVAL);
  json_decref(o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_umask, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_all_or_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_strange_folders, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_size, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_stored, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_from_json, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
