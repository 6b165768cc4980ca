/*
 * The proofs of two histories that the node keeps lie in its store; here they become folders of the home, for people.
 */
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
