/*
 * The key files of a home one by one, and changes of several of them as a whole. For the files of this folder.
 */
#ifndef PARLEY_HOME_KEY_FILES_H
#define PARLEY_HOME_KEY_FILES_H

#include "home/dirs.h"
#include "home/secrets.h"

/* ---- reading (keys.c) ---- */

struct key_reader {
  const struct home *home;
  passphrase_fn ask;
  void *ctx;
  struct buf passphrase; /* of the last file that one opened; freed by the owner */
};

/*
 * Appends the text of keys/<name>, or of keys/<name>.age opened; path gets the file that it was read from. ENOTFOUND: there is neither.
 */
parley_err key_text(struct buf *out, char path[static HOME_PATH_MAX], struct key_reader *r, const char *name,
                    struct errmsg *e);
/* The signing key in it. */
parley_err key_signing(struct ed25519_key **out, struct key_reader *r, const char *name, struct errmsg *e);
/* The seal key in it. */
parley_err key_seal(struct age_identity *out, struct key_reader *r, const char *name, struct errmsg *e);

/* ---- making (key_make.c) ---- */

#define KEY_DAY INT64_C(86400)
#define CARD_DAYS 730 /* validity of a card, unless told otherwise */

parley_err key_make_signing(struct ed25519_key **out, uint8_t pub[static 32], struct errmsg *e);
parley_err key_make_seal(struct age_identity *out, struct errmsg *e);
/* Appends what its file holds. */
parley_err key_seal_text(struct buf *out, const struct age_identity *id, struct errmsg *e);

/* ---- changing several files as a whole (key_change.c) ---- */

/*
 * What is to become of the home is written to change.new/, which mirrors it (card.json, keys/…, keys/before/…), then renamed to change/: that
 * decides it. Whoever comes next moves the files to their places (home_finish_change), again after a crash. Putting keys/x.age in
 * place removes keys/x, and the other way round.
 */
struct key_change {
  const struct home *home;
  char dir[HOME_PATH_MAX];
};
parley_err change_begin(struct key_change *c, const struct home *h, struct errmsg *e);
/* name: below the home, such as "keys/log.pem". */
parley_err change_put(const struct key_change *c, const char *name, struct bytes data, unsigned mode, struct errmsg *e);
/* A secret: protected, under name + ".age", when passphrase is not empty. */
parley_err change_put_secret(const struct key_change *c, const char *name, struct bytes text, struct bytes passphrase,
                             struct errmsg *e);
/* Decides, then finishes. */
parley_err change_commit(struct key_change *c, struct errmsg *e);
/* One is decided, and not finished yet. */
bool change_decided(const struct home *h);
/* Undecided: nothing of it stays. */
void change_drop(struct key_change *c);

#endif
