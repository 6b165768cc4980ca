/*
 * The files of a home: the first byte says which one the rest of the input is. Reading it ends in success or in a
 * sentence. A slot of the signer's memory gets its checksum, so that what stands behind it is reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/memory_file.h"
#include "home/home.h"

#define PIN_FOLDER "trust/ncc.ru.example"
#define ORIGIN "cert.us.example/f/0"
#define SLOT 512

enum { CONF, PIN, PIN_CARD, FORM, STATEMENT_KEY, SEAL_KEY, LINK_KEY, LINK_CERT, MEMORY, FILES };

static struct home home;
static char memory_path[HOME_PATH_MAX];

static void must(bool x) {
  if (!x) abort();
}

static void path_of(char out[static HOME_PATH_MAX], const char *name) { must(home_path(&home, out, name)); }

static void put(const char *path, struct bytes b) {
  FILE *f = fopen(path, "wb");
  must(f != NULL && (b.n == 0 || fwrite(b.p, 1, b.n, f) == b.n) && fclose(f) == 0 && chmod(path, 0600) == 0);
}

static void clean_up(void) {
  char command[HOME_PATH_MAX + 16];
  snprintf(command, sizeof command, "rm -rf -- '%s'", home.dir);
  if (system(command) != 0) fputs("the folder stays\n", stderr);
}

/* A home as parley init makes it, with a pin and an empty place for each file that is tried. */
static void make_home(void) {
  char dir[64], path[HOME_PATH_MAX];
  struct buf made = {0};
  uint8_t digest[SHA256_SIZE];
  char hex[2 * SHA256_SIZE + 1] = "";
  strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/parley-home-XXXXXX" : "/tmp/parley-home-XXXXXX");
  must(mkdtemp(dir) != NULL);
  snprintf(path, sizeof path, "%s/home", dir);
  must(home_at(&home, path, NULL) == PARLEY_OK);
  setenv("PARLEY_SCRYPT_LOG_N", "10", 1);
  const struct home_new n = {.name = "cert.us.example", .listen = "127.0.0.1:7411", .now = 1795500000};
  must(home_init(&home, &n, &made, NULL) == PARLEY_OK);
  buf_free(&made);
  static const char *const folders[] = {"trust", PIN_FOLDER, "forms", "signer"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    path_of(path, folders[i]);
    must(mkdir(path, 0700) == 0 || access(path, F_OK) == 0);
  }
  sha256(digest, bytes_str(ORIGIN));
  for (size_t i = 0; i < SHA256_SIZE; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
  snprintf(path, sizeof path, "signer/%s.log", hex);
  path_of(memory_path, path);
  atexit(clean_up);
}

static parley_err ignore_pin(void *ctx, const struct pin *p, struct bytes card, struct errmsg *e) {
  (void)ctx, (void)p, (void)card, (void)e;
  return PARLEY_OK;
}

/* Writes the input in the place of `name`, lets it be read, and puts back what stood there. */
static void instead(const char *name, struct bytes in, parley_err (*read)(struct errmsg *e)) {
  char path[HOME_PATH_MAX];
  struct buf before = {0};
  struct errmsg e = {{0}};
  path_of(path, name);
  const bool there = file_read(&before, path, 1 << 20, NULL) == PARLEY_OK;
  put(path, in);
  if (read(&e)) must(e.text[0] != '\0');
  if (there)
    put(path, buf_view(&before));
  else
    unlink(path);
  buf_free(&before);
}

static parley_err read_config(struct errmsg *e) {
  struct config c;
  const parley_err err = config_read(&c, &home, e);
  struct buf text = {0};
  if (!err) config_write(&text, &c);
  buf_free(&text);
  return err;
}

static parley_err read_pins(struct errmsg *e) { return home_pins(&home, ignore_pin, NULL, e); }

static parley_err read_forms(struct errmsg *e) {
  struct home_forms f;
  const parley_err err = home_forms_load(&f, &home, e);
  if (!err) home_forms_free(&f);
  return err;
}

static parley_err read_keys(struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  struct arena a = {0};
  struct card own;
  struct home_keys k;
  bool unproved;
  path_of(path, "card.json");
  must(file_read(&text, path, CARD_SIZE_MAX, NULL) == PARLEY_OK);
  must(card_parse(&own, &a, buf_view(&text), NULL, &unproved, NULL) == PARLEY_OK);
  const parley_err err = home_keys_load(&k, &home, &own, NULL, NULL, e);
  if (!err) home_keys_free(&k);
  buf_free(&text);
  arena_free(&a);
  return err;
}

static void try_memory(struct bytes in) {
  uint8_t file[4096 + SLOT] = {0};
  char dir[HOME_PATH_MAX];
  struct memory_file *m;
  struct signed_tree t;
  struct errmsg e = {{0}};
  memcpy(file, in.p, in.n < SLOT ? in.n : SLOT);
  if (in.n > SLOT) memcpy(file + 4096, in.p + SLOT, in.n - SLOT < SLOT ? in.n - SLOT : SLOT);
  for (size_t at = 0; at <= 4096; at += 4096)
    sha256(file + at + SLOT - SHA256_SIZE, BYTES(file + at, SLOT - SHA256_SIZE));
  put(memory_path, BYTES(file, in.n % 2 ? sizeof file : in.n < sizeof file ? in.n : sizeof file));
  path_of(dir, "signer");
  must(memory_file_open(&m, dir, NULL) == PARLEY_OK);
  const struct signer_memory memory = memory_file_memory(m);
  if (memory.load(memory.ctx, ORIGIN, SIGNER_LOG, &t, &e) == PARLEY_OK) {
    must(memory.save(memory.ctx, ORIGIN, SIGNER_LOG, &(struct signed_tree){7, {{1}}}, &e) == PARLEY_OK);
    must(memory.load(memory.ctx, ORIGIN, SIGNER_LOG, &t, &e) == PARLEY_OK && t.size == 7);
  } else {
    must(e.text[0] != '\0');
  }
  memory_file_close(m);
  unlink(memory_path);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  if (!home.dir[0]) make_home();
  if (n == 0) return 0;
  const struct bytes in = BYTES(p + 1, n - 1);
  switch (p[0] % FILES) {
  case CONF: instead("parley.conf", in, read_config); break;
  case PIN: instead(PIN_FOLDER "/pin.json", in, read_pins); break;
  case PIN_CARD: instead(PIN_FOLDER "/card.json", in, read_pins); break;
  case FORM: instead("forms/a.json", in, read_forms); break;
  case STATEMENT_KEY: instead("keys/statement.pem", in, read_keys); break;
  case SEAL_KEY: instead("keys/seal.duty.txt", in, read_keys); break;
  case LINK_KEY: instead("keys/link.key.pem", in, read_keys); break;
  case LINK_CERT: instead("keys/link.cert.pem", in, read_keys); break;
  default: try_memory(in); break;
  }
  return 0;
}
