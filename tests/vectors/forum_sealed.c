#include "vectors/forum_sealed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "forum/statement.h"

#define KEYS_MAX 3
#define SHOWN_MAX 4096 /* larger files are told by their digest */

static const struct sealed_case {
  const char *name, *what;
  int file;                   /* number; -1: the body */
  const char *desk[KEYS_MAX]; /* labels of the keys in their order */
  const char *body;           /* plaintext after the seed, or contents of the file: repeated `times` times */
  int times;
} table[] = {
    {"one-addressee",
     "To the addressee and the author.",
     -1,
     {"ru duty", "us duty"},
     ",\"body\":{\"title\":\"Отчёт\"}}",
     1},
    {"two-addressees",
     "To two addressees, in the order of `to`.",
     -1,
     {"ru duty", "cn duty", "us duty"},
     ",\"body\":{}}",
     1},
    {"two-addressees-turned",
     "The same in the other order: other bytes.",
     -1,
     {"cn duty", "ru duty", "us duty"},
     ",\"body\":{}}",
     1},
    {"desk",
     "To the judicial desk; the author opens it with its duty key.",
     -1,
     {"ru judicial", "us duty"},
     ",\"body\":{}}",
     1},
    {"author-alone",
     "To one key, which no statement is: for testing the sealing alone.",
     -1,
     {"us duty"},
     ",\"body\":{}}",
     1},
    {"spaced", "White space in the plaintext stays.", -1, {"ru duty", "us duty"}, " ,\n\"body\" : {} }\n", 1},
    {"file-0", "File number 0 of a few bytes.", 0, {"ru duty", "us duty"}, "src,dst,port\n", 1},
    {"file-0-other-desk", "The same to another desk.", 0, {"ru judicial", "us duty"}, "src,dst,port\n", 1},
    {"file-empty", "An empty file: one empty chunk.", 1, {"ru duty", "us duty"}, "", 1},
    {"file-15", "The last number that there is.", 15, {"ru duty", "cn duty", "us duty"}, "0123456789abcdef", 64},
    {"file-chunk", "65,536 bytes: exactly one chunk.", 2, {"ru duty", "us duty"}, "0123456789abcdef", 4096},
    {"file-two-chunks", "65,552 bytes: two chunks.", 3, {"ru duty", "us duty"}, "0123456789abcdef", 4097},
    {"file-two-full-chunks", "131,072 bytes: two full chunks.", 4, {"ru duty", "us duty"}, "0123456789abcdef", 8192},
};

/* ---- writing ---- */

static struct age_identity identity(const char *label) {
  struct age_identity id;
  uint8_t secret[32];
  char text[64];
  const int n = snprintf(text, sizeof text, "vectors %s", label);
  sha256(secret, BYTES(text, n));
  assert_true(age_identity_from_secret(&id, secret));
  return id;
}

static void set(json_t *o, const char *name, json_t *v) { assert_int_equal(json_object_set_new(o, name, v), 0); }

static json_t *key_of_desk(const char *label) {
  const struct age_identity id = identity(label);
  struct buf b = {0};
  json_t *o = json_object();
  assert_true(json_put_str(o, "desk", label));
  age_recipient_write(&b, id.pub);
  set(o, "recipient", json_stringn((const char *)b.p, b.n));
  buf_clear(&b);
  age_identity_write(&b, &id);
  set(o, "identity", json_stringn((const char *)b.p, b.n));
  buf_free(&b);
  return o;
}

static json_t *derived(const struct age_random *r, size_t n, const uint8_t payload_key[static 32]) {
  json_t *o = json_object(), *list = json_array();
  assert_true(json_put_hex(o, "file_key", r->file_key, 16) && json_put_hex(o, "nonce", r->nonce, 16));
  for (size_t i = 0; i < n; i++) {
    char hex[65];
    hex_encode(hex, BYTES(r->ephemeral + 32 * i, 32));
    assert_int_equal(json_array_append_new(list, json_string(hex)), 0);
  }
  set(o, "ephemeral", list);
  assert_true(json_put_hex(o, "payload_key", payload_key, 32));
  return o;
}

static void put_sealed(json_t *o, struct bytes sealed) {
  uint8_t digest[SHA256_SIZE];
  sha256(digest, sealed);
  assert_true(json_put_int(o, "size", (int64_t)sealed.n) && json_put_hex(o, "sha256", digest, sizeof digest));
  if (sealed.n <= SHOWN_MAX) assert_true(json_put_b64(o, "sealed", sealed.p, sealed.n));
}

/* Seals by the steps that the table of docs/protocol.md names. */
static void put_case(json_t *cases, const struct sealed_case *x) {
  uint8_t seed[SEED_SIZE], ephemeral[KEYS_MAX * 32], keys[KEYS_MAX][X25519_SIZE], payload_key[32];
  struct age_random r;
  struct buf plain = {0}, sealed = {0}, unit = {0};
  json_t *o = json_object(), *recipients = json_array();
  size_t n = 0;
  sha256(seed, bytes_str(x->name));
  for (; n < KEYS_MAX && x->desk[n] != NULL; n++) {
    const struct age_identity id = identity(x->desk[n]);
    memcpy(keys[n], id.pub, X25519_SIZE);
    assert_int_equal(json_array_append_new(recipients, key_of_desk(x->desk[n])), 0);
  }
  if (x->file < 0) {
    buf_str(&unit, "{\"seed\":\"");
    base64_encode(&unit, BYTES(seed, SEED_SIZE), true);
    buf_str(&unit, "\"");
  }
  buf_str(&unit, x->body);
  for (int i = 0; i < x->times; i++) buf_bytes(&plain, buf_view(&unit));
  assert_true(json_put_str(o, "name", x->name) && json_put_str(o, "what", x->what));
  char prefix[32] = "body/";
  if (x->file >= 0) snprintf(prefix, sizeof prefix, "file/%d/", x->file);
  assert_true(json_put_str(o, "prefix", prefix) && json_put_hex(o, "seed", seed, SEED_SIZE));
  set(o, "plaintext", json_stringn(unit.n > 0 ? (const char *)unit.p : "", unit.n));
  assert_true(json_put_int(o, "times", x->times));
  set(o, "recipients", recipients);
  assert_true(seal_random(&r, ephemeral, seed, x->file, n));
  assert_int_equal(age_header(&sealed, payload_key, (const uint8_t(*)[X25519_SIZE])keys, n, &r, NULL), PARLEY_OK);
  set(o, "hkdf", derived(&r, n, payload_key));
  buf_clear(&sealed);
  assert_int_equal(age_seal(&sealed, (const uint8_t(*)[X25519_SIZE])keys, n, &r, buf_view(&plain), NULL), PARLEY_OK);
  if (x->file < 0) {
    uint8_t digest[SHA256_SIZE];
    sha256(digest, buf_view(&plain));
    assert_true(json_put_hex(o, "body_sha256", digest, sizeof digest));
  }
  put_sealed(o, buf_view(&sealed));
  assert_int_equal(json_array_append_new(cases, o), 0);
  buf_free(&plain);
  buf_free(&sealed);
  buf_free(&unit);
}

static const struct opening {
  const char *name, *what, *desk;
  int flip;    /* this byte from the end is changed; 0: none */
  int cut;     /* so many bytes are cut off */
  bool digest; /* body_sha256 is another */
  bool seed;   /* sealed with the randomness of another seed */
  bool turned; /* sealed to its keys in another order than said */
  const char *code;
} openings[] = {
    {"opens", "The addressee opens it.", "ru duty", 0, 0, false, false, false, NULL},
    {"author", "So does the author.", "us duty", 0, 0, false, false, false, NULL},
    {"stranger", "Another desk does not.", "ru judicial", 0, 0, false, false, false, "not found"},
    {"changed", "Its last byte is changed.", "ru duty", 1, 0, false, false, false, "does not verify"},
    {"cut", "Its last byte is missing.", "ru duty", 0, 1, false, false, false, "does not verify"},
    {"other-digest", "What it opens to is not what was signed.", "ru duty", 0, 0, true, false, false,
     "does not verify"},
    {"other-seed", "It opens, but its own seed does not give these bytes: ground `sealing`.", "ru duty", 0, 0, false,
     true, false, NULL},
    {"other-order", "It opens, but its keys stand in another order: ground `sealing`.", "ru duty", 0, 0, false, false,
     true, NULL},
};

static void put_opening(json_t *list, const struct opening *x) {
  static const char *const desks[] = {"ru duty", "us duty"};
  uint8_t seed[SEED_SIZE], other[SEED_SIZE], digest[SHA256_SIZE], keys[2][X25519_SIZE];
  struct buf plain = {0}, sealed = {0};
  json_t *o = json_object(), *recipients = json_array(), *opener = key_of_desk(x->desk);
  sha256(seed, bytes_str("openings"));
  sha256(other, bytes_str("other"));
  for (size_t i = 0; i < 2; i++) {
    const struct age_identity id = identity(desks[x->turned ? 1 - i : i]);
    memcpy(keys[i], id.pub, X25519_SIZE);
    assert_int_equal(json_array_append_new(recipients, key_of_desk(desks[i])), 0);
  }
  buf_str(&plain, "{\"seed\":\"");
  base64_encode(&plain, BYTES(seed, SEED_SIZE), true);
  buf_str(&plain, "\",\"body\":{\"title\":\"one\"}}");
  assert_int_equal(body_seal(&sealed, digest, buf_view(&plain), x->seed ? other : seed,
                             (const uint8_t(*)[X25519_SIZE])keys, 2, NULL),
                   PARLEY_OK);
  if (x->flip > 0) sealed.p[sealed.n - (size_t)x->flip] ^= 1;
  digest[0] ^= x->digest ? 1 : 0;
  assert_true(json_put_str(o, "name", x->name) && json_put_str(o, "what", x->what));
  set(o, "recipients", recipients);
  set(o, "identity", json_incref(json_object_get(opener, "identity")));
  assert_true(json_put_hex(o, "body_sha256", digest, sizeof digest));
  assert_true(json_put_b64(o, "sealed", sealed.p, sealed.n - (size_t)x->cut));
  assert_true(json_put_str(o, "verdict", x->code != NULL ? "refuse" : "accept"));
  if (x->code != NULL)
    assert_true(json_put_str(o, "code", x->code));
  else
    set(o, "rebuilds", json_boolean(!x->seed && !x->turned));
  assert_int_equal(json_array_append_new(list, o), 0);
  json_decref(opener);
  buf_free(&plain);
  buf_free(&sealed);
}

json_t *sealed_file(struct arena *a) {
  json_t *file = json_object(), *cases = json_array(), *list = json_array();
  (void)a;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) put_case(cases, &table[i]);
  for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) put_opening(list, &openings[i]);
  set(file, "cases", cases);
  set(file, "openings", list);
  return file;
}

/* ---- reading ---- */

static const char *text_of(const json_t *o, const char *name) { return json_string_value(json_object_get(o, name)); }

static size_t read_keys(uint8_t keys[static KEYS_MAX][X25519_SIZE], const json_t *o) {
  size_t i;
  json_t *x;
  json_array_foreach(json_object_get(o, "recipients"), i, x) {
    assert_true(i < KEYS_MAX);
    assert_int_equal(age_recipient_parse(keys[i], bytes_str(text_of(x, "recipient")), NULL), PARLEY_OK);
  }
  return json_array_size(json_object_get(o, "recipients"));
}

static void expect_hex(const json_t *o, const char *name, const uint8_t *got, size_t n) {
  char hex[2 * SHA256_SIZE + 1];
  hex_encode(hex, BYTES(got, n));
  assert_string_equal(text_of(o, name), hex);
}

static void judge_case(const json_t *o) {
  uint8_t seed[SEED_SIZE], ephemeral[KEYS_MAX * 32], keys[KEYS_MAX][X25519_SIZE], digest[SHA256_SIZE];
  struct age_random r;
  struct buf plain = {0}, sealed = {0}, opened = {0}, shown = {0};
  const size_t n = read_keys(keys, o);
  const json_t *hkdf = json_object_get(o, "hkdf");
  const char *prefix = text_of(o, "prefix");
  const int file = strcmp(prefix, "body/") == 0 ? -1 : atoi(prefix + strlen("file/"));
  assert_true(hex_decode(seed, sizeof seed, bytes_str(text_of(o, "seed"))));
  for (int i = 0; i < json_integer_value(json_object_get(o, "times")); i++) buf_str(&plain, text_of(o, "plaintext"));
  assert_true(seal_random(&r, ephemeral, seed, file, n));
  expect_hex(hkdf, "file_key", r.file_key, 16);
  expect_hex(hkdf, "nonce", r.nonce, 16);
  assert_int_equal(age_seal(&sealed, (const uint8_t(*)[X25519_SIZE])keys, n, &r, buf_view(&plain), NULL), PARLEY_OK);
  assert_int_equal(sealed.n, json_integer_value(json_object_get(o, "size")));
  sha256(digest, buf_view(&sealed));
  expect_hex(o, "sha256", digest, sizeof digest);
  if (text_of(o, "sealed") != NULL) {
    assert_true(base64_decode(&shown, bytes_str(text_of(o, "sealed")), true));
    assert_true(bytes_eq(buf_view(&shown), buf_view(&sealed)));
  }
  if (file < 0) {
    struct plain p;
    assert_int_equal(plain_parse(&p, buf_view(&plain), NULL), PARLEY_OK);
    assert_memory_equal(p.seed, seed, SEED_SIZE);
    plain_clear(&p);
  }
  for (size_t i = 0; i < n; i++) {
    struct age_identity id;
    const json_t *x = json_array_get(json_object_get(o, "recipients"), i);
    assert_int_equal(age_identity_parse(&id, bytes_str(text_of(x, "identity")), NULL), PARLEY_OK);
    buf_clear(&opened);
    assert_int_equal(age_open(&opened, buf_view(&sealed), &id, NULL), PARLEY_OK);
    assert_true(bytes_eq(buf_view(&opened), buf_view(&plain)));
  }
  buf_free(&plain);
  buf_free(&sealed);
  buf_free(&opened);
  buf_free(&shown);
}

static void judge_opening(struct arena *a, const json_t *o) {
  struct statement s = {.kind = "incident.notice"};
  struct age_identity id;
  struct buf in = {0}, text = {0}, again = {0};
  struct plain p;
  uint8_t keys[KEYS_MAX][X25519_SIZE], digest[SHA256_SIZE];
  const char *code = text_of(o, "code"), *name = text_of(o, "name");
  assert_int_equal(age_identity_parse(&id, bytes_str(text_of(o, "identity")), NULL), PARLEY_OK);
  assert_true(hex_decode(s.body_sha256, SHA256_SIZE, bytes_str(text_of(o, "body_sha256"))));
  assert_true(base64_decode(&in, bytes_str(text_of(o, "sealed")), true));
  s.sealed = arena_take(a, &in);
  const parley_err err = body_text(&text, &s, &id, NULL);
  if (strcmp(err_name(err), code != NULL ? code : "ok") != 0) fail_msg("%s: we say %s", name, err_name(err));
  if (code == NULL) {
    const size_t n = read_keys(keys, o);
    assert_int_equal(plain_parse(&p, buf_view(&text), NULL), PARLEY_OK);
    assert_int_equal(body_seal(&again, digest, buf_view(&text), p.seed, (const uint8_t(*)[X25519_SIZE])keys, n, NULL),
                     PARLEY_OK);
    if (bytes_eq(buf_view(&again), s.sealed) != json_is_true(json_object_get(o, "rebuilds")))
      fail_msg("%s: rebuilt", name);
    plain_clear(&p);
  }
  buf_free(&text);
  buf_free(&again);
}

void sealed_judge(struct arena *a, const json_t *file) {
  size_t i;
  json_t *o;
  json_array_foreach(json_object_get(file, "cases"), i, o) judge_case(o);
  assert_int_equal(i, sizeof table / sizeof *table);
  json_array_foreach(json_object_get(file, "openings"), i, o) judge_opening(a, o);
  assert_int_equal(i, sizeof openings / sizeof *openings);
}
