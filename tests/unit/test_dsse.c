/*
 * DSSE envelopes: one text for one envelope, and signatures over the PAE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "formats/dsse.h"

#define MAX 65535
#define TYPE "application/vnd.parley.statement+json"

static struct arena arena;

static int free_arena(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static struct ed25519_key *key(uint8_t seed) {
  uint8_t bytes[32];
  memset(bytes, seed, sizeof bytes);
  struct ed25519_key *k;
  assert_int_equal(ed25519_from_seed(&k, bytes, NULL), PARLEY_OK);
  return k;
}

static void sign(struct dsse_sig *s, const struct dsse *d, const struct ed25519_key *k) {
  struct buf pae = {0};
  dsse_pae(&pae, d->type, d->payload);
  ed25519_sign(s->sig, k, buf_view(&pae));
  ed25519_keyid(s->keyid, ed25519_public(k));
  buf_free(&pae);
}

/* An envelope by keys 1 to n. */
static struct buf envelope(const char *payload, size_t n) {
  static struct dsse_sig sigs[DSSE_SIGS_MAX + 1];
  const struct dsse d = {bytes_str(TYPE), bytes_str(payload), n, sigs};
  for (size_t i = 0; i < n; i++) {
    struct ed25519_key *k = key((uint8_t)(i + 1));
    sign(&sigs[i], &d, k);
    if (i > 254) memset(sigs[i].keyid, i > 255 ? 'f' : 'e', 64); /* seeds repeat after 255 */
    ed25519_free(k);
  }
  struct buf b = {0};
  dsse_write(&b, &d);
  assert_true(buf_ok(&b));
  return b;
}

/* The PAE of the specification's example. */
static void test_pae(void **state) {
  (void)state;
  struct buf b = {0};
  dsse_pae(&b, bytes_str("http://example.com/HelloWorld"), bytes_str("hello world"));
  assert_true(bytes_is(buf_view(&b), "DSSEv1 29 http://example.com/HelloWorld 11 hello world"));
  buf_clear(&b);
  dsse_pae(&b, BYTES_NONE, BYTES_NONE);
  assert_true(bytes_is(buf_view(&b), "DSSEv1 0  0 "));
  buf_free(&b);
}

static void test_round_trip_and_signatures(void **state) {
  (void)state;
  struct ed25519_key *k1 = key(1), *k2 = key(2), *k3 = key(3);
  struct buf b = envelope("{\"a\":1}", 2), again = {0};
  struct dsse d;
  assert_int_equal(dsse_parse(&d, &arena, buf_view(&b), MAX, NULL), PARLEY_OK);
  assert_true(bytes_is(d.type, TYPE));
  assert_true(bytes_is(d.payload, "{\"a\":1}"));
  assert_int_equal(d.n, 2);
  assert_true(dsse_signed_by(&d, 0, ed25519_public(k1)) == PARLEY_OK);
  assert_true(dsse_signed_by(&d, 1, ed25519_public(k2)) == PARLEY_OK);
  assert_false(dsse_signed_by(&d, 1, ed25519_public(k1)) == PARLEY_OK);
  assert_false(dsse_signed_by(&d, 0, ed25519_public(k3)) == PARLEY_OK);
  assert_false(dsse_signed_by(&d, 2, ed25519_public(k1)) == PARLEY_OK);
  dsse_write(&again, &d);
  assert_true(bytes_eq(buf_view(&again), buf_view(&b)));
  /* The right key id over another's signature, then another type and payload under the same signature. */
  memcpy(d.sigs[1].keyid, d.sigs[0].keyid, sizeof d.sigs[1].keyid);
  assert_false(dsse_signed_by(&d, 1, ed25519_public(k1)) == PARLEY_OK);
  struct dsse other = d;
  other.type = bytes_str("application/vnd.parley.card+json");
  assert_false(dsse_signed_by(&other, 0, ed25519_public(k1)) == PARLEY_OK);
  other = d;
  other.payload = bytes_str("{\"a\":2}");
  assert_false(dsse_signed_by(&other, 0, ed25519_public(k1)) == PARLEY_OK);
  buf_free(&b);
  buf_free(&again);
  ed25519_free(k1);
  ed25519_free(k2);
  ed25519_free(k3);
}

/* Whatever bit of an envelope is changed: it is refused, or the signature fails. */
static void test_flipped_bits(void **state) {
  (void)state;
  struct ed25519_key *k = key(1);
  struct buf b = envelope("{\"text\":\"hello\"}", 1);
  for (size_t i = 0; i < b.n * 8; i++) {
    b.p[i / 8] ^= (uint8_t)(1 << i % 8);
    struct dsse d;
    const bool good = dsse_parse(&d, &arena, buf_view(&b), MAX, NULL) == PARLEY_OK &&
                      dsse_signed_by(&d, 0, ed25519_public(k)) == PARLEY_OK;
    assert_false(good);
    b.p[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  for (size_t n = 0; n < b.n; n++) {
    struct dsse d;
    assert_int_equal(dsse_parse(&d, &arena, BYTES(b.p, n), MAX, NULL), PARLEY_EINVAL);
  }
  buf_free(&b);
  ed25519_free(k);
}

#define KEYID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SIG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define ONE "{\"keyid\":\"" KEYID "\",\"sig\":\"" SIG "\"}"
#define HEAD "{\"payload\":\"e30=\",\"payloadType\":\"a/b\",\"signatures\":["

static void test_only_one_form(void **state) {
  (void)state;
  static const char *const good[] = {
      HEAD ONE "]}",
      "{\"payload\":\"\",\"payloadType\":\"a/b\",\"signatures\":[" ONE "]}",
  };
  static const char *const bad[] = {
      "",
      "{}",
      HEAD "]}",
      HEAD ONE ",]}",
      HEAD "," ONE "]}",
      HEAD ONE "," ONE "]}", /* the same key twice */
      HEAD ONE "]}\n",
      HEAD ONE "]} ",
      HEAD ONE "],\"x\":1}",
      HEAD ONE "]",
      " " HEAD ONE "]}",
      HEAD " " ONE "]}",
      HEAD "{\"sig\":\"" SIG "\",\"keyid\":\"" KEYID "\"}]}",
      HEAD "{\"keyid\":\"" KEYID "\",\"sig\":\"" SIG "\",\"x\":1}]}",
      HEAD "{\"keyid\":\"\",\"sig\":\"" SIG "\"}]}",
      HEAD "{\"sig\":\"" SIG "\"}]}",
      HEAD "{\"keyid\":\"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\",\"sig\":\"" SIG "\"}]}",
      HEAD "{\"keyid\":\"" KEYID "\",\"sig\":\"AAAA\"}]}",
      HEAD "{\"keyid\":\"" KEYID "\",\"sig\":\"\"}]}",
      "{\"payloadType\":\"a/b\",\"payload\":\"e30=\",\"signatures\":[" ONE "]}",
      "{\"payload\":\"e30\",\"payloadType\":\"a/b\",\"signatures\":[" ONE "]}",
      "{\"payload\":\"e31=\",\"payloadType\":\"a/b\",\"signatures\":[" ONE "]}",
      "{\"payload\":\"e3\\u0030=\",\"payloadType\":\"a/b\",\"signatures\":[" ONE "]}",
      "{\"payload\":\"e30=\",\"payloadType\":\"a\\/b\",\"signatures\":[" ONE "]}",
      "{\"payload\":\"e30=\",\"payloadType\":\"\",\"signatures\":[" ONE "]}",
      "{\"payload\":\"e30=\",\"payloadType\":\"a b\",\"signatures\":[" ONE "]}",
      "{\"payload\":\"e30=\",\"payloadType\":\"a\u00e9b\",\"signatures\":[" ONE "]}",
      "{\"payload\":\"e30=\",\"payload\":\"e30=\",\"payloadType\":\"a/b\",\"signatures\":[" ONE "]}",
      HEAD "{{{{{{",
      "{\"payload\":\"_-8=\",\"payloadType\":\"a/b\",\"signatures\":[" ONE "]}", /* URL-safe base64 */
      "{\"payload\":\"e30=\",\"payloadType\":\"a\x7f\",\"signatures\":[" ONE "]}",
  };
  struct dsse d;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_int_equal(dsse_parse(&d, &arena, bytes_str(good[i]), MAX, NULL), PARLEY_OK);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct errmsg e = {""};
    assert_int_equal(dsse_parse(&d, &arena, bytes_str(bad[i]), MAX, &e), PARLEY_EINVAL);
    assert_true(strlen(e.text) > 0);
  }
}

static void test_limits(void **state) {
  (void)state;
  struct dsse d;
  struct buf b = envelope("{}", DSSE_SIGS_MAX);
  assert_int_equal(dsse_parse(&d, &arena, buf_view(&b), b.n, NULL), PARLEY_OK);
  assert_int_equal(dsse_parse(&d, &arena, buf_view(&b), b.n - 1, NULL), PARLEY_ELIMIT);
  buf_free(&b);
  b = envelope("{}", DSSE_SIGS_MAX + 1);
  assert_int_equal(dsse_parse(&d, &arena, buf_view(&b), b.n, NULL), PARLEY_ELIMIT);
  buf_free(&b);
}

static void test_unwritable_type(void **state) {
  (void)state;
  struct buf b = {0};
  dsse_write(&b, &(struct dsse){bytes_str("a\"b"), BYTES_NONE, 0, NULL});
  assert_false(buf_ok(&b));
  buf_free(&b);
}

static void test_type_bound(void **state) {
  (void)state;
  char type[257] = "";
  for (size_t n = 255; n <= 256; n++) {
    memset(type, 'a', n);
    struct buf b = {0};
    struct dsse d;
    buf_fmt(&b, "{\"payload\":\"e30=\",\"payloadType\":\"%s\",\"signatures\":[" ONE "]}", type);
    assert_int_equal(dsse_parse(&d, &arena, buf_view(&b), MAX, NULL), n > 255 ? PARLEY_EINVAL : PARLEY_OK);
    buf_free(&b);
  }
}

/* Each signature stands for itself: one that fails takes nothing from the others, and the key id proves nothing. */
static void test_several_signatures(void **state) {
  (void)state;
  struct ed25519_key *keys[5];
  for (uint8_t i = 0; i < 5; i++) keys[i] = key(i + 1);
  struct buf b = envelope("{}", 5);
  struct dsse d;
  assert_int_equal(dsse_parse(&d, &arena, buf_view(&b), MAX, NULL), PARLEY_OK);
  d.sigs[2].sig[0] ^= 1;
  for (size_t i = 0; i < 5; i++)
    for (size_t k = 0; k < 5; k++)
      assert_int_equal(dsse_signed_by(&d, i, ed25519_public(keys[k])) == PARLEY_OK, i == k && i != 2);
  /* Key 1's signature under key 4's id is neither's. */
  memcpy(d.sigs[3].sig, d.sigs[0].sig, sizeof d.sigs[3].sig);
  assert_false(dsse_signed_by(&d, 3, ed25519_public(keys[3])) == PARLEY_OK);
  assert_false(dsse_signed_by(&d, 3, ed25519_public(keys[0])) == PARLEY_OK);
  buf_free(&b);
  for (size_t i = 0; i < 5; i++) ed25519_free(keys[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pae),          cmocka_unit_test(test_round_trip_and_signatures),
      cmocka_unit_test(test_flipped_bits), cmocka_unit_test(test_only_one_form),
      cmocka_unit_test(test_limits),       cmocka_unit_test(test_unwritable_type),
      cmocka_unit_test(test_type_bound),   cmocka_unit_test(test_several_signatures),
  };
  return cmocka_run_group_tests(tests, NULL, free_arena);
}
