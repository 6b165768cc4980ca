/*
 * The local API's new versions of a charter: made of the one in force, or taken from a file (docs/local-api.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "node/call.h"

/* ---- members ---- */

struct making {
  struct node *n;
  struct charter c;
  struct arena *a;
  json_t *q;
};

static struct charter_member *find_member(struct charter *c, const char *name) {
  for (size_t i = 0; i < c->n_members; i++)
    if (!strcmp(c->members[i].name, name)) return &c->members[i];
  return NULL;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct charter_member *)a)->name, ((const struct charter_member *)b)->name);
}

/* {"party", "role"?} of a list. */
static parley_err item(const json_t *list, const char *name, size_t i, const char **party, enum member_role *role,
                       struct errmsg *e) {
  static const char *const members[] = {"party", "role", NULL};
  const json_t *o = json_array_get(list, i);
  const char *text = "member";
  char path[32];
  snprintf(path, sizeof path, "%s[%zu]", name, i);
  if (!json_is_object(o)) return err_set(e, PARLEY_EINVAL, "%s: an object with party and role", path);
  parley_err r = json_only(o, path, members, e);
  r = r ? r : json_get_str(party, o, path, "party", e);
  r = r ? r : json_get_str_opt(&text, o, path, "role", e);
  if (!r && !member_role_parse(role, text))
    r = err_set(e, PARLEY_EINVAL, "%s.role: \"%.40s\" is none of member, chair, observer, relay, suspended", path,
                text);
  return r;
}

static parley_err admit(struct making *m, struct errmsg *e) {
  json_t *list = NULL;
  parley_err r = json_get_arr_opt(&list, m->q, "", "admit", FORUM_MEMBERS_MAX, e);
  for (size_t i = 0; !r && i < json_array_size(list); i++) {
    const char *party;
    enum member_role role;
    r = item(list, "admit", i, &party, &role, e);
    const struct card *card = r ? NULL : node_card(m->n, party);
    if (!r && find_member(&m->c, party))
      r = err_set(e, PARLEY_ECONFLICT, "admit[%zu]: %s is a member already", i, party);
    else if (!r && !card)
      r = err_set(e, PARLEY_ENOTFOUND, "admit[%zu]: the card of %s is not pinned here; pin it first (parley trust)", i,
                  party);
    else if (!r && m->c.n_members == FORUM_MEMBERS_MAX)
      r = err_set(e, PARLEY_ELIMIT, "admit[%zu]: a forum has at most %d members", i, FORUM_MEMBERS_MAX);
    if (r) return r;
    struct charter_member *to = &m->c.members[m->c.n_members++];
    *to = (struct charter_member){.role = role};
    snprintf(to->name, sizeof to->name, "%s", party);
  }
  return r;
}

static parley_err set_roles(struct making *m, struct errmsg *e) {
  json_t *list = NULL;
  parley_err r = json_get_arr_opt(&list, m->q, "", "roles", FORUM_MEMBERS_MAX, e);
  for (size_t i = 0; !r && i < json_array_size(list); i++) {
    const char *party;
    enum member_role role;
    r = item(list, "roles", i, &party, &role, e);
    struct charter_member *to = r ? NULL : find_member(&m->c, party);
    if (!r && !to) r = err_set(e, PARLEY_ENOTFOUND, "roles[%zu]: %s is no member", i, party);
    if (to) to->role = role;
  }
  return r;
}

static parley_err remove_some(struct making *m, struct errmsg *e) {
  json_t *list = NULL;
  parley_err r = json_get_arr_opt(&list, m->q, "", "remove", FORUM_MEMBERS_MAX, e);
  for (size_t i = 0; !r && i < json_array_size(list); i++) {
    const char *party = json_string_value(json_array_get(list, i));
    struct charter_member *from = party ? find_member(&m->c, party) : NULL;
    if (!from) return err_set(e, PARLEY_ENOTFOUND, "remove[%zu]: %s is no member", i, party ? party : "(not a string)");
    memmove(from, from + 1, (size_t)(m->c.members + m->c.n_members - from - 1) * sizeof *from);
    m->c.n_members--;
  }
  return r;
}

/* Each signs with its newest key, so the version names the newest card that is at hand. */
static parley_err name_cards(struct making *m, struct errmsg *e) {
  for (size_t i = 0; i < m->c.n_members; i++) {
    struct charter_member *to = &m->c.members[i];
    const struct card *card = node_card(m->n, to->name);
    if (!card) return err_set(e, PARLEY_ENOTFOUND, "the card of %s is not pinned here (parley trust)", to->name);
    memcpy(to->fingerprint, card->fingerprint, SHA256_SIZE);
  }
  qsort(m->c.members, m->c.n_members, sizeof *m->c.members, by_name);
  return PARLEY_OK;
}

/* ---- rules ---- */

static parley_err set_adoption(struct making *m, bool all, struct errmsg *e) {
  const char *adoption = m->c.adoption;
  parley_err r = json_get_str_opt(&adoption, m->q, "", "adoption", e);
  if (!r && strlen(adoption) >= sizeof m->c.adoption) r = err_set(e, PARLEY_EINVAL, "adoption: too long");
  if (r) return r;
  if (adoption != m->c.adoption) snprintf(m->c.adoption, sizeof m->c.adoption, "%s", adoption);
  if (strcmp(m->c.adoption, "threshold")) m->c.threshold = 0;
  if (all || m->c.quorum > (int64_t)m->c.n_members) m->c.quorum = (int64_t)m->c.n_members;
  r = json_get_int_opt(&m->c.threshold, m->q, "", "threshold", 1, FORUM_MEMBERS_MAX, e);
  return r ? r : json_get_int_opt(&m->c.quorum, m->q, "", "quorum", 1, FORUM_MEMBERS_MAX, e);
}

static int by_epoch(const void *a, const void *b) {
  const struct charter_closed *x = a, *y = b;
  const int order = strcmp(x->party, y->party);
  return order ? order : (x->epoch > y->epoch) - (x->epoch < y->epoch);
}

static parley_err add_closed(struct making *m, struct errmsg *e) {
  json_t *list = NULL;
  parley_err r = json_get_arr_opt(&list, m->q, "", "close", CHARTER_CLOSED_MAX, e);
  if (r || !list) return r;
  struct charter_closed *all = arena_alloc(m->a, (m->c.n_closed + json_array_size(list)) * sizeof *all);
  if (!all) return err_set(e, PARLEY_ENOMEM, "out of memory");
  if (m->c.n_closed) memcpy(all, m->c.closed, m->c.n_closed * sizeof *all);
  m->c.closed = all;
  for (size_t i = 0; !r && i < json_array_size(list); i++) {
    const json_t *o = json_array_get(list, i);
    struct charter_closed *to = &all[m->c.n_closed++];
    const char *party;
    int64_t epoch, size;
    char path[32];
    snprintf(path, sizeof path, "close[%zu]", i);
    r = json_get_str(&party, o, path, "party", e);
    r = r ? r : json_get_int(&epoch, o, path, "epoch", 0, INT64_MAX, e);
    r = r ? r : json_get_int(&size, o, path, "size", 0, INT64_MAX, e);
    r = r ? r : json_get_b64(to->root.b, sizeof to->root.b, o, path, "root", e);
    if (r) break;
    snprintf(to->party, sizeof to->party, "%s", party);
    to->epoch = (uint64_t)epoch;
    to->size = (uint64_t)size;
  }
  qsort(all, m->c.n_closed, sizeof *all, by_epoch);
  return r;
}

/* All heads, and all open proposals: whichever of those becomes complete later, the two are no rivals. */
static parley_err set_replaces(struct making *m, const struct versions *v, struct errmsg *e) {
  m->c.n_replaces = 0;
  for (size_t i = 0; i < v->set.n; i++) {
    bool later = false;
    for (size_t k = 0; k < v->set.n; k++)
      later |= v->set.v[i].complete && v->set.v[k].complete && versions_before(&v->set, i, k);
    if (later) continue;
    if (m->c.n_replaces == CHARTER_REPLACES_MAX)
      return err_set(e, PARLEY_ELIMIT, "there are more than %d versions and open proposals to replace",
                     CHARTER_REPLACES_MAX);
    memcpy(m->c.replaces[m->c.n_replaces++], v->p[i]->digest, SHA256_SIZE);
  }
  return PARLEY_OK;
}

static parley_err make(struct making *m, const struct versions *v, struct errmsg *e) {
  const struct charter *now = v->set.v[v->set.in_force].charter;
  const bool all = now->quorum == (int64_t)now->n_members;
  const char *title = now->title;
  m->c = *now;
  m->c.members = arena_alloc(m->a, (FORUM_MEMBERS_MAX + 1) * sizeof *m->c.members);
  if (!m->c.members) return err_set(e, PARLEY_ENOMEM, "out of memory");
  memcpy(m->c.members, now->members, now->n_members * sizeof *m->c.members);
  m->n->env.random(m->n->env.ctx, m->c.nonce, sizeof m->c.nonce);
  parley_err r = json_get_str_opt(&title, m->q, "", "title", e);
  if (!r && strlen(title) >= sizeof m->c.title) r = err_set(e, PARLEY_EINVAL, "title: too long");
  if (!r && title != now->title) snprintf(m->c.title, sizeof m->c.title, "%s", title);
  r = r ? r : remove_some(m, e);
  r = r ? r : set_roles(m, e);
  r = r ? r : admit(m, e);
  r = r ? r : name_cards(m, e);
  r = r ? r : set_adoption(m, all, e);
  r = r ? r : add_closed(m, e);
  return r ? r : set_replaces(m, v, e);
}

/* ---- requests ---- */

/* Signed by us where we are a member of it; who leaves proposes what nobody has signed yet. */
static parley_err take(struct node *n, struct bytes payload, struct arena *a, struct proposal **out, struct errmsg *e) {
  struct charter *c = arena_alloc(a, sizeof *c);
  struct buf envelope = {0};
  if (!c) return err_set(e, PARLEY_ENOMEM, "out of memory");
  parley_err r = charter_parse(c, a, payload, e); /* our own rules bind us first */
  if (!r && c->n_replaces == 0) r = err_set(e, PARLEY_EINVAL, "replaces: a new version names those that it replaces");
  const bool member = !r && charter_member(c, n->own.name) != NULL;
  if (member) r = charter_sign_own(n, payload, &envelope, e);
  if (!r) r = proposal_take(n, member ? buf_view(&envelope) : payload, NULL, out, e);
  buf_free(&envelope);
  return r;
}

static void answer_version(struct node_call *c, unsigned status, const struct proposal *p, struct node_response *out) {
  json_t *o = json_object();
  json_put_hex(o, "forum", p->forum, SHA256_SIZE);
  json_put_hex(o, "version", p->digest, SHA256_SIZE);
  json_put_str(o, "state", version_state(c->n, p));
  answer_json(out, status, o);
}

static parley_err amend(struct node_call *c, const json_t *q, struct proposal **out, struct errmsg *e) {
  static const char *const members[] = {"admit",     "roles",  "remove", "title",   "adoption",
                                        "threshold", "quorum", "close",  "payload", NULL};
  struct making *m = arena_alloc(&c->arena, sizeof *m);
  struct forum *f;
  struct versions v = {0};
  struct buf payload = {0};
  const char *given = NULL;
  if (!m) return err_set(e, PARLEY_ENOMEM, "out of memory");
  m->n = c->n;
  m->a = &c->arena;
  m->q = (json_t *)(uintptr_t)q;
  parley_err r = json_only(q, "", members, e);
  r = r ? r : forum_by_text(&f, c->n, c->path, e);
  r = r ? r : json_get_str_opt(&given, q, "", "payload", e);
  if (!r && f->gone) r = err_set(e, PARLEY_ECONFLICT, "we are no longer a member of “%s”", f->charter.title);
  r = r ? r : versions_gather(c->n, f->id, &v, e);
  if (!r && given)
    r = take(c->n, bytes_str(given), &c->arena, out, e);
  else if (!r)
    r = make(m, &v, e);
  if (!r && !given) r = charter_payload(&payload, &m->c, e);
  if (!r && !given) r = take(c->n, buf_view(&payload), &c->arena, out, e);
  versions_free(&v);
  buf_free(&payload);
  return r;
}

void local_forum_amend(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  struct proposal *p = NULL;
  json_t *q = NULL;
  parley_err r = call_reserve(c, &e);
  r = r ? r : json_parse(&q, buf_view(&c->body), NODE_BODY_MAX, &e);
  r = r ? r : amend(c, q, &p, &e);
  json_decref(q);
  if (r)
    answer_err(c, out, r, &e);
  else
    answer_version(c, 201, p, out);
}

/* The body is the envelope of a version, brought by file; it counts as proposed by the first who has signed it. */
void local_version_take(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  struct proposal *p = NULL;
  bool signed_by[FORUM_MEMBERS_MAX], all;
  struct charter *ch = arena_alloc(&c->arena, sizeof *ch);
  parley_err r = ch ? call_reserve(c, &e) : err_set(&e, PARLEY_ENOMEM, "out of memory");
  if (!r) r = charter_envelope_parse(ch, signed_by, &all, &c->arena, buf_view(&c->body), node_card_lookup, c->n, &e);
  size_t first = 0;
  while (!r && first < ch->n_members && !signed_by[first]) first++;
  if (!r && first == ch->n_members) r = err_set(&e, PARLEY_EVERIFY, "nobody has signed it");
  if (!r) r = proposal_take(c->n, buf_view(&c->body), ch->members[first].name, &p, &e);
  if (r)
    answer_err(c, out, r, &e);
  else
    answer_version(c, 200, p, out);
}
