/*
 * Statements: one signed entry of a log (docs/protocol.md, "Statement"; design section 6).
 * The entry is a DSSE envelope of type application/vnd.parley.statement+json, at most 65,535 bytes.
 */
#ifndef PARLEY_FORUM_STATEMENT_H
#define PARLEY_FORUM_STATEMENT_H

#include "base/json.h"
#include "forum/charter.h"
#include "formats/age.h"
#include "merkle/tree.h"

#define STATEMENT_TYPE "application/vnd.parley.statement+json"
#define ENTRY_MAX 65535
#define BULK_ENTRY_MAX 4096
#define STATEMENT_TO_MAX 192
#define STATEMENT_RE_MAX 16
#define STATEMENT_HEARD_MAX 193
#define STATEMENT_HELD_MAX 64
#define STATEMENT_ATTACH_MAX 16
#define KIND_MAX 48
#define ORIGIN_MAX 160
#define SEED_SIZE 32
#define CARDS_CARRIED_MAX 8 /* in one forum.card */

enum status { STATUS_ACTUAL, STATUS_EXERCISE, STATUS_TEST };
const char *status_name(enum status s);
bool status_parse(enum status *out, const char *s);

struct heard {
  char party[PARTY_NAME_MAX + 1];
  uint64_t epoch, size;
  struct hash root;
};

struct held {
  char origin[ORIGIN_MAX + 1];
  uint64_t size;
  struct hash root;
  char line[256]; /* the cosignature line without its newline */
};

struct attach {
  uint8_t sha256[SHA256_SIZE]; /* of the sealed file */
  uint64_t size;               /* of the sealed file, bytes */
  uint64_t first, count;       /* bulk entries */
};

struct statement {
  uint8_t forum[SHA256_SIZE], charter[SHA256_SIZE];
  char from[PARTY_NAME_MAX + 1];
  char kind[KIND_MAX + 1];
  enum status status;
  int64_t issued;
  uint8_t nonce[16];
  bool has_thread;
  uint8_t thread[SHA256_SIZE];
  uint8_t re[STATEMENT_RE_MAX][SHA256_SIZE];
  size_t n_re;
  enum precedence precedence;
  enum tlp tlp;
  int64_t answer_by;              /* 0: none */
  char (*to)[PARTY_NAME_MAX + 1]; /* in the arena */
  size_t n_to;
  char desk[SEAL_LABEL_MAX + 1]; /* "duty" when absent */
  struct heard *heard;
  size_t n_heard;
  struct held *held;
  size_t n_held;
  char lang[9];
  json_t *body;        /* open body of forum.* kinds; owned (statement_clear); NULL when sealed */
  struct bytes sealed; /* the age file; p NULL when open */
  uint8_t body_sha256[SHA256_SIZE];
  struct attach attach[STATEMENT_ATTACH_MAX];
  size_t n_attach;
  bool has_bulk;
  uint64_t bulk_size;
  struct hash bulk_root;
  char officer[KIND_MAX + 1]; /* role; "" when absent */
};

/* Kinds known to this version: forum.*, which are open; those of forum/answer.h and those with a form, which are sealed. */
bool kind_valid(const char *kind);   /* syntax: lower-case words joined by dots */
bool kind_is_open(const char *kind); /* forum.* */

/* Payload bytes. Deterministic in the member order of docs/protocol.md. ELIMIT is not judged here. */
parley_err statement_payload(struct buf *out, const struct statement *s, struct errmsg *e);
/* Signs payload into the entry bytes. ELIMIT over ENTRY_MAX, saying by how much. */
parley_err statement_entry(struct buf *out, struct bytes payload, const struct ed25519_key *party, struct errmsg *e);
/* The same with a signature made elsewhere. */
parley_err statement_entry_signed(struct buf *out, struct bytes payload, const uint8_t pub[static 32],
                                  const uint8_t sig[static 64], struct errmsg *e);
/* Parses the payload of an entry with all rules of form (not of the charter). */
parley_err statement_parse(struct statement *out, struct arena *a, struct bytes entry, struct dsse *envelope,
                           struct errmsg *e);
/* Checks the party's signature (the first) by the card. */
parley_err statement_verify(const struct dsse *envelope, const struct statement *s, const struct card *from,
                            struct errmsg *e);
void statement_clear(struct statement *s);
/* Id: RFC 6962 leaf hash of the entry. */
void statement_id(struct hash *out, struct bytes entry);

/* The body of a forum.epoch: trees of the epoch before. */
struct forum_epoch {
  uint64_t epoch, size; /* the longest that its author knows to have signed */
  struct hash root;
  uint64_t held_size; /* where it cannot show that one: the longest that it can; 0: it is not named */
  struct hash held_root;
  uint64_t bulk_size; /* of the bulk log the longest that it can show; 0: it is not named */
  struct hash bulk_root;
};
parley_err forum_epoch_parse(struct forum_epoch *out, const json_t *body, struct errmsg *e);
json_t *forum_epoch_body(const struct forum_epoch *epoch); /* NULL: out of memory */

/* ---- sealing (docs/protocol.md, "Sealing") ---- */

/* Randomness of the sealed body (file < 0) or of file number file (0..15) for n recipients, expanded from the seed. ephemeral gets n * 32 bytes. */
bool seal_random(struct age_random *out, uint8_t *ephemeral, const uint8_t seed[static SEED_SIZE], int file, size_t n);

struct plain_file {
  char name[256]; /* base name, no '/', no control characters */
  char type[128]; /* media type */
  uint64_t size;  /* plaintext bytes */
  uint8_t sha256[SHA256_SIZE];
};

/* Plaintext of a sealed body: {"seed","body","files"?}. */
struct plain {
  uint8_t seed[SEED_SIZE];
  json_t *body; /* owned */
  struct plain_file files[STATEMENT_ATTACH_MAX];
  size_t n_files;
};
parley_err plain_write(struct buf *out, const struct plain *p, struct errmsg *e);
parley_err plain_parse(struct plain *out, struct bytes text, struct errmsg *e);
void plain_clear(struct plain *p);

/* Seals plaintext bytes to recipients (addressees in order of `to`, then the author). */
parley_err body_seal(struct buf *out, uint8_t body_sha256[static SHA256_SIZE], struct bytes plaintext,
                     const uint8_t seed[static SEED_SIZE], const uint8_t (*recipients)[X25519_SIZE], size_t n,
                     struct errmsg *e);
/* Opens with one identity and checks body_sha256: the plaintext as it was signed. out is wiped by buf_free, after errors too. */
parley_err body_text(struct buf *out, const struct statement *s, const struct age_identity *id, struct errmsg *e);
/* The same and parses. ENOTFOUND: not sealed to this key. */
parley_err body_open(struct plain *out, const struct statement *s, const struct age_identity *id, struct errmsg *e);
/*
 * Most plaintext bytes that still fit an entry for n_to addressees. other: size of the payload that statement_payload writes with
 * an empty age file (sealed.n == 0, sealed.p not NULL). 0 when nothing fits. The entry has one signature.
 */
size_t body_limit(size_t n_to, size_t other);

/* Origin "<party>/<forum hex>/<epoch>" (+ "/bulk"). */
void log_origin(char out[static ORIGIN_MAX + 1], const char *party, const uint8_t forum[static SHA256_SIZE],
                uint64_t epoch, bool bulk);
/* Splits such an origin. */
bool log_origin_parse(char party[static PARTY_NAME_MAX + 1], uint8_t forum[static SHA256_SIZE], uint64_t *epoch,
                      bool *bulk, struct bytes origin);

#endif
