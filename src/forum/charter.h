/*
 * Charters: the signed rules of a forum (docs/protocol.md, "Charter"). A DSSE envelope of type
 * application/vnd.parley.charter+json, at most 512 KiB, one signature a member, in the order of `members`.
 */
#ifndef PARLEY_FORUM_CHARTER_H
#define PARLEY_FORUM_CHARTER_H

#include "forum/card.h"

#define CHARTER_TYPE "application/vnd.parley.charter+json"
#define CHARTER_SIZE_MAX (512 * 1024)
#define FORUM_MEMBERS_MAX 193
#define CHARTER_DIGESTS_MAX 64
#define CHARTER_REPLACES_MAX 16
#define CHARTER_CLOSED_MAX 193

enum precedence { FLASH, IMMEDIATE, PRIORITY, ROUTINE, PRECEDENCE_COUNT };
enum tlp { TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED, TLP_COUNT };
enum member_role { ROLE_MEMBER, ROLE_CHAIR, ROLE_OBSERVER, ROLE_RELAY, ROLE_SUSPENDED, ROLE_COUNT };

const char *precedence_name(enum precedence p); /* "FLASH" … */
bool precedence_parse(enum precedence *out, const char *s);
const char *tlp_name(enum tlp t); /* "clear", "green", "amber", "amber+strict", "red" */
bool tlp_parse(enum tlp *out, const char *s);

const char *member_role_name(enum member_role r); /* "member", "chair", "observer", "relay", "suspended" */
bool member_role_parse(enum member_role *out, const char *s);
bool member_role_votes(enum member_role r);  /* has a say on new versions: member, chair */
bool member_role_speaks(enum member_role r); /* what it sends counts: all but relay, suspended */

struct charter_member {
  char name[PARTY_NAME_MAX + 1];
  uint8_t fingerprint[SHA256_SIZE]; /* of the card */
  enum member_role role;
};

struct charter_pin { /* a procedure or form in force */
  char name[64];
  uint8_t digest[SHA256_SIZE];
};

/* That party's log of that epoch counts in this forum only up to this tree, and its next epoch may be opened. */
struct charter_closed {
  char party[PARTY_NAME_MAX + 1];
  uint64_t epoch, size;
  struct hash root;
};

struct charter {
  char title[257];
  char languages[8][9];
  size_t n_languages;
  uint8_t nonce[16];
  char legal[16];     /* political | treaty | exercise */
  char fields[3][24]; /* cyber | strategic-stability | regional-conflict */
  size_t n_fields;
  struct charter_member *members; /* in the arena */
  size_t n_members;
  char adoption[16]; /* consensus | silence | threshold */
  int64_t threshold; /* with adoption threshold; else 0 */
  int64_t quorum;
  int64_t ack_seconds[PRECEDENCE_COUNT];
  int64_t heartbeat_seconds, clock_tolerance_seconds;
  int64_t attachment_max;             /* bytes of one attachment (plaintext) */
  int64_t bytes_per_day, bytes_total; /* per member, entries of both logs */
  char disclosure[16];                /* consent | free */
  int64_t retention_days;             /* 0: nothing is ever pruned */
  struct charter_pin forms[CHARTER_DIGESTS_MAX], procedures[CHARTER_DIGESTS_MAX];
  size_t n_forms, n_procedures;
  struct vkey witnesses[16];
  size_t n_witnesses;
  struct charter_closed *closed; /* in the arena, sorted by party, then epoch */
  size_t n_closed;
  uint8_t replaces[CHARTER_REPLACES_MAX]
                  [SHA256_SIZE]; /* digests of the versions that this one replaces; none in the first */
  size_t n_replaces;
  uint8_t digest[SHA256_SIZE]; /* SHA-256 of the payload; the forum id when it is the first version */
  struct bytes payload;        /* in the arena */
};

/* Fills the defaults of design section 4. Members, title, nonce, forms are the caller's. */
void charter_defaults(struct charter *c);
/* Appends the payload JSON for fields. */
parley_err charter_payload(struct buf *out, const struct charter *c, struct errmsg *e);
/* Parses a payload. Every refusal names the member. */
parley_err charter_parse(struct charter *out, struct arena *a, struct bytes payload, struct errmsg *e);
const struct charter_member *charter_member(const struct charter *c, const char *name);
const struct charter_pin *charter_form(const struct charter *c, const char *kind);
/* What the charter says of that party's log of that epoch; NULL: it is not closed. */
const struct charter_closed *charter_closed_find(const struct charter *c, const char *party, uint64_t epoch);

/* Looks a pinned card up by party name and fingerprint; NULL when unknown. */
typedef const struct card *(*card_lookup)(void *ctx, const char *name, const uint8_t fingerprint[static SHA256_SIZE]);

/*
 * Parses an envelope: payload, and each signature verified against the member's card found by lookup (a signature by nobody
 * known, twice, or not in member order is refused). signed_by[i] tells for member i; *complete when all have signed.
 */
parley_err charter_envelope_parse(struct charter *out, bool signed_by[static FORUM_MEMBERS_MAX], bool *complete,
                                  struct arena *a, struct bytes envelope, card_lookup lookup, void *ctx,
                                  struct errmsg *e);
/*
 * Appends an envelope over payload made of the signatures of `in` (may be empty bytes) plus ours, in member order. The cards tell
 * which member a signature belongs to; our key must be the statement key of our card.
 */
parley_err charter_sign(struct buf *out, struct bytes in, struct bytes payload, const char *member,
                        const struct ed25519_key *statement_key, card_lookup lookup, void *ctx, struct arena *a,
                        struct errmsg *e);
/* Merges the signatures of two envelopes over the same payload, in member order. ECONFLICT when the payloads differ. */
parley_err charter_merge(struct buf *out, struct bytes a_env, struct bytes b_env, card_lookup lookup, void *ctx,
                         struct arena *a, struct errmsg *e);

#endif
