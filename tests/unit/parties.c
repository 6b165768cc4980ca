#include "unit/parties.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/encoding.h"
#include "formats/dsse.h"

struct ed25519_key *key_of(uint8_t seed) {
  uint8_t bytes[32];
  struct ed25519_key *k;
  memset(bytes, seed, sizeof bytes);
  assert_int_equal(ed25519_from_seed(&k, bytes, NULL), PARLEY_OK);
  return k;
}

static void set_public_keys(struct card *c, const struct party *p) {
  memcpy(c->statement, ed25519_public(p->statement), 32);
  memcpy(c->rotation, ed25519_public(p->rotation), 32);
  memcpy(c->log, ed25519_public(p->log), 32);
  memcpy(c->mirror, ed25519_public(p->mirror), 32);
}

static void set_link_pin(struct card *c, uint8_t number) {
  uint8_t digest[32];
  struct buf pin = {0};
  memset(digest, 250, sizeof digest);
  digest[0] = number;
  buf_str(&pin, "sha256//");
  base64_encode(&pin, BYTES(digest, 32), true);
  assert_non_null(buf_cstr(&pin));
  strcpy(c->link[0], (const char *)pin.p);
  c->n_link = 1;
  buf_free(&pin);
}

void party_open(struct party *p, const char *name, uint8_t number) {
  struct errmsg e = {""};
  struct card fields = {.not_before = 1600000000, .not_after = 1700000000};
  uint8_t secret[32], first = (uint8_t)(number * 4);
  *p = (struct party){.statement = key_of(first),
                      .rotation = key_of((uint8_t)(first + 1)),
                      .log = key_of((uint8_t)(first + 2)),
                      .mirror = key_of((uint8_t)(first + 3))};
  memset(secret, number, sizeof secret);
  assert_true(age_identity_from_secret(&p->seal, secret));
  strcpy(fields.name, name);
  snprintf(fields.submission, sizeof fields.submission, "https://%s:8443", name);
  snprintf(fields.monitoring, sizeof fields.monitoring, "https://%s:8443/read", name);
  set_public_keys(&fields, p);
  strcpy(fields.seal[0].label, "duty");
  memcpy(fields.seal[0].recipient, p->seal.pub, 32);
  fields.n_seal = 1;
  set_link_pin(&fields, number);
  const struct card_signers signers = {.statement = p->statement, .log = p->log, .mirror = p->mirror};
  if (card_make(&p->envelope, &fields, &signers, &e) != PARLEY_OK) fail_msg("%s", e.text);
  bool unproved = true;
  assert_int_equal(card_parse(&p->card, &p->arena, buf_view(&p->envelope), NULL, &unproved, &e), PARLEY_OK);
  assert_false(unproved);
}

void party_close(struct party *p) {
  ed25519_free(p->statement);
  ed25519_free(p->rotation);
  ed25519_free(p->log);
  ed25519_free(p->mirror);
  buf_free(&p->envelope);
  arena_free(&p->arena);
}

struct buf envelope_by(const char *type, struct bytes payload, const struct ed25519_key *const *keys, size_t n) {
  struct dsse_sig sigs[8];
  struct buf pae = {0}, out = {0};
  assert_in_range(n, 1, 8);
  dsse_pae(&pae, bytes_str(type), payload);
  for (size_t i = 0; i < n; i++) {
    ed25519_keyid(sigs[i].keyid, ed25519_public(keys[i]));
    ed25519_sign(sigs[i].sig, keys[i], buf_view(&pae));
  }
  buf_free(&pae);
  dsse_write(&out, &(struct dsse){.type = bytes_str(type), .payload = payload, .n = n, .sigs = sigs});
  assert_true(buf_ok(&out));
  return out;
}

char *payload_of(struct arena *a, struct bytes envelope) {
  struct dsse d;
  assert_int_equal(dsse_parse(&d, a, envelope, envelope.n, NULL), PARLEY_OK);
  char *s = arena_cstr(a, d.payload);
  assert_non_null(s);
  return s;
}

char *replaced(struct arena *a, const char *text, const char *from, const char *to) {
  const char *at = strstr(text, from);
  if (at == NULL) fail_msg("no \"%s\" in %s", from, text);
  char *s = arena_fmt(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  assert_non_null(s);
  return s;
}

char *repeated(struct arena *a, const char *unit, size_t n) {
  size_t size = strlen(unit);
  char *s = arena_alloc(a, size * n + 1);
  assert_non_null(s);
  for (size_t i = 0; i < n; i++) memcpy(s + i * size, unit, size);
  return s;
}

void check_refused(parley_err err, parley_err code, const struct errmsg *e, const char *part, const char *file,
                   int line) {
  if (err == code && strstr(e->text, part) != NULL) return;
  print_error("wanted %s: …%s…\ngot    %s: %s\n", err_name(code), part, err_name(err), err == PARLEY_OK ? "" : e->text);
  _fail(file, line);
}
