/*
 * Neutral witnesses of a forum (docs/protocol.md, section 4): they see checkpoints of our entry log and cosign them.
 * Their times date our statements while an addressee is silent; they stop nothing.
 *
 * In STORE_PEERS: "wc/" origin "\n" witness "\n" size (8 bytes, big-endian) -> time, the log's line, the cosignature
 * line; "ws/" origin "\n" witness -> how far it is, and the lines that wait for the record. A witness is named by its
 * vkey's name and id, "<name>+<8 hex>".
 */
#ifndef PARLEY_NODE_WITNESS_H
#define PARLEY_NODE_WITNESS_H

#include "node/state.h"

#define WITNESS_HELD_MAX 64
#define WITNESS_PAUSE_MS 1000 /* between two submissions, where no FLASH waits */

struct witness {
  struct vkey key;
  char id[NOTE_NAME_MAX + 16];   /* "<name>+<8 hex>" */
  const struct node_witness *at; /* NULL: not configured here */
  const char *pins[2];
  struct own_log *log;
  struct lane lane;
  int64_t failing_since; /* wall seconds; 0: it is well */
  uint64_t taken;        /* the size that it holds, as far as is known */
  bool asking; /* the request under way is to show what it holds, not to take more */
  uint64_t sent_size;
  char sent_line[SIG_LINE_SIZE]; /* our signature of the checkpoint under way */
  unsigned turns;                /* answers in a row that were no step forward */
  uint64_t cosigned;             /* size of its newest cosignature; 0: none */
  int64_t cosigned_at;           /* and its time */
  int64_t renewed_ms;            /* monotonic: when it came */
  uint64_t held_upto;            /* statements below this index have its earliest cosignature on record or queued */
  struct held_line held[WITNESS_HELD_MAX];
  size_t n_held;
};

/* ---- witness.c ---- */
/* Makes f->witnesses those of f->charter: at the start, and whenever another version comes into force. ENOMEM, EIO. */
parley_err witnesses_open(struct node *n, struct forum *f, struct errmsg *e);
void witnesses_free(struct forum *f);
/* A statement was committed: a FLASH does not wait for the pause between two submissions. */
void witness_hasten(struct node *n, const struct submission *s);
bool witness_next(struct node *n, struct outbound *out);
bool witness_done(struct node *n, uint64_t id, const struct outbound_result *r);
int64_t witness_next_ms(const struct node *n);

/* ---- witness_store.c ---- */
/*
 * Keeps a cosignature line, and queues it for the record where it is the earliest over a statement. In a transaction of
 * its own.
 */
parley_err witness_add(struct node *n, struct witness *w, uint64_t size, struct bytes line, int64_t time,
                       struct errmsg *e);
/* Its smallest cosigned size above index. ENOTFOUND. */
parley_err witness_covering(struct node *n, const struct witness *w, uint64_t index, struct cosignature *out,
                            struct errmsg *e);
parley_err witness_at(struct node *n, const struct witness *w, uint64_t size, struct cosignature *out,
                      struct errmsg *e);
parley_err witness_load(struct node *n, struct witness *w, struct errmsg *e);
/* Writes its state; inside a transaction. */
parley_err witness_save(struct node *n, const struct witness *w, bool without_taken, struct errmsg *e);

/* ---- witness_held.c: its lines on the record (bookkeeping.c) ---- */
/* Queues the line where a statement from held_upto on, below size, is more than bookkeeping. */
void witness_held_queue(struct node *n, struct witness *w, uint64_t size, struct bytes line);
/* Adds lines to a new statement that has room for `most` in all; its array goes into the arena. */
parley_err witness_held_take(struct forum *f, struct statement *s, size_t most, struct arena *a, struct errmsg *e);
void witness_held_give_back(struct forum *f, const struct statement *s);
void witness_held_settle(struct forum *f, bool committed);
int64_t witness_held_due(const struct forum *f); /* wall seconds; INT64_MAX: nothing waits */
/* Inside the transaction that puts the taken lines on the record. */
parley_err witness_held_save(struct node *n, struct forum *f, struct errmsg *e);
/*
 * True when the line is that of a witness of the forum; *e says what is wrong with it, and is empty when it verifies.
 */
bool witness_held_judge(const struct forum *f, const struct held *h, struct errmsg *e);

/* ---- witness_view.c ---- */
/* Appends the lines of witnesses over our newest checkpoint; *lines counts those of the note. */
void witness_lines(struct node *n, const struct own_log *l, size_t *lines, struct buf *out);
/* The newest checkpoint that the witness of this name has cosigned; nothing when there is none. */
void witness_checkpoint(struct node *n, const struct own_log *l, const char *name, struct buf *out);
/* The part of GET /v1/status: one object for each witness of each forum. */
json_t *witness_status(struct node *n);

/* ---- witness_silence.c ---- */
/*
 * Evidence of non-delivery of a statement of ours as {name: base64}. ENOTFOUND: no witness has cosigned it, or every
 * addressee has.
 */
parley_err witness_silence(struct node *n, const struct row *r, json_t **files, struct errmsg *e);

#endif
