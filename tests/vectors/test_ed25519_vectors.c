/*
 * Our acceptance rule for Ed25519 (docs/protocol.md section 1), checked against the edge cases of C2SP CCTV, and that
 * every format verifies by it: with two rules two honest nodes could hold different records. It is OpenSSL's rule:
 * without the cofactor, by encoding [S]B - [k]A and comparing it with R byte for byte. So R in a non-canonical encoding
 * is refused, and a signature whose low-order parts do not cancel out; whatever else satisfies the equation is taken,
 * under non-canonical encodings of A too. Keys of small order are refused where a key is taken in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/encoding.h"
#include "formats/dsse.h"
#include "formats/note.h"
#include "vectors/vector_file.h"

static bool has_flag(const json_t *v, const char *flag) {
  size_t i;
  json_t *f;
  json_array_foreach(json_object_get(v, "flags"), i, f) if (strcmp(json_string_value(f), flag) == 0) return true;
  return false;
}

struct vector {
  uint8_t key[ED25519_KEY_SIZE], sig[ED25519_SIG_SIZE];
  const char *msg;
};

static struct vector read_vector(const json_t *v) {
  struct vector x = {.msg = json_string_value(json_object_get(v, "msg"))};
  assert_non_null(x.msg);
  assert_true(hex_decode(x.key, sizeof x.key, bytes_str(json_string_value(json_object_get(v, "key")))));
  assert_true(hex_decode(x.sig, sizeof x.sig, bytes_str(json_string_value(json_object_get(v, "sig")))));
  return x;
}

static bool verifies(const json_t *v) {
  const struct vector x = read_vector(v);
  return ed25519_verify(x.key, x.sig, bytes_str(x.msg));
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

/* ---- the same verdict in every format; the structures are filled by hand, as no such key can be taken in ---- */

static struct vkey vkey_of(const struct vector *x, uint8_t type) {
  struct vkey k = {.name = "n", .type = type, .id = 7};
  memcpy(k.pub, x->key, sizeof k.pub);
  return k;
}

/* The note's text is the vector's message itself. */
static bool as_note(const struct vector *x) {
  const struct vkey k = vkey_of(x, NOTE_ED25519);
  struct note_sig s = {.name = bytes_str("n"), .id = k.id, .sig = BYTES(x->sig, sizeof x->sig)};
  const struct note n = {.text = bytes_str(x->msg), .n = 1, .sigs = &s};
  return note_verify(&n, &k, NULL, NULL, NULL) == PARLEY_OK;
}

static bool as_cosignature(const struct vector *x, int64_t time) {
  const struct vkey k = vkey_of(x, NOTE_COSIGNATURE);
  uint8_t sig[8 + ED25519_SIG_SIZE];
  put_u64be(sig, (uint64_t)time);
  memcpy(sig + 8, x->sig, sizeof x->sig);
  struct note_sig s = {.name = bytes_str("n"), .id = k.id, .sig = BYTES(sig, sizeof sig)};
  const struct note n = {.text = bytes_str(x->msg), .n = 1, .sigs = &s};
  const bool ok = note_verify(&n, &k, NULL, NULL, NULL) == PARLEY_OK;
  struct buf line = {0};
  note_sig_line(&line, &k, BYTES(sig, sizeof sig));
  assert_int_equal(note_verify_line(buf_view(&line), n.text, &k, NULL, NULL) == PARLEY_OK, ok);
  buf_free(&line);
  return ok;
}

static bool as_envelope(const struct vector *x, struct bytes payload) {
  struct dsse_sig s;
  ed25519_keyid(s.keyid, x->key);
  memcpy(s.sig, x->sig, sizeof s.sig);
  const struct dsse d = {.type = bytes_str("a/b"), .payload = payload, .n = 1, .sigs = &s};
  return dsse_signed_by(&d, 0, x->key) == PARLEY_OK;
}

struct tally {
  int accepted, refused;
};

static void expect(struct tally *t, bool got, const struct vector *x, struct buf *message) {
  assert_int_equal(got, ed25519_verify(x->key, x->sig, buf_view(message)));
  t->accepted += got;
  t->refused += !got;
  buf_clear(message);
}

/*
 * What an envelope or cosignature signs is never the vector's message. But where key and R are of small order and S is
 * 0, about every eighth message verifies: so a few messages for each vector show both verdicts.
 */
static void test_same_rule_in_every_format(void **state) {
  (void)state;
  char path[VECTOR_PATH_SIZE];
  if (!vector_path(path, "ed25519/ed25519vectors.json")) skip();
  json_t *all = json_load_file(path, 0, NULL), *v;
  struct tally notes = {0}, cosignatures = {0}, envelopes = {0};
  struct buf m = {0};
  size_t i;
  json_array_foreach(all, i, v) {
    const struct vector x = read_vector(v);
    buf_str(&m, x.msg);
    expect(&notes, as_note(&x), &x, &m);
    for (int64_t time = 1; time <= 4; time++) {
      cosignature_message(&m, time, bytes_str(x.msg));
      expect(&cosignatures, as_cosignature(&x, time), &x, &m);
      const struct bytes payload = BYTES(x.msg, (size_t)time);
      dsse_pae(&m, bytes_str("a/b"), payload);
      expect(&envelopes, as_envelope(&x, payload), &x, &m);
    }
  }
  json_decref(all);
  buf_free(&m);
  printf("accepted: %d notes, %d cosignatures, %d envelopes; refused: %d, %d, %d\n", notes.accepted,
         cosignatures.accepted, envelopes.accepted, notes.refused, cosignatures.refused, envelopes.refused);
  assert_int_equal(notes.accepted, 208);
  assert_int_equal(notes.refused, 706);
  assert_true(cosignatures.accepted > 100 && cosignatures.refused > 1000);
  assert_true(envelopes.accepted > 100 && envelopes.refused > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_acceptance_rule),
      cmocka_unit_test(test_low_order_keys_are_no_identity),
      cmocka_unit_test(test_same_rule_in_every_format),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
