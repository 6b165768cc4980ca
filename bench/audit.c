/*
 * Audit benchmark: a mirrored log of signed statements with sealed bodies in a store on disk, taken in as a mirror does
 * and then audited; beside it, in the same run, bare OpenSSL calls for the SHA-256 of each entry and the Ed25519
 * verification of each signature, on as many threads.
 *
 * usage: bench-audit FOLDER ENTRIES BODY_BYTES JSON
 */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_fixture.h"
#include "record/audit.h"

struct work {
  const struct buf *entries;
  size_t from, to;
  const uint8_t *key;
  bool hash, verify;
};

/* The pieces that a signature needs are cut out before the clock starts. */
struct signature {
  struct buf pae;
  uint8_t sig[64];
};
static struct signature *signatures;

static void *floor_thread(void *arg) {
  const struct work *w = arg;
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, w->key, 32);
  EVP_MD_CTX *md = EVP_MD_CTX_new(), *v = EVP_MD_CTX_new();
  unsigned char digest[32];
  for (size_t i = w->from; i < w->to; i++) {
    if (w->hash &&
        (EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 ||
         EVP_DigestUpdate(md, w->entries[i].p, w->entries[i].n) != 1 || EVP_DigestFinal_ex(md, digest, NULL) != 1))
      bench_die("SHA-256");
    if (!w->verify) continue;
    EVP_MD_CTX_reset(v);
    if (EVP_DigestVerifyInit(v, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestVerify(v, signatures[i].sig, 64, signatures[i].pae.p, signatures[i].pae.n) != 1)
      bench_die("Ed25519");
  }
  EVP_MD_CTX_free(md);
  EVP_MD_CTX_free(v);
  EVP_PKEY_free(key);
  return NULL;
}

static double floor_seconds(const struct buf *entries, size_t n, const uint8_t *key, unsigned threads, bool hash,
                            bool verify) {
  pthread_t t[64];
  struct work w[64];
  const double begin = bench_now();
  for (unsigned i = 0; i < threads; i++) {
    w[i] = (struct work){entries, n * i / threads, n * (i + 1) / threads, key, hash, verify};
    if (pthread_create(&t[i], NULL, floor_thread, &w[i])) bench_die("no thread");
  }
  for (unsigned i = 0; i < threads; i++) pthread_join(t[i], NULL);
  return bench_now() - begin;
}

static void cut_signatures(const struct buf *entries, size_t n) {
  struct errmsg e;
  signatures = calloc(n, sizeof *signatures);
  if (!signatures) bench_die("out of memory");
  for (size_t i = 0; i < n; i++) {
    struct arena a = {0};
    struct dsse d;
    bench_must(dsse_parse(&d, &a, buf_view(&entries[i]), ENTRY_MAX, &e), &e);
    dsse_pae(&signatures[i].pae, d.type, d.payload);
    memcpy(signatures[i].sig, d.sigs[0].sig, 64);
    arena_free(&a);
  }
}

static void tell(void *ctx, const struct audit_problem *p) {
  (void)ctx;
  fprintf(stderr, "%s: %s\n", p->origin, p->what);
}

static double audit_seconds(struct store *s, const struct bench_party *author, unsigned threads, size_t n) {
  struct audit_result r;
  struct errmsg e;
  const struct bytes card = buf_view(&author->envelope);
  const struct audit_source source = audit_store_source(s);
  const struct audit_options o = {
      .self = "relay.example", .cards = &card, .n_cards = 1, .threads = threads - 1, .problem = tell};
  const double begin = bench_now();
  bench_must(audit_run(&r, &source, &o, &e), &e);
  const double seconds = bench_now() - begin;
  if (r.all.problems || r.all.entries != n || r.all.signatures != n)
    bench_die("the audit found %llu problems", (unsigned long long)r.all.problems);
  audit_result_free(&r);
  return seconds;
}

int main(int argc, char **argv) {
  if (argc != 5) bench_die("usage: bench-audit FOLDER ENTRIES BODY_BYTES JSON");
  const size_t n = strtoul(argv[2], NULL, 10), body = strtoul(argv[3], NULL, 10);
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  const unsigned threads = cores > 8 ? 8 : cores > 1 ? (unsigned)cores : 1;
  struct bench_party author, reader;
  struct errmsg e;
  struct store *s, *own;
  struct copy *c;
  struct mirror *m;
  struct vkey k;
  char path[1024], origin[ORIGIN_MAX + 1];
  bench_party_make(&author, "cert.us.example", 1);
  bench_party_make(&reader, "ncc.ru.example", 2);
  struct buf *entries = bench_statements(&author, &reader, n, body);
  cut_signatures(entries, n);
  log_origin(origin, author.card.name, bench_forum, 0, false);
  bench_must(card_log_vkey(&k, &author.card, origin, &e), &e);
  snprintf(path, sizeof path, "%s/own.sqlite", argv[1]);
  bench_must(store_sqlite_open(&own, path, NULL, &e), &e);
  bench_must(copy_open(&c, own, origin, ENTRY_MAX, &e), &e);
  double begin = bench_now();
  bench_append(own, c, entries, n);
  const double append = bench_now() - begin;
  snprintf(path, sizeof path, "%s/mirror.sqlite", argv[1]);
  bench_must(store_sqlite_open(&s, path, NULL, &e), &e);
  bench_must(mirror_open(&m, s, bench_signer(3, "relay.example"), origin, ENTRY_MAX, &k, 1, &e), &e);
  const uint64_t empty = store_bytes(s);
  begin = bench_now();
  bench_upload(c, m, &author, 0);
  const double ingest = bench_now() - begin;
  uint64_t raw = 0;
  for (size_t i = 0; i < n; i++) raw += entries[i].n;
  bench_must(store_checkpoint(s, &e), &e);
  mirror_close(m);
  store_close(s);
  bench_must(store_sqlite_open(&s, path, NULL, &e), &e);
  const double grown = ((double)store_bytes(s) - (double)empty) / (double)n;

  double best = 1e9, bare = 1e9, one = 1e9, hash1 = 1e9, cpu = 1e9, cpu_bare = 1e9;
  for (int i = 0; i < 3; i++) { /* in turn, so that other load meets both */
    const double at = bench_cpu();
    const double f = floor_seconds(entries, n, author.card.statement, threads, true, true);
    const double between = bench_cpu();
    const double a = audit_seconds(s, &author, threads, n);
    const double end = bench_cpu();
    cpu_bare = between - at < cpu_bare ? between - at : cpu_bare;
    cpu = end - between < cpu ? end - between : cpu;
    const double h = floor_seconds(entries, n, author.card.statement, 1, true, false);
    const double v = floor_seconds(entries, n, author.card.statement, 1, true, true);
    bare = f < bare ? f : bare;
    best = a < best ? a : best;
    hash1 = h < hash1 ? h : hash1;
    one = v < one ? v : one;
  }
  const double x = (double)n;
  if (strcmp(argv[4], "json") == 0)
    printf("{\"entries\":%zu,\"entry_bytes\":%.0f,\"threads\":%u,\"audit\":%.0f,\"audit_floor\":%.0f,\"audit_ratio\":%."
           "3f,\"ingest\":%.0f,"
           "\"sha256\":%.0f,\"sha256_and_ed25519\":%.0f,\"append\":%.0f,\"stored_bytes\":%.1f}\n",
           n, (double)raw / x, threads, x / best, x / bare, bare / best, x / ingest, x / hash1, x / one, x / append,
           grown);
  else
    printf("audit     %9.0f entries/s on %u threads   SHA-256 and Ed25519 alone %9.0f   ratio %.2f, of processor time "
           "%.2f   (target at least 0.8)\n"
           "ingest    %9.0f entries/s on 1 thread     SHA-256 alone %9.0f   both alone %9.0f   ratio to both %.2f\n"
           "append    %9.0f entries/s, batches of 1024, each synced\n"
           "stored    %9.1f bytes an entry of %.0f bytes: %.1f more\n",
           x / best, threads, x / bare, bare / best, cpu_bare / cpu, x / ingest, x / hash1, x / one, one / ingest,
           x / append, grown, (double)raw / x, grown - (double)raw / x);
  return 0;
}
