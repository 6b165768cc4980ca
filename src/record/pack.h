/*
 * Evidence packs (docs/protocol.md, "Evidence pack"): built by a node, verified by anyone, offline, without a node.
 * Files are held in memory by name; reading and writing directories is the caller's.
 */
#ifndef PARLEY_RECORD_PACK_H
#define PARLEY_RECORD_PACK_H

#include "forum/answer.h"
#include "forum/form.h"
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

/* One delivered statement: entry, where it stands, a checkpoint note that carries at least one of the needed signatures, the inclusion proof in it. */
struct pack_delivery {
  struct bytes entry;
  uint64_t index;
  struct proof inclusion;
  struct bytes note; /* log signature and cosignatures, in any order, others too */
};

/* Another checkpoint, for other addressees, with its own inclusion proof, or consistency proof of a bulk checkpoint. */
struct pack_signed {
  struct bytes note;
  struct proof proof;
};

struct pack_input {
  struct pack_delivery statement;
  /* Where one note does not carry all: of each addressee that signature counts which comes first. */
  const struct pack_signed *further, *bulk_further;
  size_t n_further, n_bulk_further;
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
  struct bytes body, reject_body;
  bool has_range; /* files are; range may be empty */
  struct bytes range;
};

/* Builds every file, VERIFY.md included, in the arena. The result is checked by the caller with pack_verify before it is given out. */
parley_err pack_build(struct pack *out, struct arena *a, const struct pack_input *in, struct errmsg *e);

/* ---- verifying ---- */

/* An identity that the verifier holds from elsewhere. There may be several of one party. */
struct anchor {
  char party[PARTY_NAME_MAX + 1];
  uint8_t fingerprint[SHA256_SIZE];
};

/* What the verifier brings along. */
struct pack_known {
  const struct anchor *anchors;
  size_t n_anchors;
  const struct form *const
      *forms; /* for the verdict on a rejection; those that the charter does not pin are left aside */
  size_t n_forms;
};

struct pack_party {
  char name[PARTY_NAME_MAX + 1];
  const struct card *const *cards; /* its run, oldest first */
  size_t n_cards;
  uint8_t fingerprint[SHA256_SIZE]; /* of the first card of the run: what is to be compared */
  size_t established;               /* an anchor vouches for the cards from this number on; n_cards: for none */
  bool anchored;                    /* identified: it vouches for all */
  bool addressee;                   /* else author */
  bool covered;      /* of an addressee: the pack proves the delivery to it; the rest of its kind is empty otherwise */
  size_t card;       /* number of the card under whose key it signed: the entry, or its cosignature */
  size_t log_card;   /* of the author: whose log key signed the checkpoint */
  int64_t delivered; /* time of its cosignature over the statement, seconds; 0 for the author */
  int64_t files_delivered; /* 0: none or pending */
};

/* Where the rejection leaves the matter. */
enum pack_dispute {
  DISPUTE_NONE,  /* no rejection in the pack */
  DISPUTE_OPEN,  /* delivered, and not accepted as it is */
  DISPUTE_ENDED, /* the same party acknowledged it later */
  DISPUTE_VOID,  /* the rejection came after the same party's acknowledgement, and counts for nothing */
};

/* What a disclosure shows about the ground of a rejection. */
enum pack_finding { FINDING_OPEN, FINDING_CONTRADICTED, FINDING_BORNE_OUT };

/* Section 8: what is disclosed, and who was able to read it. */
struct pack_disclosed {
  bool body;                         /* the rest holds only with it, but for `ground` */
  struct plain text;                 /* the plaintext; pack_result_clear */
  const struct pack_reader *readers; /* of the body: the addressees in the order of `to`, then the author */
  bool file[STATEMENT_ATTACH_MAX];   /* file number n is disclosed */
  size_t n_files;                    /* how many are */
  const struct pack_reader *file_readers[STATEMENT_ATTACH_MAX]; /* as `readers`; NULL unless disclosed */
  bool reject;                                                  /* the rejection's plaintext is */
  struct plain reject_text;
  const struct pack_reader *reject_readers; /* the author of the statement, then the rejecter */
  enum ground ground;
  const char *reasons; /* of the rejection; NULL: none given */
  enum pack_finding finding;
  char why[512]; /* of a rejection for its form that is borne out: what is wrong with it */
};

/* The key that one stanza of a sealed body or file is to. */
struct pack_reader {
  const struct card *card; /* the newest that has the key */
  const struct card_seal *seal;
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
  bool has_reject;
  struct statement reject;
  struct hash reject_id;
  int64_t reject_delivered;
  enum pack_dispute dispute;
  size_t n_covered;   /* addressees of whom the pack proves the delivery; at least one */
  bool files_pending; /* attachments whose delivery to one of these is not in the pack */
  bool identified;    /* author and every addressee covered are */
  char title[257];    /* of the charter */
  int64_t skew; /* largest |cosignature time - issued| seen, seconds; for a warning above the charter's tolerance */
  int64_t tolerance;
  struct pack_disclosed disclosed;
};

/*
 * Checks everything, sections 7 and 8; stored files are read once each, through p->source. On failure e names the file
 * and what is wrong in it. EVERIFY or EINVAL: the pack is bad or an anchor does not fit; EIO, ENOMEM: it could not be
 * read. OK with identified == false: consistent, identities not established. known may be NULL. The result points into
 * the arena.
 */
parley_err pack_verify(struct pack_result *out, struct arena *a, const struct pack *p, const struct pack_known *known,
                       struct errmsg *e);
void pack_result_clear(struct pack_result *r);

#endif
