/*
 * Signed notes: the example of the specification, every malformed shape, and what counts as signed.
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
#include "unit/signing.h"

#define EXAMPLE_KEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define EXAMPLE_SIG                                                                                                    \
  "\u2014 example.com/foo "                                                                                            \
  "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
#define EXAMPLE_NOTE "This is an example message.\n\n" EXAMPLE_SIG

#define EMPTY_ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static struct arena arena;

static int free_arena(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static parley_err parse(struct note *n, const char *s) {
  struct errmsg e = {""};
  const parley_err err = note_parse(n, &arena, bytes_str(s), &e);
  assert_int_equal(err == PARLEY_OK, e.text[0] == '\0'); /* every refusal says why */
  return err;
}

static void test_example_of_the_specification(void **state) {
  (void)state;
  struct vkey k;
  struct note n;
  int64_t time = 7;
  size_t which = 7;
  assert_int_equal(vkey_parse(&k, bytes_str(EXAMPLE_KEY), NULL), PARLEY_OK);
  assert_string_equal(k.name, "example.com/foo");
  assert_int_equal(k.type, NOTE_ED25519);
  assert_int_equal(k.id, 0x530d903a);
  assert_int_equal(parse(&n, EXAMPLE_NOTE), PARLEY_OK);
  assert_true(bytes_is(n.text, "This is an example message.\n"));
  assert_int_equal(n.n, 1);
  assert_true(bytes_is(n.sigs[0].line, EXAMPLE_SIG));
  assert_int_equal(note_verify(&n, &k, &time, &which, NULL), PARLEY_OK);
  assert_int_equal(time, 0);
  assert_int_equal(which, 0);
  assert_int_equal(note_verify_line(bytes_str(EXAMPLE_SIG), n.text, &k, NULL, NULL), PARLEY_OK);
  struct buf b = {0};
  vkey_write(&b, &k);
  assert_true(bytes_is(buf_view(&b), EXAMPLE_KEY));
  buf_free(&b);
}

/* Every changed bit of the example is refused, or is a signature by somebody else. */
static void test_flipped_bits(void **state) {
  (void)state;
  struct vkey k;
  assert_int_equal(vkey_parse(&k, bytes_str(EXAMPLE_KEY), NULL), PARLEY_OK);
  char copy[sizeof EXAMPLE_NOTE] = EXAMPLE_NOTE;
  for (size_t i = 0; i < strlen(EXAMPLE_NOTE) * 8; i++) {
    copy[i / 8] ^= (char)(1 << i % 8);
    struct note n;
    const bool good = note_parse(&n, &arena, BYTES(copy, strlen(EXAMPLE_NOTE)), NULL) == PARLEY_OK &&
                      note_verify(&n, &k, NULL, NULL, NULL) == PARLEY_OK;
    assert_false(good);
    copy[i / 8] ^= (char)(1 << i % 8);
  }
}

static void test_note_shapes(void **state) {
  (void)state;
  static const char *const good[] = {
      "\n\n" EXAMPLE_SIG,
      "a\n\nb\n\n" EXAMPLE_SIG,
      "a\n\n\n" EXAMPLE_SIG,
      "text\n\n\u2014 n AAAAAAA=\n",
      "text\n\n\u2014 \u00e4\u00f6 AAAAAAA=\n",
      "\u2014 looks like a signature\n\n" EXAMPLE_SIG,
      "\x7f\n\n" EXAMPLE_SIG,
  };
  static const char *const bad[] = {
      "",
      "\n",
      "\n\n",
      "text\n",
      "text\n\n",
      "text\n" EXAMPLE_SIG,
      "text\n\n" EXAMPLE_SIG "\n",
      "text\n\n" EXAMPLE_SIG "trailing\n",
      "text\n\n\u2014 n AAAAAAA=",
      "text\n\n- n AAAAAAA=\n",
      "text\n\n\u2014n AAAAAAA=\n",
      "text\n\n\u2014 AAAAAAA=\n",
      "text\n\n\u2014  AAAAAAA=\n",
      "text\n\n\u2014 n  AAAAAAA=\n",
      "text\n\n\u2014 n AAAAAAA= \n",
      "text\n\n\u2014 n m AAAAAAA=\n",
      "text\n\n\u2014 n+m AAAAAAA=\n",
      "text\n\n\u2014 n\u00a0m AAAAAAA=\n",
      "text\n\n\u2014 n\u2003m AAAAAAA=\n",
      "text\n\n\u2014 n\u2028 AAAAAAA=\n",
      "text\n\n\u2014 n\u202f AAAAAAA=\n",
      "text\n\n\u2014 n\u205f AAAAAAA=\n",
      "text\n\n\u2014 \u3000 AAAAAAA=\n",
      "text\n\n\u2014 n\u1680 AAAAAAA=\n",
      "text\n\n\xe2\x80\x94 n\xc2\x85 AAAAAAA=\n",
      "text\n\n\u2014 n AAAAAA==\n", /* a key id and no signature */
      "text\n\n\u2014 n AAAA\n",
      "text\n\n\u2014 n \n",
      "text\n\n\u2014 n AAAAAAA\n",
      "text\n\n\u2014 n AAAAAAB=\n", /* unused bits set */
      "text\n\n\u2014 n AAAAAA-=\n",
      "te\txt\n\n" EXAMPLE_SIG,
      "te\rxt\n\n" EXAMPLE_SIG,
      "te\xffxt\n\n" EXAMPLE_SIG,
      "te\xed\xa0\x80xt\n\n" EXAMPLE_SIG,
  };
  struct note n;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_int_equal(parse(&n, good[i]), PARLEY_OK);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(parse(&n, bad[i]), PARLEY_EINVAL);
  assert_int_equal(note_parse(&n, &arena, BYTES("te\0xt\n\n\xe2\x80\x94 n AAAAAAA=\n", 22), NULL), PARLEY_EINVAL);
}

static void test_limits(void **state) {
  (void)state;
  for (size_t sigs = NOTE_SIGS_READ_MAX; sigs <= NOTE_SIGS_READ_MAX + 1; sigs++) {
    struct buf b = {0};
    struct note n;
    buf_str(&b, "text\n\n");
    for (size_t i = 0; i < sigs; i++) buf_str(&b, EXAMPLE_SIG);
    const parley_err err = note_parse(&n, &arena, buf_view(&b), NULL);
    assert_int_equal(err, sigs > NOTE_SIGS_READ_MAX ? PARLEY_ELIMIT : PARLEY_OK);
    buf_free(&b);
  }
  for (size_t size = NOTE_SIZE_MAX; size <= NOTE_SIZE_MAX + 1; size++) {
    struct buf b = {0};
    struct note n;
    while (b.n < size - 1 - strlen(EXAMPLE_SIG) - 1) buf_str(&b, "x");
    buf_str(&b, "\n\n" EXAMPLE_SIG);
    assert_int_equal(b.n, size);
    assert_int_equal(note_parse(&n, &arena, buf_view(&b), NULL), size > NOTE_SIZE_MAX ? PARLEY_ELIMIT : PARLEY_OK);
    buf_free(&b);
  }
}

static void test_bad_vkeys(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "+",
      "++",
      "example.com/foo",
      "example.com/foo+530d903a",
      "example.com/foo+530d903a+",
      "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
      "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
      "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
      "example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
      "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
      "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
      "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
      "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
      (" " EXAMPLE_KEY),
  };
  struct vkey k;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(vkey_parse(&k, bytes_str(bad[i]), NULL), PARLEY_EINVAL);
  const uint8_t pub[32] = {3}, small_order[32] = {1};
  char name[NOTE_NAME_MAX + 2];
  memset(name, 'n', sizeof name);
  name[NOTE_NAME_MAX + 1] = '\0';
  assert_int_equal(vkey_make(&k, name, NOTE_ED25519, pub, NULL), PARLEY_EINVAL);
  name[NOTE_NAME_MAX] = '\0';
  assert_int_equal(vkey_make(&k, name, NOTE_ED25519, pub, NULL), PARLEY_OK);
  assert_int_equal(vkey_make(&k, "n", NOTE_ED25519, small_order, NULL), PARLEY_EINVAL);
  assert_int_equal(vkey_make(&k, "n", 0x02, pub, NULL), PARLEY_EINVAL);
  assert_int_equal(vkey_make(&k, "n", 0x06, pub, NULL), PARLEY_EINVAL);
  assert_int_equal(vkey_make(&k, "", NOTE_ED25519, pub, NULL), PARLEY_EINVAL);
  assert_int_equal(vkey_make(&k, "a b", NOTE_ED25519, pub, NULL), PARLEY_EINVAL);
  assert_int_equal(vkey_make(&k, "a\tb", NOTE_ED25519, pub, NULL), PARLEY_EINVAL);
  assert_int_equal(vkey_make(&k, "a+b", NOTE_ED25519, pub, NULL), PARLEY_EINVAL);
  assert_int_equal(vkey_make(&k, "a\xff", NOTE_ED25519, pub, NULL), PARLEY_EINVAL);
}

/* The same key under both types has two ids (signed-note: Verifier keys). */
static void test_type_is_part_of_the_id(void **state) {
  (void)state;
  struct note_signer a = note_signer_new("n", NOTE_ED25519, 1), b = note_signer_new("n", NOTE_COSIGNATURE, 1);
  assert_memory_equal(a.vkey.pub, b.vkey.pub, 32);
  assert_int_not_equal(a.vkey.id, b.vkey.id);
  note_signer_free(&a);
  note_signer_free(&b);
}

#define CHECKPOINT "example.com/log\n0\n" EMPTY_ROOT "\n"

static void test_several_signatures(void **state) {
  (void)state;
  const struct bytes text = bytes_str(CHECKPOINT);
  struct note_signer log = note_signer_new("example.com/log", NOTE_ED25519, 1),
                     w = note_signer_new("w", NOTE_COSIGNATURE, 2),
                     stranger = note_signer_new("example.com/log", NOTE_ED25519, 3);
  struct buf b = {0};
  buf_bytes(&b, text);
  buf_str(&b, "\n");
  note_signer_sign(&b, &w, text, 1700000300);
  note_signer_sign(&b, &log, text, 0);
  note_signer_sign(&b, &w, text, 1700000100);
  note_signer_sign(&b, &w, text, 1700000200);
  struct note n;
  int64_t time;
  size_t which;
  struct errmsg e;
  assert_int_equal(note_parse(&n, &arena, buf_view(&b), &e), PARLEY_OK);
  assert_int_equal(n.n, 4);
  assert_int_equal(note_verify(&n, &log.vkey, NULL, &which, &e), PARLEY_OK);
  assert_int_equal(which, 1);
  assert_int_equal(note_verify(&n, &w.vkey, &time, &which, &e), PARLEY_OK);
  assert_int_equal(time, 1700000100);
  assert_int_equal(which, 2);
  assert_int_equal(note_verify(&n, &stranger.vkey, NULL, NULL, &e), PARLEY_ENOTFOUND);
  /* One bad line of a known key refuses the note, though good ones stand beside it. */
  b.p[b.n - 10] ^= 1;
  assert_int_equal(note_parse(&n, &arena, buf_view(&b), &e), PARLEY_OK);
  assert_int_equal(note_verify(&n, &w.vkey, NULL, NULL, &e), PARLEY_EVERIFY);
  assert_int_equal(note_verify(&n, &log.vkey, NULL, NULL, &e), PARLEY_OK);
  buf_free(&b);
  note_signer_free(&log);
  note_signer_free(&w);
  note_signer_free(&stranger);
}

/* A cosignature binds its time, and is no plain signature of the same key. */
static void test_cosignature(void **state) {
  (void)state;
  const struct bytes text = bytes_str(CHECKPOINT);
  struct note_signer w = note_signer_new("w", NOTE_COSIGNATURE, 2), other = note_signer_new("x", NOTE_COSIGNATURE, 2);
  struct buf message = {0}, line = {0};
  int64_t time = 0;
  cosignature_message(&message, 1679315147, text);
  assert_true(bytes_is(buf_view(&message), "cosignature/v1\ntime 1679315147\n" CHECKPOINT));
  note_signer_sign(&line, &w, text, 1679315147);
  assert_int_equal(note_verify_line(buf_view(&line), text, &w.vkey, &time, NULL), PARLEY_OK);
  assert_int_equal(time, 1679315147);
  assert_int_equal(note_verify_line(BYTES(line.p, line.n - 1), text, &w.vkey, NULL, NULL), PARLEY_OK);
  assert_int_equal(note_verify_line(buf_view(&line), text, &other.vkey, NULL, NULL), PARLEY_ENOTFOUND);
  assert_int_equal(note_verify_line(buf_view(&line), bytes_str("x\n"), &w.vkey, NULL, NULL), PARLEY_EVERIFY);
  assert_int_equal(note_verify_line(bytes_str("no line"), text, &w.vkey, NULL, NULL), PARLEY_EINVAL);
  static const char *const no_lines[] = {
      "\u2014 w",          "\u2014 w ",         "\u2014 w AAAAAA==",   "\u2014 w AAAAAAA",
      "\u2014 w AAAAAAB=", "\u2014 w AAAA-AA=", "\u2014 w\t AAAAAAA=", "\xe2\x80\x94 \xff AAAAAAA=",
  };
  for (size_t i = 0; i < sizeof no_lines / sizeof *no_lines; i++)
    assert_int_equal(note_verify_line(bytes_str(no_lines[i]), text, &w.vkey, NULL, NULL), PARLEY_EINVAL);
  assert_int_equal(note_verify_line(BYTES_NONE, text, &w.vkey, NULL, NULL), PARLEY_EINVAL);
  note_signer_sign(&line, &w, text, 1679315147); /* two lines are not one */
  assert_int_equal(note_verify_line(buf_view(&line), text, &w.vkey, NULL, NULL), PARLEY_EINVAL);

  uint8_t sig[72];
  put_u64be(sig, 5);
  ed25519_sign(sig + 8, w.key, text); /* a signature over the bare text */
  buf_clear(&line);
  note_sig_line(&line, &w.vkey, BYTES(sig, 72));
  assert_int_equal(note_verify_line(buf_view(&line), text, &w.vkey, NULL, NULL), PARLEY_EVERIFY);
  put_u64be(sig, UINT64_C(1) << 63); /* over 2^63 - 1 */
  buf_clear(&message);
  buf_str(&message, "cosignature/v1\ntime 9223372036854775808\n" CHECKPOINT);
  ed25519_sign(sig + 8, w.key, buf_view(&message));
  buf_clear(&line);
  note_sig_line(&line, &w.vkey, BYTES(sig, 72));
  assert_int_equal(note_verify_line(buf_view(&line), text, &w.vkey, NULL, NULL), PARLEY_EVERIFY);
  buf_free(&message);
  buf_free(&line);
  note_signer_free(&w);
  note_signer_free(&other);
}

/* A line that nobody could verify is not written. */
static void test_wrong_signature_sizes(void **state) {
  (void)state;
  struct note_signer log = note_signer_new("n", NOTE_ED25519, 1), w = note_signer_new("n", NOTE_COSIGNATURE, 1);
  const uint8_t sig[80] = {0};
  struct buf a = {0}, b = {0}, c = {0};
  note_sig_line(&a, &log.vkey, BYTES(sig, 72));
  note_sig_line(&b, &w.vkey, BYTES(sig, 64));
  cosignature_message(&c, -1, bytes_str(CHECKPOINT));
  assert_false(buf_ok(&a) || buf_ok(&b) || buf_ok(&c));
  buf_free(&a);
  buf_free(&b);
  buf_free(&c);
  note_signer_free(&log);
  note_signer_free(&w);
}

/* signed-note: Format. The text may have empty lines of its own. */
static void test_text_ends_at_the_last_empty_line(void **state) {
  (void)state;
  static const char *const texts[] = {"a\n", "\n", "a\n\nb\n", "\n\n\n", "a\n\n\u2014 n AAAAAAA=\n", "a\n\n"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct buf b = {0};
    struct note n;
    buf_fmt(&b, "%s\n" EXAMPLE_SIG, texts[i]);
    assert_int_equal(note_parse(&n, &arena, buf_view(&b), NULL), PARLEY_OK);
    assert_true(bytes_is(n.text, texts[i]));
    assert_int_equal(n.n, 1);
    buf_free(&b);
  }
}

/* Every character with the property White_Space, and its neighbours that lack it. */
static void test_every_unicode_space(void **state) {
  (void)state;
  static const char *const spaces[] = {
      "\t",           "\n",           "\v",           "\f",           "\r",           " ",
      "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
      "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
      "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
      "\xe3\x80\x80",
  };
  static const char *const others[] = {
      "\xc2\x84",     "\xc2\x86",     "\xc2\x9f",     "\xc2\xa1",     "\xe1\x9a\x81", "\xe1\xa0\x8e", "\xe2\x80\x8b",
      "\xe2\x80\xa7", "\xe2\x80\xaa", "\xe2\x80\xb0", "\xe2\x81\xa0", "\xe3\x80\x81", "\xef\xbb\xbf", "\x7f",
  };
  const uint8_t pub[32] = {3};
  struct vkey k;
  char name[16];
  for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
    snprintf(name, sizeof name, "a%sb", spaces[i]);
    assert_int_equal(vkey_make(&k, name, NOTE_ED25519, pub, NULL), PARLEY_EINVAL);
    assert_int_equal(vkey_make(&k, spaces[i], NOTE_ED25519, pub, NULL), PARLEY_EINVAL);
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    snprintf(name, sizeof name, "a%sb", others[i]);
    assert_int_equal(vkey_make(&k, name, NOTE_ED25519, pub, NULL), PARLEY_OK);
  }
}

/* signed-note: the id is the front of SHA-256(name, newline, type, key); tlog-cosignature: Format. */
static void test_key_ids(void **state) {
  (void)state;
  struct note_signer s = note_signer_new("example.com/\u00e9", NOTE_ED25519, 9);
  for (uint8_t type = NOTE_ED25519; type <= NOTE_COSIGNATURE; type += NOTE_COSIGNATURE - NOTE_ED25519) {
    struct buf b = {0};
    struct vkey k;
    uint8_t digest[32];
    buf_str(&b, "example.com/\u00e9\n");
    buf_u8(&b, type);
    buf_add(&b, s.vkey.pub, 32);
    sha256(digest, buf_view(&b));
    assert_int_equal(vkey_make(&k, s.vkey.name, type, s.vkey.pub, NULL), PARLEY_OK);
    assert_int_equal(k.id,
                     (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3]);
    buf_free(&b);
  }
  note_signer_free(&s);
}

/* Sixteen signatures, of two types, are no burden; each is found wherever it stands. */
static void test_sixteen_signatures(void **state) {
  (void)state;
  const struct bytes text = bytes_str(CHECKPOINT);
  struct note_signer s[NOTE_SIGS_WRITE_MAX];
  struct buf b = {0};
  buf_str(&b, CHECKPOINT "\n");
  for (uint8_t i = 0; i < NOTE_SIGS_WRITE_MAX; i++) {
    s[i] = note_signer_new("same.example", i % 2 ? NOTE_COSIGNATURE : NOTE_ED25519, i + 1);
    note_signer_sign(&b, &s[i], text, 1700000000 + i);
  }
  struct note n;
  assert_int_equal(note_parse(&n, &arena, buf_view(&b), NULL), PARLEY_OK);
  assert_int_equal(n.n, 16);
  for (size_t i = 0; i < NOTE_SIGS_WRITE_MAX; i++) {
    size_t which = 99;
    int64_t time = -1;
    assert_int_equal(note_verify(&n, &s[i].vkey, &time, &which, NULL), PARLEY_OK);
    assert_int_equal(which, i);
    assert_int_equal(time, i % 2 ? 1700000000 + (int64_t)i : 0);
    note_signer_free(&s[i]);
  }
  buf_free(&b);
}

static void add_line(struct buf *b, const char *name, uint32_t id, size_t n) {
  struct buf raw = {0}, text = {0};
  for (int shift = 24; shift >= 0; shift -= 8) buf_u8(&raw, (uint8_t)(id >> shift));
  for (size_t i = 0; i < n; i++) buf_u8(&raw, 0x55);
  base64_encode(&text, buf_view(&raw), true);
  buf_fmt(b, "\u2014 %s %s\n", name, buf_cstr(&text));
  buf_free(&raw);
  buf_free(&text);
}

/* signed-note: Signatures. A name or an id alone is nobody we know, whatever the size of what stands there. */
static void test_unknown_keys_are_ignored(void **state) {
  (void)state;
  struct note_signer s = note_signer_new("n", NOTE_ED25519, 1);
  const struct bytes text = bytes_str(CHECKPOINT);
  struct buf b = {0};
  struct note n;
  buf_str(&b, CHECKPOINT "\n");
  add_line(&b, "n", s.vkey.id ^ 1, 64);
  add_line(&b, "N", s.vkey.id, 64);
  add_line(&b, "nn", s.vkey.id, 64);
  add_line(&b, "pq.example", 5, 8 + 2420);
  add_line(&b, "x", 7, 1);
  assert_int_equal(note_parse(&n, &arena, buf_view(&b), NULL), PARLEY_OK);
  assert_int_equal(note_verify(&n, &s.vkey, NULL, NULL, NULL), PARLEY_ENOTFOUND);
  note_signer_sign(&b, &s, text, 0);
  assert_int_equal(note_parse(&n, &arena, buf_view(&b), NULL), PARLEY_OK);
  assert_int_equal(note_verify(&n, &s.vkey, NULL, NULL, NULL), PARLEY_OK);
  /* Name and id together are a known key: a signature of another size does not verify. */
  add_line(&b, "n", s.vkey.id, 63);
  assert_int_equal(note_parse(&n, &arena, buf_view(&b), NULL), PARLEY_OK);
  assert_int_equal(note_verify(&n, &s.vkey, NULL, NULL, NULL), PARLEY_EVERIFY);
  buf_free(&b);
  note_signer_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_example_of_the_specification),
      cmocka_unit_test(test_flipped_bits),
      cmocka_unit_test(test_note_shapes),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_bad_vkeys),
      cmocka_unit_test(test_type_is_part_of_the_id),
      cmocka_unit_test(test_several_signatures),
      cmocka_unit_test(test_cosignature),
      cmocka_unit_test(test_wrong_signature_sizes),
      cmocka_unit_test(test_text_ends_at_the_last_empty_line),
      cmocka_unit_test(test_every_unicode_space),
      cmocka_unit_test(test_key_ids),
      cmocka_unit_test(test_sixteen_signatures),
      cmocka_unit_test(test_unknown_keys_are_ignored),
  };
  return cmocka_run_group_tests(tests, NULL, free_arena);
}
