/*
 * The bundle: what a line would carry, in one ustar file (docs/protocol.md, section 10). Here are its blocks, names,
 * first entry and packages; all are pure functions over bytes. Whoever reads the file (src/cli/bundle_file.c) brings
 * them.
 */
#ifndef PARLEY_RECORD_BUNDLE_H
#define PARLEY_RECORD_BUNDLE_H

#include "forum/statement.h"
#include "formats/tlog.h"

#define BUNDLE_BLOCK 512
#define BUNDLE_PATH_MAX 256 /* bytes of a name: 155 of prefix, '/', 100 of name */
#define BUNDLE_HEAD_MAX 1024
#define BUNDLE_ENTRIES_MAX 17825792 /* a package of 256 entries of 65,535 bytes with head and proof, and some */
#define BUNDLE_SPLIT (4u << 20)     /* bytes that a writer puts into one entries file, or one package if that is more */

/* ---- blocks of the archive ---- */

struct bundle_block {
  char name[BUNDLE_PATH_MAX + 1]; /* as it stands there: any bytes but NUL */
  uint64_t size;                  /* of the data, below 2^36 */
  bool end;                       /* a block of zeroes: the end, when another follows */
  bool odd; /* no plain file (a link, a folder, a device, an extension): to be refused and passed over */
};

/* EINVAL when it is no ustar header: nothing behind it can be found then. */
parley_err bundle_block_read(struct bundle_block *out, const uint8_t block[static BUNDLE_BLOCK], struct errmsg *e);
/* EINVAL when the name does not fit (over 255 bytes, or no '/' where it must be split). */
parley_err bundle_block_write(uint8_t block[static BUNDLE_BLOCK], const char *name, uint64_t size, int64_t mtime,
                              struct errmsg *e);
/* Bytes of filling after so many of data. */
static inline size_t bundle_filling(uint64_t size) {
  return (size_t)((BUNDLE_BLOCK - size % BUNDLE_BLOCK) % BUNDLE_BLOCK);
}

/* ---- names ---- */

enum bundle_kind {
  BUNDLE_HEAD,
  BUNDLE_CARD,
  BUNDLE_CHARTER,
  BUNDLE_ORIGIN,
  BUNDLE_CHECKPOINT,
  BUNDLE_ENTRIES,
  BUNDLE_COSIGNED
};

struct bundle_name {
  enum bundle_kind kind;
  uint8_t digest[SHA256_SIZE];    /* CHARTER: of its payload; ORIGIN and below: of the origin */
  char party[PARTY_NAME_MAX + 1]; /* CARD, COSIGNED */
  uint64_t serial;                /* CARD */
  uint64_t start, end;            /* ENTRIES, start < end */
};

/* False: no name of a bundle. */
bool bundle_name_parse(struct bundle_name *out, const char *name);
void bundle_name_write(char out[static BUNDLE_PATH_MAX + 1], const struct bundle_name *n);
/* Bytes that a file of the kind may have. */
uint64_t bundle_size_max(enum bundle_kind kind);

/* ---- parley-bundle ---- */

struct bundle_head {
  char from[PARTY_NAME_MAX + 1], to[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  int64_t time;
};

parley_err bundle_head_parse(struct bundle_head *out, struct bytes in, struct errmsg *e);
void bundle_head_write(struct buf *out, const struct bundle_head *h);

/* ---- entries ---- */

/* Told of each leaf in order. Any error ends the walk and is handed on. */
typedef parley_err (*bundle_leaf)(void *ctx, uint64_t index, const struct hash *leaf, struct errmsg *e);

/*
 * Walks the packages of an entries file: its head is of that log, begins at n->start and ends at size, and the
 * packages are whole and end exactly at n->end. Where root is not NULL each package that begins at a multiple of 256
 * is checked against it. leaf may be NULL. EINVAL, ELIMIT, EVERIFY; the sentence says which entries.
 */
parley_err bundle_entries_walk(const struct bundle_name *n, struct bytes body, const char *origin, uint64_t size,
                               const struct hash *root, bundle_leaf leaf, void *ctx, struct errmsg *e);
/* Where the packages of such a body end; n->end is set by it. EINVAL when it is none. */
parley_err bundle_entries_end(struct bundle_name *n, struct bytes body, const char *origin, struct errmsg *e);
/* Bytes that an entry of the log may have, by its origin. */
size_t bundle_entry_max(const char *origin);

#endif
