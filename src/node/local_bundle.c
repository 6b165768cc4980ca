/*
 * The local API: what goes into a bundle (docs/protocol.md, section 10), in pieces of bounded size. The command line
 * asks for them one after the other and writes the file; a plan names the size of each log's tree, so that all pieces
 * fit together though the logs go on growing.
 */
#include "node/local_bundle.h"

#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"

#define CARDS_MAX 64 /* of one party: all that are held */

/* ---- whose logs ---- */

bool bundle_log_look(const struct node_call *c, struct bundle_log *out) {
  for (struct forum *f = c->n->forums; f; f = f->next) {
    struct own_log *own[] = {&f->log, &f->bulk};
    for (size_t i = 0; i < 2; i++)
      for (struct own_log *l = own[i]; l; l = l->older)
        if (!strcmp(c->path, l->path)) return *out = (struct bundle_log){l, NULL, f, l->origin}, true;
    for (size_t i = 0; i < f->n_members; i++) {
      struct their_log *theirs[] = {&f->members[i].log, &f->members[i].bulk, f->members[i].ahead};
      for (size_t k = 0; k < 3; k++)
        for (struct their_log *l = theirs[k]; l; l = l->older)
          if (!strcmp(c->path, l->path)) return *out = (struct bundle_log){NULL, l, f, l->origin}, true;
    }
  }
  return false;
}

bool bundle_log_find(struct node_call *c, struct bundle_log *out, struct node_response *response) {
  struct errmsg e;
  if (bundle_log_look(c, out)) return true;
  err_set(&e, PARLEY_ENOTFOUND, "no forum that is in force here has that log");
  answer_err(c, response, PARLEY_ENOTFOUND, &e);
  return false;
}

/* ---- POST /v1/bundle: the plan ---- */

struct subject {
  uint8_t id[SHA256_SIZE];
  struct forum *forum;       /* in force with the party among its members; or NULL: */
  struct proposal *proposal; /* a version with it, signed by us, that waits for others */
};

static bool signed_by_us(const struct node *n, const struct proposal *p) {
  const struct charter_member *me = charter_member(&p->charter, n->own.name);
  return me && p->signed_by[me - p->charter.members];
}

static bool begins_with(const uint8_t id[static SHA256_SIZE], const char *text) {
  char hex[2 * SHA256_SIZE + 1];
  hex_encode(hex, BYTES(id, SHA256_SIZE));
  return !strncmp(hex, text, strlen(text));
}

static const uint8_t *forum_of(const struct proposal *p) { return p->placed ? p->forum : p->digest; }

static bool is_member(const struct forum *f, const char *party) {
  const struct member *m = forum_member(f, party);
  return m && !m->gone;
}

/* An open version that the party is to sign: of a forum that is not in force, or that it is not in yet. */
static bool invites(const struct node *n, const struct proposal *p, const char *party) {
  const struct forum *f = forum_find(n, forum_of(p));
  return !p->complete && signed_by_us(n, p) && charter_member(&p->charter, party) && !(f && is_member(f, party));
}

/* The one forum with that party whose id begins so; "" fits all. */
static parley_err find_subject(const struct node *n, const char *party, const char *id, struct subject *out,
                               struct errmsg *e) {
  unsigned found = 0;
  *out = (struct subject){0};
  for (struct forum *f = n->forums; f; f = f->next)
    if (is_member(f, party) && begins_with(f->id, id)) {
      found++;
      *out = (struct subject){.forum = f};
      memcpy(out->id, f->id, SHA256_SIZE);
    }
  for (struct proposal *p = n->proposals; p; p = p->next)
    if (invites(n, p, party) && (begins_with(forum_of(p), id) || begins_with(p->digest, id)) &&
        !(out->proposal && !memcmp(out->id, forum_of(p), SHA256_SIZE))) {
      found++;
      *out = (struct subject){.proposal = p};
      memcpy(out->id, forum_of(p), SHA256_SIZE);
    }
  if (found == 1) return PARLEY_OK;
  if (found)
    return err_set(e, PARLEY_ECONFLICT, "there are several forums with %s; name one with --forum (parley forum list)",
                   party);
  return err_set(e, PARLEY_ENOTFOUND, "no forum%s%s with %s is in force here or signed by us (parley forum list)",
                 *id ? " " : "", id, party);
}

static void put_text(json_t *list, struct bytes text) {
  json_array_append_new(list, json_stringn((const char *)text.p, text.n));
}

/* Of all members but the one that it is for, which has its own. */
static json_t *cards_json(const struct node *n, const struct charter *ch, const char *party) {
  json_t *list = json_array();
  for (size_t i = 0; i < ch->n_members; i++) {
    const struct card *cards[CARDS_MAX];
    if (!strcmp(ch->members[i].name, party)) continue;
    const size_t k = node_cards(n, ch->members[i].name, cards, CARDS_MAX);
    for (size_t j = 0; j < k; j++) put_text(list, cards[j]->envelope);
  }
  return list;
}

/* The complete versions, each after those that it replaces, then the open ones that we have signed. */
static json_t *charters_json(struct node *n, const struct subject *s) {
  json_t *list = json_array();
  struct versions v = {0};
  if (versions_gather(n, s->id, &v, NULL)) json_lose();
  for (size_t i = 0; i < v.n_order; i++) put_text(list, buf_view(&v.p[v.order[i]]->envelope));
  for (size_t i = 0; i < v.set.n; i++)
    if (!v.set.v[i].complete && signed_by_us(n, v.p[i])) put_text(list, buf_view(&v.p[i]->envelope));
  versions_free(&v);
  return list;
}

/* Older epochs before newer ones: what opens an epoch refers to the one before. */
static void put_own_paths(json_t *list, const struct own_log *l) {
  if (l->older) put_own_paths(list, l->older);
  json_array_append_new(list, json_string(l->path));
}

static void put_their_paths(json_t *list, const struct their_log *l) {
  if (l->older) put_their_paths(list, l->older);
  json_array_append_new(list, json_string(l->path));
}

static json_t *logs_json(const struct forum *f) {
  json_t *list = json_array();
  for (int bulk = 0; f && bulk < 2; bulk++) {
    put_own_paths(list, bulk ? &f->bulk : &f->log);
    for (size_t i = 0; i < f->n_members; i++) put_their_paths(list, bulk ? &f->members[i].bulk : &f->members[i].log);
  }
  return list;
}

/*
 * Where there is no line no member can be asked what it holds: an officer who exports takes that upon himself, as the
 * operator of a forum of one does. A log that has stopped, or whose store went back behind the signer's memory, still
 * does not sign.
 */
static void sign_without_asking(struct node *n, struct forum *f) {
  struct own_log *logs[] = {&f->log, &f->bulk};
  for (size_t i = 0; i < 2; i++) {
    if (logs[i]->stopped || logs[i]->ready) continue;
    logs[i]->ready = true;
    logs[i]->why[0] = '\0';
  }
  sign_logs(n);
}

/* Sentences on what is left out of it. */
static json_t *warnings_json(const struct forum *f) {
  json_t *list = json_array();
  const struct own_log *logs[] = {&f->log, &f->bulk};
  for (size_t i = 0; f && i < 2; i++)
    if (copy_size(logs[i]->copy) > logs[i]->signed_size)
      json_array_append_new(list,
                            json_string(logs[i]->why[0] ? logs[i]->why : "our newest entries are not signed yet"));
  return list;
}

void local_bundle(struct node_call *c, struct node_response *out) {
  struct node *n = c->n;
  struct subject s;
  struct errmsg e;
  char party[PARTY_NAME_MAX + 1], id[2 * SHA256_SIZE + 1] = "";
  parley_err r = query_text(c->query, "for", party, sizeof party) && node_peer(n, party)
                     ? PARLEY_OK
                     : err_set(&e, PARLEY_ENOTFOUND, "for: no party of that name is pinned here (parley trust)");
  query_text(c->query, "forum", id, sizeof id);
  if (!r) r = find_subject(n, party, id, &s, &e);
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  if (s.forum) sign_without_asking(n, s.forum);
  const struct charter *ch = s.forum ? &s.forum->charter : &s.proposal->charter;
  json_t *o = json_object();
  json_put_str(o, "from", n->own.name);
  json_put_str(o, "for", party);
  json_put_hex(o, "forum", s.id, SHA256_SIZE);
  json_put_str(o, "title", ch->title);
  json_put_time(o, "time", node_wall(n));
  json_object_set_new(o, "cards", cards_json(n, ch, party));
  json_object_set_new(o, "charters", charters_json(n, &s));
  json_object_set_new(o, "logs", logs_json(s.forum));
  if (s.forum) json_object_set_new(o, "warnings", warnings_json(s.forum));
  answer_json(out, 200, o);
}
