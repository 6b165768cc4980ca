/*
 * The local API: taking in what a bundle carries, piece by piece, each as if its party had sent it over the line
 * (docs/protocol.md, section 10). Entries go through add-entries of peer.c.
 */
#include <string.h>

#include "base/encoding.h"
#include "node/cosigned_note.h"
#include "node/forks.h"
#include "node/local_bundle.h"
#include "record/bundle_join.h"

/* ---- POST /v1/bundle/charter?from=P ---- */

void local_bundle_charter(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  char from[PARTY_NAME_MAX + 1];
  struct proposal *p = NULL;
  parley_err r = query_text(c->query, "from", from, sizeof from) && node_peer(c->n, from)
                     ? proposal_take(c->n, buf_view(&c->body), from, &p, &e)
                     : err_set(&e, PARLEY_ENOTFOUND, "from: no party of that name is pinned here (parley trust)");
  if (r) {
    answer_err(c, out, r, &e);
    if (r == PARLEY_EBUSY) out->status = 429, out->retry_after = 600;
    return;
  }
  const struct charter_member *me = charter_member(&p->charter, c->n->own.name);
  json_t *o = json_object();
  json_put_hex(o, "forum", p->digest, SHA256_SIZE);
  json_put_str(o, "title", p->charter.title);
  json_put_str(o, "state",
               p->complete                                    ? "in_force"
               : me && !p->signed_by[me - p->charter.members] ? "proposed"
                                                              : "signed");
  answer_json(out, 200, o);
}

/* ---- GET /v1/bundle/logs/HEX: what is held ---- */

void local_bundle_held(struct node_call *c, struct node_response *out) {
  struct bundle_log l;
  if (!bundle_log_find(c, &l, out)) return;
  struct mirror_state s = {0};
  if (l.theirs) mirror_state(l.theirs->mirror, &s);
  json_t *o = json_object();
  json_put_str(o, "origin", l.origin);
  json_object_set_new(o, "own", json_boolean(l.own != NULL));
  json_put_int(o, "size", (int64_t)(l.own ? l.own->signed_size : s.size));
  json_put_int(o, "next", (int64_t)(l.own ? copy_size(l.own->copy) : s.next));
  json_put_int(o, "pending", (int64_t)(l.own ? l.own->signed_size : s.pending_size));
  answer_json(out, 200, o);
}

/* ---- POST /v1/bundle/logs/HEX/checkpoint ---- */

/* Of the request: {"note", "next", "pending", "hashes"}. */
struct arriving {
  const char *note;
  int64_t next, pending;
  json_t *hashes;
  struct hash *list;
  size_t n;
  uint64_t size; /* of its checkpoint */
};

static parley_err parse_arriving(struct arriving *q, struct arena *a, const json_t *o, struct errmsg *e) {
  static const char *const members[] = {"note", "next", "pending", "hashes", NULL};
  parley_err r = json_only(o, "", members, e);
  r = r ? r : json_get_str(&q->note, o, "", "note", e);
  r = r ? r : json_get_int(&q->next, o, "", "next", 0, INT64_MAX >> 10, e);
  r = r ? r : json_get_int(&q->pending, o, "", "pending", 0, INT64_MAX >> 10, e);
  r = r ? r : json_get_arr(&q->hashes, o, "", "hashes", 0, 2 * LEAF_RUN_MAX, e);
  q->list = r ? NULL : arena_alloc(a, (json_array_size(q->hashes) + 1) * sizeof *q->list);
  if (!r && !q->list) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (; !r && q->n < json_array_size(q->hashes); q->n++) {
    const char *text = json_string_value(json_array_get(q->hashes, q->n));
    if (!text || !base64_decode_fixed(q->list[q->n].b, sizeof q->list->b, bytes_str(text), true))
      r = err_set(e, PARLEY_EINVAL, "hashes[%zu]: must be base64 of 32 bytes", q->n);
  }
  return r;
}

/* The log of a member's next epoch is made when its first checkpoint comes, as over the line. */
static parley_err find_or_open(struct node_call *c, struct arriving *q, struct bundle_log *l, struct errmsg *e) {
  struct note note;
  struct checkpoint cp;
  parley_err r = note_parse(&note, &c->arena, bytes_str(q->note), e);
  if (!r) r = checkpoint_parse(&cp, note.text, e);
  if (r) return r;
  q->size = cp.size;
  *l = (struct bundle_log){0};
  if (!bundle_log_look(c, l)) r = their_epoch_next(c->n, cp.origin, bytes_str(q->note), &l->theirs, e);
  if (!r && l->theirs && l->theirs->from->gone) l->theirs = NULL; /* of who has left nothing more is taken */
  if (!r && l->own) return err_set(e, PARLEY_EREFUSED, "that log is our own");
  return r || l->theirs ? r : err_set(e, PARLEY_ENOTFOUND, "no forum that is in force here has that log");
}

/* Where it goes on from what is pending: the proof that the log's author would have sent. */
static parley_err prove(struct add_checkpoint *r, const struct arriving *q, struct mirror *m, struct errmsg *e) {
  struct leaf_run a, b;
  const struct hash *list = q->list;
  size_t n = q->n;
  if (q->size <= r->old || r->old == 0) return PARLEY_OK;
  if (!leaf_run_take(&a, (uint64_t)q->next, r->old, &list, &n) || !leaf_run_take(&b, r->old, q->size, &list, &n) || n)
    return err_set(e, PARLEY_EINVAL, "hashes: not those of the entries [%lld, %llu)", (long long)q->next,
                   (unsigned long long)q->size);
  return leaf_run_consistency(&r->proof, copy_source(mirror_copy(m)), &a, &b, e);
}

static parley_err make_request(struct buf *body, const struct arriving *q, struct mirror *m, struct errmsg *e) {
  struct mirror_state s;
  mirror_state(m, &s);
  if ((uint64_t)q->next != s.next || (uint64_t)q->pending != s.pending_size)
    return err_set(e, PARLEY_ECONFLICT, "more of this log has arrived meanwhile; import the bundle again");
  /* An older one goes as the network would bring it: it is refused, unless it convicts the log. */
  struct add_checkpoint r = {.old = s.pending_size < q->size ? s.pending_size : q->size, .note = bytes_str(q->note)};
  parley_err err = prove(&r, q, m, e);
  if (err) return err;
  add_checkpoint_write(body, &r);
  return buf_ok(body) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

void local_bundle_checkpoint(struct node_call *c, struct node_response *out) {
  struct bundle_log l;
  struct arriving q = {0};
  struct buf body = {0};
  struct errmsg e;
  json_t *o = NULL;
  parley_err r = json_parse(&o, buf_view(&c->body), NODE_BODY_MAX, &e);
  if (!r) r = parse_arriving(&q, &c->arena, o, &e);
  if (!r) r = find_or_open(c, &q, &l, &e);
  if (!r) r = make_request(&body, &q, l.theirs->mirror, &e);
  if (r)
    answer_err(c, out, r, &e);
  else
    peer_checkpoint_take(c, l.theirs, buf_view(&body), out);
  buf_free(&body);
  json_decref(o);
}

/* ---- POST /v1/bundle/entries ---- */

void local_bundle_upload(struct node_call *c, struct bytes in) {
  if (!c->answer.status) peer_entries_data(c, in, &c->answer);
}

void local_bundle_uploaded(struct node_call *c, struct node_response *out) {
  if (!c->answer.status) peer_entries_end(c, &c->answer);
  *out = c->answer;
  c->answer = (struct node_response){0};
}

/* ---- POST /v1/bundle/logs/HEX/cosigned/P ---- */

void local_bundle_cosigned(struct node_call *c, struct node_response *out) {
  struct bundle_log l;
  struct errmsg e;
  bool fresh = false;
  if (!bundle_log_find(c, &l, out)) return;
  const parley_err r = l.own ? cosigned_note_take(c->n, l.own, c->rest, buf_view(&c->body), &fresh, &e)
                             : carried_note_take(c->n, l.theirs, c->rest, buf_view(&c->body), &fresh, &e);
  if (r == PARLEY_ECONFLICT && l.theirs) forks_of_note(c->n, l.theirs, l.theirs->from->peer, buf_view(&c->body));
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  json_t *o = json_object();
  json_object_set_new(o, "own", json_boolean(l.own != NULL));
  json_object_set_new(o, "new", json_boolean(fresh));
  answer_json(out, 200, o);
}
