/*
 * The local API: what goes into a bundle (docs/protocol.md, section 10), in pieces of bounded size. The command line asks for
 * them one after the other and writes the file; a plan names the size of each log's tree, so that all pieces fit together though
 * the logs go on growing.
 */
#include "node/local_bundle.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "node/cosigned_note.h"
#include "record/bundle.h"

#define CARDS_MAX 64    /* of one party: all that are held */
#define HEARD_BACK 1024 /* entries of a counterpart's log that are looked through for what it has heard */

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
 * Where there is no line no member can be asked what it holds: an officer who exports takes that upon himself, as the operator
 * of a forum of one does. A log that has stopped, or whose store went back behind the signer's memory, still does not sign.
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

/* ---- GET /v1/bundle/logs/HEX/for/P: one log's plan ---- */

/* The largest tree of ours that the party had cosigned at that time. */
static uint64_t cosigned_at(struct node *n, const struct own_log *l, const char *party, int64_t time) {
  struct cosignature s;
  uint64_t size = 0;
  if (time == INT64_MAX) return cosignature_newest(n, l, party, &s, NULL) == PARLEY_OK ? s.size : 0;
  while (cosignature_covering(n, l, party, size, &s, NULL) == PARLEY_OK && s.time <= time) size = s.size;
  return size;
}

/* What it said in its own log to hold of another's, or 0. */
static uint64_t heard_by(struct member *m, const char *author) {
  struct copy *copy = mirror_copy(m->log.mirror);
  uint64_t found = 0;
  const uint64_t size = copy_size(copy);
  for (uint64_t i = size; !found && i > 0 && size - i < HEARD_BACK; i--) {
    struct arena a = {0};
    struct bytes entry;
    struct statement s = {0};
    struct dsse d;
    if (!copy_entry(copy, i - 1, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL))
      for (size_t k = 0; k < s.n_heard; k++)
        if (!strcmp(s.heard[k].party, author) && s.heard[k].size > found) found = s.heard[k].size;
    statement_clear(&s);
    arena_free(&a);
  }
  return found;
}

static uint64_t carried_size(struct node *n, const char *origin, const char *party) {
  struct arena a = {0};
  struct bytes note;
  uint64_t size = 0;
  carried_note_get(n, origin, party, &a, &note, &size, NULL);
  arena_free(&a);
  return size;
}

/* How much of the log the party is known to hold; at that time, where there is one. */
static uint64_t known_held(struct node *n, const struct bundle_log *l, struct member *m, int64_t since) {
  if (l->own) return cosigned_at(n, l->own, m->peer->card.name, since);
  if (since != INT64_MAX) return 0; /* of other members' logs nothing is known for a time that is past */
  const uint64_t carried = carried_size(n, l->origin, m->peer->card.name);
  const uint64_t heard = l->theirs->bulk ? 0 : heard_by(m, l->theirs->from->peer->card.name);
  return carried > heard ? carried : heard;
}

static void put_cosigned(json_t *list, const char *party, struct bytes note) {
  json_t *o = json_object();
  json_put_str(o, "party", party);
  json_object_set_new(o, "note", json_stringn((const char *)note.p, note.n));
  json_array_append_new(list, o);
}

/* Our own log with the newest cosignature of a member. */
static void put_own(struct node *n, struct own_log *l, struct member *m, json_t *list) {
  struct cosignature s;
  struct hash root;
  struct buf note = {0};
  const struct push *p = l->bulk ? &m->bulk_push : &m->push;
  const uint64_t size = p->log == l ? p->cosigned : cosigned_at(n, l, m->peer->card.name, INT64_MAX);
  if (!size || cosignature_at(n, l, m->peer->card.name, size, &s, NULL) || copy_root(l->copy, size, &root, NULL))
    return;
  checkpoint_text(&note, l->origin, size, &root);
  buf_fmt(&note, "\n%s\n%s\n", s.log_line, s.line);
  if (buf_ok(&note)) put_cosigned(list, m->peer->card.name, buf_view(&note));
  buf_free(&note);
}

static json_t *cosigned_json(struct node *n, const struct bundle_log *l) {
  json_t *list = json_array();
  struct mirror_state s = {0};
  if (l->theirs) mirror_state(l->theirs->mirror, &s);
  if (s.note.n) put_cosigned(list, n->own.name, s.note);
  for (size_t i = 0; i < l->forum->n_members; i++) {
    struct member *m = &l->forum->members[i];
    struct arena a = {0};
    struct bytes note;
    uint64_t size;
    if (l->own)
      put_own(n, l->own, m, list);
    else if (carried_note_get(n, l->origin, m->peer->card.name, &a, &note, &size, NULL) == PARLEY_OK)
      put_cosigned(list, m->peer->card.name, note);
    arena_free(&a);
  }
  return list;
}

void local_bundle_log(struct node_call *c, struct node_response *out) {
  struct bundle_log l;
  struct errmsg e;
  char text[24];
  uint64_t since = INT64_MAX;
  if (!bundle_log_find(c, &l, out)) return;
  struct member *m = forum_member(l.forum, c->rest);
  if (!m || (query_text(c->query, "since", text, sizeof text) && !dec_decode(&since, bytes_str(text)))) {
    err_set(&e, PARLEY_EINVAL, "for whom is no other member of the forum, or since is no number of seconds");
    answer_err(c, out, PARLEY_EINVAL, &e);
    return;
  }
  struct mirror_state s = {0};
  if (l.theirs) mirror_state(l.theirs->mirror, &s);
  const struct bytes note = l.own ? buf_view(&l.own->note) : s.note;
  const uint64_t size = l.own ? l.own->signed_size : s.size;
  const bool carries = note.n && size && !(l.theirs && l.theirs->from == m);
  uint64_t start = carries ? known_held(c->n, &l, m, (int64_t)since) : 0;
  start = start < size ? start - start % MIRROR_PACKAGE_ENTRIES : size;
  json_t *o = json_object();
  json_put_str(o, "origin", l.origin);
  if (carries) {
    json_object_set_new(o, "checkpoint", json_stringn((const char *)note.p, note.n));
    json_put_int(o, "start", (int64_t)start);
    json_put_int(o, "end", (int64_t)size);
  }
  json_object_set_new(o, "cosigned", cosigned_json(c->n, &l));
  answer_json(out, 200, o);
}

/* ---- GET /v1/bundle/logs/HEX/entries/START-END ---- */

/* The body of an add-entries request for [start, end) in the tree of end: as many packages as BUNDLE_SPLIT takes. */
void local_bundle_entries(struct node_call *c, struct node_response *out) {
  struct bundle_log l;
  struct errmsg e;
  if (!bundle_log_find(c, &l, out)) return;
  const char *dash = strchr(c->rest, '-');
  struct mirror_state s = {0};
  if (l.theirs) mirror_state(l.theirs->mirror, &s);
  struct add_entries_head h = {.origin = bytes_str(l.origin)};
  uint64_t next;
  parley_err r = dash && dec_decode(&h.start, BYTES(c->rest, (size_t)(dash - c->rest))) &&
                         dec_decode(&h.end, bytes_str(dash + 1)) && h.start < h.end &&
                         h.end <= (l.own ? l.own->signed_size : s.size)
                     ? PARLEY_OK
                     : err_set(&e, PARLEY_EINVAL, "%s are no entries of that log under a checkpoint", c->rest);
  if (!r) {
    add_entries_head_write(&out->body, &h);
    r = copy_packages(l.own ? l.own->copy : mirror_copy(l.theirs->mirror), h.start, h.end, BUNDLE_SPLIT, &out->body,
                      &next, &e);
  }
  if (r) {
    buf_free(&out->body);
    answer_err(c, out, r, &e);
    return;
  }
  out->status = 200;
  out->content_type = "application/octet-stream";
}
