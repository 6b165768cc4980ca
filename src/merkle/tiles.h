/*
 * C2SP tlog-tiles: names of tiles, and the right edge of a growing tree held as tiles.
 * A tile is up to 256 hashes of 32 bytes; level 0 holds leaf hashes, level l hashes of full tiles of level l - 1.
 */
#ifndef PARLEY_MERKLE_TILES_H
#define PARLEY_MERKLE_TILES_H

#include "merkle/tree.h"

#define TILE_WIDTH 256
#define TILE_LEVELS 6 /* 2^48 leaves */

enum tile_kind { TILE_HASHES, TILE_ENTRIES };

/* One resource: tile/<level>/<n>[.p/<width>] or tile/entries/<n>[.p/<width>]. width 1..256, 256 = full. */
struct tile_name {
  enum tile_kind kind;
  unsigned level; /* 0..63; 0 for entries */
  uint64_t n;
  unsigned width;
};

/* Appends the path, for example "tile/0/x001/x234/067.p/12". */
void tile_path(struct buf *out, const struct tile_name *t);
/* Parses exactly such a path (tlog-tiles: Merkle Tree, Partial Tiles). */
bool tile_parse(struct tile_name *out, struct bytes path);
/* Hashes that the tile of this level and number has in a tree of size: 0..256. */
unsigned tile_width(unsigned level, uint64_t n, uint64_t size);

/* Where tiles are kept; data is width * 32 bytes. get fails with ENOTFOUND when no such tile was ever put. */
struct tile_store {
  void *ctx;
  /* Fills out (capacity 8192 bytes) with the widest version held; *width gets its hashes. */
  parley_err (*get)(void *ctx, unsigned level, uint64_t n, uint8_t *out, unsigned *width, struct errmsg *e);
  parley_err (*put)(void *ctx, unsigned level, uint64_t n, const uint8_t *data, unsigned width, struct errmsg *e);
};

/*
 * The tree of one log. Holds in memory only the rightmost tile of each level with its inner nodes (16 KiB a level in use,
 * at most 96 KiB) and a cache of at most 32 full tiles for proofs; tree_open loads the former only, so that opening costs
 * the same at every size. After tree_append or tree_flush failed, everything but tree_reload and tree_free fails (EIO).
 */
struct tree;

/* Opens the tree of `size` leaves. The store must outlive it. ENOMEM, EIO. */
parley_err tree_open(struct tree **out, struct tile_store store, uint64_t size, struct errmsg *e);
uint64_t tree_size(const struct tree *t);
/* Appends n leaf hashes, in memory; tree_flush puts each changed tile once. Call both inside one store transaction. */
parley_err tree_append(struct tree *t, const struct hash *leaves, size_t n, struct errmsg *e);
parley_err tree_flush(struct tree *t, struct errmsg *e);
/* Root at any size up to tree_size. */
parley_err tree_root(struct tree *t, uint64_t size, struct hash *out, struct errmsg *e);
/* Source for the proof functions of tree.h; valid while the tree lives. */
struct merkle_source tree_source(struct tree *t);
/* After a failed transaction: forget everything in memory and reload at size. */
parley_err tree_reload(struct tree *t, uint64_t size, struct errmsg *e);
void tree_free(struct tree *t);

#endif
