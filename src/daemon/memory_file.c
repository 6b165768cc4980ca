#include "daemon/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "daemon/fault.h"
#include "home/home.h"

#define MAGIC "parley signer 1\n"
#define SLOT_SIZE 512
#define SLOT_SPACING 4096
#define SLOT_CHECKSUM (SLOT_SIZE - SHA256_SIZE)
#define FILE_SIZE (2 * SLOT_SPACING)

struct memory_file {
  char dir[HOME_PATH_MAX];
  bool failed; /* what is on the disk is not known: a page that could not be written reads back as if it had been */
};

/* What a file says. newest is 0 or 1. */
struct record {
  uint64_t sequence;
  struct signed_tree tree;
};
struct slots {
  bool valid[2];
  struct record record[2];
  int newest;
};

struct place {
  uint8_t origin[SHA256_SIZE];
  uint8_t role;
  char path[HOME_PATH_MAX];
};

static parley_err place_of(struct place *out, const struct memory_file *m, const char *origin, enum signer_role role,
                           struct errmsg *e) {
  char hex[2 * SHA256_SIZE + 1];
  out->role = role == SIGNER_MIRROR;
  sha256(out->origin, bytes_str(origin));
  hex_encode(hex, BYTES(out->origin, SHA256_SIZE));
  const int n = snprintf(out->path, sizeof out->path, "%s/%s.%s", m->dir, hex, out->role ? "mirror" : "log");
  return n > 0 && (size_t)n < sizeof out->path ? PARLEY_OK
                                               : err_set(e, PARLEY_ELIMIT, "the path of %.200s is too long", m->dir);
}

/* ---- slots ---- */

static void slot_write(uint8_t out[static SLOT_SIZE], const struct place *p, const struct record *r) {
  memset(out, 0, SLOT_SIZE);
  memcpy(out, MAGIC, 16);
  put_u64be(out + 16, r->sequence);
  put_u64be(out + 24, r->tree.size);
  memcpy(out + 32, r->tree.root.b, SHA256_SIZE);
  memcpy(out + 64, p->origin, SHA256_SIZE);
  out[96] = p->role;
  sha256(out + SLOT_CHECKSUM, BYTES(out, SLOT_CHECKSUM));
}

static bool slot_read(struct record *out, const uint8_t in[static SLOT_SIZE], const struct place *p) {
  uint8_t digest[SHA256_SIZE];
  sha256(digest, BYTES(in, SLOT_CHECKSUM));
  if (memcmp(digest, in + SLOT_CHECKSUM, SHA256_SIZE) != 0 || memcmp(in, MAGIC, 16) != 0 ||
      memcmp(in + 64, p->origin, SHA256_SIZE) != 0 || in[96] != p->role)
    return false;
  out->sequence = u64be(in + 16);
  out->tree.size = u64be(in + 24);
  memcpy(out->tree.root.b, in + 32, SHA256_SIZE);
  return true;
}

static parley_err slots_read(struct slots *out, int fd, const struct place *p, struct errmsg *e) {
  *out = (struct slots){0};
  for (int i = 0; i < 2; i++) {
    uint8_t slot[SLOT_SIZE];
    const ssize_t n = pread(fd, slot, sizeof slot, (off_t)i * SLOT_SPACING);
    out->valid[i] = n == SLOT_SIZE && slot_read(&out->record[i], slot, p);
  }
  if (!out->valid[0] && !out->valid[1])
    return err_set(e, PARLEY_EIO,
                   "the signer's memory %s is damaged; without it nothing can be signed safely: move the whole folder signer/ away and run parley recover",
                   p->path);
  out->newest = !out->valid[0] || (out->valid[1] && out->record[1].sequence > out->record[0].sequence);
  return PARLEY_OK;
}

static parley_err failed(int why, const char *doing, const struct place *p, struct errmsg *e) {
  return err_set(e, why == ENOSPC || why == EDQUOT ? PARLEY_EFULL : PARLEY_EIO, "cannot %s the signer's memory %s: %s",
                 doing, p->path, strerror(why));
}

/* ---- signer_memory ---- */

static parley_err load(void *ctx, const char *origin, enum signer_role role, struct signed_tree *out,
                       struct errmsg *e) {
  struct place p;
  struct slots s;
  parley_err err = place_of(&p, ctx, origin, role, e);
  if (err) return err;
  const int fd = open(p.path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT ? err_set(e, PARLEY_ENOTFOUND, "nothing was signed yet for %s", origin)
                           : failed(errno, "open", &p, e);
  err = slots_read(&s, fd, &p, e);
  close(fd);
  if (!err) *out = s.record[s.newest].tree;
  return err;
}

/* Whole under its name or not there: a file that exists is never one that was only begun. */
static parley_err create(struct memory_file *m, const struct place *p, const struct signed_tree *tree,
                         struct errmsg *e) {
  uint8_t *file = calloc(1, FILE_SIZE);
  if (!file) return err_set(e, PARLEY_ENOMEM, "out of memory for the signer's memory");
  slot_write(file, p, &(struct record){1, *tree});
  const parley_err err = file_write(p->path, BYTES(file, FILE_SIZE), 0600, e);
  free(file);
  m->failed = err == PARLEY_EIO; /* it may stand there without being durable */
  return err;
}

static parley_err replace(struct memory_file *m, int fd, const struct place *p, const struct signed_tree *tree,
                          struct errmsg *e) {
  struct slots s;
  uint8_t slot[SLOT_SIZE];
  const parley_err err = slots_read(&s, fd, p, e);
  if (err) return err;
  const struct record next = {s.record[s.newest].sequence + 1, *tree};
  slot_write(slot, p, &next);
  errno = EIO; /* what a short write means on a regular file that has its size already */
  m->failed = pwrite(fd, slot, sizeof slot, (off_t)(!s.newest) * SLOT_SPACING) != SLOT_SIZE || fdatasync(fd) != 0;
  return m->failed ? failed(errno, "write", p, e) : PARLEY_OK;
}

static parley_err save_tree(struct memory_file *m, const char *origin, enum signer_role role,
                            const struct signed_tree *tree, struct errmsg *e) {
  struct place p;
  if (m->failed)
    return err_set(e, PARLEY_EIO,
                   "an earlier write of the signer's memory failed; repair the disk and restart parleyd");
  parley_err err = place_of(&p, m, origin, role, e);
  if (err) return err;
  const int fd = open(p.path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? create(m, &p, tree, e) : failed(errno, "open", &p, e);
  err = replace(m, fd, &p, tree, e);
  close(fd);
  return err;
}

static parley_err save(void *ctx, const char *origin, enum signer_role role, const struct signed_tree *tree,
                       struct errmsg *e) {
  fault_point();
  const parley_err err = save_tree(ctx, origin, role, tree, e);
  fault_point();
  return err;
}

/* ---- life ---- */

/* Makes the name of the folder durable as well. */
static parley_err make_folder(const char *dir, struct errmsg *e) {
  char parent[HOME_PATH_MAX + 4];
  if (mkdir(dir, 0700) != 0)
    return errno == EEXIST ? PARLEY_OK : err_set(e, PARLEY_EIO, "cannot make %s: %s", dir, strerror(errno));
  snprintf(parent, sizeof parent, "%s/..", dir);
  const int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int why = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0) close(fd);
  return why ? err_set(e, PARLEY_EIO, "cannot sync the folder of %s: %s", dir, strerror(why)) : PARLEY_OK;
}

parley_err memory_file_open(struct memory_file **out, const char *dir, struct errmsg *e) {
  if (strlen(dir) >= sizeof(*out)->dir) return err_set(e, PARLEY_ELIMIT, "the path %.200s… is too long", dir);
  const parley_err err = make_folder(dir, e);
  if (err) return err;
  struct memory_file *m = calloc(1, sizeof *m);
  if (!m) return err_set(e, PARLEY_ENOMEM, "out of memory for the signer's memory");
  memcpy(m->dir, dir, strlen(dir) + 1);
  *out = m;
  return PARLEY_OK;
}

struct signer_memory memory_file_memory(struct memory_file *m) {
  return (struct signer_memory){.ctx = m, .load = load, .save = save};
}

void memory_file_close(struct memory_file *m) { free(m); }
