/*
 * A party's home: made whole or not at all, keys that belong to the card, configuration that says what is wrong, pins
 * that cannot be slipped in.
 */
#include "unit/parties.h"

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

#include "formats/age_armor.h"
#include "home/dirs.h"
#include "home/secrets.h"

#define NOW INT64_C(1650000000) /* within the cards of unit/parties.h */

struct place {
  char dir[64];
  struct home home;
};

static void path_of(char out[static HOME_PATH_MAX], const struct home *h, const char *name) {
  assert_true(home_path(h, out, name));
}

static void put_file(const struct home *h, const char *name, const char *text) {
  char path[HOME_PATH_MAX];
  path_of(path, h, name);
  assert_int_equal(file_write(path, bytes_str(text), 0600, NULL), PARLEY_OK);
}

static struct buf get_file(const struct home *h, const char *name) {
  char path[HOME_PATH_MAX];
  struct buf out = {0};
  path_of(path, h, name);
  assert_int_equal(file_read(&out, path, 1 << 20, NULL), PARLEY_OK);
  assert_non_null(buf_cstr(&out));
  return out;
}

static bool there(const struct home *h, const char *name) {
  char path[HOME_PATH_MAX];
  path_of(path, h, name);
  return access(path, F_OK) == 0;
}

static unsigned mode_of(const struct home *h, const char *name) {
  char path[HOME_PATH_MAX];
  struct stat st;
  path_of(path, h, name);
  assert_int_equal(stat(path, &st), 0);
  return st.st_mode & 07777;
}

static int set_up(void **state) {
  struct place *p = calloc(1, sizeof *p);
  struct errmsg e;
  char dir[96];
  assert_non_null(p);
  snprintf(p->dir, sizeof p->dir, "/tmp/parley-home-XXXXXX");
  assert_non_null(mkdtemp(p->dir));
  snprintf(dir, sizeof dir, "%s/us/", p->dir);
  assert_int_equal(home_at(&p->home, dir, &e), PARLEY_OK);
  assert_int_equal(setenv("PARLEY_SCRYPT_LOG_N", "10", 1), 0);
  *state = p;
  return 0;
}

static void remove_tree(const char *dir) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf -- '%s'", dir);
  assert_int_equal(system(command), 0);
}

static int tear_down(void **state) {
  struct place *p = *state;
  remove_tree(p->dir);
  free(p);
  return 0;
}

static const struct home_new plain_home = {.name = "cert.us.example", .now = NOW};

static void make_home(const struct home *h, const struct home_new *n) {
  struct errmsg e = {""};
  struct buf made = {0};
  const parley_err err = home_init(h, n, &made, &e);
  if (err) fail_msg("%s", e.text);
  buf_free(&made);
}

static void read_card(struct card *out, struct arena *a, const struct home *h) {
  struct buf text = get_file(h, "card.json");
  struct errmsg e = {""};
  if (card_parse(out, a, buf_view(&text), NULL, NULL, &e)) fail_msg("%s", e.text);
  buf_free(&text);
}

/* ---- files ---- */

static void home_at_takes_argument_then_environment(void **state) {
  (void)state;
  struct home h;
  char path[HOME_PATH_MAX], longest[HOME_PATH_MAX + 1];
  struct errmsg e;
  assert_int_equal(setenv("PARLEY_HOME", "/srv/a//", 1), 0);
  assert_int_equal(setenv("HOME", "/root", 1), 0);
  assert_int_equal(home_at(&h, "/b", NULL), PARLEY_OK);
  assert_string_equal(h.dir, "/b");
  assert_int_equal(home_at(&h, NULL, NULL), PARLEY_OK);
  assert_string_equal(h.dir, "/srv/a");
  assert_int_equal(unsetenv("PARLEY_HOME"), 0);
  assert_int_equal(home_at(&h, NULL, NULL), PARLEY_OK);
  assert_string_equal(h.dir, "/root/.parley");
  assert_int_equal(unsetenv("HOME"), 0);
  assert_refused(home_at(&h, NULL, &e), PARLEY_EINVAL, e, "PARLEY_HOME");
  memset(longest, 'x', sizeof longest);
  longest[HOME_PATH_MAX] = '\0';
  assert_refused(home_at(&h, longest, &e), PARLEY_ELIMIT, e, "1023");
  longest[HOME_PATH_MAX - 1] = '\0';
  assert_int_equal(home_at(&h, longest, &e), PARLEY_OK);
  assert_false(home_path(&h, path, "card.json"));
}

static void file_read_keeps_to_its_bound(void **state) {
  const struct place *p = *state;
  char path[128];
  struct buf out = {0};
  struct errmsg e;
  snprintf(path, sizeof path, "%s/f", p->dir);
  assert_refused(file_read(&out, path, 10, &e), PARLEY_ENOTFOUND, e, path);
  assert_refused(file_read(&out, p->dir, 10, &e), PARLEY_EIO, e, "is a directory");
  assert_int_equal(file_write(path, bytes_str("0123456789"), 0600, &e), PARLEY_OK);
  assert_int_equal(file_read(&out, path, 10, &e), PARLEY_OK);
  assert_true(bytes_is(buf_view(&out), "0123456789"));
  buf_clear(&out);
  assert_refused(file_read(&out, path, 9, &e), PARLEY_ELIMIT, e, "more than 9 bytes");
  buf_free(&out);
}

static void file_write_replaces_whole_and_follows_no_link(void **state) {
  const struct place *p = *state;
  char path[128], beside[128], victim[128];
  struct buf out = {0};
  struct errmsg e;
  struct stat st;
  snprintf(path, sizeof path, "%s/f", p->dir);
  snprintf(beside, sizeof beside, "%s/f.new", p->dir);
  snprintf(victim, sizeof victim, "%s/victim", p->dir);
  assert_int_equal(file_write(victim, bytes_str("keep"), 0600, &e), PARLEY_OK);
  assert_int_equal(symlink(victim, beside), 0);
  assert_int_equal(file_write(path, bytes_str("new"), 0640, &e), PARLEY_OK);
  assert_int_equal(file_read(&out, victim, 10, &e), PARLEY_OK);
  assert_true(bytes_is(buf_view(&out), "keep"));
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0640);
  assert_int_equal(access(beside, F_OK), -1);
  assert_refused(file_write("/dev/full/x", bytes_str("new"), 0600, &e), PARLEY_EIO, e, "/dev/full/x");
  buf_free(&out);
}

/* ---- configuration ---- */

static parley_err read_config(const struct place *p, const char *text, struct config *c, struct errmsg *e) {
  assert_int_equal(dir_make(p->home.dir, e), PARLEY_OK);
  put_file(&p->home, "parley.conf", text);
  return config_read(c, &p->home, e);
}

static void config_reads_what_it_writes(void **state) {
  const struct place *p = *state;
  struct config c, again;
  struct errmsg e;
  struct buf text = {0};
  config_defaults(&c);
  strcpy(c.name, "cert.us.example");
  strcpy(c.url, "https://[::1]:7411/parley");
  strcpy(c.proxy, "http://user:secret@[2001:db8::1]:3128");
  strcpy(c.no_proxy, "a.example, .b.example");
  c.n_witnesses = 2;
  strcpy(c.witness[0].name, "w.example/parley");
  strcpy(c.witness[0].url, "https://w.example/parley");
  strcpy(c.witness[1].name, "near.example");
  strcpy(c.witness[1].url, "http://[::1]:7380");
  strcpy(c.witness[1].pin, "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  config_write(&text, &c);
  assert_int_equal(read_config(p, buf_cstr(&text), &again, &e), PARLEY_OK);
  assert_memory_equal(&c, &again, sizeof c);
  assert_non_null(strstr((char *)text.p, "\n# listen = 127.0.0.1:7411\n"));
  assert_non_null(strstr((char *)text.p, "\nproxy = http://user:secret@[2001:db8::1]:3128\n"));
  for (const struct config_option *o = config_options; o->name; o++) {
    assert_non_null(config_value(&c, o->name));
    assert_non_null(strstr((char *)text.p, o->help));
  }
  assert_null(config_value(&c, "colour"));
  buf_free(&text);
}

static void config_fills_what_is_left_out(void **state) {
  const struct place *p = *state;
  struct config c;
  struct errmsg e;
  assert_int_equal(read_config(p, "  name=a.b  \r\n\n# x\nlisten = [::1]:9", &c, &e), PARLEY_OK);
  assert_string_equal(c.name, "a.b");
  assert_string_equal(c.url, "https://[::1]:9");
  assert_string_equal(c.proxy, "");
  assert_string_equal(c.log_level, "info");
}

static void config_says_line_and_option(void **state) {
  const struct place *p = *state;
  struct config c;
  struct errmsg e;
  char line[1024] = "name = a.b\nurl = https://";
  assert_refused(read_config(p, "name = a.b\nlissten = 1", &c, &e), PARLEY_EINVAL, e, "line 2");
  assert_non_null(strstr(e.text, "did you mean \"listen\""));
  assert_refused(read_config(p, "name = a.b\nname = a.b", &c, &e), PARLEY_EINVAL, e, "name stands twice");
  assert_refused(read_config(p, "listen = 127.0.0.1:1\n", &c, &e), PARLEY_EINVAL, e, "name is missing");
  assert_refused(read_config(p, "name a.b\n", &c, &e), PARLEY_EINVAL, e, "name = value");
  assert_refused(read_config(p, "name = A.B\n", &c, &e), PARLEY_EINVAL, e, "name must be");
  assert_refused(read_config(p, "name = a.b\nurl = http://x", &c, &e), PARLEY_EINVAL, e, "url must be");
  assert_refused(read_config(p, "name = a.b\nurl = https://x/", &c, &e), PARLEY_EINVAL, e, "url must be");
  assert_refused(read_config(p, "name = a.b\nlog_level = debug", &c, &e), PARLEY_EINVAL, e, "log_level must be");
  memset(line + strlen(line), 'x', 600);
  assert_refused(read_config(p, line, &c, &e), PARLEY_EINVAL, e, "longer than 512");
}

static void config_refuses_addresses_that_are_none(void **state) {
  const struct place *p = *state;
  static const char *const wrong[] = {"7411",     ":7411",     "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "host:1",
                                      "::1:7411", "[::1]7411", "[]:1",      "[::1:1",     "127.0.0.1:+1"};
  struct config c;
  struct errmsg e;
  char text[128];
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(text, sizeof text, "name = a.b\nlisten = %s\n", wrong[i]);
    assert_refused(read_config(p, text, &c, &e), PARLEY_EINVAL, e, "listen must be");
  }
}

static void config_takes_whole_proxies_and_hides_their_passwords(void **state) {
  const struct place *p = *state;
  static const char *const wrong[] = {"env",
                                      "proxy.example:3128",
                                      "http://proxy.example",
                                      "http://:3128",
                                      "http://proxy.example:",
                                      "http://proxy.example:3128/",
                                      "http://proxy.example:65536",
                                      "http://2001:db8::1:3128",
                                      "http://@proxy.example:3128",
                                      "http://a@b@proxy.example:3128",
                                      "http://user:a b@proxy.example:3128",
                                      "socks5://proxy.example:1080",
                                      "ftp://proxy.example:21"};
  static const struct {
    const char *value, *shown;
  } right[] = {{"none", "none"},
               {"http://proxy.example:3128", "http://proxy.example:3128"},
               {"https://[2001:db8::1]:3129", "https://[2001:db8::1]:3129"},
               {"http://user@proxy.example:3128", "http://user@proxy.example:3128"},
               {"https://user:s%40cret@proxy.example:3128", "https://user:…@proxy.example:3128"}};
  struct config c;
  struct errmsg e;
  char text[256];
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(text, sizeof text, "name = a.b\nproxy = %s\n", wrong[i]);
    assert_refused(read_config(p, text, &c, &e), PARLEY_EINVAL, e, "proxy must be none, or such as");
  }
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    struct buf shown = {0};
    snprintf(text, sizeof text, "name = a.b\nproxy = %s\nno_proxy = *\nproxy_ca = /etc/ca.pem\n", right[i].value);
    assert_int_equal(read_config(p, text, &c, &e), PARLEY_OK);
    assert_string_equal(c.proxy, i == 0 ? "" : right[i].value);
    assert_string_equal(c.no_proxy, "*");
    assert_string_equal(c.proxy_ca, "/etc/ca.pem");
    config_shown(&shown, &c, "proxy");
    assert_string_equal(buf_cstr(&shown), right[i].shown);
    buf_free(&shown);
  }
}

static void config_takes_witnesses_that_can_be_asked(void **state) {
  const struct place *p = *state;
  static const struct {
    const char *value, *why;
  } wrong[] = {{"w.example", "witness must be a name"},
               {"w.example https://w.example sha256//x", "the pin must be"},
               {"w.example https://w.example sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= x", "must be a name"},
               {"w+example https://w.example", "name"},
               {"w.example http://w.example", "without a final slash"},
               {"w.example http://localhost:7380", "without a final slash"},
               {"w.example http://127.0.0.1.example", "without a final slash"},
               {"w.example http://127.0.0.1@w.example", "without a final slash"},
               {"w.example http://[::2]:80", "without a final slash"},
               {"w.example http://10.0.0.1:80", "without a final slash"},
               {"w.example https://w.example/", "without a final slash"},
               {"w.example https://w.example?x", "without a final slash"},
               {"w.example https://w.example:0", "without a final slash"},
               {"w.example https://w.example:70000", "without a final slash"},
               {"w.example https://", "without a final slash"},
               {"w.example ftp://w.example", "without a final slash"}};
  static const char *const right[] = {"https://w.example", "https://w.example:8443/a/b", "http://127.0.0.1:7380",
                                      "http://127.9.8.7",  "http://[::1]:7380/w",        "https://[2001:db8::1]"};
  struct config c;
  struct errmsg e;
  struct buf all = {0};
  char text[1024];
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(text, sizeof text, "name = a.b\nwitness = %s\n", wrong[i].value);
    assert_refused(read_config(p, text, &c, &e), PARLEY_EINVAL, e, wrong[i].why);
  }
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    snprintf(text, sizeof text, "name = a.b\nwitness = w.example %s\n", right[i]);
    assert_int_equal(read_config(p, text, &c, &e), PARLEY_OK);
    assert_string_equal(c.witness[0].url, right[i]);
  }
  assert_refused(read_config(p, "name = a.b\nwitness = w https://a\nwitness = w https://b\n", &c, &e), PARLEY_EINVAL, e,
                 "line 3");
  buf_str(&all, "name = a.b\n");
  for (size_t i = 0; i <= CONFIG_WITNESSES_MAX; i++) buf_fmt(&all, "witness = w%zu https://w.example\n", i);
  assert_refused(read_config(p, buf_cstr(&all), &c, &e), PARLEY_ELIMIT, e, "more than 64 witnesses");
  buf_clear(&all);
  assert_int_equal(read_config(p, "name = a.b\nwitness = a http://[::1]:1\nwitness = b https://b", &c, &e), PARLEY_OK);
  config_shown(&all, &c, "witness");
  assert_string_equal(buf_cstr(&all), "a http://[::1]:1, b https://b");
  buf_free(&all);
}

/* ---- making a home ---- */

static void init_makes_a_home_that_loads(void **state) {
  const struct place *p = *state;
  const struct home *h = &p->home;
  struct arena a = {0};
  struct card c;
  struct errmsg e = {""};
  struct config config;
  struct home_keys k;
  assert_false(home_exists(h));
  make_home(h, &plain_home);
  assert_true(home_exists(h));
  assert_int_equal(config_read(&config, h, &e), PARLEY_OK);
  read_card(&c, &a, h);
  assert_string_equal(c.name, "cert.us.example");
  assert_string_equal(c.submission, "https://127.0.0.1:7411");
  assert_int_equal(c.not_before, NOW - 86400);
  assert_int_equal(c.not_after, NOW + 730 * 86400);
  if (home_keys_load(&k, h, &c, NULL, NULL, &e)) fail_msg("%s", e.text);
  assert_int_equal(k.n_seal, 1);
  assert_memory_equal(k.seal[0].pub, c.seal[0].recipient, 32);
  home_keys_free(&k);
  assert_int_equal(mode_of(h, "."), 0700);
  assert_int_equal(mode_of(h, "keys"), 0700);
  assert_int_equal(mode_of(h, "signer"), 0700);
  assert_int_equal(mode_of(h, "keys/log.pem"), 0600);
  assert_int_equal(mode_of(h, "keys/rotation.age"), 0600);
  assert_false(there(h, "keys/rotation"));
  arena_free(&a);
}

static void init_tells_the_rotation_passphrase_once(void **state) {
  const struct place *p = *state;
  struct buf made = {0}, second = {0}, pem = {0};
  struct errmsg e;
  struct ed25519_key *rotation;
  struct arena a = {0};
  struct card c;
  assert_int_equal(home_init(&p->home, &plain_home, &made, &e), PARLEY_OK);
  assert_int_equal(made.n, 49); /* ten groups of four digits */
  for (size_t i = 0; i < made.n; i++) assert_true(i % 5 == 4 ? made.p[i] == '-' : made.p[i] >= '0' && made.p[i] <= '9');
  assert_int_equal(secret_passphrase(&second, &e), PARLEY_OK);
  assert_false(bytes_eq(buf_view(&made), buf_view(&second)));
  struct buf file = get_file(&p->home, "keys/rotation.age");
  assert_true(age_armored(buf_view(&file))); /* it may be printed */
  assert_int_equal(secret_open(&pem, buf_view(&file), buf_view(&second), &e), PARLEY_ENOTFOUND);
  assert_int_equal(secret_open(&pem, buf_view(&file), buf_view(&made), &e), PARLEY_OK);
  assert_int_equal(ed25519_from_pem(&rotation, buf_view(&pem), &e), PARLEY_OK);
  read_card(&c, &a, &p->home);
  assert_memory_equal(c.rotation, ed25519_public(rotation), 32);
  ed25519_free(rotation);
  arena_free(&a);
  buf_free(&file);
  buf_free(&made);
  buf_free(&second);
  buf_free(&pem);
}

static size_t entries_in(const char *dir) {
  struct dir_names names;
  assert_int_equal(dir_list(&names, dir, NULL), PARLEY_OK);
  free(names.name);
  return names.n;
}

static void init_leaves_nothing_behind_and_nothing_damaged(void **state) {
  const struct place *p = *state;
  struct home_new n = plain_home;
  struct buf made = {0};
  struct errmsg e;
  n.url = "https://x/"; /* found out only when the configuration is read back */
  assert_refused(home_init(&p->home, &n, &made, &e), PARLEY_EINVAL, e, "url");
  n = plain_home;
  n.name = "nodots";
  assert_refused(home_init(&p->home, &n, &made, &e), PARLEY_EINVAL, e, "name");
  n = plain_home;
  n.listen = "[::]:7411";
  assert_refused(home_init(&p->home, &n, &made, &e), PARLEY_EINVAL, e, "give the URL too");
  n = plain_home;
  n.protect_keys = true;
  assert_refused(home_init(&p->home, &n, &made, &e), PARLEY_EINVAL, e, "passphrase");
  assert_int_equal(setenv("PARLEY_SCRYPT_LOG_N", "21", 1), 0);
  assert_refused(home_init(&p->home, &plain_home, &made, &e), PARLEY_EINVAL, e, "PARLEY_SCRYPT_LOG_N");
  assert_int_equal(entries_in(p->dir), 0);
  assert_int_equal(made.n, 0);

  assert_int_equal(setenv("PARLEY_SCRYPT_LOG_N", "10", 1), 0);
  assert_int_equal(dir_make(p->home.dir, NULL), PARLEY_OK); /* an empty folder is no obstacle */
  make_home(&p->home, &plain_home);
  struct buf before = get_file(&p->home, "card.json");
  assert_refused(home_init(&p->home, &plain_home, &made, &e), PARLEY_ECONFLICT, e, "already");
  struct buf after = get_file(&p->home, "card.json");
  assert_true(bytes_eq(buf_view(&before), buf_view(&after)));
  assert_int_equal(entries_in(p->dir), 1);
  buf_free(&before);
  buf_free(&after);
  buf_free(&made);
}

static void init_spares_a_folder_that_holds_something_else(void **state) {
  const struct place *p = *state;
  struct buf made = {0};
  struct errmsg e;
  assert_int_equal(dir_make(p->home.dir, NULL), PARLEY_OK);
  put_file(&p->home, "letter", "x");
  assert_refused(home_init(&p->home, &plain_home, &made, &e), PARLEY_ECONFLICT, e, "not empty");
  assert_true(there(&p->home, "letter"));
  buf_free(&made);
}

/* ---- keys ---- */

struct asked {
  const char *answer;
  int times;
};

static parley_err answer(void *ctx, const char *prompt, struct buf *out, struct errmsg *e) {
  struct asked *a = ctx;
  (void)e;
  assert_non_null(strstr(prompt, "keys/"));
  a->times++;
  buf_str(out, a->answer);
  return PARLEY_OK;
}

static void keys_protected_by_a_passphrase(void **state) {
  const struct place *p = *state;
  struct home_new n = plain_home;
  struct arena a = {0};
  struct card c;
  struct home_keys k;
  struct errmsg e = {""};
  struct buf pem = {0};
  char pin[LINK_PIN_SIZE];
  n.protect_keys = true;
  n.key_passphrase = bytes_str("correct horse");
  make_home(&p->home, &n);
  read_card(&c, &a, &p->home);
  assert_false(there(&p->home, "keys/log.pem"));
  struct asked wrong = {"battery", 0}, right = {"correct horse", 0};
  assert_refused(home_keys_load(&k, &p->home, &c, answer, &wrong, &e), PARLEY_EREFUSED, e, "passphrase");
  if (home_keys_load(&k, &p->home, &c, answer, &right, &e)) fail_msg("%s", e.text);
  assert_int_equal(right.times, 1);
  assert_int_equal(file_read(&pem, k.link_key, 4096, &e), PARLEY_OK); /* a path that TLS libraries can open */
  assert_non_null(strstr(buf_cstr(&pem), "PRIVATE KEY"));
  struct buf cert = {0};
  assert_int_equal(file_read(&cert, k.link_cert, 4096, &e), PARLEY_OK);
  assert_int_equal(link_cert_pin(pin, buf_view(&cert), &e), PARLEY_OK);
  assert_string_equal(pin, c.link[0]);
  home_keys_free(&k);
  assert_refused(home_keys_load(&k, &p->home, &c, NULL, NULL, &e), PARLEY_ENOTFOUND, e, "statement.pem.age");
  buf_free(&cert);
  buf_free(&pem);
  arena_free(&a);
}

/* "-> scrypt <salt> <work factor>" is the second line of a protected key. */
static void salt_line(char out[static 64], const struct home *home, const char *name) {
  char path[HOME_PATH_MAX + 32];
  struct buf file = {0};
  struct errmsg e;
  struct bytes line, rest;
  snprintf(path, sizeof path, "%s/keys/%s.pem.age", home->dir, name);
  assert_int_equal(file_read(&file, path, 4096, &e), PARLEY_OK);
  rest = buf_view(&file);
  assert_true(bytes_line(&rest, &line) && bytes_line(&rest, &line) && line.n < 64);
  memcpy(out, line.p, line.n);
  out[line.n] = '\0';
  buf_free(&file);
}

/* One passphrase, and yet another salt in every file. */
static void salts_differ(void **state) {
  const struct place *p = *state;
  struct home_new n = plain_home;
  char log[64], mirror[64];
  n.protect_keys = true;
  n.key_passphrase = bytes_str("correct horse");
  make_home(&p->home, &n);
  salt_line(log, &p->home, "log");
  salt_line(mirror, &p->home, "mirror");
  assert_memory_equal(log, "-> scrypt ", 10);
  assert_memory_equal(mirror, "-> scrypt ", 10);
  assert_memory_not_equal(log + 10, mirror + 10, 22);
}

/* A key that was printed, locked away, and typed in again. */
static void a_protected_key_as_armored_text(void **state) {
  const struct place *p = *state;
  struct home_new n = plain_home;
  struct arena a = {0};
  struct card c;
  struct home_keys k;
  struct errmsg e = {""};
  struct buf binary = {0}, text = {0};
  struct asked right = {"correct horse", 0};
  char path[HOME_PATH_MAX + 32];
  n.protect_keys = true;
  n.key_passphrase = bytes_str("correct horse");
  make_home(&p->home, &n);
  read_card(&c, &a, &p->home);
  snprintf(path, sizeof path, "%s/keys/log.pem.age", p->home.dir);
  assert_int_equal(file_read(&binary, path, 4096, &e), PARLEY_OK);
  assert_int_equal(age_armor_write(&text, buf_view(&binary), &e), PARLEY_OK);
  assert_int_equal(file_write(path, buf_view(&text), 0600, &e), PARLEY_OK);
  if (home_keys_load(&k, &p->home, &c, answer, &right, &e)) fail_msg("%s", e.text);
  home_keys_free(&k);
  text.p[100] = '!';
  assert_int_equal(file_write(path, buf_view(&text), 0600, &e), PARLEY_OK);
  assert_refused(home_keys_load(&k, &p->home, &c, answer, &right, &e), PARLEY_EINVAL, e,
                 "log.pem.age: line 3 of the armored");
  buf_free(&binary);
  buf_free(&text);
  arena_free(&a);
}

static void passphrase_from_a_file(void **state) {
  const struct place *p = *state;
  char path[128];
  struct buf out = {0};
  struct errmsg e;
  snprintf(path, sizeof path, "%s/pass", p->dir);
  assert_int_equal(setenv("PARLEY_PASSPHRASE_FILE", path, 1), 0);
  assert_refused(home_passphrase(NULL, "k", &out, &e), PARLEY_ENOTFOUND, e, "PARLEY_PASSPHRASE_FILE");
  assert_int_equal(file_write(path, bytes_str("one two\r\nrest\n"), 0600, &e), PARLEY_OK);
  assert_int_equal(home_passphrase(NULL, "k", &out, &e), PARLEY_OK);
  assert_true(bytes_is(buf_view(&out), "one two"));
  buf_clear(&out);
  assert_int_equal(file_write(path, bytes_str("\n"), 0600, &e), PARLEY_OK);
  assert_refused(home_passphrase(NULL, "k", &out, &e), PARLEY_EINVAL, e, "no passphrase");
  assert_int_equal(unsetenv("PARLEY_PASSPHRASE_FILE"), 0);
  buf_free(&out);
}

static void keys_that_do_not_fit_are_refused(void **state) {
  const struct place *p = *state;
  struct arena a = {0};
  struct card c;
  struct home_keys k;
  struct errmsg e;
  char path[HOME_PATH_MAX];
  make_home(&p->home, &plain_home);
  read_card(&c, &a, &p->home);
  path_of(path, &p->home, "keys/log.pem");
  struct buf log = get_file(&p->home, "keys/log.pem"), mirror = get_file(&p->home, "keys/mirror.pem");

  assert_int_equal(chmod(path, 0640), 0);
  assert_refused(home_keys_load(&k, &p->home, &c, NULL, NULL, &e), PARLEY_EREFUSED, e, "keys/log.pem");
  put_file(&p->home, "keys/log.pem", (char *)mirror.p);
  assert_refused(home_keys_load(&k, &p->home, &c, NULL, NULL, &e), PARLEY_ECONFLICT, e, "keys/log.pem");
  put_file(&p->home, "keys/log.pem", "no key");
  assert_refused(home_keys_load(&k, &p->home, &c, NULL, NULL, &e), PARLEY_EINVAL, e, "keys/log.pem");
  assert_int_equal(unlink(path), 0);
  assert_refused(home_keys_load(&k, &p->home, &c, NULL, NULL, &e), PARLEY_ENOTFOUND, e, "keys/log.pem");
  put_file(&p->home, "keys/log.pem", (char *)log.p);
  path_of(path, &p->home, "keys/seal.duty.txt");
  assert_int_equal(unlink(path), 0);
  assert_refused(home_keys_load(&k, &p->home, &c, NULL, NULL, &e), PARLEY_ENOTFOUND, e, "no seal key");
  put_file(&p->home, "keys/seal.duty.txt", "# nothing\n\n");
  assert_refused(home_keys_load(&k, &p->home, &c, NULL, NULL, &e), PARLEY_EINVAL, e, "seal.duty.txt");
  buf_free(&log);
  buf_free(&mirror);
  arena_free(&a);
}

static void a_certificate_of_another_key_is_refused(void **state) {
  const struct place *p = *state;
  struct arena a = {0};
  struct card c;
  struct home_keys k;
  struct errmsg e;
  struct buf key = {0}, cert = {0};
  char pin[LINK_PIN_SIZE];
  make_home(&p->home, &plain_home);
  read_card(&c, &a, &p->home);
  assert_int_equal(link_cert_make(&key, &cert, pin, "cert.us.example", NOW, 10, &e), PARLEY_OK);
  put_file(&p->home, "keys/link.cert.pem", buf_cstr(&cert));
  assert_refused(home_keys_load(&k, &p->home, &c, NULL, NULL, &e), PARLEY_ECONFLICT, e, "link.cert.pem");
  buf_free(&key);
  buf_free(&cert);
  arena_free(&a);
}

/* ---- pins ---- */

struct seen {
  char names[256];
  struct pin last;
};

static parley_err see(void *ctx, const struct pin *p, struct bytes envelope, struct errmsg *e) {
  struct seen *s = ctx;
  (void)e;
  assert_true(envelope.n > 0);
  strcat(strcat(s->names, p->party), " ");
  s->last = *p;
  return PARLEY_OK;
}

static void pins_in_name_order_with_what_they_rest_on(void **state) {
  const struct place *p = *state;
  struct party one, two;
  struct errmsg e = {""};
  struct seen s = {0};
  uint8_t digest[32];
  bool already = true;
  make_home(&p->home, &plain_home);
  assert_int_equal(home_pins(&p->home, see, &s, &e), PARLEY_OK);
  assert_string_equal(s.names, "");
  party_open(&one, "ncc.ru.example", 1);
  party_open(&two, "cert.de.example", 2);
  const struct bytes note = bytes_str("note verbale no. 7");
  assert_int_equal(
      home_pin(&p->home, buf_view(&one.envelope), one.card.fingerprint, "/mnt/verbale.pdf", note, NOW, &already, &e),
      PARLEY_OK);
  assert_false(already);
  assert_int_equal(
      home_pin(&p->home, buf_view(&two.envelope), two.card.fingerprint, NULL, BYTES_NONE, NOW, &already, &e),
      PARLEY_OK);
  assert_int_equal(
      home_pin(&p->home, buf_view(&one.envelope), one.card.fingerprint, NULL, BYTES_NONE, NOW, &already, &e),
      PARLEY_OK);
  assert_true(already);
  assert_int_equal(home_pins(&p->home, see, &s, &e), PARLEY_OK);
  assert_string_equal(s.names, "cert.de.example ncc.ru.example ");
  sha256(digest, note);
  assert_string_equal(s.last.basis_name, "verbale.pdf");
  assert_memory_equal(s.last.basis_sha256, digest, 32);
  assert_memory_equal(s.last.fingerprint, one.card.fingerprint, 32);
  assert_int_equal(s.last.pinned_at, NOW);
  party_close(&one);
  party_close(&two);
}

static parley_err pin(const struct place *p, const struct party *party, struct errmsg *e) {
  bool already;
  return home_pin(&p->home, buf_view(&party->envelope), party->card.fingerprint, NULL, BYTES_NONE, NOW, &already, e);
}

static void what_must_not_be_pinned(void **state) {
  const struct place *p = *state;
  struct party one, rival, same_keys, self;
  struct errmsg e;
  bool already;
  make_home(&p->home, &plain_home);
  party_open(&one, "ncc.ru.example", 1);
  party_open(&rival, "ncc.ru.example", 2);
  party_open(&same_keys, "other.example", 1);
  party_open(&self, "cert.us.example", 3);
  const struct bytes card = buf_view(&one.envelope);
  assert_refused(home_pin(&p->home, card, rival.card.fingerprint, NULL, BYTES_NONE, NOW, &already, &e), PARLEY_EREFUSED,
                 e, "fingerprint");
  assert_refused(home_pin(&p->home, card, one.card.fingerprint, NULL, BYTES_NONE, one.card.not_after + 1, &already, &e),
                 PARLEY_EREFUSED, e, "ncc.ru.example");
  assert_refused(home_pin(&p->home, card, one.card.fingerprint, "a\nb", bytes_str("x"), NOW, &already, &e),
                 PARLEY_EINVAL, e, "basis");
  assert_refused(pin(p, &self, &e), PARLEY_ECONFLICT, e, "our own name");
  assert_false(there(&p->home, "trust/ncc.ru.example"));
  assert_int_equal(pin(p, &one, &e), PARLEY_OK);
  assert_refused(pin(p, &rival, &e), PARLEY_ECONFLICT, e, "another card");
  assert_refused(pin(p, &same_keys, &e), PARLEY_ECONFLICT, e, "ncc.ru.example");
  party_close(&one);
  party_close(&rival);
  party_close(&same_keys);
  party_close(&self);
}

static void a_damaged_pin_is_named(void **state) {
  const struct place *p = *state;
  struct party one, other;
  struct seen s = {0};
  struct errmsg e;
  bool already;
  make_home(&p->home, &plain_home);
  party_open(&one, "ncc.ru.example", 1);
  party_open(&other, "ncc.ru.example", 2);
  assert_int_equal(
      home_pin(&p->home, buf_view(&one.envelope), one.card.fingerprint, "b", bytes_str("b"), NOW, &already, &e),
      PARLEY_OK);
  put_file(&p->home, "trust/ncc.ru.example/card.json", buf_cstr(&other.envelope));
  assert_refused(home_pins(&p->home, see, &s, &e), PARLEY_EVERIFY, e, "trust/ncc.ru.example");
  put_file(&p->home, "trust/ncc.ru.example/card.json", buf_cstr(&one.envelope));
  put_file(&p->home, "trust/ncc.ru.example/basis", "c");
  assert_refused(home_pins(&p->home, see, &s, &e), PARLEY_EVERIFY, e, "basis");
  put_file(&p->home, "trust/ncc.ru.example/basis", "b");
  assert_int_equal(home_pins(&p->home, see, &s, &e), PARLEY_OK);
  put_file(&p->home, "trust/ncc.ru.example/pin.json", "{}");
  assert_refused(home_pins(&p->home, see, &s, &e), PARLEY_EINVAL, e, "trust/ncc.ru.example");
  party_close(&one);
  party_close(&other);
}

static void a_pin_left_half_made_is_made_again(void **state) {
  const struct place *p = *state;
  struct party one;
  struct errmsg e;
  char path[HOME_PATH_MAX];
  make_home(&p->home, &plain_home);
  party_open(&one, "ncc.ru.example", 1);
  path_of(path, &p->home, "trust/.ncc.ru.example.new");
  assert_int_equal(dir_make(path, &e), PARLEY_OK);
  put_file(&p->home, "trust/.ncc.ru.example.new/basis", "stale");
  struct seen s = {0};
  assert_int_equal(home_pins(&p->home, see, &s, &e), PARLEY_OK);
  assert_string_equal(s.names, "");
  assert_int_equal(pin(p, &one, &e), PARLEY_OK);
  assert_false(there(&p->home, "trust/ncc.ru.example/basis"));
  party_close(&one);
}

/* ---- forms ---- */

static void forms_compiled_in_and_of_the_home(void **state) {
  const struct place *p = *state;
  struct home_forms f;
  struct errmsg e = {""};
  make_home(&p->home, &plain_home);
  put_file(&p->home, "forms/x.drill.json",
           "{\"kind\":\"x.drill\",\"version\":1,\"title\":{\"en\":\"Drill\"},\"fields\":[{\"name\":\"what\",\"type\":"
           "\"line\","
           "\"label\":{\"en\":\"What\"},\"help\":{\"en\":\"What\"},\"source\":\"own\"}]}");
  put_file(&p->home, "forms/README", "not a form");
  if (home_forms_load(&f, &p->home, &e)) fail_msg("%s", e.text);
  assert_int_equal(f.n, embedded_forms_count + 1);
  assert_string_equal(form_kind(f.forms[0]), "x.drill");
  home_forms_free(&f);
  put_file(&p->home, "forms/y.json", "{}");
  assert_int_not_equal(home_forms_load(&f, &p->home, &e), PARLEY_OK);
  assert_non_null(strstr(e.text, "forms/y.json"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(home_at_takes_argument_then_environment),
      cmocka_unit_test_setup_teardown(file_read_keeps_to_its_bound, set_up, tear_down),
      cmocka_unit_test_setup_teardown(file_write_replaces_whole_and_follows_no_link, set_up, tear_down),
      cmocka_unit_test_setup_teardown(config_reads_what_it_writes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(config_fills_what_is_left_out, set_up, tear_down),
      cmocka_unit_test_setup_teardown(config_says_line_and_option, set_up, tear_down),
      cmocka_unit_test_setup_teardown(config_refuses_addresses_that_are_none, set_up, tear_down),
      cmocka_unit_test_setup_teardown(config_takes_whole_proxies_and_hides_their_passwords, set_up, tear_down),
      cmocka_unit_test_setup_teardown(config_takes_witnesses_that_can_be_asked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(init_makes_a_home_that_loads, set_up, tear_down),
      cmocka_unit_test_setup_teardown(init_tells_the_rotation_passphrase_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(init_leaves_nothing_behind_and_nothing_damaged, set_up, tear_down),
      cmocka_unit_test_setup_teardown(init_spares_a_folder_that_holds_something_else, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keys_protected_by_a_passphrase, set_up, tear_down),
      cmocka_unit_test_setup_teardown(salts_differ, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_protected_key_as_armored_text, set_up, tear_down),
      cmocka_unit_test_setup_teardown(passphrase_from_a_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keys_that_do_not_fit_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_certificate_of_another_key_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(pins_in_name_order_with_what_they_rest_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_must_not_be_pinned, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_damaged_pin_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_pin_left_half_made_is_made_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(forms_compiled_in_and_of_the_home, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
