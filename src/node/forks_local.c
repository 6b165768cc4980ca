/*
 * The local API: proofs of two histories that are kept (docs/local-api.md), and what the daemon needs to write them as
 * folders.
 */
#include <string.h>

#include "node/call.h"
#include "node/forks.h"

static json_t *tree_json(const struct kept *k, size_t i) {
  json_t *o = json_object();
  json_put_int(o, "size", (int64_t)k->size[i]);
  json_put_b64(o, "root", k->root[i].b, 32);
  return o;
}

static json_t *forks_json(struct node *n, const struct kept *k) {
  json_t *o = json_object(), *as = json_array();
  const struct forum *f = forum_find(n, k->forum);
  if (k->log) json_array_append_new(as, json_string("log"));
  if (k->mirror) json_array_append_new(as, json_string("mirror"));
  json_put_str(o, "id", k->id);
  json_put_str(o, "party", k->party);
  json_object_set_new(o, "as", as);
  json_put_str(o, "origin", k->origin);
  json_put_str(o, "log_of", k->author);
  json_put_hex(o, "forum", k->forum, SHA256_SIZE);
  if (f) json_put_str(o, "title", f->charter.title);
  json_put_int(o, "epoch", (int64_t)k->epoch);
  json_object_set_new(o, "first", tree_json(k, 0));
  json_object_set_new(o, "second", tree_json(k, 1));
  json_put_time(o, "found", k->found);
  if (k->from[0]) json_put_str(o, "from", k->from);
  json_object_set_new(o, "told", json_boolean(k->told));
  return o;
}

json_t *forks_list(struct node *n, const uint8_t *forum) {
  json_t *list = json_array();
  for (const struct kept *k = n->forks->kept; k; k = k->next)
    if (!forum || !memcmp(forum, k->forum, SHA256_SIZE)) json_array_append_new(list, forks_json(n, k));
  return list;
}

void local_proofs(struct node_call *c, struct node_response *out) {
  json_t *o = json_object();
  json_object_set_new(o, "proofs", forks_list(c->n, NULL));
  answer_json(out, 200, o);
}

/* By its whole name, or a beginning that only one has. */
static parley_err find(const struct kept **out, const struct node *n, const char *text, struct errmsg *e) {
  *out = NULL;
  for (const struct kept *k = n->forks->kept; k; k = k->next) {
    if (strncmp(k->id, text, strlen(text))) continue;
    if (*out) return err_set(e, PARLEY_ECONFLICT, "several proofs are called like that; give more of the name");
    *out = k;
  }
  return *out ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "no such proof is kept here (parley proof list)");
}

void local_proof(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  const struct kept *k;
  struct pack p;
  parley_err r = find(&k, c->n, c->path, &e);
  if (!r) r = forks_read(c->n, k, &p, &c->arena, &e);
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  json_t *o = forks_json(c->n, k), *files = json_object();
  for (size_t i = 0; i < p.n; i++) json_put_b64(files, p.files[i].name, p.files[i].data.p, p.files[i].data.n);
  json_object_set_new(o, "files", files);
  answer_json(out, 200, o);
}

/* ---- for the owner ---- */

uint64_t node_proofs_version(const struct node *n) { return n->forks->version; }

bool node_proof_at(const struct node *n, size_t i, struct node_proof *out) {
  const struct kept *k = n->forks->kept;
  while (k && i--) k = k->next;
  if (!k) return false;
  *out = (struct node_proof){k->id, k->party, k->origin, k->log, k->mirror};
  return true;
}

parley_err node_proof_files(struct node *n, const char *id, struct pack *out, struct arena *a, struct errmsg *e) {
  const struct kept *k;
  const parley_err r = find(&k, n, id, e);
  return r ? r : forks_read(n, k, out, a, e);
}
