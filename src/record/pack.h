/*
 * Evidence packs (docs/protocol.md, "Evidence pack"): built by a node, verified by anyone, offline, without a node.
 * Files are held in memory by name; reading and writing directories is the caller's.
 */
#ifndef PARLEY_RECORD_PACK_H
#define PARLEY_RECORD_PACK_H

#include "forum/statement.h"
#include "formats/tlog.h"

#define PACK_FILES_MAX 512
#define PACK_BYTES_MAX (32u << 20) /* of all files together */

#define PACK_NAME_SIZE 128
#define PACK_STORED_MAX (2 * STATEMENT_ATTACH_MAX) /* files under files/ */

struct pack_file_name {
  char text[PACK_NAME_SIZE];
};

struct pack_file {
  char name[PACK_NAME_SIZE]; /* "ack/entry.json"; at most one '/' */
  struct bytes data;
};

/* A file that is read once, from front to end. */
struct pack_stream {
  void *ctx;
  /* Reads 1 to n bytes into p; *got is 0 only at the end. */
  parley_err (*read)(void *ctx, uint8_t *p, size_t n, size_t *got, struct errmsg *e);
};

/* Where the bytes of stored files come from. Each stream that open gave is closed. */
struct pack_source {
  void *ctx;
  parley_err (*open)(void *ctx, struct pack_stream *out, const char *name, struct errmsg *e);
  void (*close)(void *ctx, struct pack_stream *s);
};

struct pack {
  struct pack_file *files; /* sorted by name */
  size_t n;
  struct pack_file_name *stored; /* those under files/, of any size: not in memory; sorted by name */
  size_t n_stored;
  struct pack_source source; /* of the stored ones */
};

/* NULL when there is no such file. */
const struct pack_file *pack_find(const struct pack *p, const char *name);

/* ---- building ---- */

/* One delivered statement: entry, where it stands, a checkpoint note that carries at least the needed signatures, the inclusion proof in it. */
struct pack_delivery {
  struct bytes entry;
  uint64_t index;
  struct proof inclusion;
  struct bytes note; /* log signature and cosignatures, in any order, others too */
};

struct pack_input {
  struct pack_delivery statement;
  const struct card *const
      *cards; /* all known cards of author and addressees, any order; later ones of others are left out */
  size_t n_cards;
  struct bytes charter;             /* envelope cited by the statement */
  const struct bytes *predecessors; /* oldest first */
  size_t n_predecessors;
  bool has_bulk; /* the files are delivered */
  struct bytes bulk_note;
  struct proof bulk_consistency;      /* from the statement's bulk size to the note's */
  const struct pack_delivery *ack;    /* NULL: not read yet. Its author's and addressee's cards are among `cards`. */
  const struct pack_delivery *reject; /* likewise a rejection */
  /* What is disclosed besides (record/disclosure.h); p NULL: not. */
  struct bytes body, range, reject_body;
};

/* Builds every file, VERIFY.md included, in the arena. The result is checked by the caller with pack_verify before it is given out. */
parley_err pack_build(struct pack *out, struct arena *a, const struct pack_input *in, struct errmsg *e);
/* The text of VERIFY.md for these parties: how to check by hand with openssl, sha256sum and python3. */
void pack_verify_md(struct buf *out, const struct statement *s, bool has_ack, bool has_bulk);

/* ---- verifying ---- */

/* An identity that the verifier holds from elsewhere. */
struct anchor {
  char party[PARTY_NAME_MAX + 1];
  uint8_t fingerprint[SHA256_SIZE];
};

struct pack_party {
  char name[PARTY_NAME_MAX + 1];
  uint8_t fingerprint[SHA256_SIZE];
  bool anchored;
  bool addressee;          /* else author */
  int64_t delivered;       /* time of its cosignature over the statement, seconds; 0 for the author */
  int64_t files_delivered; /* 0: none or pending */
};

struct pack_result {
  struct statement statement; /* pack_result_clear */
  struct hash id;
  struct pack_party *parties; /* the author, then the addressees in the order of `to` */
  size_t n_parties;
  bool has_ack;
  struct statement ack;
  struct hash ack_id;
  int64_t ack_delivered; /* time of the author's cosignature over the ack */
  bool files_pending;    /* attachments whose delivery is not in the pack */
  bool identified;       /* author and every addressee have an anchor that fits */
  char title[257];       /* of the charter */
  int64_t skew; /* largest |cosignature time - issued| seen, seconds; for a warning above the charter's tolerance */
  int64_t tolerance;
};

/*
 * Checks everything. On failure e names the file and what is wrong in it. EVERIFY or EINVAL: the pack is bad or an anchor does not fit.
 * OK with identified == false: consistent, identities not established.
 */
parley_err pack_verify(struct pack_result *out, struct arena *a, const struct pack *p, const struct anchor *anchors,
                       size_t n_anchors, struct errmsg *e);
void pack_result_clear(struct pack_result *r);

#endif
