/*
 * Seals and opens age files with the same functions as parley, for the scripts that ask other implementations of age.
 *   interop-age [-p PIECE] open IDENTITY-FILE             <sealed >plain
 *   interop-age open-pass PASSPHRASE                      <sealed >plain
 *   interop-age [-a] [-p PIECE] seal RECIPIENT...         <plain >sealed   with fixed keys: the same bytes every time
 *   interop-age [-a] seal-pass PASSPHRASE LOG-N           <plain >sealed   with fixed keys and salt
 * -p: in pieces of PIECE bytes, as files are; else as a whole. -a: armored; what is opened may be armored or not.
 * Exit: 0, 1 refused (the reason on standard error), 2 usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/age.h"
#include "formats/age_armor.h"

#define SEALED_MAX (8u << 20)

static parley_err read_all(struct buf *out, FILE *f, struct errmsg *e) {
  uint8_t piece[4096];
  size_t n;
  while ((n = fread(piece, 1, sizeof piece, f)) > 0) {
    if (out->n + n > SEALED_MAX) return err_set(e, PARLEY_ELIMIT, "over %u bytes", SEALED_MAX);
    buf_add(out, piece, n);
  }
  return out->failed ? err_set(e, PARLEY_ENOMEM, "out of memory") : PARLEY_OK;
}

/* The first line of an identity file that is no comment. */
static parley_err read_identity(struct age_identity *out, const char *path, struct errmsg *e) {
  char line[512];
  FILE *f = fopen(path, "r");
  if (f == NULL) return err_set(e, PARLEY_EIO, "%s: cannot be read", path);
  parley_err rc = err_set(e, PARLEY_ENOTFOUND, "%s: no identity", path);
  while (fgets(line, sizeof line, f) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0') continue;
    rc = age_identity_parse(out, bytes_str(line), e);
    break;
  }
  fclose(f);
  return rc;
}

static parley_err open_pieces(struct buf *out, struct bytes sealed, const struct age_identity *id, size_t piece,
                              struct errmsg *e) {
  uint8_t key[32];
  size_t used;
  struct age_reader r;
  parley_err rc = age_open_header(&used, key, sealed, id, e);
  if (rc != PARLEY_OK) return rc;
  age_reader_init(&r, key);
  for (size_t at = used; rc == PARLEY_OK && at < sealed.n; at += piece)
    rc = age_reader_feed(&r, BYTES(sealed.p + at, sealed.n - at < piece ? sealed.n - at : piece), out, e);
  if (rc == PARLEY_OK) rc = age_reader_finish(&r, out, e);
  age_reader_free(&r);
  return rc;
}

static parley_err open_file(struct buf *out, struct bytes in, const char *path, size_t piece, struct errmsg *e) {
  struct age_identity id;
  const parley_err rc = read_identity(&id, path, e);
  if (rc != PARLEY_OK) return rc;
  return piece > 0 ? open_pieces(out, in, &id, piece, e) : age_open(out, in, &id, e);
}

static parley_err seal_pieces(struct buf *out, struct bytes plain, const uint8_t (*to)[X25519_SIZE], size_t n,
                              const struct age_random *random, size_t piece, struct errmsg *e) {
  uint8_t key[32];
  struct age_writer w;
  parley_err rc = age_header(out, key, to, n, random, e);
  if (rc != PARLEY_OK) return rc;
  age_writer_init(&w, key);
  for (size_t at = 0; rc == PARLEY_OK && at < plain.n; at += piece)
    rc = age_writer_feed(&w, BYTES(plain.p + at, plain.n - at < piece ? plain.n - at : piece), out, e);
  if (rc == PARLEY_OK) rc = age_writer_finish(&w, out, e);
  age_writer_free(&w);
  return rc;
}

static parley_err seal(struct buf *out, struct bytes plain, char **recipients, size_t piece, struct errmsg *e) {
  static uint8_t to[AGE_RECIPIENTS_MAX][X25519_SIZE], ephemeral[AGE_RECIPIENTS_MAX * X25519_SIZE];
  const struct age_random random = {.file_key = {1}, .nonce = {2}, .ephemeral = ephemeral};
  size_t n = 0;
  for (; recipients[n] != NULL && n < AGE_RECIPIENTS_MAX; n++) {
    const parley_err rc = age_recipient_parse(to[n], bytes_str(recipients[n]), e);
    if (rc != PARLEY_OK) return rc;
    memset(ephemeral + n * X25519_SIZE, (int)n + 1, X25519_SIZE);
  }
  return piece > 0 ? seal_pieces(out, plain, to, n, &random, piece, e) : age_seal(out, to, n, &random, plain, e);
}

static parley_err seal_pass(struct buf *out, struct bytes in, char **arg, struct errmsg *e) {
  struct age_random r = {.file_key = {1}, .nonce = {2}};
  const uint8_t salt[16] = {3};
  return age_seal_scrypt(out, bytes_str(arg[0]), salt, (unsigned)strtoul(arg[1], NULL, 10), &r, in, e);
}

static parley_err run(struct buf *out, struct bytes in, int argc, char **argv, size_t piece, struct errmsg *e) {
  const char *verb = argc > 1 ? argv[0] : "";
  if (strcmp(verb, "open") == 0) return open_file(out, in, argv[1], piece, e);
  if (strcmp(verb, "open-pass") == 0) return age_open_scrypt(out, in, bytes_str(argv[1]), e);
  if (strcmp(verb, "seal") == 0) return seal(out, in, argv + 1, piece, e);
  if (strcmp(verb, "seal-pass") == 0 && argc == 3) return seal_pass(out, in, argv + 1, e);
  fprintf(stderr, "interop-age: see tests/interop/age.c\n");
  exit(2);
}

int main(int argc, char **argv) {
  struct buf in = {0}, file = {0}, out = {0}, text = {0};
  struct errmsg e;
  size_t piece = 0;
  bool armor = false;
  for (int option; (option = getopt(argc, argv, "ap:")) != -1;) {
    if (option == '?') return 2;
    if (option == 'a') armor = true;
    if (option == 'p') piece = strtoul(optarg, NULL, 10);
  }
  parley_err rc = read_all(&in, stdin, &e);
  struct bytes given = buf_view(&in);
  const bool opening = optind < argc && strncmp(argv[optind], "open", 4) == 0;
  if (rc == PARLEY_OK && opening && age_armored(given)) {
    rc = age_armor_read(&file, given, &e);
    given = buf_view(&file);
  }
  if (rc == PARLEY_OK) rc = run(&out, given, argc - optind, argv + optind, piece, &e);
  if (rc == PARLEY_OK && armor) rc = age_armor_write(&text, buf_view(&out), &e);
  const struct buf *result = armor ? &text : &out;
  if (rc != PARLEY_OK) fprintf(stderr, "%s\n", e.text);
  if (rc == PARLEY_OK && fwrite(result->p, 1, result->n, stdout) != result->n) rc = PARLEY_EIO;
  buf_free(&in);
  buf_free(&file);
  buf_free(&out);
  buf_free(&text);
  return rc == PARLEY_OK ? 0 : 1;
}
