/*
 * The part of an audit that runs on all cores: one tile of entries, hashed, compared with its stored hashes, each
 * statement parsed and its signatures verified. What must be judged in order, or against other logs, comes out as
 * events.
 */
#ifndef PARLEY_RECORD_AUDIT_ENTRIES_H
#define PARLEY_RECORD_AUDIT_ENTRIES_H

#include "merkle/tiles.h"
#include "record/audit.h"
#include "record/audit_cards.h"
#include "record/audit_pool.h"

enum audit_event_kind {
  EVENT_PROBLEM,     /* about, text */
  EVENT_UNKNOWN_KEY, /* signed by a key of no card that is known yet */
  EVENT_TREE,        /* text (an origin) has this root at this size: about HEARD, HELD or FILE */
  EVENT_FILE,        /* first, count, size, root (a SHA-256): of the bulk log */
  EVENT_PART,        /* of the charter: first (part), count (parts), data */
  EVENT_CARDS,       /* a forum.card */
};

struct audit_event {
  struct audit_event *next;
  enum audit_event_kind kind;
  enum audit_kind about;
  unsigned at; /* in the tile */
  const char *text;
  uint64_t first, count, size;
  struct hash root;
  struct bytes data;
};

struct audit_tile {
  struct audit_job job; /* first */
  const struct audit_log *log;
  const struct audit_options *o;
  struct audit_cards *cards;
  uint64_t n; /* of the tile */
  unsigned width;
  bool with_entries; /* else the stored hashes alone are taken */
  bool has_page, has_tile;
  struct buf page, tile; /* as read */

  struct bytes entry[TILE_WIDTH];                  /* into the page; p == NULL: missing */
  struct hash leaf[TILE_WIDTH];                    /* of the entries; of the tile where there is no entry */
  struct hash stored[TILE_WIDTH];                  /* of the tile; of the entries where there is no tile */
  bool differs[TILE_WIDTH], authentic[TILE_WIDTH]; /* the signature verifies whatever the tile says */
  unsigned n_differs;
  struct hash root, stored_root; /* over width leaves */
  const struct card *signer[TILE_WIDTH];
  struct arena arena;
  struct audit_event *events, **events_end;
  struct audit_counts n_checked;
  bool no_memory;
};

/* For audit_job.work. */
void audit_tile_work(struct audit_job *j);
/* Makes room for the next tile; the buffers stay. */
void audit_tile_clear(struct audit_tile *t);
/* The signature of one entry by a card that has become known since. EVERIFY, EINVAL. */
parley_err audit_entry_verify(struct bytes entry, const struct card *by, struct errmsg *e);

#endif
