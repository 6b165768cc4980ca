/*
 * Mirror benchmark: a node takes in the log of somebody else through its open mirror, request by request: a checkpoint for
 * each batch of entries, then their packages, until its cosignature is the answer. Beside it, in turn, bare OpenSSL calls
 * for the same work: SHA-256 of each leaf and of one inner node a leaf, and for each batch the verification of the
 * checkpoint and the cosignature. All on one thread, as the node has one for it. Requests are made before the clock starts.
 *
 * usage: bench-mirror FOLDER ENTRIES BODY_BYTES BATCH text|json
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_fixture.h"
#include "node/node.h"

#define PIECE 65536  /* bytes that the daemon hands over at a time */
#define NODE_SIZE 65 /* bytes hashed for an inner node of a tree */

struct spent {
  double clock, cpu;
};

static struct spent since(const struct spent *s) {
  return (struct spent){bench_now() - s->clock, bench_cpu() - s->cpu};
}
static struct spent start(void) { return (struct spent){bench_now(), bench_cpu()}; }

static void add(struct spent *sum, struct spent more) {
  sum->clock += more.clock;
  sum->cpu += more.cpu;
}

/* ---- the node ---- */

static int64_t wall(void *ctx) { return (void)ctx, 1700000000; }
static int64_t mono(void *ctx) { return (void)ctx, (int64_t)(bench_now() * 1000); }

static void any_bytes(void *ctx, uint8_t *out, size_t n) {
  (void)ctx;
  memset(out, 7, n);
}

static struct node *open_node(struct store *s, const struct bench_party *self, const struct vkey *log) {
  struct node *n;
  struct errmsg e;
  struct buf vkey = {0};
  const struct node_env env = {.wall_s = wall,
                               .mono_ms = mono,
                               .random = any_bytes,
                               .store = s,
                               .signer = bench_signer(3, self->card.name),
                               .seal = &self->seal,
                               .n_seal = 1};
  bench_must(node_open(&n, &env, buf_view(&self->envelope), &e), &e);
  vkey_write(&vkey, log);
  bench_must(node_open_log(n, buf_view(&vkey), &e), &e);
  bench_must(node_start(n, &e), &e);
  buf_free(&vkey);
  return n;
}

/* Posts the body; the answer's status. */
static unsigned post(struct node *n, const char *path, const struct buf *body, struct spent *sum) {
  const struct node_request r = {
      .open = true, .method = "POST", .path = path, .query = "", .content_type = "application/octet-stream"};
  struct node_response out = {0};
  const struct spent from = start();
  struct node_call *c = node_begin(n, &r, &out);
  if (!c) bench_die("out of memory");
  for (size_t at = 0; at < body->n && !out.status; at += PIECE)
    node_data(c, BYTES(body->p + at, body->n - at < PIECE ? body->n - at : PIECE), &out);
  if (!out.status) node_end(c, &out);
  node_finish(c);
  add(sum, since(&from));
  if (out.status != 200 && out.status != 202)
    bench_die("%s: %u %.*s", path, out.status, (int)out.body.n, out.body.n ? (const char *)out.body.p : "");
  buf_free(&out.body);
  return out.status;
}

/* The log has grown from `at` to its present size. */
static void ingest(struct node *n, struct copy *log, const struct bench_party *by, uint64_t at, struct spent *sum) {
  struct buf note = {0}, body = {0};
  struct errmsg e;
  const uint64_t end = copy_size(log);
  bench_note(&note, log, by);
  struct add_checkpoint r = {.old = at, .note = buf_view(&note)};
  if (at) bench_must(merkle_consistency(&r.proof, copy_source(log), at, end, &e), &e);
  add_checkpoint_write(&body, &r);
  post(n, "/add-checkpoint", &body, sum);
  unsigned status = 0;
  while (at < end) {
    const struct add_entries_head h = {bytes_str(copy_origin(log)), at, end, BYTES_NONE};
    buf_clear(&body);
    add_entries_head_write(&body, &h);
    bench_must(copy_packages(log, at, end, 1u << 20, &body, &at, &e), &e);
    status = post(n, "/add-entries", &body, sum);
  }
  if (status != 200) bench_die("the last entries got %u, no cosignature", status);
  buf_free(&note);
  buf_free(&body);
}

/* ---- the floor ---- */

struct floor {
  EVP_MD_CTX *md, *ed;
  EVP_PKEY *key;
  uint8_t sig[64];
};

static const uint8_t text[200]; /* about as long as a checkpoint and its cosigned form */

static void floor_open(struct floor *f) {
  const uint8_t seed[32] = {9};
  size_t n = sizeof f->sig;
  *f = (struct floor){
      EVP_MD_CTX_new(), EVP_MD_CTX_new(), EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32), {0}};
  if (!f->md || !f->ed || !f->key || EVP_DigestSignInit(f->ed, NULL, NULL, NULL, f->key) != 1 ||
      EVP_DigestSign(f->ed, f->sig, &n, text, sizeof text) != 1)
    bench_die("Ed25519");
}

static void hash(struct floor *f, const uint8_t *p, size_t n) {
  unsigned char digest[32];
  if (EVP_DigestInit_ex(f->md, EVP_sha256(), NULL) != 1 || EVP_DigestUpdate(f->md, p, n) != 1 ||
      EVP_DigestFinal_ex(f->md, digest, NULL) != 1)
    bench_die("SHA-256");
}

static void verify(struct floor *f) {
  EVP_MD_CTX_reset(f->ed);
  if (EVP_DigestVerifyInit(f->ed, NULL, NULL, NULL, f->key) != 1 ||
      EVP_DigestVerify(f->ed, f->sig, sizeof f->sig, text, sizeof text) != 1)
    bench_die("Ed25519");
}

static void sign(struct floor *f) {
  size_t n = sizeof f->sig;
  EVP_MD_CTX_reset(f->ed);
  if (EVP_DigestSignInit(f->ed, NULL, NULL, NULL, f->key) != 1 ||
      EVP_DigestSign(f->ed, f->sig, &n, text, sizeof text) != 1)
    bench_die("Ed25519");
}

/* What the mirror must compute for one batch. */
static struct spent floor_batch(struct floor *f, const struct buf *entries, size_t n) {
  static const uint8_t inner[NODE_SIZE];
  const struct spent from = start();
  for (size_t i = 0; i < n; i++) {
    hash(f, entries[i].p, entries[i].n);
    hash(f, inner, sizeof inner);
  }
  verify(f);
  sign(f);
  return since(&from);
}

/* What verifying the statements themselves takes beside it: a node does that as it takes a member's log in. */
static struct spent floor_statements(struct floor *f, size_t n) {
  const struct spent from = start();
  for (size_t i = 0; i < n; i++) verify(f);
  return since(&from);
}

int main(int argc, char **argv) {
  if (argc != 6) bench_die("usage: bench-mirror FOLDER ENTRIES BODY_BYTES BATCH text|json");
  const size_t n = strtoul(argv[2], NULL, 10), body = strtoul(argv[3], NULL, 10), batch = strtoul(argv[4], NULL, 10);
  struct bench_party author, reader, self;
  struct errmsg e;
  struct store *own, *held;
  struct copy *log;
  struct vkey k;
  struct floor f;
  char path[1024], origin[ORIGIN_MAX + 1];
  if (!n || !batch) bench_die("at least one entry");
  bench_party_make(&author, "cert.us.example", 1);
  bench_party_make(&reader, "ncc.ru.example", 2);
  bench_party_make(&self, "relay.example", 3);
  const struct buf *entries = bench_statements(&author, &reader, n, body);
  log_origin(origin, author.card.name, bench_forum, 0, false);
  bench_must(card_log_vkey(&k, &author.card, origin, &e), &e);
  snprintf(path, sizeof path, "%s/own.sqlite", argv[1]);
  bench_must(store_sqlite_open(&own, path, NULL, &e), &e);
  bench_must(copy_open(&log, own, origin, ENTRY_MAX, &e), &e);
  snprintf(path, sizeof path, "%s/mirror.sqlite", argv[1]);
  bench_must(store_sqlite_open(&held, path, NULL, &e), &e);
  struct node *node = open_node(held, &self, &k);
  floor_open(&f);

  struct spent ours = {0}, bare = {0}, statements = {0};
  uint64_t raw = 0;
  for (size_t at = 0; at < n;) { /* in turn, so that other load meets both */
    const size_t more = n - at < batch ? n - at : batch;
    bench_append(own, log, entries + at, more);
    ingest(node, log, &author, at, &ours);
    add(&bare, floor_batch(&f, entries + at, more));
    add(&statements, floor_statements(&f, more));
    for (size_t i = 0; i < more; i++) raw += entries[at + i].n;
    at += more;
  }
  const double x = (double)n, both = bare.clock + statements.clock, both_cpu = bare.cpu + statements.cpu;
  if (strcmp(argv[5], "json") == 0)
    printf("{\"entries\":%zu,\"entry_bytes\":%.0f,\"batch\":%zu,\"ingest\":%.0f,\"floor\":%.0f,\"ratio\":%.3f,"
           "\"cpu_ratio\":%.3f,\"floor_statements\":%.0f,\"ratio_statements\":%.3f,\"cpu_ratio_statements\":%.3f}\n",
           n, (double)raw / x, batch, x / ours.clock, x / bare.clock, bare.clock / ours.clock, bare.cpu / ours.cpu,
           x / both, both / ours.clock, both_cpu / ours.cpu);
  else
    printf(
        "ingest    %9.0f entries/s on 1 thread, entries of %.0f bytes, a checkpoint for %zu, each batch synced\n"
        "the same work bare: SHA-256, a verification and a cosignature a batch %9.0f   ratio %.2f, of processor time "
        "%.2f\n"
        "and with Ed25519 of each statement too                               %9.0f   ratio %.2f, of processor time "
        "%.2f\n",
        x / ours.clock, (double)raw / x, batch, x / bare.clock, bare.clock / ours.clock, bare.cpu / ours.cpu, x / both,
        both / ours.clock, both_cpu / ours.cpu);
  node_close(node);
  copy_close(log);
  store_close(held);
  store_close(own);
  return 0;
}
