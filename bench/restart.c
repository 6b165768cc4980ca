/*
 * Fills the log of an origin in a store at rest with small entries, straight through record/copy, for bench/restart.
 *
 * usage: bench-restart STORE ORIGIN SIZE       until the log has SIZE entries; prints entries/s and bytes an entry
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_fixture.h"

#define BATCH 65536
#define ENTRY_SIZE 100

int main(int argc, char **argv) {
  if (argc != 4) bench_die("usage: bench-restart STORE ORIGIN SIZE");
  const uint64_t size = strtoull(argv[3], NULL, 10);
  uint8_t(*bytes)[ENTRY_SIZE] = calloc(BATCH, ENTRY_SIZE);
  struct bytes *entries = calloc(BATCH, sizeof *entries);
  struct store *s;
  struct copy *c;
  struct errmsg e;
  if (!bytes || !entries) bench_die("out of memory");
  bench_must(store_sqlite_open(&s, argv[1], NULL, &e), &e);
  bench_must(copy_open(&c, s, argv[2], 65535, &e), &e);
  const uint64_t first = copy_size(c), before = store_bytes(s);
  const double begin = bench_now();
  while (copy_size(c) < size) {
    const uint64_t at = copy_size(c), n = size - at < BATCH ? size - at : BATCH;
    for (uint64_t i = 0; i < n; i++) {
      put_u64be(bytes[i], at + i);
      entries[i] = BYTES(bytes[i], ENTRY_SIZE);
    }
    bench_must(store_begin(s, &e), &e);
    bench_must(copy_append(c, entries, n, &e), &e);
    bench_must(copy_flush(c, &e), &e);
    bench_must(store_commit(s, &e), &e);
  }
  const double seconds = bench_now() - begin;
  bench_must(store_checkpoint(s, &e), &e);
  const double n = (double)(copy_size(c) - first);
  printf("{\"entries\":%.0f,\"per_second\":%.0f,\"bytes_an_entry\":%.1f}\n", n, n / seconds,
         ((double)store_bytes(s) - (double)before) / n);
  copy_close(c);
  store_close(s);
  free(bytes);
  free(entries);
  return 0;
}
