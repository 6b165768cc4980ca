/*
 * Ours beside Tessera (bench/tessera): entries appended to a log in a store on disk and put under a signed checkpoint,
 * each batch in one synced transaction, the signer's memory synced before each signature; then single entries, one at a
 * time.
 *
 * usage: bench-tessera FOLDER ENTRIES BYTES BATCH      prints one JSON object
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_fixture.h"

#define SINGLES 200

struct memory { /* as src/daemon keeps it: on the disk before anything is signed */
  int fd;
  struct signed_tree tree;
};

static parley_err load(void *ctx, const char *origin, enum signer_role role, struct signed_tree *out,
                       struct errmsg *e) {
  const struct memory *m = ctx;
  (void)origin, (void)role;
  *out = m->tree;
  return out->size ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "nothing");
}

static parley_err save(void *ctx, const char *origin, enum signer_role role, const struct signed_tree *tree,
                       struct errmsg *e) {
  struct memory *m = ctx;
  (void)origin, (void)role;
  m->tree = *tree;
  if (pwrite(m->fd, tree, sizeof *tree, 0) != sizeof *tree || fdatasync(m->fd) != 0)
    return err_set(e, PARLEY_EIO, "cannot save");
  return PARLEY_OK;
}

static struct ed25519_key *key(uint8_t seed) {
  uint8_t bytes[32];
  struct errmsg e;
  struct ed25519_key *k;
  memset(bytes, seed, sizeof bytes);
  bench_must(ed25519_from_seed(&k, bytes, &e), &e);
  return k;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void append_and_sign(struct store *s, struct copy *c, struct signer *signer, const struct bytes *entries,
                            size_t n) {
  struct errmsg e;
  struct buf note = {0};
  struct proof proof = {0};
  const uint64_t old = copy_size(c);
  struct signed_tree tree;
  bench_must(store_begin(s, &e), &e);
  bench_must(copy_append(c, entries, n, &e), &e);
  bench_must(copy_flush(c, &e), &e);
  bench_must(store_commit(s, &e), &e);
  tree.size = copy_size(c);
  bench_must(copy_root(c, tree.size, &tree.root, &e), &e);
  if (old) bench_must(merkle_consistency(&proof, copy_source(c), old, tree.size, &e), &e);
  bench_must(signer_checkpoint(signer, &note, copy_origin(c), &tree, &proof, &e), &e);
  buf_free(&note);
}

int main(int argc, char **argv) {
  if (argc != 5) bench_die("usage: bench-tessera FOLDER ENTRIES BYTES BATCH");
  const size_t n = strtoul(argv[2], NULL, 10), size = strtoul(argv[3], NULL, 10), batch = strtoul(argv[4], NULL, 10);
  struct memory m = {0};
  struct store *s;
  struct copy *c;
  struct signer *signer;
  struct errmsg e;
  char path[1024];
  double single[SINGLES];
  snprintf(path, sizeof path, "%s/signer", argv[1]);
  m.fd = open(path, O_RDWR | O_CREAT, 0600);
  snprintf(path, sizeof path, "%s/store.sqlite", argv[1]);
  if (m.fd < 0) bench_die("%s cannot be written", argv[1]);
  bench_must(store_sqlite_open(&s, path, NULL, &e), &e);
  bench_must(copy_open(&c, s, "bench.example/0/0", 65535, &e), &e);
  bench_must(signer_new(&signer, "bench.example", key(1), key(2), key(3), (struct signer_memory){&m, load, save}, &e),
             &e);
  uint8_t *data = calloc(batch, size);
  struct bytes *entries = calloc(batch, sizeof *entries);
  if (!data || !entries || size < 8 || batch == 0) bench_die("out of memory");
  const double begin = bench_now(), used = bench_cpu();
  for (size_t at = 0; at < n;) {
    const size_t k = n - at < batch ? n - at : batch;
    for (size_t i = 0; i < k; i++) {
      put_u64be(data + i * size, at + i);
      entries[i] = BYTES(data + i * size, size);
    }
    append_and_sign(s, c, signer, entries, k);
    at += k;
  }
  const double seconds = bench_now() - begin, cpu = bench_cpu() - used;
  for (size_t i = 0; i < SINGLES; i++) {
    put_u64be(data, n + i);
    const double t = bench_now();
    append_and_sign(s, c, signer, entries, 1);
    single[i] = bench_now() - t;
  }
  qsort(single, SINGLES, sizeof *single, by_value);
  printf("{\"entries\":%zu,\"per_second\":%.0f,\"cpu_us\":%.1f,\"published_ms\":%.2f}\n", n, (double)n / seconds,
         cpu / (double)n * 1e6, single[SINGLES / 2] * 1e3);
  copy_close(c);
  store_close(s);
  signer_free(signer);
  return 0;
}
