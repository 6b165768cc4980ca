/*
 * Signs and verifies DSSE envelopes with the same functions as parley, for the scripts that ask other implementations.
 *   interop-dsse pae TYPE                   <payload >what is signed
 *   interop-dsse public SEED...             the public keys of Ed25519 seeds, all in hex, one a line
 *   interop-dsse sign TYPE SEED...          <payload >envelope   signed by all of them, in this order
 *   interop-dsse verify TYPE PUBLIC...      <envelope >payload   signed by these, in this order, and by nobody else
 * Exit: 0, 1 refused (the reason on standard error), 2 usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "formats/dsse.h"

#define INPUT_MAX ((size_t)1 << 20)

static parley_err read_all(struct buf *out, struct errmsg *e) {
  uint8_t piece[4096];
  size_t n;
  while ((n = fread(piece, 1, sizeof piece, stdin)) > 0) {
    if (out->n + n > INPUT_MAX) return err_set(e, PARLEY_ELIMIT, "over %zu bytes", INPUT_MAX);
    buf_add(out, piece, n);
  }
  return out->failed ? err_set(e, PARLEY_ENOMEM, "out of memory") : PARLEY_OK;
}

static parley_err read_hex(uint8_t out[static 32], const char *text, struct errmsg *e) {
  if (strlen(text) == 64 && hex_decode(out, 32, bytes_str(text))) return PARLEY_OK;
  return err_set(e, PARLEY_EINVAL, "%s: not 64 hex digits", text);
}

static parley_err public_keys(struct buf *out, char **seeds, struct errmsg *e) {
  for (; *seeds != NULL; seeds++) {
    uint8_t seed[32];
    struct ed25519_key *key;
    parley_err rc = read_hex(seed, *seeds, e);
    if (rc == PARLEY_OK) rc = ed25519_from_seed(&key, seed, e);
    if (rc != PARLEY_OK) return rc;
    char hex[2 * ED25519_KEY_SIZE + 1];
    hex_encode(hex, BYTES(ed25519_public(key), ED25519_KEY_SIZE));
    buf_str(out, hex);
    buf_str(out, "\n");
    ed25519_free(key);
  }
  return PARLEY_OK;
}

static parley_err sign(struct buf *out, const char *type, char **seeds, struct bytes payload, struct errmsg *e) {
  static struct dsse_sig sigs[DSSE_SIGS_MAX];
  struct dsse d = {.type = bytes_str(type), .payload = payload, .sigs = sigs};
  struct buf pae = {0};
  parley_err rc = PARLEY_OK;
  dsse_pae(&pae, d.type, payload);
  for (; rc == PARLEY_OK && seeds[d.n] != NULL && d.n < DSSE_SIGS_MAX; d.n++) {
    uint8_t seed[32];
    struct ed25519_key *key;
    rc = read_hex(seed, seeds[d.n], e);
    if (rc == PARLEY_OK) rc = ed25519_from_seed(&key, seed, e);
    if (rc != PARLEY_OK) break;
    ed25519_keyid(sigs[d.n].keyid, ed25519_public(key));
    ed25519_sign(sigs[d.n].sig, key, buf_view(&pae));
    ed25519_free(key);
  }
  buf_free(&pae);
  if (rc == PARLEY_OK) dsse_write(out, &d);
  return rc;
}

static parley_err verify(struct buf *out, const char *type, char **keys, struct bytes in, struct errmsg *e) {
  struct arena a = {0};
  struct dsse d;
  size_t n = 0;
  parley_err rc = dsse_parse(&d, &a, in, INPUT_MAX, e);
  if (rc == PARLEY_OK && !bytes_is(d.type, type)) rc = err_set(e, PARLEY_EVERIFY, "an envelope of another type");
  for (; rc == PARLEY_OK && keys[n] != NULL; n++) {
    uint8_t key[32];
    rc = read_hex(key, keys[n], e);
    if (rc == PARLEY_OK && (n >= d.n || dsse_signed_by(&d, n, key) != PARLEY_OK))
      rc = err_set(e, PARLEY_EVERIFY, "signature %zu is not by %s", n, keys[n]);
  }
  if (rc == PARLEY_OK && n != d.n) rc = err_set(e, PARLEY_EVERIFY, "%zu signatures, not %zu", d.n, n);
  if (rc == PARLEY_OK) buf_add(out, d.payload.p, d.payload.n);
  arena_free(&a);
  return rc;
}

int main(int argc, char **argv) {
  struct buf in = {0}, out = {0};
  struct errmsg e;
  const char *verb = argc > 2 ? argv[1] : "";
  parley_err rc = strcmp(verb, "public") == 0 ? public_keys(&out, argv + 2, &e) : read_all(&in, &e);
  if (rc == PARLEY_OK && strcmp(verb, "pae") == 0) {
    dsse_pae(&out, bytes_str(argv[2]), buf_view(&in));
  } else if (rc == PARLEY_OK && strcmp(verb, "sign") == 0) {
    rc = sign(&out, argv[2], argv + 3, buf_view(&in), &e);
  } else if (rc == PARLEY_OK && strcmp(verb, "verify") == 0) {
    rc = verify(&out, argv[2], argv + 3, buf_view(&in), &e);
  } else if (rc == PARLEY_OK && strcmp(verb, "public") != 0) {
    fprintf(stderr, "interop-dsse: see tests/interop/dsse.c\n");
    return 2;
  }
  if (rc != PARLEY_OK) fprintf(stderr, "%s\n", e.text);
  if (rc == PARLEY_OK && (out.failed || fwrite(out.p, 1, out.n, stdout) != out.n)) rc = PARLEY_EIO;
  buf_free(&in);
  buf_free(&out);
  return rc == PARLEY_OK ? 0 : 1;
}
