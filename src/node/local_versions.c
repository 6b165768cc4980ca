/*
 * The versions of a charter as the local API shows them (docs/local-api.md).
 */
#include <string.h>

#include "base/json_load.h"
#include "node/call.h"

/* The complete versions that one lists. */
static size_t listed(const struct versions *v, const struct charter *c,
                     const struct charter *out[CHARTER_REPLACES_MAX]) {
  size_t k = 0;
  for (size_t i = 0; i < c->n_replaces; i++) {
    const size_t at = versions_find(&v->set, c->replaces[i]);
    if (at != VERSION_NONE && v->set.v[at].complete) out[k++] = v->set.v[at].charter;
  }
  return k;
}

/* Members whose signature is wanted still, in a bit each. */
static void wanted(struct node *n, const struct proposal *p, bool out[FORUM_MEMBERS_MAX]) {
  const struct charter *before[CHARTER_REPLACES_MAX];
  struct versions v = {0};
  memset(out, 0, FORUM_MEMBERS_MAX);
  if (!p->placed || versions_gather(n, p->forum, &v, NULL) != PARLEY_OK) {
    json_lose();
  } else {
    const size_t k = listed(&v, &p->charter, before);
    for (size_t i = 0; i < p->charter.n_members; i++) out[i] = version_wants(&p->charter, p->signed_by, before, k, i);
  }
  versions_free(&v);
}

/* It does not hold, but the version in force comes after it and its rivals. */
static bool is_mended(struct node *n, const struct proposal *p) {
  struct versions v;
  bool yes = false;
  if (versions_gather(n, p->forum, &v, NULL) != PARLEY_OK) {
    json_lose();
  } else if (v.set.in_force != VERSION_NONE) {
    yes = versions_before(&v.set, versions_find(&v.set, p->digest), v.set.in_force);
  }
  versions_free(&v);
  return yes;
}

const char *version_state(struct node *n, const struct proposal *p) {
  bool wants[FORUM_MEMBERS_MAX];
  const struct charter_member *me = charter_member(&p->charter, n->own.name);
  if (p->in_force) return me ? "in_force" : "left";
  if (p->complete) return p->holds || is_mended(n, p) ? "replaced" : "conflict";
  wanted(n, p, wants);
  return me && wants[me - p->charter.members] ? "proposed" : "signed";
}

json_t *version_missing(struct node *n, const struct proposal *p) {
  bool wants[FORUM_MEMBERS_MAX];
  json_t *list = json_array();
  wanted(n, p, wants);
  for (size_t i = 0; i < p->charter.n_members; i++)
    if (wants[i]) json_array_append_new(list, json_string(p->charter.members[i].name));
  return list;
}

static json_t *signers(const struct proposal *p) {
  json_t *list = json_array();
  for (size_t i = 0; i < p->charter.n_members; i++)
    if (p->signed_by[i]) json_array_append_new(list, json_string(p->charter.members[i].name));
  return list;
}

static json_t *replaced(const struct proposal *p) {
  json_t *list = json_array();
  for (size_t i = 0; i < p->charter.n_replaces; i++) {
    json_t *o = json_object();
    json_put_hex(o, "version", p->charter.replaces[i], SHA256_SIZE);
    json_array_append(list, json_object_get(o, "version"));
    json_decref(o);
  }
  return list;
}

/*
 * Of each complete version that is neither ancestor nor descendant: its digest, and who has signed both. In the order that every node
 * has them in, whichever came first.
 */
static json_t *rivals(const struct versions *v, size_t i) {
  json_t *list = json_array();
  for (size_t at = 0; at < v->n_order; at++) {
    const size_t k = v->order[at];
    if (k == i || versions_before(&v->set, i, k) || versions_before(&v->set, k, i)) continue;
    json_t *o = json_object(), *both = json_array();
    const struct proposal *a = v->p[i], *b = v->p[k];
    for (size_t m = 0; m < a->charter.n_members; m++) {
      const struct charter_member *x = charter_member(&b->charter, a->charter.members[m].name);
      if (x && a->signed_by[m] && b->signed_by[x - b->charter.members])
        json_array_append_new(both, json_string(x->name));
    }
    json_put_hex(o, "version", b->digest, SHA256_SIZE);
    json_object_set_new(o, "signed_both", both);
    json_array_append_new(list, o);
  }
  return list;
}

static json_t *version_json(struct node *n, const struct versions *v, size_t i) {
  const struct proposal *p = v->p[i];
  json_t *o = json_object();
  json_put_hex(o, "version", p->digest, SHA256_SIZE);
  json_put_str(o, "title", p->charter.title);
  json_put_str(o, "state", version_state(n, p));
  json_put_str(o, "proposed_by", p->from);
  json_object_set_new(o, "signed", signers(p));
  json_object_set_new(o, "missing", version_missing(n, p));
  json_object_set_new(o, "replaces", replaced(p));
  if (v->set.v[i].complete && !v->set.v[i].holds) json_object_set_new(o, "rivals", rivals(v, i));
  return o;
}

json_t *versions_json(struct node *n, const struct proposal *p) {
  json_t *list = json_array();
  struct versions v = {0};
  if (versions_gather(n, p->forum, &v, NULL) != PARLEY_OK) json_lose();
  for (size_t i = 0; i < v.n_order; i++) json_array_append_new(list, version_json(n, &v, v.order[i]));
  for (size_t i = 0; i < v.set.n; i++)
    if (!v.set.v[i].complete) json_array_append_new(list, version_json(n, &v, i));
  versions_free(&v);
  return list;
}

struct proposal *version_in_force(const struct node *n, const struct proposal *p) {
  for (struct proposal *q = n->proposals; q; q = q->next)
    if (q->in_force && p->placed && !memcmp(q->forum, p->forum, SHA256_SIZE)) return q;
  return NULL;
}
