/*
 * Whose keys are whose, for an audit: all cards known of all parties, and the witnesses of the charters. Cards that the
 * logs themselves carry are added while others read.
 */
#ifndef PARLEY_RECORD_AUDIT_CARDS_H
#define PARLEY_RECORD_AUDIT_CARDS_H

#include <pthread.h>

#include "forum/charter.h"

struct audit_card {
  struct audit_card *next;
  struct card card;
  char keyid[65]; /* of its statement key */
  struct arena arena;
};

struct audit_witness {
  struct audit_witness *next;
  struct vkey key;
};

struct audit_cards {
  pthread_rwlock_t lock;
  struct audit_card *first;
  struct audit_witness *witnesses;
};

void audit_cards_init(struct audit_cards *c);
void audit_cards_free(struct audit_cards *c);

/*
 * Parses, verifies and adds; held already: OK. trusted: people vouch for it; else it counts only as the proved
 * successor of one that is held, and ENOTFOUND says that it is none. EVERIFY, EINVAL with a sentence.
 */
parley_err audit_cards_add(struct audit_cards *c, struct bytes envelope, bool trusted, struct errmsg *e);
void audit_cards_witness(struct audit_cards *c, const struct vkey *k);

/* All NULL when there is none. What is found lives as long as the set. */
const struct card *audit_card_by_keyid(struct audit_cards *c, const char *party, const char *keyid);
const struct card *audit_card_by_fingerprint(void *cards, const char *party, const uint8_t fp[static SHA256_SIZE]);
const struct card *audit_card_serial(struct audit_cards *c, const char *party, uint64_t serial);
bool audit_cards_know(struct audit_cards *c, const char *party);

/*
 * Verifies one signature line of a checkpoint text: a log's line by any card of the author of `origin`, a cosignature
 * by any card of the party that it names, or by a witness. ENOTFOUND: no key of that name is known; EVERIFY.
 */
parley_err audit_line_verify(struct audit_cards *c, struct bytes line, struct bytes text, const char *origin,
                             const char *author, struct errmsg *e);

#endif
