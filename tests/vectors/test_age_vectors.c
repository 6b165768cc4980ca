/* The age test kit of C2SP CCTV: binary files with X25519, scrypt; armor, hybrid and tagged recipients are not ours. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/encoding.h"
#include "formats/age.h"
#include "vectors/vector_file.h"

#define INFLATED_MAX ((size_t)64 << 20)
#define RUN_MIN 60

struct vector {
  char expect[32], payload[65], identity[256], passphrase[256];
  bool compressed, armored, hybrid, unknown;
  struct bytes file;
};

struct counts {
  int run, armored, hybrid, unknown, failed;
};

static void copy_value(char *out, size_t size, struct bytes value) {
  assert_true(value.n < size);
  memcpy(out, value.p, value.n);
  out[value.n] = '\0';
}

static void read_key(struct vector *v, struct bytes key, struct bytes value) {
  if (bytes_is(key, "expect"))
    copy_value(v->expect, sizeof v->expect, value);
  else if (bytes_is(key, "payload"))
    copy_value(v->payload, sizeof v->payload, value);
  else if (bytes_is(key, "passphrase"))
    copy_value(v->passphrase, sizeof v->passphrase, value);
  else if (bytes_is(key, "armored"))
    v->armored = true;
  else if (bytes_is(key, "compressed"))
    v->compressed = true;
  else if (bytes_is(key, "identity") && value.n > 18 && memcmp(value.p, "AGE-SECRET-KEY-PQ-", 18) == 0)
    v->hybrid = true;
  else if (bytes_is(key, "identity"))
    copy_value(v->identity, sizeof v->identity, value);
  else if (!bytes_is(key, "comment") && !bytes_is(key, "file key"))
    v->unknown = true;
}

static void read_vector(struct vector *v, struct bytes text) {
  struct bytes line;
  *v = (struct vector){.unknown = false};
  while (bytes_line(&text, &line) && line.n > 0) {
    size_t colon = bytes_find(line, 0, ':');
    assert_true(colon + 2 <= line.n);
    read_key(v, BYTES(line.p, colon), BYTES(line.p + colon + 2, line.n - colon - 2));
  }
  v->file = text;
}

static void inflate_all(struct buf *out, struct bytes in) {
  z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n};
  uint8_t piece[65536];
  int code = inflateInit(&z);
  while (code == Z_OK && out->n < INFLATED_MAX) {
    z.next_out = piece;
    z.avail_out = sizeof piece;
    code = inflate(&z, Z_NO_FLUSH);
    buf_add(out, piece, sizeof piece - z.avail_out);
  }
  inflateEnd(&z);
  assert_int_equal(code, Z_STREAM_END);
}

static parley_err open_header(size_t *used, uint8_t key[static 32], const struct vector *v, struct bytes file,
                              struct errmsg *e) {
  if (v->passphrase[0] != '\0') return age_open_header_scrypt(used, key, file, bytes_str(v->passphrase), e);
  struct age_identity id;
  assert_int_equal(age_identity_parse(&id, bytes_str(v->identity), e), PARLEY_OK);
  return age_open_header(used, key, file, &id, e);
}

static const char *header_verdict(parley_err code) {
  switch (code) {
  case PARLEY_ENOTFOUND: return "no match";
  case PARLEY_EVERIFY: return "HMAC failure";
  case PARLEY_EINVAL:
  case PARLEY_ELIMIT:
  case PARLEY_EBUSY: /* the file ends inside its header */ return "header failure";
  default: return "?";
  }
}

/* Feeds the payload in pieces of the given size; the plaintext released until then is in out. */
static parley_err open_payload(struct buf *out, const uint8_t key[static 32], struct bytes in, size_t piece,
                               struct errmsg *e) {
  struct age_reader r;
  age_reader_init(&r, key);
  parley_err code = PARLEY_OK;
  while (code == PARLEY_OK && in.n > 0) {
    size_t n = in.n < piece ? in.n : piece;
    code = age_reader_feed(&r, BYTES(in.p, n), out, e);
    in = BYTES(in.p + n, in.n - n);
  }
  if (code == PARLEY_OK) code = age_reader_finish(&r, out, e);
  age_reader_free(&r);
  return code;
}

static bool payload_matches(const struct vector *v, struct bytes plain) {
  uint8_t digest[SHA256_SIZE];
  char hex[65];
  sha256(digest, plain);
  hex_encode(hex, BYTES(digest, sizeof digest));
  return strcmp(hex, v->payload) == 0;
}

/* age_open must agree with the streaming verdict and, on success, give the same bytes. */
static bool whole_file_agrees(const struct vector *v, struct bytes file, const char *verdict, struct bytes plain) {
  struct buf out = {0};
  parley_err code;
  if (v->passphrase[0] != '\0') {
    code = age_open_scrypt(&out, file, bytes_str(v->passphrase), NULL);
  } else {
    struct age_identity id;
    assert_int_equal(age_identity_parse(&id, bytes_str(v->identity), NULL), PARLEY_OK);
    code = age_open(&out, file, &id, NULL);
  }
  bool success = strcmp(verdict, "success") == 0;
  bool ok = success ? code == PARLEY_OK && bytes_eq(buf_view(&out), plain) : code != PARLEY_OK && out.n == 0;
  buf_free(&out);
  return ok;
}

static bool run_file(const char *name, const struct vector *v, struct bytes file) {
  static const size_t pieces[] = {SIZE_MAX, 65536, 65552, 4099};
  size_t used = 0;
  uint8_t key[32];
  struct errmsg e = {""};
  parley_err code = open_header(&used, key, v, file, &e);
  const char *verdict = code == PARLEY_OK ? "" : header_verdict(code);
  struct buf plain = {0};
  bool ok = true;
  for (size_t i = 0; code == PARLEY_OK && i < sizeof pieces / sizeof pieces[0]; i++) {
    buf_clear(&plain);
    parley_err got = open_payload(&plain, key, BYTES(file.p + used, file.n - used), pieces[i], &e);
    verdict = got == PARLEY_OK ? "success" : "payload failure";
    ok = ok && payload_matches(v, buf_view(&plain)) && strcmp(verdict, v->expect) == 0;
  }
  ok = ok && strcmp(verdict, v->expect) == 0 && whole_file_agrees(v, file, verdict, buf_view(&plain));
  if (!ok) printf("%s: expected %s, got %s (%s)\n", name, v->expect, verdict, e.text);
  buf_free(&plain);
  return ok;
}

static void run_vector(struct counts *c, const char *folder, const char *name) {
  char path[VECTOR_PATH_SIZE];
  struct buf text = {0}, inflated = {0};
  struct vector v;
  assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
  assert_true(vector_read(&text, path));
  read_vector(&v, buf_view(&text));
  if (v.armored) {
    c->armored++;
  } else if (v.hybrid) {
    c->hybrid++;
  } else if (v.unknown || (v.identity[0] == '\0' && v.passphrase[0] == '\0')) {
    c->unknown++;
  } else {
    if (v.compressed) inflate_all(&inflated, v.file);
    c->run++;
    c->failed += run_file(name, &v, v.compressed ? buf_view(&inflated) : v.file) ? 0 : 1;
  }
  buf_free(&text);
  buf_free(&inflated);
}

static void test_age_kit(void **state) {
  (void)state;
  char folder[VECTOR_PATH_SIZE];
  if (!vector_path(folder, "age/testdata")) skip();
  struct counts c = {0};
  DIR *d = opendir(folder);
  assert_non_null(d);
  for (struct dirent *entry; (entry = readdir(d)) != NULL;)
    if (entry->d_name[0] != '.') run_vector(&c, folder, entry->d_name);
  closedir(d);
  printf("age vectors: %d run; skipped: %d armored, %d with a hybrid identity, %d with an unknown key or none\n", c.run,
         c.armored, c.hybrid, c.unknown);
  assert_int_equal(c.failed, 0);
  assert_true(c.run >= RUN_MIN);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_age_kit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
