#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "pack_fixture_parts.h"

const char fixture_form[] =
    "{\"kind\":\"incident.notice\",\"version\":1,\"title\":{\"en\":\"Notice\"},\"fields\":[{\"name\":\"text\",\"type\":"
    "\"text\",\"max\":20,\"required\":true,\"label\":{\"en\":\"Text\"},\"help\":{\"en\":\"What happened.\"},"
    "\"source\":\"none\"}]}";

/* ---- cards ---- */

/* Any digest does; unlike that of a real certificate it is the same in every run. */
static void link_pin(const struct fixture *f, char out[static LINK_PIN_SIZE], const char *party) {
  uint8_t digest[32];
  struct buf b = {0};
  fixture_seed(f, digest, party, "link");
  buf_str(&b, "sha256//");
  base64_encode(&b, BYTES(digest, 32), true);
  assert_true(buf_ok(&b) && b.n == LINK_PIN_SIZE - 1);
  memcpy(out, b.p, b.n);
  out[b.n] = '\0';
  buf_free(&b);
}

/* The label of a key of this serial: "log", "log.1"; a key that is kept has the one of the first card. */
static const char *labelled(struct fixture *f, const char *what, size_t serial, bool kept) {
  const char *label = serial == 0 || kept ? what : arena_fmt(&f->arena, "%s.%zu", what, serial);
  assert_non_null(label);
  return label;
}

static void card_at(struct fixture *f, struct fixture_party *p, size_t serial) {
  struct fixture_card *at = &p->at[serial];
  const bool kept = f->options.keys_kept;
  at->statement = fixture_key(f, p->name, labelled(f, "statement", serial, kept));
  at->rotation = fixture_key(f, p->name, labelled(f, "rotation", serial, false));
  at->log = fixture_key(f, p->name, labelled(f, "log", serial, kept));
  at->mirror = fixture_key(f, p->name, labelled(f, "mirror", serial, kept));
  struct card c = {.serial = serial,
                   .not_before = FIXTURE_TIME - 86400,
                   .not_after = FIXTURE_TIME + 86400,
                   .n_seal = 2,
                   .n_link = 1};
  snprintf(c.name, sizeof c.name, "%s", p->name);
  snprintf(c.submission, sizeof c.submission, "https://%s:8443", p->name);
  snprintf(c.monitoring, sizeof c.monitoring, "https://%s:8443/m", p->name);
  memcpy(c.statement, ed25519_public(at->statement), 32);
  memcpy(c.rotation, ed25519_public(at->rotation), 32);
  memcpy(c.log, ed25519_public(at->log), 32);
  memcpy(c.mirror, ed25519_public(at->mirror), 32);
  static const char *const labels[] = {"duty", "judicial"};
  for (size_t i = 0; i < 2; i++) {
    uint8_t secret[32];
    snprintf(c.seal[i].label, sizeof c.seal[i].label, "%s", labels[i]);
    fixture_seed(f, secret, p->name, labelled(f, i == 0 ? "seal" : "seal judicial", serial, kept));
    assert_true(x25519_base(c.seal[i].recipient, secret));
  }
  link_pin(f, c.link[0], p->name);
  struct buf out = {0};
  struct errmsg e = {{0}};
  const struct card *before = serial > 0 ? &p->at[serial - 1].card : NULL;
  struct ed25519_key *rotation = serial > 0 ? p->at[serial - 1].rotation : NULL;
  fixture_ok(card_make(&out, &c, &(struct card_signers){at->statement, at->log, at->mirror, rotation}, &e), &e);
  fixture_ok(card_parse(&at->card, &f->arena, fixture_kept(f, &out), before, NULL, &e), &e);
  /* Whoever draws the pack pinned each party when the oldest charter was made. */
  if (serial >= f->options.named || f->options.predecessors > 0) f->cards[f->input.n_cards++] = &at->card;
}

void fixture_party(struct fixture *f, size_t i) {
  struct fixture_party *p = &f->parties[i];
  p->name = fixture_names[i];
  p->n_cards = 1 + f->options.renewals;
  assert_true(p->n_cards <= FIXTURE_CARDS);
  for (size_t serial = 0; serial < p->n_cards; serial++) card_at(f, p, serial);
  p->card = p->at[0].card;
}

struct fixture_card *fixture_card(struct fixture *f, size_t i, bool answer) {
  return &f->parties[i].at[answer ? f->options.signs_ack : f->options.signs];
}

/* ---- envelopes ---- */

struct bytes fixture_envelope(struct fixture *f, const char *type, struct bytes payload,
                              struct ed25519_key *const *keys, size_t n) {
  struct dsse_sig sigs[16];
  struct buf pae = {0}, out = {0};
  dsse_pae(&pae, bytes_str(type), payload);
  assert_true(buf_ok(&pae) && n <= 16);
  for (size_t i = 0; i < n; i++) {
    ed25519_keyid(sigs[i].keyid, ed25519_public(keys[i]));
    ed25519_sign(sigs[i].sig, keys[i], buf_view(&pae));
  }
  dsse_write(&out, &(struct dsse){bytes_str(type), payload, n, sigs});
  buf_free(&pae);
  return fixture_kept(f, &out);
}

static struct bytes charter_version(struct fixture *f, size_t number) {
  struct charter *c = arena_alloc(&f->arena, sizeof *c);
  struct charter_member members[FIXTURE_PARTIES] = {0};
  struct ed25519_key *keys[FIXTURE_PARTIES];
  uint8_t nonce[32];
  struct errmsg e = {{0}};
  struct buf out = {0};
  const size_t named = number == f->options.predecessors ? f->options.named : 0;
  assert_non_null(c);
  charter_defaults(c);
  snprintf(c->title, sizeof c->title, "Line of the fixture, version %zu", number);
  snprintf(c->languages[0], sizeof c->languages[0], "en");
  snprintf(c->fields[0], sizeof c->fields[0], "cyber");
  c->n_languages = c->n_fields = 1;
  fixture_seed(f, nonce, "charter", "nonce");
  memcpy(c->nonce, nonce, sizeof c->nonce);
  c->members = members;
  c->n_members = f->options.members;
  c->quorum = (int64_t)c->n_members;
  for (size_t i = 0; i < c->n_members; i++) {
    snprintf(members[i].name, sizeof members[i].name, "%s", f->parties[i].name);
    memcpy(members[i].fingerprint, f->parties[i].at[named].card.fingerprint, SHA256_SIZE);
    keys[i] = f->parties[i].at[named].statement;
  }
  if (f->options.form) {
    snprintf(c->forms[0].name, sizeof c->forms[0].name, "incident.notice");
    sha256(c->forms[0].digest, bytes_str(fixture_form));
    c->n_forms = 1;
  }
  c->n_replaces = number > 0;
  memcpy(c->replaces[0], f->charter, SHA256_SIZE);
  fixture_ok(charter_payload(&out, c, &e), &e);
  const struct bytes payload = fixture_kept(f, &out);
  sha256(f->charter, payload);
  if (number == 0) memcpy(f->forum, f->charter, SHA256_SIZE);
  return fixture_envelope(f, CHARTER_TYPE, payload, keys, c->n_members);
}

void fixture_charters(struct fixture *f) {
  const size_t n = f->options.predecessors;
  for (size_t i = 0; i < n; i++) f->predecessors[i] = charter_version(f, i);
  f->input.charter = charter_version(f, n);
  f->input.predecessors = f->predecessors;
  f->input.n_predecessors = n;
}
