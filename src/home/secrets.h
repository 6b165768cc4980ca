/*
 * Protecting what lies in keys/ by a passphrase (age, scrypt). For the files of this folder.
 */
#ifndef PARLEY_HOME_SECRETS_H
#define PARLEY_HOME_SECRETS_H

#include "home/home.h"

#define KEY_FILE_MAX 16384
#define PASSPHRASE_MAX 1024

/* Work factor of new files: 18, or $PARLEY_SCRYPT_LOG_N (10 to 20; for tests). */
parley_err secret_work_factor(unsigned *log_n, struct errmsg *e);
/* Appends plain as a passphrase-protected age file. */
parley_err secret_protect(struct buf *out, struct bytes plain, struct bytes passphrase, struct errmsg *e);
/* The same as armored text, which can be printed and typed in again. */
parley_err secret_protect_text(struct buf *out, struct bytes plain, struct bytes passphrase, struct errmsg *e);
/* Appends what such a file holds, binary or armored. ENOTFOUND: the passphrase is wrong. */
parley_err secret_open(struct buf *out, struct bytes file, struct bytes passphrase, struct errmsg *e);
/* Appends ten groups of four digits, 132 bits: the same on every keyboard, and hard to misread. */
parley_err secret_passphrase(struct buf *out, struct errmsg *e);

/* Reads a file that only its owner may read: EREFUSED, with the command that helps, when others can. */
parley_err secret_read(struct buf *out, const char *path, struct errmsg *e);
/* Removes the file for good and overwrites what it held, for what that is worth on the disk at hand. One that is not there is OK. */
parley_err secret_wipe(const char *path, struct errmsg *e);

#endif
