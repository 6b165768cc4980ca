#include "sectors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fault_vfs.h"

/* A block lives while some file has it; it is never changed. */
struct sector {
  struct sector *next; /* of those with hashes that end alike, or of the free ones */
  uint64_t hash, files;
  uint8_t p[FAULT_SECTOR];
};

#define CHUNK 2048 /* blocks that are taken from the system together; they stay until the process ends */

static struct {
  struct sector **rows, *free;
  size_t n_rows, n; /* a power of two; blocks */
} blocks;

/*
 * Zeroed, from the system itself: tests that let each allocation of a node fail mean the node's, not those of its disk. was
 * NULL: new.
 */
static void *pages(void *was, size_t had, size_t bytes) {
  void *p = was ? mremap(was, had, bytes, MREMAP_MAYMOVE)
                : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p != MAP_FAILED) return p;
  fprintf(stderr, "sim: out of memory for the disks\n");
  exit(3);
}

static struct sector *block_new(void) {
  if (!blocks.free) {
    struct sector *chunk = pages(NULL, 0, CHUNK * sizeof *chunk);
    for (size_t i = 0; i < CHUNK; i++) {
      chunk[i].next = blocks.free;
      blocks.free = &chunk[i];
    }
  }
  struct sector *b = blocks.free;
  blocks.free = b->next;
  return b;
}

static uint64_t hash_of(const uint8_t *p) {
  uint64_t h = 0x9e3779b97f4a7c15, word;
  for (size_t i = 0; i < FAULT_SECTOR; i += sizeof word) {
    memcpy(&word, p + i, sizeof word);
    h = (h ^ word) * 0xd6e8feb86659fd93;
    h ^= h >> 32;
  }
  return h;
}

static struct sector **row_of(uint64_t hash) { return &blocks.rows[hash & (blocks.n_rows - 1)]; }

static void grow_rows(void) {
  struct sector **old = blocks.rows;
  const size_t n_old = blocks.n_rows;
  blocks.n_rows = n_old ? 2 * n_old : 4096;
  blocks.rows = pages(NULL, 0, blocks.n_rows * sizeof *blocks.rows);
  for (size_t i = 0; i < n_old; i++)
    for (struct sector *b = old[i], *next; b; b = next) {
      next = b->next;
      b->next = *row_of(b->hash);
      *row_of(b->hash) = b;
    }
  if (old) munmap(old, n_old * sizeof *old);
}

/* The block with these bytes, counted for one file more; NULL for zeros. */
static struct sector *block_take(const uint8_t *p) {
  static const uint8_t zeros[FAULT_SECTOR];
  if (memcmp(p, zeros, FAULT_SECTOR) == 0) return NULL;
  if (blocks.n >= blocks.n_rows) grow_rows();
  const uint64_t hash = hash_of(p);
  struct sector **row = row_of(hash), *b = *row;
  while (b && (b->hash != hash || memcmp(b->p, p, FAULT_SECTOR) != 0)) b = b->next;
  if (!b) {
    b = block_new();
    *b = (struct sector){.next = *row, .hash = hash};
    memcpy(b->p, p, FAULT_SECTOR);
    *row = b;
    blocks.n++;
  }
  b->files++;
  return b;
}

static void block_give(struct sector *b) {
  if (!b || --b->files) return;
  struct sector **at = row_of(b->hash);
  while (*at != b) at = &(*at)->next;
  *at = b->next;
  b->next = blocks.free;
  blocks.free = b;
  blocks.n--;
}

/* What of [at, at + n) lies in the sector that `at` lies in. */
static size_t piece(size_t at, size_t n) {
  const size_t left = FAULT_SECTOR - at % FAULT_SECTOR;
  return n < left ? n : left;
}

void sectors_read(const struct sectors *s, size_t at, void *p, size_t n) {
  uint8_t *to = p;
  for (size_t k; n; at += k, to += k, n -= k) {
    const size_t i = at / FAULT_SECTOR;
    k = piece(at, n);
    if (i < s->n && s->at[i])
      memcpy(to, s->at[i]->p + at % FAULT_SECTOR, k);
    else
      memset(to, 0, k);
  }
}

static void grow(struct sectors *s, size_t n) {
  const size_t per_page = 4096 / sizeof *s->at;
  if (n > s->cap) {
    const size_t cap = (n + n / 8 + per_page) / per_page * per_page;
    s->at = pages(s->at, s->cap * sizeof *s->at, cap * sizeof *s->at);
    s->cap = cap;
  }
  if (n > s->n) s->n = n;
}

/* from NULL: zeros. */
static void put(struct sectors *s, size_t at, const uint8_t *from, size_t n) {
  static const uint8_t zeros[FAULT_SECTOR];
  uint8_t mixed[FAULT_SECTOR];
  for (size_t k; n; at += k, n -= k) {
    const size_t i = at / FAULT_SECTOR;
    const uint8_t *bytes = from ? from : zeros;
    struct sector *was = s->at[i];
    k = piece(at, n);
    if (k < FAULT_SECTOR) {
      sectors_read(s, i * FAULT_SECTOR, mixed, FAULT_SECTOR);
      memcpy(mixed + at % FAULT_SECTOR, bytes, k);
      bytes = mixed;
    }
    s->at[i] = block_take(bytes);
    block_give(was);
    if (from) from += k;
  }
}

void sectors_write(struct sectors *s, size_t at, const void *p, size_t n) {
  if (n) grow(s, (at + n - 1) / FAULT_SECTOR + 1);
  put(s, at, p, n);
}

void sectors_zero(struct sectors *s, size_t at, size_t n) {
  const size_t end = s->n * FAULT_SECTOR;
  if (at < end) put(s, at, NULL, n < end - at ? n : end - at);
}

void sectors_copy(struct sectors *to, const struct sectors *from) {
  grow(to, from->n);
  for (size_t i = 0; i < from->n; i++) {
    to->at[i] = from->at[i];
    if (to->at[i]) to->at[i]->files++;
  }
}

void sectors_free(struct sectors *s) {
  for (size_t i = 0; i < s->n; i++) block_give(s->at[i]);
  if (s->at) munmap(s->at, s->cap * sizeof *s->at);
  *s = (struct sectors){0};
}
