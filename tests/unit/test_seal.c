/*
 * Sealed bodies: the plaintext's form, who can open them, that the seed rebuilds them, and how much fits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/encoding.h"
#include "forum/statement.h"
#include "unit/parties.h"

static struct arena arena;

static int tear_down(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static struct age_identity identity(uint8_t number) {
  struct age_identity id;
  uint8_t secret[32];
  memset(secret, number, sizeof secret);
  assert_true(age_identity_from_secret(&id, secret));
  return id;
}

static const uint8_t (*recipients(size_t n))[X25519_SIZE] {
  static uint8_t keys[STATEMENT_TO_MAX + 2][X25519_SIZE];
  for (size_t i = 0; i < n; i++) memcpy(keys[i], identity((uint8_t)(i + 1)).pub, X25519_SIZE);
  return (const uint8_t(*)[X25519_SIZE])keys;
}

static struct plain sample(void) {
  struct plain p = {.n_files = 2};
  memset(p.seed, 0x5e, SEED_SIZE);
  p.body = json_pack("{s:s,s:[i,b]}", "title", "Отчёт \"1\"", "list", 1, 1);
  assert_non_null(p.body);
  p.files[0] = (struct plain_file){.name = "поток 1.tsv", .type = "text/tab-separated-values", .size = 1050080};
  p.files[1] = (struct plain_file){.name = "a", .type = "text/plain; charset=utf-8", .size = 0};
  memset(p.files[0].sha256, 0xab, 32);
  return p;
}

static void test_plain_round_trip(void **state) {
  (void)state;
  struct errmsg e = {""};
  struct plain p = sample(), q;
  struct buf text = {0}, again = {0};
  assert_int_equal(plain_write(&text, &p, &e), PARLEY_OK);
  const char *start = "{\"seed\":\"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl4=\",\"body\":{\"title\":\"Отчёт "
                      "\\\"1\\\"\",\"list\":[1,true]},\"files\":[{\"name\":\"поток "
                      "1.tsv\",\"type\":\"text/tab-separated-values\",\"size\":1050080,\"sha256\":\"abab";
  assert_memory_equal(text.p, start, strlen(start));
  if (plain_parse(&q, buf_view(&text), &e) != PARLEY_OK) fail_msg("%s", e.text);
  assert_memory_equal(q.seed, p.seed, SEED_SIZE);
  assert_true(json_equal(q.body, p.body));
  assert_int_equal(q.n_files, 2);
  assert_string_equal(q.files[0].name, p.files[0].name);
  assert_true(q.files[0].size == 1050080);
  assert_int_equal(plain_write(&again, &q, &e), PARLEY_OK);
  assert_true(bytes_eq(buf_view(&text), buf_view(&again)));
  plain_clear(&p);
  plain_clear(&q);
  assert_null(q.body);
  buf_free(&text);
  buf_free(&again);
}

static void test_plain_refusals(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"{\"seed\"", "{\"x\":1,\"seed\"", "plaintext: x: "},
      {"\"seed\":\"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl4=\",\"body\":{}",
       "\"body\":{},\"seed\":\"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl4=\"",
       "plaintext: seed: stands after \"body\""},
      {"\"seed\":\"Xl5e", "\"seed\":\"", "plaintext: seed: "},
      {"\"body\":{}", "\"body\":[]", "plaintext: body: must be an object"},
      {"\"body\":{}", "\"body\":{\"a\":1,\"a\":1}", "body.a"},
      {"\"body\":{}", "\"body\":{\"a\":1.5}", "body.a"},
      {"\"body\":{},", "", "plaintext: body: is missing"},
      {"\"name\":\"a\"", "\"name\":\"\"", "plaintext: files[0].name: has 0 bytes"},
      {"\"name\":\"a\"", "\"name\":\"../a\"", "plaintext: files[0].name: must be a base name"},
      {"\"name\":\"a\"", "\"name\":\"..\"", "plaintext: files[0].name: must be a base name"},
      {"\"name\":\"a\"", "\"name\":\"a\\nb\"", "plaintext: files[0].name: must be a base name"},
      {"\"name\":\"a\"", "\"name\":\"a\\u0085b\"", "plaintext: files[0].name: must be a base name"},
      {"\"type\":\"text/plain\"", "\"type\":\"text\"", "plaintext: files[0].type: must be a media type"},
      {"\"type\":\"text/plain\"", "\"type\":\"/plain\"", "plaintext: files[0].type: must be a media type"},
      {"\"type\":\"text/plain\"", "\"type\":\"text/\"", "plaintext: files[0].type: must be a media type"},
      {"\"type\":\"text/plain\"", "\"type\":\"text/plain/x\"", "plaintext: files[0].type: must be a media type"},
      {"\"type\":\"text/plain\"", "\"type\":\"text/plain\\r\\nX: y\"",
       "plaintext: files[0].type: must be a media type"},
      {"\"size\":5", "\"size\":-5", "plaintext: files[0].size: "},
      {"\"sha256\":\"0", "\"sha256\":\"", "plaintext: files[0].sha256: "},
      {"\"size\":5", "\"size\":5,\"path\":\"x\"", "plaintext: files[0].path: "},
      {"\"files\":[", "\"files\":[5,", "plaintext: files[0]: must be an object"},
  };
  const char *good = arena_fmt(&arena,
                               "{\"seed\":\"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl4=\",\"body\":{},\"files\":[{"
                               "\"name\":\"a\",\"type\":\"text/"
                               "plain\",\"size\":5,\"sha256\":\"%064d\"}]}",
                               0);
  struct plain p;
  struct errmsg e = {""};
  assert_int_equal(plain_parse(&p, bytes_str(good), &e), PARLEY_OK);
  plain_clear(&p);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_refused(plain_parse(&p, bytes_str(replaced(&arena, good, cases[i].from, cases[i].to)), &e), PARLEY_EINVAL, e,
                   cases[i].says);
    assert_null(p.body);
  }
  char *file = arena_fmt(&arena, "%s,", strstr(good, "{\"name\""));
  file = replaced(&arena, file, "]}", "");
  char *many = replaced(&arena, good, "\"files\":[", arena_fmt(&arena, "\"files\":[%s", repeated(&arena, file, 16)));
  assert_refused(plain_parse(&p, bytes_str(many), &e), PARLEY_EINVAL, e, "files: has 17 elements");
  char *name = arena_fmt(&arena, "\"name\":\"%s\"", repeated(&arena, "n", 256));
  assert_refused(plain_parse(&p, bytes_str(replaced(&arena, good, "\"name\":\"a\"", name)), &e), PARLEY_EINVAL, e,
                 "files[0].name: has 256 bytes");
}

static void test_plain_writer_refusals(void **state) {
  (void)state;
  struct errmsg e;
  struct buf out = {0};
  struct plain p = sample();
  strcpy(p.files[1].name, "a/b");
  assert_refused(plain_write(&out, &p, &e), PARLEY_EINVAL, e, "files[1].name: must be a base name");
  plain_clear(&p);
  assert_refused(plain_write(&out, &p, &e), PARLEY_EINVAL, e, "body: must be an object");
  assert_int_equal(out.n, 0);
  buf_free(&out);
}

/* docs/protocol.md, "Sealing": the table, computed step by step from HMAC (RFC 5869). */
static void expect_derived(const uint8_t *got, size_t n, const uint8_t seed[static SEED_SIZE], const char *info) {
  uint8_t zeroes[32] = {0}, prk[32], okm[32];
  struct buf t = {0};
  hmac_sha256(prk, BYTES(zeroes, 32), BYTES(seed, SEED_SIZE));
  buf_str(&t, info);
  buf_u8(&t, 1);
  hmac_sha256(okm, BYTES(prk, 32), buf_view(&t));
  assert_memory_equal(got, okm, n);
  buf_free(&t);
}

static void test_randomness(void **state) {
  (void)state;
  struct age_random r;
  uint8_t seed[SEED_SIZE], ephemeral[12 * 32];
  memset(seed, 0x5e, sizeof seed);
  assert_true(seal_random(&r, ephemeral, seed, -1, 12));
  assert_ptr_equal(r.ephemeral, ephemeral);
  expect_derived(r.file_key, 16, seed, "parley/v1/body/file-key");
  expect_derived(r.nonce, 16, seed, "parley/v1/body/nonce");
  expect_derived(ephemeral, 32, seed, "parley/v1/body/ephemeral/0");
  expect_derived(ephemeral + 11 * 32, 32, seed, "parley/v1/body/ephemeral/11");
  assert_true(seal_random(&r, ephemeral, seed, 15, 1));
  expect_derived(r.file_key, 16, seed, "parley/v1/file/15/file-key");
  expect_derived(r.nonce, 16, seed, "parley/v1/file/15/nonce");
  expect_derived(ephemeral, 32, seed, "parley/v1/file/15/ephemeral/0");
}

static struct statement seal(struct buf *file, const struct plain *p, size_t n) {
  struct errmsg e = {""};
  struct buf text = {0};
  struct statement s = {.kind = "incident.notice"};
  assert_int_equal(plain_write(&text, p, &e), PARLEY_OK);
  if (body_seal(file, s.body_sha256, buf_view(&text), p->seed, recipients(n), n, &e) != PARLEY_OK)
    fail_msg("%s", e.text);
  s.sealed = buf_view(file);
  buf_free(&text);
  return s;
}

static void test_opened_by_recipients_only(void **state) {
  (void)state;
  struct errmsg e = {""};
  struct plain p = sample(), q;
  struct buf file = {0};
  struct statement s = seal(&file, &p, 3);
  for (uint8_t i = 1; i <= 3; i++) { /* two addressees, then the author */
    struct age_identity id = identity(i);
    if (body_open(&q, &s, &id, &e) != PARLEY_OK) fail_msg("%s", e.text);
    assert_true(json_equal(q.body, p.body));
    plain_clear(&q);
  }
  struct age_identity stranger = identity(4);
  assert_refused(body_open(&q, &s, &stranger, &e), PARLEY_ENOTFOUND, e, "sealed: ");
  assert_null(q.body);
  plain_clear(&p);
  buf_free(&file);
}

/* What is disclosed proves what was sealed: the plaintext alone gives back every byte. */
static void test_rebuilt_from_plaintext(void **state) {
  (void)state;
  struct errmsg e = {""};
  struct plain p = sample(), q;
  struct buf file = {0}, again = {0};
  struct age_identity id = identity(2);
  struct statement s = seal(&file, &p, 3);
  assert_int_equal(body_open(&q, &s, &id, &e), PARLEY_OK);
  struct statement t = seal(&again, &q, 3);
  assert_true(bytes_eq(s.sealed, t.sealed));
  assert_memory_equal(s.body_sha256, t.body_sha256, 32);
  q.seed[31] ^= 1;
  buf_clear(&again);
  t = seal(&again, &q, 3);
  assert_false(bytes_eq(s.sealed, t.sealed));
  plain_clear(&p);
  plain_clear(&q);
  buf_free(&file);
  buf_free(&again);
}

static void test_damage(void **state) {
  (void)state;
  struct errmsg e = {""};
  struct plain p = sample(), q;
  struct buf file = {0};
  struct age_identity id = identity(1);
  struct statement s = seal(&file, &p, 2);
  s.body_sha256[0] ^= 1;
  assert_refused(body_open(&q, &s, &id, &e), PARLEY_EVERIFY, e, "body_sha256: ");
  s.body_sha256[0] ^= 1;
  file.p[file.n - 1] ^= 1;
  assert_int_equal(body_open(&q, &s, &id, &e), PARLEY_EVERIFY);
  file.p[file.n - 1] ^= 1;
  s.sealed.n--;
  assert_int_not_equal(body_open(&q, &s, &id, &e), PARLEY_OK);
  s.sealed = BYTES_NONE;
  assert_refused(body_open(&q, &s, &id, &e), PARLEY_EINVAL, e, "no sealed body");
  uint8_t digest[32], seed[SEED_SIZE] = {0};
  buf_clear(&file); /* sealed well, but no plaintext of ours */
  assert_int_equal(body_seal(&file, s.body_sha256, bytes_str("{\"body\":{}}"), seed, recipients(1), 1, &e), PARLEY_OK);
  s.sealed = buf_view(&file);
  assert_refused(body_open(&q, &s, &id, &e), PARLEY_EINVAL, e, "plaintext: seed: is missing");
  assert_refused(body_seal(&file, digest, bytes_str("x"), seed, recipients(1), 0, &e), PARLEY_ELIMIT, e,
                 "1 to 193 keys");
  assert_refused(body_seal(&file, digest, bytes_str("x"), seed, recipients(194), 194, &e), PARLEY_ELIMIT, e,
                 "1 to 193 keys");
  plain_clear(&p);
  buf_free(&file);
}

/* A statement to n parties with names of 20 bytes. */
static struct statement addressed(size_t n) {
  struct statement s = {.from = "cert.us.example", .kind = "incident.notice", .lang = "en", .n_to = n};
  s.to = arena_alloc(&arena, n * sizeof *s.to);
  assert_non_null(s.to);
  for (size_t i = 0; i < n; i++) snprintf(s.to[i], sizeof s.to[i], "cert%03d.abcd.example", (int)i);
  return s;
}

static parley_err entry_of_size(struct statement *s, size_t plain, struct errmsg *e) {
  static const uint8_t seed[SEED_SIZE] = {1};
  struct ed25519_key *key = key_of(1);
  struct buf file = {0}, payload = {0}, entry = {0};
  struct bytes text = bytes_str(repeated(&arena, "p", plain));
  assert_int_equal(body_seal(&file, s->body_sha256, text, seed, recipients(s->n_to + 1), s->n_to + 1, e), PARLEY_OK);
  s->sealed = buf_view(&file);
  assert_int_equal(statement_payload(&payload, s, e), PARLEY_OK);
  parley_err err = statement_entry(&entry, buf_view(&payload), key, e);
  ed25519_free(key);
  buf_free(&file);
  buf_free(&payload);
  buf_free(&entry);
  return err;
}

static void test_limit_is_exact(void **state) {
  (void)state;
  static const size_t counts[] = {1, 2, 16, 192};
  static const char *const officers[] = {"", "a", "ab", "abc",
                                         "abcd"}; /* every remainder of the two layers of base64 */
  struct errmsg e;
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    for (size_t k = 0; k < (i == 3 ? 1 : sizeof officers / sizeof *officers); k++) {
      struct buf empty = {0};
      struct statement s = addressed(counts[i]);
      strcpy(s.officer, officers[k]);
      s.sealed = bytes_str("");
      assert_int_equal(statement_payload(&empty, &s, &e), PARLEY_OK);
      size_t limit = body_limit(counts[i], empty.n);
      assert_in_range(limit, i == 3 ? 9000 : 30000, i == 3 ? 16000 : 37000);
      if (entry_of_size(&s, limit, &e) != PARLEY_OK)
        fail_msg("%zu addressees, %zu bytes: %s", counts[i], limit, e.text);
      assert_refused(entry_of_size(&s, limit + 1, &e), PARLEY_ELIMIT, e, "more than the 65535 that fit");
      buf_free(&empty);
    }
}

static void test_limit_of_nothing(void **state) {
  (void)state;
  assert_int_equal(body_limit(1, 49000), 0);
  assert_int_equal(body_limit(1, ENTRY_MAX + 1), 0);
  assert_int_equal(body_limit(1, SIZE_MAX), 0);
  assert_int_equal(body_limit(STATEMENT_TO_MAX + 1, 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain_round_trip),
      cmocka_unit_test(test_plain_refusals),
      cmocka_unit_test(test_plain_writer_refusals),
      cmocka_unit_test(test_randomness),
      cmocka_unit_test(test_opened_by_recipients_only),
      cmocka_unit_test(test_rebuilt_from_plaintext),
      cmocka_unit_test(test_damage),
      cmocka_unit_test(test_limit_is_exact),
      cmocka_unit_test(test_limit_of_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, tear_down);
}
