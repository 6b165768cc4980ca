/*
 * Opens files that the age command sealed, with the same functions as parley: tests/interop/debian-age.sh.
 *   interop-age open IDENTITY-FILE [PIECE]   <sealed >plain   in pieces of PIECE bytes, as files are read; else as a whole
 *   interop-age open-pass PASSPHRASE         <sealed >plain
 *   interop-age seal-pass PASSPHRASE LOG-N   <plain >sealed   with fixed salt and keys
 * Exit: 0, 1 refused (the reason on standard error), 2 usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/age.h"

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

static parley_err open_file(struct buf *out, struct bytes in, char **arg, struct errmsg *e) {
  struct age_identity id;
  const parley_err rc = read_identity(&id, arg[0], e);
  if (rc != PARLEY_OK) return rc;
  const size_t piece = arg[1] != NULL ? strtoul(arg[1], NULL, 10) : 0;
  return piece > 0 ? open_pieces(out, in, &id, piece, e) : age_open(out, in, &id, e);
}

static parley_err seal_pass(struct buf *out, struct bytes in, char **arg, struct errmsg *e) {
  struct age_random r = {.file_key = {1}, .nonce = {2}};
  const uint8_t salt[16] = {3};
  return age_seal_scrypt(out, bytes_str(arg[0]), salt, (unsigned)strtoul(arg[1], NULL, 10), &r, in, e);
}

int main(int argc, char **argv) {
  struct buf in = {0}, out = {0};
  struct errmsg e;
  const char *verb = argc > 2 ? argv[1] : "";
  parley_err rc = read_all(&in, stdin, &e);
  if (rc == PARLEY_OK && strcmp(verb, "open") == 0) {
    rc = open_file(&out, buf_view(&in), argv + 2, &e);
  } else if (rc == PARLEY_OK && strcmp(verb, "open-pass") == 0) {
    rc = age_open_scrypt(&out, buf_view(&in), bytes_str(argv[2]), &e);
  } else if (rc == PARLEY_OK && strcmp(verb, "seal-pass") == 0 && argc > 3) {
    rc = seal_pass(&out, buf_view(&in), argv + 2, &e);
  } else if (rc == PARLEY_OK) {
    fprintf(stderr, "interop-age: see tests/interop/age.c\n");
    return 2;
  }
  if (rc != PARLEY_OK) fprintf(stderr, "%s\n", e.text);
  if (rc == PARLEY_OK && fwrite(out.p, 1, out.n, stdout) != out.n) rc = PARLEY_EIO;
  buf_free(&in);
  buf_free(&out);
  return rc == PARLEY_OK ? 0 : 1;
}
