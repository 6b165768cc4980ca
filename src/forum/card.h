/*
 * Cards: a party's self-signed public keys and addresses (docs/protocol.md, "Card").
 * A DSSE envelope of type application/vnd.parley.card+json, at most 32 KiB.
 */
#ifndef PARLEY_FORUM_CARD_H
#define PARLEY_FORUM_CARD_H

#include "base/arena.h"
#include "base/err.h"
#include "formats/dsse.h"
#include "formats/note.h"

#define CARD_TYPE "application/vnd.parley.card+json"
#define CARD_SIZE_MAX 32768
#define PARTY_NAME_MAX 64 /* "cert.us.example": labels of a-z 0-9 -, at least two, at most 64 bytes in all */
#define SEAL_LABEL_MAX 32
#define SEAL_KEYS_MAX 8
#define LINK_PINS_MAX 4
#define URL_MAX 512

struct card_seal {
  char label[SEAL_LABEL_MAX + 1];
  uint8_t recipient[X25519_SIZE];
};

struct card {
  char name[PARTY_NAME_MAX + 1];
  uint64_t serial;
  int64_t not_before, not_after;
  char submission[URL_MAX + 1], monitoring[URL_MAX + 1]; /* https URLs without a trailing slash */
  uint8_t statement[32], rotation[32];
  uint8_t log[32], mirror[32]; /* raw keys; vkeys are named by origin and by <party>/mirror */
  struct card_seal seal[SEAL_KEYS_MAX];
  size_t n_seal;
  char link[LINK_PINS_MAX][LINK_PIN_SIZE];
  size_t n_link;
  uint8_t fingerprint[SHA256_SIZE]; /* SHA-256 of the payload */
  struct bytes envelope;            /* the whole envelope, in the arena */
};

/* True for a name that a party may have. */
bool party_name_valid(const char *name);

/*
 * Parses and verifies: form, unknown members, that the statement, log and mirror keys all sign (in that order), that no key stands twice.
 * before: the card that it replaces (its serial must be ours - 1 and its rotation key must be the fourth signature), NULL for serial 0
 * or when the predecessor is not at hand (then a fourth signature is only accepted, not proved: *unproved is set). Validity times are not judged here.
 */
parley_err card_parse(struct card *out, struct arena *a, struct bytes envelope, const struct card *before,
                      bool *unproved, struct errmsg *e);

/* EREFUSED with a sentence when now is outside [not_before, not_after]. */
parley_err card_check_time(const struct card *c, int64_t now, struct errmsg *e);
/* ECONFLICT, naming the key and the party, when a key of a stands in b as well (different parties). */
parley_err card_check_distinct(const struct card *a, const struct card *b, struct errmsg *e);
/* Recipient of a label; ENOTFOUND lists the labels there are. */
parley_err card_recipient(const uint8_t **out, const struct card *c, const char *label, struct errmsg *e);

/* vkey of the log key for one origin, and of the mirror key (named <party>/mirror). */
parley_err card_log_vkey(struct vkey *out, const struct card *c, const char *origin, struct errmsg *e);
parley_err card_mirror_vkey(struct vkey *out, const struct card *c, struct errmsg *e);

/*
 * Makes and signs a card. fields: everything but fingerprint and envelope; keys must match. rotation: of the card that it replaces, NULL exactly
 * for serial 0; card_parse with that card says whether it fits. Appends the envelope.
 */
struct card_signers {
  const struct ed25519_key *statement, *log, *mirror, *rotation;
};
parley_err card_make(struct buf *out, const struct card *fields, const struct card_signers *keys, struct errmsg *e);

/* Fingerprint in groups of four hex digits, eight groups a line: "a1b2 c3d4 …\n… " (2 lines, no final newline), 80 bytes incl. NUL. */
void fingerprint_groups(char out[static 80], const uint8_t fp[static SHA256_SIZE]);
/* Parses 64 hex digits of either case, ignoring spaces, newlines, colons and dashes. */
bool fingerprint_parse(uint8_t fp[static SHA256_SIZE], const char *text);

#endif
