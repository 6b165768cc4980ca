#include "audit_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/encoding.h"

const uint8_t bench_forum[SHA256_SIZE] = {0xbe};

double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bench_cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void bench_die(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vfprintf(stderr, fmt, args);
  va_end(args);
  fputc('\n', stderr);
  exit(2);
}

void bench_must(parley_err err, const struct errmsg *e) {
  if (err) bench_die("%s: %s", err_name(err), e->text);
}

static struct ed25519_key *key(uint8_t seed) {
  uint8_t bytes[32];
  struct errmsg e;
  struct ed25519_key *k;
  memset(bytes, seed, sizeof bytes);
  bench_must(ed25519_from_seed(&k, bytes, &e), &e);
  return k;
}

void bench_party_make(struct bench_party *p, const char *name, uint8_t number) {
  struct errmsg e;
  struct card c = {.not_before = 1600000000, .not_after = 1900000000, .n_seal = 1, .n_link = 1};
  struct buf pin = {0};
  uint8_t secret[32], digest[32] = {number};
  bool unproved;
  *p = (struct bench_party){key((uint8_t)(4 * number)), key((uint8_t)(4 * number + 1)), key((uint8_t)(4 * number + 2)),
                            key((uint8_t)(4 * number + 3)), .envelope = {0}};
  memset(secret, number, sizeof secret);
  if (!age_identity_from_secret(&p->seal, secret)) bench_die("no seal key");
  snprintf(c.name, sizeof c.name, "%s", name);
  snprintf(c.submission, sizeof c.submission, "https://%s", name);
  snprintf(c.monitoring, sizeof c.monitoring, "https://%s", name);
  memcpy(c.statement, ed25519_public(p->statement), 32);
  memcpy(c.rotation, ed25519_public(p->rotation), 32);
  memcpy(c.log, ed25519_public(p->log), 32);
  memcpy(c.mirror, ed25519_public(p->mirror), 32);
  strcpy(c.seal[0].label, "duty");
  memcpy(c.seal[0].recipient, p->seal.pub, 32);
  buf_str(&pin, "sha256//");
  base64_encode(&pin, BYTES(digest, 32), true);
  snprintf(c.link[0], sizeof c.link[0], "%s", buf_cstr(&pin));
  buf_free(&pin);
  const struct card_signers by = {p->statement, p->log, p->mirror, NULL};
  bench_must(card_make(&p->envelope, &c, &by, &e), &e);
  bench_must(card_parse(&p->card, &p->arena, buf_view(&p->envelope), NULL, &unproved, &e), &e);
}

struct buf *bench_statements(const struct bench_party *from, const struct bench_party *to, size_t n, size_t body) {
  struct buf *list = calloc(n, sizeof *list), plain = {0};
  struct errmsg e;
  char addressee[1][PARTY_NAME_MAX + 1];
  uint8_t recipients[2][X25519_SIZE], seed[SEED_SIZE] = {0};
  if (!list) bench_die("out of memory");
  snprintf(addressee[0], sizeof addressee[0], "%s", to->card.name);
  memcpy(recipients[0], to->seal.pub, X25519_SIZE);
  memcpy(recipients[1], from->seal.pub, X25519_SIZE);
  for (size_t i = 0; i < body; i++) buf_u8(&plain, (uint8_t)('a' + i * 7 % 26));
  for (size_t i = 0; i < n; i++) {
    struct statement s = {
        .issued = 1700000000 + (int64_t)i, .precedence = ROUTINE, .tlp = TLP_GREEN, .to = addressee, .n_to = 1};
    struct buf sealed = {0}, payload = {0};
    memcpy(s.forum, bench_forum, sizeof s.forum);
    memcpy(s.charter, bench_forum, sizeof s.charter);
    snprintf(s.from, sizeof s.from, "%s", from->card.name);
    strcpy(s.kind, "incident.notice");
    strcpy(s.desk, "duty");
    strcpy(s.lang, "en");
    put_u64be(s.nonce, i);
    put_u64be(seed, i);
    bench_must(body_seal(&sealed, s.body_sha256, buf_view(&plain), seed, recipients, 2, &e), &e);
    s.sealed = buf_view(&sealed);
    bench_must(statement_payload(&payload, &s, &e), &e);
    bench_must(statement_entry(&list[i], buf_view(&payload), from->statement, &e), &e);
    buf_free(&sealed);
    buf_free(&payload);
  }
  buf_free(&plain);
  return list;
}

/* ---- signer ---- */

struct memory {
  struct remembered {
    char origin[ORIGIN_MAX + 1];
    enum signer_role role;
    struct signed_tree tree;
  } trees[8];
};

/* Its place; the first free one when there is none yet. */
static struct remembered *place(struct memory *m, const char *origin, enum signer_role role) {
  struct remembered *r = m->trees;
  while (r->origin[0] && (strcmp(r->origin, origin) || r->role != role))
    if (++r == m->trees + 8) bench_die("a signer remembers 8 logs");
  return r;
}

static parley_err load(void *ctx, const char *origin, enum signer_role role, struct signed_tree *out,
                       struct errmsg *e) {
  const struct remembered *r = place(ctx, origin, role);
  *out = r->tree;
  return r->origin[0] ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "nothing");
}

static parley_err save(void *ctx, const char *origin, enum signer_role role, const struct signed_tree *tree,
                       struct errmsg *e) {
  struct remembered *r = place(ctx, origin, role);
  (void)e;
  snprintf(r->origin, sizeof r->origin, "%s", origin);
  r->role = role;
  r->tree = *tree;
  return PARLEY_OK;
}

struct signer *bench_signer(uint8_t number, const char *name) {
  struct signer *s;
  struct errmsg e;
  struct memory *m = calloc(1, sizeof *m);
  if (!m) bench_die("out of memory");
  bench_must(signer_new(&s, name, key((uint8_t)(4 * number)), key((uint8_t)(4 * number + 1)),
                        key((uint8_t)(4 * number + 2)), (struct signer_memory){m, load, save}, &e),
             &e);
  return s;
}

/* ---- logs ---- */

void bench_append(struct store *s, struct copy *c, const struct buf *entries, size_t n) {
  struct errmsg e;
  struct bytes batch[1024];
  for (size_t at = 0; at < n;) {
    size_t k = 0;
    while (k < 1024 && at + k < n) batch[k] = buf_view(&entries[at + k]), k++;
    bench_must(store_begin(s, &e), &e);
    bench_must(copy_append(c, batch, k, &e), &e);
    bench_must(copy_flush(c, &e), &e);
    bench_must(store_commit(s, &e), &e);
    at += k;
  }
}

void bench_note(struct buf *out, struct copy *c, const struct bench_party *by) {
  struct errmsg e;
  struct hash root;
  struct vkey k;
  uint8_t sig[64];
  bench_must(copy_root(c, copy_size(c), &root, &e), &e);
  bench_must(card_log_vkey(&k, &by->card, copy_origin(c), &e), &e);
  checkpoint_text(out, copy_origin(c), copy_size(c), &root);
  ed25519_sign(sig, by->log, buf_view(out));
  buf_str(out, "\n");
  note_sig_line(out, &k, BYTES(sig, 64));
}

void bench_upload(struct copy *from, struct mirror *to, const struct bench_party *by, uint64_t start) {
  struct buf note = {0}, body = {0};
  struct errmsg e;
  struct mirror_answer a = {0};
  const uint64_t end = copy_size(from);
  bench_note(&note, from, by);
  struct add_checkpoint r = {.old = start, .note = buf_view(&note)};
  bench_must(merkle_consistency(&r.proof, copy_source(from), start, end, &e), &e);
  add_checkpoint_write(&body, &r);
  mirror_add_checkpoint(to, buf_view(&body), &a);
  if (a.status != 200) bench_die("add-checkpoint: %u %s", a.status, a.why.text);
  while (start < end) {
    struct mirror_upload *u;
    const struct add_entries_head h = {bytes_str(copy_origin(from)), start, end, BYTES_NONE};
    buf_clear(&body);
    bench_must(copy_packages(from, start, end, 1u << 20, &body, &start, &e), &e);
    bench_must(mirror_upload_begin(&u, to, &h, &a, &e), &e);
    if (u) {
      mirror_upload_data(u, buf_view(&body), &a);
      mirror_upload_finish(u, 1700000000, &a);
      mirror_upload_free(u);
    }
    if (a.status != 200 && a.status != 202) bench_die("add-entries: %u %s", a.status, a.why.text);
    buf_free(&a.body);
  }
  buf_free(&body);
  buf_free(&note);
}
