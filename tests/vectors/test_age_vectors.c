/* The age test kit of C2SP CCTV: binary and armored files with X25519 and scrypt; no hybrid identities. */
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
#include "formats/age_armor.h"
#include "vectors/vector_file.h"

#define INFLATED_MAX ((size_t)64 << 20)
#define SECRETS_MAX 2

/* The kit as it stands: whoever brings a newer one counts anew. */
#define RUN 124
#define RUN_ARMORED 32
#define SKIPPED_HYBRID 19

/* What opens a file. */
struct secret {
  bool is_passphrase;
  char text[256];
};

struct vector {
  char expect[32], payload[65];
  struct secret secrets[SECRETS_MAX]; /* each of them must lead to what is expected */
  size_t n_secrets;
  bool compressed, armored, hybrid;
  struct bytes file;
};

struct counts {
  int run, armored, hybrid, failed;
};

static void copy_value(char *out, size_t size, struct bytes value) {
  assert_true(value.n < size);
  memcpy(out, value.p, value.n);
  out[value.n] = '\0';
}

static void add_secret(struct vector *v, bool is_passphrase, struct bytes value) {
  assert_true(v->n_secrets < SECRETS_MAX);
  struct secret *s = &v->secrets[v->n_secrets++];
  s->is_passphrase = is_passphrase;
  copy_value(s->text, sizeof s->text, value);
}

static void read_key(struct vector *v, struct bytes key, struct bytes value) {
  if (bytes_is(key, "expect"))
    copy_value(v->expect, sizeof v->expect, value);
  else if (bytes_is(key, "payload"))
    copy_value(v->payload, sizeof v->payload, value);
  else if (bytes_is(key, "passphrase"))
    add_secret(v, true, value);
  else if (bytes_is(key, "armored"))
    v->armored = true;
  else if (bytes_is(key, "compressed"))
    v->compressed = true;
  else if (bytes_is(key, "identity") && value.n > 18 && memcmp(value.p, "AGE-SECRET-KEY-PQ-", 18) == 0)
    v->hybrid = true;
  else if (bytes_is(key, "identity"))
    add_secret(v, false, value);
  else if (!bytes_is(key, "comment") && !bytes_is(key, "file key"))
    fail_msg("a vector has a key that this test does not know");
}

static void read_vector(struct vector *v, struct bytes text) {
  struct bytes line;
  *v = (struct vector){.n_secrets = 0};
  while (bytes_line(&text, &line) && line.n > 0) {
    size_t colon = bytes_find(line, 0, ':');
    assert_true(colon + 2 <= line.n);
    read_key(v, BYTES(line.p, colon), BYTES(line.p + colon + 2, line.n - colon - 2));
  }
  v->file = text;
  if (v->n_secrets > 0 || v->hybrid) return;
  struct age_identity any; /* the file is refused before anything is tried */
  const uint8_t secret[X25519_SIZE] = {1};
  struct buf b = {0};
  assert_true(age_identity_from_secret(&any, secret));
  age_identity_write(&b, &any);
  add_secret(v, false, buf_view(&b));
  buf_free(&b);
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

static parley_err open_header(size_t *used, uint8_t key[static 32], const struct secret *s, struct bytes file,
                              struct errmsg *e) {
  if (s->is_passphrase) return age_open_header_scrypt(used, key, file, bytes_str(s->text), e);
  struct age_identity id;
  assert_int_equal(age_identity_parse(&id, bytes_str(s->text), e), PARLEY_OK);
  return age_open_header(used, key, file, &id, e);
}

static parley_err open_whole(struct buf *out, const struct secret *s, struct bytes file) {
  if (s->is_passphrase) return age_open_scrypt(out, file, bytes_str(s->text), NULL);
  struct age_identity id;
  assert_int_equal(age_identity_parse(&id, bytes_str(s->text), NULL), PARLEY_OK);
  return age_open(out, file, &id, NULL);
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
static bool whole_file_agrees(const struct secret *s, struct bytes file, const char *verdict, struct bytes plain) {
  struct buf out = {0};
  parley_err code = open_whole(&out, s, file);
  bool success = strcmp(verdict, "success") == 0;
  bool ok = success ? code == PARLEY_OK && bytes_eq(buf_view(&out), plain) : code != PARLEY_OK && out.n == 0;
  buf_free(&out);
  return ok;
}

static bool run_file(const char *name, const struct vector *v, const struct secret *s, struct bytes file) {
  static const size_t pieces[] = {SIZE_MAX, 65536, 65552, 4099};
  size_t used = 0;
  uint8_t key[32];
  struct errmsg e = {""};
  parley_err code = open_header(&used, key, s, file, &e);
  const char *verdict = code == PARLEY_OK ? "" : header_verdict(code);
  struct buf plain = {0};
  bool ok = true;
  for (size_t i = 0; code == PARLEY_OK && i < sizeof pieces / sizeof pieces[0]; i++) {
    buf_clear(&plain);
    parley_err got = open_payload(&plain, key, BYTES(file.p + used, file.n - used), pieces[i], &e);
    verdict = got == PARLEY_OK ? "success" : "payload failure";
    ok = ok && payload_matches(v, buf_view(&plain)) && strcmp(verdict, v->expect) == 0;
  }
  ok = ok && strcmp(verdict, v->expect) == 0 && whole_file_agrees(s, file, verdict, buf_view(&plain));
  if (!ok) printf("%s: expected %s, got %s (%s)\n", name, v->expect, verdict, e.text);
  buf_free(&plain);
  return ok;
}

/* What armor gives and takes: one text for one file, but for white space around it and CRLF. */
static bool armor_round_trip(struct bytes armored, struct bytes file) {
  struct buf again = {0}, same = {0}, lines = {0};
  assert_int_equal(age_armor_write(&again, file, NULL), PARLEY_OK);
  for (size_t i = 0; i < armored.n; i++)
    if (armored.p[i] != '\r') buf_u8(&lines, armored.p[i]);
  bool ok = age_armor_read(&same, buf_view(&again), NULL) == PARLEY_OK && bytes_eq(buf_view(&same), file);
  ok = ok && age_armored(armored) && strstr(buf_cstr(&lines), "\n-----END") != NULL;
  size_t from = 0;
  while (from < lines.n && lines.p[from] != '-') from++;
  size_t n = again.n - 1 < lines.n - from ? again.n - 1 : lines.n - from; /* the last line may lack its end */
  ok = ok && n == again.n - 1 && memcmp(lines.p + from, again.p, n) == 0;
  buf_free(&again);
  buf_free(&same);
  buf_free(&lines);
  return ok;
}

static bool run_secrets(const char *name, const struct vector *v, struct bytes file) {
  bool ok = true;
  for (size_t i = 0; i < v->n_secrets; i++) ok = run_file(name, v, &v->secrets[i], file) && ok;
  return ok;
}

static bool run_armored(const char *name, const struct vector *v, struct bytes text) {
  struct buf file = {0};
  struct errmsg e = {""};
  parley_err code = age_armor_read(&file, text, &e);
  bool expected = strcmp(v->expect, "armor failure") != 0, ok = (code == PARLEY_OK) == expected;
  if (!ok) printf("%s: expected %s (%s)\n", name, v->expect, e.text);
  if (ok && expected) ok = run_secrets(name, v, buf_view(&file)) && armor_round_trip(text, buf_view(&file));
  if (!expected) ok = ok && code == PARLEY_EINVAL && file.n == 0;
  buf_free(&file);
  return ok;
}

static void run_vector(struct counts *c, const char *folder, const char *name) {
  char path[VECTOR_PATH_SIZE];
  struct buf text = {0}, inflated = {0};
  struct vector v;
  assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
  assert_true(vector_read(&text, path));
  read_vector(&v, buf_view(&text));
  if (v.hybrid) {
    printf("skipped %s: a hybrid identity\n", name);
    c->hybrid++;
  } else {
    if (v.compressed) inflate_all(&inflated, v.file);
    struct bytes file = v.compressed ? buf_view(&inflated) : v.file;
    c->run++;
    c->armored += v.armored;
    c->failed += (v.armored ? run_armored(name, &v, file) : run_secrets(name, &v, file)) ? 0 : 1;
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
  printf("age vectors: %d run, %d of them armored; skipped: %d with a hybrid identity\n", c.run, c.armored, c.hybrid);
  assert_int_equal(c.failed, 0);
  assert_int_equal(c.run, RUN);
  assert_int_equal(c.armored, RUN_ARMORED);
  assert_int_equal(c.hybrid, SKIPPED_HYBRID);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_age_kit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
