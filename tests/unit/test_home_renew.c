/*
 * The next card of a home, and other changes of its keys: whole or not at all, wherever they are cut off; nothing that a power cut
 * could take back is built upon; what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "home/key_files.h"

#define NOW INT64_C(1650000000)
#define STEPS_MAX 2000
#define CUT 99    /* exit code of a process that was cut off */
#define UNSAFE 98 /* it built upon what was not on the disk */
#define INODES_MAX 512

/* ---- the system calls that change names, and the process that is cut off before the n-th of them ---- */

static long cut_at = -1; /* -1: never */
static ino_t synced[INODES_MAX], dirty[INODES_MAX];
static size_t n_synced, n_dirty;

static void step(void) {
  if (cut_at >= 0 && cut_at-- == 0) _exit(CUT);
}

static ino_t inode(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? st.st_ino : 0;
}

static bool in(const ino_t *list, size_t n, ino_t i) {
  while (n-- > 0)
    if (list[n] == i) return true;
  return false;
}

static ino_t parent(const char *path) {
  char dir[HOME_PATH_MAX];
  snprintf(dir, sizeof dir, "%s", path);
  *strrchr(dir, '/') = '\0';
  return inode(dir);
}

/* All in the folder is on the disk for good. */
static void demand_synced(const char *path) {
  struct dir_names names;
  if (!in(synced, n_synced, inode(path))) {
    fprintf(stderr, "%s is not synced\n", path);
    _exit(UNSAFE);
  }
  if (dir_list(&names, path, NULL)) return;
  for (size_t i = 0; i < names.n; i++) {
    char inner[HOME_PATH_MAX];
    if (!path_join(inner, path, names.name[i], NULL)) demand_synced(inner);
  }
  free(names.name);
}

static bool ends(const char *path, const char *end) {
  const size_t n = strlen(path), k = strlen(end);
  return n >= k && !strcmp(path + n - k, end);
}

int fsync(int fd) {
  struct stat st;
  step();
  if (fstat(fd, &st) == 0) {
    if (n_synced < INODES_MAX) synced[n_synced++] = st.st_ino;
    for (size_t i = 0; i < n_dirty; i++)
      if (dirty[i] == st.st_ino) dirty[i] = 0;
  }
  return 0; /* what the disk does with it is not what is tested */
}

int rename(const char *from, const char *to) {
  step();
  if (cut_at >= 0 && ends(to, "/change")) demand_synced(from);
  if (n_dirty < INODES_MAX) dirty[n_dirty++] = parent(to);
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *path) {
  step();
  return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int dir, const char *path, int flags) {
  step();
  if (cut_at >= 0 && dir == AT_FDCWD && ends(path, "/change") &&
      access(path, F_OK) == 0) /* what was moved out of it stays moved */
    for (size_t i = 0; i < n_dirty; i++)
      if (dirty[i]) {
        fprintf(stderr, "a folder is not synced before %s goes\n", path);
        _exit(UNSAFE);
      }
  return (int)syscall(SYS_unlinkat, dir, path, flags);
}

int mkdir(const char *path, mode_t mode) {
  step();
  return mkdirat(AT_FDCWD, path, mode);
}

/* ---- homes ---- */

struct place {
  char dir[64], rotation_pass[80];
  struct home home;   /* that is changed */
  struct home before; /* as it was */
};

static void shell(const char *fmt, ...) {
  char command[4096];
  va_list args;
  va_start(args, fmt);
  vsnprintf(command, sizeof command, fmt, args);
  va_end(args);
  assert_int_equal(system(command), 0);
}

static bool there(const struct home *h, const char *name) {
  char path[HOME_PATH_MAX];
  assert_true(home_path(h, path, name));
  return access(path, F_OK) == 0;
}

static struct buf get(const struct home *h, const char *name) {
  char path[HOME_PATH_MAX];
  struct buf out = {0};
  struct errmsg e = {""};
  assert_true(home_path(h, path, name));
  if (file_read(&out, path, 1 << 20, &e)) fail_msg("%s", e.text);
  return out;
}

static void put(const struct home *h, const char *name, const char *text) {
  char path[HOME_PATH_MAX];
  assert_true(home_path(h, path, name));
  assert_int_equal(file_write(path, bytes_str(text), 0600, NULL), PARLEY_OK);
}

static bool same_file(const struct home *a, const char *x, const struct home *b, const char *y) {
  struct buf one = get(a, x), two = get(b, y);
  const bool same = bytes_eq(buf_view(&one), buf_view(&two));
  buf_free(&one);
  buf_free(&two);
  return same;
}

static parley_err ask(void *ctx, const char *prompt, struct buf *out, struct errmsg *e) {
  (void)prompt, (void)e;
  buf_str(out, ctx);
  return PARLEY_OK;
}

static char no_passphrase[] = "none was set", passphrase[] = "open sesame";

static int set_up(void **state) {
  struct place *p = calloc(1, sizeof *p);
  struct errmsg e = {""};
  struct buf made = {0};
  char dir[96];
  assert_non_null(p);
  snprintf(p->dir, sizeof p->dir, "/tmp/parley-renew-XXXXXX");
  assert_non_null(mkdtemp(p->dir));
  assert_int_equal(setenv("PARLEY_SCRYPT_LOG_N", "10", 1), 0);
  snprintf(dir, sizeof dir, "%s/us", p->dir);
  assert_int_equal(home_at(&p->home, dir, &e), PARLEY_OK);
  snprintf(dir, sizeof dir, "%s/before", p->dir);
  assert_int_equal(home_at(&p->before, dir, &e), PARLEY_OK);
  const struct home_new n = {.name = "cert.us.example", .now = NOW};
  if (home_init(&p->home, &n, &made, &e)) fail_msg("%s", e.text);
  snprintf(p->rotation_pass, sizeof p->rotation_pass, "%s/pass", p->dir);
  assert_int_equal(file_write(p->rotation_pass, buf_view(&made), 0600, NULL), PARLEY_OK);
  shell("mv %s/us/keys/rotation.age %s/", p->dir, p->dir);
  buf_free(&made);
  *state = p;
  return 0;
}

static int tear_down(void **state) {
  struct place *p = *state;
  shell("rm -rf -- '%s'", p->dir);
  free(p);
  return 0;
}

static void remember(const struct place *p) { shell("cp -a %s %s", p->home.dir, p->before.dir); }

static void back(const struct place *p) {
  shell("rm -rf %s %s/new.age %s/told && cp -a %s %s", p->home.dir, p->dir, p->dir, p->before.dir, p->home.dir);
}

static bool unchanged(const struct place *p) {
  char command[2 * HOME_PATH_MAX + 64];
  snprintf(command, sizeof command, "diff -r -x change.new %s %s >/dev/null", p->before.dir, p->home.dir);
  return system(command) == 0;
}

static uint64_t card_of(const struct home *h, struct card *c, struct arena *a) {
  struct buf text = get(h, "card.json");
  struct errmsg e = {""};
  if (card_parse(c, a, buf_view(&text), NULL, NULL, &e)) fail_msg("%s", e.text);
  buf_free(&text);
  return c->serial;
}

/* The keys there are those of the card. */
static void load(const struct home *h, char *pass, struct home_keys *k) {
  struct arena a = {0};
  struct card c;
  struct errmsg e = {""};
  card_of(h, &c, &a);
  if (home_keys_load(k, h, &c, ask, pass, &e)) fail_msg("%s", e.text);
  arena_free(&a);
}

static void assert_loads(const struct home *h, char *pass, size_t seals) {
  struct home_keys k;
  load(h, pass, &k);
  assert_int_equal(k.n_seal, seals);
  home_keys_free(&k);
}

/* No key lies here in both forms; every one lies here protected, or none. */
static void assert_forms(const struct home *h, bool protected) {
  char path[HOME_PATH_MAX];
  struct dir_names names;
  assert_true(home_path(h, path, "keys"));
  assert_int_equal(dir_list(&names, path, NULL), PARLEY_OK);
  for (size_t i = 0; i < names.n; i++)
    if (!strstr(names.name[i], "cert") && strcmp(names.name[i], "before"))
      assert_int_equal(ends(names.name[i], ".age"), protected);
  free(names.name);
}

/* ---- cutting off ---- */

typedef parley_err (*change_fn)(struct place *p, struct errmsg *e);
typedef void (*check_fn)(struct place *p, bool whole);

/* The change, cut off before each step in turn, and finished by who comes next. check: `whole` when it was not cut off. */
static void cut_everywhere(struct place *p, change_fn change, check_fn check) {
  int code = CUT;
  long n = 0;
  remember(p);
  for (; code == CUT && n < STEPS_MAX; n++) {
    struct errmsg e = {""};
    int status;
    back(p);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      cut_at = n;
      n_synced = n_dirty = 0;
      const parley_err err = change(p, &e);
      if (err) fprintf(stderr, "%s\n", e.text);
      _exit(err ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    code = WEXITSTATUS(status);
    if (code != 0 && code != CUT) fail_msg("step %ld: exit code %d", n, code);
    if (home_finish_change(&p->home, &e)) fail_msg("step %ld: %s", n, e.text);
    assert_false(there(&p->home, "change"));
    check(p, code == 0);
  }
  assert_int_equal(code, 0);
  assert_true(n > 2);
}

/* ---- a renewal ---- */

static char told[96];

static void tell(const char *path, const char *text) {
  assert_non_null(path);
  file_write(told, bytes_str(text), 0600, NULL);
}

static parley_err renew(const struct place *p, const struct home_renewal *ask_for, struct errmsg *e) {
  struct home_renewal n = *ask_for;
  struct buf rotation = {0}, made = {0};
  char path[96];
  snprintf(path, sizeof path, "%s/rotation.age", p->dir);
  snprintf(told, sizeof told, "%s/told", p->dir);
  assert_int_equal(file_read(&rotation, path, 1 << 16, e), PARLEY_OK);
  if (!n.rotation.n) n.rotation = buf_view(&rotation);
  if (!n.rotation_passphrase) n.rotation_passphrase = p->rotation_pass;
  if (!n.now) n.now = NOW + 100;
  if (!n.ask) {
    n.ask = ask;
    n.ctx = no_passphrase;
  }
  n.tell = tell;
  const parley_err err = home_renew(&p->home, &n, &made, e);
  buf_free(&rotation);
  buf_free(&made);
  return err;
}

static const char *const duty[] = {"duty", NULL}, *const judicial[] = {"judicial", NULL};

static parley_err renew_all(struct place *p, struct errmsg *e) {
  char path[96];
  snprintf(path, sizeof path, "%s/new.age", p->dir);
  const struct home_renewal n = {.statement = true,
                                 .log = true,
                                 .mirror = true,
                                 .link = true,
                                 .seal = duty,
                                 .add = judicial,
                                 .new_rotation = path};
  return renew(p, &n, e);
}

/* The passphrase that was told opens the new rotation key, and it is the card's. */
static void assert_rotation(struct place *p, const struct card *c) {
  struct home safe;
  struct errmsg e = {""};
  struct buf pem = {0};
  struct ed25519_key *k;
  assert_int_equal(home_at(&safe, p->dir, &e), PARLEY_OK);
  struct buf file = get(&safe, "new.age"), pass = get(&safe, "told");
  if (secret_open(&pem, buf_view(&file), buf_view(&pass), &e)) fail_msg("%s", e.text);
  assert_int_equal(ed25519_from_pem(&k, buf_view(&pem), &e), PARLEY_OK);
  assert_memory_equal(ed25519_public(k), c->rotation, 32);
  ed25519_free(k);
  buf_free(&file);
  buf_free(&pass);
  buf_free(&pem);
}

static void check_renewed(struct place *p, bool whole) {
  struct arena a = {0};
  struct card c;
  if (card_of(&p->home, &c, &a) == 0) {
    assert_false(whole);
    assert_true(unchanged(p));
    assert_loads(&p->home, no_passphrase, 1);
  } else {
    assert_int_equal(c.serial, 1);
    assert_int_equal(c.n_link, 2);
    assert_loads(&p->home, no_passphrase, 3); /* two of the card, one from before */
    assert_rotation(p, &c);
    assert_true(same_file(&p->home, "card.0.json", &p->before, "card.json"));
    assert_true(same_file(&p->home, "keys/before/log.pem", &p->before, "keys/log.pem"));
    assert_true(same_file(&p->home, "keys/seal.duty.0.txt", &p->before, "keys/seal.duty.txt"));
    assert_true(same_file(&p->home, "keys/link.key.pem", &p->before, "keys/link.key.pem"));
    assert_true(there(&p->home, "keys/link.next.key.pem") && there(&p->home, "keys/link.next.cert.pem"));
    assert_false(same_file(&p->home, "keys/log.pem", &p->before, "keys/log.pem"));
  }
  arena_free(&a);
}

static void renewal_cut_off(void **state) { cut_everywhere(*state, renew_all, check_renewed); }

/* What an undecided renewal left is gone with the next, the old log key too. */
static void remains_are_cleared(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  remember(p);
  shell("mkdir -p %s/change.new/keys/before", p->home.dir);
  put(&p->home, "change.new/keys/before/log.pem", "a key");
  put(&p->home, "change.new/keys/mirror.pem", "half a key");
  const struct home_renewal bad = {.drop = duty}, plain = {0};
  assert_int_equal(renew(p, &bad, &e), PARLEY_EINVAL);
  assert_false(there(&p->home, "change.new"));
  assert_true(unchanged(p));
  shell("mkdir -p %s/change.new/keys/before", p->home.dir);
  put(&p->home, "change.new/keys/before/log.pem", "a key");
  if (renew(p, &plain, &e)) fail_msg("%s", e.text);
  assert_false(there(&p->home, "keys/before/log.pem"));
  assert_loads(&p->home, no_passphrase, 1);
}

/* ---- protecting ---- */

static parley_err protect(struct place *p, struct errmsg *e) {
  return home_protect(&p->home, ask, no_passphrase, bytes_str(passphrase), e);
}

static void check_protected(struct place *p, bool whole) {
  const bool done = there(&p->home, "keys/log.pem.age");
  assert_true(done || !whole);
  if (!done) assert_true(unchanged(p));
  assert_forms(&p->home, done);
  assert_int_equal(there(&p->home, "keys/before/log.pem.age"), done);
  assert_int_equal(there(&p->home, "keys/before/log.pem"), !done);
  assert_loads(&p->home, done ? passphrase : no_passphrase, 3);
}

static void protection_cut_off(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  if (renew_all(p, &e)) fail_msg("%s", e.text);
  cut_everywhere(p, protect, check_protected);
}

static parley_err unprotect(struct place *p, struct errmsg *e) {
  return home_protect(&p->home, ask, passphrase, BYTES_NONE, e);
}

static void check_open(struct place *p, bool whole) {
  const bool done = there(&p->home, "keys/log.pem");
  assert_true(done || !whole);
  if (!done) assert_true(unchanged(p));
  assert_forms(&p->home, !done);
  assert_loads(&p->home, done ? no_passphrase : passphrase, 3);
}

static void opening_cut_off(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  if (renew_all(p, &e) || protect(p, &e)) fail_msg("%s", e.text);
  cut_everywhere(p, unprotect, check_open);
}

/* Keys that are protected stay so, new ones with them. */
static void protected_renewal(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  if (protect(p, &e)) fail_msg("%s", e.text);
  const struct home_renewal n = {
      .statement = true, .log = true, .link = true, .seal = duty, .ask = ask, .ctx = passphrase};
  if (renew(p, &n, &e)) fail_msg("%s", e.text);
  assert_forms(&p->home, true);
  assert_true(there(&p->home, "keys/before/log.pem.age"));
  assert_loads(&p->home, passphrase, 2);
}

static void protection_refused(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  char name[200];
  if (protect(p, &e)) fail_msg("%s", e.text);
  assert_int_equal(home_protect(&p->home, ask, no_passphrase, BYTES_NONE, &e), PARLEY_EREFUSED);
  assert_non_null(strstr(e.text, "wrong"));
  assert_false(there(&p->home, "change.new"));
  if (unprotect(p, &e)) fail_msg("%s", e.text);
  snprintf(name, sizeof name, "keys/%0150d.pem", 1);
  put(&p->home, name, "a key");
  assert_int_equal(protect(p, &e), PARLEY_ELIMIT);
  assert_forms(&p->home, false);
}

/* A copy that somebody keeps under another name is not overwritten, nor what a link leads to. */
static void copies_stay(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  remember(p);
  shell(
      "cd %s && ln us/keys/log.pem copy && mv us/keys/mirror.pem elsewhere && ln -s ../../elsewhere us/keys/mirror.pem",
      p->dir);
  if (protect(p, &e)) fail_msg("%s", e.text);
  assert_forms(&p->home, true);
  struct home top;
  assert_int_equal(home_at(&top, p->dir, &e), PARLEY_OK);
  assert_true(same_file(&top, "copy", &p->before, "keys/log.pem"));
  assert_true(same_file(&top, "elsewhere", &p->before, "keys/mirror.pem"));
}

/* ---- the next link key ---- */

static parley_err adopt(struct place *p, struct errmsg *e) {
  bool adopted;
  return home_adopt_link(&p->home, &adopted, e);
}

static void check_adopted(struct place *p, bool whole) {
  struct errmsg e = {""};
  bool again;
  assert_loads(&p->home, no_passphrase, 3);
  if (whole) assert_false(there(&p->home, "keys/link.next.cert.pem") || there(&p->home, "keys/link.next.key.pem"));
  assert_int_equal(home_adopt_link(&p->home, &again, &e), PARLEY_OK); /* at the next start */
  assert_true(same_file(&p->home, "keys/link.cert.pem", &p->before, "keys/link.next.cert.pem"));
  assert_true(same_file(&p->home, "keys/link.key.pem", &p->before, "keys/link.next.key.pem"));
  assert_false(there(&p->home, "keys/link.next.cert.pem") || there(&p->home, "keys/link.next.key.pem"));
  assert_loads(&p->home, no_passphrase, 3);
}

static void adoption_cut_off(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  if (renew_all(p, &e)) fail_msg("%s", e.text);
  cut_everywhere(p, adopt, check_adopted);
}

static const struct home_renewal link_only = {.link = true}, nothing = {0};

/* The card names the old link key until the next is in use, and no longer. */
static void link_pins(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  struct arena a = {0};
  struct card c[5];
  bool adopted;
  card_of(&p->home, &c[0], &a);
  if (renew(p, &link_only, &e) || renew(p, &nothing, &e)) fail_msg("%s", e.text);
  card_of(&p->home, &c[1], &a);
  assert_int_equal(c[1].n_link, 2);
  assert_string_equal(c[1].link[1], c[0].link[0]);
  if (renew(p, &link_only, &e)) fail_msg("%s", e.text); /* again, before the next was in use */
  card_of(&p->home, &c[2], &a);
  assert_int_equal(c[2].n_link, 2);
  assert_string_not_equal(c[2].link[0], c[1].link[0]);
  assert_string_equal(c[2].link[1], c[0].link[0]);
  assert_int_equal(home_adopt_link(&p->home, &adopted, &e), PARLEY_OK);
  assert_true(adopted);
  assert_int_equal(home_adopt_link(&p->home, &adopted, &e), PARLEY_OK);
  assert_false(adopted);
  if (renew(p, &nothing, &e)) fail_msg("%s", e.text);
  card_of(&p->home, &c[3], &a);
  assert_int_equal(c[3].n_link, 1);
  assert_string_equal(c[3].link[0], c[2].link[0]);
  assert_loads(&p->home, no_passphrase, 1);
  arena_free(&a);
}

/* ---- refusals ---- */

static void refused(struct place *p, struct home_renewal n, parley_err err, const char *part) {
  struct errmsg e = {""};
  assert_int_equal(renew(p, &n, &e), err);
  if (!strstr(e.text, part)) fail_msg("%s", e.text);
  assert_false(there(&p->home, "change.new") || there(&p->home, "change"));
}

static void refusals(void **state) {
  struct place *p = *state;
  static const char *const bad[] = {"Duty!", NULL}, *const empty[] = {"", NULL}, *const twice[] = {"a", "a", NULL};
  static const char *const many[] = {"a", "b", "c", "d", "e", "f", "g", "h", NULL};
  char url[600], path[96], wrong[96];
  struct errmsg e = {""};
  memset(url, 'a', sizeof url);
  url[sizeof url - 1] = '\0';
  remember(p);
  refused(p, (struct home_renewal){.seal = judicial}, PARLEY_EINVAL, "no seal key labelled judicial");
  refused(p, (struct home_renewal){.drop = judicial}, PARLEY_EINVAL, "no seal key labelled judicial");
  refused(p, (struct home_renewal){.drop = duty}, PARLEY_EINVAL, "cannot be dropped");
  refused(p, (struct home_renewal){.add = duty}, PARLEY_EINVAL, "already");
  refused(p, (struct home_renewal){.add = bad}, PARLEY_EINVAL, "a-z 0-9");
  refused(p, (struct home_renewal){.add = empty}, PARLEY_EINVAL, "a-z 0-9");
  refused(p, (struct home_renewal){.add = twice}, PARLEY_EINVAL, "stands twice");
  refused(p, (struct home_renewal){.add = many}, PARLEY_EINVAL, "at most 8");
  refused(p, (struct home_renewal){.url = url}, PARLEY_EINVAL, "url");
  refused(p, (struct home_renewal){.url = "http://a"}, PARLEY_EINVAL, "https://");
  refused(p, (struct home_renewal){.rotation = bytes_str("no key")}, PARLEY_EINVAL, "rotation key");
  snprintf(wrong, sizeof wrong, "%s/wrong", p->dir);
  assert_int_equal(file_write(wrong, bytes_str("another"), 0600, NULL), PARLEY_OK);
  refused(p, (struct home_renewal){.rotation_passphrase = wrong}, PARLEY_EREFUSED, "passphrase of the rotation key");
  snprintf(path, sizeof path, "%s/rotation.age", p->dir);
  refused(p, (struct home_renewal){.new_rotation = path}, PARLEY_ECONFLICT, "is there already");
  assert_true(unchanged(p));
  /* A key that stays must be there, and be the card's; one that is replaced need not. */
  shell("rm %s/keys/mirror.pem", p->home.dir);
  refused(p, (struct home_renewal){0}, PARLEY_ENOTFOUND, "mirror.pem");
  shell("cp %s/keys/statement.pem %s/keys/mirror.pem", p->home.dir, p->home.dir);
  refused(p, (struct home_renewal){0}, PARLEY_ECONFLICT, "mirror.pem is not the key that card.json names");
  put(&p->home, "keys/log.pem", "half a key");
  refused(p, (struct home_renewal){.log = true}, PARLEY_EINVAL, "move it away if it is lost");
  shell("rm %s/keys/mirror.pem %s/keys/log.pem", p->home.dir, p->home.dir);
  const struct home_renewal lost = {.log = true, .mirror = true};
  if (renew(p, &lost, &e)) fail_msg("%s", e.text);
  assert_false(there(&p->home, "keys/before/log.pem"));
  assert_loads(&p->home, no_passphrase, 1);
}

/* ---- afterwards ---- */

struct seen {
  uint64_t serial[16];
  size_t n;
};

static parley_err see(void *ctx, struct bytes envelope, struct errmsg *e) {
  struct seen *s = ctx;
  struct arena a = {0};
  struct card c;
  const parley_err err = card_parse(&c, &a, envelope, NULL, NULL, e);
  if (!err) s->serial[s->n++] = c.serial;
  arena_free(&a);
  return err;
}

static void cards_before(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  struct seen s = {.n = 0};
  struct buf card = get(&p->home, "card.json");
  assert_true(home_card_is(&p->home, buf_view(&card)));
  for (size_t i = 0; i < 11; i++)
    if (renew(p, &nothing, &e)) fail_msg("%s", e.text);
  assert_false(home_card_is(&p->home, buf_view(&card)));
  assert_int_equal(home_cards_before(&p->home, see, &s, &e), PARLEY_OK);
  assert_int_equal(s.n, 11);
  for (size_t i = 0; i < s.n; i++) assert_int_equal(s.serial[i], 10 - i); /* by number, not as text */
  put(&p->home, "card.3.json", "no card");
  s.n = 0;
  assert_int_equal(home_cards_before(&p->home, see, &s, &e), PARLEY_EINVAL);
  assert_non_null(strstr(e.text, "card.3.json"));
  buf_free(&card);
}

static void log_key_before_goes(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  const struct home_renewal n = {.log = true};
  if (renew(p, &n, &e)) fail_msg("%s", e.text);
  struct home_keys k;
  load(&p->home, no_passphrase, &k);
  assert_non_null(k.log_before);
  home_keys_free(&k);
  assert_int_equal(home_forget_before(&p->home, &e), PARLEY_OK);
  assert_int_equal(home_forget_before(&p->home, &e), PARLEY_OK);
  load(&p->home, no_passphrase, &k);
  assert_null(k.log_before);
  home_keys_free(&k);
}

static parley_err forget(struct place *p, struct errmsg *e) { return home_forget_before(&p->home, e); }

static void check_forgotten(struct place *p, bool whole) {
  if (whole) assert_false(there(&p->home, "keys/before/log.pem"));
  assert_loads(&p->home, no_passphrase, 3); /* half a key would keep the node from starting */
}

static void forgetting_cut_off(void **state) {
  struct place *p = *state;
  struct errmsg e = {""};
  if (renew_all(p, &e)) fail_msg("%s", e.text);
  cut_everywhere(p, forget, check_forgotten);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(renewal_cut_off),    TEST(remains_are_cleared), TEST(protection_cut_off),
      TEST(opening_cut_off),    TEST(protected_renewal),   TEST(protection_refused),
      TEST(copies_stay),        TEST(adoption_cut_off),    TEST(link_pins),
      TEST(refusals),           TEST(cards_before),        TEST(log_key_before_goes),
      TEST(forgetting_cut_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
