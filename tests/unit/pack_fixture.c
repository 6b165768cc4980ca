#include "pack_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"

#define STATEMENT_INDEX 3
#define STATEMENT_SIZE 7
#define ACK_INDEX 1
#define ACK_SIZE 5
#define BULK_NAMED 6
#define LEAVES_MAX 64

static const char *const names[FIXTURE_PARTIES] = {"cert.us.example", "ncc.ru.example", "ncsc.ch.example",
                                                   "zert.de.example"};

static void ok(parley_err rc, const struct errmsg *e) {
  if (rc != PARLEY_OK) fail_msg("%s: %s", err_name(rc), e->text);
}

static struct bytes kept(struct fixture *f, struct buf *b) {
  assert_true(buf_ok(b));
  const struct bytes out = arena_take(&f->arena, b);
  assert_non_null(out.p);
  return out;
}

/* 32 bytes that depend on the world and on a label only. */
static void seed(const struct fixture *f, uint8_t out[static 32], const char *party, const char *what) {
  char text[128];
  const int n = snprintf(text, sizeof text, "fixture %d %s %s", f->options.world, party, what);
  sha256(out, BYTES(text, n));
}

static struct ed25519_key *key(const struct fixture *f, const char *party, const char *what) {
  uint8_t s[32];
  struct ed25519_key *k;
  struct errmsg e = {{0}};
  seed(f, s, party, what);
  ok(ed25519_from_seed(&k, s, &e), &e);
  return k;
}

/* ---- parties ---- */

/* Any digest does; unlike that of a real certificate it is the same in every run. */
static void link_pin(const struct fixture *f, char out[static LINK_PIN_SIZE], const char *party) {
  uint8_t digest[32];
  struct buf b = {0};
  seed(f, digest, party, "link");
  buf_str(&b, "sha256//");
  base64_encode(&b, BYTES(digest, 32), true);
  assert_true(buf_ok(&b) && b.n == LINK_PIN_SIZE - 1);
  memcpy(out, b.p, b.n);
  out[b.n] = '\0';
  buf_free(&b);
}

static void party_make(struct fixture *f, size_t i) {
  struct fixture_party *p = &f->parties[i];
  p->name = names[i];
  p->statement = key(f, p->name, "statement");
  p->rotation = key(f, p->name, "rotation");
  p->log = key(f, p->name, "log");
  p->mirror = key(f, p->name, "mirror");
  struct card c = {.not_before = FIXTURE_TIME - 86400, .not_after = FIXTURE_TIME + 86400, .n_seal = 1, .n_link = 1};
  snprintf(c.name, sizeof c.name, "%s", p->name);
  snprintf(c.submission, sizeof c.submission, "https://%s:8443", p->name);
  snprintf(c.monitoring, sizeof c.monitoring, "https://%s:8443/m", p->name);
  memcpy(c.statement, ed25519_public(p->statement), 32);
  memcpy(c.rotation, ed25519_public(p->rotation), 32);
  memcpy(c.log, ed25519_public(p->log), 32);
  memcpy(c.mirror, ed25519_public(p->mirror), 32);
  snprintf(c.seal[0].label, sizeof c.seal[0].label, "duty");
  uint8_t secret[32];
  seed(f, secret, p->name, "seal");
  assert_true(x25519_base(c.seal[0].recipient, secret));
  link_pin(f, c.link[0], p->name);
  struct buf out = {0};
  struct errmsg e = {{0}};
  ok(card_make(&out, &c, &(struct card_signers){p->statement, p->log, p->mirror, NULL}, &e), &e);
  ok(card_parse(&p->card, &f->arena, kept(f, &out), NULL, NULL, &e), &e);
  f->cards[i] = &p->card;
}

/* ---- envelopes ---- */

static struct bytes envelope(struct fixture *f, const char *type, struct bytes payload, struct ed25519_key *const *keys,
                             size_t n) {
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
  return kept(f, &out);
}

static struct bytes charter_version(struct fixture *f, size_t number) {
  struct charter *c = arena_alloc(&f->arena, sizeof *c);
  struct charter_member members[FIXTURE_PARTIES] = {0};
  struct ed25519_key *keys[FIXTURE_PARTIES];
  uint8_t nonce[32];
  struct errmsg e = {{0}};
  struct buf out = {0};
  assert_non_null(c);
  charter_defaults(c);
  snprintf(c->title, sizeof c->title, "Line of the fixture, version %zu", number);
  snprintf(c->languages[0], sizeof c->languages[0], "en");
  snprintf(c->fields[0], sizeof c->fields[0], "cyber");
  c->n_languages = c->n_fields = 1;
  seed(f, nonce, "charter", "nonce");
  memcpy(c->nonce, nonce, sizeof c->nonce);
  c->members = members;
  c->n_members = f->options.members;
  c->quorum = (int64_t)c->n_members;
  for (size_t i = 0; i < c->n_members; i++) {
    snprintf(members[i].name, sizeof members[i].name, "%s", f->parties[i].name);
    memcpy(members[i].fingerprint, f->parties[i].card.fingerprint, SHA256_SIZE);
    keys[i] = f->parties[i].statement;
  }
  c->n_replaces = number > 0;
  memcpy(c->replaces[0], f->charter, SHA256_SIZE);
  ok(charter_payload(&out, c, &e), &e);
  const struct bytes payload = kept(f, &out);
  sha256(f->charter, payload);
  if (number == 0) memcpy(f->forum, f->charter, SHA256_SIZE);
  return envelope(f, CHARTER_TYPE, payload, keys, c->n_members);
}

static void charters_make(struct fixture *f) {
  const size_t n = f->options.predecessors;
  for (size_t i = 0; i < n; i++) f->predecessors[i] = charter_version(f, i);
  f->input.charter = charter_version(f, n);
  f->input.predecessors = f->predecessors;
  f->input.n_predecessors = n;
}

/* ---- trees ---- */

struct tree_of {
  struct hash leaves[LEAVES_MAX];
  size_t n;
};

static parley_err read_leaves(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const struct tree_of *t = ctx;
  const uint64_t first = index << level, n = UINT64_C(1) << level;
  if (first + n > t->n) return err_set(e, PARLEY_ENOTFOUND, "beyond the tree");
  merkle_root_of_leaves(out, t->leaves + first, n);
  return PARLEY_OK;
}

/* Entries nobody cares about, and one that matters. */
static struct tree_of tree_of(struct fixture *f, const char *what, size_t n, size_t index, struct bytes entry) {
  struct tree_of t = {.n = n};
  for (size_t i = 0; i < n; i++) seed(f, t.leaves[i].b, what, names[i % FIXTURE_PARTIES]);
  if (entry.p != NULL) merkle_leaf(&t.leaves[index], entry);
  return t;
}

static struct hash root_of(const struct tree_of *t) {
  struct hash root;
  merkle_root_of_leaves(&root, t->leaves, t->n);
  return root;
}

/* ---- notes ---- */

static void log_line(struct buf *out, const struct fixture_party *p, const char *origin, struct bytes text) {
  struct vkey k;
  uint8_t sig[ED25519_SIG_SIZE];
  assert_int_equal(card_log_vkey(&k, &p->card, origin, NULL), PARLEY_OK);
  ed25519_sign(sig, p->log, text);
  note_sig_line(out, &k, BYTES(sig, sizeof sig));
}

static void mirror_line(struct buf *out, struct fixture *f, const struct fixture_party *p, struct bytes text,
                        bool forged) {
  struct vkey k;
  uint8_t sig[8 + ED25519_SIG_SIZE];
  struct buf message = {0};
  const int64_t time = FIXTURE_TIME + f->options.late;
  struct ed25519_key *other = key(f, p->name, "other mirror");
  assert_int_equal(card_mirror_vkey(&k, &p->card, NULL), PARLEY_OK);
  cosignature_message(&message, time, text);
  assert_true(buf_ok(&message));
  put_u64be(sig, (uint64_t)time);
  ed25519_sign(sig + 8, forged ? other : p->mirror, buf_view(&message));
  note_sig_line(out, &k, BYTES(sig, sizeof sig));
  buf_free(&message);
  ed25519_free(other);
}

struct bytes fixture_note(struct fixture *f, size_t log, uint64_t epoch, bool bulk, uint64_t size,
                          const struct hash *root, const char *mirrors) {
  char origin[ORIGIN_MAX + 1];
  struct buf text = {0}, out = {0};
  log_origin(origin, f->parties[log].name, f->forum, epoch, bulk);
  checkpoint_text(&text, origin, size, root);
  const struct bytes t = kept(f, &text);
  buf_bytes(&out, t);
  buf_str(&out, "\n");
  log_line(&out, &f->parties[log], origin, t);
  for (; *mirrors != '\0'; mirrors++)
    mirror_line(&out, f, &f->parties[*mirrors >= 'a' ? *mirrors - 'a' : *mirrors - '0'], t, *mirrors >= 'a');
  return kept(f, &out);
}

/* ---- statements ---- */

static void sealed_body(struct fixture *f, struct statement *s, const char *label) {
  uint8_t recipients[FIXTURE_PARTIES][X25519_SIZE], secret[32];
  struct buf plain = {0}, sealed = {0};
  struct errmsg e = {{0}};
  struct plain p = {.body = json_pack("{s:s}", "text", label)};
  assert_non_null(p.body);
  seed(f, p.seed, label, "seed");
  for (size_t i = 0; i <= s->n_to; i++) {
    seed(f, secret, i < s->n_to ? s->to[i] : s->from, "seal");
    assert_true(x25519_base(recipients[i], secret));
  }
  if (s->n_attach > 0) {
    p.n_files = 1;
    p.files[0] = (struct plain_file){.name = "samples.csv", .type = "text/csv", .size = 20000};
  }
  ok(plain_write(&plain, &p, &e), &e);
  ok(body_seal(&sealed, s->body_sha256, buf_view(&plain), p.seed, (const uint8_t(*)[X25519_SIZE])recipients,
               s->n_to + 1, &e),
     &e);
  s->sealed = kept(f, &sealed);
  buf_free(&plain);
  plain_clear(&p);
}

static struct bytes signed_entry(struct fixture *f, const struct statement *s, struct ed25519_key *by,
                                 size_t officers) {
  struct buf out = {0};
  struct errmsg e = {{0}};
  struct ed25519_key *keys[4] = {by};
  assert_true(officers < 4);
  for (size_t i = 0; i < officers; i++) keys[i + 1] = key(f, s->from, names[i]);
  ok(statement_payload(&out, s, &e), &e);
  const struct bytes entry = envelope(f, STATEMENT_TYPE, kept(f, &out), keys, officers + 1);
  for (size_t i = 0; i < officers; i++) ed25519_free(keys[i + 1]);
  return entry;
}

static struct statement statement_of(struct fixture *f, size_t from, const char *kind, const size_t *to, size_t n_to) {
  struct statement s = {
      .issued = FIXTURE_TIME, .precedence = IMMEDIATE, .tlp = TLP_AMBER, .n_to = n_to, .lang = "en", .desk = "duty"};
  uint8_t nonce[32];
  memcpy(s.forum, f->forum, SHA256_SIZE);
  memcpy(s.charter, f->charter, SHA256_SIZE);
  snprintf(s.from, sizeof s.from, "%s", f->parties[from].name);
  snprintf(s.kind, sizeof s.kind, "%s", kind);
  seed(f, nonce, kind, "nonce");
  memcpy(s.nonce, nonce, sizeof s.nonce);
  s.to = arena_alloc(&f->arena, n_to * sizeof *s.to);
  assert_non_null(s.to);
  for (size_t i = 0; i < n_to; i++) snprintf(s.to[i], sizeof s.to[i], "%s", f->parties[to[i]].name);
  return s;
}

static void attachment(struct fixture *f, struct statement *s) {
  const struct tree_of bulk = tree_of(f, "bulk", BULK_NAMED, 0, BYTES_NONE);
  s->n_attach = 1;
  s->attach[0] = (struct attach){.size = 20480, .first = 1, .count = 5};
  seed(f, s->attach[0].sha256, "attachment", "digest");
  s->has_bulk = true;
  s->bulk_size = BULK_NAMED;
  s->bulk_root = root_of(&bulk);
}

static const char *mirrors_of(size_t addressees) { return addressees == 1 ? "1" : addressees == 2 ? "12" : "123"; }

static void statement_make(struct fixture *f) {
  static const size_t to[] = {1, 2, 3};
  struct statement s = statement_of(f, 0, "incident.notice", to, f->options.addressees);
  if (f->options.attach) attachment(f, &s);
  sealed_body(f, &s, "statement");
  f->statement.entry = signed_entry(f, &s, f->parties[0].statement, f->options.officers);
  struct tree_of t = tree_of(f, "log", STATEMENT_SIZE, STATEMENT_INDEX, f->statement.entry);
  const struct hash root = root_of(&t);
  f->statement.index = STATEMENT_INDEX;
  assert_int_equal(merkle_inclusion(&f->statement.inclusion, (struct merkle_source){read_leaves, &t}, STATEMENT_INDEX,
                                    STATEMENT_SIZE, NULL),
                   PARLEY_OK);
  f->statement.note = fixture_note(f, 0, 0, false, STATEMENT_SIZE, &root, mirrors_of(f->options.addressees));
  f->input.statement = f->statement;
}

static void files_make(struct fixture *f) {
  const uint64_t size = f->options.bulk_size;
  struct tree_of t = tree_of(f, "bulk", size, 0, BYTES_NONE);
  const struct hash root = root_of(&t);
  f->input.has_bulk = true;
  f->input.bulk_note = fixture_note(f, 0, 0, true, size, &root, mirrors_of(f->options.addressees));
  if (size > BULK_NAMED)
    assert_int_equal(
        merkle_consistency(&f->input.bulk_consistency, (struct merkle_source){read_leaves, &t}, BULK_NAMED, size, NULL),
        PARLEY_OK);
}

static void ack_make(struct fixture *f) {
  const struct fixture_options *o = &f->options;
  const size_t from = o->ack_third ? 2 : 1, to[] = {o->ack_elsewhere ? 2 : 0};
  struct statement s = statement_of(f, from, o->ack_kind ? "incident.update" : "ack", to, 1);
  struct hash id;
  statement_id(&id, f->statement.entry);
  s.n_re = 1;
  memcpy(s.re[0], id.b, SHA256_SIZE);
  s.re[0][7] ^= o->ack_other;
  snprintf(s.officer, sizeof s.officer, "duty.officer");
  sealed_body(f, &s, "ack");
  f->ack.entry = signed_entry(f, &s, f->parties[o->ack_stranger ? 3 : from].statement, 0);
  struct tree_of t = tree_of(f, "other log", ACK_SIZE, ACK_INDEX, f->ack.entry);
  const struct hash root = root_of(&t);
  f->ack.index = ACK_INDEX;
  assert_int_equal(
      merkle_inclusion(&f->ack.inclusion, (struct merkle_source){read_leaves, &t}, ACK_INDEX, ACK_SIZE, NULL),
      PARLEY_OK);
  f->ack.note = fixture_note(f, from, 0, false, ACK_SIZE, &root, "0");
  f->input.ack = &f->ack;
}

/* ---- the whole ---- */

void fixture_open(struct fixture *f, struct fixture_options options) {
  struct errmsg e = {{0}};
  *f = (struct fixture){.options = options};
  f->options.members = options.members > 0 ? options.members : 2;
  f->options.addressees = options.addressees > 0 ? options.addressees : 1;
  f->options.bulk_size = options.bulk_size > 0 ? options.bulk_size : BULK_NAMED;
  f->options.late = options.late != 0 ? options.late : 7;
  for (size_t i = 0; i < FIXTURE_PARTIES; i++) party_make(f, i);
  f->input.cards = f->cards;
  f->input.n_cards = FIXTURE_PARTIES;
  charters_make(f);
  statement_make(f);
  if (options.files) files_make(f);
  if (options.ack) ack_make(f);
  ok(pack_build(&f->pack, &f->arena, &f->input, &e), &e);
}

void fixture_close(struct fixture *f) {
  for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
    ed25519_free(f->parties[i].statement);
    ed25519_free(f->parties[i].rotation);
    ed25519_free(f->parties[i].log);
    ed25519_free(f->parties[i].mirror);
  }
  arena_free(&f->arena);
}

void fixture_anchors(const struct fixture *f, struct anchor *out, size_t n) {
  for (size_t i = 0; i < n; i++) {
    snprintf(out[i].party, sizeof out[i].party, "%s", f->parties[i].name);
    memcpy(out[i].fingerprint, f->parties[i].card.fingerprint, SHA256_SIZE);
  }
}

void fixture_root(const struct fixture *f, struct hash *out) {
  const struct tree_of t = tree_of((struct fixture *)f, "log", STATEMENT_SIZE, STATEMENT_INDEX, f->statement.entry);
  *out = root_of(&t);
}

struct bytes fixture_proof(struct fixture *f, struct bytes note) {
  const struct tlog_proof proof = {.index = f->statement.index, .inclusion = f->statement.inclusion, .note = note};
  struct buf out = {0};
  tlog_proof_write(&out, &proof);
  return kept(f, &out);
}

/* ---- changed packs ---- */

struct pack fixture_copy(struct fixture *f) {
  struct pack p = {.n = f->pack.n};
  p.files = arena_alloc(&f->arena, (p.n + 4) * sizeof *p.files); /* room for a few more */
  assert_non_null(p.files);
  memcpy(p.files, f->pack.files, p.n * sizeof *p.files);
  return p;
}

struct pack_file *fixture_file(struct pack *p, const char *name) {
  struct pack_file *file = (struct pack_file *)pack_find(p, name);
  if (file == NULL) fail_msg("the fixture has no %s", name);
  return file;
}

void fixture_remove(struct pack *p, const char *name) {
  const size_t i = (size_t)(fixture_file(p, name) - p->files);
  memmove(&p->files[i], &p->files[i + 1], (p->n - i - 1) * sizeof *p->files);
  p->n--;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

void fixture_sort(struct pack *p) { qsort(p->files, p->n, sizeof *p->files, by_name); }

void fixture_add(struct pack *p, const char *name, struct bytes data) {
  struct pack_file *file = &p->files[p->n++];
  snprintf(file->name, sizeof file->name, "%s", name);
  file->data = data;
  fixture_sort(p);
}
