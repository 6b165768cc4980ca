/*
 * The local API: one log of a bundle. What of it a party is not known to hold, the notes with cosignatures over it, and its
 * entries as bodies of add-entries (docs/protocol.md, section 10).
 */
#include <string.h>

#include "base/encoding.h"
#include "node/cosigned_note.h"
#include "node/local_bundle.h"
#include "record/bundle.h"

#define HEARD_BACK 1024 /* entries of a counterpart's log that are looked through for what it has heard */

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
static uint64_t heard_by(struct member *m, const char *author, uint64_t epoch) {
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
        if (!strcmp(s.heard[k].party, author) && s.heard[k].epoch == epoch && s.heard[k].size > found)
          found = s.heard[k].size;
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
  const uint64_t heard = l->theirs->bulk ? 0 : heard_by(m, l->theirs->from->peer->card.name, l->theirs->epoch);
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
