#include "home/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "formats/age.h"
#include "formats/age_armor.h"
#include "home/dirs.h"

#define WORK_FACTOR 18

parley_err secret_work_factor(unsigned *log_n, struct errmsg *e) {
  const char *set = getenv("PARLEY_SCRYPT_LOG_N");
  uint64_t n = WORK_FACTOR;
  if (set && (!dec_decode(&n, bytes_str(set)) || n < 10 || n > 20))
    return err_set(e, PARLEY_EINVAL, "PARLEY_SCRYPT_LOG_N is \"%.20s\"; it must be a number from 10 to 20", set);
  *log_n = (unsigned)n;
  return PARLEY_OK;
}

parley_err secret_protect(struct buf *out, struct bytes plain, struct bytes passphrase, struct errmsg *e) {
  struct age_random r = {0};
  uint8_t salt[16];
  unsigned log_n;
  if (passphrase.n == 0 || passphrase.n > PASSPHRASE_MAX)
    return err_set(e, PARLEY_EINVAL, "a passphrase must have 1 to %d bytes", PASSPHRASE_MAX);
  parley_err err = secret_work_factor(&log_n, e);
  if (!err && !(random_bytes(r.file_key, sizeof r.file_key) && random_bytes(r.nonce, sizeof r.nonce) &&
                random_bytes(salt, sizeof salt)))
    err = err_set(e, PARLEY_EIO, "the operating system gives no randomness");
  if (!err) err = age_seal_scrypt(out, passphrase, salt, log_n, &r, plain, e);
  wipe(&r, sizeof r);
  return err;
}

parley_err secret_protect_text(struct buf *out, struct bytes plain, struct bytes passphrase, struct errmsg *e) {
  struct buf sealed = {0};
  parley_err err = secret_protect(&sealed, plain, passphrase, e);
  if (!err) err = age_armor_write(out, buf_view(&sealed), e);
  buf_free(&sealed);
  return err;
}

parley_err secret_open(struct buf *out, struct bytes file, struct bytes passphrase, struct errmsg *e) {
  struct buf binary = {0};
  parley_err err = PARLEY_OK;
  if (age_armored(file)) {
    err = age_armor_read(&binary, file, e);
    file = buf_view(&binary);
  }
  if (!err) err = age_open_scrypt(out, file, passphrase, e);
  buf_free(&binary);
  return err;
}

/* 0 to 9999, all equally likely. */
static bool random_group(unsigned *out) {
  uint8_t two[2];
  do {
    if (!random_bytes(two, sizeof two)) return false;
    *out = u16be(two);
  } while (*out >= 60000);
  *out %= 10000;
  return true;
}

parley_err secret_passphrase(struct buf *out, struct errmsg *e) {
  for (int i = 0; i < 10; i++) {
    unsigned group;
    if (!random_group(&group)) return err_set(e, PARLEY_EIO, "the operating system gives no randomness");
    buf_fmt(out, "%s%04u", i ? "-" : "", group);
  }
  return buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory for a passphrase");
}

parley_err secret_read(struct buf *out, const char *path, struct errmsg *e) {
  struct stat st;
  if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
    return err_set(e, PARLEY_EREFUSED,
                   "%s can be read by others than its owner; chmod 600 it (and ask who has read it)", path);
  return file_read(out, path, KEY_FILE_MAX, e);
}

/* A file that has another name too is a copy that somebody made on purpose; a link is only taken away. */
static bool may_overwrite(int fd, struct stat *st) {
  return fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1 && st->st_size <= KEY_FILE_MAX;
}

/* Its name goes first, so that nobody ever finds half a key. */
parley_err secret_wipe(const char *path, struct errmsg *e) {
  static const uint8_t zero[KEY_FILE_MAX];
  struct stat st;
  const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  const bool overwrite = may_overwrite(fd, &st);
  parley_err err = PARLEY_OK;
  if (unlink(path) == 0)
    err = dir_sync_parent(path, e);
  else if (errno != ENOENT)
    err = err_set(e, PARLEY_EIO, "cannot remove %s: %s", path, strerror(errno));
  if (!err && overwrite && write(fd, zero, (size_t)st.st_size) == (ssize_t)st.st_size) fsync(fd);
  if (fd >= 0) close(fd);
  return err;
}
