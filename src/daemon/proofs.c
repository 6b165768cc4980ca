/*
 * The proofs of two histories that the node keeps lie in its store; here they become folders of the home, for people. What
 * the store has lost is taken back from there at the start.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "record/pack.h"

#define AGAIN_MS 60000

static parley_err write_one(struct daemon *d, const struct node_proof *proof, struct errmsg *e) {
  struct arena a = {0};
  struct pack p;
  if (home_proof_there(&d->home, proof->id)) return PARLEY_OK;
  parley_err err = node_proof_files(d->node, proof->id, &p, &a, e);
  struct home_file *files = err ? NULL : arena_alloc(&a, p.n * sizeof *files);
  if (!err && !files) err = err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  for (size_t i = 0; !err && i < p.n; i++) files[i] = (struct home_file){p.files[i].name, p.files[i].data};
  if (!err) err = home_proof_write(&d->home, proof->id, files, p.n, e);
  if (!err)
    log_line(&d->log, LOG_AS_WARNING, "the proof against %s is in %s/proofs/%s; parley verify checks it", proof->party,
             d->home.dir, proof->id);
  arena_free(&a);
  return err;
}

void daemon_proofs(struct daemon *d) {
  struct node_proof proof;
  struct errmsg e;
  if (d->proofs_version == node_proofs_version(d->node) || daemon_now_ms() < d->proofs_ms) return;
  for (size_t i = 0; node_proof_at(d->node, i, &proof); i++) {
    if (write_one(d, &proof, &e) == PARLEY_OK) continue;
    log_line(&d->log, LOG_AS_ERROR, "a proof cannot be written as a folder, but is kept: %s", e.text);
    d->proofs_ms = daemon_now_ms() + AGAIN_MS;
    return;
  }
  d->proofs_version = node_proofs_version(d->node);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

static void give_back(void *ctx, const char *id, const struct home_file *files, size_t n, const struct errmsg *why) {
  struct daemon *d = ctx;
  struct pack_file list[HOME_PROOF_FILES_MAX] = {0};
  struct errmsg e = *why;
  parley_err err = n ? PARLEY_OK : PARLEY_EINVAL;
  for (size_t i = 0; !err && i < n; i++) {
    if (strlen(files[i].name) >= sizeof list[i].name)
      err = err_set(&e, PARLEY_EINVAL, "%s is no file of a proof", files[i].name);
    if (!err) strcpy(list[i].name, files[i].name);
    list[i].data = files[i].data;
  }
  qsort(list, n, sizeof *list, by_name);
  if (!err) err = node_proof_give(d->node, &(struct pack){.files = list, .n = n}, &e);
  if (err) log_line(&d->log, LOG_AS_WARNING, "proofs/%s is not taken for a proof: %s", id, e.text);
}

void daemon_proofs_back(struct daemon *d) {
  struct errmsg e;
  if (home_proofs_read(&d->home, give_back, d, &e)) log_line(&d->log, LOG_AS_WARNING, "proofs/: %s", e.text);
}
