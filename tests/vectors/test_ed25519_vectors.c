/*
 * Our acceptance rule for Ed25519, checked against the edge cases of C2SP CCTV. Signatures are verified without the
 * cofactor, by re-encoding R: refused are R in a non-canonical encoding, and signatures whose low-order parts do not
 * cancel out; anything else that satisfies the equation is accepted, non-canonical keys included. It is OpenSSL's rule. Keys of small order
 * are refused when a key is taken in. Every node must have the same one, else two honest nodes could hold different records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/encoding.h"
#include "crypto/crypto.h"
#include "vectors/vector_file.h"

static bool has_flag(const json_t *v, const char *flag) {
  size_t i;
  json_t *f;
  json_array_foreach(json_object_get(v, "flags"), i, f) if (strcmp(json_string_value(f), flag) == 0) return true;
  return false;
}

static bool verifies(const json_t *v) {
  uint8_t key[ED25519_KEY_SIZE], sig[ED25519_SIG_SIZE];
  assert_true(hex_decode(key, sizeof key, bytes_str(json_string_value(json_object_get(v, "key")))));
  assert_true(hex_decode(sig, sizeof sig, bytes_str(json_string_value(json_object_get(v, "sig")))));
  return ed25519_verify(key, sig, bytes_str(json_string_value(json_object_get(v, "msg"))));
}

static void test_acceptance_rule(void **state) {
  (void)state;
  char path[VECTOR_PATH_SIZE];
  if (!vector_path(path, "ed25519/ed25519vectors.json")) skip();
  json_t *all = json_load_file(path, 0, NULL), *v;
  assert_true(json_is_array(all));
  int accepted = 0, refused = 0, different = 0;
  size_t i;
  json_array_foreach(all, i, v) {
    bool expected = !has_flag(v, "non_canonical_R") && !has_flag(v, "low_order_residue"), got = verifies(v);
    if (got != expected) {
      different++;
      printf("vector %zu: %s, expected the opposite\n", i, got ? "accepted" : "refused");
    }
    accepted += got ? 1 : 0;
    refused += got ? 0 : 1;
  }
  json_decref(all);
  printf("Ed25519 vectors: %d accepted, %d refused\n", accepted, refused);
  assert_int_equal(different, 0);
  assert_int_equal(accepted, 208);
  assert_int_equal(refused, 706);
}

/* A low-order key satisfies the equation for many messages: it is refused where keys are taken in. */
static void test_low_order_keys_are_no_identity(void **state) {
  (void)state;
  char path[VECTOR_PATH_SIZE];
  if (!vector_path(path, "ed25519/ed25519vectors.json")) skip();
  json_t *all = json_load_file(path, 0, NULL), *v;
  size_t i, wrong = 0, low = 0;
  json_array_foreach(all, i, v) {
    uint8_t key[ED25519_KEY_SIZE];
    assert_true(hex_decode(key, sizeof key, bytes_str(json_string_value(json_object_get(v, "key")))));
    bool is_low = has_flag(v, "low_order_A");
    low += is_low;
    wrong += ed25519_public_ok(key) == is_low;
  }
  json_decref(all);
  assert_int_equal(wrong, 0);
  assert_true(low > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_acceptance_rule), cmocka_unit_test(test_low_order_keys_are_no_identity)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
