/*
 * What the files of the mirror share: its state in memory and in the store, and how it answers.
 */
#ifndef PARLEY_RECORD_MIRROR_STATE_H
#define PARLEY_RECORD_MIRROR_STATE_H

#include "record/copy_source.h"
#include "record/mirror.h"

/* A checkpoint with the log's signature and no other. */
struct held {
  uint64_t size;
  struct hash root;
  struct bytes note;
};

/* The record under "mirror/<origin>". Notes point into raw (of this record, or of the one it was made from). */
struct mirror_record {
  struct buf raw;
  int64_t cosigned; /* time of the cosignature over own; that line can be made again from it */
  size_t n;         /* pending checkpoints, sizes ascending, none below own */
  struct held pending[MIRROR_PENDING_MAX];
  bool has_own;
  struct held own; /* the mirror checkpoint */
};

struct mirror {
  struct store *store;
  struct signer *signer;
  struct copy *copy;
  const struct vkey *keys;
  size_t n_keys;
  struct mirror_record rec;
  struct buf note;  /* rec.own with our cosignature; empty when there is none */
  int64_t cosigned; /* of that line; 0 when there is none */
  bool stale;       /* the copy could not be reloaded after a failure */
  bool forked;      /* evidence of a fork is kept */
};

/* ---- mirror_fork.c ---- */

/* Whether evidence is kept already. */
parley_err mirror_fork_kept(struct mirror *m, bool *kept, struct errmsg *e);

/* ---- mirror_record.c ---- */

/* ENOTFOUND: nothing was ever stored. EIO: damaged. *out owns its bytes (mirror_record_free). */
parley_err mirror_record_load(struct mirror_record *out, struct store *s, const char *origin, struct errmsg *e);
/* Writes next (notes may point anywhere) in the open transaction; *out is what was written, with bytes of its own. */
parley_err mirror_record_put(struct mirror_record *out, struct store *s, const char *origin,
                             const struct mirror_record *next, struct errmsg *e);
void mirror_record_free(struct mirror_record *r);
/* The checkpoint of that size, pending or own; NULL when it is not known. */
const struct held *mirror_record_find(const struct mirror_record *r, uint64_t size);
/* The newest pending checkpoint; NULL when there is none. */
const struct held *mirror_record_newest(const struct mirror_record *r);
/* Both work on a shallow copy of a record; the oldest pending one makes room. h->size is not below the newest. */
void mirror_record_add(struct mirror_record *r, const struct held *h);
void mirror_record_advance(struct mirror_record *r, const struct held *own, int64_t now);

/* ---- mirror.c ---- */

/* Before each request: reloads what an earlier failure left behind. */
parley_err mirror_ready(struct mirror *m, struct errmsg *e);
/* After a failed transaction. Returns err. */
parley_err mirror_undo(struct mirror *m, parley_err err);
/* Replaces the record in memory after the commit. */
void mirror_took(struct mirror *m, struct mirror_record *fresh);
/* Cosigns rec.own. On failure there is no cosigned note. */
parley_err mirror_cosign(struct mirror *m, int64_t now, struct errmsg *e);

/* Answers. set: the body is written; 500 without a body when memory ran out over it. */
void mirror_answer_set(struct mirror_answer *out, unsigned status, const char *content_type);
/* A status with `why` as its body; a store or signer failure (507 or 500), whose details stay here. */
void mirror_refuse(struct mirror_answer *out, unsigned status);
void mirror_fail(struct mirror_answer *out, parley_err err);
void mirror_answer_info(struct mirror_answer *out, unsigned status, const struct mirror *m, uint64_t end);

/* ---- mirror_fork.c ---- */

/* Keeps c when it contradicts what is held and that can be proved. r: the request, for its proof. Sets *found. */
parley_err mirror_fork(struct mirror *m, const struct held *c, const struct add_checkpoint *r, bool *found,
                       struct errmsg *e);

#endif
