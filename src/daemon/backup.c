#include "daemon/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "daemon/daemon.h"
#include "home/dirs.h"

struct backup {
  char dir[HOME_PATH_MAX], partial[HOME_PATH_MAX];
  struct store_backup *store; /* NULL: not running */
  uint64_t done, all;
  parley_err err; /* EBUSY: running */
  struct errmsg why;
};

static const char readme[] =
    "A backup of a parley home, made by parley backup while the node ran.\n"
    "\n"
    "It holds the keys, the cards, the pins and the record. It does not hold signer/, the node's memory of what it "
    "has\n"
    "signed, and no backup ever should: an old memory would let the node sign a second history, which convicts its "
    "party.\n"
    "\n"
    "To restore it:\n"
    "\n"
    "  1. See to it that no other machine runs with these keys, and stop parleyd here.\n"
    "  2. Move the whole old home aside; do not delete it. Copy this folder to where it was (cp -a).\n"
    "  3. If signer/ of the old home is whole and the newest, move it into the new home. Else leave it out: never "
    "take\n"
    "     one from an older copy or from an image of the machine.\n"
    "  4. Start parleyd. It signs nothing until it knows what the others hold of its logs.\n"
    "  5. parley status says whether signing has stopped. If so: parley recover\n"
    "\n"
    "Nothing of this may be left out because it seems to work without.\n";

/* ---- the other files ---- */

static bool left_out(const char *name) {
  return !strcmp(name, "signer") || !strncmp(name, "store.sqlite", 12) || !strcmp(name, ".") || !strcmp(name, "..");
}

static parley_err copy_file(const char *from, const char *to, struct errmsg *e) {
  struct buf data = {0};
  parley_err err = file_read(&data, from, BACKUP_FILE_MAX, e);
  if (!err) err = file_write(to, buf_view(&data), 0600, e);
  buf_free(&data); /* wipes: there are keys among them */
  return err;
}

static parley_err copy_dir(const char *from, const char *to, bool top, struct errmsg *e);

static parley_err copy_one(const char *from, const char *to, const char *name, struct errmsg *e) {
  char source[HOME_PATH_MAX], target[HOME_PATH_MAX];
  struct stat st;
  parley_err err = path_join(source, from, name, e);
  if (!err) err = path_join(target, to, name, e);
  if (err) return err;
  if (lstat(source, &st) != 0)
    return errno == ENOENT ? PARLEY_OK : err_set(e, PARLEY_EIO, "cannot look at %s: %s", source, strerror(errno));
  if (S_ISDIR(st.st_mode)) return copy_dir(source, target, false, e);
  return S_ISREG(st.st_mode) ? copy_file(source, target, e) : PARLEY_OK; /* no sockets */
}

static parley_err copy_dir(const char *from, const char *to, bool top, struct errmsg *e) {
  parley_err err = top ? PARLEY_OK : dir_make(to, e);
  DIR *d = err ? NULL : opendir(from);
  if (!err && !d) err = err_set(e, PARLEY_EIO, "cannot read %s: %s", from, strerror(errno));
  for (const struct dirent *entry; !err && (entry = readdir(d)) != NULL;)
    if (!left_out(entry->d_name) || (!top && entry->d_name[0] != '.')) err = copy_one(from, to, entry->d_name, e);
  if (d) closedir(d);
  return err ? err : dir_sync(to, e);
}

/* ---- the course ---- */

static parley_err sync_file(const char *path, struct errmsg *e) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const int why = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0) close(fd);
  return why ? err_set(e, PARLEY_EIO, "cannot sync %s: %s", path, strerror(why)) : PARLEY_OK;
}

static parley_err finish(struct daemon *d, struct backup *b, struct errmsg *e) {
  char store[HOME_PATH_MAX], text[HOME_PATH_MAX];
  store_backup_progress(b->store, &b->done, &b->all);
  store_backup_end(b->store);
  b->store = NULL;
  parley_err err = path_join(store, b->partial, "store.sqlite", e);
  if (!err) err = path_join(text, b->partial, "README", e);
  if (!err) err = sync_file(store, e);
  if (!err) err = copy_dir(d->home.dir, b->partial, true, e);
  if (!err) err = file_write(text, BYTES(readme, sizeof readme - 1), 0600, e);
  if (!err) err = dir_sync(b->partial, e);
  if (!err && rename(b->partial, b->dir) != 0)
    err = err_set(e, PARLEY_EIO, "cannot put the backup to %s: %s", b->dir, strerror(errno));
  return err ? err : dir_sync_parent(b->dir, e);
}

static void give_up(struct daemon *d, struct backup *b) {
  store_backup_end(b->store);
  b->store = NULL;
  if (b->err) {
    dir_remove(b->partial);
    log_line(&d->log, LOG_AS_ERROR, "the backup to %s failed: %s", b->dir, b->why.text);
  } else {
    log_line(&d->log, LOG_AS_INFO, "the backup is whole: %s", b->dir);
  }
}

bool daemon_backup_turn(struct daemon *d) {
  struct backup *b = d->backup;
  if (!b || b->err != PARLEY_EBUSY) return false;
  b->err = store_backup_step(b->store, BACKUP_STEP_PAGES, &b->why);
  if (b->err == PARLEY_EBUSY) {
    store_backup_progress(b->store, &b->done, &b->all);
    return true;
  }
  if (!b->err) b->err = finish(d, b, &b->why);
  give_up(d, b);
  return false;
}

void daemon_backup_free(struct daemon *d) {
  struct backup *b = d->backup;
  if (!b) return;
  if (b->err == PARLEY_EBUSY) {
    err_set(&b->why, PARLEY_EREFUSED, "the node was stopped meanwhile");
    give_up(d, b);
  }
  free(b);
  d->backup = NULL;
}

/* ---- beginning ---- */

static parley_err check_dir(const struct daemon *d, const char *dir, struct errmsg *e) {
  struct stat st;
  const size_t n = strlen(d->home.dir);
  if (dir[0] != '/' || strlen(dir) + 10 >= HOME_PATH_MAX)
    return err_set(e, PARLEY_EINVAL, "dir: must be an absolute path of at most %d bytes", HOME_PATH_MAX - 11);
  if (!strncmp(dir, d->home.dir, n) && (dir[n] == '/' || !dir[n]))
    return err_set(e, PARLEY_EINVAL, "dir: a backup does not go into the home itself");
  if (lstat(dir, &st) != 0) return PARLEY_OK;
  if (!S_ISDIR(st.st_mode)) return err_set(e, PARLEY_ECONFLICT, "%s is there already, and no folder", dir);
  DIR *there = opendir(dir);
  size_t entries = 0;
  while (there && readdir(there)) entries++;
  if (!there) return err_set(e, PARLEY_EIO, "cannot read %s: %s", dir, strerror(errno));
  closedir(there);
  return entries > 2 ? err_set(e, PARLEY_ECONFLICT, "%s is not empty; name a folder that is new", dir) : PARLEY_OK;
}

static parley_err begin(struct daemon *d, const char *dir, struct errmsg *e) {
  char store[HOME_PATH_MAX];
  if (d->backup && d->backup->err == PARLEY_EBUSY)
    return err_set(e, PARLEY_ECONFLICT, "a backup to %s is under way; wait for it", d->backup->dir);
  parley_err err = check_dir(d, dir, e);
  if (err) return err;
  daemon_backup_free(d);
  struct backup *b = calloc(1, sizeof *b);
  if (!b) return err_set(e, PARLEY_ENOMEM, "out of memory for the backup");
  snprintf(b->dir, sizeof b->dir, "%s", dir);
  snprintf(b->partial, sizeof b->partial, "%s.partial", dir);
  if (mkdir(b->partial, 0700) != 0)
    err = err_set(e, errno == EEXIST ? PARLEY_ECONFLICT : PARLEY_EIO, "cannot make %s: %s%s", b->partial,
                  strerror(errno), errno == EEXIST ? "; a backup was cut there, remove it" : "");
  if (err) {
    free(b);
    return err;
  }
  err = path_join(store, b->partial, "store.sqlite", e);
  if (!err) err = store_backup_begin(&b->store, d->store, store, e);
  if (err) {
    dir_remove(b->partial);
    free(b);
    return err;
  }
  b->err = PARLEY_EBUSY;
  d->backup = b;
  log_line(&d->log, LOG_AS_INFO, "a backup to %s is begun", dir);
  return PARLEY_OK;
}

void local_backup_state(const struct daemon *d, struct node_response *out) {
  const struct backup *b = d->backup;
  json_t *v = json_object();
  const char *state = !b ? "none" : b->err == PARLEY_EBUSY ? "running" : b->err ? "failed" : "done";
  bool ok = v && json_put_str(v, "state", state);
  if (ok && b) ok = json_put_str(v, "dir", b->dir) && json_put_int(v, "bytes", (int64_t)b->done);
  if (ok && b) ok = json_put_int(v, "total", (int64_t)b->all);
  if (ok && b && b->err && b->err != PARLEY_EBUSY) ok = json_put_str(v, "message", b->why.text);
  if (!ok) {
    json_decref(v);
    v = NULL;
  }
  local_put_json(out, b && b->err == PARLEY_EBUSY ? 202 : 200, v);
}

void local_backup_begin(struct daemon *d, struct bytes body, struct node_response *out) {
  static const char *const members[] = {"dir", NULL};
  struct errmsg e = {""};
  json_t *q = NULL;
  const char *dir = NULL;
  parley_err err = json_parse(&q, body, body.n, &e);
  if (!err) err = json_only(q, "", members, &e);
  if (!err) err = json_get_str(&dir, q, "", "dir", &e);
  if (!err) err = begin(d, dir, &e);
  if (err)
    local_put_error(out, err, &e);
  else
    local_backup_state(d, out);
  json_decref(q);
}
