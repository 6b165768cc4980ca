/*
 * Audit: everything that is stored of the logs, checked again from the bytes (docs/operations.md, "Audit and repair"):
 * each entry against its tile, each tile of each level, the root of every stored checkpoint, cosignature, heard and
 * held line, every signature, bodies that our seal keys open, files that are held whole, charters, cards and rows. What
 * it reads comes from a struct audit_source; it does no I/O of its own, and checks on two threads.
 */
#ifndef PARLEY_RECORD_AUDIT_H
#define PARLEY_RECORD_AUDIT_H

#include "forum/statement.h"
#include "record/audit_source.h"

enum audit_kind {
  AUDIT_ENTRY,       /* an entry is missing or is not the one that the tree has */
  AUDIT_TILE,        /* a tile of hashes is missing or is not what stands below it */
  AUDIT_CHECKPOINT,  /* a stored checkpoint: signature or root */
  AUDIT_COSIGNATURE, /* a stored cosignature: signature or root */
  AUDIT_STATEMENT,   /* an entry is no statement, or its signature does not verify */
  AUDIT_HEARD,       /* a heard line names another tree than the one held */
  AUDIT_HELD,        /* a held line: signature or root */
  AUDIT_BODY,        /* a sealed body that our key opens is not the one signed */
  AUDIT_FILE,        /* a file's bulk entries are not what the statement names */
  AUDIT_CHARTER,     /* a charter lacks signatures, or a log's copy of it is not whole */
  AUDIT_CARD,        /* a card does not verify */
  AUDIT_ROW,         /* a derived row is missing or leads elsewhere */
  AUDIT_FORK,        /* proof of two histories is kept */
  AUDIT_KINDS
};
/* "entry", "tile" … as in the machine-readable report. */
const char *audit_kind_name(enum audit_kind k);

struct audit_problem {
  enum audit_kind kind;
  const char *origin; /* "" where it is of no log */
  uint64_t index;     /* entry, tile or size, as the kind has it */
  unsigned level;     /* of a tile */
  const char *what;   /* a sentence without its full stop */
  const char *advice; /* what to do */
};

struct audit_counts { /* of what was checked */
  uint64_t entries, tiles, signatures, checkpoints, cosignatures, lines, bodies, files, rows;
  uint64_t beyond; /* lines and files about what is not held: not judged */
  uint64_t problems;
};

struct audit_log {
  char origin[ORIGIN_MAX + 1], party[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch, size;
  uint64_t taken; /* rows exist below; UINT64_MAX: there are no rows */
  uint64_t since; /* entries below were not read; their tiles were */
  bool bulk;
  bool forked; /* a proof that it has two histories is kept, and holds */
  struct audit_counts n;
};

struct audit_options {
  const char *self;                /* our name; "" unknown */
  const struct age_identity *seal; /* bodies that these open are checked */
  size_t n_seal;
  const struct bytes *cards; /* envelopes of trusted cards, beside what the source has */
  size_t n_cards;
  const uint8_t *forum; /* only logs of this forum (32 bytes); NULL: all */
  bool has_since_index, has_since_time;
  uint64_t since_index; /* entries below are not read */
  int64_t
      since_time; /* nor those before the first tile that has one issued at this time, or later (a guess by halving) */
  unsigned threads; /* besides the caller's; 0 or 1 */
  /* In order, from the caller's thread. progress: entries done of all; may be NULL. */
  void (*problem)(void *ctx, const struct audit_problem *p);
  void (*progress)(void *ctx, uint64_t done, uint64_t all);
  void *ctx;
};

struct audit_result {
  struct audit_log *logs; /* free with audit_result_free */
  size_t n_logs;
  struct audit_counts all; /* of all logs, and of what is of none */
  bool forked;             /* proof of two histories is kept */
};

/* OK: it ran to its end, whatever it found. Else the source failed, or memory. */
parley_err audit_run(struct audit_result *out, const struct audit_source *s, const struct audit_options *o,
                     struct errmsg *e);
void audit_result_free(struct audit_result *r);

#endif
