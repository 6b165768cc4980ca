/* age.c, age_seal_header.c, age_open_header.c, age_parse.c: whole files and headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "formats/age.h"

#define RECIPIENTS 3

struct fixture {
  struct age_identity ids[RECIPIENTS];
  uint8_t recipients[RECIPIENTS][X25519_SIZE], ephemeral[AGE_RECIPIENTS_MAX * 32];
  struct age_random random;
};

/* ISO C before C23 does not make the elements const by itself. */
typedef const uint8_t (*recipient_list)[X25519_SIZE];

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  for (size_t i = 0; i < RECIPIENTS; i++) {
    uint8_t secret[32];
    memset(secret, (int)(i + 1), sizeof secret);
    assert_true(age_identity_from_secret(&f->ids[i], secret));
    memcpy(f->recipients[i], f->ids[i].pub, 32);
  }
  for (size_t i = 0; i < sizeof f->ephemeral; i++) f->ephemeral[i] = (uint8_t)(i * 7 + i / 256);
  memset(f->random.file_key, 0x11, 16);
  memset(f->random.nonce, 0x22, 16);
  f->random.ephemeral = f->ephemeral;
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  free(*state);
  return 0;
}

static uint8_t *pattern(size_t n) {
  uint8_t *p = malloc(n + 1);
  assert_non_null(p);
  for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(i * 31 + i / 65536);
  return p;
}

static void test_round_trip(void **state) {
  struct fixture *f = *state;
  static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 200000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    uint8_t *plain = pattern(sizes[i]);
    struct buf file = {0}, again = {0}, back = {0};
    assert_int_equal(
        age_seal(&file, (recipient_list)f->recipients, RECIPIENTS, &f->random, BYTES(plain, sizes[i]), NULL),
        PARLEY_OK);
    assert_int_equal(file.n, age_file_size(RECIPIENTS, sizes[i]));
    for (size_t k = 0; k < RECIPIENTS; k++) {
      buf_clear(&back);
      assert_int_equal(age_open(&back, buf_view(&file), &f->ids[k], NULL), PARLEY_OK);
      assert_true(bytes_eq(buf_view(&back), BYTES(plain, sizes[i])));
    }
    /* The same randomness gives the same file, byte for byte. */
    assert_int_equal(
        age_seal(&again, (recipient_list)f->recipients, RECIPIENTS, &f->random, BYTES(plain, sizes[i]), NULL),
        PARLEY_OK);
    assert_true(bytes_eq(buf_view(&file), buf_view(&again)));
    free(plain);
    buf_free(&file);
    buf_free(&again);
    buf_free(&back);
  }
}

static void test_sizes(void **state) {
  struct fixture *f = *state;
  uint8_t(*many)[X25519_SIZE] = calloc(AGE_RECIPIENTS_MAX + 1, X25519_SIZE), key[32];
  assert_non_null(many);
  for (size_t i = 0; i <= AGE_RECIPIENTS_MAX; i++) memcpy(many[i], f->recipients[i % RECIPIENTS], X25519_SIZE);
  struct buf out = {0};
  for (size_t n = 1; n <= AGE_RECIPIENTS_MAX; n += 51) {
    buf_clear(&out);
    assert_int_equal(age_header(&out, key, (recipient_list)many, n, &f->random, NULL), PARLEY_OK);
    assert_int_equal(out.n, age_header_size(n));
  }
  buf_clear(&out);
  assert_int_equal(age_header(&out, key, (recipient_list)many, AGE_RECIPIENTS_MAX + 1, &f->random, NULL),
                   PARLEY_ELIMIT);
  assert_int_equal(age_header(&out, key, (recipient_list)many, 0, &f->random, NULL), PARLEY_EINVAL);
  assert_int_equal(out.n, 0);
  assert_true(age_file_size(1, 0) == age_header_size(1) + 16);
  assert_true(age_file_size(1, 65536) == age_header_size(1) + 65536 + 16);
  assert_true(age_file_size(1, 65537) == age_header_size(1) + 65537 + 32);
  buf_free(&out);
  free(many);
}

/* A header behind other bytes in the buffer: the MAC covers only the header. */
static void test_appends(void **state) {
  struct fixture *f = *state;
  struct buf out = {0}, back = {0};
  buf_str(&out, "before");
  assert_int_equal(age_seal(&out, (recipient_list)f->recipients, 1, &f->random, bytes_str("x"), NULL), PARLEY_OK);
  buf_str(&back, "kept");
  assert_int_equal(age_open(&back, BYTES(out.p + 6, out.n - 6), &f->ids[0], NULL), PARLEY_OK);
  assert_true(bytes_is(buf_view(&back), "keptx"));
  buf_free(&out);
  buf_free(&back);
}

static void test_small_order_recipient(void **state) {
  struct fixture *f = *state;
  struct buf out = {0};
  const uint8_t zero[1][X25519_SIZE] = {{0}};
  struct errmsg e = {""};
  assert_int_equal(age_seal(&out, zero, 1, &f->random, bytes_str("x"), &e), PARLEY_EINVAL);
  assert_non_null(strstr(e.text, "small order"));
  buf_free(&out);
}

static void test_stranger(void **state) {
  struct fixture *f = *state;
  struct buf file = {0}, back = {0};
  assert_int_equal(age_seal(&file, (recipient_list)f->recipients, 2, &f->random, bytes_str("x"), NULL), PARLEY_OK);
  assert_int_equal(age_open(&back, buf_view(&file), &f->ids[2], NULL), PARLEY_ENOTFOUND);
  assert_int_equal(age_open_scrypt(&back, buf_view(&file), bytes_str("p"), NULL), PARLEY_ENOTFOUND);
  assert_int_equal(back.n, 0);
  buf_free(&file);
  buf_free(&back);
}

/* Every prefix of a header asks for more; every prefix of a whole file is refused. */
static void test_every_prefix(void **state) {
  struct fixture *f = *state;
  struct buf file = {0}, back = {0};
  size_t used;
  uint8_t key[32];
  assert_int_equal(age_seal(&file, (recipient_list)f->recipients, RECIPIENTS, &f->random, bytes_str("text"), NULL),
                   PARLEY_OK);
  size_t header = age_header_size(RECIPIENTS);
  for (size_t n = 0; n < file.n; n++) {
    parley_err code = age_open_header(&used, key, BYTES(file.p, n), &f->ids[1], NULL);
    assert_int_equal(code, n < header ? PARLEY_EBUSY : PARLEY_OK);
    assert_int_equal(age_open(&back, BYTES(file.p, n), &f->ids[1], NULL),
                     n >= header + 16 ? PARLEY_EVERIFY : PARLEY_EINVAL);
    assert_int_equal(back.n, 0);
  }
  assert_int_equal(age_open_header(&used, key, buf_view(&file), &f->ids[1], NULL), PARLEY_OK);
  assert_int_equal(used, header);
  assert_int_equal(age_open(&back, BYTES_NONE, &f->ids[1], NULL), PARLEY_EINVAL);
  assert_int_equal(age_open_scrypt(&back, BYTES_NONE, bytes_str("p"), NULL), PARLEY_EINVAL);
  buf_free(&file);
  buf_free(&back);
}

/* No byte of a file can be changed without notice, whoever opens it. */
static void test_every_byte_counts(void **state) {
  struct fixture *f = *state;
  struct buf file = {0}, back = {0};
  assert_int_equal(age_seal(&file, (recipient_list)f->recipients, 2, &f->random, bytes_str("text"), NULL), PARLEY_OK);
  for (size_t i = 0; i < file.n; i++) {
    for (unsigned bit = 0; bit < 8; bit += 3) {
      file.p[i] ^= (uint8_t)(1u << bit);
      assert_int_not_equal(age_open(&back, buf_view(&file), &f->ids[0], NULL), PARLEY_OK);
      assert_int_equal(back.n, 0);
      file.p[i] ^= (uint8_t)(1u << bit);
    }
  }
  assert_int_equal(age_open(&back, buf_view(&file), &f->ids[0], NULL), PARLEY_OK);
  buf_free(&file);
  buf_free(&back);
}

static void test_scrypt(void **state) {
  struct fixture *f = *state;
  struct buf file = {0}, back = {0};
  static const uint8_t salt[16] = {1, 2, 3};
  struct errmsg e = {""};
  assert_int_equal(age_seal_scrypt(&file, bytes_str("horse"), salt, 4, &f->random, bytes_str("text"), NULL), PARLEY_OK);
  assert_int_equal(age_open_scrypt(&back, buf_view(&file), bytes_str("horse"), NULL), PARLEY_OK);
  assert_true(bytes_is(buf_view(&back), "text"));
  assert_int_equal(age_open_scrypt(&back, buf_view(&file), bytes_str("house"), &e), PARLEY_ENOTFOUND);
  assert_null(strstr(e.text, "house")); /* messages hold no secrets */
  assert_int_equal(age_open(&back, buf_view(&file), &f->ids[0], NULL), PARLEY_ENOTFOUND);
  assert_int_equal(age_seal_scrypt(&file, bytes_str("p"), salt, 23, &f->random, bytes_str("t"), NULL), PARLEY_ELIMIT);
  buf_free(&file);
  buf_free(&back);
}

#define V1 "age-encryption.org/v1\n"
#define MAC "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define BODY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define FULL "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"

static parley_err open_text(struct fixture *f, const char *text) {
  size_t used;
  uint8_t key[32];
  parley_err code = age_open_header(&used, key, bytes_str(text), &f->ids[0], NULL);
  parley_err scrypt = age_open_header_scrypt(&used, key, bytes_str(text), bytes_str("p"), NULL);
  if (code == PARLEY_EBUSY || code == PARLEY_ELIMIT)
    assert_int_equal(code, scrypt); /* neither hangs on what one opens with */
  return code;
}

static void test_header_syntax(void **state) {
  struct fixture *f = *state;
  /* Well-formed, nobody's: unknown types are passed over, whatever their arguments and bodies. */
  assert_int_equal(open_text(f, V1 "-> x\n\n" MAC), PARLEY_ENOTFOUND);
  assert_int_equal(open_text(f, V1 "-> x !~ \"\n" FULL FULL "\n-> y\nAA\n" MAC), PARLEY_ENOTFOUND);
  static const char *const bad[] = {
      V1 MAC, /* no stanza */
      V1 "->x\n\n" MAC,
      V1 "-> \n\n" MAC,
      V1 "->  x\n\n" MAC,
      V1 "-> x \n\n" MAC,
      V1 "-> x  y\n\n" MAC,
      V1 "-> x\ty\n\n" MAC,
      V1 "-> x\r\n\n" MAC,
      V1 "-> \xc3\xa4\n\n" MAC,
      V1 " -> x\n\n" MAC,
      V1 "-> x\n" MAC,      /* no body line */
      V1 "-> x\n" FULL MAC, /* no short last line */
      V1 "-> x\nAAAA=\n" MAC,
      V1 "-> x\nAB\n" MAC, /* not canonical */
      V1 "-> x\nA\n" MAC,
      V1 "-> x\nAA \n" MAC,
      V1 "-> x\nAA\r\n" MAC,
      V1 "-> x\nAAAA\nAAAA\n" MAC, /* two short lines */
      V1 "-> x\n"
         "A" FULL "\n" MAC, /* 65 columns */
      V1 "\n-> x\n\n" MAC,
      V1 "-> x\n\n---  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
      V1 "-> x\n\n---AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
      V1 "-> x\n\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n",
      V1 "-> x\n\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
      V1 "-> x\n\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \n",
      V1 "-> x\n\n---\n",
      "age-encryption.org/v2\n-> x\n\n" MAC,
      "age-encryption.org/v1\r\n-> x\n\n" MAC,
      "Age-encryption.org/v1\n-> x\n\n" MAC,
      "-----BEGIN AGE ENCRYPTED FILE-----\n",
      "q",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (open_text(f, bad[i]) != PARLEY_EINVAL) fail_msg("accepted: %s", bad[i]);
}

static void test_x25519_stanza(void **state) {
  struct fixture *f = *state;
  static const char share[] = "CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"; /* the base point */
  struct buf text = {0};
  buf_fmt(&text, V1 "-> X25519 %s\n" BODY MAC, share);
  assert_int_equal(open_text(f, buf_cstr(&text)), PARLEY_ENOTFOUND);
  static const char *const bad[] = {
      V1 "-> X25519\n" BODY MAC,
      V1 "-> X25519 AAAA\n" BODY MAC,
      V1 "-> X25519 CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n" BODY MAC,
      V1 "-> X25519 CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA x\n" BODY MAC,
      V1 "-> X25519 CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n" MAC,
      V1 "-> X25519 CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" FULL BODY MAC, /* 48 + 32 bytes */
      V1 "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" BODY MAC,      /* small order */
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(open_text(f, bad[i]), PARLEY_EINVAL);
  /* A malformed stanza is refused also behind the one that would open. */
  struct buf file = {0};
  uint8_t key[32];
  size_t used;
  assert_int_equal(age_header(&file, key, (recipient_list)f->recipients, 1, &f->random, NULL), PARLEY_OK);
  size_t stanzas_end = age_header_size(1) - 16 - 48;
  buf_clear(&text);
  buf_add(&text, file.p, stanzas_end);
  buf_str(&text, "-> X25519 AAAA\n" BODY);
  buf_add(&text, file.p + stanzas_end, file.n - stanzas_end);
  assert_int_equal(age_open_header(&used, key, buf_view(&text), &f->ids[0], NULL), PARLEY_EINVAL);
  buf_free(&file);
  buf_free(&text);
}

static void test_scrypt_stanza(void **state) {
  struct fixture *f = *state;
  static const char *const bad[] = {
      "-> scrypt AAAAAAAAAAAAAAAAAAAAAA\n" BODY,    "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1 1\n" BODY,
      "-> scrypt AAAAAAAAAAAAAAAAAAAAAB 1\n" BODY,  "-> scrypt AAAA 1\n" BODY,
      "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 0\n" BODY,  "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 01\n" BODY,
      "-> scrypt AAAAAAAAAAAAAAAAAAAAAA +1\n" BODY, "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1a\n" BODY,
      "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1\nAAAA\n",
  };
  size_t used;
  uint8_t key[32];
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct buf text = {0};
    buf_fmt(&text, V1 "%s" MAC, bad[i]);
    assert_int_equal(age_open_header_scrypt(&used, key, buf_view(&text), bytes_str("p"), NULL), PARLEY_EINVAL);
    buf_free(&text);
  }
  static const char *const over[] = {"21", "22", "64", "99999999999999999999999999"};
  for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
    struct buf text = {0};
    buf_fmt(&text, V1 "-> scrypt AAAAAAAAAAAAAAAAAAAAAA %s\n" BODY MAC, over[i]);
    assert_int_equal(age_open_header_scrypt(&used, key, buf_view(&text), bytes_str("p"), NULL), PARLEY_ELIMIT);
    buf_free(&text);
  }
  /* Alone, or not at all. */
  assert_int_equal(open_text(f, V1 "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1\n" BODY "-> x\n\n" MAC), PARLEY_EINVAL);
  assert_int_equal(open_text(f, V1 "-> x\n\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1\n" BODY MAC), PARLEY_EINVAL);
}

static void test_header_bounds(void **state) {
  struct fixture *f = *state;
  struct buf text = {0};
  buf_str(&text, V1);
  for (int i = 0; i < AGE_RECIPIENTS_MAX; i++) buf_str(&text, "-> x\n\n");
  size_t n = text.n;
  buf_str(&text, MAC);
  assert_int_equal(open_text(f, buf_cstr(&text)), PARLEY_ENOTFOUND);
  text.n = n;
  buf_str(&text, "-> x\n\n" MAC);
  assert_int_equal(open_text(f, buf_cstr(&text)), PARLEY_ELIMIT);
  buf_clear(&text);
  buf_str(&text, V1 "-> x\n");
  while (text.n < AGE_HEADER_MAX - 65) buf_str(&text, FULL);
  assert_int_equal(open_text(f, buf_cstr(&text)), PARLEY_EBUSY);
  buf_str(&text, FULL);
  assert_int_equal(open_text(f, buf_cstr(&text)), PARLEY_ELIMIT); /* and not "feed more" for ever */
  buf_clear(&text);
  buf_str(&text, V1 "-> ");
  while (text.n < AGE_HEADER_MAX) buf_u8(&text, 'x');
  assert_int_equal(open_text(f, buf_cstr(&text)), PARLEY_ELIMIT);
  buf_free(&text);
}

/* What verified before the damage is taken back: a whole file is opened or not at all. */
static void test_damage_in_a_later_chunk(void **state) {
  struct fixture *f = *state;
  uint8_t *plain = pattern(2 * AGE_CHUNK + 5);
  struct buf file = {0}, back = {0};
  buf_str(&back, "kept");
  assert_int_equal(age_seal(&file, (recipient_list)f->recipients, 1, &f->random, BYTES(plain, 2 * AGE_CHUNK + 5), NULL),
                   PARLEY_OK);
  file.p[file.n - 1] ^= 1;
  assert_int_equal(age_open(&back, buf_view(&file), &f->ids[0], NULL), PARLEY_EVERIFY);
  assert_true(bytes_is(buf_view(&back), "kept"));
  free(plain);
  buf_free(&file);
  buf_free(&back);
}

/* age: the payload at each boundary of STREAM, with a passphrase too. */
static void test_scrypt_boundaries(void **state) {
  struct fixture *f = *state;
  static const uint8_t salt[16] = {1};
  static const size_t sizes[] = {0, 1, AGE_CHUNK - 1, AGE_CHUNK, AGE_CHUNK + 1};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    uint8_t *plain = pattern(sizes[i]);
    struct buf file = {0}, back = {0};
    assert_int_equal(age_seal_scrypt(&file, bytes_str("p"), salt, 1, &f->random, BYTES(plain, sizes[i]), NULL),
                     PARLEY_OK);
    assert_int_equal(age_open_scrypt(&back, buf_view(&file), bytes_str("p"), NULL), PARLEY_OK);
    assert_true(bytes_eq(buf_view(&back), BYTES(plain, sizes[i])));
    free(plain);
    buf_free(&file);
    buf_free(&back);
  }
}

/* A stanza of a type that we do not know stands between ours: it is passed over, and yet covered by the MAC. */
static void test_unknown_stanza_between(void **state) {
  struct fixture *f = *state;
  struct buf file = {0}, text = {0};
  uint8_t key[32];
  size_t used;
  assert_int_equal(age_header(&file, key, (recipient_list)f->recipients, 2, &f->random, NULL), PARLEY_OK);
  const size_t first = strlen(V1) + (age_header_size(2) - age_header_size(1));
  buf_add(&text, file.p, first);
  buf_str(&text, "-> x25519 AAAA\n\n");
  buf_add(&text, file.p + first, file.n - first);
  assert_int_equal(age_open_header(&used, key, buf_view(&text), &f->ids[1], NULL), PARLEY_EVERIFY);
  assert_int_equal(age_open_header(&used, key, buf_view(&text), &f->ids[2], NULL), PARLEY_ENOTFOUND);
  buf_free(&file);
  buf_free(&text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_round_trip),
      TEST(test_sizes),
      TEST(test_appends),
      TEST(test_small_order_recipient),
      TEST(test_stranger),
      TEST(test_every_prefix),
      TEST(test_every_byte_counts),
      TEST(test_scrypt),
      TEST(test_header_syntax),
      TEST(test_x25519_stanza),
      TEST(test_scrypt_stanza),
      TEST(test_header_bounds),
      TEST(test_damage_in_a_later_chunk),
      TEST(test_scrypt_boundaries),
      TEST(test_unknown_stanza_between),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
