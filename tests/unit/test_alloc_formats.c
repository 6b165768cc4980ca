/*
 * Notes, envelopes, proofs, policies and age files, with each allocation failing in turn. What is genuine is never called
 * false for lack of memory, and what is false never genuine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "formats/age.h"
#include "formats/age_armor.h"
#include "formats/dsse.h"
#include "formats/tlog.h"
#include "unit/alloc_fail.h"
#include "unit/signing.h"

#define ORIGIN "log.example/1"
#define TEXT ORIGIN "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

static struct note_signer author, mirror;
static struct buf note, other_note, envelope, other_envelope, proof, policy;

static parley_err no_memory(bool ok, struct errmsg *e) {
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

static void check(alloc_run run, const char *name) {
  const struct alloc_case c = {.name = name, .run = run};
  alloc_loop(&c);
}

/* ---- material ---- */

static void make_note(struct buf *out, bool good) {
  struct buf text = {0};
  buf_str(out, TEXT "\n");
  buf_str(&text, good ? TEXT : "another text\n");
  note_signer_sign(out, &author, buf_view(&text), 0);
  note_signer_sign(out, &mirror, buf_view(&text), 1700000000);
  buf_free(&text);
}

static void make_envelope(struct buf *out, bool good) {
  struct dsse_sig sig;
  struct buf pae = {0};
  struct dsse d = {.type = bytes_str("text/plain"), .payload = bytes_str("{\"a\":1}"), .n = 1, .sigs = &sig};
  dsse_pae(&pae, d.type, good ? d.payload : bytes_str("{}"));
  ed25519_sign(sig.sig, author.key, buf_view(&pae));
  ed25519_keyid(sig.keyid, ed25519_public(author.key));
  dsse_write(out, &d);
  buf_free(&pae);
}

static int setup(void **state) {
  struct tlog_proof p = {.index = 0};
  (void)state;
  author = note_signer_new(ORIGIN, NOTE_ED25519, 1);
  mirror = note_signer_new("m.example/mirror", NOTE_COSIGNATURE, 2);
  make_note(&note, true);
  make_note(&other_note, false);
  make_envelope(&envelope, true);
  make_envelope(&other_envelope, false);
  p.note = buf_view(&note);
  p.extra = bytes_str("extra");
  tlog_proof_write(&proof, &p);
  tlog_policy_write(&policy, &author.vkey, &mirror.vkey, 1);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  note_signer_free(&author);
  note_signer_free(&mirror);
  buf_free(&note);
  buf_free(&other_note);
  buf_free(&envelope);
  buf_free(&other_envelope);
  buf_free(&proof);
  buf_free(&policy);
  return 0;
}

/* ---- notes ---- */

static parley_err read_note(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct note n;
  struct checkpoint c;
  int64_t time;
  (void)ctx;
  parley_err err = note_parse(&n, &a, buf_view(&note), e);
  if (!err) err = checkpoint_parse(&c, n.text, e);
  if (!err) err = note_verify(&n, &author.vkey, NULL, NULL, e);
  if (!err) err = note_verify(&n, &mirror.vkey, &time, NULL, e);
  if (!err) err = note_verify_line(n.sigs[1].line, n.text, &mirror.vkey, &time, e);
  if (!err) buf_dec(result, (uint64_t)time);
  arena_free(&a);
  return err ? err : no_memory(buf_ok(result), e);
}

static parley_err read_false_note(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct note n;
  (void)ctx;
  parley_err err = note_parse(&n, &a, buf_view(&other_note), e);
  for (int i = 0; i < 2 && !err; i++) {
    err = note_verify(&n, i ? &mirror.vkey : &author.vkey, NULL, NULL, e);
    err = err == PARLEY_EVERIFY ? PARLEY_OK : err ? err : err_set(e, PARLEY_EIO, "a false signature verifies");
  }
  arena_free(&a);
  (void)result;
  return err;
}

static parley_err write_note(void *ctx, struct buf *result, struct errmsg *e) {
  struct vkey k;
  struct buf b = {0};
  struct hash root = {{1}};
  (void)ctx;
  vkey_write(&b, &mirror.vkey);
  parley_err err = buf_ok(&b) ? vkey_parse(&k, buf_view(&b), e) : no_memory(false, e);
  if (!err) {
    checkpoint_text(result, ORIGIN, 12, &root);
    note_sig_line(result, &author.vkey, BYTES(note.p, 64));
    err = no_memory(buf_ok(result), e);
  }
  buf_free(&b);
  return err;
}

static void test_notes(void **state) {
  (void)state;
  check(read_note, "reading a note");
  check(read_false_note, "reading a note that is false");
  check(write_note, "writing a note");
}

/* ---- envelopes ---- */

static parley_err read_envelope(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct dsse d;
  (void)ctx;
  parley_err err = dsse_parse(&d, &a, buf_view(&envelope), 4096, e);
  if (!err) {
    dsse_write(result, &d);
    err = no_memory(buf_ok(result), e);
  }
  arena_free(&a);
  return err;
}

static void test_envelopes(void **state) {
  (void)state;
  check(read_envelope, "an envelope");
}

/* ---- proofs and policies ---- */

static parley_err read_proof(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct tlog_proof p;
  struct tlog_policy *rules;
  struct note n;
  (void)ctx;
  parley_err err = tlog_proof_parse(&p, &a, buf_view(&proof), e);
  if (!err) err = note_parse(&n, &a, p.note, e);
  if (!err) err = tlog_policy_parse(&rules, &a, buf_view(&policy), e);
  if (!err) err = tlog_policy_check(rules, &n, e);
  if (!err) {
    tlog_proof_write(result, &p);
    tlog_policy_write(result, &author.vkey, &mirror.vkey, 1);
    err = no_memory(buf_ok(result), e);
  }
  arena_free(&a);
  return err;
}

static parley_err mirror_texts(void *ctx, struct buf *result, struct errmsg *e) {
  struct arena a = {0};
  struct mirror_info m = {7, 5, bytes_str("ticket")}, read;
  struct add_checkpoint r = {.old = 3, .note = buf_view(&note)}, again;
  struct buf b = {0};
  (void)ctx;
  mirror_info_write(result, &m);
  parley_err err = buf_ok(result) ? mirror_info_parse(&read, &a, buf_view(result), e) : no_memory(false, e);
  add_checkpoint_write(&b, &r);
  if (!err) err = buf_ok(&b) ? add_checkpoint_parse(&again, buf_view(&b), e) : no_memory(false, e);
  buf_free(&b);
  arena_free(&a);
  return err;
}

static void test_tlog(void **state) {
  (void)state;
  check(read_proof, "a proof and its policy");
  check(mirror_texts, "the texts of mirrors");
}

/* ---- age ---- */

static uint8_t secret[2][32] = {{1}, {2}}, ephemeral[64] = {9};
static struct buf sealed, locked;

static parley_err seal(void *ctx, struct buf *result, struct errmsg *e) {
  uint8_t to[2][X25519_SIZE];
  const struct age_random r = {{3}, {4}, ephemeral};
  (void)ctx;
  x25519_base(to[0], secret[0]);
  x25519_base(to[1], secret[1]);
  return age_seal(result, (const uint8_t(*)[X25519_SIZE])to, 2, &r, bytes_str("plaintext"), e);
}

static parley_err open_sealed(void *ctx, struct buf *result, struct errmsg *e) {
  struct age_identity id;
  (void)ctx;
  if (!age_identity_from_secret(&id, secret[1])) return no_memory(false, e);
  return age_open(result, buf_view(&sealed), &id, e);
}

static parley_err open_in_pieces(void *ctx, struct buf *result, struct errmsg *e) {
  struct age_identity id;
  struct age_reader r;
  uint8_t key[32];
  size_t used;
  (void)ctx;
  age_identity_from_secret(&id, secret[0]);
  parley_err err = age_open_header(&used, key, buf_view(&sealed), &id, e);
  if (err) return err;
  age_reader_init(&r, key);
  for (size_t i = used; i < sealed.n && !err; i++) err = age_reader_feed(&r, BYTES(sealed.p + i, 1), result, e);
  if (!err) err = age_reader_finish(&r, result, e);
  age_reader_free(&r);
  return err;
}

static parley_err seal_in_pieces(void *ctx, struct buf *result, struct errmsg *e) {
  static const uint8_t key[32] = {5}, data[AGE_CHUNK];
  struct age_writer w;
  (void)ctx;
  age_writer_init(&w, key);
  parley_err err = PARLEY_OK;
  for (int i = 0; i < 5 && !err; i++) err = age_writer_feed(&w, BYTES(data, AGE_CHUNK / 3), result, e);
  if (!err) err = age_writer_finish(&w, result, e);
  age_writer_free(&w);
  return err;
}

static parley_err lock(void *ctx, struct buf *result, struct errmsg *e) {
  static const uint8_t salt[16] = {6};
  const struct age_random r = {{3}, {4}, NULL};
  (void)ctx;
  return age_seal_scrypt(result, bytes_str("pass"), salt, 1, &r, bytes_str("plaintext"), e);
}

static parley_err open_locked(void *ctx, struct buf *result, struct errmsg *e) {
  (void)ctx;
  return age_open_scrypt(result, buf_view(&locked), bytes_str("pass"), e);
}

static parley_err armor(void *ctx, struct buf *result, struct errmsg *e) {
  struct buf text = {0};
  (void)ctx;
  parley_err err = age_armor_write(&text, buf_view(&sealed), e);
  if (!err) err = age_armor_read(result, buf_view(&text), e);
  buf_free(&text);
  return err;
}

static void test_age(void **state) {
  (void)state;
  check(seal, "sealing");
  check(lock, "sealing with a passphrase");
  assert_int_equal(seal(NULL, &sealed, NULL), PARLEY_OK);
  assert_int_equal(lock(NULL, &locked, NULL), PARLEY_OK);
  check(open_sealed, "opening");
  check(open_in_pieces, "opening in pieces");
  check(seal_in_pieces, "sealing in pieces");
  check(open_locked, "opening with a passphrase");
  check(armor, "armor");
  buf_free(&sealed);
  buf_free(&locked);
}

int main(void) {
  alloc_fail_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_notes),
      cmocka_unit_test(test_envelopes),
      cmocka_unit_test(test_tlog),
      cmocka_unit_test(test_age),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
