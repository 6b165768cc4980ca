/*
 * An audit under way: what its files share. Each log is read once from its first entry to its last (audit_log.c); what
 * it says about trees, its own and others', is kept as claims and judged once all logs are known (audit_claims.c).
 */
#ifndef PARLEY_RECORD_AUDIT_STATE_H
#define PARLEY_RECORD_AUDIT_STATE_H

#include "record/audit_entries.h"

/* Leaves of a tile whose stored hashes are not to be used. */
struct audit_kept {
  struct audit_kept *next;
  uint64_t n;
  struct hash leaf[TILE_WIDTH];
};

/* The tree of one log as its entries have it. */
struct audit_tree {
  struct hash *full; /* roots of the full tiles of level 0 */
  size_t n_full;
  struct hash last[TILE_WIDTH]; /* leaves of the tile that is not full */
  unsigned n_last;
  struct audit_kept *kept;
};

/* "A tree of this log has this root at this size", said somewhere. */
struct audit_claim {
  uint32_t log, by;  /* the log that it is about, and the log in which it stands */
  uint64_t size, at; /* at: the entry that says so */
  struct hash root;
  const char *label; /* of a checkpoint; NULL: an entry */
  enum audit_kind about;
};

struct audit_file { /* what a statement says of its file */
  uint32_t log;     /* the bulk log */
  uint32_t by;
  uint64_t at, first, count, size;
  uint8_t sha256[SHA256_SIZE];
  struct sha256_ctx *hashing;
  uint64_t seen; /* bytes */
  bool broken;   /* an entry is missing */
};

struct audit {
  const struct audit_source *src;
  const struct audit_options *o;
  struct audit_result *out;
  struct audit_cards cards;
  struct audit_pool *pool;
  struct audit_tile *tiles; /* AUDIT_POOL_MAX */
  struct audit_tree *trees; /* as many as logs */
  struct audit_claim *claims;
  size_t n_claims, cap_claims;
  struct audit_file *files;
  size_t n_files, cap_files;
  struct arena arena;
  uint64_t done, all; /* entries */
};

/* ---- audit.c ---- */
__attribute__((format(printf, 7, 8))) void audit_found(struct audit *a, uint32_t log, enum audit_kind kind,
                                                       unsigned level, uint64_t index, const char *advice,
                                                       const char *fmt, ...);
#define AUDIT_NO_LOG UINT32_MAX
/* The number of a log by origin; AUDIT_NO_LOG. */
uint32_t audit_log_number(const struct audit *a, const char *origin);
/* A resource; the buffer is emptied first. */
__attribute__((format(printf, 4, 5))) parley_err audit_get(struct audit *a, struct buf *out, struct errmsg *e,
                                                           const char *fmt, ...);
/* All items of pages that are numbered, "<what>/<i><rest>". */
typedef parley_err (*audit_item_fn)(struct audit *a, uint32_t log, struct bytes item, struct errmsg *e);
parley_err audit_items(struct audit *a, const char *what, const char *rest, uint32_t log, audit_item_fn f,
                       struct errmsg *e);
parley_err audit_no_memory(struct errmsg *e);

extern const char audit_refetch[], audit_rebuild[], audit_ask[]; /* advice */

/* ---- audit_log.c ---- */
/* Reads the log once. */
parley_err audit_log_read(struct audit *a, uint32_t log, struct errmsg *e);
/* Tiles of the levels above the first. */
parley_err audit_log_levels(struct audit *a, uint32_t log, struct errmsg *e);

/* ---- audit_order.c: what of a tile is judged in order ---- */
struct audit_order {
  const struct card *in_force; /* NULL: not known yet */
  struct buf charter;          /* its parts so far */
  uint64_t next_part, parts;
  struct arena memory;          /* of these: */
  struct audit_version *opened; /* by this log, the newest first */
  size_t file;                  /* files of this log before it are over */
};
void audit_order_begin(struct audit *a, uint32_t log, struct audit_order *o);
parley_err audit_order_tile(struct audit *a, uint32_t log, struct audit_order *o, struct audit_tile *t,
                            struct errmsg *e);
void audit_order_end(struct audit *a, uint32_t log, struct audit_order *o);

/* ---- audit_versions.c ---- */
/* The charter whose parts are whole: its signatures now, what it closes as claims. */
parley_err audit_version_take(struct audit *a, uint32_t log, struct audit_order *o, uint64_t index, struct errmsg *e);

/* ---- audit_files.c ---- */
parley_err audit_file_add(struct audit *a, const struct audit_file *f, struct errmsg *e);
/* Puts those of one log in order of their first entry. */
void audit_files_sort(struct audit *a);
/* The first entry that any file of this log needs; UINT64_MAX: there is none. */
uint64_t audit_files_first(const struct audit *a, uint32_t log);
parley_err audit_files_tile(struct audit *a, uint32_t log, struct audit_order *o, const struct audit_tile *t,
                            struct errmsg *e);

/* ---- audit_claims.c ---- */
parley_err audit_claim_add(struct audit *a, const struct audit_claim *c, struct errmsg *e);
/* Checkpoints stored of the log: signatures now, roots as claims. */
parley_err audit_notes(struct audit *a, uint32_t log, struct errmsg *e);
/* Judges all claims, and the stored cosignatures. */
parley_err audit_claims_judge(struct audit *a, struct errmsg *e);

/* ---- audit_walk.c: roots at ascending sizes ---- */
struct audit_walk {
  struct audit *a;
  uint32_t log;
  struct hash base[64], inner[9];
  unsigned n_base, n_inner;
  uint64_t tiles;  /* full tiles in base */
  unsigned leaves; /* of the next tile in inner */
  bool loaded;
  struct hash leaf[TILE_WIDTH];
  struct buf tile;
};
void audit_walk_begin(struct audit_walk *w, struct audit *a, uint32_t log);
/* Sizes must not fall. EVERIFY: a tile is not the one that was read before. */
parley_err audit_walk_root(struct audit_walk *w, uint64_t size, struct hash *out, struct errmsg *e);
/* The leaf hash of one entry; likewise ascending. */
parley_err audit_walk_leaf(struct audit_walk *w, uint64_t index, struct hash *out, struct errmsg *e);
void audit_walk_end(struct audit_walk *w);

/* ---- audit_cosigned.c ---- */
/* The stored cosignatures of one own log. */
parley_err audit_cosigned(struct audit *a, uint32_t log, struct errmsg *e);

/* ---- audit_forks.c ---- */
/* One kept proof, or what a mirror saw: verified, and told. */
parley_err audit_fork_take(struct audit *a, uint32_t log, struct bytes item, struct errmsg *e);

/* ---- audit_rows.c ---- */
parley_err audit_rows(struct audit *a, struct errmsg *e);

#endif
