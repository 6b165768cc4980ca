/*
 * One mirrored log: C2SP tlog-mirror over a copy (design section 5). It cosigns only what it durably holds.
 * Answers are status codes and bodies of the specification; the caller moves them over HTTP.
 */
#ifndef PARLEY_RECORD_MIRROR_H
#define PARLEY_RECORD_MIRROR_H

#include "record/copy.h"
#include "record/signer.h"

#define MIRROR_PENDING_MAX 8 /* last pending checkpoints accepted as upload_end */
#define CONTENT_SIZE "text/x.tlog.size"
#define CONTENT_MIRROR_INFO "text/x.tlog.mirror-info"
#define CONTENT_TEXT "text/plain; charset=utf-8"

struct mirror;

/* keys: the log's vkeys for this origin (current first); must outlive the mirror. Loads its state from STORE_LOGS. */
parley_err mirror_open(struct mirror **out, struct store *s, struct signer *signer, const char *origin,
                       size_t entry_max, const struct vkey *keys, size_t n_keys, struct errmsg *e);
void mirror_close(struct mirror *m);
/* From now on: the log's party has a new card. */
void mirror_set_keys(struct mirror *m, const struct vkey *keys, size_t n_keys);
struct copy *mirror_copy(struct mirror *m);

struct mirror_answer {
  unsigned status;          /* 200, 202, 400, 403, 404, 409, 413, 422, 500, 507 */
  const char *content_type; /* of body; NULL when empty */
  struct buf body;          /* the caller frees */
  struct errmsg why;        /* for logs and the attempt record; also the body of 4xx without a prescribed one */
  bool fork;                /* this request proves that the log has two histories; the first such evidence is kept */
  bool odd; /* the log signed this tree, and nothing in the request shows whether it continues the one that is held */
};

/*
 * tlog-witness add-checkpoint on the pending checkpoint, all checks in the order of the specification, durable before
 * 200. Empty body on 200. A checkpoint signed by the log that contradicts what is held is kept verbatim in STORE_LOGS,
 * the first one only, beside the 422 (or the 409 of an older size): "fork/<origin>" the checkpoint,
 * "fork-held/<origin>" the one held, "fork-proof/<origin>" for different sizes the root of the smaller size in the
 * larger tree, then the consistency proof's hashes, base64, one a line. What only fails to prove itself is no evidence.
 */
void mirror_add_checkpoint(struct mirror *m, struct bytes body, struct mirror_answer *out);

/*
 * tlog-mirror add-entries as a stream: the caller has already parsed the head (to find the log), then feeds all bytes
 * after it. upload_begin may answer at once (409, 422): *answer then has a status, *out is NULL and feeding is over.
 * Each package is authenticated and committed as it completes; the last one is only authenticated, and finish commits
 * it together with the new mirror checkpoint, in one transaction. now: for the cosignature, seconds. upload_finish
 * consumes the end of the body and answers (200 with cosignature line, 202, 400 …).
 * Several uploads may run at once. Memory: at most one package.
 */
struct mirror_upload;
parley_err mirror_upload_begin(struct mirror_upload **out, struct mirror *m, const struct add_entries_head *h,
                               struct mirror_answer *answer, struct errmsg *e);
/* False when the answer is set and the rest of the body is not wanted. */
bool mirror_upload_data(struct mirror_upload *u, struct bytes in, struct mirror_answer *answer);
void mirror_upload_finish(struct mirror_upload *u, int64_t now, struct mirror_answer *answer);
void mirror_upload_free(struct mirror_upload *u);

/* A tree that the log signed, whose entries are all held. */
struct mirror_tree {
  uint64_t size;
  struct hash root;
  struct bytes note; /* as signed by the log; lives until the mirror's next change */
};
/* The smallest of at least size, else the largest; false when there is none. */
bool mirror_signed_tree(const struct mirror *m, uint64_t size, struct mirror_tree *out);

/* What is held. size 0 when nothing. Notes are empty when there is none. */
struct mirror_state {
  uint64_t pending_size, next, size; /* newest pending checkpoint, next entry, mirror checkpoint */
  struct hash pending_root, root;
  struct bytes pending_note; /* as signed by the log */
  struct bytes
      note;         /* log signature and our cosignature line; also empty while the signer cannot cosign what is held */
  int64_t cosigned; /* time of our last cosignature */
  bool
      forked; /* the log has two histories, and the evidence is kept: nothing more of it should be taken (design section 5) */
};
/* The bytes live until the mirror's next change. */
void mirror_state(const struct mirror *m, struct mirror_state *out);

#endif
